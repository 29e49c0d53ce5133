// Nearest by predicted finish among a few: d candidates are asked, the one that will be done first
// gets the job.
//
// Promise: the placed candidate is at or above the floor and has the least queue + work/speed +
// delay of those who bid; ties break by key.
//
// Rules.
// - `ask` takes the nearest and d-1 others at random. Always the nearest alone herds: everybody in
//   one city asks the same head. Random ones alone send jobs across the world. This head is
//   asked too when it is among the found, on top of d: its bid costs nothing.
// - `place` adds what each bid: a near head with a queue loses to a far one without.
// - `accepts` refuses when the wait exceeds the bound or the deadline cannot be met: a no at once
//   is worth more to the asker than a yes that comes to nothing.
//
// An attacker gains: a bid may lie about queue and speed. Speed is believed up to eight reference
// cores, a queue down to nothing; so a liar wins the jobs that consider it, and then has to
// deliver in time or is replaced when its lease lapses, which its owner counts against it.
// Cost: d bids asked per job (d+1 messages with the offer), two passes over at most 64
// candidates; 24 bytes of configuration and no state per peer.
//
// Paper: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001): with d >= 2
// the mean wait falls exponentially; at load 0.9 from 10 to 2.6 (d=2) and 2.0 (d=3). Departures:
// one choice is the nearest, not random; the finish counts, not the length of the queue; samples
// are distinct; bids are as old as one round trip.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/capacity.hpp>

namespace hydra::scheduling {

struct power_of_d {
  using policy_concept = scheduling_tag;

  trust floor = trust::percent(20);
  std::uint8_t d = 3;  // at most shortlist_max - 1
  queue_bound bound{};

  [[nodiscard]] shortlist ask(auto& env, job const& j, std::span<candidate const> found) const {
    HYDRA_EXPECTS(d > 0);
    HYDRA_EXPECTS(d < shortlist_max);
    shortlist out;
    auto const self = env.self();
    auto const near = least(
        env, found,
        [&](candidate const& c) { return is_trusted(j, c, floor) && c.who != self; },
        [](candidate const& c) { return c.delay; });
    if (near != choice::nowhere) out.push_back(static_cast<std::uint8_t>(near));
    std::array<std::uint8_t, considered_max> rest{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < std::min(found.size(), considered_max); ++i) {
      if (i == near || !is_trusted(j, found[i], floor)) continue;
      if (found[i].who == self) {
        if (out.size() < d + std::size_t{1}) out.push_back(static_cast<std::uint8_t>(i));
      } else {
        rest[n++] = static_cast<std::uint8_t>(i);
      }
    }
    auto chance = env.random();
    for (auto const i : chance.sample(d - std::size_t{1}, std::span{rest}.first(n))) {
      if (!out.try_push_back(i)) break;
    }
    return out;
  }
  [[nodiscard]] choice place(auto& env, job const& j, std::span<candidate const> among) const {
    choice out;
    out.index = least(
        env, among, [&](candidate const& c) { return is_trusted(j, c, floor) && has_bid(c); },
        [&](candidate const& c) { return predict(j, c).total(); });
    if (!out) return out;
    out.locally = among[out.index].who == env.self();
    out.terms = predict(j, among[out.index]).terms();
    return out;
  }
  [[nodiscard]] decision accepts(auto& env, offer const& o, load const& l) const {
    return bound.accepts(env, o, l);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& floor& d& bound;
  }
};

static_assert(ChoosesWork<power_of_d, archetype_view<power_of_d>>);
static_assert(ChoosesBidders<power_of_d, archetype_view<power_of_d>>);

}  // namespace hydra::scheduling
