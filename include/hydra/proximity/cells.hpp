// Cells of the globe in integers: how far apart two of them are, and how to say less of one.
#pragma once

#include <hydra/core/fixed.hpp>
#include <hydra/core/geo.hpp>

#include <algorithm>
#include <cstdint>

namespace hydra::proximity {

// Square root, rounded down: 32 steps, the same on every machine.
[[nodiscard]] constexpr std::uint64_t root(std::uint64_t n) noexcept {
  std::uint64_t r = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31U; bit != 0; bit >>= 1U) {
    if ((r + bit) * (r + bit) <= n) r += bit;
  }
  return r;
}

// Great-circle distance of two cells in metres, in integers: half the chord is the sine of half
// the angle, whose arcus is the series x + x^3/6 + 3x^5/40 + ... up to 45 degrees and
// 90 degrees - 2 asin(sqrt((1 - x) / 2)) beyond. Error below 3 km; cells are 100 km wide.
[[nodiscard]] constexpr std::int64_t metres_between(cell a, cell b) noexcept {
  constexpr std::int64_t one = std::int64_t{1} << 30U;
  auto const dot = [](cell p, cell q) {
    return std::int64_t{p.x} * q.x + std::int64_t{p.y} * q.y + std::int64_t{p.z} * q.z;
  };
  if (!a.said() || !b.said()) return 0;
  auto const lengths = dot(a, a) * dot(b, b);  // below 2^32
  auto const norm = static_cast<std::int64_t>(root(static_cast<std::uint64_t>(lengths) << 30U));
  auto const cosine = std::clamp(mul_div(dot(a, b) << 15U, one, norm), -one, one);
  auto const sine = static_cast<std::int64_t>(
      root(static_cast<std::uint64_t>((one - cosine) / 2) << 30U));  // of half the angle
  auto const arcus = [](std::int64_t x) {
    auto const s = mul_div(x, x, one);
    std::int64_t t = one * 10395 / 599040;
    t = one * 945 / 42240 + mul_div(t, s, one);
    t = one * 105 / 3456 + mul_div(t, s, one);
    t = one * 15 / 336 + mul_div(t, s, one);
    t = one * 3 / 40 + mul_div(t, s, one);
    t = one / 6 + mul_div(t, s, one);
    return x + mul_div(mul_div(t, s, one), x, one);
  };
  constexpr std::int64_t diagonal = 759250125;  // sine of 45 degrees
  constexpr std::int64_t quarter = 1686629713;  // pi/2
  auto const half =
      sine <= diagonal
          ? arcus(sine)
          : quarter - 2 * arcus(static_cast<std::int64_t>(
                              root(static_cast<std::uint64_t>((one - sine) / 2) << 30U)));
  return mul_div(2 * half, 6'371'000, one);
}

// Widths of a disclosed cell: 100 km doubled so many times. Beyond 3,200 km little is left.
inline constexpr std::uint8_t coarser_max = 5;

// The same cell with every coordinate rounded to a multiple of 2^coarser: 100 km * 2^coarser wide.
// A function of the cell alone: however often it is asked, a head that stays where it is says the
// same, so nothing averages out. A unit vector stays said: one coordinate is 36 or more.
[[nodiscard]] constexpr cell snapped(cell where, std::uint8_t coarser) noexcept {
  int const width = 1 << std::min(coarser, coarser_max);
  auto const round = [width](int x) {
    auto const away = (x < 0 ? -x : x) + width / 2;
    auto const least = std::min(away / width * width, 127 / width * width);
    return static_cast<std::int8_t>(x < 0 ? -least : least);
  };
  if (width == 1) return where;
  return {round(where.x), round(where.y), round(where.z)};
}

}  // namespace hydra::proximity
