// Who can, or who knows who can: rings of trust as graphs, walked with digests, with faults on.
#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/capability.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

using graph = std::vector<std::vector<std::uint32_t>>;

struct story {
  std::vector<std::pair<std::uint32_t, found>> finds{};
  std::vector<std::pair<std::uint32_t, misled>> lies{};
  void fact(instant, std::uint32_t who, found const& f) { finds.emplace_back(who, f); }
  void fact(instant, std::uint32_t who, misled const& m) { lies.emplace_back(who, m); }
  void merge(story const& o) {
    finds.insert(finds.end(), o.finds.begin(), o.finds.end());
    lies.insert(lies.end(), o.lies.begin(), o.lies.end());
  }
};

template <class P>
class ring_world : public sim::plain_setting {
 public:
  ring_world(std::uint64_t seed, graph const& g, std::uint32_t loss_percent = 0,
             std::uint32_t only_out = 0xffffffffU)
      : plain_setting{seed, static_cast<std::uint32_t>(g.size())},
        ring_{std::make_shared<graph const>(g)},
        loss_{loss_percent},
        only_out_{only_out} {}
  [[nodiscard]] alone<P> make(sim::permutation const& sees, std::uint32_t who) const {
    bounded_vector<peer, 16> contacts;
    for (auto other : (*ring_)[who]) contacts.try_push_back(peer{sees.seen(other)});
    return alone<P>{P{}, contacts};
  }
  [[nodiscard]] hydra::reach reach_of(std::uint32_t who) const noexcept {
    return who == only_out_ ? reach::outbound_only : reach::open;
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    return {.delay = 20ms + duration{static_cast<std::int64_t>(bits % 30'000'000)},
            .dropped = mix64(bits) % 100 < loss_};
  }

 private:
  std::shared_ptr<graph const> ring_;
  std::uint32_t loss_;
  std::uint32_t only_out_;
};

template <class P>
using world_of = sim::world<alone<P>, ring_world<P>, story>;

graph chain(std::uint32_t n) {
  graph g(n);
  for (std::uint32_t i = 0; i + 1 < n; ++i) {
    g[i].push_back(i + 1);
    g[i + 1].push_back(i);
  }
  return g;
}

// Barabasi and Albert: each newcomer knows `m`, drawn in proportion to how many know them already.
graph social(std::uint64_t seed, std::uint32_t n, std::uint32_t m) {
  graph g(n);
  std::vector<std::uint32_t> ends;
  owned_stream chance{seed, purpose::friends, 0};
  auto const befriend = [&](std::uint32_t a, std::uint32_t b) {
    if (a == b || std::find(g[a].begin(), g[a].end(), b) != g[a].end()) return;
    if (g[a].size() >= 16 || g[b].size() >= 16) return;
    g[a].push_back(b);
    g[b].push_back(a);
    ends.push_back(a);
    ends.push_back(b);
  };
  for (std::uint32_t i = 1; i < n; ++i) {
    befriend(i, i - 1 < m ? i - 1 : ends[chance.below(ends.size())]);
    for (std::uint32_t k = 1; k < m; ++k) befriend(i, ends[chance.below(ends.size())]);
  }
  return g;
}

provider_record offer_of(service what) {
  provider_record r;
  r.what = what;
  return r;
}

constexpr service rendering{5};
constexpr want a_renderer{rendering, 1, {}, {}};

}  // namespace

TEMPLATE_TEST_CASE("someone who knows someone who can is found, with the way to it",
                   "[capability]", capability<>, capability<routing_index<>>) {
  auto const far = GENERATE(1U, 2U, 3U);
  world_of<TestType> w{{7, chain(6)}, {.permute_handles = true}};
  w.tell(peer{far}, announce{offer_of(rendering)});
  w.run_for(3min);
  w.tell(peer{0}, look_for{a_renderer});
  w.run_for(13s);
  auto const all = w.observed().finds;
  REQUIRE(all.size() == 1);
  auto const& f = all[0].second;
  REQUIRE(f.among.size() == 1);
  CHECK(f.hops == far);
  auto const way = f.via.of(0);
  CHECK(way.size() == far - 1);
  CHECK(f.messages <= far + 1);  // straight, plus one unguided at most
}

