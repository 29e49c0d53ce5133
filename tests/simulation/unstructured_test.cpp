// Searches in overlays without structure: 1,000 heads, each with eight neighbours at random.
#include "../../bench/routing_worlds.hpp"
#include "catch.hpp"

#include <hydra/routing/flood.hpp>
#include <hydra/routing/walk.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

constexpr std::uint32_t heads = 1'000;

struct outcome_of {
  double success = 0;   // part of the finds that brought somebody
  double messages = 0;  // sent by everybody, per find
};

// Ten batches of finds for services with so many providers each; nothing else is said meanwhile.
template <class P>
outcome_of search(std::uint64_t seed, std::size_t providers, P const& fresh,
                  std::uint32_t n = heads) {
  bench::routing_world<bench::without_upkeep<P>> w{seed, n, fresh};
  w.announce_all(8, providers);
  auto const before = w.world().counts().sent;
  for (int i = 0; i < 10; ++i) w.finds(16);
  auto const seen = w.world().observed();
  REQUIRE(seen.finds == 160);
  auto const sent = static_cast<double>(w.world().counts().sent - before);
  return {static_cast<double>(seen.with) / 160.0, sent / 160.0};
}

// With upkeep, at 10 % loss, a tenth of the heads down at any time and others every 15 s.
template <class P>
double success_under_churn(std::uint64_t seed, std::size_t providers) {
  bench::routing_world<alone<P>> w{seed, heads, P{}, 10};
  w.announce_all(4, providers);
  std::vector<peer> down;
  for (int round = 0; round < 8; ++round) {
    for (auto p : down) w.world().restart(p);
    down.clear();
    for (std::size_t i = 0; i < heads / 10; ++i) {
      auto const p = w.anybody();
      bool offers = false;  // those who offer stay: what is asked is who can be found
      w.world().template each_activity<own_offer>(p, [&](auto const&...) { offers = true; });
      if (offers) continue;
      w.world().crash(p);
      down.push_back(p);
    }
    w.finds(16);
  }
  auto const seen = w.world().observed();
  REQUIRE(seen.finds == 128);  // every one ends, whoever crashed: askers stay up for their 13 s
  return static_cast<double>(seen.with) / 128.0;
}

flood<64> plain_flooding(overlay_settings const& links = {}) {
  return flood<64>{{.rings = {7, 0, 0, 0}, .repeats = 0, .links = links}};
}

}  // namespace

TEST_CASE("walks find as often as flooding at a tenth of its messages (Lv et al. 2002)",
          "[unstructured]") {
  auto const seed = GENERATE(1U, 2U);
  auto const providers = GENERATE(std::size_t{5}, std::size_t{10});  // of 1,000
  CAPTURE(seed, providers);
  auto const walked = search(seed, providers, walk<32>{});
  auto const flooded = search(seed, providers, plain_flooding());
  auto const ringed = search(seed, providers, flood<64>{});
  WARN(providers << " providers: walks " << walked.messages << " messages ("
                 << 100 * walked.success << " %), flooding " << flooded.messages << " ("
                 << 100 * flooded.success << " %), rings " << ringed.messages << " ("
                 << 100 * ringed.success << " %)");
  CHECK(flooded.success == 1.0);
  CHECK(walked.success >= 0.99);
  CHECK(ringed.success == 1.0);
  CHECK(10 * walked.messages < flooded.messages);
  CHECK(walked.messages < ringed.messages);
}

// Their random graph had 9,836 nodes and four links each, 32 walkers that ask every fourth step.
TEST_CASE("at 10,000 heads of four links walks take a thirtieth of flooding's messages",
          "[unstructured]") {
  constexpr std::uint64_t seed = 6;
  CAPTURE(seed);
  walk_settings sparse;
  sparse.links.wanted = 4;
  overlay_settings const four{.wanted = 4};
  auto flooding = plain_flooding(four).settings();
  flooding.rings = {9, 0, 0, 0};  // at most 4 * 3^8 are reached at the last step
  flooding.ttl_max = 9;
  auto const walked = search(seed, 100, walk<32>{sparse}, 10'000);
  auto const flooded = search(seed, 100, flood<64>{flooding}, 10'000);
  WARN("walks " << walked.messages << " messages (" << 100 * walked.success << " %), flooding "
                << flooded.messages << " (" << 100 * flooded.success << " %)");
  CHECK(flooded.success == 1.0);
  CHECK(walked.success >= 0.99);
  CHECK(30 * walked.messages < flooded.messages);
}

TEST_CASE("success grows with the replication ratio, under churn and 10 % loss",
          "[unstructured]") {
  auto const seed = GENERATE(3U, 4U);
  CAPTURE(seed);
  double last_walk = 0;
  for (std::size_t const providers : {2, 10, 50}) {  // 0.2, 1 and 5 %
    auto const walked = success_under_churn<walk<32>>(seed, providers);
    auto const flooded = success_under_churn<flood<64>>(seed, providers);
    WARN(providers << " of 1,000 offer it: walks " << 100 * walked << " %, flooding "
                   << 100 * flooded << " %");
    CHECK(flooded >= 0.95);
    // A walker takes about four steps before it meets a head that is down or a loss: with two
    // providers the steps of all lives of all walkers are too few.
    CHECK(walked >= (providers == 2 ? 0.5 : 0.95));
    CHECK(walked >= last_walk - 0.02);
    last_walk = walked;
  }
}

TEST_CASE("under load a flood costs no more messages than alone: what is too much is not served",
          "[unstructured]") {
  auto const per_find = [](std::size_t at_once) {
    bench::routing_world<bench::without_upkeep<flood<64>>> w{7, 300, flood<64>{}};
    w.announce_all(8, 0);  // nobody performs it: every ring is asked
    auto const before = w.world().counts().sent;
    w.finds(at_once);
    auto const seen = w.world().observed();
    REQUIRE(seen.finds == at_once);
    auto const sent = static_cast<double>(w.world().counts().sent - before);
    WARN(at_once << " finds at once: " << sent / static_cast<double>(at_once) << " messages each");
    return sent / static_cast<double>(at_once);
  };
  auto const few = per_find(10);
  CHECK(few < 5 * 300 * 8);  // five rings, each of 300 heads forwards once to its eight
  CHECK(per_find(100) < few);
}

TEMPLATE_TEST_CASE("handles, shards and the wire leave a search what it is", "[unstructured]",
                   flood<64>, walk<32>) {
  auto const digest = [](sim::world_options how) {
    bench::routing_world<alone<TestType>> w{5, 200, TestType{}, 5, how};
    w.announce_all(2, 4);
    for (int i = 0; i < 6; ++i) w.finds(16);
    REQUIRE(w.world().observed().finds == 96);
    return w.world().digest();
  };
  auto const usual = digest({});
  CHECK(digest({.permute_handles = true}) == usual);
  CHECK(digest({.shards = 3}) == usual);
  CHECK(digest({.check_wire = true}) == usual);
}
