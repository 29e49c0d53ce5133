#include "folder.hpp"

#include "stored.hpp"
#include "text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

namespace hydra::papers {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, mark>, 4> marks{
    {{"printed", mark::printed},
     {"computed", mark::computed},
     {"resimulated", mark::resimulated},
     {"memory", mark::memory}}};

// A whole file that people wrote.
std::string text_of(std::string const& file) {
  constexpr std::uintmax_t bytes_max = std::uintmax_t{16} << 20U;
  std::error_code none;
  if (!fs::is_regular_file(file, none)) {
    throw paper_error{file + ": is not there, or not a regular file"};  // as of a CSV file
  }
  if (auto const size = fs::file_size(file, none); none || size > bytes_max) {
    throw paper_error{fmt::format("{}: is larger than {} bytes", file, bytes_max)};
  }
  std::ifstream in{file, std::ios::binary};
  if (!in) throw paper_error{file + ": cannot be read"};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// What a node says, for an error.
std::string shown(toml::node const& node) {
  if (node.is_table()) return "(a table)";
  if (node.is_array()) return "(a list)";
  std::ostringstream out;
  if (auto const* text = node.as_string()) {
    out << text->get().substr(0, 80);
  } else {
    node.visit([&](auto const& value) { out << value; });
  }
  return plain(out.str());
}

[[noreturn]] void refuse(std::string const& file, toml::node const& at, std::string const& what) {
  throw paper_error{fmt::format("{}:{}:{}: {}", file, at.source().begin.line,
                                at.source().begin.column, what)};
}

[[noreturn]] void refuse(std::string const& file, toml::node const& at, std::string_view key,
                         std::string_view allowed) {
  refuse(file, at, fmt::format("{}: '{}' is not allowed; allowed: {}", key, shown(at), allowed));
}

std::vector<double> numbers_of(std::string const& file, std::string_view key,
                               toml::node const& node) {
  auto const one = [&](toml::node const& n) {
    if (auto const b = n.as_boolean()) return b->get() ? 1.0 : 0.0;
    if (!n.is_number()) refuse(file, n, key, "a number, true or false, or a list of them");
    return *n.value<double>();
  };
  if (auto const* list = node.as_array()) {
    std::vector<double> all;
    for (auto const& n : *list) all.push_back(one(n));
    return all;
  }
  return {one(node)};
}

void must_be_seeds(std::string const& file, toml::node const& node) {
  auto const n = node.is_number() ? node.value<double>() : std::nullopt;
  if (n && *n >= 1 && *n <= 10'000 && *n == std::floor(*n)) return;  // no NaN
  refuse(file, node, "seeds", "a whole number from 1 to 10000");
}

paper_folder::values values_of(std::string const& file, toml::table const& all, char const* name) {
  paper_folder::values out;
  auto const* node = all.get(name);
  if (node == nullptr) return out;
  if (!node->is_table()) refuse(file, *node, name, fmt::format("a table, [{}]", name));
  for (auto const& [key, value] : *node->as_table()) {
    if (key.str() == "seeds") must_be_seeds(file, value);
    out[std::string{key.str()}] = numbers_of(file, key.str(), value);
  }
  return out;
}

toml::table parsed(std::string const& file) {
  try {
    return toml::parse(text_of(file), file);
  } catch (toml::parse_error const& e) {
    throw paper_error{fmt::format("{}:{}:{}: {}", file, e.source().begin.line,
                                  e.source().begin.column, e.description())};
  }
}

void read_scenario(paper_folder& into, toml::table const& all) {
  auto const file = into.file("scenario.toml");
  for (auto const& [key, node] : all) {
    if (key.str() == "scenario" || key.str() == "small" || key.str() == "plot") continue;
    refuse(file, node, fmt::format("[{}]: allowed: [scenario], [small], [[plot]]", key.str()));
  }
  into.full = values_of(file, all, "scenario");
  into.small = values_of(file, all, "small");
  for (auto const& [key, none] : into.small) {
    if (into.full.contains(key)) continue;
    refuse(file, *all["small"].as_table()->get(key),
           fmt::format("[small] {} is not a key of [scenario]", key));
  }
  if (!into.full.contains("seeds")) {
    throw paper_error{fmt::format("{}: [scenario] has no seeds: how many runs", file)};
  }
}

// Cells that may be drawn: table and column.
using drawable = std::set<std::pair<std::string, std::string>>;

std::string plot_text(std::string const& file, std::string_view key, toml::node const& node) {
  auto const* text = node.as_string();
  if (text == nullptr || first_odd(text->get()) != std::string::npos) {
    refuse(file, node, key, fmt::format("{}, in quotes", text_allowed));
  }
  return text->get();
}

bool plot_flag(std::string const& file, std::string_view key, toml::node const& node) {
  if (!node.is_boolean()) refuse(file, node, key, "true, false");
  return node.as_boolean()->get();
}

std::vector<std::string> plot_columns(std::string const& file, toml::node const& node) {
  constexpr std::string_view key = "columns";
  std::vector<std::string> out;
  if (!node.is_array()) refuse(file, node, key, "a list of columns of the table");
  for (auto const& c : *node.as_array()) out.push_back(plot_text(file, key, c));
  return out;
}

void must_be_drawable(std::string const& file, toml::table const& t, plot_request const& p,
                      drawable const& cells) {
  constexpr std::string_view where = "of published.csv or results.csv";
  auto const has_table = [&](auto const& c) { return c.first == p.table; };
  if (std::none_of(cells.begin(), cells.end(), has_table)) {
    refuse(file, *t.get("table"), "table", fmt::format("a table {}", where));
  }
  for (std::size_t i = 0; i < p.columns.size(); ++i) {
    if (cells.contains({p.table, p.columns[i]})) continue;
    refuse(file, *t["columns"].as_array()->get(i), "columns",
           fmt::format("columns of '{}' {}", p.table, where));
  }
}

plot_request plot_of(std::string const& file, toml::table const& t) {
  plot_request p;
  for (auto const& [name, node] : t) {
    auto const key = name.str();
    if (key == "title") p.title = plot_text(file, key, node);
    else if (key == "table") p.table = plot_text(file, key, node);
    else if (key == "x_label") p.x_label = plot_text(file, key, node);
    else if (key == "y_label") p.y_label = plot_text(file, key, node);
    else if (key == "log_x") p.log_x = plot_flag(file, key, node);
    else if (key == "log_y") p.log_y = plot_flag(file, key, node);
    else if (key == "columns") p.columns = plot_columns(file, node);
    else if (key != "x")
      refuse(file, node, fmt::format("[[plot]] {}: allowed: title, table, x, columns, x_label, "
                                     "y_label, log_x, log_y", key));
    else if (plot_text(file, key, node) != "row")  // said for the reader: nothing else is drawn
      refuse(file, node, key, "\"row\"");
  }
  if (p.table.empty() || p.columns.empty()) refuse(file, t, "a plot needs `table` and `columns`");
  return p;
}

// After the tables: only what they have can be drawn. A study has none before its first run.
void read_plots(paper_folder& into, toml::table const& all) {
  auto const file = into.file("scenario.toml");
  auto const* node = all.get("plot");
  if (node == nullptr) return;
  if (!node->is_array()) refuse(file, *node, "plot", "[[plot]] tables");
  drawable cells;
  for (auto const& c : into.published) cells.emplace(c.table, c.column);
  for (auto const& c : read_results(into)) cells.emplace(c.table, c.column);
  for (auto const& p : *node->as_array()) {
    if (!p.is_table()) refuse(file, p, "plot", "[[plot]] tables");
    auto const& table = *p.as_table();
    into.plots.push_back(plot_of(file, table));
    if (!cells.empty()) must_be_drawable(file, table, into.plots.back(), cells);
  }
}

std::optional<double> perhaps(sim::csv_file const& in, std::size_t field) {
  if (in.text(field).empty()) return std::nullopt;
  return in.number(field);
}

void read_published(paper_folder& into) {
  sim::csv_file in{into.file("published.csv"),
                   "table,row,column,value,low,high,mark,note"};
  while (in.next()) {
    if (in.size() != 8) in.fail(in.text(0), "eight fields, no comma inside one");
    must_be_text(in);
    published_cell c{std::string{in.text(0)}, std::string{in.text(1)}, std::string{in.text(2)},
                     perhaps(in, 3), perhaps(in, 4), perhaps(in, 5), mark::printed,
                     std::string{in.text(7)}, {}};
    auto const it = std::find_if(marks.begin(), marks.end(),
                                 [&](auto const& m) { return m.first == in.text(6); });
    if (it == marks.end()) in.fail(in.text(6), "printed, computed, resimulated, memory");
    c.from = it->second;
    if (c.table.empty() || c.row.empty() || c.column.empty()) {
      in.fail("", "a table, a row and a column");
    }
    if (c.low && c.high && *c.low > *c.high) in.fail(in.text(4), "low at most high");
    if (c.from == mark::memory && c.judged()) {
      in.fail(in.text(6), "no range for what is quoted from memory; or a mark that can be checked");
    }
    bool const twice = std::any_of(
        into.published.begin(), into.published.end(), [&](published_cell const& k) {
          return k.table == c.table && k.row == c.row && k.column == c.column;
        });
    if (twice) in.fail(in.text(2), "each cell once");
    into.published.push_back(std::move(c));
  }
}

void read_misses(paper_folder& into) {
  auto const file = into.file("misses.csv");
  if (!is_there(file)) return;
  sim::csv_file in{file, "table,row,column,reason"};
  while (in.next()) {
    if (in.size() != 4) in.fail(in.text(0), "four fields, no comma inside one");
    must_be_text(in);
    auto const it = std::find_if(into.published.begin(), into.published.end(), [&](auto const& c) {
      return c.table == in.text(0) && c.row == in.text(1) && c.column == in.text(2);
    });
    if (it == into.published.end()) in.fail(in.text(2), "a cell of published.csv");
    if (!it->known_miss.empty()) in.fail(in.text(2), "each cell once");
    if (!it->judged()) in.fail(in.text(2), "a cell of published.csv that has a range");
    if (in.text(3).find_first_not_of(' ') == std::string_view::npos) {
      in.fail(in.text(3), "a reason");
    }
    it->known_miss = in.text(3);
  }
}

// What was settled, as it is; it is shown on the page.
void read_settled(paper_folder& into) {
  auto const file = into.file("README.md");
  into.settled = text_of(file);
  std::size_t line = 0;
  for (std::string_view rest = into.settled; !rest.empty();) {
    ++line;
    auto const end = std::min(rest.find('\n'), rest.size());
    auto text = std::string{rest.substr(0, end)};
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.ends_with('\r')) text.pop_back();
    std::replace(text.begin(), text.end(), '\t', ' ');
    auto const odd = first_odd(text);
    if (odd == std::string::npos) continue;
    throw paper_error{fmt::format("{}:{}: '{}' is not allowed; allowed: {}", file, line,
                                  plain(text.substr(odd, 20)), text_allowed)};
  }
}

}  // namespace

std::string_view word_of(mark m) {
  for (auto const& [word, is] : marks) {
    if (is == m) return word;
  }
  return "";
}

std::string paper_folder::file(std::string_view name) const {
  return (fs::path{path} / name).string();
}

std::size_t paper_folder::seeds(bool of_small) const {
  auto const& n = of_small && small.contains("seeds") ? small.at("seeds") : full.at("seeds");
  return static_cast<std::size_t>(n.at(0));
}

scenario paper_folder::made(std::uint64_t seed, bool of_small) const {
  auto all = full;
  if (of_small) {
    for (auto const& [key, value] : small) all[key] = value;
  }
  return {path, std::move(all), seed, of_small};
}

std::string papers_folder() {
  std::string sought;
  auto const good = [&](fs::path const& at) {
    sought += (sought.empty() ? "" : ", ") + at.string();
    std::error_code none;
    return fs::is_directory(at, none);
  };
  if (auto const* own = std::getenv("HYDRA_PAPERS")) {
    if (good(own)) return own;
    throw paper_error{"HYDRA_PAPERS names no folder: " + sought};
  }
  for (auto const& data : sim::data_folders()) {
    auto const at = fs::path{data}.parent_path() / "papers";
    if (good(at)) return at.string();
  }
  throw paper_error{"no folder with papers; sought in HYDRA_PAPERS and " + sought};
}

bool is_there(std::string const& file) {
  std::error_code none;
  return fs::symlink_status(file, none).type() != fs::file_type::not_found;
}

void must_be_text(sim::csv_file const& in) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (first_odd(in.text(i)) != std::string_view::npos) in.fail(in.text(i), text_allowed);
  }
}

paper_folder read_folder(std::string const& papers, paper const& p) {
  paper_folder out;
  out.path = (fs::path{papers} / p.folder).string();
  auto const toml = parsed(out.file("scenario.toml"));
  read_scenario(out, toml);
  try {
    read_published(out);
    read_misses(out);
  } catch (sim::data_error const& e) {
    throw paper_error{e.what()};
  }
  read_plots(out, toml);
  read_settled(out);
  return out;
}

}  // namespace hydra::papers
