// The live heads nearest to ourselves, kept complete: the sibling list of S/Kademlia (Baumgart and
// Mies 2007). A bucket keeps K of the heads that share so many bits with us; which of them are the
// nearest, it does not ask. Where replicas lie on the S nearest of a key, these have to be known.
//
// Promise: ordered by distance, nobody twice, live contacts only; S at most, 12 S + 4 bytes; none
// for S = 0. Netgroups do not count here: who is near is near.
// What an attacker gains: keys ground next to ours enter it. It is looked at beside the buckets
// and never instead of them.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/routing/bucket.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

template <std::size_t S>
class sibling_list {
 public:
  [[nodiscard]] constexpr std::span<contact const> all() const noexcept {
    return {near_.data(), near_.size()};
  }

  // True when it would be one if it answered.
  constexpr bool learn(contact const& c, evidence how, std::uint32_t own, instant now) {
    for (auto& known : near_) {
      if (known.who != c.who) continue;
      if (how == evidence::answered) known.lives(now);
      if (how == evidence::heard) known.last_seen = seen_at(now);
      return false;
    }
    auto const far = c.prefix ^ own;
    if (near_.full() && (near_.back().prefix ^ own) <= far) return false;
    if (!c.live()) return true;
    auto const* at = near_.begin();
    while (at != near_.end() && (at->prefix ^ own) <= far) ++at;
    near_.insert_bounded(at, c);
    return false;
  }
  constexpr void failed(peer who, unsigned evict_after) {
    auto* c = find(who);
    if (c == nullptr) return;
    c->fails();
    if (c->failures() >= evict_after) near_.erase(c);
  }
  constexpr void evict(peer who) {
    if (auto* c = find(who)) near_.erase(c);
  }
  [[nodiscard]] constexpr bool sane(std::uint32_t own) const noexcept {
    for (auto const* c = near_.begin(); c != near_.end(); ++c) {
      if (!c->live()) return false;
      if (c != near_.begin() && (c[-1].prefix ^ own) > (c->prefix ^ own)) return false;
      if (std::any_of(near_.begin(), c, [&](contact const& o) { return o.who == c->who; })) {
        return false;
      }
    }
    return true;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& near_;
  }

 private:
  [[nodiscard]] constexpr contact* find(peer who) noexcept {
    auto* c = std::find_if(near_.begin(), near_.end(),
                           [&](contact const& o) { return o.who == who; });
    return c == near_.end() ? nullptr : c;
  }
  bounded_vector<contact, S> near_{};
};

template <>
class sibling_list<0> {
 public:
  [[nodiscard]] static constexpr std::span<contact const> all() noexcept { return {}; }
  static constexpr bool learn(contact const&, evidence, std::uint32_t, instant) { return false; }
  static constexpr void failed(peer, unsigned) noexcept {}
  static constexpr void evict(peer) noexcept {}
  [[nodiscard]] static constexpr bool sane(std::uint32_t) noexcept { return true; }
};

}  // namespace hydra::routing
