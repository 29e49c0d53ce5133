// Heads of Pastry that join through each other, lose messages and come and go: lookups end at the
// numerically closest live head, and what is broken is repaired.
#include "catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <sstream>
#include <vector>

using namespace hydra;

namespace {

using policy = routing::pastry<4, 16>;
using state = routing::pastry_table<4, 16>;

class lossy : public sim::plain_setting {
 public:
  lossy(std::uint64_t seed, std::uint32_t peers, std::uint32_t loss_percent, bool iterative)
      : plain_setting{seed, peers}, loss_percent_{loss_percent}, iterative_{iterative} {}

  // As after months of traffic.
  [[nodiscard]] static lossy warm(std::uint64_t seed, std::uint32_t peers,
                                  std::uint32_t loss_percent) {
    lossy made{seed, peers, loss_percent, false};
    auto all = std::make_shared<std::vector<routing::introduction>>();
    for (std::uint32_t i = 0; i < peers; ++i) {
      all->push_back({peer{i}, derived_key(seed, peer{i}), {}});
    }
    std::sort(all->begin(), all->end(),
              [](auto const& a, auto const& b) { return a.key < b.key; });
    made.all_ = std::move(all);
    return made;
  }
  // Everybody starts from three others, or knows already whom it should.
  [[nodiscard]] alone<policy> make(sim::permutation const& sees, std::uint32_t who) const {
    if (all_ != nullptr) {
      policy p;
      p.adopt(key_of(peer{who}), *all_, [&](peer o) { return peer{sees.seen(o.index())}; });
      return alone<policy>{p};
    }
    bounded_vector<peer, 16> known;
    owned_stream chance{seed(), purpose::friends, who};
    for (int i = 0; i < 3; ++i) {
      auto const other = static_cast<std::uint32_t>(chance.below(peers()));
      if (other != who) known.push_back(peer{sees.seen(other)});
    }
    routing::pastry_settings s;
    s.iterative = iterative_;
    return alone<policy>{policy{s}, known};
  }
  // 20 to 80 ms, by pair; lost by message.
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const draw = mix64(mix64(seed() ^ t.from) ^ (std::uint64_t{t.to} << 32U | t.sequence));
    return {.delay = one_way(t.from, t.to), .dropped = draw % 100 < loss_percent_};
  }
  [[nodiscard]] duration one_way(std::uint32_t from, std::uint32_t to) const noexcept {
    auto const pair = mix64(std::uint64_t{std::min(from, to)} << 32U | std::max(from, to));
    return 20ms + duration{static_cast<std::int64_t>(pair % 60'000'000)};
  }
  [[nodiscard]] duration round_trip(std::uint32_t from, std::uint32_t to) const noexcept {
    return measures_ ? 2 * one_way(from, to) : duration{};
  }
  [[nodiscard]] lossy measuring() const {
    auto made = *this;
    made.measures_ = true;
    return made;
  }
  [[nodiscard]] duration window() const noexcept { return 20ms; }
  using plain_setting::key_of;

 private:
  std::uint32_t loss_percent_;
  bool iterative_;
  bool measures_ = false;
  std::shared_ptr<std::vector<routing::introduction> const> all_{};
};

struct ends {
  std::vector<located> located_all{};
  std::vector<found> found_all{};
  template <class F>
  void fact(instant, std::uint32_t, F const& f) {
    if constexpr (std::same_as<F, located>) located_all.push_back(f);
    if constexpr (std::same_as<F, found>) found_all.push_back(f);
  }
  void merge(ends const& o) {
    located_all.insert(located_all.end(), o.located_all.begin(), o.located_all.end());
    found_all.insert(found_all.end(), o.found_all.begin(), o.found_all.end());
  }
};
using world = sim::world<alone<policy>, lossy, ends>;

