// What S/Kademlia adds to Kademlia: disjoint paths, siblings; and what the papers need besides:
// locating a head, contacts drawn at random, replacement caches.
#include "../catch.hpp"

#include <hydra/core/derive.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;

namespace {

std::vector<introduction> everybody_of(std::uint64_t seed, std::uint32_t first, std::uint32_t n) {
  std::vector<introduction> all;
  for (std::uint32_t i = first; i < first + n; ++i) {
    all.push_back({peer{i}, derived_key(seed, peer{i}), {}});
  }
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  return all;
}

// Head 0 that knows heads 1..n as after months of traffic.
template <class P>
struct head {
  head(std::uint32_t contacts, kademlia_settings s) : routes{s} {
    routes.adopt(env.about(peer{0}).key, everybody_of(7, 1, contacts), std::identity{});
  }
  recorder env{testing::recorder_settings{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h}};
  P routes;
  [[nodiscard]] auto view() { return env.view<P>(); }
  activity locate(key const& target) {
    auto v = view();
    return routes.locate(v, target);
  }
  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    env.end_call();
    routes.on_message(v, from, m);
    env.end_call();
  }
  void pass(duration time) {
    auto v = view();
    for (duration t{}; t < time; t += 100ms) {
      for (auto const& due : env.advance(100ms)) routes.on_timer(v, due.tag);
    }
  }
};
using plain = head<kademlia<8>>;

asked somebody(std::uint32_t who, std::uint32_t rank, std::uint8_t path) {
  asked a;
  a.who = peer{who};
  a.rank = rank;
  a.path = path;
  return a;
}

}  // namespace

TEST_CASE("a path that is filled with colluders takes no place from the others") {
  lookup<8> l;
  l.paths = 4;
  l.rank.target = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    for (std::uint32_t n = 0; n < 6; ++n) {
      CHECK(l.add(peer{100 * i + n}, 0x1000'0000U + n, 0, 1, static_cast<std::uint8_t>(i)));
    }
  }
  CHECK(l.near.full());
  for (std::uint32_t n = 0; n < 50; ++n) l.add(peer{1000 + n}, 1 + n, 0, 2, 2);  // much nearer
  std::map<int, int> on;
  for (auto const& a : l.near) ++on[a.path];
  for (auto const& [path, n] : on) CHECK(n == 6);
  CHECK_FALSE(l.add(peer{2000}, 0x2000'0000U, 0, 2, 1));  // farther than all on its path
  CHECK(std::is_sorted(l.near.begin(), l.near.end(),
                       [](auto const& a, auto const& b) { return a.rank < b.rank; }));
}

TEST_CASE("who was asked leaves the other paths and comes back to none") {
  lookup<8> l;
  l.paths = 2;
  CHECK(l.add(peer{1}, 5, 0, 1, 0));
  CHECK(l.add(peer{1}, 5, 0, 1, 1));  // it may wait on both
  CHECK(l.add(peer{2}, 9, 0, 1, 1));
  CHECK_FALSE(l.add(peer{1}, 5, 0, 1, 1));
  auto* next = l.next(1, 1);
  REQUIRE(next != nullptr);
  next = claim(l.near, *next);
  REQUIRE(next->who == peer{1});
  CHECK(next->path == 1);
  next->is = asked::state::waiting;
  CHECK(l.next(0, 1) == nullptr);
  CHECK_FALSE(l.add(peer{1}, 5, 0, 1, 0));
  CHECK(l.near.size() == 2);
  CHECK(l.in_flight(1) == 1);
  CHECK(l.in_flight(0) == 0);
}

TEST_CASE("who was asked never gives way, however near the newcomers") {
  bounded_vector<asked, 4> near;
  near.push_back(somebody(1, 10, 0));
  near.push_back(somebody(2, 20, 0));
  near[0].is = asked::state::waiting;
  near[1].is = asked::state::answered;
  CHECK_FALSE(place_on(near, 0, 2, 1));
  near[1].is = asked::state::fresh;
  CHECK(place_on(near, 0, 2, 1));
  REQUIRE(near.size() == 1);
  CHECK(near[0].who == peer{1});
  CHECK(heads_within(near, 9) == 0);
  CHECK(heads_within(near, 10) == 1);
}

TEST_CASE("a lookup on four paths asks the four nearest, and nobody on two paths") {
  plain h{400, {.alpha = 4, .disjoint_paths = 4}};
  auto const target = h.env.about(service{5});
  auto const near = h.routes.closest(target, 8);
  CHECK(h.locate(target));
  auto const first = h.env.take_sent();
  REQUIRE(first.size() == 4);
  std::set<std::uint32_t> met;
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(first[i].to == near[i]);
    met.insert(first[i].to.index());
  }
  auto const nonce = first.all<find_node>()[0].nonce;
  nodes same{nonce, {}};  // two heads name the same ones, nearer than all
  auto all = everybody_of(7, 500, 3000);
  std::sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    return (a.key ^ target) < (b.key ^ target);
  });
  for (std::size_t i = 0; i < 8; ++i) same.closer.push_back(all[i].who);
  for (std::size_t i = 0; i < 4; ++i) h.tell(near[i], same);
  auto const second = h.env.take_sent();
  CHECK(second.size() == 4);
  for (auto const& m : second) CHECK(met.insert(m.to.index()).second);
  for (std::size_t i = 0; i < second.size(); ++i) CHECK(second[i].to == all[i].who);
}

