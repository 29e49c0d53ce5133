// Points on the globe as integer unit vectors, and the great circle between two of them.
//
// Promise: + - * / and sqrt only, so every compiler finds the same distance (contraction off).
// One step of a coordinate is 0.19 km; the arc is exact to 1e-6 of itself beyond that.
// Cost: one or two square roots and a polynomial, about 15 ns.
#pragma once

#include <hydra/core/geo.hpp>

#include <cmath>
#include <cstdint>

namespace hydra::sim {

// A unit vector in units of 1/32767: x towards (0 N, 0 E), y towards (0 N, 90 E), z to the pole.
struct unit16 {
  std::int16_t x = 0;
  std::int16_t y = 0;
  std::int16_t z = 0;
  friend constexpr bool operator==(unit16, unit16) = default;
};

inline constexpr double unit16_one = 32767.0;

namespace detail {

// asin(x) for 0 <= x <= 0.7072 by its Taylor series in x squared.
[[nodiscard]] inline double asin_small(double x) noexcept {
  double const s = x * x;
  double sum = 0;
  constexpr double c[] = {1.0,           1.0 / 6,        3.0 / 40,       15.0 / 336,
                          105.0 / 3456,  945.0 / 42240,  0.017352764423, 0.013964843750,
                          0.011551800896, 0.009761609529, 0.008390335810, 0.007312525874,
                          0.006447210312, 0.005740037671, 0.005153309682, 0.004660143487};
  for (int i = 15; i >= 0; --i) sum = sum * s + c[i];
  return x * sum;
}

}  // namespace detail

// Great-circle distance in km.
[[nodiscard]] inline double great_circle_km(unit16 a, unit16 b) noexcept {
  std::int64_t const dx = a.x - b.x;
  std::int64_t const dy = a.y - b.y;
  std::int64_t const dz = a.z - b.z;
  double const half = std::sqrt(static_cast<double>(dx * dx + dy * dy + dz * dz)) /
                      (2 * unit16_one);
  constexpr double half_pi = 1.57079632679489661923;
  double const clipped = half > 1 ? 1 : half;
  double const angle = clipped <= 0.7071
                           ? detail::asin_small(clipped)
                           : half_pi - detail::asin_small(std::sqrt(1 - clipped * clipped));
  return 2 * angle * earth_radius_km;
}

// The coarse cell a policy may be told (see core/geo): about 100 km.
[[nodiscard]] constexpr cell coarse(unit16 p) noexcept {
  auto const round = [](std::int16_t v) {
    return static_cast<std::int8_t>((v * 64 + (v < 0 ? -16383 : 16383)) / 32767);
  };
  return {round(p.x), round(p.y), round(p.z)};
}

// Light in fibre covers a km in 4.9 us, one way (index of refraction 1.47).
inline constexpr std::int64_t fibre_ns_per_km = 4900;

}  // namespace hydra::sim
