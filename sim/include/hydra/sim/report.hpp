// What a run leaves beside its numbers: a page for people, tables and a trace for programs.
//
// Promise: everything here follows from the recording and the result; the same run gives the same
// bytes, but for times of this machine in the result. All words of the page are the scenario's.
// Bounds: the page's data stay below what sim/report/CONTRACT.md allows, about 1 MB for 10,000
// Hydras; the trace has at most trace_slices_max slices; jobs.csv has a line for each job.
#pragma once

#include <hydra/sim/recording.hpp>
#include <hydra/sim/run.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::sim {

// The result as one JSON object: what `--json` prints. indent -1: on one line.
[[nodiscard]] std::string result_json(run_result const&, bool timings, int indent);

struct report_choice {
  bool html = true;
  bool csv = true;
  bool trace = false;
  bool sqlite = false;
  [[nodiscard]] bool any() const noexcept { return html || csv || trace || sqlite; }
};
// "html,csv" or "none"; what is wrong with it goes to `error`, which stays empty otherwise.
[[nodiscard]] report_choice report_named(std::string_view words, std::string& error);
[[nodiscard]] bool sqlite_is_built_in() noexcept;

struct report_file {
  std::string name;
  std::string what;  // half a sentence
  std::string text;
};
struct report_frame {
  std::string version;   // of the program
  bool timings = true;   // of this machine
};

// jobs.csv, hydras.csv, timeline.csv; trace.json; run.sqlite, of those that are wanted.
[[nodiscard]] std::vector<report_file> report_tables(recording const&, report_choice const&);
// The object that the page is given. `beside`: files that it names.
[[nodiscard]] std::string report_data(recording const&, run_result const&, report_frame const&,
                                      std::vector<report_file> const& beside);
// The page with its data. Throws data_error where the template is not installed.
[[nodiscard]] std::string report_page(std::string_view data);

// One job from hand to hand, the deepest that was done, as lines of text. Empty where no service is
// divided or given on.
[[nodiscard]] std::string delegation_tree(recording const&);

inline constexpr std::size_t trace_slices_max = 29'000;  // about 8 MB

}  // namespace hydra::sim
