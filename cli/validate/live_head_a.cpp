#include "live_head.hpp"

namespace hydra::validation {

int live_head_a(head_orders const& o, plan const& p, disturbance const& d, note_sink& to) {
  return live_as<hydra_a>(o, p, d, to);
}

}  // namespace hydra::validation
