// How many bits a hop of Kademlia fixes: greedy paths to a head's own key, for one k.
#pragma once

#include "pastry.hpp"
#include "static_world.hpp"

#include <hydra/routing/kademlia.hpp>

#include <cmath>
#include <string>

namespace hydra::papers {

template <std::size_t K>
struct random_tables {
  std::uint64_t seed;
  [[nodiscard]] routing::kademlia<K> operator()(
      key const& own, std::vector<routing::introduction> const& all) const {
    routing::kademlia_settings s;
    s.alpha = 1;           // one path, greedy
    s.tick = 1h;           // no upkeep: tables stay as they are
    s.republish = 2h;
    s.record_lifetime = 3h;
    routing::kademlia<K> made{s};
    made.adopt_random(own, all, std::identity{}, seed);
    return made;
  }
};

template <std::size_t K>
double mean_hops(kademlia_plan const& p, std::uint32_t peers, std::size_t& astray) {
  using policy = routing::kademlia<K>;
  using setting = static_setting<policy, random_tables<K>>;
  sim::world<alone<policy>, setting, hop_counts> w{setting{p.seed, peers, {p.seed}}};
  return look_up_pairs(w, p.seed, p.lookups, astray, [](std::uint32_t) { return true; }).mean();
}

template <std::size_t K>
void measure_kademlia(kademlia_plan const& p, sheet& out) {
  auto const column = "k=" + std::to_string(K);
  auto const& sizes = p.peers;
  double first = 0;
  double last = 0;
  std::size_t all_astray = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::size_t astray = 0;
    last = mean_hops<K>(p, sizes[i], astray);
    all_astray += astray;
    if (i == 0) first = last;
    out.measured("kademlia hops", name_of(sizes[i]), column, last);
  }
  out.measured("kademlia hops", "astray", column, static_cast<double>(all_astray));
  if (sizes.size() < 2) return;
  auto const doublings = std::log2(static_cast<double>(sizes.back()) / sizes.front());
  out.measured("kademlia slope", "hops per doubling", column, (last - first) / doublings);
}

}  // namespace hydra::papers
