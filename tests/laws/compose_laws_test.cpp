// The laws of compositions of routing policies, shown with parts that answer as they are told to.
#include "../catch.hpp"

#include <hydra/routing/capability.hpp>
#include <hydra/routing/compose.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/testing/recorder.hpp>

#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;

namespace {

enum class mood : std::uint8_t { at_once, later, busy };

// Gives what it has been given; Number tells parts apart.
template <int Number>
struct part {
  using policy_concept = routing_tag;
  using facts = type_list<found>;
  struct asked {
    static constexpr std::size_t per_peer_max = 12;
    std::uint8_t nothing = 0;
    template <class A>
    void serialize(A& a, unsigned) {
      a& nothing;
    }
  };
  using activities = type_list<asked>;

  mood is = mood::later;
  duration takes = 1s;
  candidates gives{};
  int finds = 0;
  int wanted = 0;  // at least, last time
  int published = 0;
  int withdrawn = 0;
  int failures = 0;
  int abandoned = 0;
  std::uint16_t costs = 1;

  activity find(auto& env, want const& w) {
    if (is == mood::busy) return {};
    wanted = w.at_least;
    ++finds;
    auto const id = env.template pool<asked>().add({});
    if (!id) return id;
    if (is == mood::at_once) {
      answer(env, id);
    } else {
      env.arm(takes, 7);
    }
    return id;
  }
  void on_timer(auto& env, std::uint16_t tag) {
    CHECK(tag == 7);
    env.template pool<asked>().each([&](activity id, asked&) { answer(env, id); });
  }
  void answer(auto& env, activity id) {
    found f;
    f.id = id;
    f.among = gives;
    f.messages = costs;
    f.hops = Number;
    env.template pool<asked>().erase(id);
    env.emit(f);
  }
  std::uint16_t abandon(auto& env, activity id) {
    ++abandoned;
    return env.template pool<asked>().erase(id) ? costs : std::uint16_t{0};
  }
  void publish(auto&, provider_record const&) { ++published; }
  void withdraw(auto&, service) { ++withdrawn; }
  void join(auto&, std::span<peer const>) {}
  void seen(auto&, peer) {}
  void failed(auto&, peer) { ++failures; }
  [[nodiscard]] bounded_vector<peer, 2> closest(key const&, std::size_t k) const {
    bounded_vector<peer, 2> out;
    if (k > 0) out.push_back(peer{Number});
    return out;
  }
  [[nodiscard]] std::size_t contacts() const { return 1; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& finds;
  }
};
// Cannot stop looking.
template <int Number>
struct stubborn : part<Number> {
  void abandon() = delete;
};

// As in docs/how_to/compose_routing.md, "Write your own".
template <class P, std::uint8_t N = 4>
class asked_for : public hydra::routing::composition<asked_for<P, N>, P> {
  using base = hydra::routing::composition<asked_for<P, N>, P>;
  friend base;

 public:
  using base::base;
  using activities = typename base::activities_of_parts;

  hydra::activity find(auto& env, hydra::want w) {
    w.at_least = std::max(w.at_least, N);
    hydra::activity id{};
    this->template with<0>(env, [&](auto& p, auto& e) { id = p.find(e, w); });
    return id;
  }
  std::uint16_t abandon(auto& env, hydra::activity id) { return this->abandon_parts(env, {id}); }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
  }

 private:
  template <std::size_t>
  void answered(auto& env, hydra::found const& f) {
    env.emit(f);
  }
};

candidates heads(std::vector<std::uint32_t> const& who) {
  candidates out;
  for (auto i : who) {
    candidate c;
    c.who = peer{i};
    c.principal = principal{i};
    out.push_back(c);
  }
  return out;
}
std::set<std::uint32_t> heads_of(found const& f) {
  std::set<std::uint32_t> out;
  for (auto const& c : f.among) CHECK(out.insert(c.who.index()).second);  // no head twice
  return out;
}

// A policy and its recorder.
template <class P>
struct lone {
  recorder env{{.seed = 3}};
  P policy{};
  activity find(want const& w) {
    auto e = env.view<P>();
    return policy.find(e, w);
  }
  std::vector<found> run(duration time = 5s) {
    auto e = env.view<P>();
    for (duration t{}; t < time; t += 100ms) {
      for (auto const& due : env.advance(100ms)) policy.on_timer(e, due.tag);
      env.end_call();
    }
    return env.take_emitted<found>();
  }
  std::uint16_t abandon(activity id) {
    auto e = env.view<P>();
    return policy.abandon(e, id);
  }
  void fails(peer who) {
    auto e = env.view<P>();
    policy.failed(e, who);
  }
};

