// Runs with a Hydra that has a choice in every slot. It stands in a translation unit of its own, so
// that the ready-made one stays as small and as fast as it is, and both compile at once.
#pragma once

#include <hydra/sim/run.hpp>

namespace hydra::sim::detail {

[[nodiscard]] run_result run_any(scenario const&, run_options const&);
[[nodiscard]] divergence check_any(scenario const&, run_options const&);

}  // namespace hydra::sim::detail
