// The omniscient central scheduler: a schedule that could be, on the same trace, and never worse
// than what the Hydras reach.
#include "catch.hpp"
#include "scaled.hpp"
#include "seeds.hpp"

#include <hydra/core/random.hpp>
#include <hydra/sim/omniscient.hpp>
#include <hydra/sim/run.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

constexpr std::array rules{sim::central_rule::mct, sim::central_rule::spt_insertion,
                           sim::central_rule::min_min};

settings const small_planet{{"hydras", "500"}, {"duration", "20 min"}, {"services.count", "8"},
                            {"services.providers", "60"}, {"workload.jobs", "900"},
                            {"compare.alone", "false"}};
settings const small_churn{{"hydras", "300"}, {"duration", "15 min"}, {"services.count", "8"},
                           {"services.providers", "90"}, {"workload.jobs", "900"}};
settings const small_clogged{{"hydras", "300"}, {"services.providers", "24"},
                             {"services.count", "4"}, {"workload.jobs", "1900"}};
settings const small_liars{{"hydras", "400"}, {"services.providers", "80"},
                           {"services.count", "8"}, {"workload.jobs", "1600"},
                           {"compare.unverified", "false"}};

settings with(settings all, settings const& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Runs it with a few seeds: on equal terms the omniscient scheduler is no worse, and where
// `response`, not in the plain mean of what was completed either.
void never_worse(std::string const& name, settings const& changed, bool response = true) {
  for (auto seed : {"1", "2", "3", "4"}) {
    auto const all = with(changed, {{"seed", seed}});
    INFO(replay(name, all) + " --omniscient");
    auto const s = scaled(name, all);
    sim::run_options how;
    how.omniscient = true;
    auto const r = sim::run(s, how);
    REQUIRE(r.omniscient);
    auto const& best = *r.omniscient;
    CHECK(best.jobs.submitted == r.jobs.submitted);
    CHECK(best.jobs.submitted == best.jobs.completed + best.jobs.failed + best.jobs.running);
    CHECK(best.terms.done >= r.terms.done);
    CHECK(best.terms.mean <= r.terms.mean);
    if (!response) continue;
    CHECK(best.jobs.completed >= r.jobs.completed);
    CHECK(best.response_s.mean <= r.response_s.mean);
  }
}

// Any latency, load, policy and fault.
sim::scenario random_world(std::uint64_t number) {
  auto draw = [n = number * 1000](std::uint64_t below) mutable { return mix64(++n) % below; };
  auto const some_s = [&](std::uint64_t least, std::uint64_t below) {
    return static_cast<std::int64_t>(least + draw(below)) * duration{1s};
  };
  auto const some = [&](std::uint64_t least, std::uint64_t below) {
    return static_cast<std::uint32_t>(least + draw(below));
  };
  sim::scenario s;
  s.seed = number + 1;
  s.hydras = some(10, 120);
  s.duration = some_s(120, 600);
  s.services.count = some(1, 6);
  s.services.providers = some(1, std::min<std::uint64_t>(s.hydras, 40));
  s.services.kinds_per_provider = some(1, std::min<std::uint64_t>(s.services.count, 4));
  s.services.cores = some(1, 4);
  if (draw(2) != 0) s.services.speed_least = {1, 2};
  s.services.speed_most = {2, 1};
  s.workload.jobs = some(1, draw(2) != 0 ? 60 : 600);
  s.workload.service_time = some_s(1, 40);
  s.workload.service_law = static_cast<sim::time_law>(draw(3));
  s.workload.start = 1s;
  s.workload.patience = some_s(20, 600);
  s.world.latency = static_cast<sim::latency_from>(draw(3));
  if (s.world.latency == sim::latency_from::uniform) s.world.latency_spread = 40ms;
  s.world.tells_unreachable = draw(2) != 0;
  s.verify.on = draw(2) != 0;
  s.policy.scheduling = static_cast<sim::scheduling_name>(draw(3));
  s.policy.trust = static_cast<sim::trust_name>(draw(3));
  s.scheduling.power_of = some(1, 7);
  if (draw(2) != 0) s.churn.share = {1, some(1, 3)};
  s.churn.pace = some(1, 200);
  for (auto k = draw(4); k > 0; --k) {
    sim::fault_settings f;
    f.kind = static_cast<sim::fault_kind>(draw(9));
    f.chance = {1, some(1, 5)};
    f.at = some_s(0, 600);
    if (draw(2) != 0) f.lasts = some_s(1, 400);
    f.by = some_s(0, 40);
    f.behind = draw(2) != 0;
    f.factor = draw(2) != 0 ? ratio{1, 4} : ratio{4, 1};
    if (draw(2) != 0) f.on = f.off = some_s(1, 100);
    s.faults.push_back(f);
  }
  return s;
}

// When heads are down, as a run of the scenario traces it.
struct absence {
  std::uint32_t who = 0;
  double from = 0;
  double to = 1e18;
};
std::vector<absence> absences(sim::scenario const& s) {
  auto const file = std::filesystem::temp_directory_path() /
                    ("hydra-omniscient-" + std::to_string(s.seed) + ".ndjson");
  sim::run_options how;
  how.trace_file = file.string();
  static_cast<void>(sim::run(s, how));
  std::ifstream in{file};
  std::vector<absence> all;
  for (std::string line; std::getline(in, line);) {
    double at = 0;
    unsigned who = 0;
    if (std::sscanf(line.c_str(), "{\"at_s\":%lf,\"peer\":%u", &at, &who) != 2) continue;
    if (line.find("\"crash\"") != std::string::npos) all.push_back({who, at});
    if (line.find("\"restart\"") == std::string::npos) continue;
    auto const open = std::find_if(all.rbegin(), all.rend(),
                                   [&](absence const& a) { return a.who == who; });
    REQUIRE(open != all.rend());
    open->to = at;
  }
  std::filesystem::remove(file);
  return all;
}

// Everything that the header promises of a schedule, looked up in the planet.
void check_schedule(sim::planet const& where, std::vector<sim::central_task> const& all,
                    std::vector<absence> const& down) {
  std::vector<std::tuple<std::uint32_t, std::int64_t, int>> load;  // who, when, core more or less
  for (auto const& t : all) {
    auto const j = where.job_of(t.owner, t.number - 1);
    auto const& offers = where.role_of(t.by).offers;
    auto const way = [&](std::uint32_t from, std::uint32_t to) {
      return from == to ? duration{} : where.one_way(from, to);
    };
    bool good = std::find(offers.begin(), offers.end(), j.what) != offers.end();
    good = good && t.finish - t.start == where.time_for(t.by, j.work, t.start);
    good = good && (t.by == t.owner || !where.lies(t.by, t.start));
    good = good && t.delivered - t.finish >= way(t.by, t.owner);
    good = good && t.delivered < instant{} + where.plan().duration;
    for (auto const& a : down) {
      auto const begun = seconds(t.start - instant{});
      bool const over = seconds(t.finish - instant{}) < a.from || begun >= a.to - 1e-6;
      good = good && (a.who != t.by || over);
      auto const got = seconds(t.delivered - instant{});
      good = good && (a.who != t.owner || got < a.from || got >= a.to - 1e-6);
    }
    if (!good) FAIL_CHECK("job " << t.owner << "/" << t.number << " on " << t.by);
    load.emplace_back(t.by, ns(t.start), 1);
    load.emplace_back(t.by, ns(t.finish), -1);
  }
  std::sort(load.begin(), load.end());  // ends before beginnings
  int running = 0;
  for (auto const& [who, at, change] : load) {
    running += change;
    if (running > where.role_of(who).power.cores) FAIL_CHECK("too much at once on " << who);
  }
}

}  // namespace

