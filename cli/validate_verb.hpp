// `validate` as it is typed: for hydra-validate, which does it, and for hydra, which hands it on
// and shows it in its help, manual page and completions.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hydra::cli {

struct validate_arguments {
  std::vector<std::string> scenarios;
  bool full = false;
  bool calibrate = false;
  std::string policies;
  std::string disturb;
  std::string in = "live";
  std::string out = "out/validate";
  bool json = false;
  bool quiet = false;
  bool all = false;
};

inline constexpr char const* validate_name = "validate";
void add_validate_verb(CLI::App& app, validate_arguments& a);

}  // namespace hydra::cli
