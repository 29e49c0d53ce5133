// The contacts of one head, in the buckets of Maymounkov and Mazieres (2002).
//
// Promise: at most 12 K contacts and K per bucket; every bucket may keep K/2 of them whatever
// happens in the others; nothing in here allocates, asks the time or depends on handles.
//
// Rules.
// - Bucket i holds keys that share i leading bits with ours, the last one all that share more.
//   Contacts lie in one flat array ordered by bucket, because most buckets of a small network
//   are empty and those of a large one seldom all full.
// - A contact is hearsay until it answered. Hearsay takes free places only, is never told to
//   others, and gives way to whoever answers.
// - One contact per netgroup and bucket, two among the closest: one operator's addresses cannot
//   fill a bucket. An unknown netgroup (0) is not restricted, else a LAN could not work.
// - A live contact is never replaced by a newer one. What has been here long will be here longer
//   (Saroiu et al. 2002), and a newcomer cannot push out what it does not like. Only hearsay and
//   contacts that fell silent `replace_after` times in a row make room.
// - When all 12 K places are taken, a thinner bucket may take one from the most crowded: near
//   buckets are what makes lookups correct, far ones only make them fast.
//
// An attacker who grinds keys near ours fills the deep buckets, but leaves K/2 in every other.
//
// Cost: sizeof(table<8>) is 1184 bytes; closest() reads 12 K contacts (1152 bytes for K = 8);
// an insertion moves half of them. Departures from the paper: buckets are not split, keys are
// compared by their first 32 bits (equal prefixes stay in order of arrival), and the newcomer that
// finds a full bucket is forgotten here (the policy may keep it) while its oldest member is offered
// for a ping.
//
// table<K, S> also keeps the S live heads nearest to ourselves complete, whatever their buckets
// hold (the sibling list of S/Kademlia, Baumgart and Mies 2007): 12 S + 4 bytes more.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/random.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/siblings.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace hydra::routing {

inline constexpr std::size_t closest_per_group_max = 2;  // contacts of one netgroup in an answer
inline constexpr unsigned replace_after = 2;             // failures in a row

// What became of somebody that was offered to the table.
struct placed {
  bool in = false;   // it is in the table now
  peer questioned{};  // the bucket is full: ping this, its longest unseen, if that is long ago
  bool sibling = false;  // nearer to us than a sibling, and has not answered yet: ping it
};

// How near somebody is to a target. Plain distance, except that inside the region around the
// target where K heads are to be expected all are equally near and ordered by chance: whoever
// ground keys next to the target is not asked before the others who live there.
struct ranking {
  std::uint32_t target = 0;
  std::uint32_t region = 0;  // zero: plain distance
  std::uint64_t salt = 0;
  [[nodiscard]] constexpr std::uint32_t operator()(std::uint32_t prefix) const noexcept {
    auto const far = prefix ^ target;
    if (far > region) return far;
    if (region == 0) return 0;
    return static_cast<std::uint32_t>((mix64(salt ^ prefix) >> 32U) * region >> 32U);
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& region& salt;
  }
};

// For tables that are built without traffic.
struct introduction {
  peer who{};
  hydra::key key{};
  netgroup group{};
};

template <std::size_t K, std::size_t Siblings = 0>
class table {
  static_assert(K >= 1, "a bucket holds at least one contact");
  static_assert(K <= 20, "an answer names at most 20 contacts");

 public:
  static constexpr std::size_t bucket_count = 24;
  static constexpr std::size_t capacity = K == 1 ? bucket_count : 12 * K;
  using nearest = bounded_vector<contact, K>;

