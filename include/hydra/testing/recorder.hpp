// The third driver: it does nothing but write down what a policy or a node wants done.
//
//   recorder env{{.seed = 7, .self = peer{0}}};
//   auto view = env.view<my_policy>();                   // a bare policy, bound to its room
//   policy.find(view, w);   CHECK(env.take_sent() == sent(peer{3}, find_peer{target}));
//   for (auto due : env.advance(2s)) policy.on_timer(view, due.tag);
//
//   env.start(node); env.deliver(node, from, m); env.tell(node, fact); env.fire(node, 10s);
//
// Promise: no threads, no clock, no allocation limits; the same calls record the same effects
// (effect_digest). Heads it was not told about have the key derived from (seed, peer), as in
// the simulator. Rules a test should know:
// - Effects after a keep in one call (send emit run stream) are held until durable(); timers,
//   pools and disarm are not, since a crash drops them anyway. deliver/start/tell/fire are calls;
//   with a bare policy a call ends at end_call(), advance() or durable().
// - recall reads what was kept in this life, durable or not; crash() goes back to what is durable.
// - every() with a room and tag that already has a period replaces it.
// - fail_nth(effect::send, 2): the second send from now on is unreachable; run and stream answer
//   with ok = false, check with good = false, keep never becomes durable.
#pragma once

#include <hydra/core/derive.hpp>
#include <hydra/core/hashing.hpp>
#include <hydra/core/journal.hpp>
#include <hydra/core/node.hpp>
#include <hydra/testing/effects.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace hydra::testing {

struct recorder_settings {
  std::uint64_t seed = 1;
  peer self{0};
  instant start{};
  duration rtt = 20ms;  // of heads that nobody described
  std::uint32_t index = as_self;  // in the scenario, where a driver's handle says something else

  static constexpr std::uint32_t as_self = 0xffffffffU;
};

class recorder;

// Where a bare policy's emit() goes; refuses facts that the policy does not list.
template <class Facts>
class fact_sink {
 public:
  template <class F>
  void push(room by, F const& fact);
  recorder* to = nullptr;
};

template <class P, room Room = P::policy_concept::where>
using recorder_view = view<recorder, fact_sink<facts_of<P>>, Room>;

class recorder : public environment_base<recorder> {
  struct keys_of {  // handles as this head sees them
    recorder const* env;
    [[nodiscard]] key operator()(peer who) const { return env->about(who).key; }
    [[nodiscard]] key operator()(principal who) const { return env->about(who); }
    [[nodiscard]] key operator()(service what) const { return env->about(what); }
  };
  [[nodiscard]] keys_of resolver() const noexcept { return {this}; }

 public:
  recorder() = default;
  explicit recorder(recorder_settings s) : settings_{s}, now_{s.start} {}

  // ---- what a driver offers --------------------------------------------------------------------

