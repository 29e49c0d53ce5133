// hydra sim run: one scenario, once.
#include "files.hpp"
#include "meter.hpp"
#include "options.hpp"
#include "render.hpp"

#include <hydra/sim/checkpoint_file.hpp>
#include <hydra/sim/data_path.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/report.hpp>
#include <hydra/sim/run.hpp>

#include <fmt/format.h>

#include <ctime>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace hydra::cli {
namespace {

duration said(char const* flag, std::string const& text) {
  if (text.empty()) return {};
  std::string error;
  auto const d = sim::parse_duration(text, error);
  if (!error.empty()) throw usage_error{std::string{flag} + ": " + error};
  if (d <= duration{}) {
    throw usage_error{fmt::format("{}: {} is not allowed; allowed: more than 0 s", flag, text)};
  }
  return d;
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
  named_texts all{{"result.json", sim::result_json(r, !o.no_timings, 2) + "\n"},
                  {"manifest.json", manifest_json(from, r) + "\n"}};
  if (wanted.any()) add_report(o, wanted, seen, r, all);
  auto wrong = write_files(folder, all);
  if (!wrong.empty()) return wrong;
  to.written = folder + "/";
  if (all.back().first == "report.html") to.report = to.written + "report.html";
  return wrong;
}

// What of a checkpoint was said to be another run, or nothing. Who names a scenario, a seed or a
// setting beside --resume means the run that was written down.
std::string other_run(common_options const& o, run_arguments const& a,
                      sim::checkpoint_head const& head, sim::scenario const& s) {
  if (a.scenario.empty() && o.seed.empty() && o.sets.empty()) return "";
  std::string path;
  auto const meant = load(o, a.scenario.empty() ? head.scenario : a.scenario, path);
  complain(o, meant);
  if (!meant.ok()) return "the scenario beside it cannot be read";
  if (meant.value.seed != s.seed) {
    return fmt::format("it is of seed {}, not {}", s.seed, meant.value.seed);
  }
  if (sim::settings_hash(meant.value) == sim::settings_hash(s)) return "";
  return fmt::format("it is of scenario \"{}\" with settings {}; {} has settings {}", s.name,
                     sim::settings_hash(s), a.scenario.empty() ? head.scenario : a.scenario,
                     sim::settings_hash(meant.value));
}

// Takes over what was said of the run when it began. False: it is not the run that was meant.
bool take_up(common_options& o, run_arguments& a, sim::loaded_scenario& loaded) {
  sim::checkpoint_reader const file{a.resume};
  auto const& head = file.head();
  loaded = sim::parse_scenario(head.settings, a.resume);
  if (!loaded.ok()) {
    complain(o, loaded);
    return false;
  }
  if (auto const why = other_run(o, a, head, loaded.value); !why.empty()) {
    fmt::print(stderr, "{}: is a checkpoint of another run: {}\n", a.resume, why);
    return false;
  }
  bool const odd = (a.permute && !head.permute) || (a.wire_check && !head.wire_check) ||
                   (a.alone && !head.alone) || (a.unverified && !head.unverified);
  if (odd) {
    throw usage_error{"--resume goes on with the flags of the run that was written down; leave out "
                      "--permute, --wire-check, --alone and --unverified"};
  }
  loaded.text = head.text;
  loaded.warnings.clear();
  a.scenario = head.scenario;
  o.sets = head.sets;
  a.permute = head.permute;
  a.wire_check = head.wire_check;
  a.alone = head.alone;
  a.unverified = head.unverified;
  return true;
}

// Tells what checkpoints cost as they are written, and remembers whether the last one failed.
class checkpoint_teller {
 public:
  checkpoint_teller(common_options const& o, meter& clock)
      : json_{o.progress == progress_style::json}, quiet_{o.quiet}, clock_{&clock} {}
  void operator()(sim::checkpoint_note const& n) {
    if (n.begins) {
      since_ = clock_->wall_s();
      return;
    }
    auto const took = clock_->wall_s() - since_;
    wrong_ = !n.wrong.empty();
    written_ = !wrong_;
    clock_->clear();
    if (wrong_) {
      fmt::print(stderr, "hydra: the checkpoint was not written: {}\n", n.wrong);
    } else if (json_) {
      fmt::print(stderr, "{{\"checkpoint_at_s\":{:.3f},\"bytes\":{},\"wall_s\":{:.3f}}}\n",
                 seconds(n.at), n.bytes, took);
    } else if (!quiet_) {
      fmt::print(stderr, "checkpoint: {} at {:.3f} s, {:.1f} MB in {:.2f} s\n", n.file,
                 seconds(n.at), static_cast<double>(n.bytes) / 1e6, took);
    }
  }
  [[nodiscard]] bool failed() const noexcept { return wrong_; }
  [[nodiscard]] bool written() const noexcept { return written_; }

