// No mobile code: only what the operator installed runs here.
//
// Promise: no bundle is ever admitted or remembered. An attacker gains nothing. Cost: none.
#pragma once

#include <hydra/code/concept.hpp>
#include <hydra/core/archetype.hpp>

namespace hydra::code {

struct native_only {
  using policy_concept = code_tag;

  [[nodiscard]] verdict may_run(auto&, manifest const&, principal) const noexcept { return {}; }
  void offered(auto&, manifest const&) const noexcept {}
  template <class A>
  void serialize(A&, unsigned) {}
};

static_assert(CodePolicy<native_only, archetype_view<native_only>>);

}  // namespace hydra::code
