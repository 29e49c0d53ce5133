#include "catch.hpp"

#include "engine_nodes.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace engine;

constexpr auto an_end = origin + 3s;

template <class World>
std::uint64_t digest_of(World&& w) {
  w.run_until(an_end);
  return w.digest();
}

}  // namespace

TEST_CASE("the digest does not depend on the number of shards and threads") {
  gossip_world plain{meeting<>{7, 300}};
  auto const expected = digest_of(plain);
  CHECK(plain.counts().sorted > plain.counts().events / 2);  // or nothing is tested here
  for (unsigned shards : {1U, 2U, 3U, 8U}) {
    for (unsigned threads : {1U, 2U}) {
      gossip_world w{meeting<>{7, 300}, {shards, threads}};
      CHECK(digest_of(w) == expected);
      CHECK(w.observed() == plain.observed());
      CHECK(w.counts().events == plain.counts().events);
    }
  }
}

TEST_CASE("another seed and another setting give another digest") {
  auto const one = digest_of(gossip_world{meeting<>{7, 300}});
  CHECK(digest_of(gossip_world{meeting<>{8, 300}}) != one);
  CHECK(digest_of(gossip_world{meeting<>{7, 301}}) != one);
  struct slower : meeting<> {
    using meeting<>::meeting;
    [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
      auto way = meeting<>::route(t);
      if (t.from == 17) way.delay += duration{1};
      return way;
    }
  };
  CHECK(digest_of(sim::world<gossip<>, slower, voices>{slower{7, 300}}) != one);
}

TEST_CASE("other handles give the same results, except to a node that looks at handles") {
  gossip_world plain{meeting<>{7, 300}};
  gossip_world other{meeting<>{7, 300}, {.shards = 2, .permute_handles = true}};
  CHECK(digest_of(plain) == digest_of(other));
  CHECK(plain.observed() == other.observed());

  using wrong = sim::world<gossip<true>, meeting<true>, voices>;
  CHECK(digest_of(wrong{meeting<true>{7, 300}}) !=
        digest_of(wrong{meeting<true>{7, 300}, {.permute_handles = true}}));
}

TEST_CASE("a copy of a world continues identically, and alone") {
  for (unsigned shards : {1U, 3U}) {
    gossip_world w{meeting<>{7, 300}, {.shards = shards}};
    w.run_until(origin + 1234567us);
    auto fork = w;
    auto third = w;
    third.tell(peer{5}, poke{1});
    third.run_until(an_end);
    CHECK(digest_of(w) == digest_of(fork));
    CHECK(w.observed() == fork.observed());
    CHECK(third.digest() != w.digest());
  }
}

TEST_CASE("many odd steps are one run") {
  auto const expected = digest_of(gossip_world{meeting<>{7, 300}});
  for (unsigned shards : {1U, 3U}) {
    gossip_world w{meeting<>{7, 300}, {.shards = shards}};
    std::uint64_t n = 0;
    while (w.now() < an_end) {
      duration const step{1 + static_cast<int>(mix64(++n) % 7'777'777)};
      w.run_until(std::min(an_end, w.now() + step));
    }
    CHECK(w.digest() == expected);
  }
}

TEST_CASE("the two queues give the same digest") {
  using by_radix = sim::world<gossip<>, meeting<>, voices, sim::radix_queue>;
  auto const expected = digest_of(gossip_world{meeting<>{7, 300}});
  CHECK(digest_of(by_radix{meeting<>{7, 300}}) == expected);
  CHECK(digest_of(by_radix{meeting<>{7, 300}, {.shards = 3}}) == expected);
}

TEST_CASE("what is injected and what a user says enters in its turn") {
  auto const play = [](unsigned shards) {
    gossip_world w{meeting<>{7, 300}, {.shards = shards}};
    w.run_until(origin + 1s);
    w.inject(origin + 1s, peer{3}, peer{299}, rumour{99, peer{4}, 4});
    w.inject(origin + 1s + 5ms, peer{299}, peer{3}, rumour{98, peer{5}, 4});
    w.tell(peer{150}, poke{97});
    w.run_until(an_end);
    return w.digest();
  };
  CHECK(play(1) == play(3));
  CHECK(play(1) != digest_of(gossip_world{meeting<>{7, 300}}));
}

// ---- lives ------------------------------------------------------------------------------------

