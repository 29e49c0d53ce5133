// What a neighbour is told of what can be reached through us: made anew only after a change, and
// after every change.
#include "../catch.hpp"

#include <hydra/routing/capability.hpp>
#include <hydra/testing/recorder.hpp>

#include <array>

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
