// A ring of Chord heads alone in a world, made perfect or joined one by one; and what its lookups
// came to. Shared by the papers on Chord.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace hydra::papers {

using ring_policy = routing::chord<20>;
using ring_node = alone<ring_policy>;

struct ring_member {
  hydra::key key{};
  peer who{};
};

// The first `members` heads of a seed, ordered by key.
[[nodiscard]] inline std::vector<ring_member> members_of(std::uint64_t seed,
                                                         std::uint32_t members) {
  std::vector<ring_member> all;
  all.reserve(members);
  for (std::uint32_t i = 0; i < members; ++i) all.push_back({derived_key(seed, peer{i}), peer{i}});
  std::sort(all.begin(), all.end(),
            [](ring_member const& a, ring_member const& b) { return a.key < b.key; });
  return all;
}

// Every message takes as long as any other; the heads beyond the members are blank until somebody
// introduces them.
class even_ring : public sim::plain_setting {
 public:
  even_ring(std::uint64_t seed, std::uint32_t heads, std::uint32_t members,
            routing::chord_settings s, duration delay)
      : plain_setting{seed, heads}, policy_{s}, delay_{delay},
        ring_{std::make_shared<std::vector<ring_member> const>(members_of(seed, members))} {}

  [[nodiscard]] ring_node make(sim::permutation const& view, std::uint32_t who) const {
    ring_policy p{policy_};
    if (who < ring_->size()) {
      p.adopt(key_of(peer{who}), *ring_, [&](peer w) { return peer{view.seen(w.index())}; });
    }
    return ring_node{p};
  }
  [[nodiscard]] duration window() const noexcept { return delay_; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = delay_};
  }
  [[nodiscard]] std::vector<ring_member> const& ring() const noexcept { return *ring_; }

 private:
  routing::chord_settings policy_;
  duration delay_;
  std::shared_ptr<std::vector<ring_member> const> ring_;
};

// The lookups that ended, until they are taken.
struct ended_lookups {
  struct one {
    located what{};
    std::uint32_t by = 0;
  };
  std::vector<one> all;
  void fact(instant, std::uint32_t who, located const& f) { all.push_back({f, who}); }
  template <class F>
  void fact(instant, std::uint32_t, F const&) {}
  void merge(ended_lookups const& o) { all.insert(all.end(), o.all.begin(), o.all.end()); }
};

using even_world = sim::world<ring_node, even_ring, ended_lookups>;

template <class World>
[[nodiscard]] std::vector<ended_lookups::one> take_ended(World& w) {
  std::vector<ended_lookups::one> all;
  w.each_observer([&](ended_lookups& o) {
    all.insert(all.end(), o.all.begin(), o.all.end());
    o.all.clear();
  });
  return all;
}

[[nodiscard]] inline key drawn_key(stream chance) {
  digest256 words{};
  for (auto& w : words) w = chance.bits();
  return key{words};
}

// Mean and percentiles of whole numbers below 256.
class counted {
 public:
  void add(std::size_t value) { ++of_[std::min<std::size_t>(value, 255)]; }
  [[nodiscard]] std::uint64_t size() const {
    std::uint64_t n = 0;
    for (auto c : of_) n += c;
    return n;
  }
  [[nodiscard]] double mean() const {
    std::uint64_t sum = 0;
    for (std::size_t v = 0; v < 256; ++v) sum += of_[v] * v;
    return size() == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(size());
  }
  // The least value that `percent` of all do not exceed.
  [[nodiscard]] double percentile(unsigned percent) const {
    auto const wanted = (size() * percent + 99) / 100;
    std::uint64_t n = 0;
    for (std::size_t v = 0; v < 256; ++v) {
      n += of_[v];
      if (n >= wanted) return static_cast<double>(v);
    }
    return 255.0;
  }

 private:
  std::vector<std::uint64_t> of_ = std::vector<std::uint64_t>(256);
};

}  // namespace hydra::papers
