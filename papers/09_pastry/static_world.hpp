// A world of heads whose tables are right from the start, in which nothing is lost and every
// message takes as long: what hop counts are measured in.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/table.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace hydra::papers {

// Everybody, ordered by key.
[[nodiscard]] inline std::shared_ptr<std::vector<routing::introduction> const> everybody_of(
    std::uint64_t seed, std::uint32_t peers) {
  auto all = std::make_shared<std::vector<routing::introduction>>();
  for (std::uint32_t i = 0; i < peers; ++i) {
    all->push_back({peer{i}, derived_key(seed, peer{i}), {}});
  }
  std::sort(all->begin(), all->end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  return all;
}

// `Build` makes the policy of a head: P(key const& own, std::vector<introduction> const&).
template <class P, class Build>
class static_setting : public sim::plain_setting {
 public:
  static_setting(std::uint64_t seed, std::uint32_t peers, Build build)
      : plain_setting{seed, peers}, all_{everybody_of(seed, peers)}, build_{std::move(build)} {}

  [[nodiscard]] alone<P> make(sim::permutation const&, std::uint32_t who) const {
    return alone<P>{build_(key_of(peer{who}), *all_)};
  }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = way};
  }
  [[nodiscard]] duration window() const noexcept { return way; }
  // Nobody's part of the address space is known: rules about it are not what is measured.
  [[nodiscard]] netgroup netgroup_of(std::uint32_t) const noexcept { return {}; }
  using plain_setting::key_of;

  static constexpr duration way = 10ms;

 private:
  std::shared_ptr<std::vector<routing::introduction> const> all_;
  Build build_;
};

// How many lookups took how many hops, and how many came to another head.
struct hop_counts {
  static constexpr std::size_t hops_max = 32;
  std::vector<located> all{};
  template <class F>
  void fact(instant, std::uint32_t, F const& f) {
    if constexpr (std::same_as<F, located>) all.push_back(f);
  }
  void merge(hop_counts const& o) { all.insert(all.end(), o.all.begin(), o.all.end()); }

  // Share of the lookups with so many hops; of those whose target was reached.
  [[nodiscard]] double share(std::size_t hops) const {
    auto const n = std::count_if(all.begin(), all.end(),
                                 [&](located const& f) { return f.hops == hops; });
    return all.empty() ? 0.0 : static_cast<double>(n) / static_cast<double>(all.size());
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (auto const& f : all) sum += f.hops;
    return all.empty() ? 0.0 : sum / static_cast<double>(all.size());
  }
};

// Lookups between random pairs of heads; those that came to another head than meant are taken out
// and counted in `astray`. `may` says who takes part.
template <class World, class May>
[[nodiscard]] hop_counts look_up_pairs(World& w, std::uint64_t seed, std::size_t lookups,
                                       std::size_t& astray, May may) {
  owned_stream chance{seed, purpose::workload, lookups};
  auto const anybody = [&] {
    for (;;) {
      auto const who = static_cast<std::uint32_t>(chance.below(w.peers()));
      if (may(who)) return peer{who};
    }
  };
  w.each_observer([](hop_counts& o) { o.all.clear(); });
  for (std::size_t i = 0; i < lookups; ++i) {
    auto const from = anybody();
    w.tell(from, look_up{w.setting().key_of(anybody())});
    if (i % w.peers() == w.peers() - 1) w.run_for(20s);  // a head has twelve under way at most
  }
  w.run_for(20s);
  auto counts = w.observed();
  std::erase_if(counts.all, [&](located const& f) {
    return !f.owner || w.setting().key_of(f.owner) != f.target;
  });
  astray = lookups - counts.all.size();
  return counts;
}

}  // namespace hydra::papers
