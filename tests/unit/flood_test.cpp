#include "../catch.hpp"

#include <hydra/routing/flood.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = flood<64>;
constexpr service rendering{5};

// A head with neighbours 1..n.
struct head {
  explicit head(std::uint32_t neighbours = 0, flood_settings s = {}) : routes{s} {
    std::vector<peer> known;
    for (std::uint32_t i = 1; i <= neighbours; ++i) known.push_back(peer{i});
    auto v = env.view<policy>();
    routes.join(v, known);
    forget_sent();
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy routes;

  [[nodiscard]] auto view() { return env.view<policy>(); }
  void forget_sent() { static_cast<void>(env.take_sent()); }
  activity find(std::uint8_t at_least = 1) {
    auto v = view();
    return routes.find(v, {rendering, at_least, {}});
  }
  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    env.end_call();
    routes.on_message(v, from, m);
    env.end_call();
  }
  void offer() {
    auto v = view();
    provider_record r;
    r.what = rendering;
    routes.publish(v, r);
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
};

std::uint64_t nonce_of(testing::sent_messages const& all) {
  auto const queries = all.all<flood_query>();
  REQUIRE(!queries.empty());
  return queries.back().nonce;
}

}  // namespace

TEST_CASE("sizes of flood") {
  CHECK(sizeof(policy) == 1208);
  CHECK(sizeof(flood_search) <= 2300);
  CHECK(sizeof(flood_query) == 24);
}

TEST_CASE("rings are asked one after the other, and found comes when the last is over") {
  head h{3};
  auto const id = h.find();
  auto const first = h.env.take_sent();
  flood_query const q{rendering, nonce_of(first), peer{0}, 0, 1};
  CHECK(first == sent(peer{1}, q) + sent(peer{2}, q) + sent(peer{3}, q));
  std::vector<int> radius;
  for (int i = 0; i < 12; ++i) {
    h.pass(1s);
    for (auto const& m : h.env.take_sent().all<flood_query>()) radius.push_back(m.ttl + 1);
  }
  CHECK(radius == std::vector{2, 2, 2, 4, 4, 4, 7, 7, 7, 7, 7, 7});
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].among.empty());
  CHECK(all[0].messages == 15);
}

TEST_CASE("a signed answer ends the search; a repeated one changes nothing") {
  head h{3};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto const r = h.record(peer{50});
  h.tell(peer{50}, flood_hit{nonce, 3, r});
  h.tell(peer{50}, flood_hit{nonce, 3, r});
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{50});
  CHECK(all[0].hops == 3);
  h.tell(peer{51}, flood_hit{nonce, 1, h.record(peer{51})});
  CHECK(h.env.take_answers<checked>().empty());
}

TEST_CASE("answers that nobody asked for, or from others than the record's head, change nothing") {
  head h{3};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  h.tell(peer{50}, flood_hit{nonce + 256, 1, h.record(peer{50})});  // another search
  h.tell(peer{50}, flood_hit{nonce + 1, 1, h.record(peer{50})});    // a ring not yet asked
  h.tell(peer{1}, flood_hit{nonce, 1, h.record(peer{50})});         // somebody else's word
  CHECK(h.env.take_answers<checked>().empty());
}

TEST_CASE("a forged record is no candidate, and its sender no neighbour any more") {
  head h{3};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto forged = h.record(peer{2});
  forged.power.cores = 64;
  h.tell(peer{2}, flood_hit{nonce, 1, forged});
  h.answer_checks();
  CHECK(h.env.take_emitted<found>().empty());
  CHECK(h.routes.contacts() == 2);
}

TEST_CASE("no more than 48 records of a search are checked") {
  head h{3};
  h.find(16);
  auto const nonce = nonce_of(h.env.take_sent());
  for (std::uint32_t i = 0; i < 100; ++i) {
    h.tell(peer{100 + i}, flood_hit{nonce, 1, h.record(peer{100 + i})});
  }
  CHECK(h.env.take_answers<checked>().size() == hits_max);
}

