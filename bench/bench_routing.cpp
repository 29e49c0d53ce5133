// What a find costs with each policy whose records lie at heads that a key names, and with the
// baseline of all: everybody asked directly. Wall time is a report; the gate is
// baselines/growth.sh.
#include "routing_rows.hpp"

#include <hydra/routing/chord.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/small_world.hpp>

namespace {

using namespace hydra;
using namespace hydra::bench;

[[maybe_unused]] routing_row const rows[] = {
    find_rows<routing::kademlia<8>>("find/kademlia<8>", {}),
    find_rows<routing::small_world>("find/small_world", {}),
    find_rows<routing::chord<8>>("find/chord<8>", {}),
    find_rows("find/chord<8> recursive", {}, to_a_million,
              routing::chord<8>{{.style = routing::forwarding::recursive}}),
    find_rows<routing::pastry<>>("find/pastry", {}),
    find_rows("find/pastry iterative", {}, to_a_million, routing::pastry<>{{.iterative = true}}),
    locate_rows<routing::kademlia<8>>("locate/kademlia<8>"),
    locate_rows<routing::small_world>("locate/small_world"),
    locate_rows<routing::chord<8>>("locate/chord<8>"),
    locate_rows<routing::pastry<>>("locate/pastry"),
    find_rows<routing::full_mesh>("find/full_mesh", {.services = 8, .providers = 8}, {64}),
};

}  // namespace
