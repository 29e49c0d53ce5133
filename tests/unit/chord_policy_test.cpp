#include "../catch.hpp"

#include <hydra/routing/chord.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = chord<8>;
constexpr service rendering{5};

struct member {
  hydra::key key{};
  peer who{};
};

// A head in a perfect ring of twelve: ring[0] is itself, then clockwise. It knows ring[1..8] as
// its successors and ring[11] as its predecessor.
struct head {
  explicit head(chord_settings s = {}) : routes{s} {
    for (std::uint32_t i = 0; i < 12; ++i) ring.push_back({env.about(peer{i}).key, peer{i}});
    std::sort(ring.begin(), ring.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    auto const sorted = ring;
    auto const me = std::find_if(ring.begin(), ring.end(), [](auto const& m) {
      return m.who == peer{0};
    });
    std::rotate(ring.begin(), me, ring.end());
    routes.adopt(ring[0].key, sorted, [](peer p) { return p; });
    // The service lies just before ring[6].
    env.know(rendering, before(6));
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy routes;
  std::vector<member> ring;

  [[nodiscard]] auto view() { return env.view<policy>(); }
  [[nodiscard]] peer at(std::size_t i) const { return ring[i].who; }
  [[nodiscard]] std::uint64_t place(std::size_t i) const { return place_of(ring[i].key); }
  [[nodiscard]] key before(std::size_t i) const { return key{digest256{place(i) - 1, 0, 0, 0}}; }
  // Somebody who is not in the ring, between two members.
  peer stranger(std::size_t after, std::uint64_t further) {
    peer const who{100 + static_cast<std::uint32_t>(after)};
    auto a = env.about(who);
    a.key = key{digest256{place(after) + further, 0, 0, 0}};
    env.know(who, a);
    return who;
  }
  activity locate(key const& to) {
    auto v = view();
    return routes.locate(v, to);
  }
  activity find() {
    auto v = view();
    return routes.find(v, {rendering, 1, {}});
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
      for (auto const& due : env.advance(env.next_at() - env.now())) routes.on_timer(v, due.tag);
      env.durable();
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
  [[nodiscard]] bool knows(peer who) const {
    bool yes = false;
    routes.ring().each([&](ring_entry const& e) { yes = yes || (e && e.who == who); });
    return yes;
  }
  [[nodiscard]] std::size_t held() {
    auto v = view();
    return record_store{v}.size();
  }
};

template <class M>
std::uint64_t nonce_in(testing::sent_messages const& all) {
  auto const of = all.all<M>();
  REQUIRE(!of.empty());
  return of[0].nonce;
}

around saying(std::uint64_t nonce, std::initializer_list<peer> known, peer predecessor = {}) {
  around a{nonce, predecessor, {}};
  for (auto who : known) a.known.push_back(who);
  return a;
}

located the_only(head& h) {
  auto const all = h.env.take_emitted<located>();
  REQUIRE(all.size() == 1);
  return all[0];
}

}  // namespace

TEST_CASE("sizes of chord", "[chord]") {
  CHECK(sizeof(chord<8>) == 792);
  CHECK(sizeof(chord<20>) == 984);
  CHECK(sizeof(ring_lookup) <= 3900);
  CHECK(sizeof(around) <= 184);
}

TEST_CASE("a locate asks the nearest before the key, then the owner itself", "[chord]") {
  head h;
  auto const target = h.before(6);
  auto const id = h.locate(target);
  auto first = h.env.take_sent();
  auto const nonce = nonce_in<find_successor>(first);
  find_successor const question{target, nonce};
  CHECK(first == sent(h.at(5), question));
  h.tell(h.at(5), saying(nonce, {h.at(6), h.at(7)}));
  CHECK(h.env.take_sent() == sent(h.at(6), question));
  CHECK(h.env.take_emitted<located>().empty());
  h.tell(h.at(6), saying(nonce, {h.at(7)}));
  auto const f = the_only(h);
  CHECK(f.id == id);
  CHECK(f.owner == h.at(6));
  CHECK(f.hops == 2);
  CHECK(f.timeouts == 0);
  CHECK(f.messages == 2);
}

TEST_CASE("a key of our own is located in the same call, without a message", "[chord]") {
  head h;
  auto const id = h.locate(h.ring[0].key);
  auto const f = the_only(h);
  CHECK(f.id == id);
  CHECK(f.owner == h.at(0));
  CHECK(f.hops == 0);
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a silent head costs a timeout, its place and nothing else", "[chord]") {
  head h;
  auto const target = h.before(6);
  h.locate(target);
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  find_successor const question{target, nonce};
  h.pass(1500ms);
  CHECK(h.env.take_sent() == sent(h.at(5), question));  // once more
  h.pass(1500ms);
  CHECK(h.env.take_sent() == sent(h.at(4), question));
  CHECK_FALSE(h.knows(h.at(5)));
  h.tell(h.at(4), saying(nonce, {h.at(5), h.at(6)}));
  CHECK(h.env.take_sent() == sent(h.at(6), question));
  h.tell(h.at(6), saying(nonce, {}, h.at(5)));
  auto const f = the_only(h);
  CHECK(f.owner == h.at(6));
  CHECK(f.timeouts == 1);
  CHECK(f.hops == 2);
  CHECK(f.messages == 4);
}

TEST_CASE("whoever named a silent head is told, and looks for itself", "[chord]") {
  head h{{.rpc_attempts = 1}};
  auto const ghost = h.stranger(5, 1);
  auto const target = h.before(6);
  h.locate(target);
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  h.tell(h.at(5), saying(nonce, {ghost, h.at(6)}));
  CHECK(h.env.take_sent() == sent(ghost, find_successor{target, nonce}));
  h.pass(1500ms);
  CHECK(h.env.take_sent() ==
        sent(h.at(5), silent_head{ghost}) + sent(h.at(6), find_successor{target, nonce}));

  h.tell(h.at(9), silent_head{h.at(3)});  // the other side of it
  CHECK(nonce_in<ping>(h.env.take_sent()) != 0);
  CHECK(h.knows(h.at(3)));  // a hint is no evidence
  h.pass(1500ms);
  CHECK_FALSE(h.knows(h.at(3)));
  static_cast<void>(h.env.take_sent());
  h.tell(h.at(9), silent_head{peer{99}});
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("an owner that names somebody nearer to the key is not the owner", "[chord]") {
  head h;
  key const target{digest256{h.place(5) + 1, 0, 0, 0}};
  auto const fresh = h.stranger(5, 2);  // joined, and nobody but ring[6] knows it
  h.locate(target);
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  h.tell(h.at(5), saying(nonce, {h.at(6)}));
  static_cast<void>(h.env.take_sent());
  h.tell(h.at(6), saying(nonce, {h.at(7)}, fresh));
  CHECK(h.env.take_sent() == sent(fresh, find_successor{target, nonce}));
  h.tell(fresh, saying(nonce, {h.at(6)}));
  CHECK(the_only(h).owner == fresh);
}

TEST_CASE("answers that a ring did not ask for change nothing", "[chord]") {
  head h;
  h.locate(h.before(6));
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  auto const contacts = h.routes.contacts();
  h.tell(peer{99}, saying(nonce, {peer{98}}));
  h.tell(h.at(5), saying(nonce + 1, {peer{98}}));
  h.tell(h.at(4), saying(nonce, {peer{98}}));
  h.tell(h.at(5), providers{nonce, {}, {}});
  h.tell(h.at(5), stored{nonce, true, {}});
  h.tell(h.at(6), resolved{nonce, 1, 0, {}, {}});
  h.tell(h.at(5), forwarded{nonce});
  h.tell(peer{99}, pong{nonce});
  h.tell(peer{99}, neighbours{nonce, peer{98}, {peer{97}}});
  CHECK(h.env.take_sent().empty());
  CHECK(h.env.take_emitted<located>().empty());
  CHECK(h.routes.contacts() == contacts);
  CHECK_FALSE(h.knows(peer{98}));
}

TEST_CASE("a lookup that nobody answers ends within its bound", "[chord]") {
  auto const style = GENERATE(forwarding::iterative, forwarding::recursive);
  head h{{.lookup_time_max = 12s, .style = style}};
  auto const id = h.locate(h.before(6));
  h.pass(11900ms);
  CHECK(h.env.take_emitted<located>().empty());
  h.pass(200ms);
  auto const f = the_only(h);
  CHECK(f.id == id);
  CHECK_FALSE(f.owner);
  CHECK(f.timeouts >= 3);
}

TEST_CASE("a recursive lookup is passed on, and its owner answers", "[chord]") {
  head h{{.style = forwarding::recursive}};
  auto const target = h.before(6);
  h.locate(target);
  auto const first = h.env.take_sent();
  auto const nonce = nonce_in<forward>(first);
  CHECK(first == sent(h.at(5), forward{target, h.at(0), nonce, 1, 0, false}));
  h.tell(h.at(5), forwarded{nonce});
  h.pass(1500ms);
  CHECK(h.env.take_sent().empty());  // it is on its way
  h.tell(h.at(3), resolved{nonce, 2, 0, {}, {}});  // lies before the key
  h.tell(h.at(6), resolved{nonce + 1, 2, 0, {}, {}});
  CHECK(h.env.take_emitted<located>().empty());
  h.tell(h.at(6), resolved{nonce, 2, 1, {}, {h.at(7)}});
  auto const f = the_only(h);
  CHECK(f.owner == h.at(6));
  CHECK(f.hops == 2);
  CHECK(f.timeouts == 1);
}

TEST_CASE("what others pass to us goes on, and round a silent head", "[chord]") {
  head h{{.rpc_attempts = 1}};
  forward const m{h.before(6), peer{77}, 4711, 3, 1, false};
  h.tell(h.at(11), m);
  auto on = m;
  on.hops = 4;
  CHECK(h.env.take_sent() == sent(h.at(11), forwarded{4711}) + sent(h.at(5), on));
  h.tell(h.at(11), m);  // again: said again, not passed on again
  CHECK(h.env.take_sent() == sent(h.at(11), forwarded{4711}));
  h.pass(1500ms);
  on.timeouts = 2;
  CHECK(h.env.take_sent() == sent(h.at(4), on));
  h.tell(h.at(4), forwarded{4711});
  h.pass(5s);
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("the owner answers the origin; without being asked last, too", "[chord]") {
  head h;
  forward const m{h.ring[0].key, peer{77}, 4711, 3, 1, false};
  h.tell(h.at(11), m);
  resolved answer{4711, 3, 1, {}, {}};
  for (std::size_t i = 1; i <= 8; ++i) answer.successors.push_back(h.at(i));
  CHECK(h.env.take_sent() == sent(h.at(11), forwarded{4711}) + sent(peer{77}, answer));
  auto endless = m;
  endless.hops = 41;
  h.tell(h.at(11), endless);  // goes no farther, and its sender does not take us for dead
  CHECK(h.env.take_sent() == sent(h.at(11), forwarded{4711}));
}

TEST_CASE("a find asks the owner and the two after it; a forged record is no candidate",
          "[chord]") {
  head h;
  auto const id = h.find();
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  h.tell(h.at(5), saying(nonce, {h.at(6), h.at(7), h.at(8)}));
  h.tell(h.at(6), saying(nonce, {h.at(7), h.at(8)}));
  h.env.end_call();
  auto const asked = h.env.take_sent().all<find_providers>();
  CHECK(asked.size() == 3);
  auto forged = h.record(peer{50});
  forged.power.cores = 64;  // after signing
  h.tell(h.at(6), providers{nonce, {forged}, {}});
  h.tell(h.at(7), providers{nonce, {h.record(peer{51})}, {}});
  h.tell(h.at(8), providers{nonce, {h.record(peer{51})}, {}});
  h.answer_checks();
  CHECK(h.env.take_sent() == sent(h.at(11), find_providers{rendering, nonce}));  // instead of it
  h.tell(h.at(11), providers{nonce, {}, {}});
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{51});
  CHECK(all[0].messages == 6);
  CHECK_FALSE(h.knows(h.at(6)));
  CHECK(h.knows(h.at(7)));
}

TEST_CASE("a publication is stored at the owner and the two after it, and again in time",
          "[chord]") {
  head h{{.stabilise = 1s}};
  auto v = h.view();
  provider_record r;
  r.what = rendering;
  h.routes.publish(v, r);
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  h.tell(h.at(5), saying(nonce, {h.at(6), h.at(7), h.at(8)}));
  h.tell(h.at(6), saying(nonce, {h.at(7), h.at(8)}));
  auto const out = h.env.take_sent();
  REQUIRE(out.all<store>().size() == 3);
  CHECK(out.all<store>()[0].record.head == h.at(0));
  for (std::size_t i : {6U, 7U, 8U}) h.tell(h.at(i), stored{nonce, true, {}});
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a record is stored by its publisher or by our predecessor, near its key", "[chord]") {
  head h;
  auto const near = h.ring[0].key;
  h.env.know(rendering, near);
  auto const by_other = GENERATE(false, true);
  auto const from = by_other ? h.at(3) : peer{50};
  h.tell(from, store{1, h.record(peer{50})});
  h.answer_checks();
  CHECK(h.held() == (by_other ? 0U : 1U));
  h.tell(h.at(11), store{2, h.record(peer{51})});
  h.answer_checks();
  CHECK(h.held() == (by_other ? 1U : 2U));
  static_cast<void>(h.env.take_sent());
  auto forged = h.record(peer{52});
  forged.power.cores = 9;
  h.tell(peer{52}, store{3, forged});
  h.answer_checks();
  CHECK(h.env.take_sent() == sent(peer{52}, stored{3, false, {}}));
  CHECK(h.held() == (by_other ? 1U : 2U));
}

TEST_CASE("whoever leaves tells both sides and gives its records to the successor", "[chord]") {
  head h;
  h.env.know(rendering, h.ring[0].key);
  auto const r = h.record(peer{50});
  h.tell(peer{50}, store{1, r});
  h.answer_checks();
  static_cast<void>(h.env.take_sent());
  auto v = h.view();
  h.routes.leave(v);
  leaving m;
  m.predecessor = h.at(11);
  for (std::size_t i = 1; i <= 8; ++i) m.successors.push_back(h.at(i));
  CHECK(h.env.take_sent() ==
        sent(h.at(1), store{0, r}) + sent(h.at(1), m) + sent(h.at(11), m));
  h.tell(h.at(3), ping{5});
  h.tell(h.at(3), find_successor{h.before(6), 5});
  h.tell(h.at(3), get_neighbours{5});
  CHECK(h.env.take_sent().empty());  // it is gone
}

TEST_CASE("a successor that leaves is forgotten, and the next one asked at once", "[chord]") {
  head h;
  leaving m;
  m.predecessor = h.at(0);
  m.successors = {h.at(2), h.at(3)};
  h.tell(h.at(1), m);
  CHECK_FALSE(h.knows(h.at(1)));
  auto const out = h.env.take_sent();
  CHECK(out == sent(h.at(2), get_neighbours{nonce_in<get_neighbours>(out)}));
}

TEST_CASE("a newcomer is asked whether it lives before it is believed", "[chord]") {
  head h;
  auto const fresh = h.stranger(11, 5);  // between our predecessor and us
  h.tell(fresh, notify{});
  auto const out = h.env.take_sent();
  auto const nonce = nonce_in<ping>(out);
  CHECK(out == sent(fresh, ping{nonce}));
  h.tell(fresh, pong{nonce + 1});
  CHECK(h.routes.ring().predecessor().who == h.at(11));
  h.tell(fresh, pong{nonce});
  CHECK(h.routes.ring().predecessor().who == fresh);
  CHECK(h.routes.ring().sane());
  h.tell(h.at(3), notify{});  // no nearer than whom we have
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a head that can only call out is never entered, asked or named", "[chord]") {
  head h;
  auto const mute = h.stranger(0, 5);
  auto a = h.env.about(mute);
  a.reach = reach::outbound_only;
  h.env.know(mute, a);
  h.tell(mute, notify{});
  CHECK(h.env.take_sent().empty());
  auto v = h.view();
  std::vector<peer> const known{mute};
  h.routes.join(v, known);
  CHECK(h.env.take_sent().empty());
  h.locate(h.before(6));
  auto const nonce = nonce_in<find_successor>(h.env.take_sent());
  h.tell(h.at(5), saying(nonce, {h.stranger(5, 1), h.at(6)}));
  CHECK_FALSE(h.knows(mute));
  h.tell(mute, find_successor{h.before(6), 9});
  CHECK(h.env.take_sent().all<around>().size() == 1);  // but it is answered
}

TEST_CASE("a silent successor is replaced by the next, and its list taken over", "[chord]") {
  head h{{.rpc_attempts = 1}};
  h.tell(h.at(1), leaving{});
  static_cast<void>(h.env.take_sent());
  h.pass(1500ms);  // ring[2] says nothing
  CHECK_FALSE(h.knows(h.at(2)));
  auto const out = h.env.take_sent();
  auto const nonce = nonce_in<get_neighbours>(out);
  CHECK(out == sent(h.at(3), get_neighbours{nonce}));
  neighbours n{nonce, h.at(0), {}};
  for (std::size_t i : {4U, 3U, 5U, 9U, 0U, 10U}) n.successors.push_back(h.at(i));
  h.tell(h.at(3), n);
  CHECK(h.env.take_sent().empty());  // we are its predecessor: nothing to tell it
  auto const& next = h.routes.ring().successors();
  REQUIRE(next.size() == 5);  // 3 4 5 9 10: clockwise, each once, never ourselves
  CHECK(next[0].who == h.at(3));
  CHECK(next[4].who == h.at(10));
  CHECK(h.routes.ring().sane());
}

TEST_CASE("after a crash it joins by the contacts that it wrote down", "[chord]") {
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  known_contacts noted;
  noted.who.push_back(peer{3});
  env.remember(0, noted);
  policy routes;
  auto v = env.view<policy>();
  routes.on_start(v);
  auto const out = env.take_sent();
  auto const nonce = nonce_in<find_successor>(out);
  auto const next = place_of(env.about(peer{0}).key) + 1;
  CHECK(out == sent(peer{3}, find_successor{key{digest256{next, 0, 0, 0}}, nonce}));
  routes.on_message(v, peer{3}, around{nonce, {}, {}});  // it is alone
  CHECK(routes.ring().successors().size() == 1);
  CHECK(routes.ring().successors()[0].who == peer{3});
}

TEST_CASE("of a finger and those after it the nearest in time is taken", "[chord]") {
  std::vector<member> all;
  recorder const env{{.seed = 3}};
  for (std::uint32_t i = 0; i < 200; ++i) all.push_back({env.about(peer{i}).key, peer{i}});
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  auto const own = place_of(all[0].key);
  auto const far = [](peer who) { return who.index() % 7; };
  for (std::size_t const s : {0U, 1U, 4U, 16U}) {
    ring_table<8> ring;
    ring.adopt(own, all, [](peer p) { return p; }, 8, s, far);
    CHECK(ring.sane());
    for (auto i = ring.lowest_finger(); i < finger_count; ++i) {
      auto const first = successor_in(all, own + ring_table<8>::stride(i));
      if (first == 0) continue;
      auto best = first;
      for (auto k = first; k <= first + s && k < all.size(); ++k) {
        if (far(all[k].who) < far(all[best].who)) best = k;
      }
      CHECK(ring.finger(i).who == all[best].who);
    }
  }
}

TEST_CASE("a newcomer whose only contact cannot be called any more tries again later", "[chord]") {
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy routes;
  auto v = env.view<policy>();
  std::vector<peer> const known{peer{3}};
  routes.join(v, known);
  CHECK(env.take_sent().all<find_successor>().size() == 1);
  auto a = env.about(peer{3});
  a.reach = reach::outbound_only;
  env.know(peer{3}, a);
  auto const until = env.now() + 2min;
  while (env.next_at() <= until) {
    for (auto const& due : env.advance(env.next_at() - env.now())) routes.on_timer(v, due.tag);
  }
  CHECK(routes.ring().empty());
  static_cast<void>(env.take_sent());
  a.reach = reach::open;
  env.know(peer{3}, a);
  env.advance(until - env.now());
  while (env.next_at() <= until + 50s) {
    for (auto const& due : env.advance(env.next_at() - env.now())) routes.on_timer(v, due.tag);
  }
  CHECK(env.take_sent().all<find_successor>().size() >= 1);
}

TEST_CASE("a round comes every half to one and a half periods, the first within one", "[chord]") {
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy routes;
  auto v = env.view<policy>();
  std::vector<peer> const known{peer{3}};
  routes.join(v, known);
  auto last = env.now();
  std::vector<duration> between;
  while (between.size() < 400) {
    for (auto const& due : env.advance(env.next_at() - env.now())) {
      if (due.tag == policy::upkeep_tag) {
        between.push_back(env.now() - last);
        last = env.now();
      }
      routes.on_timer(v, due.tag);
    }
  }
  CHECK(between[0] < 30s);
  between.erase(between.begin());
  CHECK(*std::min_element(between.begin(), between.end()) >= 15s);
  CHECK(*std::max_element(between.begin(), between.end()) <= 45s);
  duration sum{};
  for (auto d : between) sum += d;
  CHECK(sum / 399 > 28s);  // five standard errors: 2.2 s
  CHECK(sum / 399 < 32s);
}

TEST_CASE("an owner asks the two after it, and stores with them what it offers", "[chord]") {
  head h;
  h.env.know(rendering, h.before(0));
  h.find();
  auto const nonce = nonce_in<find_providers>(h.env.take_sent());
  h.tell(h.at(1), providers{nonce, {h.record(peer{51})}, {}});
  h.tell(h.at(2), providers{nonce, {}, {}});
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{51});

  auto v = h.view();
  provider_record r;
  r.what = rendering;
  h.routes.publish(v, r);
  auto const out = h.env.take_sent();
  REQUIRE(out.size() == 2);
  CHECK(out.all<store>().size() == 2);
  std::size_t i = 1;
  for (auto const& m : out) CHECK(m.to == h.at(i++));
}

TEST_CASE("offers that are taken back while others are published end one by one", "[chord]") {
  head h{{.successors_kept = 1}};
  auto v = h.view();
  for (std::uint32_t i = 1; i <= 16; ++i) {
    h.env.know(service{i}, h.before(0));
    provider_record r;
    r.what = service{i};
    h.routes.publish(v, r);
  }
  for (std::uint32_t i = 1; i <= 16; ++i) h.routes.withdraw(v, service{i});
  h.pass(20min);  // nobody answers: each of them ends by its time
  CHECK(v.pool<offered>().size() == 0);
}

TEST_CASE("stores of strangers leave half of the checks to our own finds", "[chord]") {
  head h;
  h.env.know(rendering, h.ring[0].key);
  for (std::uint32_t s = 0; s < 40; ++s) {
    auto r = h.record(peer{50});
    r.about.sequence = s + 1;
    h.tell(peer{50}, store{s, r});
  }
  CHECK(h.env.take_answers<checked>().size() == 8);
  for (std::uint32_t i = 60; i < 100; ++i) h.tell(peer{i}, store{1, h.record(peer{i})});
  CHECK(h.env.take_answers<checked>().size() == 8);
}

TEST_CASE("a predecessor that leaves hands over more than a stranger may store", "[chord]") {
  head h;
  h.env.know(rendering, h.ring[0].key);
  for (std::uint32_t i = 50; i < 60; ++i) h.tell(h.at(11), store{0, h.record(peer{i})});
  h.answer_checks();
  CHECK(h.held() == 10);
}

TEST_CASE("whoever cannot be called when it answers is not entered, and forgotten", "[chord]") {
  head h;
  auto const fresh = h.stranger(0, 5);  // would be our first successor
  h.tell(fresh, notify{});
  auto const nonce = nonce_in<ping>(h.env.take_sent());
  auto a = h.env.about(fresh);
  a.reach = reach::outbound_only;
  h.env.know(fresh, a);
  h.tell(fresh, pong{nonce});
  CHECK_FALSE(h.knows(fresh));

  h.tell(h.at(1), leaving{});  // ring[2] is asked for its neighbours
  auto const asked = nonce_in<get_neighbours>(h.env.take_sent());
  a = h.env.about(h.at(2));
  a.reach = reach::outbound_only;
  h.env.know(h.at(2), a);
  h.tell(h.at(2), neighbours{asked, h.at(0), {h.at(3)}});
  CHECK_FALSE(h.knows(h.at(2)));
}

TEST_CASE("when all first contacts are dead, others are turned to", "[chord]") {
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  bool const told = GENERATE(false, true);
  known_contacts noted;
  for (std::uint32_t i = 3; i < 9; ++i) noted.who.push_back(peer{i});
  env.remember(0, noted);
  policy routes;
  auto v = env.view<policy>();
  std::vector<peer> const dead{peer{20}, peer{21}, peer{22}, peer{23}};
  routes.join(v, dead);
  if (told) {
    static_cast<void>(env.take_sent());
    std::vector<peer> const more{peer{30}};
    routes.join(v, more);
  }
  auto const until = env.now() + 2min;
  bool asked = false;
  while (env.next_at() <= until && !asked) {
    for (auto const& due : env.advance(env.next_at() - env.now())) routes.on_timer(v, due.tag);
    env.end_call();
    for (auto const& m : env.take_sent()) {
      asked = asked || (m.to.index() < 20 && !told) || (m.to == peer{30} && told);
    }
  }
  CHECK(asked);
}
