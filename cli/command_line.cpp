// The command line: reads it, picks the verb, and turns every outcome into an exit code.
#include "command_line.hpp"

#include "options.hpp"

#include <hydra/sim/main.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstddef>
#include <exception>
#include <new>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::cli {
namespace {

words const verbs_of_programs{"run", "list", "lint", "check-determinism"};
words const value_flags{"-o",    "--output", "--seed",    "--threads", "--set", "--progress",
                        "--out", "--trace",  "--timeout", "--shards",  "--report"};

constexpr char const* shared_flags =
    "Flags of every verb:\n"
    "  -h, --help                 what a verb does\n"
    "  -V, --version              version of this program\n"
    "  -v, --verbose              say more\n"
    "  -q, --quiet                say nothing but errors\n"
    "  --json                     same as -o json\n"
    "  -o, --output FORMAT        table, json, ndjson or csv\n"
    "  --seed N                   another seed than the scenario's\n"
    "  --threads N                changes how long a run takes, never its result\n"
    "  --set KEY=VALUE            another value, like --set workload.jobs=500; repeatable\n"
    "  --progress STYLE           auto, plain, json or none (on stderr)\n"
    "  --no-timings               leave out what depends on this machine\n"
    "  --no-color                 as does NO_COLOR in the environment\n\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 scenario invalid, 4 bound not met,\n"
    "8 not deterministic, 124 timeout, 130 interrupted";

// What was probably meant; else `nothing`.
std::string hint(std::string_view word, words const& among, char const* nothing = "") {
  auto const near = sim::nearest_spelling(word, among);
  return near.empty() ? nothing : "; did you mean \"" + std::string{near} + "\"?";
}

std::string listed(words const& all) {
  std::string out;
  for (auto w : all) out += (out.empty() ? "" : ", ") + std::string{w};
  return out;
}

// One of these words, which stands for a number of an enumeration.
template <class E>
CLI::Validator one_of(std::string const& flag, std::map<std::string, E> const& all) {
  return {[flag, &all](std::string& word) -> std::string {
            auto const it = all.find(word);
            if (it != all.end()) {
              word = std::to_string(static_cast<int>(it->second));
              return "";
            }
            words allowed;
            for (auto const& [name, value] : all) allowed.push_back(name);
            auto const near = sim::nearest_spelling(word, allowed);
            return flag + " \"" + word + "\" is not allowed; allowed: " + listed(allowed) +
                   (near.empty() ? "" : "; did you mean \"" + std::string{near} + "\"?");
          },
          ""};
}
// `flag` names a hidden option, whose name CLI11 leaves out.
CLI::Validator from_1_to_256(std::string const& flag) {
  return {[flag](std::string& word) -> std::string {
            bool const digits = !word.empty() && word.size() < 5 &&
                                word.find_first_not_of("0123456789") == std::string::npos;
            if (digits && std::stoi(word) >= 1 && std::stoi(word) <= 256) return "";
            return flag + "\"" + word + "\" is not allowed; allowed: 1 to 256";
          },
          ""};
}

void add_shared(CLI::App& app, common_options& o) {
  static std::map<std::string, format> const formats{{"table", format::table},
                                                     {"json", format::json},
                                                     {"ndjson", format::ndjson},
                                                     {"csv", format::csv}};
  static std::map<std::string, progress_style> const styles{
      {"auto", progress_style::automatic},
      {"plain", progress_style::plain},
      {"json", progress_style::json},
      {"none", progress_style::none}};
  auto const hidden = [](CLI::Option* option) { return option->group(""); };
  hidden(app.add_flag("-v,--verbose", o.verbose));
  hidden(app.add_flag("-q,--quiet", o.quiet));
  hidden(app.add_flag_callback("--json", [&o] { o.output = format::json; }));
  hidden(app.add_option("-o,--output", o.output))
      ->transform(one_of("--output", formats));
  hidden(app.add_option("--seed", o.seed));
  hidden(app.add_option("--threads", o.threads))->check(from_1_to_256("--threads "));
  hidden(app.add_option("--set", o.sets))->expected(1)->take_all();
  hidden(app.add_option("--progress", o.progress))->transform(one_of("--progress", styles));
  hidden(app.add_flag("--no-timings", o.no_timings));
  hidden(app.add_flag("--no-color", o.no_color));
}

// A user's program runs `hello` when no scenario is named.
void add_run(CLI::App& app, run_arguments& a, bool scenario_required) {
  app.add_option("scenario", a.scenario, "a path, or the name of one that `list` shows")
      ->required(scenario_required);
  app.add_option("--shards", a.shards, "parts of the world; changes no result")
      ->check(from_1_to_256(""));
  app.add_flag("--permute", a.permute, "every peer sees its own handles; changes no result");
}

void add_run_only(CLI::App& app, run_arguments& a) {
  app.add_option("--out", a.out, "folder for results: DIR/SCENARIO-SEED-HASH/")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--no-out", a.no_out, "write no files");
  app.add_option("--report", a.report,
                 "what to write beside the result: none, or some of html,csv,trace,sqlite")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--trace", a.trace, "write what happens as NDJSON")->type_name("FILE");
  app.add_option("--timeout", a.timeout, "stop after so long, like \"60 s\"; exit code 124")
      ->type_name("DURATION");
  app.add_flag("--alone", a.alone, "also run it where every Hydra is alone");
  app.add_flag("--unverified", a.unverified, "also run it with verification off");
  app.add_flag("--wire-check", a.wire_check, "encode, decode and compare messages on the way");
}

// All options that may stand where the user typed an unknown one.
std::string flag_hint(CLI::App const* app, std::string const& wrong) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent())
    for (auto const* option : app->get_options())
      for (auto const& name : option->get_lnames()) names.push_back("--" + name);
  return hint(wrong.substr(0, wrong.find('=')), {names.begin(), names.end()});
}

