// Runs the built command: $HYDRA_BIN, else the one that the build knows. Tests say so when there is
// none, and pass.
#pragma once

#include "../catch.hpp"

#include <sys/wait.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace command {

inline std::string program() {
  if (char const* said = std::getenv("HYDRA_BIN"); said != nullptr) return said;
#ifdef HYDRA_PROGRAM
  return HYDRA_PROGRAM;
#else
  return "";
#endif
}

struct outcome {
  int code = -1;
  std::string out;  // stdout, or both streams where asked
};

// Of a line for the shell.
inline outcome run_line(std::string const& line) {
  outcome o;
  auto* pipe = ::popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;)
    o.out.append(part.data(), n);
  int const status = ::pclose(pipe);
  o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return o;
}
inline outcome run(std::string const& arguments) {
  return run_line("HYDRA_SCENARIOS='" HYDRA_SOURCE_DIR "/sim/scenarios' '" + program() + "' " +
                  arguments);
}

inline bool has(outcome const& o, std::string const& part) {
  INFO(o.out);
  return o.out.find(part) != std::string::npos;
}

inline bool absent() {
  if (!program().empty()) return false;
  WARN("skipped: set HYDRA_BIN to the built command");
  return true;
}
// Whether a tool that a test needs is missing; says so.
inline bool missing(std::string const& tool) {
  if (run_line("command -v " + tool + " >/dev/null").code == 0) return false;
  WARN("skipped: " << tool << " is not installed");
  return true;
}

}  // namespace command