namespace {

struct early {
  static constexpr message_id id{room::node, 11, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct late {
  static constexpr message_id id{room::node, 12, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct page {
  std::uint64_t value = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& value;
  }
};
struct order {
  enum class what : std::uint8_t {
    write, write_twice, erase, arm, arm_and_disarm, run, run_and_disarm, disarm_each_other
  };
  what todo = what::write;
  std::uint64_t value = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& todo& value;
  }
};
[[maybe_unused]] constexpr order::what last_of(order::what) noexcept {
  return order::what::disarm_each_other;
}

struct worker {
  using messages = type_list<early, late>;
  using inputs = type_list<order>;
  using records = type_list<page>;
  using facts = type_list<page>;
  peer other{};
  std::uint32_t earlies = 0;
  std::uint32_t lates = 0;
  std::uint32_t durable = 0;
  std::uint32_t fired = 0;
  std::uint32_t ticks = 0;
  std::uint32_t runs = 0;
  std::uint64_t found = 0;   // on the disk, when it started
  std::uint64_t at_once = 0;  // right after writing
  timer one{};
  timer two{};

  void on_start(auto& env) {
    if (auto const p = env.template recall<page>(1)) found = p->value;
    env.every(1s, 500ms, 9);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == 9) {
      ++ticks;
      return;
    }
    ++fired;
    if (tag == 2) env.disarm(two);  // due at this same instant
    if (tag == 3) env.disarm(one);  // fired already
  }
  void on_message(auto&, peer, early const&) { ++earlies; }
  void on_message(auto&, peer, late const&) { ++lates; }
  void on_fact(auto&, kept) { ++durable; }
  void on_fact(auto&, run_done const&) { ++runs; }
  void on_fact(auto& env, order const& o) {
    using enum order::what;
    task work;
    work.work = 1s;
    switch (o.todo) {
      case write:
      case write_twice:
        env.send(other, early{});
        env.keep(1, page{o.value});
        if (o.todo == write_twice) env.keep(1, page{o.value + 1});
        env.send(other, late{});
        env.emit(page{o.value});
        at_once = env.template recall<page>(1)->value;
        return;
      case erase:
        env.template erase<page>(1);
        at_once = env.template recall<page>(1) ? 1 : 0;
        return;
      case arm: env.arm(1s, 1); return;
      case arm_and_disarm:
        env.disarm(env.arm(1s, 1));
        env.disarm(env.arm(duration{}, 1));
        return;
      case run: env.run(work); return;
      case run_and_disarm: env.disarm(env.run(work)); return;
      case disarm_each_other:
        one = env.arm(1s, 2);
        two = env.arm(1s, 2);
        return;
    }
  }
};

struct two_heads : sim::plain_setting {
  two_heads() : plain_setting{1, 2} {}
  [[nodiscard]] worker make(sim::permutation const& view, std::uint32_t who) const {
    worker w;
    w.other = peer{view.seen(1 - who)};
    return w;
  }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept { return {5ms}; }
};
struct said_pages {
  std::uint32_t count = 0;
  void fact(instant, std::uint32_t, page const&) noexcept { ++count; }
  void merge(said_pages const& o) noexcept { count += o.count; }
};
using lives = sim::world<worker, two_heads, said_pages>;
constexpr peer me{0};
constexpr peer you{1};

void again(lives& w) {
  w.crash(me);
  w.run_for(10ms);
  w.restart(me);
}

}  // namespace

TEST_CASE("what is durable survives a crash, and what waits for it leaves then") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::write, 5});
  CHECK(w.node(me).at_once == 5);
  w.run_for(10ms);
  CHECK(w.node(you).earlies == 1);
  CHECK(w.node(you).lates == 1);
  CHECK(w.node(me).durable == 1);
  CHECK(w.observed().count == 1);
  again(w);
  CHECK(w.node(me).found == 5);

  w.tell(me, order{order::what::erase, 0});
  CHECK(w.node(me).at_once == 0);
  w.run_for(10ms);
  again(w);
  CHECK(w.node(me).found == 0);
}

TEST_CASE("a crash brings back what was erased when the disk did not know yet") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::write, 5});
  w.run_for(10ms);
  w.tell(me, order{order::what::erase, 0});
  CHECK(w.node(me).at_once == 0);
  again(w);
  CHECK(w.node(me).found == 5);
}