CLI::App const* chosen(CLI::App const& root) {
  CLI::App const* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

// `where` is the verb that was chosen; the messages name it after the program.
int explain(CLI::App& app, CLI::ParseError const& e, words const& verbs) {
  if (e.get_exit_code() == 0) return app.exit(e);  // help and version
  auto const* where = chosen(app);
  std::string name;
  for (auto const* each = where; each != &app; each = each->get_parent())
    name = " " + each->get_name() + name;
  std::string what = e.what();
  if (what.starts_with(": ")) what.erase(0, 2);  // a flag without a name in CLI11's own words
  if (dynamic_cast<CLI::ExtrasError const*>(&e) != nullptr) {
    auto const extra = app.remaining(true);
    auto const first = extra.empty() ? std::string{} : extra.front();
    what = first.starts_with('-') ? "unknown flag \"" + first + "\"" + flag_hint(where, first)
                                  : "unexpected \"" + first + "\"";
  } else if (!where->get_subcommands([](CLI::App const*) { return true; }).empty()) {
    what = "a verb is missing; allowed: " + listed(where == &app ? verbs : sim_verbs);
  }
  std::fprintf(stderr, "%s%s: %s\nTry --help.\n", app.get_name().c_str(), name.c_str(),
               what.c_str());
  return usage;
}

// The verbs of the simulator, below `at`, and what they read.
struct simulator_verbs {
  run_arguments arguments;
  std::vector<std::string> lint_what;
  CLI::App *run, *list, *lint, *check;

  simulator_verbs(CLI::App& at, bool own) {
    run = at.add_subcommand("run", "run a scenario");
    list = at.add_subcommand("list", "scenarios that can be named");
    lint = at.add_subcommand("lint", "what is wrong or odd about scenarios");
    check = at.add_subcommand("check-determinism", "run twice, find what differs");
    add_run(*run, arguments, !own);
    add_run_only(*run, arguments);
    add_run(*check, arguments, !own);
    lint->add_option("scenarios", lint_what, "paths or names; none: all that `list` shows");
    if (own) arguments.scenario = "hello";
  }
  simulator_verbs(simulator_verbs const&) = delete;
  simulator_verbs& operator=(simulator_verbs const&) = delete;
};

}  // namespace

bool has(words const& all, std::string_view word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

// The index of the n-th word that is neither a flag nor a flag's value; argc when there is none.
int word_at(int argc, char** argv, int n) {
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (has(value_flags, word)) {
      ++i;
    } else if (!word.starts_with('-') && n-- == 0) {
      return i;
    }
  }
  return argc;
}

