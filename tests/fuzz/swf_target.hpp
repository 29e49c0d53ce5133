// What the fuzzer of workload traces does with some bytes: whatever they are, reading them ends,
// and what they became stays within its bounds. The unit test runs it over the corpus.
#pragma once

#include <hydra/sim/recorded_arrivals.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

namespace hydra::fuzz {

// How its rows are read is chosen by its length.
inline void swf_target(std::string const& bytes) {
  sim::scenario s;
  s.hydras = 7;
  s.workload.law = sim::arrival_law::swf;
  s.workload.swf = "fuzz.swf";
  s.workload.swf_jobs = 1'000;
  s.workload.priorities = 3;
  s.workload.swf_rows = static_cast<sim::rows_kept>(bytes.size() % 3);
  s.workload.swf_processors = static_cast<sim::processors_as>(bytes.size() / 3 % 3);
  s.workload.swf_pace = ratio{1'000'000, 3};
  s.workload.swf_work = ratio{1'000, 1};
  try {
    sim::swf_reader in{std::make_unique<std::istringstream>(bytes), "fuzz.swf"};
    auto const made = sim::recorded_arrivals::read(in, s);
    std::size_t jobs = 0;
    for (std::uint32_t who = 0; who < s.hydras; ++who) {
      std::int64_t before = 0;
      for (auto const& j : made.of(who)) {
        if (j.at <= before || j.work < 0 || j.priority > 2) std::abort();
        before = j.at;
        ++jobs;
      }
    }
    if (jobs != made.counts().jobs || jobs == 0 || jobs > s.workload.swf_jobs) std::abort();
  } catch (sim::data_error const& e) {
    if (std::string{e.what()}.rfind("fuzz.swf:", 0) != 0) std::abort();
  }
}

}  // namespace hydra::fuzz
