// A scenario of the repository at another size, and the line that runs it again.
#pragma once

#include "catch.hpp"

#include <hydra/sim/run.hpp>

#include <string>
#include <utility>
#include <vector>

using settings = std::vector<std::pair<std::string, std::string>>;

// The scenario of that name with some of its settings changed, as `--set` does.
inline hydra::sim::scenario scaled(std::string const& name, settings const& changed) {
  std::vector<hydra::sim::override_setting> overrides;
  for (auto const& [key, value] : changed) {
    overrides.push_back({key, value, "--set " + key + "=" + value});
  }
  auto const file = std::string{HYDRA_SOURCE_DIR} + "/sim/scenarios/" + name + ".toml";
  auto loaded = hydra::sim::load_scenario(file, overrides);
  for (auto const& e : loaded.errors) FAIL_CHECK(e.str());
  REQUIRE(loaded.ok());
  return loaded.value;
}

inline std::string replay(std::string const& name, settings const& changed) {
  auto line = "replay: hydra sim run " + name;
  for (auto const& [key, value] : changed) line += " --set '" + key + "=" + value + "'";
  return line;
}