  constexpr table() = default;
  constexpr explicit table(key const& own) noexcept : own_{own.prefix()} {}

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr std::size_t count(std::size_t bucket) const { return counts_[bucket]; }
  [[nodiscard]] constexpr std::uint32_t own() const noexcept { return own_; }
  [[nodiscard]] constexpr contact const& at(std::size_t i) const {
    HYDRA_EXPECTS(i < size_);
    return all_[i];
  }
  [[nodiscard]] constexpr std::size_t live() const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < size_; ++i) n += all_[i].live() ? 1U : 0U;
    return n;
  }
  [[nodiscard]] constexpr std::size_t bucket_of(std::uint32_t prefix) const noexcept {
    auto const shared = static_cast<std::size_t>(std::countl_zero(own_ ^ prefix));
    return std::min(shared, bucket_count - 1);
  }
  // The deepest bucket that holds anybody; 0 when none does.
  [[nodiscard]] constexpr std::size_t depth() const noexcept {
    auto b = bucket_count - 1;
    while (b > 0 && counts_[b] == 0) --b;
    return b;
  }

  constexpr placed learn(contact c, evidence how, instant now) {
    HYDRA_EXPECTS(c.who);
    c.state = 0;
    c.last_seen = seen_at(now);
    if (how == evidence::answered) c.lives(now);
    if constexpr (Siblings == 0) return learn_in_bucket(c, how, now);
    bool const wanted = siblings_.learn(c, how, own_, now);
    auto p = learn_in_bucket(c, how, now);
    p.sibling = wanted;
    return p;
  }
  // Counts a failure; true when this was one too many and the contact is gone.
  constexpr bool failed(peer who, std::uint32_t prefix, unsigned evict_after) {
    siblings_.failed(who, evict_after);
    auto* c = find(who, prefix);
    if (c == nullptr) return false;
    c->fails();
    if (c->failures() < evict_after) return false;
    remove(c);
    return true;
  }
  constexpr bool evict(peer who, std::uint32_t prefix) {
    siblings_.evict(who);
    auto* c = find(who, prefix);
    if (c != nullptr) remove(c);
    return c != nullptr;
  }
  [[nodiscard]] constexpr contact const* known(peer who, std::uint32_t prefix) const {
    return const_cast<table*>(this)->find(who, prefix);
  }

  // The live heads nearest to ourselves, nearest first.
  [[nodiscard]] constexpr std::span<contact const> siblings() const { return siblings_.all(); }

  // The k closest to a key, nearest first, at most two of a netgroup. For others: live ones only.
  [[nodiscard]] constexpr nearest closest(std::uint32_t target, std::size_t k,
                                          bool hearsay_too = false, peer but = {}) const {
    return closest(ranking{target, 0, 0}, k, hearsay_too, but);
  }
  [[nodiscard]] constexpr nearest closest(ranking const& rank, std::size_t k,
                                          bool hearsay_too = false, peer but = {}) const {
    nearest out;
    k = std::min(k, K);
    for (std::size_t i = 0; i < size_ && k > 0; ++i) {
      auto const& c = all_[i];
      if (!c.live() && !hearsay_too) continue;
      if (c.who == but) continue;
      consider(out, c, rank, k);
    }
    for (auto const& c : siblings_.all()) {
      if (k > 0 && c.who != but && known(c.who, c.prefix) == nullptr) consider(out, c, rank, k);
    }
    return out;
  }

  // The distance within which K heads are to be expected, from how dense our own neighbourhood
  // is: whoever grinds keys towards a service has not ground them towards everybody who asks.
  // Zero when too few are known. Coarse: within a factor of two.
  [[nodiscard]] constexpr std::uint32_t region() const noexcept {
    std::uint64_t inside = 0;
    for (auto b = bucket_count; b-- > 0;) {
      inside += counts_[b];
      if (inside < K) continue;
      return static_cast<std::uint32_t>(
          std::min<std::uint64_t>((std::uint64_t{K} << (32U - b)) / inside, 0xffffffffU));
    }
    return 0;
  }

  // How many live contacts are closer to a key than we are.
  [[nodiscard]] constexpr std::size_t closer_than_own(std::uint32_t target) const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (all_[i].live() && (all_[i].prefix ^ target) < (own_ ^ target)) ++n;
    }
    return n;
  }

  // Whom to ping: hearsay first, then the longest unseen if that is longer ago than `after`.
  [[nodiscard]] constexpr peer questionable(instant now, duration after) const noexcept {
    contact const* worst = nullptr;
    for (std::size_t i = 0; i < size_; ++i) {
      auto const& c = all_[i];
      if (c.live() && c.age(now) < after) continue;
      if (worst == nullptr || more_doubtful(c, *worst, now)) worst = &c;
    }
    for (auto const& c : siblings_.all()) {
      if (c.age(now) < after) continue;
      if (worst == nullptr || more_doubtful(c, *worst, now)) worst = &c;
    }
    return worst == nullptr ? peer{} : worst->who;
  }

  // What must hold after every operation; tests and fuzzers call it.
  [[nodiscard]] constexpr bool sane() const noexcept {
    std::size_t i = 0;
    for (std::size_t b = 0; b < bucket_count; ++b) {
      if (counts_[b] > K) return false;
      for (std::size_t n = 0; n < counts_[b]; ++n, ++i) {
        if (i >= size_ || bucket_of(all_[i].prefix) != b) return false;
        for (std::size_t j = i - n; j < i; ++j) {
          if (all_[j].who == all_[i].who) return false;
          if (all_[j].group != 0 && all_[j].group == all_[i].group) return false;
        }
      }
    }
    return i == size_ && size_ <= capacity && siblings_.sane(own_);
  }

  // Only the places that are taken: those beyond are as they were made.
  template <class A>
  void serialize(A& a, unsigned) {
    a& own_& counts_& size_;
    std::size_t counted = 0;
    for (auto n : counts_) counted += n;
    if (counted != size_ || size_ > capacity) {  // no table wrote this
      counts_ = {};
      size_ = 0;
    }
    for (std::size_t i = 0; i < size_; ++i) a& all_[i];
    std::fill(all_.begin() + size_, all_.end(), contact{});
    if constexpr (Siblings > 0) a& siblings_;
  }

 private:
  [[nodiscard]] constexpr std::size_t first_of(std::size_t bucket) const noexcept {
    std::size_t n = 0;
    for (std::size_t b = 0; b < bucket; ++b) n += counts_[b];
    return n;
  }
  [[nodiscard]] constexpr contact* find(peer who, std::uint32_t prefix) noexcept {
    auto const b = bucket_of(prefix);
    auto* c = all_.data() + first_of(b);
    for (auto* end = c + counts_[b]; c != end; ++c) {
      if (c->who == who) return c;
    }
    return nullptr;
  }
  [[nodiscard]] constexpr contact* same_group(std::size_t b, std::uint16_t group) noexcept {
    if (group == 0) return nullptr;
    auto* c = all_.data() + first_of(b);
    for (auto* end = c + counts_[b]; c != end; ++c) {
      if (c->group == group) return c;
    }
    return nullptr;
  }
  [[nodiscard]] constexpr contact* replaceable(std::size_t b) noexcept {
    auto* const first = all_.data() + first_of(b);
    contact* worst = nullptr;
    for (auto* c = first; c != first + counts_[b]; ++c) {
      if (!c->live()) return c;
      if (c->failures() < replace_after) continue;
      if (worst == nullptr || c->failures() > worst->failures()) worst = c;
    }
    return worst;
  }
  [[nodiscard]] constexpr contact const& oldest_of(std::size_t b, instant now) const {
    HYDRA_EXPECTS(counts_[b] > 0);
    auto const* const first = all_.data() + first_of(b);
    auto const* oldest = first;
    for (auto const* c = first; c != first + counts_[b]; ++c) {
      if (c->age(now) > oldest->age(now)) oldest = c;
    }
    return *oldest;
  }
  [[nodiscard]] static constexpr bool more_doubtful(contact const& a, contact const& b,
                                                    instant now) noexcept {
    if (a.live() != b.live()) return !a.live();
    return a.age(now) > b.age(now);
  }
  constexpr placed learn_in_bucket(contact const& c, evidence how, instant now) {
    auto const b = bucket_of(c.prefix);
    if (auto* known = find(c.who, c.prefix)) {
      if (known->group != c.group) {  // met elsewhere than it was said to be
        if (same_group(b, c.group) != nullptr) {
          remove(known);
          return {};
        }
        known->group = c.group;
      }
      if (how == evidence::answered) known->lives(now);
      if (how == evidence::heard && known->live()) known->last_seen = seen_at(now);
      return {.in = true};
    }
    if (auto* rival = same_group(b, c.group)) {
      if (!c.live() || rival->live()) return {};
      *rival = c;
      return {.in = true};
    }
    if (counts_[b] < K) return {.in = insert(b, c)};
    if (!c.live()) return {};
    if (auto* gone = replaceable(b)) {
      *gone = c;
      return {.in = true};
    }
    return {.in = false, .questioned = oldest_of(b, now).who};
  }
  constexpr bool insert(std::size_t b, contact const& c) {
    if (size_ == capacity && !make_room(b, c.live())) return false;
    auto const position = first_of(b) + counts_[b];
    std::move_backward(all_.data() + position, all_.data() + size_, all_.data() + size_ + 1);
    all_[position] = c;
    ++counts_[b];
    ++size_;
    HYDRA_ENSURES(size_ <= capacity);
    return true;
  }
  constexpr bool make_room(std::size_t b, bool for_live) {
    std::size_t crowded = 0;
    for (std::size_t i = 1; i < bucket_count; ++i) {
      if (counts_[i] > counts_[crowded]) crowded = i;
    }
    if (!for_live || counts_[crowded] <= counts_[b] + 1U) return false;
    auto* gone = replaceable(crowded);
    if (gone == nullptr) gone = all_.data() + first_of(crowded) + counts_[crowded] - 1;
    remove(gone);
    return true;
  }
  constexpr void remove(contact* c) {
    auto const b = bucket_of(c->prefix);
    HYDRA_EXPECTS(counts_[b] > 0);
    std::move(c + 1, all_.data() + size_, c);
    all_[--size_] = contact{};
    --counts_[b];
  }
  // Keeps `out` what a greedy choice over all contacts seen so far would be.
  static constexpr void consider(nearest& out, contact const& c, ranking const& rank,
                                 std::size_t k) {
    auto const far = rank(c.prefix);
    if (out.size() == k && far >= rank(out.back().prefix)) return;
    if (c.group != 0) {
      std::size_t same = 0;
      contact const* last = nullptr;
      for (auto const& o : out) {
        if (o.group != c.group) continue;
        ++same;
        last = &o;
      }
      if (same == closest_per_group_max) {
        if (far >= rank(last->prefix)) return;
        out.erase(last);
      }
    }
    if (out.size() == k) out.pop_back();
    auto const* at = out.begin();
    while (at != out.end() && rank(at->prefix) <= far) ++at;
    out.insert_bounded(at, c);
  }

  std::uint32_t own_ = 0;
  std::array<std::uint8_t, bucket_count> counts_{};
  std::uint16_t size_ = 0;
  std::array<contact, capacity> all_{};
  [[no_unique_address]] sibling_list<Siblings> siblings_{};
};

