// Time as Hydra knows it: integer nanoseconds on the driver's timeline.
//
// Promise: `duration` and `instant` are exact 64-bit integers; `10s`, `3min`, `250us` convert
// without loss; a floating-point number never becomes a duration by itself. An instant has no
// clock behind it: only a driver (simulator, network, recorder) knows what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#ifdef __FAST_MATH__
#error "Hydra's results must not depend on the optimiser: build without -ffast-math"
#endif

namespace hydra {

// The timeline has no now(): whoever wants the time asks the environment.
struct timeline {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
};

using duration = timeline::duration;                       // nanoseconds
using instant = std::chrono::time_point<timeline, duration>;  // nanoseconds since the start

inline constexpr instant never{duration{std::numeric_limits<std::int64_t>::max()}};
inline constexpr instant origin{};

[[nodiscard]] constexpr std::int64_t ns(duration d) noexcept { return d.count(); }
[[nodiscard]] constexpr std::int64_t ns(instant t) noexcept {
  return t.time_since_epoch().count();
}
[[nodiscard]] constexpr instant at_ns(std::int64_t n) noexcept { return instant{duration{n}}; }

// Seconds for a report; never read back.
[[nodiscard]] constexpr double seconds(duration d) noexcept {
  return static_cast<double>(d.count()) / 1e9;
}
[[nodiscard]] constexpr double seconds(instant t) noexcept {
  return seconds(t.time_since_epoch());
}

using namespace std::chrono_literals;  // 10s, 250us: part of the vocabulary of policies

}  // namespace hydra
