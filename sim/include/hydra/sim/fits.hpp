// The commands that compare Hydra's models with the measurements they stand for.
//
// Promise: each fits or checks anew from the committed data, prints what it found (a table, or one
// JSON object) and returns whether the stated bounds hold. Floating point, never read back.
#pragma once

#include <hydra/sim/backbone.hpp>

#include <iosfwd>

namespace hydra::sim {

// Relative error of predicted against measured round trips.
struct fit_error {
  double median = 0;
  double p90 = 0;
};

// Share of ordered triples (a, b, c) where a-c takes longer than a-b plus b-c, and by more than a
// tenth: for planetlab490 5.7 % and 1.8 %.
struct triangle_violations {
  double any = 0;
  double by_a_tenth = 0;
};

// rows * rows numbers, row by row; `rows` of at least 3.
[[nodiscard]] triangle_violations violations_of(std::span<double const> matrix, std::size_t rows);

struct latency_report {
  latency_fit fitted;        // to all 54 regions
  fit_error in_sample;
  fit_error left_out;        // each region predicted by a fit that never saw it
  fit_error left_out_far;    // the same, its nearest hub hidden from it
  fit_error left_out_continent;  // a fit that never saw the regions of its continent
  fit_error line;            // a straight line in great-circle distance, region left out
  fit_error committed;       // the constants of latency_fit, as they stand
  triangle_violations azure;
  triangle_violations model;       // hosts in cities, access like a data centre's or campus'
  triangle_violations model_homes; // the same cities, default mix of access
  double asymmetry_azure = 0;      // median |there - back| / (there + back)
  double asymmetry_model = 0;
  double below_light = 0;          // share of sampled pairs: must be 0

  [[nodiscard]] bool holds() const noexcept;
};

[[nodiscard]] latency_report study_latency();

// Bounds: left out at most 7 % median and 20 % p90, triangle violations near planetlab490's.
bool fit_latency(std::ostream& out, bool json);

// Bounds: every law within 1.1 % of its closed form at every quantile and 0.2 % in the mean.
bool fit_churn(std::ostream& out, bool json);

}  // namespace hydra::sim
