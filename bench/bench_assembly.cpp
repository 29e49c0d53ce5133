// Time of a planet with fixed policies against the same policies chosen at run time. Wall time is
// a report; the gate is the count of instructions (assembly_cost.cpp).
#include "assembly_worlds.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace hydra;

template <class H>
void planet(benchmark::State& state) {
  std::uint64_t events = 0;
  for (auto _ : state) events += bench::run<H>(300s);
  state.counters["events/s"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
  state.counters["events"] = static_cast<double>(events / state.iterations());
}

template <class P>
void place(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bench::place<P>(1'000));
  state.SetItemsProcessed(state.iterations() * 1'000);
}

}  // namespace

BENCHMARK_TEMPLATE(place, scheduling::power_of_d);
BENCHMARK_TEMPLATE(place, bench::scheduler);
BENCHMARK_TEMPLATE(planet, bench::fixed)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(planet, bench::one_choice)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(planet, bench::all_chosen)->Unit(benchmark::kMillisecond);
