// What heads say to each other about rumours. Numbers 50..59 of the room; they are part of the
// protocol.
#pragma once

#include <hydra/membership/broadcast.hpp>

#include <cstdint>

namespace hydra::membership {

// Have you heard? Answered by heard_before where the sender wants to know.
struct tell_rumour {
  static constexpr message_id id{room::membership, 50, 1};
  rumour what{};
  std::uint16_t hops = 0;
  std::uint64_t nonce = 0;  // zero: no answer is wanted
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& hops& nonce;
  }
};

struct heard_before {
  static constexpr message_id id{room::membership, 51, 1};
  std::uint64_t nonce = 0;
  bool known = false;  // at the start of the round
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& known;
  }
};

}  // namespace hydra::membership
