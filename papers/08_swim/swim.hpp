// Das, Gupta, Motivala, DSN 2002: first detection, load, false positives, dissemination; and the
// shape of Dadgar, Phillips, Currey, DSN 2018 (Lifeguard).
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

void run_swim(scenario const& s, sheet& out);
void read_swim(scenario const&);

}  // namespace hydra::papers
