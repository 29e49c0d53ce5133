// The real world of a plan: one process for each head, on loopback, over emulated links.
#pragma once

#include "notes.hpp"
#include "plan.hpp"

#include <hydra/core/outcome.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace hydra::validation {

// What each process is told, on its command line.
struct head_orders {
  std::string plan_file;
  std::string set;        // "a" or "b"
  std::string folder;     // of the run: ports, records, notes
  std::string disturb;    // as on the command line of the user; empty: nothing
  std::uint32_t index = 0;
  std::int64_t epoch_ns = 0;  // instant zero in ns since 1970
  std::int64_t begin_ns = 0;  // when this life starts, since the epoch
};

struct live_run {
  std::vector<note> notes;
  double cpu_share = 0.0;     // of all processors, by all heads, over the run
  double late_ms = 0.0;       // how late a timer of 5 ms fired: 95th percentile
  std::string complaint;      // why it does not count; empty: it does
};

// Runs it in real time: p.lasts and about a second more. Every process it started has ended when
// it returns. `program` is what is started for each head.
[[nodiscard]] result<live_run> run_live(std::string const& program, plan const& p,
                                        std::string const& set, std::string const& disturb);

// One head: the body of such a process. Returns an exit code.
int live_head(head_orders const& o);

// One set each, compiled apart.
int live_head_a(head_orders const& o, plan const& p, disturbance const& d, note_sink& to);
int live_head_b(head_orders const& o, plan const& p, disturbance const& d, note_sink& to);

}  // namespace hydra::validation
