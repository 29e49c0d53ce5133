// The contacts of one head in a small world: neighbours on a ring, and long links.
//
// Positions are the first 64 bits of keys, on a ring: the distance of two is the shorter way
// round. Two heads of one position (once in 2^64 pairs) are told apart by nobody.
//
// Promise: at most `side_max` neighbours on each side and `far_max` long links; nothing in here
// allocates, asks the time or depends on handles. Two contacts of one netgroup on each side, one
// among the long links; the unknown netgroup is not restricted.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/random.hpp>
#include <hydra/routing/bucket.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

using ring_position = std::uint64_t;

[[nodiscard]] constexpr ring_position position_of(key const& k) noexcept { return k.words()[0]; }
[[nodiscard]] constexpr std::uint64_t ring_distance(ring_position a, ring_position b) noexcept {
  return std::min(a - b, b - a);
}

struct ring_contact {
  ring_position at = 0;
  contact of{};  // its prefix is not used
  template <class A>
  void serialize(A& a, unsigned) {
    a& at& of;
  }
};

class small_world_table {
 public:
  static constexpr std::size_t side_max = 4;
  static constexpr std::size_t far_max = 24;
  static constexpr std::size_t nearest_max = 12;
  static constexpr std::size_t contacts_max = 2 * side_max + far_max;
  static constexpr std::size_t per_group_max = 2;  // on one side
  using nearest = bounded_vector<ring_contact, nearest_max>;

  constexpr small_world_table() = default;
  constexpr explicit small_world_table(key const& own) noexcept : own_{position_of(own)} {}

  [[nodiscard]] constexpr ring_position own() const noexcept { return own_; }
  [[nodiscard]] constexpr auto const& after() const noexcept { return after_; }
  [[nodiscard]] constexpr auto const& before() const noexcept { return before_; }
  [[nodiscard]] constexpr auto const& far() const noexcept { return far_; }
  [[nodiscard]] constexpr bool empty() const noexcept {
    return after_.empty() && before_.empty() && far_.empty();
  }

  // Visits every contact, some of them twice: in a small ring a head may be on both sides.
  template <class F>
  constexpr void each(F&& visit) const {
    for (auto const& c : after_) visit(c);
    for (auto const& c : before_) visit(c);
    for (auto const& c : far_) visit(c);
  }
  [[nodiscard]] constexpr bounded_vector<ring_contact, contacts_max> all() const {
    bounded_vector<ring_contact, contacts_max> out;
    each([&](ring_contact const& c) {
      bool const there = std::any_of(out.begin(), out.end(), [&](ring_contact const& o) {
        return o.of.who == c.of.who;
      });
      if (!there) out.push_back(c);
    });
    return out;
  }
  [[nodiscard]] constexpr std::size_t size() const { return all().size(); }
  [[nodiscard]] constexpr std::size_t live() const {
    std::size_t n = 0;
    for (auto const& c : all()) n += c.of.live() ? 1U : 0U;
    return n;
  }
  [[nodiscard]] constexpr bool knows(peer who) const {
    bool yes = false;
    each([&](ring_contact const& c) { yes = yes || c.of.who == who; });
    return yes;
  }

  // The k nearest to a position, nearest first.
  [[nodiscard]] constexpr nearest closest(ring_position to, std::size_t k,
                                          bool hearsay_too = false, peer but = {}) const {
    nearest out;
    k = std::min(k, nearest_max);
    each([&](ring_contact const& c) {
      if ((!c.of.live() && !hearsay_too) || c.of.who == but || k == 0) return;
      auto const distance = ring_distance(c.at, to);
      if (out.size() == k && distance >= ring_distance(out.back().at, to)) return;
      auto const* at = out.begin();
      while (at != out.end() && ring_distance(at->at, to) <= distance) {
        if (at->of.who == c.of.who) return;
        ++at;
      }
      auto const place = at - out.begin();
      if (out.size() == k) out.pop_back();
      out.insert_bounded(out.begin() + place, c);
    });
    return out;
  }
  // How many live neighbours are nearer to a position than we are.
  [[nodiscard]] constexpr std::size_t closer_than_own(ring_position to) const {
    std::size_t n = 0;
    for (auto const& c : all()) {
      n += c.of.live() && ring_distance(c.at, to) < ring_distance(own_, to) ? 1U : 0U;
    }
    return n;
  }

  // Whether somebody there would be a neighbour: a place is free, or taken by one farther away.
  [[nodiscard]] constexpr bool would_be_near(ring_position at) const {
    return at != own_ && (fits(after_, at - own_, 1) || fits(before_, own_ - at, -1));
  }
  // Puts somebody beside us if that is where it belongs. Hearsay takes free places only.
  constexpr bool place_near(ring_contact const& c) {
    if (c.at == own_) return false;
    bool const a = insert(after_, c, 1);
    bool const b = insert(before_, c, -1);
    return a || b;
  }
  // A long link; when there is no room the oldest gives way to a live one.
  constexpr bool place_far(ring_contact const& c, std::size_t most) {
    if (c.at == own_ || knows(c.of.who)) return false;
    for (auto const& f : far_) {
      if (c.of.group != 0 && f.of.group == c.of.group) return false;
    }
    most = std::min(most, far_max);
    if (far_.size() >= most && !c.of.live()) return false;
    while (!far_.empty() && far_.size() >= most) far_.erase(far_.begin());
    return far_.try_push_back(c);
  }
  template <class F>
  constexpr void change(peer who, F&& by) {
    for (auto& c : after_) if (c.of.who == who) by(c.of);
    for (auto& c : before_) if (c.of.who == who) by(c.of);
    for (auto& c : far_) if (c.of.who == who) by(c.of);
  }
  // Hearsay goes at once, others after so many failures in a row.
  constexpr void failed(peer who, unsigned evict_after) {
    bool gone = false;
    change(who, [&](contact& c) {
      c.fails();
      gone = gone || !c.live() || c.failures() >= evict_after;
    });
    if (gone) evict(who);
  }
  constexpr void evict(peer who) {
    drop(after_, who);
    drop(before_, who);
    drop(far_, who);
  }

