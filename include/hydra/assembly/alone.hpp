// One policy as a whole node: for papers, benchmarks and tests of a single room.
//
//   using node = hydra::alone<hydra::routing::kademlia<8>>;
//   sim::world<node, my_setting, my_observer> w{...};
//   w.tell(peer{7}, look_for{want});        // found{} reaches the observer, as every fact
//
// Promise: the policy sees exactly what it would see inside a Hydra, the view of its room with its
// own random stream and timer tags; its facts go to the driver after the call returned. Nothing is
// added to what it sends. Where a parent owes a policy something (routing: `failed` when a head is
// unreachable), this is the parent.
// Cost: no more than the calls; sizeof(alone<P>) is sizeof(P) and the contacts to start from.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/core/values.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hydra {

// What the user of such a node says.
struct look_for {  // a routing policy: find() this
  hydra::want want{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& want;
  }
};
struct look_up {  // a keyed routing policy: locate() this
  key target{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& target;
  }
};
struct announce {  // a routing policy: publish() this
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& record;
  }
};
struct take_back {  // a routing policy: withdraw() this
  service what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what;
  }
};
struct introduce {  // join() with these
  bounded_vector<peer, 16> known{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& known;
  }
};
struct measure {  // a proximity policy: observe() this
  peer who{};
  duration rtt{};
  cell where{};  // what it disclosed
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& rtt& where;
  }
};

struct depart {  // a membership policy: leave()
  template <class A>
  void serialize(A&, unsigned) {}
};

using alone_inputs =
    type_list<look_for, look_up, announce, take_back, introduce, measure, depart>;

template <Policy P>
class alone {
  static constexpr room where = P::policy_concept::where;

 public:
  using policy_type = P;
  using messages = messages_of<P>;
  using facts = facts_of<P>;
  using inputs = joined<alone_inputs, inputs_of<P>>;
  using activities = activities_of<P>;
  using records = records_of<P>;
  static constexpr std::size_t purposes = room_count;

  alone() = default;
  explicit alone(P policy, bounded_vector<peer, 16> const& contacts = {})
      : policy_{std::move(policy)}, contacts_{contacts} {}

  [[nodiscard]] P const& policy() const noexcept { return policy_; }
  [[nodiscard]] P& policy() noexcept { return policy_; }

  template <class Env>
  void on_start(Env& env) {
    within(env, [&](auto& e) {
      if constexpr (requires { policy_.on_start(e); }) policy_.on_start(e);
      if (!contacts_.empty()) join(e, contacts_.span());
    });
  }
  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    within(env, [&](auto& e) { tell_message(policy_, e, from, m); });
  }
  template <class Env>
  void on_any_timer(Env& env, std::uint32_t tag) {
    if (room_of(tag) != where) return;
    within(env, [&](auto& e) {
      if constexpr (requires { policy_.on_timer(e, std::uint16_t{}); }) {
        policy_.on_timer(e, static_cast<std::uint16_t>(tag));
      }
    });
  }
  template <class Env, class F>
    requires contains<F, facts_into<alone>>
  void on_fact(Env& env, F const& fact) {
    within(env, [&](auto& e) { take(e, fact); });
  }

  // To whom it keeps a connection open, for worlds that tell of broken ones (sim/setting.hpp).
  template <class F>
    requires requires(P const& p) { p.neighbours(); }
  void each_link(F&& visit) const {
    for (auto who : policy_.neighbours()) visit(who);
  }

  template <class A>
    requires Restorable<P>
  void serialize(A& a, unsigned) {
    a& contacts_;
    if constexpr (!std::is_empty_v<P>) a& policy_;
  }

 private:
  using queue = fact_queue<facts>;

  template <class Env, class F>
  void within(Env& env, F&& call) {
    queue emitted;
    view<Env, queue, where> e{env, emitted};
    call(e);
    if constexpr (facts::size != 0) {
      while (!emitted.empty()) emitted.next([&](room, auto const& fact) { env.emit(fact); });
    }
  }
  void join(auto& e, std::span<peer const> known) {
    if constexpr (requires { policy_.join(e, known); }) policy_.join(e, known);
  }
  template <class E, class F>
  void take(E& e, F const& fact) {
    if constexpr (std::same_as<F, look_for>) {
      if constexpr (requires { policy_.find(e, fact.want); }) {
        static_cast<void>(policy_.find(e, fact.want));
      }
    } else if constexpr (std::same_as<F, look_up>) {
      if constexpr (requires { policy_.locate(e, fact.target); }) {
        static_cast<void>(policy_.locate(e, fact.target));
      }
    } else if constexpr (std::same_as<F, announce>) {
      if constexpr (requires { policy_.publish(e, fact.record); }) policy_.publish(e, fact.record);
    } else if constexpr (std::same_as<F, take_back>) {
      if constexpr (requires { policy_.withdraw(e, fact.what); }) policy_.withdraw(e, fact.what);
    } else if constexpr (std::same_as<F, introduce>) {
      join(e, {fact.known.data(), fact.known.size()});
    } else if constexpr (std::same_as<F, measure>) {
      if constexpr (requires { policy_.observe(e, fact.who, fact.rtt, fact.where); }) {
        policy_.observe(e, fact.who, fact.rtt, fact.where);
      } else if constexpr (requires { policy_.observe(e, fact.who, fact.rtt); }) {
        policy_.observe(e, fact.who, fact.rtt);
      }
    } else if constexpr (std::same_as<F, depart>) {
      if constexpr (requires { policy_.leave(e); }) policy_.leave(e);
    } else {
      tell_policy(policy_, e, fact);
    }
  }

  P policy_{};
  bounded_vector<peer, 16> contacts_{};
};

}  // namespace hydra
