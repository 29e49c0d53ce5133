#include "../catch.hpp"
#include "../fuzz/checkpoint_target.hpp"

#include <hydra/sim/checkpoint.hpp>

#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>

namespace {

using namespace hydra;

struct ask {
  static constexpr message_id id{room::node, 1, 1};
  std::uint64_t nonce = 0;
  std::uint8_t left = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& left;
  }
};
struct question {
  static constexpr std::size_t per_peer_max = 6;
  std::uint64_t nonce = 0;
  instant since{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& since;
  }
};
struct ledger {
  std::uint64_t sum = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& sum;
  }
};

// Uses every effect whose answer may be under way: timers taken back, periods said again, records
// kept and erased, runs, checks.
struct node {
  using messages = type_list<ask>;
  using facts = type_list<ledger>;
  using activities = type_list<question>;
  using records = type_list<ledger>;
  enum : std::uint16_t { tick, sweep, patience };

  std::uint64_t sum = 0;
  timer waiting{};
  command running{};
  std::uint32_t ticks = 0;

  template <class A>
  void serialize(A& a, unsigned) {
    a& sum& waiting& running& ticks;
  }
  void on_start(auto& env) {
    if (auto const old = env.template recall<ledger>(0)) sum = old->sum;
    auto random = env.random();
    env.every(50ms, random.between(0ms, 50ms), tick);
    env.every(400ms, random.between(0ms, 900ms), sweep);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    auto random = env.random();
    if (tag == tick) {
      ++ticks;
      env.send(peer{static_cast<std::uint32_t>(random.below(60))}, ask{random.bits(), 3});
      if (ticks % 9 == 3) env.every(30ms + 1ms * static_cast<int>(ticks), 10ms, tick);
      if (waiting) env.disarm(std::exchange(waiting, {}));
      waiting = env.arm(random.between(20ms, 200ms), patience);
    } else if (tag == sweep) {
      env.keep(0, ledger{sum});
      env.keep(1 + sum % 5, ledger{sum});
      if (sum % 3 == 0) env.template erase<ledger>(1 + sum % 5);
      env.emit(ledger{sum});
      env.send(peer{static_cast<std::uint32_t>(sum % 60)}, ask{sum, 0});  // waits for the disk
    } else {
      waiting = {};
      sum = mix64(sum + 1);
    }
  }
  void on_message(auto& env, peer from, ask const& m) {
    auto open = env.template pool<question>();
    if (!open.add({m.nonce, env.now()})) {
      open.each([&](activity which, question const& q) {
        sum += q.nonce;
        if (q.nonce % 2 == 0) open.erase(which);
      });
    }
    if (m.left > 0) env.send(from, ask{mix64(m.nonce), static_cast<std::uint8_t>(m.left - 1)});
    task t;
    t.work = 1ms * static_cast<int>(1 + m.nonce % 97);
    if (running && m.nonce % 3 == 0) env.disarm(running);
    running = env.run(t);
    env.check(ledger{sum}, env.about(from).principal, signature{});
  }
  void on_fact(auto&, checked const& c) { sum += c.good ? 1 : 1'000'003; }
  void on_fact(auto&, kept const&) { sum = mix64(sum); }
  void on_fact(auto&, run_done const& r) { sum += static_cast<std::uint64_t>(r.took.count()); }
  void on_fact(auto&, unreachable const& u) { sum ^= u.who.index(); }
};

class pairs : public sim::plain_setting {
 public:
  pairs() : plain_setting{9, 60} {}
  [[nodiscard]] duration window() const noexcept { return 2ms; }
  [[nodiscard]] std::uint32_t group(std::uint32_t who) const noexcept { return who / 2 * 2; }
  [[nodiscard]] node make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] bool tells_unreachable() const noexcept { return true; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    if (group(t.from) == group(t.to)) return {.delay = 50us};
    auto const bits = mix64(stream_base(seed(), purpose::fault, t.from) + t.sequence);
    auto const delay = 3ms + duration{static_cast<std::int64_t>(bits % 40'000'000)};
    return {.delay = delay,
            .dropped = bits >> 58U == 3,
            .duplicated = bits % 16 == 1,
            .copy_delay = delay + 1ms};
  }
  template <class Around>
  void begin(Around& around, std::uint32_t who) const {
    if (who % 3 == 0) around.wake_at(instant{} + session(who, 0), 0);
  }
  template <class Around>
  void wake(Around& around, std::uint32_t who, std::uint32_t n) const {
    around.up() ? around.crash() : around.restart();
    around.wake_at(around.now() + session(who, n + 1), n + 1);
  }

 private:
  [[nodiscard]] duration session(std::uint32_t who, std::uint32_t n) const noexcept {
    auto const bits = mix64(stream_base(seed(), purpose::churn, who) + n);
    return 10ms + duration{static_cast<std::int64_t>(bits % 900'000'000)};
  }
};

