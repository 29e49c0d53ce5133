#include "../catch.hpp"

#include <hydra/core/nested.hpp>
#include <hydra/testing/recorder.hpp>

#include <vector>

using namespace hydra;
using hydra::testing::recorder;

namespace {

struct knock {
  static constexpr message_id id{room::membership, 900, 1};
  std::uint32_t number = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& number;
  }
};
struct opened {
  std::uint32_t number = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& number;
  }
};
struct waiting {
  static constexpr std::size_t per_peer_max = 4;
  std::uint32_t number = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& number;
  }
};

// Says of every knock that it was opened, and waits for the next one.
struct gate {
  using policy_concept = membership_tag;
  using messages = type_list<knock>;
  using facts = type_list<opened>;
  using activities = type_list<waiting>;
  std::vector<std::uint16_t> fired{};
  std::size_t unreachable_heads = 0;

  void on_message(auto& env, peer from, knock const& m) {
    env.emit(opened{m.number});
    env.emit(opened{m.number + 1});
    env.template pool<waiting>().add({m.number});
    env.arm(1s, 5);
    env.every(10s, 2s, 6);
    env.send(from, m);
  }
  void on_timer(auto&, std::uint16_t tag) { fired.push_back(tag); }
  void on_fact(auto&, unreachable const&) { ++unreachable_heads; }
};

// A gate in a lane of a house, which may itself stand in a lane.
template <class Inner>
struct house {
  using policy_concept = membership_tag;
  using messages = messages_of<Inner>;
  using facts = facts_of<Inner>;
  using activities = activities_of<Inner>;
  static constexpr std::uint16_t lane = 3;
  static constexpr std::uint16_t tick = own_tag(5);

  Inner inner{};
  std::size_t heard = 0;
  std::size_t ticks = 0;
  bool silent = false;

  void on_message(auto& env, peer from, knock const& m) {
    env.arm(1500ms, tick);
    nest<lane>(inner, env, [&](auto& e) { inner.on_message(e, from, m); }, up(env));
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (lane_of(tag) == 0) {
      CHECK(tag == tick);
      ++ticks;
    } else {
      CHECK(lane_of(tag) == lane);
      nest<lane>(inner, env, [&](auto& e) { inner.on_timer(e, tag_within(tag)); }, up(env));
    }
  }
  template <class F>
  void on_fact(auto& env, F const& fact) {
    nest_fact<lane>(inner, env, fact, up(env));
  }
  [[nodiscard]] auto up(auto& env) {
    return [&env, this](opened const& fact) {
      ++heard;
      if (!silent) env.emit(fact);
    };
  }
};

template <class P>
void run(recorder& env, P& policy, duration time) {
  auto view = env.view<P>();
  for (auto const& due : env.advance(time)) policy.on_timer(view, due.tag);
}

}  // namespace

static_assert(own_tag(5) == 40);
static_assert(lane_of(own_tag(5)) == 0);
static_assert(!apart<gate, house<gate>>);
static_assert(!apart<gate, house<house<gate>>>);
struct nothing {
  using policy_concept = membership_tag;
};
static_assert(apart<gate, nothing>);

TEST_CASE("timers of a policy inside come back under its own tags, beside those of the outer one") {
  recorder env{{.seed = 3}};
  house<gate> h;
  auto view = env.view<house<gate>>();
  h.on_message(view, peer{4}, knock{7});
  run(env, h, 3s);
  CHECK(h.inner.fired == std::vector<std::uint16_t>{5, 6});
  CHECK(h.ticks == 1);
}

TEST_CASE("facts of a policy inside pass the outer one, in order, which may swallow them") {
  recorder env{{.seed = 3}};
  house<gate> h;
  h.silent = GENERATE(false, true);
  auto view = env.view<house<gate>>();
  h.on_message(view, peer{4}, knock{7});
  CHECK(h.heard == 2);
  auto const out = env.take_emitted<opened>();
  REQUIRE(out.size() == (h.silent ? 0U : 2U));
  if (!h.silent) {
    CHECK(out[0].number == 7);
    CHECK(out[1].number == 8);
  }
}

TEST_CASE("messages, pools and facts of the driver reach a policy inside") {
  recorder env{{.seed = 3}};
  house<gate> h;
  auto view = env.view<house<gate>>();
  h.on_message(view, peer{4}, knock{7});
  CHECK(env.take_sent() == testing::sent(peer{4}, knock{7}));
  CHECK(env.pool<waiting>().size() == 1);
  h.on_fact(view, unreachable{peer{4}});
  CHECK(h.inner.unreachable_heads == 1);
}

TEST_CASE("a policy inside a policy inside a policy keeps its tags") {
  recorder env{{.seed = 3}};
  house<house<gate>> h;
  auto view = env.view<house<house<gate>>>();
  h.on_message(view, peer{4}, knock{7});
  run(env, h, 3s);
  CHECK(h.inner.inner.fired == std::vector<std::uint16_t>{5, 6});
  CHECK(h.inner.ticks == 1);
  CHECK(h.ticks == 1);
  CHECK(env.take_emitted<opened>().size() == 2);
}

TEST_CASE("the draws of a policy inside are those of its room") {
  recorder one{{.seed = 3}};
  recorder two{{.seed = 3}};
  auto bare = one.view<gate>();
  auto outer = two.view<house<gate>>();
  fact_queue<type_list<opened>> emitted;
  nested_view<decltype(outer), decltype(emitted), 1> inside{outer, emitted};
  for (int i = 0; i < 4; ++i) CHECK(bare.random().bits() == inside.random().bits());
}
