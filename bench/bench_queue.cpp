// The hold model: take the earliest, put it back an exponential time later, with N pending. The
// standard heap runs in the same program, so the ratio does not depend on the machine.
#include <hydra/core/random.hpp>
#include <hydra/sim/queue.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <queue>
#include <type_traits>
#include <vector>

namespace {

using namespace hydra;

constexpr std::int64_t mean_ns = std::int64_t{1} << 26U;

// Exponential delays from a table: a draw costs a nanosecond.
class delays {
 public:
  delays() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      double const u = (static_cast<double>(i) + 0.5) / static_cast<double>(table_.size());
      table_[i] = 1 + static_cast<std::int64_t>(-std::log(u) * static_cast<double>(mean_ns));
    }
  }
  [[nodiscard]] std::int64_t next() noexcept {
    state_ = mix64(state_);
    return table_[state_ >> 48U];
  }

 private:
  std::array<std::int64_t, 65536> table_{};
  std::uint64_t state_ = 1;
};

void hold_heap(benchmark::State& state) {
  struct entry {
    std::int64_t at;
    std::uint64_t who;
    bool operator<(entry const& o) const noexcept { return at > o.at; }
  };
  static delays draw;
  auto const n = static_cast<std::uint64_t>(state.range(0));
  std::priority_queue<entry> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push({draw.next(), i});
  for (auto _ : state) {
    auto e = all.top();
    all.pop();
    e.at += draw.next();
    all.push(e);
  }
  state.SetItemsProcessed(state.iterations());
}

void fill(sim::event* e, std::int64_t at, std::uint32_t who) {
  *e = sim::event{at, who, who, 0, 0, 1, 0};
  std::memset(e->payload(), 0, 8);
}

// What a shard asks of its queue: everything of one window, then what follows from it. With no
// more than one event in a window it is a priority queue.
template <class Queue>
void hold_windows(benchmark::State& state) {
  static delays draw;
  auto const n = static_cast<std::uint32_t>(state.range(0));
  auto const window = std::is_same_v<Queue, sim::radix_queue> ? 1 : mean_ns / 16;
  Queue queue{window};
  for (std::uint32_t i = 0; i < n; ++i) {
    auto const at = window + draw.next();
    fill(queue.push(at, 1), at, i);
  }
  std::vector<sim::event*> taken;
  std::uint64_t held = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(n))) {
    for (std::uint64_t i = 0; i < n;) {
      if constexpr (std::is_same_v<Queue, sim::radix_queue>) {
        queue.move_to(queue.earliest());
      } else {
        queue.move_to(queue.window_end());
      }
      taken.clear();
      queue.take([&](sim::event& e) { taken.push_back(&e); });
      for (auto const* e : taken) {
        auto const at = e->at + window + draw.next();  // never into the window that runs
        fill(queue.push(at, 1), at, e->to);
      }
      queue.recycle();
      i += taken.size();
      held += taken.size();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(held));
}

BENCHMARK(hold_heap)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(hold_windows<sim::window_queue>)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(hold_windows<sim::radix_queue>)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
