#include "../catch.hpp"

#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = plumtree<partner_list<8>, 32>;

payload text(std::uint64_t word) {
  payload p;
  p.size = 8;
  p.words[0] = word;
  return p;
}
rumour said(std::uint32_t by, std::uint32_t sequence) {
  return {{peer{by}, sequence}, text(sequence)};
}

// A head with neighbours 1..n, all eager.
struct head {
  [[nodiscard]] auto view() { return env.view<policy>(); }
  explicit head(std::uint32_t n, plumtree_settings s = {}) : tree{s} {
    std::vector<peer> known;
    for (std::uint32_t i = 1; i <= n; ++i) known.push_back(peer{i});
    auto v = view();
    tree.join(v, known);
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  policy tree;

  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    tree.on_message(v, from, m);
  }
  void pass(duration time) {
    auto v = view();
    for (auto const& due : env.advance(time)) tree.on_timer(v, due.tag);
  }
  [[nodiscard]] std::size_t heard() { return env.take_emitted<delivered>().size(); }
};

}  // namespace

TEST_CASE("a rumour is delivered at its origin and sent to eager neighbours") {
  head h{2};
  auto v = h.view();
  auto const id = h.tree.broadcast(v, text(5));
  CHECK(id.origin == peer{0});
  gossip const m{{id, text(5)}, 0};
  CHECK(h.env.take_sent() == sent(peer{1}, m) + sent(peer{2}, m));
  auto const all = h.env.take_emitted<delivered>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].body == text(5));
  CHECK(all[0].hops == 0);
  CHECK(h.tree.broadcast(v, text(6)).sequence != id.sequence);  // in the same instant
}

TEST_CASE("what the user says is broadcast, and what others do passes down") {
  head h{2};
  auto v = h.view();
  h.tree.on_fact(v, spread{text(1)});
  CHECK(h.env.take_sent().all<gossip>().size() == 2);
  static_cast<void>(h.env.take_emitted<neighbour_up>());
  h.tree.failed(v, peer{1});
  auto const down = h.env.take_emitted<neighbour_down>();
  REQUIRE(down.size() == 1);
  CHECK(down[0].who == peer{1});
  CHECK(h.tree.neighbours().size() == 1);
  CHECK_FALSE(h.tree.is_eager(peer{1}));
}

TEST_CASE("a new rumour is delivered, sent on, and announced to lazy neighbours") {
  head h{3};
  h.tell(peer{3}, prune{});
  h.tell(peer{1}, gossip{said(50, 1), 4});
  auto const all = h.env.take_emitted<delivered>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].hops == 5);
  CHECK(h.env.take_sent() == sent(peer{2}, gossip{said(50, 1), 5}) +
                                 sent(peer{3}, i_have{{peer{50}, 1}, 5}));
}

TEST_CASE("a rumour that comes a second time is not delivered, and its link is pruned") {
  head h{2};
  h.tell(peer{1}, gossip{said(50, 1), 0});
  static_cast<void>(h.env.take_sent());
  CHECK(h.heard() == 1);
  h.tell(peer{2}, gossip{said(50, 1), 0});
  CHECK(h.heard() == 0);
  CHECK(h.env.take_sent() == sent(peer{2}, prune{}));
  CHECK_FALSE(h.tree.is_eager(peer{2}));
  CHECK(h.tree.is_eager(peer{1}));
}

TEST_CASE("an announced rumour that does not come is asked for in turn, not for ever") {
  head h{2, {.missing_after = 500ms, .graft_again = 250ms, .grafts_max = 3}};
  h.tell(peer{1}, prune{});
  h.tell(peer{2}, prune{});
  h.tell(peer{1}, i_have{{peer{50}, 1}, 3});
  h.tell(peer{2}, i_have{{peer{50}, 1}, 2});
  h.pass(499ms);
  CHECK(h.env.take_sent().empty());
  h.pass(1ms);
  CHECK(h.env.take_sent() == sent(peer{1}, graft{{peer{50}, 1}}));
  CHECK(h.tree.is_eager(peer{1}));
  h.pass(250ms);
  CHECK(h.env.take_sent() == sent(peer{2}, graft{{peer{50}, 1}}));
  h.pass(250ms);
  h.pass(10s);
  CHECK(h.env.take_sent().all<graft>().size() == 1);
  CHECK(h.env.pool<missing_rumour>().size() == 0);
}

TEST_CASE("a rumour that comes in time is not asked for") {
  head h{2};
  h.tell(peer{1}, i_have{{peer{50}, 1}, 3});
  h.tell(peer{2}, gossip{said(50, 1), 0});
  static_cast<void>(h.env.take_sent());
  h.pass(10s);
  CHECK(h.env.take_sent().empty());
  h.tell(peer{1}, i_have{{peer{50}, 1}, 3});
  CHECK(h.env.pool<missing_rumour>().size() == 0);
}

