// Links that are made worse: fates are a function of what they are asked, order stays, memory ends.
#include "../../catch.hpp"
#include "tls_peers.hpp"

#include <hydra/core/derive.hpp>
#include <hydra/net/emulated_link.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::test;

namespace {

// A head that only keeps the numbers of the frames that reached it, with a clock of the test.
struct fake_head final : net::frame_door, net::frame_sink {
  net::asio::io_context loop;
  instant time = at_ns(0);
  bool full = false;
  std::vector<std::uint32_t> at_once, later;
  std::vector<std::pair<std::uint32_t, instant>> bulk;

  net::asio::io_context& io() override { return loop; }
  [[nodiscard]] instant clock() const override { return time; }
  [[nodiscard]] key key_of(peer p) const override { return derived_key(1, p); }
  bool congested() override { return full; }
  void pass_late(peer, wire::frame_header const& h, std::span<std::byte const>) override {
    later.push_back(h.message);
  }
  void pass_bulk_late(peer, std::uint32_t what, std::span<std::byte const>) override {
    bulk.emplace_back(what, time);
  }
  void pass(wire::frame_header const& h, std::span<std::byte const>) override {
    at_once.push_back(h.message);
  }
  void arrive(net::emulated_link& link, std::uint32_t number, peer from = peer{1},
              std::size_t bytes = 100) {
    std::vector<std::byte> const payload(bytes);
    link.arrived(from, {static_cast<std::uint32_t>(bytes), 1, 0, number}, payload, *this);
  }
  // Lets the time pass in steps of a millisecond of its own; timers are real, and late at once.
  void until(instant then) {
    for (; time < then; time += 1ms) loop.poll();
  }
};

}  // namespace

TEST_CASE("a link's fates are a pure function, and as often as they are said") {
  auto const a = derived_key(1, peer{1});
  auto const b = derived_key(1, peer{2});
  link_settings link{.latency = 40ms, .jitter = 10ms, .loss = {1, 20}};
  link.cuts.push_back({at_ns(100), at_ns(200)});
  int lost = 0;
  duration sum{};
  for (std::uint64_t i = 0; i < 20000; ++i) {
    auto const f = fate_on(link, 7, a, b, i, at_ns(50));
    auto const again = fate_on(link, 7, a, b, i, at_ns(60));
    CHECK((f.lost == again.lost && f.delay == again.delay && !f.cut));
    CHECK((f.delay >= 40ms && f.delay < 50ms));
    lost += f.lost ? 1 : 0;
    sum += f.delay;
  }
  CHECK((lost > 900 && lost < 1100));
  CHECK((sum / 20000 > 44900us && sum / 20000 < 45100us));
  CHECK(fate_on(link, 7, a, b, 1, at_ns(100)).cut);
  CHECK_FALSE(fate_on(link, 7, a, b, 1, at_ns(200)).cut);
  auto const here = fate_on(link, 7, a, b, 3, origin).delay;
  CHECK(here != fate_on(link, 8, a, b, 3, origin).delay);
  CHECK(here != fate_on(link, 7, b, a, 3, origin).delay);
  static_assert(fate_on({.latency = 5ms}, 1, {}, {}, 1, origin).delay == 5ms);
}

