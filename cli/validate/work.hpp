// What is worked on: the same jobs, tasks and results in both worlds.
#pragma once

#include "plan.hpp"

#include <hydra/core/random.hpp>
#include <hydra/core/values.hpp>

#include <cstdint>

namespace hydra::validation {

[[nodiscard]] inline job job_of(planned_job const& p, principal owner, service what) {
  job j;
  j.id = {owner, p.number};
  j.what = what;
  j.work = p.work;
  j.patience = 60s;
  j.input.size = 8;
  j.input.words[0] = p.number;
  return j;
}
// Heads have one core of the reference speed.
[[nodiscard]] inline duration time_of(task const& t, double cpu) {
  return duration{static_cast<std::int64_t>(static_cast<double>(t.work.count()) * cpu)};
}
[[nodiscard]] inline payload result_of(task const& t) {
  auto out = t.input;
  out.words[0] = mix64(t.input.words[0]);
  return out;
}

}  // namespace hydra::validation
