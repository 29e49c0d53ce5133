// What heads say to each other to keep a partial view. Numbers 20..39 of the room; they are part of
// the protocol. An answer carries the nonce of its question; who it is from is authenticated by the
// driver, but who it should be from is known of neighbour_answer and alive only.
#pragma once

#include <hydra/core/message.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::membership {

inline constexpr std::size_t exchange_max = 16;  // heads named in a shuffle
using exchanged = bounded_vector<peer, exchange_max>;

// A newcomer to its contact; answered by neighbour_answer.
struct join_request {
  static constexpr message_id id{room::membership, 20, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

// Walks along active links; where it ends, the newcomer is asked to be a neighbour.
struct forward_join {
  static constexpr message_id id{room::membership, 21, 1};
  peer newcomer{};
  std::uint8_t hops_left = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& newcomer& hops_left;
  }
};

// The sender has taken the receiver out of its active view.
struct disconnect {
  static constexpr message_id id{room::membership, 22, 1};
  bool leaving = false;  // the sender leaves the group
  template <class A>
  void serialize(A& a, unsigned) {
    a& leaving;
  }
};

// High priority is not refused: who asks has nobody, or welcomes a newcomer.
struct neighbour_request {
  static constexpr message_id id{room::membership, 23, 1};
  std::uint64_t nonce = 0;
  bool high = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& high;
  }
};

struct neighbour_answer {
  static constexpr message_id id{room::membership, 24, 1};
  std::uint64_t nonce = 0;
  bool accepted = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& accepted;
  }
};

// Walks along active links; where it ends, heads are exchanged with the origin.
struct shuffle {
  static constexpr message_id id{room::membership, 25, 1};
  peer origin{};
  std::uint64_t nonce = 0;
  std::uint8_t hops_left = 0;
  exchanged named{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& origin& nonce& hops_left& named;
  }
};

struct shuffle_reply {
  static constexpr message_id id{room::membership, 26, 1};
  std::uint64_t nonce = 0;
  exchanged named{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& named;
  }
};

// Are you there, and am I your neighbour?
struct probe {
  static constexpr message_id id{room::membership, 27, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct alive {
  static constexpr message_id id{room::membership, 28, 1};
  std::uint64_t nonce = 0;
  bool linked = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& linked;
  }
};

}  // namespace hydra::membership
