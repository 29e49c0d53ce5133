#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/assembly/one_of.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

using namespace hydra;
using namespace hydra::proximity;

namespace {

using net = vivaldi<>;

claim at(std::int32_t x, std::int32_t y, std::int32_t h, std::uint32_t error = error_one / 10) {
  claim c;
  for (auto v : {x, y, h}) c.axes.push_back(v);
  c.error = error;
  return c;
}
std::int32_t ms(int n) { return static_cast<std::int32_t>(units_of(n * 1ms)); }

// One probe of the policy, to whoever it asks: its nonce.
template <class P, class View>
coordinate_probe asked(testing::recorder& env, View& view, P& p) {
  for (auto const& due : env.advance(1min)) {
    p.on_timer(view, due.tag);
    break;
  }
  auto const sent = env.take_sent();
  REQUIRE(sent.size() == 1);
  return sent[0].what.as<coordinate_probe>();
}

template <class P, class View>
void answer(testing::recorder& env, View& view, P& p, peer from, claim const& c, duration trip) {
  auto const probe = asked(env, view, p);
  static_cast<void>(env.advance(trip));
  p.on_message(view, from, coordinate_echo{probe.nonce, c});
}

}  // namespace

TEST_CASE("a neighbour that was measured is asked, and its echo moves us") {
  testing::recorder env{{.seed = 7, .self = peer{0}}};
  auto view = env.view<net>();
  net n;
  CHECK(env.timers() == 0);
  n.observe(view, peer{1}, 80ms);
  CHECK(env.timers() == 1);
  auto const probe = asked(env, view, n);
  CHECK(probe.mine.axes.size() == 3);
  CHECK(env.timers() == 1);  // the next one
  CHECK(n.predict(peer{1}, {}) < duration{});
  static_cast<void>(env.advance(80ms));
  n.on_message(view, peer{1}, coordinate_echo{probe.nonce, at(0, 0, ms(1))});
  CHECK(n.predict(peer{1}, {}) > 10ms);  // parted from one point, in a random direction
  CHECK(n.estimate(peer{1}, {}) == 80ms);
  CHECK(n.measured(peer{1}));
  CHECK_FALSE(n.measured(peer{2}));
}

