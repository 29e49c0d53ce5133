// What the heads of a ring say to each other. Room routing, numbers 30..49. Records travel as in
// messages.hpp: find_providers and providers, store and stored; so do ping and pong.
#pragma once

#include <hydra/routing/messages.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t ring_successors_max = 20;  // 2 log2 of a thousand heads
inline constexpr std::size_t ring_preceding_max = 20;   // alternatives before a key in an answer
using ring_successors = bounded_vector<peer, ring_successors_max>;
using ring_peers = bounded_vector<peer, ring_preceding_max + ring_successors_max>;

// Iterative: who comes before this key and who comes at or after it, as you know the ring?
struct find_successor {
  static constexpr message_id id{room::routing, 30, 1};
  key target{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& nonce;
  }
};

// The nearest before the key first, then those at or after it. The predecessor, unless the key is
// the answerer's own: it may be the owner without the asker's knowing.
struct around {
  static constexpr message_id id{room::routing, 31, 1};
  std::uint64_t nonce = 0;
  peer predecessor{};
  ring_peers known{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& predecessor& known;
  }
};

struct get_neighbours {
  static constexpr message_id id{room::routing, 32, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct neighbours {
  static constexpr message_id id{room::routing, 33, 1};
  std::uint64_t nonce = 0;
  peer predecessor{};
  ring_successors successors{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& predecessor& successors;
  }
};

// "I believe that I am beside you."
struct notify {
  static constexpr message_id id{room::routing, 34, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

// "I go", to both sides, with whom each of them is going to meet there.
struct leaving {
  static constexpr message_id id{room::routing, 35, 1};
  peer predecessor{};
  ring_successors successors{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& predecessor& successors;
  }
};

// "Whom you named to me says nothing": a hint to whoever gave the name, who looks for itself.
struct silent_head {
  static constexpr message_id id{room::routing, 39, 1};
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// Recursive: pass it on towards the key; each head answers `forwarded` to whom it has it from, and
// the owner answers `resolved` to the origin (or, as in the paper, the head before it does).
struct forward {
  static constexpr message_id id{room::routing, 36, 1};
  key target{};
  peer origin{};
  std::uint64_t nonce = 0;
  std::uint8_t hops = 0;      // heads so far, the receiver counted
  std::uint8_t timeouts = 0;  // of heads on the way
  bool last = false;          // the sender takes the receiver for the owner
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& origin& nonce& hops& timeouts& last;
  }
};

struct forwarded {
  static constexpr message_id id{room::routing, 37, 1};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

struct resolved {
  static constexpr message_id id{room::routing, 38, 1};
  std::uint64_t nonce = 0;
  std::uint8_t hops = 0;
  std::uint8_t timeouts = 0;
  peer owner{};                  // nobody: whoever says this
  ring_successors successors{};  // of who says this: where the copies are
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& hops& timeouts& owner& successors;
  }
};

}  // namespace hydra::routing
