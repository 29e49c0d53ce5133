// A process in a jail: what it is given, how much it may use, and what became of it.
//
// Inside, the working folder has `in/` with the inputs, read-only, and `out/`, the one place that
// can be written besides a bounded /tmp; of the machine only system folders are seen. There is no
// network, no environment, no other process.
#pragma once

#include <hydra/core/time.hpp>

#include <cstddef>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t jail_text_bytes_max = 1U << 24U;   // of what it says
inline constexpr std::size_t jail_errors_bytes_max = 1U << 13U;  // the last of its errors
inline constexpr std::size_t jail_inputs_max = 4096;
inline constexpr std::size_t jail_files_max = 100'000;  // that it may leave in its output

// Of all processes of a job together; `open_files` of each.
struct jail_limits {
  duration cpu = 10min;
  duration wall = 30min;
  std::uint64_t memory = std::uint64_t{1} << 30U;
  std::uint64_t output = std::uint64_t{1} << 30U;
  std::uint32_t processes = 64;
  std::uint32_t open_files = 256;
  friend constexpr bool operator==(jail_limits const&, jail_limits const&) = default;
};

// Seen inside as in/NAME; a name is made of letters, digits, `_`, `.` and `-`, with at most one
// `/` within.
struct jail_input {
  std::string name;
  std::string path;
};

struct jail_job {
  std::vector<std::string> run;  // a program of /usr/bin and its arguments
  std::vector<jail_input> inputs;
  std::string output;  // an existing folder
  jail_limits limits;
  bool foreign = true;  // asked for by another principal
};

struct jail_policy {
  bool allow_without_jail = false;  // foreign jobs run even where the jail is not whole
  std::string cgroup{};   // a folder of cgroups that is Hydra's own; empty: none are used
  std::string bubblewrap = "/usr/bin/bwrap";
  std::string inside{};   // the program hydra-jail; empty: looked for beside this one
  std::atomic<bool> const* stop = nullptr;  // once it is true nothing is begun any more
};

enum class jail_limit : std::uint8_t { none, cpu, wall, memory, output, processes, text };
[[nodiscard]] constexpr std::string_view name_of(jail_limit l) noexcept {
  constexpr std::string_view names[] = {"none",   "cpu",       "wall", "memory",
                                        "output", "processes", "text"};
  return names[static_cast<std::size_t>(l)];
}

enum class jail_end : std::uint8_t { exited, signalled, limited, refused };

struct jail_outcome {
  jail_end end = jail_end::refused;
  int code = -1;                         // exit code, or the signal
  jail_limit hit = jail_limit::none;
  duration cpu{};                        // of all its processes
  std::uint64_t memory = 0;              // most that they held together, as far as was seen
  std::string said;                      // standard output
  std::string errors;                    // the end of standard error
  std::string why;                       // a sentence where it is not ok
  [[nodiscard]] bool ok() const noexcept { return end == jail_end::exited && code == 0; }
};

// A part of the jail on this machine, for `hydra doctor`.
struct jail_part {
  std::string_view name;
  bool there = false;
  bool needed = false;  // without it the jail is not whole
  std::string words;    // what was found, or what is missing and how to get it
};

struct jail_report {
  std::vector<jail_part> parts;
  [[nodiscard]] bool whole() const noexcept {
    for (auto const& p : parts)
      if (p.needed && !p.there) return false;
    return true;
  }
  [[nodiscard]] std::string missing() const {
    std::string out;
    for (auto const& p : parts)
      if (p.needed && !p.there)
        out += (out.empty() ? "" : "; ") + std::string{p.name} + ": " + p.words;
    return out;
  }
};

}  // namespace hydra::net
