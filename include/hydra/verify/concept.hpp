// Verification decides how often a result is produced again, and which one to believe.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>
#include <cstdint>
#include <span>

namespace hydra {

// A result as the owner sees it: who said so, and the hash of what was said.
struct testimony {
  principal who{};
  verdict standing{};
  key hash{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& standing& hash;
  }
};

struct judgement {
  enum class kind : std::uint8_t { accept, again, give_up };
  kind what = kind::accept;
  std::uint8_t believed = 0;  // index of the testimony that is accepted
  // Those whose testimony differs from the accepted one, a bit each: their proofs of forgery.
  std::uint32_t forged = 0;
};

inline constexpr std::size_t testimonies_max = 7;

template <class P, class E>
concept VerifyPolicy =
    PolicyFor<P, verify_tag> &&
    requires(P& p, E& env, job const& j, verdict const& v, std::span<testimony const> all) {
      // How many more principals shall run it, decided when the first one is chosen.
      { p.checks(env, j, v) } -> std::same_as<std::uint8_t>;
      { p.judge(env, j, all) } -> std::same_as<judgement>;
    };

}  // namespace hydra
