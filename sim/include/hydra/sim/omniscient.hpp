// An omniscient central scheduler on the same trace: what a network of Hydras never does better.
//
// It knows every job, every run time, every crash, slow phase and lie, also of the future, and is
// told so for nothing. It pays what physics asks: the job travels from its asker to the head and
// the result back by the planet's delays, a head runs one task per core and loses what it runs
// when it goes down, and an asker who is away gets its result when it is back. It pays nothing for
// finding, bidding, signing, repeats, lost messages, partitions or delays of faults. A head is
// never used while it lies, except by itself. Tasks are not interrupted, and a job that cannot be
// done in time is not begun.
//
// Three published rules make a schedule each; the best counts and is named:
//   MCT            in the order of arrival, each job where it completes first (Ibarra and Kim 1977,
//                  Maheswaran, Ali, Siegel, Hensgen, Freund 1999);
//   SPT insertion  the shortest job first, each into the idle slot where it completes first (Smith
//                  1956; the slots as in HEFT, Topcuoglu, Hariri, Wu 2002);
//   min-min        whenever a core is idle, the waiting job that it completes first (as MCT).
//                  Departures: only idle cores are given work; of equal jobs the newest is first,
//                  because it has most of its patience left to save.
// SPT insertion is left out beyond `insertion_jobs_max`: the more is reserved, the more it cuts the
// time of long jobs to pieces, and the longer it looks for a slot.
// They are heuristics: the least mean response of unrelated machines with releases is NP-hard.
// Where all of them fall behind the Hydras (one in nine hundred small random worlds), the Hydras'
// own schedule is taken, without repeats, each task moved ahead to the first idle slot on any head
// (an active schedule: Giffler and Thompson 1960), and named so. That one can only be better than
// theirs; in every run it is checked nevertheless.
//
// Two schedulers are compared on equal terms, over all jobs that were submitted: `done` counts the
// jobs whose right result reached the asker within its patience and before the end of the run;
// `mean` is the time from submission until then, and of the other jobs until their patience or the
// run was over. So it helps nobody to leave long jobs undone, or to be quick and wrong.
//
// Promise: a pure function of its arguments; integers only; ties break by content.
// Cost: for each job a look at the heads that perform it, fastest first, until none can be better;
// planet's 62,000 jobs on 1,040 heads take 0.3 s.
#pragma once

#include <hydra/sim/history.hpp>
#include <hydra/sim/planet.hpp>
#include <hydra/sim/run.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hydra::sim {

enum class central_rule : std::uint8_t { mct, spt_insertion, min_min };
inline constexpr std::array<std::string_view, 3> central_rule_names{"MCT", "SPT insertion",
                                                                   "min-min"};
inline constexpr std::size_t insertion_jobs_max = 20'000;

inline constexpr std::string_view moved_ahead = "the Hydras' own, moved ahead";

// By the rule with the least mean on equal terms among those that do as many jobs as the Hydras;
// by moving their tasks ahead when no rule does, or not as soon.
[[nodiscard]] omniscient_result central(planet const& where, history const& ours);
// By one rule.
[[nodiscard]] omniscient_result central(planet const& where, central_rule rule);

// A job of the schedule that a rule makes, for whoever checks it. Jobs that are not begun are left
// out.
struct central_task {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;  // from 1
  std::uint32_t by = 0;
  instant start{};
  instant finish{};
  instant delivered{};
};
[[nodiscard]] std::vector<central_task> central_plan(planet const& where, central_rule rule);

// What the Hydras themselves reached. Precondition, here and above: the histories of all shards,
// merged, in the order by name that summarise leaves them in.
[[nodiscard]] equal_terms equal_terms_of(planet const& where, history const& all);

}  // namespace hydra::sim
