// A find on its way through a ring of trust: who was named by whom, and what became of each.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

// Somebody who may be asked: one of our own neighbours, or named by somebody who was asked.
struct scout {
  enum class state : std::uint8_t { fresh, waiting, answered, failed };
  static constexpr std::uint8_t nobody = 0xff;
  instant due{};
  peer who{};
  std::uint32_t worth = 0;    // as its digest says, or whoever named it; 0: asked on no word at all
  std::uint32_t order = 0;    // among equals, drawn by the nonce
  std::uint8_t depth = 1;     // hands from the asker
  std::uint8_t by = nobody;   // which scout named it
  std::uint8_t root = 0;      // which of our own neighbours led to it; under roots_max
  state is = state::fresh;
  std::uint8_t attempts = 0;
  bool gave = false;          // a record came from it, or from somebody it led to
  template <class A>
  void serialize(A& a, unsigned) {
    a& due& who& worth& order& depth& by& root& is& attempts& gave;
  }
};
[[nodiscard]] constexpr scout::state last_of(scout::state) noexcept {
  return scout::state::failed;
}

// Promise: it ends, because its questions and its time are bounded (`messages_max`, of which one
// head gets `rpc_attempts` at most, and `deadline`).
struct quest {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t scouts_max = 48;
  static constexpr std::size_t roots_max = 16;  // places at the start; the rest is for names

  service what{};
  demands needs{};
  std::uint64_t nonce = 0;
  instant deadline{};
  std::uint8_t at_least = 1;
  std::uint8_t checking = 0;   // records whose signature is being checked
  std::uint16_t messages = 0;  // questions sent
  bounded_vector<scout, scouts_max> scouts{};
  bounded_vector<provider_record, candidates_max> records{};  // verified

  // A scout of our own choice is its own root; of too many the best stay.
  void start_with(scout s) {
    if (scouts.size() < roots_max) {
      s.root = static_cast<std::uint8_t>(scouts.size());
      return scouts.push_back(s);
    }
    auto& worst = *std::max_element(scouts.begin(), scouts.end(), better);
    s.root = worst.root;
    if (better(s, worst)) worst = s;
  }
  // Somebody who was named. Ignores whom it knows. Of one root no more names wait than may still
  // be asked through it, the best: the others never would be. A full list gives up the worst name
  // not asked yet: nobody was named by it, so that the ways of all others stay whole. Our own
  // choice is never given up, so that no share grows while a find is under way.
  void add(scout const& s, std::size_t questions_max) {
    std::size_t roots = 0;
    std::size_t used = 0;  // of the share of its root: asked, or waiting to be
    for (auto const& o : scouts) {
      if (o.who == s.who) return;
      roots += o.depth == 1 ? 1U : 0U;
      if (o.root == s.root) used += o.attempts + (named_and_fresh(o) ? 1U : 0U);
    }
    bool const crowded = used >= share(questions_max, roots);
    if (!crowded && scouts.try_push_back(s)) return;
    scout* worst = nullptr;
    for (auto& o : scouts) {
      if (!named_and_fresh(o) || (crowded && o.root != s.root)) continue;
      if (worst == nullptr || better(*worst, o)) worst = &o;
    }
    if (worst != nullptr && better(s, *worst)) *worst = s;
  }
  // Whom to ask next; null: nobody is left. Through one neighbour go at most a quarter of all
  // questions, or its even share where they are few: a neighbour that lies does not use up all.
  [[nodiscard]] scout* next(std::size_t questions_max) noexcept {
    std::array<std::uint16_t, roots_max> asked{};
    std::size_t roots = 0;
    for (auto const& s : scouts) {
      asked[s.root] = static_cast<std::uint16_t>(asked[s.root] + s.attempts);
      roots += s.depth == 1 ? 1U : 0U;
    }
    auto const most = share(questions_max, roots);
    scout* best = nullptr;
    for (auto& s : scouts) {
      if (s.is != scout::state::fresh || asked[s.root] >= most) continue;
      if (best == nullptr || better(s, *best)) best = &s;
    }
    return best;
  }
  // Whether somebody whom this one led to was not asked, though its share was not used up.
  [[nodiscard]] bool unfinished(scout const& led, std::size_t questions_max) const noexcept {
    std::size_t roots = 0;
    std::size_t asked = 0;
    bool left = false;
    for (auto const& s : scouts) {
      roots += s.depth == 1 ? 1U : 0U;
      if (s.root != led.root) continue;
      asked += s.attempts;
      left = left || s.is == scout::state::fresh;
    }
    return left && asked < share(questions_max, roots);
  }
  [[nodiscard]] scout* find(peer who) noexcept {
    for (auto& s : scouts) {
      if (s.who == who) return &s;
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return static_cast<std::size_t>(std::count_if(scouts.begin(), scouts.end(), [](auto const& s) {
      return s.is == scout::state::waiting;
    }));
  }
  [[nodiscard]] std::uint8_t index_of(scout const& s) const noexcept {
    return static_cast<std::uint8_t>(&s - scouts.begin());
  }
  // Who led to it, the first hand first; without itself.
  [[nodiscard]] bounded_vector<peer, 8> way_to(scout const& s) const noexcept {
    bounded_vector<peer, 8> way;
    for (auto i = s.by; i != scout::nobody && !way.full(); i = scouts[i].by) {
      way.insert_bounded(way.begin(), scouts[i].who);
    }
    return way;
  }
  // Everybody on the way to a record led to it.
  void credit(scout& s) noexcept {
    s.gave = true;
    for (auto i = s.by; i != scout::nobody; i = scouts[i].by) scouts[i].gave = true;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& what& needs& nonce& deadline& at_least& checking& messages& scouts& records;
  }

 private:
  // Of all questions, what may go through one of so many roots.
  [[nodiscard]] static std::size_t share(std::size_t questions_max, std::size_t roots) noexcept {
    return questions_max / std::clamp<std::size_t>(roots, 1, 4);
  }
  [[nodiscard]] static bool named_and_fresh(scout const& s) noexcept {
    return s.depth > 1 && s.is == scout::state::fresh;
  }
  [[nodiscard]] static bool better(scout const& a, scout const& b) noexcept {
    if (a.worth != b.worth) return a.worth > b.worth;
    if (a.depth != b.depth) return a.depth < b.depth;
    return a.order < b.order;
  }
};

// A provider's record on its way to be believed.
struct quest_check {
  static constexpr std::size_t per_peer_max = 32;
  command by{};
  activity of{};
  peer from{};
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& by& of& from& record;
  }
};

}  // namespace hydra::routing
