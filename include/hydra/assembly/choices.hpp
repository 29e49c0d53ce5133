// The policies of the library among which a scenario or an operator chooses by name.
#pragma once

#include <hydra/assembly/one_of.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/geographic.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/routing/flood.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/ring_and_keys.hpp>
#include <hydra/routing/small_world.hpp>
#include <hydra/routing/walk.hpp>
#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/scheduling/power_of_d.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/trust/rings.hpp>
#include <hydra/verify/none.hpp>
#include <hydra/verify/repeat.hpp>

namespace hydra {

// The default first.
using any_routing =
    one_of<routing::ring_and_keys, routing::ring_first, routing::kademlia<8>, routing::chord<8>,
           routing::pastry<>, routing::capability<>, routing::capability<routing::routing_index<>>,
           routing::small_world, routing::flood<64>, routing::walk<32>, routing::full_mesh>;
using any_proximity = one_of<proximity::geographic, proximity::uniform, proximity::vivaldi<>,
                             proximity::blend<>>;
using any_trust = one_of<trusts::rings, trusts::beta_reputation, trusts::open>;
using any_verify = one_of<verify::repeat, verify::none>;
using any_scheduler =
    one_of<scheduling::power_of_d, scheduling::nearest, scheduling::local_only>;

// The defaults with a choice of the scheduler, which costs nothing; and a choice in every slot: as
// large as the largest policy of each.
using ready_made_hydra = Hydra<any_scheduler>;
using any_hydra = Hydra<any_routing, any_proximity, any_trust, any_scheduler, any_verify>;

}  // namespace hydra
