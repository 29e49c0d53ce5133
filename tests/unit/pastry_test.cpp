#include "../catch.hpp"

#include <hydra/core/derive.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/testing/described.hpp>
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

using policy = pastry<4, 16>;
using state = pastry_table<4, 16>;
constexpr service rendering{5};
constexpr peer nobody_we_know{99};

std::vector<introduction> everybody_of(std::uint64_t seed, std::uint32_t n) {
  std::vector<introduction> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back({peer{i}, derived_key(seed, peer{i}), {}});
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  return all;
}
state state_of(key const& own, std::vector<introduction> const& all) {
  state made;
  std::identity named;
  made.adopt(own, all, named, drawn_by_key{own});
  return made;
}
peer closest_of(std::vector<introduction> const& all, std::uint32_t target) {
  auto const* best = &all[0];
  for (auto const& o : all) {
    if (state::nearer(o.key.prefix(), best->key.prefix(), target)) best = &o;
  }
  return best->who;
}

// Head 0 with live contacts 1..n, who talk to nobody but it.
struct head {
  explicit head(std::uint32_t contacts, pastry_settings s = {}) : routes{s} {
    std::vector<introduction> known;
    for (std::uint32_t i = 0; i <= contacts; ++i) {
      known.push_back({peer{i}, env.about(peer{i}).key, {}});
    }
    std::sort(known.begin(), known.end(),
              [](auto const& a, auto const& b) { return a.key < b.key; });
    routes.adopt(env.about(peer{0}).key, known, std::identity{});
    all = known;
  }
  recorder env{testing::recorder_settings{.seed = 7, .self = peer{0}}};
  policy routes;
  std::vector<introduction> all{};

  [[nodiscard]] auto view() { return env.view<policy>(); }
  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    env.end_call();
    routes.on_message(v, from, m);
    env.end_call();
  }
  activity find(service what = rendering) {
    auto v = view();
    return routes.find(v, {what, 1, {}});
  }
  activity locate(key const& target) {
    auto v = view();
    return routes.locate(v, target);
  }
  void pass(duration time) {
    auto v = view();
    auto const until = env.now() + time;
    while (env.next_at() <= until) {
      for (auto const& due : env.advance(env.next_at() - env.now())) routes.on_timer(v, due.tag);
      env.durable();
    }
    env.advance(until - env.now());
  }
  void answer_checks() {
    auto v = view();
    for (auto const& c : env.take_answers<checked>()) routes.on_fact(v, c);
  }
  [[nodiscard]] std::uint32_t prefix(peer who) const { return env.about(who).key.prefix(); }
  // A key whose closest head is not ourselves.
  [[nodiscard]] service elsewhere() const {
    for (std::uint32_t i = 0;; ++i) {
      if (closest_of(all, env.about(service{i}).prefix()) != peer{0}) return service{i};
    }
  }
  [[nodiscard]] provider_record record(peer by, service what, std::uint32_t sequence = 1) {
    provider_record r;
    auto const owner = env.about(by).principal;
    r.about = {domain::provider, protocol_version, 0, sequence, owner, owner, env.now(),
               env.now() + 10min};
    r.head = by;
    r.what = what;
    r.signature = env.sign_as(owner, r);
    return r;
  }
};

contact contact_of(std::uint32_t who, std::uint32_t prefix) {
  return {peer{who}, prefix, 0, 0, 0};
}

}  // namespace

TEST_CASE("sizes of Pastry") {
  CHECK(sizeof(policy) == 1864);
  CHECK(sizeof(pastry_lookup) <= 2700);
  CHECK(sizeof(handed_on) <= 96);
  CHECK(message_bytes_max >= sizeof(leaves));
}

TEST_CASE("Pastry describes all of its state") {
  auto const all = everybody_of(3, 500);
  policy p;
  p.adopt(all[7].key, all, std::identity{});
  CHECK(testing::forgotten(p).empty());
  CHECK(testing::forgotten<handed_on>().empty());
  CHECK(testing::forgotten<question>().empty());
  CHECK(testing::forgotten<route>().empty());
}

