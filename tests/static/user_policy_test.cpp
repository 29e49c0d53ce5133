// A user's scheduler, as in the README: it includes one concept, and models it in under 40 lines.
#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/concept.hpp>

#include <algorithm>

namespace {

// Two random trusted candidates, the one that finishes first.
struct nearest_trusted {
  using policy_concept = hydra::scheduling_tag;
  hydra::trust floor = hydra::trust::percent(60);

  auto place(auto& env, hydra::job const& job, std::span<hydra::candidate const> among)
      -> hydra::choice {
    hydra::bounded_vector<std::uint8_t, hydra::candidates_max> trusted;
    for (std::size_t i = 0; i < among.size(); ++i) {
      if (among[i].score < std::max(floor, job.floor)) continue;
      trusted.try_push_back(static_cast<std::uint8_t>(i));
    }
    hydra::choice best;
    for (auto const i : env.random().sample(2, trusted.span())) {
      auto const finish = (among[i].delay + among[i].queue).count();
      if (best && best.terms[0] <= finish) continue;
      best.index = i;
      best.terms[0] = finish;
    }
    return best;
  }
};

using view = hydra::archetype_view<nearest_trusted>;
static_assert(hydra::Policy<nearest_trusted>);
static_assert(hydra::PolicyFor<nearest_trusted, hydra::scheduling_tag>);
static_assert(!hydra::PolicyFor<nearest_trusted, hydra::trust_tag>);
static_assert(hydra::SchedulingPolicy<nearest_trusted, view>);
static_assert(!hydra::ChoosesWork<nearest_trusted, view>);     // says nothing: the default holds
static_assert(!hydra::ChoosesBidders<nearest_trusted, view>);  // likewise
static_assert(sizeof(nearest_trusted) == 4);

}  // namespace
