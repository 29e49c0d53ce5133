// The life of a job while everything goes wrong: nothing is lost or done twice silently, every
// job ends, and whoever forgets, reads an address or iterates a hash map is found out.
//
// A failure prints the line that replays it; HYDRA_SEED picks the one seed of the
// swarm, HYDRA_SEEDS how many it tries.
#include "catch.hpp"
#include "seeds.hpp"

#include <hydra/scheduling/capacity.hpp>
#include <hydra/sim/ready_made.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

// ---- small worlds -------------------------------------------------------------------------------

// A hundred Hydras, of which forty serve; jobs may take at most 100 s and the last arrives 150 s
// before the end, so that at the end nothing is left to wait for.
sim::scenario small(std::uint64_t seed) {
  sim::scenario s;
  s.name = "small";
  s.seed = seed;
  s.hydras = 100;
  s.duration = 8min;
  s.services.count = 4;
  s.services.providers = 40;
  s.workload.jobs = 150;
  s.workload.service_time = 5s;
  s.workload.patience = 100s;
  s.workload.stop_before_end = 150s;
  s.verify.friends = ratio{1, 1};
  return s;
}

sim::fault_settings fault(sim::fault_kind kind, ratio chance = {1, 1}, duration at = {},
                          duration lasts = 24h) {
  sim::fault_settings f;
  f.kind = kind;
  f.chance = chance;
  f.at = at;
  f.lasts = lasts;
  return f;
}

sim::whereabouts providers() { return {sim::whereabouts::which::providers, 0, 0, 0}; }
sim::whereabouts elsewhere() { return {sim::whereabouts::which::elsewhere, 0, 0, 0}; }
sim::whereabouts regions(std::initializer_list<std::string_view> names) {
  sim::whereabouts w{sim::whereabouts::which::regions, 0, 0, 0};
  for (std::size_t i = 0; i < world_regions.size(); ++i) {
    bool const named = std::find(names.begin(), names.end(), world_regions[i]) != names.end();
    if (named) w.regions = static_cast<std::uint8_t>(w.regions | 1U << i);
  }
  return w;
}

// What a run says of itself, and what its users saw.
struct account {
  sim::run_result said;
  sim::history seen;
};

template <class H>
account watch(sim::scenario const& s) {
  typename sim::runner<H>::world_type w{sim::populated<H>{s}};
  w.run_until(instant{} + s.duration);
  account out{{}, w.observed()};
  sim::conservation jobs;
  sim::runner<H>::look(w, jobs);
  sim::summarise(w.setting(), out.seen, jobs, w.now(), out.said);
  out.said.seed = s.seed;
  out.said.digest = w.digest();
  return out;
}

std::string first_failure(sim::run_result const& r) {
  return r.failures.empty() ? std::string{} : r.failures.front().what;
}

std::string counts_of(sim::run_result const& r) {
  return std::to_string(r.jobs.submitted) + " submitted, " + std::to_string(r.jobs.completed) +
         " completed, " + std::to_string(r.jobs.failed) + " failed, " +
         std::to_string(r.jobs.running) + " running, " + std::to_string(r.jobs.replaced) +
         " replaced, digest " + std::to_string(r.digest);
}

// What every run must keep, whatever went wrong in it.
void check_kept(account const& a) {
  auto const& r = a.said;
  CHECK(first_failure(r) == "");
  CHECK(r.jobs.submitted == r.jobs.completed + r.jobs.failed + r.jobs.running);
  CHECK(r.jobs.running == 0);  // nobody waits for ever
  std::set<std::pair<std::uint32_t, std::uint32_t>> once;
  for (auto const& e : a.seen.ended_) CHECK(once.emplace(e.owner, e.number).second);
  for (auto const& j : a.seen.accepted_) CHECK(once.count({j.owner, j.number}) == 1);
}

// Completed, of a hundred.
std::uint64_t percent_completed(sim::run_result const& r) {
  return r.jobs.completed * 100 / std::max<std::uint64_t>(1, r.jobs.submitted);
}

// Wrong results that came from others. Whoever computes wrongly for itself believes itself.
std::uint64_t wrong_from_others(sim::scenario const& s, account const& a) {
  sim::planet const where{s};
  std::uint64_t n = 0;
  for (auto const& e : a.seen.ended_) {
    if (e.how.how != ending::completed || e.how.by.index() == e.owner) continue;
    auto const j = where.job_of(e.owner, e.number - 1);
    if (e.how.output != where.honest_output({j.id, 0, j.what, j.work, j.input})) ++n;
  }
  return n;
}

