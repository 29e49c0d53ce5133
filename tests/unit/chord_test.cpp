#include "catch.hpp"

#include "../../bench/chord_worlds.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

namespace {

using namespace std::chrono_literals;
using namespace hydra;

struct counted {
  std::array<std::uint64_t, 8> by_type{};
  chord_s::tally lookups;
  std::uint64_t events = 0;
  std::uint64_t digest = 0;
  [[nodiscard]] std::uint64_t messages() const {
    std::uint64_t sum = 0;
    for (auto n : by_type) sum += n;
    return sum;
  }
};

template <class N, class Setting, class Queue = sim::window_queue>
counted count(std::uint32_t peers, duration lasts) {
  sim::world<N, Setting, chord_s::tally, Queue> w{Setting{peers}};
  w.run_until(origin + lasts);
  return {w.sent_by_type(), w.observed(), w.counts().events, w.digest()};
}

// Arms each timer again by itself, as a node without `every` would have to.
struct rearming : chord_s::node {
  rearming(chord_s::node const& n, std::uint32_t me) : node{n}, number{me} {}
  void on_start(auto& env) {
    struct {
      decltype(env)& real;
      void every(duration, duration phase, std::uint16_t tag) { real.arm(phase, tag); }
    } once{env};
    node::on_start(once);
  }
  void on_timer(auto& env, std::uint16_t kind) {
    constexpr std::array<std::chrono::seconds, 4> periods{20s, 120s, 120s, 10s};
    env.arm(periods[kind], kind);
    node::on_timer(env, kind);
  }
  std::uint32_t number;
};
// Nothing of it but the first line is fetched ahead.
struct unfetched : chord_s::node {
  static constexpr std::size_t hot_bytes = 1;
  unfetched(chord_s::node const& n, std::uint32_t) : node{n} {}
};
template <class N, class Setting>
struct with_node : Setting {
  using Setting::Setting;
  [[nodiscard]] N make(sim::permutation const& view, std::uint32_t who) const {
    return {Setting::make(view, who), who};
  }
};

using counts8 = std::array<std::uint64_t, 8>;

}  // namespace

TEST_CASE("Chord-S sends exactly what every other simulator sends") {
  auto const short_run = count<chord_s::node, chord_s::constant_delay>(1000, 100s);
  CHECK(short_run.by_type == counts8{48'938, 9'990, 5'000, 5'000, 5'000, 835, 835, 0});
  CHECK(short_run.messages() == 75'598);
  CHECK(short_run.lookups.lookups == 10'000);
  CHECK(short_run.lookups.done == 9'999);
  CHECK(short_run.events == 92'266);

  auto const long_run = count<chord_s::node, chord_s::constant_delay>(1000, 1000s);
  CHECK(long_run.by_type == counts8{487'536, 99'914, 50'000, 50'000, 50'000, 8'331, 8'331, 0});
  CHECK(long_run.messages() == 754'112);
  CHECK(long_run.lookups.lookups == 100'000);
  CHECK(long_run.lookups.done == 100'000);
  CHECK(long_run.events == 920'780);
  CHECK(static_cast<double>(long_run.lookups.hops) / 100'000 == Approx(4.88).margin(0.005));
}

TEST_CASE("Chord-S with delays by pair sends exactly what the other simulators send") {
  auto const run = count<chord_s::node, chord_s::hashed_delay>(1000, 100s);
  CHECK(run.by_type == counts8{48'837, 9'941, 5'000, 4'995, 4'993, 835, 834, 0});
  CHECK(run.messages() == 75'435);
  CHECK(run.lookups.done == 9'939);
  CHECK(run.events == 92'028);
}

TEST_CASE("without every, without prefetch, or with the other queue, Chord-S counts the same") {
  auto const usual = count<chord_s::node, chord_s::hashed_delay>(500, 200s);
  auto const again = count<rearming, with_node<rearming, chord_s::hashed_delay>>(500, 200s);
  CHECK(again.by_type == usual.by_type);
  CHECK(again.lookups == usual.lookups);
  CHECK(again.events == usual.events);

  auto const cold = count<unfetched, with_node<unfetched, chord_s::hashed_delay>>(500, 200s);
  CHECK(cold.by_type == usual.by_type);
  CHECK(cold.digest == usual.digest);

  auto const heap = count<chord_s::node, chord_s::hashed_delay, sim::radix_queue>(500, 200s);
  CHECK(heap.by_type == usual.by_type);
  CHECK(heap.events == usual.events);
  CHECK(heap.digest == usual.digest);
}

TEST_CASE("a Chord-S peer stays small") {
  using shard = sim::world<chord_s::node, chord_s::hashed_delay, chord_s::tally>::shard_type;
  STATIC_REQUIRE(sizeof(shard::slot_type) == 320);
}
