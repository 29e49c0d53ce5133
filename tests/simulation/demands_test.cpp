// What jobs demand of whoever performs them, on a planet: a run fails by itself where a task lies
// with a head that does not meet it (runner.hpp), so what is left to show is that work is done, by
// whom, and that what nobody meets is not done.
#include "catch.hpp"

#include <hydra/sim/planet.hpp>
#include <hydra/sim/run.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace hydra;

namespace {

sim::scenario planet_of(std::string const& more) {
  auto const loaded = sim::parse_scenario(
      "purpose = \"demands\"\nhydras = 150\nduration = \"8 min\"\nuntil = \"quiet\"\n"
      "[services]\nproviders = 90\ncount = 2\npopularity = \"uniform\"\n"
      "[workload]\njobs = 150\nservice_time = \"5 s\"\nstop_before_end = \"4 min\"\n"
      "patience = \"2 min\"\n" + more,
      "demands.toml");
  for (auto const& e : loaded.errors) FAIL_CHECK(e.str());
  REQUIRE(loaded.ok());
  return loaded.value;
}
sim::run_result run(sim::scenario const& s) {
  auto const r = sim::run(s, {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  return r;
}
// Some head meets what this one's jobs demand, for either service.
bool can_be_met(sim::planet const& where, std::uint32_t who) {
  auto const j = where.job_of(who, 0);
  for (std::uint32_t i = 0; i < where.peers(); ++i) {
    auto const& mine = where.role_of(i);
    bool const offers = std::find(mine.offers.begin(), mine.offers.end(), j.what) !=
                        mine.offers.end();
    provider_record said;
    said.where = mine.where;
    said.under = mine.under;
    if (offers && meets(said, j.of_provider)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("without demands nobody says anything, and a share of jobs demands", "[demands]") {
  sim::planet const silent{planet_of("")};
  sim::planet const half{planet_of("[demands]\nshare = \"50 %\"\nown_region = true\n")};
  std::size_t demanding = 0;
  for (std::uint32_t i = 0; i < silent.peers(); ++i) {
    CHECK_FALSE(silent.role_of(i).under);
    CHECK_FALSE(silent.job_of(i, 0).of_provider);
    demanding += half.job_of(i, 0).of_provider ? 1U : 0U;
    auto const& mine = half.role_of(i);
    CHECK(static_cast<bool>(mine.under) == !mine.offers.empty());
  }
  CHECK(demanding > 50);
  CHECK(demanding < 100);
}

TEST_CASE("jobs are performed by those who meet what they demand", "[demands]") {
  for (auto const* more :
       {"[demands]\nregions = \"europe, asia\"\n",
        "[conditions]\nmemory_mb_least = 1000\nmemory_mb_most = 9000\nprice_most = 10\n"
        "minor_most = 3\n[demands]\nmemory_mb = 4000\nprice_max = 6\nminor_min = 1\n",
        "[demands]\nwithin_km = 3000\nshare = \"80 %\"\n"}) {
    INFO(more);
    auto const s = planet_of(more);
    sim::planet const where{s};
    std::uint64_t possible = 0;
    for (std::uint32_t i = 0; i < where.peers(); ++i) possible += can_be_met(where, i) ? 1U : 0U;
    REQUIRE(possible > where.peers() / 2);
    auto const r = run(s);
    CHECK(r.jobs.submitted > 100);
    CHECK(r.jobs.completed * where.peers() >= r.jobs.submitted * possible * 9 / 10);
  }
}

TEST_CASE("what nobody meets is not done, not even by whoever asks", "[demands]") {
  auto const r = run(planet_of("[conditions]\nmemory_mb_most = 100\n[demands]\nmemory_mb = 101\n"));
  CHECK(r.jobs.submitted > 100);
  CHECK(r.jobs.completed == 0);
}

// Kind 0 is divided into parts of kind 1. The regions of the whole go with its parts.
TEST_CASE("a job that demands a region is not passed on beyond it", "[demands]") {
  auto const divided = std::string{"[[composition]]\nwhole = 0\npart = 1\njoin = 5\nparts = 4\n"};
  auto const r = run(planet_of("[demands]\nregions = \"europe\"\n" + divided));
  CHECK(r.jobs.completed * 10 >= r.jobs.submitted * 8);
}
