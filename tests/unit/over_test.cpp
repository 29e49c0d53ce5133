#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/assembly/over.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/pair.hpp>

#include <cstdint>
#include <set>
#include <span>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = over<hyparview<>, capability<>>;
using filter = attenuated_bloom<>;
using digest = digest_is<filter>;

constexpr service rendering{5};
constexpr want a_renderer{rendering, 1, {}, {}};

provider_record offer_of(service what) {
  provider_record r;
  r.what = what;
  return r;
}
hyparview_settings calm() {
  hyparview_settings s;
  s.probe = duration{};
  s.group_max = 0;
  return s;
}

using indices = std::set<std::uint32_t>;
indices indices_of(auto const& heads) {
  indices out;
  for (peer who : heads) out.insert(who.index());
  return out;
}

template <class P>
struct head {
  explicit head(P const& p = P{hyparview<>{calm()}}) : both{p} {}
  recorder env{{.seed = 7, .self = peer{0}}};
  P both;

  [[nodiscard]] auto view() { return env.view<P>(); }
  template <class M>
  void hears(peer from, M const& m) {
    auto v = view();
    both.on_message(v, from, m);
    env.end_call();
  }
  void joins(std::vector<peer> const& known) {
    auto v = view();
    both.join(v, known);
    env.end_call();
  }
  void pass(duration time) {
    auto v = view();
    for (auto const& due : env.advance(time)) both.on_timer(v, due.tag);
  }
  [[nodiscard]] filter yes() {
    filter d;
    d.add(tag_of_service(env.about(rendering)));
    return d;
  }
  [[nodiscard]] indices ring() { return indices_of(both.closest(env.about(peer{0}).key, 99)); }
  [[nodiscard]] indices neighbours() const { return indices_of(both.neighbours()); }
  [[nodiscard]] std::size_t digests() {
    std::size_t n = 0;
    env.pool<ring_neighbour<filter>>().each(
        [&](activity, ring_neighbour<filter> const& known) { n += known.heard != never ? 1 : 0; });
    return n;
  }
};

// Counts what it is told; keeps no ring that anybody could be dropped from.
struct told {
  using policy_concept = routing_tag;
  using facts = type_list<found>;
  std::vector<peer> joined{};
  std::vector<peer> failures{};
  std::vector<peer> heard{};
  activity find(auto&, want const&) { return {}; }
  void publish(auto&, provider_record const&) {}
  void withdraw(auto&, service) {}
  void join(auto&, std::span<peer const> known) {
    joined.insert(joined.end(), known.begin(), known.end());
  }
  void seen(auto&, peer who) { heard.push_back(who); }
  void failed(auto&, peer who) { failures.push_back(who); }
  [[nodiscard]] bounded_vector<peer, 1> closest(key const&, std::size_t) const { return {}; }
  [[nodiscard]] std::size_t contacts() const { return 0; }
};

}  // namespace

TEST_CASE("a contact is no neighbour of the ring before it said that it is one of the view") {
  head<policy> h;
  h.joins({peer{1}});
  auto const asked = h.env.take_sent();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].to == peer{1});
  auto const nonce = asked.all<join_request>().at(0).nonce;
  CHECK(h.both.contacts() == 0);
  h.hears(peer{1}, neighbour_answer{nonce, true});
  CHECK(h.env.take_sent() == sent(peer{1}, digest_please{}));  // in the same call
  CHECK(h.ring() == indices{1});
  auto const up = h.env.take_emitted<neighbour_up>();
  REQUIRE(up.size() == 1);
  CHECK(up[0].who == peer{1});
}

TEST_CASE("who leaves the view leaves the ring in the same call, and its digest is void") {
  head<policy> h;
  h.hears(peer{1}, join_request{1});
  h.hears(peer{2}, join_request{2});
  h.hears(peer{1}, digest{h.yes()});
  REQUIRE(h.digests() == 1);
  REQUIRE(h.ring() == indices{1, 2});
  auto const how = GENERATE(0, 1, 2, 3);
  CAPTURE(how);
  auto v = h.view();
  if (how == 0) h.hears(peer{1}, disconnect{});      // for another
  if (how == 1) h.hears(peer{1}, disconnect{true});  // for good
  if (how == 2) h.both.on_fact(v, unreachable{peer{1}});
  if (how == 3) h.both.failed(v, peer{1});
  h.env.end_call();
  CHECK(h.digests() == 0);
  CHECK(h.ring() == indices{2});
  CHECK(h.env.take_emitted<neighbour_down>().size() == 1);
  static_cast<void>(h.env.take_sent());
  CHECK(h.both.find(v, a_renderer));
  for (auto const& m : h.env.take_sent()) CHECK(m.to == peer{2});
}

