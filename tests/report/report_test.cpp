// Whatever a run leaves beside its numbers: a page that holds together, tables, a trace.
#include "catch.hpp"

#include <hydra/sim/history.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/report.hpp>
#include <hydra/sim/run.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace hydra;
using nlohmann::json;

namespace {

// Everything at once: a region cut off, liars, crashes, movies that are divided twice.
constexpr char const* small = R"(
name = "small"
purpose = "Nothing of this </script><b> may end the block & \"break\" it."
hydras = 220
duration = "6 min"
[services]
count = 3
names = "whole <i>, part"
providers = 90
kinds_per_provider = 2
[[composition]]
whole = 0
part = 1
join = 3
parts = 3
[workload]
jobs = 160
service_time = "12 s"
start = "20 s"
stop_before_end = "60 s"
patience = "3 min"
spend = 16
[churn]
share = "1/3"
pace = 40
[[fault]]
name = "cut"
kind = "partition"
from = "europe"
to = "elsewhere"
symmetric = true
at = "2 min"
for = "1 min"
[[fault]]
name = "liars"
kind = "lie"
from = "providers"
chance = "1/8"
)";

sim::scenario small_world() {
  auto const loaded = sim::parse_scenario(small, "small.toml");
  for (auto const& e : loaded.errors) FAIL_CHECK(e.str());
  return loaded.value;
}

struct told {
  sim::recording seen;
  sim::run_result result;
  [[nodiscard]] std::string data() const {
    return sim::report_data(seen, result, {"hydra 0", false}, {});
  }
};

told run_of(sim::scenario const& s, unsigned shards = 1, bool permute = false) {
  told out;
  sim::run_options how;
  how.shards = shards;
  how.permute = permute;
  how.record = &out.seen;
  out.result = sim::run(s, how);
  out.result.reproduce = "hydra sim run small.toml --set purpose='<x>'";
  return out;
}

// One run for all that only look at it.
told const& once() {
  static told const kept = run_of(small_world());
  return kept;
}

// Every column of a table is as long as the first.
std::size_t rows(json const& table, std::vector<std::string> const& others = {}) {
  std::size_t n = 0;
  bool first = true;
  for (auto const& [name, column] : table.items()) {
    if (!column.is_array() || std::find(others.begin(), others.end(), name) != others.end()) {
      continue;
    }
    INFO(name);
    if (first) n = column.size();
    CHECK(column.size() == n);
    first = false;
  }
  return n;
}

void all_within(json const& column, std::int64_t low, std::int64_t high) {
  for (auto const& x : column) {
    REQUIRE(x.is_number_integer());
    auto const n = x.get<std::int64_t>();
    if (n < low || n > high) FAIL_CHECK(n << " is not from " << low << " to " << high);
  }
}

std::int64_t last(json const& list) { return static_cast<std::int64_t>(list.size()) - 1; }

}  // namespace

