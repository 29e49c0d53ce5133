// The seam: what a policy sees of the world, and the closed list of what it can do to it.
//
// Reads     now() self() random() hash(bytes) about(peer) about(principal) about(service)
// Effects   send(peer, m)  arm(delay, tag)  disarm(id)  every(period, phase, tag)  emit(fact)
//           run(task)  stream(peer, object, range)  keep(name, record)  erase<R>(name)
//           sign(record)  check(record, principal, signature)  note(...)
// Storage   pool<T>()  recall<R>(name)
//
// A driver may answer three questions more. Where there is a disk: has(object, range), and
// part(object, index, parts), the range of one part of what was made to be divided. Where services
// are native: minor(service), which version of it this machine has within the major one.
//
// Rules. Every effect but sign (a pure function of the record and the signer) only records what
// shall happen; nothing re-enters, sleeps or blocks. Answers come through on_fact and repeat the
// id of their command. disarm takes back a timer or a run; every said again with the same tag
// replaces its period; a delay below zero counts as zero. What is erased is missed at once, but a
// crash before the disk knows brings it back. Effects recorded after a keep in the same call are
// released when the record is durable. The list is closed: a new effect needs a decision record
// and arrives in all three drivers at once (simulator, network, recorder).
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/pool.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/values.hpp>

#include <cstdint>

namespace hydra {

// Names a command of one peer; the fact that answers it repeats it.
struct command {
  std::uint32_t number = 0;
  room by = room::node;
  friend constexpr bool operator==(command, command) = default;
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return number != 0; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& number& by;
  }
};

// Names an armed timer. Holds its due time so that taking back a timer that fired costs nothing.
struct timer {
  instant due{};
  std::uint32_t number = 0;
  friend constexpr bool operator==(timer, timer) = default;
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return number != 0; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& due& number;
  }
};

// What a driver knows about a head.
struct acquaintance {
  hydra::key key{};
  hydra::principal principal{};
  hydra::netgroup group{};
  hydra::reach reach = reach::open;
  duration rtt{};  // as the transport measured it; zero: not measured
};

// ---- facts that a driver tells --------------------------------------------------------------

struct kept {  // the record is durable
  command id{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& id;
  }
};

struct checked {  // a signature was checked
  command id{};
  bool good = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& good;
  }
};

struct run_done {  // a task ended on this head
  command id{};
  bool ok = false;
  payload output{};
  duration took{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& ok& output& took;
  }
};

struct stream_done {  // an object, or a range of it, arrived at the other end or failed to
  command id{};
  bool ok = false;
  std::uint64_t bytes = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& ok& bytes;
  }
};

struct unreachable {  // a message could not be delivered and the transport knows it
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

using driver_facts = type_list<kept, checked, run_done, stream_done, unreachable>;

// ---- refinements: what a small driver may lack ------------------------------------------------

template <class E>
concept Environment = requires(E& env, peer p) {
  { env.now() } -> std::convertible_to<instant>;
  { env.self() } -> std::convertible_to<peer>;
  { env.random() } -> std::convertible_to<stream>;
  { env.about(p) } -> std::convertible_to<acquaintance>;
  { env.arm(duration{}, std::uint16_t{}) } -> std::convertible_to<timer>;
  env.disarm(timer{});
  env.every(duration{}, duration{}, std::uint16_t{});
};
template <class E>
concept Runs = Environment<E> && requires(E& env, task const& t) {
  { env.run(t) } -> std::convertible_to<command>;
};
template <class E>
concept Moves = Environment<E> && requires(E& env, peer p, object_id o, byte_range r) {
  { env.stream(p, o, r) } -> std::convertible_to<command>;
};
template <class E>
concept Stores = Environment<E> && requires(E& env, receipt const& r) {
  { env.keep(std::uint64_t{}, r) } -> std::convertible_to<command>;
  env.template recall<receipt>(std::uint64_t{});
};
template <class E>
concept Signs = Environment<E> && requires(E& env, receipt const& r, principal who) {
  { env.sign(r) } -> std::convertible_to<signature>;
  { env.check(r, who, signature{}) } -> std::convertible_to<command>;
};

}  // namespace hydra
