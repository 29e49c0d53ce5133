#include "catch.hpp"

#include "../fuzz/swf_target.hpp"

#include <hydra/sim/scenario.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace hydra;
using namespace hydra::sim;
using std::string;

string const sample = string{HYDRA_SOURCE_DIR} + "/tests/data/sample.swf";

string bytes_of(string const& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

swf_reader reader(string const& text) {
  return {std::make_unique<std::istringstream>(text), "t.swf"};
}

std::vector<swf_row> rows_of(swf_reader in) {
  std::vector<swf_row> out;
  while (in.next()) out.push_back(in.row());
  return out;
}

string error_of(string const& text) {
  try {
    rows_of(reader(text));
  } catch (data_error const& e) {
    return e.what();
  }
  return {};
}

// A row with one of its fields said otherwise; field from 1.
string row(std::size_t field = 0, string const& value = {}) {
  std::array<string, 18> all{"1", "2", "-1", "30", "4", "-1", "-1", "8",  "-1",
                             "-1", "1", "5",  "6", "7", "0",  "3", "-1", "-1"};
  if (field != 0) all[field - 1] = value;
  string out;
  for (auto const& f : all) out += (out.empty() ? "" : " ") + f;
  return out + "\n";
}

scenario traced() {
  scenario s;
  s.purpose = "x";
  s.hydras = 50;
  s.duration = 1h;
  s.workload.law = arrival_law::swf;
  s.workload.swf = sample;
  s.workload.start = 10s;
  return s;
}

struct arrival {
  std::uint32_t who;
  recorded_job what;
};
std::vector<arrival> arrivals(recorded_arrivals const& all, scenario const& s) {
  std::vector<arrival> out;
  for (std::uint32_t who = 0; who < s.hydras; ++who) {
    for (auto const& j : all.of(who)) out.push_back({who, j});
  }
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
    return std::tie(a.what.at, a.who) < std::tie(b.what.at, b.who);
  });
  return out;
}
std::vector<arrival> arrivals(scenario const& s) { return arrivals(recorded_arrivals::load(s), s); }
std::vector<arrival> arrivals(string const& text, scenario const& s) {
  auto in = reader(text);
  return arrivals(recorded_arrivals::read(in, s), s);
}

bool says(string const& text, string const& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != string::npos;
}

loaded_scenario parse(string const& text) {
  return parse_scenario("purpose = \"x\"\n[workload]\n" + text, "s.toml");
}
string only_error(string const& text) {
  auto const l = parse(text);
  REQUIRE(l.errors.size() == 1);
  return l.errors[0].str();
}

}  // namespace

// ---- reading ------------------------------------------------------------------------------------

TEST_CASE("a trace is read row by row, packed or not") {
  auto const plain = rows_of(swf_reader{sample});
  auto const packed = rows_of(swf_reader{sample + ".gz"});
  REQUIRE(plain.size() == 12);
  REQUIRE(packed.size() == 12);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(plain[i].job == static_cast<std::int64_t>(i) + 1);
    CHECK(plain[i].submitted == packed[i].submitted);
    CHECK(plain[i].run == packed[i].run);
  }
  CHECK(plain[1].submitted == 5s);
  CHECK(plain[1].run == 45s);
  CHECK(plain[1].requested == 2);
  CHECK(plain[1].executable == 3);
  CHECK(plain[4].run < duration{});
  CHECK(plain[4].status == 5);
  CHECK(plain[5].user == unknown);
  CHECK(plain[8].queue == 0);
  CHECK(plain[8].partition == 2);
}

TEST_CASE("line ends, blanks, comments of any length and a missing last newline are all one") {
  auto const one = row(4, "30.5");
  auto const text = "; a\r\n\r\n  " + one + ";" + string(100'000, 'x') + "\n\t \n" + one;
  for (auto const& each : {text, text.substr(0, text.size() - 1)}) {
    auto const rows = rows_of(reader(each));
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].run == 30'500ms);
  }
  CHECK(rows_of(reader("")).empty());
  CHECK(rows_of(reader("; only this")).empty());
  auto crlf = one;
  crlf.insert(crlf.size() - 1, "\r");
  CHECK(rows_of(reader(crlf + crlf)).size() == 2);
}

