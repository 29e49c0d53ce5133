#include "demers.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

using membership::rumour_settings;

// Uniform among the other sites.
struct any_site {
  std::uint32_t sites = 2;
  template <class View>
  [[nodiscard]] peer operator()(auto& env, View const&) const {
    auto const i = static_cast<std::uint32_t>(env.random().below(sites - 1));
    return peer{i < env.self().index() ? i : i + 1};
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& sites;
  }
};

using policy = membership::rumour_mongering<membership::partner_list<1>, any_site, 4>;
using node = alone<policy>;

inline constexpr duration step = 1ms;   // of every message
inline constexpr duration cycle = 4ms;  // a message, its answer, and some

struct setting : sim::plain_setting {
  setting(std::uint64_t seed, std::uint32_t sites, rumour_settings const& how, bool synchronous)
      : plain_setting{seed, sites}, how_{how}, synchronous_{synchronous} {}
  [[nodiscard]] node make(sim::permutation const&, std::uint32_t) const {
    return node{policy{how_, {}, any_site{peers()}}};
  }
  [[nodiscard]] duration window() const noexcept { return step; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = step};
  }
  // Cycles begin at once, or each site has its own.
  [[nodiscard]] duration skew(std::uint32_t who, instant) const noexcept {
    if (synchronous_) return {};
    auto const bits = mix64(seed() ^ mix64(who));
    return duration{static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(cycle.count()))};
  }

 private:
  rumour_settings how_;
  bool synchronous_;
};

// When one update came to whom.
struct arrivals {
  std::uint64_t sites = 0;
  std::int64_t cycles = 0;
  std::int64_t last = 0;
  std::int64_t start_ns = 0;
  void fact(instant at, std::uint32_t, delivered const&) noexcept {
    auto const after = (ns(at) - start_ns) / cycle.count();
    ++sites;
    cycles += after;
    last = std::max(last, after);
  }
  template <class F>
  void fact(instant, std::uint32_t, F const&) noexcept {}
  void merge(arrivals const&) noexcept {}  // one shard
};

struct averages {
  double residue = 0;   // s
  double traffic = 0;   // m
  double t_ave = 0;
  double t_last = 0;
};

// Every parameter.
struct plan {
  std::uint64_t seed;
  std::uint32_t sites;
  std::int64_t runs;
  std::vector<std::uint8_t> k;
  std::vector<std::uint8_t> coin_k;
};

// Each k has its own worlds, as `stream` below: 15 fit beside each other.
plan plan_of(scenario const& s) {
  return {.seed = s.seed(),
          .sites = s.integer<std::uint32_t>("sites", 2, 1'000'000),
          .runs = s.integer("runs", 1, 1'000'000),
          .k = s.integers<std::uint8_t>("k", 1, 15),
          .coin_k = s.integers<std::uint8_t>("coin_k", 1, 15)};
}

averages measure(plan const& p, rumour_settings const& how, bool synchronous,
                 std::uint64_t stream) {
  auto const sites = p.sites;
  sim::world<node, setting, arrivals> w{
      setting{mix64(p.seed * 64 + stream), sites, how, synchronous}};
  owned_stream chance{p.seed, purpose::workload, stream};
  averages sum;
  for (std::int64_t run = 0; run < p.runs; ++run) {
    auto const before = w.sent_by_type()[index_of<membership::tell_rumour, messages_of<node>>];
    w.each_observer([&](arrivals& a) { a = {0, 0, 0, ns(w.now())}; });
    w.tell(peer{static_cast<std::uint32_t>(chance.below(sites))}, spread{});
    while (!w.idle()) w.run_for(cycle);
    auto const a = w.observed();
    auto const sent = w.sent_by_type()[index_of<membership::tell_rumour, messages_of<node>>];
    sum.residue += 1 - static_cast<double>(a.sites) / sites;
    sum.traffic += static_cast<double>(sent - before) / sites;
    sum.t_ave += static_cast<double>(a.cycles) / static_cast<double>(a.sites);
    sum.t_last += static_cast<double>(a.last);
  }
  auto const n = static_cast<double>(p.runs);
  return {sum.residue / n, sum.traffic / n, sum.t_ave / n, sum.t_last / n};
}

void print(sheet& out, std::string const& table, double k, averages const& a) {
  auto const row = name_of(k);
  out.measured(table, row, "s", a.residue);
  out.measured(table, row, "m", a.traffic);
  out.measured(table, row, "t_ave", a.t_ave);
  out.measured(table, row, "t_last", a.t_last);
  auto const ratio = a.residue / std::exp(-a.traffic);
  out.measured("closed forms", table + " k=" + row, "s/exp(-m)", ratio);
}

}  // namespace

void read_demers(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_demers(scenario const& from, sheet& out) {
  auto const p = plan_of(from);
  using boredom = rumour_settings::boredom;
  rumour_settings s;
  s.settle = 1;  // one update at a time
  s.round = cycle;
  for (auto const k : p.k) {
    s.k = k;
    print(out, "table 1", k, measure(p, s, true, s.k));
    auto fluid = s;
    fluid.start_of_round = false;
    fluid.reset = false;
    out.measured("closed forms", "fluid k=" + name_of(k), "s",
                 measure(p, fluid, false, 32U + s.k).residue);
  }
  s.feedback = false;
  s.how = boredom::coin;
  for (auto const k : p.coin_k) {
    s.k = k;
    print(out, "table 2", k, measure(p, s, true, 16U + s.k));
  }
}

}  // namespace hydra::papers
