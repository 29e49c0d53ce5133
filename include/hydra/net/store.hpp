// Records that survive a crash: an append-only file, one for each head.
//
//   "HYDRA-J1"  then entries  {u32 length, u32 crc32, payload}
//   payload     {u8 what (1 keep, 2 erase, 3 life), u32 type, u64 name, record bytes}
//
// Promise: what commit() returned from is there after a crash of the process or the machine
// (fsync); an entry is there whole or not at all (length and checksum); a torn tail is cut off
// when the file is opened, and counted. Records lie encoded with keys, so they outlive handles.
// The file is rewritten (temporary file, fsync, rename, fsync of the folder) when it is opened
// or has grown to more than twice what it holds and compact_bytes_min.
// Errors: a result that names the path and what failed. Not for two processes at once.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/wire/frame.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

inline constexpr std::size_t record_bytes_max = 65536;
inline constexpr std::size_t store_bytes_max = 1U << 28U;  // a longer file is refused
inline constexpr std::size_t compact_bytes_min = 1U << 20U;

namespace detail {

[[nodiscard]] inline std::uint32_t crc32(std::span<std::byte const> bytes) noexcept {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      auto c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xedb88320U ^ (c >> 1U) : c >> 1U;
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t c = 0xffffffffU;
  for (auto b : bytes) c = table[(c ^ std::to_integer<std::uint32_t>(b)) & 0xffU] ^ (c >> 8U);
  return c ^ 0xffffffffU;
}

}  // namespace detail

struct record_name {
  std::uint32_t type = 0;
  std::uint64_t name = 0;
  friend auto operator<=>(record_name const&, record_name const&) = default;
};

using record_map = std::map<record_name, std::vector<std::byte>>;

class store {
 public:
  enum class what : std::uint8_t { keep = 1, erase = 2, life = 3 };

  // An empty path keeps everything in memory: it survives nothing, for tests that do not care.
  explicit store(std::string path) : path_{std::move(path)} {}
  store(store const&) = delete;
  store& operator=(store const&) = delete;
  ~store() { close(); }

  // Reads what is there; creates the file when it is missing.
  [[nodiscard]] result<bool> open() {
    if (path_.empty()) return true;
    auto read = read_all();
    if (!read) return read;
    return rewrite();
  }
  [[nodiscard]] record_map const& records() const noexcept { return records_; }
  [[nodiscard]] std::uint64_t lives() const noexcept { return lives_; }
  [[nodiscard]] std::size_t torn_bytes() const noexcept { return torn_; }

  // One entry, appended to a batch that commit() makes durable.
  static void append(std::vector<std::byte>& batch, what op, record_name of,
                     std::span<std::byte const> record) {
    auto const start = batch.size();
    batch.resize(start + 8 + 13);
    auto* at = batch.data() + start + 8;
    wire::detail::put(at, static_cast<std::uint64_t>(op), 1);
    wire::detail::put(at + 1, of.type, 4);
    wire::detail::put(at + 5, of.name, 8);
    batch.insert(batch.end(), record.begin(), record.end());
    auto const payload = std::span<std::byte const>{batch}.subspan(start + 8);
    auto const sum = detail::crc32(payload);
    wire::detail::put(batch.data() + start, payload.size(), 4);
    wire::detail::put(batch.data() + start + 4, sum, 4);
  }
  // Blocks until the batch is on the disk.
  [[nodiscard]] result<bool> commit(std::vector<std::byte> const& batch) {
    static_cast<void>(apply(batch));
    if (path_.empty()) return true;
    if (file_ < 0) return failed("write to");
    if (!write_all(file_, batch) || ::fsync(file_) != 0) return failed("write to");
    bytes_ += batch.size();
    if (bytes_ > compact_bytes_min && bytes_ > 2 * held_bytes()) return rewrite();
    return true;
  }
  void close() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  static constexpr std::size_t entry_min = 8 + 13;
  static std::span<std::byte const> magic() noexcept {
    return std::as_bytes(std::span{"HYDRA-J1", 8});
  }
  error failed(char const* doing) const {
    return {"cannot " + std::string{doing} + " " + path_ + ": " + std::strerror(errno)};
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
  // Applies whole entries; returns how many bytes they were.
  std::size_t apply(std::span<std::byte const> in) {
    std::size_t at = 0;
    while (in.size() - at >= entry_min) {
      auto const length = wire::detail::get(in.data() + at, 4);
      if (length < 13 || length > 13 + record_bytes_max || length > in.size() - at - 8) break;
      auto const payload = in.subspan(at + 8, length);
      if (detail::crc32(payload) != wire::detail::get(in.data() + at + 4, 4)) break;
      record_name const of{static_cast<std::uint32_t>(wire::detail::get(payload.data() + 1, 4)),
                           wire::detail::get(payload.data() + 5, 8)};
      auto const body = payload.subspan(13);
      switch (static_cast<what>(payload[0])) {
        case what::keep: records_[of].assign(body.begin(), body.end()); break;
        case what::erase: records_.erase(of); break;
        case what::life: lives_ = of.name; break;
        default: break;  // written by a later version
      }
      at += 8 + length;
    }
    return at;
  }
  [[nodiscard]] result<bool> read_all() {
    int const in = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0) return errno == ENOENT ? result<bool>{true} : result<bool>{failed("open")};
    std::vector<std::byte> all;
    std::array<std::byte, 65536> piece;
    for (;;) {
      auto const n = ::read(in, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      all.insert(all.end(), piece.begin(), piece.begin() + n);
      if (all.size() > store_bytes_max) break;
    }
    ::close(in);
    if (all.size() > store_bytes_max) {
      return error{path_ + " is over " + std::to_string(store_bytes_max) + " bytes"};
    }
    if (all.empty()) return true;
    if (all.size() < 8 || std::memcmp(all.data(), magic().data(), 8) != 0) {
      return error{path_ + " is not a journal of records (it should begin with HYDRA-J1)"};
    }
    auto const body = std::span<std::byte const>{all}.subspan(8);
    torn_ = body.size() - apply(body);
    return true;
  }
  [[nodiscard]] result<bool> rewrite() {
    std::vector<std::byte> all{magic().begin(), magic().end()};
    append(all, what::life, {0, lives_}, {});
    for (auto const& [name, bytes] : records_) append(all, what::keep, name, bytes);
    auto const fresh = path_ + ".new";
    close();
    file_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) return failed("create the successor of");
    if (!write_all(file_, all) || ::fsync(file_) != 0) return failed("write the successor of");
    if (::rename(fresh.c_str(), path_.c_str()) != 0) return failed("replace");
    auto const slash = path_.rfind('/');
    auto const folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    int const dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return failed("open the folder of");
    bool const synced = ::fsync(dir) == 0;
    ::close(dir);
    if (!synced) return failed("sync the folder of");
    bytes_ = all.size();
    return true;
  }

  std::string path_;
  int file_ = -1;
  std::size_t bytes_ = 0;
  std::size_t torn_ = 0;
  std::uint64_t lives_ = 0;
  record_map records_;
};

}  // namespace hydra::net
