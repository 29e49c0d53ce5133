#include "../catch.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/pair.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using hydra::testing::recorder;

namespace {

using policy = cluster<swim<16>>;
using node = alone<policy>;
constexpr principal ours{70};
constexpr principal theirs{71};

// Messages between the two sets of heads are lost while it is on.
struct cut {
  bool* on = nullptr;
  std::uint32_t first_of_the_second = 0;
  bool operator()(peer from, peer to, testing::sent_message const&, std::uint64_t) const {
    return *on && (from.index() < first_of_the_second) != (to.index() < first_of_the_second);
  }
};

struct heads {
  explicit heads(std::size_t n, std::uint64_t seed = 7, std::uint32_t second = 0)
      : all{{.seed = seed, .heads = n}, node{policy{}, everybody(n)}, cut{&parted, second}} {
    for (std::uint32_t who = 0; who < n; ++who) describe(who, ours);
  }
  static bounded_vector<peer, 16> everybody(std::size_t n) {
    bounded_vector<peer, 16> out;
    for (std::uint32_t i = 0; i < n; ++i) out.push_back(peer{i});
    return out;
  }
  void describe(std::uint32_t who, principal of, reach how = reach::open) {
    for (std::size_t i = 0; i < all_size(); ++i) {
      auto a = all.env(i).about(peer{who});
      a.principal = of;
      a.reach = how;
      all.env(i).know(peer{who}, a);
    }
  }
  [[nodiscard]] std::size_t all_size() const { return size_; }
  // The head with the smallest key among those.
  [[nodiscard]] peer least(std::vector<std::uint32_t> among) {
    return peer{*std::min_element(among.begin(), among.end(), [&](auto a, auto b) {
      return all.env(0).about(peer{a}).key < all.env(0).about(peer{b}).key;
    })};
  }
  [[nodiscard]] peer gateway_at(std::size_t i) { return all.node(i).policy().gateway(); }

  bool parted = false;
  std::size_t size_ = 0;
  testing::pair<node, cut> all;
};

// With its size known before the heads are described.
struct group : heads {
  explicit group(std::size_t n, std::uint64_t seed = 7, std::uint32_t second = 0)
      : heads{n, seed, second} {
    size_ = n;
    for (std::uint32_t who = 0; who < n; ++who) describe(who, ours);
  }
};

// A probe round, the longest suspicion, a dissemination: 2n - 1 + 30 + 2 log2(n) periods of 1 s.
constexpr duration bound(std::int64_t n) { return 1s * (2 * n - 1 + 30 + 8); }

}  // namespace

TEST_CASE("the heads of a Hydra agree on the one with the smallest key") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  group g{6, seed};
  g.all.start();
  g.all.run_for(20s);
  auto const first = g.least({0, 1, 2, 3, 4, 5});
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK(g.gateway_at(i) == first);
    CHECK(g.all.node(i).policy().neighbours().size() == 5);
    auto const told = g.all.env(i).take_emitted<gateway_changed>();
    REQUIRE_FALSE(told.empty());
    CHECK(told.back().who == first);
  }
}

TEST_CASE("a gateway that crashes is followed by another one within the bound") {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  group g{6, seed};
  g.all.start();
  g.all.run_for(20s);
  auto const first = g.least({0, 1, 2, 3, 4, 5});
  std::vector<std::uint32_t> others;
  for (std::uint32_t i = 0; i < 6; ++i) {
    if (peer{i} != first) others.push_back(i);
  }
  g.all.kill(first.index());
  g.all.run_for(3s);
  for (auto i : others) CHECK(g.gateway_at(i) == first);  // a failed probe alone moves nothing
  g.all.run_for(bound(6));
  for (auto i : others) CHECK(g.gateway_at(i) == g.least(others));
  g.all.restart(first.index());
  g.all.run_for(20s);
  for (std::size_t i = 0; i < 6; ++i) CHECK(g.gateway_at(i) == first);
}

TEST_CASE("two halves of a cluster have a gateway each and one after they found together") {
  group g{6, 5, 3};
  g.all.start();
  g.all.run_for(20s);
  g.parted = true;
  g.all.run_for(bound(6));
  for (std::size_t i = 0; i < 3; ++i) CHECK(g.gateway_at(i) == g.least({0, 1, 2}));
  for (std::size_t i = 3; i < 6; ++i) CHECK(g.gateway_at(i) == g.least({3, 4, 5}));
  g.parted = false;
  g.all.run_for(60s);  // a dead one is greeted every eight periods
  auto const first = g.least({0, 1, 2, 3, 4, 5});
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(g.gateway_at(i) == first);
    CHECK(g.all.node(i).policy().neighbours().size() == 5);
  }
}

TEST_CASE("heads of another principal are refused on every way in") {
  group g{5, 3};
  g.describe(4, theirs);
  g.all.start();
  g.all.run_for(60s);
  for (std::size_t i = 0; i < 4; ++i) {
    auto const in = g.all.node(i).policy().neighbours();
    CHECK(in.size() == 3);
    CHECK(std::find(in.begin(), in.end(), peer{4}) == in.end());
    CHECK(g.gateway_at(i) == g.least({0, 1, 2, 3}));
  }
  CHECK(g.all.node(4).policy().neighbours().empty());
  CHECK(g.gateway_at(4) == peer{4});  // the only head of its own Hydra

  ping lie;
  lie.nonce = 1;
  lie.news.push_back({peer{0}, {}, 0, standing::dead});
  auto const before = g.all.sent();
  auto& env = g.all.env(1);
  env.deliver(g.all.node(1), peer{4}, lie);
  CHECK(env.take_sent().empty());  // not even an answer
  CHECK(g.all.sent() == before);
  CHECK(g.all.node(1).policy().neighbours().size() == 3);
}

TEST_CASE("a head that cannot be called is no gateway") {
  group g{3, 11};
  auto const first = g.least({0, 1, 2});
  g.describe(first.index(), ours, reach::outbound_only);
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < 3; ++i) {
    if (peer{i} != first) open.push_back(i);
  }
  g.all.start();
  g.all.run_for(20s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(g.gateway_at(i) == g.least(open));
  for (auto i : open) g.describe(i, ours, reach::outbound_only);
  g.all.kill(open[0]);
  g.all.run_for(bound(3));
  CHECK(g.gateway_at(first.index()) == peer{});  // nobody can be called any more
}

TEST_CASE("who leaves is followed at once, and has no gateway itself") {
  group g{4, 2};
  g.all.start();
  g.all.run_for(20s);
  auto const first = g.least({0, 1, 2, 3});
  g.all.tell(first.index(), depart{});
  g.all.run_for(5s);
  CHECK(g.gateway_at(first.index()) == peer{});
  std::vector<std::uint32_t> others;
  for (std::uint32_t i = 0; i < 4; ++i) {
    if (peer{i} != first) others.push_back(i);
  }
  for (auto i : others) CHECK(g.gateway_at(i) == g.least(others));
}

TEST_CASE("a cluster describes all of its state and adds eight bytes") {
  CHECK(testing::forgotten<policy>().empty());
  CHECK(sizeof(policy) <= sizeof(swim<16>) + 8);
}
