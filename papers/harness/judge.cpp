#include "judge.hpp"

#include "text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace hydra::papers {
namespace {

using cell_name = std::tuple<std::string, std::string, std::string>;

void take_statistics(measured_cell& c, std::vector<double> const& all) {
  c.runs = all.size();
  double sum = 0;
  for (auto x : all) sum += x;
  c.mean = sum / static_cast<double>(all.size());
  if (all.size() < 2) return;
  double squares = 0;
  for (auto x : all) squares += (x - c.mean) * (x - c.mean);
  auto const n = static_cast<double>(all.size());
  c.half_interval = student(all.size() - 1) * std::sqrt(squares / (n - 1) / n);
}

// Whether people said that it is not run, and why.
bool excused(judged_cell const& c) {
  return c.is_published && c.what.note.find("not run: ") != std::string::npos;
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
    case finding::left_out: return "left to the full size";
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

std::vector<measured_cell> measured_by(std::span<sheet const> runs) {
  std::map<cell_name, std::size_t> at;
  std::vector<measured_cell> out;
  std::vector<std::vector<double>> values;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (auto const& e : runs[i].entries()) {
      auto const [it, first] = at.try_emplace({e.table, e.row, e.column}, out.size());
      if (first) {
        out.push_back({e.table, e.row, e.column});
        values.emplace_back();
      }
      auto& all = values[it->second];
      if (all.size() > i) {  // twice in one run: an interval over runs would be too narrow
        throw paper_error{"measured twice in one run: " + e.table + ", " + e.row + ", " + e.column};
      }
      all.push_back(e.value);
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) take_statistics(out[i], values[i]);
  return out;
}

std::vector<judged_cell> judge_means(std::vector<published_cell> const& published,
                                     std::vector<measured_cell> const& measured) {
  std::map<cell_name, measured_cell const*> of;
  for (auto const& m : measured) of[{m.table, m.row, m.column}] = &m;
  std::vector<judged_cell> out;
  auto const add = [&](judged_cell c, measured_cell const& m) {
    c.runs = m.runs;
    c.mean = m.mean;
    c.half_interval = m.half_interval;
    c.verdict = verdict_of(c);
    out.push_back(std::move(c));
  };
  for (auto const& p : published) {
    judged_cell c;
    c.what = p;
    auto const it = of.find({p.table, p.row, p.column});
    add(std::move(c), it == of.end() ? measured_cell{} : *it->second);
    if (it != of.end()) of.erase(it);
  }
  for (auto const& m : measured) {
    if (!of.contains({m.table, m.row, m.column})) continue;
    judged_cell c;
    c.is_published = false;
    c.what.table = m.table;
    c.what.row = m.row;
    c.what.column = m.column;
    add(std::move(c), m);
  }
  return out;
}

std::vector<judged_cell> judge(std::vector<published_cell> const& published,
                               std::span<sheet const> runs) {
  return judge_means(published, measured_by(runs));
}

void add_lacks(std::vector<judged_cell>& cells, std::vector<lack> const& lacks) {
  for (auto const& l : lacks) {
    auto const it = std::find_if(cells.begin(), cells.end(), [&](judged_cell const& c) {
      return c.what.table == l.table && c.what.row == l.row && c.what.column == l.column;
    });
    bool const known = it != cells.end();
    auto& c = known ? *it : cells.emplace_back();
    if (!known) c.is_published = false;
    c.what.table = l.table;
    c.what.row = l.row;
    c.what.column = l.column;
    c.lacking = plain(l.why);  // it may name a path
  }
}

void demand_reasons(std::vector<judged_cell>& cells) {
  for (auto& c : cells) {
    if (c.verdict != finding::not_run || !c.lacking.empty() || excused(c)) continue;
    c.verdict = finding::failed;
    c.lacking = "nothing measured it, and its note does not say why it is not run";
  }
}

void leave_to_full(std::vector<judged_cell>& cells, std::vector<measured_cell> const& full) {
  for (auto& c : cells) {
    if (c.verdict != finding::not_run || !c.lacking.empty() || excused(c)) continue;
    bool const runs = std::any_of(full.begin(), full.end(), [&](measured_cell const& m) {
      return m.runs > 0 && m.table == c.what.table && m.row == c.what.row &&
             m.column == c.what.column;
    });
    if (runs || full.empty()) c.verdict = finding::left_out;
  }
}

}  // namespace hydra::papers
