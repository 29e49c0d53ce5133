#include "simulated.hpp"
#include "stage.hpp"

namespace hydra::validation {

void simulate_b(plan const& p, calibration const& c, disturbance const& d, note_sink& to) {
  play<hydra_b>(p, c, d, to);
}

}  // namespace hydra::validation
