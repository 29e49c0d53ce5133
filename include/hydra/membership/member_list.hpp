// The members that SWIM knows: live ones first, so that the view is a span, in an order that is
// drawn while they are probed.
//
//   [0, next)       live, probed in this round        [live, size)  dead, left, or only named
//   [next, live)    live, to be probed
//
// Promises. A round probes every live member once, in an order uniform over all permutations: the
// next one is drawn among those that remain (Fisher and Yates, one step per period), so no event
// costs more than a look through the list. A newcomer takes a place among those that remain.
// Between two turns of a member lie at most 2n - 1 periods (Das et al. 2002, section 4.3). The
// order depends on draws and events alone, never on handles.
// Cost: 12 bytes per place; find() and least_told() look through the list.
#pragma once

#include <hydra/core/random.hpp>
#include <hydra/membership/swim_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hydra::membership {

inline constexpr std::uint8_t quiet = 255;  // nothing to be told of this member

struct member {
  std::uint32_t incarnation = 0;
  std::uint16_t stamp = 0;     // of a dead one: the period it died in; of a named one: see swim
  std::uint8_t told = quiet;   // how often its standing was told
  standing is = standing::named;
  template <class A>
  void serialize(A& a, unsigned) {
    a& incarnation& stamp& told& is;
  }
};

template <std::size_t Members>
class member_list {
 public:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t capacity = Members;

  [[nodiscard]] std::size_t size() const noexcept { return who_.size(); }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  [[nodiscard]] bool full() const noexcept { return who_.full(); }
  [[nodiscard]] bool is_live(std::size_t i) const noexcept { return i < live_; }
  [[nodiscard]] peer who(std::size_t i) const { return who_[i]; }
  [[nodiscard]] member& operator[](std::size_t i) { return is_[i]; }
  [[nodiscard]] member const& operator[](std::size_t i) const { return is_[i]; }
  [[nodiscard]] std::span<peer const> live_ones() const noexcept { return {who_.data(), live_}; }
  [[nodiscard]] bool to_tell() const noexcept { return to_tell_ != 0; }

  // In blocks without a way out, so that a compiler compares several at once.
  [[nodiscard]] std::size_t find(peer who) const noexcept {
    constexpr std::size_t block = 16;
    auto const* all = who_.data();
    std::size_t i = 0;
    for (; i + block <= who_.size(); i += block) {
      std::uint32_t hits = 0;
      for (std::size_t j = 0; j < block; ++j) hits += all[i + j] == who ? 1U : 0U;
      if (hits != 0) break;
    }
    for (; i < who_.size(); ++i) {
      if (all[i] == who) return i;
    }
    return nowhere;
  }
  // Not live. Precondition: not full(), and not here yet.
  std::size_t add(peer who, member const& m) {
    HYDRA_EXPECTS(m.told == quiet);
    who_.push_back(who);
    is_.push_back(m);
    return size() - 1;
  }
  // Its new place. Precondition: not live.
  std::size_t raise(std::size_t i) {
    HYDRA_EXPECTS(i >= live_);
    swap(i, live_);
    return live_++;
  }
  // Its new place. Precondition: live.
  std::size_t lower(std::size_t i) {
    HYDRA_EXPECTS(i < live_);
    if (i < next_) {
      --next_;
      swap(i, next_);
      i = next_;
    }
    --live_;
    swap(i, live_);
    return live_;
  }
  // Precondition: not live.
  void erase(std::size_t i) {
    HYDRA_EXPECTS(i >= live_);
    hush(i);
    swap(i, size() - 1);
    who_.pop_back();
    is_.pop_back();
  }
  // Whose turn it is; nowhere when nobody is live.
  std::size_t next_in_turn(stream draw) {
    if (live_ == 0) return nowhere;
    if (next_ >= live_) next_ = 0;
    swap(next_, next_ + static_cast<std::size_t>(draw.below(live_ - next_)));
    return next_++;
  }

  void tell(std::size_t i) {
    if (is_[i].told == quiet) ++to_tell_;
    is_[i].told = 0;
  }
  void hush(std::size_t i) {
    if (is_[i].told != quiet) --to_tell_;
    is_[i].told = quiet;
  }
  // It was told once more; after `limit` times it is told no longer.
  void was_told(std::size_t i, std::uint8_t limit) {
    if (is_[i].told == quiet) return;
    if (++is_[i].told >= limit) hush(i);
  }
  // Places of up to `count` members to be told of, least told first.
  [[nodiscard]] bounded_vector<std::uint16_t, updates_max> least_told(std::size_t count) const {
    bounded_vector<std::uint16_t, updates_max> out;
    if (to_tell_ == 0) return out;
    count = std::min(count, updates_max);
    for (std::size_t i = 0; i < size(); ++i) {
      if (is_[i].told == quiet) continue;
      if (out.size() == count) {
        if (count == 0 || is_[out.back()].told <= is_[i].told) continue;
        out.pop_back();
      }
      auto const* at = std::find_if(out.begin(), out.end(), [&](std::uint16_t o) {
        return is_[o].told > is_[i].told;
      });
      out.insert_bounded(at, static_cast<std::uint16_t>(i));
    }
    return out;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& who_& is_& live_& next_& to_tell_;
    is_.resize(who_.size());  // whatever was read: nothing lies beyond the list
    live_ = static_cast<std::uint16_t>(std::min<std::size_t>(live_, who_.size()));
    next_ = std::min(next_, live_);
  }

 private:
  void swap(std::size_t a, std::size_t b) {
    if (a == b) return;
    std::swap(who_[a], who_[b]);
    std::swap(is_[a], is_[b]);
  }

  bounded_vector<peer, Members> who_{};
  bounded_vector<member, Members> is_{};
  std::uint16_t live_ = 0;
  std::uint16_t next_ = 0;  // of this round
  std::uint16_t to_tell_ = 0;
};

}  // namespace hydra::membership
