// What heads say to each other while they look for somebody. Numbers are part of the protocol:
// 1..9 Kademlia, 20..29 full mesh, 30..49 Chord, 50..69 Pastry, 70..89 floods, walks and the small
// world, 90..99 capabilities. An answer carries the nonce of its question; who it is from is
// authenticated by the driver.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/values.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t closer_max = 20;          // contacts in an answer
inline constexpr std::size_t records_per_answer_max = 4;
using closer_peers = bounded_vector<peer, closer_max>;

struct find_node {
  static constexpr message_id id{room::routing, 1, 1};
  static constexpr std::uint8_t plainly = 0x80;  // in `count`: nearest first, nothing drawn
  key target{};
  std::uint64_t nonce = 0;
  std::uint8_t count = 0;  // contacts wanted
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& nonce& count;
  }
};

struct nodes {
  static constexpr message_id id{room::routing, 2, 1};
  std::uint64_t nonce = 0;
  closer_peers closer{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& closer;
  }
};

// Answered by providers, or by nodes when no record is held.
struct find_providers {
  static constexpr message_id id{room::routing, 3, 1};
  service what{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce;
  }
};

struct providers {
  static constexpr message_id id{room::routing, 4, 1};
  std::uint64_t nonce = 0;
  bounded_vector<provider_record, records_per_answer_max> records{};
  closer_peers closer{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& records& closer;
  }
};

struct store {
  static constexpr message_id id{room::routing, 5, 1};
  std::uint64_t nonce = 0;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& record;
  }
};

// Whether the record is held, and who is closer to its key.
struct stored {
  static constexpr message_id id{room::routing, 6, 1};
  std::uint64_t nonce = 0;
  bool ok = false;
  closer_peers closer{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& ok& closer;
  }
};

struct ping {
  static constexpr message_id id{room::routing, 7, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct pong {
  static constexpr message_id id{room::routing, 8, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct have_you {
  static constexpr message_id id{room::routing, 20, 1};
  service what{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce;
  }
};

struct i_have {
  static constexpr message_id id{room::routing, 21, 1};
  std::uint64_t nonce = 0;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& record;
  }
};

struct i_have_not {
  static constexpr message_id id{room::routing, 22, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

}  // namespace hydra::routing
