// What `hydra` and the programs of users share: words of the command line, and the verbs of sim.
#pragma once

#include "outline.hpp"

#include <hydra/sim/run.hpp>

#include <string>
#include <string_view>

namespace hydra::cli {

// `hydra` has its verbs behind the word sim; a user's program is nothing but a simulator.
struct program {
  std::string name = "hydra";
  sim::harness harness;
  bool simulator_only = false;
};

[[nodiscard]] verb_outline outline(program const&);
[[nodiscard]] bool has(words const& all, std::string_view word);
// The index of the n-th word that is neither a flag nor a flag's value; argc when there is none.
[[nodiscard]] int word_at(int argc, char** argv, int n);
// Says so, with the nearest spelling among the allowed, and returns `usage`.
int unknown_verb(std::string_view verb, std::string const& after, words const& among);

int parse_and_run(program const&, int argc, char** argv);
// Calls it; turns what it throws, and an output that cannot be written, into an exit code.
int guarded(std::string const& name, int (*call)(int, char**, sim::harness const&), int argc,
            char** argv, sim::harness const&);

}  // namespace hydra::cli
