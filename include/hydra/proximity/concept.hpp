// Proximity estimates the round trip to a head before it was ever asked.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>

namespace hydra {

// estimate is pure; `where` is the cell that the candidate disclosed, or unsaid.
template <class P, class E>
concept ProximityPolicy =
    PolicyFor<P, proximity_tag> && requires(P& p, P const& c, E& env, peer who, cell where) {
      p.observe(env, who, duration{});  // a round trip was measured
      { c.estimate(who, where) } -> std::same_as<duration>;
      { c.disclosed() } -> std::same_as<cell>;  // what this head says about its own position
    };

}  // namespace hydra
