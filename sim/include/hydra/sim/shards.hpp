// Runs the shards of a world on threads, in lock step. The only file of the simulator that knows
// threads; built with HYDRA_NO_THREADS it runs the shards one after the other.
#pragma once

#include <cstddef>

#ifndef HYDRA_NO_THREADS
#include <atomic>
#include <thread>
#include <vector>
#endif

namespace hydra::sim {

namespace detail {
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}
}  // namespace detail

// Calls phase(step, shard) for every shard of every step; phases of one step may run at the same
// time, steps follow each other. next(step) says whether there is another one; it must give the
// same answer to every thread. Waiting threads spin for a moment, then park.
template <class Next, class Phase>
void in_lock_step(std::size_t shards, unsigned threads, Next&& next, Phase&& phase) {
#ifndef HYDRA_NO_THREADS
  if (threads > 1 && shards > 1) {
    auto const crew = threads < shards ? threads : static_cast<unsigned>(shards);
    std::atomic<std::size_t> arrived{0};
    std::atomic<std::size_t> round{0};
    auto const meet = [&] {
      auto const mine = round.load(std::memory_order_acquire);
      if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == crew) {
        arrived.store(0, std::memory_order_relaxed);
        round.store(mine + 1, std::memory_order_release);
        round.notify_all();
        return;
      }
      constexpr int spins_max = 2'000;  // some 20 us: most windows are shorter
      for (int i = 0; i < spins_max; ++i) {
        if (round.load(std::memory_order_acquire) != mine) return;
        detail::pause();
      }
      round.wait(mine, std::memory_order_acquire);
    };
    auto const work = [&](std::size_t me) {
      for (std::size_t step = 0; next(step); ++step) {
        for (auto s = me; s < shards; s += crew) phase(step, s);
        meet();
      }
    };
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < crew; ++t) others.emplace_back(work, t);
    work(0);
    return;
  }
#endif
  static_cast<void>(threads);
  for (std::size_t step = 0; next(step); ++step) {
    for (std::size_t s = 0; s < shards; ++s) phase(step, s);
  }
}

}  // namespace hydra::sim
