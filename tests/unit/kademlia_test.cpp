#include "../catch.hpp"

#include <hydra/routing/kademlia.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <array>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = kademlia<8>;
constexpr service rendering{5};
constexpr peer nobody_we_know{99};

// A head with live contacts 1..n, each in a netgroup of its own.
struct head {
  explicit head(std::uint32_t contacts = 0, kademlia_settings s = {}) : routes{s} {
    std::vector<introduction> known;
    for (std::uint32_t i = 1; i <= contacts; ++i) {
      known.push_back({peer{i}, env.about(peer{i}).key, env.about(peer{i}).group});
    }
    std::sort(known.begin(), known.end(),
              [](auto const& a, auto const& b) { return a.key < b.key; });
    routes.adopt(direct_table<8>(env.about(env.self()).key, known, env.now()));
  }
  recorder env{recorder_settings()};
  policy routes;

  [[nodiscard]] static testing::recorder_settings recorder_settings() {
    return {.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h};
  }
  [[nodiscard]] auto view() { return env.view<policy>(); }
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
      env.durable();
    }
    env.advance(until - env.now());
  }
  // Contacts 1..n by distance from the key of the service.
  [[nodiscard]] std::vector<peer> nearest() const {
    std::vector<peer> all;
    for (auto p : routes.closest(env.about(rendering), 8)) all.push_back(p);
    return all;
  }
  [[nodiscard]] provider_record record(peer by, instant issued, std::uint32_t sequence = 1) {
    provider_record r;
    auto const owner = env.about(by).principal;
    r.about = {domain::provider, protocol_version, 0, sequence, owner, owner, issued,
               issued + 10min};
    r.head = by;
    r.what = rendering;
    r.signature = env.sign_as(owner, r);
    return r;
  }
  [[nodiscard]] provider_record record(peer by) { return record(by, env.now()); }
  [[nodiscard]] std::size_t held() {
    auto v = view();
    return record_store{v}.size();
  }
};

std::uint64_t nonce_of(testing::sent_messages const& all) {
  auto const asked = all.all<find_providers>();
  REQUIRE(!asked.empty());
  return asked[0].nonce;
}

providers with(std::uint64_t nonce, provider_record const& r) {
  providers answer;
  answer.nonce = nonce;
  answer.records.push_back(r);
  return answer;
}

}  // namespace

TEST_CASE("sizes of kademlia") {
  CHECK(sizeof(kademlia<8>) == 1296);
  CHECK(sizeof(lookup<8>) <= 3000);
  CHECK(sizeof(providers) <= 656);
}

TEST_CASE("a find asks the three closest, and the next as each answers") {
  head h{7};
  auto const near = h.nearest();
  h.find();
  auto const first = h.env.take_sent();
  auto const nonce = nonce_of(first);
  find_providers const question{rendering, nonce};
  CHECK(first == sent(near[0], question) + sent(near[1], question) + sent(near[2], question));
  h.tell(near[1], nodes{nonce, {}});
  CHECK(h.env.take_sent() == sent(near[3], question));
  h.tell(near[1], nodes{nonce, {}});  // once is enough
  CHECK(h.env.take_sent().empty());
}

TEST_CASE("a silent contact is asked again once, then the next closest, and found still comes") {
  head h{4};
  auto const near = h.nearest();
  auto const id = h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  find_providers const question{rendering, nonce};
  h.tell(near[0], nodes{nonce, {}});
  CHECK(h.env.take_sent() == sent(near[3], question));
  h.pass(1500ms);
  CHECK(h.env.take_sent() ==
        sent(near[1], question) + sent(near[2], question) + sent(near[3], question));
  h.tell(near[3], with(nonce, h.record(peer{50})));
  h.answer_checks();
  h.pass(1500ms);
  CHECK(h.env.take_sent().empty());
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].messages == 7);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{50});
  CHECK(h.routes.contact_table().known(near[1], h.env.about(near[1]).key.prefix())->failures() ==
        2);
}

