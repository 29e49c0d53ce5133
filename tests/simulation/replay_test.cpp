#include "catch.hpp"

#include <hydra/sim/watch.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/testing/journal.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace hydra;
using namespace std::chrono_literals;

struct hint {
  static constexpr message_id id{room::node, 1, 1};
  peer who{};
  std::uint32_t salt = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& salt;
  }
};
struct tally {
  std::uint32_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count;
  }
};
struct wish {
  std::uint32_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count;
  }
};

// Every effect there is, with all that a node may read.
struct busybody {
  using messages = type_list<hint>;
  using inputs = type_list<wish>;
  using records = type_list<tally>;
  using facts = type_list<tally>;
  std::uint32_t heard = 0;
  timer patience{};

  void on_start(auto& env) {
    env.template recall_all<tally>([&](std::uint64_t name, tally const& t) {
      heard = heard * 31 + t.count + static_cast<std::uint32_t>(name);
    });
    env.every(1s, 100ms, 3);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == 4) return env.template erase<tally>(heard % 4);
    auto const to = peer{static_cast<std::uint32_t>(env.random().below(3))};
    env.send(to, hint{env.self(), env.about(to).key.prefix()});
    if (patience) env.disarm(patience);
    patience = env.arm(1500ms, 4);
  }
  void on_message(auto& env, peer from, hint const& m) {
    ++heard;
    env.keep(heard % 4, tally{heard});
    if (heard % 3 == 0) env.send(from, m);
    receipt const r{};
    env.check(r, env.about(from).principal, env.sign(r));
    if (auto const t = env.template recall<tally>(heard % 4)) env.emit(*t);
  }
  void on_fact(auto& env, checked const& c) { env.emit(tally{c.good ? c.id.number : 0}); }
  void on_fact(auto& env, kept k) { env.emit(tally{k.id.number}); }
  void on_fact(auto& env, wish const& w) {
    task t{};
    t.index = static_cast<std::uint16_t>(w.count);
    t.work = 2s;
    auto const first = env.run(t);
    env.run(t);
    env.disarm(first);
    env.stream(peer{0}, object_id{}, byte_range{0, 1000});
  }
  void on_fact(auto& env, run_done const& r) { env.keep(r.id.number + 10, tally{heard}); }
  void on_fact(auto& env, stream_done const& s) { env.emit(tally{s.id.number}); }
};

struct little : sim::plain_setting {
  explicit little(std::uint64_t seed) : plain_setting{seed, 3} {}
  [[nodiscard]] busybody make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    return {.delay = 1ms * static_cast<int>(5 + t.to), .dropped = t.sequence % 7 == 0};
  }
};

using watched = sim::watcher<busybody>;

watched seen_of(std::uint32_t who, unsigned shards) {
  sim::world<busybody, little, watched> w{little{11}, {.shards = shards, .watch = peer{who}}};
  w.run_until(origin + 5s);
  w.tell(peer{1}, wish{4});
  w.run_for(3s);
  w.tell(peer{1}, wish{5});
  w.run_for(1s);
  w.crash(peer{1});
  w.run_for(2s);
  w.restart(peer{1});
  w.run_for(5s);
  return w.observed();
}

}  // namespace

TEST_CASE("a simulated head that is fed its log again wants the same done") {
  for (std::uint32_t who = 0; who < 3; ++who) {
    for (unsigned shards : {1U, 3U}) {
      auto const seen = seen_of(who, shards);
      CHECK(seen.effect_count() > 50);
      testing::recorder again{{.seed = 11, .self = peer{who}, .rtt = duration{}}};
      auto const told = testing::replay(busybody{}, again, seen.log());
      INFO((told.ok() ? "" : told.why()));
      REQUIRE(told.ok());
      CHECK(told.value() > 20);
      CHECK(again.effect_digest() == seen.effect_digest());
    }
  }
}

TEST_CASE("a log survives its own bytes, and other chance gives other effects") {
  auto const seen = seen_of(1, 1);
  auto bytes = seen.log().save();
  auto const back = journal::load(bytes);
  REQUIRE(back.ok());
  testing::recorder same{{.seed = 11, .self = peer{1}, .rtt = duration{}}};
  REQUIRE(testing::replay(busybody{}, same, back.value()).ok());
  CHECK(same.effect_digest() == seen.effect_digest());
  testing::recorder other{{.seed = 12, .self = peer{1}, .rtt = duration{}}};
  REQUIRE(testing::replay(busybody{}, other, seen.log()).ok());
  CHECK(other.effect_digest() != seen.effect_digest());
}
