// What every policy of the proximity room obeys.
#include "../catch.hpp"

#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/geographic.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/testing/recorder.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

using namespace hydra;
using namespace hydra::proximity;

namespace {

cell anywhere(owned_stream& chance) {
  auto const one = [&] { return static_cast<std::int8_t>(chance.below(256)); };
  return {one(), one(), one()};
}

template <class P>
P configured() {
  if constexpr (std::is_same_v<P, geographic>) {
    return P{{.own = {38, 9, 51}, .disclose = true}};
  } else if constexpr (std::is_same_v<P, blend<>>) {
    return P{geographic{{.own = {38, 9, 51}, .disclose = true}}};
  } else {
    return P{};
  }
}

}  // namespace

#define EVERY_PROXIMITY                                                            \
  uniform, geographic, vivaldi<>, vivaldi<3>, (vivaldi<3, false>), (vivaldi<5, false, 8>), blend<>

TEMPLATE_TEST_CASE("estimates are bounded, pure and not negative, whatever was told",
                   "[proximity]", EVERY_PROXIMITY) {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  owned_stream chance{seed, 0, 0};
  testing::recorder env{{.self = peer{5000}}};
  auto view = env.view<TestType>();
  auto p = configured<TestType>();
  for (int i = 0; i < 3000; ++i) {
    peer const who{static_cast<std::uint32_t>(chance.below(100))};
    p.observe(view, who, duration{static_cast<std::int64_t>(chance.bits())});
    peer const other{static_cast<std::uint32_t>(chance.below(100))};
    auto const where = anywhere(chance);
    auto const once = p.estimate(other, where);
    CHECK(once >= duration{});
    CHECK(once <= 10s);
    CHECK(p.estimate(other, where) == once);
  }
  CHECK(env.take_sent().empty());  // what is measured costs no message
  CHECK(env.timers() <= (messages_of<TestType>::size == 0 ? 0U : 1U));
}

TEMPLATE_TEST_CASE("of heads never measured, the farther one is never estimated nearer",
                   "[proximity]", EVERY_PROXIMITY) {
  auto const p = configured<TestType>();
  constexpr cell here{38, 9, 51};
  owned_stream chance{4, 0, 0};
  for (int i = 0; i < 2000; ++i) {
    auto const a = anywhere(chance);
    auto const b = anywhere(chance);
    if (!a.said() || !b.said()) continue;
    if (metres_between(here, a) > metres_between(here, b)) {
      CHECK(p.estimate(peer{1}, a) >= p.estimate(peer{1}, b));
    }
  }
}

TEMPLATE_TEST_CASE("handles do not show: the same story with other numbers, the same estimates",
                   "[proximity]", EVERY_PROXIMITY) {
  testing::recorder env{{.self = peer{5000}}};
  auto view = env.view<TestType>();
  auto p = configured<TestType>();
  auto q = configured<TestType>();
  owned_stream chance{5, 0, 0};
  for (int i = 0; i < 2000; ++i) {
    auto const n = static_cast<std::uint32_t>(chance.below(60));
    auto const rtt = duration{static_cast<std::int64_t>(chance.below(400'000'000))};
    p.observe(view, peer{n}, rtt);
    q.observe(view, peer{1000 - 7 * n}, rtt);
    auto const m = static_cast<std::uint32_t>(chance.below(60));
    auto const where = anywhere(chance);
    CHECK(p.estimate(peer{m}, where) == q.estimate(peer{1000 - 7 * m}, where));
  }
}

// ---- coordinates against a reference in doubles -------------------------------------------------

