#include "live_head.hpp"

namespace hydra::validation {

int live_head_b(head_orders const& o, plan const& p, disturbance const& d, note_sink& to) {
  return live_as<hydra_b>(o, p, d, to);
}

}  // namespace hydra::validation
