#include "text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hydra::papers {
namespace {

using json = nlohmann::ordered_json;

// How many bytes the first character takes; 0: it is no UTF-8, or a control character.
std::size_t length_of(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto const first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  std::size_t const n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < n) return 0;
  std::uint32_t code = first & (0x7fU >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  bool const too_long = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  bool const surrogate = code >= 0xd800 && code < 0xe000;
  return code < 0xa0 || code > 0x10ffff || too_long || surrogate ? 0 : n;
}

// A path may hold any byte; what is no UTF-8 is replaced.
std::string dumped(json const& all) {
  return all.dump(2, ' ', false, json::error_handler_t::replace);
}

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
  auto const& reason = c.lacking.empty() ? c.what.known_miss : c.lacking;
  if (!reason.empty()) out["reason"] = reason;
  return out;
}

struct totals {
  std::size_t inside = 0, miss = 0, failed = 0, reported = 0, not_run = 0, left_out = 0;
  void add(judged_paper const& p) {
    inside += p.count(finding::inside);
    miss += p.count(finding::miss);
    failed += p.count(finding::failed);
    reported += p.count(finding::reported);
    not_run += p.count(finding::not_run);
    left_out += p.count(finding::left_out);
  }
  [[nodiscard]] std::string_view word() const {
    if (failed > 0) return "failed";
    if (miss > 0) return "misses";
    if (inside > 0) return "reproduced";
    return reported > 0 ? "reported" : "not run";
  }
  [[nodiscard]] json as_json() const {
    return {{"judged", inside + miss + failed}, {"inside", inside}, {"miss", miss},
            {"failed", failed}, {"reported", reported}, {"not_run", not_run},
            {"left_out", left_out}};
  }
};

// Digits after the point so that two of the interval are seen, of a single run four in all.
int digits_of(judged_cell const& c) {
  if (!std::isfinite(c.mean) || !std::isfinite(c.half_interval)) return 0;
  auto const scale = c.half_interval > 0 ? c.half_interval / 10 : std::abs(c.mean) / 1000;
  if (scale <= 0) return 0;
  return std::clamp(static_cast<int>(-std::floor(std::log10(scale))), 0, 6);
}

// Rows that lack data, by table and reason.
std::string lacks_of(judged_paper const& p) {
  std::vector<std::pair<std::string, std::size_t>> all;
  for (auto const& c : p.cells) {
    if (c.lacking.empty() || c.verdict != finding::not_run) continue;
    auto text = fmt::format("{}: {}", c.what.table, c.lacking);
    if (all.empty() || all.back().first != text) all.emplace_back(std::move(text), 0);
    ++all.back().second;
  }
  std::string out;
  for (auto const& [text, rows] : all) out += fmt::format("  not run, {} rows: {}\n", rows, text);
  return out;
}

// "53 inside, 1 known misses, ...": what there is none of is not said, but for the first three.
std::string counts_of(judged_paper const& p) {
  auto out = fmt::format("{} inside, {} known misses, {} failed", p.count(finding::inside),
                         p.count(finding::miss), p.count(finding::failed));
  for (auto const f : {finding::reported, finding::not_run, finding::left_out}) {
    if (p.count(f) > 0) out += fmt::format(", {} {}", p.count(f), word_of(f));
  }
  return out;
}

}  // namespace

std::size_t first_odd(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto const n = length_of(text.substr(at));
    if (n == 0) return at;
    at += n;
  }
  return std::string_view::npos;
}

std::string plain(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const n = length_of(text);
    out += n > 0 ? std::string{text.substr(0, n)}
                 : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

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
  return dumped(json{{"papers", std::move(out)}});
}

std::string as_json(std::span<judged_paper const> all) {
  json out;
  out["papers"] = json::array();
  totals sum;
  for (auto const& p : all) {
    json one{{"name", p.of.name}, {"number", p.of.number}, {"title", p.of.title},
             {"reference", p.of.reference}, {"folder", p.of.folder}, {"scenario", p.scenario},
             {"size", p.small ? "small" : "full"}, {"seeds", p.seeds}};
    if (p.stored.empty()) {
      one["seed"] = p.first_seed;
      one["seconds"] = p.seconds;
    } else {
      one["results"] = p.stored;
    }
    one["cells"] = json::array();
    for (auto const& c : p.cells) one["cells"].push_back(cell_as_json(c));
    totals own;
    own.add(p);
    sum.add(p);
    one["totals"] = own.as_json();
    one["verdict"] = own.word();
    out["papers"].push_back(std::move(one));
  }
  out["totals"] = sum.as_json();
  return dumped(out);
}

std::string as_table(judged_paper const& p, bool all_cells) {
  auto out = fmt::format("{} ({}): {}\n", p.of.name, p.of.number, p.of.title);
  if (!p.stored.empty()) out += fmt::format("  {}\n  {}\n", p.of.reference, plain(p.scenario));
  auto const line = [&](auto const&... words) {
    out += fmt::format("    {:<14} {:<24} {:>12} {:>20} {:>22}  {}\n", words...);
  };
  if (all_cells) line("", "", "published", "range", "ours", "verdict");
  std::string table;
  for (auto const& c : p.cells) {
    bool const worth = c.verdict == finding::miss || c.verdict == finding::failed;
    if (!all_cells && !worth) continue;
    if (c.what.table != table) out += fmt::format("  {}\n", table = c.what.table);
    auto const range = c.what.judged() ? fmt::format("[{}, {}]", shown(c.what.low),
                                                     shown(c.what.high))
                                       : std::string{};
    line(c.what.row, c.what.column, shown(c.what.value), range, shown(c), word_of(c.verdict));
    if (c.verdict == finding::failed && !c.lacking.empty()) out += "        " + c.lacking + "\n";
    else if (!c.what.known_miss.empty() && worth) out += "        " + c.what.known_miss + "\n";
    if (c.verdict == finding::not_run && !c.what.note.empty()) {
      out += "        " + c.what.note + "\n";
    }
  }
  out += lacks_of(p) + "  " + counts_of(p);
  if (p.stored.empty()) return out + fmt::format("; {} seeds, {:.1f} s\n", p.seeds, p.seconds);
  return out + fmt::format("; {} seeds, {}\n", p.seeds, plain(p.stored));
}

std::string as_csv(judged_paper const& p) {
  auto out = std::string{results_header} + "\n";
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
