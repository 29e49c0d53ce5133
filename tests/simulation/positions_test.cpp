// Where Hydras live: real cities by population, in an order that fills space.
#include "catch.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/positions.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

using namespace hydra;
using namespace hydra::sim;

namespace {

atlas const& world_map() {
  static atlas const map = atlas::load();
  return map;
}

}  // namespace

TEST_CASE("the atlas holds every city of GeoNames above 15,000 inhabitants") {
  auto const& map = world_map();
  CHECK(map.places().size() == 24'323);
  CHECK(map.population() > 2'700'000'000U);
  auto const shanghai = map.find("Shanghai", "CN");
  REQUIRE(shanghai.has_value());
  CHECK(map.places()[*shanghai].region == region::asia);
  for (auto const& p : map.places()) {
    double const length = std::sqrt(static_cast<double>(p.at.x * p.at.x + p.at.y * p.at.y) +
                                    static_cast<double>(p.at.z * p.at.z));
    if (std::fabs(length / unit16_one - 1) > 1e-4) FAIL("not a unit vector");
  }
}

TEST_CASE("great circles are right to a kilometre or a thousandth") {
  auto const& map = world_map();
  auto const km = [&](char const* a, char const* b) {
    return great_circle_km(map.places()[*map.find(a)].at, map.places()[*map.find(b)].at);
  };
  CHECK(km("London", "Paris") == Approx(344).margin(3));
  CHECK(km("Berlin", "Sydney") == Approx(16'090).margin(20));
  unit16 const pole{0, 0, 32767};
  unit16 const other{0, 0, -32767};
  unit16 const equator{32767, 0, 0};
  CHECK(great_circle_km(pole, other) == Approx(20'015.09).margin(0.1));
  CHECK(great_circle_km(pole, equator) == Approx(10'007.54).margin(0.1));
  CHECK(great_circle_km(pole, pole) == 0);
}

TEST_CASE("placing is a function of the seed alone, and bigger cities get more Hydras") {
  placement const how{.sites = 20'000, .heads_per_site = 1, .seed = 11};
  positions const a{world_map(), how};
  positions const b{world_map(), how};
  positions const c{world_map(), {.sites = 20'000, .heads_per_site = 1, .seed = 12}};
  CHECK(std::equal(a.sites().begin(), a.sites().end(), b.sites().begin()));
  CHECK_FALSE(std::equal(a.sites().begin(), a.sites().end(), c.sites().begin()));
  auto const shanghai = *world_map().find("Shanghai", "CN");
  auto const count = static_cast<double>(
      std::count_if(a.sites().begin(), a.sites().end(),
                    [&](site const& s) { return s.place == shanghai; }));
  auto const expected = 20'000.0 * world_map().places()[shanghai].population /
                        static_cast<double>(world_map().population());
  CHECK(count == Approx(expected).margin(4 * std::sqrt(expected)));
}

TEST_CASE("the choice itself does not drift: same integers with every compiler") {
  positions const where{world_map(), {.sites = 1'000, .heads_per_site = 1, .seed = 1}};
  std::uint64_t digest = 0;
  for (auto const& s : where.sites()) digest = mix64(digest ^ (s.place * 8U + s.provider));
  CHECK(digest == 0x0c2ca33eee57bfe5U);
}

TEST_CASE("peers are numbered region by region, city by city, and neighbours are near") {
  positions const where{world_map(), {.sites = 5'000, .heads_per_site = 2, .seed = 3}};
  REQUIRE(where.size() == 10'000);
  std::uint32_t covered = 0;
  for (std::size_t r = 0; r < world_regions.size(); ++r) {
    auto const range = where.range_of(static_cast<region>(r));
    CHECK(range.first == covered);
    covered = range.last;
    for (auto i = range.first; i < range.last; ++i)
      if (where.region_of(peer{i}) != static_cast<region>(r)) FAIL("outside its region");
  }
  CHECK(covered == where.size());
  double next = 0;
  double far = 0;
  for (std::uint32_t i = 0; i + 2'000 < where.size(); i += 2) {
    next += great_circle_km(where.place_of(peer{i}).at, where.place_of(peer{i + 2}).at);
    far += great_circle_km(where.place_of(peer{i}).at, where.place_of(peer{i + 2'000}).at);
  }
  CHECK(next * 20 < far);
}

TEST_CASE("heads of a site share place, group and netgroup; cities have several networks") {
  positions const where{world_map(), {.sites = 2'000, .heads_per_site = 3, .seed = 6}};
  CHECK(where.group(peer{0}) == where.group(peer{2}));
  CHECK(where.group(peer{2}) != where.group(peer{3}));
  CHECK(where.netgroup_of(peer{0}) == where.netgroup_of(peer{2}));
  auto const tokyo = world_map().find("Tokyo", "JP");
  REQUIRE(tokyo.has_value());
  std::uint32_t networks = 0;
  for (auto const& s : where.sites())
    if (s.place == *tokyo) networks |= 1U << s.provider;
  CHECK((networks & (networks - 1)) != 0);
  for (std::uint32_t i = 0; i < where.size(); ++i)
    if (where.netgroup_of(peer{i}).value == 0) FAIL("zero means: not known");
}

TEST_CASE("a malformed list of places is an error that names file, line, value and allowed") {
  std::string const path = "positions_test_places.csv";
  auto const message = [&](char const* row) -> std::string {
    std::ofstream{path} << "name,country,region,x,y,z,population\n" << row << '\n';
    try {
      static_cast<void>(atlas::load(path));
    } catch (data_error const& e) {
      return e.what();
    }
    return "no error";
  };
  CHECK(message("A,DE,atlantis,1,2,3,4") ==
        path + ":2: 'atlantis' is not allowed; allowed: africa asia europe north_america oceania "
               "south_america");
  CHECK(message("A,DE,europe,1,2,40000,4") ==
        path + ":2: '40000' is not allowed; allowed: an integer from -32767 to 32767");
  CHECK(message("A,DEU,europe,1,2,3,4").find("two letters") != std::string::npos);
  CHECK(message("A,DE,europe,1,2").find("at least") != std::string::npos);
  std::remove(path.c_str());
}
