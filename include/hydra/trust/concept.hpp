// Trust scores principals and admits them, in both directions: as executors and as askers.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>
#include <cstdint>

namespace hydra {

// What somebody asks to be admitted to.
enum class right : std::uint8_t { execute_for_me, ask_of_me, store_with_me };

// Emitted when a principal is refused from now on.
struct banned {
  principal who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// A policy may also take `misled(env, who)`: a routing policy found that what this principal says
// about others is untrue more often than chance and age explain.
template <class P, class E>
concept TrustPolicy =
    PolicyFor<P, trust_tag> &&
    requires(P& p, P const& c, E& env, principal who, receipt const& r) {
      p.observe(env, r);               // a receipt signed by both sides, checked by the parent
      p.vouched(env, who, who, trust{});  // the first says how far it trusts the second
      p.proof(env, who);               // a checked proof of forgery against this principal
      { c.score(who) } -> std::same_as<trust>;
      { c.admits(env, who, right::ask_of_me) } -> std::same_as<verdict>;
    };

}  // namespace hydra
