#include "catch.hpp"

#include <hydra/sim/runner.hpp>
#include <hydra/sim/watch.hpp>
#include <hydra/testing/journal.hpp>

#include <chrono>
#include <cstdint>
#include <string>

// The whole Hydra, through churn and loss: jobs asked, bid for, run, verified, and forgotten.
TEST_CASE("a Hydra on a planet that is fed its log again wants the same done") {
  using namespace hydra;
  auto loaded = sim::load_scenario(std::string{HYDRA_SOURCE_DIR} + "/sim/scenarios/churn.toml");
  REQUIRE(loaded.ok());
  auto what = loaded.value;
  what.hydras = 100;
  for (std::uint32_t who : {3U, 50U}) {
    using watched = sim::watcher<Hydra<>, sim::history>;
    sim::world<Hydra<>, sim::populated<Hydra<>>, watched> w{sim::populated<Hydra<>>{what},
                                                            {.watch = peer{who}}};
    w.run_until(origin + std::chrono::seconds{300});
    auto const seen = w.observed();
    testing::recorder again{{.seed = what.seed, .self = peer{who}, .rtt = duration{}}};
    auto const fresh = w.setting().make(sim::permutation{}, who);
    auto const told = testing::replay(fresh, again, seen.log());
    INFO((told.ok() ? "" : told.why()));
    REQUIRE(told.ok());
    CHECK(told.value() > 100);
    CHECK(seen.effect_count() > 100);
    CHECK(again.effect_digest() == seen.effect_digest());
  }
}
