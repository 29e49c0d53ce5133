// What a scenario may say of routing is what every policy bears.
#include "../catch.hpp"

#include <hydra/sim/run.hpp>

#include <string>

using namespace hydra;

TEST_CASE("the least and the most that is allowed of routing stops no policy", "[scenario]") {
  auto const name = GENERATE(as<std::string>{}, "full_mesh", "kademlia", "chord", "pastry",
                             "small_world", "flood", "walk", "capability", "indices",
                             "ring_first", "ring_and_keys");
  auto const edges = GENERATE(
      as<std::string>{}, "alpha = 1\ntimeout = \"1 ms\"\nrefresh = \"1 ms\"\n",
      "alpha = 8\ntimeout = \"24 h\"\nrefresh = \"365 d\"\n",
      "republish = \"61 s\"\nexpire = \"62 s\"\n", "republish = \"23 h\"\nexpire = \"24 h\"\n");
  std::string const text =
      "name = \"edges\"\npurpose = \"Edges.\"\n"
      "hydras = 12\nduration = \"90 s\"\n[services]\ncount = 2\nproviders = 6\n"
      "[workload]\njobs = 20\n[routing]\n" + edges + "[policy]\nrouting = \"" + name +
      "\"\n";
  auto const read = sim::parse_scenario(text, "edges.toml", {});
  for (auto const& e : read.errors) FAIL(e.str());
  CAPTURE(name, edges);
  auto const said = sim::run(read.value, {});
  CHECK(said.events > 0);
}

TEST_CASE("a name with control characters is not shown as it is", "[scenario]") {
  sim::problem const p{"a\x1b[31m\n.toml", 3, 1, "wrong"};
  CHECK(p.str() == "a\\x1b[31m\\x0a.toml:3:1: wrong");
}