std::uint32_t prefix_of(world& w, std::uint32_t who) {
  return w.setting().key_of(peer{who}).prefix();
}
std::vector<std::uint32_t> live_in_order(world& w) {
  std::vector<std::uint32_t> live;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (w.up(peer{i})) live.push_back(i);
  }
  std::sort(live.begin(), live.end(),
            [&](auto a, auto b) { return prefix_of(w, a) < prefix_of(w, b); });
  return live;
}
// Of all leaves that live heads should have, how many they have; every leaf set is sane.
double leaves_right(world& w) {
  auto const live = live_in_order(w);
  std::size_t right = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    auto const& t = w.node(peer{live[i]}).policy().state();
    CHECK(t.sane());
    for (std::size_t d = 1; d <= 8; ++d) {
      right += t.is_leaf(peer{live[(i + d) % live.size()]}) ? 1U : 0U;
      right += t.is_leaf(peer{live[(i + live.size() - d) % live.size()]}) ? 1U : 0U;
    }
  }
  return static_cast<double>(right) / (16.0 * static_cast<double>(live.size()));
}
// Share of the lookups of live heads that come to the closest live one; each ends once.
double lookups_right(world& w, std::uint64_t seed, std::size_t lookups) {
  auto const live = live_in_order(w);
  owned_stream chance{seed, purpose::workload, 0};
  w.each_observer([](ends& e) { e.located_all.clear(); });
  for (std::size_t i = 0; i < lookups; ++i) {
    auto const from = live[static_cast<std::size_t>(chance.below(live.size()))];
    key const target{digest256{chance.bits(), chance.bits(), chance.bits(), chance.bits()}};
    w.tell(peer{from}, look_up{target});
    w.run_for(20ms);
  }
  w.run_for(13s);
  auto const all = w.observed().located_all;
  CHECK(all.size() == lookups);
  std::size_t right = 0;
  for (auto const& f : all) {
    auto const best = *std::min_element(live.begin(), live.end(), [&](auto a, auto b) {
      return state::nearer(prefix_of(w, a), prefix_of(w, b), f.target.prefix());
    });
    right += f.owner == peer{best} ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(lookups);
}

// From a head to those of the first row of its table, on average over all heads.
double nearness_ms(world& w) {
  double sum = 0;
  double entries = 0;
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    auto const& t = w.node(peer{i}).policy().state();
    for (unsigned column = 0; column < 16; ++column) {
      auto const& c = t.at(0, column);
      if (!c.who) continue;
      sum += static_cast<double>(w.setting().one_way(i, c.who.index()).count()) / 1e6;
      entries += 1;
    }
  }
  return sum / entries;
}

}  // namespace