TEST_CASE("a table that is built directly has everybody it should have, and the exact leaf set") {
  auto const seed = GENERATE(1U, 2U, 3U);
  auto const n = GENERATE(1U, 2U, 5U, 17U, 300U);
  CAPTURE(seed, n);
  auto const all = everybody_of(seed, n);
  for (std::size_t me = 0; me < all.size(); me += 7) {
    auto const t = state_of(all[me].key, all);
    CHECK(t.sane());
    for (unsigned r = 0; r < 4; ++r) {
      for (unsigned c = 0; c < state::columns; ++c) {
        bool const possible = std::any_of(all.begin(), all.end(), [&](introduction const& o) {
          return o.key != all[me].key && t.shared(o.key.prefix()) == r &&
                 state::digit(o.key.prefix(), r) == c;
        });
        CHECK(static_cast<bool>(t.at(r, c).who) == possible);
      }
    }
    auto const side = std::min<std::size_t>(8, all.size() - 1);
    REQUIRE(t.larger().size() == side);
    REQUIRE(t.smaller().size() == side);
    for (std::size_t i = 0; i < side; ++i) {
      CHECK(t.larger()[i].who == all[(me + i + 1) % all.size()].who);
      CHECK(t.smaller()[i].who == all[(me + all.size() - i - 1) % all.size()].who);
    }
  }
}

TEST_CASE("forwards end at the closest head, each nearer by digits or by number") {
  auto const seed = GENERATE(4U, 5U);
  CAPTURE(seed);
  auto const all = everybody_of(seed, 400);
  std::map<std::uint32_t, state> tables;
  for (auto const& o : all) tables[o.who.index()] = state_of(o.key, all);
  owned_stream chance{seed, 99, 0};
  std::size_t most = 0;
  for (int i = 0; i < 500; ++i) {
    auto const target = static_cast<std::uint32_t>(chance.bits());
    auto at = static_cast<std::uint32_t>(chance.below(400));
    std::size_t hops = 0;
    while (auto const* next = tables[at].next(target, [](contact const&) { return true; })) {
      at = next->who.index();
      REQUIRE(++hops < 10);
    }
    CHECK(peer{at} == closest_of(all, target));
    most = std::max(most, hops);
  }
  CHECK(most >= 2);
  CHECK(most <= 5);  // log16 400 = 2.2
}

TEST_CASE("the numerically closest wraps round the ring, and a tie goes to the larger key") {
  CHECK(ring_distance(0xffffffffU, 1U) == 2U);
  CHECK(ring_distance(0x80000000U, 0U) == 0x80000000U);
  CHECK(state::nearer(0xfffffff0U, 0x20U, 0U));
  CHECK(state::nearer(0x20U, 0x10U, 0x18U));
  CHECK_FALSE(state::nearer(0x10U, 0x20U, 0x18U));
}

TEST_CASE("hearsay takes free places only and is no leaf; whoever answers replaces it") {
  state t{key{digest256{0x5000000000000000U, 0, 0, 0}}};
  CHECK(t.learn(contact_of(1, 0x71000000U), evidence::named, {}));  // to be asked
  CHECK(t.at(0, 7).who == peer{1});
  CHECK(t.smaller().empty());
  CHECK(t.learn(contact_of(2, 0x72000000U), evidence::heard, {}));
  CHECK(t.at(0, 7).who == peer{1});
  CHECK_FALSE(t.learn(contact_of(2, 0x72000000U), evidence::answered, {}));
  CHECK(t.at(0, 7).who == peer{2});
  CHECK(t.is_leaf(peer{2}));
  CHECK_FALSE(t.is_leaf(peer{1}));
  t.learn(contact_of(1, 0x71000000U), evidence::answered, {});
  CHECK(t.at(0, 7).who == peer{2});  // who is there stays
  t.learn(contact_of(1, 0x71000000U), evidence::answered, {}, true);
  CHECK(t.at(0, 7).who == peer{1});  // but for one that is nearer
  CHECK(t.sane());
}

TEST_CASE("a silent leaf is dropped with its place in the table") {
  auto const all = everybody_of(6, 60);
  auto t = state_of(all[30].key, all);
  auto const gone = t.larger()[0];
  CHECK_FALSE(t.failed(gone.who, gone.prefix, 2).leaf);
  CHECK(t.failed(gone.who, gone.prefix, 2).leaf);
  CHECK_FALSE(t.is_leaf(gone.who));
  t.each([&](contact const& c) { CHECK(c.who != gone.who); });
  CHECK(t.sane());
}

