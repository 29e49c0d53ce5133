// Repeat on a second principal, compare the hashes, let a third judge.
//
// Promise: a result of ring 3 alone is never believed; a believed result was said by at least
// two principals, more than said any other, or by oneself, or by one whose ring is only
// spot-checked and whose result was not drawn for it.
//
// Rules.
// - How often: by ring, as ratios of integers drawn from env.random(): own 0, peer group and
//   friends of friends 1/10, strangers 1. Decided when the first executor is chosen, so a
//   result cannot influence whether it is checked; the executor is never told.
// - A principal has one voice however many heads it has: its first testimony counts.
// - Two equal voices win, if no other result has as many; otherwise one more is asked for, up to
//   testimonies_max, then the job is given up. Those who said otherwise are marked as forged.
// - What this Hydra computed itself (ring 0) is believed against any number of others.
//
// An attacker gains: with a share f of forgers that agree on the same lie, a stranger's job is
// wrong with about f^2(3-2f) (Sarmenta: 2.8 % at f = 0.1), and then an honest one is marked. One
// in the peer group is caught with 1/10 for each lie: on average after ten. A service whose
// result is not the same bytes each time makes honest principals look like forgers: it must say
// so and not be verified this way.
// Cost: strangers double the work and a tenth for friends; a disagreement costs one more run.
// 32 bytes of configuration, no state per peer; judge is O(n^2) in at most 7 testimonies.
//
// Paper: Sarmenta, "Sabotage-tolerance mechanisms for volunteer computing systems" (2002), m-first
// voting with m = 2. Departures: single results are believed at a rate by ring; spot-checks are
// repetitions by another principal, not jobs with a known answer; blacklisting is the trust
// room's (a proof bans); no backtracking over older results.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/verify/concept.hpp>

#include <algorithm>
#include <array>

namespace hydra::verify {

struct repeat {
  using policy_concept = verify_tag;

  std::array<ratio, 4> rate{ratio{0, 1}, ratio{1, 10}, ratio{1, 10}, ratio{1, 1}};  // by ring

  [[nodiscard]] std::uint8_t checks(auto& env, job const&, verdict const& v) const {
    return env.random().chance(rate_of(v)) ? 1 : 0;
  }

  // Precondition of meaning: as many testimonies as were asked for have arrived.
  [[nodiscard]] judgement judge(auto&, job const&, std::span<testimony const> all) const {
    auto const said = all.first(std::min(all.size(), testimonies_max));
    if (said.empty()) return {judgement::kind::again, 0, 0};
    if (auto const own = own_word(said); own != nobody) return believe(said, own);
    auto const [best, voices, rival] = most_voices(said);
    bool const agreed = voices >= 2 && voices > rival;
    if (agreed) return believe(said, best);
    bool const alone = voices == 1 && rival == 0;
    if (alone && !is_always_checked(said[best].standing)) return believe(said, best);
    auto const full = all.size() >= testimonies_max;
    return {full ? judgement::kind::give_up : judgement::kind::again, 0, 0};
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& rate;
  }

 private:
  static constexpr std::size_t nobody = testimonies_max;
  struct tally {
    std::size_t best = 0;      // first testimony of the result with most voices
    std::size_t voices = 0;
    std::size_t rival = 0;     // voices of the next result
  };

  [[nodiscard]] ratio rate_of(verdict const& v) const noexcept {
    return rate[std::min<std::size_t>(v.ring, 3)];
  }
  [[nodiscard]] bool is_always_checked(verdict const& v) const noexcept {
    return rate_of(v).part >= rate_of(v).whole;
  }
  // Whether testimony i is the first of its principal.
  [[nodiscard]] static bool counts(std::span<testimony const> said, std::size_t i) noexcept {
    for (std::size_t k = 0; k < i; ++k) {
      if (said[k].who == said[i].who) return false;
    }
    return true;
  }
  [[nodiscard]] static std::size_t own_word(std::span<testimony const> said) noexcept {
    for (std::size_t i = 0; i < said.size(); ++i) {
      if (said[i].standing.ring == 0 && said[i].standing.admitted) return i;
    }
    return nobody;
  }
  [[nodiscard]] static tally most_voices(std::span<testimony const> said) noexcept {
    tally out;
    for (std::size_t i = 0; i < said.size(); ++i) {
      bool first = true;
      for (std::size_t k = 0; k < i; ++k) first = first && said[k].hash != said[i].hash;
      if (!first) continue;
      std::size_t n = 0;
      for (std::size_t k = i; k < said.size(); ++k) {
        n += said[k].hash == said[i].hash && counts(said, k) ? 1U : 0U;
      }
      if (n > out.voices) {
        out = {i, n, out.voices};
      } else {
        out.rival = std::max(out.rival, n);
      }
    }
    return out;
  }
  [[nodiscard]] static judgement believe(std::span<testimony const> said, std::size_t which) {
    judgement out{judgement::kind::accept, static_cast<std::uint8_t>(which), 0};
    for (std::size_t i = 0; i < said.size(); ++i) {
      if (said[i].hash != said[which].hash) out.forged |= std::uint32_t{1} << i;
    }
    return out;
  }
};

static_assert(VerifyPolicy<repeat, archetype_view<repeat>>);

}  // namespace hydra::verify
