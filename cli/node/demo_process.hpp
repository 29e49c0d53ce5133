// Programs that the demo runs, and the wish of its user to stop.
//
// Promise: every program ends with the demo, also when that is killed; Ctrl-C reaches the demo
// alone, which then ends them.
#pragma once

#include <hydra/core/outcome.hpp>

#include <sys/types.h>

#include <string>
#include <vector>

namespace hydra::node {

// From now on SIGINT, SIGTERM and SIGHUP are remembered, not obeyed.
void remember_interrupts();
[[nodiscard]] bool was_interrupted();
// Sleeps, at most so long; false: interrupted.
bool pause_ms(int ms);

struct child {
  pid_t pid = -1;
  [[nodiscard]] bool runs() const noexcept { return pid > 0; }
};
// Its output goes to a file, or to nobody where `log` is empty. Errors: what failed.
[[nodiscard]] result<child> start_program(std::vector<std::string> const& words,
                                          std::string const& log);
[[nodiscard]] bool has_ended(child const&);  // by itself; it is still to be waited for
// With SIGTERM and, after `patience_ms`, SIGKILL; waits for its end.
void end_program(child&, int patience_ms);
void kill_program(child&);

struct program_end {
  int code = -1;
  std::string out;  // at most program_output_max bytes
};
inline constexpr std::size_t program_output_max = 1U << 20U;
// Waits for its end; one that takes longer, or while the user interrupts, is killed: code -1.
[[nodiscard]] program_end run_program(std::vector<std::string> const& words, int within_ms);

}  // namespace hydra::node
