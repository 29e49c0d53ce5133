#include "report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hydra::validation {
namespace {

using nlohmann::json;

bool is_share(comparison const& c) {
  return c.by == statistic::median || c.by == statistic::total;
}
std::string apart(comparison const& c, double x) {
  return is_share(c) ? fmt::format("{:+.1f} %", 100 * x) : fmt::format("{:+.3f}", x);
}
std::string allowed(comparison const& c) {
  return is_share(c) ? fmt::format("{:.0f} %", 100 * c.bound) : fmt::format("{:.3f}", c.bound);
}
json of(summary const& s) {
  return {{"n", s.n}, {"median", s.median}, {"p90", s.p90}, {"mean", s.mean}};
}
json of(comparison const& c) {
  static constexpr char const* by[] = {"median", "total", "mean", "worst"};
  return {{"name", c.name}, {"by", by[static_cast<std::size_t>(c.by)]},
          {"paired", c.paired}, {"sim", of(c.sim)},
          {"live", of(c.live)}, {"difference", c.difference},
          {"low", c.low},       {"high", c.high},
          {"spread", c.spread}, {"bound", c.bound},   {"verdict", c.past ? "past" : "ok"}};
}

}  // namespace

bool judged_run::past() const {
  return void_because.empty() && std::any_of(measures.begin(), measures.end(),
                                             [](comparison const& c) { return c.past; });
}

std::string as_table(judged_run const& r, bool all) {
  auto out = fmt::format("{} with policies {}: processors {:.0f} % in use, timers {:.1f} ms late\n",
                         r.scenario, r.set, 100 * r.cpu_share, r.late_ms);
  if (!r.void_because.empty()) return out + "  void: " + r.void_because + "\n";
  out += fmt::format("  {:22} {:>5} {:>29}  {:>29}  {:>9} {:>20} {:>7}\n", "", "",
                     "simulated", "live", "apart", "95 %", "bound");
  out += fmt::format("  {:22} {:>5} {:>9} {:>9} {:>9}  {:>9} {:>9} {:>9}\n", "", "n", "median",
                     "p90", "mean", "median", "p90", "mean");
  for (auto const& c : r.measures) {
    bool const detail = c.name.rfind("sent ", 0) == 0;
    if (detail && !all && !c.past) continue;
    out += fmt::format(
        "  {:22} {:5} {:9.2f} {:9.2f} {:9.2f}  {:9.2f} {:9.2f} {:9.2f}  {:>9} {:>20} {:>7} {}\n",
        c.name, c.live.n, c.sim.median, c.sim.p90, c.sim.mean, c.live.median, c.live.p90,
        c.live.mean, apart(c, c.difference),
        fmt::format("{} to {}", apart(c, c.low), apart(c, c.high)), allowed(c),
        c.past ? "past" : "ok");
  }
  return out;
}

std::string as_json(std::vector<judged_run> const& all, int code) {
  json out{{"exit", code}, {"runs", json::array()}};
  for (auto const& r : all) {
    json one{{"scenario", r.scenario},   {"policies", r.set},
             {"prediction_sha256", r.sha256}, {"processors", r.cpu_share},
             {"timers_late_ms", r.late_ms},   {"measures", json::array()}};
    one["verdict"] = !r.void_because.empty() ? "void" : r.past() ? "past" : "ok";
    if (!r.void_because.empty()) one["void"] = r.void_because;
    for (auto const& c : r.measures) one["measures"].push_back(of(c));
    out["runs"].push_back(std::move(one));
  }
  return out.dump(2);
}

}  // namespace hydra::validation
