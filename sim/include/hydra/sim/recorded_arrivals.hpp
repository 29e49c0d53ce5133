// The jobs of a scenario whose arrivals come from a trace: `[workload] law = "swf"`.
//
// Promise: everything is converted to integers when it is loaded; afterwards the n-th job of a
// head is a pure function of (scenario, head, n), which nothing that a policy does can move. What
// a row becomes:
//   submit time           when it arrives: start + (submit time - swf_from) / swf_pace
//   run time, processors  work on the reference core, times swf_work; see swf_processors
//   user                  the head that asks, by hash of (seed, user); see swf_askers
//   group, queue          account, priority (cut to the highest of `priorities`)
// Rows may come in any order; equal instants of one head are a nanosecond apart. Rows of status 2
// to 4 are parts of a job that has a row of its own and are never read as jobs.
// Cost: 24 bytes a job and 4 a head; 40 bytes a job more while it is loaded.
#pragma once

#include <hydra/core/types.hpp>
#include <hydra/sim/scenario.hpp>
#include <hydra/sim/swf.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hydra::sim {

struct recorded_job {
  std::int64_t at = 0;    // ns
  std::int64_t work = 0;  // ns on the reference core
  std::uint32_t account = 0;
  std::uint8_t priority = 0;
};

class recorded_arrivals {
 public:
  // What became of the rows.
  struct row_counts {
    std::uint64_t read = 0;     // until there were swf_jobs
    std::uint64_t outside = 0;  // of the part of the trace, or of the run
    std::uint64_t unfit = 0;    // by swf_rows
    std::uint64_t jobs = 0;
  };

  // Reads the trace that the scenario names. Throws data_error, also if no job is left.
  [[nodiscard]] static recorded_arrivals load(scenario const& what);
  [[nodiscard]] static recorded_arrivals read(swf_reader& from, scenario const& what);

  // The jobs of a head in the order in which they arrive.
  [[nodiscard]] std::span<recorded_job const> of(std::uint32_t who) const noexcept {
    return std::span{jobs_}.subspan(first_[who], first_[who + 1] - first_[who]);
  }
  [[nodiscard]] row_counts const& counts() const noexcept { return counts_; }

 private:
  recorded_arrivals() = default;

  std::vector<recorded_job> jobs_;
  std::vector<std::uint32_t> first_;  // of each head, and the end
  row_counts counts_;
};

}  // namespace hydra::sim
