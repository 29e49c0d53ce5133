// Laws of the trust room, over every policy of it and several seeds.
#include "../catch.hpp"

#include <hydra/testing/recorder.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/trust/rings.hpp>

#include <cstdint>
#include <type_traits>

using namespace hydra;
using namespace hydra::trusts;

namespace {

constexpr principal me{0};
constexpr std::uint32_t people = 40;

receipt signed_by_both(principal executor, principal owner, outcome result) {
  receipt r;
  r.about.domain = domain::receipt;
  r.about.signer = executor;
  r.about.subject = owner;
  r.result = result;
  r.by_executor.words[0] = 1;
  r.by_owner.words[0] = 2;
  return r;
}

template <class P>
P fresh_policy() {
  if constexpr (std::is_same_v<P, rings> || std::is_same_v<P, basic_rings<8>>) {
    return P{rings_config{}, {principal{1}, principal{2}, principal{3}}};
  } else {
    return P{};
  }
}

template <class P>
struct life {
  testing::recorder env;
  P policy = fresh_policy<P>();
  testing::recorder_view<P> view = env.template view<P>();
  owned_stream chance;

  explicit life(std::uint64_t seed)
      : env{{.seed = seed, .self = peer{0}}}, chance{seed, 99, 0} {
    policy.on_start(view);
  }
  principal somebody() { return principal{static_cast<std::uint32_t>(chance.below(people))}; }
  trust score(principal who) { return policy.admits(view, who, right::execute_for_me).score; }
  bool admitted(principal who) {
    return policy.admits(view, who, right::execute_for_me).admitted;
  }
  receipt between(principal executor, principal owner, outcome result) {
    auto r = signed_by_both(executor, owner, result);
    r.about.issued = env.now();
    return r;
  }
  // Something happens, as it might.
  void stir() {
    auto const who = somebody();
    switch (chance.below(8)) {
      case 0:
        return policy.vouched(view, somebody(), who, trust::raw(
            static_cast<std::int64_t>(chance.below(trust::one + 1))));
      case 1:
        if (chance.below(40) == 0) policy.proof(view, who);
        return;
      case 2:
        env.advance(std::chrono::hours{static_cast<std::int64_t>(chance.below(60))});
        return;
      case 3:
        return policy.observe(view, between(who, me, outcome::abandoned));
      case 4:
        return policy.observe(view, between(me, who, outcome::done));
      default:
        return policy.observe(view, between(who, me, outcome::done));
    }
  }
};

}  // namespace

TEMPLATE_TEST_CASE("scores stay in [0, 1] and agree with what is admitted", "", open,
                   beta_reputation, rings, basic_rings<8>) {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  life<TestType> l{seed};
  for (int i = 0; i < 3000; ++i) {
    l.stir();
    auto const who = l.somebody();
    for (auto s : {l.score(who), l.policy.score(who)}) {
      REQUIRE(s >= trust{});
      REQUIRE(s <= trust::raw(trust::one));
    }
    REQUIRE(l.policy.admits(l.view, who, right::ask_of_me).ring <= 3);
    REQUIRE(l.score(me) == trust::raw(trust::one));
    REQUIRE(l.admitted(me));
  }
}

TEMPLATE_TEST_CASE("a good receipt never lowers a score and a bad one never raises it", "", open,
                   beta_reputation, rings, basic_rings<8>) {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  life<TestType> l{seed};
  for (int i = 0; i < 2000; ++i) {
    l.stir();
    auto const who = l.somebody();
    auto const before = l.score(who);
    l.policy.observe(l.view, l.between(who, me, outcome::done));
    auto const better = l.score(who);
    REQUIRE(better >= before);
    l.policy.observe(l.view, l.between(who, me, outcome::abandoned));
    auto const worse = l.score(who);
    REQUIRE(worse <= better);
    l.policy.observe(l.view, l.between(who, me, outcome::forged));
    REQUIRE(l.score(who) <= worse);
    l.policy.observe(l.view, l.between(who, me, outcome::refused));
  }
}

TEMPLATE_TEST_CASE("whose word was untrue gains nothing, and loses no more than by a bad job", "",
                   beta_reputation, rings, basic_rings<8>) {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  int fell = 0;
  life<TestType> l{seed};
  for (int i = 0; i < 2000; ++i) {
    l.stir();
    auto const who = l.somebody();
    auto worse = l.policy;
    auto const before = l.score(who);
    l.policy.misled(l.view, who);
    auto const after = l.score(who);
    REQUIRE(after <= before);
    worse.observe(l.view, l.between(who, me, outcome::abandoned));
    REQUIRE(after >= worse.admits(l.view, who, right::execute_for_me).score);
    REQUIRE(l.score(me) == trust::raw(trust::one));
    fell += after < before ? 1 : 0;
  }
  REQUIRE(fell > 1000);
}

