#include "../catch.hpp"

#include <hydra/core/random.hpp>
#include <hydra/routing/table.hpp>

#include <algorithm>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

constexpr instant start = at_ns(0) + 1h;

contact somebody(std::uint32_t number, std::uint32_t prefix, std::uint16_t group = 0) {
  return {peer{number}, prefix, group, 0, 0};
}

// Our own prefix is 0: bucket i holds prefixes whose first one-bit is bit i.
std::uint32_t in_bucket(unsigned bucket, std::uint32_t low) {
  return (0x80000000U >> bucket) | low;
}

template <std::size_t K>
std::vector<std::uint32_t> reference(table<K> const& t, std::uint32_t target, std::size_t k) {
  std::vector<contact> all;
  for (std::size_t i = 0; i < t.size(); ++i) {
    if (t.at(i).live()) all.push_back(t.at(i));
  }
  std::stable_sort(all.begin(), all.end(), [&](contact const& a, contact const& b) {
    return (a.prefix ^ target) < (b.prefix ^ target);
  });
  std::vector<std::uint32_t> out;
  std::vector<std::uint16_t> groups;
  for (auto const& c : all) {
    if (c.group != 0 && std::count(groups.begin(), groups.end(), c.group) == 2) continue;
    if (out.size() == k) break;
    groups.push_back(c.group);
    out.push_back(c.who.index());
  }
  return out;
}

}  // namespace

TEST_CASE("sizes of the table") {
  CHECK(sizeof(contact) == 12);
  CHECK(sizeof(table<8>) == 1184);
}

TEST_CASE("a contact named by another is hearsay until it answers") {
  table<8> t;
  CHECK(t.learn(somebody(1, 5), evidence::named, start).in);
  CHECK(t.size() == 1);
  CHECK(t.live() == 0);
  CHECK(t.closest(0, 8).empty());
  CHECK(t.closest(0, 8, true).size() == 1);
  t.learn(somebody(1, 5), evidence::heard, start);
  CHECK(t.live() == 0);
  t.learn(somebody(1, 5), evidence::answered, start);
  CHECK(t.live() == 1);
  CHECK(t.closest(0, 8).size() == 1);
  CHECK(t.closest(0, 8, false, peer{1}).empty());
}

TEST_CASE("a full bucket keeps its live contacts and names its longest unseen") {
  table<4> t;
  for (std::uint32_t i = 0; i < 4; ++i) {
    t.learn(somebody(i, in_bucket(3, i)), evidence::answered, start + i * 1min);
  }
  auto const p = t.learn(somebody(9, in_bucket(3, 9)), evidence::answered, start + 10min);
  CHECK_FALSE(p.in);
  CHECK(p.questioned == peer{0});
  t.learn(somebody(0, in_bucket(3, 0)), evidence::heard, start + 11min);
  auto const q = t.learn(somebody(9, in_bucket(3, 9)), evidence::answered, start + 12min);
  CHECK(q.questioned == peer{1});
  CHECK(t.sane());
}

TEST_CASE("hearsay and silent contacts make room for whoever answers") {
  table<2> t;
  t.learn(somebody(1, in_bucket(0, 1)), evidence::answered, start);
  t.learn(somebody(2, in_bucket(0, 2)), evidence::named, start);
  CHECK_FALSE(t.learn(somebody(3, in_bucket(0, 3)), evidence::named, start).in);
  CHECK(t.learn(somebody(4, in_bucket(0, 4)), evidence::answered, start).in);
  CHECK(t.known(peer{2}, in_bucket(0, 2)) == nullptr);
  CHECK_FALSE(t.failed(peer{1}, in_bucket(0, 1), 4));
  CHECK_FALSE(t.learn(somebody(5, in_bucket(0, 5)), evidence::answered, start).in);
  CHECK_FALSE(t.failed(peer{1}, in_bucket(0, 1), 4));
  CHECK(t.learn(somebody(5, in_bucket(0, 5)), evidence::answered, start).in);
  CHECK(t.known(peer{1}, in_bucket(0, 1)) == nullptr);
}

