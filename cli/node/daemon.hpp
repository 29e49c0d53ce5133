// A node that is up: a Hydra of one head on the network, what its user asks of it, and the native
// services of this machine.
//
// Promise. A job is accepted when its Hydra has it on the disk; from then on it ends exactly once,
// whatever happens to this process in between. What was submitted and not accepted yet when the
// process died is submitted again under the same number. A result is here, as an object, before
// its job is `done`.
#pragma once

#include "config.hpp"
#include "places.hpp"

#include <hydra/core/outcome.hpp>

#include <functional>
#include <memory>
#include <string>

namespace hydra::node {

class daemon {
 public:
  daemon() = default;
  daemon(daemon const&) = delete;
  daemon& operator=(daemon const&) = delete;
  virtual ~daemon() = default;
  // Answers a request of the control socket: a line of JSON for a line of JSON.
  [[nodiscard]] virtual std::string answer(std::string const& request) = 0;
  // Where it listens, as others add it: hydra:KEY@host:port
  [[nodiscard]] virtual std::string contact() = 0;
  virtual void stop() = 0;

  // `stop_asked` is called when a user says `down`. Errors: what is missing or in the way.
  [[nodiscard]] static result<std::unique_ptr<daemon>> start(places const&, config const&,
                                                             std::function<void()> stop_asked);
};

}  // namespace hydra::node