TEST_CASE("a graft is answered with the rumour as long as it is kept") {
  head h{2};
  h.tell(peer{1}, gossip{said(50, 1), 0});
  h.tell(peer{2}, prune{});
  static_cast<void>(h.env.take_sent());
  h.tell(peer{2}, graft{{peer{50}, 1}});
  CHECK(h.env.take_sent() == sent(peer{2}, gossip{said(50, 1), 1}));
  CHECK(h.tree.is_eager(peer{2}));
  h.pass(10s);
  for (std::uint32_t i = 2; i < 34; ++i) h.tell(peer{1}, gossip{said(50, i), 0});
  static_cast<void>(h.env.take_sent());
  h.tell(peer{2}, graft{{peer{50}, 1}});
  CHECK(h.env.take_sent().empty());
  CHECK(h.env.pool<held_rumour>().size() == held_rumour::per_peer_max);
}

TEST_CASE("the oldest rumours are forgotten and the newest are not") {
  head h{1};
  for (std::uint32_t i = 1; i <= 33; ++i) {
    h.tell(peer{1}, gossip{said(50, i), 0});
    h.pass(200ms);  // 31 in 6.25 s
  }
  CHECK(h.heard() == 33);
  for (std::uint32_t i = 2; i <= 33; ++i) h.tell(peer{1}, gossip{said(50, i), 0});
  CHECK(h.heard() == 0);
  h.pass(10s);
  h.tell(peer{1}, gossip{said(50, 1), 0});
  CHECK(h.heard() == 1);
}

TEST_CASE("a name younger than settle is not pushed out: what is new is refused") {
  head h{2, {.settle = 4s}};
  h.tell(peer{2}, prune{});
  for (std::uint32_t i = 1; i <= 32; ++i) h.tell(peer{1}, gossip{said(50, i), 0});
  CHECK(h.heard() == 32);
  static_cast<void>(h.env.take_sent());
  h.tell(peer{2}, i_have{{peer{50}, 33}, 0});  // not asked for either
  h.tell(peer{2}, gossip{said(50, 33), 0});
  auto v = h.view();
  CHECK(h.tree.broadcast(v, text(1)) == rumour_id{});
  CHECK(h.heard() == 0);
  CHECK(h.env.take_sent().empty());
  CHECK(h.tree.refused() == 2);
  CHECK_FALSE(h.tree.is_eager(peer{2}));
  h.tell(peer{2}, gossip{said(50, 1), 0});  // known still
  CHECK(h.env.take_sent() == sent(peer{2}, prune{}));
  h.pass(3999ms);
  h.tell(peer{1}, gossip{said(50, 34), 0});
  CHECK(h.heard() == 0);
  h.pass(1001ms);  // a quarter more at the most
  h.tell(peer{1}, gossip{said(50, 34), 0});
  CHECK(h.tree.broadcast(v, text(1)).origin == peer{0});
  CHECK(h.heard() == 2);
}

TEST_CASE("what is missing is not asked for where it would find no place") {
  head h{1};
  h.tell(peer{1}, i_have{{peer{50}, 99}, 0});
  for (std::uint32_t i = 1; i <= 32; ++i) h.tell(peer{1}, gossip{said(50, i), 0});
  h.pass(1s);
  CHECK(h.env.take_sent().all<graft>().empty());
  CHECK(h.env.pool<missing_rumour>().size() == 0);
}

TEST_CASE("a rumour goes 250 hops") {
  head h{2};
  h.tell(peer{1}, gossip{said(50, 1), 249});
  CHECK(h.env.take_sent() == sent(peer{2}, gossip{said(50, 1), 250}));
  h.tell(peer{1}, gossip{said(50, 2), 250});
  h.tell(peer{1}, gossip{said(50, 3), 65535});
  CHECK(h.env.take_sent().empty());
  CHECK(h.heard() == 3);
}

TEST_CASE("strangers are not listened to, and nobody is told our own rumours back") {
  head h{1};
  h.tell(peer{9}, gossip{said(50, 1), 0});
  h.tell(peer{9}, i_have{{peer{50}, 1}, 0});
  h.tell(peer{9}, graft{{peer{50}, 1}});
  h.tell(peer{1}, gossip{{{peer{}, 1}, {}}, 0});
  h.tell(peer{1}, i_have{{peer{0}, 1}, 0});
  h.tell(peer{1}, gossip{said(0, 99), 0});  // of a life before, or invented
  CHECK(h.heard() == 0);
  CHECK(h.env.take_sent() == sent(peer{1}, prune{}));
  CHECK(h.env.pool<missing_rumour>().size() == 0);
}

