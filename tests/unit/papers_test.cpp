// The harness of papers/: parameters, statistics, verdicts, and what is said of a broken folder.
#include "../catch.hpp"
#include "../folder.hpp"

#include "../../papers/harness/folder.hpp"
#include "../../papers/harness/judge.hpp"
#include "../../papers/harness/plot.hpp"
#include "../../papers/harness/stored.hpp"
#include "../../papers/harness/text.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

using namespace hydra::papers;
namespace fs = std::filesystem;

namespace {

class scratch {
 public:
  scratch() {
    fs::create_directory(here_.path / "fake");
    write("scenario.toml", "[scenario]\nseeds = 4\npeers = 100\nrates = [0.1, 0.2]\n"
                           "[small]\npeers = 10\n"
                           "[[plot]]\ntitle = 'a <b>'\ntable = 't'\ncolumns = ['c']\n");
    write("published.csv", "table,row,column,value,low,high,mark,note\n"
                           "t,1,c,5,4,6,printed,\n"
                           "t,2,c,5,4.9,5.1,computed,a note\n"
                           "t,3,c,,,,resimulated,\n"
                           "t,4,c,1,,,memory,\n");
    write("README.md", "Umlaute dürfen sein,\r\n\tauch Tabulatoren.\n");
  }
  [[nodiscard]] fs::path file(char const* name) const { return here_.path / "fake" / name; }
  void write(char const* name, std::string const& text) const {
    here_.file("fake/" + std::string{name}, text);
  }
  [[nodiscard]] paper_folder read() const {
    return read_folder(here_.path.string(), {"fake", "0", "fake", "", "", nullptr});
  }
  [[nodiscard]] std::string complaint() const {
    try {
      static_cast<void>(read());
    } catch (paper_error const& e) {
      return e.what();
    }
    return "";
  }

