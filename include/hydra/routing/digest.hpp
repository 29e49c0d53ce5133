// What can be reached through somebody, by number of hops, in a few hundred bytes: two ways of
// saying it, with one shape.
//
//   digest d;
//   d.add(tag);             // what is performed here: level 0
//   d.behind(of_neighbour); // what is reachable through a neighbour: its level i becomes our i + 1
//   d.worth(tag)            // 0: not to be had this way; more is nearer, or more plentiful
//
// A tag is 64 well-mixed bits (tag_of_service). Both forms lose the last level of a neighbour: what
// is further away than the levels reach is for another policy to find. Neither can be told what is
// gone: a digest is replaced whole, never corrected.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/values.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

// A service anywhere, or in one region: a want that names a single region is looked for by the
// second tag, so that who has it elsewhere only is not asked.
[[nodiscard]] constexpr std::uint64_t tag_of_service(key const& what,
                                                     std::uint8_t region = 0) noexcept {
  return mix64(what.words()[0] ^ mix64(what.words()[1] + region));
}

template <class D>
concept Digest = std::copyable<D> && Described<D> && requires(D& d, D const& c, std::uint64_t t) {
  { D::levels } -> std::convertible_to<std::size_t>;
  d.add(t);
  d.behind(c);
  { c.worth(t) } -> std::same_as<std::uint32_t>;
  { c.level_of(t) } -> std::same_as<std::size_t>;  // D::levels: not said
};

// Attenuated Bloom filters (Rhea and Kubiatowicz, INFOCOM 2002): one filter per level.
//
// worth: the nearest level at which all bits of the tag are set, each level a quarter of the one
// before. With n tags in m bits and k hashes a level says yes in error with (1 - e^(-kn/m))^k:
// k = 4 and m/n = 8 give 2.4 %. A level of which three quarters are set says nothing any more, so
// whoever sets all bits gains nothing.
template <std::size_t Bits = 512, std::size_t Levels = 3>
class attenuated_bloom {
  static_assert(Bits % 64 == 0 && std::has_single_bit(Bits));
  static constexpr unsigned hashes = 4;
  static constexpr std::size_t words = Bits / 64;

 public:
  static constexpr std::size_t levels = Levels;
  static constexpr std::uint16_t number = 90;  // of the message that carries it

  constexpr void add(std::uint64_t tag) noexcept {
    for (unsigned i = 0; i < hashes; ++i) {
      auto const bit = bit_of(tag, i);
      levels_[0][bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  constexpr void behind(attenuated_bloom const& neighbour) noexcept {
    for (std::size_t l = 1; l < Levels; ++l) {
      for (std::size_t w = 0; w < words; ++w) levels_[l][w] |= neighbour.levels_[l - 1][w];
    }
  }
  [[nodiscard]] constexpr std::size_t level_of(std::uint64_t tag) const noexcept {
    for (std::size_t l = 0; l < Levels; ++l) {
      if (says(l, tag) && set(l) < Bits / 4 * 3) return l;
    }
    return Levels;
  }
  [[nodiscard]] constexpr std::uint32_t worth(std::uint64_t tag) const noexcept {
    auto const l = level_of(tag);
    return l == Levels ? 0 : std::uint32_t{1} << (16 - 2 * l);
  }
  [[nodiscard]] constexpr std::size_t set(std::size_t level) const noexcept {
    std::size_t n = 0;
    for (auto w : levels_[level]) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    for (auto& level : levels_) {
      for (auto& w : level) a& w;
    }
  }

 private:
  // Double hashing (Kirsch and Mitzenmacher, 2008).
  [[nodiscard]] static constexpr std::size_t bit_of(std::uint64_t tag, unsigned i) noexcept {
    auto const step = (tag >> 32U) | 1U;
    return static_cast<std::size_t>((tag + i * step) % Bits);
  }
  [[nodiscard]] constexpr bool says(std::size_t level, std::uint64_t tag) const noexcept {
    for (unsigned i = 0; i < hashes; ++i) {
      auto const bit = bit_of(tag, i);
      if ((levels_[level][bit / 64] >> (bit % 64) & 1U) == 0) return false;
    }
    return true;
  }

  std::array<std::array<std::uint64_t, words>, Levels> levels_{};
};

// Hop-count routing indices (Crespo and Garcia-Molina, ICDCS 2002): how many providers of each
// class of services are that many hops away; a class is where the tag falls.
//
// worth: providers of the class, those one hop further counting a quarter (the regular tree of the
// paper with a fan-out of four). It says how plentiful, and cannot tell two services of one class
// apart. Counts stop at 255, so a liar is worth at most what a well-connected honest one is.
template <std::size_t Classes = 64, std::size_t Levels = 3>
class routing_index {
  static_assert(std::has_single_bit(Classes));

 public:
  static constexpr std::size_t levels = Levels;
  static constexpr std::uint16_t number = 91;

  constexpr void add(std::uint64_t tag) noexcept { count(levels_[0][class_of(tag)], 1); }
  constexpr void behind(routing_index const& neighbour) noexcept {
    for (std::size_t l = 1; l < Levels; ++l) {
      for (std::size_t c = 0; c < Classes; ++c) count(levels_[l][c], neighbour.levels_[l - 1][c]);
    }
  }
  [[nodiscard]] constexpr std::size_t level_of(std::uint64_t tag) const noexcept {
    std::size_t l = 0;
    while (l < Levels && levels_[l][class_of(tag)] == 0) ++l;
    return l;
  }
  [[nodiscard]] constexpr std::uint32_t worth(std::uint64_t tag) const noexcept {
    std::uint32_t sum = 0;
    for (std::size_t l = 0; l < Levels; ++l) {
      sum += std::uint32_t{levels_[l][class_of(tag)]} << (8 - 2 * l);
    }
    return sum;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    for (auto& level : levels_) {
      for (auto& n : level) a& n;
    }
  }

 private:
  [[nodiscard]] static constexpr std::size_t class_of(std::uint64_t tag) noexcept {
    return static_cast<std::size_t>(tag % Classes);
  }
  static constexpr void count(std::uint8_t& into, std::uint8_t more) noexcept {
    into = static_cast<std::uint8_t>(std::min(255, int{into} + int{more}));
  }

  std::array<std::array<std::uint8_t, Classes>, Levels> levels_{};
};

static_assert(Digest<attenuated_bloom<>>);
static_assert(Digest<routing_index<>>);

}  // namespace hydra::routing
