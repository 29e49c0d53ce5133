// Slots of a Hydra, and what a policy in a slot sees: the driver's environment, bound to a room.
//
// `view` adds three things to the driver's environment, all at compile time: the room (so that
// random streams, timer tags and commands of two policies cannot collide), the queue to which
// emit() goes (delivered to the parent after the call returns), and nothing else.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/core/types.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace hydra {

struct routing_tag {
  static constexpr room where = room::routing;
};
struct membership_tag {
  static constexpr room where = room::membership;
};
struct proximity_tag {
  static constexpr room where = room::proximity;
};
struct trust_tag {
  static constexpr room where = room::trust;
};
struct scheduling_tag {
  static constexpr room where = room::scheduling;
};
struct verify_tag {
  static constexpr room where = room::verify;
};
struct code_tag {
  static constexpr room where = room::code;
};

template <class P>
concept Policy = std::copyable<P> && requires { typename P::policy_concept; };

template <class P, class Tag>
concept PolicyFor = Policy<P> && std::same_as<typename P::policy_concept, Tag>;

// Scored terms: why a candidate was chosen, so that `why` can say what would have changed it.
struct choice {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  std::size_t index = nowhere;  // into the candidates that were offered
  bool locally = false;
  bool wait = false;
  std::array<std::int64_t, 4> terms{};  // the policy's own, smaller is better
  [[nodiscard]] constexpr explicit operator bool() const noexcept {
    return locally || index != nowhere;
  }
};

// A trust policy's answer.
struct verdict {
  bool admitted = false;
  trust score{};
  std::uint8_t ring = 0;  // 0 own, 1 peer group, 2 friends of friends, 3 strangers
  template <class A>
  void serialize(A& a, unsigned) {
    a& admitted& score& ring;
  }
};

inline constexpr std::size_t facts_per_call_max = 16;

// What the policies of one node emitted during one call, in order.
template <class List>
class fact_queue;
template <class... F>
class fact_queue<type_list<F...>> {
  static constexpr std::size_t largest() {
    std::size_t n = 1;
    ((n = sizeof(F) > n ? sizeof(F) : n), ...);
    return n;
  }

 public:
  using list = type_list<F...>;
  fact_queue() noexcept {}  // leaves the storage as it is: most calls emit nothing

  template <class T>
  void push(room from, T const& fact) {
    static_assert(contains<T, list>, "list this fact under `facts` of the policy");
    HYDRA_EXPECTS(size_ < facts_per_call_max);
    auto& e = entries_[(first_ + size_++) % facts_per_call_max];
    e.from = from;
    e.type = static_cast<std::uint8_t>(index_of<T, list>);
    std::memcpy(e.bytes, &fact, sizeof(T));
  }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Takes the oldest fact and calls visit(room, fact).
  template <class V>
  void next(V&& visit) {
    HYDRA_EXPECTS(!empty());
    auto const e = entries_[first_];  // a copy: what is visited may emit
    first_ = static_cast<std::uint8_t>((first_ + 1U) % facts_per_call_max);
    --size_;
    std::size_t i = 0;
    static_cast<void>(((e.type == i++ ? (open<F>(e, visit), true) : false) || ...));
  }

 private:
  struct entry {
    entry() noexcept {}
    room from;
    std::uint8_t type;
    alignas(8) std::byte bytes[largest()];
  };
  template <class T, class V>
  static void open(entry const& e, V& visit) {
    T fact{};
    std::memcpy(&fact, e.bytes, sizeof(T));
    visit(e.from, fact);
  }
  std::array<entry, facts_per_call_max> entries_;
  std::uint8_t first_ = 0;
  std::uint8_t size_ = 0;
};

template <class Env, class Queue, room Room>
class view {
 public:
  view(Env& env, Queue& emitted) noexcept : env_{&env}, emitted_{&emitted} {}

  [[nodiscard]] instant now() const { return env_->now(); }
  [[nodiscard]] peer self() const { return env_->self(); }
  [[nodiscard]] hydra::stream random() const { return env_->random_of(Room); }
  template <class Who>
  [[nodiscard]] auto about(Who who) const {
    return env_->about(who);
  }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return env_->hash(what);
  }
  template <Message M>
  void send(peer to, M const& m) const {
    env_->send(to, m);
  }
  timer arm(duration delay, std::uint16_t tag) const { return env_->arm_of(Room, delay, tag); }
  void disarm(timer id) const { env_->disarm(id); }
  void disarm(command run) const { env_->disarm(run); }
  void every(duration period, duration phase, std::uint16_t tag) const {
    env_->every_of(Room, period, phase, tag);
  }
  template <Fact F>
  void emit(F const& fact) const {
    emitted_->push(Room, fact);
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() const {
    return env_->template pool<T>();
  }
  command run(task const& t) const { return env_->run_of(Room, t); }
  command stream(peer to, object_id what, byte_range which) const
    requires requires(Env& e) { e.stream_of(Room, to, what, which); }
  {
    return env_->stream_of(Room, to, what, which);
  }
  // Where the driver has a disk: whether these bytes lie on it.
  [[nodiscard]] bool has(object_id what, byte_range which) const
    requires requires(Env const& e) { e.has(what, which); }
  {
    return env_->has(what, which);
  }
  template <Described R>
  command keep(std::uint64_t name, R const& record) const {
    return env_->keep_of(Room, name, record);
  }
  template <Described R>
  void erase(std::uint64_t name) const {
    env_->template erase<R>(name);
  }
  template <Described R>
  [[nodiscard]] auto recall(std::uint64_t name) const {
    return env_->template recall<R>(name);
  }
  template <Described R, class F>
  void recall_all(F&& visit) const {
    env_->template recall_all<R>(visit);
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& record) const {
    return env_->sign(record);
  }
  template <Described R>
  command check(R const& record, principal signer, signature const& s) const {
    return env_->check_of(Room, record, signer, s);
  }
  template <class... A>
  void note(A const&... a) const {
    env_->note(Room, a...);
  }

 private:
  Env* env_;
  Queue* emitted_;
};

// A driver's timer tag is the room and the policy's own tag.
[[nodiscard]] constexpr std::uint32_t tag_of(room where, std::uint16_t tag) noexcept {
  return static_cast<std::uint32_t>(where) << 16U | tag;
}
[[nodiscard]] constexpr room room_of(std::uint32_t tag) noexcept {
  return static_cast<room>(tag >> 16U);
}

// What every driver's environment offers to a node without an assembly: room::node is bound.
// Derived provides the *_of forms.
template <class Derived>
class environment_base {
 public:
  [[nodiscard]] hydra::stream random() { return me().random_of(room::node); }
  timer arm(duration delay, std::uint16_t tag) { return me().arm_of(room::node, delay, tag); }
  void every(duration period, duration phase, std::uint16_t tag) {
    me().every_of(room::node, period, phase, tag);
  }
  command run(task const& t) { return me().run_of(room::node, t); }
  command stream(peer to, object_id what, byte_range which) {
    return me().stream_of(room::node, to, what, which);
  }
  template <Described R>
  command keep(std::uint64_t name, R const& record) {
    return me().keep_of(room::node, name, record);
  }
  template <Described R>
  command check(R const& record, principal signer, signature const& s) {
    return me().check_of(room::node, record, signer, s);
  }

 private:
  [[nodiscard]] Derived& me() noexcept { return static_cast<Derived&>(*this); }
};

}  // namespace hydra
