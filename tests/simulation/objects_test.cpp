// Objects that move: from one holder, from several, past those that die, lie or have nothing.
#include "catch.hpp"
#include "porter.hpp"

#include <hydra/sim/world.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

using namespace hydra;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t megabyte = 1'000'000;

struct log_of_ends {
  struct end {
    std::uint32_t who;
    instant at;
    fetched what;
  };
  std::vector<end> ends;
  std::array<std::uint64_t, 4> from{};
  void fact(instant at, std::uint32_t who, fetched const& f) { ends.push_back({who, at, f}); }
  void streamed(instant, std::uint32_t a, std::uint32_t, std::uint64_t n) { from[a] += n; }
  void merge(log_of_ends const& o) {
    ends.insert(ends.end(), o.ends.begin(), o.ends.end());
    for (std::size_t i = 0; i < from.size(); ++i) from[i] += o.from[i];
  }
};
// 100 Mbit/s, except that peer 2 sends at a quarter of it. Every so many messages one is lost.
struct depot : sim::plain_setting {
  using plain_setting::plain_setting;
  std::uint32_t lossy = 0;
  [[nodiscard]] porter make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.sequence));
    return {.delay = 20ms, .dropped = lossy != 0 && t.sequence != 0 && bits % lossy == 0};
  }
  [[nodiscard]] sim::access_line line(std::uint32_t who) const noexcept {
    return {who == 2 ? 3'125'000U : 12'500'000U, 12'500'000U};
  }
};
using depots = sim::world<porter, depot, log_of_ends>;

object_id named(std::uint64_t n) { return {key{digest256{n, n, n, n}}}; }

}  // namespace

TEST_CASE("the cache gives up what was used least lately, never what is pinned") {
  slabs<objects::activities> memory;
  auto heads = slabs<objects::activities>::idle();
  std::uint32_t number = 0;
  auto const at = [&](int s) {
    return cache{memory.of<held_object>(heads, number), origin + 1s * s, 100};
  };
  CHECK(at(1).add(named(1), {0, 40}));
  CHECK(at(2).add(named(2), {0, 40}, true));
  CHECK(at(3).holds(named(1), {10, 30}));
  CHECK_FALSE(at(3).holds(named(1), {10, 31}));
  CHECK_FALSE(at(3).holds(named(1), {~std::uint64_t{0}, 2}));
  CHECK(at(4).add(named(3), {0, 50}));  // 1 has to go
  CHECK_FALSE(at(4).holds(named(1), {0, 40}));
  CHECK(at(4).holds(named(2), {0, 40}));
  CHECK_FALSE(at(5).add(named(4), {0, 101}));
  CHECK_FALSE(at(5).add(named(4), {0, 90}));  // what is pinned stays
  at(5).unpin(named(2), {0, 40});
  CHECK(at(6).add(named(4), {0, 90}));
  CHECK(at(6).bytes() == 90);
}

TEST_CASE("an object comes from one holder, or sooner from two that share the work") {
  std::array<double, 2> took{};
  for (std::size_t two : {0U, 1U}) {
    depots w{depot{7, 4}};
    w.tell(peer{1}, have_object{named(1), {0, 180 * megabyte}});
    w.tell(peer{2}, have_object{named(1), {0, 180 * megabyte}});
    w.tell(peer{0}, want_object{{named(1), 180 * megabyte, peer{2}}, {0, 180 * megabyte},
                                two == 1 ? peer{1} : peer{}});
    w.run_until(origin + 120s);
    auto const d = w.observed();
    REQUIRE(d.ends.size() == 1);
    CHECK(d.ends[0].what.ok);
    CHECK(d.ends[0].what.bytes == 180 * megabyte);
    CHECK(d.from[1] + d.from[2] == 180 * megabyte);
    if (two == 1) CHECK(d.from[1] > d.from[2]);  // who is faster carries more
    took[two] = seconds(d.ends[0].at - origin);
    // Now the asker has it, too.
    w.tell(peer{3}, want_object{{named(1), 9, peer{0}}, {5, megabyte}, {}});
    w.run_for(5s);
    CHECK(w.observed().ends.size() == 2);
    CHECK(w.observed().from[0] == megabyte);
  }
  CHECK(took[1] < 0.6 * took[0]);
}

