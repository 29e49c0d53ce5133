// Kademlia with 16 and with 20 contacts per bucket.
#include "kademlia_hops.hpp"
#include "pastry.hpp"

namespace hydra::papers {

void run_kademlia_large(scenario const& in, sheet& out) {
  measure_kademlia<16>(in, out);
  measure_kademlia<20>(in, out);
}

}  // namespace hydra::papers
