// What every broadcast of the membership room obeys, in small simulated networks with loss.
#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::membership;

namespace {

using tree = plumtree<>;
using mongering = rumour_mongering<hyparview<>>;

template <class P>
P made() {
  hyparview_settings views;
  views.cycle = 2s;
  views.probe = 1s;
  views.timeout = 300ms;
  if constexpr (std::is_same_v<P, tree>) {
    return tree{plumtree_settings{}, hyparview<>{views}};
  } else {
    return mongering{rumour_settings{.round = 200ms, .k = 4}, hyparview<>{views}};
  }
}

// Messages take 10 to 60 ms, some are lost, some come twice.
template <class P>
struct lossy : sim::plain_setting {
  lossy(std::uint64_t seed, std::uint32_t heads, std::uint32_t loss_percent)
      : plain_setting{seed, heads}, loss{loss_percent} {}
  [[nodiscard]] alone<P> make(sim::permutation const& seen, std::uint32_t who) const {
    bounded_vector<peer, 16> contacts;
    if (who != 0) contacts.push_back(peer{seen.seen(0)});
    return alone<P>{made<P>(), contacts};
  }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    sim::delivery d{.delay = 10ms + duration{static_cast<std::int64_t>(bits % 50'000'000)}};
    d.dropped = (bits >> 32U) % 100 < loss;
    d.duplicated = (bits >> 40U) % 50 == 0;
    d.copy_delay = d.delay + 15ms;
    return d;
  }
  std::uint32_t loss;
};

// Who was delivered what, and the views as the facts tell them.
struct ledger {
  using name = std::pair<std::uint32_t, std::uint32_t>;  // origin, sequence
  std::map<name, std::map<std::uint32_t, int>> times{};
  std::map<std::uint32_t, std::set<std::uint32_t>> views{};
  int contradictions = 0;
  std::size_t told_at_once = 0;

  void fact(instant, std::uint32_t who, delivered const& f) {
    ++times[{f.id.origin.index(), f.id.sequence}][who];
  }
  void fact(instant, std::uint32_t who, neighbour_up const& f) {
    if (f.who.index() == who || !views[who].insert(f.who.index()).second) ++contradictions;
  }
  void fact(instant, std::uint32_t who, neighbour_down const& f) {
    if (views[who].erase(f.who.index()) == 0) ++contradictions;
  }
  void merge(ledger const&) {}  // one shard
};

template <class P>
using network = sim::world<alone<P>, lossy<P>, ledger>;

template <class P>
[[nodiscard]] std::size_t live(network<P> const& w) {
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < w.peers(); ++i) n += w.up(peer{i}) ? 1U : 0U;
  return n;
}

template <class P>
void check_exactly_once(ledger const& all) {
  CHECK(!all.times.empty());
  for (auto const& [rumour, heads] : all.times) {
    for (auto const& [head, times] : heads) {
      CAPTURE(rumour.first, head);
      CHECK(times == 1);
    }
  }
}

template <class P>
void check_views(network<P> const& w, ledger const& all) {
  CHECK(all.contradictions == 0);
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (!w.up(peer{i})) continue;
    std::set<std::uint32_t> now;
    for (auto who : w.node(peer{i}).policy().neighbours()) {
      CHECK(who != peer{i});
      CHECK(now.insert(who.index()).second);
    }
    auto const told = all.views.find(i);
    CHECK(now == (told == all.views.end() ? std::set<std::uint32_t>{} : told->second));
  }
}

// Members at random: small, huge and negative numbers, handles of heads and of nobody.
class scramble : public archive<scramble> {
 public:
  scramble(owned_stream& chance, std::uint32_t heads) : chance_{&chance}, heads_{heads} {}
  template <class T>
  void number(T& x) {
    auto const any = chance_->bits();
    switch (chance_->below(3)) {
      case 0: x = static_cast<T>(any % 2); break;
      case 1: x = static_cast<T>(0 - any % 3); break;
      default: x = static_cast<T>(any); break;
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag>& h) {
    auto const index = static_cast<std::uint32_t>(chance_->below(heads_));
    h = index % 8 == 0 ? hydra::handle<Tag>{} : hydra::handle<Tag>{index};
  }
  void length(std::uint16_t& n, std::uint16_t max) {
    n = static_cast<std::uint16_t>(chance_->below(max + 2U));
  }

 private:
  owned_stream* chance_;
  std::uint32_t heads_;
};

template <class P, class... M>
void throw_garbage(network<P>& w, peer from, peer to, owned_stream& chance, type_list<M...>) {
  std::size_t i = 0;
  auto const which = chance.below(sizeof...(M));
  auto const one = [&]<class T>(T m) {
    if (i++ != which) return;
    scramble s{chance, w.peers()};
    m.serialize(s, 0U);
    w.inject(w.now(), from, to, m);
  };
  (one(M{}), ...);
}

}  // namespace