 private:
  folder here_;
};

// Somewhere else than what the environment says.
class variable {
 public:
  variable(char const* name, char const* value) : name_{name} {
    if (auto const* is = std::getenv(name)) was_ = is;
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~variable() { was_ ? ::setenv(name_, was_->c_str(), 1) : ::unsetenv(name_); }
  variable(variable const&) = delete;
  variable& operator=(variable const&) = delete;

 private:
  char const* name_;
  std::optional<std::string> was_;
};

std::string text_of(fs::path const& file) {
  std::ostringstream out;
  out << std::ifstream{file}.rdbuf();
  return out.str();
}

sheet one(double first, double second) {
  sheet s;
  s.measured("t", "1", "c", first);
  s.measured("t", "2", "c", second);
  s.measured("t", "9", "c", 1);
  return s;
}

}  // namespace

TEST_CASE("a paper's parameters come from its scenario; a small run changes what [small] says",
          "[papers]") {
  scratch const at;
  auto const folder = at.read();
  CHECK(folder.seeds(false) == 4);
  CHECK(folder.seeds(true) == 4);
  CHECK(folder.made(7, false).integer("peers") == 100);
  CHECK(folder.made(7, true).integer("peers") == 10);
  CHECK(folder.made(7, true).seed() == 7);
  CHECK(folder.made(7, true).numbers("rates") == std::vector<double>{0.1, 0.2});
  CHECK_THROWS_AS(folder.made(7, true).number("rates"), paper_error);
  CHECK_THROWS_AS(folder.made(7, true).number("nothing"), paper_error);
  CHECK(folder.plots.size() == 1);
  CHECK(folder.published.size() == 4);
}

TEST_CASE("a cell is inside, a known miss, failed, reported or not run", "[papers]") {
  scratch const at;
  at.write("misses.csv", "table,row,column,reason\nt,2,c,the text gives no seed\n");
  auto folder = at.read();
  std::vector<sheet> const runs{one(5.1, 6.0), one(5.3, 6.2)};
  auto cells = judge(folder.published, runs);
  REQUIRE(cells.size() == 5);
  CHECK(cells[0].verdict == finding::inside);
  CHECK(cells[0].mean == Approx(5.2));
  CHECK(cells[0].half_interval == Approx(12.706 * 0.1).epsilon(0.001));  // s/sqrt(2) = 0.1
  CHECK(cells[1].verdict == finding::miss);
  CHECK(cells[2].verdict == finding::not_run);
  CHECK(cells[3].verdict == finding::not_run);
  CHECK(cells[4].verdict == finding::reported);
  CHECK_FALSE(cells[4].is_published);

  folder.published[1].known_miss.clear();
  CHECK(judge(folder.published, runs)[1].verdict == finding::failed);
  std::vector<sheet> const wrong{one(std::nan(""), 5.0)};
  CHECK(judge(folder.published, wrong)[0].verdict == finding::failed);
  CHECK(judge(folder.published, {})[0].verdict == finding::not_run);
}

TEST_CASE("a cell that was not measured has failed, unless somebody says why", "[papers]") {
  scratch const at;
  auto folder = at.read();
  folder.published[2].note = "printed on page 3; not run: needs a graph";
  std::vector<sheet> const runs{one(5.1, 6.0), one(5.3, 6.2)};
  auto cells = judge(folder.published, runs);
  demand_reasons(cells);
  CHECK(cells[0].verdict == finding::inside);
  CHECK(cells[2].verdict == finding::not_run);
  CHECK(cells[3].verdict == finding::failed);
  judged_paper p;
  p.cells = cells;
  CHECK_THAT(as_table(p, false), Catch::Contains("nothing measured it") &&
                                     Catch::Contains("1 not run"));

  cells = judge(folder.published, runs);
  add_lacks(cells, {{"t", "4", "c", "no data"}});
  demand_reasons(cells);
  CHECK(cells[3].verdict == finding::not_run);

  cells = judge(folder.published, runs);  // a short run: what has a reason needs none
  leave_to_full(cells, {});
  CHECK(cells[2].verdict == finding::not_run);
  CHECK(cells[3].verdict == finding::left_out);
}

TEST_CASE("every parameter of every paper is read, before anything is computed", "[papers]") {
  for (auto const& p : all_papers()) {
    for (bool const small : {false, true}) {
      CAPTURE(p.name, small);
      auto const made = read_folder(HYDRA_SOURCE_DIR "/papers", p).made(1, small);
      CHECK_FALSE(made.unread().empty());
      p.read(made);
      CHECK(made.unread() == std::vector<std::string>{"seeds"});
    }
  }
}

TEST_CASE("what is known to miss does miss", "[papers]") {
  for (auto const& p : all_papers()) {
    CAPTURE(p.name);
    for (auto const& c : stored_paper(p, read_folder(HYDRA_SOURCE_DIR "/papers", p)).cells) {
      CAPTURE(c.what.table, c.what.row, c.what.column);
      CHECK((c.what.known_miss.empty() || c.verdict == finding::miss));
    }
  }
}

TEST_CASE("half intervals are Student's", "[papers]") {
  CHECK(student(1) == Approx(12.706));
  CHECK(student(9) == Approx(2.262));
  CHECK(student(40) == Approx(2.021).margin(0.003));
  CHECK(student(120) == Approx(1.980).margin(0.003));
  CHECK(student(100'000) == Approx(1.96));
}

TEST_CASE("what is wrong with a paper's folder is said with file and line", "[papers]") {
  scratch const at;
  SECTION("no scenario") {
    at.write("scenario.toml", "[scenario]\nseeds = \n");
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:2"));
  }
  SECTION("a section that is none") {
    at.write("scenario.toml", "[scenario]\nseeds = 1\n[samll]\n");
    CHECK_THAT(at.complaint(), Catch::Contains("[samll]: allowed: [scenario]"));
  }
  SECTION("a small value that is none of the scenario") {
    at.write("scenario.toml", "[scenario]\nseeds = 1\n[small]\npeer = 3\n");
    CHECK_THAT(at.complaint(), Catch::Contains("peer is not a key of [scenario]"));
  }
  SECTION("text where a number belongs") {
    at.write("scenario.toml", "[scenario]\nseeds = 'two'\n");
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:2:9: seeds: 'two' is not allowed"));
  }
  SECTION("a mark that is none") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,4,6,seen,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("published.csv") && Catch::Contains("seen"));
  }
  SECTION("a cell without a name") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\n,,,1,,,printed,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("published.csv:2") &&
                                   Catch::Contains("a table, a row and a column"));
  }
  SECTION("a range upside down") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,6,4,printed,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("low at most high"));
  }
  SECTION("a range for what is quoted from memory") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,4,,memory,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("published.csv:2: 'memory' is not allowed"));
  }
  SECTION("a miss of a cell that nobody published") {
    at.write("misses.csv", "table,row,column,reason\nt,7,c,why\n");
    CHECK_THAT(at.complaint(), Catch::Contains("a cell of published.csv"));
  }
}

