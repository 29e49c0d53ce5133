// The word of a Hydra that a head is one of its own, so that its secret need not lie on its heads.
//
//   auto const proof = net::grant(hydra, network, head.id(), from, until);
//
// Signed are: a domain, the network, the keys of head and Hydra, and from when until when it
// holds (instants of the network's timeline). Worth nothing for another head or network, before or
// after. It cannot be taken back: grant for days, not for years.
// Cost: one signature to grant, one verification to check.
#pragma once

#include <hydra/core/bytes.hpp>
#include <hydra/net/identity.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace hydra::net {

struct ownership {
  raw_key owner{};
  instant from{};
  instant until{};
  signature by{};
  [[nodiscard]] explicit operator bool() const noexcept { return until != instant{}; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& from& until& by;
  }
};

// A proof that may be absent. One that is there and empty is refused: a value has one encoding.
template <class A>
void serialize_proof(A& a, ownership& o) {
  bool there = static_cast<bool>(o);
  a& there;
  if (!there) {
    o = {};
    return;
  }
  a& o;
  if constexpr (requires { a.refuse(""); }) {
    if (!o) a.refuse("a proof is empty");
  }
}

namespace detail {

struct ownership_claim {
  std::uint32_t network = 0;
  key head{};
  key owner{};
  instant from{};
  instant until{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& network& head& owner& from& until;
  }
};

// What is signed begins with what it is for: no signature serves twice.
[[nodiscard]] inline std::vector<std::byte> signed_as(std::string_view domain) {
  auto const bytes = std::as_bytes(std::span{domain});
  return {bytes.begin(), bytes.end()};
}
[[nodiscard]] inline std::vector<std::byte> bytes_of(ownership_claim const& c) {
  auto out = signed_as("hydra ownership 1\n");
  as_numbers plain;
  to_bytes(c, out, plain);
  return out;
}

}  // namespace detail

[[nodiscard]] inline ownership grant(identity const& hydra, std::uint32_t network, key const& head,
                                     instant from, instant until) {
  detail::ownership_claim const claim{network, head, hydra.id(), from, until};
  return {hydra.raw(), from, until, hydra.sign(detail::bytes_of(claim))};
}
// `skew` is how far two clocks may be apart.
[[nodiscard]] inline bool holds(ownership const& o, std::uint32_t network, key const& head,
                                instant now, duration skew) {
  if (!o || now + skew < o.from || now - skew > o.until) return false;
  detail::ownership_claim const claim{network, head, id_of(o.owner), o.from, o.until};
  return verify(o.owner, detail::bytes_of(claim), o.by);
}

}  // namespace hydra::net
