// The heads of one Hydra watch each other, and one of them is the gateway.
//
//   hydra::alone<hydra::cluster<>> node{hydra::cluster<>{}, other_heads_of_ours};
//   hydra::cluster<hydra::membership::swim<256>> many{{.period = 200ms}};
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/swim.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace hydra {

// The gateway is another head now; nobody: no live head of ours can be called.
struct gateway_changed {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// A membership policy over another one, for the heads of the own principal and nobody else.
//
// Promises. neighbours() are heads of our own principal that Membership holds for live, and facts
// tell every change of them. gateway() is the live head of ours with the smallest key among those
// that can be called (`reach::open`), ourselves included; every change of it is told. While the
// views of two heads are the same, so is their gateway: it is a function of the view, there is no
// election and no message for it. So after the last crash, restart or healing all agree as soon as
// Membership's views do: for swim within a probe round, the time of a suspicion and a
// dissemination (tests/unit/cluster_test states the bound it holds).
//
// Rules.
// - Who a head belongs to is what the driver knows of it: about(p).principal, authenticated by the
//   handshake. A message of a stranger is not passed to Membership, whatever it says; a stranger
//   named to join() is left out. Who was never met may be ours: it is called, by which it is met.
//   A stranger so called, or named by a head of ours, cannot answer, and is no neighbour.
// - During a partition each side has a gateway of its own; what a gateway does must bear that
//   twice. After healing the one with the larger key hears that it is none.
// - A suspected head stays the gateway until it is confirmed dead: one lost probe must not move
//   the role to and fro.
//
// What an attacker gains. From outside no more than pings, four at most, to heads that somebody of
// ours named and nobody met yet. Whoever has stolen the key of our principal is one of us, and can
// grind a smallest key to be the gateway.
//
// Cost. Membership's own, and one look at about() per neighbour after a call in which the view
// changed; 8 bytes.
template <class Membership = membership::swim<>>
class cluster {
 public:
  using policy_concept = membership_tag;
  using membership_type = Membership;
  using messages = messages_of<Membership>;
  using facts = joined<facts_of<Membership>, type_list<gateway_changed>>;
  using activities = activities_of<Membership>;
  using records = records_of<Membership>;

  constexpr cluster() = default;
  constexpr explicit cluster(Membership const& m) : membership_{m} {}
  template <class Settings>
    requires std::is_constructible_v<Membership, Settings const&>
  constexpr explicit cluster(Settings const& s) : membership_{s} {}

  [[nodiscard]] auto neighbours() const noexcept { return membership_.neighbours(); }
  [[nodiscard]] peer gateway() const noexcept { return gateway_; }
  [[nodiscard]] Membership const& membership() const noexcept { return membership_; }
  [[nodiscard]] Membership& membership() noexcept { return membership_; }
  [[nodiscard]] static bool is_ours(auto& env, peer who) {
    return env.about(who).principal == env.about(env.self()).principal;
  }

  void on_start(auto& env) {
    here_ = true;
    watched(env, [&](auto& e) {
      if constexpr (requires { membership_.on_start(e); }) membership_.on_start(e);
    });
    appoint(env);
  }
  void join(auto& env, std::span<peer const> known) {
    here_ = true;
    bounded_vector<peer, 16> ours;
    for (auto who : known) {
      bool const unmet = !env.about(who).principal;
      if (unmet || is_ours(env, who)) ours.try_push_back(who);
    }
    watched(env, [&](auto& e) { membership_.join(e, {ours.data(), ours.size()}); });
    appoint(env);
  }
  // The others see us go; we are a head without a cluster until we join again.
  void leave(auto& env) {
    here_ = false;
    watched(env, [&](auto& e) { membership_.leave(e); });
    appoint(env);
  }
  void failed(auto& env, peer who) {
    if (is_ours(env, who)) watched(env, [&](auto& e) { membership_.failed(e, who); });
  }
  template <class M>
    requires contains<M, messages>
  void on_message(auto& env, peer from, M const& m) {
    if (!is_ours(env, from)) return;
    watched(env, [&](auto& e) { membership_.on_message(e, from, m); });
  }
  void on_timer(auto& env, std::uint16_t tag) {
    watched(env, [&](auto& e) {
      if constexpr (requires { membership_.on_timer(e, tag); }) membership_.on_timer(e, tag);
    });
  }
  template <class F>
  void on_fact(auto& env, F const& fact) {
    watched(env, [&](auto& e) { tell_policy(membership_, e, fact); });
  }

  template <class A>
  void serialize(A& a, unsigned) {
    if constexpr (!std::is_empty_v<Membership>) a& membership_;
    a& gateway_& here_;
  }

 private:
  // The environment of the policy inside: what it says of its view is passed on and noticed.
  template <class Env>
  struct noticing : Env {
    noticing(Env const& env, bool& changed) : Env{env}, changed_{&changed} {}
    template <Fact F>
    void emit(F const& fact) const {
      *changed_ = *changed_ || std::is_same_v<F, neighbour_up> || std::is_same_v<F, neighbour_down>;
      Env::emit(fact);
    }

   private:
    bool* changed_;
  };

  template <class Env, class Call>
  void watched(Env& env, Call&& call) {
    bool changed = false;
    noticing<Env> inside{env, changed};
    call(inside);
    if (changed) appoint(env);
  }
  void appoint(auto& env) {
    peer first{};
    key least{};
    auto const stand = [&](peer who) {
      auto const a = env.about(who);
      if (a.reach != reach::open || (first && least < a.key)) return;
      first = who;
      least = a.key;
    };
    if (here_) {
      stand(env.self());
      for (auto who : membership_.neighbours()) stand(who);
    }
    if (first == gateway_) return;
    gateway_ = first;
    env.emit(gateway_changed{first});
  }

  Membership membership_{};
  peer gateway_{};
  bool here_ = false;
};

static_assert(MembershipPolicy<cluster<>, archetype_view<cluster<>>>);

}  // namespace hydra
