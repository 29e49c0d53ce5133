// Rows of the routing benchmarks: what a find costs in a world of one policy.
//
//   routing_row const rows[] = {
//       find_rows<routing::kademlia<8>>("find/kademlia<8>", {}),
//       locate_rows<routing::small_world>("locate/small_world"),
//       find_rows("find/paths", {}, to_a_million, routing::kademlia<8>{{.disjoint_paths = 4}})};
//
// Per row: processor nanoseconds of this machine per find (or locate), everything that everybody
// does for it included; messages; questions, as who asked counts them; hops; how many of a hundred
// brought somebody; bytes of the world per head. Tables are built directly and upkeep is left out,
// so that what is timed is finds; a ring lives by its upkeep, so there the same time passes once
// more in a copy where nobody asks, and only what is beyond that is counted.
#pragma once

#include "measure.hpp"
#include "routing_worlds.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

namespace hydra::bench {

// A world is built once for a row; `hundredth`: of all heads offer a service, else `providers`.
// `askers`: so many heads ask, none for all of them.
struct routing_load {
  std::uint32_t services = 64;
  std::size_t providers = 16;
  bool hundredth = false;
  std::uint32_t askers = 0;
};

template <class P>
void ask(::benchmark::State& state, routing_load load, P const& fresh, bool locate) {
  auto const n = static_cast<std::uint32_t>(state.range(0));
  using node = std::conditional_t<walks_a_ring<P>, alone<P>, without_upkeep<P>>;
  using world = routing_world<node>;
  world w{1, n, fresh};
  if (load.askers > 0) w.askers(load.askers);
  auto const providers = load.hundredth ? std::max<std::size_t>(n / 100, 1) : load.providers;
  if (!locate) w.announce_all(load.services, providers);
  if (walks_a_ring<P>) w.world().run_for(4min);  // news of what friends can do
  auto sent = w.world().counts().sent;
  auto events = w.world().counts().events;
  std::optional<typename world::world_type> quiet;
  if (walks_a_ring<P>) quiet.emplace(w.world());
  auto const begin = ::measure::cpu_seconds();
  for (auto _ : state) {
    if (locate) {
      w.locates();
    } else {
      w.finds();
    }
  }
  auto spent = ::measure::cpu_seconds() - begin;
  if (quiet) {
    auto const idle = ::measure::cpu_seconds();
    quiet->run_until(w.world().now());
    spent -= std::min(spent, ::measure::cpu_seconds() - idle);
    sent = quiet->counts().sent;
    events = quiet->counts().events;
  }
  auto const seen = w.world().observed();
  auto const asked = static_cast<double>(locate ? seen.locates : seen.finds);
  auto const per = [&](std::uint64_t x) { return static_cast<double>(x) / asked; };
  state.SetItemsProcessed(static_cast<std::int64_t>(asked));
  state.counters["ns"] = 1e9 * spent / asked;
  state.counters["messages"] = per(w.world().counts().sent - sent);
  state.counters["events"] = per(w.world().counts().events - events);
  state.counters["questions"] = per(seen.questions);
  state.counters["hops"] = per(seen.hops);
  if (!locate) state.counters["found%"] = 100 * per(seen.with);
  state.counters["bytes/head"] = static_cast<double>(w.world().bytes()) / n;
}

using routing_row = ::benchmark::internal::Benchmark*;

using row_sizes = std::vector<std::int64_t>;
inline row_sizes const to_a_million{1'000, 100'000, 1'000'000};

// Rows for so many heads, 16 batches of 64 each, of heads that begin as `fresh` does.
template <class P>
routing_row rows_of(char const* name, routing_load load, bool locate, row_sizes const& heads,
                    P const& fresh) {
  auto* const rows = ::benchmark::RegisterBenchmark(
      name, [=](::benchmark::State& state) { ask<P>(state, load, fresh, locate); });
  for (auto n : heads) rows->Arg(n);
  return rows->Iterations(16)->Unit(::benchmark::kMillisecond);
}
template <class P>
routing_row find_rows(char const* name, routing_load load, row_sizes const& heads = to_a_million,
                      P const& fresh = {}) {
  return rows_of<P>(name, load, false, heads, fresh);
}
template <class P>
routing_row locate_rows(char const* name, P const& fresh = {}) {
  return rows_of<P>(name, {}, true, to_a_million, fresh);
}

}  // namespace hydra::bench
