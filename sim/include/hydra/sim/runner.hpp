// Runs a scenario with any Hydra: the harness that a policy author gets for a struct.
//
//   auto result = sim::runner<my_hydra>::run(scenario, options);
//
// Policies of the library are configured from the scenario; a user's own are taken as they are
// default-constructed.
#pragma once

#include <hydra/assembly/choices.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/sim/checkpoint.hpp>
#include <hydra/sim/conservation.hpp>
#include <hydra/sim/history.hpp>
#include <hydra/sim/omniscient.hpp>
#include <hydra/sim/planet.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/run.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace hydra::sim {

// What a scenario says of routing, in the words of each policy.
struct routing_words {
  routing::kademlia_settings keys{};
  routing::capability_settings ring{};
  operator routing::kademlia_settings const&() const noexcept { return keys; }
  operator routing::capability_settings const&() const noexcept { return ring; }
};

// The settings of the library's policies, as a scenario words them.
[[nodiscard]] routing_words routing_from(scenario const&);
[[nodiscard]] trusts::rings_config trust_from(scenario const&);
[[nodiscard]] verify::repeat verify_from(scenario const&);
[[nodiscard]] scheduling::power_of_d scheduling_from(scenario const&);
// The policies that [policy] names, configured.
[[nodiscard]] any_routing routing_named_in(scenario const&);
[[nodiscard]] any_proximity proximity_named_in(scenario const&,
                                               proximity::geographic_settings const& here);
[[nodiscard]] any_trust trust_named_in(scenario const&);
[[nodiscard]] any_verify verify_named_in(scenario const&);
[[nodiscard]] any_scheduler scheduler_named_in(scenario const&);
[[nodiscard]] protocol_times times_from(scenario const&);
// Bytes that the process holds now and held at most (VmRSS, VmHWM); 0 where unknown.
[[nodiscard]] std::uint64_t resident_bytes();
[[nodiscard]] std::uint64_t resident_peak_bytes();

// Compares two traces; `ids` names the types of messages for the text.
[[nodiscard]] divergence first_difference_of(std::vector<event_note> const& one,
                                             std::vector<event_note> const& two,
                                             std::vector<message_id> const& ids);
template <class... M>
[[nodiscard]] divergence first_difference_of(std::vector<event_note> const& one,
                                             std::vector<event_note> const& two,
                                             type_list<M...>) {
  return first_difference_of(one, two, std::vector<message_id>{M::id...});
}

template <class H>
class populated : public planet {
 public:
  using planet::planet;

  [[nodiscard]] H make(permutation const& view, std::uint32_t who) const {
    auto const& what = plan();
    auto const& mine = role_of(who);
    hydra_settings s;
    s.offers = mine.offers;
    s.power = mine.power;
    s.network = what.network;
    s.times = times_from(what);
    s.times.per_megabyte = per_megabyte(who);
    for (auto const& c : what.compositions) {
      auto const how = composition_from(c);
      bool const serves = std::find(s.offers.begin(), s.offers.end(), how.whole) != s.offers.end();
      if (serves && !alone()) s.compositions.push_back(how);
    }
    s.under = mine.under;
    if (everybody().empty()) {
      for (auto c : contacts_of(who)) s.contacts.push_back(peer{view.seen(c)});
    }
    proximity::geographic_settings const here{.own = mine.where, .disclose = true};
    H h{s,
             chosen<typename H::routing_type, any_routing>([&] { return routing_named_in(what); },
                                                           routing_from(what)),
             trust_with_friends(view, who),
             chosen<typename H::proximity_type, any_proximity>(
                 [&] { return proximity_named_in(what, here); }, here),
             chosen<typename H::verify_type, any_verify>([&] { return verify_named_in(what); },
                                                         verify_from(what)),
             chosen<typename H::scheduling_type, any_scheduler>(
                 [&] { return scheduler_named_in(what); }, scheduling_from(what)),
             objects{disk_bytes, shelf_of(who)}};
    if (!everybody().empty()) adopt(h.routing(), view, who);
    return h;
  }

