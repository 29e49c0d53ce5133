#include "../catch.hpp"

#include <hydra/routing/walk.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = walk<32>;
constexpr service rendering{5};

// A head with neighbours 1..n.
struct head {
  explicit head(std::uint32_t neighbours = 0, walk_settings s = {}) : routes{s} {
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
  auto const queries = all.all<walk_query>();
  REQUIRE(!queries.empty());
  return queries[0].nonce;
}

walk_query passing(std::uint16_t hops, std::uint64_t nonce = 77, std::uint8_t walker = 3) {
  return {rendering, nonce, 4711, peer{60}, walker, 100, hops};
}

// What each walker of a find carries, as seen by whom it was sent to.
std::map<int, std::uint64_t> tickets_of(testing::sent_messages const& all) {
  std::map<int, std::uint64_t> out;
  for (auto const& q : all.all<walk_query>()) out[q.walker] = q.ticket;
  return out;
}

}  // namespace

TEST_CASE("sizes of walk") {
  CHECK(sizeof(policy) <= 880);
  CHECK(sizeof(walk_search) <= 3100);
  CHECK(sizeof(parked) == 56);
  CHECK(sizeof(walk_query) == 40);
  CHECK(sizeof(walk_check) == 24);
}

TEST_CASE("a find sends its walkers out, to every neighbour alike") {
  head h{8};
  h.find();
  auto const out = h.env.take_sent();
  CHECK(out.size() == 32);
  std::map<std::uint32_t, int> to;
  std::set<int> walkers;
  for (auto const& m : out) {
    ++to[m.to.index()];
    walkers.insert(m.what.as<walk_query>().walker);
  }
  CHECK(walkers.size() == 32);
  CHECK(to.size() == 8);
}

TEST_CASE("a walker goes on to a neighbour that no walker of its query was sent to") {
  head h{5};
  std::set<std::uint32_t> to;
  for (std::uint8_t i = 0; i < 4; ++i) {
    h.tell(peer{1}, passing(2, 77, i));
    auto const out = h.env.take_sent();
    REQUIRE(out.size() == 1);
    auto const m = out.all<walk_query>();
    REQUIRE(m.size() == 1);
    CHECK(m[0].hops == 3);
    CHECK(m[0].ttl == 99);
    for (auto const& x : out) to.insert(x.to.index());
  }
  CHECK(to.count(1) == 0);  // where they came from
  CHECK(to.size() == 4);
  h.tell(peer{1}, passing(2, 77, 9));  // all were used: any but the sender
  CHECK(h.env.take_sent().all<walk_query>().size() == 1);
}

TEST_CASE("every fourth step a walker waits for its asker's word") {
  head h{5};
  h.tell(peer{1}, passing(4));
  CHECK(h.env.take_sent() == sent(peer{60}, walk_check{77, 4711, 3, 4}));
  h.tell(peer{61}, walk_go{77, 3, true});  // not its asker
  h.tell(peer{60}, walk_go{77, 4, true});  // another walker
  CHECK(h.env.take_sent().empty());
  h.tell(peer{60}, walk_go{77, 3, true});
  CHECK(h.env.take_sent().all<walk_query>().size() == 1);
  h.tell(peer{60}, walk_go{77, 3, true});  // once
  CHECK(h.env.take_sent().empty());
  h.tell(peer{1}, passing(4));
  h.forget_sent();
  h.tell(peer{60}, walk_go{77, 3, false});
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a walker whose asker says nothing ends after a while") {
  head h{5};
  h.tell(peer{1}, passing(4));
  h.forget_sent();
  h.pass(2s);
  h.tell(peer{60}, walk_go{77, 3, true});
  CHECK(h.env.take_sent().all<walk_query>().empty());
}

TEST_CASE("walkers of silent askers take half of the places at most, whoever sends them") {
  head h{5};
  for (std::uint32_t i = 0; i < 200; ++i) h.tell(peer{1}, passing(4, 1000 + i));
  CHECK(h.env.take_sent().all<walk_check>().size() == parked::per_sender_max);
  for (std::uint32_t i = 0; i < 200; ++i) h.tell(peer{2}, passing(4, 5000 + i));
  CHECK(h.env.take_sent().all<walk_check>().size() == parked::per_sender_max);
  h.pass(2s);
  h.forget_sent();
  h.tell(peer{3}, passing(4, 9000));
  CHECK(h.env.take_sent().all<walk_check>().size() == 1);
}

TEST_CASE("one false query causes four steps, a check and a refusal, then nothing") {
  // A chain of honest heads hands it on; the asker that it names never asked.
  head h{5};
  head victim{5};
  std::size_t messages = 0;
  auto q = passing(2);
  for (int step = 0; step < 20; ++step) {
    h.tell(peer{1}, q);
    auto const out = h.env.take_sent();
    messages += out.size();
    if (auto const on = out.all<walk_query>(); !on.empty()) {
      q = on[0];
      continue;
    }
    auto const checks = out.all<walk_check>();
    REQUIRE(checks.size() == 1);
    victim.tell(peer{0}, checks[0]);
    auto const no = victim.env.take_sent().all<walk_go>();
    REQUIRE(no.size() == 1);
    ++messages;
    CHECK_FALSE(no[0].go);
    h.tell(peer{60}, no[0]);
    CHECK(h.env.take_sent().empty());
    break;
  }
  CHECK(messages <= 4 + 2);
}