TEST_CASE("a contact learned on the way is asked, one hop further") {
  head h{1};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  nodes closer{nonce, {}};
  closer.closer.push_back(peer{40});
  closer.closer.push_back(h.env.self());
  closer.closer.push_back(peer{});
  h.tell(peer{1}, closer);
  CHECK(h.env.take_sent() == sent(peer{40}, find_providers{rendering, nonce}));
  CHECK(h.routes.contacts() == 1);  // hearsay of a find does not enter the table
  h.tell(peer{40}, with(nonce, h.record(peer{50})));
  CHECK(h.routes.contacts() == 2);  // but an answer does
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].hops == 2);
  CHECK(all[0].among[0].hops == 2);
}

TEST_CASE("answers that were not asked for change nothing") {
  head h{3};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  h.tell(nobody_we_know, with(nonce, h.record(peer{50})));
  h.tell(peer{1}, with(nonce + 1, h.record(peer{50})));
  h.tell(peer{1}, stored{nonce, true, {}});
  CHECK(h.env.take_sent().empty());
  CHECK(h.env.take_answers<checked>().empty());
  CHECK(h.routes.contacts() == 3);
}

TEST_CASE("a forged record is no candidate and costs the answerer its place") {
  head h{3};
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto forged = h.record(peer{50});
  forged.power.cores = 64;  // after signing
  h.tell(peer{1}, with(nonce, forged));
  h.tell(peer{2}, nodes{nonce, {}});
  h.tell(peer{3}, with(nonce, h.record(peer{51})));
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].among.size() == 1);
  CHECK(all[0].among[0].who == peer{51});
  CHECK(h.routes.contacts() == 2);
}

TEST_CASE("nobody can offer somebody else's head, an expired record or one from the future") {
  head h{1};
  auto const now = h.env.now();
  auto stolen = h.record(peer{50});
  stolen.head = peer{51};
  stolen.signature = h.env.sign_as(stolen.about.signer, stolen);
  auto eternal = h.record(peer{50});
  eternal.about.expires = never;
  eternal.signature = h.env.sign_as(eternal.about.signer, eternal);
  auto other = h.record(peer{50});
  other.what = service{6};
  auto const which = GENERATE(0U, 1U, 2U, 3U, 4U, 5U);
  CAPTURE(which);
  auto const bad =
      std::array{stolen, eternal, other, h.record(peer{50}, now - 15min),
                 h.record(peer{50}, now + 3min), h.record(peer{50}, at_ns(-1))}[which];
  h.find();
  h.tell(peer{1}, with(nonce_of(h.env.take_sent()), bad));
  CHECK(h.env.take_answers<checked>().empty());
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.empty());
  CHECK(h.routes.contacts() == 1);  // clocks differ: no punishment
}

TEST_CASE("clocks may differ by two minutes") {
  head h{1};
  h.find();
  h.tell(peer{1}, with(nonce_of(h.env.take_sent()), h.record(peer{50}, h.env.now() + 1min)));
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() == 1);
}

TEST_CASE("a find stops early only when several heads gave records") {
  head h{7, {.enough_factor = 2, .sources_min = 2}};
  auto const near = h.nearest();
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto answer = with(nonce, h.record(peer{50}));
  answer.records.push_back(h.record(peer{51}));
  h.tell(near[0], answer);
  h.answer_checks();
  CHECK(h.env.take_emitted<found>().empty());  // one holder is not believed alone
  h.tell(near[1], with(nonce, h.record(peer{50})));
  CHECK(h.env.take_answers<checked>().empty());  // known verbatim: not checked again
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() == 2);
}