 private:
  // A head knows its own line.
  [[nodiscard]] duration per_megabyte(std::uint32_t who) const noexcept {
    return duration{1s} * 1'000'000 / static_cast<std::int64_t>(line(who).down);
  }
  static constexpr std::uint64_t disk_bytes = std::uint64_t{64} << 30U;  // for others' objects
  // Policies without tables of their own kind begin without.
  template <class P>
  void adopt(P& p, permutation const& view, std::uint32_t who) const {
    auto const named = [&](peer other) { return peer{view.seen(other.index())}; };
    if constexpr (requires { p.visit([](auto&) {}); }) {
      p.visit([&](auto& held) { adopt(held, view, who); });
    } else if constexpr (requires { p.adopt(key_of(peer{who}), everybody(), named); }) {
      p.adopt(key_of(peer{who}), everybody(), named);
    }
  }
  [[nodiscard]] typename H::trust_type trust_with_friends(permutation const& view,
                                                          std::uint32_t who) const {
    auto t = chosen<typename H::trust_type, any_trust>([&] { return trust_named_in(plan()); },
                                                       trust_from(plan()));
    if constexpr (requires { t.befriend(principal{}, peer{}); }) {
      if (alone()) return t;
      for (auto f : friends_of(who)) t.befriend(principal{view.seen(f)}, peer{view.seen(f)});
    }
    return t;
  }

  // The scenario's word counts where the type leaves the choice open.
  template <class P, class Any, class Named, class Settings>
  [[nodiscard]] static P chosen(Named&& named, Settings const& from) {
    if constexpr (std::same_as<P, Any>) {
      return named();
    } else {
      return configured<P>(from);
    }
  }

  template <class P, class Settings>
  [[nodiscard]] static P configured(Settings const& from) {
    if constexpr (requires(P& p) { p.visit([](auto&) {}); }) {
      P p{};  // a one_of keeps the alternative that it begins with
      p.visit([&](auto& held) {
        held = configured<std::remove_cvref_t<decltype(held)>>(from);
      });
      return p;
    } else if constexpr (requires { typename P::part_types; }) {
      return [&]<class... Part>(type_list<Part...>) {
        return P{configured<Part>(from)...};
      }(typename P::part_types{});
    } else if constexpr (std::constructible_from<P, Settings const&>) {
      return P(from);
    } else {
      return P{};
    }
  }
};

template <class H>
class runner {
 public:
  using world_type = world<H, populated<H>, history>;

  [[nodiscard]] static run_result run(scenario const& what, run_options const& how);

  // Two runs, the second with other handles and other addresses, compared as they go.
  [[nodiscard]] static divergence check_determinism(scenario const& what, run_options const& how);

  // What users were told since the last look, and what heads hold now.
  static void look(world_type& w, conservation& jobs) {
    std::size_t shard = 0;
    w.each_observer([&](history const& h) { jobs.read(shard++, h); });
    for (std::uint32_t who = 0; who < w.peers(); ++who) {
      w.template each_activity<owned_job>(peer{who}, [&](owned_job const& j) {
        if (j.parent || j.now == owned_job::state::settled) return;
        jobs.holds({who, static_cast<std::uint32_t>(j.what.id.nonce)});
      });
      if (w.up(peer{who})) continue;
      w.template each_kept<kept_job>(peer{who}, [&](kept_job const& k) {
        jobs.holds({who, static_cast<std::uint32_t>(k.what.id.nonce)});
      });
    }
  }

 private:
  // A small world is not worth the meetings of two threads.
  static constexpr std::uint64_t hydras_per_shard_min = 2'000;

  [[nodiscard]] static world_options options_of(scenario const& what, run_options const& how,
                                                bool permute) {
    auto const worth = static_cast<unsigned>(
        std::clamp<std::uint64_t>(what.hydras / hydras_per_shard_min, 1, 1024));
    auto const shards = how.shards != 0 ? how.shards : std::clamp(how.threads, 1U, worth);
    return {shards, std::max(1U, how.threads), permute || how.permute, how.wire_check};
  }