TEMPLATE_TEST_CASE("what is taken back, or dead, is gone from the digests a hop per tick later",
                   "[capability]", capability<>, capability<routing_index<>>) {
  auto const dies = GENERATE(true, false);
  world_of<TestType> w{{8, chain(4)}};
  w.tell(peer{2}, announce{offer_of(rendering)});
  w.run_for(3min);
  if (dies) {
    w.crash(peer{2});
  } else {
    w.tell(peer{2}, take_back{rendering});
  }
  w.run_for(dies ? 7min : 2min);
  w.tell(peer{0}, look_for{a_renderer});
  w.run_for(13s);
  auto const all = w.observed().finds;
  REQUIRE(all.size() == 1);
  CHECK(all[0].second.among.empty());
  CHECK(all[0].second.messages == 1);  // its one neighbour, unguided
}

TEST_CASE("only who meets the demands is found", "[capability]") {
  graph star(6);
  for (std::uint32_t i = 1; i < 6; ++i) {
    star[0].push_back(i);
    star[i].push_back(0);
  }
  world_of<capability<>> w{{9, star}};
  for (std::uint32_t i = 1; i < 6; ++i) {
    auto r = offer_of(rendering);
    r.under = {.memory_mb = 1000 * i, .price = 10 * i, .minor = static_cast<std::uint16_t>(i),
               .region = static_cast<std::uint8_t>(1U << i)};
    if (i == 4) r.where = {0, 0, 64};
    w.tell(peer{i}, announce{r});
  }
  w.run_for(3min);
  struct asked {
    demands what;
    std::vector<std::uint32_t> who;
  };
  auto const q = GENERATE(values<asked>({{{.memory_mb = 4000}, {4, 5}},
                                         {{.price_max = 25}, {1, 2}},
                                         {{.minor_min = 2, .minor_max = 3}, {2, 3}},
                                         {{.regions = 0x18}, {3, 4}},
                                         {{.regions = 0x08}, {3}},
                                         {{.within_km = 500, .near = {2, 0, 64}}, {4}},
                                         {{.within_km = 500, .near = {64, 0, 0}}, {}}}));
  w.tell(peer{0}, look_for{{rendering, 5, {}, q.what}});
  w.run_for(13s);
  auto const all = w.observed().finds;
  REQUIRE(all.size() == 1);
  std::vector<std::uint32_t> who;
  for (auto const& c : all[0].second.among) who.push_back(c.who.index());
  std::sort(who.begin(), who.end());
  CHECK(who == q.who);
  if (q.what.regions == 0x08) CHECK(all[0].second.messages <= 3);  // the digest knows regions
}

TEST_CASE("a head that can only call out is told by those it asked, and finds what they reach",
          "[capability]") {
  auto g = chain(4);
  g[1].erase(std::find(g[1].begin(), g[1].end(), 0U));  // nobody knows the phone
  world_of<capability<>> w{{10, g, 0, 0}};
  w.tell(peer{3}, announce{offer_of(rendering)});
  w.run_for(3min);
  w.tell(peer{0}, look_for{a_renderer});
  w.run_for(13s);
  auto const all = w.observed().finds;
  REQUIRE(all.size() == 1);
  CHECK(all[0].second.among.size() == 1);
}

TEST_CASE("a digest that lies costs its author its word, and honest ones keep theirs",
          "[capability]") {
  // The middle of the star asks; head 1 brags, head 2 performs services 20 to 27.
  graph star(3);
  star[0] = {1, 2};
  star[1] = star[2] = {0};
  world_of<capability<>> w{{11, star}};
  for (std::uint32_t s = 20; s < 28; ++s) w.tell(peer{2}, announce{offer_of(service{s})});
  w.run_for(3min);
  attenuated_bloom<> all;
  for (std::uint32_t s = 0; s < 40; ++s) {
    all.add(tag_of_service(w.setting().key_of(service{s})));
  }
  auto const brag = [&] {
    w.inject(w.now(), peer{1}, peer{0}, digest_is<attenuated_bloom<>>{all});
    w.run_for(100ms);
  };
  for (std::uint32_t s = 0; s < 36; ++s) {
    brag();
    w.tell(peer{0}, look_for{{service{20 + s % 12}, 1, {}, {}}});
    w.run_for(2s);
  }
  auto const seen = w.observed();
  REQUIRE(!seen.lies.empty());
  for (auto const& [who, lie] : seen.lies) {
    CHECK(who == 0);
    CHECK(lie.who == peer{1});
  }
  CHECK(w.node(peer{0}).policy().doubt(peer{1}) > 0);
  CHECK(w.node(peer{0}).policy().doubt(peer{2}) == 0);
  std::size_t with = 0;
  for (auto const& [who, f] : seen.finds) with += f.among.empty() ? 0U : 1U;
  CHECK(with == 24);  // every find of what somebody performs
}

