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

json terms_json(equal_terms const& t) {
  return {{"done", t.done}, {"mean_s", seconds(t.mean)}};
}

json row_json(char const* name, job_counts const& jobs, spread const& response,
              spread const& utilisation) {
  return {{"name", name},
          {"jobs", jobs_json(jobs)},
          {"response_s", spread_json(response)},
          {"utilisation", spread_json(utilisation)}};
}

// The result and what stands beside it, alike: for whoever draws a table.
json rows_json(run_result const& r) {
  auto rows = json::array();
  auto const add = [&](char const* name, auto const& of) {
    rows.push_back(row_json(name, of.jobs, of.response_s, of.utilisation));
  };
  add("ours", r);
  if (r.alone) add("alone", *r.alone);
  if (r.unverified) add("unverified", *r.unverified);
  if (r.omniscient) add("omniscient", *r.omniscient);
  return rows;
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
  out["rooms"] = json::object();
  for (auto const& room : r.rooms) {
    out["rooms"][room.name] = {{"bytes_at_rest", room.at_rest},
                               {"bytes_in_hand", room.in_hand}};
  }
  if (r.alone)
    out["alone"] = {{"jobs", jobs_json(r.alone->jobs)},
                    {"response_s", spread_json(r.alone->response_s)},
                    {"utilisation", spread_json(r.alone->utilisation)}};
  if (r.unverified)
    out["unverified"] = {{"jobs", jobs_json(r.unverified->jobs)},
                         {"response_s", spread_json(r.unverified->response_s)},
                         {"wrong_accepted", r.unverified->wrong_accepted},
                         {"utilisation", spread_json(r.unverified->utilisation)},
                         {"extra_work", r.unverified->extra_work},
                         {"honest_hurt", r.unverified->honest_hurt}};
  if (r.omniscient) {
    out["equal_terms"] = terms_json(r.terms);
    out["omniscient"] = {{"jobs", jobs_json(r.omniscient->jobs)},
                         {"response_s", spread_json(r.omniscient->response_s)},
                         {"utilisation", spread_json(r.omniscient->utilisation)},
                         {"rule", r.omniscient->rule},
                         {"equal_terms", terms_json(r.omniscient->terms)}};
  }
  out["rows"] = rows_json(r);
  out["reproduce"] = r.reproduce;
  return out;
}

}  // namespace

std::string result_json(run_result const& r, bool timings, int indent) {
  auto out = as_json(r);
  if (!timings) {
    for (auto key : {"wall_s", "cpu_s", "bytes_per_hydra"}) out.erase(key);
    for (auto& room : out["rooms"]) room.erase("bytes_in_hand");  // depends on shards
  }
  return out.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace hydra::sim
