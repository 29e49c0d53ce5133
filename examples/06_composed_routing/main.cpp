// Routing made of routing: ask my ring first, then the key space, remember what worked.
// run: hello --no-timings --no-out
#include <hydra/routing/capability.hpp>
#include <hydra/routing/compose.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/sim/main.hpp>

using namespace hydra::routing;

using ring = capability<>;
using key_space = kademlia<8>;
using my_routing = cached<first_of<ring, key_space>>;
using my_hydra = hydra::Hydra<my_routing>;
static_assert(hydra::Node<my_hydra>);

int main(int argc, char** argv) { return hydra::sim::main<my_hydra>(argc, argv); }
