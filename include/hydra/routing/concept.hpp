// Routing answers: do I know someone who can, or someone who knows someone who can?
//
// A routing policy finds candidates for a want, publishes what this head offers, and keeps its
// tables healthy. It is told by the parent when a contact was heard (`seen`) or fell silent
// (`failed`). Every lookup ends, with or without candidates, within a bound the policy states.
#pragma once

#include <hydra/core/node.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra {

// Through whom candidates were found, where somebody referred to them: for candidate i the
// `count[i]` heads from `first[i]` on, in the order from the asker to the candidate, both left out.
struct referrals {
  bounded_vector<peer, 2 * candidates_max> heads{};
  std::array<std::uint8_t, candidates_max> first{};
  std::array<std::uint8_t, candidates_max> count{};
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return !heads.empty(); }
  // Empty: nobody referred, or `i` is nobody's. Safe on any content.
  [[nodiscard]] std::span<peer const> of(std::size_t i) const noexcept {
    if (i >= candidates_max || first[i] + count[i] > heads.size()) return {};
    return {heads.data() + first[i], count[i]};
  }
  // False: no room is left, and nothing was noted.
  bool add(std::size_t i, std::span<peer const> way) {
    if (i >= candidates_max || heads.size() + way.size() > heads.capacity()) return false;
    first[i] = static_cast<std::uint8_t>(heads.size());
    count[i] = static_cast<std::uint8_t>(way.size());
    for (auto who : way) heads.push_back(who);
    return true;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& heads& first& count;
  }
};

// Emitted once per find(): the candidates that came back, and what the search cost.
struct found {
  activity id{};         // as find() returned it
  hydra::candidates among{};  // verified provider records only, no peer twice
  std::uint8_t hops = 0;      // rounds from the asker to the last answer that counted
  std::uint16_t messages = 0;
  referrals via{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& among& hops& messages;
    serialize_if_any(a, via);
  }
};

// Emitted when what somebody said about others turned out to be untrue more often than chance and
// age explain: its word is worth less from now on.
struct misled {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// Emitted once per locate(), by policies that look for the head responsible for a key.
struct located {
  activity id{};         // as locate() returned it
  key target{};
  peer owner{};          // nobody: given up
  std::uint8_t hops = 0;      // heads on the way from the asker to the owner, the owner counted
  std::uint8_t timeouts = 0;  // heads that were asked and said nothing
  std::uint16_t messages = 0;
  duration took{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& target& owner& hops& timeouts& messages& took;
  }
};

// `E` is the view that the policy is going to see; Hydra<...> checks with its own.
template <class P, class E>
concept RoutingPolicy =
    PolicyFor<P, routing_tag> && contains<found, facts_of<P>> &&
    requires(P& p, P const& c, E& env, want const& w, provider_record const& r, peer who, key k) {
      { p.find(env, w) } -> std::same_as<activity>;  // found{} follows, maybe in the same call
      p.publish(env, r);  // keep this record alive in the network until withdrawn
      p.withdraw(env, service{});
      p.join(env, std::span<peer const>{});  // known contacts to start from
      p.seen(env, who);
      p.failed(env, who);
      { c.closest(k, std::size_t{}) };  // a bounded_vector<peer, ...>: pure, no allocation
      { c.contacts() } -> std::convertible_to<std::size_t>;
    };

// A refinement: nobody waits for a find any more. No `found` follows; the questions it has asked
// are returned. Activities that are over already are ignored.
template <class P, class E>
concept AbandonsFinds = RoutingPolicy<P, E> && requires(P& p, E& env, activity id) {
  { p.abandon(env, id) } -> std::same_as<std::uint16_t>;
};

// A refinement: keyed policies also say which head a key belongs to.
template <class P, class E>
concept LocatesKeys = RoutingPolicy<P, E> && contains<located, facts_of<P>> &&
                      requires(P& p, E& env, key const& k) {
                        { p.locate(env, k) } -> std::same_as<activity>;  // located{} follows
                      };

}  // namespace hydra
