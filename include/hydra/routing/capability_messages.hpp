// What heads that know each other say about what they and their friends can do. Numbers 90..99.
#pragma once

#include <hydra/routing/digest.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t hints_max = 4;  // of one answer

// What can be reached through the sender.
template <Digest D>
struct digest_is {
  static constexpr message_id id{room::routing, D::number, 1};
  D digest{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& digest;
  }
};

// It is still the one with this hash.
struct digest_still {
  static constexpr message_id id{room::routing, 92, 2};
  std::uint32_t hash = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& hash;
  }
};

// Tell me yours, and go on telling.
struct digest_please {
  static constexpr message_id id{room::routing, 93, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

struct who_can {
  static constexpr message_id id{room::routing, 94, 1};
  service what{};
  std::uint64_t nonce = 0;
  std::uint8_t region = 0;  // one bit: only there; 0: anywhere
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce& region;
  }
};

// Ask this one. `worth` is what its digest says, halved for each step by which we doubt it.
struct hint {
  peer who{};
  std::uint32_t worth = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& worth;
  }
};
using hints = bounded_vector<hint, hints_max>;

struct i_can {
  static constexpr message_id id{room::routing, 95, 1};
  std::uint64_t nonce = 0;
  provider_record record{};
  hints others{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& record& others;
  }
};

struct i_know {
  static constexpr message_id id{room::routing, 96, 1};
  std::uint64_t nonce = 0;
  hints others{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& others;
  }
};

}  // namespace hydra::routing
