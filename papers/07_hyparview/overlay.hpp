// The world of the paper: heads that join one by one through one contact, messages that take one
// step, links whose breaking everybody notices at once.
#pragma once

#include "../harness/paper.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::papers::overlay {

using policy = membership::plumtree<membership::hyparview<5, 30>>;
using node = alone<policy>;

inline constexpr duration step = 1ms;  // of every message

struct setting : sim::plain_setting {
  setting(std::uint64_t seed, std::uint32_t peers, membership::hyparview_settings const& view,
          membership::plumtree_settings const& broadcast)
      : plain_setting{seed, peers}, view_{view}, broadcast_{broadcast} {}
  [[nodiscard]] node make(sim::permutation const&, std::uint32_t) const {
    return node{policy{broadcast_, membership::hyparview<5, 30>{view_}}};
  }
  [[nodiscard]] duration window() const noexcept { return step; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = step};
  }
  // A connection that breaks, or cannot be made, is noticed at once.
  [[nodiscard]] bool tells_broken_links() const noexcept { return true; }
  [[nodiscard]] bool tells_unreachable() const noexcept { return true; }

 private:
  membership::hyparview_settings view_;
  membership::plumtree_settings broadcast_;
};

// What came of the broadcast that is under way.
struct arrivals {
  std::uint64_t heads = 0;
  std::uint16_t hops_max = 0;
  void fact(instant, std::uint32_t, delivered const& f) noexcept {
    ++heads;
    hops_max = f.hops > hops_max ? f.hops : hops_max;
  }
  template <class F>
  void fact(instant, std::uint32_t, F const&) noexcept {}
  void merge(arrivals const& o) noexcept {
    heads += o.heads;
    hops_max = o.hops_max > hops_max ? o.hops_max : hops_max;
  }
};

using world = sim::world<node, setting, arrivals>;

// Payloads and everything else that the tree sends.
struct traffic {
  std::uint64_t payload = 0;
  std::uint64_t control = 0;
};
[[nodiscard]] traffic traffic_of(world const& w);

// All joined, and so many cycles later.
[[nodiscard]] world grow(setting const& s, duration join_every, duration cycle, int cycles);

// Sends one rumour, waits until it has come everywhere, and says what came of it.
[[nodiscard]] arrivals broadcast(world& w, peer from, duration wait);

// How many heads that is.
[[nodiscard]] std::size_t crashed_of(double percent, std::uint32_t peers);
// Crashes a share of all heads at random.
void crash(world& w, double percent, owned_stream& chance);

// The links of the live heads.
using graph = std::vector<std::vector<std::uint32_t>>;
[[nodiscard]] graph links(world const& w);
[[nodiscard]] double clustering(graph const& g);
// Mean over so many sources, drawn, and all heads that they reach.
[[nodiscard]] double shortest_path(graph const& g, std::size_t sources, owned_stream& chance);

}  // namespace hydra::papers::overlay
