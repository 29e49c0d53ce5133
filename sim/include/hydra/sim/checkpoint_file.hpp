// The file of a checkpoint: there in full or not at all, and never believed before it is checked.
//
//   magic (16 bytes), format (u32), bytes of the head (u32), the head, the state, the end:
//   bytes before the end (u64), two checksums (2 x u64), a mark (u64); integers little-endian
//
// Promises. A file is written under another name, forced to the disk and renamed: whatever happens
// on the way, the file of before stays as it was, and nothing else is left. Who reads it is told
// what is wrong: not a checkpoint, another format, cut off, damaged. The head is read by the
// bounded reader of core/bytes.hpp, whoever wrote it; the state only by the same build.
// Not promised: safety from a file that somebody forged on purpose. A checkpoint is trusted as much
// as the program that reads it.
// Cost: 64 KiB; the file is read twice, first for the checksum (some GB/s).
#pragma once

#include <hydra/sim/atomic_file.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

namespace hydra::sim {

inline constexpr std::uint32_t checkpoint_format = 1;

// Says what is wrong, beginning with the path.
struct checkpoint_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// It could not be written: nothing is wrong with what was to be written.
struct checkpoint_unwritten : checkpoint_error {
  using checkpoint_error::checkpoint_error;
};

// What can be known of a checkpoint before its state is read.
struct checkpoint_head {
  std::string build;         // version, compiler, library: the state means something to it only
  std::uint64_t layout = 0;  // of the node, its messages and activities
  std::uint64_t places = 0;  // of the setting: who is where, and how far
  std::string scenario;      // as it was typed
  std::string text;          // of its file
  std::string settings;      // all of them, as a scenario file
  std::vector<std::string> sets;
  std::uint64_t peers = 0;
  std::int64_t at = 0;       // ns simulated
  bool permute = false;
  bool wire_check = false;
  bool alone = false;
  bool unverified = false;
};

[[nodiscard]] std::string version_of_library();

namespace detail {

// 128 bits over 8-byte words: against accidents, not against forgers.
class checksum {
 public:
  void add(char const* bytes, std::size_t count) noexcept;  // a multiple of 8 but for the last
  [[nodiscard]] std::uint64_t one() const noexcept { return one_; }
  [[nodiscard]] std::uint64_t two() const noexcept { return two_; }

 private:
  void word(std::uint64_t w) noexcept;
  std::uint64_t one_ = 0x243f6a8885a308d3U;
  std::uint64_t two_ = 0x13198a2e03707344U;
};

inline constexpr std::size_t checkpoint_buffer = 65536;

}  // namespace detail

// What is put into it goes to the file. Throws checkpoint_unwritten.
class checkpoint_writer : public std::streambuf {
 public:
  checkpoint_writer(std::string path, checkpoint_head const& head);
  checkpoint_writer(checkpoint_writer const&) = delete;
  checkpoint_writer& operator=(checkpoint_writer const&) = delete;
  // The bytes of the file, which is there now.
  std::uint64_t finish();
  // Why something could not be written; empty: all was.
  [[nodiscard]] std::string const& wrong() const noexcept { return file_.wrong(); }

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(char const* bytes, std::streamsize count) override;

 private:
  bool flush();
  void put(void const* bytes, std::size_t count);
  [[noreturn]] void fail() const;

  atomic_file file_;
  detail::checksum sum_;
  std::vector<char> buffer_;
};

// What comes out of it is the state. Throws checkpoint_error.
class checkpoint_reader : public std::streambuf {
 public:
  explicit checkpoint_reader(std::string path);
  checkpoint_reader(checkpoint_reader const&) = delete;
  checkpoint_reader& operator=(checkpoint_reader const&) = delete;
  ~checkpoint_reader() override;
  [[nodiscard]] checkpoint_head const& head() const noexcept { return head_; }
  // Bytes of the state that were not taken yet.
  [[nodiscard]] std::uint64_t left() const noexcept;
  [[noreturn]] void fail(std::string const& why) const;

 protected:
  int_type underflow() override;
  std::streamsize xsgetn(char* to, std::streamsize count) override;

 private:
  void check_end(std::uint64_t size);
  void read_head();
  [[nodiscard]] bool read(char* to, std::size_t count);

  std::string path_;
  int file_ = -1;
  std::uint64_t unread_ = 0;  // of the state, in the file
  checkpoint_head head_;
  std::vector<char> buffer_;
};

}  // namespace hydra::sim