namespace {

// The algorithm of the paper as it is printed there (Figure 3, with height vectors of section 5.4),
// in milliseconds.
template <int Dimensions, bool Height>
struct printed {
  using vector = Eigen::Matrix<double, Dimensions, 1>;
  vector x = vector::Zero();
  double h = Height ? 0.1 : 0;
  double e = 1;
  void sample(vector const& other, double other_h, double other_e, double rtt) {
    vector const apart = x - other;
    double const d = apart.norm() + h + other_h;
    double const w = e / (e + other_e);
    e += 0.25 * w * (std::abs(d - rtt) / rtt - e);
    double const step = 0.25 * w * (rtt - d);
    x += apart * (step / d);
    if (Height) h = std::max(h + step * (h + other_h) / d, 0.1);
  }
};

constexpr double ms_per_unit = static_cast<double>(unit_ns) / 1e6;

template <unsigned D, bool H>
printed<static_cast<int>(D), H> in_doubles(coordinate<D, H> const& c) {
  printed<static_cast<int>(D), H> out;
  for (unsigned i = 0; i < D; ++i) out.x[i] = c.axes[i] * ms_per_unit;
  out.h = static_cast<double>(c.height()) * ms_per_unit;
  out.e = static_cast<double>(c.error) / error_one;
  return out;
}

// The farthest, in units: of one step from the same state, and of all steps together.
struct farthest {
  double of_a_step = 0;
  double of_all = 0;
  double of_error = 0;
};

template <unsigned D, bool H>
farthest against_doubles(std::uint64_t seed) {
  using policy = vivaldi<D, H>;
  owned_stream chance{seed, 0, 0};
  testing::recorder env{{.seed = seed, .self = peer{5000}}};
  auto view = env.view<policy>();
  policy p{{.strangers = false, .relax = false, .outlier = 0}};
  struct neighbour {
    coordinate<D, H> where;
    duration trip;
  };
  std::array<neighbour, 12> all{};
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    for (auto& x : all[i].where.axes) x = static_cast<std::int32_t>(chance.below(1'000'000)) + 1;
    all[i].where.error = static_cast<std::uint32_t>(chance.below(error_one / 2)) + 1000;
    all[i].trip = static_cast<std::int64_t>(5'000 + chance.below(200'000)) * 1us;
    p.observe(view, peer{i}, all[i].trip);
  }
  farthest out;
  auto const note = [&](double& worst, auto const& ours, auto const& theirs) {
    double off = std::abs(ours.h - theirs.h);
    for (unsigned i = 0; i < D; ++i) off = std::max(off, std::abs(ours.x[i] - theirs.x[i]));
    worst = std::max(worst, off / ms_per_unit);
  };
  auto running = in_doubles(p.where());
  for (int i = 0; i < 500; ++i) {
    for (auto const& due : env.advance(1min)) p.on_timer(view, due.tag);
    for (auto const& s : env.take_sent()) {
      auto const& n = all[s.to.index()];
      auto step = in_doubles(p.where());
      static_cast<void>(env.advance(n.trip));
      p.on_message(view, s.to,
                   coordinate_echo{s.what.template as<coordinate_probe>().nonce, n.where.said()});
      auto const at = in_doubles(n.where);
      auto const rtt = static_cast<double>(n.trip.count()) / 1e6;
      step.sample(at.x, at.h, at.e, rtt);
      running.sample(at.x, at.h, at.e, rtt);
      auto const ours = in_doubles(p.where());
      note(out.of_a_step, ours, step);
      note(out.of_all, ours, running);
      out.of_error = std::max(out.of_error, std::abs(ours.e - running.e));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("fixed point follows the printed algorithm in doubles (Eigen) within microseconds") {
  auto const seed = GENERATE(1U, 2U, 3U, 4U, 5U);
  CAPTURE(seed);
  for (auto const& f : {against_doubles<2, true>(seed), against_doubles<2, false>(seed),
                        against_doubles<3, true>(seed), against_doubles<3, false>(seed),
                        against_doubles<5, false>(seed)}) {
    CAPTURE(f.of_a_step, f.of_all, f.of_error);
    CHECK(f.of_a_step > 0);  // it moved, and is not the same arithmetic
    CHECK(f.of_a_step < 3);  // 0.2 us
    CHECK(f.of_all < 256);   // 16 us
    CHECK(f.of_error < 1e-3);
  }
}

TEST_CASE("a blend of two parts estimates between them, whatever they learned", "[proximity]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  owned_stream chance{seed, 0, 0};
  testing::recorder env{{.self = peer{5000}}};
  auto view = env.view<blend<>>();
  auto b = configured<blend<>>();
  int compared = 0;
  for (int i = 0; i < 3000; ++i) {
    peer const who{static_cast<std::uint32_t>(chance.below(60))};
    claim c;
    for (int k = 0; k < 3; ++k) {
      c.axes.push_back(static_cast<std::int32_t>(chance.below(2'000'000)));
    }
    b.on_message(view, who, coordinate_probe{1, c});
    auto const where = anywhere(chance);
    if (chance.below(3) == 0) {
      b.observe(view, who, duration{static_cast<std::int64_t>(chance.below(400'000'000))}, where);
    }
    auto const one = b.first().predict(who, where);
    auto const other = b.second().predict(who, where);
    if (one < duration{} || other < duration{}) continue;
    ++compared;
    CHECK(b.predict(who, where) >= std::min(one, other));
    CHECK(b.predict(who, where) <= std::max(one, other));
  }
  CHECK(compared > 100);
}
