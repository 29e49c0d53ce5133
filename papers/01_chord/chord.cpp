#include "chord.hpp"

#include "ring_world.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::papers {

namespace {

using routing::chord_settings;
using routing::place_of;
using routing::successor_in;

duration seconds_of(double s) {
  return duration{static_cast<std::int64_t>(s * 1e9 + 0.5)};
}

// Every parameter.
struct plan {
  scenario const& of;
  std::uint64_t seed;
  duration delay;
  duration timeout;
  duration lookup_time_max;

  std::vector<std::uint32_t> path_nodes;
  std::int64_t path_keys_per_node;
  std::uint8_t path_successors;
  std::uint32_t path_slope_from;

  std::uint32_t nodes;
  std::uint8_t successors;
  std::vector<double> failed_shares;
  std::int64_t failure_networks;
  std::int64_t failure_lookups;

  std::vector<double> churn_rates;
  duration stabilise;
  double churn_warm_up_s;
  double churn_lookups;

  std::uint32_t load_nodes;
  std::int64_t load_keys;
  std::int64_t load_rings;
  std::vector<std::uint32_t> load_virtual;
};

// The slope is that of one ring after the other, each twice as large.
void check_slope(scenario const& s, plan const& p) {
  auto const& all = p.path_nodes;
  if (all.empty() || all.back() <= p.path_slope_from) return;
  auto at = std::find(all.begin(), all.end(), p.path_slope_from);
  if (at == all.end()) s.refuse("path_slope_from", p.path_slope_from, "one of path_nodes");
  for (++at; at != all.end(); ++at) {
    if (*at == 2 * *(at - 1)) continue;
    s.refuse("path_nodes", *at, "from path_slope_from on each twice the one before");
  }
}

constexpr std::uint32_t heads_max = 200'000;  // of a ring
constexpr std::size_t successors_max = 20;    // that ring_policy has room for

plan plan_of(scenario const& s) {
  plan const p{
      .of = s,
      .seed = s.seed(),
      .delay = seconds_of(s.number("delay_s", 0.001, 10)),
      .timeout = seconds_of(s.number("timeout_s", 0.001, 60)),
      .lookup_time_max = seconds_of(s.number("lookup_time_max_s", 0.001, 3600)),
      .path_nodes = s.integers<std::uint32_t>("path_nodes", 2, heads_max),
      .path_keys_per_node = s.integer("path_keys_per_node", 1, 1000),
      .path_successors = s.integer<std::uint8_t>("path_successors", 1, successors_max),
      .path_slope_from = s.integer<std::uint32_t>("path_slope_from", 2, heads_max),
      .nodes = s.integer<std::uint32_t>("nodes", 2, heads_max),
      .successors = s.integer<std::uint8_t>("successors", 1, successors_max),
      .failed_shares = s.numbers("failed_shares", 0, 0.99),
      .failure_networks = s.integer("failure_networks", 1, 1000),
      .failure_lookups = s.integer("failure_lookups", 1, 1'000'000),
      .churn_rates = s.numbers("churn_rates", 0.001, 5),
      .stabilise = seconds_of(s.number("stabilise_s", 1, 600)),
      .churn_warm_up_s = s.number("churn_warm_up_s", 0, 10'000),
      .churn_lookups = s.number("churn_lookups", 10, 20'000),
      .load_nodes = s.integer<std::uint32_t>("load_nodes", 2, 100'000),
      .load_keys = s.integer("load_keys", 1, 100'000'000),
      .load_rings = s.integer("load_rings", 1, 1000),
      .load_virtual = s.integers<std::uint32_t>("load_virtual", 1, 100),
  };
  if (p.timeout <= 2 * p.delay) {
    s.refuse("timeout_s", s.number("timeout_s"), "more than delay_s there and back");
  }
  if (p.lookup_time_max < p.timeout) {
    s.refuse("lookup_time_max_s", s.number("lookup_time_max_s"), "timeout_s at least");
  }
  check_slope(s, p);
  return p;
}

// What is common to the three tables of lookups: nobody is asked twice, a dead head costs one
// timeout, and a lookup may take as long as it takes.
chord_settings settings_of(plan const& p, std::uint8_t successors) {
  chord_settings c;
  c.stabilise = duration{};
  c.rpc_timeout = p.timeout;
  c.lookup_time_max = p.lookup_time_max;
  c.rpc_attempts = 1;
  c.rejoin = 0;
  c.report_silent = false;
  c.successors_kept = successors;
  return c;
}

// Heads visited up to the one before the owner, as the paper counts. What the asker owns and knows
// it owns is no lookup: the paper's would go round the ring.
void count_path(counted& path, located const& f) {
  if (f.hops > 0) path.add(f.hops - 1U);
}

// ---- Fig. 10: path length in a ring that stands still -------------------------------------------

void path_length(plan const& p, sheet& out) {
  auto const settings = settings_of(p, p.path_successors);
  double first = 0;
  double doublings = 0;
  for (auto const n : p.path_nodes) {
    even_world w{even_ring{p.seed, n, n, settings, p.delay}};
    owned_stream chance{p.seed, purpose::workload, n};
    counted path;
    std::size_t wrong = 0;
    for (std::int64_t round = 0; round < p.path_keys_per_node; ++round) {
      for (std::uint32_t i = 0; i < n; ++i) w.tell(peer{i}, look_up{drawn_key(chance.draw())});
      w.run_for(settings.lookup_time_max);
      for (auto const& e : take_ended(w)) {
        auto const& owner = w.setting().ring()[successor_in(w.setting().ring(),
                                                            place_of(e.what.target))];
        wrong += e.what.owner == owner.who ? 0U : 1U;
        count_path(path, e.what);
      }
    }
    auto const row = name_of(n);
    out.measured("path length", row, "mean", path.mean());
    out.measured("path length", row, "wrong owners", static_cast<double>(wrong));
    if (n == p.path_slope_from) first = path.mean();
    if (n <= p.path_slope_from) continue;
    doublings += 1;
    if (n == p.path_nodes.back()) {
      out.measured("path length", "slope", "mean", (path.mean() - first) / doublings);
    }
  }
}

// ---- Table II: lookups right after many heads failed together -----------------------------------

// How many heads of the ring lie at or after a key and before its living owner.
std::size_t dead_before(even_world const& w, key const& owner, key const& target) {
  auto const& ring = w.setting().ring();
  auto i = successor_in(ring, place_of(target));
  std::size_t n = 0;
  for (; ring[i].key != owner; i = (i + 1) % ring.size()) ++n;
  return n;
}

// One network, of which a share fails at once.
class failures {
 public:
  failures(plan const& p, std::uint64_t seed, double share)
      : settings_{without_repair(p)},
        chance_{seed, purpose::fault, static_cast<std::uint64_t>(share * 100 + 0.5)},
        world_{even_ring{seed, p.nodes, p.nodes, settings_, p.delay}} {
    for (auto const& m : world_.setting().ring()) {
      if (static_cast<double>(chance_.below(1'000'000)) < share * 1e6) {
        world_.crash(m.who);
      } else {
        alive_.push_back(m);
      }
    }
    if (alive_.empty()) p.of.refuse("failed_shares", share, "a share that leaves some of nodes");
  }
  // visit(lookup, whether it named the owner, dead heads between the key and the owner)
  template <class F>
  void look(std::int64_t lookups, F&& visit) {
    for (std::int64_t i = 0; i < lookups;) {
      for (std::size_t k = 0; k < alive_.size() && i < lookups; ++k, ++i) {
        auto const by = alive_[chance_.below(alive_.size())].who;
        world_.tell(by, look_up{drawn_key(chance_.draw())});
      }
      world_.run_for(settings_.lookup_time_max + 1s);
      for (auto const& e : take_ended(world_)) {
        auto const& owner = alive_[successor_in(alive_, place_of(e.what.target))];
        visit(e.what, e.what.owner == owner.who,
              dead_before(world_, owner.key, e.what.target));
      }
    }
  }

 private:
  static chord_settings without_repair(plan const& p) {
    auto c = settings_of(p, p.successors);
    c.forget_silent = false;  // fingers stay as they were before the failures
    return c;
  }
  chord_settings settings_;
  owned_stream chance_;
  even_world world_;
  std::vector<ring_member> alive_;
};

void table_two(plan const& p, sheet& out) {
  auto const networks = p.failure_networks;
  auto const lookups = p.failure_lookups;
  for (double const share : p.failed_shares) {
    counted path;
    counted timeouts;   // up to the head before the owner, as the path
    counted with_last;  // and those of the dead between the key and its owner
    std::int64_t found = 0;
    for (std::int64_t n = 0; n < networks; ++n) {
      failures f{p, p.seed * 1000 + static_cast<std::uint64_t>(n), share};
      f.look(lookups, [&](located const& what, bool right, std::size_t last) {
        found += right ? 1 : 0;
        count_path(path, what);
        timeouts.add(what.timeouts - std::min<std::size_t>(what.timeouts, last));
        with_last.add(what.timeouts);
      });
    }
    auto const row = name_of(share);
    out.measured("table II", row, "path", path.mean());
    out.measured("table II", row, "path 1st", path.percentile(1));
    out.measured("table II", row, "path 99th", path.percentile(99));
    out.measured("table II", row, "timeouts", timeouts.mean());
    out.measured("table II", row, "timeouts 1st", timeouts.percentile(1));
    out.measured("table II", row, "timeouts 99th", timeouts.percentile(99));
    out.measured("table II", row, "timeouts with last", with_last.mean());
    out.measured("table II", row, "failures", static_cast<double>(networks * lookups - found));
    if (share == 0) out.measured("table II estimates", row, "path", path.mean());
    else out.measured("table II estimates", row, "timeouts", timeouts.mean());
  }
}

// ---- Table III: lookups while heads come and go -------------------------------------------------

// Instants of a Poisson process, in steps of 10 ms.
class poisson {
 public:
  poisson(std::uint64_t seed, std::uint64_t which, double per_second)
      : chance_{seed, purpose::churn, which},
        share_{static_cast<std::uint32_t>(per_second * 10'000.0 + 0.5)} {
    pass();
  }
  [[nodiscard]] instant next() const noexcept { return next_; }
  void pass() {
    do next_ += 10ms;
    while (!chance_.draw().chance(share_, 1'000'000));
  }

 private:
  owned_stream chance_;
  std::uint32_t share_;
  instant next_{};
};

class churn {
 public:
  churn(plan const& p, double rate)
      : members_{p.nodes},
        until_{at_ns(0) + seconds_of(p.churn_warm_up_s) + seconds_of(p.churn_lookups)},
        from_{at_ns(0) + seconds_of(p.churn_warm_up_s)},
        spare_{static_cast<std::uint32_t>(rate * (p.churn_warm_up_s + p.churn_lookups) * 1.5) +
               50},
        world_{even_ring{p.seed, members_ + spare_, members_, with_stabilisation(p), p.delay}},
        alive_{world_.setting().ring()},
        chance_{p.seed, purpose::workload, 0},
        joins_{p.seed, 1, rate},
        departures_{p.seed, 2, rate},
        lookups_{p.seed, 3, 1.0} {}

  void run() {
    auto next = members_;
    while (world_.now() < until_) {
      auto const at = std::min({joins_.next(), departures_.next(), lookups_.next()});
      world_.run_until(at);
      judge();
      if (joins_.next() == at) {
        if (next < members_ + spare_) join(next++);
        joins_.pass();
      }
      if (departures_.next() == at) {
        if (alive_.size() > std::max(members_ / 2, 1U)) depart();
        departures_.pass();
      }
      if (lookups_.next() == at) look(at);
    }
    world_.run_for(20s);  // the last ones end; who left meanwhile left before
    judge();
  }
  void report(sheet& out, std::string const& row) const {
    out.measured("table III", row, "path", path_.mean());
    out.measured("table III", row, "path 1st", path_.percentile(1));
    out.measured("table III", row, "path 99th", path_.percentile(99));
    out.measured("table III", row, "timeouts", timeouts_.mean());
    out.measured("table III", row, "timeouts 1st", timeouts_.percentile(1));
    out.measured("table III", row, "timeouts 99th", timeouts_.percentile(99));
    out.measured("table III", row, "failures", failures());
  }
  // Of 10,000 lookups.
  [[nodiscard]] double failures() const {
    return static_cast<double>(failures_) * 10'000.0 / static_cast<double>(timeouts_.size());
  }

 private:
  static chord_settings with_stabilisation(plan const& p) {
    auto c = settings_of(p, p.successors);
    c.stabilise = p.stabilise;
    return c;
  }
  // The first from which a lookup comes may not have found its place yet.
  void join(std::uint32_t who) {
    introduce known;
    known.known.push_back(alive_[chance_.below(alive_.size())].who);
    world_.tell(peer{who}, known);
    ring_member const m{world_.setting().key_of(peer{who}), peer{who}};
    auto const at = std::partition_point(alive_.begin(), alive_.end(), [&](auto const& o) {
      return o.key < m.key;
    });
    alive_.insert(at, m);
  }
  void depart() {
    auto const i = static_cast<std::ptrdiff_t>(chance_.below(alive_.size()));
    auto const who = alive_[static_cast<std::size_t>(i)].who;
    world_.tell(who, hydra::depart{});
    world_.crash(who);
    alive_.erase(alive_.begin() + i);
  }
  void look(instant at) {
    auto const by = alive_[chance_.below(alive_.size())].who;
    if (at >= from_) world_.tell(by, look_up{drawn_key(chance_.draw())});
    lookups_.pass();
  }
  void judge() {
    for (auto const& e : take_ended(world_)) {
      auto const& owner = alive_[successor_in(alive_, place_of(e.what.target))];
      failures_ += e.what.owner == owner.who ? 0U : 1U;
      count_path(path_, e.what);
      timeouts_.add(e.what.timeouts);
    }
  }

  std::uint32_t members_;
  instant until_;
  instant from_;
  std::uint32_t spare_;
  even_world world_;
  std::vector<ring_member> alive_;
  owned_stream chance_;
  poisson joins_;
  poisson departures_;
  poisson lookups_;
  counted path_;
  counted timeouts_;
  std::size_t failures_ = 0;
};

// Of the straight line with the least squares; its mean over runs is that of the means.
double slope_of(std::vector<double> const& x, std::vector<double> const& y) {
  auto const n = static_cast<double>(x.size());
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double both = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    both += (x[i] - mean_x) * (y[i] - mean_y);
    squares += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return both / squares;
}

void table_three(plan const& p, sheet& out) {
  auto const& rates = p.churn_rates;
  std::vector<double> failures;
  for (double const rate : rates) {
    churn c{p, rate};
    c.run();
    c.report(out, name_of(rate));
    failures.push_back(c.failures());
  }
  // One rate says nothing of how they rise.
  if (rates.size() > 1) out.measured("table III", "slope", "failures", slope_of(rates, failures));
}

// ---- Figs. 8 and 9: how evenly keys fall on heads -----------------------------------------------

double share_at(std::vector<double> const& sorted, double quantile) {
  auto const i = static_cast<std::size_t>(quantile * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted.at(i);
}

// The shares of one ring, over their mean, in ascending order.
struct shares {
  std::vector<double> held;   // keys
  std::vector<double> space;  // of the key space
};
shares shares_of(std::uint64_t seed, std::uint32_t heads, std::uint32_t r, std::int64_t keys) {
  auto const ring = members_of(seed, heads * r);  // place i belongs to head i / r
  shares all{std::vector<double>(heads), std::vector<double>(heads)};
  owned_stream chance{seed, purpose::workload, r};
  auto const one = static_cast<double>(heads) / static_cast<double>(keys);
  for (std::int64_t k = 0; k < keys; ++k) {
    auto const at = successor_in(ring, place_of(drawn_key(chance.draw())));
    all.held[ring[at].who.index() / r] += one;
  }
  for (std::size_t i = 0; i < ring.size(); ++i) {
    auto const before = place_of(ring[(i + ring.size() - 1) % ring.size()].key);
    auto const arc = static_cast<double>(place_of(ring[i].key) - before);
    all.space[ring[i].who.index() / r] += arc / 18446744073709551616.0 * heads;  // 2^64
  }
  std::sort(all.held.begin(), all.held.end());
  std::sort(all.space.begin(), all.space.end());
  return all;
}

void load(plan const& p, sheet& out) {
  auto const rings = p.load_rings;
  for (auto const each : p.load_virtual) {
    double least_held = 0;
    double held = 0;
    double most = 0;
    double least_space = 0;
    double space = 0;
    for (std::int64_t i = 0; i < rings; ++i) {
      auto const all = shares_of(p.seed * 1000 + static_cast<std::uint64_t>(i), p.load_nodes, each,
                                 p.load_keys);
      least_held += share_at(all.held, 0.01);
      held += share_at(all.held, 0.99);
      most += all.held.back();
      least_space += share_at(all.space, 0.01);
      space += share_at(all.space, 0.99);
    }
    auto const row = name_of(each);
    auto const n = static_cast<double>(rings);
    out.measured("load", row, "keys 1st", least_held / n);
    out.measured("load", row, "keys 99th", held / n);
    out.measured("load", row, "keys max", most / n);
    out.measured("load", row, "space 1st", least_space / n);
    out.measured("load", row, "space 99th", space / n);
  }
}

}  // namespace

void read_chord(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_chord(scenario const& s, sheet& out) {
  auto const p = plan_of(s);
  path_length(p, out);
  table_two(p, out);
  table_three(p, out);
  load(p, out);
}

}  // namespace hydra::papers
