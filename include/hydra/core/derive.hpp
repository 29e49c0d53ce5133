// Keys and netgroups made from a seed: the simulator, the recorder and tests on the network give
// the same head the same key, so that their runs can be compared.
//
// Promise: pure functions of their arguments, the same on every compiler. Not secrets: whoever
// knows the seed knows every key. A real node has a key of its own making.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/random.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

namespace detail {
[[nodiscard]] constexpr key spread(std::uint64_t base) noexcept {
  digest256 words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = mix64(base + 0x9e3779b97f4a7c15U * (i + 1));
  }
  return key{words};
}
[[nodiscard]] constexpr std::uint64_t derived_base(std::uint64_t seed, std::uint64_t kind,
                                                   std::uint32_t index) noexcept {
  return stream_base(seed, purpose::identity, kind << 32U | index);
}
}  // namespace detail

// `who` is the place of the head (or Hydra, or service) in the scenario, not a permuted handle.
// Nobody has the zero key.
[[nodiscard]] constexpr key derived_key(std::uint64_t seed, peer who) noexcept {
  return who ? detail::spread(detail::derived_base(seed, 0, who.index())) : key{};
}
[[nodiscard]] constexpr key derived_key(std::uint64_t seed, principal who) noexcept {
  return who ? detail::spread(detail::derived_base(seed, 1, who.index())) : key{};
}
[[nodiscard]] constexpr key derived_key(std::uint64_t seed, service what) noexcept {
  return what ? detail::spread(detail::derived_base(seed, 2, what.index())) : key{};
}

// One of 65535 groups, never the unknown one: of a head that has no address (simulated) or only
// an address that everybody has (loopback).
[[nodiscard]] constexpr netgroup derived_netgroup(key const& k) noexcept {
  auto const bits = mix64(k.words()[0] ^ mix64(k.words()[3]));
  return {static_cast<std::uint32_t>(bits % 65535U) + 1U};
}
[[nodiscard]] constexpr netgroup derived_netgroup(std::uint64_t seed, peer who) noexcept {
  return who ? derived_netgroup(derived_key(seed, who)) : netgroup{};
}

}  // namespace hydra
