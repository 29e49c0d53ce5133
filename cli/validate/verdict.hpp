// How far two worlds are apart, measure by measure, and whether that is too far.
//
// A measure is past its bound when the difference is larger than the bound and chance does not
// explain it: the bootstrap interval (95 %, 400 draws of a fixed seed) leaves out half the bound.
// The bound begins beyond the spread of the prediction: where a lost message or a crash leads to
// another story each time, plays of the simulator differ among themselves.
// Where both worlds name the same things (the same job, the same question), differences of pairs
// are compared: what differs between jobs does not blur them.
#pragma once

#include "measures.hpp"

#include <string>
#include <vector>

namespace hydra::validation {

struct summary {
  std::size_t n = 0;
  double median = 0.0;
  double p90 = 0.0;
  double mean = 0.0;
};
struct comparison {
  std::string name;
  statistic by = statistic::median;
  bool paired = false;
  summary sim;
  summary live;
  double difference = 0.0;  // live against sim: of medians and totals a share, else plain
  double low = 0.0;         // of 95 %
  double high = 0.0;
  double bound = 0.0;       // the spread included
  double spread = 0.0;
  bool past = false;
};

// Measures that neither world has anything to say about are left out.
[[nodiscard]] std::vector<comparison> compare(std::vector<series> const& sim,
                                              std::vector<series> const& live,
                                              std::uint64_t seed);
// The difference alone.
[[nodiscard]] double apart(series const& sim, series const& other);
[[nodiscard]] summary summarise(series const& s);

}  // namespace hydra::validation