  [[nodiscard]] static run_result once(scenario const& what, run_options const& how, bool alone) {
    auto const before = resident_bytes();
    run_result out;
    out.scenario = what.name;
    out.seed = what.seed;
    out.hydras = what.hydras;
    conservation jobs;
    auto const made = begin(what, how, alone, jobs, out);
    auto& w = *made;
    sampler samples{w, what, how};
    out.interrupted = !advance(w, what, how, jobs, out, samples);
    auto const recorded = samples.finish(w);
    if (what.until == ending::end && !out.interrupted && w.now() < instant{} + what.duration) {
      out.failures.push_back({"nothing was left to do before the end; if that is meant, say "
                              "until = \"quiet\""});
    }
    auto all = w.observed();
    look(w, jobs);
    summarise(w.setting(), all, jobs, w.now(), out);
    auto const counts = w.counts();
    out.digest = w.digest();
    out.simulated_s = seconds(w.now());
    out.events = counts.events;
    out.messages = counts.sent;
    auto const peak = std::max(resident_peak_bytes(), before);
    auto const grown = std::max(peak - before, recorded) - recorded;
    out.bytes_per_hydra = static_cast<double>(grown) / static_cast<double>(w.peers());
    auto const lost = counts.dropped + counts.to_nobody + counts.kept_out;
    out.extra.push_back({"messages_lost", static_cast<double>(lost)});
    if (w.setting().any_nat()) {
      out.extra.push_back({"messages_kept_out", static_cast<double>(counts.kept_out)});
    }
    out.extra.push_back({"bytes_of_a_hydra_at_rest", static_cast<double>(sizeof(H))});
    out.rooms = rooms_of(w);
    if (what.workload.input_mb + what.workload.output_mb != 0) {
      std::uint64_t through_askers = 0;
      for (std::uint32_t i = 0; i < all.through_.size(); ++i) {
        if (w.setting().asks(i)) through_askers += all.through_[i];
      }
      out.extra.push_back({"bytes_moved", static_cast<double>(all.bytes_moved_)});
      out.extra.push_back({"bytes_through_askers", static_cast<double>(through_askers)});
    }
    if (!how.trace_file.empty() && !alone) all.write_trace(how.trace_file);
    if (how.omniscient && !alone && !out.interrupted) out.omniscient = central(w.setting(), all);
    if (how.record != nullptr) {
      how.record->where = std::make_shared<planet const>(w.setting());
      how.record->seen = std::make_shared<history const>(std::move(all));
      how.record->end = w.now();
    }
    return out;
  }

  [[nodiscard]] static std::vector<room_state> rooms_of(world_type& w) {
    std::vector<room_state> all;
    auto const room = [&]<class P>(char const* name, std::type_identity<P>) {
      std::uint64_t in_hand = 0;
      [&]<class... T>(type_list<T...>) {
        in_hand = (std::uint64_t{0} + ... + w.template bytes_of<T>());
      }(activities_of<P>{});
      all.push_back({name, std::is_empty_v<P> ? 0 : sizeof(P), in_hand});
    };
    room("routing", std::type_identity<typename H::routing_type>{});
    room("trust", std::type_identity<typename H::trust_type>{});
    room("proximity", std::type_identity<typename H::proximity_type>{});
    room("scheduling", std::type_identity<typename H::scheduling_type>{});
    room("verify", std::type_identity<typename H::verify_type>{});
    room("code", std::type_identity<typename H::code_type>{});
    room("data", std::type_identity<objects>{});
    room("jobs", std::type_identity<job_protocol>{});
    room("settings", std::type_identity<hydra_settings>{});
    return all;
  }

  // A world at its beginning, or as it was written down.
  [[nodiscard]] static std::unique_ptr<world_type> begin(scenario const& what,
                                                         run_options const& how, bool alone,
                                                         conservation& jobs, run_result& out) {
    auto const& from = how.checkpoint.resume_from;
    if (!from.empty() || !how.checkpoint.write_to.empty()) {
      if constexpr (!checkpointable<H>) {
        throw checkpoint_error{
            "this program's Hydra cannot be written down: each of its policies and activities "
            "needs a serialize() (hydra::Restorable)"};
      }
    }
    if (from.empty()) {
      return std::make_unique<world_type>(populated<H>{what, alone}, options_of(what, how, false));
    }
    auto w = std::make_unique<world_type>(populated<H>{what, alone}, options_of(what, how, false),
                                          as_written{});
    if constexpr (checkpointable<H>) {
      checkpoint_reader file{from};
      if (instant{} + what.duration < at_ns(file.head().at)) file.fail("is of a longer run");
      if (file.head().permute != how.permute) file.fail("was written with other handles");
      if (file.head().places != fingerprint(w->setting())) {
        file.fail("is of another world: another scenario, or a file in sim/data has changed");
      }
      read_checkpoint(file, *w, jobs, out.failures);
      w->each_observer([&, first = true](history const& h) mutable {
        if (std::exchange(first, false)) jobs.resume(h);
      });
    }
    return w;
  }