int unknown_verb(std::string_view verb, std::string const& after, words const& among) {
  std::fprintf(stderr, "hydra%s: unknown verb \"%s\"%s allowed: %s\n", after.c_str(),
               std::string{verb}.c_str(), hint(verb, among, ";").c_str(), listed(among).c_str());
  return usage;
}

int parse_and_run(program const& self, int argc, char** argv) {
  bool const own = self.simulator_only;
  common_options o;
  o.program = own ? self.name : self.name + " sim";
  std::string fit_what;
  CLI::App app{own ? "A Hydra of one's own, simulated"
                     : "Hydra: policies for decentralised compute networks, simulated and real",
               self.name};
  app.set_version_flag("-V,--version", version_line());
  app.require_subcommand(1);
  add_shared(app, o);
  auto* simulate = own ? &app : app.add_subcommand("sim", "simulate a world");
  simulate->require_subcommand(1);
  simulator_verbs verbs{*simulate, own};
  CLI::App* fit = nullptr;
  CLI::App* about = nullptr;
  if (!own) {
    fit = simulate->add_subcommand("fit", "errors of the fitted models, with their bounds");
    fit->add_option("what", fit_what)->required()->check(CLI::IsMember({"latency", "churn"}));
    about = app.add_subcommand("version", "version, compiler, build");
  }
  app.footer(shared_flags);
  for (auto* each : {simulate, verbs.run, verbs.list, verbs.lint, verbs.check, fit, about}) {
    if (each == nullptr || each == &app) continue;
    each->fallthrough();
    each->footer(shared_flags);
  }
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return explain(app, e, own ? verbs_of_programs : own_verbs);
  }
  if (verbs.run->parsed()) return sim_run(o, verbs.arguments, self.harness);
  if (verbs.list->parsed()) return sim_list(o);
  if (verbs.lint->parsed()) return sim_lint(o, verbs.lint_what);
  if (verbs.check->parsed()) return sim_check_determinism(o, verbs.arguments, self.harness);
  return fit != nullptr && fit->parsed() ? sim_fit(o, fit_what) : version(o);
}

int guarded(std::string const& name, int (*call)(int, char**, sim::harness const&), int argc,
            char** argv, sim::harness const& how) {
  int code = failed;
  try {
    code = call(argc, argv, how);
  } catch (usage_error const& e) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), e.what.c_str());
    code = usage;
  } catch (std::bad_alloc const&) {
    std::fprintf(stderr,
                 "%s: there is not enough memory; fewer hydras or workload.jobs need less (about "
                 "20 kB per Hydra)\n",
                 name.c_str());
  } catch (std::exception const& e) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), e.what());
  }
  // A full disk behind stdout is a failure, too.
  if (std::fflush(stdout) != 0 && code == ok) {
    std::fprintf(stderr, "%s: the output could not be written\n", name.c_str());
    code = failed;
  }
  return code;
}

namespace {

std::string name_of(int argc, char** argv) {
  return argc > 0 ? std::filesystem::path{argv[0]}.filename().string() : "program";
}

// `run` may be left out, and `sim` may be said as with hydra.
int dispatch(int argc, char** argv, sim::harness const& how) {
  std::vector<char*> all(argv, argv + argc);
  if (all.empty()) all.push_back(const_cast<char*>("program"));
  auto const count = [&] { return static_cast<int>(all.size()); };
  auto at = static_cast<std::size_t>(word_at(count(), all.data(), 0));
  if (at < all.size() && std::string_view{all[at]} == "sim") {
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    at = static_cast<std::size_t>(word_at(count(), all.data(), 0));
  }
  bool const asks = std::any_of(all.begin(), all.end(), [](std::string_view word) {
    return has({"-h", "--help", "-V", "--version"}, word);
  });
  bool const verb = at < all.size() && has(verbs_of_programs, all[at]);
  char run[] = "run";
  if (!verb && !asks) all.insert(all.begin() + 1, run);
  return parse_and_run({name_of(argc, argv), how, true}, count(), all.data());
}

}  // namespace
}  // namespace hydra::cli

namespace hydra::sim {

int command_line(int argc, char** argv, harness const& how) {
  return cli::guarded(cli::name_of(argc, argv), cli::dispatch, argc, argv, how);
}

}  // namespace hydra::sim
