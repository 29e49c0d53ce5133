// Kademlia with one and with eight contacts per bucket.
#include "kademlia_hops.hpp"
#include "pastry.hpp"

namespace hydra::papers {

void run_kademlia_small(scenario const& in, sheet& out) {
  measure_kademlia<1>(in, out);
  measure_kademlia<8>(in, out);
}

}  // namespace hydra::papers
