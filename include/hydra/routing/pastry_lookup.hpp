// What a head of Pastry has under way: lookups of its own, messages that it forwarded and that
// nobody took over yet, and questions that nobody answered yet.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/routing/lookup.hpp>
#include <hydra/routing/pastry_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

// A lookup: first on the way to the head that is closest to the target, then (find, publish) with
// that head and its next closest.
struct pastry_lookup {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t background_max = 4;  // of these for publishing and joining
  static constexpr std::size_t tried_max = 16;

  key target{};
  instant deadline{};
  instant due{};              // on the way: when to try again
  std::uint64_t nonce = 0;
  service what{};
  demands needs{};
  errand why = errand::find;  // refresh: to our own key, that is to join
  bool asking = false;        // the closest is known and is asked, with its next closest
  bool iterative = false;
  std::uint8_t at_least = 1;
  std::uint8_t checking = 0;  // records whose signature is being checked
  std::uint8_t heard = 0;     // heads that answered the question for records
  std::uint8_t hops = 0;
  std::uint8_t timeouts = 0;
  std::uint8_t tries = 0;     // from here
  std::uint8_t attempts = 0;  // iterative: of whom is asked now
  std::uint16_t messages = 0;
  peer current{};             // iterative: who was asked
  peer claimed{};             // iterative: the nearest of those that said that they are closest
  bounded_vector<peer, replicas_max> beside{};      // what that one named as its next closest
  bounded_vector<peer, hop_choices_max> choices{};  // iterative: whom else the last one named
  bounded_vector<peer, tried_max> tried{};
  bounded_vector<asked, replicas_max> near{};
  bounded_vector<provider_record, candidates_max> records{};  // verified

  [[nodiscard]] bool was_tried(peer who) const {
    return std::find(tried.begin(), tried.end(), who) != tried.end();
  }
  [[nodiscard]] asked* find(peer who) noexcept {
    for (auto& a : near) {
      if (a.who == who) return &a;
    }
    return nullptr;
  }
  void timed_out() noexcept {
    if (timeouts < 255) ++timeouts;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& deadline& due& nonce& what& why& asking& iterative& at_least& checking& heard;
    a& hops& timeouts& tries& attempts& messages& current& claimed& beside& choices& tried;
    a& near& records;
    serialize_if_any(a, needs);
  }
};

// A message that was handed on, until the next head says that it has it. When there is no place
// for another one it is handed on unwatched.
struct handed_on {
  static constexpr std::size_t per_peer_max = 64;
  route what{};
  peer to{};
  instant due{};
  std::uint8_t attempts = 0;
  bool arrival = false;  // it is an answer to its origin
  bounded_vector<peer, 4> failed{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& to& due& attempts& arrival& failed;
  }
};

// A ping, or a question for a row or a leaf set.
struct question {
  static constexpr std::size_t per_peer_max = 48;
  enum class kind : std::uint8_t { alive, row, leaves };
  peer who{};
  std::uint64_t nonce = 0;
  instant due{};
  kind is = kind::alive;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& due& is;
  }
};

}  // namespace hydra::routing
