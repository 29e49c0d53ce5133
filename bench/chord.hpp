// Chord-S: the exact steady-state Chord scenario on which simulators are compared, as an ordinary
// node on the public headers. 32-bit identifiers, perfect ring at the start, recursive lookups,
// strictly periodic timers (Stoica et al., SIGCOMM 2001; parameters of SimGrid's dht-chord).
#pragma once

#include <hydra/core/node.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace chord_s {

using hydra::message_id;
using hydra::peer;
using hydra::room;

struct find {
  static constexpr message_id id{room::node, 1, 1};
  std::uint32_t key = 0;
  peer origin{};
  std::uint8_t hops = 0;
  std::uint8_t finger = 0;  // 32: a user's lookup
  template <class A>
  void serialize(A& a, unsigned) {
    a& key& origin& hops& finger;
  }
};
struct found {
  static constexpr message_id id{room::node, 2, 1};
  std::uint32_t key = 0;  // of the successor
  peer successor{};
  std::uint8_t hops = 0;
  std::uint8_t finger = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& key& successor& hops& finger;
  }
};
struct get_predecessor {
  static constexpr message_id id{room::node, 3, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct predecessor {
  static constexpr message_id id{room::node, 4, 1};
  std::uint32_t key = 0;
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& key& who;
  }
};
struct notify {
  static constexpr message_id id{room::node, 5, 1};
  std::uint32_t key = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& key;
  }
};
struct ping {
  static constexpr message_id id{room::node, 6, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct pong {
  static constexpr message_id id{room::node, 7, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

// What a lookup tells its user.
struct looked_up {
  std::uint8_t hops = 0;
  bool started = false;  // false: it is done
  template <class A>
  void serialize(A& a, unsigned) {
    a& hops& started;
  }
};

class node {
 public:
  using messages = hydra::type_list<find, found, get_predecessor, predecessor, notify, ping, pong>;
  using facts = hydra::type_list<looked_up>;
  // What an event usually touches: the header, the successor and the far half of the fingers.
  static constexpr std::size_t hot_bytes = 168;

  struct neighbour {
    std::uint32_t key = 0;
    peer who{};
  };

  node(std::uint32_t me, neighbour before, std::array<neighbour, 32> const& fingers)
      : random_{hydra::mix64(me)}, me_{me}, predecessor_{before} {
    for (std::uint32_t b = 0; b < 32; ++b) finger(b) = fingers[b];
  }

  void on_start(auto& env) {
    constexpr std::array<std::int64_t, 4> seconds{20, 120, 120, 10};
    for (std::uint16_t kind = 0; kind < 4; ++kind) {
      auto const bits = hydra::mix64(std::uint64_t{me_} * 4 + kind) >> 11U;
      double const share = static_cast<double>(bits) / 9007199254740992.0;  // 2^53
      auto const period = std::chrono::seconds{seconds[kind]};
      auto const phase = static_cast<double>(hydra::duration{period}.count()) * share;
      env.every(period, hydra::duration{static_cast<std::int64_t>(phase)}, kind);
    }
  }

  void on_timer(auto& env, std::uint16_t kind) {
    switch (kind) {
      case 0: return env.send(successor().who, get_predecessor{});
      case 1: return fix_finger(env);
      case 2: return env.send(predecessor_.who, ping{});
      default: return look_up(env);
    }
  }

  void on_message(auto& env, peer, find const& m) {
    if (between(m.key, me_, successor().key)) {
      env.send(m.origin, found{successor().key, successor().who, m.hops, m.finger});
    } else {
      auto next = m;
      ++next.hops;
      env.send(closest(m.key), next);
    }
  }
  void on_message(auto& env, peer, found const& m) {
    if (m.finger == 32) {
      env.emit(looked_up{m.hops, false});
    } else {
      finger(m.finger) = {m.key, m.successor};
    }
  }
  void on_message(auto& env, peer from, get_predecessor const&) {
    env.send(from, predecessor{predecessor_.key, predecessor_.who});
  }
  void on_message(auto& env, peer, predecessor const& m) {
    if (m.key - me_ - 1 < successor().key - me_ - 1) finger(0) = {m.key, m.who};
    env.send(successor().who, notify{me_});
  }
  void on_message(auto&, peer from, notify const& m) {
    if (m.key - predecessor_.key - 1 < me_ - predecessor_.key - 1) predecessor_ = {m.key, from};
  }
  void on_message(auto& env, peer from, ping const&) { env.send(from, pong{}); }
  void on_message(auto&, peer, pong const&) {}

 private:
  // Whether key lies in (from, to] on the ring.
  [[nodiscard]] static bool between(std::uint32_t key, std::uint32_t from, std::uint32_t to) {
    return key - from - 1 < to - from;
  }
  [[nodiscard]] neighbour const& successor() const { return fingers_[0]; }
  [[nodiscard]] peer closest(std::uint32_t key) const {
    auto const distance = key - me_ - 1;
    // A finger b lies at least 2^b away, so none above the distance's highest bit can be meant.
    for (auto b = static_cast<std::size_t>(std::bit_width(distance)); b-- > 0;) {
      if (finger(b).key - me_ - 1 < distance) return finger(b).who;
    }
    return successor().who;
  }
  void look_up(auto& env) {
    random_ = hydra::mix64(random_);
    auto const key = static_cast<std::uint32_t>(random_ >> 32U);
    env.emit(looked_up{0, true});
    if (between(key, me_, successor().key)) {
      env.emit(looked_up{0, false});
    } else {
      env.send(closest(key), find{key, env.self(), 1, 32});
    }
  }
  void fix_finger(auto& env) {
    auto const b = next_finger_;
    next_finger_ = static_cast<std::uint8_t>((next_finger_ + 1U) % 32U);
    auto const key = me_ + (std::uint32_t{1} << b);
    if (between(key, me_, successor().key)) {
      finger(b) = successor();
    } else {
      env.send(closest(key), find{key, env.self(), 1, b});
    }
  }

  // Finger 0, the successor, lies first, then the farthest: the near ones are seldom read.
  [[nodiscard]] neighbour& finger(std::size_t b) { return fingers_[(32 - b) % 32]; }
  [[nodiscard]] neighbour const& finger(std::size_t b) const { return fingers_[(32 - b) % 32]; }

  std::uint64_t random_;
  std::uint32_t me_;
  neighbour predecessor_;
  std::uint8_t next_finger_ = 0;
  std::array<neighbour, 32> fingers_{};
};

// The first n distinct identifiers, and the perfect ring over them.
class ring {
 public:
  explicit ring(std::uint32_t n) {
    std::vector<std::uint32_t> drawn;
    sorted_.reserve(n);
    for (std::uint64_t k = 0; sorted_.size() < n;) {
      auto const missing = n - sorted_.size();
      auto const first = static_cast<std::uint32_t>(sorted_.size());
      static_cast<void>(first);
      for (std::size_t i = 0; i < missing; ++i, ++k) {
        sorted_.push_back({static_cast<std::uint32_t>(hydra::mix64(42 + k) >> 32U),
                           peer{static_cast<std::uint32_t>(k)}});
      }
      drop_duplicates();
    }
    number();
  }
  [[nodiscard]] node make(std::uint32_t number) const {
    auto const place = place_[number];
    auto const me = sorted_[place].key;
    std::array<node::neighbour, 32> fingers{};
    for (std::uint32_t b = 0; b < 32; ++b) fingers[b] = at_or_after(me + (std::uint32_t{1} << b));
    return {me, sorted_[(place + sorted_.size() - 1) % sorted_.size()], fingers};
  }
  [[nodiscard]] std::uint32_t key_of(std::uint32_t number) const {
    return sorted_[place_[number]].key;
  }

 private:
  // Of candidates with the same identifier only the first counts; `who` holds k until number().
  void drop_duplicates() {
    auto const less = [](auto const& a, auto const& b) {
      return a.key != b.key ? a.key < b.key : a.who.index() < b.who.index();
    };
    std::sort(sorted_.begin(), sorted_.end(), less);
    auto const same = [](auto const& a, auto const& b) { return a.key == b.key; };
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end(), same), sorted_.end());
  }
  // The i-th distinct candidate is node i.
  void number() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
    order.reserve(sorted_.size());
    for (std::uint32_t i = 0; i < sorted_.size(); ++i) {
      order.emplace_back(sorted_[i].who.index(), i);
    }
    std::sort(order.begin(), order.end());
    place_.resize(order.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      place_[i] = order[i].second;
      sorted_[order[i].second].who = peer{i};
    }
  }
  [[nodiscard]] node::neighbour at_or_after(std::uint32_t key) const {
    auto const it = std::lower_bound(
        sorted_.begin(), sorted_.end(), key,
        [](node::neighbour const& n, std::uint32_t k) { return n.key < k; });
    return it == sorted_.end() ? sorted_.front() : *it;
  }

  std::vector<node::neighbour> sorted_;
  std::vector<std::uint32_t> place_;
};

}  // namespace chord_s
