// One run of a scenario: what may be asked of it, and everything it says afterwards.
#pragma once

#include <hydra/core/time.hpp>
#include <hydra/sim/scenario.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim {

struct recording;  // see recording.hpp

// What has been simulated already; never what is about to be.
struct progress {
  duration simulated{};
  duration total{};
  std::uint64_t events = 0;
  double wall_s = 0;
};

// A world that was written down: what is said of it, in order.
struct checkpoint_note {
  std::string file;
  instant at{};
  bool begins = false;      // it is about to be written
  std::uint64_t bytes = 0;  // when it is written
  std::string wrong;        // why it was not; the run goes on, and an older file stays as it was
};

// What the command line says of a run, for the one that takes it up again.
struct run_origin {
  std::string scenario;           // as it was typed
  std::string text;               // of its file
  std::vector<std::string> sets;  // key=value
  bool alone = false;             // said by a flag, not by the scenario
  bool unverified = false;
};

// Writing a run down while it goes on, and taking it up again; checkpoint.hpp says how.
struct checkpoint_options {
  std::string write_to;  // empty: nowhere. Also written when on_progress stops the run.
  duration at{};         // once, at this simulated instant
  duration every{};      // and whenever so much was simulated; both zero: only when stopped
  std::string resume_from;
  run_origin origin;
  std::function<void(checkpoint_note const&)> tell;  // tidy: allow(token) because of reporting
};

struct run_options {
  unsigned threads = 1;
  unsigned shards = 0;      // 0: as many as threads. Neither changes a result.
  bool wire_check = false;  // every n-th message is encoded, decoded and compared
  bool permute = false;     // every peer sees its own handles
  bool alone = false;       // also run the comparison where every Hydra is alone
  bool unverified = false;  // also run the comparison where nothing is verified
  bool omniscient = false;  // also schedule the same trace centrally, see omniscient.hpp
  std::string trace_file;   // NDJSON; empty: none
  checkpoint_options checkpoint;
  recording* record = nullptr;  // filled for a report, of the first run only; changes no result
  // Called a few times a second; false: stop cleanly. Reporting only, never in an event's path.
  std::function<bool(progress const&)> on_progress;  // tidy: allow(token) because of reporting
};

// A property that did not hold: a job lost or done twice, a budget that grew, a full queue.
struct check_failure {
  std::string what;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what;
  }
};

struct named_number {
  std::string name;  // snake_case, unit last: "extra_work_s"
  double value = 0;
};

struct job_counts {
  std::uint64_t submitted = 0;  // completed + failed + running
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t running = 0;   // when the run ended
  std::uint64_t replaced = 0;  // placed again after a crash, silence or refusal
};

struct spread {
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};

// The same arrivals when nobody knows anybody.
// What a part of a Hydra holds.
struct room_state {
  std::string name;
  std::uint64_t at_rest = 0;  // bytes of every Hydra
  std::uint64_t in_hand = 0;  // bytes of all activities in the world, at most
};

struct alone_result {
  job_counts jobs;
  spread response_s;
  spread utilisation;
};

// The same arrivals and the same liars when no result is checked.
struct unverified_result {
  job_counts jobs;
  spread response_s;
  std::uint64_t wrong_accepted = 0;
  spread utilisation;
  double extra_work = 0;
  std::uint64_t honest_hurt = 0;
};

// What any two schedulers can be compared by, over all submitted jobs; see omniscient.hpp.
struct equal_terms {
  std::uint64_t done = 0;  // the right result in time
  duration mean{};         // until then, or until patience or the run was over
};

// The same trace by a central scheduler that knows everything.
struct omniscient_result {
  job_counts jobs;
  spread response_s;
  spread utilisation;
  std::string rule;  // of the schedule that was best
  equal_terms terms;
};

struct run_result {
  std::string scenario;
  std::uint64_t seed = 0;
  std::uint64_t digest = 0;
  std::uint64_t hydras = 0;
  double simulated_s = 0;
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  double wall_s = 0;  // left at 0, wall_s and cpu_s are measured by the command
  double cpu_s = 0;
  double bytes_per_hydra = 0;
  job_counts jobs;
  spread response_s;
  spread hops;
  double remote_share = 0;  // of the completed jobs: not run by the asker's own heads
  spread utilisation;       // of providers' cores while up
  std::uint64_t wrong_accepted = 0;
  double extra_work = 0;  // core seconds spent per core second of the completed jobs
  std::uint64_t honest_hurt = 0;  // Hydras that never lie, banned or called forgers
  std::string reproduce;  // the command line; filled in by the command
  std::vector<room_state> rooms;  // and what lies outside all rooms
  std::optional<alone_result> alone;
  std::optional<unverified_result> unverified;
  std::optional<omniscient_result> omniscient;
  equal_terms terms;
  std::vector<check_failure> failures;
  bool interrupted = false;
  std::vector<named_number> extra;  // shown in this order
};

// With the policies that [policy] names.
[[nodiscard]] run_result run(scenario const&, run_options const&);

// Which floors of [expect] the result misses, and whether the omniscient scheduler did worse on
// equal terms, which it never may; empty: neither.
[[nodiscard]] std::vector<check_failure> missed_floors(scenario const&, run_result const&);

// Two runs of one scenario, compared event by event.
struct divergence {
  bool found = false;
  std::uint32_t peer = 0;
  instant at{};
  std::string cause;
  std::string first_digest;
  std::string second_digest;
};

[[nodiscard]] divergence check_determinism(scenario const&, run_options const&);

// How a program's own Hydra is run: all that a command line must know of it.
struct harness {
  run_result (*run)(scenario const&, run_options const&);
  divergence (*check_determinism)(scenario const&, run_options const&);
  std::vector<std::string_view> fixed{};  // slots that [policy] does not choose: see main.hpp
};

}  // namespace hydra::sim
