// The same small planet with every policy fixed, and with policies chosen at run time.
#pragma once

#include <hydra/assembly/one_of.hpp>
#include <hydra/code/trusted_bundles.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/sim/runner.hpp>
#include <hydra/testing/recorder.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace hydra::bench {

// Begins with the alternative that costs most to reach: the last.
template <class Held, class... Others>
struct choice_of : one_of<Others..., Held> {
  choice_of() : one_of<Others..., Held>{Held{}} {}
};

using fixed = Hydra<>;
using scheduler =
    choice_of<scheduling::power_of_d, scheduling::local_only, scheduling::nearest>;
using one_choice = Hydra<scheduler>;
using all_chosen = Hydra<scheduler, choice_of<routing::kademlia<8>, routing::full_mesh>,
                         choice_of<proximity::geographic, proximity::uniform>,
                         choice_of<trusts::rings, trusts::open>,
                         choice_of<verify::repeat, verify::none>,
                         choice_of<code::native_only, code::trusted_bundles>>;

// 200 Hydras that give each other work for so long; returns the number of events. All three
// types hold the same policies and so do the same.
template <class H>
std::uint64_t run(duration simulated) {
  sim::scenario s;
  s.purpose = "What a choice at run time costs.";
  s.hydras = 200;
  s.duration = simulated;
  s.services.count = 8;
  s.services.providers = 80;
  s.workload.rate = {4, 1s};
  s.workload.service_time = 5s;
  s.workload.start = 1s;
  typename sim::runner<H>::world_type w{sim::populated<H>{s}, {}};
  w.run_until(instant{} + simulated);
  return w.counts().events;
}

// A call by itself, so that the compiler cannot choose before the loop.
template <class P, class Env>
[[gnu::noinline]] choice place_once(P& policy, Env& env, job const& j,
                                    std::span<candidate const> bids) {
  return policy.place(env, j, bids);
}

// The scheduler alone, `times` times among eight bids: what the choice costs where nothing else
// is done. Returns something that depends on every answer.
template <class P>
std::uint64_t place(std::uint64_t times) {
  testing::recorder world{{.seed = 7}};
  auto env = world.view<P>();
  P policy{};
  std::array<candidate, 8> bids{};
  for (std::uint32_t i = 0; i < bids.size(); ++i) {
    bids[i].who = peer{i + 1};
    bids[i].principal = principal{i + 1};
    bids[i].power = {1, 1000};
    bids[i].score = trust::percent(80);
    bids[i].delay = 1ms * (i * 37 % 11);
  }
  job j;
  j.work = 1s;
  std::uint64_t sum = 0;
  for (std::uint64_t n = 0; n < times; ++n) {
    bids[n % bids.size()].queue = 1ms * (n * 7919 % 101);
    sum += place_once(policy, env, j, bids).index;
  }
  return sum;
}

}  // namespace hydra::bench
