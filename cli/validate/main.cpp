#include "calibration.hpp"
#include "live.hpp"
#include "measures.hpp"
#include "simulated.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace hydra::validation;

namespace {
double med(std::vector<std::pair<std::uint64_t, double>> const& v) {
  std::vector<double> x;
  for (auto const& [k, d] : v) x.push_back(d);
  if (x.empty()) return 0;
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}
double sum(std::vector<std::pair<std::uint64_t, double>> const& v) {
  double s = 0;
  for (auto const& [k, d] : v) s += d;
  return s;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc == 9 && std::strcmp(argv[1], "--as-head") == 0) {
    head_orders o;
    o.plan_file = argv[2];
    o.set = argv[3];
    o.folder = argv[4];
    o.disturb = std::strcmp(argv[5], "-") == 0 ? "" : argv[5];
    o.index = static_cast<std::uint32_t>(std::atoi(argv[6]));
    o.epoch_ns = std::atoll(argv[7]);
    o.begin_ns = std::atoll(argv[8]);
    return live_head(o);
  }
  auto const p = read_plan(argv[1]);
  if (!p) return fmt::print(stderr, "{}\n", p.why()), 3;
  std::string const set = argv[2];
  calibration const c;
  auto const sim = measure(p.value(), simulate(p.value(), set, c, {}, 0));
  auto const run = run_live("/proc/self/exe", p.value(), set, argc > 3 ? argv[3] : "");
  if (!run) return fmt::print(stderr, "{}\n", run.why()), 1;
  auto const live = measure(p.value(), run.value().notes);
  fmt::print("cpu {:.3f} late {:.2f} ms {}\n", run.value().cpu_share, run.value().late_ms,
             run.value().complaint);
  for (std::size_t i = 0; i < sim.size(); ++i) {
    fmt::print("{:24} n {:5} {:5}  median {:9.3f} {:9.3f}  sum {:10.2f} {:10.2f}\n", sim[i].name,
               sim[i].values.size(), live[i].values.size(), med(sim[i].values),
               med(live[i].values), sum(sim[i].values), sum(live[i].values));
  }
  if (argc > 4) {
    for (std::size_t i : {3U, 2U})
      for (std::size_t k = 0; k < std::min(sim[i].values.size(), live[i].values.size()); ++k)
        fmt::print("{} {} {:.3f} {:.3f}\n", sim[i].name, sim[i].values[k].first,
                   sim[i].values[k].second, live[i].values[k].second);
  }
}
