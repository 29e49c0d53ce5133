// Pastry (Middleware 2001) and bits per hop of Kademlia (IPTPS 2002) run again.
#pragma once

#include "../harness/paper.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::papers {

// What is measured of Kademlia.
struct kademlia_plan {
  std::uint64_t seed;
  std::vector<std::uint32_t> peers;
  std::size_t lookups;
};

// One seed: hop distribution, means by size, repair after failures, and Kademlia's greedy paths.
// Throws paper_error where a parameter is missing or not allowed.
void run_pastry(scenario const& parameters, sheet& out);
void read_pastry(scenario const&);

// The parts of it that are about Kademlia, in programs of their own for the compiler's sake.
void run_kademlia_small(kademlia_plan const& p, sheet& out);
void run_kademlia_large(kademlia_plan const& p, sheet& out);

}  // namespace hydra::papers
