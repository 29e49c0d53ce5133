// stream() in a world: flows on shared lines, what its sender is told, crashes, and that neither
// shards nor handles nor copies change anything.
#include "catch.hpp"

#include <hydra/sim/world.hpp>

#include <chrono>
#include <cstdint>
#include <tuple>
#include <vector>

using namespace hydra;
using namespace std::chrono_literals;

namespace {

struct push_to {  // input
  peer to{};
  std::uint64_t bytes = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& to& bytes;
  }
};
struct last_byte {
  static constexpr message_id id{room::node, 1, 1};
  std::uint64_t bytes = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& bytes;
  }
};
struct over {
  bool ok = false;
  bool here = false;  // it came to us
  std::uint64_t bytes = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& ok& here& bytes;
  }
};

// Sends what its user says, and a message behind it.
struct carrier {
  using messages = type_list<last_byte>;
  using inputs = type_list<push_to>;
  using facts = type_list<over>;
  peer to{};
  void on_start(auto&) {}
  void on_fact(auto& env, push_to const& p) {
    to = p.to;
    env.stream(p.to, object_id{}, byte_range{0, p.bytes});
  }
  void on_fact(auto& env, stream_done const& d) {
    env.emit(over{d.ok, false, d.bytes});
    if (d.ok) env.send(to, last_byte{d.bytes});
  }
  void on_message(auto& env, peer, last_byte const& m) { env.emit(over{true, true, m.bytes}); }
};

struct event_seen {
  std::uint32_t who = 0;
  instant at{};
  over what{};
};
struct diary {
  std::vector<event_seen> all;
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>> came;
  void fact(instant at, std::uint32_t who, over const& o) { all.push_back({who, at, o}); }
  void streamed(instant, std::uint32_t from, std::uint32_t to, std::uint64_t bytes) {
    came.emplace_back(from, to, bytes);
  }
  void merge(diary const& o) {
    all.insert(all.end(), o.all.begin(), o.all.end());
    came.insert(came.end(), o.came.begin(), o.came.end());
  }
};

// 20 ms one way, 100 Mbit/s.
struct wires : sim::plain_setting {
  using sim::plain_setting::plain_setting;
  [[nodiscard]] carrier make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 20ms};
  }
};
using cargo = sim::world<carrier, wires, diary>;

event_seen const* first_of(diary const& d, std::uint32_t who, bool here) {
  for (auto const& e : d.all) {
    if (e.who == who && e.what.here == here) return &e;
  }
  return nullptr;
}
double s(instant t) { return seconds(t - origin); }

constexpr std::uint64_t megabyte = 1'000'000;

}  // namespace

TEST_CASE("a stream takes its bytes at the line's rate, and a message sent then comes behind") {
  cargo w{wires{7, 2}};
  w.tell(peer{0}, push_to{peer{1}, 100 * megabyte});
  w.run_until(origin + 20s);
  auto const d = w.observed();
  auto const* sent = first_of(d, 0, false);
  auto const* came = first_of(d, 1, true);
  REQUIRE(sent != nullptr);
  REQUIRE(came != nullptr);
  CHECK(sent->what.ok);
  CHECK(sent->what.bytes == 100 * megabyte);
  CHECK(s(sent->at) > 8.0);  // 12.5 MB/s, less the headers
  CHECK(s(sent->at) < 9.5);
  CHECK(came->at == sent->at + 20ms);
  REQUIRE(d.came.size() == 1);
  CHECK(d.came[0] == std::tuple{0U, 1U, 100 * megabyte});
}

