// What every policy of the membership room obeys, shown for each in a small group of recorders.
#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/membership/swim.hpp>
#include <hydra/testing/pair.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <type_traits>
#include <vector>

using namespace hydra;

namespace {

// Who promises a whole view: everybody in every view. The others promise that nobody is alone.
template <class P>
inline constexpr bool sees_everybody = true;
template <std::size_t Active, std::size_t Passive>
inline constexpr bool sees_everybody<membership::hyparview<Active, Passive>> = false;
template <class Under, std::size_t Remembered>
inline constexpr bool sees_everybody<membership::plumtree<Under, Remembered>> =
    sees_everybody<Under>;
template <class Under, class Choose, std::size_t Remembered>
inline constexpr bool sees_everybody<membership::rumour_mongering<Under, Choose, Remembered>> =
    sees_everybody<Under>;

constexpr std::size_t heads = 14;
constexpr duration settled = 60s;  // after this much quiet all views are what they will be
constexpr duration noticed = 90s;  // and after this much nobody holds a dead one

// Loses so many messages in a hundred, drawn by their number; all to and from one head on demand.
struct lossy {
  std::uint64_t seed = 1;
  std::uint32_t percent = 0;
  bool operator()(peer, peer, testing::sent_message const&, std::uint64_t index) const {
    return mix64(seed ^ mix64(index)) % 100 < percent;
  }
};

// A group, and beside each view what its facts say it should be.
template <class P>
class group {
 public:
  using node = alone<P>;
  group(std::uint64_t seed, std::uint32_t loss_percent)
      : all_{{.seed = seed, .heads = heads}, node{P{}, first_two()}, lossy{seed, loss_percent}} {
    for (std::size_t i = 0; i < heads; ++i) {
      for (std::uint32_t who = 0; who < 40; ++who) {  // a cluster is of one principal
        auto a = all_.env(i).about(peer{who});
        a.principal = principal{7};
        all_.env(i).know(peer{who}, a);
      }
    }
    told_.resize(heads);
    up_.assign(heads, false);
  }
  static bounded_vector<peer, 16> first_two() { return {peer{0}, peer{1}}; }

  void start(std::size_t i) {
    up_[i] = true;
    all_.start(i);
    check(i);
  }
  void start() {
    for (std::size_t i = 0; i < heads; ++i) start(i);
  }
  void run(duration d) {
    for (duration t{}; t < d; t += 500ms) {
      all_.run_for(500ms);
      check();
    }
  }
  void kill(std::size_t i) {
    all_.kill(i);
    up_[i] = false;
    told_[i].clear();
  }
  void restart(std::size_t i) {
    up_[i] = true;
    all_.restart(i);
    check(i);
  }
  template <class F>
  void tell(std::size_t i, F const& fact) {
    all_.tell(i, fact);
    check(i);
  }
  [[nodiscard]] bool sees(std::size_t i, std::size_t whom) {
    auto const view = all_.node(i).policy().neighbours();
    return std::find(view.begin(), view.end(), peer{static_cast<std::uint32_t>(whom)}) !=
           view.end();
  }
  // How many of the heads that are up hold it for live.
  [[nodiscard]] std::size_t seen_by(std::size_t whom) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < heads; ++i) n += i != whom && up_[i] && sees(i, whom) ? 1 : 0;
    return n;
  }
  [[nodiscard]] std::size_t up() const {
    return static_cast<std::size_t>(std::count(up_.begin(), up_.end(), true));
  }
  void expect_in_views(std::size_t whom) {
    CAPTURE(whom);
    if (sees_everybody<P>) {
      CHECK(seen_by(whom) == up() - 1);
    } else {
      CHECK(seen_by(whom) > 0);
    }
  }
  [[nodiscard]] auto& all() { return all_; }

  // The facts since the last look, in order, lead from the view as it was to the view as it is.
  void check(std::size_t i) {
    if (!up_[i]) return;
    CAPTURE(i);
    auto& mine = told_[i];
    for (auto const& fact : all_.env(i).take_emitted()) {
      if (fact.template is<neighbour_up>()) {
        auto const who = fact.template as<neighbour_up>().who;
        CHECK(mine.insert(who.index()).second);
      } else if (fact.template is<neighbour_down>()) {
        CHECK(mine.erase(fact.template as<neighbour_down>().who.index()) == 1);
      }
    }
    std::set<std::uint32_t> view;
    for (auto who : all_.node(i).policy().neighbours()) {
      CHECK(view.insert(who.index()).second);  // no repeats
      CHECK(who != peer{static_cast<std::uint32_t>(i)});
      CHECK(who);
    }
    CHECK(view == mine);
  }
  void check() {
    for (std::size_t i = 0; i < heads; ++i) check(i);
  }

 private:
  testing::pair<node, lossy> all_;
  std::vector<std::set<std::uint32_t>> told_;
  std::vector<bool> up_;
};

