// Groups of SWIM members alone in a world, each member with the whole list of its group from the
// start; and when which of them said what of whom.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/membership/swim.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace hydra::papers {

// Agents that hear and say nothing for a while, again and again: what they send and what is sent
// to them is held until the block is over. Their timers go on.
struct blocks {
  std::vector<bool> who;
  instant from = never;
  instant until = never;  // no block begins after
  duration blocked{};
  duration open{};

  [[nodiscard]] instant released(std::uint32_t agent, instant at) const {
    if (at < from || agent >= who.size() || !who[agent]) return at;
    auto const cycle = blocked + open;
    auto const begun = from + (at - from) / cycle * cycle;
    return begun < until ? std::max(at, begun + blocked) : at;
  }
};

template <std::size_t Members>
class group_setting : public sim::plain_setting {
 public:
  using policy = membership::swim<Members>;
  group_setting(std::uint64_t seed, std::uint32_t n, membership::swim_settings const& s,
                duration delay, std::uint32_t loss_per_mille = 0, blocks const& b = {},
                std::uint32_t groups = 1)
      : plain_setting{seed, n * groups}, size_{n}, policy_{s}, delay_{delay},
        loss_{loss_per_mille}, blocks_{std::make_shared<blocks const>(b)} {
    HYDRA_EXPECTS(n <= Members);
  }
  [[nodiscard]] alone<policy> make(sim::permutation const& view, std::uint32_t who) const {
    std::vector<peer> all;
    all.reserve(size_);
    auto const first = who / size_ * size_;
    for (std::uint32_t i = 0; i < size_; ++i) all.push_back(peer{view.seen(first + i)});
    policy p{policy_};
    p.adopt(all, peer{view.seen(who)});
    return alone<policy>{p};
  }
  [[nodiscard]] duration window() const noexcept { return delay_; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const sent = blocks_->released(t.from, t.at);
    auto const heard = blocks_->released(t.to, sent + delay_);
    auto const chance = mix64(mix64(seed() ^ (std::uint64_t{t.from} << 32U | t.to)) ^ t.sequence);
    return {.delay = heard - t.at, .dropped = chance % 1000 < loss_};
  }

 private:
  std::uint32_t size_;  // of a group
  membership::swim_settings policy_;
  duration delay_;
  std::uint32_t loss_;
  std::shared_ptr<blocks const> blocks_;
};

// Suspicions and deaths, until they are taken. Numbers are the world's: no handles are permuted.
struct said {
  struct one {
    instant at{};
    std::uint32_t by = 0;
    std::uint32_t of = 0;
    bool dead = false;
  };
  std::vector<one> all;
  template <class F>
  void fact(instant at, std::uint32_t who, F const& f) {
    if constexpr (std::is_same_v<F, membership::suspected>) {
      all.push_back({at, who, f.who.index(), false});
    } else if constexpr (std::is_same_v<F, neighbour_down>) {
      if (f.why == neighbour_down::cause::dead) all.push_back({at, who, f.who.index(), true});
    }
  }
  void merge(said const& o) { all.insert(all.end(), o.all.begin(), o.all.end()); }
};

template <std::size_t Members>
using group_world = sim::world<alone<membership::swim<Members>>, group_setting<Members>, said>;

template <class World>
[[nodiscard]] std::vector<said::one> take_said(World& w) {
  std::vector<said::one> all;
  w.each_observer([&](said& o) { all = std::exchange(o.all, {}); });  // one shard
  return all;
}

}  // namespace hydra::papers
