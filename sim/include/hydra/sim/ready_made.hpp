// The harness for the ready-made Hydra, compiled once, in hydra::sim: whoever includes this instead
// of runner.hpp alone compiles little of it again: what is inline, and none of what heads do.
#pragma once

#include <hydra/sim/runner.hpp>

namespace hydra::sim {

using ready_made_world = runner<ready_made_hydra>::world_type;

extern template class runner<ready_made_hydra>;
extern template world<ready_made_hydra, populated<ready_made_hydra>, history>::world(
    populated<ready_made_hydra>, world_options);
extern template void ready_made_world::run_until(instant);
extern template void ready_made_world::crash(peer);
extern template void ready_made_world::restart(peer);
extern template void ready_made_world::tell(peer, submit const&);

}  // namespace hydra::sim
