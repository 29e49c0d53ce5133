// Placement and acceptance, by hand-made candidates.
#include "../catch.hpp"

#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/mindful.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/scheduling/power_of_d.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

using namespace hydra;
using namespace hydra::scheduling;

namespace {

candidate head(std::uint32_t who, duration delay, duration queue, std::uint16_t speed = 1000) {
  candidate c;
  c.who = peer{who};
  c.principal = principal{who};
  c.power = {1, speed};
  c.score = trust::percent(80);
  c.delay = delay;
  c.queue = queue;
  return c;
}
job seconds_of_work(int n) {
  job j;
  j.work = std::chrono::seconds{n};
  return j;
}

}  // namespace

TEST_CASE("the one that is done first gets the job, near or far") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  power_of_d p;
  std::array const among{head(2, 1ms, 60s), head(3, 200ms, 0s), head(4, 80ms, 0s, 500)};
  auto const c = p.place(view, seconds_of_work(10), among);
  CHECK(c.index == 1);
  CHECK_FALSE(c.locally);
  CHECK(c.terms == std::array<std::int64_t, 4>{0, 10'000'000'000, 200'000'000, 10'200'000'000});
  CHECK(nearest{}.place(view, seconds_of_work(10), among).index == 0);
}

TEST_CASE("what was given in the same instant counts, though no bid knows of it") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<mindful>();
  mindful p;
  std::array const among{head(2, 1ms, 0s), head(3, 20ms, 0s), head(4, 40ms, 0s)};
  CHECK(p.place(view, seconds_of_work(2), among).index == 0);
  CHECK(p.place(view, seconds_of_work(2), among).index == 1);
  CHECK(p.place(view, seconds_of_work(2), among).index == 2);
  CHECK(p.place(view, seconds_of_work(2), among).index == 0);  // after what it has
  CHECK(p.busy_for(peer{2}, env.now()) == 4s);
  CHECK(p.busy_for(peer{2}, env.now() + 5s) == 0s);
  CHECK(p.busy_for(peer{9}, env.now()) == 0s);
  CHECK(power_of_d{}.place(view, seconds_of_work(2), among).index == 0);
}

TEST_CASE("it remembers a bounded number of heads, those that are busy longest") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<mindful>();
  mindful p;
  for (std::uint32_t i = 0; i < mindful::heads_max + 4; ++i) {
    std::array const one{head(i + 2, 1ms, 0s)};
    static_cast<void>(p.place(view, seconds_of_work(1 + static_cast<int>(i)), one));
  }
  CHECK(p.busy_for(peer{2}, env.now()) == 0s);
  auto const last = static_cast<std::uint32_t>(mindful::heads_max + 5);
  CHECK(p.busy_for(peer{last}, env.now()) == std::chrono::seconds{mindful::heads_max + 4});
}

TEST_CASE("equal candidates are told apart by key, in whatever order they come") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  std::array among{head(2, 1ms, 0s), head(3, 1ms, 0s), head(4, 1ms, 0s)};
  auto const first = among[power_of_d{}.place(view, seconds_of_work(1), among).index].who;
  std::reverse(among.begin(), among.end());
  CHECK(among[power_of_d{}.place(view, seconds_of_work(1), among).index].who == first);
}

TEST_CASE("who has not bid, is below a floor, or offers nothing is not placed on") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  power_of_d p;
  auto distrusted = head(2, 1ms, 0s);
  distrusted.score = trust::percent(10);
  std::array const among{distrusted, head(3, 1ms, -1ns), head(4, 1ms, 0s, 0)};
  CHECK_FALSE(p.place(view, seconds_of_work(1), among));
  CHECK_FALSE(nearest{}.place(view, seconds_of_work(1), among));
  auto picky = seconds_of_work(1);
  picky.floor = trust::percent(81);
  std::array const fair{head(5, 1ms, 0s)};
  CHECK(p.place(view, seconds_of_work(1), fair));
  CHECK_FALSE(p.place(view, picky, fair));
}

TEST_CASE("hostile bids neither overflow nor win more than they may claim") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  auto constexpr far = duration{std::numeric_limits<std::int64_t>::max()};
  std::array const among{head(2, far, far, 1), head(3, 2s, 0s, 65535), head(4, 0s, 0s, 8000)};
  job endless;
  endless.work = far;
  CHECK(power_of_d{}.place(view, endless, among).index == 2);
  CHECK(time_to_work(8s, {1, 65535}) == 1s);
  CHECK(time_to_work(far, {1, 1}) == predicted_max);
}

TEST_CASE("the nearest and d-1 distinct others are asked, and this head beside them") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  power_of_d p;
  std::vector<candidate> found;
  for (std::uint32_t i = 0; i < 16; ++i) {
    found.push_back(head(10 + i, std::chrono::milliseconds{50 - i}, -1ns));
  }
  found[3].who = peer{1};
  found[15].score = trust{};  // the nearest of all, but not trusted
  std::array<int, 16> asked{};
  for (int round = 0; round < 2000; ++round) {
    auto s = p.ask(view, seconds_of_work(1), found);
    REQUIRE(s.size() == 4);
    CHECK(s[0] == 14);
    CHECK(s[1] == 3);
    std::sort(s.begin(), s.end());
    CHECK(std::adjacent_find(s.begin(), s.end()) == s.end());
    for (auto i : s) ++asked[i];
  }
  CHECK(asked[15] == 0);
  for (std::size_t i = 0; i < 14; ++i) CHECK(asked[i] > 200);  // 2 of 13 at random: 308 expected
  CHECK(p.ask(view, seconds_of_work(1), {}).empty());
}

TEST_CASE("an offer is refused when the queue is long or the deadline cannot be met") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<power_of_d>();
  power_of_d p;
  offer o;
  o.task.work = 40s;
  load idle{.power = {2, 2000}, .running = 1, .waiting = 0, .backlog = 30s};
  auto const yes = p.accepts(view, o, idle);
  CHECK(yes.accepted);
  CHECK(yes.start == 0s);
  CHECK(yes.finish == 20s);
  load busy{.power = {2, 2000}, .running = 2, .waiting = 3, .backlog = 30s};
  CHECK(p.accepts(view, o, busy).finish == 50s);
  o.deadline = env.now() + 50s;
  CHECK(p.accepts(view, o, busy).accepted);
  o.passport.deadline = env.now() + 49s;
  CHECK_FALSE(p.accepts(view, o, busy).accepted);
  o.deadline = o.passport.deadline = never;
  busy.backlog = 11min;
  CHECK_FALSE(p.accepts(view, o, busy).accepted);
  busy.backlog = 1s;
  busy.waiting = 64;
  CHECK_FALSE(p.accepts(view, o, busy).accepted);
}

TEST_CASE("alone means this head or nowhere, and nobody else is served") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<local_only>();
  local_only p;
  std::array const others{head(2, 1ms, 0s)};
  CHECK_FALSE(p.place(view, seconds_of_work(1), others));
  CHECK(p.ask(view, seconds_of_work(1), others).empty());
  std::array const with_self{head(2, 1ms, 0s), head(1, 0s, 60s)};
  auto const c = p.place(view, seconds_of_work(1), with_self);
  CHECK(c.index == 1);
  CHECK(c.locally);
  offer o;
  o.task.of.owner = principal{2};
  CHECK_FALSE(p.accepts(view, o, {}).accepted);
  o.task.of.owner = principal{1};
  CHECK(p.accepts(view, o, {}).accepted);
}
