// What a planet of peers is made of stays as small as it is: a gate, not a wish. Whoever makes one
// of these larger says so here, and bench/baselines says what it costs.
#include "../../bench/chord_worlds.hpp"

#include <hydra/assembly/cluster.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/assembly/over.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/sim/event.hpp>
#include <hydra/sim/wheel.hpp>
#include <hydra/sim/world.hpp>

namespace {

using namespace hydra;

// The engine: bytes per pending event, periodic timer and peer.
static_assert(sizeof(sim::event) == 24);
static_assert(sizeof(sim::wheel::entry) == 8);
static_assert(sizeof(sim::arena::chunk) == sim::arena::chunk_bytes);
using chord = sim::world<chord_s::node, chord_s::hashed_delay, chord_s::tally>::shard_type;
static_assert(sizeof(chord::peer_state) <= 32);
static_assert(sizeof(chord::slot_type) == 320);

// An idle Hydra, and its policies.
static_assert(sizeof(Hydra<>) <= 2944);  // 264 for its ring
static_assert(sizeof(Hydra<>::routing_type) <= 1560);
static_assert(sizeof(Hydra<>::trust_type) <= 720);
static_assert(sizeof(Hydra<>::proximity_type) <= 168);
static_assert(sizeof(proximity::vivaldi<>) <= 528);
static_assert(sizeof(proximity::blend<>) <= 704);
static_assert(sizeof(Hydra<>::scheduling_type) <= 24);
static_assert(sizeof(Hydra<>::verify_type) <= 32);

// Membership: views, and broadcasts over them.
static_assert(sizeof(membership::swim<64>) <= 1016);
static_assert(sizeof(cluster<>) <= 1024);
static_assert(sizeof(membership::hyparview<>) <= 432);
static_assert(sizeof(membership::plumtree<>) <= 1176);
static_assert(sizeof(membership::rumour_mongering<>) <= 1328);

// A ring that is a view: as large as both.
static_assert(sizeof(routing::capability<>) == 264);
static_assert(sizeof(over<membership::hyparview<>, routing::capability<>>) <= 696);
static_assert(sizeof(over<membership::plumtree<>, routing::capability<>>) <= 1440);
static_assert(sizeof(over<cluster<>, routing::capability<>>) <= 1288);

// What travels.
static_assert(sizeof(task) <= 296);  // 8 of them for the priority, 120 for its bytes, of which 48
                                     // for the object that says what to do with the others
static_assert(sizeof(job) <= 336);  // 24 for what it demands of a provider
static_assert(sizeof(lease) <= 48);
static_assert(sizeof(passport) <= 80);
static_assert(sizeof(passport_link) <= 168);
static_assert(sizeof(award) <= 536);
static_assert(sizeof(receipt) <= 272);

}  // namespace
