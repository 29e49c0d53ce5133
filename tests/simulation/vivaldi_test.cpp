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

struct conditions {
  std::uint64_t seed = 1;
  std::uint32_t liars_percent = 0;
  std::uint8_t outlier = 4;
};

class plane : public sim::plain_setting {
 public:
  explicit plane(conditions const& c) : plain_setting{c.seed, heads}, told_{c}, at_(heads) {
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
    return {alone<vivaldi<>>{vivaldi<>{{.outlier = told_.outlier}}, known}, lies(who)};
  }

 private:
  struct position {
    std::int64_t x = 0;
    std::int64_t y = 0;
    std::int64_t last_mile = 0;
  };
  conditions told_;
  std::vector<position> at_;
};

using world = sim::world<head, plane>;

// In percent, over all pairs of honest heads that are up: predicted by coordinates alone.
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

TEST_CASE("x") {
  for (unsigned seed = 1; seed < 4; ++seed) {
    for (auto c : {conditions{seed, 0, 4}, conditions{seed, 0, 0}, conditions{seed, 20, 4}, conditions{seed, 20, 0}}) {
      world w{plane{c}};
      std::printf("seed %u liars %u outlier %u:", seed, c.liars_percent, c.outlier);
      for (auto t : {10s, 30s, 70s, 300s, 600s, 1800s, 3600s}) {
        w.run_until(origin + t);
        std::printf(" %lld", (long long)median_error(w));
      }
      std::printf("\n");
    }
  }
}
