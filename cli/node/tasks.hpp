// What a node does for the tasks that its Hydra gets: takes the input apart, runs the steps of a
// service in the jail, packs and names what came.
//
// A service whose manifest says `split = "cuts"` is divided on the network: NAME.split, NAME.part
// and NAME.join are services of their own (assembly/jobs.hpp, composition). What the parts gave is
// known here by the facts of the Hydra (came), of at most jobs_max jobs; the last are kept.
// What no machine can do, because of what was asked, is a result as well: a bundle without files
// whose parameter `fault` says why. So it is told at once, and costs nobody trust.
// Each call works in a folder of its own, gone afterwards. From any thread.
#pragma once

#include "bundle.hpp"

#include <hydra/assembly/jobs.hpp>
#include <hydra/core/outcome.hpp>
#include <hydra/net/run/jail.hpp>
#include <hydra/net/run/manifest.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace hydra::node {

// The objects of the node; errors name the object.
class shelf {
 public:
  virtual ~shelf() = default;
  // Where the bytes lie, after they proved themselves.
  [[nodiscard]] virtual result<std::string> whole(object_id) = 0;
  [[nodiscard]] virtual result<bool> copy_out(object_id, byte_range, std::string const& to) = 0;
  [[nodiscard]] virtual result<object_id> take_in(std::string const& path) = 0;
};

struct task_settings {
  std::string scratch;  // a folder
  net::jail_policy jail{};
  std::function<bool(task const&)> foreign;        // whether another Hydra asks for it
  std::function<void(std::string const&)> say;     // why one failed, or what was mended
};

class tasks {
 public:
  static constexpr std::size_t jobs_max = 128;
  using made = std::optional<payload>;  // none: it failed, and why was said

  [[nodiscard]] static std::unique_ptr<tasks> on(shelf&, task_settings);
  virtual ~tasks() = default;

  // A service of one step.
  [[nodiscard]] virtual made run(net::manifest const&, task const&) = 0;
  // One that is divided.
  [[nodiscard]] virtual made split(net::manifest const&, task const&) = 0;
  [[nodiscard]] virtual made part(net::manifest const&, task const&) = 0;
  [[nodiscard]] virtual made join(net::manifest const&, task const&) = 0;
  virtual void came(part_done const&) = 0;
};

inline constexpr std::size_t fault_bytes_max = 2000;
// Why it cannot be done, if that is the result. Control characters are spaces.
[[nodiscard]] std::optional<std::string> fault_of(bundle const&);

[[nodiscard]] inline bool divides(net::manifest const& m) {
  return m.split != net::split_by::none;
}

}  // namespace hydra::node
