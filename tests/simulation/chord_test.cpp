// Chord in a world: the ring stays a ring while heads come and go and messages are lost.
#include "catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

using namespace hydra;
using routing::chord_settings;
using routing::forwarding;
using routing::place_of;
using routing::successor_in;

namespace {

using node = alone<routing::chord<8>>;

struct member {
  hydra::key key{};
  peer who{};
};

// 20 to 60 ms a way; a share of the messages is lost.
class lossy : public sim::plain_setting {
 public:
  lossy(std::uint64_t seed, std::uint32_t heads, chord_settings s, ratio lost)
      : plain_setting{seed, heads}, policy_{s}, lost_{lost} {}
  [[nodiscard]] node make(sim::permutation const&, std::uint32_t) const {
    return node{routing::chord<8>{policy_}};
  }
  [[nodiscard]] duration window() const noexcept { return 20ms; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const {
    owned_stream chance{seed() ^ t.sequence, purpose::fault, std::uint64_t{t.from} << 32U | t.to};
    auto const extra = static_cast<std::int64_t>(chance.below(40'000'000));
    return {.delay = 20ms + duration{extra}, .dropped = chance.draw().chance(lost_)};
  }

 private:
  chord_settings policy_;
  ratio lost_;
};

struct ended {
  std::vector<located> all;
  std::vector<found> finds;
  void fact(instant, std::uint32_t, located const& f) { all.push_back(f); }
  void fact(instant, std::uint32_t, found const& f) { finds.push_back(f); }
  void merge(ended const& o) {
    all.insert(all.end(), o.all.begin(), o.all.end());
    finds.insert(finds.end(), o.finds.begin(), o.finds.end());
  }
};

using world = sim::world<node, lossy, ended>;

chord_settings brisk(forwarding style = forwarding::iterative) {
  chord_settings s;
  s.stabilise = 2s;
  s.rpc_timeout = 300ms;
  s.rpc_attempts = 3;
  s.patience = 3s;
  s.style = style;
  return s;
}

// Everybody joins by somebody who is there already, one every 100 ms.
void join_all(world& w, std::uint32_t heads) {
  owned_stream chance{w.setting().seed(), purpose::workload, 1};
  for (std::uint32_t i = 0; i < heads; ++i) {
    introduce known;
    if (i > 0) known.known.push_back(peer{static_cast<std::uint32_t>(chance.below(i))});
    if (i > 0) w.tell(peer{i}, known);
    w.run_for(100ms);
  }
}

std::vector<member> alive(world const& w) {
  std::vector<member> all;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (w.up(peer{i})) all.push_back({w.setting().key_of(peer{i}), peer{i}});
  }
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  return all;
}

// How many heads do not have the next head as their successor, or the last one as predecessor.
std::size_t breaks_in(world const& w) {
  auto const ring = alive(w);
  std::size_t breaks = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    auto const& mine = w.node(ring[i].who).policy().ring();
    auto const& after = ring[(i + 1) % ring.size()].who;
    auto const& before = ring[(i + ring.size() - 1) % ring.size()].who;
    CHECK(mine.sane());
    bool const good = !mine.successors().empty() && mine.successors()[0].who == after &&
                      mine.predecessor().who == before;
    breaks += good ? 0U : 1U;
  }
  return breaks;
}

key drawn(owned_stream& chance) {
  return key{digest256{chance.bits(), chance.bits(), chance.bits(), chance.bits()}};
}

// Of `lookups` by living heads, how many named the head that the key belongs to.
std::size_t right_of(world& w, std::size_t lookups, std::uint64_t which) {
  auto const ring = alive(w);
  w.each_observer([](ended& o) { o.all.clear(); });
  owned_stream chance{w.setting().seed(), purpose::workload, which};
  for (std::size_t i = 0; i < lookups; ++i) {
    w.tell(ring[chance.below(ring.size())].who, look_up{drawn(chance)});
    w.run_for(50ms);
  }
  w.run_for(13s);
  auto const o = w.observed();
  CHECK(o.all.size() == lookups);  // exactly one fact each, within the bound
  std::size_t right = 0;
  for (auto const& f : o.all) {
    right += f.owner == ring[successor_in(ring, place_of(f.target))].who ? 1U : 0U;
  }
  return right;
}

}  // namespace

TEST_CASE("two hundred heads that join one by one are one ring, though messages are lost",
          "[chord]") {
  auto const seed = GENERATE(1U, 2U);
  auto const style = GENERATE(forwarding::iterative, forwarding::recursive);
  CAPTURE(seed, style);
  world w{lossy{seed, 200, brisk(style), {5, 100}}};
  join_all(w, 200);
  w.run_for(60s);
  CHECK(breaks_in(w) <= 4);  // a predecessor that was missed three times comes back by notify
  CHECK(right_of(w, 300, 2) >= 297);
}

