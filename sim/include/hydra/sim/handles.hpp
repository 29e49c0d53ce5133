// Check mode: each peer sees its own permutation of the handles of peers and principals.
//
// A policy that orders by handle, hashes a handle or uses one as an index behaves differently
// under another permutation; a correct one does not, and the digest shows it.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/random.hpp>

#include <cstdint>

namespace hydra::sim {

// A bijection of 32-bit numbers that leaves `nobody` alone; identity when switched off.
class permutation {
 public:
  permutation() = default;
  permutation(std::uint64_t seed, std::uint32_t owner) noexcept {
    auto const bits = stream_base(seed, purpose::handles, owner);
    times_ = static_cast<std::uint32_t>(bits) | 1U;
    plus_ = static_cast<std::uint32_t>(bits >> 32U);
    inverse_ = times_;  // Newton: each step doubles the number of correct bits
    for (int i = 0; i < 5; ++i) inverse_ *= 2U - times_ * inverse_;
  }

  // From the world's number to what the owner sees, and back.
  [[nodiscard]] std::uint32_t seen(std::uint32_t number) const noexcept {
    if (number == nobody) return nobody;
    auto const y = number * times_ + plus_;
    return y == nobody ? nobody * times_ + plus_ : y;
  }
  [[nodiscard]] std::uint32_t meant(std::uint32_t seen) const noexcept {
    if (seen == nobody) return nobody;
    auto const x = (seen - plus_) * inverse_;
    return x == nobody ? (nobody - plus_) * inverse_ : x;
  }

 private:
  static constexpr std::uint32_t nobody = 0xffffffffU;
  std::uint32_t times_ = 1;
  std::uint32_t inverse_ = 1;
  std::uint32_t plus_ = 0;
};

namespace detail {
template <bool In>
class translator : public archive<translator<In>> {
 public:
  explicit translator(permutation const& map) noexcept : map_{&map} {}
  template <class T>
  void number(T&) noexcept {}
  void handle(service&) noexcept {}
  template <class Tag>
  void handle(hydra::handle<Tag>& h) noexcept {
    h = hydra::handle<Tag>{In ? map_->seen(h.index()) : map_->meant(h.index())};
  }

 private:
  permutation const* map_;
};
}  // namespace detail

template <Described T>
void translate_in(permutation const& map, T& x) {
  detail::translator<true> a{map};
  x.serialize(a, 0U);
}
template <Described T>
void translate_out(permutation const& map, T& x) {
  detail::translator<false> a{map};
  x.serialize(a, 0U);
}

}  // namespace hydra::sim
