// The whole harness for a user's Hydra, in one line:
//
//   int main(int argc, char** argv) { return hydra::sim::main<my_hydra>(argc, argv); }
//
// The program then takes the command line of `hydra sim`: run (may be left out), list, lint and
// check-determinism, with the same flags, formats and exit codes; without a scenario it runs
// `hello`. Link with hydra::cli, which holds command_line.
//
//   my_program planet --seed 3 --json       my_program check-determinism churn
#pragma once

#include <hydra/assembly/choices.hpp>
#include <hydra/sim/data_path.hpp>
#include <hydra/sim/run.hpp>
#include <hydra/sim/runner.hpp>

#include <concepts>
#include <string_view>
#include <vector>

namespace hydra::sim {

// Reads the arguments, does what they say, prints, and returns the exit code. Throws nothing.
[[nodiscard]] int command_line(int argc, char** argv, harness const&);

// Slots whose policy the program's own Hydra names: a scenario chooses among any_routing and its
// like only. To ask for another one is a mistake, not a comparison.
template <class H>
[[nodiscard]] std::vector<std::string_view> fixed_slots() {
  std::vector<std::string_view> out;
  if (!std::same_as<typename H::routing_type, any_routing>) out.emplace_back("routing");
  if (!std::same_as<typename H::proximity_type, any_proximity>) out.emplace_back("proximity");
  if (!std::same_as<typename H::trust_type, any_trust>) out.emplace_back("trust");
  if (!std::same_as<typename H::scheduling_type, any_scheduler>) out.emplace_back("scheduling");
  if (!std::same_as<typename H::verify_type, any_verify>) out.emplace_back("verify");
  return out;
}

template <Node H>
[[nodiscard]] int main(int argc, char** argv) {
#ifdef HYDRA_PACKAGE_DATA_DIR  // defined by the package that find_package(hydra) found
  add_data_folder(HYDRA_PACKAGE_DATA_DIR);
#endif
  return command_line(argc, argv, {&runner<H>::run, &runner<H>::check_determinism,
                                   fixed_slots<H>()});
}

}  // namespace hydra::sim
