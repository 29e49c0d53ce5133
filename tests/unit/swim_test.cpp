#include "../catch.hpp"

#include <hydra/membership/swim.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/recorder.hpp>
#include <hydra/wire/archive.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using hydra::testing::recorder;

namespace {

using policy = swim<16>;
constexpr peer stranger{99};

// One member among 1..n, driven by hand. All messages carry no more than the test puts in.
struct head {
  [[nodiscard]] auto view() { return env.view<policy>(); }
  explicit head(std::uint32_t others, swim_settings s = plain()) : group{s} {
    std::vector<peer> all;
    for (std::uint32_t i = 1; i <= others; ++i) all.push_back(peer{i});
    group.adopt(all, env.self());
    auto v = view();
    group.on_start(v);
  }
  static swim_settings plain() {
    swim_settings s;
    s.sync_every = 0;
    s.revive_every = 0;
    return s;
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy group;

  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    group.on_message(v, from, m);
    env.end_call();
  }
  void news(peer from, update const& u) {
    member_news m;
    m.news.push_back(u);
    tell(from, m);
  }
  // Until the next timer has been told.
  void next() {
    auto v = view();
    for (auto const& due : env.advance(env.next_at() - env.now())) group.on_timer(v, due.tag);
  }
  void pass(duration time) {
    auto const until = env.now() + time;
    while (env.next_at() <= until) next();
    env.advance(until - env.now());
  }
  // Goes on until a probe is sent; whom and with which nonce.
  testing::sent_message probe() {
    for (int i = 0; i < 100; ++i) {
      for (auto const& m : env.take_sent()) {
        if (m.is<ping>()) return m;
      }
      next();
    }
    FAIL("no probe within a hundred timers");
    return {};
  }
  void answer(testing::sent_message const& m, std::uint32_t incarnation = 0) {
    tell(m.to, ack{m.as<ping>().nonce, incarnation, {}});
  }
  [[nodiscard]] standing of(peer who) const {
    auto const i = group.members().find(who);
    REQUIRE(i != member_list<16>::nowhere);
    return group.members()[i].is;
  }
  [[nodiscard]] bool knows(peer who) const {
    return group.members().find(who) != member_list<16>::nowhere;
  }
  [[nodiscard]] bool neighbour(peer who) const {
    auto const all = group.neighbours();
    return std::find(all.begin(), all.end(), who) != all.end();
  }
};

constexpr std::uint32_t an_hour = 3600;  // the second in which these heads start

}  // namespace

TEST_CASE("a period is a ping, an answer, and nothing else") {
  head h{4};
  auto const first = h.probe();
  CHECK(first.as<ping>().incarnation == an_hour);
  h.answer(first);
  CHECK(h.env.take_sent().empty());
  auto const began = h.env.now();
  auto const second = h.probe();
  CHECK(h.env.now() - began == 1s);
  CHECK(second.to != first.to);
  CHECK(second.as<ping>().nonce != first.as<ping>().nonce);
  CHECK(h.group.neighbours().size() == 4);
  CHECK(h.env.take_emitted().empty());
}

TEST_CASE("a silent member is pinged through helpers, suspected, and dead when nobody refutes") {
  head h{5};
  auto const probed = h.probe();
  h.next();  // the ping's time is over
  auto const asked = h.env.take_sent();
  REQUIRE(asked.size() == 3);
  std::set<std::uint32_t> helpers;
  for (auto const& m : asked) {
    REQUIRE(m.is<ping_request>());
    CHECK(m.as<ping_request>().target == probed.to);
    CHECK(m.as<ping_request>().nonce == probed.as<ping>().nonce);
    CHECK(m.to != probed.to);
    helpers.insert(m.to.index());
  }
  CHECK(helpers.size() == 3);
  CHECK(h.env.take_emitted().empty());
  h.next();  // the period's end
  auto const told = h.env.take_emitted<suspected>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].who == probed.to);
  CHECK(h.neighbour(probed.to));  // suspected, and a neighbour still

  // 5 members: 5 periods at least, and 6 times as long while nobody else suspects the same.
  auto const since = h.env.now();
  while (h.neighbour(probed.to)) h.next();
  CHECK(h.env.now() - since == 30s);
  auto down = h.env.take_emitted<neighbour_down>();
  down.erase(std::remove_if(down.begin(), down.end(),
                            [&](auto const& d) { return d.who != probed.to; }),
             down.end());
  REQUIRE(down.size() == 1);
  CHECK(down[0].why == neighbour_down::cause::dead);
}

