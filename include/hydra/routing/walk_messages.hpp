// What heads say to each other in overlays without structure (flooding, random walks) and in a
// small world. Numbers 70..89 of the room: 70, 71 links, 72, 73 floods, 75..78 walks, 80..84 the
// small world. `nonce` names a query everywhere and was drawn by its asker.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/values.hpp>
#include <hydra/routing/messages.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::size_t names_per_welcome_max = 4;
inline constexpr std::size_t ring_closer_max = 8;

// Am I your neighbour, or may I be? Also asks whether a neighbour still lives.
struct link_hello {
  static constexpr message_id id{room::routing, 70, 1};
  std::uint64_t nonce = 0;
  bool names = false;  // name some of yours: I have too few
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& names;
  }
};

struct link_welcome {
  static constexpr message_id id{room::routing, 71, 1};
  std::uint64_t nonce = 0;
  bool in = false;  // no: there is no place
  bounded_vector<peer, names_per_welcome_max> others{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& in& others;
  }
};

struct flood_query {
  static constexpr message_id id{room::routing, 72, 1};
  service what{};
  std::uint64_t nonce = 0;
  peer asker{};            // nobody: answer on the way that the query came
  std::uint8_t ttl = 0;    // hops that are left, this one not counted
  std::uint8_t hops = 0;   // behind it, this one counted
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce& asker& ttl& hops;
  }
};

struct flood_hit {
  static constexpr message_id id{room::routing, 73, 1};
  std::uint64_t nonce = 0;
  std::uint8_t hops = 0;  // of the query that reached the holder
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& hops& record;
  }
};

// One step of one walker.
struct walk_query {
  static constexpr message_id id{room::routing, 75, 1};
  service what{};
  std::uint64_t nonce = 0;
  std::uint64_t ticket = 0;  // of this walker alone: whoever reports of it has met it
  peer asker{};
  std::uint8_t walker = 0;
  std::uint16_t ttl = 0;
  std::uint16_t hops = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce& ticket& asker& walker& ttl& hops;
  }
};

// Where a walker found what it looks for. It waits there, as after a walk_check.
struct walk_hit {
  static constexpr message_id id{room::routing, 76, 1};
  std::uint64_t nonce = 0;
  std::uint64_t ticket = 0;  // of the walker
  std::uint8_t walker = 0;
  std::uint16_t hops = 0;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& ticket& walker& hops& record;
  }
};

// Is it still looked for? The walker waits for the answer.
struct walk_check {
  static constexpr message_id id{room::routing, 77, 1};
  std::uint64_t nonce = 0;
  std::uint64_t ticket = 0;  // of the walker
  std::uint8_t walker = 0;
  std::uint16_t hops = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& ticket& walker& hops;
  }
};

struct walk_go {
  static constexpr message_id id{room::routing, 78, 1};
  std::uint64_t nonce = 0;
  std::uint8_t walker = 0;
  bool go = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& walker& go;
  }
};

// Who of those you know is nearest to this key? With a service: and what records of it are yours?
struct ring_find {
  static constexpr message_id id{room::routing, 80, 1};
  key target{};
  service what{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& what& nonce;
  }
};

struct ring_nodes {
  static constexpr message_id id{room::routing, 81, 1};
  std::uint64_t nonce = 0;
  bounded_vector<peer, ring_closer_max> closer{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& closer;
  }
};

struct ring_records {
  static constexpr message_id id{room::routing, 82, 1};
  std::uint64_t nonce = 0;
  bounded_vector<provider_record, records_per_answer_max> records{};
  bounded_vector<peer, ring_closer_max> closer{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& records& closer;
  }
};

struct ring_store {
  static constexpr message_id id{room::routing, 83, 1};
  std::uint64_t nonce = 0;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& record;
  }
};

struct ring_stored {
  static constexpr message_id id{room::routing, 84, 1};
  std::uint64_t nonce = 0;
  bool ok = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& ok;
  }
};

}  // namespace hydra::routing