TEST_CASE("a small stream costs round trips, not bytes: slow start") {
  cargo w{wires{7, 2}};
  w.tell(peer{0}, push_to{peer{1}, 200'000});  // 16 ms of the line
  w.run_until(origin + 2s);
  auto const d = w.observed();
  auto const* sent = first_of(d, 0, false);
  REQUIRE(sent != nullptr);
  // A handshake, then windows of 14.5, 29, 58 kB and the rest: at least four round trips.
  CHECK(s(sent->at) > 0.155);
  CHECK(s(sent->at) < 0.3);
}

TEST_CASE("streams of one head share its line, as do those to one head") {
  for (bool up : {true, false}) {
    cargo w{wires{7, 3}};
    w.tell(peer{up ? 0U : 1U}, push_to{peer{up ? 1U : 0U}, 50 * megabyte});
    w.tell(peer{up ? 0U : 2U}, push_to{peer{up ? 2U : 0U}, 50 * megabyte});
    w.run_until(origin + 6s);
    CHECK(w.observed().all.empty());
    w.run_until(origin + 10s);
    CHECK(w.observed().came.size() == 2);
  }
}

TEST_CASE("to itself, and nothing at all, is done at once") {
  cargo w{wires{7, 2}};
  w.tell(peer{0}, push_to{peer{0}, 50 * megabyte});
  w.tell(peer{1}, push_to{peer{0}, 0});
  w.run_until(origin + 1ms);
  auto const d = w.observed();
  REQUIRE(first_of(d, 0, false) != nullptr);
  REQUIRE(first_of(d, 1, false) != nullptr);
  CHECK(first_of(d, 0, false)->what.bytes == 50 * megabyte);
  CHECK(first_of(d, 1, false)->what.ok);
}

TEST_CASE("a receiver that dies stops the bytes at once, and is given up after a silence") {
  cargo w{wires{7, 2}};
  w.tell(peer{0}, push_to{peer{1}, 100 * megabyte});
  w.run_until(origin + 4s);
  w.crash(peer{1});
  w.run_until(origin + 13s);
  CHECK(w.observed().all.empty());
  w.run_until(origin + 15s);
  auto const d = w.observed();
  REQUIRE(d.all.size() == 1);
  CHECK_FALSE(d.all[0].what.ok);
  CHECK(d.all[0].at == origin + 4s + 10s + 20ms);
  CHECK(d.all[0].what.bytes > 35 * megabyte);
  CHECK(d.all[0].what.bytes < 50 * megabyte);
  // Who comes back is reached again.
  w.restart(peer{1});
  w.tell(peer{0}, push_to{peer{1}, megabyte});
  w.run_until(origin + 20s);
  auto const then = w.observed();
  CHECK(first_of(then, 1, true) != nullptr);
}

TEST_CASE("a stream to a head that is down ends without its bytes") {
  cargo w{wires{7, 2}};
  w.crash(peer{1});
  w.tell(peer{0}, push_to{peer{1}, 100 * megabyte});
  w.run_until(origin + 12s);
  auto const d = w.observed();
  REQUIRE(d.all.size() == 1);
  CHECK_FALSE(d.all[0].what.ok);
  CHECK(d.all[0].what.bytes < 100'000);  // a window, at most
}

TEST_CASE("a sender that dies says nothing, and its lines are free for others") {
  cargo w{wires{7, 3}};
  w.tell(peer{0}, push_to{peer{1}, 100 * megabyte});
  w.tell(peer{2}, push_to{peer{1}, 50 * megabyte});
  w.run_until(origin + 2s);
  w.crash(peer{0});
  w.restart(peer{0});
  w.run_until(origin + 5400ms);  // 2 s at a half, then all of it: half a second less than shared
  auto const d = w.observed();
  CHECK(first_of(d, 0, false) == nullptr);
  REQUIRE(first_of(d, 2, false) != nullptr);
  w.run_until(origin + 20s);
  auto const later = w.observed();
  REQUIRE(later.came.size() == 2);
  CHECK(std::get<2>(later.came[1]) > 8 * megabyte);  // what had come before
  CHECK(std::get<2>(later.came[1]) < 15 * megabyte);
}

namespace {

void play(cargo& w, std::uint32_t peers) {
  for (std::uint32_t i = 0; i < peers; ++i) {
    for (std::uint32_t k = 1; k <= 3; ++k) {
      auto const to = (i * k + 5 * k + 1) % peers;
      w.tell(peer{i}, push_to{peer{to}, megabyte + mix64(i * 31 + k) % (4 * megabyte)});
    }
  }
}
std::uint64_t digest_after(cargo& w) {
  w.run_until(origin + 700ms);
  w.crash(peer{3});
  w.crash(peer{17});
  w.run_until(origin + 900ms);
  w.restart(peer{3});
  play(w, 12);
  w.run_until(origin + 30s);
  return w.digest();
}

}  // namespace

TEST_CASE("shards and threads do not change what streams do") {
  cargo one{wires{7, 40}};
  play(one, 40);
  auto const expected = digest_after(one);
  CHECK(one.observed().came.size() > 100);
  for (unsigned shards : {2U, 3U}) {
    for (unsigned threads : {1U, 2U}) {
      cargo w{wires{7, 40}, {shards, threads}};
      play(w, 40);
      CHECK(digest_after(w) == expected);
      CHECK(w.observed().came.size() == one.observed().came.size());
    }
  }
  cargo other{wires{7, 40}, {.shards = 2, .permute_handles = true}};
  play(other, 40);
  CHECK(digest_after(other) == expected);
}

TEST_CASE("a copy of a world continues its streams") {
  for (unsigned shards : {1U, 3U}) {
    cargo w{wires{7, 40}, {.shards = shards}};
    play(w, 40);
    w.run_until(origin + 345678us);
    auto fork = w;
    CHECK(digest_after(w) == digest_after(fork));
  }
}