TEST_CASE("a helper's word counts, and nobody else's") {
  head h{5};
  auto const probed = h.probe();
  h.next();
  auto const asked = h.env.take_sent();
  REQUIRE(asked.size() == 3);
  std::set<std::uint32_t> helpers;
  for (auto const& m : asked) helpers.insert(m.to.index());
  peer outsider{};
  for (std::uint32_t i = 1; i <= 5; ++i) {
    if (peer{i} != probed.to && helpers.count(i) == 0) outsider = peer{i};
  }
  relayed word;
  word.nonce = probed.as<ping>().nonce;
  word.answered = true;
  SECTION("the helper that was asked") {
    h.tell(asked[1].to, word);
    h.pass(1s);
    CHECK(h.env.take_emitted<suspected>().empty());
  }
  SECTION("a member that was not asked") {
    h.tell(outsider, word);
    h.tell(stranger, word);
    h.next();
    CHECK(h.env.take_emitted<suspected>().size() == 1);
  }
  SECTION("the wrong nonce") {
    word.nonce ^= 1;
    h.tell(asked[1].to, word);
    h.next();
    CHECK(h.env.take_emitted<suspected>().size() == 1);
  }
  SECTION("an answer to the ping from somebody else") {
    h.tell(outsider, ack{probed.as<ping>().nonce, 0, {}});
    h.next();
    CHECK(h.env.take_emitted<suspected>().size() == 1);
  }
}

TEST_CASE("a helper pings for members only, passes the answer on, and says when there is none") {
  head h{4};
  ping_request ask;
  ask.nonce = 5;
  ask.target = peer{2};
  h.tell(peer{1}, ask);
  auto sent = h.env.take_sent();
  REQUIRE(sent.size() == 1);
  REQUIRE(sent[0].is<ping>());
  CHECK(sent[0].to == peer{2});
  CHECK(sent[0].as<ping>().nonce != 5);  // its own: the asker's is not given away
  SECTION("answered") {
    h.tell(peer{2}, ack{sent[0].as<ping>().nonce, 0, {}});
    auto const back = h.env.take_sent();
    REQUIRE(back.size() == 1);
    CHECK(back[0].to == peer{1});
    CHECK(back[0].as<relayed>().nonce == 5);
    CHECK(back[0].as<relayed>().answered);
    h.tell(peer{2}, ack{sent[0].as<ping>().nonce, 0, {}});
    CHECK(h.env.take_sent().empty());  // once
  }
  SECTION("answered by another") {
    h.tell(peer{3}, ack{sent[0].as<ping>().nonce, 0, {}});
    CHECK(h.env.take_sent().empty());
  }
  SECTION("not answered: a nack after four fifths of the timeout") {
    std::size_t nacks = 0;
    auto const until = h.env.now() + 401ms;
    while (h.env.next_at() <= until) h.next();
    for (auto const& m : h.env.take_sent()) nacks += m.is<relayed>() ? 1 : 0;
    CHECK(nacks == 1);
  }
  SECTION("for strangers, or about them: nothing") {
    h.tell(stranger, ask);
    ask.target = stranger;
    h.tell(peer{1}, ask);
    CHECK(h.env.take_sent().empty());
  }
  SECTION("at most eight at a time for one, and another's are served") {
    for (int i = 0; i < 100; ++i) h.tell(peer{1}, ask);
    CHECK(h.env.take_sent().size() == 7);
    h.tell(peer{3}, ask);
    CHECK(h.env.take_sent().size() == 1);
    CHECK(h.env.pool<relay>().size() == 9);
  }
  SECTION("at most 32 at a time") {
    head g{8};
    for (int i = 0; i < 100; ++i) {
      for (std::uint32_t from = 3; from <= 8; ++from) g.tell(peer{from}, ask);
    }
    CHECK(g.env.pool<relay>().size() == 32);
  }
}