TEST_CASE("bytes that are no text are refused with file and line", "[papers]") {
  scratch const at;
  std::string const allowed = "' is not allowed; allowed: text in UTF-8 without control characters";
  auto const refused = [&](char const* file, std::string const& text, std::string const& where) {
    CAPTURE(file, where);
    at.write(file, text);
    CHECK_THAT(at.complaint(), Catch::Contains(file + where + allowed));
  };
  using namespace std::string_literals;
  SECTION("published.csv") {
    auto const head = "table,row,column,value,low,high,mark,note\nt,1,c,5,4,6,printed,\n"s;
    at.write("published.csv", head + "t,2,c,5,4,6,printed,ä ≥ 𝄞\n");
    CHECK(at.complaint().empty());
    refused("published.csv", head + "t,2,c,5,4,6,printed,a\xff\n", ":3: 'a\\xff");
    refused("published.csv", head + "t\x1b[2J,2,c,5,4,6,printed,\n", ":3: 't\\x1b[2J");
    refused("published.csv", head + "t,2\0,c,5,4,6,printed,\n"s, ":3: '2\\x00");
    refused("published.csv", head + "t,2,c\t,5,4,6,printed,\n", ":3: 'c\\x09");
    for (std::string const odd : {"\x7f", "\xc2\x9b", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                  "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xe2\x89", "\x80",
                                  "\r x"}) {
      at.write("published.csv", head + "t,2,c,5,4,6,printed," + odd + "\n");
      CHECK_THAT(at.complaint(), Catch::Contains("published.csv:3: '\\x") &&
                                     Catch::Contains(allowed));
    }
  }
  SECTION("results.csv") {
    refused("results.csv", std::string{results_header} + "\nt,1,c\xff,5,4,6,5,0,2,inside\n",
            ":2: 'c\\xff");
  }
  SECTION("misses.csv") {
    refused("misses.csv", "table,row,column,reason\nt,2,c,why\x07\n", ":2: 'why\\x07");
  }
  SECTION("README.md") {
    refused("README.md", "good\nnot \x1b[31mgood\n", ":2: '\\x1b[31mgood");
    refused("README.md", "\n\nnot good: \xe4", ":3: '\\xe4");
  }
  SECTION("scenario.toml, spelled out") {
    at.write("scenario.toml", "[scenario]\nseeds = 1\n[[plot]]\ntable = 't'\ncolumns = ['c']\n"
                              "title = \"a\\u001b[2J\"\n");
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:6:9: title: 'a\\x1b[2J" + allowed));
  }
}

