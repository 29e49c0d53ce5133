#include "papers_verb.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>

namespace hydra::cli {
namespace {

// CLI11 by itself takes a sign, and lets what is too large wrap around or saturate.
CLI::Validator whole(std::uint64_t low, std::uint64_t high) {
  return {[low, high](std::string& word) -> std::string {
            std::uint64_t value = 0;
            auto const* const last = word.data() + word.size();
            auto const [end, wrong] = std::from_chars(word.data(), last, value);
            if (wrong == std::errc{} && end == last && value >= low && value <= high) return "";
            return word + " is not allowed; allowed: a whole number from " + std::to_string(low) +
                   " to " + std::to_string(high);
          },
          ""};
}

}  // namespace

void add_papers_verb(CLI::App& app, papers_arguments& a) {
  auto* papers = app.add_subcommand(papers_name, "published results, run again and judged");
  papers->require_subcommand(1);
  auto* run = papers->add_subcommand("run", "run papers and judge every cell; all without a name, "
                                          "which takes about two hours");
  run->add_option("papers", a.names, "names that `list` shows")->type_name("NAME");
  run->add_flag("--small", a.small, "the short form: fewer runs, and fewer cells");
  run->add_option("--seeds", a.seeds, "how many runs of each, instead of what its scenario says")
      ->type_name("N")
      ->check(whole(1, 10'000));
  run->add_option("--seed", a.seed, "seed of the first run; the others follow it")
      ->type_name("N")
      ->check(whole(0, std::numeric_limits<std::int64_t>::max()))  // as in a scenario
      ->capture_default_str();
  run->add_option("--threads", a.threads, "changes how long it takes, never a result")
      ->type_name("N")
      ->check(whole(1, 256));
  run->add_flag("--all", a.all, "show every cell, not only those outside");
  auto* out = run->add_option("--out", a.out, "folder for the page and the tables")
                  ->type_name("DIR")
                  ->capture_default_str();
  run->add_flag("--no-out", a.no_out, "write no files")->excludes(out);
  run->add_flag("--write", a.write, "put results and plots into the papers' own folders");
  auto* list = papers->add_subcommand("list", "what there is to run; of a paper, what is stored");
  list->add_option("papers", a.names, "names that `list` shows")->type_name("NAME");
}

}  // namespace hydra::cli
