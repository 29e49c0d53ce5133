// Jobs that arrive as a trace says: all of them, when it says, whoever schedules them.
#include "catch.hpp"

#include <hydra/sim/ready_made.hpp>
#include <hydra/sim/recorded_arrivals.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

sim::scenario traced() {
  sim::scenario s;
  s.name = "traced";
  s.hydras = 60;
  s.duration = 15min;
  s.services.count = 3;
  s.services.providers = 20;
  s.workload.law = sim::arrival_law::swf;
  s.workload.swf = std::string{HYDRA_SOURCE_DIR} + "/tests/data/sample.swf";
  s.workload.swf_rows = sim::rows_kept::all;
  s.workload.swf_processors = sim::processors_as::jobs;
  s.workload.patience = 5min;
  s.workload.priorities = 3;
  return s;
}

// Who asked when, and for how much.
using asked = std::vector<std::tuple<std::int64_t, std::uint32_t, std::uint32_t, std::int64_t>>;

template <class World>
asked what_was_asked(World& w) {
  asked out;
  for (auto const& a : w.observed().asked_) {
    auto const j = w.setting().job_of(a.owner, a.number - 1);
    out.emplace_back(a.at, a.owner, a.number, j.work.count());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::pair<asked, std::uint64_t> ran(sim::scenario const& s, sim::world_options how = {}) {
  sim::ready_made_world w{sim::populated<ready_made_hydra>{s}, how};
  w.run_until(instant{} + s.duration);
  return {what_was_asked(w), w.digest()};
}

}  // namespace

TEST_CASE("every job of a trace is asked for when it says, and done", "[swf]") {
  auto const s = traced();
  auto const r = sim::run(s, {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  auto const expected = sim::recorded_arrivals::load(s).counts().jobs;
  CHECK(expected == 15);  // eleven rows that are no part of another, two of more processors
  CHECK(r.jobs.submitted == expected);
  CHECK(r.jobs.completed == expected);
  auto const [all, digest] = ran(s);
  REQUIRE(all.size() == expected);
  CHECK(std::get<0>(all.front()) == 30'000'000'000);   // start
  CHECK(std::get<0>(all.back()) == 230'000'000'000);  // and 200 s later
}

TEST_CASE("another scheduler leaves the arrivals of a trace as they are", "[swf]") {
  auto s = traced();
  auto const one = ran(s);
  s.policy.scheduling = sim::scheduling_name::nearest;
  auto const two = ran(s);
  CHECK(one.first == two.first);
  CHECK(one.second != two.second);
}

TEST_CASE("a trace gives one digest for any number of shards, and for other handles", "[swf]") {
  auto const s = traced();
  auto const one = ran(s);
  CHECK(ran(s, {.shards = 3}) == one);
  CHECK(ran(s, {.permute_handles = true}) == one);
  CHECK_FALSE(sim::check_determinism(s, {}).found);
}

TEST_CASE("levels of priority are drawn evenly, and move no arrival and no work", "[swf]") {
  sim::scenario s;
  s.hydras = 400;
  sim::planet const flat{s};
  s.workload.priorities = 4;
  sim::planet const steep{s};
  std::vector<int> seen(4);
  for (std::uint32_t who = 0; who < 400; ++who) {
    auto const a = flat.job_of(who, 0);
    auto const b = steep.job_of(who, 0);
    CHECK(a.priority == 0);
    CHECK(a.work == b.work);
    CHECK(a.what == b.what);
    ++seen.at(b.priority);
  }
  for (auto n : seen) CHECK((n > 60 && n < 140));
}

// The trace of the Parallel Workloads Archive, whose terms do not allow to commit it.
TEST_CASE("eleven days of the LHC Computing Grid are read whole", "[swf]") {
  auto const* name = "lcg2005.swf";
  if (sim::find_trace(name).empty()) {
    WARN("skipped: " << name << " is not in the folder that HYDRA_TRACES names");
    return;
  }
  sim::scenario s;
  s.hydras = 1'000;
  s.duration = 20 * 24h;
  s.workload.law = sim::arrival_law::swf;
  s.workload.swf = name;
  s.workload.swf_rows = sim::rows_kept::all;
  auto const all = sim::recorded_arrivals::load(s);
  CHECK(all.counts().read == 188'041);
  CHECK(all.counts().jobs == 188'041);
  s.workload.swf_rows = sim::rows_kept::ran;
  CHECK(sim::recorded_arrivals::load(s).counts().unfit == 521);

  s.hydras = 400;
  s.duration = 40min;
  s.services.providers = 120;
  s.workload.stop_before_end = 15min;
  s.workload.swf_from = 24h;
  s.workload.swf_pace = ratio{60, 1};
  s.workload.swf_work = ratio{1, 60};
  s.workload.swf_jobs = 2'000;
  auto const r = sim::run(s, {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted == 2'000);
  CHECK(r.jobs.completed * 100 >= r.jobs.submitted * 95);
}
