// What every policy of the proximity room obeys.
#include "../catch.hpp"

#include <hydra/proximity/geographic.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/testing/recorder.hpp>

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
  } else {
    return P{};
  }
}

}  // namespace

TEMPLATE_TEST_CASE("estimates are bounded, pure and not negative, whatever was told",
                   "[proximity]", uniform, geographic) {
  auto const seed = GENERATE(1U, 2U, 3U);
  owned_stream chance{seed, 0, 0};
  testing::recorder env;
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
  CHECK(env.take_sent().empty());
  CHECK(env.timers() == 0);
}

TEMPLATE_TEST_CASE("of heads never measured, the farther one is never estimated nearer",
                   "[proximity]", uniform, geographic) {
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
                   "[proximity]", uniform, geographic) {
  testing::recorder env;
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
