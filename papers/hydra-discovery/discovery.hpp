// Which routing policy answers "do I know someone who can?" best, in which world? A study of our
// own, with the harness of the papers.
#pragma once

#include "../harness/paper.hpp"

namespace hydra::papers {

// One table for each world, a row per policy; and one of success by how rare a service is.
void run_discovery(scenario const&, sheet&);
void read_discovery(scenario const&);
// The real ring, where its data is not at hand. Throws paper_error where that is broken, or where a
// parameter is missing or not allowed.
[[nodiscard]] std::vector<lack> discovery_lacks(scenario const&);

}  // namespace hydra::papers
