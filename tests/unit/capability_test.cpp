// What a neighbour is told of what can be reached through us: made anew only after a change, and
// after every change.
#include "../catch.hpp"

#include <hydra/routing/capability.hpp>
#include <hydra/testing/recorder.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

using digest = attenuated_bloom<>;
constexpr peer friend_of_ours{1}, listener{2};
constexpr service rendering{5}, baking{6};

// A head whose ring is one friend and one who listens; the listener notes what it was told.
struct head {
  testing::recorder env{{.seed = 1, .self = peer{0}}};
  capability<> policy{{.tick = 1s, .renew = 3s, .digest_life = 10s}};
  digest told{};
  std::size_t whole = 0, still = 0;
  std::uint32_t hash = 0;
  bool friend_asked = false;

  head() {
    auto e = env.view<capability<>>();
    policy.on_start(e);
    std::array const ring{friend_of_ours, listener};
    policy.join(e, ring);
    say(listener, digest_please{});
  }
  template <class M>
  void say(peer from, M const& m) {
    auto e = env.view<capability<>>();
    policy.on_message(e, from, m);
    read();
  }
  void run(duration d) {
    auto e = env.view<capability<>>();
    for (duration t{}; t < d; t += 100ms) {
      if (t % 1s == duration{}) say(listener, digest_is<digest>{});  // it is there, and can nothing
      for (auto const& due : env.advance(100ms)) policy.on_timer(e, due.tag);
      read();
    }
  }
  void read() {
    for (auto const& m : env.take_sent()) {
      friend_asked = friend_asked || (m.to == friend_of_ours && m.is<digest_please>());
      if (m.to != listener) continue;
      if (m.is<digest_is<digest>>()) {
        told = m.as<digest_is<digest>>().digest;
        ++whole;
      }
      if (m.is<digest_still>()) {
        hash = m.as<digest_still>().hash;
        ++still;
      }
    }
  }
  [[nodiscard]] std::uint64_t tag(service what) { return tag_of_service(env.about(what)); }
  [[nodiscard]] bool knows(service what) { return told.worth(tag(what)) > 0; }
  // A friend that performs it says so.
  [[nodiscard]] digest_is<digest> performs(service what) {
    digest_is<digest> m;
    m.digest.add(tag(what));
    return m;
  }
  void publish(service what) {
    provider_record r;
    r.what = what;
    auto e = env.view<capability<>>();
    policy.publish(e, r);
  }
};

}  // namespace

TEST_CASE("news of our own and of a friend's is told, and its end; else it is still the same",
          "[capability]") {
  head h;
  h.publish(rendering);
  h.run(5s);
  CHECK(h.knows(rendering));
  CHECK_FALSE(h.knows(baking));
  h.say(friend_of_ours, h.performs(baking));
  h.run(5s);
  CHECK(h.knows(baking));
  auto const whole = h.whole;
  for (int i = 0; i < 4; ++i) {
    h.say(friend_of_ours, h.performs(baking));
    h.run(3s);
  }
  CHECK(h.whole == whole);  // nothing has changed
  CHECK(h.still >= 3);
  SECTION("we no longer perform it") {
    auto e = h.env.view<capability<>>();
    h.policy.withdraw(e, rendering);
    h.run(5s);
    CHECK_FALSE(h.knows(rendering));
    CHECK(h.knows(baking));
  }
  SECTION("the friend does something else now") {
    h.say(friend_of_ours, h.performs(rendering));
    h.run(5s);
    CHECK_FALSE(h.knows(baking));
  }
  SECTION("the friend is dropped") {
    auto e = h.env.view<capability<>>();
    h.policy.drop(e, friend_of_ours);
    h.run(5s);
    CHECK_FALSE(h.knows(baking));
  }
  SECTION("the friend is silent for a digest's life") {
    h.run(15s);
    CHECK_FALSE(h.knows(baking));
  }
  SECTION("the friend fails three times") {
    auto e = h.env.view<capability<>>();
    for (int i = 0; i < 3; ++i) h.policy.failed(e, friend_of_ours);
    h.run(5s);
    CHECK_FALSE(h.knows(baking));
  }
}

TEST_CASE("a digest that lapsed between two ticks and was renewed before the second is told again",
          "[capability]") {
  head other;  // whose digest is the friend's, and who says how it is named
  other.publish(baking);
  other.run(10s);
  REQUIRE(other.still > 0);
  // The phase of the ticks is drawn; at one of these instants the renewal comes between.
  for (duration late = 10s; late < 11500ms; late += 100ms) {
    for (bool const whole : {false, true}) {
      head h;
      auto const m = h.performs(baking);
      h.say(friend_of_ours, m);
      h.run(late);
      h.say(listener, digest_please{});  // answered at once, maybe without the friend
      if (whole) {
        h.say(friend_of_ours, m);
      } else {
        h.friend_asked = false;
        h.say(friend_of_ours, digest_still{other.hash});
        if (h.friend_asked) h.say(friend_of_ours, m);  // it was forgotten already
      }
      h.run(8s);
      CAPTURE(late.count(), whole);
      CHECK(h.knows(baking));
    }
  }
}

namespace {

// Who asks; the answers are given by hand.
struct asker {
  testing::recorder env{{.seed = 1, .self = peer{0}, .start = at_ns(0) + 1h}};
  capability<> policy{};

