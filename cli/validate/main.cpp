// hydra-validate: predicts with the simulator, runs the same with real processes, and compares.
// It starts itself anew for each head (--as-head, which is nobody else's business).
#include "calibration.hpp"
#include "live.hpp"
#include "measures.hpp"
#include "prediction.hpp"
#include "report.hpp"

#include "../node/toml_file.hpp"
#include "../options.hpp"
#include "../validate_verb.hpp"

#include <hydra/sim/scenario.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace hydra::validation {
namespace {

namespace fs = std::filesystem;
using cli::validate_arguments;

constexpr double cpu_share_max = 0.5;  // of two processors; more, and a run is void
constexpr double late_ms_max = 4.0;    // so late may a timer be: 95th percentile

// Ends the command with an exit code and a sentence.
struct ended {
  int with;
  std::string why;
};
template <class T>
T must(result<T> r, int otherwise) {
  if (!r) throw ended{otherwise, r.why()};
  return std::move(r.value());
}

struct one_run {
  plan what;
  std::string set;
  disturbance wrong;
  prediction said{};
};

// A file of ours, where scenarios lie; empty when it is nowhere.
std::string own_file(std::string const& name) {
  std::error_code none;
  for (auto const& folder : sim::scenario_folders()) {
    auto const at = fs::path{folder} / "validate" / (name + ".toml");
    if (fs::is_regular_file(at, none)) return fs::absolute(at, none).string();
  }
  return "";
}
std::vector<std::string> const six{"cities", "mesh", "jitter", "lossy", "crash", "hundred"};

std::string plan_file(std::string const& name) {
  if (name.ends_with(".toml")) return name;
  auto const found = own_file(name);
  if (found.empty()) {
    throw ended{cli::invalid, net::quote(name) + " is no scenario to validate with" +
                                  net::suggestion(name, six) + " allowed: a path, or one of " +
                                  net::joined(six)};
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> wanted(validate_arguments const& a) {
  std::vector<std::pair<std::string, std::string>> out;
  if (a.scenarios.empty() && !a.full && a.policies.empty()) return {{"cities", "a"}, {"mesh", "b"}};
  auto names = a.scenarios;
  if (names.empty()) names = {"cities", "mesh"};
  if (a.full) names = six;
  auto const sets = a.policies.empty() ? std::string{a.full ? "both" : "a"} : a.policies;
  if (sets != "a" && sets != "b" && sets != "both") {
    throw ended{cli::usage, "--policies " + sets + ": allowed: a, b, both"};
  }
  for (auto const& name : names) {
    if (sets != "b") out.emplace_back(name, "a");
    if (sets != "a") out.emplace_back(name, "b");
  }
  return out;
}

std::uint32_t dropped_type(disturbance const& d) {
  if (d.drop.empty()) return 0;
  auto const type = type_named(d.drop);
  if (type == 0) {
    throw ended{cli::usage, "--disturb drop=" + d.drop + ": no such message; allowed: " +
                                net::joined(type_names())};
  }
  return type;
}

std::vector<one_run> runs_of(validate_arguments const& a) {
  if (a.in != "live" && a.in != "sim") {
    throw ended{cli::usage, "--in " + a.in + ": allowed: live, sim"};
  }
  std::vector<one_run> out;
  for (auto const& [name, set] : wanted(a)) {
    one_run r{must(read_plan(plan_file(name)), cli::invalid), set, {}};
    if (!a.disturb.empty()) r.wrong = must(read_disturbance(a.disturb, r.what), cli::usage);
    static_cast<void>(dropped_type(r.wrong));
    out.push_back(std::move(r));
  }
  return out;
}

void say(validate_arguments const& a, std::string const& words) {
  if (!a.quiet) fmt::print(stderr, "{}\n", words);
}

void predict_all(validate_arguments const& a, std::vector<one_run>& all, calibration const& c) {
  for (auto& r : all) {
    auto const d = a.in == "sim" ? r.wrong : disturbance{};
    auto const all_of_it = predict(r.what, r.set, c, d, dropped_type(d));
    r.said = must(write_prediction(a.out, r.what, r.set, all_of_it), cli::failed);
    say(a, fmt::format("predicted {} with policies {}: {}  sha256 {}", r.what.name, r.set,
                       r.said.path, r.said.sha256));
  }
}

std::string why_void(live_run const& run) {
  if (!run.complaint.empty()) return run.complaint;
  if (run.cpu_share > cpu_share_max) {
    return fmt::format("the heads used {:.0f} % of two processors; allowed: {:.0f} %",
                       100 * run.cpu_share, 100 * cpu_share_max);
  }
  if (run.late_ms > late_ms_max) {
    return fmt::format("the machine was busy with something else: timers {:.1f} ms late; allowed: "
                       "{:.1f}", run.late_ms, late_ms_max);
  }
  return "";
}

judged_run judge(validate_arguments const& a, one_run const& r) {
  say(a, fmt::format("running {} with policies {}: {} processes, {:.0f} s", r.what.name, r.set,
                     r.what.hydras, static_cast<double>(r.what.lasts.count()) / 1e9));
  auto const run = must(run_live("/proc/self/exe", r.what, r.set,
                                 a.in == "live" ? a.disturb : std::string{}), cli::failed);
  judged_run out{r.what.name, r.set, r.said.sha256, why_void(run), run.cpu_share, run.late_ms, {}};
  auto const said = must(read_prediction(r.said), cli::failed);
  out.measures = compare(said, measure(r.what, run.notes), r.what.seed);
  return out;
}

int do_calibrate(validate_arguments const& a) {
  auto const p = must(read_plan(plan_file("calibration/workshop")), cli::invalid);
  say(a, "calibrating with " + p.file);
  auto const run = must(run_live("/proc/self/exe", p, "a", ""), cli::failed);
  if (auto const why = why_void(run); !why.empty()) throw ended{cli::voided, "void: " + why};
  auto const c = calibrate(p, run.notes);
  fmt::print("{}", calibration_text(c, fmt::format("Processors {:.0f} % in use, timers {:.1f} ms "
                                                   "late.", 100 * run.cpu_share, run.late_ms)));
  return cli::ok;
}

int validate(validate_arguments const& a) {
  if (a.calibrate) return do_calibrate(a);
  auto const c = must(read_calibration(plan_file("calibration/measured")), cli::invalid);
  auto all = runs_of(a);
  predict_all(a, all, c);
  std::vector<judged_run> found;
  int code = cli::ok;
  for (auto const& r : all) {
    found.push_back(judge(a, r));
    auto const& last = found.back();
    if (last.past()) code = cli::bound_missed;
    if (code == cli::ok && !last.void_because.empty()) code = cli::voided;
    if (!a.json) fmt::print("{}", as_table(last, a.all));
    std::fflush(stdout);
  }
  if (a.json) fmt::print("{}\n", as_json(found, code));
  else if (code == cli::ok) say(a, "the simulator says what real processes do, within its bounds");
  else if (code == cli::bound_missed) say(a, "past a bound: the two worlds differ");
  else say(a, "void: nothing is said about the simulator");
  return code;
}

int as_head(char** argv) {
  head_orders o;
  o.plan_file = argv[2];
  o.set = argv[3];
  o.folder = argv[4];
  o.disturb = std::string{argv[5]} == "-" ? "" : argv[5];
  o.index = static_cast<std::uint32_t>(std::strtoul(argv[6], nullptr, 10));
  o.epoch_ns = std::strtoll(argv[7], nullptr, 10);
  o.begin_ns = std::strtoll(argv[8], nullptr, 10);
  return live_head(o);
}

int command(int argc, char** argv) {
  if (argc == 9 && std::string{argv[1]} == "--as-head") return as_head(argv);
  CLI::App app{"Hydra: how true the simulator is", "hydra"};
  validate_arguments a;
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "hydra " HYDRA_VERSION, "version of this program");
  app.add_flag("--json", a.json, "the verdict as JSON");
  app.add_flag("-q,--quiet", a.quiet, "say nothing but the verdict and errors");
  cli::add_validate_verb(app, a);
  app.get_subcommand(cli::validate_name)->fallthrough();
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "hydra validate: {}\nTry --help.\n", e.what());
    return cli::usage;
  }
  return validate(a);
}

}  // namespace
}  // namespace hydra::validation

int main(int argc, char** argv) {
  using namespace hydra;
  try {
    return validation::command(argc, argv);
  } catch (validation::ended const& e) {
    fmt::print(stderr, "hydra validate: {}\n", e.why);
    return e.why == "interrupted" ? cli::interrupted : e.with;
  } catch (std::exception const& e) {
    fmt::print(stderr, "hydra validate: {}\n", e.what());
    return cli::failed;
  }
}
