// expect: c.score(who)
// The last bit of a score must not depend on a compiler: trust is fixed point.
#include <hydra/core/archetype.hpp>
#include <hydra/trust/concept.hpp>

struct feels {
  using policy_concept = hydra::trust_tag;
  void observe(auto&, hydra::receipt const&) {}
  void vouched(auto&, hydra::principal, hydra::principal, hydra::trust) {}
  void proof(auto&, hydra::principal) {}
  double score(hydra::principal) const { return 0.7; }
  hydra::verdict admits(auto&, hydra::principal, hydra::right) const { return {}; }
};
static_assert(hydra::TrustPolicy<feels, hydra::archetype_view<feels>>);
