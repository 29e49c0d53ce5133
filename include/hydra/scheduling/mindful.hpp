// power_of_d that remembers what it gave away: bids do not know of each other.
//
// Promise: as power_of_d, but a head that was given work by this one counts as busy with it until
// that should be done, whatever its bid said.
//
// Rules, with reasons.
// - Whoever divides a job places all its parts in the same instant, on bids that were all made when
//   nobody had anything: each part alone would go to the same head. Here the second goes to the
//   next one.
// - The work counts from its placement, for as long as its job says; nothing is told back. So a
//   head that is quicker is idle for a while, and one that is slower says so in its next bid.
// - heads_max are remembered; more push out the one that is free first.
// What an attacker gains: as in power_of_d; nothing heard from others is remembered.
// Cost: 16 bytes for each head, 280 in all; one pass over them for each candidate.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/power_of_d.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::scheduling {

class mindful {
 public:
  using policy_concept = scheduling_tag;
  static constexpr std::size_t heads_max = 16;

  mindful() = default;
  explicit mindful(power_of_d const& among) : among_{among} {}

  [[nodiscard]] shortlist ask(auto& env, job const& j, std::span<candidate const> found) const {
    return among_.ask(env, j, found);
  }
  [[nodiscard]] choice place(auto& env, job const& j, std::span<candidate const> among) {
    auto const now = env.now();
    bounded_vector<candidate, considered_max> as_they_are;
    for (auto c : among.first(std::min(among.size(), considered_max))) {
      if (c.queue >= duration{}) c.queue = std::max(c.queue, busy_for(c.who, now));
      as_they_are.push_back(c);
    }
    auto const out = among_.place(env, j, std::span<candidate const>{as_they_are});
    if (out) note(as_they_are[out.index], now, j.work);
    return out;
  }
  [[nodiscard]] decision accepts(auto& env, offer const& o, load const& l) const {
    return among_.accepts(env, o, l);
  }
  // With what it was given here.
  [[nodiscard]] duration busy_for(peer who, instant now) const noexcept {
    for (auto const& g : given_) {
      if (g.who == who) return std::max(duration{}, g.until - now);
    }
    return {};
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& among_& given_;
  }

 private:
  struct gift {
    peer who{};
    instant until{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& until;
    }
  };

  void note(candidate const& c, instant now, duration work) {
    auto at = std::find_if(given_.begin(), given_.end(), [&](gift const& g) {
      return g.who == c.who;
    });
    if (at == given_.end()) {
      at = std::min_element(given_.begin(), given_.end(), [](gift const& a, gift const& b) {
        return a.until < b.until;
      });
    }
    auto const lasts = std::min(c.queue + time_to_work(work, c.power), predicted_max);
    *at = {c.who, now + lasts};
  }

  power_of_d among_{};
  std::array<gift, heads_max> given_{};
};

static_assert(ChoosesWork<mindful, archetype_view<mindful>>);
static_assert(ChoosesBidders<mindful, archetype_view<mindful>>);

}  // namespace hydra::scheduling
