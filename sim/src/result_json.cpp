// The result as JSON: the one function that the command, its files and the page use.
#include <hydra/sim/report.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hydra::sim {
namespace {

using json = nlohmann::ordered_json;

json jobs_json(job_counts const& j) {
  return {{"submitted", j.submitted}, {"completed", j.completed}, {"failed", j.failed},
          {"running", j.running},     {"replaced", j.replaced}};
}
json spread_json(spread const& s) {
  return {{"mean", s.mean}, {"p50", s.p50}, {"p90", s.p90}, {"p99", s.p99}};
}

json as_json(run_result const& r) {
  json out = {{"scenario", r.scenario},
              {"seed", r.seed},
              {"digest", fmt::format("{:016x}", r.digest)},
              {"hydras", r.hydras},
              {"simulated_s", r.simulated_s},
              {"events", r.events},
              {"messages", r.messages},
              {"wall_s", r.wall_s},
              {"cpu_s", r.cpu_s},
              {"bytes_per_hydra", r.bytes_per_hydra},
              {"jobs", jobs_json(r.jobs)},
              {"response_s", spread_json(r.response_s)},
              {"hops", spread_json(r.hops)},
              {"remote_share", r.remote_share},
              {"utilisation", spread_json(r.utilisation)},
              {"wrong_accepted", r.wrong_accepted},
              {"extra_work", r.extra_work},
              {"honest_hurt", r.honest_hurt},
              {"interrupted", r.interrupted},
              {"failures", json::array()},
              {"extra", json::object()}};
  for (auto const& f : r.failures) out["failures"].push_back(f.what);
  for (auto const& [name, value] : r.extra) out["extra"][name] = value;
  if (r.alone)
    out["alone"] = {{"jobs", jobs_json(r.alone->jobs)},
                    {"response_s", spread_json(r.alone->response_s)},
                    {"utilisation", spread_json(r.alone->utilisation)}};
  if (r.unverified)
    out["unverified"] = {{"jobs", jobs_json(r.unverified->jobs)},
                         {"response_s", spread_json(r.unverified->response_s)},
                         {"wrong_accepted", r.unverified->wrong_accepted},
                         {"extra_work", r.unverified->extra_work},
                         {"honest_hurt", r.unverified->honest_hurt}};
  out["reproduce"] = r.reproduce;
  return out;
}

}  // namespace

std::string result_json(run_result const& r, bool timings, int indent) {
  auto out = as_json(r);
  if (!timings) {
    for (auto key : {"wall_s", "cpu_s", "bytes_per_hydra"}) out.erase(key);
  }
  return out.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace hydra::sim
