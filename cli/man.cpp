// hydra man: the manual page, as roff. Made of the outline of the command line and of the exit
// codes, so it names every verb and every flag.
#include "options.hpp"
#include "outline.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace hydra::cli {
namespace {

// Text between requests: nothing in it is taken for one.
std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
// A word to be replaced stands in italics; words to be chosen from stand as they are typed.
std::string value_of(flag_outline const& flag) {
  return (flag.choices().empty() ? "\\fI" : "\\fB") + roff(flag.value) + "\\fR";
}

std::string item(std::string const& left, std::string_view right) {
  return ".TP\n" + left + "\n" + roff(right) + "\n";
}

std::string items(std::vector<flag_outline> const& flags) {
  std::string out;
  for (auto const& flag : flags) {
    std::string left;
    for (auto const& name : flag.names) left += (left.empty() ? "" : ", ") + bold(name);
    if (!flag.value.empty()) left += (left.empty() ? "" : " ") + value_of(flag);
    out += item(left, flag.about);
  }
  return out;
}

// Every verb that can be run, with its words and its own flags.
std::string verbs(verb_outline const& from) {
  std::string out;
  for (auto const& verb : from.verbs) {
    out += verbs(verb);
    if (!verb.verbs.empty()) continue;
    out += ".SS " + roff(verb.path);
    for (auto const& word : verb.words) {
      auto const shown = roff(word.value) + (word.many ? " ..." : "");
      out += word.required ? " " + shown : " [" + shown + "]";
    }
    out += "\n" + roff(verb.about) + "\n" + items(verb.words) + items(verb.flags);
  }
  return out;
}

constexpr std::pair<char const*, char const*> variables[]{
    {"HYDRA_DATA", "the folder that holds the simulator's data; nowhere else is looked"},
    {"HYDRA_SCENARIOS", "a folder of scenarios that is looked into first"},
    {"HYDRA_HOME", "the folder in which a node keeps everything, as --home says it"},
    {"NO_COLOR", "set to anything, it means --no-color"},
};
constexpr std::pair<char const*, char const*> files[]{
    {"share/hydra/scenarios/", "scenarios that can be named, beside the folder of the program"},
    {"share/hydra/data/", "measured data, with where they are from and their licences"},
    {"out/SCENARIO-SEED-HASH/", "result.json and manifest.json of a run"},
    {"~/.config/hydra/", "hydra.toml and identity.pem of a node"},
    {"~/.local/state/hydra/", "its jobs, peers, rings and receipts, and its log"},
    {"~/.local/share/hydra/objects/", "its inputs and results, by their hash"},
};
constexpr std::pair<char const*, char const*> examples[]{
    {"hydra sim list", "what can be run"},
    {"hydra sim run hello", "fifty Hydras do a few jobs for each other"},
    {"hydra sim run planet --seed 3 --json", "another planet, as one object"},
    {"hydra up -d", "a node in the background"},
    {"hydra run text.sort words.txt -o sorted.txt", "have a file sorted by whoever is trusted"},
    {"hydra sim check-determinism churn", "twice the same, or the first event that differs"},
};

template <class Rows>
std::string rows(Rows const& all) {
  std::string out;
  for (auto const& [left, right] : all) out += item(bold(left), right);
  return out;
}

}  // namespace

int man() {
  auto const& all = outline();
  std::string codes;
  for (auto const& each : exit_meanings) codes += item(bold(std::to_string(each.code)), each.means);
  auto const colon = all.about.find(": ");
  auto const page = ".TH HYDRA 1 \"\" \"" + version_line() + "\" \"User Commands\"\n" +
                    ".SH NAME\nhydra \\- " + roff(all.about.substr(colon + 2)) + "\n" +
                    ".SH SYNOPSIS\n" + bold("hydra") +
                    " \\fIVERB\\fR [\\fIWORDS\\fR] [\\fIFLAGS\\fR]\n" +
                    ".SH VERBS\n" + verbs(all) +
                    ".SH FLAGS OF EVERY VERB\nThose of the network take \\-h, \\-V, \\-q and "
                    "\\-\\-json of these.\n" + items(all.flags) +
                    ".SH EXIT STATUS\n" + codes + ".SH ENVIRONMENT\n" + rows(variables) +
                    ".SH FILES\n" + rows(files) + ".SH EXAMPLES\n" + rows(examples);
  std::fputs(page.c_str(), stdout);
  return ok;
}

}  // namespace hydra::cli