// Fills a message with anything that could arrive.
class scribble : public archive<scribble> {
 public:
  explicit scribble(stream draw) : draw_{draw} {}
  template <class T>
  void number(T& x) {
    if constexpr (std::is_enum_v<T>) {
      x = static_cast<T>(draw_.below(static_cast<std::uint64_t>(last_of(T{})) + 1));
    } else if constexpr (std::is_same_v<T, bool>) {
      x = draw_.chance(1, 2);
    } else {
      auto const any = draw_.bits();
      x = static_cast<T>(draw_.chance(1, 2) ? any % 4 : any);
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag>& h) {
    h = draw_.chance(1, 8) ? hydra::handle<Tag>{}
                           : hydra::handle<Tag>{static_cast<std::uint32_t>(draw_.below(40))};
  }
  template <class N>
  void length(N& n, N most) {
    n = static_cast<N>(draw_.below(most + std::uint64_t{1}));
  }

 private:
  stream draw_;
};

template <class M, class Node>
void deliver_one(testing::recorder& env, Node& node, peer from, stream draw) {
  M m{};
  scribble a{draw};
  m.serialize(a, 0U);
  env.deliver(node, from, m);
}
// A message of a type that is drawn.
template <class Node, class... M>
void deliver_any(type_list<M...>, testing::recorder& env, Node& node, peer from, stream draw) {
  auto const which = draw.below(sizeof...(M));
  std::size_t i = 0;
  static_cast<void>(
      ((i++ == which ? (deliver_one<M>(env, node, from, draw), true) : false) || ...));
}

}  // namespace

#define EVERY_MEMBERSHIP \
  membership::swim<>, membership::swim<16>, cluster<>, membership::hyparview<>, \
      membership::plumtree<>, membership::rumour_mongering<membership::hyparview<>>

TEMPLATE_TEST_CASE("facts tell every change of the view, while a tenth of the messages is lost",
                   "[membership]", EVERY_MEMBERSHIP) {
  auto const seed = GENERATE(1U, 2U, 3U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  group<TestType> g{seed, loss};
  g.start();
  g.run(settled);
  for (std::size_t i = 0; i < heads; ++i) g.expect_in_views(i);
}

TEMPLATE_TEST_CASE("a dead member leaves every view, and is in them again after its restart",
                   "[membership]", EVERY_MEMBERSHIP) {
  auto const seed = GENERATE(4U, 5U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  group<TestType> g{seed, loss};
  g.start();
  g.run(settled);
  g.kill(5);
  g.kill(6);
  g.run(noticed);
  CHECK(g.seen_by(5) == 0);
  CHECK(g.seen_by(6) == 0);
  g.restart(5);
  g.run(settled);
  g.expect_in_views(5);
  CHECK(g.seen_by(6) == 0);
}

TEMPLATE_TEST_CASE("a member that joins late is in the views", "[membership]", EVERY_MEMBERSHIP) {
  auto const seed = GENERATE(6U, 7U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  group<TestType> g{seed, loss};
  for (std::size_t i = 0; i + 1 < heads; ++i) g.start(i);
  g.run(settled);
  CHECK(g.seen_by(heads - 1) == 0);
  g.start(heads - 1);
  g.run(settled);
  g.expect_in_views(heads - 1);
}

TEMPLATE_TEST_CASE("a member that leaves is in no view a short time after", "[membership]",
                   EVERY_MEMBERSHIP) {
  auto const seed = GENERATE(8U, 9U);
  CAPTURE(seed);
  group<TestType> g{seed, 0};
  g.start();
  g.run(settled);
  g.tell(3, depart{});
  g.run(20s);
  CHECK(g.seen_by(3) == 0);
}

TEMPLATE_TEST_CASE("what the transport knows to be gone leaves the view", "[membership]",
                   EVERY_MEMBERSHIP) {
  group<TestType> g{11, 0};
  g.start();
  g.run(settled);
  std::size_t first = 1;
  while (first < heads && !g.sees(0, first)) ++first;
  REQUIRE(first < heads);
  g.kill(first);
  g.tell(0, unreachable{peer{static_cast<std::uint32_t>(first)}});
  g.run(6s);  // who is not told holds it still
  CHECK_FALSE(g.sees(0, first));
}

TEMPLATE_TEST_CASE("garbage leaves a policy bounded and truthful", "[membership]",
                   EVERY_MEMBERSHIP) {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  CAPTURE(seed);
  group<TestType> g{seed, 0};
  g.start();
  g.run(10s);
  owned_stream draw{seed, purpose::adversary, 0};
  auto& env = g.all().env(0);
  auto& node = g.all().node(0);
  std::size_t most = 0;
  for (int i = 0; i < 5'000; ++i) {
    peer const from{static_cast<std::uint32_t>(1 + draw.below(39))};
    deliver_any(messages_of<TestType>{}, env, node, from, draw.draw());
    most = std::max(most, env.take_sent().size());
    if (i % 50 == 0) {
      g.check(0);
      g.all().run_for(100ms);
    }
    CHECK(node.policy().neighbours().size() <= 64);
  }
  CAPTURE(most);
  CHECK(most <= 40);  // messages for one that came in
  g.check(0);
}
