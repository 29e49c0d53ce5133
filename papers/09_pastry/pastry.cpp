// Figures 5 and 10 of Rowstron and Druschel (2001).
#include "pastry.hpp"

#include "static_world.hpp"

#include <hydra/routing/pastry.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

using policy = routing::pastry<4, 16>;

// Every parameter.
struct plan {
  std::uint64_t seed;
  std::uint32_t peers;  // 0: figure 5 is left out
  std::size_t lookups;
  std::vector<std::uint32_t> mean_peers;
  std::size_t mean_lookups;
  std::uint32_t repair_peers;
  std::uint32_t repair_failures;
  std::size_t repair_lookups;
  duration repair_tick;
  duration repair_doubt;
  duration repair;
  kademlia_plan kademlia;
};

plan plan_of(scenario const& s) {
  constexpr std::uint32_t peers_max = 500'000;
  constexpr std::size_t lookups_max = 10'000'000;
  auto const lookups = [&](char const* key) {
    return s.integer<std::size_t>(key, 1, lookups_max);
  };
  auto const time = [&](char const* key, std::int64_t most) {
    return duration{s.integer(key, 1, most) * std::int64_t{1'000'000'000}};
  };
  plan p{
      .seed = s.seed(),
      .peers = s.integer<std::uint32_t>("peers", 0, peers_max),
      .lookups = lookups("lookups"),
      .mean_peers = s.integers<std::uint32_t>("mean_peers", 2, peers_max),
      .mean_lookups = lookups("mean_lookups"),
      .repair_peers = s.integer<std::uint32_t>("repair_peers", 2, peers_max),
      .repair_failures = s.integer<std::uint32_t>("repair_failures", 0, peers_max),
      .repair_lookups = lookups("repair_lookups"),
      .repair_tick = time("repair_tick_s", 600),
      .repair_doubt = time("repair_doubt_s", 8000),  // ages are counted up to 8160 s
      .repair = time("repair_s", 100'000),
      .kademlia = {s.seed(), s.integers<std::uint32_t>("kademlia_peers", 2, peers_max),
                   lookups("kademlia_lookups")},
  };
  if (p.peers == 1) s.refuse("peers", p.peers, "0, which leaves figure 5 out, or 2 at least");
  if (p.repair_failures >= p.repair_peers) {
    s.refuse("repair_failures", p.repair_failures, "less than repair_peers");
  }
  return p;
}

struct builder {
  std::uint64_t seed;
  routing::pastry_settings settings;
  [[nodiscard]] policy operator()(key const& own,
                                  std::vector<routing::introduction> const& all) const {
    policy made{settings};
    made.adopt(own, all, std::identity{}, routing::drawn_by_key{own, seed});
    return made;
  }
};
using setting = static_setting<policy, builder>;
using world = sim::world<alone<policy>, setting, hop_counts>;

[[nodiscard]] constexpr bool everybody(std::uint32_t) { return true; }

// Tables that stay as they are.
[[nodiscard]] world still_world(std::uint64_t seed, std::uint32_t peers) {
  routing::pastry_settings s;
  s.maintain = false;
  return world{setting{seed, peers, {seed, s}}};
}

void figure_5(plan const& p, sheet& out) {
  auto w = still_world(p.seed, p.peers);
  std::size_t astray = 0;
  auto const counts = look_up_pairs(w, p.seed, p.lookups, astray, everybody);
  for (std::size_t h = 0; h <= 6; ++h) {
    out.measured("figure 5", std::to_string(h), "probability", counts.share(h));
  }
  out.measured("figure 5", "mean", "hops", counts.mean());
  out.measured("figure 5", "astray", "lookups",
               static_cast<double>(astray) / static_cast<double>(p.lookups));
}

void means(plan const& p, sheet& out) {
  for (auto const n : p.mean_peers) {
    auto w = still_world(p.seed, n);
    std::size_t astray = 0;
    auto const counts = look_up_pairs(w, p.seed, p.mean_lookups, astray, everybody);
    out.measured("means", name_of(n), "hops", counts.mean());
  }
}

// A tenth of the heads fall silent at once. Lookups at that moment, then, when leaf sets and tables
// have been kept up for a while, again.
void repair(plan const& p, sheet& out) {
  auto const n = p.repair_peers;
  auto const lookups = p.repair_lookups;
  routing::pastry_settings s;
  s.tick = p.repair_tick;
  s.questionable_after = p.repair_doubt;
  s.evict_after = 2;
  world w{setting{p.seed, n, {p.seed, s}}};
  owned_stream chance{p.seed, purpose::churn, 0};
  std::vector<peer> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back(peer{i});
  auto const gone = chance.draw().sample(p.repair_failures, std::span<peer>{all});
  auto const lives = [&](std::uint32_t who) { return w.up(peer{who}); };
  std::size_t astray = 0;
  auto const lost = [&](std::size_t of) {
    return static_cast<double>(astray) / static_cast<double>(of);
  };
  auto const before = look_up_pairs(w, p.seed, lookups, astray, lives);
  for (auto who : gone) w.crash(who);
  auto const failed = look_up_pairs(w, p.seed + 1000, lookups, astray, lives);
  out.measured("repair", "astray", "after failures", lost(lookups));
  w.run_for(p.repair);
  auto const after = look_up_pairs(w, p.seed + 2000, lookups, astray, lives);
  out.measured("repair", "astray", "after repair", lost(lookups));
  out.measured("repair", "hops", "no failures", before.mean());
  out.measured("repair", "hops", "after failures", failed.mean());
  out.measured("repair", "hops", "after repair", after.mean());
  out.measured("repair", "ordering", "failures lengthen", failed.mean() > before.mean() ? 1 : 0);
  out.measured("repair", "ordering", "repair shortens", after.mean() < failed.mean() ? 1 : 0);
  out.measured("repair", "ordering", "repaired beyond before",
               after.mean() > before.mean() ? 1 : 0);
}

}  // namespace

void read_pastry(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_pastry(scenario const& in, sheet& out) {
  auto const p = plan_of(in);
  if (p.peers > 0) figure_5(p, out);
  means(p, out);
  repair(p, out);
  run_kademlia_small(p.kademlia, out);
  run_kademlia_large(p.kademlia, out);
}

}  // namespace hydra::papers