// visit(bucket, first, size): where the heads of each bucket of `own` lie; of empty ones, nothing.
template <std::size_t K, class Everybody, class F>
constexpr void each_bucket(key const& own, Everybody const& everybody, F&& visit) {
  auto const from = [&](std::uint64_t prefix) {
    return static_cast<std::size_t>(
        std::partition_point(everybody.begin(), everybody.end(), [&](auto const& o) {
          return o.key.prefix() < prefix;
        }) - everybody.begin());
  };
  for (unsigned b = 0; b < table<K>::bucket_count; ++b) {
    bool const last = b + 1 == table<K>::bucket_count;
    std::uint64_t const width = std::uint64_t{1} << (last ? 32U - b : 31U - b);
    std::uint64_t const base = (own.prefix() ^ (last ? 0U : width)) & ~(width - 1) & 0xffffffffU;
    auto const first = from(base);
    auto const size = from(base + width) - first;
    if (size != 0) visit(b, first, size);
  }
}
template <std::size_t K, std::size_t Siblings, class Who, class Named>
constexpr void introduce_to(table<K, Siblings>& made, key const& own, Who const& o, instant now,
                            Named& named) {
  if (o.key == own) return;
  made.learn({named(o.who), o.key.prefix(), group_tag(o.group), 0, 0}, evidence::answered, now);
}
// The nearest S share a subtree with us, so they lie together; with keys drawn at random within 4 S
// places of our own. Of an odd set of keys one may be missed: it is met later like anybody.
template <std::size_t K, std::size_t Siblings, class Everybody, class Named>
constexpr void introduce_siblings(table<K, Siblings>& made, key const& own,
                                  Everybody const& everybody, instant now, Named& named) {
  if constexpr (Siblings > 0) {
    auto const place = static_cast<std::size_t>(
        std::partition_point(everybody.begin(), everybody.end(),
                             [&](auto const& o) { return o.key < own; }) - everybody.begin());
    auto const size = static_cast<std::size_t>(everybody.end() - everybody.begin());
    auto const first = place > 4 * Siblings ? place - 4 * Siblings : 0;
    for (auto i = first; i < std::min(size, place + 4 * Siblings + 1); ++i) {
      introduce_to(made, own, everybody[i], now, named);
    }
  }
}