TEST_CASE("which word beats which") {
  head h{4};
  auto const say = [&](standing is, std::uint32_t i, peer by = peer{3}) {
    h.news(peer{2}, {peer{1}, by, i, is});
  };
  say(standing::suspect, 0);
  CHECK(h.of(peer{1}) == standing::suspect);  // suspect(i) beats alive(j) for i >= j
  say(standing::alive, 0);
  CHECK(h.of(peer{1}) == standing::suspect);  // alive(i) beats suspect(j) for i > j only
  say(standing::alive, 1);
  CHECK(h.of(peer{1}) == standing::alive);
  CHECK(h.env.take_emitted<refuted>().size() == 1);
  say(standing::suspect, 0);
  CHECK(h.of(peer{1}) == standing::alive);  // an old suspicion
  say(standing::dead, 0);
  CHECK(h.of(peer{1}) == standing::alive);  // an old death
  say(standing::dead, 1);
  CHECK(h.of(peer{1}) == standing::dead);
  CHECK_FALSE(h.neighbour(peer{1}));
  say(standing::alive, 1);
  say(standing::suspect, 2);
  CHECK_FALSE(h.neighbour(peer{1}));  // a newer word names it again; it has to answer
  CHECK(h.of(peer{1}) == standing::named);
  auto const down = h.env.take_emitted<neighbour_down>();
  REQUIRE(down.size() == 1);
  CHECK(down[0].who == peer{1});
}

TEST_CASE("a member that is suspected says so of itself with a higher incarnation") {
  head h{4};
  REQUIRE(h.group.incarnation() == an_hour);
  h.news(peer{2}, {peer{0}, peer{2}, an_hour, standing::suspect});
  CHECK(h.group.incarnation() == an_hour + 1);
  CHECK(h.group.health() == 1);  // it may be itself that hears badly
  h.news(peer{2}, {peer{0}, peer{2}, an_hour, standing::suspect});
  CHECK(h.group.incarnation() == an_hour + 1);  // an old one says nothing new
  h.tell(peer{3}, ping{4, 0, {}});
  auto const sent = h.env.take_sent();
  REQUIRE(sent.size() == 1);
  auto const& news = sent[0].as<ack>().news;
  CHECK(std::find(news.begin(), news.end(),
                  update{peer{0}, {}, an_hour + 1, standing::alive}) != news.end());
}

