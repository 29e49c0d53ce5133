// What heads say to each other along a broadcast tree. Numbers 40..49 of the room; they are part
// of the protocol. All of them are heard from neighbours only.
#pragma once

#include <hydra/membership/broadcast.hpp>

#include <cstdint>

namespace hydra::membership {

struct gossip {
  static constexpr message_id id{room::membership, 40, 1};
  rumour what{};
  std::uint16_t hops = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& hops;
  }
};

// The sender has this rumour, so many hops from its origin.
struct i_have {
  static constexpr message_id id{room::membership, 41, 1};
  rumour_id what{};
  std::uint16_t hops = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& hops;
  }
};

// Send me this rumour, and what comes after it. Of nobody's: only what comes after it.
struct graft {
  static constexpr message_id id{room::membership, 42, 1};
  rumour_id what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what;
  }
};

// Announce to me, and do not send.
struct prune {
  static constexpr message_id id{room::membership, 43, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

}  // namespace hydra::membership