TEST_CASE("malformed walkers go nowhere") {
  head h{5};
  h.tell(peer{1}, walk_query{rendering, 1, 2, peer{60}, 0, 100, 0});
  h.tell(peer{1}, walk_query{rendering, 1, 2, peer{60}, 0, 100, 1});  // names a victim
  h.tell(peer{1}, walk_query{rendering, 1, 2, {}, 0, 100, 2});
  h.tell(peer{1}, walk_query{{}, 1, 2, peer{60}, 0, 100, 2});
  h.tell(peer{1}, walk_query{rendering, 1, 2, peer{60}, 0, 65535, 129});
  h.tell(peer{1}, walk_query{rendering, 1, 2, peer{0}, 0, 100, 2});  // ours, but it is not
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a holder answers its asker and the walker waits there") {
  head h{5};
  auto v = h.view();
  provider_record r;
  r.what = rendering;
  h.routes.publish(v, r);
  h.tell(peer{1}, passing(2));
  auto const out = h.env.take_sent();
  REQUIRE(out.size() == 1);
  auto const hits = out.all<walk_hit>();
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].record.head == peer{0});
  h.tell(peer{60}, walk_go{77, 3, true});
  CHECK(h.env.take_sent().all<walk_query>().size() == 1);
}

TEST_CASE("a hit ends the search, and walkers that ask afterwards are told to end") {
  head h{5};
  auto const id = h.find();
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  auto ticket = tickets_of(out);
  h.tell(peer{40}, walk_check{nonce, ticket[1], 1, 4});
  CHECK(h.env.take_sent() == sent(peer{40}, walk_go{nonce, 1, true}));
  h.tell(peer{40}, walk_check{nonce, ticket[1], 1, 4});  // no step since
  CHECK(h.env.take_sent() == sent(peer{40}, walk_go{nonce, 1, false}));
  h.tell(peer{50}, walk_hit{nonce, ticket[2], 2, 7, h.record(peer{50})});
  CHECK(h.env.take_sent() == sent(peer{50}, walk_go{nonce, 2, false}));
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].among[0].who == peer{50});
  CHECK(all[0].hops == 7);
  CHECK(all[0].messages == 32 + (4 + 2) + (7 + 2));
  h.tell(peer{41}, walk_check{nonce, ticket[5], 5, 8});
  CHECK(h.env.take_sent() == sent(peer{41}, walk_go{nonce, 5, false}));
}

TEST_CASE("hits of forgers, of strangers to the record and of unknown walkers gain nothing") {
  head h{5};
  h.find();
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  auto ticket = tickets_of(out);
  h.tell(peer{51}, walk_hit{nonce, ticket[2], 2, 7, h.record(peer{50})});
  h.tell(peer{50}, walk_hit{nonce + 1, ticket[2], 2, 7, h.record(peer{50})});
  h.tell(peer{50}, walk_hit{nonce, ticket[1], 2, 7, h.record(peer{50})});
  CHECK(h.env.take_answers<checked>().empty());
  auto forged = h.record(peer{2});
  forged.power.cores = 99;
  h.tell(peer{2}, walk_hit{nonce, ticket[3], 3, 7, forged});
  h.answer_checks();
  CHECK(h.env.take_emitted<found>().empty());
  CHECK(h.routes.contacts() == 4);
}

TEST_CASE("walkers that are not heard of are sent anew, and found comes in time") {
  head h{5, {.replaced = 1}};
  auto const id = h.find();
  CHECK(h.env.take_sent().size() == 32);
  h.pass(1500ms);
  CHECK(h.env.take_sent().all<walk_query>().size() == 32);
  h.pass(1499ms);
  CHECK(h.env.take_emitted<found>().empty());
  h.pass(1ms);
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
}

TEST_CASE("a liar that keeps walkers alive cannot hold a search beyond its time") {
  head h{5};
  h.find();
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  auto ticket = tickets_of(out);
  auto const start = h.env.now();
  for (std::uint16_t i = 1; i <= 200; ++i) {
    for (auto const& q : h.env.take_sent().all<walk_query>()) ticket[q.walker] = q.ticket;
    for (std::uint8_t w = 0; w < 32; ++w) h.tell(peer{40}, walk_check{nonce, ticket[w], w, i});
    h.pass(100ms);
    if (!h.env.take_emitted<found>().empty()) break;
  }
  CHECK(h.env.now() - start <= 12s + 100ms);
}

TEST_CASE("whoever met one walker cannot end the others") {
  head h{5, {.ttl = 128}};
  h.find();
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  auto ticket = tickets_of(out);
  for (std::uint8_t w = 0; w < 32; ++w) h.tell(peer{40}, walk_check{nonce, ticket[3], w, 128});
  CHECK(h.env.take_emitted<found>().empty());
  h.tell(peer{50}, walk_hit{nonce, ticket[9], 9, 5, h.record(peer{50})});
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() == 1);
}

TEST_CASE("junk does not use up the records that a search has checked") {
  head h{5};
  h.find(2);
  auto const out = h.env.take_sent();
  auto const nonce = nonce_of(out);
  auto ticket = tickets_of(out);
  auto expired = h.record(peer{41});
  expired.about.expires = h.env.now();
  for (int i = 0; i < 60; ++i) h.tell(peer{41}, walk_hit{nonce, ticket[1], 1, 4, expired});
  auto forged = h.record(peer{42});
  for (std::uint32_t i = 0; i < 60; ++i) {
    forged.power.cores = static_cast<std::uint16_t>(100 + i);  // another one each time
    h.tell(peer{42}, walk_hit{nonce, ticket[2], 2, 4, forged});
    if (i % 2 == 0) h.answer_checks();
  }
  h.answer_checks();
  for (std::uint32_t i = 0; i < 60; ++i) {
    h.tell(peer{43}, walk_hit{nonce, ticket[3], 3, 4, h.record(peer{43})});
    h.answer_checks();
  }
  h.tell(peer{50}, walk_hit{nonce, ticket[9], 9, 5, h.record(peer{50})});
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() == 2);
}
