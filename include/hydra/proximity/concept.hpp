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

// One that tells what it computes from what it was told. predict is pure and leaves out what was
// measured of `who`; below zero: it does not know. What a composition of policies asks for.
template <class P, class E>
concept PredictsProximity =
    ProximityPolicy<P, E> && requires(P const& c, peer who, cell where) {
      { c.predict(who, where) } -> std::same_as<duration>;
      { c.measured(who) } -> std::same_as<bool>;  // estimate is what was measured
    };

// One that learns from where the measured head says that it is.
template <class P, class E>
concept LearnsPlaces = ProximityPolicy<P, E> && requires(P& p, E& env, peer who, cell where) {
  p.observe(env, who, duration{}, where);
};

template <class P, class E>
void observe_at(P& p, E& env, peer who, duration rtt, cell where) {
  if constexpr (LearnsPlaces<P, E>) {
    p.observe(env, who, rtt, where);
  } else {
    p.observe(env, who, rtt);
  }
}

}  // namespace hydra
