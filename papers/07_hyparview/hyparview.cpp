#include "hyparview.hpp"

#include "overlay.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

using namespace overlay;

// Every parameter.
struct plan {
  std::uint64_t seed;
  bool small;
  std::uint32_t peers;
  std::chrono::milliseconds join_every;
  std::chrono::seconds cycle;
  int cycles;
  std::uint8_t active_walk;
  std::uint8_t passive_walk;
  std::uint8_t shuffle_active;
  std::uint8_t shuffle_passive;
  std::int64_t broadcasts;
  std::chrono::milliseconds broadcast_every;
  std::chrono::milliseconds repair;
  std::vector<double> failures_percent;
  std::vector<double> healing_percent;
  std::int64_t healing_broadcasts;
  std::size_t path_sources;
  std::int64_t tree_cycles;
  std::chrono::milliseconds missing_after;
  std::uint8_t optimise_by;
};

// What one parameter demands of another.
void check(scenario const& s, plan const& p) {
  if (p.passive_walk > p.active_walk) {
    s.refuse("passive_walk", p.passive_walk, "active_walk at most");
  }
  constexpr auto most = static_cast<unsigned>(membership::exchange_max);
  if (p.shuffle_active + p.shuffle_passive > static_cast<int>(most)) {
    s.refuse("shuffle_passive", p.shuffle_passive,
             name_of(most) + " at most, together with shuffle_active");
  }
  for (auto percent : p.failures_percent) {
    if (crashed_of(percent, p.peers) < p.peers) continue;
    s.refuse("failures_percent", percent, "what leaves one of the peers at least");
  }
  for (auto percent : p.healing_percent) {
    auto const& of = p.failures_percent;
    if (std::find(of.begin(), of.end(), percent) != of.end()) continue;
    s.refuse("healing_percent", percent, "some of failures_percent");
  }
}

