// Everybody is admitted: the simplest trust there is, and the baseline of every comparison.
//
// Promise: score is `everybody` for all but oneself; nothing is learned, nobody is banned.
// An attacker gains everything: only verification stands between a lie and the user.
// Cost: none per message, 8 bytes per peer.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/trust/concept.hpp>

namespace hydra::trusts {

struct open {
  using policy_concept = trust_tag;

  trust everybody = trust::percent(50);
  principal own{};

  void on_start(auto& env) { own = env.about(env.self()).principal; }
  void observe(auto&, receipt const&) const noexcept {}
  void vouched(auto&, principal, principal, trust) const noexcept {}
  void proof(auto&, principal) const noexcept {}

  [[nodiscard]] trust score(principal who) const noexcept {
    return is_own(who) ? trust::raw(trust::one) : everybody;
  }
  [[nodiscard]] verdict admits(auto&, principal who, right) const {
    return {true, score(who), static_cast<std::uint8_t>(is_own(who) ? 0 : 3)};
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& everybody& own;
  }

 private:
  [[nodiscard]] bool is_own(principal who) const noexcept { return own && who == own; }
};

static_assert(TrustPolicy<open, archetype_view<open>>);

}  // namespace hydra::trusts
