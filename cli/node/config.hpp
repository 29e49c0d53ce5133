// hydra.toml: what the owner of a node says about it. Made with every key and its meaning on the
// first run; docs/how_to/run_a_node.md lists them.
#pragma once

#include <hydra/core/geo.hpp>
#include <hydra/core/outcome.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/time.hpp>
#include <hydra/core/values.hpp>

#include <cstdint>
#include <string>

namespace hydra::node {

struct config {
  std::string address = "127.0.0.1";  // that it listens on
  std::uint16_t port = 0;             // 0: any; the one that was got is kept
  bool beyond_loopback = false;
  std::uint32_t network = 1;
  std::int64_t cores = 0;             // for the jobs of others and its own; 0: all
  std::uint64_t objects_max = std::uint64_t{16} << 30U;
  bool strangers = false;             // whether it works for Hydras outside its rings
  cell place{};                       // where this head is, to 100 km; unsaid: not configured
  bool disclose_place = false;        // whether others may know it
  conditions under{};  // what it says of itself to askers; versions are those of the manifests
  ratio check_friends{1, 10};         // of the results of friends, and of their friends
  duration lease = std::chrono::seconds{35};  // silence of so long is taken for death
  bool allow_without_jail = false;
  std::string cgroup;
};

// The cell of a point of the globe, in degrees. Precondition: -90 to 90, -180 to 180.
[[nodiscard]] cell cell_at(double latitude, double longitude);

// Errors: every mistake as FILE:LINE:COLUMN, the value, what is allowed and the nearest spelling.
[[nodiscard]] result<config> load_config(std::string const& path);
// Writes the commented file if there is none.
[[nodiscard]] result<bool> make_config(std::string const& path);

}  // namespace hydra::node
