// expect: scheduling_tag
// The tag of another room does not fit.
#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/concept.hpp>

struct lost {
  using policy_concept = hydra::trust_tag;
  auto place(auto&, hydra::job const&, std::span<hydra::candidate const>) -> hydra::choice {
    return {};
  }
};
static_assert(hydra::SchedulingPolicy<lost, hydra::archetype_view<lost>>);