TEST_CASE("nobody drives an incarnation further than the clock and its skew") {
  head h{4};
  for (std::uint32_t lie : {an_hour + 121, an_hour + 100'000, 0xffffffffU}) {
    CAPTURE(lie);
    h.news(peer{2}, {peer{0}, peer{2}, lie, standing::suspect});
    h.news(peer{2}, {peer{1}, {}, lie, standing::alive});
    h.news(peer{2}, {peer{1}, {}, lie, standing::dead});
    CHECK(h.group.incarnation() == an_hour);
    CHECK(h.group.members()[h.group.members().find(peer{1})].incarnation == 0);
    CHECK(h.of(peer{1}) == standing::alive);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    h.news(peer{2}, {peer{0}, peer{2}, h.group.incarnation(), standing::dead});
  }
  CHECK(h.group.incarnation() == an_hour + 121);  // one more than others may say
  CHECK(h.group.health() == 8);
}

TEST_CASE("LHA-Probe stretches the period of who hears badly") {
  head h{8};
  duration last{};
  for (int i = 0; i < 4; ++i) {
    auto const p = h.probe();
    auto const began = h.env.now();
    h.next();                  // helpers are asked
    CHECK(h.env.now() - began == 500ms * (1 + h.group.health()));
    auto const asked = h.env.take_sent();
    bool const nacks = i == 3;
    for (auto const& m : asked) {
      if (!nacks || !m.is<ping_request>()) continue;
      relayed word;
      word.nonce = p.as<ping>().nonce;
      h.tell(m.to, word);
    }
    auto const before = h.group.health();
    while (h.group.health() == before && h.env.now() - began < 20s) h.next();
    // A failed probe is one, a missing nack another one; eight are the most.
    CHECK(h.group.health() == std::min(8, before + (nacks ? 1 : 2)));
    CHECK(h.env.now() - began > last);
    last = h.env.now() - began;
  }
  for (int i = 0; i < 8; ++i) {
    auto const before = h.group.health();
    h.answer(h.probe());
    CHECK(h.group.health() == std::max(0, before - 1));
  }
}

TEST_CASE("LHA-Suspicion: three others who suspect the same shorten it to the least") {
  head h{9};  // ten members: log10(n) is one
  std::vector<duration> lasted;
  for (std::uint32_t others = 0; others < 5; ++others) {
    head g{9};
    g.news(peer{2}, {peer{1}, peer{2}, 0, standing::suspect});
    for (std::uint32_t i = 0; i < others; ++i) {
      g.news(peer{3}, {peer{1}, peer{3 + i}, 0, standing::suspect});
      g.news(peer{3}, {peer{1}, peer{3 + i}, 0, standing::suspect});  // twice is once
    }
    auto pool = g.env.pool<suspicion>();
    pool.each([&](activity, suspicion const& s) {
      if (s.who == peer{1}) lasted.push_back(s.due - s.since);
    });
  }
  REQUIRE(lasted.size() == 5);
  // max - (max - min) log(c + 1) / log(k + 1), min = 5 s, max = 30 s, k = 3
  for (std::size_t c = 0; c < 4; ++c) {
    auto const published = 30.0 - 25.0 * std::log(static_cast<double>(c + 1)) / std::log(4.0);
    CAPTURE(c);
    CHECK(seconds(lasted[c]) == Approx(published).margin(0.001));
  }
  CHECK(lasted[4] == lasted[3]);
  // Invented accusers do not count.
  h.news(peer{2}, {peer{1}, peer{2}, 0, standing::suspect});
  for (std::uint32_t i = 0; i < 5; ++i) {
    h.news(peer{2}, {peer{1}, peer{60 + i}, 0, standing::suspect});
  }
  h.env.pool<suspicion>().each(
      [&](activity, suspicion const& s) { CHECK(s.due - s.since == lasted[0]); });
}

TEST_CASE("the logarithm of a group's size agrees with the closed form") {
  for (std::uint32_t n : {1U, 2U, 3U, 7U, 10U, 100U, 1000U, 65535U, 4'000'000U}) {
    CAPTURE(n);
    CHECK(log2_q16(n) / 65536.0 ==
          Approx(std::log2(static_cast<double>(n))).margin(1.0 / 16384));
  }
  suspicion s{peer{1}, {}, {}, {peer{2}}};
  for (std::size_t n : {2U, 10U, 128U, 1000U}) {
    auto const least = 5.0 * std::max(1.0, std::log10(static_cast<double>(n)));
    CHECK(seconds(s.timeout({.lha = false}, 1s, n)) == Approx(least).epsilon(0.001));
  }
}

TEST_CASE("the buddy system: who is suspected is told so in every ping") {
  auto const buddy = GENERATE(true, false);
  CAPTURE(buddy);
  auto settings = head::plain();
  settings.buddy = buddy;
  settings.updates = 1;
  settings.lambda = 1;
  head h{5, settings};  // 30 s: longer than this test
  h.news(peer{2}, {peer{1}, peer{2}, 0, standing::suspect});
  int pings = 0;
  int said = 0;
  for (int i = 0; i < 20; ++i) {
    auto const p = h.probe();
    h.answer(p);
    if (p.to != peer{1}) continue;
    ++pings;
    auto const& news = p.as<ping>().news;
    bool const first = !news.empty() && news[0].who == peer{1} && news[0].is == standing::suspect;
    said += first ? 1 : 0;
  }
  REQUIRE(pings >= 3);
  CHECK((buddy ? said == pings : said < pings));
}

TEST_CASE("who is suspected hears of it as of any other update, without the buddy system too") {
  auto settings = head::plain();
  settings.buddy = false;
  head h{5, settings};
  h.news(peer{2}, {peer{1}, peer{2}, 0, standing::suspect});
  h.tell(peer{1}, ping{1, 0, {}});
  auto const sent = h.env.take_sent();
  REQUIRE(sent.size() == 1);
  auto const news = sent[0].as<ack>().news;
  CHECK(std::find(news.begin(), news.end(), update{peer{1}, peer{2}, 0, standing::suspect}) !=
        news.end());
}

TEST_CASE("updates ride least told first, lambda log n times each") {
  auto settings = head::plain();
  settings.updates = 2;
  settings.lambda = 2;
  head h{12, settings};
  for (std::uint32_t i = 1; i <= 4; ++i) {
    h.news(peer{12}, {peer{i}, peer{12}, 0, standing::suspect});
  }
  std::map<std::uint32_t, int> told;
  for (int i = 0; i < 100; ++i) {
    h.tell(peer{10}, ping{1, 0, {}});
    for (auto const& m : h.env.take_sent()) {
      REQUIRE(m.is<ack>());
      auto const news = m.as<ack>().news;
      CHECK(news.size() <= 3);  // two, and our own
      for (auto const& u : news) ++told[u.who.index()];
    }
    if (i == 1) {
      for (std::uint32_t who = 1; who <= 4; ++who) CHECK(told[who] == 1);
    }
  }
  for (std::uint32_t who = 1; who <= 4; ++who) CHECK(told[who] == 8);  // 2 * log2(13), rounded up
  CHECK(told[0] == 8);
}

TEST_CASE("who is named has to answer before it is a neighbour") {
  head h{3};
  h.news(peer{1}, {peer{7}, {}, 0, standing::alive});
  CHECK_FALSE(h.neighbour(peer{7}));
  auto sent = h.env.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == peer{7});
  auto const nonce = sent[0].as<ping>().nonce;
  SECTION("it answers") {
    h.tell(peer{7}, ack{nonce, 9, {}});
    CHECK(h.neighbour(peer{7}));
    auto const up = h.env.take_emitted<neighbour_up>();
    REQUIRE(up.size() == 1);
    CHECK(up[0].who == peer{7});
  }
  SECTION("with another nonce, or in another's name") {
    h.tell(peer{7}, ack{nonce ^ 1, 9, {}});
    h.tell(peer{8}, ack{nonce, 9, {}});
    CHECK(h.env.take_emitted<neighbour_up>().empty());
  }
  SECTION("it never answers: it is forgotten after four greetings") {
    h.tell(peer{2}, ping{1, 0, {}});
    for (auto const& m : h.env.take_sent()) {
      for (auto const& u : m.as<ack>().news) CHECK(u.who != peer{7});  // hearsay stays here
    }
    h.pass(10s);
    CHECK_FALSE(h.knows(peer{7}));
  }
  SECTION("names beyond a quarter of the list are not heard") {
    for (std::uint32_t i = 50; i < 90; ++i) {
      h.news(peer{1}, {peer{i}, {}, 0, standing::alive});
    }
    CHECK(h.group.members().size() == 3 + 4);
    CHECK(h.env.take_sent().size() == 3);
  }
  SECTION("strangers' news are not heard") {
    h.news(stranger, {peer{8}, {}, 0, standing::alive});
    h.news(stranger, {peer{1}, {}, 0, standing::dead});
    CHECK_FALSE(h.knows(peer{8}));
    CHECK(h.neighbour(peer{1}));
  }
}

