// Figures 5 and 10 of Rowstron and Druschel (2001).
#include "pastry.hpp"

#include "static_world.hpp"

#include <hydra/routing/pastry.hpp>

#include <string>

namespace hydra::papers {

namespace {

using policy = routing::pastry<4, 16>;

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

void figure_5(scenario const& in, sheet& out) {
  auto const lookups = static_cast<std::size_t>(in.integer("lookups"));
  auto w = still_world(in.seed(), static_cast<std::uint32_t>(in.integer("peers")));
  std::size_t astray = 0;
  auto const counts = look_up_pairs(w, in.seed(), lookups, astray, everybody);
  for (std::size_t h = 0; h <= 6; ++h) {
    out.measured("figure 5", std::to_string(h), "probability", counts.share(h));
  }
  out.measured("figure 5", "mean", "hops", counts.mean());
  out.measured("figure 5", "astray", "lookups",
               static_cast<double>(astray) / static_cast<double>(lookups));
}

void means(scenario const& in, sheet& out) {
  for (auto const n : in.numbers("mean_peers")) {
    auto w = still_world(in.seed(), static_cast<std::uint32_t>(n));
    std::size_t astray = 0;
    auto const lookups = static_cast<std::size_t>(in.integer("mean_lookups"));
    auto const counts = look_up_pairs(w, in.seed(), lookups, astray, everybody);
    out.measured("means", name_of(n), "hops", counts.mean());
  }
}

// A tenth of the heads fall silent at once. Lookups at that moment, then, when leaf sets and tables
// have been kept up for a while, again.
void repair(scenario const& in, sheet& out) {
  auto const n = static_cast<std::uint32_t>(in.integer("repair_peers"));
  auto const failures = static_cast<std::uint32_t>(in.integer("repair_failures"));
  auto const lookups = static_cast<std::size_t>(in.integer("repair_lookups"));
  routing::pastry_settings s;
  s.tick = duration{in.integer("repair_tick_s") * std::int64_t{1'000'000'000}};
  s.questionable_after = duration{in.integer("repair_doubt_s") * std::int64_t{1'000'000'000}};
  s.evict_after = 2;
  world w{setting{in.seed(), n, {in.seed(), s}}};
  owned_stream chance{in.seed(), purpose::churn, 0};
  std::vector<peer> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back(peer{i});
  auto const gone = chance.draw().sample(failures, std::span<peer>{all});
  auto const lives = [&](std::uint32_t who) { return w.up(peer{who}); };
  std::size_t astray = 0;
  auto const lost = [&](std::size_t of) {
    return static_cast<double>(astray) / static_cast<double>(of);
  };
  auto const before = look_up_pairs(w, in.seed(), lookups, astray, lives);
  for (auto who : gone) w.crash(who);
  auto const failed = look_up_pairs(w, in.seed() + 1000, lookups, astray, lives);
  out.measured("repair", "astray", "after failures", lost(lookups));
  w.run_for(duration{in.integer("repair_s") * std::int64_t{1'000'000'000}});
  auto const after = look_up_pairs(w, in.seed() + 2000, lookups, astray, lives);
  out.measured("repair", "astray", "after repair", lost(lookups));
  out.measured("repair", "hops", "no failures", before.mean());
  out.measured("repair", "hops", "after failures", failed.mean());
  out.measured("repair", "hops", "after repair", after.mean());
  out.measured("repair", "ordering", "failures lengthen", failed.mean() > before.mean() ? 1 : 0);
  out.measured("repair", "ordering", "repair shortens", after.mean() < failed.mean() ? 1 : 0);
}

}  // namespace

void run_pastry(scenario const& in, sheet& out) {
  if (in.integer("peers") > 0) figure_5(in, out);
  means(in, out);
  repair(in, out);
  run_kademlia_small(in, out);
  run_kademlia_large(in, out);
}

}  // namespace hydra::papers