TEST_CASE("frames of lanes take the latency of their link and share the line of the head") {
  fake_head head;
  net::emulated_link link{{.latency = 20ms, .jitter = 5ms, .loss = {1, 2}}, 3};
  link.line(1'000'000);
  link.opened(head);
  std::vector<std::byte> const piece(10'000 - wire::frame_header_bytes);  // 10 ms of the line
  for (std::uint32_t i = 0; i < 10; ++i) CHECK(link.keeps_bulk(peer{1 + i % 2}, i, piece));
  auto const came_by = [&](duration then) {  // timers are real, the clock is the test's
    head.time = at_ns(0) + then;
    head.loop.restart();
    head.loop.run_for(std::chrono::milliseconds{60});
    return head.bulk.size();
  };
  CHECK(came_by(29ms) == 0);
  CHECK(came_by(31ms) == 1);
  CHECK(came_by(71ms) == 5);
  CHECK(came_by(121ms) == 10);  // TCP loses nothing
  for (std::uint32_t i = 0; i < head.bulk.size(); ++i) CHECK(head.bulk[i].first == i);
  link.closed();
  net::emulated_link plain{{}, 3};
  plain.opened(head);
  CHECK_FALSE(plain.keeps_bulk(peer{1}, 1, piece));
  plain.closed();
}

TEST_CASE("bytes of lanes that wait are bounded, and a partition takes them") {
  fake_head head;
  link_settings cut{.latency = 1s};
  cut.cuts.push_back({at_ns(0) + 10ms, at_ns(0) + 20ms});
  net::emulated_link link{cut, 3};
  link.opened(head);
  std::vector<std::byte> const piece(1U << 20U);
  for (int i = 0; i < 40; ++i) CHECK(link.keeps_bulk(peer{1}, 1, piece));
  CHECK(link.count().full >= 8);
  head.time = at_ns(0) + 15ms;
  CHECK(link.keeps_bulk(peer{1}, 1, piece));
  CHECK(link.count().cut == 1);
  link.closed();
}

TEST_CASE("frames of a link keep their order, however they are delayed") {
  fake_head head;
  net::emulated_link link{{.latency = 1ms, .jitter = 30ms, .loss = {1, 10}}, 3};
  link.opened(head);
  for (std::uint32_t i = 0; i < 200; ++i) {
    head.arrive(link, i);
    if (i % 10 == 0) head.time += 1ms;
  }
  eventually([&] {
    head.until(head.time + 10ms);
    return head.later.size() + link.count().lost == 200;
  });
  CHECK(std::is_sorted(head.later.begin(), head.later.end()));
  CHECK(link.count().passed == head.later.size());
  CHECK((link.count().lost > 5 && link.count().lost < 40));
  CHECK(head.at_once.empty());
  head.arrive(link, 1, peer{0});  // to itself
  CHECK(head.at_once.size() == 1);
  auto const first = std::exchange(head.later, {});
  link.closed();
  fake_head again;  // another life: the same fates
  link.opened(again);
  for (std::uint32_t i = 0; i < 200; ++i) again.arrive(link, i);
  eventually([&] {
    again.until(again.time + 10ms);
    return again.later.size() == first.size();
  });
  CHECK(again.later == first);
  link.closed();
}

TEST_CASE("what waits on a link is bounded, and waits while the node is congested") {
  fake_head head;
  net::emulated_link link{{.latency = 10ms}};
  link.opened(head);
  for (std::uint32_t from = 1; from <= 40; ++from) {
    for (std::uint32_t i = 0; i < 40; ++i) head.arrive(link, i, peer{from}, 60000);
  }
  CHECK(link.count().bytes_peak <= net::emulated_link::bytes_max);
  CHECK(link.count().full > 40 * 20);
  head.full = true;
  head.until(head.time + 30ms);
  eventually([&] { return head.loop.poll() == 0; });
  CHECK(head.later.empty());
  head.full = false;
  CHECK(eventually([&] {
    head.loop.poll();
    return head.later.size() + link.count().full == 1600;
  }));
  link.closed();
}

TEST_CASE("two heads over TLS feel a link that is slow, and one that is cut") {
  net::emulated_link there{{.latency = 30ms}}, back{{.latency = 30ms}};
  auto s = as(1);
  s.between = &back;
  head one{s};
  s = as(2);
  s.between = &there;
  head two{s};
  listener heard{one};
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const other = one.know(two.contact());
  auto const before = one.inspect([](auto& h) { return h.clock(); });
  one.tell(chat{other, 3});
  REQUIRE(eventually([&] { return heard.rounds == 3; }));
  auto const took = one.inspect([](auto& h) { return h.clock(); }) - before;
  CHECK(took >= 180ms);
  CHECK(took < 2s);
  two.stop();
  CHECK(there.count().passed == 3);
  link_settings cut;
  cut.cuts.push_back({origin, never});
  there.set(who(1).id(), cut);
  REQUIRE(two.start().ok());  // another life on the same port
  CHECK(eventually([&] {
    one.tell(chat{other, 1});
    return there.count().cut != 0;
  }));
  one.stop();
  two.stop();
  CHECK(there.count().passed == 3);
  CHECK(heard.rounds == 3);
}