// Jobs whose owner crashed between the asking and the end.
std::uint64_t survived(account const& a) {
  std::uint64_t n = 0;
  for (auto const& e : a.seen.ended_) {
    n += e.how.how == ending::completed &&
                 std::any_of(a.seen.absences_.begin(), a.seen.absences_.end(),
                             [&](auto const& c) {
                               return c.who == e.owner && !c.up && c.at < e.at &&
                                      c.at > e.at - ns(e.how.response);
                             })
             ? 1U
             : 0U;
  }
  return n;
}

// The first that serves.
std::uint32_t provider_of(sim::scenario const& s) {
  sim::planet const where{s};
  std::uint32_t who = 0;
  while (!where.provides(who)) ++who;
  return who;
}

#define HYDRA_REPLAY(s, test)                                                            \
  INFO("replay: HYDRA_SEED=" << (s).seed << " build/release/bin/simulation_tests \"" test \
                             << "\"")

// With the one in which a late copy of an award ran a task twice.
std::vector<std::uint64_t> seeds_and_86(std::uint64_t n) {
  auto all = seeds(n);
  if (std::getenv("HYDRA_SEED") == nullptr) all.push_back(86);
  return all;
}

// ---- who breaks the rules -----------------------------------------------------------------------

// One type for all of them, because every type of node is a simulator of its own to compile.
enum class mischief : std::uint8_t {
  none,         // the first by key: merely another scheduler
  address,      // chooses by where this object lies in memory
  hash_order,   // chooses whom a hash map of handles names first
  forgetful,    // answers kept, and has not written
};
mischief planted = mischief::none;

struct plant {
  explicit plant(mischief m) { planted = m; }
  ~plant() { planted = mischief::none; }
  plant(plant const&) = delete;
  plant& operator=(plant const&) = delete;
};

struct mischievous {
  using policy_concept = scheduling_tag;
  [[nodiscard]] choice place(auto& env, job const&, std::span<candidate const> among) {
    choice out;
    switch (planted) {
      case mischief::address:
        out.index = mix64(reinterpret_cast<std::uintptr_t>(this)) % among.size();
        break;
      case mischief::hash_order: out.index = first_known(among); break;
      default:
        out.index = scheduling::least(
            env, among, [](candidate const&) { return true; },
            [](candidate const&) { return 0; });
    }
    return out;
  }

 private:
  // Of all that were ever met, the one that the map names first.
  [[nodiscard]] std::size_t first_known(std::span<candidate const> among) {
    for (auto const& c : among) ++met_[c.who.index()];
    for (auto const& [handle, times] : met_) {  // tidy: allow(unordered) because it is planted
      for (std::size_t i = 0; i < among.size(); ++i) {
        if (among[i].who.index() == handle) return i;
      }
    }
    return choice::nowhere;
  }
  std::unordered_map<std::uint32_t, std::uint32_t> met_;
};

struct planted_hydra : Hydra<mischievous> {
  using Hydra<mischievous>::Hydra;
  template <class Env, class F>
    requires contains<F, facts_into<Hydra<mischievous>>>
  void on_fact(Env& env, F const& f) {
    Hydra<mischievous>::on_fact(env, f);
    if constexpr (std::is_same_v<F, kept>) {
      if (planted != mischief::forgetful) return;
      env.template recall_all<kept_job>(
          [&](std::uint64_t name, kept_job const&) { env.template erase<kept_job>(name); });
    }
  }
};
static_assert(Node<planted_hydra>);

}  // namespace

// ---- one trouble at a time ----------------------------------------------------------------------

TEST_CASE("no job is lost or done twice while messages are lost and others come twice",
          "[job_life]") {
  for (auto seed : {1U, 2U, 3U}) {
    auto s = small(seed);
    s.faults = {fault(sim::fault_kind::loss, {1, 10}), fault(sim::fault_kind::duplicate, {1, 10})};
    auto const a = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(a.said));
    check_kept(a);
    CHECK(percent_completed(a.said) >= 97);
  }
}

