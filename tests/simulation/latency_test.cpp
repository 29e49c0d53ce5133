// The planet's latency: fitted to azure54, violating triangles like planetlab490, never faster
// than light. Each test names the claim it checks.
#include "catch.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/fits.hpp>
#include <hydra/sim/latency.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace hydra;
using namespace hydra::sim;

namespace {

atlas const& world_map() {
  static atlas const map = atlas::load();
  return map;
}

latency_report const& report() {
  static latency_report const r = study_latency();
  return r;
}

// The fitted round trip between two cities, in ms.
double rtt(std::string const& a, std::string const& b) {
  static backbone const net = backbone::load();
  static route_table const routes{net, latency_fit{}};
  auto const attach = [&](std::string const& city) {
    auto const found = world_map().find(city);
    INFO(city);
    REQUIRE(found.has_value());
    auto const& p = world_map().places()[*found];
    return net.attach(p.at, p.country);
  };
  auto const p = routes.parts(attach(a), attach(b));
  auto const f = routes.fit();
  auto const by = [](double amount, std::int64_t each) {
    return amount * static_cast<double>(each) / 1e6;
  };
  return by(p.ends, f.ends_ns) + by(p.sea_km, f.sea_ns_per_km) +
         by(p.land_km, f.land_ns_per_km) + by(p.hops, f.hop_ns) +
         by(p.access_km, f.access_ns_per_km) + by(p.thin, f.thin_ns);
}

struct range {
  double low;
  double high;
};
bool within(double value, range r) { return value >= r.low && value <= r.high; }

}  // namespace

TEST_CASE("a region left out is predicted within 7 % (median) and 20 % (p90)") {
  auto const& r = report();
  CHECK(r.left_out.median <= 0.07);
  CHECK(r.left_out.p90 <= 0.20);
  CHECK(r.line.median > 0.11);  // a straight line is twice as far off: the graph earns its keep
  CHECK(r.line.p90 > 0.30);
}

TEST_CASE("the fit does not memorise regions: whole continents left out, nearest hubs hidden") {
  auto const& r = report();
  CHECK(r.left_out_continent.median <= 0.07);
  CHECK(r.left_out_continent.p90 <= 0.20);
  CHECK(r.left_out_far.median <= 0.08);
  CHECK(r.left_out_far.p90 <= 0.25);
}

TEST_CASE("the committed numbers are the fitted ones") {
  auto const& f = report().fitted;
  latency_fit const c;
  auto const near = [](std::int64_t a, std::int64_t b) {
    return static_cast<double>(a) == Approx(static_cast<double>(b)).epsilon(0.01);
  };
  CHECK(near(f.ends_ns, c.ends_ns));
  CHECK(near(f.sea_ns_per_km, c.sea_ns_per_km));
  CHECK(near(f.land_ns_per_km, c.land_ns_per_km));
  CHECK(near(f.hop_ns, c.hop_ns));
  CHECK(near(f.access_ns_per_km, c.access_ns_per_km));
}

TEST_CASE("triangles are violated about as often as planetlab490's: 5.7 %, 1.8 % by a tenth") {
  auto const& r = report();
  CHECK(r.model.any == Approx(0.057).epsilon(0.15));
  CHECK(r.model.by_a_tenth == Approx(0.018).epsilon(0.15));
  // The same count gives what data/README states for azure54: it is the same definition.
  CHECK(r.azure.any == Approx(0.020).margin(0.001));
  CHECK(r.azure.by_a_tenth == Approx(0.0045).margin(0.0003));
}

TEST_CASE("asymmetry is distributed as measured") {
  auto const& r = report();
  CHECK(r.asymmetry_model == Approx(r.asymmetry_azure).epsilon(0.2));
  CHECK(r.holds());
}

TEST_CASE("violations_of counts ordered triples") {
  // 0-2 takes 10 one way while 0-1-2 takes 2: one triple of six, by more than a tenth.
  std::vector<double> const m{0, 1, 10, 1, 0, 1, 2, 1, 0};
  auto const v = violations_of(m, 3);
  CHECK(v.any == Approx(1.0 / 6));
  CHECK(v.by_a_tenth == Approx(1.0 / 6));
}