TEST_CASE("a find is handed on to the next head; an answer from the closest brings the records") {
  head h{200};
  auto const what = h.elsewhere();
  auto const target = h.env.about(what);
  auto const id = h.find(what);
  CHECK(id);
  auto const first = h.env.take_sent();
  REQUIRE(first.size() == 1);
  auto const m = first.all<route>().at(0);
  CHECK(m.target == target);
  CHECK(m.hops == 1);
  CHECK(m.origin == peer{0});
  auto const next = first[0].to;
  h.tell(nobody_we_know, routed{m.nonce});  // not from whom it was handed to
  auto v = h.view();
  CHECK(v.pool<handed_on>().size() == 1);
  h.tell(next, routed{m.nonce});
  CHECK(v.pool<handed_on>().size() == 0);
  auto const owner = closest_of(h.all, target.prefix());
  auto const other = h.routes.closest(target, 3);
  h.tell(owner, arrived{m.nonce + 1, 2, {}});  // a nonce that nobody drew
  CHECK(h.env.take_sent().all<find_providers>().empty());
  h.tell(owner, arrived{m.nonce, 2, {other[1], other[2], other[1], peer{0}}});
  auto const asked_now = h.env.take_sent();
  CHECK(asked_now == sent(owner, routed{m.nonce}) + sent(owner, find_providers{what, m.nonce}) +
                         sent(other[1], find_providers{what, m.nonce}) +
                         sent(other[2], find_providers{what, m.nonce}));
  providers with{m.nonce, {}, {}};
  with.records.push_back(h.record(peer{150}, what));
  auto forged = h.record(peer{151}, what);
  forged.power.cores = 64;  // after signing
  providers lie{m.nonce, {}, {}};
  lie.records.push_back(forged);
  h.tell(nobody_we_know, with);
  CHECK(h.env.take_answers<checked>().empty());
  h.tell(owner, with);
  h.tell(other[1], lie);
  h.tell(other[2], providers{m.nonce, {}, {}});
  h.answer_checks();
  auto const found_now = h.env.take_emitted<found>();
  REQUIRE(found_now.size() == 1);
  CHECK(found_now[0].id == id);
  CHECK(found_now[0].hops == 2);
  REQUIRE(found_now[0].among.size() == 1);
  CHECK(found_now[0].among[0].who == peer{150});
}

TEST_CASE("whoever is farther from the key than somebody we know is not believed to be closest") {
  head h{200};
  auto const what = h.elsewhere();
  h.locate(h.env.about(what));
  auto const m = h.env.take_sent().all<route>().at(0);
  auto const near = h.routes.closest(h.env.about(what), 2);
  h.tell(near[1], arrived{m.nonce, 1, {}});
  CHECK(h.env.take_emitted<located>().empty());
  CHECK(h.env.take_sent().all<ping>().size() == 1);  // is the nearer one still there?
  h.tell(near[0], arrived{m.nonce, 1, {}});
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == near[0]);
  h.tell(near[0], arrived{m.nonce, 1, {}});
  CHECK(h.env.take_emitted<located>().empty());  // once
}

TEST_CASE("a head that does not take a message over is asked again once, then passed by") {
  head h{200};
  auto const what = h.elsewhere();
  h.locate(h.env.about(what));
  auto const first = h.env.take_sent();
  h.pass(760ms);
  CHECK(h.env.take_sent() == first);
  h.pass(760ms);
  auto const past = h.env.take_sent();
  REQUIRE(past.all<route>().size() == 1);
  CHECK(past[0].to != first[0].to);
  CHECK(past.all<route>()[0].hops == 1);
  h.pass(12s);
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK_FALSE(done[0].owner);
  CHECK(done[0].timeouts > 0);
  CHECK(done[0].took == 12s);
  CHECK(h.env.take_sent().all<route>().size() < 3 * 5 * 2);  // tries, heads of each, attempts
}

TEST_CASE("a message of others is acknowledged, handed on once and answered where it ends") {
  head h{200};
  auto const what = h.elsewhere();
  route const m{h.env.about(what), 4711, peer{42}, 3};
  h.tell(peer{17}, m);
  auto const all = h.env.take_sent();
  REQUIRE(all.size() >= 2);
  CHECK(all.all<routed>().at(0).nonce == 4711);
  REQUIRE(all.all<route>().size() == 1);
  CHECK(all.all<route>()[0].hops == 4);
  h.tell(peer{17}, m);  // its acknowledgement was lost
  CHECK(h.env.take_sent().all<route>().empty());
  route const here{h.env.about(peer{0}).key, 4712, peer{42}, 2};
  h.tell(peer{17}, here);
  auto const answer = h.env.take_sent();
  REQUIRE(answer.all<arrived>().size() == 1);
  CHECK(answer.all<arrived>()[0].hops == 2);
  CHECK(answer.all<arrived>()[0].replicas.size() == 3);
  h.pass(800ms);
  CHECK(h.env.take_sent().all<arrived>().size() == 1);  // until it is acknowledged
  h.tell(peer{42}, routed{4712});
  h.pass(5s);
  CHECK(h.env.take_sent().all<arrived>().empty());
}

