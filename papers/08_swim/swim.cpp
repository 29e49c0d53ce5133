#include "swim.hpp"

#include "group_world.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

using membership::swim_settings;

duration seconds_of(double s) {
  return duration{static_cast<std::int64_t>(s * 1e9 + 0.5)};
}

constexpr std::uint32_t group_max = 128;   // members that a small group has room for
constexpr std::uint32_t large_max = 1024;

// Every parameter.
struct plan {
  std::uint64_t seed;
  double period_s;
  double ping_timeout_s;
  duration delay;
  std::uint8_t helpers;

  std::vector<std::uint32_t> detection_members;
  std::int64_t crashes;
  std::uint32_t heads_in_a_world;
  std::vector<std::uint32_t> detection_members_large;
  std::int64_t crashes_large;
  std::uint32_t victims_per_1000;
  std::uint32_t alive_members;
  std::vector<double> alive_shares;
  std::int64_t alive_crashes;

  std::vector<std::uint32_t> round_members;
  std::int64_t round_crashes;

  std::vector<std::uint32_t> load_members;
  std::int64_t load_periods;

  std::uint32_t loss_members;
  std::vector<double> deliveries;
  std::vector<std::uint8_t> loss_helpers;
  std::int64_t loss_periods;
  std::int64_t loss_worlds;

  std::vector<std::uint32_t> told_members;
  std::int64_t told_crashes;
  std::uint8_t updates;
  std::uint8_t lambda;

  std::uint32_t agents;
  double agent_period_s;
  double agent_ping_timeout_s;
  double agent_gossip_s;
  std::uint8_t agent_helpers;
  std::uint8_t agent_lambda;
  double calm_s;
  std::vector<std::uint32_t> blocked_agents;
  std::vector<double> blocked_s;
  std::vector<double> open_s;
  double blocked_for_s;
  double latency_block_s;

  [[nodiscard]] std::uint32_t victims_of(std::uint32_t members) const {
    return victims_per_1000 * members / 1000;
  }
  [[nodiscard]] std::uint32_t dead_among(double alive_share) const {
    return alive_members - static_cast<std::uint32_t>(std::lround(alive_share * alive_members));
  }
};

// What one parameter demands of another.
void check(scenario const& s, plan const& p) {
  if (p.ping_timeout_s >= p.period_s) {
    s.refuse("ping_timeout_s", p.ping_timeout_s, "less than period_s");
  }
  if (seconds_of(p.ping_timeout_s) <= 2 * p.delay) {
    s.refuse("ping_timeout_s", p.ping_timeout_s, "more than delay_s there and back");
  }
  if (p.agent_ping_timeout_s >= p.agent_period_s) {
    s.refuse("agent_ping_timeout_s", p.agent_ping_timeout_s, "less than agent_period_s");
  }
  if (seconds_of(p.agent_ping_timeout_s) <= 2 * p.delay) {
    s.refuse("agent_ping_timeout_s", p.agent_ping_timeout_s, "more than delay_s there and back");
  }
  for (auto const n : p.detection_members_large) {
    if (p.victims_of(n) > 0) continue;
    s.refuse("detection_members_large", n, "so many that victims_per_1000 is one of them");
  }
  for (auto const alive : p.alive_shares) {
    auto const dead = p.dead_among(alive);
    if (dead > 0 && dead < p.alive_members) continue;
    s.refuse("alive_shares", alive, "a share that is not all of alive_members, and one at least");
  }
  for (auto const n : p.blocked_agents) {
    if (n > p.agents) s.refuse("blocked_agents", n, "agents at most");
  }
}

