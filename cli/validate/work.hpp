// What is worked on: the same jobs, tasks and results in both worlds.
#pragma once

#include "plan.hpp"

#include <hydra/core/derive.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/values.hpp>

#include <cstdint>

namespace hydra::validation {

// `object`: what its asker has from the start.
[[nodiscard]] inline job job_of(planned_job const& p, principal owner, service what,
                                object_ref const& object) {
  job j;
  j.id = {owner, p.number};
  j.what = what;
  j.work = p.work;
  j.patience = 60s;
  j.input.size = 8;
  j.input.words[0] = p.number;
  if (p.bytes != 0) j.data = {object, {p.first, p.bytes}, 0};
  return j;
}
// In the simulator bytes are only counted, so an object needs no more than a name.
[[nodiscard]] inline object_ref simulated_object(plan const& p, std::uint32_t head) {
  auto const name = derived_key(p.seed, service{0x10000U + head});
  return {object_id{name}, p.object_bytes(head), peer{head}};
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
