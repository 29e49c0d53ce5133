// Pastry (Middleware 2001) and bits per hop of Kademlia (IPTPS 2002) run again.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One seed: hop distribution, means by size, repair after failures, and Kademlia's greedy paths.
// Throws paper_error where a parameter is missing.
void run_pastry(scenario const& parameters, sheet& out);

// The parts of it that are about Kademlia, in programs of their own for the compiler's sake.
void run_kademlia_small(scenario const& parameters, sheet& out);
void run_kademlia_large(scenario const& parameters, sheet& out);

}  // namespace hydra::papers
