// Stoica et al., ToN 2003: path length, failures, churn and load.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

void run_chord(scenario const& s, sheet& out);
void read_chord(scenario const&);

}  // namespace hydra::papers
