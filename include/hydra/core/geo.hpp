// Where a head is, as coarsely as it cares to say. No trigonometry: + - * / sqrt only.
#pragma once

#include <hydra/core/time.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hydra {

// A coarse cell of the globe (about 100 km): a unit vector in units of 1/64. All zero: unsaid.
// A position leaves the machine only as a cell, and only when its owner opted in.
struct cell {
  std::int8_t x = 0;
  std::int8_t y = 0;
  std::int8_t z = 0;
  friend constexpr bool operator==(cell, cell) = default;
  [[nodiscard]] constexpr bool said() const noexcept { return x != 0 || y != 0 || z != 0; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& x& y& z;
  }
};

// Bit i of a mask of regions stands for the i-th name.
inline constexpr std::array<std::string_view, 6> world_regions = {
    "africa", "asia", "europe", "north_america", "oceania", "south_america"};

// Its bit; 0: there is no such region.
[[nodiscard]] constexpr std::uint8_t region_bit(std::string_view name) noexcept {
  for (std::size_t i = 0; i < world_regions.size(); ++i) {
    if (world_regions[i] == name) return static_cast<std::uint8_t>(1U << i);
  }
  return 0;
}

inline constexpr double earth_radius_km = 6371.0;

// Great-circle distance in km from the chord between two unit vectors, by the series of
// 2 asin(c/2); relative error under 0.4 % up to 12,000 km, under 7 % at the antipode.
[[nodiscard]] inline double arc_km(double chord) noexcept {
  double const s = chord * chord / 4;
  double const arc =
      chord * (1 + s * (1.0 / 6 + s * (3.0 / 40 + s * (15.0 / 336 + s * (105.0 / 3456 +
      s * (945.0 / 42240 + s * (10395.0 / 599040)))))));
  return arc * earth_radius_km;
}

[[nodiscard]] inline double distance_km(cell a, cell b) noexcept {
  auto const length = [](cell c) {
    return std::sqrt(static_cast<double>(c.x * c.x + c.y * c.y + c.z * c.z));
  };
  double const la = length(a);
  double const lb = length(b);
  if (la == 0 || lb == 0) return 0;
  double const dx = a.x / la - b.x / lb;
  double const dy = a.y / la - b.y / lb;
  double const dz = a.z / la - b.z / lb;
  return arc_km(std::sqrt(dx * dx + dy * dy + dz * dz));
}

}  // namespace hydra
