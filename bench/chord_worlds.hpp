// The settings in which Chord-S is counted and timed. C and H need no data; P is chord_planet.hpp.
//   C  every message takes 1.301 ms: the golden counts that all simulators agree on
//   H  10 ms to 200 ms, hashed from both ends
#pragma once

#include "chord.hpp"

#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <cstdint>
#include <memory>

namespace chord_s {

// What is common: a ring of n peers. Keeps the ring, for a peer that restarts.
class ring_setting : public hydra::sim::plain_setting {
 public:
  static constexpr std::uint64_t seed_of_all = 42;

  explicit ring_setting(std::uint32_t n)
      : plain_setting{seed_of_all, n}, ring_{std::make_shared<ring const>(n)} {}
  [[nodiscard]] node make(hydra::sim::permutation const&, std::uint32_t who) const {
    return ring_->make(who);
  }

 private:
  std::shared_ptr<ring const> ring_;
};

struct constant_delay : ring_setting {
  using ring_setting::ring_setting;
  static constexpr hydra::duration delay{1'301'000};
  [[nodiscard]] hydra::duration window() const noexcept { return delay; }
  [[nodiscard]] hydra::sim::delivery route(hydra::sim::transmission const&) const noexcept {
    return {.delay = delay};
  }
};

struct hashed_delay : ring_setting {
  using ring_setting::ring_setting;
  static constexpr hydra::duration least{10'000'000};
  static constexpr std::uint64_t spread_ns = 190'000'000;
  [[nodiscard]] hydra::duration window() const noexcept { return least; }
  [[nodiscard]] hydra::sim::delivery route(hydra::sim::transmission const& t) const noexcept {
    auto const bits = hydra::mix64(std::uint64_t{t.from} << 32U | t.to);
    return {.delay = least + hydra::duration{static_cast<std::int64_t>(bits % spread_ns)}};
  }
};

// What the lookups came to.
struct tally {
  std::uint64_t lookups = 0;
  std::uint64_t done = 0;
  std::uint64_t hops = 0;
  void fact(hydra::instant, std::uint32_t, looked_up const& f) noexcept {
    if (f.started) {
      ++lookups;
    } else {
      ++done;
      hops += f.hops;
    }
  }
  void merge(tally const& o) noexcept {
    lookups += o.lookups;
    done += o.done;
    hops += o.hops;
  }
  friend bool operator==(tally const&, tally const&) = default;
};

}  // namespace chord_s