TEST_CASE("a query goes to every neighbour but its sender, once, and is answered by who offers") {
  head h{3};
  h.offer();
  flood_query const q{rendering, 77, peer{60}, 2, 3};
  h.tell(peer{1}, q);
  auto const out = h.env.take_sent();
  flood_query const onward{rendering, 77, peer{60}, 1, 4};
  REQUIRE(out.all<flood_hit>().size() == 1);
  auto const hit = out.all<flood_hit>()[0];
  CHECK(out == sent(peer{60}, hit) + sent(peer{2}, onward) + sent(peer{3}, onward));
  CHECK(hit.nonce == 77);
  CHECK(hit.record.head == peer{0});
  h.tell(peer{2}, q);
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a query of no more hops, or that pretends to have any number of them, goes nowhere") {
  head h{3};
  h.tell(peer{1}, flood_query{rendering, 1, peer{60}, 0, 3});
  h.tell(peer{1}, flood_query{rendering, 2, peer{60}, 255, 255});
  h.tell(peer{1}, flood_query{rendering, 3, peer{60}, 255, 0});
  h.tell(peer{1}, flood_query{rendering, 4, peer{60}, 255, 1});  // names a victim as the asker
  h.tell(peer{1}, flood_query{{}, 5, peer{60}, 3, 2});
  CHECK(h.env.take_sent().empty());
  h.tell(peer{1}, flood_query{rendering, 6, peer{60}, 255, 5});
  auto const out = h.env.take_sent().all<flood_query>();
  REQUIRE(out.size() == 2);
  CHECK(out[0].ttl == 1);  // seven hops in all
}

TEST_CASE("of a neighbour so many queries a second are served, of strangers fewer together") {
  head h{4, {.links = {.per_second = 10, .strangers_per_second = 5}}};
  for (std::uint64_t i = 1; i <= 200; ++i) {
    h.tell(peer{1}, flood_query{rendering, i, peer{60}, 3, 2});
  }
  CHECK(h.env.take_sent().size() == 10 * 3);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    h.tell(peer{200}, flood_query{rendering, 1000 + i, peer{60}, 3, 2});
  }
  CHECK(h.env.take_sent().size() == 5 * 4);
  h.pass(1s);
  h.forget_sent();
  h.tell(peer{1}, flood_query{rendering, 5000, peer{60}, 3, 2});
  CHECK(h.env.take_sent().all<flood_query>().size() == 3);
}

TEST_CASE("a neighbour takes a quarter of the memory, and so do strangers together") {
  head h{4};
  auto const served = [&](std::uint32_t from, std::uint64_t first) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      h.tell(peer{from}, flood_query{rendering, first + i, peer{60}, 3, 2});
    }
    return h.env.take_sent().all<flood_query>().size();
  };
  CHECK(served(1, 1000) == 16 * 3);
  CHECK(served(1, 2000) == 0);
  CHECK(served(2, 3000) == 16 * 3);
  CHECK(served(200, 4000) + served(201, 5000) == 16 * 4);
  h.pass(4300ms);  // a query's life and a third
  CHECK(served(1, 6000) == 16 * 3);
}

TEST_CASE("a query is forwarded once, however many others come while it lives") {
  head h{8};
  std::vector<std::uint64_t> forwarded;
  auto const note = [&] {
    for (auto const& q : h.env.take_sent().all<flood_query>()) forwarded.push_back(q.nonce);
  };
  // Every 100 ms the first queries of the last 2.8 s come again, and fifty new ones.
  for (std::uint64_t step = 0; step < 100; ++step) {
    for (std::uint64_t i = 0; i < 50; ++i) {
      auto const from = peer{static_cast<std::uint32_t>(1 + i % 8)};
      h.tell(from, flood_query{rendering, 1000 * step + i, {}, 5, 2});
    }
    for (std::uint64_t ago = 1; ago <= std::min<std::uint64_t>(step, 28); ++ago) {
      h.tell(peer{8}, flood_query{rendering, 1000 * (step - ago), {}, 5, 2});
    }
    note();
    h.pass(100ms);
  }
  std::sort(forwarded.begin(), forwarded.end());
  std::size_t most = 0;
  for (auto const nonce : forwarded) {
    auto const [first, last] = std::equal_range(forwarded.begin(), forwarded.end(), nonce);
    most = std::max(most, static_cast<std::size_t>(last - first));
  }
  CHECK(most == 7);  // one to each of the others
  CHECK(forwarded.size() >= 2 * 64 * 7);  // memory is free again as time goes by
  CHECK(forwarded.size() <= 4 * 64 * 7);  // 10 s
}

TEST_CASE("a head that has no memory left waits for a ring that it did not send") {
  head h{4};
  for (std::uint32_t from = 1; from <= 4; ++from) {
    for (std::uint64_t i = 0; i < 16; ++i) {
      h.tell(peer{from}, flood_query{rendering, 100 * from + i, {}, 3, 2});
    }
  }
  h.forget_sent();
  h.find();
  CHECK(h.env.take_sent().all<flood_query>().empty());
  for (int i = 0; i < 12; ++i) h.pass(1s);
  CHECK_FALSE(h.env.take_sent().all<flood_query>().empty());  // the rings after it
  CHECK(h.env.take_emitted<found>().size() == 1);
}