TEST_CASE("what was found is remembered for a minute, without who failed since") {
  head h{1};
  h.find();
  auto answer = with(nonce_of(h.env.take_sent()), h.record(peer{50}));
  answer.records.push_back(h.record(peer{51}));
  h.tell(peer{1}, answer);
  h.answer_checks();
  CHECK(h.env.take_emitted<found>().size() == 1);
  auto const again = h.find();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == again);
  CHECK(all[0].messages == 0);
  CHECK(all[0].among.size() == 2);
  auto v = h.view();
  h.routes.failed(v, peer{50});
  h.find();
  CHECK(h.env.take_emitted<found>().at(0).among.size() == 1);
  CHECK(h.env.take_sent().empty());
  h.find(2);  // more than is remembered
  CHECK_FALSE(h.env.take_sent().empty());
  h.pass(61s);
  static_cast<void>(h.env.take_sent());
  h.find();
  CHECK_FALSE(h.env.take_sent().empty());
}

TEST_CASE("heads of one netgroup are one source") {
  head h{7, {.enough_factor = 1, .sources_min = 2}};
  auto const near = h.nearest();
  auto a = h.env.about(peer{60});
  a.group = h.env.about(near[0]).group;
  h.env.know(peer{60}, a);
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto answer = with(nonce, h.record(peer{50}));
  answer.closer.push_back(peer{60});
  h.tell(near[0], answer);
  h.answer_checks();
  h.tell(near[1], nodes{nonce, {}});
  h.tell(near[2], nodes{nonce, {}});
  h.tell(peer{60}, with(nonce, h.record(peer{50})));
  CHECK(h.env.take_emitted<found>().empty());
}

TEST_CASE("who was named is of the netgroup where it was met, once it answers") {
  head h{7, {.enough_factor = 1, .sources_min = 2}};
  auto const near = h.nearest();
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto answer = with(nonce, h.record(peer{50}));
  answer.closer.push_back(peer{60});
  h.tell(near[0], answer);
  h.answer_checks();
  auto a = h.env.about(peer{60});
  a.group = h.env.about(near[0]).group;  // as the dial showed
  h.env.know(peer{60}, a);
  h.tell(near[1], nodes{nonce, {}});
  h.tell(near[2], nodes{nonce, {}});
  h.tell(peer{60}, with(nonce, h.record(peer{50})));
  CHECK(h.env.take_emitted<found>().empty());
}

TEST_CASE("of a head that was never met a wrong record hides no true one") {
  head h{2};
  auto const owner = h.env.about(peer{50}).principal;
  auto right = h.record(peer{50});
  auto wrong = h.record(peer{50});
  wrong.about.signer = wrong.about.subject = principal{99};
  wrong.about.sequence = 0xffffffff;
  wrong.signature = h.env.sign_as(principal{99}, wrong);
  auto unmet = h.env.about(peer{50});
  unmet.principal = {};
  h.env.know(peer{50}, unmet);
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  bool const wrong_first = GENERATE(true, false);
  CAPTURE(wrong_first);
  h.tell(peer{1}, with(nonce, wrong_first ? wrong : right));
  h.tell(peer{2}, with(nonce, wrong_first ? right : wrong));
  h.answer_checks();
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].among.size() == 2);
  auto const& among = all[0].among;
  CHECK((among[0].principal == owner || among[1].principal == owner));
  CHECK((among[0].who == peer{50} && among[1].who == peer{50}));
}

TEST_CASE("a record is stored by the very head that it names") {
  head h;
  auto const unmet = peer{51};
  auto other = h.record(peer{50});
  other.head = unmet;
  other.signature = h.env.sign_as(other.about.signer, other);
  auto a = h.env.about(unmet);
  a.principal = {};
  h.env.know(unmet, a);
  h.tell(peer{50}, store{1, other});
  h.answer_checks();
  CHECK(h.held() == 0);
  h.tell(peer{50}, store{1, h.record(peer{50})});
  h.answer_checks();
  CHECK(h.held() == 1);
}