  // The mean gap between two neighbours; half the ring when nobody is known.
  [[nodiscard]] constexpr std::uint64_t gap() const noexcept {
    std::uint64_t widest = 0;
    for (std::size_t i = 0; i < after_.size(); ++i) {
      widest = std::max(widest, (after_[i].at - own_) / (i + 1));
    }
    return widest == 0 ? std::uint64_t{1} << 63U : widest;
  }
  // How many octaves of distance there are beyond the neighbours: log2 of the number of heads.
  [[nodiscard]] constexpr std::size_t octaves() const noexcept {
    return static_cast<std::size_t>(std::countl_zero(gap() | 1U));
  }
  // Where a long link shall lead: every octave alike, and alike within it, so that the chance of
  // a distance is one part in it (Kleinberg's 1/d) up to a factor of two.
  [[nodiscard]] constexpr ring_position drawn(std::uint64_t bits, std::uint64_t more) const {
    auto const range = std::max<std::size_t>(octaves(), 1);
    auto const octave = 62U - static_cast<unsigned>(bits % std::min<std::size_t>(range, 62));
    auto const distance = (std::uint64_t{1} << octave) + (more >> (63U - octave) >> 1U);
    return bits >> 63U != 0 ? own_ + distance : own_ - distance;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& own_& after_& before_& far_;
  }

 private:
  using side = bounded_vector<ring_contact, side_max>;
  [[nodiscard]] constexpr std::uint64_t along(ring_position at, int direction) const noexcept {
    return direction > 0 ? at - own_ : own_ - at;
  }
  [[nodiscard]] constexpr bool fits(side const& s, std::uint64_t distance, int direction) const {
    return !s.full() || distance < along(s.back().at, direction) || !s.back().of.live();
  }
  constexpr bool insert(side& s, ring_contact const& c, int direction) {
    std::size_t alike = 0;
    for (auto const& o : s) {
      if (o.of.who == c.of.who) return true;
      alike += c.of.group != 0 && o.of.group == c.of.group ? 1U : 0U;
    }
    if (alike >= per_group_max) return false;
    if (s.full() && !c.of.live()) return false;
    if (!fits(s, along(c.at, direction), direction)) return false;
    if (s.full() && !s.back().of.live()) s.pop_back();
    auto const* at = s.begin();
    while (at != s.end() && along(at->at, direction) <= along(c.at, direction)) ++at;
    s.insert_bounded(at, c);
    return true;
  }
  template <class S>
  static constexpr void drop(S& s, peer who) {
    for (std::size_t i = s.size(); i-- > 0;) {
      if (s[i].of.who == who) s.erase(&s[i]);
    }
  }

  ring_position own_ = 0;
  side after_{};
  side before_{};
  bounded_vector<ring_contact, far_max> far_{};
};

// A table as months of traffic would have left it: the true neighbours, and long links whose
// distance, counted in heads, is drawn as above. `everybody` is ordered by key; named(peer) is
// what our head calls somebody. Cost: O(log n).
template <class Everybody, class Named>
[[nodiscard]] constexpr small_world_table direct_small_world(key const& own,
                                                             Everybody const& everybody,
                                                             Named named, std::size_t links) {
  small_world_table made{own};
  auto const n = static_cast<std::uint64_t>(everybody.size());
  auto const it = std::partition_point(everybody.begin(), everybody.end(),
                                       [&](auto const& o) { return o.key < own; });
  auto const place = static_cast<std::uint64_t>(it - everybody.begin());
  auto const somebody = [&](std::uint64_t i) {
    auto const& o = everybody[static_cast<std::size_t>(i % n)];
    return ring_contact{position_of(o.key),
                        {named(o.who), o.key.prefix(), group_tag(o.group), 0, 0x80U}};
  };
  for (std::uint64_t i = 1; i <= small_world_table::side_max && i < n; ++i) {
    made.place_near(somebody(place + i));
    made.place_near(somebody(place + n - i));
  }
  auto const octaves = static_cast<std::uint64_t>(std::bit_width(n));
  if (octaves < 3) return made;
  auto const wanted = links == 0 ? static_cast<std::size_t>(octaves) : links;
  std::uint64_t draws = 0;
  while (made.far().size() < std::min(wanted, small_world_table::far_max) && draws < 4 * wanted) {
    auto const bits = mix64(position_of(own) ^ ++draws);
    auto const octave = bits % (octaves - 1);  // up to half of the ring
    auto const distance = (std::uint64_t{1} << octave) + (mix64(bits) & ((1ULL << octave) - 1));
    auto const c = somebody(bits >> 63U != 0 ? place + distance : place + n - distance % n);
    made.place_far(c, small_world_table::far_max);
  }
  return made;
}

}  // namespace hydra::routing
