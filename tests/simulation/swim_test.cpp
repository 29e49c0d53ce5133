// SWIM in a world: crashes are noticed, loss alone kills next to nobody, halves find together.
#include "catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

using namespace hydra;
using namespace hydra::membership;

namespace {

constexpr std::uint32_t heads = 48;
using node = alone<cluster<swim<64>>>;

struct weather {
  std::uint32_t loss_percent = 0;
  instant parted{};   // from then on the first third and the rest do not hear each other
  instant healed{};
};

// 10 to 110 ms, hashed from both ends.
class surroundings : public sim::plain_setting {
 public:
  surroundings(std::uint64_t seed, weather w) : plain_setting{seed, heads}, weather_{w} {}
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] principal principal_of(std::uint32_t) const noexcept { return principal{0}; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ (std::uint64_t{t.from} << 32U | t.to));
    auto const chance = mix64(bits ^ mix64(t.sequence)) % 100;
    bool const cut = t.at >= weather_.parted && t.at < weather_.healed &&
                     (t.from < heads / 3) != (t.to < heads / 3);
    return {.delay = 10ms + duration{static_cast<std::int64_t>(bits % 100'000'000)},
            .dropped = cut || chance < weather_.loss_percent};
  }
  [[nodiscard]] node make(sim::permutation const& view, std::uint32_t who) const {
    bounded_vector<peer, 16> contacts;
    if (who != 0) contacts.push_back(peer{view.seen(0)});
    if (who > 1) contacts.push_back(peer{view.seen(who / 2)});
    return node{cluster<swim<64>>{}, contacts};
  }

 private:
  weather weather_;
};

struct tally {
  std::uint64_t up = 0;
  std::uint64_t dead = 0;
  std::uint64_t suspicions = 0;
  std::uint64_t refutations = 0;
  std::uint64_t gateways = 0;
  instant last_gateway{};
  template <class F>
  void fact(instant at, std::uint32_t, F const& f) {
    if constexpr (std::is_same_v<F, neighbour_up>) ++up;
    if constexpr (std::is_same_v<F, neighbour_down>) {
      dead += f.why == neighbour_down::cause::dead ? 1 : 0;
    }
    if constexpr (std::is_same_v<F, suspected>) ++suspicions;
    if constexpr (std::is_same_v<F, refuted>) ++refutations;
    if constexpr (std::is_same_v<F, gateway_changed>) {
      ++gateways;
      last_gateway = std::max(last_gateway, at);
    }
    static_cast<void>(f);
  }
  void merge(tally const& o) {
    up += o.up;
    dead += o.dead;
    suspicions += o.suspicions;
    refutations += o.refutations;
    gateways += o.gateways;
    last_gateway = std::max(last_gateway, o.last_gateway);
  }
};

using group = sim::world<node, surroundings, tally>;

// How many of those that are up hold `whom` for live.
std::size_t seen_by(group const& w, std::uint32_t whom) {
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < heads; ++i) {
    if (i == whom || !w.up(peer{i})) continue;
    auto const view = w.node(peer{i}).policy().neighbours();
    n += std::find(view.begin(), view.end(), peer{whom}) != view.end() ? 1 : 0;
  }
  return n;
}
bool all_see_all(group const& w) {
  for (std::uint32_t i = 0; i < heads; ++i) {
    if (seen_by(w, i) != heads - 1) return false;
  }
  return true;
}
std::uint32_t least_key(group const& w, std::uint32_t first, std::uint32_t last) {
  auto least = first;
  for (auto i = first; i < last; ++i) {
    if (w.setting().key_of(peer{i}) < w.setting().key_of(peer{least})) least = i;
  }
  return least;
}

}  // namespace

TEST_CASE("48 heads that know two others each know all within 60 s, also at 10 % loss", "[swim]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  group w{surroundings{seed, {.loss_percent = loss}}};
  w.run_for(60s);
  CHECK(all_see_all(w));
}

TEST_CASE("at 10 % loss fewer than one suspicion in two hundred kills, and nobody for long",
          "[swim]") {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  group w{surroundings{seed, {.loss_percent = 10}}};
  w.run_for(30min);
  auto const t = w.observed();
  CAPTURE(t.suspicions, t.refutations, t.dead);
  CHECK(t.suspicions > 10'000);
  CHECK(t.dead * 200 < t.suspicions);
  CHECK(all_see_all(w));
}

TEST_CASE("a quarter of the heads crashes at once: all of them leave every view, and come back",
          "[swim]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  group w{surroundings{seed, {.loss_percent = 5}}};
  w.run_for(60s);
  REQUIRE(all_see_all(w));
  for (std::uint32_t i = 0; i < heads; i += 4) w.crash(peer{i});
  w.run_for(90s);
  for (std::uint32_t i = 0; i < heads; ++i) {
    CAPTURE(i);
    CHECK(seen_by(w, i) == (i % 4 == 0 ? 0 : heads * 3 / 4 - 1));
  }
  for (std::uint32_t i = 0; i < heads; i += 4) w.restart(peer{i});
  w.run_for(60s);
  CHECK(all_see_all(w));
}

TEST_CASE("two halves of a network bury each other, and find together when it heals", "[swim]") {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  group w{surroundings{seed, {.parted = at_ns(0) + 60s, .healed = at_ns(0) + 240s}}};
  w.run_until(at_ns(0) + 240s);
  for (std::uint32_t i = 0; i < heads; ++i) {
    CHECK(seen_by(w, i) == (i < heads / 3 ? heads / 3 : heads * 2 / 3) - 1);
    auto const gateway =
        i < heads / 3 ? least_key(w, 0, heads / 3) : least_key(w, heads / 3, heads);
    CHECK(w.node(peer{i}).policy().gateway() == peer{gateway});
  }
  w.run_for(120s);
  CHECK(all_see_all(w));
  for (std::uint32_t i = 0; i < heads; ++i) {
    CHECK(w.node(peer{i}).policy().gateway() == peer{least_key(w, 0, heads)});
  }
}

TEST_CASE("a member costs two messages per period, whatever happened before", "[swim]") {
  group w{surroundings{5, {}}};
  w.run_for(120s);
  auto const before = w.counts().sent;
  w.run_for(160s);
  auto const per_period = static_cast<double>(w.counts().sent - before) / heads / 160;
  CAPTURE(per_period);
  CHECK(per_period == Approx(2.0 + 2.0 / 16).epsilon(0.01));  // and a page every 16 periods
}

TEST_CASE("a group does not depend on handles, shards, or the wire", "[swim]") {
  auto const run = [](sim::world_options how) {
    group w{surroundings{9, {.loss_percent = 10}}, how};
    w.run_for(20s);
    w.crash(peer{7});
    w.run_for(60s);
    w.restart(peer{7});
    w.run_for(20s);
    return w.digest();
  };
  auto const plain = run({});
  CHECK(run({.shards = 3}) == plain);
  CHECK(run({.check_wire = true}) == plain);
  CHECK(run({.permute_handles = true}) == plain);
}