TEST_CASE("no planet does better than the omniscient scheduler", "[omniscient]") {
  never_worse("planet", small_planet);
}

TEST_CASE("no churn makes the omniscient scheduler worse", "[omniscient]") {
  never_worse("churn", small_churn);
}

TEST_CASE("clogged servers are ordered better by who knows everything", "[omniscient]") {
  never_worse("clogged", small_clogged);
}

TEST_CASE("who knows the liars needs no repeats", "[omniscient]") {
  never_worse("liars", small_liars);
  // Without verification Hydras complete jobs wrongly; on equal terms those do not count.
  never_worse("liars", with(small_liars, {{"verify", "none"}}), false);
}

TEST_CASE("fifty Hydras that greet each other are no better than the omniscient scheduler",
          "[omniscient]") {
  never_worse("hello", {});
  never_worse("hello", {{"workload.jobs", "3"}});
  // What few complete alone are the short ones: their mean says little, equal terms do.
  never_worse("hello", {{"scheduling", "local_only"}}, false);
}

TEST_CASE("overload, little latency and no checks leave the omniscient scheduler ahead",
          "[omniscient]") {
  settings const tight{{"world.latency", "constant"}, {"world.latency_value", "1 ms"},
                       {"verify", "none"},            {"services.providers", "4"},
                       {"services.count", "1"},       {"services.kinds_per_provider", "1"},
                       {"scheduling.power_of", "4"},  {"duration", "10 min"},
                       {"workload.jobs", "500"},      {"workload.patience", "60 s"}};
  never_worse("hello", tight, false);
  never_worse("hello", with(tight, {{"workload.jobs", "2000"}}), false);
  never_worse("hello", with(tight, {{"workload.jobs", "250"}, {"workload.patience", "10 min"}}),
              false);
}