TEST_CASE("when a cut has healed nobody waits: jobs of the cut end too", "[job_life]") {
  for (auto seed : {1U, 2U}) {
    auto s = small(seed);
    auto cut = fault(sim::fault_kind::partition, {1, 1}, 90s, 60s);
    cut.from = regions({"asia", "oceania"});
    cut.to = elsewhere();
    cut.symmetric = true;
    s.faults = {cut};
    auto const a = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(a.said));
    check_kept(a);
    CHECK(percent_completed(a.said) >= 95);
    for (auto const& e : a.seen.ended_) {
      CHECK(seconds(e.how.response) <= seconds(s.workload.patience) + 1);
    }
  }
}

TEST_CASE("a storm of crashing providers costs placements, not jobs", "[job_life]") {
  for (auto seed : {1U, 2U, 3U}) {
    auto s = small(seed);
    s.workload.service_time = 15s;
    for (int i = 0; i < 5; ++i) {
      auto crash = fault(sim::fault_kind::crash, {1, 4}, 60s + i * 40s);
      crash.from = providers();
      crash.away = 30s;
      s.faults.push_back(crash);
    }
    auto const a = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(a.said));
    check_kept(a);
    CHECK(a.said.jobs.replaced > 0);
    CHECK(percent_completed(a.said) >= 85);  // some take most of their patience from the start
  }
}

TEST_CASE("the only provider of a kind gets its jobs again when it comes back from a crash",
          "[job_life]") {
  for (auto seed : {1U, 2U, 3U}) {
    auto s = small(seed);
    s.services.count = 1;
    s.services.providers = 1;
    s.workload.jobs = 40;
    s.workload.service_time = 10s;
    s.workload.patience = 4min;
    s.workload.stop_before_end = 5min;
    s.duration = 12min;
    s.verify.on = false;  // there is no second principal to ask
    for (auto at : {100s, 200s, 300s}) {
      auto crash = fault(sim::fault_kind::crash, {1, 1}, at);
      crash.from = providers();
      crash.away = 5s;
      s.faults.push_back(crash);
    }
    auto const a = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(a.said));
    check_kept(a);
    CHECK(a.said.jobs.replaced > 0);
    for (auto const& e : a.seen.ended_) {
      INFO("job " << e.owner << "/" << e.number << " ended at " << seconds(at_ns(e.at)));
      CHECK((e.how.how == ending::completed || e.owner == provider_of(s)));
    }
  }
}

TEST_CASE("who waits for a core gets it when the task on it is withdrawn", "[job_life]") {
  auto s = small(1);
  s.workload.jobs = 0;
  s.services.count = 1;
  s.services.providers = 1;
  s.services.cores = 1;
  s.verify.on = false;
  sim::ready_made_world w{sim::populated<ready_made_hydra>{s}};
  w.run_for(60s);
  std::uint32_t first = 0;
  while (w.setting().provides(first)) ++first;
  auto second = first + 1;
  while (w.setting().provides(second)) ++second;
  auto const ask = [&](std::uint32_t who, duration work) {
    job j;
    j.id = {principal{who}, 1};
    j.what = service{0};
    j.work = work;
    j.patience = 10min;
    w.tell(peer{who}, submit{j});
    w.run_for(10s);
  };
  ask(first, 5min);
  ask(second, 1s);
  CHECK(w.observed().ended_.empty());
  w.tell(peer{first}, withdraw_job{{principal{first}, 1}});
  w.run_for(10s);
  auto const ended = w.observed().ended_;
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].how.how == ending::cancelled);
  CHECK(ended[1].owner == second);
  CHECK(ended[1].how.how == ending::completed);
}

TEST_CASE("askers that crash take their jobs up again from what they kept", "[job_life]") {
  std::uint64_t resumed = 0;
  for (auto seed : {1U, 2U, 3U}) {
    auto s = small(seed);
    s.workload.service_time = 15s;
    for (int i = 0; i < 6; ++i) {
      auto crash = fault(sim::fault_kind::crash, {1, 3}, 50s + i * 45s);
      crash.away = 5s;
      s.faults.push_back(crash);
    }
    auto const a = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(a.said) << ", " << survived(a) << " resumed");
    check_kept(a);
    resumed += survived(a);
  }
  CHECK(resumed >= 30);
}