  // Writes the run down as it stands between two events.
  static void write(world_type& w, scenario const& what, run_options const& how,
                    conservation& jobs, run_result& out) {
    if constexpr (checkpointable<H>) {
      auto const& c = how.checkpoint;
      std::size_t shard = 0;
      w.each_observer([&](history const& h) { jobs.read(shard++, h); });
      checkpoint_note note{c.write_to, w.now(), true, 0, {}};
      if (c.tell) c.tell(note);
      note.begins = false;
      try {
        checkpoint_head head;
        head.places = fingerprint(w.setting());
        head.scenario = c.origin.scenario;
        head.text = c.origin.text;
        head.sets = c.origin.sets;
        head.settings = settings_text(what);
        head.permute = how.permute;
        head.wire_check = how.wire_check;
        head.alone = c.origin.alone;
        head.unverified = c.origin.unverified;
        note.bytes = write_checkpoint(c.write_to, head, w, jobs, out.failures);
      } catch (checkpoint_unwritten const& e) {
        note.wrong = e.what();
        if (!c.tell) throw;
      }
      if (c.tell) c.tell(note);
    }
  }

  // The next instant after `now` at which the run is to be written down.
  [[nodiscard]] static instant due_after(instant now, checkpoint_options const& c) {
    auto next = never;
    if (c.write_to.empty()) return next;
    if (c.at > duration{} && instant{} + c.at > now) next = instant{} + c.at;
    if (c.every > duration{}) {
      next = std::min(next, instant{} + ((now - instant{}) / c.every + 1) * c.every);
    }
    return next;
  }

  // Stops a recorded run at the end of each bucket, which changes nothing that happens in it.
  class sampler {
   public:
    sampler(world_type& w, scenario const& what, run_options const& how) : to_{how.record} {
      if (to_ == nullptr) return;
      *to_ = {};
      to_->bucket = step_ = round_step(what.duration, buckets_max);
      next_ = instant{} + step_;
      w.each_observer([&](history& h) { h.rows_.begin(w.peers()); });
      if constexpr (scores) ask_.begin(w.setting());
      permuted_ = how.permute;
    }
    void run_until(world_type& w, instant until) {
      while (to_ != nullptr && next_ <= until) {
        w.run_until(next_);
        take(w);
        next_ = next_ + step_;
      }
      w.run_until(until);
    }
    // The bytes of what was recorded.
    std::uint64_t finish(world_type& w) {
      if (to_ == nullptr) return 0;
      if (w.counts().sent > told_) take(w);
      w.each_observer([&](history& h) { h.rows_.move_to(to_->rows, to_->left_out); });
      std::sort(to_->rows.begin(), to_->rows.end());
      to_->trust = std::move(ask_.samples());
      return 2 * to_->rows.size() * sizeof(job_row);  // both copies while they were moved
    }

   private:
    static constexpr std::int64_t buckets_max = 300;
    static constexpr std::size_t trust_every = 3;  // buckets
    static constexpr bool scores = requires(H const& h, principal p) {
      { h.trust().score(p).units() } -> std::convertible_to<std::int64_t>;
    };

    void take(world_type& w) {
      auto const sent = w.counts().sent;
      to_->messages.push_back(sent - told_);
      told_ = sent;
      std::uint64_t moved = 0;
      w.each_observer([&](history const& h) { moved += h.bytes_moved_; });
      to_->bytes.push_back(moved - moved_);
      moved_ = moved;
      if constexpr (scores) {
        if (to_->messages.size() % trust_every == 0) ask(w);
      }
    }
    void ask(world_type& w) {
      std::size_t shard = 0;
      w.each_observer([&](history const& h) { ask_.read(shard++, h.rows_); });
      ask_.ask(w.setting(), w.now(), [&](std::uint32_t head, std::uint32_t about) {
        permutation const view = permuted_ ? permutation{w.setting().seed(), head} : permutation{};
        auto const s = w.node(peer{head}).trust().score(principal{view.seen(about)});
        return static_cast<std::uint16_t>(mul_div(s.units(), 1000, hydra::trust::one));
      });
    }

