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

// What is common to the three tables of lookups: nobody is asked twice, a dead head costs one
// timeout, and a lookup may take as long as it takes.
chord_settings settings_of(scenario const& s, std::string const& successors) {
  chord_settings c;
  c.stabilise = duration{};
  c.rpc_timeout = seconds_of(s.number("timeout_s"));
  c.lookup_time_max = seconds_of(s.number("lookup_time_max_s"));
  c.rpc_attempts = 1;
  c.rejoin = 0;
  c.report_silent = false;
  c.successors_kept = static_cast<std::uint8_t>(s.integer(successors));
  return c;
}

// Heads visited up to the one before the owner, as the paper counts. What the asker owns and knows
// it owns is no lookup: the paper's would go round the ring.
void count_path(counted& path, located const& f) {
  if (f.hops > 0) path.add(f.hops - 1U);
}

// ---- Fig. 10: path length in a ring that stands still -------------------------------------------

void path_length(scenario const& s, sheet& out) {
  auto settings = settings_of(s, "path_successors");
  auto const keys = s.integer("path_keys_per_node");
  auto const slope_from = s.number("path_slope_from");
  double first = 0;
  double doublings = 0;
  for (double const nodes : s.numbers("path_nodes")) {
    auto const n = static_cast<std::uint32_t>(nodes);
    even_world w{even_ring{s.seed(), n, n, settings, seconds_of(s.number("delay_s"))}};
    owned_stream chance{s.seed(), purpose::workload, n};
    counted path;
    std::size_t wrong = 0;
    for (std::int64_t round = 0; round < keys; ++round) {
      for (std::uint32_t i = 0; i < n; ++i) w.tell(peer{i}, look_up{drawn_key(chance.draw())});
      w.run_for(settings.lookup_time_max);
      for (auto const& e : take_ended(w)) {
        auto const& owner = w.setting().ring()[successor_in(w.setting().ring(),
                                                            place_of(e.what.target))];
        wrong += e.what.owner == owner.who ? 0U : 1U;
        count_path(path, e.what);
      }
    }
    auto const row = name_of(nodes);
    out.measured("path length", row, "mean", path.mean());
    out.measured("path length", row, "wrong owners", static_cast<double>(wrong));
    if (nodes == slope_from) first = path.mean();
    if (nodes <= slope_from) continue;
    doublings += 1;
    if (nodes == s.numbers("path_nodes").back()) {
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
  failures(scenario const& s, std::uint64_t seed, double share)
      : settings_{without_repair(s)},
        chance_{seed, purpose::fault, static_cast<std::uint64_t>(share * 100 + 0.5)},
        world_{even_ring{seed, nodes_of(s), nodes_of(s), settings_,
                         seconds_of(s.number("delay_s"))}} {
    for (auto const& m : world_.setting().ring()) {
      if (static_cast<double>(chance_.below(1'000'000)) < share * 1e6) {
        world_.crash(m.who);
      } else {
        alive_.push_back(m);
      }
    }
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
  static chord_settings without_repair(scenario const& s) {
    auto c = settings_of(s, "successors");
    c.forget_silent = false;  // fingers stay as they were before the failures
    return c;
  }
  static std::uint32_t nodes_of(scenario const& s) {
    return static_cast<std::uint32_t>(s.integer("nodes"));
  }
  chord_settings settings_;
  owned_stream chance_;
  even_world world_;
  std::vector<ring_member> alive_;
};

void table_two(scenario const& s, sheet& out) {
  auto const networks = s.integer("failure_networks");
  auto const lookups = s.integer("failure_lookups");
  for (double const share : s.numbers("failed_shares")) {
    counted path;
    counted timeouts;   // up to the head before the owner, as the path
    counted with_last;  // and those of the dead between the key and its owner
    std::int64_t found = 0;
    for (std::int64_t n = 0; n < networks; ++n) {
      failures f{s, s.seed() * 1000 + static_cast<std::uint64_t>(n), share};
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
  churn(scenario const& s, double rate)
      : members_{static_cast<std::uint32_t>(s.integer("nodes"))},
        until_{at_ns(0) + seconds_of(s.number("churn_warm_up_s")) +
               seconds_of(s.number("churn_lookups"))},
        from_{at_ns(0) + seconds_of(s.number("churn_warm_up_s"))},
        spare_{static_cast<std::uint32_t>(rate * (s.number("churn_warm_up_s") +
                                                  s.number("churn_lookups")) * 1.5) + 50},
        world_{even_ring{s.seed(), members_ + spare_, members_, with_stabilisation(s),
                         seconds_of(s.number("delay_s"))}},
        alive_{world_.setting().ring()},
        chance_{s.seed(), purpose::workload, 0},
        joins_{s.seed(), 1, rate},
        departures_{s.seed(), 2, rate},
        lookups_{s.seed(), 3, 1.0} {}

  void run() {
    auto next = members_;
    while (world_.now() < until_) {
      auto const at = std::min({joins_.next(), departures_.next(), lookups_.next()});
      world_.run_until(at);
      judge();
      if (joins_.next() == at && next < members_ + spare_) join(next++);
      if (departures_.next() == at && alive_.size() > members_ / 2) depart();
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
  static chord_settings with_stabilisation(scenario const& s) {
    auto c = settings_of(s, "successors");
    c.stabilise = seconds_of(s.number("stabilise_s"));
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
    joins_.pass();
  }
  void depart() {
    auto const i = static_cast<std::ptrdiff_t>(chance_.below(alive_.size()));
    auto const who = alive_[static_cast<std::size_t>(i)].who;
    world_.tell(who, hydra::depart{});
    world_.crash(who);
    alive_.erase(alive_.begin() + i);
    departures_.pass();
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

void table_three(scenario const& s, sheet& out) {
  auto const rates = s.numbers("churn_rates");
  std::vector<double> failures;
  for (double const rate : rates) {
    churn c{s, rate};
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

void load(scenario const& s, sheet& out) {
  auto const rings = s.integer("load_rings");
  for (double const each : s.numbers("load_virtual")) {
    double least_held = 0;
    double held = 0;
    double most = 0;
    double least_space = 0;
    double space = 0;
    for (std::int64_t i = 0; i < rings; ++i) {
      auto const all = shares_of(s.seed() * 1000 + static_cast<std::uint64_t>(i),
                                 static_cast<std::uint32_t>(s.integer("load_nodes")),
                                 static_cast<std::uint32_t>(each), s.integer("load_keys"));
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

void run_chord(scenario const& s, sheet& out) {
  path_length(s, out);
  table_two(s, out);
  table_three(s, out);
  load(s, out);
}

}  // namespace hydra::papers