constexpr want one{service{1}, 1, {}, {}};
constexpr want two{service{1}, 2, {}, {}};

struct odd_or_even {
  std::size_t operator()(service s) const { return s.index() % 2; }
};
struct counter {
  std::uint32_t asked_for = 0;
  std::uint32_t got = 0;
  duration longest{};
  void asked(want const&) { ++asked_for; }
  void answered(found const&, duration took) {
    ++got;
    longest = std::max(longest, took);
  }
};

using A = part<1>;
using B = part<2>;
using C = part<3>;

template <class P>
inline constexpr bool routes = RoutingPolicy<P, archetype_view<P>>;
// No larger than what it is made of and 8 bytes for each combination in it.
template <std::size_t Combinations, class P, class... Of>
inline constexpr bool lean = sizeof(P) <= (sizeof(Of) + ...) + 8 * Combinations;

}  // namespace

static_assert(routes<first_of<A>> && routes<first_of<A, B>> && routes<first_of<A, B, C>>);
static_assert(routes<race<A, B>> && routes<cached<A>>);
static_assert(routes<split_by<odd_or_even, A, B>> && routes<observe<A, counter>>);
static_assert(routes<observe<cached<first_of<A, split_by<odd_or_even, B, C>>>, counter>>);
static_assert(routes<split_by<odd_or_even, cached<A>, first_of<observe<B, counter>, C>>>);
static_assert(routes<first_of<cached<A>, race<B, C>>>);

using ring = capability<>;
using keys = kademlia<8>;
using ring_first = cached<first_of<ring, keys>>;
using watched = observe<ring_first, counter>;
using by_parity = split_by<odd_or_even, ring_first, full_mesh>;
static_assert(routes<ring_first> && routes<watched> && routes<by_parity>);
static_assert(LocatesKeys<ring_first, archetype_view<ring_first>> ==
              LocatesKeys<keys, archetype_view<keys>>);
static_assert(LocatesKeys<watched, archetype_view<watched>> &&
              LocatesKeys<by_parity, archetype_view<by_parity>> &&
              !LocatesKeys<first_of<ring>, archetype_view<first_of<ring>>>);
static_assert(lean<1, first_of<ring>, ring> && lean<1, first_of<ring, keys>, ring, keys>);
static_assert(lean<1, race<full_mesh, keys>, full_mesh, keys>);
static_assert(lean<1, cached<keys>, keys> && lean<1, cached<A>, A>);
static_assert(lean<1, split_by<odd_or_even, ring, keys>, ring, keys>);
static_assert(lean<1, split_by<odd_or_even, full_mesh, keys>, full_mesh, keys>);
static_assert(lean<1, observe<keys, counter>, keys, counter>);
static_assert(lean<1, ring_first, ring, keys>);  // eight for both of its combinations
static_assert(lean<3, watched, ring, keys, counter>);
static_assert(lean<3, by_parity, ring, keys, full_mesh>);

TEST_CASE("first_of asks the next part only when the first finds too few, and adds what both found",
          "[compose]") {
  auto const a_is = GENERATE(mood::at_once, mood::later);
  auto const b_is = GENERATE(mood::at_once, mood::later);
  lone<first_of<A, B>> h;
  auto& a = h.policy.part<0>();
  auto& b = h.policy.part<1>();
  a.is = a_is;
  b.is = b_is;
  a.gives = heads({5, 6});
  b.gives = heads({6, 7});
  SECTION("enough") {
    auto const id = h.find(two);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5, 6});
    CHECK(b.finds == 0);
  }
  SECTION("too few") {
    auto const id = h.find({service{1}, 3, {}, {}});
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5, 6, 7});
    CHECK(all[0].messages == 2);
    CHECK(all[0].hops == 2);
  }
  SECTION("nobody knows") {
    a.gives = b.gives = {};
    h.find(one);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].among.empty());
  }
  SECTION("the first is busy") {
    a.is = mood::busy;
    h.find(one);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{6, 7});
  }
  SECTION("both are busy") {
    a.is = b.is = mood::busy;
    auto const id = h.find(one);
    CHECK(id);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(all[0].among.empty());
  }
}

