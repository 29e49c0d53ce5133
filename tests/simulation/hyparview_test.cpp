// What the overlay of HyParView is worth when half of the heads die at once and messages are lost.
#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <vector>

using namespace hydra;
using namespace hydra::membership;

namespace {

using node = alone<hyparview<>>;

// Nobody is told of broken links: probes find them.
struct silent : sim::plain_setting {
  silent(std::uint64_t seed, std::uint32_t heads, std::uint32_t loss_percent)
      : plain_setting{seed, heads}, loss{loss_percent} {}
  [[nodiscard]] node make(sim::permutation const& seen, std::uint32_t who) const {
    bounded_vector<peer, 16> contacts;
    if (who != 0) contacts.push_back(peer{seen.seen(0)});
    return node{hyparview<>{{.cycle = 3s, .probe = 3s}}, contacts};
  }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    return {.delay = 10ms + duration{static_cast<std::int64_t>(bits % 90'000'000)},
            .dropped = (bits >> 32U) % 100 < loss};
  }
  std::uint32_t loss;
};

using world = sim::world<node, silent>;

struct picture {
  std::size_t live = 0;
  std::size_t reached = 0;  // over links, from the first live head
  std::size_t links = 0;
  std::size_t one_way = 0;
  std::size_t to_the_dead = 0;
};
picture look(world const& w) {
  picture p;
  std::vector<std::uint32_t> order;
  std::vector<bool> seen(w.peers());
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (!w.up(peer{i})) continue;
    ++p.live;
    if (order.empty()) order.push_back(i);
    for (auto who : w.node(peer{i}).policy().neighbours()) {
      ++p.links;
      auto const& back = w.node(who).policy().neighbours();
      p.to_the_dead += w.up(who) ? 0U : 1U;
      p.one_way += std::find(back.begin(), back.end(), peer{i}) == back.end() ? 1U : 0U;
    }
  }
  seen[order[0]] = true;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (auto who : w.node(peer{order[i]}).policy().neighbours()) {
      if (!w.up(who) || seen[who.index()]) continue;
      seen[who.index()] = true;
      order.push_back(who.index());
    }
  }
  p.reached = order.size();
  return p;
}

}  // namespace

SCENARIO("the overlay is connected again after half of the heads crashed, with loss") {
  auto const seed = GENERATE(1U, 2U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  world w{{seed, 400, loss}};
  w.run_for(120s);
  auto const before = look(w);
  CHECK(before.reached == 400);
  CHECK(before.links >= 400U * 9 / 2);  // of five each
  owned_stream chance{seed, purpose::fault, 0};
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < 400; ++i) all.push_back(i);
  chance.draw().permute(std::span<std::uint32_t>{all});
  for (std::size_t i = 0; i < 200; ++i) w.crash(peer{all[i]});
  w.run_for(90s);
  auto const after = look(w);
  CHECK(after.live == 200);
  CHECK(after.reached == 200);
  CHECK(after.links >= 200U * 9 / 2);
  CHECK(after.to_the_dead <= 4);
  if (loss == 0) {
    CHECK(after.to_the_dead == 0);
    CHECK(after.one_way == 0);
  } else {
    CHECK(after.one_way <= after.links / 20);  // until the next probe
  }
}

SCENARIO("one seed builds one overlay, in one shard or four, seen through any handles") {
  auto const digest = [](sim::world_options how) {
    world w{{7, 100, 10}, how};
    w.run_for(40s);
    w.crash(peer{5});
    w.run_for(40s);
    return w.digest();
  };
  auto const one = digest({});
  CHECK(digest({.shards = 4}) == one);
  CHECK(digest({.permute_handles = true}) == one);
  CHECK(digest({.check_wire = true}) == one);
}
