// The command line as plain values, read off the parser: the man page, the completions and the list
// of flags below every help are made of it, so none of them can say anything else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hydra::cli {

using words = std::vector<std::string_view>;

struct flag_outline {
  std::vector<std::string> names;  // "-o", "--output"; none: a word that needs no flag
  std::string value;               // SCENARIO, DIR, FILE, N, ..., or "bash|zsh"; empty: takes none
  std::string about;
  bool required = false;
  bool many = false;

  [[nodiscard]] std::string synopsis(char const* between) const;  // -o, --output table|json
  [[nodiscard]] words choices() const;  // views into `value`; none when anything may be said
};

struct verb_outline {
  std::string name;  // run
  std::string path;  // hydra sim run
  std::string about;
  std::vector<flag_outline> words;
  std::vector<flag_outline> flags;  // its own; those of the verbs above it may be said as well
  std::vector<verb_outline> verbs;
  bool of_network = false;  // it takes of the flags of `hydra` only -h, -V, -q and --json
};

// Of hydra.
[[nodiscard]] verb_outline const& outline();
// Views into `verbs`.
[[nodiscard]] words names_of(std::vector<verb_outline> const& verbs);
// Names of all flags that take a value, sorted.
[[nodiscard]] std::vector<std::string> value_flags();

}  // namespace hydra::cli