TEST_CASE("what is wrong in a trace is named by line, column, field, value and what is allowed") {
  CHECK(error_of(row() + row(4, "thirty")) ==
        "t.swf:2:8: run time (field 4): 'thirty' is not allowed; allowed: seconds from 0 to "
        "3153600000, or -1");
  CHECK(says(error_of(row(2, "-1")), "t.swf:1:3: submit time (field 2): '-1' is not allowed"));
  CHECK(says(error_of(row(5, "2.5")), "processors (field 5): '2.5' is not allowed; allowed: who"));
  CHECK(says(error_of(row(4, "-2")), "or -1"));
  CHECK(says(error_of(row(4, "1e9")), "'1e9'"));
  CHECK(says(error_of(row(4, "1.2.3")), "'1.2.3'"));
  CHECK(says(error_of(row(4, ".")), "'.'"));
  CHECK(says(error_of(row(4, "-")), "'-'"));
  CHECK(says(error_of(row(4, string(300, '9'))), string(40, '9') + "...'"));
  CHECK(says(error_of(row(12, "9223372036854775808")), "user (field 12)"));
  CHECK(says(error_of(row(18, "?")), "think time (field 18): '?' is not allowed; allowed: a num"));
  CHECK(says(error_of(row(1, string("1\0x", 3))), "'1?x'"));
  CHECK(error_of(row(6, string(300, '9'))).empty());  // nobody uses it
  CHECK(says(error_of("; x\n1 2 3\n"),
             "t.swf:2:1: a row of 3 fields is not allowed; allowed: 18"));
  CHECK(says(error_of(row() + " " + row(1, "1 1")), "t.swf:2:1: a row of 19 fields"));
  CHECK(says(error_of(string(5'000, ' ') + row()), "t.swf:1:4096: the line is longer than 4096"));
}

TEST_CASE("a packed trace that is cut or damaged says so; two in one file are read as one") {
  auto const packed = bytes_of(sample + ".gz");
  CHECK(rows_of(reader(packed + packed)).size() == 24);
  auto const whole = packed.size();
  for (std::size_t size : {std::size_t{2}, std::size_t{11}, whole / 2, whole - 1}) {
    CHECK(says(error_of(packed.substr(0, size)), "t.swf: the packed file ends too early"));
  }
  auto damaged = packed;
  for (std::size_t i = 40; i < 48; ++i) damaged[i] = '\0';
  CHECK(says(error_of(damaged), "t.swf: the packed file is damaged"));
  CHECK(says(error_of(packed + "rest"), "t.swf: the packed file is damaged"));
  CHECK(says(error_of(string("\xfd" "7zXZ\0", 6)), "packed with xz; unpack it with `xz -d`"));
  CHECK_THROWS_AS(swf_reader{string{"no/such.swf"}}, data_error);
  CHECK_THROWS_AS(swf_reader{string{HYDRA_SOURCE_DIR}}, data_error);
}

TEST_CASE("the corpus of traces passes the fuzzer's checks") {
  int seen = 0;
  for (auto const& each : std::filesystem::directory_iterator{string{HYDRA_SOURCE_DIR} +
                                                              "/tests/fuzz/corpus/swf"}) {
    fuzz::swf_target(bytes_of(each.path().string()));
    ++seen;
  }
  CHECK(seen >= 20);
}

// ---- what rows become ---------------------------------------------------------------------------

TEST_CASE("a row becomes a job: when, how much, for whom, how urgent") {
  auto s = traced();
  s.workload.priorities = 3;
  auto const loaded = recorded_arrivals::load(s);
  CHECK(loaded.counts().read == 12);
  CHECK(loaded.counts().unfit == 3);  // cancelled, a part of another, no run time
  CHECK(loaded.counts().jobs == 9);
  auto const all = arrivals(loaded, s);
  REQUIRE(all.size() == 9);
  CHECK(all[0].what.at == 10'000'000'000);
  CHECK(all[0].what.work == 30'000'000'000);
  CHECK(all[0].what.account == 1);
  CHECK(all[1].what.work + all[2].what.work == 90'000'000'000 + 12'000'000'000);  // 2 x 45 s
  CHECK(all[5].what.at == 85'000'000'000);  // submitted before the row that stands before it
  CHECK(all[5].what.priority == 2);         // of queue 9
  CHECK(all[5].what.work == 15'000'000'000);
}

TEST_CASE("the rows of a user come from one head, those of nobody known from any") {
  auto s = traced();
  string text;
  for (int i = 0; i < 40; ++i) text += row();
  std::set<std::uint32_t> who;
  for (auto const& a : arrivals(text, s)) who.insert(a.who);
  CHECK(who.size() == 1);
  s.workload.swf_askers = askers_by::job;
  for (auto const& a : arrivals(text, s)) who.insert(a.who);
  CHECK(who.size() > 15);
  auto const all = arrivals(text, s);
  for (std::size_t i = 0; i < all.size(); ++i) {  // at once, and still one after the other
    for (std::size_t k = i + 1; k < all.size(); ++k) {
      CHECK((all[i].who != all[k].who || all[i].what.at != all[k].what.at));
    }
  }
}

TEST_CASE("the order of the rows does not matter, nor does packing") {
  auto const s = traced();
  std::istringstream in{bytes_of(sample)};
  string back;
  for (string line; std::getline(in, line);) back = line + "\n" + back;
  auto const one = arrivals(s);
  auto const two = arrivals(back, s);
  REQUIRE(one.size() == two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i].what.account == 0) continue;  // of nobody known: spread by the row
    CHECK(one[i].what.at / 1'000 == two[i].what.at / 1'000);
  }
}

TEST_CASE("a part of a trace, faster, and no more than so many") {
  auto s = traced();
  s.workload.swf_from = 5s;
  s.workload.swf_for = 70s;  // to 75 s, not included
  s.workload.swf_pace = ratio{5, 1};
  auto const part = arrivals(s);
  REQUIRE(part.size() == 4);
  CHECK(part[0].what.at >= 10'000'000'000);
  CHECK(part[0].what.at <= 10'000'000'001);
  CHECK(part[2].what.at == 15'000'000'000);
  CHECK(part[3].what.at == 21'000'000'000);
  s.workload.swf_jobs = 2;
  CHECK(arrivals(s).size() == 2);
  s = traced();
  s.workload.swf_pace = ratio{1, 10};
  s.duration = 20min;
  s.workload.stop_before_end = 5min;
  CHECK(arrivals(s).size() == 6);  // before 15 min: submitted before 89 s
}

TEST_CASE("processors are work, or jobs, or nothing") {
  auto s = traced();
  auto const sum = [&] {
    std::int64_t all = 0;
    for (auto const& a : arrivals(row(), s)) all += a.what.work;
    return all;
  };
  CHECK(arrivals(row(), s).size() == 1);
  CHECK(sum() == 8 * 30'000'000'000);  // requested, not allocated
  s.workload.swf_processors = processors_as::jobs;
  CHECK(arrivals(row(), s).size() == 8);
  CHECK(sum() == 8 * 30'000'000'000);
  s.workload.swf_processors = processors_as::ignored;
  s.workload.swf_work = ratio{1, 3};
  CHECK(sum() == 10'000'000'000);
  s.workload.swf_processors = processors_as::jobs;
  s.workload.swf_jobs = 5;
  CHECK(arrivals(row(8, "1000000000000"), s).size() == 5);
  CHECK(arrivals(row(8, "-1"), s).size() == 4);
  CHECK(arrivals(row(8, "0"), s).size() == 4);
  s.workload.swf_processors = processors_as::work;
  s.workload.swf_work = ratio{1'000, 1};
  auto const huge = arrivals("1 2 -1 3153600000 1000000000000 -1 -1 -1 -1 -1 1 5 6 7 0 3 -1 -1", s);
  CHECK(huge[0].what.work == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("rows that failed or were cancelled are kept or left out") {
  auto s = traced();
  auto const text = row(11, "0") + row(11, "1") + row(11, "2") + row(11, "5") + row(11, "-1") +
                    row(4, "0") + row(4, "-1");
  CHECK(arrivals(text, s).size() == 4);
  s.workload.swf_rows = rows_kept::completed;
  CHECK(arrivals(text, s).size() == 1);
  s.workload.swf_rows = rows_kept::all;
  CHECK(arrivals(text, s).size() == 6);
}

TEST_CASE("a trace without a job for the run is an error that says where they went") {
  auto s = traced();
  s.workload.swf_from = 1h;
  try {
    arrivals(s);
    FAIL("it was taken");
  } catch (data_error const& e) {
    CHECK(says(e.what(), "no job is left of 12 rows: 9 are outside of swf_from, swf_for and the "
                         "run, 3 are not what swf_rows keeps"));
  }
  auto const other = row(13, "4294967296");
  CHECK_THROWS_WITH(arrivals(other, traced()),
                    "t.swf:1:31: group (field 13): '4294967296' is not allowed; allowed: 0 to "
                    "4294967295, or -1");
}

// ---- in a scenario ------------------------------------------------------------------------------

TEST_CASE("a scenario names its trace, and says nothing else about arrivals") {
  auto const trace = "law = \"swf\"\nswf = \"" + sample + "\"\n";
  auto const l = parse(trace + "swf_pace = \"3/2\"\nswf_for = \"2 h\"\nswf_rows = \"all\"\n");
  for (auto const& e : l.errors) FAIL_CHECK(e.str());
  CHECK(l.value.workload.swf_pace == ratio{3, 2});
  CHECK(l.value.workload.swf_for == 2h);
  auto const again = parse_scenario(settings_text(l.value), "again.toml");
  CHECK(again.ok());
  CHECK(settings_text(again.value) == settings_text(l.value));
  CHECK(settings_hash(again.value) == settings_hash(l.value));

  CHECK(says(only_error("law = \"swf\"\n"), "needs workload.swf, the name of a trace"));
  CHECK(says(only_error("law = \"swf\"\nswf = \"no.swf\"\n"),
             "s.toml:4:7: \"no.swf\" is not there, or not a regular file; the name is taken"));
  CHECK(says(only_error("swf = \"no.swf\"\n"),
             "s.toml:3:7: swf means nothing unless law = \"swf\""));
  for (string key : {"jobs = 7", "rate = \"1 / s\"", "service_time = \"2 h\""}) {
    auto const odd = parse(trace + key + "\n");  // as with --set workload.law=swf
    CHECK(odd.ok());
    REQUIRE(odd.warnings.size() == 1);
    CHECK(says(odd.warnings[0].str(), "means nothing for law = \"swf\": the trace says it"));
  }
  CHECK(says(only_error("priorities = 17\n"), "workload.priorities: 17"));
  CHECK(parse("law = \"even\"\npriorities = 4\nrate = \"1 / s\"\n").ok());
}

TEST_CASE("a scenario without a trace writes nothing of traces: its hash stays") {
  auto const hash = [](char const* name) {
    return settings_hash(
        load_scenario(string{HYDRA_SOURCE_DIR} + "/sim/scenarios/" + name + ".toml").value);
  };
  CHECK(hash("hello") == "28b31e4b7bf1");
  CHECK(hash("planet") == "b27babcdc255");
}

TEST_CASE("a trace is sought in the working directory and in HYDRA_TRACES") {
  CHECK(find_trace(sample) == sample);
  CHECK(find_trace("").empty());
  char const* said = std::getenv("HYDRA_TRACES");
  string const before = said == nullptr ? "" : said;
  CHECK(setenv("HYDRA_TRACES", (string{HYDRA_SOURCE_DIR} + "/tests/data").c_str(), 1) == 0);
  CHECK(find_trace("sample.swf") == sample);
  CHECK(find_trace("none.swf").empty());
  CHECK(setenv("HYDRA_TRACES", before.c_str(), 1) == 0);
}
