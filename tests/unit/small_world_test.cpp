#include "../catch.hpp"

#include <hydra/routing/small_world.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <array>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = small_world;
constexpr service rendering{5};

// A head among heads 1..n, with its table as months of traffic would have left it.
struct head {
  explicit head(std::uint32_t others = 0, small_world_settings s = {}) : routes{s} {
    for (std::uint32_t i = 0; i <= others; ++i) {
      all.push_back({peer{i}, env.about(peer{i}).key, env.about(peer{i}).group});
    }
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    routes.adopt(env.about(peer{0}).key, all, [](peer who) { return who; });
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy routes;
  std::vector<introduction> all;

  [[nodiscard]] auto view() { return env.view<policy>(); }
  activity find(std::uint8_t at_least = 1) {
    auto v = view();
    return routes.find(v, {rendering, at_least, {}});
  }
  activity locate(key const& k) {
    auto v = view();
    return routes.locate(v, k);
  }
  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    env.end_call();
    routes.on_message(v, from, m);
    env.end_call();
  }
  void answer_checks() {
    auto v = view();
    for (auto const& c : env.take_answers<checked>()) routes.on_fact(v, c);
  }
  void pass(duration time) {
    auto v = view();
    auto const until = env.now() + time;
    while (env.next_at() <= until) {
      for (auto const& due : env.advance(env.next_at() - env.now())) {
        routes.on_timer(v, due.tag);
      }
    }
    env.advance(until - env.now());
  }
  [[nodiscard]] provider_record record(peer by) {
    provider_record r;
    auto const owner = env.about(by).principal;
    r.about = {domain::provider, protocol_version, 0, 1, owner, owner, env.now(),
               env.now() + 10min};
    r.head = by;
    r.what = rendering;
    r.signature = env.sign_as(owner, r);
    return r;
  }
  [[nodiscard]] std::size_t held() {
    auto v = view();
    return record_store{v}.size();
  }
};

std::uint64_t nonce_of(testing::sent_messages const& all) {
  auto const asked = all.all<ring_find>();
  REQUIRE(!asked.empty());
  return asked[0].nonce;
}

}  // namespace

TEST_CASE("sizes of small_world") {
  CHECK(sizeof(policy) == 880);
  CHECK(sizeof(world_lookup) <= 2700);
  CHECK(sizeof(ring_find) == 48);
}

TEST_CASE("the ring has no ends") {
  CHECK(ring_distance(1, 3) == 2);
  CHECK(ring_distance(3, 1) == 2);
  CHECK(ring_distance(~std::uint64_t{0}, 1) == 2);
  CHECK(ring_distance(0, std::uint64_t{1} << 63U) == std::uint64_t{1} << 63U);
}

TEST_CASE("an adopted table knows the true neighbours and about log2 n long links") {
  head h{1000};
  auto const& t = h.routes.contact_table();
  auto const own = t.own();
  auto by_distance = h.all;
  std::sort(by_distance.begin(), by_distance.end(), [&](auto const& a, auto const& b) {
    return position_of(a.key) - own < position_of(b.key) - own;
  });
  REQUIRE(t.after().size() == 4);
  REQUIRE(t.before().size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(t.after()[i].of.who == by_distance[i + 1].who);  // 0 is this head
    CHECK(t.before()[i].of.who == by_distance[by_distance.size() - 1 - i].who);
  }
  CHECK(t.far().size() >= 8);
  CHECK(t.far().size() <= 10);
}

TEST_CASE("long links are drawn from every octave of distance alike") {
  head h{1000};
  auto const& t = h.routes.contact_table();
  auto const octaves = t.octaves();
  CHECK(octaves >= 8);
  CHECK(octaves <= 12);
  std::array<int, 64> drawn{};
  owned_stream chance{3, 4, 5};
  for (int i = 0; i < 12'000; ++i) {
    auto const d = ring_distance(t.own(), t.drawn(chance.bits(), chance.bits()));
    REQUIRE(d > 0);
    ++drawn[static_cast<std::size_t>(63 - std::countl_zero(d))];
  }
  auto const mean = 12'000 / static_cast<int>(octaves);
  for (std::size_t o = 63 - octaves; o < 63; ++o) {
    CAPTURE(o);
    CHECK(drawn[o] > mean * 8 / 10);
    CHECK(drawn[o] < mean * 12 / 10);
  }
}

TEST_CASE("locate asks the nearest it has heard of, one at a time, until nobody is nearer") {
  head h{200};
  key const target{digest256{h.routes.contact_table().own() + (std::uint64_t{1} << 62U)}};
  auto const near = h.routes.closest(target, 1);
  auto const id = h.locate(target);
  auto out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  ring_find const question{target, {}, nonce};
  CHECK(out == sent(near[0], question));
  peer const owner = [&] {
    return std::min_element(h.all.begin(), h.all.end(), [&](auto const& a, auto const& b) {
      return policy::distance(a.key, target) < policy::distance(b.key, target);
    })->who;
  }();
  REQUIRE(owner != near[0]);
  h.tell(near[0], ring_nodes{nonce, {owner}});
  CHECK(h.env.take_sent() == sent(owner, question));
  h.tell(owner, ring_nodes{nonce, {near[0]}});
  CHECK(h.env.take_sent().empty());
  auto const all = h.env.take_emitted<located>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].owner == owner);
  CHECK(all[0].hops == 2);
  CHECK(all[0].messages == 2);
  CHECK(all[0].timeouts == 0);
}