TEST_CASE("the backbone is plain geography: connected, on every continent, not a list of regions") {
  auto const net = backbone::load();
  route_table const routes{net, latency_fit{}};
  std::size_t cities = 0;
  for (std::size_t i = 0; i < net.hubs().size(); ++i) {
    if (net.hubs()[i].waypoint) continue;
    ++cities;
    for (std::size_t j = 0; j < net.hubs().size(); ++j) {
      if (net.hubs()[j].waypoint) continue;
      if (routes.cost(i, j) > 600'000'000)
        FAIL(net.hubs()[i].name << " - " << net.hubs()[j].name << " " << routes.cost(i, j));
      CHECK(routes.cost(i, j) == routes.cost(j, i));
    }
  }
  CHECK(cities > 3 * 54);
  for (auto const& l : net.links()) CHECK(l.km < 12'500);
}

TEST_CASE("places far from every cloud region get round trips of public knowledge") {
  // What public looking glasses and cable lengths make plausible, with room for detours.
  CHECK(within(rtt("Reykjavík", "London"), {28, 60}));
  CHECK(within(rtt("Reykjavík", "New York City"), {50, 95}));
  CHECK(within(rtt("Honolulu", "Los Angeles"), {48, 75}));
  CHECK(within(rtt("Honolulu", "Tokyo"), {65, 130}));
  CHECK(within(rtt("Anchorage", "Seattle"), {28, 55}));
  CHECK(within(rtt("Ulan Bator", "Moscow"), {60, 110}));
  CHECK(within(rtt("Ulan Bator", "Frankfurt am Main"), {90, 170}));
  CHECK(within(rtt("Antananarivo", "Paris"), {140, 240}));
  CHECK(within(rtt("Antananarivo", "Johannesburg"), {28, 70}));
  CHECK(within(rtt("Lagos", "London"), {75, 125}));
  CHECK(within(rtt("Nairobi", "London"), {100, 180}));
  CHECK(within(rtt("Suva", "Sydney"), {38, 70}));
  CHECK(within(rtt("Lima", "Miami"), {45, 95}));
  CHECK(within(rtt("Manaus", "São Paulo"), {40, 80}));
  CHECK(within(rtt("Vladivostok", "Moscow"), {85, 150}));
  CHECK(within(rtt("Berlin", "Sydney"), {240, 330}));
}

TEST_CASE("no message is faster than light in fibre, nor than the window") {
  positions const where{world_map(), {.sites = 3'000, .heads_per_site = 1, .seed = 5}};
  planet_latency const planet{where, 5};
  CHECK(planet.minimum() >= 2ms);
  auto least = duration{1s};
  for (std::uint32_t i = 0; i < 300'000; ++i) {
    auto const bits = mix64(i);
    peer const a{static_cast<std::uint32_t>(bits % planet.size())};
    peer const b{static_cast<std::uint32_t>((bits >> 32U) % planet.size())};
    if (a == b) continue;
    auto const way = planet.one_way(a, b);
    least = std::min(least, way);
    if (way < planet.light(a, b)) FAIL("faster than light: " << a.index() << ' ' << b.index());
    if (way > 1s) FAIL("slower than a second: " << a.index() << ' ' << b.index());
  }
  CHECK(least >= planet.minimum());
}

TEST_CASE("latency is a pure function of seed and pair, and differs by direction") {
  positions const where{world_map(), {.sites = 500, .heads_per_site = 1, .seed = 2}};
  planet_latency const one{where, 9};
  planet_latency const two{where, 9};
  planet_latency const other{where, 10};
  int same_as_other = 0;
  int symmetric = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    for (std::uint32_t j = 0; j < i; ++j) {
      auto const there = one.one_way(peer{i}, peer{j});
      if (there != two.one_way(peer{i}, peer{j})) FAIL("not pure");
      same_as_other += there == other.one_way(peer{i}, peer{j}) ? 1 : 0;
      symmetric += there == one.one_way(peer{j}, peer{i}) ? 1 : 0;
    }
  }
  constexpr int pairs = 500 * 499 / 2;
  CHECK(same_as_other < pairs / 100);
  CHECK(symmetric < pairs * 2 / 5);  // azure54: 28 % exactly symmetric
  CHECK(symmetric > pairs / 10);
}

TEST_CASE("every compiler finds the same delays to the nanosecond") {
  positions const where{world_map(), {.sites = 1'000, .heads_per_site = 1, .seed = 1}};
  planet_latency const planet{where, 1};
  std::uint64_t digest = 0;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    peer const a{i};
    peer const b{static_cast<std::uint32_t>(mix64(i) % 1'000)};
    auto const way = planet.one_way(a, b) + planet.jitter(a, b, at_ns(i), i);
    digest = mix64(digest ^ static_cast<std::uint64_t>(ns(way)));
  }
  CHECK(digest == 0xcbffe6236f48ecc8U);  // changes with the committed numbers and tables, only
}

TEST_CASE("a pair's route does not depend on who else lives in the world") {
  positions const few{world_map(), {.sites = 50, .heads_per_site = 1, .seed = 3}};
  positions const many{world_map(), {.sites = 5'000, .heads_per_site = 1, .seed = 3}};
  planet_latency const small{few, 1, {100, 0, 0, 0}};
  planet_latency const large{many, 1, {100, 0, 0, 0}};
  auto const same = [&](std::uint32_t i) {
    for (std::uint32_t j = 0; j < many.size(); ++j)
      if (many.site_of(peer{j}) == few.site_of(peer{i})) return peer{j};
    return peer{};
  };
  for (std::uint32_t i = 1; i < 50; ++i) {
    auto const a = same(i - 1);
    auto const b = same(i);
    REQUIRE(static_cast<bool>(a));  // the first fifty sites are among the five thousand
    REQUIRE(static_cast<bool>(b));
    CHECK(small.route(peer{i - 1}, peer{i}) == large.route(a, b));
  }
}

TEST_CASE("heads of one site are a colocation group, 50 us apart") {
  positions const where{world_map(), {.sites = 20, .heads_per_site = 4, .seed = 1}};
  planet_latency const planet{where, 1};
  REQUIRE(planet.size() == 80);
  CHECK(planet.same_site(peer{4}, peer{7}));
  CHECK_FALSE(planet.same_site(peer{3}, peer{4}));
  CHECK(planet.one_way(peer{4}, peer{7}) == planet_latency::colocated);
  CHECK(planet.one_way(peer{3}, peer{4}) >= planet.minimum());
  CHECK(planet.group(peer{7}) == where.group(peer{7}));
}

TEST_CASE("the bound between two ranges of peers holds for every pair") {
  positions const where{world_map(), {.sites = 400, .heads_per_site = 2, .seed = 8}};
  planet_latency const planet{where, 8};
  std::vector<peer_range> ranges;
  for (auto const r : {region::africa, region::asia, region::europe, region::north_america,
                       region::oceania, region::south_america})
    if (where.range_of(r).size() != 0) ranges.push_back(where.range_of(r));
  ranges.push_back({0, 100});
  ranges.push_back({100, 500});
  for (auto const& x : ranges) {
    for (auto const& y : ranges) {
      auto const bound = planet.minimum(x, y);
      CHECK(bound >= planet.minimum());
      for (auto i = x.first; i < x.last; ++i)
        for (auto j = y.first; j < y.last; ++j)
          if (!planet.same_site(peer{i}, peer{j}) && planet.one_way(peer{i}, peer{j}) < bound)
            FAIL("below the bound: " << i << ' ' << j);
    }
  }
  auto const americas = planet.minimum(where.range_of(region::south_america),
                                       where.range_of(region::africa));
  CHECK(americas > 10ms);  // an ocean is a good place to cut the world
}

TEST_CASE("jitter is pure, never negative, small in most minutes") {
  positions const where{world_map(), {.sites = 200, .heads_per_site = 1, .seed = 4}};
  planet_latency const planet{where, 4, {100, 0, 0, 0}};
  int above_tenth = 0;
  constexpr int draws = 20'000;
  for (std::uint32_t i = 0; i < draws; ++i) {
    peer const a{i % 200};
    peer const b{(i * 7 + 1) % 200};
    if (planet.same_site(a, b)) continue;
    auto const at = at_ns(std::int64_t{i} * 1'000'000'000);
    auto const j = planet.jitter(a, b, at, i);
    if (j != planet.jitter(a, b, at, i)) FAIL("not pure");
    if (j < duration{0}) FAIL("negative");
    above_tenth += j * 10 > planet.one_way(a, b) ? 1 : 0;
  }
  CHECK(above_tenth < draws / 5);
  CHECK(above_tenth > draws / 200);
}

TEST_CASE("a measured matrix loads and speaks like the planet") {
  auto const m = matrix_latency::load(data_path("azure54_rtt_p95_ms.csv"), 540, 1);
  REQUIRE(m.rows() == 54);
  CHECK(m.row_of(peer{9}) == 0);
  CHECK(m.row_of(peer{10}) == 1);
  CHECK(m.one_way(peer{0}, peer{20}) == 5ms);  // row 0, column 2: 10 ms there and back
  CHECK(m.one_way(peer{10}, peer{0}) == 3'500us);
  CHECK(m.one_way(peer{0}, peer{10}) == 2'500us);
  CHECK(m.minimum() == 1ms);
  CHECK(m.minimum({0, 10}, {10, 30}) >= m.minimum());
  CHECK(m.minimum({0, 10}, {20, 30}) <= m.one_way(peer{0}, peer{20}));
  CHECK(m.jitter(peer{0}, peer{20}, at_ns(5), 1) == m.jitter(peer{0}, peer{20}, at_ns(5), 1));
}

TEST_CASE("a malformed matrix is an error that names file, line, value and what is allowed") {
  std::string const path = "latency_test_matrix.csv";
  auto const message = [&](char const* text) -> std::string {
    std::ofstream{path} << text;
    try {
      static_cast<void>(matrix_latency::load(path, 4, 1));
    } catch (data_error const& e) {
      return e.what();
    }
    return "no error";
  };
  CHECK(message("0,1\n1,x\n") == path + ":2: 'x' is not allowed; allowed: a decimal number");
  CHECK(message("0,1\n1\n").find(":2: '1 fields'") != std::string::npos);
  CHECK(message("0,1\n").find("as many rows as columns") != std::string::npos);
  CHECK(message("0,-1\n1,0\n").find("0 to 4000 ms") != std::string::npos);
  CHECK(message("0,\n7,0\n") == "no error");  // a gap takes the other direction
  std::remove(path.c_str());
}

TEST_CASE("hydra sim fit latency prints the line and the model in one table") {
  std::ostringstream table;
  CHECK(fit_latency(table, false));
  CHECK(table.str().find("a straight line") != std::string::npos);
  CHECK(table.str().find("bounds hold") != std::string::npos);
}