plan plan_of(scenario const& s) {
  plan const p{
      .seed = s.seed(),
      .small = s.small(),
      .peers = s.integer<std::uint32_t>("peers", 2, 200'000),
      .join_every = std::chrono::milliseconds{s.integer("join_every_ms", 1, 60'000)},
      .cycle = std::chrono::seconds{s.integer("cycle_s", 1, 1000)},
      .cycles = s.integer<int>("cycles", 0, 100'000),
      .active_walk = s.integer<std::uint8_t>("active_walk", 0, 255),
      .passive_walk = s.integer<std::uint8_t>("passive_walk", 0, 255),
      .shuffle_active = s.integer<std::uint8_t>("shuffle_active", 0, membership::exchange_max),
      .shuffle_passive = s.integer<std::uint8_t>("shuffle_passive", 0, membership::exchange_max),
      .broadcasts = s.integer("broadcasts", 1, 1'000'000),
      .broadcast_every = std::chrono::milliseconds{s.integer("broadcast_every_ms", 1, 60'000)},
      .repair = std::chrono::milliseconds{s.integer("repair_ms", 1, 60'000)},
      .failures_percent = s.numbers("failures_percent", 0, 99.99),
      .healing_percent = s.numbers("healing_percent", 0, 99.99),
      .healing_broadcasts = s.integer("healing_broadcasts", 1, 1'000'000),
      .path_sources = s.integer<std::size_t>("path_sources", 1, 1'000'000),
      .tree_cycles = s.integer("tree_cycles", 1, 1'000'000),
      .missing_after = std::chrono::milliseconds{s.integer("missing_after_ms", 1, 60'000)},
      .optimise_by = s.integer<std::uint8_t>("optimise_by", 0, 255),
  };
  check(s, p);
  return p;
}

membership::hyparview_settings view_of(plan const& p) {
  membership::hyparview_settings s;
  s.cycle = p.cycle;
  s.probe = duration{};  // broken links are told
  s.active_walk = p.active_walk;
  s.passive_walk = p.passive_walk;
  s.shuffle_active = p.shuffle_active;
  s.shuffle_passive = p.shuffle_passive;
  s.group_max = 0;   // the paper knows no netgroups
  s.swap_every = 0;  // and no swaps
  return s;
}

peer anybody(world const& w, owned_stream& chance) {
  for (;;) {
    peer const who{static_cast<std::uint32_t>(chance.below(w.peers()))};
    if (w.up(who)) return who;
  }
}

// Mean share of the live heads that a broadcast from a random one of them reaches.
struct reach_of_broadcasts {
  double reliability = 0;
  double hops = 0;
};
reach_of_broadcasts measure_reach(world& w, std::int64_t broadcasts, duration every,
                                  owned_stream& chance) {
  double live = 0;
  for (std::uint32_t i = 0; i < w.peers(); ++i) live += w.up(peer{i}) ? 1 : 0;
  reach_of_broadcasts sum;
  for (std::int64_t i = 0; i < broadcasts; ++i) {
    auto const a = overlay::broadcast(w, anybody(w, chance), every);
    sum.reliability += static_cast<double>(a.heads) / live;
    sum.hops += a.hops_max;
  }
  sum.reliability /= static_cast<double>(broadcasts);
  sum.hops /= static_cast<double>(broadcasts);
  return sum;
}

void measure_failures(plan const& p, world const& grown, sheet& out) {
  auto const& healing = p.healing_percent;
  for (auto percent : p.failures_percent) {
    world w{grown};
    owned_stream chance{p.seed, purpose::fault, static_cast<std::uint64_t>(percent)};
    overlay::crash(w, percent, chance);
    w.run_for(p.repair);
    auto now = measure_reach(w, p.broadcasts, p.broadcast_every, chance).reliability;
    out.measured("reliability", name_of(percent), "reliability", now);
    if (std::find(healing.begin(), healing.end(), percent) == healing.end()) continue;
    int cycles = 0;
    for (; now < 0.99 && cycles < 8; ++cycles) {
      w.run_for(p.cycle);
      now = measure_reach(w, p.healing_broadcasts, p.broadcast_every, chance).reliability;
    }
    out.measured("healing", name_of(percent), "cycles", cycles);
  }
}

world grown_with(plan const& p, membership::plumtree_settings const& how) {
  return grow({p.seed, p.peers, view_of(p), how}, p.join_every, p.cycle, p.cycles);
}

// One broadcast per cycle; what was sent in the last cycle.
void measure_tree(plan const& p, world w, sheet& out, std::string const& row, bool tree,
                  bool many_senders) {
  owned_stream chance{p.seed, purpose::workload, 1};
  auto const single = anybody(w, chance);
  auto const rounds = tree ? p.tree_cycles : 1;
  traffic before;
  arrivals last;
  for (std::int64_t i = 0; i < rounds; ++i) {
    before = traffic_of(w);
    last = overlay::broadcast(w, many_senders ? anybody(w, chance) : single, 1s);
  }
  auto const after = traffic_of(w);
  auto const payload = static_cast<double>(after.payload - before.payload);
  auto const others = static_cast<double>(w.peers() - 1);
  if (!tree) {  // everybody sends on every link but that by which it came
    double ends = 0;
    for (auto const& l : links(w)) ends += static_cast<double>(l.size());
    out.measured("plumtree", row, "sent for each link", payload / std::max(1.0, ends - others));
  }
  out.measured("plumtree", row, "RMR", payload / others - 1);
  out.measured("plumtree", row, "reliability", static_cast<double>(last.heads) / w.peers());
  if (p.small) return;  // the counts of the paper are those of 10,000 heads
  out.measured("plumtree", row, "payload", payload);
  out.measured("plumtree", row, "control", static_cast<double>(after.control - before.control));
  out.measured("plumtree", row, "hops", last.hops_max);
}

void measure_overlay(plan const& p, world const& grown, sheet& out) {
  owned_stream chance{p.seed, purpose::workload, 0};
  auto const g = links(grown);
  auto const full = std::count_if(g.begin(), g.end(), [](auto const& l) { return l.size() == 5; });
  out.measured("overlay", "HyParView", "clustering", clustering(g));
  out.measured("overlay", "HyParView", "path",
               shortest_path(g, p.path_sources, chance));
  out.measured("overlay", "HyParView", "full views",
               static_cast<double>(full) / static_cast<double>(g.size()));
  world calm{grown};
  out.measured("overlay", "HyParView", "hops",
               measure_reach(calm, p.broadcasts, p.broadcast_every, chance).hops);
}

}  // namespace

void read_hyparview(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_hyparview(scenario const& from, sheet& out) {
  auto const p = plan_of(from);
  membership::plumtree_settings how;
  how.missing_after = p.missing_after;
  how.tell_newcomers = 0;  // the paper does not
  how.settle = 10 * p.broadcast_every;  // each is over before the next
  how.tree = false;
  {
    auto const flood = grown_with(p, how);
    if (!p.small) measure_overlay(p, flood, out);
    measure_failures(p, flood, out);
    measure_tree(p, flood, out, "eager", false, false);
  }
  how.tree = true;
  {
    auto const trees = grown_with(p, how);
    measure_tree(p, trees, out, "one sender", true, false);
    measure_tree(p, trees, out, "many senders", true, true);
  }
  how.optimise_by = p.optimise_by;
  measure_tree(p, grown_with(p, how), out, "many senders optimised", true, true);
}

}  // namespace hydra::papers
