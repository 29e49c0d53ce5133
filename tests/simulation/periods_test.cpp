// every() said again with the same tag: the new period replaces the old one, on wheels and in
// queues, over shards, in copies and after a restart.
#include "../catch.hpp"

#include <hydra/sim/world.hpp>

#include <vector>

namespace {

using namespace hydra;

struct again {
  std::int64_t period_ms = 0;
  std::int64_t phase_ms = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& period_ms& phase_ms;
  }
};
struct rang {
  std::uint32_t tag = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& tag;
  }
};
struct bell {
  using messages = type_list<>;
  using inputs = type_list<again>;
  using facts = type_list<rang>;
  void on_start(auto& env) {
    env.every(20ms, 20ms, 1);
    env.every(50ms, 50ms, 2);
  }
  void on_fact(auto& env, again const& a) {
    env.every(a.period_ms * 1ms, a.phase_ms * 1ms, 1);
  }
  void on_timer(auto& env, std::uint16_t tag) { env.emit(rang{tag}); }
};
struct four_bells : sim::plain_setting {
  four_bells() : plain_setting{1, 4} {}
  [[nodiscard]] bell make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept { return {5ms}; }
};
// When the bell with tag 1 of peer 2 rang, in ms; the others only have to go on.
struct ears {
  std::vector<std::int64_t> rings;
  std::uint32_t others = 0;
  void fact(instant at, std::uint32_t who, rang const& r) {
    if (who == 2 && r.tag == 1) rings.push_back(ns(at) / 1'000'000);
    else ++others;
  }
  void merge(ears const& o) {
    rings.insert(rings.end(), o.rings.begin(), o.rings.end());
    others += o.others;
  }
};
using times = std::vector<std::int64_t>;

template <class Queue>
void check_all() {
  using belfry = sim::world<bell, four_bells, ears, Queue>;
  belfry w{four_bells{}, {.shards = 2}};
  w.run_for(50ms);
  auto const others = [](belfry const& x) { return x.observed().others; };
  auto const before = others(w);
  CHECK(w.observed().rings == times{20, 40});
  w.tell(peer{2}, again{30, 5});  // 55, 85, 115 ...
  w.run_for(70ms);
  CHECK(w.observed().rings == times{20, 40, 55, 85, 115});
  w.tell(peer{2}, again{10, 0});  // at once, and once more before it rings
  w.tell(peer{2}, again{40, 15});
  auto copy = w;
  w.run_for(60ms);
  copy.run_for(60ms);
  CHECK(w.observed().rings == times{20, 40, 55, 85, 115, 135, 175});
  CHECK(w.observed().rings == copy.observed().rings);
  CHECK(w.digest() == copy.digest());
  CHECK(others(w) > before + 10);  // the other bells never stopped
  w.crash(peer{2});
  w.run_for(10ms);
  w.restart(peer{2});  // at 190 ms: the first life's bells are forgotten, replaced or not
  w.run_for(45ms);
  CHECK(w.observed().rings == times{20, 40, 55, 85, 115, 135, 175, 210, 230});
}

}  // namespace

TEST_CASE("a period that is said again replaces the one before") {
  check_all<sim::window_queue>();
  check_all<sim::radix_queue>();
}
