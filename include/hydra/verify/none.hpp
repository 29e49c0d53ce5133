// Every result is believed: the baseline that shows what verification costs and catches.
//
// Promise: nothing runs twice. An attacker gains everything: the first answer is the truth.
// Cost: none.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/verify/concept.hpp>

namespace hydra::verify {

struct none {
  using policy_concept = verify_tag;

  [[nodiscard]] std::uint8_t checks(auto&, job const&, verdict const&) const noexcept {
    return 0;
  }
  [[nodiscard]] judgement judge(auto&, job const&, std::span<testimony const> all) const {
    if (all.empty()) return {judgement::kind::give_up, 0, 0};
    return {judgement::kind::accept, 0, 0};
  }
  template <class A>
  void serialize(A&, unsigned) {}
};

static_assert(VerifyPolicy<none, archetype_view<none>>);

}  // namespace hydra::verify
