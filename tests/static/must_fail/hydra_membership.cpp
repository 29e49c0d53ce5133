// expect: Hydra: membership has no slot; hydra::over<Membership, Routing>
// It has a tag and is copyable: what it lacks is a routing policy above it.
#include <hydra/assembly/hydra.hpp>
#include <hydra/membership/swim.hpp>

hydra::Hydra<hydra::membership::swim<64>> wanted;
