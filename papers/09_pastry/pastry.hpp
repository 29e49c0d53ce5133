// Pastry (Middleware 2001) and bits per hop of Kademlia (IPTPS 2002) run again.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One seed: hop distribution, means by size, repair after failures, and Kademlia's greedy paths.
// Throws paper_error where a parameter is missing.
void run_pastry(scenario const& parameters, sheet& out);

// The part of it that is about Kademlia (kademlia_hops.cpp).
void run_kademlia_hops(scenario const& parameters, sheet& out);

}  // namespace hydra::papers