TEST_CASE("asked often enough, the distance to a neighbour is its round trip") {
  testing::recorder env{{.seed = 8}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  for (int i = 0; i < 60; ++i) answer(env, view, n, peer{1}, at(ms(30), ms(-20), ms(5)), 80ms);
  CHECK(n.predict(peer{1}, {}) > 79ms);
  CHECK(n.predict(peer{1}, {}) < 81ms);
  CHECK(n.where().error < error_one / 50);
}

TEST_CASE("an echo counts from whom was asked, once, with the nonce, in time") {
  testing::recorder env{{.seed = 9}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  auto const before = fold_of(n.where());
  auto probe = asked(env, view, n);
  static_cast<void>(env.advance(80ms));
  n.on_message(view, peer{2}, coordinate_echo{probe.nonce, at(ms(30), 0, 0)});
  n.on_message(view, peer{1}, coordinate_echo{probe.nonce + 1, at(ms(30), 0, 0)});
  CHECK(fold_of(n.where()) == before);
  n.on_message(view, peer{1}, coordinate_echo{probe.nonce, at(ms(30), 0, 0)});
  auto const after = fold_of(n.where());
  CHECK(after != before);
  n.on_message(view, peer{1}, coordinate_echo{probe.nonce, at(ms(90), 0, 0)});
  CHECK(fold_of(n.where()) == after);
  probe = asked(env, view, n);
  static_cast<void>(env.advance(11s));
  n.on_message(view, peer{1}, coordinate_echo{probe.nonce, at(ms(90), 0, 0)});
  CHECK(fold_of(n.where()) == after);
  CHECK(n.estimate(peer{1}, {}) == 80ms);
}

TEST_CASE("claims out of bounds, or of another space, cost the claimer its place") {
  constexpr auto low = std::numeric_limits<std::int32_t>::min();
  claim other_space;
  other_space.axes.push_back(1);
  auto const bad = GENERATE_COPY(at(units_max + 1, 0, 0), at(low, 0, 0), at(0, 0, -1),
                                 at(0, 0, 0, error_max + 1), at(0, 0, 0, ~0U), other_space);
  testing::recorder env{{.seed = 10}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  auto const before = fold_of(n.where());
  answer(env, view, n, peer{1}, bad, 80ms);
  CHECK(fold_of(n.where()) == before);
  CHECK(n.neighbours() == 0);
  CHECK(n.estimate(peer{1}, {}) == 120ms);
  n.told(view, peer{3}, bad);
  CHECK(n.neighbours() == 0);
}

TEST_CASE("a coordinate told unasked makes no step, and an absurd one costs the place") {
  testing::recorder env{{.seed = 10}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  auto const before = fold_of(n.where());
  n.on_message(view, peer{1}, coordinate_probe{1, at(ms(30), 0, 0)});
  CHECK(fold_of(n.where()) == before);
  CHECK(n.estimate(peer{1}, {}) == 80ms);  // measured: its word does not count
  CHECK(n.predict(peer{1}, {}) > 29ms);
  n.on_message(view, peer{1}, coordinate_probe{2, {}});  // tells nothing
  CHECK(n.neighbours() == 1);
  n.on_message(view, peer{1}, coordinate_probe{3, at(units_max + 1, 0, 0)});
  CHECK(n.neighbours() == 0);
  CHECK(n.predict(peer{1}, {}) < duration{});
}

TEST_CASE("a sample moves us by 100 ms at most, whatever it says") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  testing::recorder env{{.seed = seed}};
  auto view = env.view<net>();
  net n{{.outlier = 0, .eager_period = 20s}};
  owned_stream chance{seed, 0, 0};
  n.observe(view, peer{1}, 80ms);
  auto const any = [&] {
    return static_cast<std::int32_t>(chance.below(2 * std::uint64_t{units_max})) - units_max;
  };
  for (int i = 0; i < 300; ++i) {
    auto const was = n.where();
    auto const lie = at(any(), any(), std::abs(any()), static_cast<std::uint32_t>(
                                                           chance.below(error_max)));
    answer(env, view, n, peer{1}, lie, duration{static_cast<std::int64_t>(
                                           1 + chance.below(9'000'000'000))});
    CHECK(apart_in_plane(was, n.where()) <= net::step_max + 2);
    CHECK(std::abs(was.height() - n.where().height()) <= net::step_max);
    CHECK(n.where().height() >= net::height_min);
    CHECK(n.where().error <= error_max);
    CHECK(net::position::plausible(n.own()));
  }
}

TEST_CASE("among honest neighbours a sample that fits with nothing is left out") {
  auto const liar_pulls = [](std::uint8_t outlier) {
    testing::recorder env{{.seed = 11}};
    auto view = env.view<net>();
    net n{{.strangers = false, .relax = false, .outlier = outlier}};
    std::array<claim, 8> where{};
    for (std::uint32_t i = 0; i < 8; ++i) {
      where[i] = at(ms(i % 2 == 0 ? 60 : -60), ms(20 * static_cast<int>(i) - 70), ms(2));
      n.observe(view, peer{i + 1}, 70ms);
    }
    auto const one = [&](bool lies) {
      for (auto const& due : env.advance(2s)) n.on_timer(view, due.tag);
      for (auto const& s : env.take_sent()) {
        auto const i = s.to.index() - 1;
        static_cast<void>(env.advance(70ms));
        auto const c = lies ? at(ms(4000), ms(-4000), ms(2), 0) : where[i];
        n.on_message(view, s.to, coordinate_echo{s.what.as<coordinate_probe>().nonce, c});
      }
    };
    for (int i = 0; i < 200; ++i) one(false);
    auto const was = n.where();
    one(true);
    return apart_in_plane(was, n.where());
  };
  CHECK(liar_pulls(0) > units_of(60ms));
  CHECK(liar_pulls(4) == 0);  // left out
}

TEST_CASE("who is silent three times in a row loses its place; the timer ends with the last") {
  testing::recorder env{{.seed = 12}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  for (int i = 0; i < 3; ++i) static_cast<void>(asked(env, view, n));
  CHECK(n.neighbours() == 1);
  for (auto const& due : env.advance(1min)) n.on_timer(view, due.tag);
  CHECK(n.neighbours() == 0);
  CHECK(env.take_sent().empty());
  CHECK(env.timers() == 0);
  n.observe(view, peer{2}, 80ms);
  CHECK(env.timers() == 1);
}

TEST_CASE("a probe is answered with its nonce; a position only where it may be told") {
  testing::recorder env{{.seed = 13}};
  auto view = env.view<net>();
  net open;
  open.on_message(view, peer{5}, coordinate_probe{77, at(ms(3), 0, 0)});
  auto sent = env.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == peer{5});
  CHECK(sent[0].what.as<coordinate_echo>().nonce == 77);
  CHECK(sent[0].what.as<coordinate_echo>().mine.said());
  CHECK(open.predict(peer{5}, {}) > duration{});  // it said where it is
  CHECK(open.estimate(peer{5}, {}) == open.predict(peer{5}, {}));

  net shut{{.answer = false}};
  shut.on_message(view, peer{5}, coordinate_probe{78, at(ms(3), 0, 0)});
  sent = env.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].what.as<coordinate_echo>().nonce == 78);
  CHECK_FALSE(sent[0].what.as<coordinate_echo>().mine.said());
  CHECK_FALSE(asked(env, view, shut).mine.said());
}

TEST_CASE("who asks us takes a quarter of the places at most, one per netgroup") {
  testing::recorder env{{.seed = 14}};
  auto view = env.view<net>();
  net n;
  auto const ask = [&](std::uint32_t who, std::uint32_t group) {
    auto about = env.about(peer{who});
    about.group = {group};
    env.know(peer{who}, about);
    n.on_message(view, peer{who}, coordinate_probe{who, at(ms(3), 0, 0)});
  };
  for (std::uint32_t i = 1; i <= 50; ++i) ask(i, 7);
  CHECK(n.neighbours() == 1);
  for (std::uint32_t i = 51; i <= 100; ++i) ask(i, i);
  CHECK(n.neighbours() == net::strangers_max);
  for (std::uint32_t i = 200; i < 300; ++i) n.observe(view, peer{i}, 30ms);
  CHECK(n.neighbours() == net::places_max);
  net no_strangers{{.strangers = false}};
  no_strangers.on_message(view, peer{5}, coordinate_probe{1, at(ms(3), 0, 0)});
  CHECK(no_strangers.neighbours() == 0);
}

TEST_CASE("the first half of the neighbours stays, the others give way in turn") {
  testing::recorder env{{.seed = 15}};
  auto view = env.view<net>();
  net n;
  for (std::uint32_t i = 1; i <= 100; ++i) n.observe(view, peer{i}, i * 1ms);
  for (std::uint32_t i = 1; i <= net::steady_max; ++i) CHECK(n.estimate(peer{i}, {}) == i * 1ms);
  CHECK_FALSE(n.measured(peer{9}));
  for (std::uint32_t i = 93; i <= 100; ++i) CHECK(n.estimate(peer{i}, {}) == i * 1ms);
}

TEST_CASE("what is observed moves us with the next echo, not by itself") {
  auto const ended = [](duration observed) {
    testing::recorder env{{.seed = 16}};
    auto view = env.view<net>();
    net n{{.strangers = false}};
    for (std::uint32_t i = 1; i <= 6; ++i) {
      n.observe(view, peer{i}, 80ms);
      n.told(view, peer{i}, at(ms(20 * static_cast<int>(i)), ms(i % 2 == 0 ? 30 : -30), ms(1)));
    }
    for (int k = 0; k < 20; ++k) n.observe(view, peer{6}, observed);
    auto const before = n.where();
    auto const probe = asked(env, view, n);
    CHECK(fold_of(n.where()) == fold_of(before));
    static_cast<void>(env.advance(80ms));
    for (std::uint32_t i = 1; i <= 5; ++i) {  // whoever it was; not 6
      n.on_message(view, peer{i}, coordinate_echo{probe.nonce, at(ms(20), ms(30), ms(1))});
    }
    return n.where();
  };
  auto const short_trip = ended(60ms);
  auto const long_trip = ended(110ms);
  CHECK(fold_of(short_trip) != fold_of(long_trip));
  CHECK(fold_of(short_trip) == fold_of(ended(60ms)));
}

TEST_CASE("a queue on the way does not pull: the smaller of measured and smoothed counts") {
  testing::recorder env{{.seed = 17}};
  auto view = env.view<net>();
  net n;
  n.observe(view, peer{1}, 80ms);
  for (int i = 0; i < 60; ++i) answer(env, view, n, peer{1}, at(ms(30), 0, ms(5)), 80ms);
  answer(env, view, n, peer{1}, at(ms(30), 0, ms(5)), 5s);
  CHECK(n.predict(peer{1}, {}) < 180ms);
}

TEST_CASE("sixteen places, eager for so many probes, then slow") {
  testing::recorder env{{.seed = 18}};
  auto view = env.view<net>();
  net n{{.eager = 3}};
  n.observe(view, peer{1}, 80ms);
  std::vector<duration> waits;
  static_cast<void>(env.take_armed());
  for (int i = 0; i < 5; ++i) {
    answer(env, view, n, peer{1}, at(ms(30), 0, 0), 80ms);
    for (auto const& armed : env.take_armed()) waits.push_back(armed.delay);
  }
  CHECK(waits == std::vector<duration>{2s, 2s, 60s, 60s, 60s});
}

TEST_CASE("a blend believes the part that was right") {
  testing::recorder env{{.seed = 20}};
  using both = blend<>;
  auto view = env.view<both>();
  constexpr cell berlin{38, 9, 51};
  constexpr cell sydney{-46, 26, -36};
  both b{geographic{{.own = berlin}}, net{}};
  CHECK(b.estimate(peer{1}, sydney) == b.first().estimate(peer{1}, sydney));
  CHECK(b.estimate(peer{1}, {}) == 120ms);  // neither knows
  b.on_message(view, peer{1}, coordinate_probe{1, at(ms(3), 0, ms(10))});
  static_cast<void>(env.take_sent());
  CHECK(b.estimate(peer{1}, {}) == b.second().estimate(peer{1}, {}));  // one knows
  auto const far = b.first().predict(peer{1}, sydney);
  auto const near = b.second().predict(peer{1}, sydney);
  CHECK(b.estimate(peer{1}, sydney) == near + (far - near) / 2);  // neither was tried
  b.observe(view, peer{2}, far, sydney);  // the cells are right
  b.observe(view, peer{2}, far, sydney);
  CHECK(b.errors()[0] < b.errors()[1]);
  CHECK(b.predict(peer{1}, sydney) > near + (far - near) / 2);
  CHECK(b.estimate(peer{2}, berlin) == far / 1us * 1us);  // measured
  for (int i = 0; i < 30; ++i) b.observe(view, peer{3}, 1ms, sydney);  // and now they are not
  CHECK(b.errors()[0] > b.errors()[1]);
  CHECK(b.predict(peer{1}, sydney) < near + (far - near) / 2);
  CHECK(b.errors()[0] <= both::error_most);
}

TEST_CASE("an assembly hands the cell on to who learns from it") {
  using either = one_of<blend<>, uniform>;
  testing::recorder env{{.seed = 21}};
  auto view = env.view<either>();
  constexpr cell berlin{38, 9, 51};
  either e{blend<>{geographic{{.own = berlin}}}};
  observe_at(e, view, peer{1}, 300ms, berlin);
  CHECK(e.estimate(peer{1}, {}) == 300ms);
  either u{uniform{}};
  observe_at(u, view, peer{1}, 300ms, berlin);
  CHECK(u.estimate(peer{1}, {}) == 100ms);
  STATIC_REQUIRE(Node<Hydra<blend<>>>);
  STATIC_REQUIRE(Node<alone<vivaldi<3, false, 32>>>);
}

TEST_CASE("a cell is told as coarsely as was set, and always as the same") {
  constexpr cell berlin{38, 9, 51};
  for (std::uint8_t coarser = 0; coarser <= coarser_max; ++coarser) {
    CAPTURE(coarser);
    int const width = 1 << coarser;
    std::int64_t worst = 0;
    for (int x = -64; x <= 64; ++x) {
      for (int y = -64; y <= 64; ++y) {
        auto const z2 = 64 * 64 - x * x - y * y;
        if (z2 < 0) continue;
        cell const exact{static_cast<std::int8_t>(x), static_cast<std::int8_t>(y),
                         static_cast<std::int8_t>(root(static_cast<std::uint64_t>(z2)))};
        auto const told = snapped(exact, coarser);
        REQUIRE(told.said());
        REQUIRE((told.x % width == 0 && told.y % width == 0 && told.z % width == 0));
        REQUIRE(snapped(told, coarser) == told);
        worst = std::max(worst, metres_between(exact, told));
      }
    }
    CHECK(worst <= 100'000 * std::int64_t{width});
    geographic const g{{.own = berlin, .disclose = true, .coarser = coarser}};
    CHECK(g.disclosed() == snapped(berlin, coarser));
    CHECK(g.estimate(peer{1}, berlin) == 12ms);  // our own estimates know the exact cell
    CHECK_FALSE(geographic{{.own = berlin, .coarser = coarser}}.disclosed().said());
    CHECK(net{{.own = berlin, .disclose = true, .coarser = coarser}}.disclosed() ==
          snapped(berlin, coarser));
  }
  CHECK(geographic{{.own = berlin, .disclose = true, .coarser = 3}}.disclosed() == cell{40, 8, 48});
  CHECK(snapped({-128, 127, 127}, 5).said());
}

TEST_CASE("sizes of coordinates") {
  CHECK(sizeof(vivaldi<>) == 528);
  CHECK(sizeof(vivaldi<2, true, 32>) == 528 + 16 * 28);
  CHECK(sizeof(blend<>) == sizeof(geographic) + sizeof(vivaldi<>) + 8);
  CHECK(testing::forgotten<vivaldi<>>().empty());
  CHECK(testing::forgotten<vivaldi<5, false>>().empty());
  CHECK(testing::forgotten<blend<>>().empty());
  CHECK(testing::forgotten<coordinate_echo>().empty());
}
