// The papers, in the order of their numbers among the targets.
#include "01_chord/chord.hpp"
#include "02_demers/demers.hpp"
#include "07_hyparview/hyparview.hpp"
#include "08_swim/swim.hpp"
#include "09_pastry/pastry.hpp"
#include "12_chord_proximity/chord_proximity.hpp"
#include "12_vivaldi/vivaldi.hpp"
#include "12b_s_kademlia/s_kademlia.hpp"
#include "harness/paper.hpp"
#include "hydra-discovery/discovery.hpp"

#include <algorithm>

namespace hydra::papers {

std::vector<paper> const& all_papers() {
  static std::vector<paper> const all{
      {"chord", "1", "01_chord", "Chord: path length, failures, churn, load",
       "I. Stoica et al.: Chord, IEEE/ACM Trans. Networking 11(1), 2003", run_chord, read_chord},
      {"demers", "2", "02_demers", "Rumour mongering: residue, traffic, delay",
       "A. Demers et al.: Epidemic Algorithms for Replicated Database Maintenance, PODC 1987",
       run_demers, read_demers},
      {"hyparview", "7", "07_hyparview", "Partial views under mass failure; broadcast trees",
       "J. Leitao, J. Pereira, L. Rodrigues: HyParView, DSN 2007; Epidemic Broadcast Trees, SRDS "
       "2007", run_hyparview, read_hyparview},
      {"swim", "8", "08_swim", "Failure detection with suspicion, and local health",
       "A. Das, I. Gupta, A. Motivala: SWIM, DSN 2002; Dadgar et al.: Lifeguard, 2018",
       run_swim, read_swim},
      {"pastry", "9", "09_pastry", "Prefix routing, and the bits per hop of Kademlia",
       "A. Rowstron, P. Druschel: Pastry, Middleware 2001; X. S. Cai, L. Devroye 2015",
       run_pastry, read_pastry},
      {"vivaldi", "12", "12_vivaldi", "Vivaldi: coordinates without landmarks",
       "F. Dabek, R. Cox, F. Kaashoek, R. Morris: Vivaldi, SIGCOMM 2004",
       run_vivaldi, read_vivaldi},
      {"chord-proximity", "12", "12_chord_proximity", "Chord with near fingers",
       "I. Stoica et al.: Chord, IEEE/ACM Trans. Networking 11(1), 2003, Table IV",
       run_chord_proximity, read_chord_proximity},
      {"s-kademlia", "12b", "12b_s_kademlia", "Lookups among adversaries, by disjoint paths",
       "I. Baumgart, S. Mies: S/Kademlia, ICPADS 2007",
       run_s_kademlia, read_s_kademlia},
      {"discovery", "study", "hydra-discovery", "Do I know someone who can? Policies compared",
       "A study of Hydra's own", run_discovery, read_discovery, discovery_lacks, 100},
  };
  return all;
}

paper const* paper_named(std::string_view name) {
  auto const dashed = [](std::string text) {
    std::replace(text.begin(), text.end(), '_', '-');
    return text;
  };
  auto const sought = dashed(std::string{name});
  auto const& all = all_papers();
  auto const it = std::find_if(all.begin(), all.end(), [&](paper const& p) {
    return p.name == sought || dashed(p.folder) == sought;
  });
  return it == all.end() ? nullptr : &*it;
}

}  // namespace hydra::papers
