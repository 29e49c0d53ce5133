#include "folder.hpp"

#include <hydra/sim/data_path.hpp>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace hydra::papers {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, mark>, 4> marks{
    {{"printed", mark::printed},
     {"computed", mark::computed},
     {"resimulated", mark::resimulated},
     {"memory", mark::memory}}};

[[noreturn]] void refuse(std::string const& file, toml::node const& at, std::string const& what) {
  throw paper_error{fmt::format("{}:{}:{}: {}", file, at.source().begin.line,
                                at.source().begin.column, what)};
}

std::vector<double> numbers_of(std::string const& file, std::string_view key,
                               toml::node const& node) {
  auto const one = [&](toml::node const& n) {
    if (auto const b = n.as_boolean()) return b->get() ? 1.0 : 0.0;
    if (!n.is_number()) {
      refuse(file, n, fmt::format("{}: allowed: a number, true or false, or a list of them", key));
    }
    return *n.value<double>();
  };
  if (auto const* list = node.as_array()) {
    std::vector<double> all;
    for (auto const& n : *list) all.push_back(one(n));
    return all;
  }
  return {one(node)};
}

paper_folder::values values_of(std::string const& file, toml::table const& all, char const* name) {
  paper_folder::values out;
  if (auto const* table = all[name].as_table()) {
    for (auto const& [key, node] : *table) {
      out[std::string{key.str()}] = numbers_of(file, key.str(), node);
    }
  }
  return out;
}

plot_request plot_of(std::string const& file, toml::table const& t) {
  plot_request p;
  auto const text = [&](char const* key) { return t[key].value_or(std::string{}); };
  p.title = text("title");
  p.table = text("table");
  p.x_label = text("x_label");
  p.y_label = text("y_label");
  p.log_x = t["log_x"].value_or(false);
  p.log_y = t["log_y"].value_or(false);
  if (auto const* columns = t["columns"].as_array()) {
    for (auto const& c : *columns) p.columns.push_back(c.value_or(std::string{}));
  }
  if (p.table.empty() || p.columns.empty()) refuse(file, t, "a plot needs `table` and `columns`");
  return p;
}

void read_scenario(paper_folder& into) {
  auto const file = into.file("scenario.toml");
  toml::table all;
  try {
    all = toml::parse_file(file);
  } catch (toml::parse_error const& e) {
    throw paper_error{fmt::format("{}:{}:{}: {}", file, e.source().begin.line,
                                  e.source().begin.column, e.description())};
  }
  for (auto const& [key, node] : all) {
    if (key.str() == "scenario" || key.str() == "small" || key.str() == "plot") continue;
    refuse(file, node, fmt::format("[{}]: allowed: [scenario], [small], [[plot]]", key.str()));
  }
  into.full = values_of(file, all, "scenario");
  into.small = values_of(file, all, "small");
  for (auto const& [key, none] : into.small) {
    if (into.full.contains(key)) continue;
    throw paper_error{fmt::format("{}: [small] {} is not a key of [scenario]", file, key)};
  }
  if (auto const* plots = all["plot"].as_array()) {
    for (auto const& p : *plots) {
      if (!p.is_table()) refuse(file, p, "plot: allowed: [[plot]] tables");
      into.plots.push_back(plot_of(file, *p.as_table()));
    }
  }
  if (!into.full.contains("seeds")) {
    throw paper_error{fmt::format("{}: [scenario] has no seeds: how many runs", file)};
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
    published_cell c{std::string{in.text(0)}, std::string{in.text(1)}, std::string{in.text(2)},
                     perhaps(in, 3), perhaps(in, 4), perhaps(in, 5), mark::printed,
                     std::string{in.text(7)}, {}};
    auto const it = std::find_if(marks.begin(), marks.end(),
                                 [&](auto const& m) { return m.first == in.text(6); });
    if (it == marks.end()) in.fail(in.text(6), "printed, computed, resimulated, memory");
    c.from = it->second;
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
  if (!fs::exists(file)) return;
  sim::csv_file in{file, "table,row,column,reason"};
  while (in.next()) {
    if (in.size() != 4) in.fail(in.text(0), "four fields, no comma inside one");
    auto const it = std::find_if(into.published.begin(), into.published.end(), [&](auto const& c) {
      return c.table == in.text(0) && c.row == in.text(1) && c.column == in.text(2);
    });
    if (it == into.published.end()) in.fail(in.text(2), "a cell of published.csv");
    it->known_miss = in.text(3);
  }
}

std::string text_of(fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
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
  if (n.size() != 1 || n[0] < 1 || n[0] > 10'000) {
    throw paper_error{fmt::format("{}/scenario.toml: seeds; allowed: 1 to 10000", path)};
  }
  return static_cast<std::size_t>(n[0]);
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
    sought += "\n  " + at.string();
    std::error_code none;
    return fs::is_directory(at, none);
  };
  if (auto const* own = std::getenv("HYDRA_PAPERS")) {
    if (good(own)) return own;
    throw paper_error{"HYDRA_PAPERS names no folder:" + sought};
  }
  for (auto const& data : sim::data_folders()) {
    auto const at = fs::path{data}.parent_path() / "papers";
    if (good(at)) return at.string();
  }
  throw paper_error{"no folder with papers; sought in HYDRA_PAPERS and" + sought};
}

paper_folder read_folder(std::string const& papers, paper const& p) {
  paper_folder out;
  out.path = (fs::path{papers} / p.folder).string();
  read_scenario(out);
  try {
    read_published(out);
    read_misses(out);
  } catch (sim::data_error const& e) {
    throw paper_error{e.what()};
  }
  out.settled = text_of(out.file("README.md"));
  return out;
}

}  // namespace hydra::papers
