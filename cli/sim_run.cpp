// hydra sim run: one scenario, once.
#include "files.hpp"
#include "meter.hpp"
#include "options.hpp"
#include "render.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/report.hpp>
#include <hydra/sim/run.hpp>

#include <fmt/format.h>

#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace hydra::cli {
namespace {

duration limit_of(run_arguments const& a) {
  if (a.timeout.empty()) return {};
  std::string error;
  auto const limit = sim::parse_duration(a.timeout, error);
  if (!error.empty()) throw usage_error{"--timeout: " + error};
  return limit;
}

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Flags of `run` that change what is shown belong to the line that repeats it.
std::string reproduce(common_options const& o, run_arguments const& a, sim::scenario const& s) {
  return reproduce_line(o, "run", a.scenario, s) + (a.alone ? " --alone" : "") +
         (a.unverified ? " --unverified" : "") + (a.omniscient ? " --omniscient" : "") +
         (a.wire_check ? " --wire-check" : "") + (a.permute ? " --permute" : "");
}

// The times are those of the first run: what is run for comparison afterwards does not count.
sim::run_result measured(sim::harness const& program, sim::scenario const& s,
                         sim::run_options how, meter& progress) {
  auto const cpu_before = cpu_s();
  double wall = 0;
  double cpu = 0;
  bool const compares = how.alone || how.unverified || how.omniscient;
  how.on_progress = [&](sim::progress const& p) {
    if (compares && wall == 0 && p.simulated >= p.total) {
      wall = progress.wall_s();
      cpu = cpu_s() - cpu_before;
    }
    return progress.report(p);
  };
  auto result = program.run(s, how);
  if (result.wall_s == 0) result.wall_s = wall != 0 ? wall : progress.wall_s();
  if (result.cpu_s == 0) result.cpu_s = cpu != 0 ? cpu : cpu_s() - cpu_before;
  progress.clear();
  result.scenario = s.name;
  result.seed = s.seed;
  return result;
}

using named_texts = std::vector<std::pair<std::string, std::string>>;

// The page and the tables; what cannot be made is said, and the run goes on without it.
void add_report(common_options const& o, sim::report_choice const& wanted,
                sim::recording const& seen, sim::run_result const& r, named_texts& out) {
  if (!seen.where) return;  // a program's own way of running, which recorded nothing
  auto files = sim::report_tables(seen, wanted);
  std::string page;
  if (wanted.html) {
    auto beside = files;
    beside.push_back({"result.json", "the numbers of this page", ""});
    beside.push_back({"manifest.json", "what was run: settings, version", ""});
    try {
      page = sim::report_page(sim::report_data(seen, r, {version_line(), !o.no_timings}, beside));
    } catch (sim::data_error const& e) {
      fmt::print(stderr, "hydra: there is no report.html: {} (warning)\n", e.what());
    }
  }
  for (auto& f : files) out.push_back({f.name, std::move(f.text)});
  if (!page.empty()) out.push_back({"report.html", std::move(page)});
}

// Returns what went wrong; what was written goes to `to`.
std::string write_outputs(common_options const& o, run_arguments const& a, run_origin const& from,
                          sim::report_choice const& wanted, sim::recording const& seen,
                          sim::run_result const& r, verdict& to) {
  if (a.no_out) return "";
  // What was cut short never takes the place of a whole result.
  auto const folder = fmt::format("{}/{}-{}-{}{}", a.out, r.scenario, r.seed,
                                  sim::settings_hash(from.settings),
                                  r.interrupted ? "-interrupted" : "");
  named_texts all{{"result.json", sim::result_json(r, true, 2) + "\n"},
                  {"manifest.json", manifest_json(from, r) + "\n"}};
  if (wanted.any()) add_report(o, wanted, seen, r, all);
  auto wrong = write_files(folder, all);
  if (!wrong.empty()) return wrong;
  to.written = folder + "/";
  if (all.back().first == "report.html") to.report = to.written + "report.html";
  return wrong;
}

}  // namespace

int sim_run(common_options const& o, run_arguments const& a, sim::harness const& program) {
  auto const limit = limit_of(a);
  std::string error;
  auto const wanted = a.no_out ? sim::report_choice{false, false, false, false}
                               : sim::report_named(a.report, error);
  if (!error.empty()) throw usage_error{"--report: " + error};
  std::string path;
  auto const loaded = load(o, a.scenario, path);
  complain(o, loaded);
  if (!loaded.ok()) return invalid;
  auto const& s = loaded.value;

  sim::run_options how;
  how.threads = threads_of(o);
  how.shards = a.shards;
  how.wire_check = a.wire_check;
  how.permute = a.permute;
  how.alone = a.alone || s.compare.alone;
  how.unverified = a.unverified || s.compare.unverified;
  how.omniscient = a.omniscient || s.compare.omniscient;
  how.trace_file = a.trace;
  sim::recording seen;
  if (wanted.any()) how.record = &seen;
  if (o.verbose)
    fmt::print(stderr, "{}: {}, settings {}, {} threads, expected load {:.2f}\n", s.name, path,
               sim::settings_hash(s), how.threads, sim::expected_load(s));
  if (auto const wrong = a.no_out ? "" : unwritable(a.out); !wrong.empty()) {
    fmt::print(stderr, "hydra: the results cannot be written: {}\n", wrong);
    return failed;
  }
  catch_interrupt();
  meter progress{o, s.name, limit};

  auto result = measured(program, s, how, progress);
  result.interrupted = result.interrupted || was_interrupted() || progress.timed_out();
  result.reproduce = reproduce(o, a, s);
  auto const broken = result.failures.size();
  if (!result.interrupted)
    for (auto& missed : sim::missed_floors(s, result)) result.failures.push_back(std::move(missed));

  verdict said{s.purpose, "", "", {}};
  for (auto const& f : result.failures) said.failures.push_back(f.what);
  auto const wrong = write_outputs(o, a, {a.scenario, loaded.text, s}, wanted, seen, result,
                                   said);
  if (!o.quiet || o.output != format::table) {
    print_result(o, result, said);
  } else {
    for (auto const& f : said.failures) fmt::print(stderr, "failed: {}\n", f);
  }
  if (!wrong.empty()) fmt::print(stderr, "hydra: the results were not written: {}\n", wrong);

  if (progress.timed_out()) return timed_out;
  if (result.interrupted) return interrupted;
  if (broken > 0 || !wrong.empty()) return failed;
  return result.failures.empty() ? ok : bound_missed;
}

}  // namespace hydra::cli
