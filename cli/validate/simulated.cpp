#include "simulated.hpp"

#include "stage.hpp"

namespace hydra::validation {

std::vector<planned_event> events_of(plan const& p) {
  using what = planned_event::kind;
  std::vector<planned_event> out;
  for (std::uint32_t i = 0; i < p.hydras; ++i) out.push_back({p.starts_at(i), what::start, i});
  for (auto const& c : p.crashes) {
    out.push_back({c.at, what::crash, c.who});
    out.push_back({c.back, what::start, c.who});
  }
  for (auto const& j : p.jobs) out.push_back({j.at, what::submit, j.from, &j});
  std::stable_sort(out.begin(), out.end(),
                   [](auto const& a, auto const& b) { return a.at < b.at; });
  return out;
}

std::vector<note> simulate(plan const& p, std::string const& set, calibration const& c,
                           disturbance const& d, std::uint32_t dropped_type) {
  kept_notes to;
  to.dropped_type = dropped_type;
  if (set == "a") simulate_a(p, c, d, to);
  else simulate_b(p, c, d, to);
  return std::move(to.all);
}

}  // namespace hydra::validation
