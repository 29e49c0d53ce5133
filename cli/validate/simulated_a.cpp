#include "simulated.hpp"
#include "stage.hpp"

namespace hydra::validation {

void simulate_a(plan const& p, calibration const& c, disturbance const& d, note_sink& to) {
  play<hydra_a>(p, c, d, to);
}

}  // namespace hydra::validation
