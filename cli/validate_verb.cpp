#include "validate_verb.hpp"

#include <CLI/CLI.hpp>

namespace hydra::cli {

void add_validate_verb(CLI::App& app, validate_arguments& a) {
  auto* verb = app.add_subcommand(
      validate_name, "what the simulator says against real processes over emulated links");
  verb->add_option("scenarios", a.scenarios,
                   "paths, or names of those in scenarios/validate; none: two short ones")
      ->type_name("PLAN");
  verb->add_flag("--full", a.full, "six scenarios with two sets of policies, minutes");
  verb->add_option("--policies", a.policies, "with which set of policies")->type_name("a|b|both");
  verb->add_option("--disturb", a.disturb,
                   "make one world wrong: links=CLASS:FACTOR, loss=SHARE, cpu=FACTOR, drop=TYPE")
      ->type_name("WHAT");
  verb->add_option("--in", a.in, "which world is disturbed")->type_name("live|sim");
  verb->add_option("--out", a.out, "folder for the predictions")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_flag("--all", a.all, "show counts of every type of message");
  verb->add_flag("--calibrate", a.calibrate, "measure what this machine adds, and print it");
}

}  // namespace hydra::cli
