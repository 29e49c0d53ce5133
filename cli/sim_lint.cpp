// hydra sim lint: everything that is wrong or odd about scenarios, without running them.
#include "options.hpp"
#include "render.hpp"

#include <fmt/format.h>

namespace hydra::cli {
namespace {

record record_of(sim::problem const& p, std::string const& severity) {
  return {{"file", p.file},
          {"line", std::uint64_t{p.line}},
          {"column", std::uint64_t{p.column}},
          {"severity", severity},
          {"text", p.text}};
}

}  // namespace

int sim_lint(common_options const& o, std::vector<std::string> const& scenarios) {
  auto const all = scenarios.empty() ? sim::list_scenarios() : scenarios;
  std::vector<record> problems;
  bool good = true;
  for (auto const& name : all) {
    std::string path;
    auto const loaded = load(o, name, path);
    good = good && loaded.ok();
    for (auto const& p : loaded.errors) problems.push_back(record_of(p, "error"));
    for (auto const& p : loaded.warnings) problems.push_back(record_of(p, "warning"));
    if (o.output != format::table) continue;
    for (auto const& p : loaded.errors) fmt::print("{}\n", p.str());
    for (auto const& p : loaded.warnings) fmt::print("{} (warning)\n", p.str());
    if (loaded.ok() && !o.quiet)
      fmt::print("{}: ok, {} jobs expected, load {:.2f}\n", loaded.value.name,
                 sim::expected_jobs(loaded.value), sim::expected_load(loaded.value));
  }
  if (o.output != format::table) print_records(o, "problems", problems);
  return good ? ok : invalid;
}

}  // namespace hydra::cli