TEST_CASE("clocks a minute ahead and a minute behind change nothing that users see", "[job_life]") {
  auto s = small(1);
  s.workload.patience = 5min;  // a deadline is an instant on the asker's clock
  s.duration = 12min;
  s.workload.stop_before_end = 330s;
  auto ahead = fault(sim::fault_kind::skew, {1, 4});
  ahead.by = 1min;
  auto behind = fault(sim::fault_kind::skew, {1, 4});
  behind.by = 1min;
  behind.behind = true;
  s.faults = {ahead, behind};
  auto const a = watch<ready_made_hydra>(s);
  INFO(counts_of(a.said));
  check_kept(a);
  CHECK(percent_completed(a.said) >= 97);
}

TEST_CASE("clocks two minutes ahead are within what is tolerated", "[job_life]") {
  auto s = small(2);
  s.workload.patience = 5min;
  s.duration = 12min;
  s.workload.stop_before_end = 330s;
  auto ahead = fault(sim::fault_kind::skew, {1, 3});
  ahead.by = 2min;
  s.faults = {ahead};
  auto const a = watch<ready_made_hydra>(s);
  INFO(counts_of(a.said));
  check_kept(a);
  CHECK(percent_completed(a.said) >= 97);
}

TEST_CASE("providers ten times slower than they say delay jobs and lose none", "[job_life]") {
  auto s = small(1);
  auto slow = fault(sim::fault_kind::slow, {1, 3});
  slow.from = providers();
  slow.factor = {10, 1};
  s.faults = {slow};
  auto const a = watch<ready_made_hydra>(s);
  INFO(counts_of(a.said));
  check_kept(a);
  CHECK(percent_completed(a.said) >= 80);  // nobody hedges: a straggler renews its lease
}

TEST_CASE("with verification no wrong result of another is accepted, without it some are",
          "[job_life]") {
  std::uint64_t unverified = 0;
  for (auto seed : {1U, 2U}) {
    auto s = small(seed);
    auto liars = fault(sim::fault_kind::lie, {1, 4});
    liars.from = providers();
    s.faults = {liars};
    auto const on = watch<ready_made_hydra>(s);
    INFO("seed " << seed << ": " << counts_of(on.said));
    check_kept(on);
    CHECK(wrong_from_others(s, on) == 0);
    CHECK(percent_completed(on.said) >= 95);
    s.verify.on = false;
    auto const off = watch<ready_made_hydra>(s);
    check_kept(off);
    unverified += wrong_from_others(s, off);
  }
  CHECK(unverified > 0);
}

// ---- swarm: each seed draws what goes wrong and how strongly ------------------------------------

namespace {

duration some(owned_stream& draw, duration most) {
  return duration{static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(ns(most))))};
}

sim::scenario swarm(std::uint64_t seed) {
  owned_stream draw{seed, purpose::fault, 4711};
  auto const part = [&](std::uint32_t most) {  // of a hundred
    return ratio{static_cast<std::uint32_t>(draw.below(most)) + 1, 100};
  };
  auto s = small(seed);
  s.workload.service_time = 1s + some(draw, 15s);
  s.services.cores = 1 + static_cast<std::uint32_t>(draw.below(3));
  for (auto kind : {sim::fault_kind::loss, sim::fault_kind::duplicate, sim::fault_kind::delay,
                    sim::fault_kind::partition, sim::fault_kind::crash, sim::fault_kind::slow,
                    sim::fault_kind::skew, sim::fault_kind::lie}) {
    for (auto n = draw.below(3); n > 0; --n) {
      auto f = fault(kind, part(30), some(draw, 4min), 10s + some(draw, 60s));
      if (kind == sim::fault_kind::partition) {
        f.chance = {1, 1};
        f.from = regions({world_regions[draw.below(world_regions.size())]});
        f.to = elsewhere();
        f.symmetric = draw.below(2) == 0;
      }
      if (kind == sim::fault_kind::lie || kind == sim::fault_kind::slow) f.from = providers();
      f.by = kind == sim::fault_kind::skew ? some(draw, 1min) : some(draw, 2s);
      f.behind = draw.below(2) == 0;
      f.factor = {1 + static_cast<std::uint32_t>(draw.below(8)), 1};
      f.away = 1s + some(draw, 60s);
      s.faults.push_back(f);
    }
  }
  return s;
}

}  // namespace

TEST_CASE("whatever goes wrong together, jobs end once and no lie is believed", "[job_life]") {
  std::uint64_t completed = 0;
  std::uint64_t submitted = 0;
  for (auto seed : seeds_and_86(16)) {
    auto const s = swarm(seed);
    auto const a = watch<ready_made_hydra>(s);
    HYDRA_REPLAY(s, "whatever goes wrong together*");
    INFO(counts_of(a.said) << "\n" << sim::settings_text(s));
    check_kept(a);
    CHECK(wrong_from_others(s, a) == 0);
    completed += a.said.jobs.completed;
    submitted += a.said.jobs.submitted;
  }
  CHECK(completed * 100 >= submitted * 80);
}

