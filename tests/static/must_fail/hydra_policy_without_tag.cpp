// expect: Hydra: a policy has no slot; it lacks `using policy_concept = hydra::routing_tag`
// The shape alone does not say where a policy belongs.
#include <hydra/assembly/hydra.hpp>

struct places_anywhere {
  hydra::choice place(auto&, hydra::job const&, std::span<hydra::candidate const>) { return {}; }
};
hydra::Hydra<places_anywhere> wanted;
