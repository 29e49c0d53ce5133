// Kademlia with one and with eight contacts per bucket.
#include "kademlia_hops.hpp"
#include "pastry.hpp"

namespace hydra::papers {

void run_kademlia_small(kademlia_plan const& p, sheet& out) {
  measure_kademlia<1>(p, out);
  measure_kademlia<8>(p, out);
}

}  // namespace hydra::papers
