// expect: policy_concept
// A policy opts in by a tag: the shape alone is not enough.
#include <hydra/core/archetype.hpp>
#include <hydra/verify/concept.hpp>

struct believes_all {
  auto checks(auto&, hydra::job const&, hydra::verdict const&) -> std::uint8_t { return 0; }
  auto judge(auto&, hydra::job const&, std::span<hydra::testimony const>) -> hydra::judgement {
    return {};
  }
};
using view = hydra::view<hydra::archetype_environment, hydra::fact_queue<hydra::type_list<>>,
                         hydra::room::verify>;
static_assert(hydra::VerifyPolicy<believes_all, view>);
