// A small world in which order matters: many messages meet at the same instant, and what a node
// does next depends on all that it heard before, in order. Shared by the tests of the engine.
#pragma once

#include <hydra/sim/world.hpp>

#include <array>
#include <chrono>
#include <cstdint>

namespace engine {

using namespace hydra;
using namespace std::chrono_literals;

struct rumour {
  static constexpr message_id id{room::node, 1, 1};
  std::uint64_t salt = 0;
  peer about{};
  std::uint8_t left = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& salt& about& left;
  }
};
struct heard {
  std::uint64_t all = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& all;
  }
};
struct open_question {
  static constexpr std::size_t per_peer_max = 8;
  std::uint64_t salt = 0;
};
struct poke {
  std::uint64_t salt = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& salt;
  }
};

// by_handle plants the mistake that check mode exists for.
template <bool by_handle = false>
struct gossip {
  using messages = type_list<rumour>;
  using inputs = type_list<poke>;
  using facts = type_list<heard>;
  using activities = type_list<open_question>;
  static constexpr std::uint16_t tick = 1;
  static constexpr std::uint16_t later = 2;

  std::array<peer, 4> friends{};
  std::uint64_t memory = 0;
  timer pending{};

  void on_start(auto& env) {
    env.every(100ms, duration{1ms} * static_cast<int>(env.random().below(20)), tick);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == tick) return tell(env, env.random().bits(), 3);
    pending = {};
    env.emit(heard{memory});
  }
  void on_message(auto& env, peer from, rumour const& m) {
    memory = mix64(memory ^ m.salt) + env.about(from).key.prefix();
    memory += env.about(m.about).key.prefix();
    if (by_handle) memory += from.index() % 3;
    auto questions = env.template pool<open_question>();
    if (questions.full()) {
      questions.each([&](activity which, open_question const& q) {
        if (q.salt % 2 == 0) questions.erase(which);
      });
    }
    static_cast<void>(questions.add({memory}));
    if (pending) env.disarm(pending);
    pending = env.arm(5ms, later);
    if (m.left > 0) tell(env, memory, static_cast<std::uint8_t>(m.left - 1));
  }
  void on_fact(auto& env, poke const& p) { tell(env, p.salt, 5); }

 private:
  void tell(auto& env, std::uint64_t salt, std::uint8_t left) {
    env.send(friends[salt % 4], rumour{salt, friends[salt / 4 % 4], left});
  }
};

// Delays are whole milliseconds, so messages of several peers meet.
template <bool by_handle = false>
struct meeting : sim::plain_setting {
  meeting(std::uint64_t seed, std::uint32_t n) : plain_setting{seed, n} {}
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] gossip<by_handle> make(sim::permutation const& view, std::uint32_t who) const {
    gossip<by_handle> g;
    for (std::uint32_t i = 0; i < 4; ++i) {
      auto const step = 1 + static_cast<std::uint32_t>(mix64(seed() + who * 4ULL + i) %
                                                       (peers() - 1));
      g.friends[i] = peer{view.seen((who + step) % peers())};
    }
    return g;
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    return {.delay = 10ms + 1ms * static_cast<int>(mix64(t.from * 31ULL + t.to) % 5)};
  }
};

struct voices {
  std::uint64_t facts = 0;
  std::uint64_t sum = 0;
  void fact(instant at, std::uint32_t who, heard const& h) noexcept {
    ++facts;
    sum += mix64(h.all ^ mix64(static_cast<std::uint64_t>(ns(at))) ^ who);
  }
  void merge(voices const& o) noexcept {
    facts += o.facts;
    sum += o.sum;
  }
  friend bool operator==(voices const&, voices const&) = default;
};

using gossip_world = sim::world<gossip<>, meeting<>, voices>;

}  // namespace engine
