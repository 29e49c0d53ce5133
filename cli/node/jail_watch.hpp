// Watches a process and all that it started, from outside, and the folder that it writes to.
#pragma once

#include <hydra/core/time.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::net {

struct job_use {
  duration cpu{};
  std::uint64_t memory = 0;  // resident; what they share is counted once where the kernel tells
  std::uint32_t tasks = 0;   // processes and threads
  std::vector<pid_t> processes;  // the first is the one asked for
};

// Of a process and its descendants, at most `tasks_max` and a few more. Costs some 20 us a thread.
[[nodiscard]] job_use use_of(pid_t root, std::uint32_t tasks_max);
// The same memory, with shared pages divided among those who share them. Slow.
[[nodiscard]] std::uint64_t shared_memory_of(job_use const&);

struct folder_use {
  std::uint64_t bytes = 0;
  std::size_t files = 0;
};
// Stops counting at `files_max`. What cannot be read counts as nothing.
[[nodiscard]] folder_use use_of(std::string const& folder, std::size_t files_max);

// Removes all that is neither a file nor a folder: a link could lead its reader anywhere. Takes
// rights to run away from files. What went wrong, or nothing.
[[nodiscard]] std::string make_harmless(std::string const& folder);

// Ends the jails that were given a path below `folder`, and returns how many processes that were.
// For those of a life that was killed: bwrap ends with its parent, but for its first steps.
std::size_t end_orphans(std::string const& folder);

}  // namespace hydra::net
