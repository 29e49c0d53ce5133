// Everybody is equally far: the baseline of the room.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/proximity/concept.hpp>

namespace hydra::proximity {

// Promises the same estimate for every head, so that a choice is made by everything else.
// An attacker gains nothing: nothing is listened to and nothing is disclosed.
// Cost: no message, eight bytes per head.
class uniform {
 public:
  using policy_concept = proximity_tag;

  constexpr uniform() = default;
  constexpr explicit uniform(duration everybody) : everybody_{everybody} {
    HYDRA_EXPECTS(everybody >= duration{});
  }
  void observe(auto&, peer, duration) {}
  [[nodiscard]] constexpr duration estimate(peer, cell) const noexcept { return everybody_; }
  [[nodiscard]] constexpr cell disclosed() const noexcept { return {}; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& everybody_;
  }

 private:
  duration everybody_ = 100ms;
};

static_assert(ProximityPolicy<uniform, archetype_view<uniform>>);

}  // namespace hydra::proximity
