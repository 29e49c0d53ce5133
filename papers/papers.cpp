// The papers, in the order of their numbers among the targets.
#include "12_vivaldi/vivaldi.hpp"
#include "harness/paper.hpp"

#include "02_demers/demers.hpp"
#include "07_hyparview/hyparview.hpp"

namespace hydra::papers {

std::vector<paper> const& all_papers() {
  static std::vector<paper> const all{
      {"vivaldi", "12", "12_vivaldi", "Vivaldi: coordinates without landmarks",
       "F. Dabek, R. Cox, F. Kaashoek, R. Morris, SIGCOMM 2004", run_vivaldi},
      {"demers", "2", "02_demers", "Rumour mongering: residue, traffic, delay",
       "Demers et al.: Epidemic Algorithms for Replicated Database Maintenance, PODC 1987",
       run_demers},
      {"hyparview", "7", "07_hyparview", "Partial views under mass failure; broadcast trees",
       "Leitao, Pereira, Rodrigues: HyParView, DSN 2007; Epidemic Broadcast Trees, SRDS 2007",
       run_hyparview},
  };
  return all;
}

}  // namespace hydra::papers
