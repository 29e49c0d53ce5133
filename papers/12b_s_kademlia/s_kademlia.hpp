// S/Kademlia (ICPADS 2007): lookups among heads that answer with their friends only.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One seed: success of lookups on d disjoint paths while a share f of the heads colludes. Throws
// paper_error where a parameter is missing.
void run_s_kademlia(scenario const& parameters, sheet& out);
void read_s_kademlia(scenario const&);

}  // namespace hydra::papers
