// What a head of Pastry knows (Rowstron and Druschel 2001): a routing table by the digits of keys,
// and the leaf set, the heads next to it on both sides of the ring of keys.
//
// Promise: at most 2^B - 1 contacts per row and Leaves / 2 per side; nothing in here allocates,
// asks the time or depends on handles. Ties between both sides of a key go to the larger prefix.
//
// Rules.
// - Keys are compared by their first 32 bits, 32 / B digits. With B = 4 that is 8 digits; n heads
//   use about log16(n) + 1 rows, so it is enough up to some 16 million heads (six rows, and two for
//   those who happen to be near). Heads with equal prefixes are the same to it.
// - The leaf set holds only heads that answered. Hearsay takes free places of the table only, and
//   gives way to whoever answers.
// - A live entry is replaced only by one that is nearer by measured round trip (the policy says
//   so), or when it fell silent `replace_after` times in a row.
// - A leaf set with a side that is not full is the whole network: then everybody known counts as a
//   leaf.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/random.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/table.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace hydra::routing {

// Numerical distance on the ring, the shorter way round.
[[nodiscard]] constexpr std::uint32_t ring_distance(std::uint32_t a, std::uint32_t b) noexcept {
  return std::min(a - b, b - a);
}

// Where one head of a subtree is drawn by chance: a function of our own key and of the place.
struct drawn_by_key {
  std::uint64_t base = 0;
  constexpr explicit drawn_by_key(key const& own, std::uint64_t seed = 0) noexcept
      : base{mix64(own.words()[0] ^ seed) ^ own.words()[1]} {}
  [[nodiscard]] constexpr std::size_t operator()(std::size_t first, std::size_t size,
                                                 std::size_t place) const noexcept {
    std::uint32_t count = 0;
    stream s{mix64(base ^ place), count};
    return first + static_cast<std::size_t>(s.below(size));
  }
};

template <unsigned B, std::size_t Leaves>
class pastry_table {
  static_assert(B >= 1 && B <= 5 && Leaves >= 2 && Leaves % 2 == 0 && Leaves <= 32,
                "digits of 1 to 5 bits, and as many leaves on both sides");

 public:
  static constexpr unsigned rows = 32 / B;
  static constexpr unsigned columns = 1U << B;
  static constexpr std::size_t side = Leaves / 2;
  static constexpr std::size_t capacity = rows * columns + Leaves;
  using half = bounded_vector<contact, side>;

  constexpr pastry_table() = default;
  constexpr explicit pastry_table(key const& own) noexcept : own_{own.prefix()} {}

  [[nodiscard]] constexpr std::uint32_t own() const noexcept { return own_; }
  [[nodiscard]] constexpr half const& smaller() const noexcept { return smaller_; }
  [[nodiscard]] constexpr half const& larger() const noexcept { return larger_; }
  [[nodiscard]] constexpr unsigned shared(std::uint32_t prefix) const noexcept {
    return std::min(static_cast<unsigned>(std::countl_zero(own_ ^ prefix)) / B, rows);
  }
  [[nodiscard]] static constexpr unsigned digit(std::uint32_t prefix, unsigned row) noexcept {
    return (prefix >> (32U - B * (row + 1))) & (columns - 1);
  }
  // The entry of a place; nobody there: `who` is none.
  [[nodiscard]] constexpr contact const& at(unsigned row, unsigned column) const {
    HYDRA_EXPECTS(row < rows);
    HYDRA_EXPECTS(column < columns);
    return places_[row * columns + column];
  }
  [[nodiscard]] constexpr contact const* entry_for(std::uint32_t prefix) const noexcept {
    auto const r = shared(prefix);
    return r == rows ? nullptr : &places_[r * columns + digit(prefix, r)];
  }

  // Everybody known, once.
  template <class F>
  constexpr void each(F&& visit) const {
    for (auto const& c : places_) {
      if (c.who) visit(c);
    }
    for (auto const& c : smaller_) {
      if (!in_places(c)) visit(c);
    }
    for (auto const& c : larger_) {
      if (!in_places(c) && find(smaller_, c.who) == nullptr) visit(c);
    }
  }
  [[nodiscard]] constexpr std::size_t size() const {
    std::size_t n = 0;
    each([&](contact const&) { ++n; });
    return n;
  }
  [[nodiscard]] constexpr std::size_t live() const {
    std::size_t n = 0;
    each([&](contact const& c) { n += c.live() ? 1U : 0U; });
    return n;
  }
  [[nodiscard]] constexpr bool is_leaf(peer who) const noexcept {
    return find(smaller_, who) != nullptr || find(larger_, who) != nullptr;
  }

