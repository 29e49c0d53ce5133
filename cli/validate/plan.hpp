// What both worlds are given: who there is, what lies between them, who asks for what and when,
// who dies. Read from TOML; all that is derived from it is a pure function of it.
//
// Bounds: hydras_max heads, jobs_max jobs, lasts_max. Every mistake of a file is named with its
// line, its value and what is allowed.
#pragma once

#include <hydra/core/link.hpp>
#include <hydra/core/outcome.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace hydra::validation {

inline constexpr std::size_t hydras_max = 128;
inline constexpr std::size_t jobs_max = 4096;
inline constexpr std::size_t classes_max = 8;
inline constexpr duration lasts_max = 2min;
inline constexpr std::uint64_t object_bytes_max = std::uint64_t{256} << 20U;  // of one head
inline constexpr duration latency_min = 2ms;  // no message between two heads is faster

struct link_class {
  std::string name;
  link_settings link{};
};
struct planned_job {
  std::uint64_t number = 0;  // from 1, unique in the plan
  std::uint32_t from = 0;
  std::uint32_t what = 0;    // index of the service
  duration at{};
  duration work{};
  std::uint64_t bytes = 0;   // of its input, a range of the asker's object; 0: none
  std::uint64_t first = 0;   // of that range
};
struct planned_crash {
  std::uint32_t who = 0;
  duration at{};
  duration back{};
};
struct planned_service {
  std::string name;
  std::vector<std::uint32_t> by;
};
struct plan {
  std::string name;
  std::string about;
  std::string file;
  std::uint64_t seed = 1;
  std::uint32_t hydras = 0;
  duration lasts{};
  std::uint32_t stagger_us = 20'000;   // between the starts of two heads
  duration upkeep = 1s;                // of tables; refreshing and republishing go with it
  std::uint64_t line = 0;              // object bytes that reach a head in a second; 0: no limit
  std::vector<link_class> classes;
  std::vector<std::uint32_t> group_of;  // by head
  std::vector<std::vector<std::uint32_t>> class_of;  // by group and group
  std::vector<planned_service> services;
  std::vector<planned_job> jobs;        // in the order of time
  std::vector<planned_crash> crashes;   // in the order of time

  [[nodiscard]] std::uint32_t class_between(std::uint32_t a, std::uint32_t b) const {
    return class_of[group_of[a]][group_of[b]];
  }
  // Of the object that a head has from the start, for the jobs it asks for.
  [[nodiscard]] std::uint64_t object_bytes(std::uint32_t head) const {
    std::uint64_t sum = 0;
    for (auto const& j : jobs) sum += j.from == head ? j.bytes : 0;
    return sum;
  }
  [[nodiscard]] duration starts_at(std::uint32_t head) const {
    return std::chrono::microseconds{stagger_us} * head;
  }
};

[[nodiscard]] result<plan> read_plan(std::string const& path);

// What is wrong in one of the two worlds, on purpose.
struct disturbance {
  std::string link;          // all links of this class are slower
  double link_factor = 1.0;
  double loss = 0.0;         // on top, on every link
  double cpu = 1.0;          // tasks take so many times as long
  std::string drop;          // messages of this type do not arrive
  [[nodiscard]] bool any() const {
    return !link.empty() || loss > 0.0 || cpu != 1.0 || !drop.empty();
  }
};
// "links=ocean:1.15", "loss=0.05", "cpu=0.85", "drop=bid".
[[nodiscard]] result<disturbance> read_disturbance(std::string const& text, plan const& of);
// The settings of a link as the disturbance leaves them.
[[nodiscard]] link_settings link_between(plan const& p, disturbance const& d, std::uint32_t from,
                                         std::uint32_t to);

}  // namespace hydra::validation
