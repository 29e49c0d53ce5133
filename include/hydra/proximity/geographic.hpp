// Round trips from where heads say they are, corrected by what was measured.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/proximity/cells.hpp>
#include <hydra/proximity/concept.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::proximity {

struct geographic_settings {
  cell own{};                          // where this head is; unsaid: not configured
  bool disclose = false;               // opt in: tell others the cell
  std::uint8_t coarser = 0;            // its width is doubled so often before it is told: 0..5
  duration base = 12ms;                // a: last miles and stacks at both ends
  duration per_1000_km = 16ms;         // b: there and back in fibre (10 ms), times 1.6 for detours
  duration unknown = 120ms;            // of heads that say nothing and were never measured
  template <class A>
  void serialize(A& a, unsigned) {
    a& own& disclose& coarser& base& per_1000_km& unknown;
  }
};

// Promises an estimate for everybody: the measured round trip of the 16 heads measured last,
// smoothed (RFC 6298: seven eighths old, one eighth new); for others a + b * distance of the
// disclosed cells; `unknown` when either end says nothing.
//
// Rules. A measurement of more than 10 s counts as 10 s: it was a queue. The own cell is never
// sent unless `disclose` was set, because a position is personal; it is coarse (100 km) even then,
// and 200 to 3,200 km wide where `coarser` says so. What is told is a function of the own cell, so
// that asking again tells nothing more; our own estimates use the cell as it was configured.
// The cache is ordered by age and searched by equality, so the handles of a driver do not show.
//
// What an attacker gains: whoever claims a cell next door looks near until the first round trip
// was measured, then no longer; light does not run faster for liars, so claiming and being asked
// once is all. A measured head can only make itself look farther.
//
// Cost: no message; 168 bytes per head; an estimate reads 64 bytes and, when not measured,
// takes two or three integer roots (about 100 ns).
//
// A straight line through distance is off by 12 % in the median and 33 % at p90 between the
// cloud regions of data/latency; whoever needs better uses coordinates (vivaldi.hpp), or both
// (blend.hpp).
class geographic {
 public:
  using policy_concept = proximity_tag;
  static constexpr std::size_t measured_max = 16;   // heads
  static constexpr duration round_trip_max = 10s;

  constexpr geographic() = default;
  constexpr explicit geographic(geographic_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.base >= duration{});
    HYDRA_EXPECTS(s.per_1000_km >= duration{});
    HYDRA_EXPECTS(s.coarser <= coarser_max);
  }

  void observe(auto&, peer who, duration rtt) {
    if (!who || rtt <= duration{}) return;
    auto const us = static_cast<std::uint32_t>(std::min(rtt, round_trip_max) / 1us);
    auto const i = place_of(who);
    if (i < count_) {
      micros_[i] = static_cast<std::uint32_t>((std::uint64_t{micros_[i]} * 7 + us) / 8);
      return;
    }
    auto const at = count_ < measured_max ? count_++ : next_;
    next_ = static_cast<std::uint8_t>((at + 1) % measured_max);
    heads_[at] = who;
    micros_[at] = us;
  }

  [[nodiscard]] constexpr duration estimate(peer who, cell where) const noexcept {
    auto const i = place_of(who);
    if (i < count_) return micros_[i] * duration{1us};
    auto const by_cells = predict(who, where);
    return by_cells < duration{} ? settings_.unknown : by_cells;
  }
  // As if nothing had been measured; below zero: either end says nothing.
  [[nodiscard]] constexpr duration predict(peer, cell where) const noexcept {
    if (!settings_.own.said() || !where.said()) return duration{-1};
    auto const metres = metres_between(settings_.own, where);
    return settings_.base + duration{mul_div(settings_.per_1000_km.count(), metres, 1'000'000)};
  }
  [[nodiscard]] constexpr cell disclosed() const noexcept {
    return settings_.disclose ? snapped(settings_.own, settings_.coarser) : cell{};
  }
  [[nodiscard]] constexpr cell own() const noexcept { return settings_.own; }
  [[nodiscard]] constexpr std::size_t measured() const noexcept { return count_; }
  [[nodiscard]] constexpr bool measured(peer who) const noexcept {
    return place_of(who) < count_;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& heads_& micros_& count_& next_;
    count_ = std::min<std::uint8_t>(count_, measured_max);
    next_ = static_cast<std::uint8_t>(next_ % measured_max);
  }

 private:
  [[nodiscard]] constexpr std::size_t place_of(peer who) const noexcept {
    std::size_t i = 0;
    while (i < count_ && heads_[i] != who) ++i;
    return i;
  }

  geographic_settings settings_{};
  std::array<peer, measured_max> heads_{};
  std::array<std::uint32_t, measured_max> micros_{};  // microseconds
  std::uint8_t count_ = 0;
  std::uint8_t next_ = 0;  // the one measured first, when full
};

static_assert(ProximityPolicy<geographic, archetype_view<geographic>>);

}  // namespace hydra::proximity