TEST_CASE("who pings takes the place of a name that did not answer, and is greeted at once") {
  head h{3};
  for (std::uint32_t i = 50; i < 90; ++i) h.news(peer{1}, {peer{i}, {}, 0, standing::alive});
  REQUIRE(h.group.members().size() == 3 + 4);
  static_cast<void>(h.env.take_sent());
  h.tell(stranger, ping{1, 5, {}});
  CHECK(h.group.members().size() == 3 + 4);
  std::uint64_t nonce = 0;
  for (auto const& m : h.env.take_sent()) {
    if (m.is<ping>() && m.to == stranger) nonce = m.as<ping>().nonce;
  }
  REQUIRE(nonce != 0);
  SECTION("it answers") {
    h.tell(stranger, ack{nonce, 5, {}});
    CHECK(h.neighbour(stranger));
  }
  SECTION("those who ping take nothing from each other, and are forgotten as names are") {
    for (std::uint32_t i = 100; i < 140; ++i) h.tell(peer{i}, ping{1, 5, {}});
    CHECK(h.knows(stranger));
    CHECK(h.group.members().size() == 3 + 4);
    std::size_t greetings = 0;
    for (auto const& m : h.env.take_sent()) greetings += m.is<ping>() ? 1U : 0U;
    CHECK(greetings == 3);
    h.pass(10s);
    CHECK(h.group.members().size() == 3);
  }
}

