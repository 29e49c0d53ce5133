// Rings of trust against the recorder: priors, gossip, bans, and what a bad friend can do.
#include "../catch.hpp"

#include <hydra/testing/recorder.hpp>
#include <hydra/trust/rings.hpp>

#include <cstdint>
#include <cstring>

using namespace hydra;
using namespace hydra::trusts;

namespace {

constexpr principal me{1};
constexpr principal alice{2};
constexpr principal bob{3};
constexpr principal carol{9};

struct table {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  rings policy;
  testing::recorder_view<rings> view = env.view<rings>();

  explicit table(rings_config const& config = {})
      : policy{config, bounded_vector<principal, friends_max>{alice, bob}} {
    policy.on_start(view);
  }
  verdict ask(principal who) { return policy.admits(view, who, right::execute_for_me); }
  void observe(principal executor, outcome result = outcome::done) {
    receipt r;
    r.about.signer = executor;
    r.about.subject = me;
    r.about.issued = env.now();
    r.result = result;
    r.by_executor.words[0] = 1;
    r.by_owner.words[0] = 2;
    policy.observe(view, r);
  }
  vouch said_by(principal by, principal of, trust how_far = trust::percent(90)) {
    vouch m;
    m.about.domain = domain::vouch;
    m.about.signer = by;
    m.about.subject = me;
    m.about.issued = env.now();
    m.about.expires = env.now() + 1h;
    m.friends.push_back({of, how_far});
    m.signature = env.sign_as(by, m);
    return m;
  }
  void hear(peer from, vouch const& m) {
    policy.on_message(view, from, m);
    for (auto const& c : env.take_answers<checked>()) policy.on_fact(view, c);
  }
};

}  // namespace

TEST_CASE("each ring starts at its prior and strangers are admitted") {
  table t;
  CHECK(t.ask(me).ring == 0);
  CHECK(t.ask(me).score == trust::percent(100));
  CHECK(t.ask(alice).ring == 1);
  CHECK(t.ask(alice).score == trust::percent(90));
  CHECK(t.ask(carol).ring == 3);
  CHECK(t.ask(carol).score == trust::percent(50));
  CHECK(t.ask(carol).admitted);
}

TEST_CASE("a friend's friend is in ring 2 until the vouch expires") {
  table t;
  t.hear(peer{2}, t.said_by(alice, carol));
  CHECK(t.ask(carol).ring == 2);
  CHECK(t.ask(carol).score == trust::percent(70));
  t.env.advance(std::chrono::hours{23});
  CHECK(t.ask(carol).ring == 2);
  t.env.advance(std::chrono::hours{4});
  CHECK(t.ask(carol).ring == 3);
  t.policy.on_timer(t.view, rings::gossip_tag);
  CHECK(t.ask(carol).ring == 3);
}

TEST_CASE("a weak vouch is worth no less than none and no more than it says") {
  table t;
  t.hear(peer{2}, t.said_by(alice, carol, trust::percent(10)));
  CHECK(t.ask(carol).score == trust::percent(50));
  t.hear(peer{3}, t.said_by(bob, carol, trust::percent(70)));  // 0.7 x 0.9 = 0.63
  CHECK(t.ask(carol).score > trust::percent(62));
  CHECK(t.ask(carol).score <= trust::percent(63));
}

TEST_CASE("who is not a friend cannot vouch, nor a forged signature, nor another's word") {
  table t;
  t.hear(peer{8}, t.said_by(principal{8}, carol));
  CHECK(t.ask(carol).ring == 3);
  auto forged = t.said_by(alice, carol);
  forged.signature.words[0] ^= 1U;
  t.hear(peer{2}, forged);
  CHECK(t.ask(carol).ring == 3);
  t.hear(peer{3}, t.said_by(alice, carol));  // bob shows what alice said
  CHECK(t.ask(carol).ring == 3);
  auto borrowed = t.said_by(alice, carol);
  borrowed.signature = t.env.sign_as(bob, borrowed);  // bob signs in alice's name
  t.hear(peer{3}, borrowed);
  CHECK(t.ask(carol).ring == 3);
  auto old = t.said_by(alice, carol);
  t.env.advance(std::chrono::hours{3});
  t.hear(peer{2}, old);
  CHECK(t.ask(carol).ring == 3);
}

TEST_CASE("hostile degrees stay in range") {
  table t;
  auto m = t.said_by(alice, carol);
  struct planted {
    std::int32_t units;
  } const big{0x7fffffff};
  static_assert(sizeof(big) == sizeof(trust));
  std::memcpy(static_cast<void*>(&m.friends[0].how_far), &big, sizeof(big));
  m.signature = t.env.sign_as(alice, m);
  t.hear(peer{2}, m);
  CHECK(t.ask(carol).score == trust::percent(70));
}

