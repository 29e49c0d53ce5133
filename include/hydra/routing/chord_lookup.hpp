// What a head of a ring has under way: its own lookups, those it passes on, and pings.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/routing/chord_messages.hpp>
#include <hydra/routing/concept.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

enum class ring_errand : std::uint8_t { find, locate, publish, join, finger };

// Somebody on the way.
struct ring_step {
  enum class state : std::uint8_t { fresh, waiting, passed, answered, failed, giving, given };
  std::uint64_t far = 0;  // clockwise from where the lookup starts
  instant due{};          // of an answer
  peer who{};
  peer giver{};  // who named it; nobody: it was known
  state is = state::fresh;
  std::uint8_t attempts = 0;

  [[nodiscard]] constexpr bool in_flight() const noexcept {
    return is == state::waiting || is == state::passed || is == state::giving;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& far& due& who& giver& is& attempts;
  }
};

// Promise: it ends. One head is asked at a time until the owner is known; requests, heads and time
// are bounded by the policy's settings, and 24 heads are remembered on each side of the key: what
// an attacker names beyond falls out.
struct ring_lookup {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t background_max = 4;  // of these for publishing, joining and fingers
  static constexpr std::size_t steps_max = 24;
  using side = bounded_vector<ring_step, steps_max>;

  key target{};
  std::uint64_t from = 0;  // the place where it starts: ours, or that of the first contact
  std::uint64_t far = 0;   // of the target, from there
  instant started{};
  instant deadline{};
  std::uint64_t nonce = 0;
  service what{};
  demands needs{};
  ring_errand why = ring_errand::locate;
  std::uint8_t finger = 0;
  bool collecting = false;   // the owner is known, records are on their way
  bool named_self = false;   // somebody takes us for the owner
  bool self_owns = false;
  std::uint8_t at_least = 1;
  std::uint8_t checking = 0;  // records whose signature is being checked
  std::uint8_t hops = 0;      // heads that answered on the way
  std::uint8_t timeouts = 0;
  std::uint16_t messages = 0;  // requests sent
  side before{};               // the nearest to the target first
  side after{};                // the target or the nearest beyond it first
  bounded_vector<provider_record, candidates_max> records{};  // verified

  void add(peer who, std::uint64_t at, peer giver = {}) {
    ring_step s;
    s.far = at - from;
    s.who = who;
    s.giver = giver;
    if (find(who) != nullptr) return;
    bool const ahead = s.far < far;
    auto& list = ahead ? before : after;
    auto const* place = list.begin();
    while (place != list.end() && (ahead ? place->far > s.far : place->far < s.far)) ++place;
    if (place == list.end() && list.full()) return;
    list.insert_bounded(place, s);
  }
  [[nodiscard]] ring_step* find(peer who) noexcept {
    for (auto* list : {&before, &after}) {
      for (auto& s : *list) {
        if (s.who == who) return &s;
      }
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return count(before, &ring_step::in_flight) + count(after, &ring_step::in_flight);
  }
  // Whom to ask next on the way to the owner; nobody: the way ends here.
  [[nodiscard]] ring_step* next() noexcept {
    for (auto& s : before) {  // nearer than the nearest who answered
      if (s.is == ring_step::state::answered) break;
      if (s.is == ring_step::state::fresh) return &s;
    }
    for (auto& s : after) {
      if (s.is == ring_step::state::fresh) return &s;
      if (s.is == ring_step::state::answered) return nullptr;
    }
    if (named_self) return nullptr;
    for (auto& s : before) {  // whoever answered last led nowhere
      if (s.is == ring_step::state::fresh) return &s;
    }
    return nullptr;
  }
  [[nodiscard]] ring_step* owner() noexcept { return first(after, ring_step::state::answered); }
  [[nodiscard]] static ring_step* first(side& list, ring_step::state is) noexcept {
    for (auto& s : list) {
      if (s.is == is) return &s;
    }
    return nullptr;
  }
  // Of the owner and those after it: how many were asked for records and did not fail.
  [[nodiscard]] std::size_t sources() const noexcept {
    std::size_t n = self_owns ? 1 : 0;
    for (auto const& s : after) {
      n += s.is == ring_step::state::giving || s.is == ring_step::state::given ? 1U : 0U;
    }
    return n;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& from& far& started& deadline& nonce& what& why& finger& collecting& named_self;
    a& self_owns& at_least& checking& hops& timeouts& messages& before& after& records;
    serialize_if_any(a, needs);
  }

 private:
  template <class F>
  [[nodiscard]] static std::size_t count(side const& list, F what) noexcept {
    std::size_t n = 0;
    for (auto const& s : list) n += (s.*what)() ? 1U : 0U;
    return n;
  }
};

// Somebody else's lookup that was passed on and is not yet acknowledged.
struct ring_relay {
  static constexpr std::size_t per_peer_max = 16;
  forward what{};
  peer to{};
  instant due{};
  std::uint8_t attempts = 0;
  bool ours_otherwise = false;  // it went to our predecessor; if that one is silent, we own the key
  bounded_vector<peer, 12> silent{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& to& due& attempts& ours_otherwise& silent;
  }
};

// A head that is asked whether it lives, what is beside it, or how far away it is.
struct ring_probe {
  enum class kind : std::uint8_t { alive, neighbours, nearness };
  static constexpr std::size_t per_peer_max = 24;
  static constexpr std::size_t alive_max = 4;  // of those that others made us send
  peer who{};
  std::uint64_t nonce = 0;
  instant sent{};
  instant due{};
  kind is = kind::alive;
  std::uint8_t finger = 0;  // nearness: which one it is a candidate for
  std::uint8_t attempts = 0;
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bool{who}; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& sent& due& is& finger& attempts;
  }
};

}  // namespace hydra::routing