TEMPLATE_TEST_CASE("a rumour is delivered once to each head, whatever is lost or comes twice",
                   "[broadcast]", tree, mongering) {
  auto const seed = GENERATE(1U, 2U);
  auto const loss = GENERATE(0U, 10U, 25U);
  CAPTURE(seed, loss);
  network<TestType> w{{seed, 50, loss}};
  w.run_for(20s);
  for (std::uint32_t i = 0; i < 10; ++i) {
    w.tell(peer{i * 5}, spread{});
    w.run_for(700ms);
  }
  w.run_for(10s);
  auto const all = w.observed();
  CHECK(all.times.size() == 10);
  check_exactly_once<TestType>(all);
  check_views(w, all);
  std::size_t reached = 0;
  for (auto const& [rumour, heads] : all.times) reached += heads.size();
  auto const all_of_them = loss <= 10 ? 500U : 490U;  // a quarter lost: 98 %
  CHECK(reached >= (std::is_same_v<TestType, tree> ? all_of_them : 450U));
}

TEST_CASE("a tree reaches everybody alive once the overlay has healed, with loss", "[broadcast]") {
  auto const seed = GENERATE(1U, 2U, 3U);
  auto const loss = GENERATE(0U, 10U);
  CAPTURE(seed, loss);
  network<tree> w{{seed, 60, loss}};
  w.run_for(20s);
  w.tell(peer{0}, spread{});
  w.run_for(3s);
  for (std::uint32_t i = 1; i < 60; i += 2) w.crash(peer{i});
  w.run_for(30s);
  REQUIRE(live(w) == 30);
  w.each_observer([](ledger& l) { l.times.clear(); });
  for (std::uint32_t i = 0; i < 5; ++i) {
    w.tell(peer{i * 12}, spread{});
    w.run_for(1s);
  }
  w.run_for(10s);
  auto const all = w.observed();
  CHECK(all.times.size() == 5);
  check_exactly_once<tree>(all);
  for (auto const& [rumour, heads] : all.times) CHECK(heads.size() == 30);
}

// However many are told at once: a head takes what its memory holds and refuses the others, so
// nothing that is forgotten comes round again.
TEMPLATE_TEST_CASE("more rumours at once than are remembered cost their links once, and end",
                   "[broadcast]", tree, mongering) {
  auto const seed = GENERATE(1U, 2U);
  auto const rumours = GENERATE(66U, 400U);
  auto const origins = GENERATE(1U, 12U);
  CAPTURE(seed, rumours, origins);
  network<TestType> w{{seed, 12, 0}};
  w.run_for(60s);  // and no rumour yet: every link is eager
  auto const sent = [&] {
    std::uint64_t n = 0;
    auto const all = w.sent_by_type();
    auto const add = [&]<class M>(M) { n += all[index_of<M, messages_of<alone<TestType>>>]; };
    if constexpr (std::is_same_v<TestType, tree>) {
      add(gossip{}), add(i_have{}), add(graft{}), add(prune{});
    } else {
      add(tell_rumour{}), add(heard_before{});
    }
    return n;
  };
  auto const before = sent();
  for (std::uint32_t i = 0; i < rumours; ++i) w.tell(peer{i % origins}, spread{});
  w.run_for(60s);
  auto const all = w.observed();
  check_exactly_once<TestType>(all);
  CHECK(all.times.size() >= 64);
  constexpr std::uint64_t links = 12 * 5 / 2;
  // A payload each way and an answer each, and what new neighbours are told; or some rounds.
  CHECK(sent() - before <= all.times.size() * links * 4);
}

TEMPLATE_TEST_CASE("garbage leaves everything bounded and broadcasts working", "[broadcast]", tree,
                   mongering) {
  auto const seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  network<TestType> w{{seed, 24, 0}};
  w.run_for(10s);
  owned_stream chance{seed, 99, 0};
  for (int i = 0; i < 3000; ++i) {
    auto const from = peer{static_cast<std::uint32_t>(chance.below(24))};
    throw_garbage(w, from, peer{3}, chance, messages_of<TestType>{});
    if (i % 20 == 0) w.run_for(50ms);
  }
  auto const counted = [&]<class T>(T) {
    std::size_t n = 0;
    w.template each_activity<T>(peer{3}, [&](auto const&...) { ++n; });
    return n;
  };
  CHECK(counted(link_request{}) <= link_request::per_peer_max);
  if constexpr (std::is_same_v<TestType, tree>) {
    CHECK(counted(held_rumour{}) <= held_rumour::per_peer_max);
    CHECK(counted(missing_rumour{}) <= missing_rumour::per_peer_max);
  } else {
    CHECK(counted(hot_rumour{}) <= hot_rumour::per_peer_max);
  }
  w.run_for(30s);
  auto const before = w.observed();
  check_views(w, before);
  w.each_observer([](ledger& l) { l.times.clear(); });
  w.tell(peer{3}, spread{});
  w.run_for(10s);
  auto const all = w.observed();
  std::size_t reached = 0;
  for (auto const& [rumour, heads] : all.times) reached = std::max(reached, heads.size());
  CHECK(reached >= (std::is_same_v<TestType, tree> ? 24U : 18U));
}