  // True when it should be asked whether it is alive: it could be a leaf, or holds a place as
  // hearsay. `nearer`: by measured round trip than the live entry of its place.
  constexpr bool learn(contact c, evidence how, instant now, bool nearer = false) {
    HYDRA_EXPECTS(c.who);
    c.state = 0;
    c.last_seen = seen_at(now);
    if (how == evidence::answered) c.lives(now);
    bool doubtful = learn_leaf(smaller_, c, how, now, own_ - c.prefix);
    doubtful = learn_leaf(larger_, c, how, now, c.prefix - own_) || doubtful;
    auto const r = shared(c.prefix);
    if (r == rows) return doubtful;
    auto& place = places_[r * columns + digit(c.prefix, r)];
    if (place.who == c.who) {
      if (how == evidence::answered) place.lives(now);
      if (how == evidence::heard && place.live()) place.last_seen = seen_at(now);
    } else if (!place.who || (c.live() && (!place.live() || nearer ||
                                           place.failures() >= replace_after))) {
      place = c;
    }
    return doubtful || (place.who == c.who && !place.live());
  }

  struct lost {
    bool leaf = false;
    bool entry = false;
  };
  // Counts a failure; what is gone with it.
  constexpr lost failed(peer who, std::uint32_t prefix, unsigned evict_after) {
    lost gone;
    for (auto* set : {&smaller_, &larger_}) {
      auto* c = find(*set, who);
      if (c == nullptr) continue;
      c->fails();
      if (c->failures() < evict_after) continue;
      set->erase(c);
      gone.leaf = true;
    }
    auto* place = const_cast<contact*>(entry_for(prefix));
    if (place == nullptr || place->who != who) return gone;
    place->fails();
    if (place->failures() < evict_after && !gone.leaf) return gone;
    *place = contact{};
    gone.entry = true;
    return gone;
  }
  constexpr void evict(peer who, std::uint32_t prefix) { failed(who, prefix, 0); }

  // Whether the target lies between our farthest leaves.
  [[nodiscard]] constexpr bool whole_network() const noexcept {
    return !smaller_.full() || !larger_.full();
  }
  [[nodiscard]] constexpr bool covers(std::uint32_t target) const noexcept {
    if (whole_network()) return true;
    return target - own_ <= larger_.back().prefix - own_ ||
           own_ - target <= own_ - smaller_.back().prefix;
  }

  // To whom a message for this key goes from here; nobody: it is here. `usable(contact)` says who
  // may be turned to.
  template <class Usable>
  [[nodiscard]] constexpr contact const* next(std::uint32_t target, Usable&& usable) const {
    contact const* best = nullptr;
    if (covers(target)) {
      auto const better = [&](contact const& c) {
        if (usable(c) && nearer(c.prefix, best == nullptr ? own_ : best->prefix, target)) best = &c;
      };
      if (whole_network()) {
        each(better);
      } else {
        for (auto const& c : smaller_) better(c);
        for (auto const& c : larger_) better(c);
      }
      return best;
    }
    auto const* entry = entry_for(target);
    if (entry != nullptr && entry->who && usable(*entry)) return entry;
    auto const row = shared(target);  // the rare case: anybody who is nearer and shares as much
    unsigned most = row;
    each([&](contact const& c) {
      auto const digits = static_cast<unsigned>(std::countl_zero(c.prefix ^ target)) / B;
      if (digits < most || !usable(c) || !nearer(c.prefix, own_, target)) return;
      if (best != nullptr && digits == most && !nearer(c.prefix, best->prefix, target)) return;
      most = digits;
      best = &c;
    });
    return best;
  }

  // The live contacts nearest to a key, nearest first.
  template <std::size_t N>
  constexpr void closest(std::uint32_t target, std::size_t k, peer but,
                         bounded_vector<contact, N>& out, bool hearsay_too = false) const {
    k = std::min(k, N);
    each([&](contact const& c) {
      if ((!c.live() && !hearsay_too) || c.who == but || k == 0) return;
      if (out.size() == k && !nearer(c.prefix, out.back().prefix, target)) return;
      if (out.size() == k) out.pop_back();
      auto const* to = out.begin();
      while (to != out.end() && !nearer(c.prefix, to->prefix, target)) ++to;
      out.insert_bounded(to, c);
    });
  }
  [[nodiscard]] constexpr std::size_t closer_than_own(std::uint32_t target) const {
    std::size_t n = 0;
    each([&](contact const& c) { n += c.live() && nearer(c.prefix, own_, target) ? 1U : 0U; });
    return n;
  }
  [[nodiscard]] static constexpr bool nearer(std::uint32_t a, std::uint32_t b,
                                             std::uint32_t target) noexcept {
    auto const da = ring_distance(a, target);
    auto const db = ring_distance(b, target);
    return da != db ? da < db : a > b;
  }

