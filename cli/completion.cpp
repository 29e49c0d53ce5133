// hydra completion: scripts that complete verbs, flags, their values and scenarios in a shell.
// Made of the outline of the command line; names of scenarios are asked of the program itself.
#include "options.hpp"
#include "outline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::cli {
namespace {

struct place {  // where a word is to be completed
  verb_outline const* verb;
  std::vector<flag_outline const*> flags;  // its own, and those of the verbs above it
};

void add_places(verb_outline const& verb, std::vector<flag_outline const*> flags,
                std::vector<place>& to) {
  std::vector<flag_outline const*> own;
  for (auto const& flag : verb.flags) own.push_back(&flag);
  if (verb.of_network) {
    words const taken{"--help", "--version", "--quiet", "--json"};
    std::erase_if(flags, [&](flag_outline const* flag) {
      return std::count(taken.begin(), taken.end(), flag->names.back()) == 0;
    });
  }
  flags.insert(flags.begin(), own.begin(), own.end());
  to.push_back({&verb, flags});
  for (auto const& each : verb.verbs) add_places(each, flags, to);
}

std::vector<place> places() {
  std::vector<place> out;
  add_places(outline(), {}, out);
  return out;
}

// Every flag that takes a value, once.
std::vector<flag_outline const*> flags_with_value(std::vector<place> const& all) {
  std::vector<flag_outline const*> out;
  for (auto const& at : all)
    for (auto const* flag : at.flags) {
      bool known = flag->value.empty();
      for (auto const* other : out) known = known || other->names == flag->names;
      if (!known) out.push_back(flag);
    }
  return out;
}

bool is_path(flag_outline const& of) {
  return of.value == "FILE" || of.value == "FILES" || of.value == "OUT" || of.value == "MANIFEST";
}

std::string joined(std::vector<std::string> const& all, char const* between) {
  return fmt::format("{}", fmt::join(all, between));
}
std::string joined(words const& all, char const* between) {
  return fmt::format("{}", fmt::join(all, between));
}

// The paths of verbs in quotes, as patterns of a case: what is not among them is no verb.
std::string verb_paths(std::vector<place> const& all, char const* between) {
  std::vector<std::string> out;
  for (auto const& at : all) out.push_back("'" + at.verb->path + "'");
  return joined(out, between);
}

// Of one verb, where the same word means something else elsewhere: -o of run is no format.
std::vector<std::pair<std::string, flag_outline const*>> own_meanings(
    std::vector<place> const& all) {
  std::vector<std::pair<std::string, flag_outline const*>> out;
  for (auto const& at : all) {
    if (at.verb == &outline()) continue;
    for (auto const& flag : at.verb->flags)
      for (auto const& name : flag.names)
        for (auto const& other : outline().flags)
          if (std::count(other.names.begin(), other.names.end(), name) != 0 && !flag.value.empty())
            out.emplace_back("'" + at.verb->path + " " + name + "'", &flag);
  }
  return out;
}

// For a string in single quotes.
std::string quote(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4)
    text.replace(at, 1, "'\\''");
  return text;
}

// ---- bash -------------------------------------------------------------------------------------

std::string bash_values(flag_outline const& of) {
  if (auto const choices = of.choices(); !choices.empty())
    return "_hydra_words '" + joined(choices, " ") + "'";
  if (of.value == "SCENARIO") return "_hydra_scenarios";
  if (of.value == "DIR") return "_hydra_files -d";
  return is_path(of) ? "_hydra_files -f" : ":";
}

constexpr char const* bash_begin = R"sh(# bash completion for hydra: `hydra completion bash`
_hydra_words() { mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_hydra_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$@" -- "$cur")
}
_hydra_scenarios() {
  _hydra_words "$("${COMP_WORDS[0]}" sim list -o csv 2>/dev/null | sed '1d;s/,.*//')"
  _hydra_files -f -X '!*.toml'
  _hydra_files -d
}
_hydra() {
  local cur=${COMP_WORDS[COMP_CWORD]} verb=hydra flag='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [ "$word" != = ] || continue
    if [ -n "$flag" ]; then flag=''; continue; fi
    case $word in
)sh";

std::string bash_script() {
  auto const all = places();
  auto const valued = flags_with_value(all);
  std::vector<std::string> names;
  for (auto const* flag : valued) names.push_back(joined(flag->names, "|"));
  std::string out = bash_begin;
  out += "      " + joined(names, "|") + ") flag=$word ;;\n      -*) ;;\n";
  out += "      *) case \"$verb $word\" in\n           " + verb_paths(all, "|") +
         ") verb=\"$verb $word\" ;;\n         esac ;;\n    esac\n  done\n"
         "  [ \"$cur\" != = ] || cur=''\n  case \"$verb $flag\" in\n";
  for (auto const& [where, flag] : own_meanings(all))
    out += "    " + where + ") " + bash_values(*flag) + "; return ;;\n";
  out += "  esac\n  case $flag in\n";
  for (auto const* flag : valued)
    out += "    " + joined(flag->names, "|") + ") " + bash_values(*flag) + "; return ;;\n";
  out += "  esac\n  case \"$verb:$cur\" in\n";
  for (auto const& at : all) {
    names.clear();
    for (auto const* flag : at.flags) names.push_back(joined(flag->names, " "));
    out += "    '" + at.verb->path + ":-'*) _hydra_words '" + joined(names, " ") + "' ;;\n";
    out += "    '" + at.verb->path + ":'*)";
    if (!at.verb->verbs.empty())
      out += " _hydra_words '" + joined(names_of(at.verb->verbs), " ") + "'";
    for (auto const& word : at.verb->words) out += " " + bash_values(word);
    out += at.verb->verbs.empty() && at.verb->words.empty() ? " ;;\n" : "; ;;\n";
  }
  return out + "  esac\n}\ncomplete -F _hydra hydra\n";
}