TEST_CASE("one member that invents others keeps nobody out who speaks for itself") {
  head h{10};
  bool in = false;
  std::uint32_t invented = 1000;
  for (int second = 0; second < 30 && !in; ++second) {
    for (int i = 0; i < 24; ++i) {
      h.news(peer{1}, {peer{invented++}, {}, 0, standing::alive});
      if (i == 11) h.tell(stranger, ping{7, an_hour, {}});
    }
    for (auto const& m : h.env.take_sent()) {
      if (m.is<ping>() && m.to == stranger) h.answer(m, an_hour);
    }
    in = h.neighbour(stranger);
    h.pass(1s);
  }
  CHECK(in);
}

TEST_CASE("who is said to be dead is asked at once, and back with its answer") {
  head h{10};
  auto const clock = h.env.now().time_since_epoch() / 1s;
  auto const furthest = static_cast<std::uint32_t>(clock) + 120;
  auto const said = GENERATE_COPY(0U, furthest);
  h.news(peer{2}, {peer{1}, {}, said, standing::dead});
  CHECK_FALSE(h.neighbour(peer{1}));
  auto const sent = h.env.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == peer{1});
  auto const m = sent[0].as<ping>();
  REQUIRE(m.news.size() == 1);
  CHECK(m.news[0] == update{peer{1}, {}, said, standing::dead});
  SECTION("it has heard") {
    h.tell(peer{1}, ack{m.nonce, said + 1, {}});
    CHECK(h.neighbour(peer{1}));
  }
  SECTION("it has not") {
    h.tell(peer{1}, ack{m.nonce, said, {}});
    CHECK_FALSE(h.neighbour(peer{1}));
  }
  SECTION("eight in a period at most") {
    for (std::uint32_t i = 3; i <= 10; ++i) h.news(peer{2}, {peer{i}, {}, 0, standing::dead});
    CHECK(h.env.take_sent().size() == 7);
  }
}

TEST_CASE("who is said to be dead as far ahead as may be said can refute it") {
  head h{4};
  h.news(peer{2}, {peer{0}, {}, an_hour + 120, standing::dead});
  CHECK(h.group.incarnation() == an_hour + 121);
}

