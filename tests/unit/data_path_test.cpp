// Where data and scenarios are sought.
#include "../catch.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/scenario.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>

using namespace hydra;

TEST_CASE("data are sought beside the program, then where it says, then where they are installed") {
  CHECK(sim::data_folders().front().ends_with("/share/hydra/data"));
  sim::add_data_folder("/nowhere/data");
  auto const all = sim::data_folders();
  CHECK(all[1] == "/nowhere/data");
  CHECK(all.back() == "/usr/share/hydra/data");
  auto const scenarios = sim::scenario_folders();
  CHECK(std::find(scenarios.begin(), scenarios.end(), "/nowhere/scenarios") != scenarios.end());
}

TEST_CASE("HYDRA_DATA is the only place when it is set, and scenarios lie beside it") {
  ::setenv("HYDRA_DATA", "/nowhere/else/data", 1);
  std::string said;
  try {
    static_cast<void>(sim::data_path("places.csv"));
  } catch (sim::data_error const& e) {
    said = e.what();
  }
  auto const scenarios = sim::scenario_folders();
  ::unsetenv("HYDRA_DATA");
  CHECK(said.find("is not in /nowhere/else/data; set HYDRA_DATA") != std::string::npos);
  CHECK(std::find(scenarios.begin(), scenarios.end(), "/nowhere/else/scenarios") !=
        scenarios.end());
  CHECK_FALSE(sim::data_path("places.csv").empty());
}
