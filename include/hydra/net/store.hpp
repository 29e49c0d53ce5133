// Records that survive a crash: an append-only file, one for each head.
//
//   "HYDRA-J1"  then entries as in record_store.hpp
//
// Promise: what commit() returned from is there after a crash of the process or the machine
// (fsync); an entry is there whole or not at all (length and checksum). Records lie encoded with
// keys, so they outlive handles.
// A torn tail is cut off when the file is opened, and counted; it is one only if no whole entry
// follows it. Otherwise the file is damaged, and open() refuses it, naming the byte, and leaves it
// as it is. Two cases look like the other: damage to the very last entry is taken for a torn tail;
// a machine that crashed with the later pages of a group on the disk but not the earlier ones
// leaves what is refused (that group was never promised: cut the file at the byte named).
// The file is rewritten (temporary file, fsync, rename, fsync of the folder) when it is opened,
// has grown to more than twice what it holds and compact_bytes_min, or has no room for a group.
// It never grows over its bound (store_bytes_max unless said otherwise): a group that does not fit
// beside the records that live is refused whole. Near the bound each group costs a rewrite.
// After a failure to write nothing more is written: what follows half an entry would be lost.
// Errors: a result that names the path and what failed. Not for two processes at once.
#pragma once

#include <hydra/net/record_store.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t store_bytes_max = 1U << 28U;  // a longer one is not written, nor read
inline constexpr std::size_t compact_bytes_min = 1U << 20U;
inline constexpr std::size_t search_bytes_max = 1U << 28U;  // summed up in search of whole entries

class store final : public record_store {
 public:
  // An empty path keeps everything in memory: it survives nothing, for tests that do not care.
  explicit store(std::string path, std::size_t bytes_max = store_bytes_max)
      : path_{std::move(path)}, bytes_max_{bytes_max} {}
  ~store() override { close(); }

  // Reads what is there; creates the file when it is missing.
  [[nodiscard]] result<bool> open() override {
    if (path_.empty()) return true;
    auto read = read_all();
    if (!read) return read;
    return rewrite();
  }
  [[nodiscard]] record_map const& records() const noexcept override { return records_; }
  [[nodiscard]] std::uint64_t lives() const noexcept override { return lives_; }
  [[nodiscard]] std::size_t torn_bytes() const noexcept override { return torn_; }

