// The papers, in the order of their numbers among the targets.
#include "harness/paper.hpp"

namespace hydra::papers {

std::vector<paper> const& all_papers() {
  static std::vector<paper> const all{
  };
  return all;
}

}  // namespace hydra::papers
