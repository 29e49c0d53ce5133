// Every scenario that has a name, small: what it is for must show in a few hundred Hydras too.
//
// Each runs with one line to replay it; the floors of the files themselves belong to the full
// size and are replaced here.
#include "catch.hpp"
#include "scaled.hpp"

#include <hydra/sim/run.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

void check_properties(sim::run_result const& r) {
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted == r.jobs.completed + r.jobs.failed + r.jobs.running);
}

double completed(sim::run_result const& r) {
  return static_cast<double>(r.jobs.completed) /
         static_cast<double>(std::max<std::uint64_t>(1, r.jobs.submitted));
}

double extra(sim::run_result const& r, std::string const& name) {
  for (auto const& n : r.extra) {
    if (n.name == name) return n.value;
  }
  return -1;
}

}  // namespace

TEST_CASE("hello meets its own floors", "[scenarios]") {
  auto const s = scaled("hello", {});
  INFO(replay("hello", {}));
  auto const r = sim::run(s, {});
  check_properties(r);
  for (auto const& f : sim::missed_floors(s, r)) FAIL_CHECK(f.what);
  CHECK(r.jobs.failed == 0);
}

TEST_CASE("a planet of five hundred finishes its jobs through churn, loss and a cut",
          "[scenarios]") {
  settings const changed{{"hydras", "500"}, {"duration", "40 min"}, {"services.count", "8"},
                         {"services.providers", "60"}, {"workload.jobs", "1500"}};
  INFO(replay("planet", changed));
  auto const r = sim::run(scaled("planet", changed), {});
  check_properties(r);
  CHECK(completed(r) >= 0.97);
  CHECK(r.remote_share >= 0.5);
  CHECK(r.wrong_accepted == 0);
}

TEST_CASE("under churn jobs are placed again and none is lost", "[scenarios]") {
  settings const changed{{"hydras", "300"}, {"duration", "15 min"}, {"services.providers", "90"},
                         {"services.count", "8"}, {"workload.jobs", "900"}};
  INFO(replay("churn", changed));
  auto const r = sim::run(scaled("churn", changed), {});
  check_properties(r);
  CHECK(r.jobs.submitted >= 400);
  CHECK(extra(r, "crashes") >= 50);
  CHECK(r.jobs.replaced > 0);
  CHECK(completed(r) >= 0.95);
  CHECK(r.wrong_accepted == 0);
}

TEST_CASE("who is told that nobody is there places again sooner", "[scenarios]") {
  settings told{{"hydras", "300"}, {"workload.jobs", "1200"}, {"services.providers", "90"}};
  settings silent = told;
  told.emplace_back("world.tells_unreachable", "true");
  silent.emplace_back("world.tells_unreachable", "false");
  double sooner = 0;
  for (auto const* seed : {"1", "2", "3"}) {  // one story alone may be an exception
    for (auto* s : {&told, &silent}) s->emplace_back("seed", seed);
    INFO(replay("churn", told));
    auto const with = sim::run(scaled("churn", told), {});
    auto const without = sim::run(scaled("churn", silent), {});
    check_properties(with);
    check_properties(without);
    CHECK(with.digest != without.digest);
    CHECK(with.jobs.replaced > 0);
    sooner += without.response_s.mean - with.response_s.mean;
    for (auto* s : {&told, &silent}) s->pop_back();
  }
  CHECK(sooner > 0);
}

TEST_CASE("when the Atlantic heals nobody has waited for ever", "[scenarios]") {
  settings const changed{{"hydras", "400"}, {"workload.jobs", "900"}, {"services.providers", "80"}};
  INFO(replay("partition_heal", changed));
  auto const r = sim::run(scaled("partition_heal", changed), {});
  check_properties(r);
  CHECK(r.jobs.running == 0);
  CHECK(r.jobs.completed >= r.jobs.submitted * 97 / 100);
  CHECK(r.jobs.replaced > 0);
}

TEST_CASE("a movie is divided, given on and divided again, and comes back right", "[scenarios]") {
  settings const changed{{"hydras", "500"}, {"workload.jobs", "14"}, {"services.providers", "120"}};
  INFO(replay("movie", changed));
  auto const r = sim::run(scaled("movie", changed), {});
  check_properties(r);
  CHECK(r.wrong_accepted == 0);
  CHECK(r.jobs.completed >= r.jobs.submitted / 2);
  CHECK(r.jobs.completed > 0);
}

TEST_CASE("clogged servers and links delay jobs, and every job ends", "[scenarios]") {
  settings const changed{{"hydras", "300"}, {"services.providers", "24"},
                         {"services.count", "4"}, {"workload.jobs", "1900"}};
  INFO(replay("clogged", changed));
  auto const r = sim::run(scaled("clogged", changed), {});
  check_properties(r);
  CHECK(r.utilisation.mean >= 0.6);
  CHECK(r.jobs.replaced > 0);
  CHECK(completed(r) >= 0.97);
  CHECK(r.jobs.running * 100 <= r.jobs.submitted);
  CHECK(r.wrong_accepted == 0);
}

TEST_CASE("verification keeps out most of what liars say, for less than three times the work",
          "[scenarios]") {
  settings changed{{"hydras", "400"}, {"services.providers", "80"}, {"services.count", "8"},
                   {"workload.jobs", "1600"}};
  INFO(replay("liars", changed));
  auto const with = sim::run(scaled("liars", changed), {});
  changed.emplace_back("verify.on", "false");
  auto const without = sim::run(scaled("liars", changed), {});
  check_properties(with);
  check_properties(without);
  CHECK(with.jobs.submitted == without.jobs.submitted);
  CHECK(completed(with) >= 0.97);
  CHECK(extra(with, "forgeries_proved") > 0);
  CHECK(without.wrong_accepted >= 40);
  CHECK(with.wrong_accepted * 5 <= without.wrong_accepted);
  CHECK(extra(with, "busy_core_s") <= 3 * extra(without, "busy_core_s"));
}

TEST_CASE("tables that are built directly serve from the first second, whatever the shards",
          "[scenarios]") {
  settings direct{{"hydras", "3000"}, {"workload.jobs", "400"}, {"services.providers", "200"},
                  {"services.count", "10"}};
  settings joined = direct;
  joined.emplace_back("routing.tables", "joined");
  INFO(replay("planet_1m", direct));
  auto const r = sim::run(scaled("planet_1m", direct), {});
  check_properties(r);
  CHECK(completed(r) >= 0.9);
  CHECK(r.wrong_accepted == 0);
  CHECK(r.remote_share >= 0.5);
  sim::run_options apart;
  apart.shards = 3;
  apart.permute = true;
  CHECK(sim::run(scaled("planet_1m", direct), apart).digest == r.digest);
  // Whoever joins asks its way in: far more traffic in this one minute.
  CHECK(sim::run(scaled("planet_1m", joined), {}).messages > r.messages * 2);
  auto const routing = std::find_if(r.rooms.begin(), r.rooms.end(),
                                    [](auto const& room) { return room.name == "routing"; });
  REQUIRE(routing != r.rooms.end());
  CHECK(routing->at_rest > 1'000);
  CHECK(routing->in_hand > 0);
}
