// The simulated world of a plan: what is predicted.
#pragma once

#include "calibration.hpp"
#include "notes.hpp"
#include "plan.hpp"

#include <string>
#include <vector>

namespace hydra::validation {

// All that the heads noted, in the order in which they did. `set` is "a" or "b".
[[nodiscard]] std::vector<note> simulate(plan const& p, std::string const& set,
                                         calibration const& c, disturbance const& d,
                                         std::uint32_t dropped_type);
// One set each, compiled apart.
void simulate_a(plan const& p, calibration const& c, disturbance const& d, note_sink& to);
void simulate_b(plan const& p, calibration const& c, disturbance const& d, note_sink& to);

}  // namespace hydra::validation
