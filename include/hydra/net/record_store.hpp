// Where a head's records lie: a file of its own (store.hpp), or a database that a program gives.
//
// Promise that each keeps: what commit() returned from is there after a crash of the process or
// the machine; a group is there whole or not at all; records() is what was there when it was
// opened, and what was committed since. After a failure to write nothing more is written.
// Calls come from one thread at a time: open and close from the head's, commit from its pool.
//
// A group is a sequence of entries {u32 length, u32 crc32, payload}, little-endian, with
//   payload     {u8 what (1 keep, 2 erase, 3 life), u32 type, u64 name, record bytes}
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t record_bytes_max = 65536;

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

class record_store {
 public:
  enum class what : std::uint8_t { keep = 1, erase = 2, life = 3 };

  record_store() = default;
  record_store(record_store const&) = delete;
  record_store& operator=(record_store const&) = delete;
  virtual ~record_store() = default;

  // Errors: what the place is, and what failed or what is wrong with it.
  [[nodiscard]] virtual result<bool> open() = 0;
  [[nodiscard]] virtual record_map const& records() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t lives() const noexcept = 0;
  // Blocks until the group is on the disk. Precondition: append() made it, of records of at most
  // record_bytes_max.
  [[nodiscard]] virtual result<bool> commit(std::vector<std::byte> const& group) = 0;
  virtual void close() noexcept = 0;
  // Bytes that a crash had left half written, and that were cut off.
  [[nodiscard]] virtual std::size_t torn_bytes() const noexcept { return 0; }

  // One entry, appended to a group.
  static void append(std::vector<std::byte>& group, what op, record_name of,
                     std::span<std::byte const> record) {
    auto const start = group.size();
    group.resize(start + 8 + 13);
    auto* at = group.data() + start + 8;
    wire::detail::put(at, static_cast<std::uint64_t>(op), 1);
    wire::detail::put(at + 1, of.type, 4);
    wire::detail::put(at + 5, of.name, 8);
    group.insert(group.end(), record.begin(), record.end());
    auto const payload = std::span<std::byte const>{group}.subspan(start + 8);
    auto const sum = detail::crc32(payload);
    wire::detail::put(group.data() + start, payload.size(), 4);
    wire::detail::put(group.data() + start + 4, sum, 4);
  }

 protected:
  static constexpr std::size_t entry_min = 8 + 13;

  // Length of the payload of the entry that may begin here; 0 when none does.
  [[nodiscard]] static std::size_t length_at(std::span<std::byte const> in) noexcept {
    if (in.size() < entry_min) return 0;
    auto const length = wire::detail::get(in.data(), 4);
    return length < 13 || length > 13 + record_bytes_max || length > in.size() - 8 ? 0 : length;
  }
  [[nodiscard]] static bool sum_holds(std::span<std::byte const> in, std::size_t length) noexcept {
    return detail::crc32(in.subspan(8, length)) == wire::detail::get(in.data() + 4, 4);
  }
  // visit(what, name, bytes) for whole entries; returns how many bytes they were.
  template <class F>
  static std::size_t each_entry(std::span<std::byte const> in, F&& visit) {
    std::size_t at = 0;
    for (;;) {
      auto const length = length_at(in.subspan(at));
      if (length == 0 || !sum_holds(in.subspan(at), length)) break;
      auto const payload = in.subspan(at + 8, length);
      record_name const of{static_cast<std::uint32_t>(wire::detail::get(payload.data() + 1, 4)),
                           wire::detail::get(payload.data() + 5, 8)};
      visit(static_cast<what>(payload[0]), of, payload.subspan(13));
      at += 8 + length;
    }
    return at;
  }
};

}  // namespace hydra::net
