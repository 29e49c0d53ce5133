// The command line: reads it, picks the verb, and turns every outcome into an exit code.
#include "command_line.hpp"

#include "network_verbs.hpp"
#include "options.hpp"
#include "outline.hpp"
#include "papers_verb.hpp"
#include "validate_verb.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/main.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstddef>
#include <exception>
#include <new>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::cli {
namespace {

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

// One of these words; help and completions read them off the name of the type. With `numbers` a
// word stands for an enumerator, the first for 0.
void choice(CLI::Option* option, std::string const& named, words const& allowed,
            bool numbers = false) {
  std::string type;
  for (auto w : allowed) type += (type.empty() ? "" : "|") + std::string{w};
  option->type_name(type)->transform(CLI::Validator{
      [named, allowed, numbers](std::string& word) -> std::string {
        auto const it = std::find(allowed.begin(), allowed.end(), word);
        if (it == allowed.end())
          return named + "\"" + word + "\" is not allowed; allowed: " + listed(allowed) +
                 hint(word, allowed);
        if (numbers) word = std::to_string(it - allowed.begin());
        return "";
      },
      ""});
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

// Help shows them once, below every verb's own.
void add_shared(CLI::App& app, common_options& o) {
  app.set_help_flag("-h,--help", "what a verb does");
  app.set_version_flag("-V,--version", version_line(), "version of this program");
  app.add_flag("-v,--verbose", o.verbose, "say more");
  app.add_flag("-q,--quiet", o.quiet, "say nothing but errors");
  app.add_flag_callback("--json", [&o] { o.output = format::json; }, "same as -o json");
  choice(app.add_option("-o,--output", o.output, "how results are shown"), "--output ",
         {"table", "json", "ndjson", "csv"}, true);
  app.add_option("--seed", o.seed, "another seed than the scenario's")->type_name("N");
  app.add_option("--threads", o.threads, "changes how long a run takes, never its result")
      ->type_name("N")
      ->check(from_1_to_256("--threads "));
  app.add_option("--set", o.sets, "another value, like --set workload.jobs=500; repeatable")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  choice(app.add_option("--progress", o.progress, "how far a run is, on stderr"), "--progress ",
         {"auto", "plain", "json", "none"}, true);
  app.add_flag("--no-timings", o.no_timings, "leave out what depends on this machine");
  app.add_flag("--no-color", o.no_color, "as does NO_COLOR in the environment");
}

// A user's program runs `hello` when no scenario is named.
void add_run(CLI::App& app, run_arguments& a, bool scenario_required) {
  app.add_option("scenario", a.scenario, "a path, or the name of one that `list` shows")
      ->type_name("SCENARIO")
      ->required(scenario_required);
  app.add_option("--shards", a.shards, "parts of the world; changes no result")
      ->type_name("N")
      ->check(from_1_to_256(""));
  app.add_flag("--permute", a.permute, "every peer sees its own handles; changes no result");
}

void add_run_only(CLI::App& app, run_arguments& a) {
  auto* const out = app.add_option("--out", a.out, "folder for results: DIR/SCENARIO-SEED-HASH/")
                        ->type_name("DIR")
                        ->capture_default_str();
  app.add_flag("--no-out", a.no_out, "write no files")->excludes(out);
  app.add_option("--report", a.report,
                 "what to write beside the result: none, or some of html,csv,trace,sqlite")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--trace", a.trace, "write what happens as NDJSON")->type_name("FILE");
  app.add_option("--timeout", a.timeout, "stop after so long, like \"60 s\"; exit code 124")
      ->type_name("DURATION");
  app.add_flag("--alone", a.alone, "also run it where every Hydra is alone");
  app.add_flag("--unverified", a.unverified, "also run it with verification off");
  app.add_flag("--omniscient", a.omniscient, "also schedule it centrally, knowing everything");
  app.add_flag("--wire-check", a.wire_check, "encode, decode and compare messages on the way");
  app.add_option("--checkpoint", a.checkpoint,
                 "write the run down when it is stopped (Ctrl-C, --timeout), or when said:")
      ->type_name("FILE");
  app.add_option("--checkpoint-at", a.checkpoint_at, "at this simulated instant, like \"10 min\"")
      ->type_name("DURATION");
  app.add_option("--checkpoint-every", a.checkpoint_every, "whenever so much was simulated")
      ->type_name("DURATION");
  app.add_option("--resume", a.resume, "go on from a checkpoint; the scenario may be left out")
      ->type_name("FILE");
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

words names_of(std::vector<CLI::App const*> const& verbs) {
  words out;
  for (auto const* each : verbs) out.push_back(each->get_name());
  return out;
}

std::vector<CLI::App const*> verbs_of(CLI::App const& app) {
  return app.get_subcommands([](CLI::App const*) { return true; });
}

// The messages name the chosen verb after the program.
int explain(CLI::App& app, CLI::ParseError const& e) {
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
  } else if (auto const verbs = verbs_of(*where); !verbs.empty()) {
    what = "a verb is missing; allowed: " + listed(names_of(verbs));
  }
  std::fprintf(stderr, "%s%s: %s\nTry --help.\n", app.get_name().c_str(), name.c_str(),
               what.c_str());
  return usage;
}

flag_outline outline_of(CLI::Option const& option) {
  flag_outline out;
  for (auto const& n : option.get_snames()) out.names.push_back("-" + n);
  for (auto const& n : option.get_lnames()) out.names.push_back("--" + n);
  if (option.get_type_size() != 0) out.value = option.get_type_name();
  out.about = option.get_description();
  out.required = option.get_required();
  out.many = option.get_expected_max() > 1;
  return out;
}

verb_outline outline_of(CLI::App const& app, std::string const& before) {
  verb_outline out{app.get_name(), before + app.get_name(), app.get_description(), {}, {}, {}};
  auto const& network = network_verb_names();
  out.of_network = before == "hydra " && (has({network.begin(), network.end()}, out.name) ||
                                          out.name == validate_name || out.name == papers_name);
  for (auto const* option : app.get_options()) {
    if (app.get_parent() != nullptr && option == app.get_help_ptr()) continue;  // the root has it
    auto& to = option->nonpositional() ? out.flags : out.words;
    to.push_back(outline_of(*option));
  }
  for (auto const* each : verbs_of(app)) out.verbs.push_back(outline_of(*each, out.path + " "));
  return out;
}

std::string exit_codes() {
  std::string out;
  std::string line = "Exit codes:";
  for (auto const& each : exit_meanings) {
    auto const next = " " + std::to_string(each.code) + " " + each.means;
    if (line.size() + next.size() > 78) {
      out += line + "\n";
      line = next.substr(1);
    } else {
      line += next;
    }
    if (&each != &exit_meanings.back()) line += ",";
  }
  return out + line;
}

std::string footer_of(verb_outline const& all) {
  std::vector<std::pair<std::string, std::string>> rows;
  std::size_t wide = 0;
  for (auto const& flag : all.flags) {
    rows.emplace_back(flag.synopsis(", "), flag.about);
    wide = std::max(wide, rows.back().first.size());
  }
  std::string out = "Flags of every verb:\n";
  for (auto const& [left, right] : rows)
    out += "  " + left + std::string(wide + 2 - left.size(), ' ') + right + "\n";
  return out + "\n" + exit_codes();
}

// The one table of verbs and options, and what they read. Help, the man page and the completions
// are made of it.
struct command_table {
  common_options common;
  run_arguments arguments;
  std::vector<std::string> lint_what;
  std::string fit_what, shell;
  network_arguments of_network;  // shown only: hydra-node reads them
  validate_arguments of_validate;  // and hydra-validate these
  papers_arguments of_papers;      // and hydra-papers these
  CLI::App app;
  CLI::App *run, *list, *lint, *check;
  CLI::App *fit = nullptr, *about = nullptr, *completion = nullptr, *man = nullptr;

  explicit command_table(program const& self)
      : app{self.simulator_only
                ? "A Hydra of one's own, simulated"
                : "Hydra: policies for decentralised compute networks, simulated and real",
            self.name} {
    app.require_subcommand(1);
    add_shared(app, common);
    if (self.simulator_only) {
      add_simulator(app, true);
    } else {
      add_own();
    }
    finish(app, footer_of(outline_of(app, "")));
    if (!self.simulator_only) finish_network();
    for (auto* option : app.get_options()) option->group("");
  }
  command_table(command_table const&) = delete;
  command_table& operator=(command_table const&) = delete;

 private:
  void add_simulator(CLI::App& at, bool own) {
    run = at.add_subcommand("run", "run a scenario");
    list = at.add_subcommand("list", "scenarios that can be named");
    lint = at.add_subcommand("lint", "what is wrong or odd about scenarios");
    check = at.add_subcommand("check-determinism", "run twice, find what differs");
    add_run(*run, arguments, false);
    add_run_only(*run, arguments);
    run->callback([this, own] {
      if (!arguments.scenario.empty() || !arguments.resume.empty()) return;
      if (!own) throw CLI::RequiredError("scenario");
      arguments.scenario = "hello";
    });
    add_run(*check, arguments, !own);
    check->callback([this] {
      if (arguments.scenario.empty()) arguments.scenario = "hello";
    });
    lint->add_option("scenarios", lint_what, "paths or names; none: all that `list` shows")
        ->type_name("SCENARIO");
  }
  void add_own() {
    auto* simulate = app.add_subcommand("sim", "simulate a world")->require_subcommand(1);
    add_simulator(*simulate, false);
    fit = simulate->add_subcommand("fit", "errors of the fitted models, with their bounds");
    choice(fit->add_option("what", fit_what, "which models")->required(), "",
           {"latency", "churn"});
    about = app.add_subcommand("version", "version, compiler, build");
    completion = app.add_subcommand("completion", "a script that completes words in a shell");
    choice(completion->add_option("shell", shell, "the shell it is for")->required(), "",
           {"bash", "zsh", "fish"});
    man = app.add_subcommand("man", "the manual page, for man -l -");
    add_network_verbs(app, of_network);
    for (auto const& name : network_verb_names()) add_home(*app.get_subcommand(name));
    add_validate_verb(app, of_validate);
    add_papers_verb(app, of_papers);
  }
  void add_home(CLI::App& at) {
    auto const below = at.get_subcommands([](CLI::App*) { return true; });
    for (auto* each : below) add_home(*each);
    if (below.empty()) add_home_flag(at, of_network);
  }
  void finish_network() {
    auto const footer = "Of the flags of every verb: -h, -V, -q and --json.\n\n" + exit_codes();
    for (auto const& name : network_verb_names()) finish(*app.get_subcommand(name), footer);
    for (auto const* name : {validate_name, papers_name}) {
      finish(*app.get_subcommand(name), footer);
    }
  }
  static void finish(CLI::App& at, std::string const& footer) {
    at.footer(footer);
    for (auto* each : at.get_subcommands([](CLI::App*) { return true; })) {
      each->fallthrough();
      each->get_help_ptr()->group("");
      finish(*each, footer);
    }
  }
};

// Of every verb: a flag that takes a value takes one wherever it stands.
void add_value_flags(verb_outline const& from, std::vector<std::string>& to) {
  for (auto const& flag : from.flags)
    if (!flag.value.empty()) to.insert(to.end(), flag.names.begin(), flag.names.end());
  for (auto const& verb : from.verbs) add_value_flags(verb, to);
}

}  // namespace

bool has(words const& all, std::string_view word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

words names_of(std::vector<verb_outline> const& verbs) {
  words out;
  for (auto const& each : verbs) out.push_back(each.name);
  return out;
}

std::string flag_outline::synopsis(char const* between) const {
  std::string out;
  for (auto const& name : names) out += (out.empty() ? "" : between) + name;
  return out + (value.empty() || names.empty() ? "" : " ") + value;
}

words flag_outline::choices() const {
  words out;
  std::string_view rest = value;
  if (rest.find('|') == std::string_view::npos) return out;
  for (;;) {
    auto const end = rest.find('|');
    out.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) return out;
    rest.remove_prefix(end + 1);
  }
}

verb_outline outline(program const& self) { return outline_of(command_table{self}.app, ""); }

verb_outline const& outline() {
  static verb_outline const all = outline(program{});
  return all;
}

std::vector<std::string> value_flags() {
  std::vector<std::string> out;
  add_value_flags(outline(), out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

int word_at(int argc, char** argv, int n) {
  static auto const with_value = value_flags();
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (std::binary_search(with_value.begin(), with_value.end(), word)) {
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
  command_table table{self};
  auto& o = table.common;
  o.program = self.simulator_only ? self.name : self.name + " sim";
  o.fixed = self.harness.fixed;
  try {
    table.app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return explain(table.app, e);
  }
  auto const said = [](CLI::App const* verb) { return verb != nullptr && verb->parsed(); };
  if (said(table.run)) return sim_run(o, table.arguments, self.harness);
  if (said(table.list)) return sim_list(o);
  if (said(table.lint)) return sim_lint(o, table.lint_what);
  if (said(table.check)) return sim_check_determinism(o, table.arguments, self.harness);
  if (said(table.fit)) return sim_fit(o, table.fit_what);
  if (said(table.completion)) return completion(table.shell);
  return said(table.man) ? man() : version(o);
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
  } catch (sim::data_error const& e) {  // a matrix or a trace that the scenario names
    std::fprintf(stderr, "%s: %s\n", name.c_str(), e.what());
    code = invalid;
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
  program const self{name_of(argc, argv), how, true};
  auto const own = outline(self);
  bool const verb = at < all.size() && has(names_of(own.verbs), all[at]);
  char run[] = "run";
  if (!verb && !asks) all.insert(all.begin() + 1, run);
  return parse_and_run(self, count(), all.data());
}

}  // namespace
}  // namespace hydra::cli

namespace hydra::sim {

int command_line(int argc, char** argv, harness const& how) {
  return cli::guarded(cli::name_of(argc, argv), cli::dispatch, argc, argv, how);
}

}  // namespace hydra::sim