TEST_CASE("who comes back to the view is asked anew, and nothing is held against it") {
  capability_settings s;
  s.mercy = 0;
  head<policy> h{policy{hyparview<>{calm()}, capability<>{s}}};
  auto v = h.view();
  h.both.on_start(v);
  h.hears(peer{1}, join_request{1});
  h.hears(peer{1}, digest{h.yes()});
  static_cast<void>(h.env.take_sent());
  REQUIRE(h.both.find(v, a_renderer));
  auto const question = h.env.take_sent().all<who_can>().at(0);
  h.hears(peer{1}, i_know{question.nonce, {}});
  CHECK(h.env.take_emitted<found>().size() == 1);
  CHECK(h.both.routing().doubt(peer{1}) == 1);
  h.pass(31s);
  auto const lies = h.env.take_emitted<misled>();
  REQUIRE(lies.size() == 1);
  CHECK(lies[0].who == peer{1});
  CHECK(h.neighbours() == indices{1});  // the view does not mind
  CHECK(h.both.routing().doubt(peer{1}) == 1);

  h.hears(peer{1}, disconnect{});
  static_cast<void>(h.env.take_sent());
  h.hears(peer{1}, join_request{2});
  CHECK(h.env.take_sent().all<digest_please>().size() == 1);
  CHECK(h.both.routing().doubt(peer{1}) == 0);
}

TEST_CASE("a stranger that asked to be told and enters the view is told once") {
  head<policy> h;
  auto v = h.view();
  h.both.on_start(v);
  h.hears(peer{1}, digest_please{});
  CHECK(h.env.take_sent().all<digest>().size() == 1);
  h.hears(peer{1}, join_request{1});
  static_cast<void>(h.env.take_sent());
  h.both.publish(v, offer_of(rendering));
  h.pass(30s);
  CHECK(h.env.take_sent().all<digest>().size() == 1);
}

TEST_CASE("a policy without drop() is told of the dead, and not of who was replaced and lives") {
  using plain = over<hyparview<>, told>;
  head<plain> h;
  for (std::uint32_t i = 1; i <= 3; ++i) h.hears(peer{i}, join_request{i});
  CHECK(h.both.routing().joined == std::vector{peer{1}, peer{2}, peer{3}});
  h.hears(peer{1}, disconnect{});
  CHECK(h.both.routing().failures.empty());
  h.hears(peer{2}, disconnect{true});
  CHECK(h.both.routing().failures == std::vector{peer{2}});
  auto v = h.view();
  h.both.seen(v, peer{3});
  CHECK(h.both.routing().heard == std::vector{peer{3}});
}

TEST_CASE("who found no place in the ring is offered again when one gets free") {
  using many = over<partner_list<32>, capability<>>;
  head<many> h{many{}};
  std::vector<peer> known;
  for (std::uint32_t i = 1; i <= 20; ++i) known.push_back(peer{i});
  h.joins(known);  // 16 of them in one call
  h.joins(known);
  CHECK(h.neighbours().size() == 20);
  CHECK(h.both.contacts() == 16);
  static_cast<void>(h.env.take_sent());
  auto const gone = peer{*h.ring().begin()};
  auto v = h.view();
  h.both.failed(v, gone);
  CHECK(h.both.contacts() == 16);
  CHECK(h.env.take_sent().all<digest_please>().size() == 1);
  CHECK(h.ring().count(gone.index()) == 0);
}

TEST_CASE("who can only call out is in the view and not in the ring, and is told when it asks") {
  head<policy> h;
  auto a = h.env.about(peer{1});
  a.reach = reach::outbound_only;
  h.env.know(peer{1}, a);
  h.hears(peer{1}, join_request{1});
  CHECK(h.neighbours() == indices{1});
  CHECK(h.ring().empty());
  static_cast<void>(h.env.take_sent());
  h.hears(peer{1}, digest_please{});
  CHECK(h.env.take_sent().all<digest>().size() == 1);
}

TEMPLATE_TEST_CASE("a chain of acquaintances becomes a view, the view a ring, and the ring knows",
                   "", policy, (over<plumtree<>, capability<>>)) {
  using node = alone<TestType>;
  testing::pair<node> all{{.seed = 5, .heads = 8}};
  all.start();
  for (std::uint32_t i = 1; i < 8; ++i) {
    introduce known;
    known.known.push_back(peer{i - 1});
    all.tell(i, known);
  }
  all.tell(7, announce{offer_of(rendering)});
  all.run_for(3min);
  for (std::size_t i = 0; i < 8; ++i) {
    auto const& p = all.node(i).policy();
    CHECK(p.contacts() == p.neighbours().size());
    for (auto who : p.neighbours()) {
      auto const ring = p.closest(all.env(i).about(who).key, 1);
      REQUIRE(ring.size() == 1);
      CHECK(ring[0] == who);
    }
  }
  all.tell(0, look_for{a_renderer});
  all.run_for(13s);
  auto const ends = all.env(0).template take_emitted<found>();
  REQUIRE(ends.size() == 1);
  REQUIRE(ends[0].among.size() == 1);
  CHECK(ends[0].among[0].who == peer{7});
}

