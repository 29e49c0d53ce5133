// Coordinates in a world: heads on a plane with last miles, jitter, churn and liars.
#include "catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::proximity;

namespace {

constexpr std::uint32_t heads = 300;
constexpr std::uint32_t known_at_start = 8;

// The policy of the library; a liar answers with any coordinate, and is sure of it.
struct head {
  using messages = messages_of<vivaldi<>>;
  using inputs = alone<vivaldi<>>::inputs;
  static constexpr std::size_t purposes = room_count;

  alone<vivaldi<>> honest{};
  bool lies = false;

  void on_start(auto& env) { honest.on_start(env); }
  void on_message(auto& env, peer from, coordinate_probe const& m) {
    if (!lies) return honest.on_message(env, from, m);
    coordinate_echo lie{m.nonce, {}};
    for (int i = 0; i < 2; ++i) {
      auto const far = env.random().below(2 * static_cast<std::uint64_t>(units_max));
      lie.mine.axes.push_back(static_cast<std::int32_t>(far) - units_max);
    }
    lie.mine.axes.push_back(static_cast<std::int32_t>(units_of(1ms)));
    env.send(from, lie);
  }
  void on_message(auto& env, peer from, coordinate_echo const& m) {
    honest.on_message(env, from, m);
  }
  void on_any_timer(auto& env, std::uint32_t tag) { honest.on_any_timer(env, tag); }
  template <class F>
  void on_fact(auto& env, F const& fact) {
    honest.on_fact(env, fact);
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& honest& lies;
  }
};

struct surroundings {
  std::uint64_t seed = 1;
  std::uint32_t liars_percent = 0;
  std::uint8_t outlier = 4;
};

class plane : public sim::plain_setting {
 public:
  explicit plane(surroundings const& c) : plain_setting{c.seed, heads}, told_{c}, at_(heads) {
    owned_stream chance{c.seed, purpose::placement, 0};
    for (auto& p : at_) {
      p.x = static_cast<std::int64_t>(chance.below(150'000'000));
      p.y = static_cast<std::int64_t>(chance.below(150'000'000));
      p.last_mile = static_cast<std::int64_t>(2'000'000 + chance.below(20'000'000));
    }
  }
  // Without jitter.
  [[nodiscard]] duration round_trip(std::uint32_t a, std::uint32_t b) const noexcept {
    auto const dx = at_[a].x - at_[b].x;
    auto const dy = at_[a].y - at_[b].y;
    auto const flat = root(static_cast<std::uint64_t>(dx * dx + dy * dy));
    return duration{static_cast<std::int64_t>(flat) + at_[a].last_mile + at_[b].last_mile};
  }
  [[nodiscard]] bool lies(std::uint32_t who) const noexcept {
    return who * 100 < told_.liars_percent * heads;
  }
  // Up to a fifth more each way.
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    auto const one_way = round_trip(t.from, t.to).count() / 2;
    return {.delay = duration{one_way + one_way * static_cast<std::int64_t>(bits % 200) / 1000}};
  }
  [[nodiscard]] head make(sim::permutation const& handles, std::uint32_t who) const {
    bounded_vector<peer, 16> known;
    owned_stream chance{seed(), purpose::friends, who};
    while (known.size() < known_at_start) {
      auto const other = static_cast<std::uint32_t>(chance.below(heads));
      if (other != who) known.push_back(peer{handles.seen(other)});
    }
    vivaldi<> const fresh{{.relax = told_.outlier != 0, .outlier = told_.outlier}};
    return {alone<vivaldi<>>{fresh, known}, lies(who)};
  }

 private:
  struct position {
    std::int64_t x = 0;
    std::int64_t y = 0;
    std::int64_t last_mile = 0;
  };
  surroundings told_;
  std::vector<position> at_;
};

using world = sim::world<head, plane>;

// In thousandths, the median over all pairs of honest heads that are up, by coordinates alone.
std::int64_t median_error(world const& w) {
  std::vector<std::int64_t> errors;
  auto const counts = [&](std::uint32_t i) { return w.up(peer{i}) && !w.setting().lies(i); };
  for (std::uint32_t i = 0; i < heads; ++i) {
    if (!counts(i)) continue;
    auto const& mine = w.node(peer{i}).honest.policy().where();
    for (auto j = i + 1; j < heads; ++j) {
      if (!counts(j)) continue;
      auto const real = w.setting().round_trip(i, j);
      auto const said = proximity::round_trip(mine, w.node(peer{j}).honest.policy().where());
      auto const off = said < real ? real - said : said - real;
      errors.push_back(off.count() * 1000 / real.count());
    }
  }
  auto const middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return *middle;
}

}  // namespace

TEST_CASE("heads that all start at one point know their distances after ten minutes") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  world w{plane{{.seed = seed}}};
  w.run_until(origin + 10s);
  CHECK(median_error(w) > 300);
  w.run_until(origin + 10min);  // 300 rounds of 2 s at most, of which 255 with a probe
  auto const early = median_error(w);
  CHECK(early < 160);  // jitter alone is 100
  w.run_until(origin + 1h);
  CHECK(median_error(w) < 125);
}

TEST_CASE("a fifth of liars does not move the others; without bounds it does") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  world bounded{plane{{.seed = seed, .liars_percent = 20}}};
  world unbounded{plane{{.seed = seed, .liars_percent = 20, .outlier = 0}}};
  for (auto minutes : {15, 30, 60}) {
    CAPTURE(minutes);
    bounded.run_until(origin + minutes * 1min);
    CHECK(median_error(bounded) < 160);
  }
  unbounded.run_until(origin + 15min);
  CHECK(median_error(unbounded) > 400);
}

TEST_CASE("heads that crash and come back do not shake the others") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  world w{plane{{.seed = seed}}};
  w.run_until(origin + 15min);
  owned_stream chance{seed, purpose::churn, 0};
  std::vector<peer> down;
  std::int64_t worst = 0;
  for (int round = 0; round < 30; ++round) {
    for (auto who : down) w.restart(who);
    down.clear();
    for (int i = 0; i < 15; ++i) {  // a twentieth of all, every 20 s
      peer const who{static_cast<std::uint32_t>(chance.below(heads))};
      if (!w.up(who)) continue;
      w.crash(who);
      down.push_back(who);
    }
    w.run_for(20s);
    worst = std::max(worst, median_error(w));
  }
  CHECK(worst < 180);
  w.run_for(15min);
  CHECK(median_error(w) < 125);
}

TEST_CASE("neither shards nor the numbers of handles change a coordinate") {
  surroundings const c{.seed = 4, .liars_percent = 10};
  world plain{plane{c}};
  world cut{plane{c}, {.shards = 3}};
  world permuted{plane{c}, {.permute_handles = true, .check_wire = true}};
  for (auto* w : {&plain, &cut, &permuted}) w->run_until(origin + 3min);
  CHECK(plain.counts().events > 50'000);
  CHECK(cut.digest() == plain.digest());
  CHECK(permuted.digest() == plain.digest());
  CHECK(fold_of(permuted.node(peer{299}).honest.policy().where()) ==
        fold_of(plain.node(peer{299}).honest.policy().where()));
}