TEST_CASE("seeds are a whole number from 1 to 10000, in both sizes", "[papers]") {
  scratch const at;
  for (std::string const bad : {"nan", "inf", "1.5", "0", "-1", "10001", "true"}) {
    CAPTURE(bad);
    auto const said = "seeds: '" + bad +
                      "' is not allowed; allowed: a whole number from 1 to 10000";
    at.write("scenario.toml", "[scenario]\nseeds = " + bad + "\n");
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:2:9: " + said));
    at.write("scenario.toml", "[scenario]\nseeds = 1\n[small]\nseeds = " + bad + "\n");
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:4:9: " + said));
  }
  at.write("scenario.toml", "[scenario]\nseeds = [4]\n");
  CHECK_THAT(at.complaint(), Catch::Contains("seeds: '(a list)' is not allowed"));
  at.write("scenario.toml", "[scenario]\nseeds = 10000\n[small]\nseeds = 2.0\n");
  CHECK(at.read().seeds(false) == 10'000);
  CHECK(at.read().seeds(true) == 2);
}

TEST_CASE("what a scenario says and nobody reads is refused with its line", "[papers]") {
  scratch const at;
  auto const plot = [&](std::string const& line, std::string const& complaint) {
    CAPTURE(line);
    at.write("scenario.toml", "[scenario]\nseeds = 1\n[[plot]]\n" + line + "\n" +
                                  (line.starts_with("table") ? "" : "table = 't'\n") +
                                  (line.starts_with("columns") ? "" : "columns = ['c']\n"));
    if (complaint.empty()) CHECK(at.complaint().empty());
    else CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:4:" + complaint));
  };
  plot("x = 'row'", "");
  plot("x = 'column'", "5: x: 'column' is not allowed; allowed: \"row\"");
  plot("titel = 'a'", "9: [[plot]] titel: allowed: title, table, x, columns");
  plot("title = 5", "9: title: '5' is not allowed");
  plot("table = 5", "9: table: '5' is not allowed");
  plot("x_label = true", "11: x_label: 'true' is not allowed");
  plot("y_label = []", "11: y_label: '(a list)' is not allowed");
  plot("log_x = 'yes'", "9: log_x: 'yes' is not allowed; allowed: true, false");
  plot("log_y = 1", "9: log_y: '1' is not allowed; allowed: true, false");
  plot("columns = [1, 2]", "12: columns: '1' is not allowed");
  plot("columns = 'c'", "11: columns: 'c' is not allowed; allowed: a list");
  plot("table = 'u'", "9: table: 'u' is not allowed; allowed: a table of published.csv");
  plot("columns = ['c', 'd']", "17: columns: 'd' is not allowed; allowed: columns of 't'");
  at.write("results.csv", std::string{results_header} + "\nt,1,d,,,,5,0,2,reported\n");
  plot("columns = ['c', 'd']", "");  // ours alone can be drawn as well

  auto const whole = [&](std::string const& text, std::string const& complaint) {
    CAPTURE(text);
    at.write("scenario.toml", text);
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:" + complaint));
  };
  whole("scenario = 3\n", "1:12: scenario: '3' is not allowed; allowed: a table");
  whole("small = [1]\n[scenario]\nseeds = 1\n", "1:9: small: '(a list)' is not allowed");
  whole("plot = 3\n[scenario]\nseeds = 1\n", "1:8: plot: '3' is not allowed");
  whole("[scenario]\nseeds = 1\n[plot]\ntable = 't'\n", "3:1: plot: '(a table)' is not allowed");
  whole("[scenario]\nseeds = 1\n[small]\npeer = 3\n", "4:8: [small] peer is not a key");
}

TEST_CASE("a paper without any cell may plan its plots before the first run", "[papers]") {
  scratch const at;
  at.write("published.csv", "table,row,column,value,low,high,mark,note\n");
  CHECK(at.complaint().empty());
}

TEST_CASE("a miss names a published cell once, and says why", "[papers]") {
  scratch const at;
  auto const refused = [&](std::string const& lines, std::string const& complaint) {
    CAPTURE(lines);
    at.write("misses.csv", "table,row,column,reason\n" + lines);
    CHECK_THAT(at.complaint(), Catch::Contains("misses.csv:" + complaint));
  };
  refused("t,2,c,why\nt,2,c,because\n", "3: 'c' is not allowed; allowed: each cell once");
  refused("t,2,c,\n", "2: '' is not allowed; allowed: a reason");
  refused("t,2,c,  \n", "2: '  ' is not allowed; allowed: a reason");
  refused("t,3,c,why\n", "2: 'c' is not allowed; allowed: a cell of published.csv that has a");
  refused("t,2,c,why\nt,2,d,why\n", "3: 'd' is not allowed; allowed: a cell of published.csv");
}

TEST_CASE("what is no regular file is neither waited for nor passed over", "[papers]") {
  scratch const at;
  std::string const said = ": is not there, or not a regular file";
  for (auto const* name : {"scenario.toml", "published.csv", "README.md", "misses.csv",
                           "results.csv"}) {
    CAPTURE(name);
    auto const file = at.file(name);
    bool const needed = fs::exists(file);
    auto const kept = text_of(file);
    auto const complains = [&] {
      CHECK(at.complaint() == file.string() + said);
      fs::remove(file);
    };
    fs::remove(file);
    if (needed) complains();
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    complains();
    fs::create_directory(file);
    complains();
    fs::create_symlink("/dev/zero", file);
    complains();
    fs::create_symlink(file.filename(), file);  // leads to itself
    complains();
    fs::create_symlink("nowhere", file);
    complains();
    if (needed) at.write(name, kept);
  }
  CHECK(at.complaint().empty());
}

TEST_CASE("what a terminal is sent holds no control character", "[papers]") {
  CHECK(plain("Käse ≥ 𝄞") == "Käse ≥ 𝄞");
  CHECK(plain("a\x1b[2J\n\x7f\xc2\x9b\xff") == R"(a\x1b[2J\x0a\x7f\xc2\x9b\xff)");
  CHECK(plain(plain("\xff")) == plain("\xff"));
  judged_paper p;
  p.stored = "/tmp/\x1b[2J\xff/results.csv";
  CHECK_THAT(as_table(p, false), Catch::Contains(R"(/tmp/\x1b[2J\xff/results.csv)"));
  CHECK_NOTHROW(as_json(std::vector<judged_paper>{p}));  // a path may hold any byte
}

TEST_CASE("plots, tables and the page show both sides and escape what they are given",
          "[papers]") {
  scratch const at;
  auto const folder = at.read();
  judged_paper p{{"fake", "0", "fake", "A & B", "ref", nullptr}, false, 2, 1, 0.5,
                 judge(folder.published, std::vector<sheet>{one(5, 6), one(5, 7)}),
                 folder.plots, "settled <so>"};
  auto const svg = plot_svg(p.plots[0], p.cells);
  CHECK_THAT(svg, Catch::Contains("a &lt;b&gt;") && Catch::Contains("ours 5 ") &&
                      Catch::Contains("published 5<"));
  auto const page = as_page(std::vector<judged_paper>{p});
  CHECK_THAT(page, Catch::Contains("A &amp; B") && Catch::Contains("settled &lt;so&gt;") &&
                       Catch::Contains("class='failed'"));
  auto const json = as_json(std::vector<judged_paper>{p});
  CHECK_THAT(json, Catch::Contains("\"verdict\": \"failed\"") && Catch::Contains("\"inside\": 1"));
  CHECK_THAT(as_csv(p), Catch::Contains("t,1,c,5,4,6,5,0,2,inside"));
}

TEST_CASE("a paper is named with - or _, or by its folder", "[papers]") {
  for (auto const& p : all_papers()) CHECK(paper_named(p.name) == &p);
  CHECK(paper_named("s_kademlia") == paper_named("s-kademlia"));
  CHECK(paper_named("chord_proximity") != nullptr);
  for (auto const& p : all_papers()) CHECK(paper_named(p.folder) == &p);
  CHECK(paper_named("hydra-discovery") == paper_named("discovery"));
  CHECK(paper_named("kademlia") == nullptr);
  CHECK(paper_named("") == nullptr);
}

TEST_CASE("what a short run leaves out is not what could not be run", "[papers]") {
  scratch const at;
  auto const folder = at.read();
  std::vector<sheet> const runs{one(5, 5)};
  auto cells = judge(folder.published, runs);
  add_lacks(cells, {{"t", "4", "c", "no data"}, {"ring", "flood", "success", "no data"}});
  REQUIRE(cells.size() == 6);
  CHECK(cells[5].verdict == finding::not_run);
  CHECK_FALSE(cells[5].is_published);

  auto stored = measured_by(runs);  // of the full size, which has no value of row 3 either
  leave_to_full(cells, stored);
  CHECK(cells[2].verdict == finding::not_run);
  stored.push_back({"t", "3", "c", 2, 1.0, 0.1});
  stored.push_back({"t", "4", "c", 2, 1.0, 0.1});
  leave_to_full(cells, stored);
  CHECK(cells[2].verdict == finding::left_out);
  CHECK(cells[3].verdict == finding::not_run);  // its data is missing in any size
  CHECK(cells[5].verdict == finding::not_run);

  judged_paper p;
  p.cells = cells;
  auto const table = as_table(p, false);
  CHECK_THAT(table, Catch::Contains("2 not run, 1 left to the full size"));
  CHECK_THAT(table, Catch::Contains("not run, 1 rows: ring: no data"));
  auto const json = as_json(std::vector<judged_paper>{p});
  CHECK_THAT(json, Catch::Contains("\"left_out\": 1") && Catch::Contains("\"not_run\": 2") &&
                       Catch::Contains("\"reason\": \"no data\""));
}

TEST_CASE("the study says before it runs that it lacks the real ring", "[papers]") {
  auto const* study = paper_named("discovery");
  REQUIRE(study != nullptr);
  REQUIRE(study->lacks != nullptr);
  auto const folder = read_folder(HYDRA_SOURCE_DIR "/papers", *study);
  {
    variable const none{"HYDRA_DATASETS", nullptr};
    auto const lacks = study->lacks(folder.made(1, false));
    REQUIRE(lacks.size() == folder.full.at("policies").size());
    CHECK(lacks[0].table == "skype real ring");
    CHECK(lacks[0].row == "kademlia");
    CHECK(lacks[0].why == "HYDRA_DATASETS names no folder");
    CHECK(study->lacks(folder.made(1, true)).empty());  // the short form has no such world
  }
  variable const empty{"HYDRA_DATASETS", "/nonexistent"};
  auto const lacks = study->lacks(folder.made(1, false));
  REQUIRE_FALSE(lacks.empty());
  CHECK(lacks[0].why == "/nonexistent/trust/bitcoin_otc.csv.gz is not there");
}

TEST_CASE("HYDRA_PAPERS that names no folder is an error", "[papers]") {
  variable const nowhere{"HYDRA_PAPERS", "/nonexistent"};
  CHECK_THROWS_AS(papers_folder(), paper_error);
}

TEST_CASE("results are read as they were written, and judged anew", "[papers]") {
  scratch const at;
  paper const fake{"fake", "0", "fake", "A", "ref", nullptr};
  auto folder = at.read();
  CHECK(read_results(folder).empty());
  CHECK(stored_paper(fake, folder).count(finding::not_run) == 4);

  judged_paper p;
  p.cells = judge(folder.published, std::vector<sheet>{one(5, 6), one(5.5, 7)});
  demand_reasons(p.cells);
  at.write("results.csv", as_csv(p));
  auto const stored = stored_paper(fake, folder);
  CHECK(as_csv(stored) == as_csv(p));
  CHECK(stored.seeds == 2);
  CHECK(stored.cells[0].mean == Approx(5.25));
  CHECK_THAT(as_table(stored, true), Catch::Contains("scenario.toml") &&
                                         Catch::Contains("results.csv") &&
                                         Catch::Contains("[4, 6]"));
  CHECK_THAT(as_json(std::vector<judged_paper>{stored}),
             Catch::Contains("\"results\": \"") && !Catch::Contains("\"seconds\""));
  folder.published[0].high = 5.1;
  CHECK(stored_paper(fake, folder).cells[0].verdict == finding::failed);

  at.write("results.csv", std::string{results_header} + "\nt,1,c,5,4,6,many,0,2,inside\n");
  CHECK_THROWS_WITH(read_results(folder), Catch::Contains("results.csv:2: 'many'"));
  at.write("results.csv", std::string{results_header} + "\nt,1,c,5,4,6,\x1b[2J\xff,0,2,inside\n");
  CHECK_THROWS_WITH(read_results(folder), Catch::Contains(R"(results.csv:2: '\x1b[2J\xff')"));
  std::string const row = "t,1,c,5,4,6,5,0,2,inside\n";
  at.write("results.csv", std::string{results_header} + "\n" + row + row);
  CHECK_THROWS_WITH(read_results(folder), Catch::Contains("results.csv:3: '1'") &&
                                              Catch::Contains("each cell once"));
}

TEST_CASE("a stored table may end its lines as Windows does; what is broken in it is named",
          "[papers]") {
  scratch const at;
  auto const folder = at.read();
  auto const store = [&](std::string const& line) {
    at.write("results.csv", std::string{results_header} + "\n" + line + "\n");
  };
  at.write("results.csv", std::string{results_header} + "\r\nt,1,c,5,4,6,5,0,2,inside\r\n");
  CHECK(read_results(folder).size() == 1);
  store("t,1,c,5,4");
  CHECK_THROWS_WITH(read_results(folder), Catch::Contains("results.csv:2: '(5 fields)'") &&
                                              Catch::Contains("ten fields"));
  store("t,1,c,5,4,6,5,-1,2,inside");
  CHECK_THROWS_WITH(read_results(folder), Catch::Contains("'-1'"));
  store("t,1,c,5,4,6,5,0,2,great");
  CHECK_THROWS_WITH(read_results(folder),
                    Catch::Contains("'great'") && Catch::Contains("left to the full size"));
  store("t,1,c,5,4,6,,,0,not run");
  CHECK(read_results(folder).size() == 1);
}

TEST_CASE("what is stored of every paper agrees with what was published", "[papers]") {
  for (auto const& p : all_papers()) {
    CAPTURE(p.name);
    auto const folder = read_folder(HYDRA_SOURCE_DIR "/papers", p);
    CHECK(as_csv(stored_paper(p, folder)) == text_of(folder.file("results.csv")));
  }
}

TEST_CASE("a row that is no number is not drawn among numbers", "[papers]") {
  plot_request want{"p", "t", {"c"}, "x", "y", true, false};
  std::vector<published_cell> const none;
  sheet s;
  s.measured("t", "10", "c", 1);
  s.measured("t", "100", "c", 2);
  s.measured("t", "slope", "c", 77);
  auto const circles = [&](std::vector<judged_cell> const& cells) {
    std::size_t n = 0;
    auto const svg = plot_svg(want, cells);
    for (auto at = svg.find("ours "); at != std::string::npos; at = svg.find("ours ", at + 1)) ++n;
    return n;
  };
  auto const cells = judge(none, std::vector<sheet>{s});
  CHECK(circles(cells) == 2);
  CHECK_THAT(plot_svg(want, cells), !Catch::Contains("slope") && !Catch::Contains("ours 77"));
  want.log_x = false;  // most rows are numbers
  CHECK(circles(cells) == 2);
  sheet names;
  names.measured("t", "SWIM", "c", 1);
  names.measured("t", "Buddy", "c", 2);
  CHECK(circles(judge(none, std::vector<sheet>{names})) == 2);
}