  [[nodiscard]] result<bool> commit(std::vector<std::byte> const& batch) override {
    if (!path_.empty() && file_ < 0) {
      return error{"cannot write to " + path_ + ": it is not open, or writing failed before"};
    }
    if (!path_.empty() && batch.size() > bytes_max_ - std::min(bytes_, bytes_max_)) {
      return commit_by_rewriting(batch);
    }
    auto const applied = apply(batch);
    HYDRA_EXPECTS(applied == batch.size());
    if (path_.empty()) return true;
    if (!write_all(file_, batch) || ::fsync(file_) != 0) return given_up("write to");
    bytes_ += batch.size();
    if (bytes_ > compact_bytes_min && bytes_ > 2 * held_bytes()) return rewrite();
    return true;
  }
  void close() noexcept override {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  static constexpr std::size_t file_head = 8 + entry_min;  // the magic and the life
  static std::span<std::byte const> magic() noexcept {
    return std::as_bytes(std::span{"HYDRA-J1", 8});
  }
  error failed(char const* doing) const {
    return {"cannot " + std::string{doing} + " " + path_ + ": " + std::strerror(errno)};
  }
  // Nothing is written after this: see above.
  error given_up(char const* doing) {
    auto const why = failed(doing);
    close();
    return why;
  }
  error over_bound(char const* doing) const {
    return {"cannot " + std::string{doing} + " " + path_ + ": it would be over " +
            std::to_string(bytes_max_) + " bytes"};
  }
  static bool write_all(int file, std::span<std::byte const> bytes) noexcept {
    while (!bytes.empty()) {
      auto const n = ::write(file, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    std::size_t n = 0;
    for (auto const& [name, bytes] : records_) n += entry_min + bytes.size();
    return n;
  }
  // The batch with what lives, as a new file: there is no room to append it.
  [[nodiscard]] result<bool> commit_by_rewriting(std::vector<std::byte> const& batch) {
    auto const records = records_;
    auto const lives = lives_;
    auto const applied = apply(batch);
    HYDRA_EXPECTS(applied == batch.size());
    if (file_head + held_bytes() <= bytes_max_) return rewrite();
    records_ = records;
    lives_ = lives;
    return over_bound("write to");
  }
  // Whether a whole entry begins anywhere in what is left. Records may be written so that there
  // are many places to try: after search_bytes_max the answer is yes, which loses nothing.
  [[nodiscard]] static bool holds_entry(std::span<std::byte const> in) noexcept {
    std::size_t summed = 0;
    for (; in.size() >= entry_min; in = in.subspan(1)) {
      auto const length = length_at(in);
      auto const kind = std::to_integer<unsigned>(in[8]);
      if (length == 0 || kind < 1 || kind > 3) continue;
      summed += length;
      if (summed > search_bytes_max || sum_holds(in, length)) return true;
    }
    return false;
  }
  // Applies whole entries; returns how many bytes they were.
  std::size_t apply(std::span<std::byte const> in) {
    return each_entry(in, [this](what op, record_name of, std::span<std::byte const> body) {
      switch (op) {
        case what::keep: records_[of].assign(body.begin(), body.end()); break;
        case what::erase: records_.erase(of); break;
        case what::life: lives_ = of.name; break;
        default: break;  // written by a later version
      }
    });
  }
  [[nodiscard]] result<bool> read_all() {
    int const in = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0) return errno == ENOENT ? result<bool>{true} : result<bool>{failed("open")};
    std::vector<std::byte> all;
    std::array<std::byte, 65536> piece;
    for (;;) {
      auto const n = ::read(in, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {  // not the end of the file: what was not read must not be taken for missing
        auto const why = failed("read");
        ::close(in);
        return why;
      }
      if (n == 0) break;
      all.insert(all.end(), piece.begin(), piece.begin() + n);
      if (all.size() > bytes_max_) break;
    }
    ::close(in);
    if (all.size() > bytes_max_) {
      return error{path_ + " is over " + std::to_string(bytes_max_) + " bytes"};
    }
    if (all.empty()) return true;
    if (all.size() < 8 || std::memcmp(all.data(), magic().data(), 8) != 0) {
      return error{path_ + " is not a journal of records (it should begin with HYDRA-J1)"};
    }
    auto const body = std::span<std::byte const>{all}.subspan(8);
    auto const whole = apply(body);
    if (whole < body.size() && holds_entry(body.subspan(whole + 1))) {
      return error{path_ + " is damaged at byte " + std::to_string(8 + whole) +
                   ": the entry there does not hold, but whole ones follow; left as it is"};
    }
    torn_ = body.size() - whole;
    return true;
  }
  [[nodiscard]] result<bool> rewrite() {
    std::vector<std::byte> all{magic().begin(), magic().end()};
    append(all, what::life, {0, lives_}, {});
    for (auto const& [name, bytes] : records_) append(all, what::keep, name, bytes);
    if (all.size() > bytes_max_) return over_bound("rewrite");
    auto const fresh = path_ + ".new";
    close();
    file_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) return failed("create the successor of");
    if (!write_all(file_, all) || ::fsync(file_) != 0) return given_up("write the successor of");
    if (::rename(fresh.c_str(), path_.c_str()) != 0) return given_up("replace");
    auto const slash = path_.rfind('/');
    auto const folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    int const dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return given_up("open the folder of");
    bool const synced = ::fsync(dir) == 0;
    ::close(dir);
    if (!synced) return given_up("sync the folder of");
    bytes_ = all.size();
    return true;
  }

  std::string path_;
  std::size_t bytes_max_;
  int file_ = -1;
  std::size_t bytes_ = 0;
  std::size_t torn_ = 0;
  std::uint64_t lives_ = 0;
  record_map records_;
};

}  // namespace hydra::net