TEST_CASE("failures in a row evict; one answer forgives them") {
  table<8> t;
  t.learn(somebody(1, 7), evidence::answered, start);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(t.failed(peer{1}, 7, 4));
  t.learn(somebody(1, 7), evidence::answered, start);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(t.failed(peer{1}, 7, 4));
  CHECK(t.failed(peer{1}, 7, 4));
  CHECK(t.empty());
  CHECK_FALSE(t.failed(peer{1}, 7, 4));
}

TEST_CASE("one contact per netgroup and bucket, two among the closest") {
  table<8> t;
  CHECK(t.learn(somebody(1, in_bucket(0, 1), 7), evidence::answered, start).in);
  CHECK_FALSE(t.learn(somebody(2, in_bucket(0, 2), 7), evidence::answered, start).in);
  CHECK(t.learn(somebody(3, in_bucket(1, 3), 7), evidence::answered, start).in);
  CHECK(t.learn(somebody(4, in_bucket(2, 4), 7), evidence::answered, start).in);
  CHECK(t.learn(somebody(5, in_bucket(0, 5), 0), evidence::answered, start).in);
  CHECK(t.learn(somebody(6, in_bucket(0, 6), 0), evidence::answered, start).in);
  auto const near = t.closest(0, 8);
  REQUIRE(near.size() == 4);
  CHECK(near[0].who == peer{4});
  CHECK(near[1].who == peer{3});
  CHECK(near[2].who == peer{5});
  CHECK(near[3].who == peer{6});
}

TEST_CASE("a live newcomer takes the place of hearsay of its own netgroup") {
  table<8> t;
  t.learn(somebody(1, in_bucket(0, 1), 7), evidence::named, start);
  CHECK(t.learn(somebody(2, in_bucket(0, 2), 7), evidence::answered, start).in);
  CHECK(t.known(peer{1}, in_bucket(0, 1)) == nullptr);
  CHECK(t.sane());
}

TEST_CASE("who is met in another netgroup than it was said to be of counts there") {
  table<8> t;
  t.learn(somebody(1, in_bucket(0, 1), 3), evidence::named, start);
  CHECK(t.learn(somebody(1, in_bucket(0, 1), 7), evidence::answered, start).in);
  CHECK_FALSE(t.learn(somebody(2, in_bucket(0, 2), 7), evidence::answered, start).in);
  t.learn(somebody(4, in_bucket(0, 4), 4), evidence::named, start);
  CHECK_FALSE(t.learn(somebody(4, in_bucket(0, 4), 7), evidence::answered, start).in);
  CHECK(t.known(peer{4}, in_bucket(0, 4)) == nullptr);
  CHECK(t.known(peer{1}, in_bucket(0, 1)) != nullptr);
  CHECK(t.sane());
}

TEST_CASE("keys ground near ours leave half of every other bucket") {
  table<8> t;
  for (std::uint32_t i = 0; i < 8; ++i) {
    for (unsigned b = 0; b < 4; ++b) {
      t.learn(somebody(100 * b + i, in_bucket(b, i)), evidence::answered, start);
    }
  }
  for (unsigned b = 4; b < 24; ++b) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      t.learn(somebody(1000 + 100 * b + i, in_bucket(b, i)), evidence::answered, start);
    }
  }
  CHECK(t.size() == table<8>::capacity);
  CHECK(t.sane());
  for (std::size_t b = 0; b < 24; ++b) CHECK(t.count(b) >= 4);
}

