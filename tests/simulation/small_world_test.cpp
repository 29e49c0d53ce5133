// Greedy routing in worlds of one policy: how far, how sure, and what loss and crashes cost.
#include "../../bench/routing_worlds.hpp"
#include "catch.hpp"

#include <hydra/routing/small_world.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

double mean_hops(std::uint64_t seed, std::uint32_t n, small_world const& fresh) {
  bench::routing_world<bench::without_upkeep<small_world>> w{seed, n, fresh};
  for (int i = 0; i < 4; ++i) w.locates();
  auto const seen = w.world().observed();
  REQUIRE(seen.locates == 256);
  return static_cast<double>(seen.hops) / 256.0;
}

}  // namespace

TEST_CASE("hops grow with log n where log n long links are kept, with log^2 n for one (Kleinberg)",
          "[small_world]") {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  std::array<double, 3> many{};
  std::array<double, 3> one{};
  std::array<std::uint32_t, 3> const sizes{256, 2'048, 16'384};  // log2: 8, 11, 14
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    many[i] = mean_hops(seed, sizes[i], {});
    one[i] = mean_hops(seed, sizes[i], small_world{{.links = 1}});
    WARN(sizes[i] << " heads: " << many[i] << " hops with log n links, " << one[i] << " with one");
    CHECK(many[i] < std::log2(sizes[i]));
  }
  // Three doublings each: log n gives equal steps, log^2 n equal steps of the root. (Neighbours on
  // the ring save the last few octaves: hops are not proportional, their steps are.)
  auto const step = [](double x, double y, double z) { return (z - y) / (y - x); };
  CHECK(step(many[0], many[1], many[2]) > 0.8);
  CHECK(step(many[0], many[1], many[2]) < 1.25);
  CHECK(step(one[0], one[1], one[2]) > 1.25);
  auto const root = step(std::sqrt(one[0]), std::sqrt(one[1]), std::sqrt(one[2]));
  CHECK(root > 0.8);
  CHECK(root < 1.25);
}

TEST_CASE("records are found at 10 % loss while a tenth of the heads is down", "[small_world]") {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  bench::routing_world<alone<small_world>> w{seed, 1'000, {}, 10};
  w.announce_all(8, 10);
  std::vector<peer> down;
  for (int round = 0; round < 8; ++round) {
    for (auto p : down) w.world().restart(p);
    down.clear();
    for (int i = 0; i < 100; ++i) {
      down.push_back(w.anybody());
      w.world().crash(down.back());
    }
    w.finds(16);
  }
  auto const seen = w.world().observed();
  REQUIRE(seen.finds == 128);
  WARN(seen.with << " of 128 finds brought somebody");
  CHECK(seen.with >= 122);
}

TEST_CASE("handles, shards and the wire leave a lookup what it is", "[small_world]") {
  auto const digest = [](sim::world_options how) {
    bench::routing_world<alone<small_world>> w{5, 200, {}, 5, how};
    w.announce_all(2, 4);
    for (int i = 0; i < 4; ++i) w.finds(16);
    w.locates(32);
    REQUIRE(w.world().observed().finds == 64);
    REQUIRE(w.world().observed().locates == 32);
    return w.world().digest();
  };
  auto const usual = digest({});
  CHECK(digest({.permute_handles = true}) == usual);
  CHECK(digest({.shards = 3}) == usual);
  CHECK(digest({.check_wire = true}) == usual);
}
