// The nearest trusted candidate, whatever its queue: the baseline for schedulers that look at load.
//
// Promise: among those at or above the floor, the one with the least estimated delay.
// Rule: `asked` bidders, so that a silent nearest is replaced by the next.
// An attacker gains: whoever pretends to be near gets the work; delay is the asker's own
// estimate, so it has to answer fast, and then be caught by verification.
// Cost: one pass per answer; no state but 24 bytes of configuration; `asked` offers per job.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/capacity.hpp>

namespace hydra::scheduling {

struct nearest {
  using policy_concept = scheduling_tag;

  trust floor = trust::percent(20);
  std::uint8_t asked = 2;
  queue_bound bound{};

  [[nodiscard]] shortlist ask(auto& env, job const& j, std::span<candidate const> found) const {
    std::array<bool, considered_max> taken{};
    shortlist out;
    while (out.size() < std::min<std::size_t>(asked, shortlist_max)) {
      auto const next = least(
          env, found,
          [&](candidate const& c) {
            return is_trusted(j, c, floor) && !taken[static_cast<std::size_t>(&c - found.data())];
          },
          [](candidate const& c) { return c.delay; });
      if (next == choice::nowhere) break;
      taken[next] = true;
      out.push_back(static_cast<std::uint8_t>(next));
    }
    return out;
  }
  [[nodiscard]] choice place(auto& env, job const& j, std::span<candidate const> among) const {
    choice out;
    out.index = least(
        env, among, [&](candidate const& c) { return is_trusted(j, c, floor) && has_bid(c); },
        [](candidate const& c) { return c.delay; });
    if (!out) return out;
    out.locally = among[out.index].who == env.self();
    out.terms = {among[out.index].delay.count(), 0, 0, 0};
    return out;
  }
  [[nodiscard]] decision accepts(auto& env, offer const& o, load const& l) const {
    return bound.accepts(env, o, l);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& floor& asked& bound;
  }
};

static_assert(ChoosesWork<nearest, archetype_view<nearest>>);
static_assert(ChoosesBidders<nearest, archetype_view<nearest>>);

}  // namespace hydra::scheduling
