// Verbs of the network live in hydra-node, so that the simulator needs no network library;
// `validate` needs both and is a program of its own, and so is `papers`, which few need.
#include "options.hpp"
#include "papers_verb.hpp"
#include "validate_verb.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace hydra::cli {

int network_verb(std::string const& verb, char** arguments) {
  std::error_code failed_to_read;
  auto const self = std::filesystem::read_symlink("/proc/self/exe", failed_to_read);
  std::string name = verb == validate_name ? "hydra-validate"
                     : verb == papers_name ? "hydra-papers"
                                           : "hydra-node";
  auto const program = self.parent_path() / name;
  arguments[0] = name.data();
  if (!failed_to_read) ::execv(program.c_str(), arguments);
  ::execvp(name.c_str(), arguments);
  fmt::print(stderr,
             "hydra: \"{}\" is done by {}, which is not installed (looked beside hydra and in "
             "PATH)\n", verb, name);
  return usage;
}

}  // namespace hydra::cli