 private:
  bool json_;
  bool quiet_;
  meter* clock_;
  double since_ = 0;
  bool wrong_ = false;
  bool written_ = false;
};

sim::run_options options_for(common_options const& o, run_arguments const& a,
                             sim::loaded_scenario const& loaded) {
  auto const& s = loaded.value;
  sim::run_options how;
  how.threads = threads_of(o);
  how.shards = a.shards;
  how.wire_check = a.wire_check;
  how.permute = a.permute;
  how.alone = a.alone || s.compare.alone;
  how.unverified = a.unverified || s.compare.unverified;
  how.omniscient = a.omniscient || s.compare.omniscient;
  if (auto const why = sim::beyond_omniscient(s); how.omniscient && !why.empty()) {
    throw usage_error{fmt::format("--omniscient: the central scheduler {}", why)};
  }
  how.trace_file = a.trace;
  auto& c = how.checkpoint;
  c.write_to = a.checkpoint;
  c.at = said("--checkpoint-at", a.checkpoint_at);
  c.every = said("--checkpoint-every", a.checkpoint_every);
  c.resume_from = a.resume;
  c.origin = {a.scenario, loaded.text, o.sets, a.alone, a.unverified};
  if (c.write_to.empty() && (c.at != duration{} || c.every != duration{})) {
    throw usage_error{"--checkpoint-at and --checkpoint-every need --checkpoint FILE"};
  }
  if (c.at >= s.duration) {
    throw usage_error{"--checkpoint-at " + a.checkpoint_at + ": the run ends at " +
                      sim::duration_text(s.duration)};
  }
  return how;
}

// What a run is to leave behind, and what was recorded for it.
struct leavings {
  sim::report_choice wanted;
  sim::recording seen;
};
// What was recorded before a checkpoint is not in it: a run that goes on from one makes no report.
sim::report_choice report_wanted(common_options const& o, run_arguments const& a) {
  std::string error;
  auto const wanted = sim::report_named(a.report, error);
  if (!error.empty()) throw usage_error{"--report: " + error};
  if (a.no_out) return {false, false, false, false};
  if (a.resume.empty()) return wanted;
  if (wanted.any() && !o.quiet) {
    fmt::print(stderr, "hydra: a run that goes on from a checkpoint makes no report\n");
  }
  return {false, false, false, false};
}

int finish(common_options const& o, run_arguments const& a, sim::loaded_scenario const& loaded,
           leavings const& left, sim::run_result& result, bool late, bool unwritten) {
  auto const& s = loaded.value;
  auto const broken = result.failures.size();
  if (!result.interrupted)
    for (auto& missed : sim::missed_floors(s, result)) result.failures.push_back(std::move(missed));

  verdict said{s.purpose, "", "", {}, sim::delegation_tree(left.seen)};
  for (auto const& f : result.failures) said.failures.push_back(f.what);
  auto const wrong = write_outputs(o, a, {a.scenario, loaded.text, s}, left.wanted, left.seen,
                                   result, said);
  if (!o.quiet || o.output != format::table) {
    print_result(o, result, said);
  } else {
    for (auto const& f : said.failures) fmt::print(stderr, "failed: {}\n", f);
  }
  if (!wrong.empty()) fmt::print(stderr, "hydra: the results were not written: {}\n", wrong);

  if (late) return timed_out;
  if (result.interrupted) return interrupted;
  if (broken > 0 || !wrong.empty() || unwritten) return failed;
  return result.failures.empty() ? ok : bound_missed;
}

int run_or_resume(common_options o, run_arguments a, sim::harness const& program) {
  auto const limit = said("--timeout", a.timeout);
  sim::loaded_scenario loaded;
  std::string path = a.resume;
  if (!a.resume.empty()) {
    if (!take_up(o, a, loaded)) return invalid;
  } else {
    loaded = load(o, a.scenario, path);
    complain(o, loaded);
    if (!loaded.ok()) return invalid;
  }
  auto const& s = loaded.value;
  auto how = options_for(o, a, loaded);
  leavings left{report_wanted(o, a), {}};
  bool const draws_tree = !s.compositions.empty() && a.resume.empty();
  if (left.wanted.any() || draws_tree) how.record = &left.seen;
  if (o.verbose)
    fmt::print(stderr, "{}: {}, settings {}, {} threads, expected load {:.2f}\n", s.name, path,
               sim::settings_hash(s), how.threads, sim::expected_load(s));
  if (auto const wrong = a.no_out ? "" : unwritable(a.out); !wrong.empty()) {
    fmt::print(stderr, "hydra: the results cannot be written: {}\n", wrong);
    return failed;
  }
  catch_interrupt();
  meter progress{o, s.name, limit};
  checkpoint_teller checkpoints{o, progress};
  how.checkpoint.tell = [&](sim::checkpoint_note const& n) { checkpoints(n); };

  auto result = measured(program, s, how, progress);
  result.interrupted = result.interrupted || was_interrupted() || progress.timed_out();
  result.reproduce = reproduce(o, a, s);
  bool const asked = how.checkpoint.at != duration{} || how.checkpoint.every != duration{};
  if (asked && !checkpoints.written() && !checkpoints.failed() && !o.quiet)
    fmt::print(stderr, "checkpoint: none was written, the run ended before one was due\n");
  return finish(o, a, loaded, left, result, progress.timed_out(), checkpoints.failed());
}

}  // namespace

int sim_run(common_options const& o, run_arguments const& a, sim::harness const& program) {
  try {
    return run_or_resume(o, a, program);
  } catch (sim::checkpoint_error const& e) {
    fmt::print(stderr, "{}\n", e.what());
    return invalid;
  }
}

}  // namespace hydra::cli
