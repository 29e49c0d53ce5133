// What heads say to each other in Pastry: numbers 50..69 of the routing room. Records travel as in
// Kademlia (find_providers, providers, store, stored), and so does the question whether somebody
// is alive (ping, pong). An answer carries the nonce of its question.
#pragma once

#include <hydra/routing/messages.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t hop_choices_max = 4;   // heads that an answer on the way names
inline constexpr std::size_t replicas_max = 8;      // heads that keep the records of a key
inline constexpr std::size_t row_max = 32;          // heads of a row of the routing table
inline constexpr std::size_t leaf_set_max = 32;     // heads of a leaf set

// Forwarded from head to head; answered to its origin by the head that is closest to the target.
struct route {
  static constexpr message_id id{room::routing, 50, 1};
  key target{};
  std::uint64_t nonce = 0;  // of its origin
  peer origin{};
  std::uint8_t hops = 0;    // heads on the way so far, the receiver counted
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& nonce& origin& hops;
  }
};

// Of one hop, and of what arrived: I have it.
struct routed {
  static constexpr message_id id{room::routing, 51, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

// I am the closest that I know of; these are the next closest.
struct arrived {
  static constexpr message_id id{room::routing, 52, 1};
  std::uint64_t nonce = 0;
  std::uint8_t hops = 0;
  bounded_vector<peer, replicas_max> replicas{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& hops& replicas;
  }
};

// Whom would you forward this to?
struct ask_hop {
  static constexpr message_id id{room::routing, 53, 1};
  key target{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& nonce;
  }
};

struct hop {
  static constexpr message_id id{room::routing, 54, 1};
  std::uint64_t nonce = 0;
  bool here = false;  // to nobody: I am the closest, and `closer` are the next closest
  bounded_vector<peer, replicas_max> closer{};  // best first
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& here& closer;
  }
};

struct ask_row {
  static constexpr message_id id{room::routing, 55, 1};
  std::uint64_t nonce = 0;
  std::uint8_t row = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& row;
  }
};

struct row {
  static constexpr message_id id{room::routing, 56, 1};
  std::uint64_t nonce = 0;
  bounded_vector<peer, row_max> who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& who;
  }
};

struct ask_leaves {
  static constexpr message_id id{room::routing, 57, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct leaves {
  static constexpr message_id id{room::routing, 58, 1};
  std::uint64_t nonce = 0;
  bounded_vector<peer, leaf_set_max> who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& who;
  }
};

}  // namespace hydra::routing
