// What it costs to know who is here, and to tell all of them something.
//
// Per row, of one world. Messages, bytes and events of a member in a minute in which nothing
// happens. Crashes, of one member of a group or a tenth of an overlay at once: when those who had
// one in their view were told, in the mean and the last; how many links to the dead were gone in
// the end; and messages per crash, beyond what the living send anyway, in so long as `plan` says.
// A broadcast of 64 bytes, after eight others: messages and bytes of each member, whom it reaches,
// over how many hops, and when the last one has it. Time is that of two idle minutes of the whole
// world. Messages take 10 to 100 ms; bytes are those of frames on the wire, where a head is named
// by a key and an address.
#include "measure.hpp"
#include "membership_worlds.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace hydra;
using namespace hydra::bench;
using namespace hydra::membership;

constexpr duration settle = 2min;
constexpr int idle_minutes = 2;

struct plan {
  std::uint32_t contacts = 3;    // that each knows at first; none: all are on its list
  std::uint32_t crashes = 10;    // of a hundred heads, and at least one
  std::uint32_t heads = 100'000;  // of all forks of the world, each with other crashes; or none
  duration counted = 2min;       // of messages after a crash, three swaps; at least until known
  duration broadcast_takes = 5s;  // enough for the last one
  bool told = false;             // of a connection that breaks
};
constexpr plan of_a_group{.contacts = 0, .crashes = 0, .heads = 4'096, .counted = 64s};

using counters = ::benchmark::UserCounters;

double seconds(duration d) { return static_cast<double>(d.count()) * 1e-9; }

// Places in the views of the living that hold somebody who is gone.
template <class P>
std::uint64_t links_to(group_world<P> const& w, std::vector<bool> const& gone) {
  std::uint64_t links = 0;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (gone[i]) continue;
    for (peer who : w.node(peer{i}).policy().neighbours()) links += gone[who.index()] ? 1U : 0U;
  }
  return links;
}

// Crashes in a fork, until nobody has one of them in its view.
struct verdicts {
  double links = 0;
  double left = 0;  // after five minutes
  double told = 0;
  double sum = 0;  // s
  double last = 0;
  double crashes = 0;
  double messages = 0;  // beyond those of who does not crash in the same time
};
template <class P>
void crash(group_world<P> const& calm, plan const& how, std::uint32_t from, verdicts& all) {
  auto w = calm;
  auto const n = w.peers();
  auto const count = std::max(1U, n * how.crashes / 100);
  auto gone = std::make_shared<std::vector<bool>>(n);
  for (std::uint32_t i = 0; i < count; ++i) {
    (*gone)[(from + std::uint64_t{i} * n / count) % n] = true;
  }
  auto left = links_to<P>(w, *gone);
  all.links += static_cast<double>(left);
  auto const at = w.now();
  begin(w, gone);
  for (std::uint32_t i = 0; i < n; ++i) {
    if ((*gone)[i]) w.crash(peer{i});
  }
  for (; left > 0 && w.now() < at + 5min; left = links_to<P>(w, *gone)) w.run_for(1s);
  auto const seen = w.observed();
  w.run_until(std::max(w.now(), at + how.counted));
  auto quiet = calm;
  quiet.run_until(w.now());
  auto const before = static_cast<double>(calm.counts().sent);
  all.left += static_cast<double>(left);
  all.told += static_cast<double>(seen.deaths);
  all.sum += seconds(seen.sum);
  all.last = std::max(all.last, seconds(seen.last));
  all.crashes += count;
  all.messages += static_cast<double>(w.counts().sent) - before -
                  (static_cast<double>(quiet.counts().sent) - before) * (n - count) / n;
}

template <class P>
void crashes(group_world<P> const& calm, plan const& how, counters& out) {
  verdicts all;
  auto const forks = std::clamp(how.heads / calm.peers(), 1U, std::min(64U, calm.peers()));
  for (std::uint32_t f = 0; f < forks; ++f) {
    crash<P>(calm, how, f * (calm.peers() / forks), all);
  }
  out["crash_mean_s"] = all.sum / all.told;
  out["crash_last_s"] = all.last;
  out["crash_known%"] = 100 * (1 - all.left / all.links);
  out["crash_messages"] = all.messages / all.crashes;
}

