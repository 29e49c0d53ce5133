#include "verdict.hpp"

#include <hydra/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace hydra::validation {
namespace {

constexpr int draws = 400;

// What a measure may differ by, and how much is always forgiven (in its own unit).
struct tolerance {
  double bound;
  double slack;
};
tolerance tolerance_of(series const& s) {
  auto const begins = [&](char const* with) { return s.name.rfind(with, 0) == 0; };
  if (s.name == "hops") return {0.2, 0.0};
  if (s.name == "re-placements") return {0.25, 3.0};
  if (s.name == "lost") return {0.015, 0.0};
  if (s.name == "lost of a type") return {0.4, 0.0};
  if (s.name == "run") return {0.05, 0.0};
  if (begins("round trip")) return {0.08, 0.0};
  if (begins("sent ")) return {0.10, 6.0};
  if (s.by == statistic::total) return {0.05, 0.0};
  return {0.10, 1.0};  // times: of a millisecond nothing is made
}

double at_share(std::vector<double>& v, double share) {
  auto const at = static_cast<std::size_t>(share * static_cast<double>(v.size() - 1) + 0.5);
  auto const it = v.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(v.begin(), it, v.end());
  return *it;
}
double total_of(std::vector<double> const& v) {
  double sum = 0;
  for (auto x : v) sum += x;
  return sum;
}
double one_number(statistic by, std::vector<double> v) {
  if (v.empty()) return 0.0;
  if (by == statistic::median) return at_share(v, 0.5);
  auto const sum = total_of(v);
  return by == statistic::total ? sum : sum / static_cast<double>(v.size());
}

struct sample {
  std::vector<double> sim;
  std::vector<double> live;
  bool paired = false;
};

// As pairs, if nearly all of both worlds have a partner.
sample sample_of(series const& sim, series const& live) {
  sample out;
  std::map<std::uint64_t, double> const other{live.values.begin(), live.values.end()};
  for (auto const& [name, value] : sim.values) {
    auto const it = other.find(name);
    if (it == other.end()) continue;
    out.sim.push_back(value);
    out.live.push_back(it->second);
  }
  auto const most = std::max(sim.values.size(), live.values.size());
  out.paired = out.sim.size() * 10 >= most * 8;
  if (sim.by == statistic::total && out.sim.size() < most) out.paired = false;
  if (out.paired) return out;
  out.sim.clear();
  out.live.clear();
  for (auto const& v : sim.values) out.sim.push_back(v.second);
  for (auto const& v : live.values) out.live.push_back(v.second);
  return out;
}

double difference_of(statistic by, sample const& s) {
  if (by == statistic::worst) {
    double worst = 0.0;
    for (std::size_t i = 0; i < s.sim.size() && s.paired; ++i) {
      auto const d = s.live[i] - s.sim[i];
      if (std::abs(d) > std::abs(worst)) worst = d;
    }
    return worst;
  }
  auto const base = one_number(by, s.sim);
  if (by == statistic::mean) return one_number(by, s.live) - base;
  auto const scale = std::max(std::abs(base), 1.0);
  if (by == statistic::median && s.paired) {
    std::vector<double> apart;
    for (std::size_t i = 0; i < s.sim.size(); ++i) apart.push_back(s.live[i] - s.sim[i]);
    return one_number(by, apart) / scale;
  }
  return (one_number(by, s.live) - base) / scale;
}

void draw(std::vector<double> const& from, std::vector<std::size_t> const& which,
          std::vector<double>& to) {
  to.clear();
  for (auto i : which) to.push_back(from[i]);
}
std::vector<std::size_t> some_of(std::size_t n, hydra::stream& chance) {
  std::vector<std::size_t> out(n);
  for (auto& i : out) i = static_cast<std::size_t>(chance.below(n));
  return out;
}

void add_interval(comparison& c, sample const& s, std::uint64_t seed) {
  std::uint32_t count = 0;
  hydra::stream chance{stream_base(seed, purpose::workload, s.sim.size()), count};
  std::vector<double> all;
  sample drawn;
  drawn.paired = s.paired;
  for (int i = 0; i < draws; ++i) {
    auto const which = some_of(s.sim.size(), chance);
    draw(s.sim, which, drawn.sim);
    draw(s.live, s.paired ? which : some_of(s.live.size(), chance), drawn.live);
    all.push_back(difference_of(c.by, drawn));
  }
  c.low = at_share(all, 0.025);
  c.high = at_share(all, 0.975);
}

bool is_past(comparison const& c, sample const& s, tolerance const& t) {
  if (std::abs(c.difference) <= c.bound) return false;
  auto const plain = std::abs(one_number(c.by, s.live) - one_number(c.by, s.sim));
  if (c.by != statistic::worst && c.by != statistic::mean && plain <= t.slack) return false;
  if (c.by == statistic::worst) return true;
  return c.low > c.bound / 2 || c.high < -c.bound / 2;
}

}  // namespace

double apart(series const& sim, series const& other) {
  if (sim.values.empty() && other.values.empty()) return 0.0;
  if (sim.values.empty() || other.values.empty()) return sim.values.empty() ? 1.0 : -1.0;
  return difference_of(sim.by, sample_of(sim, other));
}

summary summarise(series const& s) {
  summary out;
  std::vector<double> v;
  for (auto const& each : s.values) v.push_back(each.second);
  out.n = v.size();
  if (v.empty()) return out;
  out.mean = total_of(v) / static_cast<double>(v.size());
  out.median = at_share(v, 0.5);
  out.p90 = at_share(v, 0.9);
  return out;
}

std::vector<comparison> compare(std::vector<series> const& sim, std::vector<series> const& live,
                                std::uint64_t seed) {
  std::vector<comparison> out;
  for (std::size_t i = 0; i < std::min(sim.size(), live.size()); ++i) {
    if (sim[i].values.empty() && live[i].values.empty()) continue;
    comparison c;
    c.name = sim[i].name;
    c.by = sim[i].by;
    c.sim = summarise(sim[i]);
    c.live = summarise(live[i]);
    auto const t = tolerance_of(sim[i]);
    c.spread = sim[i].spread;
    c.bound = t.bound + c.spread;
    if (sim[i].values.empty() || live[i].values.empty()) {
      // One world has it, the other has none of it at all.
      auto const& there = sim[i].values.empty() ? live[i] : sim[i];
      c.difference = sim[i].values.empty() ? 1.0 : -1.0;
      c.low = c.high = c.difference;
      double sum = 0;
      for (auto const& v : there.values) sum += v.second;
      c.past = c.by == statistic::total ? sum > t.slack : there.values.size() > 3;
    } else {
      auto const s = sample_of(sim[i], live[i]);
      c.paired = s.paired;
      c.difference = difference_of(c.by, s);
      add_interval(c, s, seed);
      c.past = is_past(c, s, t);
    }
    out.push_back(c);
  }
  return out;
}

}  // namespace hydra::validation
