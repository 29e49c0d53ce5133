// A scheduler of one's own: an idle head if there is one, and of several the nearest.
// run: hello --no-timings --no-out
//
// It says only where a job goes. Whom to ask for bids, and which offers to accept, it leaves to
// the assembly; give it ask() or accepts() to decide that too.
#include <hydra/sim/main.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>

struct idle_and_near {
  using policy_concept = hydra::scheduling_tag;
  hydra::trust floor = hydra::trust::percent(20);

  hydra::choice place(auto&, hydra::job const& job, std::span<hydra::candidate const> bids) {
    hydra::choice best;
    for (std::size_t i = 0; i < bids.size(); ++i) {
      if (bids[i].score < std::max(floor, job.floor)) continue;
      auto const wait = bids[i].queue.count();
      auto const delay = bids[i].delay.count();
      if (best && std::tie(best.terms[0], best.terms[1]) <= std::tie(wait, delay)) continue;
      best.index = i;
      best.terms = {wait, delay, 0, 0};  // what it was chosen by
    }
    return best;
  }
};
static_assert(hydra::SchedulingPolicy<idle_and_near, hydra::archetype_view<idle_and_near>>);

using my_hydra = hydra::Hydra<idle_and_near>;
static_assert(hydra::Node<my_hydra>);

int main(int argc, char** argv) { return hydra::sim::main<my_hydra>(argc, argv); }
