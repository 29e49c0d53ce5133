// Results as text: JSON for tools, a table for people, CSV for the folder, one page for all.
#pragma once

#include "judge.hpp"

#include <span>
#include <string>
#include <string_view>

namespace hydra::papers {

// Where the first byte is that is no text in UTF-8, or a control character; npos: nowhere.
[[nodiscard]] std::size_t first_odd(std::string_view);
inline constexpr char const* text_allowed = "text in UTF-8 without control characters";
// What a terminal may be sent: such bytes as \xNN, the end of a line is one.
[[nodiscard]] std::string plain(std::string_view);
// For HTML and SVG.
[[nodiscard]] std::string escaped(std::string_view);
// As many digits as the interval says.
[[nodiscard]] std::string shown(judged_cell const&);
[[nodiscard]] std::string shown(std::optional<double>);

[[nodiscard]] std::string as_json(std::span<judged_paper const>);
[[nodiscard]] std::string names_as_json(std::span<judged_paper const>);  // without any result
// What cannot be run here is said in any case, with the reason.
[[nodiscard]] std::string as_table(judged_paper const&, bool all_cells);
inline constexpr std::string_view results_header =
    "table,row,column,published,low,high,ours,half_interval,runs,verdict";
[[nodiscard]] std::string as_csv(judged_paper const&);
[[nodiscard]] std::string as_page(std::span<judged_paper const>);

}  // namespace hydra::papers
