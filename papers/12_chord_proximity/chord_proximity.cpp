#include "chord_proximity.hpp"

#include "../01_chord/ring_world.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

// Heads at random in a unit cube; a message takes a second along an edge, and a millisecond at
// least.
class cube_ring : public sim::plain_setting {
 public:
  cube_ring(std::uint64_t seed, std::uint32_t heads, routing::chord_settings s)
      : plain_setting{seed, heads}, policy_{s} {
    auto places = std::make_shared<std::vector<std::array<double, 3>>>(heads);
    owned_stream chance{seed, purpose::placement, 0};
    for (auto& p : *places) {
      for (auto& x : p) x = static_cast<double>(chance.bits() >> 11U) / 9007199254740992.0;  // 2^53
    }
    places_ = places;
    ring_ = std::make_shared<std::vector<ring_member> const>(members_of(seed, heads));
  }
  [[nodiscard]] ring_node make(sim::permutation const& view, std::uint32_t who) const {
    auto mine = policy_;
    mine.style = style_of(who);
    ring_policy p{mine};
    p.adopt(
        key_of(peer{who}), *ring_, [&](peer w) { return peer{view.seen(w.index())}; },
        [&](peer w) { return between(who, w.index()); });
    return ring_node{p};
  }
  // Half of the heads ask everybody themselves; all pass on what others ask.
  [[nodiscard]] static routing::forwarding style_of(std::uint32_t who) {
    return who % 2 == 0 ? routing::forwarding::recursive : routing::forwarding::iterative;
  }
  [[nodiscard]] duration window() const noexcept { return 1ms; }
  [[nodiscard]] duration between(std::uint32_t a, std::uint32_t b) const {
    auto const& p = (*places_)[a];
    auto const& q = (*places_)[b];
    double squares = 0;
    for (std::size_t i = 0; i < 3; ++i) squares += (p[i] - q[i]) * (p[i] - q[i]);
    return std::max(window(), duration{static_cast<std::int64_t>(std::sqrt(squares) * 1e9)});
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const {
    return {.delay = between(t.from, t.to)};
  }

 private:
  routing::chord_settings policy_;
  std::shared_ptr<std::vector<std::array<double, 3>> const> places_;
  std::shared_ptr<std::vector<ring_member> const> ring_;
};

using cube_world = sim::world<ring_node, cube_ring, ended_lookups>;

// Every parameter.
struct plan {
  scenario const& of;
  std::uint64_t seed;
  std::uint32_t nodes;
  std::int64_t lookups;
  std::vector<std::uint8_t> candidates;
};

plan plan_of(scenario const& s) {
  plan p{.of = s,
         .seed = s.seed(),
         .nodes = s.integer<std::uint32_t>("nodes", 2, 200'000),
         .lookups = s.integer("lookups", 1, 1'000'000),
         .candidates = s.integers<std::uint8_t>("candidates", 1,
                                                ring_policy::candidates_of_finger_max)};
  if (p.candidates.empty()) s.refuse("candidates", "[]", "one at least");
  return p;
}

double at_quantile(std::vector<double> const& sorted, double q) {
  return sorted.at(static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5));
}

void report(sheet& out, std::string const& row, std::string const& column,
            std::vector<double>& all) {
  std::sort(all.begin(), all.end());
  out.measured("table IV", row, column, at_quantile(all, 0.5));
  out.measured("table IV", row, column + " 10th", at_quantile(all, 0.1));
  out.measured("table IV", row, column + " 90th", at_quantile(all, 0.9));
}

// Quantiles of the lookup's time over the round trip between asker and owner; the recursive median.
double stretch(plan const& p, sheet& out, std::uint8_t candidates) {
  routing::chord_settings c;
  c.stabilise = duration{};
  c.rejoin = 0;
  c.ask_owner = false;
  c.lookup_time_max = 2min;
  c.rpc_timeout = 30s;
  c.patience = 60s;
  c.successors_kept = candidates;
  c.proximity_candidates = candidates;
  cube_world w{cube_ring{p.seed, p.nodes, c}};
  owned_stream chance{p.seed, purpose::workload, 0};
  for (std::int64_t i = 0; i < 2 * p.lookups; ++i) {
    auto const even = static_cast<std::uint32_t>(chance.below(p.nodes / 2) * 2);
    auto const by = even + (i % 2 == 0 ? 0U : 1U);
    w.tell(peer{by}, look_up{drawn_key(chance.draw())});
  }
  w.run_for(c.lookup_time_max);
  std::vector<double> recursive;
  std::vector<double> iterative;
  for (auto const& e : take_ended(w)) {
    if (!e.what.owner || e.what.messages == 0) continue;  // answered out of the asker's own tables
    auto const direct = 2 * w.setting().between(e.by, e.what.owner.index());
    auto& all = cube_ring::style_of(e.by) == routing::forwarding::recursive ? recursive : iterative;
    all.push_back(static_cast<double>(e.what.took.count()) / static_cast<double>(direct.count()));
  }
  if (recursive.empty() || iterative.empty()) {
    p.of.refuse("lookups", static_cast<double>(p.lookups),
                "so many, among so many nodes, that some leave their asker");
  }
  auto const row = name_of(candidates);
  report(out, row, "recursive", recursive);
  report(out, row, "iterative", iterative);
  return at_quantile(recursive, 0.5);
}

}  // namespace

void read_chord_proximity(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_chord_proximity(scenario const& s, sheet& out) {
  double first = 0;
  double before = 0;
  double rises = 0;
  auto const p = plan_of(s);
  for (auto const k : p.candidates) {
    auto const median = stretch(p, out, k);
    if (first == 0) first = median;
    rises += before != 0 && median >= before ? 1 : 0;
    before = median;
  }
  out.measured("gain", "recursive", "first over last", first / before);
  out.measured("gain", "recursive", "rises", rises);
}

}  // namespace hydra::papers
