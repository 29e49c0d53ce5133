#include "hyparview.hpp"

#include "overlay.hpp"

#include <algorithm>
#include <string>

namespace hydra::papers {

namespace {

using namespace overlay;

membership::hyparview_settings view_of(scenario const& p) {
  membership::hyparview_settings s;
  s.cycle = std::chrono::seconds{p.integer("cycle_s")};
  s.probe = duration{};  // broken links are told
  s.active_walk = static_cast<std::uint8_t>(p.integer("active_walk"));
  s.passive_walk = static_cast<std::uint8_t>(p.integer("passive_walk"));
  s.shuffle_active = static_cast<std::uint8_t>(p.integer("shuffle_active"));
  s.shuffle_passive = static_cast<std::uint8_t>(p.integer("shuffle_passive"));
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
reach_of_broadcasts measure_reach(world& w, std::int64_t broadcasts, owned_stream& chance) {
  double live = 0;
  for (std::uint32_t i = 0; i < w.peers(); ++i) live += w.up(peer{i}) ? 1 : 0;
  reach_of_broadcasts sum;
  for (std::int64_t i = 0; i < broadcasts; ++i) {
    auto const a = overlay::broadcast(w, anybody(w, chance), 100 * step);
    sum.reliability += static_cast<double>(a.heads) / live;
    sum.hops += a.hops_max;
  }
  sum.reliability /= static_cast<double>(broadcasts);
  sum.hops /= static_cast<double>(broadcasts);
  return sum;
}

void measure_failures(scenario const& p, world const& grown, sheet& out) {
  auto const healing = p.numbers("healing_percent");
  for (auto percent : p.numbers("failures_percent")) {
    world w{grown};
    owned_stream chance{p.seed(), purpose::fault, static_cast<std::uint64_t>(percent)};
    overlay::crash(w, percent, chance);
    auto now = measure_reach(w, p.integer("broadcasts"), chance).reliability;
    out.measured("reliability", name_of(percent), "reliability", now);
    if (std::find(healing.begin(), healing.end(), percent) == healing.end()) continue;
    int cycles = 0;
    for (; now < 0.99 && cycles < 8; ++cycles) {
      w.run_for(std::chrono::seconds{p.integer("cycle_s")});
      now = measure_reach(w, p.integer("healing_broadcasts"), chance).reliability;
    }
    out.measured("healing", name_of(percent), "cycles", cycles);
  }
}

world grown_with(scenario const& p, membership::plumtree_settings const& how) {
  auto const view = view_of(p);
  return grow({p.seed(), static_cast<std::uint32_t>(p.integer("peers")), view, how},
              std::chrono::milliseconds{p.integer("join_every_ms")}, view.cycle,
              static_cast<int>(p.integer("cycles")));
}

// One broadcast per cycle; what was sent in the last cycle.
void measure_tree(scenario const& p, world w, sheet& out, std::string const& row, bool tree,
                  bool many_senders) {
  owned_stream chance{p.seed(), purpose::workload, 1};
  auto const single = anybody(w, chance);
  auto const rounds = tree ? p.integer("tree_cycles") : 1;
  traffic before;
  arrivals last;
  for (std::int64_t i = 0; i < rounds; ++i) {
    before = traffic_of(w);
    last = overlay::broadcast(w, many_senders ? anybody(w, chance) : single, 1s);
  }
  auto const after = traffic_of(w);
  auto const payload = static_cast<double>(after.payload - before.payload);
  auto const others = static_cast<double>(w.peers() - 1);
  out.measured("plumtree", row, "RMR", payload / others - 1);
  out.measured("plumtree", row, "reliability", static_cast<double>(last.heads) / w.peers());
  if (p.small()) return;  // the counts of the paper are those of 10,000 heads
  out.measured("plumtree", row, "payload", payload);
  out.measured("plumtree", row, "control", static_cast<double>(after.control - before.control));
  out.measured("plumtree", row, "hops", last.hops_max);
}

void measure_overlay(scenario const& p, world const& grown, sheet& out) {
  owned_stream chance{p.seed(), purpose::workload, 0};
  auto const g = links(grown);
  auto const full = std::count_if(g.begin(), g.end(), [](auto const& l) { return l.size() == 5; });
  out.measured("overlay", "HyParView", "clustering", clustering(g));
  out.measured("overlay", "HyParView", "path",
               shortest_path(g, static_cast<std::size_t>(p.integer("path_sources")), chance));
  out.measured("overlay", "HyParView", "full views",
               static_cast<double>(full) / static_cast<double>(g.size()));
  world calm{grown};
  out.measured("overlay", "HyParView", "hops",
               measure_reach(calm, p.integer("broadcasts"), chance).hops);
}

}  // namespace

void run_hyparview(scenario const& p, sheet& out) {
  membership::plumtree_settings how;
  how.missing_after = std::chrono::milliseconds{p.integer("missing_after_ms")};
  how.tell_newcomers = 0;  // the paper does not
  how.settle = 1s;         // a rumour every 100 steps of 1 ms, each over before the next
  how.tree = false;
  {
    auto const flood = grown_with(p, how);
    if (!p.small()) measure_overlay(p, flood, out);
    measure_failures(p, flood, out);
    measure_tree(p, flood, out, "eager", false, false);
  }
  how.tree = true;
  {
    auto const trees = grown_with(p, how);
    measure_tree(p, trees, out, "one sender", true, false);
    measure_tree(p, trees, out, "many senders", true, true);
  }
  how.optimise_by = static_cast<std::uint8_t>(p.integer("optimise_by"));
  measure_tree(p, grown_with(p, how), out, "many senders optimised", true, true);
}

}  // namespace hydra::papers