TEST_CASE("on the reverse path an answer goes where the query came from") {
  head h{3, {.answers = answer_path::reverse}};
  h.tell(peer{1}, flood_query{rendering, 77, {}, 2, 3});
  h.forget_sent();
  auto const hit = flood_hit{77, 5, h.record(peer{50})};
  h.tell(peer{9}, hit);  // no neighbour
  CHECK(h.env.take_sent().all<flood_hit>().empty());
  h.tell(peer{3}, hit);
  CHECK(h.env.take_sent() == sent(peer{1}, hit));
  h.tell(peer{3}, flood_hit{78, 5, h.record(peer{50})});  // never forwarded
  CHECK(h.env.take_sent().empty());
  h.find();
  auto const q = h.env.take_sent().all<flood_query>();
  REQUIRE(!q.empty());
  CHECK_FALSE(q[0].asker);
  h.tell(peer{3}, flood_hit{q[0].nonce, 1, h.record(peer{50})});
  h.answer_checks();
  CHECK(h.env.take_emitted<found>().size() == 1);
}

TEST_CASE("whoever comes takes at most half of the places") {
  head h;
  for (std::uint32_t i = 1; i <= 100; ++i) h.tell(peer{i}, link_hello{i, false});
  CHECK(h.routes.contacts() == links_max / 2);
  auto const answers = h.env.take_sent().all<link_welcome>();
  REQUIRE(answers.size() == 100);
  CHECK(std::count_if(answers.begin(), answers.end(), [](auto const& a) { return a.in; }) == 8);
  CHECK(answers.back().others.size() == names_per_welcome_max);
}

TEST_CASE("one neighbour per netgroup, and none that can only call out") {
  head h;
  auto a = h.env.about(peer{1});
  for (std::uint32_t i = 1; i <= 5; ++i) {
    auto b = h.env.about(peer{i});
    b.group = a.group;
    h.env.know(peer{i}, b);
    h.tell(peer{i}, link_hello{i, false});
  }
  CHECK(h.routes.contacts() == 1);
  auto hidden = h.env.about(peer{70});
  hidden.reach = reach::outbound_only;
  h.env.know(peer{70}, hidden);
  h.tell(peer{70}, link_hello{70, false});
  CHECK(h.routes.contacts() == 1);
}

TEST_CASE("a neighbour that has no place is dropped and those it names are greeted") {
  head h{2};
  auto v = h.view();
  std::vector<peer> const more{peer{3}};
  h.routes.join(v, more);
  auto const hello = h.env.take_sent().all<link_hello>();
  REQUIRE(hello.size() == 1);
  link_welcome full{hello[0].nonce, false, {peer{40}, peer{0}, peer{}}};
  h.tell(peer{4}, full);  // was not asked
  CHECK(h.routes.contacts() == 3);
  h.tell(peer{3}, full);
  CHECK_FALSE(h.routes.closest(h.env.about(peer{3}).key, 9).empty());
  auto const now = h.routes.neighbours();
  CHECK(std::find(now.begin(), now.end(), peer{3}) == now.end());
  CHECK(std::find(now.begin(), now.end(), peer{40}) != now.end());
  CHECK(now.size() == 3);
}

TEST_CASE("four failures in a row end a link") {
  head h{2};
  auto v = h.view();
  for (int i = 0; i < 3; ++i) h.routes.failed(v, peer{1});
  h.routes.seen(v, peer{1});
  for (int i = 0; i < 3; ++i) h.routes.failed(v, peer{1});
  CHECK(h.routes.contacts() == 2);
  h.routes.failed(v, peer{1});
  CHECK(h.routes.contacts() == 1);
}

TEST_CASE("adopted links form one graph: each in both directions, the same for everybody") {
  constexpr std::uint32_t n = 300;
  recorder world{{.seed = 9}};
  std::vector<introduction> all;
  for (std::uint32_t i = 0; i < n; ++i) {
    all.push_back({peer{i}, world.about(peer{i}).key, world.about(peer{i}).group});
  }
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  std::vector<std::set<std::uint32_t>> links(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    policy p;
    p.adopt(world.about(peer{i}).key, all, [](peer who) { return who; });
    for (auto who : p.neighbours()) links[i].insert(who.index());
    CHECK(p.contacts() >= 6);  // eight, but for the few that were drawn twice
    CHECK(p.contacts() <= 8);
  }
  std::set<std::uint32_t> reached{0};
  std::vector<std::uint32_t> edge{0};
  while (!edge.empty()) {
    auto const i = edge.back();
    edge.pop_back();
    for (auto j : links[i]) {
      CHECK(links[j].count(i) == 1);
      if (reached.insert(j).second) edge.push_back(j);
    }
  }
  CHECK(reached.size() == n);
}
