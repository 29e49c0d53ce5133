// The manual page and the completions against what --help shows.
#include "../catch.hpp"
#include "command.hpp"

#include <unistd.h>

#include <cctype>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace command;
using std::string;

namespace {

struct shown {
  std::set<string> flags;
  std::vector<string> verbs;  // whole paths, "sim run"
};

// Flags stand in the left column of help, verbs below "Subcommands:".
void read_help(string const& verb, shown& out) {
  auto const help = run(verb + " --help");
  INFO(verb);
  REQUIRE(help.code == 0);
  static std::regex const flag{R"(^  (-[^ ,]+(?:, -[^ ,]+)*))"};
  static std::regex const name{R"(-[-\w]+)"};
  std::istringstream lines{help.out};
  std::vector<string> below;
  bool in_verbs = false;
  for (string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, flag)) {
      string const left = found[1];
      for (std::sregex_iterator each{left.begin(), left.end(), name}, end; each != end; ++each)
        out.flags.insert(each->str());
    }
    if (line.empty()) in_verbs = false;
    auto const before = verb + (verb.empty() ? "" : " ");
    if (in_verbs) below.push_back(before + line.substr(2, line.find(' ', 2) - 2));
    if (line == "Subcommands:") in_verbs = true;
  }
  for (auto const& each : below) {
    out.verbs.push_back(each);
    read_help(each, out);
  }
}

shown const& from_help() {
  static shown const all = [] {
    shown out;
    read_help("", out);
    return out;
  }();
  return all;
}

// Without escapes and fonts.
string man_text() {
  static std::regex const markup{R"(\\f[BIR]|\\(?=-))"};
  return std::regex_replace(run("man").out, markup, "");
}

// Not a part of a longer flag.
bool names(string const& text, string const& flag) {
  for (std::size_t at = 0; (at = text.find(flag, at)) != string::npos; ++at) {
    auto const letter = [&](std::size_t i) {
      return i < text.size() &&
             (text[i] == '-' || std::isalnum(static_cast<unsigned char>(text[i])) != 0);
    };
    if (!letter(at + flag.size()) && (at == 0 || !letter(at - 1))) return true;
  }
  return false;
}

// A folder that is gone afterwards.
struct scratch {
  std::filesystem::path at = std::filesystem::temp_directory_path() /
                             ("hydra-completion-" + std::to_string(::getpid()));
  scratch() { std::filesystem::create_directories(at); }
  ~scratch() { std::filesystem::remove_all(at); }
};

// What bash would offer for the last word of `typed`, one a line.
string offered(std::vector<string> const& typed) {
  string words;
  for (auto const& word : typed) words += " '" + word + "'";
  return run_line("HYDRA_SCENARIOS='" HYDRA_SOURCE_DIR "/sim/scenarios' bash -c 'source <(\"$0\" "
                  "completion bash); COMP_WORDS=(\"$0\" \"$@\"); COMP_CWORD=$#; _hydra; "
                  "printf \"%s\\n\" \"${COMPREPLY[@]}\"' '" + program() + "'" + words)
      .out;
}

}  // namespace

TEST_CASE("every verb and flag that help shows is in the manual page and in the completions") {
  if (absent()) return;
  auto const& all = from_help();
  REQUIRE(all.verbs.size() >= 35);
  REQUIRE(all.flags.size() >= 24);
  auto const page = man_text();
  auto const bash = run("completion bash"), zsh = run("completion zsh");
  auto const fish = run("completion fish");
  for (auto const& verb : all.verbs) {
    INFO(verb);
    CHECK(page.find("hydra " + verb) != string::npos);
    for (auto const* script : {&bash, &zsh, &fish}) CHECK(has(*script, "'hydra " + verb + "'"));
  }
  for (auto const& flag : all.flags) {
    INFO(flag);
    CHECK(names(page, flag));
    CHECK(names(bash.out, flag));
    CHECK(names(zsh.out, flag));
    auto const bare = flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
    CHECK(has(fish, bare + " "));
  }
}