TEST_CASE("near a key everybody is equally near: two nonces, two orders") {
  head h;
  std::vector<introduction> known;
  auto const target = h.env.about(rendering);
  for (std::uint32_t i = 1; i <= 8; ++i) {  // all ground next to the key
    auto words = target.words();
    words[0] ^= std::uint64_t{i} << 33U;
    known.push_back({peer{i}, key{words}, h.env.about(peer{i}).group});
  }
  for (std::uint32_t i = 20; i < 300; ++i) {
    known.push_back({peer{i}, h.env.about(peer{i}).key, h.env.about(peer{i}).group});
  }
  std::sort(known.begin(), known.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  auto const t = direct_table<8>(h.env.about(h.env.self()).key, known, h.env.now());
  CHECK(t.region() > 0x100);
  CHECK(t.region() < 0x20000000);
  ranking const plain{target.prefix(), 0, 1};
  ranking const one{target.prefix(), t.region(), 1};
  ranking const two{target.prefix(), t.region(), 2};
  bool differ = false;
  for (auto const& o : known) {
    auto const p = o.key.prefix();
    if (plain(p) > t.region()) CHECK(one(p) == plain(p));
    if (plain(p) <= t.region()) CHECK(one(p) <= t.region());
    differ = differ || one(p) != two(p);
  }
  CHECK(differ);
}

TEST_CASE("a send that cannot be delivered is replaced at once") {
  head h{4};
  auto const near = h.nearest();
  h.env.fail_nth(testing::effect::send, 1);
  h.find();
  auto const nonce = nonce_of(h.env.take_sent());
  auto v = h.view();
  for (auto const& f : h.env.take_answers<unreachable>()) h.routes.on_fact(v, f);
  CHECK(h.env.take_sent() == sent(near[3], find_providers{rendering, nonce}));
}

TEST_CASE("a find ends within its time even when checks never come back") {
  head h{1};
  h.find();
  h.tell(peer{1}, with(nonce_of(h.env.take_sent()), h.record(peer{50})));
  h.pass(12s);
  auto const all = h.env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.empty());
  CHECK(h.env.timers() == 0);
}

TEST_CASE("a record is stored after its signature was checked, for its publisher only") {
  head h;
  h.tell(peer{20}, store{1, h.record(peer{21})});
  CHECK(h.env.take_sent().all<stored>().at(0).ok == false);
  h.tell(peer{20}, store{2, h.record(peer{20})});
  CHECK(h.held() == 0);
  h.answer_checks();
  CHECK(h.env.take_sent().all<stored>().at(0).ok);
  CHECK(h.held() == 1);
  auto forged = h.record(peer{22});
  forged.power.speed = 9999;
  h.tell(peer{22}, store{3, forged});
  h.answer_checks();
  CHECK(h.env.take_sent().all<stored>().at(0).ok == false);
  CHECK(h.held() == 1);
}

TEST_CASE("the highest sequence wins, and a record without cores takes the last one back") {
  head h;
  auto const now = h.env.now();
  auto const give = [&](provider_record const& r) {
    h.tell(peer{20}, store{1, r});
    h.answer_checks();
    return h.env.take_sent().all<stored>().at(0).ok;
  };
  CHECK(give(h.record(peer{20}, now, 5)));
  CHECK_FALSE(give(h.record(peer{20}, now + 1s, 4)));
  CHECK(give(h.record(peer{20}, now + 1s, 6)));
  CHECK(h.held() == 1);
  h.tell(peer{30}, find_providers{rendering, 9});
  CHECK(h.env.take_sent().all<providers>().at(0).records[0].about.sequence == 6);
  auto gone = h.record(peer{20}, now + 2s, 7);
  gone.power.cores = 0;
  gone.signature = h.env.sign_as(gone.about.signer, gone);
  CHECK(give(gone));
  CHECK(h.held() == 0);
  h.tell(peer{30}, find_providers{rendering, 9});
  CHECK(h.env.take_sent().all<nodes>().size() == 1);
}

