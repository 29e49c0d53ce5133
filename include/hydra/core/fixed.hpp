// Fixed-point numbers for the path of an event: the last bit must not depend on a compiler.
#pragma once

#include <hydra/core/wide.hpp>
#include <algorithm>
#include <compare>
#include <cstdint>

namespace hydra {

// a * b / c without overflow in between, rounded towards zero. Precondition: c != 0 and the
// result fits.
[[nodiscard]] constexpr std::int64_t mul_div(std::int64_t a, std::int64_t b,
                                             std::int64_t c) noexcept {
  return static_cast<std::int64_t>(static_cast<int128>(a) * b / c);
}

// A share in [0, 1] with 16 binary digits after the point: 0 is none, 65536 is all.
class share {
 public:
  static constexpr std::int32_t one = 1 << 16;

  constexpr share() = default;
  [[nodiscard]] static constexpr share raw(std::int64_t units) noexcept {
    return share{static_cast<std::int32_t>(std::clamp<std::int64_t>(units, 0, one))};
  }
  [[nodiscard]] static constexpr share percent(std::int64_t p) noexcept {
    return raw(p * one / 100);
  }
  [[nodiscard]] static constexpr share of(std::int64_t part, std::int64_t whole) noexcept {
    return whole == 0 ? share{} : raw(mul_div(part, one, whole));
  }
  [[nodiscard]] constexpr std::int32_t units() const noexcept { return units_; }
  [[nodiscard]] constexpr std::int64_t times(std::int64_t n) const noexcept {
    return mul_div(n, units_, one);
  }
  friend constexpr auto operator<=>(share, share) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& units_;
  }

 private:
  constexpr explicit share(std::int32_t units) noexcept : units_{units} {}
  std::int32_t units_ = 0;
};

// Trust of a principal, 0 (none) to 1 (as oneself).
using trust = share;

}  // namespace hydra
