// Scheduling decides on both sides: an executor whether it takes a job, an owner where it goes.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>
#include <cstdint>
#include <span>

namespace hydra {

// How busy this head is, as the assembly accounts it.
struct load {
  capacity power{};
  std::uint16_t running = 0;  // tasks on a core now
  std::uint16_t waiting = 0;  // accepted, not started
  duration backlog{};         // predicted time until a core is free
};

struct decision {
  bool accepted = false;
  duration start{};   // predicted wait before it starts
  duration finish{};  // predicted time until the result is there, without the network
};

inline constexpr std::size_t shortlist_max = 8;
using shortlist = bounded_vector<std::uint8_t, shortlist_max>;  // indexes into the candidates

// place: `among` holds those who bid (queue >= 0, delay estimated, score filled in); the choice
// names the terms it was made by. A policy may also say whom to ask for bids:
//   shortlist ask(env, job const&, span<candidate const> found)
// otherwise the shortlist_default nearest are asked.
inline constexpr std::size_t shortlist_default = 4;

template <class P, class E>
concept SchedulingPolicy =
    PolicyFor<P, scheduling_tag> &&
    requires(P& p, E& env, job const& j, std::span<candidate const> among) {
      { p.place(env, j, among) } -> std::same_as<choice>;
    };

// What may be left out: then offers are accepted while half of the places for leases are free.
template <class P, class E>
concept ChoosesWork = SchedulingPolicy<P, E> && requires(P& p, E& env, offer const& o, load l) {
  { p.accepts(env, o, l) } -> std::same_as<decision>;
};
template <class P, class E>
concept ChoosesBidders =
    SchedulingPolicy<P, E> && requires(P& p, E& env, job const& j, std::span<candidate const> c) {
      { p.ask(env, j, c) } -> std::same_as<shortlist>;
    };

}  // namespace hydra