struct sums {
  std::uint64_t all = 0;
  void fact(instant at, std::uint32_t who, ledger const& l) noexcept {
    all += mix64(l.sum ^ mix64(static_cast<std::uint64_t>(ns(at)) + who));
  }
  void merge(sums const& o) noexcept { all += o.all; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& all;
  }
};

template <class Queue>
void check_every_instant() {
  using world = sim::world<node, pairs, sums, Queue>;
  // No look-ahead without windows: the radix queue runs one shard.
  constexpr bool windows = std::is_same_v<Queue, sim::window_queue>;
  auto const file = (std::filesystem::temp_directory_path() /
                     ("hydra-world-" + std::to_string(::getpid()))).string();
  auto const end = origin + 1500ms;
  world whole{pairs{}, {}};
  whole.run_until(end);
  REQUIRE(whole.counts().events > 5'000);
  REQUIRE(whole.counts().to_nobody > 10);
  for (auto const at : {duration{}, duration{1}, duration{20ms}, duration{333'333'333},
                        duration{700ms}, duration{1'499'999'999}}) {
    for (unsigned const shards : {1U, 3U}) {
      if (!windows && shards > 1) continue;
      CAPTURE(at.count(), shards);
      world first{pairs{}, {.shards = shards}};
      first.run_until(origin + at);
      sim::write_checkpoint(file, {}, first);
      world again{pairs{}, {.shards = windows ? 4 - shards : 1}, sim::as_written{}};
      sim::checkpoint_reader from{file};
      sim::read_checkpoint(from, again);
      CHECK(again.now() == origin + at);
      CHECK(again.digest() == first.digest());
      CHECK(again.pending() == first.pending());
      again.run_until(end);
      CHECK(again.digest() == whole.digest());
      CHECK(again.observed().all == whole.observed().all);
      CHECK(again.counts().events == whole.counts().events);
      CHECK(again.counts().sent == whole.counts().sent);
      CHECK(again.sent_by_type() == whole.sent_by_type());
    }
  }
  std::filesystem::remove(file);
}

// Forgets what it is waiting for.
struct forgetful : node {
  template <class A>
  void serialize(A& a, unsigned) {
    a& sum& running& ticks;
  }
};
struct of_forgetful : pairs {
  [[nodiscard]] forgetful make(sim::permutation const&, std::uint32_t) const { return {}; }
};
struct silent : node {
  template <class A>
  void serialize(A&, unsigned) = delete;
};

}  // namespace

TEST_CASE("a world goes on from any instant, whatever is under way and however it is cut") {
  check_every_instant<sim::window_queue>();
}

TEST_CASE("a world without windows goes on from any instant") {
  check_every_instant<sim::radix_queue>();
}

TEST_CASE("a node that forgets a member is found out by going on") {
  using world = sim::world<forgetful, of_forgetful, sums>;
  auto const file = (std::filesystem::temp_directory_path() /
                     ("hydra-forgets-" + std::to_string(::getpid()))).string();
  world whole{of_forgetful{}, {}};
  whole.run_until(origin + 300ms);
  sim::write_checkpoint(file, {}, whole);
  world again{of_forgetful{}, {}, sim::as_written{}};
  sim::checkpoint_reader from{file};
  sim::read_checkpoint(from, again);
  whole.run_for(500ms);
  again.run_for(500ms);
  CHECK(again.digest() != whole.digest());
  STATIC_REQUIRE(sim::checkpointable<node>);
  STATIC_REQUIRE_FALSE(sim::checkpointable<silent>);
  std::filesystem::remove(file);
}

TEST_CASE("the reader behind the checksum survives flipped bits and cuts") {
  auto const good = fuzz::state_of_a_circle();
  auto const read = [](std::string const& s) {
    return fuzz::checkpoint_target(std::as_bytes(std::span{s}));
  };
  REQUIRE(read(good));
  for (std::size_t n = 1; n < good.size(); n += 7) CHECK_FALSE(read(good.substr(0, n)));
  CHECK_FALSE(read(good + "x"));
  std::size_t refused = 0;
  for (std::size_t i = 1; i < good.size(); i += 3) {
    auto flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << i % 8));
    refused += read(flipped) ? 0 : 1;
  }
  CHECK(refused > 0);  // a flipped number is a number: only what cannot be is refused
}

TEST_CASE("the corpus of the fuzz target of checkpoints passes") {
  std::size_t seen = 0;
  for (auto const& entry : std::filesystem::directory_iterator{
           std::string{HYDRA_SOURCE_DIR} + "/tests/fuzz/corpus/checkpoint"}) {
    std::ifstream in{entry.path(), std::ios::binary};
    std::string const bytes{std::istreambuf_iterator<char>{in}, {}};
    fuzz::checkpoint_target(std::as_bytes(std::span{bytes}));
    ++seen;
  }
  CHECK(seen >= 4);
}