TEST_CASE("stores are bounded per netgroup and publisher, and expire") {
  head h;
  for (std::uint32_t i = 20; i < 60; ++i) {  // forty publishers of one netgroup
    auto a = h.env.about(peer{i});
    a.group = netgroup{4};
    h.env.know(peer{i}, a);
    h.tell(peer{i}, store{1, h.record(peer{i})});
    h.answer_checks();
  }
  CHECK(h.held() == 16);
  for (std::uint32_t i = 100; i < 120; ++i) {  // twenty heads of one publisher
    auto a = h.env.about(peer{i});
    a.principal = principal{77};
    h.env.know(peer{i}, a);
    h.tell(peer{i}, store{1, h.record(peer{i})});
    h.answer_checks();
  }
  CHECK(h.held() == 20);
  for (std::uint32_t i = 200; i < 500; ++i) {
    h.tell(peer{i}, store{1, h.record(peer{i})});
    h.answer_checks();
  }
  CHECK(h.held() == 128);
  auto v = h.view();
  h.routes.on_start(v);
  h.pass(12min);
  CHECK(h.held() == 0);
}

TEST_CASE("at most 16 stores are checked at once: the other half is for finds") {
  head h;
  for (std::uint32_t i = 200; i < 240; ++i) h.tell(peer{i}, store{1, h.record(peer{i})});
  CHECK(h.env.take_answers<checked>().size() == 16);
  CHECK(h.env.take_sent().all<stored>().size() == 24);
}

TEST_CASE("of the stores that are checked at once one sender has half at most") {
  head h;
  for (std::uint32_t i = 1; i <= 12; ++i) {
    auto r = h.record(peer{200});
    r.what = service{i};
    r.signature = h.env.sign_as(r.about.signer, r);
    h.tell(peer{200}, store{1, r});
  }
  CHECK(h.env.take_sent().all<stored>().size() == 4);  // refused
  for (std::uint32_t i = 201; i < 241; ++i) h.tell(peer{i}, store{1, h.record(peer{i})});
  CHECK(h.env.take_answers<checked>().size() == 16);
}

TEST_CASE("of heads that are alike by 32 bits, the one whose key it is owns it") {
  head h{8};
  constexpr std::uint64_t high = 0x1234567800000000;
  auto const put = [&](peer who, std::uint64_t low) {
    auto a = h.env.about(who);
    a.key = key{digest256{high | low, 0, 0, 0}};
    h.env.know(who, a);
  };
  put(peer{30}, 1);
  put(peer{31}, 2);
  key const target{digest256{high | 2, 0, 0, 0}};
  auto v = h.view();
  h.routes.locate(v, target);
  std::vector<located> done;
  for (int rounds = 0; rounds < 20 && done.empty(); ++rounds) {
    auto const out = h.env.take_sent();
    for (auto const& m : out) {
      if (!m.what.is<find_node>() || m.to == peer{31}) continue;  // that one answers last
      h.tell(m.to, nodes{m.what.as<find_node>().nonce, {peer{30}, peer{31}}});
    }
    for (auto const& m : out) {
      if (m.what.is<find_node>() && m.to == peer{31}) {
        h.tell(m.to, nodes{m.what.as<find_node>().nonce, {}});
      }
    }
    done = h.env.take_emitted<located>();
  }
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == peer{31});
}

TEST_CASE("an answer is a sample with one record per principal") {
  head h;
  for (std::uint32_t i = 20; i < 32; ++i) {
    auto a = h.env.about(peer{i});
    a.principal = principal{i < 24 ? 77U : i};
    h.env.know(peer{i}, a);
    h.tell(peer{i}, store{1, h.record(peer{i})});
    h.answer_checks();
  }
  CHECK(h.held() == 12);
  std::vector<std::uint32_t> seen;
  for (int n = 0; n < 60; ++n) {
    static_cast<void>(h.env.take_sent());
    h.tell(peer{33}, find_providers{rendering, 1});
    auto const answer = h.env.take_sent().all<providers>().at(0);
    CHECK(answer.records.size() == 4);
    std::size_t of_one = 0;
    for (auto const& r : answer.records) {
      of_one += r.about.signer == principal{77} ? 1U : 0U;
      seen.push_back(r.head.index());
    }
    CHECK(of_one <= 1);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() == 12);  // everybody gets a turn
}

