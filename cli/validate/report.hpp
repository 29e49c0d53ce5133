// What was found, for people and for programs.
#pragma once

#include "verdict.hpp"

#include <string>
#include <vector>

namespace hydra::validation {

struct judged_run {
  std::string scenario;
  std::string set;
  std::string sha256;       // of its prediction
  std::string void_because; // empty: it counts
  double cpu_share = 0.0;
  double late_ms = 0.0;
  std::vector<comparison> measures;
  [[nodiscard]] bool past() const;
};

// A table; of counts by type only what is past its bound, unless all are wanted.
[[nodiscard]] std::string as_table(judged_run const& r, bool all);
[[nodiscard]] std::string as_json(std::vector<judged_run> const& all, int code);

}  // namespace hydra::validation