TEST_CASE("a newcomer asks a contact that answered for its list, page after page") {
  recorder env{{.seed = 3, .self = peer{0}}};
  policy group;
  auto v = env.view<policy>();
  group.on_start(v);
  std::vector<peer> const contact{peer{1}, peer{0}};
  group.join(v, contact);
  auto sent = env.take_sent();
  REQUIRE(sent.size() == 1);  // a ping; never to oneself
  group.on_message(v, peer{1}, ack{sent[0].as<ping>().nonce, 0, {}});
  sent = env.take_sent();
  REQUIRE(sent.size() == 1);
  REQUIRE(sent[0].is<who_is_there>());
  these_are_there page;
  page.nonce = sent[0].as<who_is_there>().nonce;
  page.members.push_back({peer{2}, {}, 0, standing::alive});
  SECTION("answered") {
    group.on_message(v, peer{1}, page);
    CHECK(env.take_sent().size() == 1);  // the greeting
    page.members[0].who = peer{3};
    group.on_message(v, peer{1}, page);  // once
    CHECK(env.take_sent().empty());
  }
  SECTION("not by the contact, or not this question") {
    group.on_message(v, peer{5}, page);
    page.nonce ^= 1;
    group.on_message(v, peer{1}, page);
    CHECK(env.take_sent().empty());
  }
}

TEST_CASE("pages go by key and hold every live member once") {
  head h{14};
  std::set<std::uint32_t> seen;
  who_is_there ask;
  for (int pages = 0; pages < 3; ++pages) {
    h.tell(stranger, ask);
    for (auto const& m : h.env.take_sent()) {
      if (!m.is<these_are_there>()) continue;
      auto const page = m.as<these_are_there>();
      CHECK(page.members.size() == (pages == 0 ? 12U : 2U));
      CHECK(page.more == (pages == 0));
      for (auto const& u : page.members) {
        CHECK(seen.insert(u.who.index()).second);
        auto const k = h.env.about(u.who).key.words()[0];
        CHECK(k > ask.after);
        ask.after = k;
      }
      if (!page.more) pages = 3;
    }
  }
  CHECK(seen.size() == 14);
}

TEST_CASE("who leaves says so, and nothing after that") {
  head h{4};
  auto v = h.view();
  h.group.leave(v);
  auto const sent = h.env.take_sent();
  CHECK(sent.size() == 4);
  for (auto const& m : sent) {
    REQUIRE(m.is<farewell>());
    CHECK(m.as<farewell>().incarnation == an_hour + 1);
  }
  h.tell(peer{1}, ping{1, 0, {}});
  h.pass(10s);
  CHECK(h.env.take_sent().empty());

  head g{4};
  g.tell(peer{2}, farewell{an_hour + 1});
  CHECK_FALSE(g.neighbour(peer{2}));
  auto const down = g.env.take_emitted<neighbour_down>();
  REQUIRE(down.size() == 1);
  CHECK(down[0].why == neighbour_down::cause::left);
  g.tell(stranger, farewell{an_hour + 1});
  CHECK(g.group.neighbours().size() == 3);
}

TEST_CASE("a member that was suspected when we left is buried after we have come back") {
  head h{4};
  auto v = h.view();
  h.group.failed(v, peer{2});
  REQUIRE(h.of(peer{2}) == standing::suspect);
  h.group.leave(v);
  h.env.end_call();
  CHECK(h.env.pool<suspicion>().size() == 0);
  h.group.join(v, {});
  h.env.end_call();
  REQUIRE(h.neighbour(peer{2}));
  for (int i = 0; i < 60 && h.neighbour(peer{2}); ++i) {
    for (auto const& m : h.env.take_sent()) {
      if (m.is<ping>() && m.to != peer{2}) h.answer(m);
    }
    h.pass(1s);
  }
  CHECK_FALSE(h.neighbour(peer{2}));
}

TEST_CASE("pages are asked for while their keys ascend, and not for ever") {
  head h{4};
  auto settings = head::plain();
  recorder env{{.seed = 3, .self = peer{0}}};
  policy group{settings};
  auto v = env.view<policy>();
  group.on_start(v);
  std::vector<peer> const contact{peer{1}};
  group.join(v, contact);
  group.on_message(v, peer{1}, ack{env.take_sent().at(0).as<ping>().nonce, 0, {}});
  these_are_there page;
  page.nonce = env.take_sent().at(0).as<who_is_there>().nonce;
  page.more = true;
  auto const again = [&] {
    group.on_message(v, peer{1}, page);
    std::vector<who_is_there> asked;
    for (auto const& m : env.take_sent()) {
      if (m.is<who_is_there>()) asked.push_back(m.as<who_is_there>());
    }
    REQUIRE(asked.size() <= 1);
    if (!asked.empty()) page.nonce = asked[0].nonce;
    return !asked.empty();
  };
  SECTION("one that is known, over and over") {
    page.members.push_back({peer{1}, {}, 0, standing::alive});
    CHECK(again());
    CHECK_FALSE(again());
  }
  SECTION("nobody") {
    page.members.push_back({peer{}, {}, 0, standing::alive});
    CHECK_FALSE(again());
  }
  SECTION("an empty page") { CHECK_FALSE(again()); }
  SECTION("dead ones that nobody knows: no question at once") {
    page.members.push_back({peer{50}, {}, 0, standing::dead});
    CHECK_FALSE(again());
  }
}

