// A routing policy whose ring is the view that a membership policy keeps.
//
//   using over_a_view = hydra::over<hydra::membership::hyparview<>, hydra::routing::capability<>>;
//   hydra::Hydra<over_a_view> node{settings};      // its contacts join the view, the view the ring
//   using siblings = hydra::over<hydra::cluster<>, hydra::routing::capability<>>;
//   using telling = hydra::over<hydra::membership::plumtree<>, hydra::routing::capability<>>;
#pragma once

#include <hydra/assembly/cluster.hpp>
#include <hydra/core/archetype.hpp>
#include <hydra/core/nested.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/routing/capability.hpp>
#include <hydra/routing/concept.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace hydra {

// Membership and Routing side by side. It is a RoutingPolicy.
//
// Promises. With a Routing that can drop(): after every call its contacts are the neighbours() of
// Membership, as many as it has places for, but those that can only call out. So a digest is asked
// for as soon as somebody enters the view, and void in the call in which Membership says that it
// left: within its own bound for a crash (hyparview: probes_missed + 2 periods), not within a
// digest's life. All else that Routing promises holds on the ring as it is. A broken ring is mended
// as fast as the view is.
//
// Rules.
// - join() is Membership's alone: whom we start from is no neighbour until it said so itself.
// - neighbour_up is Routing's join(), neighbour_down its drop(). Who found no place is offered
//   again when one gets free. A Routing without drop() gets `failed` for who is dead or left, and
//   hears nothing of who was replaced: that one lives.
// - What a view holds without having told it (swim's adopt, a leave that says nothing) is taken
//   over at the start and with each join().
// - All facts of both go up, the view's before what Routing makes of them: a user may want to see
//   the view, and `delivered` of a broadcast or `gateway_changed` has no other way out.
// - Whoever failed, and facts of the driver, are told to both; `seen`, records and finds are
//   Routing's. A head whose questions time out stays in the view: the view has probes of its own.
// - `misled` changes nothing in the view. Who is thrown out comes back by a shuffle as somebody of
//   whom nothing is known; who stays keeps the doubt. A view says who is there, and trust who may.
// - Digests and questions go between neighbours of the view, not along a broadcast: each is made
//   for its receiver and attenuates hop by hop. With plumtree below, `spread` stays the user's.
//
// What an attacker gains. What it gains against Membership it gains against the ring: whoever
// fills our view is our ring, and no stranger's view is a ring of trust; candidates are judged
// along the way to them as ever. A neighbour that lied and then leaves, or is replaced, begins
// anew with `mercy`, and `misled` is not said of whoever left before the tick. Joining again and
// again costs it a digest each time, and us one. Over a cluster strangers get nothing but answers
// to questions.
//
// Cost. What both cost, no message more; a link that comes up is a question and a digest in each
// direction, and changes what others are told: with hyparview's swap every 40 s a head sends 45
// bytes of digests a second, with swap_every = 30 eight (300 heads, measured). A place that gets
// free costs a look at the whole view. sizeof is that of the parts, 696 with hyparview.
template <class Membership, class Routing>
class over {
  static_assert(PolicyFor<Membership, membership_tag>, "the first is a membership policy");
  static_assert(PolicyFor<Routing, routing_tag>, "the second is a routing policy");
  static_assert(apart<Membership, Routing>,
                "two parts share a message, an activity or a record: they would read each other's");

 public:
  using policy_concept = routing_tag;
  using membership_type = Membership;
  using routing_type = Routing;
  using messages = joined<messages_of<Membership>, messages_of<Routing>>;
  using facts = merged<facts_of<Routing>, facts_of<Membership>>;
  using inputs = merged<inputs_of<Membership>, inputs_of<Routing>>;
  using activities = joined<activities_of<Membership>, activities_of<Routing>>;
  using records = joined<records_of<Membership>, records_of<Routing>>;

  static constexpr std::uint16_t view_lane = 1;
  static constexpr std::uint16_t ring_lane = 2;

  constexpr over() = default;
  constexpr explicit over(Membership const& m, Routing const& r = {})
      : membership_{m}, routing_{r} {}

  // ---- asked
  [[nodiscard]] constexpr Membership const& membership() const noexcept { return membership_; }
  [[nodiscard]] constexpr Membership& membership() noexcept { return membership_; }
  [[nodiscard]] constexpr Routing const& routing() const noexcept { return routing_; }
  [[nodiscard]] constexpr Routing& routing() noexcept { return routing_; }
  [[nodiscard]] constexpr decltype(auto) neighbours() const { return membership_.neighbours(); }
  [[nodiscard]] constexpr auto closest(key const& to, std::size_t k) const {
    return routing_.closest(to, k);
  }
  [[nodiscard]] constexpr std::size_t contacts() const { return routing_.contacts(); }