TEST_CASE("no small random world does better than the omniscient scheduler", "[omniscient]") {
  for (auto const i : seeds(20)) {
    auto const s = random_world(i);
    INFO("replay with HYDRA_SEED=" << i << ":\n" << sim::settings_text(s));
    sim::run_options how;
    how.omniscient = true;
    auto const r = sim::run(s, how);
    for (auto const& f : sim::missed_floors(s, r)) FAIL_CHECK(f.what);
  }
}

TEST_CASE("where every rule falls behind, the Hydras' own tasks are moved ahead", "[omniscient]") {
  auto const s = scaled("hello", {{"hydras", "81"}, {"duration", "926 s"}, {"seed", "51"},
                                  {"world.latency", "constant"}, {"world.latency_value", "33 ms"},
                                  {"services.count", "2"}, {"services.providers", "4"},
                                  {"services.cores", "4"}, {"services.speed_least", "1/2"},
                                  {"services.speed_most", "2"}, {"workload.jobs", "304"},
                                  {"workload.service_time", "22 s"}, {"workload.start", "1 s"},
                                  {"workload.local_share", "1/2"}, {"workload.patience", "409 s"},
                                  {"workload.stop_before_end", "62 s"},
                                  {"scheduling.power_of", "6"}, {"verify", "none"}});
  sim::run_options how;
  how.omniscient = true;
  auto const r = sim::run(s, how);
  REQUIRE(r.omniscient);
  sim::planet const where{s};
  bool const behind = std::none_of(rules.begin(), rules.end(), [&](sim::central_rule rule) {
    auto const t = sim::central(where, rule).terms;
    return t.done >= r.terms.done && t.mean <= r.terms.mean;
  });
  CHECK((r.omniscient->rule == sim::moved_ahead) == behind);
  CHECK(r.omniscient->terms.done >= r.terms.done);
  CHECK(r.omniscient->terms.mean <= r.terms.mean);
}

TEST_CASE("every rule makes a schedule that could be", "[omniscient]") {
  for (auto const& [name, changed] :
       std::vector<std::pair<std::string, settings>>{{"planet", small_planet},
                                                     {"churn", small_churn},
                                                     {"clogged", small_clogged},
                                                     {"liars", small_liars}}) {
    INFO(replay(name, changed) + " --omniscient");
    auto const s = scaled(name, changed);
    auto const down = absences(s);
    sim::planet const where{s};
    for (auto rule : rules) {
      auto const all = sim::central_plan(where, rule);
      CHECK(all.size() == sim::central(where, rule).jobs.completed);
      CHECK(all.size() > 100);
      check_schedule(where, all, down);
    }
  }
}

TEST_CASE("with idle heads next door a job takes its work and twice the way", "[omniscient]") {
  auto const s = scaled("hello", {{"world.latency", "constant"}, {"world.latency_value", "50 ms"},
                                  {"workload.service_law", "constant"}, {"workload.jobs", "10"},
                                  {"services.count", "1"}, {"services.kinds_per_provider", "1"}});
  for (auto rule : rules) {
    auto const r = sim::central(sim::planet{s}, rule);
    CHECK(r.jobs.completed == r.jobs.submitted);
    CHECK(r.response_s.p99 == 4.1);
    CHECK(r.terms.done == r.jobs.completed);
    CHECK(seconds(r.terms.mean) <= 4.1);
    CHECK(seconds(r.terms.mean) >= 4.0);
  }
}

TEST_CASE("an omniscient scheduler that does worse fails the run", "[omniscient]") {
  sim::run_result r;
  r.terms = {10, 3s};
  r.omniscient.emplace();
  r.omniscient->terms = {10, 3s};
  CHECK(sim::missed_floors({}, r).empty());
  r.omniscient->terms = {9, 3s};
  CHECK(sim::missed_floors({}, r).size() == 1);
  r.omniscient->terms = {9, 4s};
  CHECK(sim::missed_floors({}, r).size() == 2);
  r.jobs.submitted = 1;
  CHECK(sim::missed_floors({}, r).size() == 3);
}