TEST_CASE("one captured path ends a lookup on one path, and not one on two") {
  auto const paths = GENERATE(std::uint8_t{1}, std::uint8_t{2});
  CAPTURE(int{paths});
  plain h{400, {.alpha = paths, .disjoint_paths = paths, .path_width = 1}};
  auto const target = h.env.about(peer{1000}).key;
  auto const near = h.routes.closest(target, 2);
  h.locate(target);
  auto const first = h.env.take_sent();
  REQUIRE(first.size() == paths);
  auto const nonce = first.all<find_node>()[0].nonce;
  auto friends = everybody_of(7, 2000, 5000);
  std::sort(friends.begin(), friends.end(), [&](auto const& a, auto const& b) {
    return (a.key ^ target) < (b.key ^ target);
  });
  nodes captured{nonce, {}};
  for (std::size_t i = 0; i < 8; ++i) captured.closer.push_back(friends[i].who);
  h.tell(near[0], captured);
  CHECK(h.env.take_sent().all<find_node>().size() == 1);
  h.tell(friends[0].who, captured);
  if (paths == 1) {
    auto const done = h.env.take_emitted<located>();
    REQUIRE(done.size() == 1);
    CHECK(done[0].owner == friends[0].who);
    return;
  }
  CHECK(h.env.take_emitted<located>().empty());
  h.tell(near[1], nodes{nonce, {peer{1000}}});
  h.tell(peer{1000}, nodes{nonce, {}});
  auto const done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == peer{1000});
  CHECK(done[0].hops == 2);
}

TEST_CASE("locate: ourselves, the very head, the nearest that answered, or nobody") {
  plain h{3, {}};
  auto const id = h.locate(h.env.about(peer{0}).key);
  auto done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].id == id);
  CHECK(done[0].owner == peer{0});
  CHECK(done[0].hops == 0);
  CHECK(h.env.take_sent().empty());

  h.locate(h.env.about(peer{2}).key);
  auto const m = h.env.take_sent();
  REQUIRE(m.size() == 3);
  CHECK(m.all<find_node>()[0].count == (8 | find_node::plainly));
  h.tell(peer{2}, nodes{m.all<find_node>()[0].nonce, {}});
  done = h.env.take_emitted<located>();  // without waiting for the others
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == peer{2});
  CHECK(done[0].hops == 1);

  h.locate(h.env.about(peer{3}).key);
  h.pass(4s);
  done = h.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK_FALSE(done[0].owner);
  CHECK(done[0].timeouts == 3);
  CHECK(done[0].messages == 6);
  CHECK(done[0].took == 3s);

  plain alone{0, {}};
  alone.locate(h.env.about(peer{3}).key);
  done = alone.env.take_emitted<located>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].owner == peer{0});
}