TEST_CASE("who becomes a neighbour is told of the last rumours") {
  head h{1, {.tell_newcomers = 2}};
  for (std::uint32_t i = 1; i <= 3; ++i) h.tell(peer{1}, gossip{said(50, i), 0});
  static_cast<void>(h.env.take_sent());
  auto v = h.view();
  std::vector<peer> const known{peer{7}};
  h.tree.join(v, known);
  CHECK(h.env.take_sent() == sent(peer{7}, i_have{{peer{50}, 3}, 1}) +
                                 sent(peer{7}, i_have{{peer{50}, 2}, 1}));
}

TEST_CASE("a neighbour that had no place as a link gets that of one that died") {
  using wide = plumtree<partner_list<24>, 32>;
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  wide tree;
  auto v = env.view<wide>();
  std::vector<peer> known;
  for (std::uint32_t i = 1; i <= 20; ++i) known.push_back(peer{i});
  for (int i = 0; i < 2; ++i) tree.join(v, known);  // 16 in one call
  auto const links = [&] {
    std::size_t n = 0;
    for (auto who : known) n += tree.is_eager(who) ? 1U : 0U;
    return n;
  };
  REQUIRE(tree.neighbours().size() == 20);
  CHECK(links() == wide::links_max);
  for (std::uint32_t i = 1; i <= 20; ++i) {
    tree.failed(v, peer{i});
    CAPTURE(i);
    CHECK(links() == std::min<std::size_t>(wide::links_max, 20 - i));
    CHECK_FALSE(tree.is_eager(peer{i}));
  }
}

TEST_CASE("one neighbour's word fills a quarter of what can be missing") {
  head h{2};
  for (std::uint32_t i = 1; i <= 40; ++i) h.tell(peer{1}, i_have{{peer{50}, i}, 3});
  CHECK(h.env.pool<missing_rumour>().size() == policy::alone_max);
  h.tell(peer{2}, i_have{{peer{60}, 1}, 3});  // another one is heard
  h.tell(peer{2}, i_have{{peer{50}, 1}, 3});  // and what two say is no one's alone
  h.tell(peer{1}, i_have{{peer{50}, 41}, 3});
  CHECK(h.env.pool<missing_rumour>().size() == policy::alone_max + 2);
}

TEST_CASE("a flood never prunes") {
  head h{2, {.tree = false}};
  h.tell(peer{1}, gossip{said(50, 1), 0});
  h.tell(peer{2}, gossip{said(50, 1), 0});
  h.tell(peer{2}, prune{});
  CHECK(h.env.take_sent().all<prune>().empty());
  CHECK(h.tree.is_eager(peer{2}));
}

TEST_CASE("with optimisation a much shorter announcement takes the place of the link") {
  head h{2, {.optimise_by = 3}};
  h.tell(peer{2}, prune{});
  auto const announced = GENERATE(as<std::uint16_t>{}, 1, 6);
  h.tell(peer{2}, i_have{{peer{50}, 1}, announced});
  h.tell(peer{1}, gossip{said(50, 1), 8});  // nine hops; over 2 it would be announced + 1
  auto const all = h.env.take_sent();
  CHECK(all.all<prune>().size() == (announced == 1 ? 1U : 0U));
  CHECK(h.tree.is_eager(peer{1}) == (announced == 6));
  CHECK(h.tree.is_eager(peer{2}) == (announced == 1));
}

TEST_CASE("a sequence goes on above those of the life before") {
  auto const now = at_ns(0) + 1h;
  auto const first = sequence_after(0, now);
  CHECK(sequence_after(first, now) == first + 1);
  CHECK(static_cast<std::int32_t>(sequence_after(0, now + 1s) - first) > 0);
  CHECK(sequence_after(0xffffffffU, at_ns(0) + 1h) != 0xffffffffU);
  CHECK(sequence_after(0, at_ns(0)) == 1);
}

TEST_CASE("plumtree describes all that it holds, keeps in pools and sends") {
  auto const check_all = []<class... T>(type_list<T...>) {
    return (std::size_t{0} + ... + testing::forgotten<T>().size());
  };
  CHECK(testing::forgotten<plumtree<>>().empty());
  CHECK(check_all(activities_of<plumtree<>>{}) == 0);
  CHECK(check_all(messages_of<plumtree<>>{}) == 0);
  CHECK(check_all(facts_of<plumtree<>>{}) == 0);
}
