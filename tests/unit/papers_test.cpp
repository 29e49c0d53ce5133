// The harness of papers/: parameters, statistics, verdicts, and what is said of a broken folder.
#include "../catch.hpp"

#include "../../papers/harness/folder.hpp"
#include "../../papers/harness/judge.hpp"
#include "../../papers/harness/plot.hpp"
#include "../../papers/harness/text.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace hydra::papers;
namespace fs = std::filesystem;

namespace {

class scratch {
 public:
  scratch() {
    std::string name = (fs::temp_directory_path() / "hydra-papers-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::create_directory(root_ / "fake");
    write("scenario.toml", "[scenario]\nseeds = 4\npeers = 100\nrates = [0.1, 0.2]\n"
                           "[small]\npeers = 10\n"
                           "[[plot]]\ntitle = 'a <b>'\ntable = 't'\ncolumns = ['c']\n");
    write("published.csv", "table,row,column,value,low,high,mark,note\n"
                           "t,1,c,5,4,6,printed,\n"
                           "t,2,c,5,4.9,5.1,computed,a note\n"
                           "t,3,c,,,,resimulated,\n"
                           "t,4,c,1,,,memory,\n");
  }
  ~scratch() { fs::remove_all(root_); }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  void write(char const* name, std::string const& text) const {
    std::ofstream{root_ / "fake" / name} << text;
  }
  [[nodiscard]] paper_folder read() const {
    return read_folder(root_.string(), {"fake", "0", "fake", "", "", nullptr});
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
  fs::path root_;
};

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
    CHECK_THAT(at.complaint(), Catch::Contains("scenario.toml:2:9: seeds: allowed: a number"));
  }
  SECTION("a mark that is none") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,4,6,seen,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("published.csv") && Catch::Contains("seen"));
  }
  SECTION("a range upside down") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,6,4,printed,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("low at most high"));
  }
  SECTION("a miss of a cell that nobody published") {
    at.write("misses.csv", "table,row,column,reason\nt,7,c,why\n");
    CHECK_THAT(at.complaint(), Catch::Contains("a cell of published.csv"));
  }
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
  SECTION("a range for what is quoted from memory") {
    at.write("published.csv", "table,row,column,value,low,high,mark,note\nt,1,c,5,4,,memory,\n");
    CHECK_THAT(at.complaint(), Catch::Contains("published.csv:2: 'memory' is not allowed"));
  }