// ---- the checks find what they are for ----------------------------------------------------------

TEST_CASE("a Hydra that forgets to keep its jobs is caught by the askers' histories",
          "[job_life]") {
  auto s = small(1);
  s.workload.service_time = 15s;
  auto crash = fault(sim::fault_kind::crash, {1, 2}, 3min);
  crash.away = 5s;
  s.faults = {crash};
  check_kept(watch<planted_hydra>(s));
  plant const it{mischief::forgetful};
  auto const a = watch<planted_hydra>(s);
  CHECK(first_failure(a.said).find("was accepted and then lost") != std::string::npos);
}

TEST_CASE("check_determinism names peer, instant and cause of a choice by address",
          "[job_life]") {
  auto s = small(1);
  s.duration = 4min;
  auto const honest = sim::runner<planted_hydra>::check_determinism(s, {});
  CHECK_FALSE(honest.found);
  plant const it{mischief::address};
  auto const d = sim::runner<planted_hydra>::check_determinism(s, {});
  REQUIRE(d.found);
  INFO(d.cause);
  CHECK(d.peer < s.hydras);
  CHECK(d.at > instant{} + s.workload.start);
  CHECK(d.cause.find("peer " + std::to_string(d.peer)) != std::string::npos);
  CHECK(d.first_digest != d.second_digest);
}

TEST_CASE("check_determinism names peer, instant and cause of a choice by hash map",
          "[job_life]") {
  auto s = small(1);
  s.hydras = 50;
  s.workload.jobs = 1'000;
  s.workload.service_time = 1s;
  plant const it{mischief::hash_order};
  auto const d = sim::runner<planted_hydra>::check_determinism(s, {});
  REQUIRE(d.found);
  INFO(d.cause);
  CHECK(d.peer < s.hydras);
  CHECK(d.at > instant{} + s.workload.start);
  CHECK(d.cause.find("peer " + std::to_string(d.peer)) != std::string::npos);
  CHECK(d.first_digest != d.second_digest);
}

TEST_CASE("a Hydra acts the same whatever its handles are: quiet, churning, and in trouble",
          "[job_life]") {
  for (int trouble = 0; trouble < 3; ++trouble) {
    auto s = trouble == 2 ? swarm(5) : small(1);
    s.duration = 5min;
    if (trouble == 1) {
      s.churn.share = {1, 1};
      s.churn.pace = 600;
      s.faults = {fault(sim::fault_kind::loss, {5, 100})};
    }
    auto const d = sim::check_determinism(s, {});
    INFO("world " << trouble << ", " << seconds(d.at) << " s, peer " << d.peer << ": " << d.cause);
    CHECK_FALSE(d.found);
  }
}

TEST_CASE("messages survive their own encoding, which changes nothing", "[job_life]") {
  auto const s = swarm(3);
  auto const plain = sim::run(s, {});
  sim::run_options how;
  how.wire_check = true;
  CHECK(sim::run(s, how).digest == plain.digest);
}

TEST_CASE("another scheduler leaves arrivals and churn as they are, to the bit", "[job_life]") {
  auto s = small(4);
  s.churn.share = {1, 2};
  s.churn.pace = 400;
  auto one = watch<ready_made_hydra>(s);
  auto other = watch<planted_hydra>(s);
  auto const arrivals = [](account const& a) {
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>> all;
    for (auto const& j : a.seen.asked_) all.emplace_back(j.owner, j.number, j.at);
    std::sort(all.begin(), all.end());
    return all;
  };
  auto const changes = [](account const& a) {
    std::vector<std::tuple<std::int64_t, std::uint32_t, bool>> all;
    for (auto const& c : a.seen.absences_) all.emplace_back(c.at, c.who, c.up);
    std::sort(all.begin(), all.end());
    return all;
  };
  REQUIRE(arrivals(one).size() > 50);
  REQUIRE(changes(one).size() > 50);
  CHECK(arrivals(one) == arrivals(other));
  CHECK(changes(one) == changes(other));
  CHECK(one.said.digest != other.said.digest);  // they did choose differently
}
