// Membership answers: who else is here, and is alive? It keeps a view of a group, whole or partial,
// and says whenever the view changes.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra {

// Somebody entered the view, or came back to it.
struct neighbour_up {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// Somebody is in the view no longer: found dead, gone by itself, or given up for another.
struct neighbour_down {
  enum class cause : std::uint8_t { dead, left, replaced };
  peer who{};
  cause why = cause::dead;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& why;
  }
};
[[nodiscard]] constexpr neighbour_down::cause last_of(neighbour_down::cause) noexcept {
  return neighbour_down::cause::replaced;
}

// neighbours() is pure and allocates nothing: a range of peers, each once, never oneself. Facts
// tell every change of it, in order.
template <class P, class E>
concept MembershipPolicy =
    PolicyFor<P, membership_tag> && contains<neighbour_up, facts_of<P>> &&
    contains<neighbour_down, facts_of<P>> && requires(P& p, P const& c, E& env, peer who) {
      p.join(env, std::span<peer const>{});  // heads to start from
      p.leave(env);                          // says good-bye
      p.failed(env, who);                    // the transport knows that it is gone
      { c.neighbours().begin() };
      { c.neighbours().size() } -> std::convertible_to<std::size_t>;
    };

}  // namespace hydra