TEST_CASE("tables of a report have equal columns and indices that exist") {
  auto const data = json::parse(once().data());
  auto const n = static_cast<std::int64_t>(rows(data["hydras"]));
  auto const end = data["duration_ms"].get<std::int64_t>();
  CHECK(n == 220);
  all_within(data["hydras"]["class"], 0, last(data["classes"]));
  all_within(data["hydras"]["region"], 0, last(data["regions"]));
  all_within(data["hydras"]["city"], 0, last(data["cities"]));
  all_within(data["hydras"]["lon"], -180'000, 180'000);
  all_within(data["hydras"]["lat"], -90'000, 90'000);
  all_within(data["hydras"]["busy"], -1, 1000);
  CHECK(rows(data["down"]) > 0);
  all_within(data["down"]["hydra"], 0, n - 1);
  all_within(data["down"]["from_ms"], 0, end);
  all_within(data["down"]["to_ms"], 0, end);
  auto const places = static_cast<std::int64_t>(rows(data["places"]));
  CHECK(places <= 160);
  all_within(data["places"]["region"], 0, last(data["regions"]));
  CHECK(rows(data["flows"], {"all_jobs"}) <= 12'000);
  all_within(data["flows"]["from"], 0, places - 1);
  all_within(data["flows"]["to"], 0, places - 1);
  all_within(data["flows"]["bucket"], 0, last(data["flows"]["all_jobs"]));
  CHECK(rows(data["series"]) > 30);
  CHECK(data["response"]["edges_ms"].size() == data["response"]["counts"].size() + 1);
  CHECK(data["classes"].back()["id"] == "liar");
  CHECK(rows(data["trust"]["honest"]) == data["trust"]["at_ms"].size());
  CHECK(rows(data["trust"]["liars"]) == data["trust"]["at_ms"].size());
}

TEST_CASE("counts of a report add up to those of the summary") {
  auto const data = json::parse(once().data());
  auto const& jobs = data["summary"]["jobs"];
  auto const sum = [](json const& column) {
    std::int64_t all = 0;
    for (auto const& x : column) all += x.get<std::int64_t>();
    return all;
  };
  for (auto name : {"submitted", "completed", "failed", "replaced"}) {
    INFO(name);
    CHECK(sum(data["series"][name]) == jobs[name].get<std::int64_t>());
  }
  CHECK(sum(data["series"]["messages"]) == data["summary"]["messages"].get<std::int64_t>());
  CHECK(sum(data["response"]["counts"]) == jobs["completed"].get<std::int64_t>());
  CHECK(sum(data["hydras"]["asked"]) == jobs["submitted"].get<std::int64_t>());
  CHECK(data["series"]["in_flight"].back() == jobs["running"]);
}

TEST_CASE("trees of a report: parents before children, every index exists, jobs divide") {
  auto const data = json::parse(once().data());
  auto const end = data["duration_ms"].get<std::int64_t>();
  REQUIRE(data["jobs"].size() > 10);
  CHECK(data["jobs"].size() <= 40);
  bool divided = false, wrong = false, again = false;
  for (auto const& t : data["jobs"]) {
    auto const n = static_cast<std::int64_t>(rows(t, {"services"}));
    CHECK(n <= 200);
    CHECK(t["parent"][0] == -1);
    all_within(t["hydra"], 0, 219);
    all_within(t["role"], 0, 4);
    all_within(t["state"], 0, 5);
    all_within(t["verified"], 0, 2);
    all_within(t["service_of"], 0, last(t["services"]));
    all_within(t["start_ms"], 0, end);
    for (std::size_t i = 1; i < t["parent"].size(); ++i) {
      all_within(t["parent"][i], 0, static_cast<std::int64_t>(i) - 1);
      all_within(t["replaces"][i], -1, static_cast<std::int64_t>(i) - 1);
      divided = divided || t["role"][i] == 1;
      wrong = wrong || t["verified"][i] == 2;
      again = again || t["replaces"][i] >= 0;
      auto const ended = t["end_ms"][i].get<std::int64_t>();
      CHECK((ended == -1) == (t["state"][i] == 0));
      if (ended != -1) CHECK(ended >= t["start_ms"][i].get<std::int64_t>());
    }
  }
  CHECK(divided);
  CHECK(wrong);
  CHECK(again);
}

TEST_CASE("a delegation tree in lines names who divides, who ran the parts, and where they are") {
  auto const text = sim::delegation_tree(once().seen);
  INFO(text);
  CHECK(text.find(" asks at ") != std::string::npos);
  CHECK(text.find(" divides whole <i>, done at ") != std::string::npos);
  auto const parts = text.find("    part by ");
  REQUIRE(parts != std::string::npos);
  CHECK(text.find(" done", parts) != std::string::npos);
  std::size_t named = 0;
  for (auto at = text.find(" #"); at != std::string::npos; at = text.find(" #", at + 1)) {
    auto const who = static_cast<std::uint32_t>(std::stoul(text.substr(at + 2)));
    auto const city = std::string{once().seen.where->city_of(who)};
    REQUIRE(at >= city.size());
    CHECK(text.substr(at - city.size(), city.size()) == city);
    ++named;
  }
  CHECK(named >= 4);
  auto plain = once().seen;
  auto whole = small_world();
  whole.compositions.clear();
  plain.where = std::make_shared<sim::planet const>(whole);
  CHECK(sim::delegation_tree(plain).empty());
}

TEST_CASE("nothing of a scenario can end the block of the page") {
  auto const data = once().data();
  CHECK(data.find('<') == std::string::npos);
  auto const read = json::parse(data);
  CHECK(read["purpose"] == small_world().purpose);
  CHECK(read["jobs"][0]["service"].get<std::string>().find("<i>") != std::string::npos);
  auto const page = sim::report_page(data);
  CHECK(page.find("<!--HYDRA_DATA-->") == std::string::npos);
  CHECK(page.find(data) != std::string::npos);
}

TEST_CASE("the summary of a page is the command's own object, byte for byte") {
  auto result = once().result;
  result.reproduce = "hydra sim run small.toml";
  auto const text = sim::result_json(result, true, 2);
  auto const data = sim::report_data(once().seen, result, {"hydra 0", true}, {});
  CHECK(data.find("\"summary\":" + text) != std::string::npos);
}

TEST_CASE("while a region is cut off no flow begins across its border") {
  auto const data = json::parse(once().data());
  auto const& f = data["flows"];
  auto const step = f["bucket_ms"].get<std::int64_t>();
  auto const& cut = data["faults"][0];
  CHECK(cut["kind"] == "partition");
  auto const inside = cut["regions"][0];
  std::size_t before = 0;
  for (std::size_t i = 0; i < f["bucket"].size(); ++i) {
    auto const at = f["bucket"][i].get<std::int64_t>() * step;
    auto const from = data["places"]["region"][f["from"][i].get<std::size_t>()];
    auto const to = data["places"]["region"][f["to"][i].get<std::size_t>()];
    bool const crosses = (from == inside) != (to == inside);
    before += crosses && at < cut["start_ms"].get<std::int64_t>() ? 1U : 0U;
    // Whoever bid before the cut may still be sent the award.
    bool const during = at >= cut["start_ms"].get<std::int64_t>() + 2'000 &&
                        at + step <= cut["end_ms"].get<std::int64_t>();
    if (during) CHECK_FALSE(crosses);
  }
  CHECK(before > 0);
}

TEST_CASE("a report is the same bytes for any number of shards, and its recording moves nothing") {
  auto const s = small_world();
  auto const again = run_of(s, 2);
  CHECK(again.data() == once().data());
  auto const permuted = run_of(s, 1, true);
  CHECK(permuted.data() == once().data());
  sim::run_options plain;
  auto const unrecorded = sim::run(s, plain);
  CHECK(unrecorded.digest == once().result.digest);
  CHECK(unrecorded.events == once().result.events);
  CHECK(unrecorded.messages == once().result.messages);
  sim::report_choice const all{true, true, true, sim::sqlite_is_built_in()};
  auto const one = sim::report_tables(once().seen, all);
  auto const two = sim::report_tables(again.seen, all);
  REQUIRE(one.size() == two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    INFO(one[i].name);
    CHECK(one[i].text == two[i].text);
  }
}

TEST_CASE("tables have a line for each job, Hydra and bucket; the trace is JSON with slices") {
  auto const files = sim::report_tables(once().seen, {true, true, true, false});
  REQUIRE(files.size() == 4);
  auto const lines = [&](std::size_t i) {
    return std::count(files[i].text.begin(), files[i].text.end(), '\n');
  };
  CHECK(lines(0) == static_cast<std::ptrdiff_t>(once().result.jobs.submitted) + 1);
  CHECK(lines(1) == 221);
  auto const trace = json::parse(files[3].text);
  std::size_t slices = 0, out = 0, in = 0, marks = 0;
  for (auto const& e : trace["traceEvents"]) {
    slices += e["ph"] == "X" ? 1U : 0U;
    out += e["ph"] == "s" ? 1U : 0U;
    in += e["ph"] == "f" ? 1U : 0U;
    marks += e["ph"] == "i" ? 1U : 0U;
  }
  CHECK(slices > once().result.jobs.submitted);
  CHECK(slices <= sim::trace_slices_max);
  CHECK(out == in);
  CHECK(marks >= 3);
  if (!sim::sqlite_is_built_in()) return;
  auto const base = sim::report_tables(once().seen, {false, false, false, true});
  CHECK(base.at(0).text.starts_with("SQLite format 3"));
}

TEST_CASE("what a report shall have is named by words, and a wrong one is told") {
  std::string error;
  CHECK_FALSE(sim::report_named("none", error).any());
  auto const some = sim::report_named("html,trace", error);
  CHECK((some.html && some.trace && !some.csv && !some.sqlite));
  CHECK(error.empty());
  CHECK_FALSE(sim::report_named("html,xls", error).csv);
  CHECK(error.find("\"xls\" is not allowed; allowed: none, or some of html,csv,trace") == 0);
}

TEST_CASE("a page stays small when there are more Hydras than it shows") {
  auto s = small_world();
  s.hydras = 21'000;
  s.duration = 2s;
  s.workload.start = duration{};
  s.workload.stop_before_end = duration{};
  s.churn.share = {0, 1};
  auto const many = run_of(s);
  auto const data = many.data();
  CHECK(data.size() < 1'050'000);  // the template has 0.95 MB
  CHECK(json::parse(data)["hydras"]["lon"].size() <= 20'000);
  CHECK(json::parse(data)["hydras"]["lon"].size() > 10'000);
}
