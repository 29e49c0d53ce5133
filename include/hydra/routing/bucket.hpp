// A contact as a routing table holds it: twelve bytes, so that a planet fits into memory.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>

#include <cstdint>

namespace hydra::routing {

inline constexpr std::uint8_t failures_countable = 7;     // failures in a row that fit a contact
inline constexpr duration seen_unit = 32s;                // grain of "last seen"
inline constexpr duration age_max = seen_unit * 255;      // what is older looks younger: 2 h 16 min

// How we know of somebody.
enum class evidence : std::uint8_t {
  named,     // a third party says so: hearsay, and no sign of life
  heard,     // it sent something unasked: a sign of life, but nobody has reached it
  answered,  // it answered our nonce
};

// Sixteen bits of a netgroup, zero for the unknown one. Two groups share a tag once in 65,535:
// then one contact in a bucket is refused that need not have been.
[[nodiscard]] constexpr std::uint16_t group_tag(netgroup g) noexcept {
  return g.value == 0 ? std::uint16_t{0}
                      : static_cast<std::uint16_t>(1 + (g.value * 0x9e3779b1U >> 8U) % 65535U);
}

[[nodiscard]] constexpr std::uint8_t seen_at(instant t) noexcept {
  return static_cast<std::uint8_t>(t.time_since_epoch() / seen_unit);
}

struct contact {
  peer who{};
  std::uint32_t prefix = 0;   // of its key: distances are compared without fetching the key
  std::uint16_t group = 0;    // tag of its netgroup
  std::uint8_t last_seen = 0;
  std::uint8_t state = 0;     // bit 7: live, bits 0..2: failures in a row

  [[nodiscard]] constexpr bool live() const noexcept { return (state & 0x80U) != 0; }
  [[nodiscard]] constexpr unsigned failures() const noexcept { return state & 0x07U; }
  constexpr void lives(instant now) noexcept {
    state = 0x80U;
    last_seen = seen_at(now);
  }
  constexpr void fails() noexcept {
    if (failures() < failures_countable) ++state;
  }
  [[nodiscard]] constexpr duration age(instant now) const noexcept {
    return seen_unit * static_cast<std::uint8_t>(seen_at(now) - last_seen);
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& prefix& group& last_seen& state;
  }
};
static_assert(sizeof(contact) == 12);

}  // namespace hydra::routing