TEST_CASE("a bad friend brings in at most four names and pays for the one that forges") {
  table t;
  for (std::uint32_t i = 0; i < 40; ++i) t.hear(peer{2}, t.said_by(alice, principal{100 + i}));
  std::size_t in = 0;
  for (std::uint32_t i = 0; i < 40; ++i) in += t.ask(principal{100 + i}).ring == 2 ? 1U : 0U;
  CHECK(in == vouches_per_friend_max);
  auto const before = t.ask(alice).score;
  t.policy.proof(t.view, principal{100});
  CHECK(t.ask(alice).score < before);
  CHECK(t.ask(alice).admitted);
  t.policy.proof(t.view, alice);
  CHECK_FALSE(t.ask(alice).admitted);
  CHECK(t.ask(principal{101}).ring == 3);
  t.hear(peer{2}, t.said_by(alice, carol));
  CHECK(t.ask(carol).ring == 3);
}

TEST_CASE("a stranger stays a stranger however good its score") {
  table t;
  for (int i = 0; i < 100; ++i) t.observe(carol);
  CHECK(t.ask(carol).score > trust::percent(98));
  CHECK(t.ask(carol).ring == 3);
  for (int i = 0; i < 60; ++i) t.observe(principal{20}, outcome::abandoned);
  CHECK_FALSE(t.ask(principal{20}).admitted);
}

TEST_CASE("a ban is told once, kept, survives a crash, and is never lifted by receipts") {
  table t;
  t.policy.proof(t.view, carol);
  t.policy.proof(t.view, carol);
  CHECK(t.env.take_emitted<banned>().size() == 1);
  CHECK(t.env.take_kept().size() == 1);
  t.observe(carol);
  CHECK(t.ask(carol).score == trust{});
  CHECK_FALSE(t.ask(carol).admitted);
  t.env.durable();
  t.env.crash();
  rings again{rings_config{}};
  auto view = t.env.view<rings>();
  again.on_start(view);
  CHECK_FALSE(again.admits(view, carol, right::ask_of_me).admitted);
}

TEST_CASE("receipts that are read back after a crash count what they would have counted") {
  table lived;
  table crashed;
  receipt r;
  r.about.signer = carol;
  r.about.subject = me;
  r.about.issued = lived.env.now();
  r.by_executor.words[0] = r.by_owner.words[0] = 1;
  for (int i = 0; i < 9; ++i) lived.policy.observe(lived.view, r);
  lived.env.advance(std::chrono::hours{24 * 7});
  crashed.env.advance(std::chrono::hours{24 * 7});
  for (int i = 0; i < 9; ++i) crashed.policy.observe(crashed.view, r);
  CHECK(lived.ask(carol).score == crashed.ask(carol).score);
  CHECK(lived.ask(carol).score == beta_mean(9 * 128, 0, trust::percent(50)));
}

TEST_CASE("a ban that is given an end lapses") {
  table t{rings_config{.ban = std::chrono::hours{24 * 30}}};
  t.policy.proof(t.view, carol);
  t.env.advance(std::chrono::hours{24 * 29});
  CHECK_FALSE(t.ask(carol).admitted);
  t.env.advance(std::chrono::hours{24 * 3});
  CHECK(t.ask(carol).admitted);
  t.observe(carol);
  CHECK(t.ask(carol).score > trust::percent(50));
}

TEST_CASE("nobody can make a Hydra ban itself") {
  table t;
  t.policy.proof(t.view, me);
  CHECK(t.ask(me).admitted);
  CHECK(t.env.take_emitted<banned>().empty());
}

TEST_CASE("gossip speaks of the peer group to the peer group, signed, once a period") {
  table t;
  CHECK(t.policy.befriend(alice, peer{2}));
  CHECK(t.policy.befriend(bob, peer{3}));
  std::size_t sent = 0;
  for (auto const& due : t.env.advance(40min)) {
    t.policy.on_timer(t.view, due.tag);
    for (auto const& s : t.env.take_sent()) {
      ++sent;
      REQUIRE(s.is<vouch>());
      auto const m = s.what.as<vouch>();
      CHECK(m.about.signer == me);
      CHECK(m.about.subject == principal{s.to.index()});
      CHECK(m.signature == t.env.sign_as(me, m));
      REQUIRE(m.friends.size() == 1);
      CHECK(m.friends[0].who != m.about.subject);
    }
  }
  CHECK(sent == 10);
}

TEST_CASE("two Hydras of one group learn of each other's friends") {
  testing::recorder env{{.seed = 3, .self = peer{2}}};
  rings his{rings_config{}, bounded_vector<principal, friends_max>{me, carol}};
  his.befriend(me, peer{1});
  auto his_view = env.view<rings>();
  his.on_start(his_view);
  table mine;
  for (int i = 0; i < 20; ++i) {
    his.on_timer(his_view, rings::gossip_tag);
    for (auto const& s : env.take_sent()) {
      auto m = s.what.as<vouch>();
      m.signature = mine.env.sign_as(alice, m);  // the two recorders have different seeds
      mine.hear(peer{2}, m);
    }
  }
  CHECK(mine.ask(carol).ring == 2);
}

TEST_CASE("rings stay small") {
  CHECK(sizeof(rings) <= 768);
  CHECK(sizeof(basic_rings<16>) <= 512);
  CHECK(sizeof(vouch) <= 192);
}
