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

// The protocol of the analysis: no suspicion that ends, nothing told on, nobody asked for lists.
swim_settings bare(scenario const& s) {
  swim_settings c;
  c.period = seconds_of(s.number("period_s"));
  c.ping_timeout = seconds_of(s.number("ping_timeout_s"));
  c.helpers = static_cast<std::uint8_t>(s.integer("helpers"));
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
double detection_in_forks(scenario const& s, std::uint32_t n, std::int64_t crashes,
                          std::uint32_t victims) {
  auto const settings = bare(s);
  auto const period = settings.period;
  auto const groups = std::max(1U, static_cast<std::uint32_t>(s.integer("heads_in_a_world")) / n);
  group_world<Members> base{group_setting<Members>{
      s.seed(), n, settings, seconds_of(s.number("delay_s")), 0, {}, groups}};
  owned_stream chance{s.seed(), purpose::fault, n};
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
double detection_in_turn(scenario const& s, std::uint32_t n, std::int64_t crashes,
                         std::uint32_t victims) {
  auto settings = bare(s);
  settings.helpers = 0;
  auto const period = settings.period;
  group_world<Members> w{
      group_setting<Members>{s.seed(), n, settings, seconds_of(s.number("delay_s"))}};
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

void first_detection(scenario const& s, sheet& out) {
  auto const crashes = s.integer("crashes");
  for (double const members : s.numbers("detection_members")) {
    auto const n = static_cast<std::uint32_t>(members);
    out.measured("first detection", name_of(members), "periods",
                 detection_in_forks<128>(s, n, crashes, 1));
  }
  auto const large = s.integer("crashes_large");
  for (double const members : s.numbers("detection_members_large")) {
    auto const n = static_cast<std::uint32_t>(members);
    auto const victims = static_cast<std::uint32_t>(s.integer("victims_per_1000")) * n / 1000;
    out.measured("first detection", name_of(members), "periods",
                 detection_in_turn<1024>(s, n, large, victims));
  }
  auto const n = static_cast<std::uint32_t>(s.integer("alive_members"));
  for (double const alive : s.numbers("alive_shares")) {
    auto const victims = n - static_cast<std::uint32_t>(std::lround(alive * n));
    out.measured("alive share", name_of(alive), "periods",
                 detection_in_forks<1024>(s, n, s.integer("alive_crashes"), victims));
  }
}

// ---- round robin: everybody probes everybody ----------------------------------------------------

void round_robin(scenario const& s, sheet& out) {
  auto settings = bare(s);
  settings.round_robin = true;
  auto const period = settings.period;
  for (double const members : s.numbers("round_members")) {
    auto const n = static_cast<std::uint32_t>(members);
    group_world<128> base{
        group_setting<128>{s.seed(), n, settings, seconds_of(s.number("delay_s"))}};
    owned_stream chance{s.seed(), purpose::fault, n};
    double violations = 0;
    double longest = 0;
    base.run_for(2 * period);
    for (std::int64_t i = 0; i < s.integer("round_crashes"); ++i) {
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
    out.measured("round robin", name_of(members), "violations", violations);
    out.measured("round robin", name_of(members), "longest", longest);
  }
}

// ---- load ---------------------------------------------------------------------------------------

template <std::size_t Members>
double load_of(scenario const& s, std::uint32_t n) {
  auto settings = bare(s);
  settings.updates = 6;
  settings.round_robin = true;
  auto const periods = s.integer("load_periods");
  group_world<Members> w{
      group_setting<Members>{s.seed(), n, settings, seconds_of(s.number("delay_s"))}};
  w.run_for(2 * settings.period);
  auto const before = w.counts().sent;
  w.run_for(periods * settings.period);
  return static_cast<double>(w.counts().sent - before) / n / static_cast<double>(periods);
}

void load(scenario const& s, sheet& out) {
  for (double const members : s.numbers("load_members")) {
    auto const n = static_cast<std::uint32_t>(members);
    out.measured("load", name_of(members), "messages",
                 n <= 128 ? load_of<128>(s, n) : load_of<1024>(s, n));
  }
}

// ---- false positives ----------------------------------------------------------------------------

// Probes of live members that fail, per member and period, times e/(e-1): the paper's PM(T). Many
// short worlds: whoever is suspected already would not be counted again.
void false_positives(scenario const& s, sheet& out) {
  auto const n = static_cast<std::uint32_t>(s.integer("loss_members"));
  auto const periods = s.integer("loss_periods");
  auto const worlds = s.integer("loss_worlds");
  for (double const delivered : s.numbers("deliveries")) {
    for (double const k : s.numbers("loss_helpers")) {
      auto settings = bare(s);
      settings.helpers = static_cast<std::uint8_t>(k);
      auto const loss = static_cast<std::uint32_t>(std::lround((1.0 - delivered) * 1000));
      auto const times = worlds * (k < 3 ? 1 : 3);
      std::size_t failed = 0;
      for (std::int64_t i = 0; i < times; ++i) {
        auto const seed = mix64(s.seed() * 1'000'003 + static_cast<std::uint64_t>(i));
        group_world<128> w{
            group_setting<128>{seed, n, settings, seconds_of(s.number("delay_s")), loss}};
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

void dissemination(scenario const& s, sheet& out) {
  auto settings = bare(s);
  settings.updates = static_cast<std::uint8_t>(s.integer("updates"));
  settings.lambda = static_cast<std::uint8_t>(s.integer("lambda"));
  auto const period = settings.period;
  for (double const members : s.numbers("told_members")) {
    auto const n = static_cast<std::uint32_t>(members);
    group_world<128> base{
        group_setting<128>{s.seed(), n, settings, seconds_of(s.number("delay_s"))}};
    owned_stream chance{s.seed(), purpose::fault, n};
    auto const within = seconds_of(settings.lambda * std::log(members) * s.number("period_s"));
    double told = 0;
    double half = 0;
    auto const crashes = s.integer("told_crashes");
    base.run_for(10 * period);
    for (std::int64_t i = 0; i < crashes; ++i) {
      base.run_for(period + chance.draw().between(duration{}, period));
      auto w = base;
      auto const victim = static_cast<std::uint32_t>(chance.below(n));
      w.crash(peer{victim});
      w.run_for(20 * period + within);
      std::vector<instant> when;
      for (auto const& f : take_said(w)) {
        if (f.of == victim) when.push_back(f.at);
      }
      std::sort(when.begin(), when.end());
      auto const in_time = std::count_if(when.begin(), when.end(), [&](instant t) {
        return t - when.front() <= within;
      });
      told += static_cast<double>(in_time) / (members - 1);
      half += seconds(when[when.size() / 2] - when.front()) / seconds(period);
    }
    out.measured("dissemination", name_of(members), "told", told / static_cast<double>(crashes));
    out.measured("dissemination", name_of(members), "half", half / static_cast<double>(crashes));
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

// As Consul's agents are set: rumours five times a second, alpha 5, beta 6, three confirmations.
swim_settings agent(scenario const& s, variant const& v) {
  swim_settings c;
  c.period = 1s;
  c.ping_timeout = 500ms;
  c.gossip_period = 200ms;
  c.helpers = 3;
  c.updates = membership::updates_max;
  c.lambda = static_cast<std::uint8_t>(s.integer("agent_lambda"));
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

false_deaths blocked_group(scenario const& s, variant const& v, std::uint32_t c, duration blocked,
                           duration open, duration length) {
  auto const n = static_cast<std::uint32_t>(s.integer("agents"));
  auto const calm = 15s;
  blocks b;
  b.who.assign(n, false);
  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  owned_stream chance{s.seed(), purpose::fault, c};
  for (auto i : chance.draw().sample(c, std::span{order})) b.who[i] = true;
  b.from = at_ns(0) + calm;
  b.until = b.from + length;
  b.blocked = blocked;
  b.open = open;
  group_world<128> w{
      group_setting<128>{s.seed(), n, agent(s, v), seconds_of(s.number("delay_s")), 0, b}};
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

void lifeguard(scenario const& s, sheet& out) {
  std::array<false_deaths, variants.size()> sum{};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (double const c : s.numbers("blocked_agents")) {
      auto const many = static_cast<std::uint32_t>(c);
      for (double const d : s.numbers("blocked_s")) {
        for (double const open : s.numbers("open_s")) {
          auto const one = blocked_group(s, variants[i], many, seconds_of(d), seconds_of(open),
                                         seconds_of(s.number("blocked_for_s")));
          sum[i].all += one.all;
          sum[i].at_healthy += one.at_healthy;
        }
      }
      auto const whole = seconds_of(s.number("latency_block_s"));
      auto const one = blocked_group(s, variants[i], many, whole, whole, whole);
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
    out.measured("lifeguard", row, "detection ratio", first / median(sum[0].first));
  }
  out.measured("lifeguard", "SWIM", "count", sum[0].all);
}

}  // namespace

void run_swim(scenario const& s, sheet& out) {
  first_detection(s, out);
  round_robin(s, out);
  load(s, out);
  false_positives(s, out);
  dissemination(s, out);
  lifeguard(s, out);
}

}  // namespace hydra::papers
