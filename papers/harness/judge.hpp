// Means, intervals and verdicts: what runs measured, held against what was published.
#pragma once

#include "folder.hpp"
#include "paper.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::papers {

// miss: outside, and misses.csv says why; failed: outside, or not measured, and nobody says why.
// left_out: the small size has none of it on purpose; not_run: nobody has run it, it is said why
// not, or data is missing.
enum class finding : std::uint8_t { inside, miss, failed, reported, not_run, left_out };
[[nodiscard]] std::string_view word_of(finding);

struct judged_cell {
  published_cell what;
  bool is_published = true;  // false: measured, and nothing was printed
  std::size_t runs = 0;
  double mean = 0;
  double half_interval = 0;  // 95 %, Student's t over runs; 0 of a single run
  finding verdict = finding::not_run;
  std::string lacking{};  // why it cannot be run here
};

// What all runs say of one cell.
struct measured_cell {
  std::string table;
  std::string row;
  std::string column;
  std::size_t runs = 0;
  double mean = 0;
  double half_interval = 0;
};

struct judged_paper {
  paper of;
  bool small = false;
  std::size_t seeds = 0;
  std::uint64_t first_seed = 1;
  double seconds = 0;  // of all runs together, wall time of this machine
  std::vector<judged_cell> cells;
  std::vector<plot_request> plots;
  std::string settled;
  std::string scenario{};  // the file of parameters
  std::string stored{};    // the file that results were read from; empty: they were run

  [[nodiscard]] std::size_t count(finding) const;
};

// `runs`: one sheet per seed. Cells in the order in which they were measured.
[[nodiscard]] std::vector<measured_cell> measured_by(std::span<sheet const> runs);
// In the order of published.csv; what it lacks follows.
[[nodiscard]] std::vector<judged_cell> judge_means(std::vector<published_cell> const& published,
                                                   std::vector<measured_cell> const& measured);
[[nodiscard]] std::vector<judged_cell> judge(std::vector<published_cell> const& published,
                                             std::span<sheet const> runs);
// Rows that lack their data are cells that were not run.
void add_lacks(std::vector<judged_cell>& cells, std::vector<lack> const& lacks);
// Of what was run: a cell that nobody measured has failed, unless its data is missing or its note
// says "not run" and why.
void demand_reasons(std::vector<judged_cell>& cells);
// For the small size, before that. What the full size has no value of is not left to it; of a paper
// without stored results everything is.
void leave_to_full(std::vector<judged_cell>& cells, std::vector<measured_cell> const& full);

// The 97.5 % quantile of Student's t; 1.96 beyond 200 degrees of freedom.
[[nodiscard]] double student(std::size_t degrees);

}  // namespace hydra::papers
