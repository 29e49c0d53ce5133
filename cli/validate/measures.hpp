// What is compared, out of what the heads of a world noted.
#pragma once

#include "notes.hpp"
#include "plan.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hydra::validation {

enum class statistic : std::uint8_t {
  median,  // of times: compared as a ratio
  total,   // of counts: compared as a ratio
  mean,    // of shares: compared as a difference
  worst,   // of shares: the largest difference of a pair
};

// One number for each thing that was measured, under a name that both worlds give it.
struct series {
  std::string name;
  statistic by = statistic::median;
  std::vector<std::pair<std::uint64_t, double>> values;  // by name, sorted; times in ms
  double spread = 0.0;  // how far plays of the simulator beside this one are from it
};

// In the same order and with the same names for every run of a plan with a set.
[[nodiscard]] std::vector<series> measure(plan const& p, std::vector<note> const& notes);

// A question and its answer: there and back over one link.
struct trip {
  std::uint32_t asked = 0;     // types
  std::uint32_t answered = 0;
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::uint64_t tag = 0;
  std::int64_t took = 0;       // ns
  bool first = false;          // that this head asked the other
};
// Of what is answered at once, and of objects; in the order of the answers.
[[nodiscard]] std::vector<trip> trips_of(std::vector<note> const& notes);

// Types of messages by name; 0, or "?", for what is none.
[[nodiscard]] std::uint32_t type_named(std::string const& name);
[[nodiscard]] std::string name_of_type(std::uint32_t type);
[[nodiscard]] std::vector<std::string> type_names();

}  // namespace hydra::validation
