// Kademlia with 16 and with 20 contacts per bucket.
#include "kademlia_hops.hpp"
#include "pastry.hpp"

namespace hydra::papers {

void run_kademlia_large(kademlia_plan const& p, sheet& out) {
  measure_kademlia<16>(p, out);
  measure_kademlia<20>(p, out);
}

}  // namespace hydra::papers
