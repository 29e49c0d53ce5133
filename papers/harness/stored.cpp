#include "stored.hpp"

#include "text.hpp"

#include <hydra/sim/data_path.hpp>

#include <algorithm>
#include <filesystem>

namespace hydra::papers {

std::vector<measured_cell> read_results(paper_folder const& folder) {
  auto const file = folder.file("results.csv");
  std::vector<measured_cell> out;
  if (!std::filesystem::exists(file)) return out;
  try {
    sim::csv_file in{file, results_header};
    while (in.next()) {
      if (in.size() != 10) in.fail(in.text(0), "ten fields, no comma inside one");
      measured_cell c{std::string{in.text(0)}, std::string{in.text(1)}, std::string{in.text(2)}};
      c.runs = static_cast<std::size_t>(in.integer(8, 0, 10'000));
      if (c.runs > 0) c.mean = in.number(6);
      if (c.runs > 1) c.half_interval = in.number(7);
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
  out.plots = folder.plots;
  out.settled = folder.settled;
  out.scenario = folder.file("scenario.toml");
  out.stored = folder.file("results.csv");
  return out;
}

}  // namespace hydra::papers