// A table as months of traffic would have left it, for worlds too large to warm up: in every
// bucket K live contacts spread evenly over it from a place that depends on our key, all seen at
// `now`. `everybody`: a range of introductions, or of what has the same members, ordered by key;
// named(peer) is what our head calls somebody. Cost: O(24 log n), so a world of n heads takes
// n log n.
template <std::size_t K, std::size_t Siblings = 0,
          class Everybody = std::span<introduction const>, class Named = std::identity>
[[nodiscard]] constexpr table<K, Siblings> direct_table(key const& own,
                                                        Everybody const& everybody,
                                                        instant now = {}, Named named = {}) {
  table<K, Siblings> made{own};
  each_bucket<K>(own, everybody, [&](unsigned b, std::size_t first, std::size_t size) {
    auto const start = mix64(own.words()[0] ^ own.words()[1] ^ b) % size;
    auto const stride = std::max<std::size_t>(size / (2 * K), 1);  // half of them are spare
    for (std::size_t i = 0; i < size && made.count(b) < K && i / stride < 2 * K; i += stride) {
      introduce_to(made, own, everybody[first + (start + i) % size], now, named);
    }
  });
  introduce_siblings(made, own, everybody, now, named);
  return made;
}

// The same with K different contacts of every bucket drawn at random, all subsets alike: what the
// analyses of Kademlia suppose (Cai and Devroye 2015). A function of (seed, own).
template <std::size_t K, std::size_t Siblings = 0,
          class Everybody = std::span<introduction const>, class Named = std::identity>
[[nodiscard]] constexpr table<K, Siblings> random_table(key const& own,
                                                        Everybody const& everybody,
                                                        std::uint64_t seed, instant now = {},
                                                        Named named = {}) {
  table<K, Siblings> made{own};
  owned_stream chance{mix64(seed ^ own.words()[0]) ^ own.words()[1]};
  each_bucket<K>(own, everybody, [&](unsigned b, std::size_t first, std::size_t size) {
    if (size <= K) {
      for (std::size_t i = 0; i < size; ++i) {
        introduce_to(made, own, everybody[first + i], now, named);
      }
      return;
    }
    // Who is drawn twice counts once; the bound matters only where netgroups refuse nearly all.
    for (std::size_t draws = 0; made.count(b) < K && draws < 64 * K; ++draws) {
      introduce_to(made, own, everybody[first + chance.below(size)], now, named);
    }
  });
  introduce_siblings(made, own, everybody, now, named);
  return made;
}

}  // namespace hydra::routing
