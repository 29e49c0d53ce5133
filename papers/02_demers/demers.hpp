// Epidemic algorithms (Demers et al., PODC 1987), Tables 1 and 2 run again.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One seed: `runs` updates for every row of every table. Throws paper_error where a parameter is
// missing.
void run_demers(scenario const& parameters, sheet& out);
void read_demers(scenario const&);

}  // namespace hydra::papers
