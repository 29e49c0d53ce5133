// expect: cached: remembered for at least a second
// What is forgotten at once was paid for and never used.
#include <hydra/routing/compose.hpp>
#include <hydra/routing/kademlia.hpp>

hydra::routing::cached<hydra::routing::kademlia<8>, 0> wanted;