TEMPLATE_TEST_CASE("in a social graph of 400, what two in a hundred perform is found, though a "
                   "fifth of the heads died and a tenth of the messages are lost",
                   "[capability]", capability<>, capability<routing_index<>>) {
  // Together: of one seed's 160 finds some five more or less are found by chance alone.
  std::size_t asked = 0, with = 0, messages = 0;
  for (std::uint64_t const seed : {1U, 2U, 3U, 4U}) {
    world_of<TestType> w{{seed, social(seed, 400, 4), 10}};
    owned_stream chance{seed, purpose::workload, 0};
    for (std::uint32_t i = 0; i < 400; ++i) {
      w.tell(peer{i}, announce{offer_of(service{static_cast<std::uint32_t>(chance.below(50))})});
    }
    w.run_for(4min);
    std::vector<bool> dead(400);
    for (std::uint32_t i = 0; i < 80; ++i) {
      auto const who = static_cast<std::uint32_t>(chance.below(400));
      dead[who] = true;
      w.crash(peer{who});
    }
    w.run_for(6min);
    std::size_t here = 0;
    for (std::uint32_t i = 0; i < 400; i += 2) {
      if (dead[i]) continue;
      w.tell(peer{i}, look_for{{service{static_cast<std::uint32_t>(chance.below(50))}, 1, {}, {}}});
      ++here;
      w.run_for(100ms);
    }
    w.run_for(15s);
    auto const seen = w.observed();
    REQUIRE(seen.finds.size() == here);
    asked += here;
    for (auto const& [who, f] : seen.finds) {
      with += f.among.empty() ? 0U : 1U;
      messages += f.messages;
      for (std::size_t i = 0; i < f.among.size(); ++i) {
        CHECK(f.via.of(i).size() + 1 == f.among[i].hops);
      }
    }
  }
  CAPTURE(with, asked, messages);
  // At the same 192 bytes an index cannot tell services of one class apart: more goes astray.
  bool const filters = std::is_same_v<TestType, capability<>>;
  CHECK(with * 100 >= asked * (filters ? 95U : 93U));
  CHECK(messages <= asked * 16);
}

TEST_CASE("a digest says yes in error as often as the closed form says", "[capability]") {
  // Rhea and Kubiatowicz: (1 - e^(-kn/m))^k; 64 tags in 512 bits with 4 hashes: 2.4 %.
  std::size_t wrong = 0;
  constexpr std::size_t tries = 200;
  constexpr std::size_t questions = 1000;
  for (std::size_t t = 0; t < tries; ++t) {
    attenuated_bloom<> d;
    for (std::uint64_t i = 0; i < 64; ++i) d.add(mix64(mix64(t) + i));
    for (std::uint64_t i = 0; i < questions; ++i) {
      wrong += d.level_of(mix64(mix64(t + 1'000'000) + i)) == 0 ? 1U : 0U;
    }
  }
  auto const expected = std::pow(1 - std::exp(-4.0 * 64 / 512), 4);
  CHECK(static_cast<double>(wrong) / (tries * questions) == Approx(expected).epsilon(0.05));
}

TEST_CASE("levels attenuate, a full filter says nothing, and nothing is invented", "[capability]") {
  attenuated_bloom<> far;
  far.add(1234567);
  attenuated_bloom<> mid;
  mid.behind(far);
  attenuated_bloom<> near;
  near.behind(mid);
  attenuated_bloom<> nearest;
  nearest.behind(near);
  CHECK(far.level_of(1234567) == 0);
  CHECK(mid.level_of(1234567) == 1);
  CHECK(near.level_of(1234567) == 2);
  CHECK(nearest.level_of(1234567) == 3);
  CHECK(far.worth(1234567) == 4 * mid.worth(1234567));
  CHECK(nearest.worth(1234567) == 0);
  attenuated_bloom<> all;
  for (std::uint64_t i = 0; i < 2000; ++i) all.add(mix64(i));
  CHECK(all.worth(mix64(5)) == 0);

  routing_index<> few;
  few.add(99);
  routing_index<> many;
  many.add(99);
  many.add(99);
  CHECK(many.worth(99) == 2 * few.worth(99));
  routing_index<> behind;
  behind.behind(many);
  CHECK(behind.level_of(99) == 1);
  CHECK(4 * behind.worth(99) == many.worth(99));
  for (int i = 0; i < 1000; ++i) many.add(99);
  CHECK(many.worth(99) == 255U << 8U);
}
