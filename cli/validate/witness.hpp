// A Hydra that is watched: the same wrapper in both worlds notes what it sends, receives and says
// to its user, and changes nothing. (Unless one type of message is to be missing: then those that
// arrive are noted as never come.)
#pragma once

#include "notes.hpp"

#include <hydra/assembly/hydra.hpp>

#include <type_traits>
#include <utility>

namespace hydra::validation {

// By what an answer names its question: a nonce, a ticket, or the job.
template <class M>
[[nodiscard]] std::uint64_t tag_of_message(M const& m) {
  if constexpr (requires { m.nonce; }) {
    return m.nonce;
  } else if constexpr (requires { m.ticket; }) {
    return m.ticket;
  } else if constexpr (requires { m.which.of.nonce; }) {
    return m.which.of.nonce;
  } else if constexpr (requires { m.lease.of.nonce; }) {
    return m.lease.of.nonce;
  } else if constexpr (requires { m.of.nonce; }) {
    return m.of.nonce;
  } else {
    return 0;
  }
}

// The driver's environment with an ear at send() and emit().
template <class Env>
class overheard : public environment_base<overheard<Env>> {
 public:
  overheard(Env& env, note_sink& to) noexcept : env_{&env}, to_{&to} {}

  [[nodiscard]] instant now() const { return env_->now(); }
  [[nodiscard]] peer self() const { return env_->self(); }
  [[nodiscard]] hydra::stream random_of(room by) { return env_->random_of(by); }
  template <class Who>
  [[nodiscard]] auto about(Who who) const {
    return env_->about(who);
  }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return env_->hash(what);
  }
  template <Message M>
  void send(peer to, M const& m) {
    put(kind::sent, to, tag_of_message(m), M::id.packed(), 0, 0);
    env_->send(to, m);
  }
  timer arm_of(room by, duration d, std::uint16_t tag) { return env_->arm_of(by, d, tag); }
  void every_of(room by, duration period, duration phase, std::uint16_t tag) {
    env_->every_of(by, period, phase, tag);
  }
  template <class Id>
  void disarm(Id id) {
    env_->disarm(id);
  }
  template <Fact F>
  void emit(F const& fact) {
    overhear(fact);
    env_->emit(fact);
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() {
    return env_->template pool<T>();
  }
  command run_of(room by, task const& t) { return env_->run_of(by, t); }
  command stream_of(room by, peer to, object_id what, byte_range which) {
    return env_->stream_of(by, to, what, which);
  }
  [[nodiscard]] bool has(object_id what, byte_range which) const
    requires requires(Env const& e) { e.has(what, which); }
  {
    return env_->has(what, which);
  }
  [[nodiscard]] byte_range part(object_id what, std::uint32_t index, std::uint32_t parts) const
    requires requires(Env const& e) { e.part(what, index, parts); }
  {
    return env_->part(what, index, parts);
  }
  template <Described R>
  command keep_of(room by, std::uint64_t name, R const& r) {
    return env_->keep_of(by, name, r);
  }
  template <Described R>
  void erase(std::uint64_t name) {
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
  [[nodiscard]] signature sign(R const& r) const {
    return env_->sign(r);
  }
  template <Described R>
  command check_of(room by, R const& r, principal signer, signature const& s) {
    return env_->check_of(by, r, signer, s);
  }
  template <class... A>
  void note(room by, A const&... a) const {
    env_->note(by, a...);
  }

  void put(kind what, peer with, std::uint64_t tag, std::uint32_t type, std::int64_t value,
           std::uint32_t other) {
    auto const me = to_->number_of(env_->about(env_->self()).key);
    auto const who = with ? to_->number_of(env_->about(with).key) : me;
    to_->put({env_->now().time_since_epoch().count(), tag, value, type, other, me, who, what, 0});
  }

 private:
  template <class F>
  void overhear(F const& f) {
    if constexpr (std::is_same_v<F, job_accepted>) {
      put(kind::accepted, {}, f.which.nonce, 0, 0, 0);
    } else if constexpr (std::is_same_v<F, found>) {
      put(kind::looked, {}, 0, 0, f.hops, f.messages);
    } else if constexpr (std::is_same_v<F, hydra::placed>) {
      put(kind::placed, f.who, f.which.nonce, 0, f.replaces ? 1 : 0, 0);
    } else if constexpr (std::is_same_v<F, job_done>) {
      auto const other = f.hops | static_cast<std::uint32_t>(f.replaced) << 8U |
                         static_cast<std::uint32_t>(f.how) << 16U;
      put(kind::ended, f.by, f.which.nonce, 0, f.response.count(), other);
    } else if constexpr (std::is_same_v<F, task_ended>) {
      if (f.what == outcome::done) put(kind::ran, {}, f.which.nonce, 0, f.busy.count(), 0);
    } else if constexpr (std::is_same_v<F, hydra::fetched>) {
      put(kind::fetched, {}, 0, 0, static_cast<std::int64_t>(f.bytes), f.ok ? 1 : 0);
    }
  }

  Env* env_;
  note_sink* to_;
};

template <class H>
class witness : public H {
 public:
  witness() = default;
  witness(H const& of, note_sink& to) : H{of}, to_{&to} {}

  template <class Env>
  void on_start(Env& env) {
    overheard<Env> here{env, *to_};
    here.put(kind::started, {}, 0, 0, 0, 0);
    H::on_start(here);
  }
  template <class Env, class M>
    requires contains<M, typename H::messages>
  void on_message(Env& env, peer from, M const& m) {
    if (M::id.packed() == to_->dropped_type) return;
    overheard<Env> here{env, *to_};
    here.put(kind::received, from, tag_of_message(m), M::id.packed(), 0, 0);
    H::on_message(here, from, m);
  }
  template <class Env>
  void on_any_timer(Env& env, std::uint32_t tag) {
    overheard<Env> here{env, *to_};
    H::on_any_timer(here, tag);
  }
  template <class Env, class F>
    requires contains<F, facts_into<H>>
  void on_fact(Env& env, F const& fact) {
    overheard<Env> here{env, *to_};
    H::on_fact(here, fact);
  }

 private:
  note_sink* to_ = nullptr;
};

}  // namespace hydra::validation
