// A picture that lays what was published and what was measured over each other.
#pragma once

#include "judge.hpp"

#include <span>
#include <string>

namespace hydra::papers {

// An SVG of its own, readable in light and dark. Rows are the x axis: names in order, or numbers if
// the axis is logarithmic or most rows are numbers; a row that is none (a slope) is then not drawn.
// Published: hollow, dashed. Ours: filled, with 95 % intervals.
[[nodiscard]] std::string plot_svg(plot_request const&, std::span<judged_cell const>);

}  // namespace hydra::papers
