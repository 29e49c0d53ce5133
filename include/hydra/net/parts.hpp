// An object that was made to be divided: a table of ranges, one for each part and one for whoever
// joins them, then the bytes.
//
//   "HYDRA-P1"  u32 parts  u32 0  (parts + 1) x {u64 first, u64 count}  bytes      little-endian
//
// Ranges lie behind the table and within the object; nothing else is believed.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/net/object_files.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

inline constexpr std::string_view parts_magic = "HYDRA-P1";
[[nodiscard]] constexpr std::uint64_t parts_table_bytes(std::uint64_t parts) noexcept {
  return 16 + 16 * (parts + 1);
}

[[nodiscard]] inline std::vector<std::byte> parts_table(std::span<byte_range const> ranges) {
  std::vector<std::byte> out;
  auto const put = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
  };
  for (char c : parts_magic) out.push_back(static_cast<std::byte>(c));
  put(ranges.size() - 1, 8);
  for (auto const& r : ranges) {
    put(r.first, 8);
    put(r.count, 8);
  }
  return out;
}

// Reads a file's table: the ranges of the parts, then that of the join.
[[nodiscard]] inline result<std::vector<byte_range>> parts_in(std::string const& path) {
  detail::open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return error{path + ": " + std::strerror(errno)};
  std::array<std::byte, parts_table_bytes(parts_max)> bytes;
  auto const read = detail::read_at(file.get(), bytes, 0);
  auto const number = [&](std::size_t at) {
    std::uint64_t out = 0;
    for (std::size_t i = 8; i > 0; --i) {
      out = out << 8U | std::to_integer<std::uint64_t>(bytes[at + i - 1]);
    }
    return out;
  };
  bool const ours = read >= 16 && std::memcmp(bytes.data(), parts_magic.data(), 8) == 0;
  auto const parts = ours ? number(8) : 0;
  if (parts == 0 || parts > parts_max || read < parts_table_bytes(parts)) {
    return error{path + ": is no object of parts"};
  }
  auto const head = parts_table_bytes(parts);
  auto const length = static_cast<std::uint64_t>(about.st_size);
  std::vector<byte_range> out;
  for (std::uint64_t i = 0; i <= parts; ++i) {
    byte_range const r{number(16 + 16 * i), number(24 + 16 * i)};
    if (!within(r, {head, length - head})) {
      return error{path + ": part " + std::to_string(i) + " lies outside of it"};
    }
    out.push_back(r);
  }
  return out;
}

}  // namespace hydra::net
