#include "run_any.hpp"

#include <hydra/sim/runner.hpp>

namespace hydra::sim::detail {

run_result run_any(scenario const& what, run_options const& how) {
  return runner<any_hydra>::run(what, how);
}

divergence check_any(scenario const& what, run_options const& how) {
  return runner<any_hydra>::check_determinism(what, how);
}

}  // namespace hydra::sim::detail
