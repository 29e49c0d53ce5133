// hydra: the verbs of the simulator. Those of the network, and two that are large, are done by
// programs beside it.
#include "command_line.hpp"
#include "network_verbs.hpp"
#include "options.hpp"
#include "papers_verb.hpp"
#include "validate_verb.hpp"

#include <hydra/sim/run.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace hydra::cli {
namespace {

words const later_verbs{"compare", "sweep", "report", "why"};

int dispatch(int argc, char** argv, sim::harness const& how) {
  int const first = word_at(argc, argv, 0);
  if (first < argc) {
    std::string_view const verb = argv[first];
    auto const& of_network = network_verb_names();
    bool const asks = std::any_of(argv + 1, argv + argc, [](std::string_view word) {
      return word == "-h" || word == "--help";
    });
    bool const elsewhere = verb == validate_name || verb == papers_name ||
                           has({of_network.begin(), of_network.end()}, verb);
    if (!asks && elsewhere) {
      return network_verb(std::string{verb}, argv);
    }
    if (has(later_verbs, verb)) {
      std::fprintf(stderr, "hydra: \"%s\" is not in this version (%s)\n", argv[first],
                   version_line().c_str());
      return usage;
    }
    auto const own = names_of(outline().verbs);
    auto const at = std::find(own.begin(), own.end(), verb);
    if (at == own.end()) return unknown_verb(verb, "", own);
    auto const below = names_of(outline().verbs[static_cast<std::size_t>(at - own.begin())].verbs);
    int const second = word_at(argc, argv, 1);
    if (!below.empty() && second < argc && !has(below, argv[second]))
      return unknown_verb(argv[second], " " + std::string{verb}, below);
  }
  return parse_and_run({"hydra", how, false}, argc, argv);
}

}  // namespace
}  // namespace hydra::cli

int main(int argc, char** argv) {
  hydra::sim::harness const ready_made{&hydra::sim::run, &hydra::sim::check_determinism};
  return hydra::cli::guarded("hydra", hydra::cli::dispatch, argc, argv, ready_made);
}