TEST_CASE("doubtful: hearsay first, then the longest unseen beyond the limit") {
  table<8> t;
  t.learn(somebody(1, in_bucket(0, 1)), evidence::answered, start);
  t.learn(somebody(2, in_bucket(1, 2)), evidence::answered, start + 5min);
  CHECK_FALSE(t.questionable(start + 6min, 10min));
  CHECK(t.questionable(start + 11min, 10min) == peer{1});
  t.learn(somebody(3, in_bucket(2, 3)), evidence::named, start + 11min);
  CHECK(t.questionable(start + 11min, 10min) == peer{3});
}

TEST_CASE("closest agrees with sorting everybody, whatever happened before") {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  owned_stream chance{seed, 0, 0};
  table<8> t{key{{chance.bits(), 0, 0, 0}}};
  for (int i = 0; i < 4000; ++i) {
    auto const number = static_cast<std::uint32_t>(chance.below(600));
    // A third of the keys is crowded around ours.
    auto prefix = static_cast<std::uint32_t>(mix64(number * 77ULL + seed));
    if (number % 3 == 0) prefix = t.own() ^ (prefix >> (number % 25));
    auto const group = static_cast<std::uint16_t>(number % 2 == 0 ? 0 : number % 40);
    auto const now = start + i * 1s;
    switch (chance.below(6)) {
      case 0: t.learn(somebody(number, prefix, group), evidence::named, now); break;
      case 1: t.learn(somebody(number, prefix, group), evidence::heard, now); break;
      case 2: t.failed(peer{number}, prefix, 4); break;
      case 3: if (number % 50 == 0) t.evict(peer{number}, prefix); break;
      default: t.learn(somebody(number, prefix, group), evidence::answered, now); break;
    }
    if (!t.sane()) FAIL("insane after operation " << i);
    if (i % 20 != 0) continue;
    auto const target = static_cast<std::uint32_t>(chance.bits());
    auto const k = static_cast<std::size_t>(chance.below(9));
    std::vector<std::uint32_t> got;
    for (auto const& c : t.closest(target, k)) got.push_back(c.who.index());
    CHECK(got == reference(t, target, k));
  }
  CHECK(t.size() > 40);
}

TEST_CASE("a direct table is what traffic would have built, and another one for every head") {
  std::vector<introduction> all;
  owned_stream chance{5, 0, 0};
  for (std::uint32_t i = 0; i < 2000; ++i) all.push_back({peer{i}, key{{chance.bits()}}, {}});
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  std::vector<std::uint32_t> far_ones;
  for (std::size_t i : {7U, 8U, 500U, 1999U}) {
    auto const t = direct_table<8>(all[i].key, all, start);
    CHECK(t.sane());
    CHECK(t.live() == t.size());
    for (std::size_t b = 0; b < 6; ++b) CHECK(t.count(b) >= 7);
    CHECK(t.known(all[i].who, all[i].key.prefix()) == nullptr);
    auto const near = t.closest(t.own(), 8);
    std::vector<std::uint32_t> far;
    for (auto const& o : all) far.push_back(o.key.prefix() ^ t.own());
    std::sort(far.begin(), far.end());
    REQUIRE(near.size() == 8);
    for (std::size_t n = 0; n < 4; ++n) CHECK((near[n].prefix ^ t.own()) == far[n + 1]);
    for (std::size_t n = 0; n < 8; ++n) far_ones.push_back(t.at(n).who.index());
  }
  std::sort(far_ones.begin(), far_ones.end());
  CHECK(std::unique(far_ones.begin(), far_ones.end()) - far_ones.begin() > 24);
}

TEST_CASE("a direct table of nobody is empty, of one netgroup nearly so") {
  CHECK(direct_table<8>(key{}, {}).empty());
  std::vector<introduction> all;
  owned_stream chance{6, 0, 0};
  for (std::uint32_t i = 0; i < 500; ++i) {
    all.push_back({peer{i}, key{{chance.bits()}}, netgroup{3}});
  }
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
  auto const t = direct_table<8>(all[0].key, all, start);
  CHECK(t.sane());
  for (std::size_t b = 0; b < 24; ++b) CHECK(t.count(b) <= 1);
}