TEMPLATE_TEST_CASE("one-sided receipts earn nothing, those of others change nothing", "", open,
                   beta_reputation, rings, basic_rings<8>) {
  auto const seed = GENERATE(1U, 2U);
  life<TestType> l{seed};
  for (int i = 0; i < 1000; ++i) {
    l.stir();
    auto const who = l.somebody();
    auto const other = l.somebody();
    auto const before = l.score(who);
    auto half = l.between(who, me, outcome::done);
    half.by_owner = {};
    l.policy.observe(l.view, half);
    half = l.between(who, me, outcome::done);
    half.by_executor = {};
    l.policy.observe(l.view, half);
    half = l.between(who, me, outcome::forged);
    half.by_owner = {};
    l.policy.observe(l.view, half);
    if (other != me && who != me) l.policy.observe(l.view, l.between(who, other, outcome::done));
    REQUIRE(l.score(who) == before);
  }
}

TEMPLATE_TEST_CASE("who is proven a forger is not admitted, whatever follows", "",
                   beta_reputation, rings, basic_rings<8>) {
  auto const seed = GENERATE(1U, 2U, 3U);
  life<TestType> l{seed};
  principal const forger{people + 5};
  principal const bad_friend{2};
  l.policy.proof(l.view, forger);
  l.policy.proof(l.view, bad_friend);
  for (int i = 0; i < 300; ++i) {
    l.policy.observe(l.view, l.between(forger, me, outcome::done));
    l.policy.vouched(l.view, principal{1}, forger, trust::raw(trust::one));
    l.policy.observe(l.view, l.between(principal{50U + static_cast<std::uint32_t>(i)}, me,
                                     outcome::done));
    l.env.advance(std::chrono::hours{5});
    REQUIRE_FALSE(l.admitted(forger));
    REQUIRE(l.score(forger) == trust{});
    REQUIRE_FALSE(l.admitted(bad_friend));
  }
}

TEMPLATE_TEST_CASE("a hundred thousand strangers do not make it grow", "", beta_reputation, rings,
                   basic_rings<8>) {
  life<TestType> l{5};
  for (int i = 0; i < 200; ++i) {
    l.policy.observe(l.view, l.between(principal{1}, me, outcome::done));
  }
  auto const friendly = l.score(principal{1});
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    principal const who{1000 + static_cast<std::uint32_t>(l.chance.below(1U << 30U))};
    l.policy.observe(l.view, l.between(who, me, outcome::done));
    if (i % 16 == 0) l.policy.proof(l.view, principal{who.index() + 1});
    if (i % 16 == 1) l.policy.vouched(l.view, principal{1}, who, trust::percent(90));
    most = std::max(most, l.policy.remembered());
    if (i % 1000 != 0) continue;
    static_cast<void>(l.env.durable());
    static_cast<void>(l.env.take_emitted());
    static_cast<void>(l.env.take_kept());
  }
  CHECK(most <= 32);
  CHECK(l.score(principal{1}) == friendly);  // the one that is well known is not washed out
  std::size_t bans = 0;
  auto view = l.env.template view<TestType>();
  view.template recall_all<kept_ban>([&](std::uint64_t, kept_ban const&) { ++bans; });
  CHECK(bans <= 16);  // nor does the disk
}

TEMPLATE_TEST_CASE("time alone moves a score only towards where it would start", "",
                   beta_reputation, rings) {
  auto const good = GENERATE(true, false);
  life<TestType> l{1};
  principal const who{30};
  auto const start = l.score(who);
  for (int i = 0; i < 50; ++i) {
    l.policy.observe(l.view, l.between(who, me, good ? outcome::done : outcome::abandoned));
  }
  auto last = l.score(who);
  for (int hour = 0; hour < 24 * 150; hour += 9) {
    l.env.advance(std::chrono::hours{9});
    auto const now = l.score(who);
    REQUIRE((good ? now <= last : now >= last));
    REQUIRE((good ? now >= start : now <= start));
    last = now;
  }
  CHECK(last == start);
}

TEMPLATE_TEST_CASE("the same life gives the same effects, and a copy goes on alike", "", open,
                   beta_reputation, rings) {
  life<TestType> a{9};
  life<TestType> b{9};
  for (int i = 0; i < 500; ++i) {
    a.stir();
    b.stir();
    if (i == 250) {
      auto copy = b.policy;
      b.policy = copy;
    }
  }
  CHECK(a.env.effect_digest() == b.env.effect_digest());
  CHECK(fold_of(a.policy) == fold_of(b.policy));
}

TEST_CASE("evidence never grows by fading and the order of the steps hardly matters") {
  owned_stream chance{4, 99, 0};
  for (int i = 0; i < 20'000; ++i) {
    auto const amount = static_cast<std::uint16_t>(chance.below(65536));
    auto const one = static_cast<std::uint32_t>(chance.below(300));
    auto const two = static_cast<std::uint32_t>(chance.below(300));
    REQUIRE(faded(amount, one) <= amount);
    REQUIRE(faded(amount, one + 1) <= faded(amount, one));
    auto const apart = faded(faded(amount, one), two);
    auto const whole = faded(amount, one + two);
    REQUIRE(apart <= whole + 1);
    REQUIRE(apart + 2 >= whole);
  }
}