TEST_CASE("bash is offered verbs, flags, their values, scenarios and files") {
  if (absent() || missing("bash")) return;
  CHECK(offered({"si"}) == "sim\n");
  CHECK(offered({"peer", "p"}) == "ping\n");
  CHECK(offered({"run", "--pa"}) == "--param\n--patience\n");
  CHECK(offered({"run", "--m"}) == "--memory\n--minor-min\n--minor-max\n");
  CHECK(offered({"run", "text.sort", "--region", "a"}) == "africa\nasia\n");
  CHECK(offered({"up", "--"}) == "--detach\n--home\n--help\n--version\n--quiet\n--json\n");
  CHECK(offered({"run", "-o", HYDRA_SOURCE_DIR "/LIC"}) == HYDRA_SOURCE_DIR "/LICENSE\n");
  CHECK(offered({"sim", "r"}) == "run\n");
  CHECK(offered({"--seed", "sim", "sim", "l"}) == "list\nlint\n");  // a value is no verb
  CHECK(offered({"sim", "run", "pla"}) == "planet\nplanet_1m\n");
  CHECK(offered({"sim", "run", "--wire"}) == "--wire-check\n");
  CHECK(offered({"sim", "run", "hello", "--thr"}) == "--threads\n");
  CHECK(offered({"sim", "list", "-o", "c"}) == "csv\n");
  CHECK(offered({"sim", "list", "--output", "=", "nd"}) == "ndjson\n");
  CHECK(offered({"sim", "fit", ""}) == "latency\nchurn\n");
  CHECK(offered({"completion", "z"}) == "zsh\n");
  CHECK(offered({"sim", "run", "--seed", ""}) == "\n");
  CHECK(offered({"sim", "run", "--out", HYDRA_SOURCE_DIR "/sim/scen"}) ==
        HYDRA_SOURCE_DIR "/sim/scenarios\n");
  CHECK(offered({"sim", "lint", HYDRA_SOURCE_DIR "/sim/scenarios/hel"}) ==
        HYDRA_SOURCE_DIR "/sim/scenarios/hello.toml\n");
}

TEST_CASE("fish is offered verbs, values and scenarios") {
  if (absent() || missing("fish")) return;
  auto const folder = std::filesystem::path{program()}.parent_path().string();
  auto const offers = [&](string const& typed, string const& word) {
    auto const o = run_line("HYDRA_SCENARIOS='" HYDRA_SOURCE_DIR "/sim/scenarios' PATH='" + folder +
                            "':\"$PATH\" fish --no-config -c 'hydra completion fish | source; "
                            "complete -C \"" + typed + "\"'");
    return o.out.starts_with(word + "\t");
  };
  CHECK(offers("hydra sim r", "run"));
  CHECK(offers("hydra sim run pl", "planet"));
  CHECK(offers("hydra sim run --wire", "--wire-check"));
  CHECK(offers("hydra sim list -o nd", "ndjson"));
}

TEST_CASE("each shell can read its completions") {
  if (absent()) return;
  for (string const shell : {"bash", "zsh", "fish"}) {
    if (missing(shell)) continue;
    INFO(shell);
    scratch folder;
    auto const file = (folder.at / "script").string();
    REQUIRE(run("completion " + shell + " >" + file).code == 0);
    auto const said = run_line(shell + " -n " + file + " 2>&1");
    CHECK(said.code == 0);
    CHECK(said.out.empty());
  }
  CHECK(run("completion 2>/dev/null").code == 2);
  CHECK(has(run("completion basch 2>&1"), "did you mean \"bash\"?"));
}

TEST_CASE("the manual page says its exit codes and is without warnings") {
  if (absent()) return;
  auto const page = man_text();
  for (string const code : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "124", "130"})
    CHECK(page.find(".TP\n" + code + "\n") != string::npos);
  for (auto const& line : {".SH NAME\n", ".SH SYNOPSIS\n", ".SH ENVIRONMENT\n"})
    CHECK(page.find(line) != string::npos);
  if (missing("groff")) return;
  auto const said = run_line("'" + program() + "' man | groff -man -ww -z 2>&1");
  CHECK(said.code == 0);
  CHECK(said.out.empty());
}