TEST_CASE("iterative and recursive lookups name the same owner", "[chord]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  world w{lossy{seed, 120, brisk(), {}}};
  world v{lossy{seed, 120, brisk(forwarding::recursive), {}}};
  for (auto* each : {&w, &v}) {
    join_all(*each, 120);
    each->run_for(60s);
    CHECK(breaks_in(*each) == 0);
    CHECK(right_of(*each, 200, 3) == 200);
  }
  auto const a = w.observed().all;
  auto const b = v.observed().all;
  REQUIRE(a.size() == b.size());
  auto const owner_in = [](std::vector<located> const& all, key const& target) {
    auto const f = std::find_if(all.begin(), all.end(),
                                [&](located const& l) { return l.target == target; });
    return f == all.end() ? peer{} : f->owner;
  };
  for (auto const& f : a) CHECK(owner_in(b, f.target) == f.owner);
}

TEST_CASE("lookups succeed while heads crash, leave and come back and messages are lost",
          "[chord]") {
  auto const seed = GENERATE(1U, 2U);
  auto const style = GENERATE(forwarding::iterative, forwarding::recursive);
  CAPTURE(seed, style);
  world w{lossy{seed, 150, brisk(style), {3, 100}}};
  join_all(w, 150);
  w.run_for(40s);
  owned_stream chance{seed, purpose::churn, 0};
  for (int round = 0; round < 60; ++round) {  // every two seconds somebody
    auto const ring = alive(w);
    auto const who = ring[chance.below(ring.size())].who;
    if (round % 2 == 0) w.tell(who, depart{});
    w.crash(who);
    if (round >= 20) {
      auto const back = static_cast<std::uint32_t>(chance.below(150));
      if (!w.up(peer{back})) {
        w.restart(peer{back});
        introduce known;
        known.known.push_back(ring[chance.below(ring.size())].who);
        w.tell(peer{back}, known);
      }
    }
    w.tell(ring[chance.below(ring.size())].who, look_up{drawn(chance)});
    w.run_for(2s);
  }
  w.run_for(60s);
  CHECK(alive(w).size() < 150);
  CHECK(breaks_in(w) <= 3);
  CHECK(right_of(w, 200, 4) >= 198);
}

TEST_CASE("half of the heads crash together, and the others close the ring", "[chord]") {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  world w{lossy{seed, 200, brisk(), {}}};
  join_all(w, 200);
  w.run_for(60s);
  owned_stream chance{seed, purpose::fault, 9};
  for (std::uint32_t i = 0; i < 200; ++i) {
    if (chance.draw().chance(1, 3)) w.crash(peer{i});
  }
  w.run_for(60s);
  CHECK(breaks_in(w) == 0);
  CHECK(right_of(w, 200, 5) == 200);
}

TEST_CASE("what is published is found, and still when its owner has gone", "[chord]") {
  auto const seed = GENERATE(1U, 2U);
  auto const style = GENERATE(forwarding::iterative, forwarding::recursive);
  CAPTURE(seed, style);
  world w{lossy{seed, 100, brisk(style), {2, 100}}};
  join_all(w, 100);
  w.run_for(40s);
  service const rendering{3};
  provider_record r;
  r.what = rendering;
  w.tell(peer{7}, announce{r});
  w.run_for(10s);
  for (bool const leaves : {true, false}) {
    auto const ring = alive(w);
    auto const owner = ring[successor_in(ring, place_of(w.setting().key_of(rendering)))].who;
    if (owner == peer{7}) continue;
    if (leaves) w.tell(owner, depart{});
    w.crash(owner);
    w.run_for(15s);
    w.each_observer([](ended& o) { o.finds.clear(); });
    std::size_t asked = 0;
    for (std::uint32_t i = 20; i < 60; ++i) {
      if (!w.up(peer{i})) continue;
      w.tell(peer{i}, look_for{{rendering, 1, {}}});
      ++asked;
    }
    w.run_for(13s);
    auto const finds = w.observed().finds;
    CHECK(finds.size() == asked);
    std::size_t with = 0;
    for (auto const& f : finds) {
      for (auto const& c : f.among) CHECK(c.who == peer{7});
      with += f.among.empty() ? 0U : 1U;
    }
    CHECK(with >= asked - 1);
  }
}

TEST_CASE("a world of Chord is the same on any number of shards and over the wire",
          "[chord]") {
  auto const run = [](sim::world_options how) {
    world w{lossy{5, 60, brisk(), {2, 100}}, how};
    for (std::uint32_t i = 1; i < 60; ++i) {
      introduce known;
      known.known.push_back(peer{i - 1});
      w.tell(peer{i}, known);
      w.run_for(100ms);
    }
    w.run_for(30s);
    return w.digest();
  };
  auto const one = run({});
  CHECK(run({.shards = 3, .threads = 2}) == one);
  CHECK(run({.check_wire = true}) == one);
}