    recording* to_;
    duration step_{};
    instant next_{};
    std::uint64_t told_ = 0;
    std::uint64_t moved_ = 0;
    bool permuted_ = false;
    witnesses ask_;
  };

  static constexpr std::int64_t jobs_a_piece = 2'000;
  // In steps, so that progress can be told and everything checked; between them a checkpoint may be
  // due, which moves no step. False: asked to stop.
  [[nodiscard]] static bool advance(world_type& w, scenario const& what, run_options const& how,
                                    conservation& jobs, run_result& out, sampler& samples) {
    // Each looks at every head: in a large world there are fewer.
    auto const steps = std::clamp<std::int64_t>(40'000'000 / w.peers(), 20, 400);
    auto const step = std::max<duration>(1ms, what.duration / steps);
    // In pieces, so that whoever wants to stop a crowded run need not wait for the step.
    auto const crowd = static_cast<std::int64_t>(expected_jobs(what)) / steps / jobs_a_piece;
    auto const piece = std::max<duration>(1ms, step / std::clamp<std::int64_t>(crowd, 1, 10'000));
    auto const end = instant{} + what.duration;
    while (w.now() < end) {
      auto const since = w.now() - instant{};
      bool const checked = since != duration{} && since % step == duration{};
      if (checked && what.until == ending::quiet && is_quiet(w, what)) break;
      if (checked && w.idle()) break;
      auto const next = std::min(end, instant{} + (since / step + 1) * step);
      auto const due = due_after(w.now(), how.checkpoint);
      samples.run_until(w, std::min({next, due, w.now() + piece}));
      progress const p{w.now() - instant{}, what.duration, w.counts().events, 0};
      if (w.now() != next) {
        bool const stop = how.on_progress && !how.on_progress(p);
        if (w.now() == due || (stop && !how.checkpoint.write_to.empty()))
          write(w, what, how, jobs, out);
        if (stop) return false;
        continue;
      }
      check_bounds(w, how, out);
      look(w, jobs);
      jobs.step(w.now(), out);
      bool const stop = how.on_progress && !how.on_progress(p);
      bool const wanted = due == next || (stop && !how.checkpoint.write_to.empty());
      if (wanted && w.now() < end) write(w, what, how, jobs, out);
      if (stop) return false;
    }
    return true;
  }

  // No queue over its bound, no head on more cores than it has, no budget that grew on the way, no
  // work where it must not be.
  static void check_bounds(world_type& w, run_options const& how, run_result& out) {
    for (std::uint32_t who = 0; who < w.peers(); ++who) {
      std::uint64_t running = 0;
      std::uint64_t waiting = 0;
      bool grew = false;
      bool misplaced = false;
      w.template each_activity<held_lease>(peer{who}, [&](held_lease const& l) {
        running += l.now == held_lease::state::running ? 1U : 0U;
        waiting += l.now == held_lease::state::waiting ? 1U : 0U;
        auto const number = static_cast<std::uint32_t>(l.root.nonce - 1);
        // As a permuted owner is named only in this peer's own words, it is not looked up then.
        if (how.permute) return;
        auto const asked = w.setting().job_of(l.root.owner.index(), number);
        grew = grew || l.what.work > asked.work;
        misplaced = misplaced || !may_hold(w.setting(), who, asked.of_provider, l.depth);
      });
      auto const cores = w.setting().role_of(who).power.cores;
      auto const now = w.now();
      if (running > cores) breach(out, who, "runs more tasks than it has cores", now);
      if (waiting > held_lease::per_peer_max) breach(out, who, "has too long a queue", now);
      if (grew) breach(out, who, "holds a task that grew on its way", now);
      if (misplaced) breach(out, who, "holds a task whose demands it does not meet", now);
    }
  }
  // All demands count for whoever is given the job itself, regions wherever it is passed on.
  [[nodiscard]] static bool may_hold(populated<H> const& where, std::uint32_t who,
                                     demands const& asked, std::uint8_t depth) {
    if (!asked) return true;
    provider_record said;
    said.where = where.role_of(who).where;
    said.under = where.role_of(who).under;
    auto regional = demands{};
    regional.regions = asked.regions;
    return meets(said, depth <= 1 ? asked : regional);
  }

  static void breach(run_result& out, std::uint32_t who, char const* what, instant at) {
    if (out.failures.size() >= failures_listed_max) return;
    out.failures.push_back({"peer " + std::to_string(who) + " " + what + " at " +
                            std::to_string(seconds(at)) + " s"});
  }

  // What a checkpoint's world must be like: who is where and does what, how far, and what is asked.
  [[nodiscard]] static std::uint64_t fingerprint(populated<H> const& where) {
    fold f{where.seed()};
    auto const n = where.peers();
    for (std::uint32_t who = 0; who < n; ++who) {
      auto mine = where.role_of(who);
      f& mine.offers& mine.power& mine.where& mine.region& mine.churns;
      if (mine.under) f& mine.under;
      if (mine.calls_out_only) f.add(static_cast<std::uint64_t>(where.nat_hold().count()));
      auto asks = where.job_of(who, 0);
      f& asks;
      f.add(static_cast<std::uint64_t>(
          where.one_way(who, static_cast<std::uint32_t>(mix64(who) % n)).count()));
    }
    return f.value();
  }

  // No more jobs will arrive, and every one has ended.
  [[nodiscard]] static bool is_quiet(world_type& w, scenario const& what) {
    if (w.now() < instant{} + what.duration - what.workload.stop_before_end) return false;
    std::size_t asked = 0;
    std::size_t ended = 0;
    w.each_observer([&](history const& h) {
      asked += h.asked_.size();
      ended += h.ended_.size();
    });
    return asked <= ended;
  }

  [[nodiscard]] static divergence first_difference(world_type& one, world_type& two,
                                                   scenario const& what, run_options const& how);
};

template <class H>
run_result runner<H>::run(scenario const& what, run_options const& how) {
  auto out = once(what, how, false);
  if (how.alone && !out.interrupted) {
    auto one_thread = how;  // so little happens that two would only wait for each other
    one_thread.checkpoint = {};
    one_thread.threads = one_thread.shards = 1;
    one_thread.record = nullptr;
    auto const lonely = once(what, one_thread, true);
    out.alone = alone_result{lonely.jobs, lonely.response_s, lonely.utilisation};
    out.interrupted = lonely.interrupted;
  }
  if (how.unverified && !out.interrupted) {
    auto trusting = what;
    trusting.verify.on = false;
    auto quiet = how;
    quiet.checkpoint = {};
    quiet.trace_file.clear();
    quiet.record = nullptr;
    quiet.omniscient = false;
    auto const r = once(trusting, quiet, false);
    out.unverified = unverified_result{r.jobs,        r.response_s, r.wrong_accepted,
                                       r.utilisation, r.extra_work, r.honest_hurt};
    out.interrupted = r.interrupted;
  }
  return out;
}

template <class H>
divergence runner<H>::check_determinism(scenario const& what, run_options const& how) {
  world_type one{populated<H>{what}, options_of(what, how, false)};
  std::vector<std::unique_ptr<char[]>> elsewhere;  // shifts what the second world allocates
  for (std::size_t i = 1; i < 64; ++i) elsewhere.push_back(std::make_unique<char[]>(i * 4099));
  world_type two{populated<H>{what}, options_of(what, how, true)};
  return first_difference(one, two, what, how);
}

template <class H>
divergence runner<H>::first_difference(world_type& one, world_type& two, scenario const& what,
                                       run_options const& how) {
  constexpr std::int64_t steps = 100;
  auto const step = std::max<duration>(1ms, what.duration / steps);
  auto const end = instant{} + what.duration;
  auto const hex = [](std::uint64_t x) {
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; x >>= 4U) text[i] = "0123456789abcdef"[x & 15U];
    return text;
  };
  while (one.now() < end) {
    auto const until = std::min(end, one.now() + step);
    auto a = std::make_unique<world_type>(one);
    auto b = std::make_unique<world_type>(two);
    one.run_until(until);
    two.run_until(until);
    progress const p{one.now() - instant{}, what.duration, one.counts().events, 0};
    if (how.on_progress && !how.on_progress(p)) break;
    if (one.digest() == two.digest()) continue;
    a->trace();
    b->trace();
    a->run_until(until);
    b->run_until(until);
    auto at = first_difference_of(a->traced(), b->traced(), messages_of<H>{});
    at.first_digest = hex(one.digest());
    at.second_digest = hex(two.digest());
    return at;
  }
  return {false, 0, one.now(), {}, hex(one.digest()), hex(two.digest())};
}

}  // namespace hydra::sim
