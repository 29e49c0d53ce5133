// What a head of a ring knows of it: predecessor, successors and fingers.
//
// A head's place is the first 64 bits of its key, clockwise and modulo 2^64; finger i is the first
// head at or after own + 2^(32+i), the 32 fingers of a ring of 32-bit places. Two heads of one
// place are not expected: among a million, once in 2^25 worlds.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>
#include <hydra/routing/chord_messages.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t finger_count = 32;

[[nodiscard]] constexpr std::uint64_t place_of(key const& k) noexcept { return k.words()[0]; }

// Whether a place lies in (from, to], clockwise; all of the ring when both are the same.
[[nodiscard]] constexpr bool on_arc(std::uint64_t at, std::uint64_t from,
                                    std::uint64_t to) noexcept {
  return at - from - 1 <= to - from - 1;
}

// The index of the head that a place belongs to: the first at or after it. `everybody`: a range of
// what has a key, ordered by key, not empty. Cost: log2 n comparisons.
template <class Everybody>
[[nodiscard]] constexpr std::size_t successor_in(Everybody const& everybody, std::uint64_t place) {
  auto const at = std::partition_point(
      everybody.begin(), everybody.end(),
      [&](auto const& o) { return place_of(o.key) < place; });
  return at == everybody.end() ? 0 : static_cast<std::size_t>(at - everybody.begin());
}

struct ring_entry {
  std::uint64_t at = 0;
  peer who{};
  std::uint32_t rtt_us = 0;  // as measured when it became a finger; zero: not measured
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bool{who}; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& at& who& rtt_us;
  }
};
static_assert(sizeof(ring_entry) == 16);

// Invariants (sane): successors clockwise from our place, none twice, never ourselves; a finger is
// at or beyond its start. Only heads that answered us become first successor, predecessor or
// finger; the rest of the successors is what the first one says.
template <std::size_t Successors>
class ring_table {
 public:
  static_assert(Successors > 0 && Successors <= ring_successors_max);
  static constexpr std::size_t contacts_max = Successors + finger_count + 1;
  using successor_list = bounded_vector<ring_entry, Successors>;

  constexpr ring_table() = default;
  constexpr explicit ring_table(std::uint64_t own) noexcept : own_{own} {}

  [[nodiscard]] constexpr std::uint64_t own() const noexcept { return own_; }
  [[nodiscard]] constexpr ring_entry const& predecessor() const noexcept { return predecessor_; }
  [[nodiscard]] constexpr successor_list const& successors() const noexcept { return successors_; }
  [[nodiscard]] constexpr ring_entry const& finger(std::size_t i) const { return fingers_.at(i); }
  [[nodiscard]] static constexpr std::uint64_t stride(std::size_t finger) noexcept {
    return std::uint64_t{1} << (32U + finger);
  }
  [[nodiscard]] constexpr std::uint64_t far(std::uint64_t at) const noexcept { return at - own_; }

  // Whether a place is ours as far as we know; never without a predecessor.
  [[nodiscard]] constexpr bool owns(std::uint64_t at) const noexcept {
    return predecessor_ && on_arc(at, predecessor_.at, own_);
  }
  // Whether it would be nearer on either side than whom we have.
  [[nodiscard]] constexpr bool beside(std::uint64_t at) const noexcept {
    if (at == own_) return false;
    if (successors_.empty() || !predecessor_) return true;
    return far(at) < far(successors_.front().at) || far(at) > far(predecessor_.at);
  }
  // The lowest finger that is not the successor: those below are never stored.
  [[nodiscard]] constexpr std::size_t lowest_finger() const noexcept {
    std::size_t i = 0;
    while (!successors_.empty() && i < finger_count && stride(i) <= far(successors_[0].at)) ++i;
    return i;
  }

  // Somebody who answered us.
  constexpr void learn(ring_entry e, std::size_t kept) {
    if (!e || e.at == own_) return;
    if (!predecessor_ || far(e.at) > far(predecessor_.at)) predecessor_ = e;
    auto const* at = successors_.begin();
    while (at != successors_.end() && far(at->at) < far(e.at)) ++at;
    if (at != successors_.end() && at->at == e.at) return;
    if (at == successors_.end() && successors_.size() >= kept) return;
    successors_.insert_bounded(at, e);
    if (successors_.size() > kept) successors_.pop_back();
  }
  // What the first successor says of those after it; whatever is out of order is passed over.
  template <class Named>
  constexpr void follow(ring_entry first, Named const& named, std::size_t kept) {
    successors_.clear();
    successors_.push_back(first);
    for (ring_entry const& e : named) {
      if (successors_.size() >= kept) return;
      if (e.at != own_ && far(e.at) > far(successors_.back().at)) successors_.push_back(e);
    }
  }
  constexpr void forget(peer who) {
    for (std::size_t i = successors_.size(); i-- > 0;) {
      if (successors_[i].who == who) successors_.erase(&successors_[i]);
    }
    if (predecessor_.who == who) predecessor_ = {};
    for (std::size_t i = finger_count; i-- > 0;) {  // the next one clockwise takes its place
      if (fingers_[i].who != who) continue;
      fingers_[i] = i + 1 < finger_count ? fingers_[i + 1] : ring_entry{};
    }
  }
  constexpr void forget_predecessor() noexcept { predecessor_ = {}; }
  // The finger and those above it whose start lies before this head.
  constexpr void fix(std::size_t i, ring_entry const& e) {
    for (; i < finger_count && stride(i) <= far(e.at); ++i) fingers_[i] = e;
  }