TEST_CASE("who is asked plainly names the nearest, and draws nothing") {
  plain h{400, {}};
  auto const target = h.env.about(peer{0}).key;  // our own region: there order is drawn otherwise
  auto const near = h.routes.closest(target, 8);
  h.tell(peer{1}, find_node{target, 1, 8 | find_node::plainly});
  h.tell(peer{1}, find_node{target, 2, 8 | find_node::plainly});
  h.tell(peer{1}, find_node{target, 1, 8});
  h.tell(peer{1}, find_node{target, 2, 8});
  auto const all = h.env.take_sent().all<nodes>();
  REQUIRE(all.size() == 4);
  REQUIRE(all[0].closer.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(all[0].closer[i] == near[i]);
  CHECK(all[1].closer == all[0].closer);
  CHECK_FALSE(all[3].closer == all[2].closer);
}

TEST_CASE("siblings are the nearest live heads, whatever the buckets hold") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  constexpr std::size_t siblings = 16;
  auto const own = derived_key(seed, peer{0});
  auto const all = everybody_of(seed, 1, 300);
  table<4, siblings> t{own};
  owned_stream chance{seed, 1, 1};
  std::set<std::uint32_t> live;
  for (int i = 0; i < 4000; ++i) {
    auto const& o = all[static_cast<std::size_t>(chance.below(all.size()))];
    contact const c{o.who, o.key.prefix(), 0, 0, 0};
    if (chance.below(8) == 0) {
      t.evict(c.who, c.prefix);
      live.erase(c.who.index());
    } else {
      auto const how = i % 5 == 0 ? evidence::heard : evidence::answered;
      auto const p = t.learn(c, how, {});
      if (how == evidence::answered) live.insert(c.who.index());
      bool const is_one = std::any_of(t.siblings().begin(), t.siblings().end(),
                                      [&](contact const& s) { return s.who == c.who; });
      if (p.sibling) CHECK_FALSE(is_one);
    }
    REQUIRE(t.sane());
  }
  for (auto const& o : all) {  // whoever fell out of the list is heard of again
    if (live.contains(o.who.index())) {
      t.learn({o.who, o.key.prefix(), 0, 0, 0}, evidence::answered, {});
    }
  }
  std::vector<introduction> nearest;
  for (auto const& o : all) {
    if (live.contains(o.who.index())) nearest.push_back(o);
  }
  auto const direct = direct_table<4, siblings>(own, nearest);
  std::sort(nearest.begin(), nearest.end(), [&](auto const& a, auto const& b) {
    return (a.key ^ own) < (b.key ^ own);
  });
  REQUIRE(t.siblings().size() == siblings);
  for (std::size_t i = 0; i < siblings; ++i) CHECK(t.siblings()[i].who == nearest[i].who);
  auto const closest = t.closest(own.prefix(), 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(closest[i].who == nearest[i].who);
  REQUIRE(direct.siblings().size() == siblings);
  for (std::size_t i = 0; i < siblings; ++i) CHECK(direct.siblings()[i].who == nearest[i].who);
}

TEST_CASE("a sibling that was only heard is asked whether it is alive") {
  using policy = kademlia<2, 8>;
  head<policy> h{0, {}};
  auto const all = everybody_of(7, 1, 40);
  for (auto const& o : all) {
    auto v = h.view();
    h.routes.seen(v, o.who);
    auto const asked_now = h.env.take_sent();
    for (auto const& m : asked_now) {
      if (m.what.is<ping>()) h.tell(m.to, pong{m.what.as<ping>().nonce});
    }
  }
  std::vector<introduction> nearest = all;
  auto const own = h.env.about(peer{0}).key;
  std::sort(nearest.begin(), nearest.end(), [&](auto const& a, auto const& b) {
    return (a.key ^ own) < (b.key ^ own);
  });
  auto const siblings = h.routes.contact_table().siblings();
  REQUIRE(siblings.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(siblings[i].who == nearest[i].who);
}

TEST_CASE("the table without siblings is as large as it was") {
  CHECK(sizeof(table<8>) == 1184);
  CHECK(sizeof(table<8, 16>) == 1184 + 12 * 16 + 4);
  CHECK(sizeof(kademlia<8>) == 1296);
}

TEST_CASE("contacts drawn at random: as many as there may be, by seed, all alike") {
  auto const all = everybody_of(9, 0, 2000);
  auto const own = all[700].key;
  auto const a = random_table<8>(own, all, 1);
  auto const b = random_table<8>(own, all, 1);
  auto const c = random_table<8>(own, all, 2);
  CHECK(a.sane());
  CHECK(a.size() == c.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a.at(i).who == b.at(i).who);
    CHECK(a.at(i).live());
    same += c.known(a.at(i).who, a.at(i).prefix) != nullptr ? 1U : 0U;
  }
  CHECK(same < a.size() / 2);
  table<8> const shape{own};
  std::vector<std::size_t> there(table<8>::bucket_count);
  for (auto const& o : all) {
    if (o.key != own) ++there[shape.bucket_of(o.key.prefix())];
  }
  for (std::size_t i = 0; i < there.size(); ++i) {
    CHECK(a.count(i) == std::min<std::size_t>(there[i], 8));
  }
  std::map<std::uint32_t, int> drawn;  // of the first bucket, about a thousand heads
  for (std::uint64_t s = 0; s < 1000; ++s) {
    auto const t = random_table<8>(own, all, s);
    for (std::size_t i = 0; i < t.count(0); ++i) ++drawn[t.at(i).who.index()];
  }
  CHECK(drawn.size() > there[0] * 98 / 100);
  for (auto const& [who, times] : drawn) CHECK(times < 30);  // 8 expected
}

TEST_CASE("one contact per bucket is a table too") {
  auto const all = everybody_of(9, 0, 3000);
  auto const t = random_table<1>(all[5].key, all, 1);
  CHECK(t.sane());
  CHECK(t.size() >= 10);
  CHECK(t.size() <= table<1>::capacity);
  for (std::size_t b = 0; b < 8; ++b) CHECK(t.count(b) == 1);
}

TEST_CASE("the newest that found its bucket full takes the place of who is evicted") {
  auto const kept = GENERATE(std::uint8_t{0}, std::uint8_t{2});
  CAPTURE(int{kept});
  plain h{200, {.evict_after = 1, .replacements = kept}};
  auto const& t = h.routes.contact_table();
  REQUIRE(t.count(0) == 8);
  auto const own = h.env.about(peer{0}).key;
  std::vector<peer> late;  // newcomers of the first bucket
  for (std::uint32_t i = 1000; late.size() < 5; ++i) {
    if ((h.env.about(peer{i}).key ^ own).leading_zeros() == 0) late.push_back(peer{i});
  }
  auto v = h.view();
  for (auto who : late) {  // each answers a lookup
    nodes named{0, {who}};
    h.routes.locate(v, h.env.about(who).key);
    auto const out = h.env.take_sent();
    named.nonce = out.all<find_node>()[0].nonce;
    h.tell(out[0].to, named);
    h.tell(who, nodes{named.nonce, {}});
    static_cast<void>(h.env.take_sent());
  }
  CHECK(h.env.take_emitted<located>().size() == 5);
  CHECK(v.pool<spare>().size() == kept);
  auto const gone = t.at(0).who;
  h.routes.failed(v, gone);
  auto const pings = h.env.take_sent();
  if (kept == 0) {
    CHECK(pings.empty());
    CHECK(t.count(0) == 7);
    return;
  }
  REQUIRE(pings.size() == 1);
  CHECK(pings[0].to == late.back());
  CHECK(t.count(0) == 8);
  auto const prefix = h.env.about(late.back()).key.prefix();
  CHECK_FALSE(t.known(late.back(), prefix)->live());
  h.tell(late.back(), pong{pings.all<ping>()[0].nonce});
  CHECK(t.known(late.back(), prefix)->live());
  CHECK(v.pool<spare>().size() == 1);
}