TEST_CASE("messages that no honest head sends are not handed on") {
  head h{200};
  auto const target = h.env.about(h.elsewhere());
  auto const bad = GENERATE(route{{}, 1, peer{42}, 1},     // the first hop is not its origin
                            route{{}, 1, peer{42}, 0},     // on no hop
                            route{{}, 1, peer{42}, 25},    // on too many
                            route{{}, 1, peer{0}, 2},      // ours, come back
                            route{{}, 1, peer{}, 2});      // of nobody
  auto m = bad;
  m.target = target;
  h.tell(peer{17}, m);
  CHECK(h.env.take_sent().all<route>().empty());
  CHECK(h.env.take_sent().all<arrived>().empty());
}

TEST_CASE("no flood of messages makes a head hold more than 64") {
  head h{200};
  for (std::uint64_t i = 1; i <= 500; ++i) {
    h.tell(peer{17}, route{h.env.about(service{static_cast<std::uint32_t>(i)}), i, peer{42}, 2});
  }
  auto v = h.view();
  CHECK(v.pool<handed_on>().size() == handed_on::per_peer_max);
  h.pass(10s);
  CHECK(v.pool<handed_on>().size() == 0);
  CHECK(v.pool<question>().size() == 0);
}

TEST_CASE("an iterative lookup talks to every head itself and follows progress only") {
  head h{200, {.iterative = true}};
  auto const what = h.elsewhere();
  auto const target = h.env.about(what);
  h.locate(target);
  auto const first = h.env.take_sent();
  REQUIRE(first.size() == 1);
  auto const nonce = first.all<ask_hop>().at(0).nonce;
  auto const owner = closest_of(h.all, target.prefix());
  REQUIRE(first[0].to != owner);
  h.tell(owner, hop{nonce, true, {}});  // not asked
  CHECK(h.env.take_emitted<located>().empty());
  peer far{};  // farther by digits and by number than who is asked
  for (auto const& o : h.all) {
    auto const near = h.prefix(first[0].to);
    bool const digits = std::countl_zero(o.key.prefix() ^ target.prefix()) / 4 <=
                        std::countl_zero(near ^ target.prefix()) / 4;
    if (digits && state::nearer(near, o.key.prefix(), target.prefix())) far = o.who;
  }
  h.tell(first[0].to, hop{nonce, false, {far, owner, peer{0}}});
  auto const second = h.env.take_sent();
  REQUIRE(second.all<ask_hop>().size() == 1);
  CHECK(second[0].to == owner);
  h.tell(owner, hop{nonce, true, {}});
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == owner);
  CHECK(done[0].hops == 2);
  CHECK(done[0].messages == 2);
}

TEST_CASE("a head that can only call out looks up iteratively and is entered by nobody") {
  head h{50};
  auto self = h.env.about(peer{0});
  self.reach = reach::outbound_only;
  h.env.know(peer{0}, self);
  h.locate(h.env.about(h.elsewhere()));
  CHECK(h.env.take_sent().all<ask_hop>().size() == 1);
  auto const before = h.routes.contacts();
  auto other = h.env.about(peer{90});
  other.reach = reach::outbound_only;
  h.env.know(peer{90}, other);
  h.tell(peer{90}, ping{1});
  CHECK(h.env.take_sent() == sent(peer{90}, pong{1}));
  CHECK(h.routes.contacts() == before);
}

