// results.csv of a paper's folder, as `hydra papers run NAME --write` left it.
#pragma once

#include "judge.hpp"

#include <string>
#include <vector>

namespace hydra::papers {

// Nothing where no file is. Throws paper_error that names file, line, value and what is allowed.
[[nodiscard]] std::vector<measured_cell> read_results(paper_folder const&);
// What is stored, judged by what published.csv says now.
[[nodiscard]] judged_paper stored_paper(paper const&, paper_folder const&);

}  // namespace hydra::papers
