// A lookup on its way through the network: whom it knows near its target and what became of each.
//
// Promise: it ends. Every request has a due time and a bounded number of attempts, and requests,
// hops and total time are bounded by the policy's settings. It holds 3 K contacts, nearest first;
// what an attacker names beyond falls out.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/table.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

enum class errand : std::uint8_t { find, publish, refresh };

// Somebody near the target.
struct asked {
  enum class state : std::uint8_t { fresh, waiting, answered, failed, storing, stored };
  instant due{};  // of an answer
  peer who{};
  std::uint32_t prefix = 0;
  std::uint16_t group = 0;
  state is = state::fresh;
  std::uint8_t hop = 1;
  std::uint8_t attempts = 0;
  bool gave = false;  // a record that was acceptable

  [[nodiscard]] constexpr bool in_flight() const noexcept {
    return is == state::waiting || is == state::storing;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& due& who& prefix& group& is& hop& attempts& gave;
  }
};

template <std::size_t K>
struct lookup {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t background_max = 4;  // of these for publishing and refreshing

  key target{};
  instant deadline{};
  std::uint64_t nonce = 0;
  service what{};
  errand why = errand::find;
  bool storing = false;        // publish: the closest are known, records are on their way
  std::uint8_t at_least = 1;
  std::uint8_t sources = 0;    // heads that gave a record
  std::uint8_t checking = 0;   // records whose signature is being checked
  std::uint8_t hops = 0;
  std::uint16_t messages = 0;  // requests sent
  bounded_vector<asked, 3 * K> near{};
  bounded_vector<provider_record, candidates_max> records{};  // verified

  // Ignores whom it knows; whoever is farther than 3 K others is not worth remembering.
  bool add(peer who, std::uint32_t prefix, std::uint16_t group, std::uint8_t hop) {
    auto const far = prefix ^ target.prefix();
    auto const* at = near.begin();
    for (auto const& n : near) {
      if (n.who == who) return false;
      if ((n.prefix ^ target.prefix()) <= far) ++at;
    }
    if (static_cast<std::size_t>(at - near.begin()) == near.capacity()) return false;
    asked a;
    a.who = who;
    a.prefix = prefix;
    a.group = group;
    a.hop = hop;
    near.insert_bounded(at, a);
    return true;
  }
  [[nodiscard]] asked* find(peer who) noexcept {
    for (auto& n : near) {
      if (n.who == who) return &n;
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept {
    std::size_t n = 0;
    for (auto const& a : near) n += a.in_flight() ? 1U : 0U;
    return n;
  }
  // Whom to turn to next: among the K closest that have not failed, two per netgroup.
  [[nodiscard]] asked* next() noexcept {
    bounded_vector<std::uint16_t, K> groups;
    for (auto& n : near) {
      if (n.is == asked::state::failed) continue;
      if (n.group != 0) {
        std::size_t same = 0;
        for (auto g : groups) same += g == n.group ? 1U : 0U;
        if (same == closest_per_group_max) continue;
      }
      if (!groups.try_push_back(n.group)) return nullptr;
      if (n.is == asked::state::fresh) return &n;
      if (storing && n.is == asked::state::answered) return &n;
    }
    return nullptr;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& deadline& nonce& what& why& storing& at_least& sources& checking& hops& messages&
        near& records;
  }
};

// A signature that is being checked, and what for.
struct checking {
  static constexpr std::size_t per_peer_max = 32;
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
