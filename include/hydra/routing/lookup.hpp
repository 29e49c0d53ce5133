// A lookup on its way through the network: whom it knows near its target and what became of each.
//
// Promise: it ends. Every request has a due time and a bounded number of attempts, and requests,
// hops and total time are bounded by the policy's settings. It holds 3 K contacts, nearest first
// (see ranking), four per netgroup; what an attacker names beyond falls out. On several paths
// (paths.hpp) each has its share of these places.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/records.hpp>
#include <hydra/routing/paths.hpp>
#include <hydra/routing/table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

enum class errand : std::uint8_t { find, publish, refresh, locate };

template <std::size_t K>
struct lookup {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t background_max = 4;  // of these for publishing and refreshing
  static constexpr std::size_t per_group_max = 4;   // contacts remembered of one netgroup

  key target{};
  ranking rank{};
  instant deadline{};
  std::uint64_t nonce = 0;
  service what{};
  demands needs{};
  errand why = errand::find;
  bool storing = false;        // publish: the closest are known, records are on their way
  std::uint8_t at_least = 1;
  std::uint8_t sources = 0;    // netgroups near the target that gave a record
  std::uint8_t checking = 0;   // records whose signature is being checked
  std::uint8_t hops = 0;
  std::uint8_t paths = 1;
  std::uint8_t timeouts = 0;   // requests that nobody answered
  std::uint16_t messages = 0;  // requests sent
  bounded_vector<asked, 3 * K> near{};
  bounded_vector<provider_record, candidates_max> records{};  // verified
  bounded_vector<peer, candidates_max> givers{};              // of those, one by one

  // Ignores whom it knows; whoever is farther than 3 K others is not worth remembering.
  bool add(peer who, std::uint32_t prefix, std::uint16_t group, std::uint8_t hop,
           std::uint8_t path = 0) {
    if (taken(near, who, path)) return false;
    asked a;
    a.who = who;
    a.rank = rank(prefix);
    a.group = group;
    a.hop = hop;
    a.path = path;
    std::size_t same = 0;
    asked const* last = nullptr;  // of its netgroup
    for (auto const& n : near) {
      if (group == 0 || n.group != group || n.path != path) continue;
      ++same;
      last = &n;
    }
    if (same >= per_group_max) {
      if (last->rank <= a.rank || last->is != asked::state::fresh) return false;
      near.erase(last);
    }
    if (paths > 1 && !place_on(near, path, paths, a.rank)) return false;
    auto const* at = near.begin();
    while (at != near.end() && at->rank <= a.rank) ++at;
    if (at == near.end() && near.full()) return false;
    near.insert_bounded(at, a);
    return true;
  }
  // Far more heads next to the target than there should be: somebody ground their keys. Then
  // everybody in the region is asked that can be remembered, and nobody gives more than one.
  [[nodiscard]] bool suspicious() const noexcept {
    return near.size() > 2 * K && near[2 * K].rank <= rank.region &&
           (paths == 1 || heads_within(near, rank.region) > 2 * K);
  }
  // Adds a verified record. When there is no room, whoever gave most gives way to others: two
  // holders cannot fill the list before the third is heard.
  bool gain(provider_record const& r, peer giver) {
    for (auto& known : records) {
      if (!same_provider(known, r)) continue;
      if (known.about.sequence >= r.about.sequence) return false;
      known = r;
      return true;
    }
    if (records.try_push_back(r)) return givers.try_push_back(giver);
    auto const given = [&](peer p) { return std::count(givers.begin(), givers.end(), p); };
    std::size_t most = 0;
    for (std::size_t i = 1; i < givers.size(); ++i) {
      if (given(givers[i]) >= given(givers[most])) most = i;
    }
    if (given(givers[most]) <= given(giver) + 1) return false;
    records[most] = r;
    givers[most] = giver;
    return true;
  }
  // One source per netgroup, and only where a holder may be expected to live.
  void count_source(asked& giver) noexcept {
    if (giver.gave || (rank.region != 0 && giver.rank > rank.region)) return;
    for (auto const& n : near) {
      if (n.gave && n.group != 0 && n.group == giver.group) return;
    }
    giver.gave = true;
    ++sources;
  }
  [[nodiscard]] asked* find(peer who) noexcept {
    for (auto& n : near) {
      if (n.who == who) return &n;
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t in_flight(std::uint8_t path = any_path) const noexcept {
    std::size_t n = 0;
    for (auto const& a : near) n += a.in_flight() && a.on(path) ? 1U : 0U;
    return n;
  }
  // Whom to turn to next: among the `width` closest that have not failed, two per netgroup.
  [[nodiscard]] asked* next(std::uint8_t path = any_path, std::size_t width = K) noexcept {
    bounded_vector<std::uint16_t, 3 * K> groups;
    if (suspicious()) width = groups.capacity();
    for (auto& n : near) {
      if (n.is == asked::state::failed || !n.on(path)) continue;
      if (n.group != 0) {
        std::size_t same = 0;
        for (auto g : groups) same += g == n.group ? 1U : 0U;
        if (same == closest_per_group_max) continue;
      }
      if (groups.size() == width) return nullptr;
      groups.push_back(n.group);
      if (n.is == asked::state::fresh) return &n;
      if (storing && n.is == asked::state::answered) return &n;
    }
    return nullptr;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& rank& deadline& nonce& what& why& storing& at_least& sources& checking& hops;
    a& paths& timeouts& messages& near& records& givers;
    serialize_if_any(a, needs);
  }
};

// A signature that is being checked, and what for.
struct checking {
  static constexpr std::size_t per_peer_max = 32;
  static constexpr std::size_t stores_max = 16;       // of these for others
  static constexpr std::size_t stores_of_one_max = 4;  // for one sender, when half are taken
  command by{};
  activity of{};  // a lookup; none: somebody wants it stored here
  peer from{};
  std::uint64_t nonce = 0;
  instant since{};
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& by& of& from& nonce& since& record;
  }
};

// Whether one more record that somebody wants stored may be checked: half of the places are for our
// own lookups. With a sender: of the rest it has half at most, less where others want some as well.
template <class Env>
[[nodiscard]] bool may_check_store(Env& env, peer from = {}) {
  std::size_t all = 0;
  std::size_t of_one = 0;
  env.template pool<checking>().each([&](activity, checking const& c) {
    if (c.of) return;
    ++all;
    of_one += c.from == from ? 1U : 0U;
  });
  if (all >= checking::stores_max) return false;
  return !from || all < checking::stores_max / 2 || of_one < checking::stores_of_one_max;
}

// What this head offers, as it was last published.
struct offered {
  static constexpr std::size_t per_peer_max = 16;
  provider_record record{};
  instant due{};  // to be published again
  bool withdrawn = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& record& due& withdrawn;
  }
};

