// The verbs of the network and what may follow them: one table for hydra-node, which does them, and
// for hydra, which hands them on and shows them in its help, manual page and completions.
#pragma once

#include <hydra/core/values.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hydra::cli {

struct network_arguments {
  std::string home;
  bool json = false;
  bool quiet = false;
  bool detach = false;
  bool wait = false;
  std::string service;
  std::vector<std::string> files;
  std::string file;  // or an object
  std::vector<std::string> params;  // name=value
  std::string out;
  std::int64_t job = 0;
  std::string work;
  std::string patience;
  std::string timeout;
  demands of_provider{};
  std::string region;  // names, with commas
  std::string contact;
  std::string name;
  std::string who;
  std::string manifest;
  std::uint64_t seed = 1;
  std::string film;
  std::string size = "short";
  bool keep = false;
  bool allow_without_jail = false;
};

// Adds the verbs to `app`, and their flags.
void add_network_verbs(CLI::App& app, network_arguments& a);
void add_home_flag(CLI::App& app, network_arguments& a);
// The flags of every verb of the network, where the program has none of its own.
void add_network_flags(CLI::App& app, network_arguments& a);
// Those that begin a command line.
[[nodiscard]] std::vector<std::string> const& network_verb_names();

}  // namespace hydra::cli