  [[nodiscard]] instant now() const noexcept { return now_; }
  [[nodiscard]] peer self() const noexcept { return settings_.self; }
  [[nodiscard]] hydra::stream random_of(room by) noexcept {
    auto const purpose = static_cast<std::size_t>(by);
    auto const who =
        settings_.index == recorder_settings::as_self ? self().index() : settings_.index;
    return {stream_base(settings_.seed, purpose, who), draws_[purpose]};
  }
  [[nodiscard]] acquaintance about(peer who) const {
    if (auto const it = heads_.find(who.index()); it != heads_.end()) return it->second;
    return {derived_key(settings_.seed, who), principal{who.index()},
            derived_netgroup(settings_.seed, who), reach::open, settings_.rtt};
  }
  [[nodiscard]] key about(principal who) const {
    auto const it = principals_.find(who.index());
    return it != principals_.end() ? it->second : derived_key(settings_.seed, who);
  }
  [[nodiscard]] key about(service what) const {
    auto const it = services_.find(what.index());
    return it != services_.end() ? it->second : derived_key(settings_.seed, what);
  }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return hash_of(what, resolver());
  }
  template <Message M>
  void send(peer to, M const& m) {
    record(effect::send, room::node, m, 0, about(to).key);
    if (fails(effect::send)) {
      answer(unreachable{to});
    } else {
      sent_.push_back({call_, last_keep_, {to, any_described{m}}});
    }
  }
  timer arm_of(room by, duration delay, std::uint16_t tag) {
    delay = std::max(delay, duration{});
    timer const id{now_ + delay, ++timer_serial_};
    record(effect::arm, by, id.due, tag);
    armed_.push_back({by, tag, delay, duration{}, id});
    timers_.push_back({by, tag, duration{}, id});
    return id;
  }
  void every_of(room by, duration period, duration phase, std::uint16_t tag) {
    HYDRA_EXPECTS(period > duration{});
    phase = std::max(phase, duration{});
    timer const id{now_ + phase, ++timer_serial_};
    record(effect::every, by, id.due, tag);
    std::erase_if(timers_, [&](waiting const& t) {
      return t.period != duration{} && t.by == by && t.tag == tag;
    });
    armed_.push_back({by, tag, phase, period, id});
    timers_.push_back({by, tag, period, id});
  }
  void disarm(timer id) {
    record(effect::disarm, room::node, id.due, 0);
    std::erase_if(timers_, [&](waiting const& t) { return t.id == id; });
  }
  void disarm(command run) {
    record(effect::disarm, run.by, instant{}, 1);
    std::erase_if(runs_, [&](auto const& r) { return r.what.id == run; });
  }
  template <Fact F>
  void emit(F const& fact) {
    emit_of(room::node, fact);
  }
  template <Fact F>
  void emit_of(room by, F const& fact) {
    record(effect::emit, by, fact, 0);
    emitted_.push_back({call_, last_keep_, any_described{fact}});
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() {
    struct held {
      slab<T> cells;
      std::uint32_t head = no_activity;
    };
    auto& slot = pools_[&detail::type_mark<T>];
    if (!slot.has_value()) slot = held{};
    auto& h = *std::any_cast<held>(&slot);
    return {h.cells, h.head, activity_serial_};
  }
  command run_of(room by, task const& t) {
    auto const id = next_command(by);
    record(effect::run, by, t, 0);
    if (fails(effect::run)) {
      answer(run_done{id, false, {}, {}});
    } else {
      runs_.push_back({call_, last_keep_, {id, t}});
    }
    return id;
  }
  command stream_of(room by, peer to, object_id what, byte_range which) {
    auto const id = next_command(by);
    record(effect::stream, by, what, which.count, about(to).key);
    if (fails(effect::stream)) {
      answer(stream_done{id, false, 0});
    } else {
      streams_.push_back({call_, last_keep_, {id, to, what, which}});
    }
    return id;
  }
  template <Described R>
  command keep_of(room by, std::uint64_t name, R const& r) {
    auto const id = next_command(by);
    record(effect::keep, by, r, name);
    stored const where{&detail::type_mark<R>, name};
    live_[where] = any_described{r};
    last_keep_ = id.number;
    kept_.push_back({id, name, any_described{r}});
    pending_.push_back({id, call_, where, any_described{r}, fails(effect::keep)});
    return id;
  }
  template <Described R>
  void erase(std::uint64_t name) {
    record(effect::erase, room::node, R{}, name);
    stored const where{&detail::type_mark<R>, name};
    live_.erase(where);
    pending_.push_back({{}, call_, where, std::nullopt, false});
  }
  template <Described R>
  [[nodiscard]] std::optional<R> recall(std::uint64_t name) const {
    auto const it = live_.find({&detail::type_mark<R>, name});
    if (it == live_.end()) return std::nullopt;
    return it->second.template as<R>();
  }
  // visit(name, R const&), names ascending.
  template <Described R, class F>
  void recall_all(F&& visit) const {
    auto const kind = static_cast<void const*>(&detail::type_mark<R>);
    for (auto it = live_.lower_bound({kind, 0}); it != live_.end() && it->first.first == kind;
         ++it) {
      visit(it->first.second, it->second.template as<R>());
    }
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& r) const {
    return sign_as(about(settings_.self).principal, r);
  }
  template <Described R>
  command check_of(room by, R const& r, principal signer, signature const& s) {
    auto const id = next_command(by);
    record(effect::check, by, r, 0, about(signer));
    answer(checked{id, !fails(effect::check) && s == sign_as(signer, r)});
    return id;
  }
  template <class... A>
  void note(room, A const&...) noexcept {
    ++notes_;
  }

  // ---- what a test sets up ---------------------------------------------------------------------

  // The view of a bare policy. A copied recorder needs its views made anew.
  template <class P, room Room = P::policy_concept::where>
  [[nodiscard]] recorder_view<P, Room> view() {
    return view_for<P, Room>();
  }
  template <room Room, class P>
  [[nodiscard]] recorder_view<P, Room> view() {
    return view_for<P, Room>();
  }
  void know(peer who, acquaintance const& what) {
    heads_[who.index()] = what;
    if (journal_ != nullptr) journal_->head(now_, who, what);
  }
  void know(principal who, key const& k) {
    principals_[who.index()] = k;
    if (journal_ != nullptr) journal_->name(now_, who, k);
  }
  void know(service what, key const& k) {
    services_[what.index()] = k;
    if (journal_ != nullptr) journal_->name(now_, what, k);
  }
  // A record that a former life left on the disk.
  template <Described R>
  void remember(std::uint64_t name, R const& r) {
    stored const where{&detail::type_mark<R>, name};
    live_[where] = disk_[where] = any_described{r};
  }
  // Every call to a node from now on is written down; know() too. `where` must outlive this.
  void log_to(journal& where) noexcept { journal_ = &where; }
  // What another principal's signature would be.
  template <Described R>
  [[nodiscard]] signature sign_as(principal who, R const& r) const {
    return modelled_signature(settings_.seed, about(who), r, resolver());
  }
  // The nth (from 1) effect of this kind from now on fails; 0 takes it back.
  void fail_nth(effect kind, std::uint32_t n) { fail_[static_cast<std::size_t>(kind)] = n; }

  // ---- what was recorded: taking empties the list ----------------------------------------------

  [[nodiscard]] sent_messages take_sent() {
    sent_messages out;
    take_free(sent_, [&](auto& x) { out.push_back(std::move(x)); });
    return out;
  }
  [[nodiscard]] std::vector<armed_timer> take_armed() { return std::exchange(armed_, {}); }
  // Those of type F that are not held; others stay.
  template <Fact F>
  [[nodiscard]] std::vector<F> take_emitted() {
    std::vector<F> out;
    take_free(emitted_, [&](auto& x) { out.push_back(x.template as<F>()); },
              [](auto const& x) { return x.template is<F>(); });
    return out;
  }
  [[nodiscard]] std::vector<any_described> take_emitted() {
    std::vector<any_described> out;
    take_free(emitted_, [&](auto& x) { out.push_back(std::move(x)); });
    return out;
  }
  [[nodiscard]] std::vector<started_run> take_runs() {
    std::vector<started_run> out;
    take_free(runs_, [&](auto& x) { out.push_back(x); });
    return out;
  }
  [[nodiscard]] std::vector<started_stream> take_streams() {
    std::vector<started_stream> out;
    take_free(streams_, [&](auto& x) { out.push_back(x); });
    return out;
  }
  [[nodiscard]] std::vector<kept_record> take_kept() { return std::exchange(kept_, {}); }
  // Answers of the world itself, of one type: checked, unreachable, failed runs and streams.
  template <Fact F>
  [[nodiscard]] std::vector<F> take_answers() {
    std::vector<F> out;
    std::erase_if(answers_, [&](any_described const& x) {
      if (x.is<F>()) out.push_back(x.as<F>());
      return x.is<F>();
    });
    return out;
  }
  [[nodiscard]] std::size_t notes() const noexcept { return notes_; }
  [[nodiscard]] std::size_t timers() const noexcept { return timers_.size(); }
  // Effects that wait for a record to be durable.
  [[nodiscard]] std::size_t held() const noexcept {
    auto const in = [&](auto const& list) {
      return static_cast<std::size_t>(std::count_if(
          list.begin(), list.end(), [&](auto const& x) { return is_held(x.call, x.keep); }));
    };
    return in(sent_) + in(emitted_) + in(runs_) + in(streams_);
  }
  // Every effect in order, with its instant and its room; handles count as keys.
  [[nodiscard]] std::uint64_t effect_digest() const noexcept { return digest_.value(); }

  // ---- time, disk, crash -----------------------------------------------------------------------

  // Moves time and returns what became due, in the order (instant, armed first).
  std::vector<due_timer> advance(duration by) {
    end_call();
    auto const until = now_ + by;
    std::vector<due_timer> out;
    while (auto due = next_due(until)) out.push_back(*due);
    now_ = until;
    return out;
  }
  // Moves time without looking at timers: a replay knows itself what fires.
  void set_now(instant at) noexcept {
    end_call();
    now_ = at;
  }
  // Takes the first timer that is due by then.
  std::optional<due_timer> pop_due(instant until) { return next_due(until); }
  // When the next timer is due, or never.
  [[nodiscard]] instant next_at() const noexcept {
    auto best = never;
    for (auto const& t : timers_) best = std::min(best, t.id.due);
    return best;
  }
  // The disk has caught up: held effects are released; the facts to be told, in order.
  std::vector<kept> durable() {
    end_call();
    std::vector<kept> out;
    std::vector<waiting_record> failed;
    for (auto& p : pending_) {
      if (p.fails) {
        failed.push_back(p);
      } else if (p.what) {
        disk_[p.where] = *p.what;
        out.push_back({p.id});
      } else {
        disk_.erase(p.where);
      }
    }
    pending_ = std::move(failed);
    return out;
  }
  void end_call() noexcept {
    ++call_;
    last_keep_ = 0;
  }
  // Drops what a crash drops: all but durable records. The digest goes on.
  void crash() {
    end_call();
    live_ = disk_;
    pending_.clear();
    sent_.clear();
    emitted_.clear();
    runs_.clear();
    streams_.clear();
    kept_.clear();
    armed_.clear();
    answers_.clear();
    timers_.clear();
    pools_.clear();
    command_serial_ = timer_serial_ = activity_serial_ = 0;
  }

  // As crash(), and the disk is empty too.
  void forget() {
    disk_.clear();
    crash();
  }

  // ---- a whole node ----------------------------------------------------------------------------

  template <class N>
  void start(N& node) {
    end_call();
    if (journal_ != nullptr) {
      log_records<N>(records_of<N>{});
      journal_->start(now_);
    }
    tell_start(node, *this);
    end_call();
  }
  template <class N, Message M>
  void deliver(N& node, peer from, M const& m) {
    end_call();
    if (journal_ != nullptr) journal_->message(now_, from, m);
    tell_message(node, *this, from, m);
    end_call();
  }
  template <class N, Fact F>
  void tell(N& node, F const& fact) {
    end_call();
    if (journal_ != nullptr) journal_->template fact<N>(now_, fact);
    tell_fact(node, *this, fact);
    end_call();
  }
  template <class N>
  void fire(N& node, due_timer const& due) {
    end_call();
    if (journal_ != nullptr) journal_->timer(now_, due.whole_tag());
    tell_timer(node, *this, due.whole_tag());
    end_call();
  }
  // Moves time and tells the node every timer that becomes due, each at its own instant, those
  // included that it arms meanwhile.
  template <class N>
  void fire(N& node, duration by) {
    auto const until = now_ + by;
    while (auto due = next_due(until)) {
      now_ = due->at;
      fire(node, *due);
    }
    now_ = until;
  }
  // Tells the node the world's answers and that its records are durable, until it is quiet or
  // `calls_max` were told; whether it is quiet.
  template <class N>
  bool settle(N& node, std::size_t calls_max = 1000) {
    for (std::size_t calls = 0; calls < calls_max;) {
      auto const answers = std::exchange(answers_, {});
      auto const written = durable();
      if (answers.empty() && written.empty()) return true;
      calls += answers.size() + written.size();
      for (auto const& a : answers) tell_any(node, a);
      for (auto const& k : written) tell(node, k);
    }
    return false;
  }

 private:
  using stored = std::pair<void const*, std::uint64_t>;  // record type, name
  struct waiting {
    room by = room::node;
    std::uint16_t tag = 0;
    duration period{};
    timer id{};
  };
  struct waiting_record {
    command id{};
    std::uint64_t call = 0;
    stored where{};
    std::optional<any_described> what;  // nothing: erased
    bool fails = false;
  };
  template <class N, class... R>
  void log_records(type_list<R...>) {
    (recall_all<R>([&](std::uint64_t name, R const& r) {
       journal_->template record<N>(now_, name, r);
     }), ...);
  }
  template <class T>
  struct in_call {
    std::uint64_t call = 0;
    std::uint32_t keep = 0;  // number of the last keep before it in the call
    T what;
  };

  template <class P, room Room>
  [[nodiscard]] recorder_view<P, Room> view_for() {
    auto& slot = sinks_[&detail::type_mark<P>];
    using sink = fact_sink<facts_of<P>>;
    if (!slot.has_value()) slot = sink{};
    auto& s = *std::any_cast<sink>(&slot);
    s.to = this;
    return {*this, s};
  }
  command next_command(room by) noexcept { return {++command_serial_, by}; }
  template <Fact F>
  void answer(F const& fact) {
    answers_.push_back(any_described{fact});
  }
  bool fails(effect kind) noexcept {
    auto& n = fail_[static_cast<std::size_t>(kind)];
    return n != 0 && --n == 0;
  }
  template <Described T>
  void record(effect kind, room by, T const& what, std::uint64_t extra, key const& whom = {}) {
    digest_.add(now_, kind, by, what, whom, extra, resolver());
  }
  void record(effect kind, room by, instant due, std::uint32_t tag) {
    digest_.add(now_, kind, by, due, tag, resolver());
  }
  [[nodiscard]] bool is_held(std::uint64_t call, std::uint32_t keep) const noexcept {
    if (keep == 0) return false;
    return std::any_of(pending_.begin(), pending_.end(), [&](waiting_record const& p) {
      return p.call == call && p.id.number != 0 && p.id.number <= keep;
    });
  }
  template <class T, class Give, class Match>
  void take_free(std::vector<in_call<T>>& list, Give&& give, Match&& match) {
    std::erase_if(list, [&](in_call<T>& x) {
      if (is_held(x.call, x.keep) || !match(x.what)) return false;
      give(x.what);
      return true;
    });
  }
  template <class T, class Give>
  void take_free(std::vector<in_call<T>>& list, Give&& give) {
    take_free(list, give, [](T const&) { return true; });
  }
  std::optional<due_timer> next_due(instant until) {
    auto const first = std::min_element(
        timers_.begin(), timers_.end(), [](waiting const& a, waiting const& b) {
          return a.id.due != b.id.due ? a.id.due < b.id.due : a.id.number < b.id.number;
        });
    if (first == timers_.end() || first->id.due > until) return std::nullopt;
    due_timer const due{first->id.due, first->by, first->tag, first->id};
    if (first->period != duration{}) {
      first->id.due += first->period;
    } else {
      timers_.erase(first);
    }
    return due;
  }
  template <class N>
  void tell_any(N& node, any_described const& fact) {
    if (fact.is<checked>()) tell(node, fact.as<checked>());
    if (fact.is<unreachable>()) tell(node, fact.as<unreachable>());
    if (fact.is<run_done>()) tell(node, fact.as<run_done>());
    if (fact.is<stream_done>()) tell(node, fact.as<stream_done>());
  }

  recorder_settings settings_{};
  journal* journal_ = nullptr;
  instant now_{};
  std::array<std::uint32_t, room_count> draws_{};
  std::map<std::uint32_t, acquaintance> heads_;
  std::map<std::uint32_t, key> principals_;
  std::map<std::uint32_t, key> services_;
  std::map<void const*, std::any> pools_;  // by type; never iterated
  std::map<void const*, std::any> sinks_;
  std::vector<in_call<sent_message>> sent_;
  std::vector<in_call<any_described>> emitted_;
  std::vector<in_call<started_run>> runs_;
  std::vector<in_call<started_stream>> streams_;
  std::vector<armed_timer> armed_;
  std::vector<waiting> timers_;
  std::vector<kept_record> kept_;
  std::vector<waiting_record> pending_;
  std::vector<any_described> answers_;
  std::map<stored, any_described> live_;
  std::map<stored, any_described> disk_;
  std::array<std::uint32_t, effect_count> fail_{};
  hydra::effect_digest digest_;
  std::uint64_t call_ = 0;
  std::uint32_t last_keep_ = 0;
  std::uint32_t timer_serial_ = 0;
  std::uint32_t command_serial_ = 0;
  std::uint32_t activity_serial_ = 0;  // of all pools together
  std::size_t notes_ = 0;
};

template <class Facts>
template <class F>
void fact_sink<Facts>::push(room by, F const& fact) {
  static_assert(contains<F, Facts>, "list this fact under `facts` of the policy");
  to->emit_of(by, fact);
}

static_assert(Environment<recorder>);
static_assert(Runs<recorder>);
static_assert(Moves<recorder>);
static_assert(Stores<recorder>);
static_assert(Signs<recorder>);

}  // namespace hydra::testing
