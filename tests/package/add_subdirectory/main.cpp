// A scheduler of one's own in a Hydra, and the Hydra in the recorder: it offers a service, knows
// nobody, and does its own job. No simulator, no network.
#include <hydra/assembly/hydra.hpp>
#include <hydra/testing/recorder.hpp>

#include <cstdio>
#include <span>

struct first_bid {
  using policy_concept = hydra::scheduling_tag;
  hydra::choice place(auto& env, hydra::job const&, std::span<hydra::candidate const> bids) {
    hydra::choice best;
    if (!bids.empty()) best.index = 0;
    best.locally = best && bids[0].who == env.self();
    return best;
  }
};
static_assert(hydra::SchedulingPolicy<first_bid, hydra::archetype_view<first_bid>>);

using my_hydra = hydra::Hydra<first_bid>;

// What it says to itself arrives.
template <class... M>
void loop_back(my_hydra& node, hydra::testing::recorder& env, hydra::type_list<M...>) {
  for (auto const& s : env.take_sent())
    ((s.what.is<M>() ? env.deliver(node, env.self(), s.what.as<M>()) : void()), ...);
}

int main() {
  using namespace hydra;
  constexpr service doubling{0};
  hydra_settings mine;
  mine.offers.push_back(doubling);
  mine.power = {2, 1000};
  my_hydra node{mine};
  testing::recorder env{{.seed = 7}};
  env.start(node);
  job work;
  work.id = {env.about(env.self()).principal, 1};
  work.what = doubling;
  work.work = 1s;
  work.patience = 60s;
  env.tell(node, submit{work});
  for (int second = 0; second < 70; ++second) {
    env.settle(node);
    loop_back(node, env, my_hydra::messages{});
    for (auto const& r : env.take_runs())
      env.tell(node, run_done{r.id, true, r.what.input, r.what.work});
    for (auto const& done : env.take_emitted<job_done>())
      std::printf("the job ended: %s, %d placement\n",
                  done.how == ending::completed ? "completed" : "failed", done.placements);
    env.fire(node, 1s);
  }
}
