// Runs the shards of a world on threads, in lock step. The only file of the simulator that knows
// threads; built with HYDRA_NO_THREADS it runs the shards one after the other.
#pragma once

#include <cstddef>
#include <cstdint>

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

// Whether several threads are worth their meetings. On a machine that is busy with other work they
// park at each other's windows, and one thread is faster by far. Parks are counted against events;
// no clock is read, and which way is taken changes no result.
class crew_choice {
 public:
  [[nodiscard]] bool together() const noexcept { return alone_ == 0; }
  void ends(std::uint64_t parks, std::uint64_t events) noexcept {
    if (alone_ > 0) {
      --alone_;
    } else if (parks > events / events_per_park) {
      alone_ = runs_alone;
    }
  }

 private:
  // `planet`: one park in 7,000 events and more on a quiet machine, one in 15 to 100 on a busy one.
  static constexpr std::uint64_t events_per_park = 200;
  static constexpr unsigned runs_alone = 32;  // then they try again
  unsigned alone_ = 0;
};

// Calls phase(step, shard) for every shard of every step; phases of one step may run at the same
// time, steps follow each other. next(step) says whether there is another one; it must give the
// same answer to every thread. Waiting threads spin for a moment, then park; gives the parks.
template <class Next, class Phase>
std::uint64_t in_lock_step(std::size_t shards, unsigned threads, Next&& next, Phase&& phase) {
#ifndef HYDRA_NO_THREADS
  if (threads > 1 && shards > 1) {
    auto const crew = threads < shards ? threads : static_cast<unsigned>(shards);
    std::atomic<std::size_t> arrived{0};
    std::atomic<std::size_t> round{0};
    std::atomic<std::uint64_t> parks{0};
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
      parks.fetch_add(1, std::memory_order_relaxed);
      round.wait(mine, std::memory_order_acquire);
    };
    auto const work = [&](std::size_t me) {
      for (std::size_t step = 0; next(step); ++step) {
        for (auto s = me; s < shards; s += crew) phase(step, s);
        meet();
      }
    };
    {
      std::vector<std::jthread> others;
      for (unsigned t = 1; t < crew; ++t) others.emplace_back(work, t);
      work(0);
    }
    return parks.load(std::memory_order_relaxed);
  }
#endif
  static_cast<void>(threads);
  for (std::size_t step = 0; next(step); ++step) {
    for (std::size_t s = 0; s < shards; ++s) phase(step, s);
  }
  return 0;
}

}  // namespace hydra::sim