TEST_CASE("a holder that dies costs at most a piece; the rest comes from another") {
  depots w{depot{7, 4}};
  for (std::uint32_t i : {1U, 2U}) w.tell(peer{i}, have_object{named(1), {0, 180 * megabyte}});
  w.tell(peer{0}, want_object{{named(1), 180 * megabyte, peer{1}}, {0, 180 * megabyte}, peer{2}});
  w.run_until(origin + 12s);
  w.crash(peer{1});
  w.run_until(origin + 200s);
  auto const d = w.observed();
  REQUIRE(d.ends.size() == 1);
  CHECK(d.ends[0].what.ok);
  CHECK(d.ends[0].what.bytes == 180 * megabyte);
  CHECK(d.from[1] + d.from[2] < 180 * megabyte + piece_bytes_max);
}

TEST_CASE("who has nothing is asked once, and without holders the fetch fails") {
  depots w{depot{7, 4}};
  w.tell(peer{2}, have_object{named(1), {0, megabyte}});
  w.tell(peer{0}, want_object{{named(1), megabyte, peer{1}}, {0, megabyte}, peer{2}});
  w.tell(peer{3}, want_object{{named(2), megabyte, peer{1}}, {0, megabyte}, peer{2}});
  w.run_until(origin + 10s);
  auto const d = w.observed();
  REQUIRE(d.ends.size() == 2);
  for (auto const& e : d.ends) CHECK(e.what.ok == (e.who == 0));
  // A head that is off says nothing at all.
  w.crash(peer{1});
  w.tell(peer{0}, want_object{{named(3), megabyte, peer{1}}, {0, megabyte}, {}});
  w.run_for(60s);
  auto const later = w.observed();
  REQUIRE(later.ends.size() == 3);
  CHECK_FALSE(later.ends[2].what.ok);
}

TEST_CASE("lost messages cost time, no bytes") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    depot lossy{seed, 4};
    lossy.lossy = 4;
    depots w{lossy};
    for (std::uint32_t i : {1U, 2U}) w.tell(peer{i}, have_object{named(1), {0, 150 * megabyte}});
    w.tell(peer{0},
           want_object{{named(1), 150 * megabyte, peer{1}}, {0, 150 * megabyte}, peer{2}});
    w.run_until(origin + 300s);
    auto const d = w.observed();
    REQUIRE(d.ends.size() == 1);
    if (d.ends[0].what.ok) CHECK(d.ends[0].what.bytes == 150 * megabyte);
  }
}

TEST_CASE("who wants what is on its way waits for that: the bytes come once, all are answered") {
  depots w{depot{7, 4}};
  object_ref const film{named(1), 180 * megabyte, peer{1}};
  for (std::uint32_t i : {1U, 3U}) w.tell(peer{i}, have_object{film.id, {0, film.bytes}});
  w.tell(peer{0}, want_object{film, {0, film.bytes}, {}});
  w.run_for(1s);
  w.tell(peer{0}, want_object{film, {0, film.bytes}, {}});
  w.tell(peer{0}, want_object{film, {5 * megabyte, megabyte}, peer{3}});  // who helps at once
  w.run_until(origin + 60s);
  auto const d = w.observed();
  REQUIRE(d.ends.size() == 3);
  std::uint64_t came = 0;
  for (auto const& e : d.ends) {
    CHECK(e.what.ok);
    came += e.what.bytes;
  }
  CHECK(came == film.bytes);
  CHECK(d.from[1] + d.from[3] == film.bytes);
  CHECK(d.from[3] > 0);
  w.each_activity<fetching>(peer{0}, [](fetching const&) { FAIL(); });
  w.each_activity<getting>(peer{0}, [](getting const&) { FAIL(); });
}

TEST_CASE("a fetch goes on for as long as anybody waits for it") {
  for (std::uint32_t dropped : {1U, 2U}) {
    depots w{depot{7, 4}};
    object_ref const film{named(1), 180 * megabyte, peer{1}};
    w.tell(peer{1}, have_object{film.id, {0, film.bytes}});
    for (int i = 0; i < 2; ++i) w.tell(peer{0}, want_object{film, {0, film.bytes}, {}});
    w.run_for(1s);
    for (std::uint32_t i = 0; i < dropped; ++i) w.tell(peer{0}, want_no_more{i});
    w.run_until(origin + 60s);
    auto const d = w.observed();
    CHECK(d.ends.size() == 2 - dropped);
    for (auto const& e : d.ends) CHECK(e.what.ok);
    if (dropped == 2) CHECK(d.from[1] < film.bytes);
    w.each_activity<fetching>(peer{0}, [](fetching const&) { FAIL(); });
  }
}
