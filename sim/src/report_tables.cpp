// Tables of a run: jobs, Hydras, counts over time; as CSV, and told to whoever wants them.
#include "report_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace hydra::sim {
namespace {

class csv_text final : public table_sink {
 public:
  void begin(char const*, std::vector<char const*> const& columns) override {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fmt::format_to(std::back_inserter(text_), "{}{}", i == 0 ? "" : ",", columns[i]);
    }
    text_ += '\n';
  }
  void row(std::vector<table_cell> const& cells) override {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i != 0) text_ += ',';
      if (cells[i].what == table_cell::kind::number) text_ += std::to_string(cells[i].number);
      if (cells[i].what == table_cell::kind::text) add(cells[i].text);
    }
    text_ += '\n';
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void add(std::string_view t) {
    if (t.find_first_of(",\"\r\n") == std::string_view::npos) {
      text_ += t;
      return;
    }
    text_ += '"';
    for (char c : t) text_ += c == '"' ? std::string{"\"\""} : std::string{c};
    text_ += '"';
  }
  std::string text_;
};

template <class Tell>
report_file csv_of(report_facts const& f, Tell&& tell, char const* name, char const* what) {
  csv_text out;
  tell(f, out);
  return {name, what, out.take()};
}

}  // namespace

void tell_jobs(report_facts const& f, table_sink& to) {
  static constexpr std::array<std::string_view, 5> endings{"completed", "nobody_found", "no_result",
                                                           "refused", "cancelled"};
  to.begin("jobs", {"owner", "number", "service", "work_ms", "asked_ms", "ended_ms", "how", "by",
                    "response_ms", "hops", "placements", "replaced", "results", "right"});
  for (auto const& a : f.seen().asked_) {
    auto const j = f.where().job_of(a.owner, a.number - 1);
    auto const* e = f.ending_of(a);
    std::vector<table_cell> row{std::int64_t{a.owner}, std::int64_t{a.number},
                                std::int64_t{j.what.index()}, ms_of(j.work.count()), ms_of(a.at)};
    if (e == nullptr) {
      row.emplace_back();
      row.emplace_back(std::string_view{"running"});
      row.resize(14);
      to.row(row);
      continue;
    }
    bool const done = e->how.how == hydra::ending::completed;
    row.emplace_back(ms_of(e->at));
    row.emplace_back(endings[static_cast<std::size_t>(e->how.how)]);
    row.push_back(done ? table_cell{std::int64_t{e->how.by.index()}} : table_cell{});
    for (auto n : {ms_of(e->how.response.count()), std::int64_t{e->how.hops},
                   std::int64_t{e->how.placements}, std::int64_t{e->how.replaced},
                   std::int64_t{e->how.results}}) {
      row.emplace_back(n);
    }
    bool const right = done && e->how.output == f.where().expected_output(j);
    row.push_back(done ? table_cell{std::int64_t{right ? 1 : 0}} : table_cell{});
    to.row(row);
  }
}

void tell_hydras(report_facts const& f, table_sink& to) {
  to.begin("hydras", {"hydra", "class", "region", "country", "city", "lon_mdeg", "lat_mdeg",
                      "cores", "speed_permille", "services", "busy_permille", "ran", "asked",
                      "up_ms"});
  for (std::uint32_t i = 0; i < f.hydras().size(); ++i) {
    auto const& h = f.hydras()[i];
    auto const& r = f.where().role_of(i);
    auto const& home = f.where().place_of(i);
    auto const at = degrees_of(home.at);
    auto const country = home.country.text();
    std::string services;
    for (auto s : r.offers) services += (services.empty() ? "" : " ") + std::to_string(s.index());
    bool const serves = f.where().provides(i);
    to.row({std::int64_t{i}, std::string_view{f.classes()[h.kind].id}, world_regions[r.region],
            std::string_view{country}, f.where().city_of(i),
            static_cast<std::int64_t>(at.lon * 1000), static_cast<std::int64_t>(at.lat * 1000),
            std::int64_t{r.power.cores}, std::int64_t{r.power.speed}, std::string_view{services},
            serves ? table_cell{std::int64_t{h.busy}} : table_cell{}, std::int64_t{h.ran},
            std::int64_t{h.asked}, ms_of(h.up)});
  }
}

void tell_timeline(report_facts const& f, table_sink& to) {
  auto const t = timeline_of(f);
  to.begin("timeline", {"from_ms", "submitted", "completed", "failed", "replaced", "in_flight",
                        "up", "messages", "crashed", "restarted", "kb"});
  for (std::size_t i = 0; i < t.up.size(); ++i) {
    to.row({ms_of(t.bucket * static_cast<std::int64_t>(i)), t.submitted[i], t.completed[i],
            t.failed[i], t.replaced[i], t.in_flight[i], t.up[i], t.messages[i], t.crashed[i],
            t.restarted[i], t.kb[i]});
  }
}

std::vector<report_file> report_tables(recording const& from, report_choice const& wanted) {
  std::vector<report_file> out;
  if (!wanted.csv && !wanted.trace && !wanted.sqlite) return out;
  report_facts const f{from};
  if (wanted.csv) {
    out.push_back(csv_of(f, tell_jobs, "jobs.csv", "one line for each job"));
    out.push_back(csv_of(f, tell_hydras, "hydras.csv", "one line for each Hydra"));
    out.push_back(csv_of(f, tell_timeline, "timeline.csv", "counts over time"));
  }
  if (wanted.trace) {
    out.push_back({"trace.json", "for Perfetto or chrome://tracing", trace_of(f)});
  }
  if (wanted.sqlite) {
    out.push_back({"run.sqlite", "the same tables as a database", database_of(f)});
  }
  return out;
}

report_choice report_named(std::string_view words, std::string& error) {
  report_choice out{.html = false, .csv = false};
  if (words == "none") return out;
  for (std::size_t at = 0; at <= words.size();) {
    auto const end = std::min(words.find(',', at), words.size());
    auto const word = words.substr(at, end - at);
    at = end + 1;
    if (word == "html") {
      out.html = true;
    } else if (word == "csv") {
      out.csv = true;
    } else if (word == "trace") {
      out.trace = true;
    } else if (word == "sqlite" && sqlite_is_built_in()) {
      out.sqlite = true;
    } else if (word == "sqlite") {
      error = "sqlite was not there when this program was built";
    } else {
      error = "\"" + std::string{word} + "\" is not allowed; allowed: none, or some of " +
              "html,csv,trace" + (sqlite_is_built_in() ? ",sqlite" : "");
    }
  }
  return out;
}

}  // namespace hydra::sim
