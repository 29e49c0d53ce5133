// What a machine adds to what a plan says, as measured once on a scenario that is not judged: the
// simulator adds the same. Lies in calibration.toml beside the scenarios.
#pragma once

#include "notes.hpp"
#include "plan.hpp"

#include <hydra/core/outcome.hpp>
#include <hydra/core/time.hpp>

#include <string>
#include <vector>

namespace hydra::validation {

struct calibration {
  duration message = 300us;   // from send() to the other's on_message, beside the link
  duration to_self = 50us;    // a message of a head to itself
  duration per_kib = 10us;    // of a message
  duration connect = 4ms;     // the first message between two heads, on top
  duration task = 150us;      // a task, beside its work
  duration keep = 200us;      // until a record is durable
  duration sign = 40us;
  duration check = 80us;
};

// What a live run of a plan without jitter and loss says; signatures are timed here and now.
[[nodiscard]] calibration calibrate(plan const& p, std::vector<note> const& live);
[[nodiscard]] result<calibration> read_calibration(std::string const& path);
[[nodiscard]] std::string calibration_text(calibration const& c, std::string const& how);

}  // namespace hydra::validation
