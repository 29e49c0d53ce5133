// Performs steps of a service: fills in the command line, runs it in the jail, names the task.
#pragma once

#include "jail.hpp"
#include "manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

// A service on this machine. What belongs to it must outlive it.
struct performer {
  manifest const& service;
  jail_policy policy{};
  bool foreign = true;
};

// Runs a step. `output` is made if need be, with a folder for each output that is many. An output
// that is missing afterwards is a failure.
[[nodiscard]] jail_outcome perform(performer const&, std::string_view step, bindings const&,
                                   std::vector<jail_input> const& inputs,
                                   std::string const& output);

// What the tools of a service say they are, and what the step `fingerprint`, where there is one,
// makes with these bindings: two machines with the same text make the same bytes.
[[nodiscard]] result<std::string> identify(performer const&, bindings const&);

// SHA-256 of a file. Errors: it cannot be read.
[[nodiscard]] result<key> hash_of_file(std::string const& path);

// The key of a task: service, step, arguments, tools, and the hashes of its inputs in their order.
[[nodiscard]] result<key> task_key(performer const&, std::string_view step, bindings const&,
                                   std::string_view tools, std::vector<key> const& inputs);

}  // namespace hydra::net
