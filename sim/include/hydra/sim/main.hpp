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

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/run.hpp>
#include <hydra/sim/runner.hpp>

namespace hydra::sim {

// Reads the arguments, does what they say, prints, and returns the exit code. Throws nothing.
[[nodiscard]] int command_line(int argc, char** argv, harness const&);

template <Node H>
[[nodiscard]] int main(int argc, char** argv) {
#ifdef HYDRA_PACKAGE_DATA_DIR  // defined by the package that find_package(hydra) found
  add_data_folder(HYDRA_PACKAGE_DATA_DIR);
#endif
  return command_line(argc, argv, {&runner<H>::run, &runner<H>::check_determinism});
}

}  // namespace hydra::sim
