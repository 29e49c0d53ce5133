// Stoica et al., ToN 2003, Table IV: fingers chosen by delay.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

void run_chord_proximity(scenario const& s, sheet& out);
void read_chord_proximity(scenario const&);

}  // namespace hydra::papers