template <class P>
void broadcasts(group_world<P>& w, plan const& how, counters& out) {
  spread news;
  news.body.size = 64;
  owned_stream chance{w.setting().seed(), purpose::workload, 0};
  auto const anybody = [&] { return peer{static_cast<std::uint32_t>(chance.below(w.peers()))}; };
  for (int i = 0; i < 8; ++i) {
    w.tell(anybody(), news);
    w.run_for(how.broadcast_takes);
  }
  constexpr int rounds = 4;
  auto const before = traffic_of<P>(w);
  double reached = 0;
  double hops = 0;
  double last = 0;
  for (int i = 0; i < rounds; ++i) {
    begin(w);
    w.tell(anybody(), news);
    w.run_for(how.broadcast_takes);
    auto const seen = w.observed();
    reached += static_cast<double>(seen.deliveries);
    hops += static_cast<double>(seen.hops);
    last += seconds(seen.last) / rounds;
  }
  auto const after = traffic_of<P>(w);
  auto const each = static_cast<double>(w.peers()) * rounds;
  out["told_messages"] = (after.told - before.told) / each;
  out["told_bytes"] = (after.bytes_told - before.bytes_told) / each;
  out["told%"] = 100 * reached / each;
  out["told_hops"] = hops / reached;
  out["told_last_s"] = last;
}

template <class P>
void row(::benchmark::State& state, P const& fresh, plan const& how) {
  auto const n = static_cast<std::uint32_t>(state.range(0));
  group_world<P> w{group_setting<P>{1, n, fresh, how.contacts, how.told}};
  w.run_for(settle);
  auto const before = traffic_of<P>(w);
  auto const start = ::measure::cpu_seconds();
  for (auto _ : state) w.run_for(idle_minutes * 1min);
  auto const spent = ::measure::cpu_seconds() - start;
  auto const after = traffic_of<P>(w);
  auto const per = static_cast<double>(n) * idle_minutes;
  auto& out = state.counters;
  out["messages"] = (after.messages - before.messages) / per;
  out["bytes"] = (after.bytes - before.bytes) / per;
  out["events"] = (after.events - before.events) / per;
  out["ns/event"] = ::measure::ratio(1e9 * spent, after.events - before.events);
  out["sizeof"] = sizeof(P);
  out["bytes/head"] = static_cast<double>(w.bytes()) / n;
  if (how.heads > 0) crashes<P>(w, how, out);
  if constexpr (contains<delivered, facts_of<P>>) broadcasts<P>(w, how, out);
}

template <class P>
auto* rows_of(char const* name, plan how, std::vector<std::int64_t> const& heads,
              P const& fresh = {}) {
  auto* const rows = ::benchmark::RegisterBenchmark(
      name, [=](::benchmark::State& state) { row<P>(state, fresh, how); });
  for (auto n : heads) rows->Arg(n);
  return rows->Iterations(1)->Unit(::benchmark::kMillisecond);
}

// A share of the sites is never told: rounds of 1 s until all are bored.
constexpr plan by_chance{.heads = 0, .broadcast_takes = 40s};
hyparview<> const no_probes{{.probe = 0s}};
constexpr plan by_list{.contacts = 16, .heads = 0, .broadcast_takes = 40s};

[[maybe_unused]] ::benchmark::internal::Benchmark* const rows[] = {
    rows_of<swim<64>>("swim<64>", of_a_group, {16, 64}),
    rows_of<swim<1024>>("swim<1024>", of_a_group, {256, 1'024}),
    rows_of<cluster<>>("cluster<>", of_a_group, {8, 64}),
    rows_of<hyparview<>>("hyparview<>", {}, {1'000, 10'000, 100'000, 1'000'000}),
    rows_of("hyparview<> told of broken links", {.told = true}, {1'000, 10'000}, no_probes),
    rows_of<plumtree<>>("plumtree<>", {.heads = 0}, {1'000, 10'000, 100'000, 1'000'000}),
    rows_of<rumour_mongering<hyparview<>>>("rumour_mongering<hyparview<>>", by_chance,
                                           {1'000, 10'000, 100'000}),
    rows_of<rumour_mongering<>>("rumour_mongering<>", by_list, {1'000, 10'000}),
};

}  // namespace
