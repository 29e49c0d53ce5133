// HyParView (DSN 2007) and Plumtree (SRDS 2007) run again.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One seed: an overlay, broadcasts after mass failures, and broadcast trees. Throws paper_error
// where a parameter is missing.
void run_hyparview(scenario const& parameters, sheet& out);
void read_hyparview(scenario const&);

}  // namespace hydra::papers
