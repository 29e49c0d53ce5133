#include "stored.hpp"

#include "text.hpp"

#include <hydra/sim/data_path.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::papers {
namespace {

constexpr std::array all_findings{finding::inside,   finding::miss,    finding::failed,
                                  finding::reported, finding::not_run, finding::left_out};

bool is_verdict(std::string_view word) {
  return std::any_of(all_findings.begin(), all_findings.end(),
                     [&](finding f) { return word_of(f) == word; });
}

std::string verdicts() {
  std::string out;
  for (auto f : all_findings) out += (out.empty() ? "" : ", ") + std::string{word_of(f)};
  return out;
}

}  // namespace

std::vector<measured_cell> read_results(paper_folder const& folder) {
  auto const file = folder.file("results.csv");
  std::vector<measured_cell> out;
  if (!is_there(file)) return out;
  try {
    sim::csv_file in{file, results_header};
    while (in.next()) {
      if (in.size() != 10) {
        in.fail("(" + std::to_string(in.size()) + " fields)", "ten fields, no comma inside one");
      }
      must_be_text(in);
      measured_cell c{std::string{in.text(0)}, std::string{in.text(1)}, std::string{in.text(2)}};
      c.runs = static_cast<std::size_t>(in.integer(8, 0, 10'000));
      if (c.runs > 0) c.mean = in.number(6);
      if (c.runs > 1) c.half_interval = in.number(7);
      if (c.half_interval < 0) in.fail(in.text(7), "a half interval of 0 or more");
      if (!is_verdict(in.text(9))) in.fail(in.text(9), verdicts());
      bool const twice = std::any_of(out.begin(), out.end(), [&](measured_cell const& o) {
        return o.table == c.table && o.row == c.row && o.column == c.column;
      });
      if (twice) in.fail(in.text(1), "each cell once");
      out.push_back(std::move(c));
    }
  } catch (sim::data_error const& e) {
    throw paper_error{e.what()};
  }
  return out;
}

judged_paper stored_paper(paper const& p, paper_folder const& folder) {
  judged_paper out;
  out.of = p;
  auto const measured = read_results(folder);
  for (auto const& m : measured) out.seeds = std::max(out.seeds, m.runs);
  out.cells = judge_means(folder.published, measured);
  if (!measured.empty()) demand_reasons(out.cells);
  out.plots = folder.plots;
  out.settled = folder.settled;
  out.scenario = folder.file("scenario.toml");
  out.stored = folder.file("results.csv");
  return out;
}

}  // namespace hydra::papers