TEST_CASE("a dead member is not forgotten for a name that is not taken in") {
  head h{15};
  h.news(peer{1}, {peer{2}, {}, 0, standing::dead});
  for (std::uint32_t i = 3; i < 8; ++i) h.news(peer{1}, {peer{i}, {}, 0, standing::dead});
  REQUIRE(h.group.members().size() == 15);
  for (std::uint32_t i = 50; i < 90; ++i) {
    h.news(peer{1}, {peer{i}, {}, 0, standing::alive});
  }
  // One free place and three of the dead ones: a quarter of the list.
  CHECK(h.group.members().size() == 16);
  std::size_t dead = 0;
  for (std::uint32_t i = 2; i < 8; ++i) dead += h.knows(peer{i}) ? 1U : 0U;
  CHECK(dead == 3);
}

TEST_CASE("a list that no list wrote is cut to what it holds") {
  member_list<4> l;
  for (std::uint32_t i = 1; i <= 3; ++i) l.raise(l.add(peer{i}, {}));
  owned_stream draw{1, purpose::adversary, 0};
  for (int i = 0; i < 3; ++i) static_cast<void>(l.next_in_turn(draw.draw()));
  auto bytes = to_bytes(l);
  bool found = false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int value : {0, 1, 3, 200}) {
      auto lie = bytes;
      lie[at] = static_cast<std::byte>(value);
      auto const read = from_bytes<member_list<4>>(lie);
      if (!read.ok()) continue;
      auto again = read.value();
      found = found || again.live() != 3;
      CHECK(again.live() <= again.size());
      if (again.live() != 0) CHECK(again.lower(0) < again.size());
    }
  }
  CHECK(found);
}

TEST_CASE("what the transport knows to be gone is suspected at once, or dead") {
  auto const careful = GENERATE(true, false);
  CAPTURE(careful);
  auto settings = head::plain();
  settings.suspicion = careful;
  head h{4, settings};
  auto v = h.view();
  h.group.failed(v, peer{2});
  h.group.failed(v, stranger);
  CHECK(h.neighbour(peer{2}) == careful);
  CHECK(h.env.take_emitted<suspected>().size() == (careful ? 1U : 0U));
  CHECK(h.env.take_emitted<neighbour_down>().size() == (careful ? 0U : 1U));
}

TEST_CASE("a round probes everybody once, and between two turns lie at most 2n - 1") {
  auto const n = GENERATE(2U, 7U, 15U);
  CAPTURE(n);
  head h{n};
  std::map<std::uint32_t, int> last;
  std::set<std::uint32_t> in_round;
  for (int turn = 0; turn < static_cast<int>(20 * n); ++turn) {
    auto const p = h.probe();
    h.answer(p);
    auto const who = p.to.index();
    CHECK(in_round.insert(who).second);
    if (in_round.size() == n) in_round.clear();
    if (last.count(who) != 0) CHECK(turn - last[who] <= static_cast<int>(2 * n - 1));
    last[who] = turn;
  }
}

TEST_CASE("SWIM describes all of its state") {
  CHECK(testing::forgotten<policy>().empty());
  CHECK(testing::forgotten<suspicion>().empty());
  CHECK(testing::forgotten<relay>().empty());
  CHECK(sizeof(member) == 8);
}
