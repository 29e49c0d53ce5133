#include "text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hydra::papers {
namespace {

using json = nlohmann::ordered_json;

json number_or_null(std::optional<double> x) { return x ? json(*x) : json(nullptr); }

json cell_as_json(judged_cell const& c) {
  json out{{"table", c.what.table}, {"row", c.what.row}, {"column", c.what.column}};
  out["published"] = number_or_null(c.what.value);
  out["source"] = c.is_published ? json(word_of(c.what.from)) : json(nullptr);
  out["low"] = number_or_null(c.what.low);
  out["high"] = number_or_null(c.what.high);
  bool const ran = c.runs > 0;
  out["ours"] = ran ? json(c.mean) : json(nullptr);
  out["interval"] = c.runs > 1 ? json{c.mean - c.half_interval, c.mean + c.half_interval}
                               : json(nullptr);  // one run says nothing of its error
  out["runs"] = c.runs;
  out["verdict"] = word_of(c.verdict);
  if (!c.what.note.empty()) out["note"] = c.what.note;
  if (!c.what.known_miss.empty()) out["reason"] = c.what.known_miss;
  return out;
}

struct totals {
  std::size_t inside = 0, miss = 0, failed = 0, reported = 0, not_run = 0;
  void add(judged_paper const& p) {
    inside += p.count(finding::inside);
    miss += p.count(finding::miss);
    failed += p.count(finding::failed);
    reported += p.count(finding::reported);
    not_run += p.count(finding::not_run);
  }
  [[nodiscard]] json as_json() const {
    return {{"judged", inside + miss + failed}, {"inside", inside}, {"miss", miss},
            {"failed", failed}, {"reported", reported}, {"not_run", not_run}};
  }
};

// Digits after the point so that two of the interval are seen, of a single run four in all.
int digits_of(judged_cell const& c) {
  if (!std::isfinite(c.mean) || !std::isfinite(c.half_interval)) return 0;
  auto const scale = c.half_interval > 0 ? c.half_interval / 10 : std::abs(c.mean) / 1000;
  if (scale <= 0) return 0;
  return std::clamp(static_cast<int>(-std::floor(std::log10(scale))), 0, 6);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (char const c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string shown(std::optional<double> x) { return x ? fmt::format("{:.6g}", *x) : ""; }

std::string shown(judged_cell const& c) {
  if (c.runs == 0) return "";
  auto const digits = digits_of(c);
  auto out = fmt::format("{:.{}f}", c.mean, digits);
  if (c.half_interval > 0) out += fmt::format(" ± {:.{}f}", c.half_interval, digits);
  return out;
}

std::string names_as_json(std::span<judged_paper const> all) {
  json out = json::array();
  for (auto const& p : all) {
    out.push_back({{"name", p.of.name}, {"number", p.of.number}, {"title", p.of.title},
                   {"reference", p.of.reference}, {"folder", p.of.folder}});
  }
  return json{{"papers", std::move(out)}}.dump(2);
}

std::string as_json(std::span<judged_paper const> all) {
  json out;
  out["papers"] = json::array();
  totals sum;
  for (auto const& p : all) {
    json one{{"name", p.of.name}, {"number", p.of.number}, {"title", p.of.title},
             {"reference", p.of.reference}, {"folder", p.of.folder},
             {"size", p.small ? "small" : "full"}, {"seeds", p.seeds}, {"seed", p.first_seed},
             {"seconds", p.seconds}};
    one["cells"] = json::array();
    for (auto const& c : p.cells) one["cells"].push_back(cell_as_json(c));
    totals own;
    own.add(p);
    sum.add(p);
    one["totals"] = own.as_json();
    one["verdict"] = own.failed > 0 ? "failed" : own.miss > 0 ? "misses" : "reproduced";
    out["papers"].push_back(std::move(one));
  }
  out["totals"] = sum.as_json();
  return out.dump(2);
}

std::string as_table(judged_paper const& p, bool all_cells) {
  auto out = fmt::format("{} ({}): {}\n", p.of.name, p.of.number, p.of.title);
  std::string table;
  for (auto const& c : p.cells) {
    bool const worth = c.verdict == finding::miss || c.verdict == finding::failed;
    if (!all_cells && !worth) continue;
    if (c.what.table != table) out += fmt::format("  {}\n", table = c.what.table);
    auto const range = c.what.judged() ? fmt::format("[{}, {}]", shown(c.what.low),
                                                     shown(c.what.high))
                                       : std::string{};
    out += fmt::format("    {:<14} {:<24} {:>12} {:>20} {:>22}  {}\n", c.what.row, c.what.column,
                       shown(c.what.value), range, shown(c), word_of(c.verdict));
    if (!c.what.known_miss.empty() && worth) out += "        " + c.what.known_miss + "\n";
  }
  out += fmt::format("  {} inside, {} known misses, {} failed, {} reported, {} not run; {} seeds, "
                     "{:.1f} s\n",
                     p.count(finding::inside), p.count(finding::miss), p.count(finding::failed),
                     p.count(finding::reported), p.count(finding::not_run), p.seeds, p.seconds);
  return out;
}

std::string as_csv(judged_paper const& p) {
  std::string out = "table,row,column,published,low,high,ours,half_interval,runs,verdict\n";
  for (auto const& c : p.cells) {
    out += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", c.what.table, c.what.row, c.what.column,
                       shown(c.what.value), shown(c.what.low), shown(c.what.high),
                       c.runs > 0 ? fmt::format("{:.6g}", c.mean) : "",
                       c.runs > 1 ? fmt::format("{:.2g}", c.half_interval) : "", c.runs,
                       word_of(c.verdict));
  }
  return out;
}

}  // namespace hydra::papers
