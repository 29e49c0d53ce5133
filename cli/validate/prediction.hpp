// A prediction as a file: what the simulator says, before anything is measured.
#pragma once

#include "calibration.hpp"
#include "measures.hpp"

#include <hydra/core/outcome.hpp>

#include <string>
#include <vector>

namespace hydra::validation {

// What the simulator says, and how far it is from itself on machines beside this one: nine plays.
[[nodiscard]] std::vector<series> predict(plan const& p, std::string const& set,
                                          calibration const& c, disturbance const& d,
                                          std::uint32_t dropped_type);

struct prediction {
  std::string path;
  std::string sha256;  // of the file's bytes, in hexadecimal
};

// Writes it, whole or not at all.
[[nodiscard]] result<prediction> write_prediction(std::string const& folder, plan const& p,
                                                  std::string const& set,
                                                  std::vector<series> const& all);
// Reads it again; an error when its bytes are not those that were hashed.
[[nodiscard]] result<std::vector<series>> read_prediction(prediction const& from);

}  // namespace hydra::validation
