// What a driver drives. A node is told things by
//
//   on_start(env)  on_message(env, from, m)  on_timer(env, tag)  on_fact(env, fact)
//
// and writes only the handlers it needs. It lists what it receives, so that a driver can carry
// its messages at their own length and never allocates on their behalf:
//
//   using messages   = type_list<...>;   what comes from other heads (every one has an on_message)
//   using inputs     = type_list<...>;   facts that come from this head's own user
//   using facts      = type_list<...>;   what it emits to its user
//   using activities = type_list<...>;   what it keeps in pools
//   using records    = type_list<...>;   what it keeps across a crash
#pragma once

#include <hydra/core/environment.hpp>
#include <hydra/core/policy.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace hydra {

template <class N>
concept Node = std::copyable<N> && requires { typename N::messages; } &&
               ids_are_unique<typename N::messages>;

// How many random streams a node draws from: an assembly says, a plain node needs one.
template <class N>
constexpr std::size_t purposes_of() {
  if constexpr (requires { N::purposes; }) {
    return N::purposes;
  } else {
    return 1;
  }
}

// Everything that can enter a node as a fact, in the order that drivers number them.
template <class N>
using facts_into = joined<driver_facts, inputs_of<N>>;

// The calls, with absent handlers compiled away. A message without a handler is an error.
template <class N, class Env>
void tell_start(N& node, Env& env) {
  if constexpr (requires { node.on_start(env); }) node.on_start(env);
}
template <class N, class Env, class M>
void tell_message(N& node, Env& env, peer from, M const& m) {
  static_assert(requires { node.on_message(env, from, m); },
                "the node lists this message but has no on_message(env, from, m) for it");
  node.on_message(env, from, m);
}
template <class N, class Env>
void tell_timer(N& node, Env& env, std::uint32_t tag) {
  if constexpr (requires { node.on_any_timer(env, tag); }) {
    node.on_any_timer(env, tag);  // an assembly: routes by room
  } else if constexpr (requires { node.on_timer(env, std::uint16_t{}); }) {
    node.on_timer(env, static_cast<std::uint16_t>(tag));
  }
}
// To a policy. One that does not listen for `unreachable` is told that the head failed.
template <class P, class Env, class F>
void tell_policy(P& policy, Env& env, F const& fact) {
  if constexpr (requires { policy.on_fact(env, fact); }) {
    policy.on_fact(env, fact);
  } else if constexpr (std::same_as<F, unreachable>) {
    if constexpr (requires { policy.failed(env, fact.who); }) policy.failed(env, fact.who);
  }
}
template <class N, class Env, class F>
void tell_fact(N& node, Env& env, F const& fact) {
  if constexpr (requires { node.on_fact(env, fact); }) node.on_fact(env, fact);
}

}  // namespace hydra