TEST_CASE("effects after a keep are not released by a head that crashes before it is durable") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::write, 5});
  w.run_for(10ms);
  w.tell(me, order{order::what::write, 6});
  w.run_for(199us);
  w.crash(me);
  w.run_for(10ms);
  CHECK(w.node(you).earlies == 2);
  CHECK(w.node(you).lates == 1);
  CHECK(w.observed().count == 1);
  w.restart(me);
  CHECK(w.node(me).found == 5);  // the older one is still there
  w.run_for(10ms);
  CHECK(w.node(you).lates == 1);  // and nothing comes of the former life
  CHECK(w.node(me).durable == 0);
}

TEST_CASE("of two records of one name the later one stays") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::write_twice, 5});
  CHECK(w.node(me).at_once == 6);
  w.run_for(10ms);
  CHECK(w.node(me).durable == 2);
  again(w);
  CHECK(w.node(me).found == 6);

  w.tell(me, order{order::what::write_twice, 7});
  w.run_for(300us);  // the first of the two is durable
  again(w);
  CHECK(w.node(me).found == 7);
}

TEST_CASE("timers and runs of an earlier life never come") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::arm, 0});
  w.tell(me, order{order::what::run, 0});
  w.run_for(500ms);
  again(w);
  w.run_for(3s);
  CHECK(w.node(me).fired == 0);
  CHECK(w.node(me).runs == 0);
}

TEST_CASE("periodic timers start anew with each life and do not double") {
  lives w{two_heads{}};
  for (int i = 0; i < 5; ++i) {
    w.run_for(1700ms);
    again(w);
  }
  w.run_for(10s);
  CHECK(w.node(me).ticks == 10);
  CHECK(w.node(you).ticks == 19);  // 0.5, 1.5 ... 18.5 s
  w.crash(me);
  w.restart(me);
  w.run_for(10s);
  CHECK(w.node(me).ticks == 10);
}

TEST_CASE("disarm takes back timers and runs, this very instant's too") {
  lives w{two_heads{}};
  w.tell(me, order{order::what::arm_and_disarm, 0});
  w.tell(me, order{order::what::run_and_disarm, 0});
  w.run_for(2s);
  CHECK(w.node(me).fired == 0);
  CHECK(w.node(me).runs == 0);
  w.tell(me, order{order::what::disarm_each_other, 0});
  w.run_for(2s);
  CHECK(w.node(me).fired == 1);

  w.tell(me, order{order::what::arm, 0});
  w.tell(me, order{order::what::run, 0});
  w.run_for(2s);
  CHECK(w.node(me).fired == 2);
  CHECK(w.node(me).runs == 1);
  w.tell(me, order{order::what::run_and_disarm, 0});
  again(w);  // the number of the taken-back run comes again in the new life
  w.tell(me, order{order::what::run, 0});
  w.run_for(2s);
  CHECK(w.node(me).runs == 1);
}

// ---- the network ------------------------------------------------------------------------------

namespace {

struct hasty : two_heads {
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept { return {100us}; }
};

// What the child says on its way out.
template <class F>
std::string last_words(F&& dies, int& status) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    dies();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char part[256];
  for (ssize_t n = 0; (n = ::read(ends[0], part, sizeof part)) > 0;) {
    said.append(part, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  ::waitpid(child, &status, 0);
  return said;
}

}  // namespace

TEST_CASE("a rule that goes below the window ends the run and says who and when") {
  int status = 0;
  auto const said = last_words(
      [] {
        sim::world<worker, hasty> w{hasty{}};
        w.tell(me, order{order::what::write, 1});
        w.run_for(1s);
        // The first message left at the very edge of a window: try inside of one.
        w.run_for(100us);
        w.tell(me, order{order::what::write, 1});
        w.run_for(1s);
      },
      status);
  CHECK(WIFSIGNALED(status));
  CHECK(said.find("from peer 0 to peer 1") != std::string::npos);
  CHECK(said.find("window() of 1000000 ns") != std::string::npos);
}

namespace {

struct echoing : two_heads {
  duration copy_delay{};
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 5ms, .duplicated = true, .copy_delay = copy_delay};
  }
};

}  // namespace

