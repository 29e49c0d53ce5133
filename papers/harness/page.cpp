// One page of all verdicts: a summary, then each paper with its plots and tables.
#include "plot.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hydra::papers {
namespace {

constexpr std::string_view style = R"css(
:root{color-scheme:light dark;--line:#d8dade;--soft:#f4f5f7}
:root{--in:#0b6e4f;--miss:#8a5a00;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--line:#33373d;--soft:#1d2024}
:root{--in:#5fd0a5;--miss:#e0b04c;--bad:#ff8a80}}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{margin-top:3rem;border-top:1px solid var(--line);padding-top:1.5rem}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums}
table{display:block;overflow-x:auto}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line)}
th,td{text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{background:var(--soft)}
td small{opacity:.7}.inside{color:var(--in)}.miss{color:var(--miss)}
.failed{color:var(--bad);font-weight:700}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
pre{white-space:pre-wrap;background:var(--soft);padding:1rem;border-radius:.4rem}
)css";

std::vector<std::string> tables_of(judged_paper const& p) {
  std::vector<std::string> out;
  for (auto const& c : p.cells) {
    if (std::find(out.begin(), out.end(), c.what.table) == out.end()) out.push_back(c.what.table);
  }
  return out;
}

template <class Of>
std::vector<std::string> names(judged_paper const& p, std::string const& table, Of of) {
  std::vector<std::string> out;
  for (auto const& c : p.cells) {
    if (c.what.table != table) continue;
    auto const& name = of(c);
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

std::string cell_html(judged_cell const& c) {
  auto const word = std::string{word_of(c.verdict)};
  bool const absent = c.verdict == finding::not_run || c.verdict == finding::left_out;
  auto const kind = absent ? "" : word;
  auto hint = escaped(c.lacking.empty() ? c.what.note : c.lacking);
  if (c.what.judged()) {
    hint += fmt::format(" allowed {} to {}", shown(c.what.low), shown(c.what.high));
  }
  auto const published = c.what.value ? shown(c.what.value) : std::string{"–"};
  auto const ours = c.runs > 0 ? shown(c) : std::string{"–"};
  return fmt::format("<td title='{}'>{} <small>{}</small><br>{}<br><span class='{}'>{}</span></td>",
                     hint, published, c.is_published ? word_of(c.what.from) : "", ours, kind, word);
}

std::string table_html(judged_paper const& p, std::string const& table) {
  auto const rows = names(p, table, [](auto const& c) -> auto const& { return c.what.row; });
  auto const columns = names(p, table, [](auto const& c) -> auto const& { return c.what.column; });
  auto out = fmt::format("<h3>{}</h3>\n<table><thead><tr><th></th>", escaped(table));
  for (auto const& column : columns) out += fmt::format("<th>{}</th>", escaped(column));
  out += "</tr></thead><tbody>\n";
  for (auto const& row : rows) {
    out += fmt::format("<tr><th>{}</th>", escaped(row));
    for (auto const& column : columns) {
      auto const it = std::find_if(p.cells.begin(), p.cells.end(), [&](judged_cell const& c) {
        return c.what.table == table && c.what.row == row && c.what.column == column;
      });
      out += it == p.cells.end() ? "<td></td>" : cell_html(*it);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string paper_html(judged_paper const& p) {
  auto out = fmt::format("<h2 id='{0}'>{1}. {2}</h2>\n<p>{3}</p>\n<p>{4} size, {5} seeds from {6}; "
                         "repeat: <code>hydra papers run {0}{7} --seed {6}</code></p>\n",
                         escaped(p.of.name), escaped(p.of.number), escaped(p.of.title),
                         escaped(p.of.reference), p.small ? "Small" : "Full", p.seeds,
                         p.first_seed, p.small ? " --small" : "");
  out += "<div class='plots'>\n";
  for (auto const& plot : p.plots) out += plot_svg(plot, p.cells);
  out += "</div>\n";
  for (auto const& table : tables_of(p)) out += table_html(p, table);
  std::string reasons;
  for (auto const& c : p.cells) {
    if (c.verdict != finding::miss) continue;
    reasons += fmt::format("<li>{}, {}, {}: {}</li>\n", escaped(c.what.table), escaped(c.what.row),
                           escaped(c.what.column), escaped(c.what.known_miss));
  }
  if (!reasons.empty()) out += "<h3>Misses, and why</h3>\n<ul>\n" + reasons + "</ul>\n";
  return out + fmt::format("<details><summary>What was run, what was not printed and how it was "
                           "settled</summary><pre>{}</pre></details>\n",
                           escaped(p.settled));
}

}  // namespace

std::string as_page(std::span<judged_paper const> all) {
  auto out = fmt::format("<!doctype html>\n<html lang='en'><meta charset='utf-8'>\n<meta "
                         "name='viewport' content='width=device-width'>\n<title>Published results, "
                         "run again</title>\n<style>{}</style>\n<h1>Published results, run again"
                         "</h1>\n<p>Each cell shows what was published and where it comes from, "
                         "what Hydra measured (mean and 95 % interval over seeds), and whether the "
                         "mean lies in the range that was fixed before.</p>\n", style);
  out += "<table><thead><tr><th>paper</th><th>judged</th><th>inside</th><th>known misses</th>"
         "<th>failed</th><th>reported</th><th>not run</th><th>left to the full size</th></tr>"
         "</thead><tbody>\n";
  for (auto const& p : all) {
    auto const in = p.count(finding::inside);
    auto const miss = p.count(finding::miss);
    auto const failed = p.count(finding::failed);
    out += fmt::format("<tr><td><a href='#{}'>{}. {}</a></td><td>{}</td><td class='inside'>{}</td>"
                       "<td class='{}'>{}</td><td class='{}'>{}</td><td>{}</td><td>{}</td>"
                       "<td>{}</td></tr>\n",
                       escaped(p.of.name), escaped(p.of.number), escaped(p.of.title),
                       in + miss + failed, in, miss > 0 ? "miss" : "", miss,
                       failed > 0 ? "failed" : "", failed, p.count(finding::reported),
                       p.count(finding::not_run), p.count(finding::left_out));
  }
  out += "</tbody></table>\n";
  for (auto const& p : all) out += paper_html(p);
  return out + "</html>\n";
}

}  // namespace hydra::papers