TEST_CASE("state that nobody asked for changes nothing; who is named is hearsay until it answers") {
  head h{4};
  row r;
  r.who.push_back(peer{60});
  leaves l;
  l.who.push_back(peer{61});
  h.tell(peer{1}, r);
  h.tell(peer{1}, l);
  CHECK(h.env.take_sent().empty());
  auto v = h.view();
  std::vector<peer> const known{peer{2}};
  h.routes.join(v, known);
  auto const asked_first = h.env.take_sent();
  auto const nonce = asked_first.all<ask_hop>().at(0).nonce;
  h.tell(peer{2}, hop{nonce, true, {}});
  auto const asked_then = h.env.take_sent();
  REQUIRE(asked_then.all<ask_leaves>().size() == 1);
  l.nonce = asked_then.all<ask_leaves>()[0].nonce;
  h.tell(peer{3}, l);  // somebody else
  CHECK(h.env.take_sent().empty());
  h.tell(peer{2}, l);
  auto const pinged = h.env.take_sent();
  REQUIRE(pinged.size() == 1);
  CHECK(pinged[0].to == peer{61});
  CHECK_FALSE(h.routes.state().is_leaf(peer{61}));
  h.tell(peer{61}, pong{pinged.all<ping>()[0].nonce});
  CHECK(h.routes.state().is_leaf(peer{61}));
}

TEST_CASE("a leaf that falls silent is replaced from the leaf set of the farthest on its side") {
  head h{60, {.evict_after = 2}};
  auto const gone = h.routes.state().larger()[2].who;
  auto const farthest = h.routes.state().larger().back().who;
  auto v = h.view();
  h.routes.failed(v, gone);
  CHECK(h.env.take_sent().empty());
  h.routes.failed(v, gone);
  auto const all = h.env.take_sent();
  REQUIRE(all.all<ask_leaves>().size() == 1);
  auto const asked_for = std::find_if(all.begin(), all.end(), [](auto const& m) {
    return m.what.template is<ask_leaves>();
  });
  CHECK(asked_for->to == farthest);
}

TEST_CASE("the place of a farther head goes to one that is nearer by round trip") {
  head h{200};
  auto const old = h.routes.state().at(0, 15).who ? h.routes.state().at(0, 15)
                                                 : h.routes.state().at(0, 14);
  std::uint32_t rival = 500;
  while (h.prefix(peer{rival}) >> 28U != old.prefix >> 28U) ++rival;
  auto a = h.env.about(peer{rival});
  a.rtt = 16ms;  // of the others: 20 ms
  auto const before = h.env.about(peer{rival});
  auto const answers = [&](acquaintance const& as) {
    h.env.know(peer{rival}, as);
    auto v = h.view();
    h.routes.seen(v, peer{rival});
    std::vector<peer> const known{peer{rival}};
    h.routes.join(v, known);
    for (auto const& m : h.env.take_sent()) {
      if (m.what.is<ping>() && m.to == peer{rival}) h.tell(m.to, pong{m.what.as<ping>().nonce});
      if (m.what.is<ask_hop>()) h.tell(m.to, hop{m.what.as<ask_hop>().nonce, true, {}});
    }
    static_cast<void>(h.env.take_sent());
    return h.routes.state().entry_for(old.prefix)->who == peer{rival};
  };
  CHECK_FALSE(answers(before));
  CHECK_FALSE(answers(a));  // less than a quarter nearer
  a.rtt = 14ms;
  CHECK(answers(a));
}

TEST_CASE("records are stored near their key, by their publisher, once their signature is good") {
  head h{200};
  service near{};
  service far{};
  for (std::uint32_t i = 0; i < 3000 && (!near || !far); ++i) {
    auto const closer = h.routes.state().closer_than_own(h.env.about(service{i}).prefix());
    if (closer == 0) near = service{i};
    if (closer > 20) far = service{i};
  }
  REQUIRE(near);
  REQUIRE(far);
  h.tell(peer{150}, store{1, h.record(peer{150}, far)});
  CHECK_FALSE(h.env.take_sent().all<stored>().at(0).ok);
  h.tell(peer{151}, store{2, h.record(peer{150}, near)});
  CHECK_FALSE(h.env.take_sent().all<stored>().at(0).ok);  // somebody else's
  h.tell(peer{150}, store{3, h.record(peer{150}, near)});
  CHECK(h.env.take_sent().all<stored>().empty());
  h.answer_checks();
  CHECK(h.env.take_sent().all<stored>().at(0).ok);
  h.tell(peer{17}, find_providers{near, 9});
  auto const answer = h.env.take_sent().all<providers>();
  REQUIRE(answer.size() == 1);
  REQUIRE(answer[0].records.size() == 1);
  CHECK(answer[0].records[0].head == peer{150});
}

