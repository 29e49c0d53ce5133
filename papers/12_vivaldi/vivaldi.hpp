// Vivaldi on a measured matrix and on a plane.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

void run_vivaldi(scenario const&, sheet&);
void read_vivaldi(scenario const&);

}  // namespace hydra::papers
