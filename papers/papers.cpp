// The papers, in the order of their numbers among the targets.
#include "12_vivaldi/vivaldi.hpp"
#include "harness/paper.hpp"

namespace hydra::papers {

std::vector<paper> const& all_papers() {
  static std::vector<paper> const all{
      {"vivaldi", "12", "12_vivaldi", "Vivaldi: coordinates without landmarks",
       "F. Dabek, R. Cox, F. Kaashoek, R. Morris, SIGCOMM 2004", run_vivaldi},
  };
  return all;
}

}  // namespace hydra::papers
