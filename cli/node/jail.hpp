// Runs a process in a jail: bubblewrap for what it sees, seccomp for what it may call, Landlock and
// the kernel's limits inside, and a watch from outside for what all its processes use together.
//
// Promise: whatever the process does, run_jailed ends, at the latest some seconds after the wall
// limit, with every process of it gone; the job dies with the thread that called. A program on
// its way out is killed as a whole, with the namespace of its processes.
// As root each job runs as a user of its own; inputs that others may not read are copied for it.
// Without cgroups memory may pass its limit for the few milliseconds between two looks.
#pragma once

#include <hydra/net/run/jail.hpp>

namespace hydra::net {

// What this machine has of a jail. Runs `true` in one: some 20 ms.
[[nodiscard]] jail_report probe_jail(jail_policy const& = {});

// Runs it to its end, on the calling thread; output.end says what happened. A foreign job is
// refused where the jail is not whole, unless the policy allows it: then it runs with limits and
// the watch only. What it leaves in its output that is no file or folder is removed.
[[nodiscard]] jail_outcome run_jailed(jail_job const&, jail_policy const& = {});

// Of the processor, by all jobs that this thread has run.
[[nodiscard]] duration jailed_cpu() noexcept;

// The program hydra-jail: what the policy says, else beside the running program.
[[nodiscard]] std::string inside_program(jail_policy const&);

}  // namespace hydra::net
