#include "render.hpp"

#include <hydra/sim/report.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace hydra::cli {
namespace {

using json = nlohmann::ordered_json;
using std::string;

string grouped(std::uint64_t n) {
  auto digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

// Three digits that matter, never an exponent for what people meet.
string number(double x) {
  if (!std::isfinite(x)) return "-";
  if (std::abs(x) >= 1e15) return fmt::format("{:.3g}", x);
  if (x >= 999.5) return grouped(static_cast<std::uint64_t>(std::llround(x)));
  return x != 0 && std::abs(x) < 1e-3 ? fmt::format("{:.2e}", x) : fmt::format("{:.3g}", x);
}

string percent(double share) { return fmt::format("{:.1f}", share * 100); }

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// ---- grid: a label, then values with their units, all columns aligned -------------------------

struct amount {
  string value;
  string unit;
};
struct row {
  string label;
  std::vector<amount> amounts;
};

void print_grid(std::vector<row> const& rows, bool color) {
  std::size_t label = 0;
  std::vector<std::size_t> values, units;
  for (auto const& r : rows) {
    label = std::max(label, r.label.size());
    values.resize(std::max(values.size(), r.amounts.size()));
    units.resize(values.size());
    for (std::size_t i = 0; i < r.amounts.size(); ++i) {
      values[i] = std::max(values[i], r.amounts[i].value.size());
      // What ends a line pushes nothing to the right.
      if (i + 1 < r.amounts.size()) units[i] = std::max(units[i], r.amounts[i].unit.size());
    }
  }
  for (auto const& r : rows) {
    auto line = fmt::format("  {:<{}} ", r.label, label);
    for (std::size_t i = 0; i < r.amounts.size(); ++i)
      line += fmt::format("  {:>{}} {:<{}}", r.amounts[i].value, values[i], r.amounts[i].unit,
                          units[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    if (color) line = "  \x1b[1m" + line.substr(2, label) + "\x1b[0m" + line.substr(2 + label);
    fmt::print("{}\n", line);
  }
}

std::vector<amount> spread_cells(sim::spread const& s, string const& unit) {
  return {{number(s.mean), unit + " mean"},
          {number(s.p50), unit + " p50"},
          {number(s.p90), unit + " p90"},
          {number(s.p99), unit + " p99"}};
}

std::vector<row> work_rows(sim::job_counts const& j, sim::spread const& response,
                           sim::spread const& utilisation) {
  return {{"jobs",
           {{grouped(j.submitted), "submitted"},
            {grouped(j.completed), "completed"},
            {grouped(j.failed), "failed"},
            {grouped(j.running), "running"},
            {grouped(j.replaced), "replaced"}}},
          {"completed", {{percent(share_of(j.completed, j.submitted)), "% of submitted"}}},
          {"response", spread_cells(response, "s")},
          {"utilisation",
           {{percent(utilisation.mean), "% mean"}, {percent(utilisation.p99), "% p99"}}}};
}

std::vector<row> result_rows(common_options const& o, sim::run_result const& r) {
  auto rows = work_rows(r.jobs, r.response_s, r.utilisation);
  rows.push_back({"remote", {{percent(r.remote_share), "% of completed"}}});
  rows.push_back({"hops", {{number(r.hops.mean), "mean"}, {number(r.hops.p99), "p99"}}});
  rows.push_back({"results", {{grouped(r.wrong_accepted), "wrong accepted"}}});
  rows.push_back({"traffic", {{grouped(r.events), "events"}, {grouped(r.messages), "messages"}}});
  if (o.no_timings) return rows;
  rows.back().amounts.push_back({number(r.bytes_per_hydra), "B per Hydra"});
  auto const wall = std::max(r.wall_s, 1e-9);
  rows.push_back({"took",
                  {{number(r.wall_s), "s wall"},
                   {number(r.cpu_s), "s cpu"},
                   {number(static_cast<double>(r.events) / wall), "events/s"},
                   {number(r.simulated_s / wall), "x real time"}}});
  return rows;
}

row verified_row(string const& label, sim::job_counts const& j, sim::spread const& response,
                 std::uint64_t wrong, double work, std::uint64_t hurt) {
  return {label,
          {{grouped(wrong), "wrong accepted"},
           {fmt::format("{:.2f}", work), "x the work"},
           {grouped(hurt), "honest hurt"},
           {percent(share_of(j.completed, j.submitted)), "% completed"},
           {number(response.mean), "s mean"}}};
}

void print_comparisons(sim::run_result const& r, bool color) {
  auto const title = [&](string const& text) {
    return color ? "\x1b[1m" + text + "\x1b[0m" : text;
  };
  if (r.alone) {
    fmt::print("\n{} (the same jobs when nobody knows anybody)\n", title("alone"));
    print_grid(work_rows(r.alone->jobs, r.alone->response_s, r.alone->utilisation), color);
  }
  if (r.unverified) {
    auto const& u = *r.unverified;
    fmt::print("\n{} (the same jobs and liars)\n", title("verification"));
    print_grid({verified_row("on", r.jobs, r.response_s, r.wrong_accepted, r.extra_work,
                             r.honest_hurt),
                verified_row("off", u.jobs, u.response_s, u.wrong_accepted, u.extra_work,
                             u.honest_hurt)},
               color);
  }
  if (r.omniscient) {
    auto const& best = *r.omniscient;
    fmt::print("\n{} (the same jobs by a central scheduler that knows everything; {})\n",
               title("omniscient"), best.rule);
    print_grid(work_rows(best.jobs, best.response_s, best.utilisation), color);
    auto const on_equal_terms = [](char const* label, sim::equal_terms const& t) {
      return row{label, {{grouped(t.done), "done right in time"},
                         {number(seconds(t.mean)), "s mean over all jobs"}}};
    };
    fmt::print("\n{} (over all jobs, also those not done)\n", title("on equal terms"));
    print_grid({on_equal_terms("Hydras", r.terms), on_equal_terms("omniscient", best.terms)},
               color);
  }
}

void print_extra(std::vector<sim::named_number> const& extra, bool color) {
  std::vector<row> rows;
  for (auto const& [name, value] : extra) {
    auto words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    rows.push_back({words, {{number(value), ""}}});
  }
  if (rows.empty()) return;
  fmt::print("\n");
  print_grid(rows, color);
}

// The largest first; what is nothing is left out.
void print_rooms(common_options const& o, sim::run_result const& r, bool color) {
  auto const line = [&](char const* label, auto&& bytes_of) {
    auto rooms = r.rooms;
    std::erase_if(rooms, [&](auto const& room) { return bytes_of(room) == 0; });
    std::stable_sort(rooms.begin(), rooms.end(), [&](auto const& a, auto const& b) {
      return bytes_of(a) > bytes_of(b);
    });
    string text;
    for (auto const& room : rooms) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", room.name, grouped(bytes_of(room)));
    }
    if (!text.empty()) print_grid({{label, {{text, "B"}}}}, color);
  };
  line("rooms at rest", [](sim::room_state const& room) { return room.at_rest; });
  if (o.no_timings) return;
  line("rooms in hand", [&](sim::room_state const& room) {
    return room.in_hand / std::max<std::uint64_t>(1, r.hydras);
  });
}

void print_table(common_options const& o, sim::run_result const& r, verdict const& v) {
  bool const color = use_color(o, STDOUT_FILENO);
  auto const paint = [&](char const* code, string const& text) {
    return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  };
  fmt::print("{}  {}\n", paint("1", r.scenario), v.purpose);
  fmt::print("{} Hydras, {} s simulated, seed {}, digest {:016x}{}\n\n", grouped(r.hydras),
             number(r.simulated_s), r.seed, r.digest,
             r.interrupted ? ", " + paint("33", "stopped early") : "");
  print_grid(result_rows(o, r), color);
  print_comparisons(r, color);
  print_extra(r.extra, color);
  print_rooms(o, r, color);
  if (!v.tree.empty()) fmt::print("\n{}", v.tree);
  fmt::print("\n");
  for (auto const& f : v.failures) fmt::print("{} {}\n", paint("31", "failed:"), f);
  if (v.failures.empty() && !r.interrupted)
    fmt::print("{} every property held, every floor was met\n", paint("32", "ok:"));
  if (!v.written.empty()) fmt::print("written: {}\n", v.written);
  if (!v.report.empty()) fmt::print("report: {}\n", v.report);
  fmt::print("reproduce: {}\n", r.reproduce);
}

// ---- JSON and CSV -----------------------------------------------------------------------------

json as_json(common_options const& o, sim::run_result const& r) {
  return json::parse(sim::result_json(r, !o.no_timings, -1));
}

json as_json(record const& one) {
  json out = json::object();
  for (auto const& [key, value] : one)
    std::visit([&, &name = key](auto const& v) { out[name] = v; }, value);
  return out;
}

string csv_cell(json const& value) {
  auto text = value.is_string() ? value.get<string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == string::npos) return text;
  string out = "\"";
  for (char c : text) out += c == '"' ? string{"\"\""} : string{c};
  return out + '"';
}

void print_csv(std::vector<json> const& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    string head, line;
    for (auto const& [key, value] : all[i].items()) {
      auto name = key.substr(1);
      std::replace(name.begin(), name.end(), '/', '.');
      head += (head.empty() ? "" : ",") + name;
      line += (line.empty() ? "" : ",") + csv_cell(value);
    }
    if (i == 0) fmt::print("{}\n", head);
    fmt::print("{}\n", line);
  }
}

string dumped(json const& what, int indent) {
  return what.dump(indent, ' ', false, json::error_handler_t::replace);
}

string text_of(cell const& c) {
  if (auto const* s = std::get_if<string>(&c)) return *s;
  if (auto const* d = std::get_if<double>(&c)) return number(*d);
  if (auto const* n = std::get_if<std::uint64_t>(&c)) return grouped(*n);
  return std::get<bool>(c) ? "yes" : "no";
}

void print_columns(std::vector<record> const& all) {
  std::vector<std::size_t> widths;
  for (auto const& r : all) {
    widths.resize(std::max(widths.size(), r.size()));
    for (std::size_t i = 0; i < r.size(); ++i)
      widths[i] = std::max({widths[i], text_of(r[i].second).size(), r[i].first.size()});
  }
  auto const line = [&](record const& r, bool head) {
    string out;
    for (std::size_t i = 0; i < r.size(); ++i) {
      auto const text = head ? r[i].first : text_of(r[i].second);
      bool const word = std::holds_alternative<string>(r[i].second);
      out += word ? fmt::format("{:<{}}  ", text, widths[i])
                  : fmt::format("{:>{}}  ", text, widths[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    fmt::print("{}\n", out);
  };
  if (!all.empty()) line(all.front(), true);
  for (auto const& r : all) line(r, false);
}

}  // namespace

bool use_color(common_options const& o, int file_descriptor) {
  char const* no = std::getenv("NO_COLOR");
  char const* term = std::getenv("TERM");
  return !o.no_color && (no == nullptr || *no == '\0') && isatty(file_descriptor) == 1 &&
         term != nullptr && std::string_view{term} != "dumb";
}

void print_records(common_options const& o, std::string const& name,
                   std::vector<record> const& all) {
  std::vector<json> made;
  for (auto const& r : all) made.push_back(as_json(r));
  switch (o.output) {
    case format::table: return print_columns(all);
    case format::json: {
      json out = {{name, made}};
      fmt::print("{}\n", dumped(out, 2));
      return;
    }
    case format::ndjson:
      for (auto const& each : made) fmt::print("{}\n", dumped(each, -1));
      return;
    case format::csv:
      for (auto& each : made) each = each.flatten();
      return print_csv(made);
  }
}

void print_record(common_options const& o, record const& one) {
  auto const made = as_json(one);
  switch (o.output) {
    case format::table: {
      std::size_t width = 0;
      for (auto const& [key, value] : one) width = std::max(width, key.size());
      for (auto const& [key, value] : one) fmt::print("{:<{}}  {}\n", key, width, text_of(value));
      return;
    }
    case format::json: fmt::print("{}\n", dumped(made, 2)); return;
    case format::ndjson: fmt::print("{}\n", dumped(made, -1)); return;
    case format::csv: return print_csv({made.flatten()});
  }
}

void print_result(common_options const& o, sim::run_result const& r, verdict const& v) {
  switch (o.output) {
    case format::table: return print_table(o, r, v);
    case format::json: fmt::print("{}\n", sim::result_json(r, !o.no_timings, 2)); return;
    case format::ndjson: fmt::print("{}\n", sim::result_json(r, !o.no_timings, -1)); return;
    case format::csv: {
      auto columns = as_json(o, r);
      columns.erase("rows");  // every number of theirs has its own column already
      return print_csv({columns.flatten()});
    }
  }
}

std::string manifest_json(run_origin const& from, sim::run_result const& r) {
  json const out = {{"scenario", r.scenario},
                    {"seed", r.seed},
                    {"digest", fmt::format("{:016x}", r.digest)},
                    {"version", version_line()},
                    {"settings_hash", sim::settings_hash(from.settings)},
                    {"reproduce", r.reproduce},
                    {"interrupted", r.interrupted},
                    {"scenario_file", from.file},
                    {"scenario_text", from.text},
                    {"settings", sim::settings_text(from.settings)}};
  return dumped(out, 2);
}

}  // namespace hydra::cli
