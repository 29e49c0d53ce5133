// expect: p.place(env, j, among)
// A scheduling policy has to place.
#include <hydra/core/archetype.hpp>
#include <hydra/scheduling/concept.hpp>

struct thinks_only {
  using policy_concept = hydra::scheduling_tag;
};
static_assert(hydra::SchedulingPolicy<thinks_only, hydra::archetype_view<thinks_only>>);