TEST_CASE("first_of of one part answers as that part; grouping changes nothing for a want of one, "
          "and costs nobody a candidate that is wanted", "[compose]") {
  auto const wanted = GENERATE(1U, 2U, 3U, 5U);
  auto const is = GENERATE(mood::at_once, mood::later);
  want const w{service{1}, static_cast<std::uint8_t>(wanted), {}, {}};
  auto const with_parts = [&](auto& a, auto& b, auto& c) {
    a.is = b.is = c.is = is;
    a.gives = heads({1});
    b.gives = heads({1, 2});
    c.gives = heads({3, 4});
  };
  lone<first_of<A>> alone;
  alone.policy.part<0>().is = is;
  alone.policy.part<0>().gives = heads({8, 9});
  alone.find(w);
  auto const only = alone.run();
  REQUIRE(only.size() == 1);
  CHECK(heads_of(only[0]) == std::set<std::uint32_t>{8, 9});

  lone<first_of<first_of<A, B>, C>> left;
  lone<first_of<A, first_of<B, C>>> right;
  with_parts(left.policy.part<0>().part<0>(), left.policy.part<0>().part<1>(),
             left.policy.part<1>());
  with_parts(right.policy.part<0>(), right.policy.part<1>().part<0>(),
             right.policy.part<1>().part<1>());
  left.find(w);
  right.find(w);
  auto const l = left.run();
  auto const r = right.run();
  REQUIRE(l.size() == 1);
  REQUIRE(r.size() == 1);
  // A composition inside does not know how many are there already: it may ask one part more.
  if (wanted == 1) CHECK(heads_of(l[0]) == heads_of(r[0]));
  CHECK(heads_of(l[0]).size() >= std::min<std::size_t>(wanted, 4));
  CHECK(heads_of(r[0]).size() >= std::min<std::size_t>(wanted, 4));
}

// A gives two after three seconds, B one after one.
struct contest : lone<race<A, B>> {
  contest() {
    policy.part<0>().takes = 3s;
    policy.part<1>().takes = 1s;
    policy.part<0>().gives = heads({5, 6});
    policy.part<1>().gives = heads({7});
  }
};

TEST_CASE("race asks all at once, and the first to find enough is the answer", "[compose]") {
  contest h;
  auto& a = h.policy.part<0>();
  auto& b = h.policy.part<1>();
  SECTION("the quick one suffices") {
    auto const id = h.find(one);
    auto const all = h.run();
    REQUIRE(all.size() == 1);  // what the slow one found later is nobody's
    CHECK(all[0].id == id);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{7});
    CHECK(a.abandoned == 1);
    CHECK(b.abandoned == 0);
    CHECK(all[0].messages == 2);  // those of the loser count
  }
  SECTION("it does not") {
    h.find(two);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5, 6, 7});
  }
  SECTION("one answers within the call") {
    auto const first = GENERATE(true, false);
    (first ? a.is : b.is) = mood::at_once;
    auto const id = h.find(one);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(heads_of(all[0]).size() == (first ? 2 : 1));
  }
  SECTION("one is busy, or both") {
    a.is = mood::busy;
    b.is = GENERATE(mood::busy, mood::later);
    h.find(one);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].among.size() == (b.is == mood::busy ? 0U : 1U));
  }
}

TEST_CASE("a race is over with a choice, a second after there was enough, or when one knew",
          "[compose]") {
  contest h;
  auto& a = h.policy.part<0>();
  auto& b = h.policy.part<1>();
  SECTION("with a choice it is over at once") {
    b.gives = heads({7, 8});
    h.find(one);
    CHECK(h.run(1100ms).size() == 1);
  }
  SECTION("without, what comes within a second of it is added") {
    a.takes = 1900ms;
    h.find(one);
    CHECK(h.run(1800ms).empty());
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5, 6, 7});
  }
  SECTION("what one knew without asking is an answer at once") {
    b.is = mood::at_once;
    b.costs = 0;
    h.find(one);
    auto const all = h.run(100ms);
    REQUIRE(all.size() == 1);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{7});
  }
  SECTION("nobody waits for it") {
    auto const id = h.find(one);
    CHECK(h.abandon(id) == 2);
    CHECK(h.run().empty());
    CHECK(a.abandoned == 1);
    CHECK(b.abandoned == 1);
    CHECK(h.abandon(id) == 0);
  }
}