TEST_CASE("a silent head is asked twice, then the next nearest; the timeout is counted") {
  head h{200};
  key const target{digest256{h.routes.contact_table().own() + (std::uint64_t{1} << 62U)}};
  auto const near = h.routes.closest(target, 2);
  h.locate(target);
  auto const nonce = nonce_of(h.env.take_sent());
  ring_find const question{target, {}, nonce};
  h.pass(1500ms);
  CHECK(h.env.take_sent() == sent(near[0], question));
  h.pass(1500ms);
  CHECK(h.env.take_sent() == sent(near[1], question));
  h.tell(near[1], ring_nodes{nonce, {}});
  auto const all = h.env.take_emitted<located>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].owner == near[1]);
  CHECK(all[0].timeouts == 1);
  CHECK(all[0].messages == 3);
  CHECK(all[0].took == 3s);
}

TEST_CASE("our own key is ours, and whoever knows nobody owns everything") {
  head h{200};
  h.locate(h.env.about(peer{0}).key);
  CHECK(h.env.take_sent().empty());
  auto const own = h.env.take_emitted<located>();
  REQUIRE(own.size() == 1);
  CHECK(own[0].owner == peer{0});
  CHECK(own[0].hops == 0);
  head alone;
  alone.locate(key{digest256{1}});
  auto const all = alone.env.take_emitted<located>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].owner == peer{0});
}

TEST_CASE("when nobody answers a locate gives up within its time") {
  head h{200};
  key const target{digest256{h.routes.contact_table().own() + (std::uint64_t{1} << 62U)}};
  h.locate(target);
  h.pass(12s);
  auto const all = h.env.take_emitted<located>();
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].owner);
  CHECK(all[0].timeouts >= 3);
}

TEST_CASE("answers that were not asked for are neither heard nor learned from") {
  head h{200};
  key const target{digest256{h.routes.contact_table().own() + (std::uint64_t{1} << 62U)}};
  auto const near = h.routes.closest(target, 2);
  h.locate(target);
  auto const nonce = nonce_of(h.env.take_sent());
  auto const before = h.routes.contacts();
  h.tell(peer{900}, ring_nodes{nonce, {peer{901}}});
  h.tell(near[0], ring_nodes{nonce + 1, {peer{901}}});
  h.tell(near[0], ring_stored{nonce, true});
  CHECK(h.env.take_sent().empty());
  CHECK(h.routes.contacts() == before);
}

TEST_CASE("a record is stored if its own publisher sends it and it is signed") {
  head h{3};
  h.tell(peer{2}, ring_store{1, h.record(peer{1})});  // of another
  auto forged = h.record(peer{1});
  forged.power.cores = 99;
  h.tell(peer{1}, ring_store{2, forged});
  h.answer_checks();
  CHECK(h.env.take_sent() == sent(peer{2}, ring_stored{1, false}) +
                                 sent(peer{1}, ring_stored{2, false}));
  CHECK(h.held() == 0);
  CHECK(h.routes.contacts() == 2);  // the forger is gone
  h.tell(peer{3}, ring_store{3, h.record(peer{3})});
  h.answer_checks();
  CHECK(h.env.take_sent() == sent(peer{3}, ring_stored{3, true}));
  CHECK(h.held() == 1);
  h.tell(peer{1}, ring_find{{}, rendering, 4});
  auto const answers = h.env.take_sent().all<ring_records>();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].records[0].head == peer{3});
}

TEST_CASE("a forged record is no candidate and costs its sender its place") {
  head h{5};
  h.find();
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  REQUIRE(out.size() == 3);
  auto const by = h.routes.closest(h.env.about(rendering), 2);
  auto forged = h.record(peer{50});
  forged.power.cores = 99;
  h.tell(by[0], ring_records{nonce, {forged}, {}});
  h.answer_checks();
  CHECK(h.routes.contacts() == 4);
  CHECK(h.env.take_emitted<found>().empty());
  h.tell(by[1], ring_records{nonce, {h.record(peer{51})}, {}});
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{51});
}

TEST_CASE("strangers that would be neighbours are asked first, four at a time") {
  head h{1000};
  auto const before = h.routes.contacts();
  std::size_t near = 0;
  for (std::uint32_t i = 2000; i < 12'000; ++i) {
    near += h.routes.contact_table().would_be_near(position_of(h.env.about(peer{i}).key)) ? 1 : 0;
    h.tell(peer{i}, ring_find{{}, {}, i});
  }
  CHECK(near > 4);
  auto const out = h.env.take_sent();
  CHECK(out.all<ring_nodes>().size() == 10'000);  // one answer for each question
  CHECK(out.all<ring_find>().size() == 4);
  CHECK(h.routes.contacts() == before);
}

TEST_CASE("a head that can only call out owns nothing") {
  head h{200};
  auto self = h.env.about(peer{0});
  self.reach = reach::outbound_only;
  h.env.know(peer{0}, self);
  h.locate(self.key);
  CHECK(h.env.take_emitted<located>().empty());
  auto const out = h.env.take_sent();
  REQUIRE(out.all<ring_find>().size() == 1);
  h.tell(out[0].to, ring_nodes{nonce_of(out), {}});
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == out[0].to);
  head alone;
  alone.env.know(peer{0}, self);
  alone.locate(key{digest256{1}});
  auto const nobody = alone.env.take_emitted<located>();
  REQUIRE(nobody.size() == 1);
  CHECK_FALSE(nobody[0].owner);
}
