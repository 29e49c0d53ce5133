// A paper's folder as it lies on the disk: parameters, what was printed, what is known to miss.
#pragma once

#include "paper.hpp"

#include <hydra/sim/data_path.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::papers {

// Where a published value comes from (see papers/README.md).
enum class mark : std::uint8_t { printed, computed, resimulated, memory };
[[nodiscard]] std::string_view word_of(mark);

// A cell that somebody printed or computed, and the range in which our mean must lie.
struct published_cell {
  std::string table;
  std::string row;
  std::string column;
  std::optional<double> value;
  std::optional<double> low;   // neither: reported, not judged
  std::optional<double> high;
  mark from = mark::printed;
  std::string note;
  std::string known_miss;  // why ours is known to lie outside

  [[nodiscard]] bool judged() const noexcept { return low || high; }
};

struct plot_request {
  std::string title;
  std::string table;
  std::vector<std::string> columns;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
};

struct paper_folder {
  using values = std::map<std::string, std::vector<double>, std::less<>>;
  std::string path;
  values full;
  values small;   // those that differ
  std::vector<plot_request> plots;
  std::vector<published_cell> published;
  std::string settled;  // README.md, as it is

  // The path of a file that lies in it.
  [[nodiscard]] std::string file(std::string_view name) const;
  [[nodiscard]] std::size_t seeds(bool of_small) const;  // 1 to 10000
  [[nodiscard]] scenario made(std::uint64_t seed, bool of_small) const;
};

// The folder papers/: HYDRA_PAPERS, else beside the data. Throws paper_error when it is nowhere.
[[nodiscard]] std::string papers_folder();
// Whether there is anything of this name, a broken link as well.
[[nodiscard]] bool is_there(std::string const& file);
// Of the line that was read. Throws data_error.
void must_be_text(sim::csv_file const&);
// Throws paper_error that names file, line, value and what is allowed.
[[nodiscard]] paper_folder read_folder(std::string const& papers, paper const&);

}  // namespace hydra::papers
