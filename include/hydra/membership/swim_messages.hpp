// What the members of a group say to each other. Numbers are part of the protocol: 1..8 SWIM.
// Every message carries its sender's own incarnation: the only word about a member that nobody
// else can say. An answer carries the nonce of its question; who it is from is authenticated by
// the driver.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/values.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::membership {

inline constexpr std::size_t updates_max = 12;  // piggy-backed on one message; each may be a fact
inline constexpr std::size_t page_max = 12;     // members in an answer to who_is_there
inline constexpr std::size_t helpers_max = 8;   // asked to ping somebody for us

enum class standing : std::uint8_t {
  alive,
  suspect,
  dead,
  left,
  named,  // hearsay that has not answered yet; never told to others
};
[[nodiscard]] constexpr standing last_of(standing) noexcept { return standing::named; }

// One member's standing, as its teller sees it.
struct update {
  peer who{};
  peer by{};  // of a suspicion: whose probe failed; otherwise nobody
  std::uint32_t incarnation = 0;
  standing is = standing::alive;
  friend constexpr bool operator==(update const&, update const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& by& incarnation& is;
  }
};
using updates = bounded_vector<update, updates_max>;

struct ping {
  static constexpr message_id id{room::membership, 1, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  membership::updates news{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& news;
  }
};

struct ack {
  static constexpr message_id id{room::membership, 2, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  membership::updates news{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& news;
  }
};

// Ping this member for me.
struct ping_request {
  static constexpr message_id id{room::membership, 3, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  peer target{};
  membership::updates news{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& target& news;
  }
};

// It answered me, or it has not so far (Lifeguard's nack): then at least we two hear each other.
struct relayed {
  static constexpr message_id id{room::membership, 4, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  bool answered = false;
  membership::updates news{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& answered& news;
  }
};

// Which members do you know whose keys begin beyond this? By key, so that the pages of two members
// fit together.
struct who_is_there {
  static constexpr message_id id{room::membership, 5, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t after = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& after;
  }
};

struct these_are_there {
  static constexpr message_id id{room::membership, 6, 1};
  std::uint64_t nonce = 0;
  std::uint32_t incarnation = 0;
  bool more = false;  // there are some beyond the last of these
  bounded_vector<update, page_max> members{};  // by key
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& incarnation& more& members;
  }
};

// Updates that nobody asked for, between probes.
struct member_news {
  static constexpr message_id id{room::membership, 7, 1};
  std::uint32_t incarnation = 0;
  membership::updates news{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& incarnation& news;
  }
};

// I leave.
struct farewell {
  static constexpr message_id id{room::membership, 8, 1};
  std::uint32_t incarnation = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& incarnation;
  }
};

// ---- facts ----------------------------------------------------------------------------------

// A neighbour did not answer in time. It stays one until it is confirmed dead or refutes.
struct suspected {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// It was heard of with a newer incarnation.
struct refuted {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

}  // namespace hydra::membership