TEST_CASE("cached remembers what worked, until it is old, failed, or is not enough", "[compose]") {
  lone<cached<A, 60>> h;
  auto& a = h.policy.part<0>();
  a.is = GENERATE(mood::at_once, mood::later);
  a.gives = heads({5, 6});
  h.find(one);
  REQUIRE(h.run().size() == 1);
  REQUIRE(a.finds == 1);
  SECTION("again") {
    auto const id = h.find(two);
    auto const all = h.run();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5, 6});
    CHECK(all[0].messages == 0);
    CHECK(a.finds == 1);
  }
  SECTION("more than is remembered") {
    h.find({service{1}, 3, {}, {}});
    CHECK(h.run().size() == 1);
    CHECK(a.finds == 2);
  }
  SECTION("under other demands") {
    want w = one;
    w.needs.memory_mb = 100;
    h.find(w);
    CHECK(h.run().size() == 1);
    CHECK(a.finds == 2);
  }
  SECTION("one of them failed") {
    h.fails(peer{6});
    CHECK(a.failures == 1);
    h.find(one);
    CHECK(h.run().size() == 1);
    CHECK(a.finds == 2);
  }
  SECTION("old") {
    h.run(61s);
    h.find(one);
    CHECK(h.run().size() == 1);
    CHECK(a.finds == 2);
  }
}

TEST_CASE("cached remembers no failure, asks nobody who is busy, and has room for four services",
          "[compose]") {
  lone<cached<A, 60>> h;
  auto& a = h.policy.part<0>();
  a.gives = heads({5, 6});
  h.find(one);
  REQUIRE(h.run(2s).size() == 1);
  SECTION("what found nobody is not remembered") {
    a.gives = {};
    want const other{service{2}, 1, {}, {}};
    h.find(other);
    h.run();
    h.find(other);
    CHECK(h.run().size() == 1);
    CHECK(a.finds == 3);
  }
  SECTION("busy") {
    a.is = mood::busy;
    CHECK_FALSE(h.find({service{3}, 1, {}, {}}));
    CHECK(h.run().empty());
  }
  SECTION("as many services as there is room for, the oldest forgotten first") {
    for (std::uint32_t s = 10; s < 14; ++s) {
      h.find({service{s}, 1, {}, {}});
      h.run(2s);
    }
    auto const before = a.finds;
    h.find({service{13}, 1, {}, {}});
    h.run(2s);
    CHECK(a.finds == before);
    h.find(one);
    h.run(2s);
    CHECK(a.finds == before + 1);
  }
}

TEST_CASE("split_by publishes with, and asks, only the part in charge", "[compose]") {
  lone<split_by<odd_or_even, A, B>> h;
  auto& a = h.policy.part<0>();
  auto& b = h.policy.part<1>();
  a.gives = heads({5});
  b.gives = heads({6});
  auto e = h.env.view<split_by<odd_or_even, A, B>>();
  provider_record r;
  r.what = service{2};
  h.policy.publish(e, r);
  h.policy.withdraw(e, service{3});
  CHECK(a.published == 1);
  CHECK(b.published == 0);
  CHECK(b.withdrawn == 1);
  auto const id = h.find({service{4}, 1, {}, {}});
  auto const all = h.run();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5});
  CHECK(b.finds == 0);
}

TEST_CASE("a composition of one's own is what the page says", "[compose]") {
  lone<asked_for<A>> h;
  auto& a = h.policy.part<0>();
  a.is = GENERATE(mood::at_once, mood::later);
  a.gives = heads({5});
  auto const id = h.find(one);
  auto const all = h.run();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(heads_of(all[0]) == std::set<std::uint32_t>{5});
  CHECK(a.wanted == 4);
}

TEST_CASE("two who say that a head is theirs are both named: the wrong one hides nobody",
          "[compose]") {
  lone<first_of<A, B>> h;
  h.policy.part<0>().gives = heads({5});
  h.policy.part<1>().gives = heads({5, 6});
  h.policy.part<0>().gives[0].principal = principal{99};
  want three = one;
  three.at_least = 3;
  h.find(three);
  auto const all = h.run();
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() == 3);
}

TEST_CASE("observe sees every find and changes nothing of it", "[compose]") {
  lone<observe<A, counter>> h;
  auto& a = h.policy.part<0>();
  a.is = GENERATE(mood::at_once, mood::later);
  a.gives = heads({5});
  auto const id = h.find(one);
  auto const all = h.run();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].messages == 1);
  CHECK(h.policy.observer().asked_for == 1);
  CHECK(h.policy.observer().got == 1);
  CHECK(h.policy.observer().longest == (a.is == mood::later ? duration{1s} : duration{}));
  a.is = mood::busy;
  CHECK_FALSE(h.find(one));
}

