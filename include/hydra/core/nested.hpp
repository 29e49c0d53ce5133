// A policy inside a policy of the same room: a combination, or one that builds on another.
//
//   template <class Inner>
//   class outer {
//     static constexpr std::uint16_t tick = own_tag(1);        // its own timers
//     void on_message(auto& env, peer from, ping const& m) {
//       nest<1>(inner_, env, [&](auto& e) { inner_.on_message(e, from, m); },
//               [&](auto const& fact) { heard(env, fact); });  // intercept, or env.emit(fact)
//     }
//     void on_timer(auto& env, std::uint16_t tag) {
//       if (lane_of(tag) == 1) return nest<1>(inner_, env,
//           [&](auto& e) { inner_.on_timer(e, tag_within(tag)); }, ...);
//     }
//   };
//
// Promise. The inner policy sees the environment of the outer one, except that its facts go to
// the outer one (after the call returned, in order) and that its timer tags cannot collide with
// those of the outer one or of another lane. Nothing is added to what it sends or stores.
//
// Rules.
// - A tag carries its lane in the lowest three bits: lane 0 is the outer policy's own, 1 to 7 are
//   policies inside it. So nesting goes four deep as long as the innermost tags are below 16.
// - Facts of the driver go to every policy inside: each knows the ids of its own commands.
// - Random draws come from one stream, that of the room: two policies in one room influence each
//   other's draws, two rooms never do.
// - Pools and records are told apart by type, messages by id. Policies side by side must not share
//   any; `apart` says so at compile time.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/core/policy.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

inline constexpr std::uint16_t tag_lanes = 8;  // the outer policy's own and seven inside

// The tag of the outer policy's own timer. Precondition: tag < 65536 / tag_lanes.
[[nodiscard]] constexpr std::uint16_t own_tag(std::uint16_t tag) noexcept {
  return static_cast<std::uint16_t>(tag * tag_lanes);
}
[[nodiscard]] constexpr std::uint16_t lane_of(std::uint16_t tag) noexcept {
  return tag % tag_lanes;
}
// The tag as the policy in that lane armed it.
[[nodiscard]] constexpr std::uint16_t tag_within(std::uint16_t tag) noexcept {
  return tag / tag_lanes;
}

// What two policies side by side must not share: messages, activities, records.
namespace detail {
template <class List, class... T>
constexpr bool shares_none(type_list<T...>) {
  return (true && ... && !contains<T, List>);
}
}  // namespace detail
template <class P, class Q>
inline constexpr bool apart = detail::shares_none<messages_of<P>>(messages_of<Q>{}) &&
                              detail::shares_none<activities_of<P>>(activities_of<Q>{}) &&
                              detail::shares_none<records_of<P>>(records_of<Q>{});

// What the policy in a lane sees. Outer is a view, or another nested_view.
template <class Outer, class Queue, std::uint16_t TagLane>
class nested_view {
  static_assert(TagLane > 0, "lane 0 is the outer policy's own");
  static_assert(TagLane < tag_lanes, "there are seven lanes");

 public:
  nested_view(Outer& outer, Queue& emitted) noexcept : outer_{&outer}, emitted_{&emitted} {}

  [[nodiscard]] instant now() const { return outer_->now(); }
  [[nodiscard]] peer self() const { return outer_->self(); }
  [[nodiscard]] hydra::stream random() const { return outer_->random(); }
  template <class Who>
  [[nodiscard]] auto about(Who who) const {
    return outer_->about(who);
  }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return outer_->hash(what);
  }
  template <Message M>
  void send(peer to, M const& m) const {
    outer_->send(to, m);
  }
  timer arm(duration delay, std::uint16_t tag) const { return outer_->arm(delay, outside(tag)); }
  void disarm(timer id) const { outer_->disarm(id); }
  void disarm(command run) const { outer_->disarm(run); }
  void every(duration period, duration phase, std::uint16_t tag) const {
    outer_->every(period, phase, outside(tag));
  }
  template <Fact F>
  void emit(F const& fact) const {
    emitted_->push(room::node, fact);
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() const {
    return outer_->template pool<T>();
  }
  command run(task const& t) const { return outer_->run(t); }
  command stream(peer to, object_id what, byte_range which) const
    requires requires(Outer& e) { e.stream(to, what, which); }
  {
    return outer_->stream(to, what, which);
  }
  [[nodiscard]] bool has(object_id what, byte_range which) const
    requires requires(Outer const& e) { e.has(what, which); }
  {
    return outer_->has(what, which);
  }
  template <Described R>
  command keep(std::uint64_t name, R const& record) const {
    return outer_->keep(name, record);
  }
  template <Described R>
  void erase(std::uint64_t name) const {
    outer_->template erase<R>(name);
  }
  template <Described R>
  [[nodiscard]] auto recall(std::uint64_t name) const {
    return outer_->template recall<R>(name);
  }
  template <Described R, class F>
  void recall_all(F&& visit) const {
    outer_->template recall_all<R>(visit);
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& record) const {
    return outer_->sign(record);
  }
  template <Described R>
  command check(R const& record, principal signer, signature const& s) const {
    return outer_->check(record, signer, s);
  }
  template <class... A>
  void note(A const&... a) const {
    outer_->note(a...);
  }

 private:
  [[nodiscard]] static std::uint16_t outside(std::uint16_t tag) {
    HYDRA_EXPECTS(tag < 65536U / tag_lanes);
    return static_cast<std::uint16_t>(tag * tag_lanes + TagLane);
  }

  Outer* outer_;
  Queue* emitted_;
};

// Calls a policy in a lane: call(view), then receive(fact) for each fact that it emitted. What
// receive does may call the same policy again: facts of that call are received inside it.
template <std::uint16_t TagLane, Policy P, class Outer, class Call, class Receive>
void nest(P&, Outer& outer, Call&& call, Receive&& receive) {
  fact_queue<facts_of<P>> emitted;
  nested_view<Outer, fact_queue<facts_of<P>>, TagLane> inside{outer, emitted};
  call(inside);
  while (!emitted.empty()) emitted.next([&](room, auto const& fact) { receive(fact); });
}

// A fact of the driver, or of the user, for the policy in a lane: passed on where it listens.
template <std::uint16_t TagLane, Policy P, class Outer, class F, class Receive>
void nest_fact(P& inner, Outer& outer, F const& fact, Receive&& receive) {
  nest<TagLane>(
      inner, outer,
      [&](auto& e) { tell_policy(inner, e, fact); },
      receive);
}

}  // namespace hydra
