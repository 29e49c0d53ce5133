// `papers` as it is typed: for hydra-papers, which does it, and for hydra, which hands it on and
// shows it in its help, manual page and completions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hydra::cli {

struct papers_arguments {
  std::vector<std::string> names;
  bool small = false;
  bool all = false;
  bool write = false;
  std::uint32_t seeds = 0;  // 0: as the paper's scenario says
  std::string out = "out/papers";
  bool no_out = false;
  bool json = false;
  bool quiet = false;
  std::uint64_t seed = 1;
  unsigned threads = 0;
};

inline constexpr char const* papers_name = "papers";
void add_papers_verb(CLI::App& app, papers_arguments& a);

}  // namespace hydra::cli
