// Heads that know one or two others each: HyParView keeps them a view, capability walks it.
//
// A failure prints the line that replays it; HYDRA_SEED picks the one seed of the swarm.
#include "../catch.hpp"
#include "seeds.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/over.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using namespace hydra::routing;

namespace {

using policy = over<hyparview<>, capability<>>;
constexpr std::uint32_t heads = 300;
constexpr std::uint32_t kinds = 20;   // services, each performed by one head in 20
constexpr std::uint32_t own = 1000;   // the first of those that one head performs, each its own
constexpr duration tick = 30s;        // of capability
constexpr duration noticed = 5 * 5s;  // probes_missed + 2 periods: a crash, by the view

struct story {
  std::vector<std::pair<std::uint32_t, found>> finds{};
  void fact(instant, std::uint32_t, auto const&) {}
  void fact(instant, std::uint32_t who, found const& f) { finds.emplace_back(who, f); }
  void merge(story const& o) { finds.insert(finds.end(), o.finds.begin(), o.finds.end()); }
};

// Nobody is told of broken links, and every hundredth message is lost.
template <class P>
struct acquaintances : sim::plain_setting {
  explicit acquaintances(std::uint64_t seed, std::uint32_t n = heads) : plain_setting{seed, n} {}
  [[nodiscard]] alone<P> make(sim::permutation const& sees, std::uint32_t who) const {
    bounded_vector<peer, 16> known;
    auto const draw = [&](std::uint64_t which) {
      return static_cast<std::uint32_t>(mix64(seed() ^ mix64(who * 2ULL + which)) % who);
    };
    if (who > 0) known.push_back(peer{sees.seen(draw(0))});  // somebody who came before it
    if (who > 1 && who % 2 == 0 && draw(1) != draw(0)) known.push_back(peer{sees.seen(draw(1))});
    return alone<P>{P{}, known};
  }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    return {.delay = 10ms + duration{static_cast<std::int64_t>(bits % 60'000'000)},
            .dropped = (bits >> 32U) % 100 < 1};
  }
};
template <class P>
using world_of = sim::world<alone<P>, acquaintances<P>, story>;
using world = world_of<policy>;

provider_record offer_of(service what) {
  provider_record r;
  r.what = what;
  return r;
}
// One of the common services at random, and one that nobody else performs.
void announce_all(auto& w, owned_stream& chance) {
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    w.tell(peer{i}, announce{offer_of(service{static_cast<std::uint32_t>(chance.below(kinds))})});
    w.tell(peer{i}, announce{offer_of(service{own + i})});
  }
}

struct tally {
  std::size_t asked = 0;
  std::size_t with = 0;
  std::size_t dead = 0;  // candidates
  std::size_t messages = 0;
};
// Every live head asks for what is drawn, ten a second.
tally ask_all(auto& w, auto&& what) {
  auto const before = w.observed().finds.size();
  tally t;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (!w.up(peer{i})) continue;
    w.tell(peer{i}, look_for{{what(), 1, {}, {}}});
    ++t.asked;
    w.run_for(100ms);
  }
  w.run_for(13s);
  auto const all = w.observed().finds;
  REQUIRE(all.size() == before + t.asked);
  for (std::size_t i = before; i < all.size(); ++i) {
    auto const& f = all[i].second;
    t.with += f.among.empty() ? 0U : 1U;
    t.messages += f.messages;
    for (auto const& c : f.among) t.dead += w.up(c.who) ? 0U : 1U;
  }
  return t;
}

struct rings {
  std::size_t live = 0;
  std::size_t links = 0;
  std::size_t to_the_dead = 0;
  std::size_t not_the_view = 0;  // heads whose ring is another set than their view
};
rings look(world const& w) {
  rings r;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (!w.up(peer{i})) continue;
    ++r.live;
    auto const& p = w.node(peer{i}).policy();
    auto const ring = p.closest(key{}, 99);
    auto const& view = p.neighbours();
    bool const inside = std::all_of(ring.begin(), ring.end(), [&](peer a) {
      return std::find(view.begin(), view.end(), a) != view.end();
    });
    r.not_the_view += inside && ring.size() == view.size() ? 0U : 1U;
    r.links += ring.size();
    for (auto who : ring) r.to_the_dead += w.up(who) ? 0U : 1U;
  }
  return r;
}

}  // namespace

TEST_CASE("what one head in twenty performs is found over a view, and again when a fifth of the "
          "heads died, whose digests are gone within 25 s",
          "[over]") {
  for (auto const seed : seeds(3)) {
    INFO("replay: HYDRA_SEED=" << seed << " simulation_tests '[over]'");
    world w{acquaintances<policy>{seed}};
    owned_stream chance{seed, purpose::workload, 0};
    auto const common = [&] { return service{static_cast<std::uint32_t>(chance.below(kinds))}; };
    announce_all(w, chance);
    w.run_for(4 * tick);
    auto const first = ask_all(w, common);
    auto const early = look(w);
    CHECK(first.with * 100 >= first.asked * 95);
    CHECK(first.messages <= first.asked * 9);
    CHECK(early.not_the_view == 0);
    CHECK(early.links >= heads * 9U / 2);  // of five each

    std::vector<std::uint32_t> dead;
    for (std::uint32_t i = 0; i < heads; i += 5) {
      dead.push_back(i + static_cast<std::uint32_t>(chance.below(5)));
      w.crash(peer{dead.back()});
    }
    w.run_for(noticed);
    auto const late = look(w);
    CHECK(late.to_the_dead == 0);
    CHECK(late.not_the_view == 0);
    auto const soon = ask_all(w, common);
    CHECK(soon.with * 100 >= soon.asked * 90);
    w.run_for(4 * tick);
    auto const then = ask_all(w, common);
    CHECK(then.with * 100 >= then.asked * 95);
    CHECK(then.dead == 0);
    auto const gone = ask_all(w, [&] { return service{own + dead[chance.below(dead.size())]}; });
    CHECK(gone.with == 0);
    CHECK(gone.messages <= gone.asked * 3);  // two unguided: no digest promises it any more
  }
}

TEST_CASE("on the contacts alone, without a view, fewer than half are found", "[over]") {
  for (auto const seed : seeds(3)) {
    INFO("replay: HYDRA_SEED=" << seed << " simulation_tests '[over]'");
    world_of<capability<>> w{acquaintances<capability<>>{seed}};
    owned_stream chance{seed, purpose::workload, 0};
    announce_all(w, chance);
    w.run_for(4 * tick);
    auto const t = ask_all(w, [&] {
      return service{static_cast<std::uint32_t>(chance.below(kinds))};
    });
    CHECK(t.with * 2 < t.asked);
  }
}

TEST_CASE("a view and its ring are the same in one shard or four, through any handles", "[over]") {
  auto const digest = [](sim::world_options how) {
    world w{acquaintances<policy>{7, 100}, how};
    owned_stream chance{7, purpose::workload, 0};
    announce_all(w, chance);
    w.run_for(60s);
    w.crash(peer{5});
    w.tell(peer{9}, look_for{{service{3}, 1, {}, {}}});
    w.run_for(60s);
    return w.digest();
  };
  auto const one = digest({});
  CHECK(digest({.shards = 4}) == one);
  CHECK(digest({.permute_handles = true}) == one);
  CHECK(digest({.check_wire = true}) == one);
}