TEST_CASE("offers are published, again when due, and once more when they are taken back") {
  head h{200, {.replicas = 1}};  // where we are the closest all is over at once
  auto v = h.view();
  h.routes.on_start(v);
  std::vector<service> ours;
  std::vector<service> theirs;
  for (std::uint32_t i = 0; ours.size() < 3 || theirs.size() < 3; ++i) {
    auto const owner = closest_of(h.all, h.env.about(service{i}).prefix());
    auto& list = owner == peer{0} ? ours : theirs;
    if (list.size() < 3) list.push_back(service{i});
  }
  provider_record r;
  r.power.cores = 2;
  for (std::size_t i = 0; i < 3; ++i) {
    for (auto what : {ours[i], theirs[i]}) {
      r.what = what;
      h.routes.publish(v, r);
    }
  }
  CHECK(v.pool<offered>().size() == 6);
  CHECK(h.env.take_sent().all<route>().size() == 3);
  h.pass(20s);  // nobody answers
  CHECK(v.pool<pastry_lookup>().size() == 0);
  for (auto what : ours) h.routes.withdraw(v, what);
  CHECK(v.pool<offered>().size() == 3);
  static_cast<void>(h.env.take_sent());
  h.pass(7min);
  std::set<std::uint64_t> nonces;
  for (auto const& m : h.env.take_sent().all<route>()) nonces.insert(m.nonce);
  CHECK_FALSE(nonces.empty());  // until the last contact, which never answers, is dropped
  for (auto what : theirs) h.routes.withdraw(v, what);
  h.pass(7min);
  CHECK(v.pool<offered>().size() == 0);
}

namespace {

// A lookup whose first step goes to somebody who is not the nearest that the head knows: by digits
// it is ahead, by number another is.
struct by_digits {
  head h{200, {.iterative = true}};
  peer asked{};
  peer nearest{};
  std::uint64_t nonce = 0;
  by_digits() {
    for (std::uint32_t i = 0; i < 5000 && !asked; ++i) {
      auto const target = h.env.about(service{i});
      if (closest_of(h.all, target.prefix()) == peer{0}) continue;
      auto const known = h.routes.closest(target, 1);
      h.locate(target);
      auto const out = h.env.take_sent();
      if (out.size() == 1 && out[0].to != known[0] &&
          state::nearer(h.prefix(known[0]), h.prefix(out[0].to), target.prefix())) {
        asked = out[0].to;
        nearest = known[0];
        nonce = out.all<ask_hop>().at(0).nonce;
      }
      if (!asked) h.pass(20s);
      static_cast<void>(h.env.take_emitted<located>());
      static_cast<void>(h.env.take_sent());
    }
    REQUIRE(asked);
  }
};

}  // namespace

TEST_CASE("who claims to be closest is not believed before those that we know to be nearer") {
  by_digits d;
  auto& h = d.h;
  h.tell(d.asked, hop{d.nonce, true, {}});
  CHECK(h.env.take_emitted<located>().empty());
  auto const next = h.env.take_sent();
  REQUIRE(next.all<ask_hop>().size() == 1);
  CHECK(next[0].to == d.nearest);
  bool const lives = GENERATE(true, false);
  if (lives) {
    h.tell(d.nearest, hop{d.nonce, true, {}});
  } else {
    h.pass(8s);  // all that are nearer are silent: the claim stands
  }
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  if (!lives) CHECK(done[0].owner == d.asked);
  if (lives) CHECK(done[0].owner == d.nearest);
}

TEST_CASE("a head that can only call out does not own its own key either") {
  head h{50};
  auto self = h.env.about(peer{0});
  self.reach = reach::outbound_only;
  h.env.know(peer{0}, self);
  auto const nearest = h.routes.closest(self.key, 1)[0];
  h.locate(self.key);
  CHECK(h.env.take_emitted<located>().empty());
  auto const out = h.env.take_sent();
  REQUIRE(out.all<ask_hop>().size() == 1);
  CHECK(out[0].to == nearest);
  h.tell(nearest, hop{out.all<ask_hop>()[0].nonce, true, {}});
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == nearest);
}

TEST_CASE("a message that cannot be delivered is one failure, whatever waits for it") {
  head h{50, {.evict_after = 2}};
  h.find(h.elsewhere());
  auto const out = h.env.take_sent();
  REQUIRE(out.all<route>().size() == 1);
  auto const next = out[0].to;
  auto v = h.view();
  h.routes.on_fact(v, unreachable{next});
  h.pass(1ms);
  CHECK(h.routes.closest(h.env.about(next).key, 1)[0] == next);
}
