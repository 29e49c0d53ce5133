// Chord-S on the planet's own delays: every peer in a real city, neighbours next door included.
// Needs the compiled library and its data; throws data_error without them.
#pragma once

#include "chord_worlds.hpp"

#include <hydra/sim/latency.hpp>
#include <hydra/sim/positions.hpp>

#include <cstdint>
#include <memory>

namespace chord_s {

class planet_delay : public ring_setting {
 public:
  explicit planet_delay(std::uint32_t n) : ring_setting{n}, latency_{made(n)} {}

  [[nodiscard]] hydra::duration window() const { return latency_->minimum(); }
  [[nodiscard]] hydra::duration lookahead(hydra::sim::peer_range a,
                                          hydra::sim::peer_range b) const {
    return latency_->minimum(a, b);
  }
  [[gnu::always_inline]] void approach(std::uint32_t to) const noexcept {
    latency_->approach(hydra::peer{to});
  }
  [[gnu::always_inline]] void approach_further(std::uint32_t to) const noexcept {
    latency_->approach_further(hydra::peer{to});
  }
  [[nodiscard]] hydra::sim::delivery route(hydra::sim::transmission const& t) const noexcept {
    if (t.from == t.to) return {.delay = hydra::duration{1'000}};
    hydra::peer const from{t.from};
    hydra::peer const to{t.to};
    return {.delay = latency_->delay(from, to, t.at, t.sequence)};
  }

 private:
  // The atlas and the positions are needed only to build the delays.
  [[nodiscard]] static std::shared_ptr<hydra::sim::planet_latency const> made(std::uint32_t n) {
    auto const map = hydra::sim::atlas::load();
    hydra::sim::positions const where{
        map, {.sites = n, .heads_per_site = 1, .seed = seed_of_all}};
    return std::make_shared<hydra::sim::planet_latency const>(where, seed_of_all);
  }

  std::shared_ptr<hydra::sim::planet_latency const> latency_;
};

}  // namespace chord_s
