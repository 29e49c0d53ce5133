// The command line: reads it, picks the verb, and turns every outcome into an exit code.
#include "options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::cli {
namespace {

using words = std::vector<std::string_view>;

words const own_verbs{"sim", "version"};
words const sim_verbs{"run", "list", "lint", "fit", "check-determinism"};
words const network_verbs{"up",   "status",  "down", "run",  "ls",       "show",   "why", "cancel",
                          "get",  "service", "peer", "ring", "identity", "doctor", "demo"};
words const later_verbs{"compare", "sweep", "validate", "papers", "report", "completion"};
words const value_flags{"-o", "--output", "--seed", "--threads", "--set", "--progress"};

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
    "  --no-color                 as does NO_COLOR in the environment\n\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 scenario invalid, 4 bound not met,\n"
    "8 not deterministic, 124 timeout, 130 interrupted";

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

std::string hint(std::string_view word, words const& among) {
  auto const near = sim::nearest_spelling(word, among);
  return near.empty() ? ";" : "; did you mean \"" + std::string{near} + "\"?";
}

std::string listed(words const& all) {
  std::string out;
  for (auto w : all) out += (out.empty() ? "" : ", ") + std::string{w};
  return out;
}

int unknown_verb(std::string_view verb, std::string const& after, words const& among) {
  std::fprintf(stderr, "hydra%s: unknown verb \"%s\"%s allowed: %s\n", after.c_str(),
               std::string{verb}.c_str(), hint(verb, among).c_str(), listed(among).c_str());
  return usage;
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
      ->transform(CLI::CheckedTransformer(formats));
  hidden(app.add_option("--seed", o.seed));
  hidden(app.add_option("--threads", o.threads))->check(CLI::Range(1, 256));
  hidden(app.add_option("--set", o.sets))->expected(1)->take_all();
  hidden(app.add_option("--progress", o.progress))->transform(CLI::CheckedTransformer(styles));
  hidden(app.add_flag("--no-color", o.no_color));
}

void add_run(CLI::App& app, run_arguments& a) {
  app.add_option("scenario", a.scenario, "a path, or the name of one that `sim list` shows")
      ->required();
  app.add_option("--shards", a.shards, "parts of the world; changes no result")
      ->check(CLI::Range(1, 256));
  app.add_flag("--permute", a.permute, "every peer sees its own handles; changes no result");
}

void add_run_only(CLI::App& app, run_arguments& a) {
  app.add_option("--out", a.out, "folder for results: DIR/SCENARIO-SEED-HASH/")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--no-out", a.no_out, "write no files");
  app.add_option("--trace", a.trace, "write what happens as NDJSON")->type_name("FILE");
  app.add_option("--timeout", a.timeout, "stop after so long, like \"60 s\"; exit code 124")
      ->type_name("DURATION");
  app.add_flag("--alone", a.alone, "also run it where every Hydra is alone");
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

int explain(CLI::App& app, CLI::ParseError const& e) {
  if (e.get_exit_code() == 0) return app.exit(e);  // help and version
  auto const* where = chosen(app);
  std::string name;
  for (auto const* each = where; each != &app; each = each->get_parent())
    name = " " + each->get_name() + name;
  std::string what = e.what();
  if (dynamic_cast<CLI::ExtrasError const*>(&e) != nullptr) {
    auto const extra = app.remaining(true);
    auto const first = extra.empty() ? std::string{} : extra.front();
    what = first.starts_with('-') ? "unknown flag \"" + first + "\"" + flag_hint(where, first)
                                  : "unexpected \"" + first + "\"";
  } else if (!where->get_subcommands([](CLI::App const*) { return true; }).empty()) {
    what = "a verb is missing; allowed: " + listed(where == &app ? own_verbs : sim_verbs);
  }
  std::fprintf(stderr, "hydra%s: %s\nTry --help.\n", name.c_str(), what.c_str());
  return usage;
}

int parse_and_run(int argc, char** argv) {
  common_options o;
  run_arguments a;
  std::vector<std::string> lint_what;
  std::string fit_what;
  CLI::App app{"Hydra: policies for decentralised compute networks, simulated and real", "hydra"};
  app.set_version_flag("-V,--version", version_line());
  app.footer(shared_flags);
  app.require_subcommand(1);
  add_shared(app, o);
  auto* simulate = app.add_subcommand("sim", "simulate a world");
  simulate->require_subcommand(1);
  auto* run = simulate->add_subcommand("run", "run a scenario");
  auto* list = simulate->add_subcommand("list", "scenarios that can be named");
  auto* lint = simulate->add_subcommand("lint", "what is wrong or odd about scenarios");
  auto* fit = simulate->add_subcommand("fit", "errors of the fitted models, with their bounds");
  auto* check = simulate->add_subcommand("check-determinism", "run twice, find what differs");
  auto* about = app.add_subcommand("version", "version, compiler, build");
  add_run(*run, a);
  add_run_only(*run, a);
  add_run(*check, a);
  lint->add_option("scenarios", lint_what, "paths or names; none: all that `sim list` shows");
  fit->add_option("what", fit_what)->required()->check(CLI::IsMember({"latency", "churn"}));
  for (auto* each : {simulate, run, list, lint, fit, check, about}) {
    each->fallthrough();
    each->footer(shared_flags);
  }
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return explain(app, e);
  }
  if (run->parsed()) return sim_run(o, a);
  if (list->parsed()) return sim_list(o);
  if (lint->parsed()) return sim_lint(o, lint_what);
  if (fit->parsed()) return sim_fit(o, fit_what);
  if (check->parsed()) return sim_check_determinism(o, a);
  return version(o);
}

int dispatch(int argc, char** argv) {
  int const first = word_at(argc, argv, 0);
  if (first < argc) {
    std::string_view const verb = argv[first];
    if (has(network_verbs, verb)) return network_verb(std::string{verb}, argv);
    if (has(later_verbs, verb)) {
      std::fprintf(stderr, "hydra: \"%s\" is not in this version (%s)\n", argv[first],
                   version_line().c_str());
      return usage;
    }
    auto all = own_verbs;
    all.insert(all.end(), network_verbs.begin(), network_verbs.end());
    if (!has(own_verbs, verb)) return unknown_verb(verb, "", all);
    int const second = word_at(argc, argv, 1);
    if (verb == "sim" && second < argc && !has(sim_verbs, argv[second]))
      return unknown_verb(argv[second], " sim", sim_verbs);
  }
  return parse_and_run(argc, argv);
}

}  // namespace
}  // namespace hydra::cli

int main(int argc, char** argv) {
  using namespace hydra::cli;
  int code = failed;
  try {
    code = dispatch(argc, argv);
  } catch (usage_error const& e) {
    std::fprintf(stderr, "hydra: %s\n", e.what.c_str());
    code = usage;
  } catch (std::exception const& e) {
    std::fprintf(stderr, "hydra: %s\n", e.what());
  }
  // A full disk behind stdout is a failure, too.
  if (std::fflush(stdout) != 0 && code == ok) {
    std::fprintf(stderr, "hydra: the output could not be written\n");
    code = failed;
  }
  return code;
}