  // What must hold after every operation; tests and fuzzers call it.
  [[nodiscard]] constexpr bool sane() const {
    for (unsigned r = 0; r < rows; ++r) {
      for (unsigned c = 0; c < columns; ++c) {
        auto const& e = at(r, c);
        if (e.who && (shared(e.prefix) != r || digit(e.prefix, r) != c)) return false;
      }
    }
    return sane_side(smaller_, [&](contact const& c) { return own_ - c.prefix; }) &&
           sane_side(larger_, [&](contact const& c) { return c.prefix - own_; });
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& own_& places_& smaller_& larger_;
  }

  // As months of traffic would have left it: in every place the head that `choose(first, size,
  // place)` names of those that may stand there, and the exact leaf set. `everybody`: a range of
  // introductions, or of what has the same members, ordered by key.
  template <class Everybody, class Named, class Choose>
  constexpr void adopt(key const& own, Everybody const& everybody, Named& named,
                       Choose&& choose) {
    *this = pastry_table{own};
    auto const begin = everybody.begin();
    auto const from = [&](std::uint64_t prefix) {
      return static_cast<std::size_t>(
          std::partition_point(begin, everybody.end(), [&](auto const& o) {
            return o.key.prefix() < prefix;
          }) - begin);
    };
    auto const known = [&](auto const& o) {
      contact c{named(o.who), o.key.prefix(), group_tag(o.group), 0, 0};
      c.lives({});
      return c;
    };
    for (unsigned r = 0; r < rows; ++r) {
      std::uint64_t const width = std::uint64_t{1} << (32U - B * (r + 1));
      std::uint64_t const base = own_ & ~(width * columns - 1) & 0xffffffffU;
      if (from(base + width * columns) - from(base) < 2) break;  // nobody but ourselves
      for (unsigned c = 0; c < columns; ++c) {
        if (c == digit(own_, r)) continue;
        auto const first = from(base + c * width);
        auto const size = from(base + (c + 1) * width) - first;
        auto const place = r * columns + c;
        if (size != 0) places_[place] = known(everybody[choose(first, size, std::size_t{place})]);
      }
    }
    auto const n = static_cast<std::size_t>(everybody.end() - begin);
    auto const here = static_cast<std::size_t>(
        std::partition_point(begin, everybody.end(), [&](auto const& o) { return o.key < own; }) -
        begin);
    for (std::size_t i = 1; i <= side && i < n; ++i) {
      larger_.push_back(known(everybody[(here + i) % n]));
      smaller_.push_back(known(everybody[(here + n - i) % n]));
    }
  }

 private:
  [[nodiscard]] constexpr bool in_places(contact const& c) const noexcept {
    auto const* place = entry_for(c.prefix);
    return place != nullptr && place->who == c.who;
  }
  template <class Set>
  [[nodiscard]] static constexpr auto find(Set& set, peer who) noexcept -> decltype(set.data()) {
    for (auto& c : set) {
      if (c.who == who) return &c;
    }
    return nullptr;
  }
  // True when it would be a leaf if it answered.
  static constexpr bool far_less(half const& set, std::uint32_t own, bool up, std::uint32_t far) {
    auto const& last = set.back();
    return far < (up ? last.prefix - own : own - last.prefix);
  }
  constexpr bool learn_leaf(half& set, contact const& c, evidence how, instant now,
                            std::uint32_t far) {
    if (auto* known = find(set, c.who)) {
      if (how == evidence::answered) known->lives(now);
      if (how == evidence::heard) known->last_seen = seen_at(now);
      return false;
    }
    bool const up = &set == &larger_;
    if (set.full() && !far_less(set, own_, up, far)) return false;
    if (!c.live()) return true;
    auto const* to = set.begin();
    while (to != set.end() && (up ? to->prefix - own_ : own_ - to->prefix) <= far) ++to;
    set.insert_bounded(to, c);
    return false;
  }
  template <class Far>
  [[nodiscard]] static constexpr bool sane_side(half const& set, Far far) {
    for (auto const* c = set.begin(); c != set.end(); ++c) {
      if (!c->live() || !c->who) return false;
      if (c != set.begin() && far(c[-1]) > far(*c)) return false;
      if (std::any_of(set.begin(), c, [&](contact const& o) { return o.who == c->who; })) {
        return false;
      }
    }
    return true;
  }

  std::uint32_t own_ = 0;
  std::array<contact, std::size_t{rows} * columns> places_{};
  half smaller_{};
  half larger_{};
};

}  // namespace hydra::routing
