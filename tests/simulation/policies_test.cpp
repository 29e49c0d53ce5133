// Every policy that a scenario may name runs, and is another one.
#include "catch.hpp"

#include <hydra/assembly/choices.hpp>
#include <hydra/sim/run.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

// With liars: where all are honest and stay, it is one whom one trusts.
sim::loaded_scenario small(std::vector<sim::override_setting> overrides) {
  for (auto const& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"hydras", "80"}, {"services.providers", "40"}, {"services.count", "4"},
           {"workload.jobs", "300"}, {"duration", "10 min"}}) {
    overrides.push_back({key, value, ""});
  }
  return sim::load_scenario(std::string{HYDRA_SOURCE_DIR} + "/sim/scenarios/liars.toml",
                            overrides);
}

sim::run_result run_with(std::string const& slot, std::string const& name) {
  auto const loaded = small({{slot, name, ""}});
  for (auto const& e : loaded.errors) FAIL_CHECK(e.str());
  REQUIRE(loaded.ok());
  auto const r = sim::run(loaded.value, {});
  for (auto const& f : r.failures) FAIL_CHECK(slot << "=" << name << ": " << f.what);
  return r;
}

}  // namespace

// The type that the shipped scenarios have always run with.
static_assert(std::same_as<ready_made_hydra, Hydra<any_scheduler>>);

TEST_CASE("every policy that can be named runs, keeps every property and has its own digest",
          "[policies]") {
  std::map<std::uint64_t, std::string> seen;
  auto const usual = run_with("seed", "1");
  seen[usual.digest] = "the default";
  for (auto const& [slot, name] : std::vector<std::pair<std::string, std::string>>{
           {"routing", "full_mesh"},
           {"routing", "kademlia"},
           {"routing", "chord"},
           {"routing", "pastry"},
           {"routing", "capability"},
           {"routing", "ring_first"},
           {"routing", "indices"},
           {"routing", "small_world"},
           {"routing", "flood"},
           {"routing", "walk"},
           {"proximity", "uniform"},
           {"proximity", "vivaldi"},
           {"proximity", "blend"},
           {"trust", "beta_reputation"},
           {"trust", "open"},
           {"scheduling", "nearest"},
           {"scheduling", "local_only"},
           {"verify", "none"}}) {
    auto const r = run_with(slot, name);
    CHECK(r.jobs.submitted == usual.jobs.submitted);
    CHECK(r.jobs.completed > 0);
    auto const [at, fresh] = seen.try_emplace(r.digest, slot + "=" + name);
    if (!fresh) FAIL_CHECK("the same digest as " << at->second);
  }
  CHECK(run_with("verify", "none").extra_work < usual.extra_work);
}

TEST_CASE("the defaults by their names are the ready-made Hydra", "[policies]") {
  auto const usual = run_with("seed", "1");
  for (auto const& [slot, name] : std::vector<std::pair<std::string, std::string>>{
           {"routing", "ring_and_keys"},
           {"proximity", "geographic"},
           {"trust", "rings"},
           {"scheduling", "power_of_d"},
           {"verify", "repeat"}}) {
    CHECK(run_with(slot, name).digest == usual.digest);
    CHECK(run_with("policy." + slot, name).digest == usual.digest);
  }
}

TEST_CASE("a choice in every slot is deterministic, too", "[policies]") {
  auto const loaded = small({{"routing", "full_mesh", ""}, {"trust", "open", ""}});
  REQUIRE(loaded.ok());
  CHECK_FALSE(sim::check_determinism(loaded.value, {}).found);
}

TEST_CASE("a policy that is no policy is refused with those that are", "[policies]") {
  for (auto const& [slot, wrong, right] :
       std::vector<std::array<std::string, 3>>{{"routing", "kadmelia", "kademlia"},
                                               {"proximity", "unifrom", "uniform"},
                                               {"trust", "opne", "open"},
                                               {"scheduling", "nearst", "nearest"},
                                               {"verify", "repaet", "repeat"}}) {
    auto const loaded = small({{slot, wrong, ""}});
    REQUIRE(loaded.errors.size() == 1);
    auto const text = loaded.errors[0].str();
    INFO(text);
    CHECK(text.find("--set " + slot + "=" + wrong + ": policy." + slot) == 0);
    CHECK(text.find("allowed: ") != std::string::npos);
    CHECK(text.find("did you mean \"" + right + "\"?") != std::string::npos);
  }
  // A file's top level has no such keys: [routing] is a section there.
  CHECK_FALSE(sim::parse_scenario("purpose = \"p\"\ntrust = \"open\"\n", "s.toml").ok());
}
