// The least environment that a driver may offer: declared, never defined. Policies are checked
// against it beside their own definition, so that a mistake surfaces there and not in an assembly.
//
//   static_assert(RoutingPolicy<kademlia<8>, archetype_view<kademlia<8>>>);
//
// What is declared here is what every driver provides; a policy that compiles against it asks
// for nothing more. The answers of the signatures are those the drivers must give.
#pragma once

#include <hydra/core/policy.hpp>

#include <cstdint>
#include <optional>

namespace hydra {

class archetype_environment : public environment_base<archetype_environment> {
 public:
  [[nodiscard]] instant now() const;
  [[nodiscard]] peer self() const;
  [[nodiscard]] hydra::stream random_of(room);
  [[nodiscard]] acquaintance about(peer) const;
  [[nodiscard]] key about(principal) const;
  [[nodiscard]] key about(service) const;
  template <class T>
  [[nodiscard]] key hash(T const&) const;
  template <Message M>
  void send(peer, M const&);
  timer arm_of(room, duration, std::uint16_t);
  void every_of(room, duration, duration, std::uint16_t);
  void disarm(timer);
  void disarm(command);
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool();
  command run_of(room, task const&);
  command stream_of(room, peer, object_id, byte_range);
  template <Described R>
  command keep_of(room, std::uint64_t, R const&);
  template <Described R>
  void erase(std::uint64_t);
  template <Described R>
  [[nodiscard]] std::optional<R> recall(std::uint64_t) const;
  template <Described R, class F>
  void recall_all(F&&) const;
  template <Described R>
  [[nodiscard]] signature sign(R const&);
  template <Described R>
  command check_of(room, R const&, principal, signature const&);
  template <class... A>
  void note(room, A const&...);
};

// What policy P sees when it is alone in its slot.
template <class P>
using archetype_view =
    view<archetype_environment, fact_queue<facts_of<P>>, P::policy_concept::where>;

static_assert(Environment<archetype_environment>);
static_assert(Runs<archetype_environment>);
static_assert(Moves<archetype_environment>);
static_assert(Stores<archetype_environment>);
static_assert(Signs<archetype_environment>);

}  // namespace hydra
