// The simulator's environment: what a node sees during one call.
//
// A context lives on the stack of the shard for one event. It is the only door through which a
// node touches its shard. Effects after a keep, or after a sign, leave later: see hold_ and busy_.
#pragma once

#include <hydra/core/hashing.hpp>
#include <hydra/core/journal.hpp>
#include <hydra/core/node.hpp>
#include <hydra/sim/handles.hpp>
#include <hydra/sim/setting.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace hydra::sim {

template <class Shard>
class context : public environment_base<context<Shard>> {
 public:
  using node_type = typename Shard::node_type;
  using slot_type = typename Shard::slot_type;

  context(Shard& shard, slot_type& slot, std::uint32_t number, instant now) noexcept
      : shard_{&shard}, slot_{&slot}, number_{number}, now_{now} {}

  // ---- reads
  [[nodiscard]] instant now() const { return now_ + shard_->setting().skew(number_, now_); }
  [[nodiscard]] peer self() const { return shard_->seen(number_, peer{number_}); }
  [[nodiscard]] hydra::stream random_of(room where) {
    auto const i = Shard::purposes == 1 ? 0U : static_cast<std::size_t>(where);
    return {stream_base(shard_->setting().seed(), static_cast<std::uint64_t>(where), number_),
            slot_->state.draws[i]};
  }
  [[nodiscard]] acquaintance about(peer who) const {
    auto const p = meant(who);
    auto const& s = shard_->setting();
    acquaintance const a{s.key_of(p), seen(s.principal_of(p.index())),
                         s.netgroup_of(p.index()), s.reach_of(p.index()),
                         s.round_trip(number_, p.index())};
    watched([&](auto& o) { o.known(now(), who, a); });
    return a;
  }
  [[nodiscard]] key about(principal who) const { return named(who); }
  [[nodiscard]] key about(service what) const { return named(what); }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return hash_of(what, resolver{this});
  }

  // ---- effects
  template <Message M>
  void send(peer to, M const& m) {
    static_assert(contains<M, messages_of<node_type>>, "list this message under `messages`");
    wants(effect::send, room::node, m, 0, to);
    auto out = m;
    auto const target = meant(to).index();
    if (shard_->permutes()) translate_out(shard_->view_of(number_), out);
    if (hold_ > duration{}) {
      shard_->template park<M>(*slot_, number_, target, now_ + hold_, out);
    } else {
      shard_->template transmit<M>(*slot_, number_, target, now_, busy_, out);
    }
  }
  timer arm_of(room where, duration delay, std::uint16_t tag) {
    delay = std::max(delay, duration{});
    wants(effect::arm, where, now() + delay, tag);
    auto const due = now_ + delay;
    auto const n = shard_->set_timer(*slot_, number_, due, tag_of(where, tag));
    return {due, n};
  }
  void disarm(timer id) {
    wants(effect::disarm, room::node, id.due + (now() - now_), 0);
    if (id) shard_->cancel_timer(number_, id, now_);
  }
  void disarm(command run) {
    wants(effect::disarm, run.by, instant{}, 1);
    if (run) shard_->cancel_run(*slot_, number_, run.number);
  }
  void every_of(room where, duration period, duration phase, std::uint16_t tag) {
    HYDRA_EXPECTS(period > duration{});
    phase = std::max(phase, duration{});
    wants(effect::every, where, now() + phase, tag);
    shard_->set_periodic(*slot_, number_, now_ + phase, period, tag_of(where, tag));
  }
  template <Fact F>
  void emit(F const& fact) {
    static_assert(contains<F, facts_of<node_type>>, "list this fact under `facts`");
    wants(effect::emit, room::node, fact, 0);
    auto out = fact;
    if (shard_->permutes()) translate_out(shard_->view_of(number_), out);
    if (hold_ > duration{}) {
      shard_->template park_fact<F>(*slot_, number_, now_ + hold_, out);
    } else {
      shard_->observe(now_, number_, out);
    }
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() {
    return shard_->activities().template of<T>(slot_->state.activities, slot_->state.activity);
  }
  command run_of(room where, task const& t) {
    wants(effect::run, where, t, 0);
    auto out = t;
    if (shard_->permutes()) translate_out(shard_->view_of(number_), out);
    return {shard_->start_run(*slot_, number_, now_ + hold_, where, out), where};
  }
  command stream_of(room where, peer to, object_id what, byte_range which) {
    wants(effect::stream, where, what, which.count, to);
    command const id{next_command(), where};
    shard_->start_stream(*slot_, number_, meant(to).index(), now_ + hold_, id, which.count);
    return id;
  }
  template <Described R>
  command keep_of(room where, std::uint64_t name, R const& record) {
    static_assert(contains<R, records_of<node_type>>, "list this record under `records`");
    wants(effect::keep, where, record, name);
    hold_ += shard_->setting().prices().keep;
    command const id{next_command(), where};
    shard_->template commit_later<R>(*slot_, number_, now_ + hold_, id, name, record);
    return id;
  }
  template <Described R>
  void erase(std::uint64_t name) {
    wants(effect::erase, room::node, R{}, name);
    auto const written = now_ + hold_ + shard_->setting().prices().keep;
    shard_->template erase_later<R>(*slot_, number_, written, name);
  }
  template <Described R>
  [[nodiscard]] std::optional<R> recall(std::uint64_t name) const {
    return shard_->template recall<R>(*slot_, name);
  }
  template <Described R, class F>
  void recall_all(F&& visit) const {
    shard_->template recall_all<R>(*slot_, visit);
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& record) {
    busy_ += shard_->setting().prices().sign;
    auto const& s = shard_->setting();
    return modelled_signature(s.seed(), s.key_of(s.principal_of(number_)), record, resolver{this});
  }
  template <Described R>
  command check_of(room where, R const& record, principal signer, signature const& given) {
    wants(effect::check, where, record, 0, signer);
    auto const& s = shard_->setting();
    bool const good = given != signature{} &&
                      given == modelled_signature(s.seed(), s.key_of(meant(signer)), record,
                                                  resolver{this});
    checked const answer{{next_command(), where}, good};
    shard_->tell_later(*slot_, number_, now_ + s.prices().check, answer);
    return answer.id;
  }
  template <class... A>
  void note(room where, A const&... what) {
    shard_->note(now_, number_, where, what...);
  }

 private:
  // Keys of handles as this peer sees them.
  struct resolver {
    context const* env;
    template <class Handle>
    [[nodiscard]] key operator()(Handle h) const {
      if constexpr (Shard::watching && std::is_same_v<Handle, peer>) {
        return env->about(h).key;
      } else {
        return env->named(h);
      }
    }
  };
  template <class Handle>
  [[nodiscard]] key named(Handle h) const {
    auto const k = shard_->setting().key_of(meant(h));
    if constexpr (!std::is_same_v<Handle, peer>) watched([&](auto& o) { o.known(now(), h, k); });
    return k;
  }

  // For an observer that watches this head; otherwise nothing is left of them.
  template <class Tell>
  void watched(Tell&& tell) const {
    if constexpr (Shard::watching) {
      if (shard_->observer().watches(number_)) tell(shard_->observer());
    }
  }
  template <Described T>
  void wants(effect what, room where, T const& with, std::uint64_t extra) const {
    watched([&](auto& o) { o.wanted(now(), what, where, with, key{}, extra, resolver{this}); });
  }
  template <Described T, class Handle>
  void wants(effect what, room where, T const& with, std::uint64_t extra, Handle whom) const {
    watched([&](auto& o) {
      resolver const keys{this};
      o.wanted(now(), what, where, with, keys(whom), extra, keys);
    });
  }
  void wants(effect what, room where, instant due, std::uint32_t tag) const {
    watched([&](auto& o) { o.wanted(now(), what, where, due, tag, resolver{this}); });
  }

  [[nodiscard]] service meant(service s) const { return s; }
  template <class Handle>
  [[nodiscard]] Handle meant(Handle h) const {
    return shard_->permutes() ? Handle{shard_->view_of(number_).meant(h.index())} : h;
  }
  template <class Handle>
  [[nodiscard]] Handle seen(Handle h) const {
    return shard_->seen(number_, h);
  }
  [[nodiscard]] std::uint32_t next_command() { return ++slot_->state.commands; }

  Shard* shard_;
  slot_type* slot_;
  std::uint32_t number_;
  instant now_;
  duration hold_{};  // effects wait for what was kept in this call
  duration busy_{};  // and messages for what was signed
};

}  // namespace hydra::sim
