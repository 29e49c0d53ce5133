#include "../catch.hpp"

#include <hydra/proximity/geographic.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

using namespace hydra;
using namespace hydra::proximity;

namespace {
constexpr cell berlin{38, 9, 51};
constexpr cell sydney{-46, 26, -36};
constexpr cell next_to_berlin{39, 9, 50};
}  // namespace

TEST_CASE("integer distances agree with the chord of doubles") {
  int compared = 0;
  for (int x = -60; x <= 60; x += 15) {
    for (int y = -60; y <= 60; y += 15) {
      for (int z = -60; z <= 60; z += 15) {
        cell const c{static_cast<std::int8_t>(x), static_cast<std::int8_t>(y),
                     static_cast<std::int8_t>(z)};
        if (!c.said()) continue;
        auto const km = static_cast<double>(metres_between(berlin, c)) / 1000;
        double const dot = berlin.x * x + berlin.y * y + berlin.z * z;
        double const lengths = (berlin.x * berlin.x + berlin.y * berlin.y + berlin.z * berlin.z) *
                               static_cast<double>(x * x + y * y + z * z);
        CHECK(std::abs(km - 6371 * std::acos(std::clamp(dot / std::sqrt(lengths), -1.0, 1.0))) < 3);
        CHECK(metres_between(c, berlin) == metres_between(berlin, c));
        ++compared;
      }
    }
  }
  CHECK(compared == 728);
  CHECK(metres_between(berlin, berlin) == 0);
  CHECK(metres_between(berlin, {}) == 0);
  CHECK(metres_between({64, 0, 0}, {-64, 0, 0}) / 1000 == 20015);
}

TEST_CASE("an estimate is a base and a slope until a round trip was measured") {
  testing::recorder env;
  auto view = env.view<geographic>();
  geographic g{{.own = berlin, .base = 10ms, .per_1000_km = 16ms}};
  CHECK(g.estimate(peer{1}, berlin) == 10ms);
  auto const far = g.estimate(peer{1}, sydney);
  CHECK(far > 250ms);
  CHECK(far < 280ms);
  g.observe(view, peer{1}, 300ms);
  CHECK(g.estimate(peer{1}, sydney) == 300ms);
  CHECK(g.estimate(peer{2}, sydney) == far);
  g.observe(view, peer{1}, 380ms);
  CHECK(g.estimate(peer{1}, sydney) == 310ms);
  CHECK(env.take_sent().empty());
}

TEST_CASE("a liar next door is near only until it was measured") {
  testing::recorder env;
  auto view = env.view<geographic>();
  geographic g{{.own = berlin}};
  CHECK(g.estimate(peer{3}, next_to_berlin) < 20ms);
  g.observe(view, peer{3}, 290ms);
  CHECK(g.estimate(peer{3}, next_to_berlin) == 290ms);
}

TEST_CASE("a head that says nothing is of unknown distance") {
  geographic const configured{{.own = berlin, .unknown = 77ms}};
  CHECK(configured.estimate(peer{1}, {}) == 77ms);
  geographic const bare{{.unknown = 77ms}};
  CHECK(bare.estimate(peer{1}, berlin) == 77ms);
}

TEST_CASE("a position is disclosed by opt-in only") {
  CHECK_FALSE(geographic{{.own = berlin}}.disclosed().said());
  CHECK(geographic{{.own = berlin, .disclose = true}}.disclosed() == berlin);
  CHECK_FALSE(uniform{}.disclosed().said());
}

TEST_CASE("sixteen heads are remembered, the one measured first gives way") {
  testing::recorder env;
  auto view = env.view<geographic>();
  geographic g{{.unknown = 1s}};
  for (std::uint32_t i = 0; i < 17; ++i) g.observe(view, peer{i}, (i + 1) * 1ms);
  CHECK(g.measured() == 16);
  CHECK(g.estimate(peer{0}, {}) == 1s);
  CHECK(g.estimate(peer{1}, {}) == 2ms);
  CHECK(g.estimate(peer{16}, {}) == 17ms);
  g.observe(view, peer{17}, 18ms);
  CHECK(g.estimate(peer{1}, {}) == 1s);
}

TEST_CASE("absurd measurements are bounded or ignored") {
  testing::recorder env;
  auto view = env.view<geographic>();
  geographic g{{.unknown = 1s}};
  g.observe(view, peer{1}, -5ms);
  g.observe(view, peer{}, 5ms);
  CHECK(g.measured() == 0);
  g.observe(view, peer{1}, 100h);
  CHECK(g.estimate(peer{1}, {}) == 10s);
}

// The figures of docs/concepts/proximity.md: with how many inhabitants somebody who discloses a
// cell shares it, by the 24,323 cities of sim/data/places.csv.
TEST_CASE("a coarser cell is shared by more") {
  struct place {
    cell where;
    std::int64_t inhabitants;
  };
  std::vector<place> places;
  std::ifstream in{std::string{HYDRA_SOURCE_DIR} + "/sim/data/places.csv"};
  std::string line;
  std::getline(in, line);
  REQUIRE(line == "name,country,region,x,y,z,population");
  while (std::getline(in, line)) {
    std::istringstream fields{line};
    std::string word;
    for (int i = 0; i < 3; ++i) std::getline(fields, word, ',');
    std::int64_t numbers[4] = {};
    for (auto& n : numbers) {
      std::getline(fields, word, ',');
      n = std::stoll(word);
    }
    auto const of = [](std::int64_t x) {
      return static_cast<std::int8_t>(std::floor(static_cast<double>(x) * 64 / 32767 + 0.5));
    };
    places.push_back({{of(numbers[0]), of(numbers[1]), of(numbers[2])}, numbers[3]});
  }
  CHECK(places.size() == 24'323);
  constexpr std::int64_t shared_by_all_but_1_percent[] = {33'817,  74'002,    191'290,
                                                          643'834, 1'936'781, 4'763'419};
  for (std::uint8_t coarser = 0; coarser <= coarser_max; ++coarser) {
    CAPTURE(coarser);
    std::map<std::tuple<int, int, int>, std::int64_t> cells;
    std::int64_t everybody = 0;
    for (auto const& p : places) {
      auto const c = snapped(p.where, coarser);
      cells[{c.x, c.y, c.z}] += p.inhabitants;
      everybody += p.inhabitants;
    }
    std::vector<std::int64_t> sizes;
    for (auto const& [_, n] : cells) sizes.push_back(n);
    std::sort(sizes.begin(), sizes.end());
    std::int64_t sum = 0;
    auto const first = std::find_if(sizes.begin(), sizes.end(), [&](std::int64_t n) {
      sum += n;
      return sum * 100 >= everybody;
    });
    CHECK(*first == shared_by_all_but_1_percent[coarser]);
  }
}

TEST_CASE("sizes of proximity") {
  CHECK(sizeof(uniform) == 8);
  CHECK(sizeof(geographic) == 168);
}
