// Every Hydra alone: what is found elsewhere is never used, and nobody else is served.
//
// Promise: a job runs on this head or nowhere; the assembly offers this head among the candidates
// when it performs the service. The comparison that says what delegation is worth.
// An attacker gains nothing: nothing is asked of anybody. Cost: none.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/capacity.hpp>

namespace hydra::scheduling {

struct local_only {
  using policy_concept = scheduling_tag;

  queue_bound bound{};

  [[nodiscard]] shortlist ask(auto& env, job const&, std::span<candidate const> found) const {
    shortlist out;
    if (auto const here = own(env, found); here != choice::nowhere) {
      out.push_back(static_cast<std::uint8_t>(here));
    }
    return out;
  }
  [[nodiscard]] choice place(auto& env, job const& j, std::span<candidate const> among) const {
    choice out;
    out.index = own(env, among);
    if (!out || among[out.index].score < j.floor) return {};
    out.locally = true;
    out.terms = predict(j, among[out.index]).terms();
    return out;
  }
  [[nodiscard]] decision accepts(auto& env, offer const& o, load const& l) const {
    auto out = bound.accepts(env, o, l);
    if (o.task.of.owner != env.about(env.self()).principal) out.accepted = false;
    return out;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& bound;
  }

 private:
  [[nodiscard]] static std::size_t own(auto& env, std::span<candidate const> among) {
    for (std::size_t i = 0; i < std::min(among.size(), considered_max); ++i) {
      if (among[i].who == env.self()) return i;
    }
    return choice::nowhere;
  }
};

static_assert(ChoosesWork<local_only, archetype_view<local_only>>);
static_assert(ChoosesBidders<local_only, archetype_view<local_only>>);

}  // namespace hydra::scheduling