TEST_CASE("what the user tells everybody goes past the ring, along the tree") {
  using node = alone<over<plumtree<>, capability<>>>;
  bounded_vector<peer, 16> known;
  known.push_back(peer{0});
  testing::pair<node> all{{.seed = 6, .heads = 6}, node{{}, known}};
  all.start();
  all.run_for(30s);
  payload body;
  body.size = 8;
  body.words[0] = 77;
  all.tell(3, spread{body});
  all.run_for(2s);
  for (std::size_t i = 0; i < 6; ++i) {
    auto const heard = all.env(i).take_emitted<delivered>();
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].body == body);
  }
}

TEST_CASE("every head of a Hydra answers for what its siblings perform, and follows who dies") {
  using siblings = over<cluster<swim<16>>, capability<>>;
  using node = alone<siblings>;
  constexpr principal ours{70};
  bounded_vector<peer, 16> known;
  for (std::uint32_t i = 0; i < 5; ++i) known.push_back(peer{i});
  testing::pair<node> all{{.seed = 3, .heads = 5}, node{{}, known}};
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::uint32_t who = 0; who < 4; ++who) {  // 4 is a stranger
      auto a = all.env(i).about(peer{who});
      a.principal = ours;
      all.env(i).know(peer{who}, a);
    }
  }
  all.start();
  all.tell(2, announce{offer_of(rendering)});
  all.run_for(70s);
  auto const asked = [&](std::uint32_t head) {
    auto& env = all.env(head);
    env.deliver(all.node(head), peer{4}, who_can{rendering, 99, 0});
    return env.take_sent();
  };
  for (std::uint32_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(all.node(i).policy().contacts() == 3);
    auto const said = asked(i);
    REQUIRE(said.size() == 1);
    CHECK(said[0].to == peer{4});
    if (i == 2) {
      CHECK(said.all<i_can>().size() == 1);
    } else {
      REQUIRE(said.all<i_know>().size() == 1);
      REQUIRE(said.all<i_know>()[0].others.size() >= 1);
      CHECK(said.all<i_know>()[0].others[0].who == peer{2});
    }
    CHECK(all.env(i).take_emitted<gateway_changed>().size() >= 1);
  }
  CHECK(all.node(4).policy().contacts() == 0);
  all.kill(2);
  all.run_for(60s);  // the bound of the cluster: 2n - 1 + 30 + 8 periods
  all.run_for(6min);  // and the digests': three hops of a `renew` each
  for (std::uint32_t i : {0U, 1U, 3U}) {
    CHECK(all.node(i).policy().contacts() == 2);
    CHECK(asked(i).all<i_know>().at(0).others.empty());
  }
}

TEST_CASE("as many finds as there may be end in the call in which the only neighbour is gone") {
  recorder env{{.seed = 7, .self = peer{0}}};
  alone<policy> node{policy{hyparview<>{calm()}}};
  env.start(node);
  env.deliver(node, peer{1}, join_request{1});
  for (int i = 0; i < 12; ++i) env.tell(node, look_for{a_renderer});
  CHECK(env.take_emitted<found>().empty());
  env.tell(node, unreachable{peer{1}});
  CHECK(env.take_emitted<found>().size() == 12);
  CHECK(env.take_emitted<neighbour_down>().size() == 1);
}

TEST_CASE("who leaves has no ring, and has it again when it joins again") {
  using siblings = over<cluster<swim<16>>, capability<>>;
  using node = alone<siblings>;
  bounded_vector<peer, 16> known;
  for (std::uint32_t i = 0; i < 3; ++i) known.push_back(peer{i});
  testing::pair<node> all{{.seed = 3, .heads = 3}, node{{}, known}};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::uint32_t who = 0; who < 3; ++who) {
      auto a = all.env(i).about(peer{who});
      a.principal = principal{70};
      all.env(i).know(peer{who}, a);
    }
  }
  all.start();
  all.run_for(20s);
  REQUIRE(all.node(0).policy().contacts() == 2);
  all.tell(0, depart{});
  CHECK(all.node(0).policy().contacts() == 0);
  all.run_for(5s);
  CHECK(all.node(1).policy().contacts() == 1);
  introduce again;
  again.known = known;
  all.tell(0, again);
  all.run_for(20s);
  CHECK(all.node(0).policy().contacts() == 2);
  CHECK(all.node(1).policy().contacts() == 2);
}

TEST_CASE("a policy over a view describes all of its state and is as large as its parts") {
  CHECK(testing::forgotten<policy>().empty());
  CHECK(sizeof(policy) == sizeof(hyparview<>) + sizeof(capability<>));
  STATIC_REQUIRE(Node<Hydra<policy>>);
  STATIC_REQUIRE(contains<neighbour_up, Hydra<policy>::facts>);
  STATIC_REQUIRE(!contains<misled, Hydra<policy>::facts>);
}