TEST_CASE("only live contacts are told, never the asker, never more than asked for") {
  head h{6};
  h.tell(nobody_we_know, find_node{h.env.about(rendering), 3, 200});
  auto all = h.env.take_sent().all<nodes>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].nonce == 3);
  CHECK(all[0].closer.size() == 6);
  h.tell(peer{2}, find_node{h.env.about(rendering), 3, 200});
  all = h.env.take_sent().all<nodes>();
  CHECK(all[0].closer.size() == 5);
  h.tell(peer{2}, find_node{h.env.about(rendering), 3, 2});
  CHECK(h.env.take_sent().all<nodes>().at(0).closer.size() == 2);
}

TEST_CASE("a stranger that writes is pinged and becomes a contact when it answers") {
  head h;
  h.tell(peer{8}, ping{42});
  auto const out = h.env.take_sent();
  REQUIRE(out.all<ping>().size() == 1);
  CHECK(out.all<pong>().at(0).nonce == 42);
  CHECK(h.routes.contact_table().live() == 0);
  h.tell(peer{9}, pong{out.all<ping>()[0].nonce});
  CHECK(h.routes.contact_table().live() == 0);
  h.tell(peer{8}, pong{out.all<ping>()[0].nonce});
  CHECK(h.routes.contact_table().live() == 1);
}

TEST_CASE("heads that cannot be reached never enter the table") {
  head h;
  auto a = h.env.about(peer{8});
  a.reach = reach::outbound_only;
  h.env.know(peer{8}, a);
  h.tell(peer{8}, ping{42});
  CHECK(h.routes.contacts() == 0);
}

TEST_CASE("a head that can only call out is answered, and its records are stored by nobody") {
  head h{5};
  auto a = h.env.about(peer{8});
  auto const r = h.record(peer{8}, h.env.now());
  a.reach = reach::outbound_only;
  h.env.know(peer{8}, a);
  h.tell(peer{8}, find_node{h.env.about(rendering), 3, 8});
  CHECK(h.env.take_sent().all<nodes>().size() == 1);
  h.tell(peer{8}, store{4, r});
  auto const said = h.env.take_sent().all<stored>();
  REQUIRE(said.size() == 1);
  CHECK_FALSE(said[0].ok);
  CHECK(h.routes.contacts() == 5);
}

TEST_CASE("a head that can only call out publishes nothing and finds as others do") {
  head h{5};
  auto self = h.env.about(h.env.self());
  self.reach = reach::outbound_only;
  h.env.know(h.env.self(), self);
  auto v = h.view();
  provider_record r;
  r.what = rendering;
  r.power.cores = 12;
  h.routes.publish(v, r);
  h.pass(10s);
  CHECK(h.env.take_sent().all<store>().empty());
  CHECK(h.find());
  CHECK(h.env.take_sent().all<find_providers>().size() == 3);
}