  explicit asker(std::uint32_t neighbours) {
    std::vector<peer> ring;
    for (std::uint32_t i = 1; i <= neighbours; ++i) ring.push_back(peer{i});
    auto e = env.view<capability<>>();
    policy.on_start(e);
    policy.join(e, ring);
    static_cast<void>(env.take_sent());
  }
  template <class M>
  void say(peer from, M const& m) {
    auto e = env.view<capability<>>();
    env.end_call();
    policy.on_message(e, from, m);
    env.end_call();
  }
  void run(duration d) {
    auto e = env.view<capability<>>();
    for (duration t{}; t < d; t += 50ms) {
      for (auto const& due : env.advance(50ms)) policy.on_timer(e, due.tag);
    }
  }
  // Says the service is so many hops behind it: 0, it performs it itself.
  void promise(peer who, unsigned behind) {
    digest d;
    d.add(tag_of_service(env.about(rendering)));
    for (unsigned i = 0; i < behind; ++i) {
      digest further;
      further.behind(d);
      d = further;
    }
    say(who, digest_is<digest>{d});
  }
  void find() {
    auto e = env.view<capability<>>();
    CHECK(policy.find(e, {.what = rendering}));
  }
};

}  // namespace

TEST_CASE("two liars of sixteen do not push the honest off the list of a find", "[capability]") {
  constexpr std::uint32_t liars = 2;
  asker h{16};
  for (std::uint32_t i = 1; i <= 16; ++i) h.promise(peer{i}, i <= liars ? 0 : 1);
  static_cast<void>(h.env.take_sent());
  h.find();
  std::uint32_t next = 1000;  // accomplices
  std::size_t of_liars = 0, honest = 0, providers = 0;
  for (int round = 0; round < 300; ++round) {
    for (auto const& m : h.env.take_sent()) {
      if (!m.is<who_can>()) continue;
      i_know answer{m.as<who_can>().nonce, {}};
      auto const who = m.to.index();
      if (who <= liars || who >= 1000) {
        ++of_liars;
        for (int k = 0; k < 4; ++k) answer.others.push_back({peer{next++}, 1U << 16U});
      } else if (who <= 16) {
        ++honest;
        answer.others.push_back({peer{500 + who}, 1U << 16U});
      } else {
        ++providers;
      }
      h.say(m.to, answer);
    }
    h.run(50ms);
  }
  CHECK(of_liars == 12);  // a quarter of 24 each
  CHECK(honest == 6);
  CHECK(providers == 6);
  CHECK(h.env.take_emitted<found>().size() == 1);
}

TEST_CASE("whoever was given at the start is asked, whatever is named", "[capability]") {
  auto const scout_of = [](std::uint32_t who, std::uint32_t worth, std::uint8_t depth) {
    scout s;
    s.who = peer{who};
    s.worth = worth;
    s.depth = depth;
    return s;
  };
  quest q;
  for (std::uint32_t i = 1; i <= 20; ++i) q.start_with(scout_of(i, i, 1));
  REQUIRE(q.scouts.size() == quest::roots_max);
  CHECK(q.find(peer{1}) == nullptr);  // of too many the best stay
  CHECK(q.find(peer{20}) != nullptr);
  for (std::uint32_t i = 0; i < 200; ++i) {
    auto s = scout_of(100 + i, 1000 + i, 2);
    s.root = static_cast<std::uint8_t>(i % 2);
    s.by = s.root;
    q.add(s, 24);
  }
  for (std::uint32_t i = 5; i <= 20; ++i) CHECK(q.find(peer{i}) != nullptr);
  CHECK(q.scouts.size() == quest::roots_max + 12);  // a quarter of 24 each may still be asked
  auto late = scout_of(50, 1, 2);
  late.root = late.by = 7;
  q.add(late, 24);
  CHECK(q.find(peer{50}) != nullptr);
}

TEST_CASE("two whose first digests are lost do not ask each other to and fro", "[capability]") {
  asker h{1};
  std::size_t requests = 0;
  for (int i = 0; i < 400; ++i) {  // 20 s: the other one asks back whenever it is asked
    std::size_t asked = 0;
    for (auto const& m : h.env.take_sent()) asked += m.is<digest_please>() ? 1U : 0U;
    requests += asked;
    if (i == 0) asked = 1;
    for (std::size_t k = 0; k < asked; ++k) h.say(peer{1}, digest_please{});
    h.run(50ms);
  }
  CHECK(requests >= 1);
  CHECK(requests <= 3);  // 20 s: at most one tick's call and one answer before and after it
}

TEST_CASE("a stranger that a neighbour names is asked twice at most", "[capability]") {
  asker h{2};
  h.promise(peer{1}, 0);
  static_cast<void>(h.env.take_sent());
  h.find();
  std::size_t at_stranger = 0;
  for (int i = 0; i < 300; ++i) {
    for (auto const& m : h.env.take_sent()) {
      if (!m.is<who_can>()) continue;
      at_stranger += m.to == peer{77} ? 1U : 0U;
      if (m.to == peer{1}) {
        h.say(peer{1}, i_know{m.as<who_can>().nonce, {{peer{77}, 9}}});
      }
    }
    h.run(50ms);
  }
  CHECK(at_stranger == 2);
}
