#include "judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace hydra::papers {
namespace {

using cell_name = std::tuple<std::string, std::string, std::string>;

void take_statistics(judged_cell& c, std::vector<double> const& all) {
  c.runs = all.size();
  if (all.empty()) return;
  double sum = 0;
  for (auto x : all) sum += x;
  c.mean = sum / static_cast<double>(all.size());
  if (all.size() < 2) return;
  double squares = 0;
  for (auto x : all) squares += (x - c.mean) * (x - c.mean);
  auto const n = static_cast<double>(all.size());
  c.half_interval = student(all.size() - 1) * std::sqrt(squares / (n - 1) / n);
}

finding verdict_of(judged_cell const& c) {
  if (c.runs == 0) return finding::not_run;
  if (!c.is_published || !c.what.judged()) return finding::reported;
  bool const in = !(c.mean < c.what.low.value_or(c.mean)) &&
                  !(c.mean > c.what.high.value_or(c.mean)) && std::isfinite(c.mean);
  if (in) return finding::inside;
  return c.what.known_miss.empty() ? finding::failed : finding::miss;
}

}  // namespace

std::string_view word_of(finding f) {
  switch (f) {
    case finding::inside: return "inside";
    case finding::miss: return "miss";
    case finding::failed: return "failed";
    case finding::reported: return "reported";
    default: return "not run";
  }
}

std::size_t judged_paper::count(finding f) const {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [&](judged_cell const& c) { return c.verdict == f; }));
}

double student(std::size_t degrees) {
  static constexpr std::array<double, 31> first{
      0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201, 2.179,  2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080,
      2.074, 2.069,  2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees < first.size()) return first[degrees];
  if (degrees > 200) return 1.96;
  return 1.96 + 2.4 / static_cast<double>(degrees);  // within 0.003 from 31 on
}

std::vector<judged_cell> judge(std::vector<published_cell> const& published,
                               std::span<sheet const> runs) {
  std::map<cell_name, std::vector<double>> measured;
  std::vector<cell_name> order;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (auto const& e : runs[i].entries()) {
      auto& all = measured[{e.table, e.row, e.column}];
      if (all.empty()) order.emplace_back(e.table, e.row, e.column);
      if (all.size() > i) {  // twice in one run: an interval over runs would be too narrow
        throw paper_error{"measured twice in one run: " + e.table + ", " + e.row + ", " + e.column};
      }
      all.push_back(e.value);
    }
  }
  std::vector<judged_cell> out;
  for (auto const& p : published) {
    judged_cell c;
    c.what = p;
    auto const it = measured.find({p.table, p.row, p.column});
    if (it != measured.end()) {
      take_statistics(c, it->second);
      measured.erase(it);
    }
    c.verdict = verdict_of(c);
    out.push_back(std::move(c));
  }
  for (auto const& name : order) {
    auto const it = measured.find(name);
    if (it == measured.end()) continue;
    judged_cell c;
    std::tie(c.what.table, c.what.row, c.what.column) = name;
    c.is_published = false;
    take_statistics(c, it->second);
    c.verdict = verdict_of(c);
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace hydra::papers
