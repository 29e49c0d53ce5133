// expect: Hydra: the policy in the scheduling slot is no SchedulingPolicy
// expect: p.place(env, j, among)
// The error names the slot and what the user's struct lacks.
#include <hydra/assembly/hydra.hpp>

struct thinks_only {
  using policy_concept = hydra::scheduling_tag;
};
hydra::Hydra<thinks_only> wanted;