plan plan_of(scenario const& s) {
  constexpr std::int64_t often = 10'000'000;
  constexpr double long_s = 3600;
  using u8 = std::uint8_t;
  using u32 = std::uint32_t;
  plan const p{
      .seed = s.seed(),
      .period_s = s.number("period_s", 0.1, 600),
      .ping_timeout_s = s.number("ping_timeout_s", 0.001, 600),
      .delay = seconds_of(s.number("delay_s", 0.0001, 0.2)),
      .helpers = s.integer<u8>("helpers", 0, membership::helpers_max),
      .detection_members = s.integers<u32>("detection_members", 2, group_max),
      .crashes = s.integer("crashes", 1, often),
      .heads_in_a_world = s.integer<u32>("heads_in_a_world", 1, 200'000),
      .detection_members_large = s.integers<u32>("detection_members_large", 2, large_max),
      .crashes_large = s.integer("crashes_large", 1, often),
      .victims_per_1000 = s.integer<u32>("victims_per_1000", 1, 10),
      .alive_members = s.integer<u32>("alive_members", 2, large_max),
      .alive_shares = s.numbers("alive_shares", 0.1, 1),
      .alive_crashes = s.integer("alive_crashes", 1, often),
      .round_members = s.integers<u32>("round_members", 2, group_max),
      .round_crashes = s.integer("round_crashes", 1, often),
      .load_members = s.integers<u32>("load_members", 2, large_max),
      .load_periods = s.integer("load_periods", 1, often),
      .loss_members = s.integer<u32>("loss_members", 2, group_max),
      .deliveries = s.numbers("deliveries", 0, 1),
      .loss_helpers = s.integers<u8>("loss_helpers", 0, membership::helpers_max),
      .loss_periods = s.integer("loss_periods", 1, 100'000),
      .loss_worlds = s.integer("loss_worlds", 1, 1'000'000),
      .told_members = s.integers<u32>("told_members", 2, group_max),
      .told_crashes = s.integer("told_crashes", 1, often),
      .updates = s.integer<u8>("updates", 0, membership::updates_max),
      .lambda = s.integer<u8>("lambda", 1, 100),
      .agents = s.integer<u32>("agents", 2, group_max),
      .agent_period_s = s.number("agent_period_s", 0.1, 600),
      .agent_ping_timeout_s = s.number("agent_ping_timeout_s", 0.001, 600),
      .agent_gossip_s = s.number("agent_gossip_s", 0.01, 600),
      .agent_helpers = s.integer<u8>("agent_helpers", 0, membership::helpers_max),
      .agent_lambda = s.integer<u8>("agent_lambda", 1, 100),
      .calm_s = s.number("calm_s", 0, long_s),
      .blocked_agents = s.integers<u32>("blocked_agents", 0, group_max),
      .blocked_s = s.numbers("blocked_s", 0.001, long_s),
      .open_s = s.numbers("open_s", 0.001, long_s),
      .blocked_for_s = s.number("blocked_for_s", 0.001, 10 * long_s),
      .latency_block_s = s.number("latency_block_s", 0.001, long_s),
  };
  check(s, p);
  return p;
}

// The protocol of the analysis: no suspicion that ends, nothing told on, nobody asked for lists.
swim_settings bare(plan const& p) {
  swim_settings c;
  c.period = seconds_of(p.period_s);
  c.ping_timeout = seconds_of(p.ping_timeout_s);
  c.helpers = p.helpers;
  c.updates = 0;
  c.sync_every = 0;
  c.revive_every = 0;
  c.round_robin = false;
  c.timeout = {.alpha = 250, .beta = 1, .lha = false};
  c.lha_probe = false;
  c.buddy = false;
  return c;
}

// Periods from a crash to the end of the first that had a probe of it, as the analysis counts.
std::int64_t periods_until(instant crash, instant verdict, duration period) {
  return std::max<std::int64_t>(1, (verdict - crash) / period);
}

// ---- first detection ----------------------------------------------------------------------------

// Crashes in forks of one world of many groups: every one begins in a group that knows of none.
template <std::size_t Members>
double detection_in_forks(plan const& p, std::uint32_t n, std::int64_t crashes,
                          std::uint32_t victims) {
  auto const settings = bare(p);
  auto const period = settings.period;
  auto const groups = std::max(1U, p.heads_in_a_world / n);
  group_world<Members> base{group_setting<Members>{p.seed, n, settings, p.delay, 0, {}, groups}};
  owned_stream chance{p.seed, purpose::fault, n};
  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  base.run_for(2 * period);
  double sum = 0;
  std::int64_t found = 0;
  while (found < crashes) {  // from fork to fork the probes that most crashes need are others
    base.run_for(3 * period + chance.draw().between(duration{}, period));
    auto w = base;
    auto const crash = w.now();
    std::vector<bool> gone(w.peers(), false);
    for (std::uint32_t g = 0; g < groups; ++g) {
      for (auto v : chance.draw().sample(victims, std::span{order})) {
        w.crash(peer{g * n + v});
        gone[g * n + v] = true;
      }
    }
    for (std::uint32_t left = groups * victims; left != 0;) {
      w.run_for(period);
      for (auto const& f : take_said(w)) {
        if (!gone[f.of]) continue;
        gone[f.of] = false;
        --left;
        ++found;
        sum += static_cast<double>(periods_until(crash, f.at, period));
      }
    }
  }
  return sum / static_cast<double>(found);
}

// In one world that is too large to be copied: some crash in every period, who was noticed is
// restarted, and its turn comes again when it has long been forgotten.
template <std::size_t Members>
double detection_in_turn(plan const& p, std::uint32_t n, std::int64_t crashes,
                         std::uint32_t victims) {
  auto settings = bare(p);
  settings.helpers = 0;
  auto const period = settings.period;
  group_world<Members> w{group_setting<Members>{p.seed, n, settings, p.delay}};
  w.run_for(2 * period);
  double sum = 0;
  std::int64_t found = 0;
  std::uint32_t next = 0;
  std::vector<instant> crashed(n, never);
  for (std::int64_t begun = 0; found < crashes;) {
    for (std::uint32_t i = 0; i < victims && begun < crashes; ++i, ++begun) {
      w.crash(peer{next});
      crashed[next] = w.now();
      next = (next + 1) % n;
    }
    w.run_for(period);
    for (auto const& f : take_said(w)) {
      auto& since = crashed[f.of];
      if (since == never || f.at < since + period) continue;
      ++found;
      sum += static_cast<double>(periods_until(since, f.at, period));
      since = never;
      w.restart(peer{f.of});
    }
  }
  return sum / static_cast<double>(found);
}

void first_detection(plan const& p, sheet& out) {
  for (auto const n : p.detection_members) {
    out.measured("first detection", name_of(n), "periods",
                 detection_in_forks<group_max>(p, n, p.crashes, 1));
  }
  for (auto const n : p.detection_members_large) {
    out.measured("first detection", name_of(n), "periods",
                 detection_in_turn<large_max>(p, n, p.crashes_large, p.victims_of(n)));
  }
  for (double const alive : p.alive_shares) {
    out.measured("alive share", name_of(alive), "periods",
                 detection_in_forks<large_max>(p, p.alive_members, p.alive_crashes,
                                               p.dead_among(alive)));
  }
}

// ---- round robin: everybody probes everybody ----------------------------------------------------

void round_robin(plan const& p, sheet& out) {
  auto settings = bare(p);
  settings.round_robin = true;
  auto const period = settings.period;
  for (auto const n : p.round_members) {
    group_world<group_max> base{group_setting<group_max>{p.seed, n, settings, p.delay}};
    owned_stream chance{p.seed, purpose::fault, n};
    double violations = 0;
    double longest = 0;
    base.run_for(2 * period);
    for (std::int64_t i = 0; i < p.round_crashes; ++i) {
      base.run_for(period + chance.draw().between(duration{}, n * period));
      auto w = base;
      auto const crash = w.now();
      auto const victim = static_cast<std::uint32_t>(chance.below(n));
      w.crash(peer{victim});
      w.run_for((2 * n + 1) * period);
      std::uint32_t in_time = 0;
      for (auto const& f : take_said(w)) {
        if (f.of != victim) continue;
        auto const after = periods_until(crash, f.at, period);
        in_time += after <= 2 * n - 1 ? 1U : 0U;
        longest = std::max(longest, static_cast<double>(after));
      }
      violations += n - 1 - in_time;
    }
    out.measured("round robin", name_of(n), "violations", violations);
    out.measured("round robin", name_of(n), "longest", longest);
  }
}

// ---- load ---------------------------------------------------------------------------------------

template <std::size_t Members>
double load_of(plan const& p, std::uint32_t n) {
  auto settings = bare(p);
  settings.updates = p.updates;
  settings.round_robin = true;
  auto const periods = p.load_periods;
  group_world<Members> w{group_setting<Members>{p.seed, n, settings, p.delay}};
  w.run_for(2 * settings.period);
  auto const before = w.counts().sent;
  w.run_for(periods * settings.period);
  return static_cast<double>(w.counts().sent - before) / n / static_cast<double>(periods);
}

void load(plan const& p, sheet& out) {
  for (auto const n : p.load_members) {
    out.measured("load", name_of(n), "messages",
                 n <= group_max ? load_of<group_max>(p, n) : load_of<large_max>(p, n));
  }
}

// ---- false positives ----------------------------------------------------------------------------

// Probes of live members that fail, per member and period, times e/(e-1): the paper's PM(T). Many
// short worlds: whoever is suspected already would not be counted again.
void false_positives(plan const& p, sheet& out) {
  auto const n = p.loss_members;
  auto const periods = p.loss_periods;
  for (double const delivered : p.deliveries) {
    for (auto const k : p.loss_helpers) {
      auto settings = bare(p);
      settings.helpers = k;
      auto const loss = static_cast<std::uint32_t>(std::lround((1.0 - delivered) * 1000));
      auto const times = p.loss_worlds * (k < 3 ? 1 : 3);
      std::size_t failed = 0;
      for (std::int64_t i = 0; i < times; ++i) {
        auto const seed = mix64(p.seed * 1'000'003 + static_cast<std::uint64_t>(i));
        group_world<group_max> w{group_setting<group_max>{seed, n, settings, p.delay, loss}};
        w.run_for(2 * settings.period);  // the first verdicts: everybody has begun
        static_cast<void>(take_said(w));
        w.run_for(periods * settings.period);
        failed += take_said(w).size();
      }
      auto const probes = static_cast<double>(times * periods) * n;
      out.measured("false positives", name_of(delivered), "k = " + name_of(k),
                   static_cast<double>(failed) / probes * (std::exp(1.0) / (std::exp(1.0) - 1)));
    }
  }
}

// ---- dissemination ------------------------------------------------------------------------------

void dissemination(plan const& p, sheet& out) {
  auto settings = bare(p);
  settings.updates = p.updates;
  settings.lambda = p.lambda;
  auto const period = settings.period;
  for (auto const n : p.told_members) {
    group_world<group_max> base{group_setting<group_max>{p.seed, n, settings, p.delay}};
    owned_stream chance{p.seed, purpose::fault, n};
    auto const within = seconds_of(settings.lambda * std::log(static_cast<double>(n)) * p.period_s);
    double told = 0;
    double half = 0;
    base.run_for(10 * period);
    for (std::int64_t i = 0; i < p.told_crashes; ++i) {
      base.run_for(period + chance.draw().between(duration{}, period));
      auto w = base;
      auto const victim = static_cast<std::uint32_t>(chance.below(n));
      w.crash(peer{victim});
      w.run_for(20 * period + within);
      std::vector<instant> when;
      for (auto const& f : take_said(w)) {
        if (f.of == victim) when.push_back(f.at);
      }
      if (when.empty()) continue;  // not even noticed
      std::sort(when.begin(), when.end());
      auto const in_time = std::count_if(when.begin(), when.end(), [&](instant t) {
        return t - when.front() <= within;
      });
      told += static_cast<double>(in_time) / (n - 1);
      half += seconds(when[when.size() / 2] - when.front()) / seconds(period);
    }
    auto const crashes = static_cast<double>(p.told_crashes);
    out.measured("dissemination", name_of(n), "told", told / crashes);
    out.measured("dissemination", name_of(n), "half", half / crashes);
  }
}

// ---- Lifeguard ----------------------------------------------------------------------------------

struct variant {
  char const* name;
  bool probe;
  bool suspicion;
  bool buddy;
};
constexpr std::array<variant, 5> variants{{{"SWIM", false, false, false},
                                           {"LHA-Probe", true, false, false},
                                           {"LHA-Suspicion", false, true, false},
                                           {"Buddy", false, false, true},
                                           {"Lifeguard", true, true, true}}};

// As Consul's agents are set; alpha 5, beta 6 and three confirmations are defaults of the policy.
swim_settings agent(plan const& p, variant const& v) {
  swim_settings c;
  c.period = seconds_of(p.agent_period_s);
  c.ping_timeout = seconds_of(p.agent_ping_timeout_s);
  c.gossip_period = seconds_of(p.agent_gossip_s);
  c.helpers = p.agent_helpers;
  c.updates = membership::updates_max;
  c.lambda = p.agent_lambda;
  c.verify_named = false;
  c.lha_probe = v.probe;
  c.buddy = v.buddy;
  c.timeout.lha = v.suspicion;
  return c;
}

struct false_deaths {
  double all = 0;         // of agents that were never blocked
  double at_healthy = 0;  // and said by such
  std::vector<double> first;  // seconds from the block to the first death of each blocked one
};

false_deaths blocked_group(plan const& p, variant const& v, std::uint32_t c, duration blocked,
                           duration open, duration length) {
  auto const n = p.agents;
  auto const calm = seconds_of(p.calm_s);
  blocks b;
  b.who.assign(n, false);
  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  owned_stream chance{p.seed, purpose::fault, c};
  for (auto i : chance.draw().sample(c, std::span{order})) b.who[i] = true;
  b.from = at_ns(0) + calm;
  b.until = b.from + length;
  b.blocked = blocked;
  b.open = open;
  group_world<group_max> w{group_setting<group_max>{p.seed, n, agent(p, v), p.delay, 0, b}};
  w.run_until(b.until);
  false_deaths out;
  std::vector<bool> seen(n, false);
  for (auto const& f : take_said(w)) {
    if (!f.dead) continue;
    if (!b.who[f.of]) {
      out.all += 1;
      out.at_healthy += b.who[f.by] ? 0 : 1;
    } else if (!b.who[f.by] && !seen[f.of]) {
      seen[f.of] = true;
      out.first.push_back(seconds(f.at - b.from));
    }
  }
  return out;
}

void lifeguard(plan const& p, sheet& out) {
  std::array<false_deaths, variants.size()> sum{};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (auto const many : p.blocked_agents) {
      for (double const d : p.blocked_s) {
        for (double const open : p.open_s) {
          auto const one = blocked_group(p, variants[i], many, seconds_of(d), seconds_of(open),
                                         seconds_of(p.blocked_for_s));
          sum[i].all += one.all;
          sum[i].at_healthy += one.at_healthy;
        }
      }
      auto const whole = seconds_of(p.latency_block_s);
      auto const one = blocked_group(p, variants[i], many, whole, whole, whole);
      sum[i].first.insert(sum[i].first.end(), one.first.begin(), one.first.end());
    }
  }
  auto const median = [](std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v.empty() ? 0.0 : v[v.size() / 2];
  };
  for (std::size_t i = 0; i < variants.size(); ++i) {
    std::string const row = variants[i].name;
    if (sum[0].all > 0) {
      out.measured("lifeguard", row, "false positives", 100 * sum[i].all / sum[0].all);
    }
    if (sum[0].at_healthy > 0) {
      out.measured("lifeguard", row, "at healthy", 100 * sum[i].at_healthy / sum[0].at_healthy);
    }
    auto const first = median(sum[i].first);
    out.measured("lifeguard", row, "first detection", first);
    auto const of_swim = median(sum[0].first);
    if (of_swim > 0) out.measured("lifeguard", row, "detection ratio", first / of_swim);
  }
  out.measured("lifeguard", "SWIM", "count", sum[0].all);
}

}  // namespace

void read_swim(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_swim(scenario const& s, sheet& out) {
  auto const p = plan_of(s);
  first_detection(p, out);
  round_robin(p, out);
  load(p, out);
  false_positives(p, out);
  dissemination(p, out);
  lifeguard(p, out);
}

}  // namespace hydra::papers