TEST_CASE("a duplicated message arrives twice, also at the same instant") {
  for (auto copy_delay : {duration{5ms}, duration{9ms}}) {
    echoing setting;
    setting.copy_delay = copy_delay;
    sim::world<worker, echoing> w{setting};
    w.tell(me, order{order::what::write, 1});
    w.run_for(100ms);
    CHECK(w.node(you).earlies == 2);
    CHECK(w.node(you).lates == 2);
    CHECK(w.counts().sent == 2);
    CHECK(w.counts().duplicated == 2);
    CHECK(w.counts().handled == 4);
  }
}

namespace {

// Pairs of heads stand in one room, 50 us apart; others are 10 ms away or more.
struct roommates : meeting<> {
  using meeting<>::meeting;
  [[nodiscard]] std::uint32_t group(std::uint32_t who) const noexcept { return who / 2 * 2; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    if (group(t.from) == group(t.to)) return {50us};
    return meeting<>::route(t);
  }
  struct watchful : gossip<> {
    instant last{};
    std::uint32_t backwards = 0;
    std::uint32_t in_the_room = 0;
    void on_timer(auto& env, std::uint16_t tag) {
      look(env);
      gossip<>::on_timer(env, tag);
    }
    void on_message(auto& env, peer from, rumour const& m) {
      look(env);
      gossip<>::on_message(env, from, m);
      if (from.index() / 2 == env.self().index() / 2) ++in_the_room;
    }
    void look(auto& env) {
      if (env.now() < last) ++backwards;
      last = env.now();
    }
  };
  [[nodiscard]] watchful make(sim::permutation const& view, std::uint32_t who) const {
    watchful w{meeting<>::make(view, who)};
    w.friends[0] = w.friends[1] = peer{who ^ 1U};
    return w;
  }
};

}  // namespace

TEST_CASE("heads in one room run in the order of time within a window") {
  using world = sim::world<roommates::watchful, roommates, voices>;
  world w{roommates{7, 302}};
  auto const expected = digest_of(w);
  std::uint32_t exchanged = 0;
  for (std::uint32_t i = 0; i < 302; ++i) {
    CHECK(w.node(peer{i}).backwards == 0);
    exchanged += w.node(peer{i}).in_the_room;
  }
  CHECK(exchanged > 1000);
  CHECK(digest_of(world{roommates{7, 302}, {.shards = 2}}) == expected);
  CHECK(digest_of(world{roommates{7, 302}, {.shards = 8, .threads = 2}}) == expected);
  using by_radix = sim::world<roommates::watchful, roommates, voices, sim::radix_queue>;
  CHECK(digest_of(by_radix{roommates{7, 302}}) == expected);
}

namespace {

// One timer in each rung of the ladder, and periods that no wheel can hold.
struct far_sighted {
  using messages = type_list<>;
  std::vector<std::int64_t> rang;
  void on_start(auto& env) {
    for (int i = 0; i < 12; ++i) env.arm(duration{1ms} * (1 << 2 * i), 1);  // up to 4194 s
    env.every(1500s, 10s, 2);   // longer than a wheel
    env.every(100us, 4999s, 3);  // shorter than the window, and far away
    env.every(500s, 4100s, 4);
  }
  static constexpr std::int64_t per_tag = 1'000'000'000'000'000;
  void on_timer(auto& env, std::uint16_t tag) {
    rang.push_back(tag * per_tag + ns(env.now()) / 1000);
  }
};
struct long_run : sim::plain_setting {
  long_run() : plain_setting{1, 1} {}
  [[nodiscard]] far_sighted make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept { return {1ms}; }
};

}  // namespace

TEST_CASE("timers ring on time, however far away and however often") {
  sim::world<far_sighted, long_run> w{long_run{}};
  sim::world<far_sighted, long_run, sim::no_observer, sim::radix_queue> r{long_run{}};
  w.run_until(origin + 5000s);
  r.run_until(origin + 5000s);
  auto const& rang = w.node(peer{0}).rang;
  auto const count = [&](std::int64_t tag) {
    return std::count_if(rang.begin(), rang.end(),
                         [&](std::int64_t x) { return x / far_sighted::per_tag == tag; });
  };
  CHECK(count(1) == 12);
  CHECK(count(2) == 4);       // 10, 1510, 3010, 4510
  CHECK(count(3) == 10'000);  // the last second
  CHECK(count(4) == 2);       // 4100, 4600
  CHECK(rang == r.node(peer{0}).rang);
  CHECK(w.digest() == r.digest());
}