TEST_CASE("a record is published at the closest, signed, and again before it expires") {
  head h{5};
  auto v = h.view();
  h.routes.on_start(v);
  provider_record r;
  r.what = rendering;
  r.power.cores = 12;
  h.routes.publish(v, r);
  auto const walk = h.env.take_sent().all<find_node>();
  REQUIRE(walk.size() == 3);
  CHECK(walk[0].target == h.env.about(rendering));
  for (std::uint32_t i = 1; i <= 5; ++i) h.tell(peer{i}, nodes{walk[0].nonce, {}});
  for (std::uint32_t i = 1; i <= 5; ++i) h.tell(peer{i}, nodes{walk[0].nonce, {}});
  auto const stores = h.env.take_sent().all<store>();
  REQUIRE(stores.size() == 5);
  auto const& sealed = stores[0].record;
  CHECK(sealed.head == h.env.self());
  CHECK(sealed.power.cores == 12);
  CHECK(sealed.about.expires == h.env.now() + 16min);
  CHECK(sealed.signature == h.env.sign(sealed));
  stored where{walk[0].nonce, true, {}};
  where.closer.push_back(peer{60});
  h.tell(peer{1}, where);
  CHECK(h.env.take_sent() == sent(peer{60}, store{walk[0].nonce, sealed}));
  h.pass(3min);
  static_cast<void>(h.env.take_sent());
  h.pass(4min + 15s);
  CHECK_FALSE(h.env.take_sent().all<find_node>().empty());
}

TEST_CASE("own services are told, until they are withdrawn") {
  head h{3};
  auto v = h.view();
  provider_record r;
  r.what = rendering;
  h.routes.publish(v, r);
  static_cast<void>(h.env.take_sent());
  h.tell(peer{1}, find_providers{rendering, 5});
  CHECK(h.env.take_sent().all<providers>().at(0).records.size() == 1);
  h.routes.withdraw(v, rendering);
  h.tell(peer{1}, find_providers{rendering, 5});
  CHECK(h.env.take_sent().all<nodes>().size() == 1);
}

TEST_CASE("a store is refused where sixteen closer heads are known, and says who they are") {
  head h{300};
  auto const near = [&](std::uint32_t i) {
    return h.env.about(service{i}).prefix() ^ h.routes.contact_table().own();
  };
  std::uint32_t far = 0;
  for (std::uint32_t i = 1; i < 100; ++i) far = near(i) > near(far) ? i : far;
  REQUIRE(h.routes.contact_table().closer_than_own(h.env.about(service{far}).prefix()) >= 16);
  auto r = h.record(peer{400});
  r.what = service{far};
  r.signature = h.env.sign_as(r.about.signer, r);
  h.tell(peer{400}, store{1, r});
  auto const answer = h.env.take_sent().all<stored>().at(0);
  CHECK_FALSE(answer.ok);
  REQUIRE(answer.closer.size() == 8);
  auto const expected = h.routes.closest(h.env.about(service{far}), 8);
  CHECK(std::equal(expected.begin(), expected.end(), answer.closer.begin()));
  CHECK(h.env.take_answers<checked>().empty());
}

TEST_CASE("after a crash a head turns to the contacts it wrote down") {
  head h{8};
  auto v = h.view();
  h.routes.on_start(v);
  h.pass(6min);
  CHECK(h.env.recall<known_contacts>(0)->who.size() == 8);
  h.env.crash();
  policy fresh;
  auto again = h.env.view<policy>();
  fresh.on_start(again);
  CHECK(fresh.contacts() == 8);
  CHECK(fresh.contact_table().live() == 0);
  auto const asked = h.env.take_sent().all<find_node>();
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].target == h.env.about(h.env.self()).key);
}

TEST_CASE("sequences go on above those of the life before") {
  head h;
  provider_record r;
  r.what = rendering;
  auto v = h.view();
  seal(v, r, 10min);
  seal(v, r, 10min);
  auto const before = r.about.sequence;
  h.pass(5s);
  provider_record reborn;
  seal(v, reborn, 10min);
  CHECK(reborn.about.sequence > before);
}

TEST_CASE("silent contacts are pinged when nobody heard of them and evicted in the end") {
  head h{4};
  auto v = h.view();
  h.routes.on_start(v);
  h.pass(45min);
  CHECK(h.routes.contact_table().live() == 0);
  CHECK(h.env.take_sent().all<ping>().size() >= 1);
}