TEST_CASE("Pastry: heads that join at once build exact leaf sets, also while messages are lost",
          "[pastry]") {
  auto const seed = GENERATE(1U, 2U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  world w{lossy{seed, 200, loss, false}};
  w.run_for(3min);
  CHECK(leaves_right(w) > (loss == 0 ? 0.999 : 0.97));
  CHECK(lookups_right(w, seed, 300) > (loss == 0 ? 0.999 : 0.98));
}

TEST_CASE("Pastry: where round trips are measured, near heads take the places of far ones",
          "[pastry]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  lossy const setting{seed, 300, 0, false};
  world blind{setting};
  world sees{setting.measuring()};
  for (auto* w : {&blind, &sees}) w->run_for(10min);
  CHECK(nearness_ms(blind) > 45);  // of 20 to 80 ms
  CHECK(nearness_ms(sees) < 0.9 * nearness_ms(blind));
  CHECK(leaves_right(sees) > 0.999);
  CHECK(lookups_right(sees, seed, 100) > 0.999);
}

TEST_CASE("Pastry: a fifth of the heads crash; lookups go round them, and leaf sets are repaired",
          "[pastry]") {
  auto const seed = GENERATE(3U, 4U);
  bool const iterative = GENERATE(false, true);
  CAPTURE(seed, iterative);
  world w{lossy{seed, 200, 2, iterative}};
  w.run_for(3min);
  owned_stream chance{seed, purpose::churn, 0};
  std::vector<peer> all;
  for (std::uint32_t i = 0; i < w.peers(); ++i) all.push_back(peer{i});
  auto const gone = chance.draw().sample(40, std::span<peer>{all});
  for (auto who : gone) w.crash(who);
  CHECK(lookups_right(w, seed, 300) > 0.9);
  w.run_for(5min);
  CHECK(leaves_right(w) > 0.99);
  for (auto who : live_in_order(w)) {
    for (auto dead : gone) CHECK_FALSE(w.node(peer{who}).policy().state().is_leaf(dead));
  }
  CHECK(lookups_right(w, seed + 1, 300) > 0.99);
  for (auto who : gone) w.restart(who);
  w.run_for(3min);
  CHECK(leaves_right(w) > 0.99);
  CHECK(lookups_right(w, seed + 2, 300) > 0.99);
}

TEST_CASE("Pastry: what is published is found while heads come and go", "[pastry]") {
  auto const seed = GENERATE(5U, 6U);
  CAPTURE(seed);
  world w{lossy{seed, 150, 5, false}};
  w.run_for(2min);
  constexpr service rendering{7};
  provider_record r;
  r.what = rendering;
  r.power.cores = 8;
  for (std::uint32_t i = 0; i < 10; ++i) w.tell(peer{i}, announce{r});
  w.run_for(30s);
  owned_stream chance{seed, purpose::churn, 0};
  std::size_t asked = 0;
  for (int round = 0; round < 40; ++round) {  // one crashes, comes back 20 s later
    auto const who = peer{10 + static_cast<std::uint32_t>(chance.below(140))};
    w.crash(who);
    for (int i = 0; i < 5; ++i) {
      auto const by = peer{static_cast<std::uint32_t>(chance.below(150))};
      if (!w.up(by)) continue;
      w.tell(by, look_for{{rendering, 1, {}}});
      ++asked;
    }
    w.run_for(20s);
    w.restart(who);
  }
  w.run_for(15s);
  auto const all = w.observed().found_all;
  CHECK(all.size() >= asked - 2);  // one that crashes while it asks is not answered
  std::size_t with = 0;
  for (auto const& f : all) {
    with += f.among.empty() ? 0U : 1U;
    for (auto const& c : f.among) CHECK(c.who.index() < 10);
  }
  CHECK(with * 100 >= all.size() * 97);
}

TEST_CASE("Pastry: what a find costs, and what an idle head says", "[pastry]") {
  auto const heads = GENERATE(500U, 3000U);
  auto const loss = GENERATE(0U, 30U);
  CAPTURE(heads, loss);
  world w{lossy::warm(1, heads, loss)};
  w.run_for(1s);
  constexpr service rendering{5};
  provider_record r;
  r.what = rendering;
  r.power.cores = 4;
  for (std::uint32_t i = 0; i < 10; ++i) w.tell(peer{i}, announce{r});
  w.run_for(20s);
  auto const before = w.sent_by_type();
  constexpr std::uint32_t finds = 200;
  for (std::uint32_t i = 0; i < finds; ++i) {
    w.tell(peer{20 + i * 2}, look_for{{rendering, 2, {}}});
    w.run_for(50ms);
  }
  w.run_for(13s);
  auto const after = w.sent_by_type();
  auto const all = w.observed().found_all;
  REQUIRE(all.size() == finds);
  double hops = 0;
  double empty = 0;
  for (auto const& f : all) {
    hops += f.hops;
    empty += f.among.empty() ? 1.0 : 0.0;
  }
  auto const per_find = [&](std::size_t type) {
    return static_cast<double>(after[type] - before[type]) / finds;
  };
  constexpr auto asks = index_of<routing::find_providers, policy::messages>;
  w.run_for(10min);
  auto const later = w.sent_by_type();
  auto const per_minute = [&](std::size_t type) {
    return static_cast<double>(later[type] - after[type]) / heads / 10.0;
  };
  std::ostringstream says;
  says << heads << " heads, " << loss << " % loss: hops " << hops / finds << ", per find "
       << per_find(0) << " forwards, " << per_find(1) << " acknowledgements, " << per_find(2)
       << " arrivals, " << per_find(asks) << " questions for records, " << 100 * empty / finds
       << " % empty; idle per head and minute "
       << per_minute(index_of<routing::ping, policy::messages>) << " pings, "
       << per_minute(5) + per_minute(7) << " questions for rows and leaf sets";
  WARN(says.str());
  CHECK(hops / finds > 1.0);
  CHECK(hops / finds < (heads == 500 ? 2.5 : 3.5));
  CHECK(per_find(0) < (loss == 0 ? 3.5 : 12.0));
  CHECK(per_find(asks) < (loss == 0 ? 4.1 : 8.0));
  CHECK(empty <= (loss == 0 ? 0 : finds / 20));
}
