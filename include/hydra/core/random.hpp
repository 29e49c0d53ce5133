// Chance, made of integers only: every draw is a pure function of (seed, purpose, peer, count).
//
// A stream costs four bytes of state (its counter); two streams with different purposes never
// influence each other, so another scheduler leaves arrivals and churn bit-identical. The mixer
// is the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014), which can be run backwards:
// who sees one draw knows the next. A driver whose draws others see and must not guess gives its
// streams a key; then they are SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012) of the count.
#pragma once

#include <hydra/core/wide.hpp>
#include <hydra/core/contract.hpp>
#include <hydra/core/time.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hydra {

[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

using draw_key = std::array<std::uint64_t, 2>;

namespace detail {

constexpr void sip_rounds(std::array<std::uint64_t, 4>& v, int rounds) noexcept {
  for (; rounds > 0; --rounds) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = std::rotl(v[1], 13) ^ v[0];
    v[3] = std::rotl(v[3], 16) ^ v[2];
    v[0] = std::rotl(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = std::rotl(v[3], 21) ^ v[0];
    v[1] = std::rotl(v[1], 17) ^ v[2];
    v[2] = std::rotl(v[2], 32);
  }
}

}  // namespace detail

// SipHash-2-4 of the eight bytes of `word`, the lowest first.
[[nodiscard]] constexpr std::uint64_t siphash(draw_key const& k, std::uint64_t word) noexcept {
  std::array<std::uint64_t, 4> v{k[0] ^ 0x736f6d6570736575U, k[1] ^ 0x646f72616e646f6dU,
                                 k[0] ^ 0x6c7967656e657261U, k[1] ^ 0x7465646279746573U};
  for (auto const block : {word, std::uint64_t{8} << 56U}) {  // the second: how long it was
    v[3] ^= block;
    detail::sip_rounds(v, 2);
    v[0] ^= block;
  }
  v[2] ^= 0xffU;
  detail::sip_rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

// A probability as a ratio of integers: ratio{1, 20} is one in twenty.
struct ratio {
  std::uint32_t part = 0;
  std::uint32_t whole = 1;
  friend constexpr bool operator==(ratio, ratio) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& part& whole;
  }
};

// Where a stream starts. `purpose` is a room or one of the world's own (see `purpose` below).
[[nodiscard]] constexpr std::uint64_t stream_base(std::uint64_t seed, std::uint64_t purpose,
                                                  std::uint64_t who) noexcept {
  return mix64(mix64(seed ^ (purpose * 0xd6e8feb86659fd93U)) + who * 0xa0761d6478bd642fU);
}

// Purposes of the world: no policy can advance these. Rooms use 0..15.
namespace purpose {
inline constexpr std::uint64_t identity = 16, placement = 17, latency = 18, churn = 19,
                               workload = 20, fault = 21, capacity = 22, service = 23,
                               handles = 24, adversary = 25, friends = 26;
}

// A counter-based generator. Holds its counter by reference: the owner keeps four bytes; and its
// key, where it has one.
class stream {
 public:
  constexpr stream(std::uint64_t base, std::uint32_t& count,
                   draw_key const* secret = nullptr) noexcept
      : base_{base}, count_{&count}, secret_{secret} {}

  [[nodiscard]] constexpr std::uint64_t bits() noexcept {
    auto const at = base_ + 0x9e3779b97f4a7c15U * ++*count_;
    return secret_ == nullptr ? mix64(at) : siphash(*secret_, at);
  }

  // Uniform in [0, n), unbiased (Lemire 2019). Precondition: n > 0.
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t n) noexcept {
    HYDRA_EXPECTS(n > 0);
    for (;;) {
      auto const wide = static_cast<uint128>(bits()) * n;
      auto const low = static_cast<std::uint64_t>(wide);
      if (low >= n || low >= (0 - n) % n) return static_cast<std::uint64_t>(wide >> 64U);
    }
  }

  // True with probability part/whole.
  [[nodiscard]] constexpr bool chance(ratio r) noexcept {
    return r.part != 0 && below(r.whole) < r.part;
  }
  [[nodiscard]] constexpr bool chance(std::uint32_t part, std::uint32_t whole) noexcept {
    return chance(hydra::ratio{part, whole});
  }

  // Uniform in [low, high).
  [[nodiscard]] constexpr duration between(duration low, duration high) noexcept {
    HYDRA_EXPECTS(low < high);
    return low + duration{static_cast<std::int64_t>(
                     below(static_cast<std::uint64_t>((high - low).count())))};
  }

  // Moves `count` distinct random elements to the front and returns them (partial Fisher-Yates).
  template <class T>
  constexpr std::span<T> sample(std::size_t count, std::span<T> from) noexcept {
    if (count > from.size()) count = from.size();
    for (std::size_t i = 0; i < count; ++i) {
      auto const j = i + static_cast<std::size_t>(below(from.size() - i));
      if (i != j) std::swap(from[i], from[j]);
    }
    return from.first(count);
  }
  template <class T>
  constexpr void permute(std::span<T> all) noexcept {
    sample(all.size(), all);
  }

 private:
  std::uint64_t base_;
  std::uint32_t* count_;
  draw_key const* secret_;
};

// The same with its counter inside, for worlds and tests.
class owned_stream {
 public:
  constexpr explicit owned_stream(std::uint64_t base) noexcept : base_{base} {}
  constexpr owned_stream(std::uint64_t seed, std::uint64_t why, std::uint64_t who) noexcept
      : base_{stream_base(seed, why, who)} {}
  [[nodiscard]] constexpr stream draw() noexcept { return {base_, count_}; }
  [[nodiscard]] constexpr std::uint64_t bits() noexcept { return draw().bits(); }
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t n) noexcept {
    return draw().below(n);
  }

 private:
  std::uint64_t base_;
  std::uint32_t count_ = 0;
};

}  // namespace hydra