// Notes what is offered, or offered anew, and seals it; false: there is no place for it.
template <class Env>
bool put_offer(Env& env, provider_record const& r, duration lifetime) {
  auto pool = env.template pool<offered>();
  auto id = pool.first([&](offered const& o) { return o.record.what == r.what; });
  if (!id) id = pool.add(offered{});
  auto* mine = pool.find(id);
  if (mine == nullptr) {
    env.note("publish: 16 services are offered already");
    return false;
  }
  auto const sequence = mine->record.about.sequence;
  mine->record = r;
  mine->record.about.sequence = sequence;
  mine->withdrawn = false;
  mine->due = env.now();
  seal(env, mine->record, lifetime);
  return true;
}

// Seals a last record, of no cores, which a store under way sends as well; false: not offered.
template <class Env>
bool take_back_offer(Env& env, service what, duration lifetime) {
  auto pool = env.template pool<offered>();
  auto* mine = pool.find(pool.first([&](offered const& o) { return o.record.what == what; }));
  if (mine == nullptr) return false;
  mine->withdrawn = true;
  mine->record.power.cores = 0;
  mine->due = env.now();
  seal(env, mine->record, lifetime);
  return true;
}

// What the last lookup for a service found.
struct remembered {
  static constexpr std::size_t per_peer_max = 4;
  static constexpr std::size_t records_max = 8;
  service what{};
  instant fresh_until{};
  bounded_vector<provider_record, records_max> records{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& fresh_until& records;
  }
};

// A newcomer that found its bucket full and may take the place of who is evicted from it.
struct spare {
  static constexpr std::size_t per_peer_max = 64;
  peer who{};
  std::uint8_t bucket = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& bucket;
  }
};

// A ping on its way.
struct probe {
  static constexpr std::size_t per_peer_max = 4;
  peer who{};
  std::uint64_t nonce = 0;
  instant due{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& due;
  }
};

// Survives a crash: whom to turn to afterwards.
struct known_contacts {
  static constexpr message_id id{room::routing, 101, 1};
  bounded_vector<peer, 16> who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

}  // namespace hydra::routing
