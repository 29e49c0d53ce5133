// hydra sim lint: everything that is wrong or odd about scenarios, without running them.
#include "options.hpp"
#include "render.hpp"

#include <hydra/sim/recorded_arrivals.hpp>

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

// Reads the trace that a scenario names, too: what it holds, or what is wrong with it.
std::string summary_of(sim::loaded_scenario& loaded) {
  auto const& s = loaded.value;
  if (s.workload.law != sim::arrival_law::swf) {
    return fmt::format("{} jobs expected, load {:.2f}", sim::expected_jobs(s),
                       sim::expected_load(s));
  }
  try {
    auto const c = sim::recorded_arrivals::load(s).counts();
    return fmt::format("{} jobs from {} rows of {}, {} outside of the time, {} unfit", c.jobs,
                       c.read, s.workload.swf, c.outside, c.unfit);
  } catch (sim::data_error const& e) {
    loaded.errors.push_back({"workload.swf", 0, 0, e.what()});
    return {};
  }
}

}  // namespace

int sim_lint(common_options const& o, std::vector<std::string> const& scenarios) {
  auto const all = scenarios.empty() ? sim::list_scenarios() : scenarios;
  std::vector<record> problems;
  bool good = true;
  for (auto const& name : all) {
    std::string path;
    auto loaded = load(o, name, path);
    auto const summary = loaded.ok() ? summary_of(loaded) : std::string{};
    good = good && loaded.ok();
    for (auto const& p : loaded.errors) problems.push_back(record_of(p, "error"));
    for (auto const& p : loaded.warnings) problems.push_back(record_of(p, "warning"));
    if (o.output != format::table) continue;
    for (auto const& p : loaded.errors) fmt::print("{}\n", p.str());
    for (auto const& p : loaded.warnings) fmt::print("{} (warning)\n", p.str());
    if (loaded.ok() && !o.quiet)
      fmt::print("{}: ok, {}\n", loaded.value.name, summary);
  }
  if (o.output != format::table) print_records(o, "problems", problems);
  return good ? ok : invalid;
}

}  // namespace hydra::cli
