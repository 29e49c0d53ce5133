// Who is who: 256-bit keys, and 32-bit handles that stand for them inside one driver.
//
// A handle is cheap (4 bytes) and means something only to the driver that gave it; on the wire a
// handle becomes its key. Never order by handle: order by key (`tests` permute the handles).
#pragma once

#include <hydra/core/hash.hpp>

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <limits>
#include <string_view>

namespace hydra {

template <class Tag>
class handle {
 public:
  constexpr handle() = default;
  constexpr explicit handle(std::uint32_t index) noexcept : index_{index} {}
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return index_ != nobody; }
  friend constexpr bool operator==(handle, handle) = default;

 private:
  static constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t index_ = nobody;
};

using peer = handle<struct peer_tag>;            // a head: one machine of a Hydra
using principal = handle<struct principal_tag>;  // a Hydra: one key that answers for its heads
using service = handle<struct service_tag>;      // what can be asked for: hash of name and version

template <class T>
inline constexpr bool is_handle = false;
template <class Tag>
inline constexpr bool is_handle<handle<Tag>> = true;

// 256 bits, ordered as a big-endian number. Peers, principals, services and objects have keys.
class key {
 public:
  constexpr key() = default;
  constexpr explicit key(digest256 const& words) noexcept : words_{words} {}

  [[nodiscard]] constexpr digest256 const& words() const noexcept { return words_; }
  [[nodiscard]] constexpr std::uint32_t prefix() const noexcept {
    return static_cast<std::uint32_t>(words_[0] >> 32U);
  }
  friend constexpr auto operator<=>(key const&, key const&) = default;

  // Distance of Maymounkov and Mazieres (2002).
  [[nodiscard]] friend constexpr key operator^(key const& a, key const& b) noexcept {
    key out;
    for (std::size_t i = 0; i < 4; ++i) out.words_[i] = a.words_[i] ^ b.words_[i];
    return out;
  }
  // Leading zero bits: 256 for the zero key. shared_prefix(a, b) == leading_zeros(a ^ b).
  [[nodiscard]] constexpr int leading_zeros() const noexcept {
    for (int i = 0; i < 4; ++i) {
      auto const w = words_[static_cast<std::size_t>(i)];
      if (w != 0) return 64 * i + std::countl_zero(w);
    }
    return 256;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    for (auto& w : words_) a& w;
  }

 private:
  digest256 words_{};
};

// The key of a service: SHA-256 of "name/major". A new major version is another service.
[[nodiscard]] constexpr key service_key(std::string_view name, unsigned major) noexcept {
  detail::sha256 h;
  for (char c : name) h.add(static_cast<std::uint8_t>(c));
  h.add('/');
  std::array<char, 10> digits{};
  std::size_t n = 0;
  do digits[n++] = static_cast<char>('0' + major % 10);
  while ((major /= 10) != 0);
  while (n != 0) h.add(static_cast<std::uint8_t>(digits[--n]));
  return key{h.finish()};
}

// Which part of the address space a head lives in (for IPv4 its /16): a cheap guard against
// one operator who fills a bucket. Zero: not known.
struct netgroup {
  std::uint32_t value = 0;
  friend constexpr bool operator==(netgroup, netgroup) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& value;
  }
};

enum class reach : std::uint8_t { open, outbound_only, via_relay };
[[nodiscard]] constexpr reach last_of(reach) noexcept { return reach::via_relay; }

// An Ed25519 signature on the network; in a simulation an unforgeable modelled tag in the first
// sixteen bytes.
struct signature {
  std::array<std::uint64_t, 8> words{};
  friend constexpr bool operator==(signature const&, signature const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    for (auto& w : words) a& w;
  }
};

}  // namespace hydra