  // ---- told by the parent
  void on_start(auto& env) {
    in_view(env, [&](auto& e) {
      if constexpr (requires { membership_.on_start(e); }) membership_.on_start(e);
    });
    in_ring(env, [&](auto& e) {
      if constexpr (requires { routing_.on_start(e); }) routing_.on_start(e);
      take_view(e);
    });
  }
  void join(auto& env, std::span<peer const> known) {
    in_view(env, [&](auto& e) { membership_.join(e, known); });
    in_ring(env, [&](auto& e) { take_view(e); });
  }
  // The others see us go; nobody is asked until we join again.
  void leave(auto& env) {
    in_view(env, [&](auto& e) { membership_.leave(e); });
    in_ring(env, [&](auto& e) {
      for (peer who : membership_.neighbours()) give_up(e, who);
    });
  }
  void seen(auto& env, peer who) {
    in_ring(env, [&](auto& e) { routing_.seen(e, who); });
  }
  void failed(auto& env, peer who) {
    in_ring(env, [&](auto& e) { routing_.failed(e, who); });
    in_view(env, [&](auto& e) { membership_.failed(e, who); });
  }
  void publish(auto& env, provider_record const& r) {
    in_ring(env, [&](auto& e) { routing_.publish(e, r); });
  }
  void withdraw(auto& env, service what) {
    in_ring(env, [&](auto& e) { routing_.withdraw(e, what); });
  }
  activity find(auto& env, want const& w) {
    activity id{};
    in_ring(env, [&](auto& e) { id = routing_.find(e, w); });
    return id;
  }
  template <class Env>
    requires requires(Routing& r, Env& e, activity id) { r.abandon(e, id); }
  std::uint16_t abandon(Env& env, activity id) {
    std::uint16_t asked = 0;
    in_ring(env, [&](auto& e) { asked = routing_.abandon(e, id); });
    return asked;
  }
  template <class Env>
    requires requires(Routing& r, Env& e, key const& k) { r.locate(e, k); }
  activity locate(Env& env, key const& to) {
    activity id{};
    in_ring(env, [&](auto& e) { id = routing_.locate(e, to); });
    return id;
  }

  // ---- told by others
  template <class M>
    requires contains<M, messages_of<Membership>>
  void on_message(auto& env, peer from, M const& m) {
    in_view(env, [&](auto& e) { membership_.on_message(e, from, m); });
  }
  template <class M>
    requires contains<M, messages_of<Routing>>
  void on_message(auto& env, peer from, M const& m) {
    in_ring(env, [&](auto& e) { routing_.on_message(e, from, m); });
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (lane_of(tag) == view_lane) {
      in_view(env, [&](auto& e) {
        if constexpr (requires { membership_.on_timer(e, tag); }) {
          membership_.on_timer(e, tag_within(tag));
        }
      });
    } else if (lane_of(tag) == ring_lane) {
      in_ring(env, [&](auto& e) {
        if constexpr (requires { routing_.on_timer(e, tag); }) {
          routing_.on_timer(e, tag_within(tag));
        }
      });
    }
  }
  // Of the driver and of the user: each knows the ids of its own commands.
  template <class F>
    requires contains<F, joined<driver_facts, inputs>>
  void on_fact(auto& env, F const& fact) {
    in_ring(env, [&](auto& e) { tell_policy(routing_, e, fact); });
    in_view(env, [&](auto& e) { tell_policy(membership_, e, fact); });
  }

  template <class A>
  void serialize(A& a, unsigned) {
    if constexpr (!std::is_empty_v<Membership>) a& membership_;
    if constexpr (!std::is_empty_v<Routing>) a& routing_;
  }

 private:
  template <class Env>
  void in_ring(Env& env, auto&& call) {
    nest<ring_lane>(routing_, env, call, [&](auto const& fact) { env.emit(fact); });
  }
  template <class Env>
  void in_view(Env& env, auto&& call) {
    nest<view_lane>(membership_, env, call, [&](auto const& fact) {
      using F = std::remove_cvref_t<decltype(fact)>;
      env.emit(fact);
      if constexpr (std::same_as<F, neighbour_up>) {
        in_ring(env, [&](auto& e) { routing_.join(e, {&fact.who, 1}); });
      } else if constexpr (std::same_as<F, neighbour_down>) {
        bool const lives = fact.why == neighbour_down::cause::replaced;
        in_ring(env, [&](auto& e) {
          if (drops<decltype(e)> || !lives) give_up(e, fact.who);
          if constexpr (drops<decltype(e)>) take_view(e, fact.who);
        });
      }
    });
  }

  template <class E>
  static constexpr bool drops = requires(Routing& r, E e, peer who) { r.drop(e, who); };

  void give_up(auto& e, peer who) {
    if constexpr (drops<decltype(e)>) {
      routing_.drop(e, who);
    } else {
      routing_.failed(e, who);
    }
  }
  // Known ones are no news to Routing. `but` may be in the view again: its own fact says so.
  void take_view(auto& e, peer but = {}) {
    for (peer who : membership_.neighbours()) {
      if (who != but) routing_.join(e, {&who, 1});
    }
  }

  Membership membership_{};
  Routing routing_{};
};

static_assert(RoutingPolicy<over<membership::hyparview<>, routing::capability<>>,
                            archetype_view<over<membership::hyparview<>, routing::capability<>>>>);
static_assert(RoutingPolicy<over<membership::plumtree<>, routing::capability<>>,
                            archetype_view<over<membership::plumtree<>, routing::capability<>>>>);
static_assert(RoutingPolicy<over<cluster<>, routing::capability<>>,
                            archetype_view<over<cluster<>, routing::capability<>>>>);

}  // namespace hydra