TEST_CASE("a composition keeps its promise when more finds are asked for than it has room",
          "[compose]") {
  lone<first_of<A, B>> h;
  h.policy.part<0>().gives = heads({5});
  std::size_t accepted = 0;
  for (int i = 0; i < 40; ++i) accepted += h.find(one) ? 1U : 0U;
  CHECK(accepted == 12);
  CHECK(h.run().size() == accepted);
}

namespace {
template <class P>
inline constexpr bool stops = AbandonsFinds<P, archetype_view<P>>;

// Twelve finds that are abandoned: none is answered, and their places are free again.
template <class P>
void abandons_all(lone<P>& h, std::uint16_t each) {
  for (int round = 0; round < 2; ++round) {
    std::vector<activity> ids;
    for (int i = 0; i < 12; ++i) ids.push_back(h.find(one));
    for (auto id : ids) {
      REQUIRE(id);
      CHECK(h.abandon(id) == each);
      CHECK(h.abandon(id) == 0);
    }
    CHECK(h.run().empty());
  }
}
}  // namespace

static_assert(stops<first_of<A, B>> && stops<race<A, B>> && stops<cached<A>>);
static_assert(stops<split_by<odd_or_even, A, B>> && stops<observe<A, counter>>);
static_assert(stops<cached<stubborn<1>>> && !stops<observe<stubborn<1>, counter>>);

TEST_CASE("who looks for what nobody waits for is told to stop, in every composition",
          "[compose]") {
  SECTION("first_of") {
    lone<first_of<A, B>> h;
    abandons_all(h, 1);
    CHECK(h.policy.part<0>().abandoned == 24);
    CHECK(h.policy.part<1>().abandoned == 0);
  }
  SECTION("race") {
    lone<race<A, B>> h;
    abandons_all(h, 2);
    CHECK(h.policy.part<1>().abandoned == 24);
  }
  SECTION("cached") {
    lone<cached<A>> h;
    h.policy.part<0>().gives = heads({5});
    abandons_all(h, 1);
    CHECK(h.policy.part<0>().abandoned == 24);
    h.find(one);
    CHECK(h.run().size() == 1);
    CHECK(h.policy.part<0>().finds == 25);  // nothing was remembered of them
  }
  SECTION("split_by: the part in charge only") {
    lone<split_by<odd_or_even, A, B>> h;
    abandons_all(h, 1);
    CHECK(h.policy.part<0>().abandoned == 0);
    CHECK(h.policy.part<1>().abandoned == 24);
  }
  SECTION("observe, whose observer hears no more") {
    lone<observe<A, counter>> h;
    abandons_all(h, 1);
    CHECK(h.policy.part<0>().abandoned == 48);  // told of what is over, too: it knows
    CHECK(h.policy.observer().asked_for == 24);
    CHECK(h.policy.observer().got == 0);
  }
}

TEST_CASE("what a part that cannot stop brings later is nobody's", "[compose]") {
  SECTION("first_of, race, cached, split_by") {
    lone<first_of<stubborn<1>, B>> f;
    lone<race<stubborn<1>, B>> r;
    lone<cached<stubborn<1>>> c;
    lone<split_by<odd_or_even, A, stubborn<2>>> s;
    CHECK(f.abandon(f.find(one)) == 0);
    CHECK(r.abandon(r.find(one)) == 1);
    CHECK(c.abandon(c.find(one)) == 0);
    CHECK(s.abandon(s.find(one)) == 0);
    CHECK(f.run().empty());
    CHECK(r.run().empty());
    CHECK(c.run().empty());
    CHECK(s.run().empty());
    CHECK(c.policy.part<0>().finds == 1);
  }
  SECTION("observe offers what its part offers") {
    lone<race<observe<stubborn<1>, counter>, B>> h;
    CHECK(h.abandon(h.find(one)) == 1);
    CHECK(h.run().empty());
    CHECK(h.policy.part<0>().observer().got == 1);
  }
}

TEST_CASE("a race stops its loser however deep it lies", "[compose]") {
  using deep = cached<observe<split_by<odd_or_even, C, A>, counter>>;
  lone<race<deep, B>> h;
  auto& a = h.policy.part<0>().part<0>().part<0>().part<1>();
  auto& b = h.policy.part<1>();
  a.takes = 3s;
  a.costs = 5;
  a.gives = heads({5});
  b.gives = heads({7, 8});
  auto const id = h.find(one);
  auto const all = h.run();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(heads_of(all[0]) == std::set<std::uint32_t>{7, 8});
  CHECK(all[0].messages == 6);
  CHECK(a.abandoned == 1);
  CHECK(b.abandoned == 0);
}
