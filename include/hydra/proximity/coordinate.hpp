// Positions in a space in which distance is round-trip time, and what heads say of their own.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/random.hpp>
#include <hydra/proximity/cells.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::proximity {

inline constexpr duration round_trip_max = 10s;  // what takes longer counts as so long
inline constexpr std::size_t axes_max = 6;       // of any space, the height included

// Relative errors have 24 binary digits after the point. The bound is far above 1: a head that is
// much too far from one next to it must be free to say so. Bounded by 1.5, heads that all start at
// one point stay folded over each other for hundreds of rounds (papers/12_vivaldi).
inline constexpr std::uint32_t error_one = 1U << 24U;
inline constexpr std::uint32_t error_max = error_one * 64;

// Times in a space are whole units of 64 ns: 32 bits hold 137 s.
inline constexpr std::int64_t unit_ns = 64;
inline constexpr auto units_max = static_cast<std::int32_t>(round_trip_max.count() / unit_ns);
[[nodiscard]] constexpr std::int64_t units_of(duration d) noexcept { return d.count() / unit_ns; }

// What a head says of its own position; of no axes: nothing.
struct claim {
  bounded_vector<std::int32_t, axes_max> axes{};
  std::uint32_t error = 0;
  [[nodiscard]] constexpr bool said() const noexcept { return !axes.empty(); }
  template <class A>
  void serialize(A& a, unsigned) {
    a& axes& error;
  }
};

// A point, and above it the last mile that every packet goes down and up again.
template <unsigned Dimensions, bool Height>
struct coordinate {
  static constexpr std::size_t plane = Dimensions;
  static constexpr std::size_t axis_count = Dimensions + (Height ? 1U : 0U);
  static_assert(Dimensions > 0);
  static_assert(axis_count <= axes_max);

  std::array<std::int32_t, axis_count> axes{};  // units; the height comes last
  std::uint32_t error = error_one;              // of its owner's estimates, as the owner sees it

  [[nodiscard]] constexpr std::int64_t height() const noexcept {
    if constexpr (Height) return axes[plane];
    return 0;
  }
  // Whether a claim is of this space and within its bounds.
  [[nodiscard]] static constexpr bool plausible(claim const& c) noexcept {
    if (c.axes.size() != axis_count || c.error > error_max) return false;
    if (Height && c.axes.back() < 0) return false;
    return std::all_of(c.axes.begin(), c.axes.end(),
                       [](std::int32_t x) { return x >= -units_max && x <= units_max; });
  }
  // Precondition: plausible(c).
  [[nodiscard]] static constexpr coordinate from(claim const& c) {
    HYDRA_EXPECTS(plausible(c));
    coordinate out;
    for (std::size_t i = 0; i < axis_count; ++i) out.axes[i] = c.axes[i];
    out.error = c.error;
    return out;
  }
  [[nodiscard]] constexpr claim said() const {
    claim out;
    for (auto x : axes) out.axes.push_back(x);
    out.error = error;
    return out;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& axes& error;
  }
};

// Units; rounded down, symmetric, at most 77 s.
template <unsigned D, bool H>
[[nodiscard]] constexpr std::int64_t apart_in_plane(coordinate<D, H> const& a,
                                                    coordinate<D, H> const& b) noexcept {
  std::uint64_t sum = 0;  // at most 5 * (2^28.3)^2
  for (std::size_t i = 0; i < D; ++i) {
    auto const d = std::int64_t{a.axes[i]} - b.axes[i];
    sum += static_cast<std::uint64_t>(d * d);
  }
  return static_cast<std::int64_t>(root(sum));
}
template <unsigned D, bool H>
[[nodiscard]] constexpr duration round_trip(coordinate<D, H> const& a,
                                            coordinate<D, H> const& b) noexcept {
  auto const units = apart_in_plane(a, b) + a.height() + b.height();
  return std::min(duration{units * unit_ns}, round_trip_max);
}

// A random direction, about 2^20 long, and never of no length.
template <unsigned D>
[[nodiscard]] constexpr std::array<std::int64_t, D> any_direction(stream chance) noexcept {
  constexpr std::uint64_t wide = std::uint64_t{1} << 21U;
  std::array<std::int64_t, D> out{};
  for (auto& x : out) x = static_cast<std::int64_t>(chance.below(wide)) - std::int64_t{wide / 2};
  if (std::all_of(out.begin(), out.end(), [](auto x) { return x == 0; })) out[0] = 1;
  return out;
}

// "Where are you?" An answer repeats the nonce. Both carry what their sender says of itself.
struct coordinate_probe {
  static constexpr message_id id{room::proximity, 1, 1};
  std::uint64_t nonce = 0;
  claim mine{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& mine;
  }
};
struct coordinate_echo {
  static constexpr message_id id{room::proximity, 2, 1};
  std::uint64_t nonce = 0;
  claim mine{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& mine;
  }
};

}  // namespace hydra::proximity
