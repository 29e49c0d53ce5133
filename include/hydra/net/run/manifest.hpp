// What a native service is: the programs that it runs, with what, within which limits.
//
// A manifest is data, read from TOML by hydra_node. Its command lines are lists of arguments and
// never pass through a shell; what a job may fill in is typed and bounded, so that it can become
// neither an option nor a path. docs/how_to/write_a_service.md lists every key.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/net/run/jail.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t manifest_bytes_max = 1U << 18U;
inline constexpr std::size_t steps_max = 32;
inline constexpr std::size_t parameters_max = 64;
inline constexpr std::size_t arguments_max = 256;        // of one step, as written
inline constexpr std::size_t argument_bytes_max = 65536;  // of one, filled in

// word: one of a list. whole, number: within bounds. numbers: such with commas between.
// name: letters, digits, `_`, `.` and `-`, the first a letter or digit.
enum class parameter_kind : std::uint8_t { word, whole, number, numbers, name };

struct parameter {
  std::string name;
  parameter_kind kind = parameter_kind::word;
  std::vector<std::string> allowed;                             // of a word
  std::map<std::string, std::vector<std::string>> arguments;  // {param.x...}: a list per word
  std::int64_t least = 0;
  std::int64_t most = 0;  // of a name: its bytes
  std::optional<std::string> standard;  // what it is where a job says nothing
};

// A file that a step reads or writes; `many`: a folder of them, numbered.
struct port {
  std::string name;
  bool many = false;
};

// One process: what it is given, what it leaves, and its arguments with {in.x}, {out.x}, {param.x}.
struct step {
  std::string name;
  std::vector<port> inputs;
  std::vector<port> outputs;
  std::vector<std::string> run;
  jail_limits limits;
};

// A program, and the arguments with which it says its version: that goes into the key of a task.
struct tool {
  std::string name;
  std::vector<std::string> version;
};

enum class split_by : std::uint8_t { none, cuts };

struct manifest {
  std::string name;
  unsigned major = 0;
  unsigned minor = 0;
  std::string purpose;
  split_by split = split_by::none;
  std::vector<tool> tools;
  std::vector<parameter> parameters;
  std::vector<step> steps;
  key hash{};  // of the text

  [[nodiscard]] key service() const { return service_key(name, major); }
  [[nodiscard]] step const* find(std::string_view step_name) const {
    for (auto const& each : steps)
      if (each.name == step_name) return &each;
    return nullptr;
  }
};

// What a task fills into a step. `files` says how many there are of an input that is many.
struct bindings {
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::size_t> files;
};

}  // namespace hydra::net