  // The one of its candidates that is nearest in time.
  constexpr void choose(std::size_t i, ring_entry const& e) {
    if (stride(i) <= far(e.at)) fingers_[i] = e;
  }

  // Everybody strictly between us and a place, nearest to the place first.
  template <std::size_t N>
  constexpr void preceding(std::uint64_t at, bounded_vector<ring_entry, N>& out) const {
    auto const consider = [&](ring_entry const& e) {
      if (!e || far(e.at) >= far(at)) return;
      if (out.full() && far(e.at) <= far(out.back().at)) return;
      auto const* place = out.begin();
      while (place != out.end() && far(place->at) > far(e.at)) ++place;
      if (place != out.end() && place->at == e.at) return;
      out.insert_bounded(place, e);
    };
    each(consider);
  }
  // The k known heads to which a place belongs first: clockwise from it.
  template <std::size_t N>
  constexpr void closest(std::uint64_t at, std::size_t k,
                         bounded_vector<ring_entry, N>& out) const {
    each([&](ring_entry const& e) {
      if (!e) return;
      auto const* place = out.begin();
      while (place != out.end() && place->at - at < e.at - at) ++place;
      if (place != out.end() && place->at == e.at) return;
      out.insert_bounded(place, e);
      if (out.size() > k) out.pop_back();
    });
  }
  // Predecessor, successors and fingers; somebody may come more than once, or be nobody.
  template <class F>
  constexpr void each(F&& visit) const {
    visit(predecessor_);
    for (auto const& e : successors_) visit(e);
    peer before{};
    for (auto const& e : fingers_) {
      if (e.who != before) visit(e);
      before = e.who;
    }
  }
  [[nodiscard]] constexpr std::size_t contacts() const {
    bounded_vector<ring_entry, contacts_max> all;
    closest(own_, contacts_max, all);
    return all.size();
  }
  [[nodiscard]] constexpr bool empty() const noexcept {
    return successors_.empty() && !predecessor_ &&
           std::none_of(fingers_.begin(), fingers_.end(), [](auto const& e) { return bool{e}; });
  }

  // The ring as it is, for worlds too large to warm up: `kept` successors, the predecessor, and
  // for each finger the nearest by nearness(who) of the head it means and the s after it.
  template <class Everybody, class Named, class Nearness>
  constexpr void adopt(std::uint64_t own, Everybody const& everybody, Named named,
                       std::size_t kept, std::size_t s, Nearness nearness) {
    *this = ring_table{own};
    auto const n = everybody.size();
    auto const mine = successor_in(everybody, own);
    auto const entry = [&](std::size_t i) {
      return ring_entry{place_of(everybody[i % n].key), named(everybody[i % n].who), 0};
    };
    for (std::size_t k = 1; k < n && successors_.size() < kept; ++k) {
      successors_.push_back(entry(mine + k));
    }
    if (n < 2) return;
    predecessor_ = entry(mine + n - 1);
    for (auto i = lowest_finger(); i < finger_count; ++i) {
      auto const first = successor_in(everybody, own + stride(i));
      auto best = first;
      for (std::size_t k = 1; k <= s && first != mine; ++k) {
        auto const next = (first + k) % n;
        if (next == mine) break;
        if (nearness(everybody[next].who) < nearness(everybody[best].who)) best = next;
      }
      if (best != mine) fingers_[i] = entry(best);
    }
  }

  // What must hold after every operation; tests and fuzzers call it.
  [[nodiscard]] constexpr bool sane() const noexcept {
    for (std::size_t i = 0; i < successors_.size(); ++i) {
      auto const& e = successors_[i];
      if (!e || e.at == own_) return false;
      if (i > 0 && far(e.at) <= far(successors_[i - 1].at)) return false;
    }
    if (predecessor_ && predecessor_.at == own_) return false;
    for (std::size_t i = 0; i < finger_count; ++i) {
      if (fingers_[i] && far(fingers_[i].at) < stride(i)) return false;
    }
    return true;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& own_& predecessor_& successors_& fingers_;
  }

 private:
  std::uint64_t own_ = 0;
  ring_entry predecessor_{};
  successor_list successors_{};
  std::array<ring_entry, finger_count> fingers_{};
};

}  // namespace hydra::routing