// ---- zsh --------------------------------------------------------------------------------------

std::string zsh_values(flag_outline const& of) {
  if (auto const choices = of.choices(); !choices.empty())
    return "compadd -- " + joined(choices, " ");
  if (of.value == "SCENARIO") return "_hydra_scenarios";
  if (of.value == "DIR") return "_files -/";
  return is_path(of) ? "_files" : "_message '" + of.value + "'";
}

// 'name:what it is', as _describe takes them.
std::string zsh_row(std::string const& name, std::string const& about) {
  return " '" + quote(name + ":" + about) + "'";
}

constexpr char const* zsh_begin = R"sh(#compdef hydra
# zsh completion for hydra: `hydra completion zsh`
_hydra_scenarios() {
  local -a names
  names=(${(f)"$($words[1] sim list -o csv 2>/dev/null | sed '1d;s/,.*//')"})
  compadd -- $names
  _files -g '*.toml'
}
_hydra() {
  local verb=hydra flag= word
  local -a rows
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $flag ]]; then flag=; continue; fi
    case $word in
)sh";

std::string zsh_script() {
  auto const all = places();
  auto const valued = flags_with_value(all);
  std::vector<std::string> names;
  for (auto const* flag : valued) names.push_back(joined(flag->names, "|"));
  std::string out = zsh_begin;
  out += "      (" + joined(names, "|") + ") flag=$word ;;\n      (-*) ;;\n";
  out += "      (*) case \"$verb $word\" in\n           (" + verb_paths(all, "|") +
         ") verb=\"$verb $word\" ;;\n         esac ;;\n    esac\n  done\n"
         "  if [[ -z $flag && $PREFIX == --*=* ]]; then flag=${PREFIX%%=*}; compset -P '*='; fi\n"
         "  case \"$verb $flag\" in\n";
  for (auto const& [where, flag] : own_meanings(all))
    out += "    (" + where + ") " + zsh_values(*flag) + "; return ;;\n";
  out += "  esac\n  case $flag in\n";
  for (auto const* flag : valued)
    out += "    (" + joined(flag->names, "|") + ") " + zsh_values(*flag) + "; return ;;\n";
  out += "  esac\n  case \"$verb:$PREFIX\" in\n";
  for (auto const& at : all) {
    out += "    ('" + at.verb->path + ":-'*) rows=(";
    for (auto const* flag : at.flags)
      for (auto const& name : flag->names) out += zsh_row(name, flag->about);
    out += " ); _describe -o flag rows ;;\n    ('" + at.verb->path + ":'*)";
    if (!at.verb->verbs.empty()) {
      out += " rows=(";
      for (auto const& verb : at.verb->verbs) out += zsh_row(verb.name, verb.about);
      out += " ); _describe verb rows";
    }
    for (auto const& word : at.verb->words) out += " " + zsh_values(word);
    out += " ;;\n";
  }
  out += "  esac\n}\n";
  return out + "if [[ $funcstack[1] = _hydra ]]; then _hydra \"$@\"\n"
               "else compdef _hydra hydra\nfi\n";
}

// ---- fish -------------------------------------------------------------------------------------

std::string fish_values(flag_outline const& of) {
  if (auto const choices = of.choices(); !choices.empty())
    return " -x -a '" + joined(choices, " ") + "'";
  if (of.value == "SCENARIO") return " -k -x -a '(__hydra_scenarios)'";
  if (of.value == "DIR") return " -x -a '(__fish_complete_directories)'";
  return is_path(of) ? " -r -F" : " -x";
}

constexpr char const* fish_begin = R"sh(# fish completion for hydra: `hydra completion fish`
function __hydra_scenarios
    set -l program (commandline -opc)[1]
    $program sim list -o csv 2>/dev/null | sed '1d;s/,.*//'
    __fish_complete_suffix .toml
end
function __hydra_at
    set -l verb hydra
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
)sh";

std::string fish_script() {
  auto const all = places();
  std::string out = fish_begin;
  std::vector<std::string> names;
  for (auto const* flag : flags_with_value(all)) names.push_back(joined(flag->names, " "));
  out += "            case " + joined(names, " ") + "\n                set skip 1\n" +
         "            case '-*'\n            case '*'\n                switch \"$verb $word\"\n" +
         "                    case " + verb_paths(all, " ") +
         "\n                        set verb \"$verb $word\"\n                end\n        end\n"
         "    end\n    test \"$verb\" = \"$argv\"\nend\ncomplete -c hydra -f\n";
  auto const& everywhere = outline().flags;
  for (auto const& at : all) {
    auto const here = "complete -c hydra -n '__hydra_at " + at.verb->path + "'";
    for (auto const& verb : at.verb->verbs)
      out += here + " -a " + verb.name + " -d '" + quote(verb.about) + "'\n";
    for (auto const& word : at.verb->words)
      out += here + fish_values(word) + " -d '" + quote(word.about) + "'\n";
    for (auto const* flag : at.flags) {
      bool const shared = flag >= everywhere.data() && flag < everywhere.data() + everywhere.size();
      if (shared && at.verb != &outline()) continue;
      out += shared ? "complete -c hydra" : here;
      for (auto const& name : flag->names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!flag->value.empty()) out += fish_values(*flag);
      out += " -d '" + quote(flag->about) + "'\n";
    }
  }
  return out;
}

}  // namespace

int completion(std::string const& shell) {
  auto const script = shell == "bash" ? bash_script()
                      : shell == "zsh" ? zsh_script()
                                       : fish_script();
  std::fputs(script.c_str(), stdout);
  return ok;
}

}  // namespace hydra::cli
