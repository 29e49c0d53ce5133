// Verbs of the network live in hydra-node, so that the simulator needs no network library.
#include "options.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace hydra::cli {

int network_verb(std::string const& verb, char** arguments) {
  std::error_code failed_to_read;
  auto const self = std::filesystem::read_symlink("/proc/self/exe", failed_to_read);
  auto const program = self.parent_path() / "hydra-node";
  std::string name = "hydra-node";
  arguments[0] = name.data();
  if (!failed_to_read) ::execv(program.c_str(), arguments);
  ::execvp("hydra-node", arguments);
  fmt::print(stderr,
             "hydra: \"{}\" needs the network; hydra-node is not installed (looked beside hydra "
             "and in PATH)\n", verb);
  return usage;
}

}  // namespace hydra::cli
