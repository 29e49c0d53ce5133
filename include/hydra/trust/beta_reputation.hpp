// Beta reputation: what one has seen oneself, and nothing else.
//
// Promise: the score of a principal is (r+1)/(r+s+2) of the receipts with it, r good and s bad,
// fading with a half-life; who forged is refused, for good or for `ban` time.
//
// Rules.
// - Only receipts of which this Hydra is a side count (ledger.hpp): others may sign what they
//   like about each other.
// - The ring is 3 for all but oneself: reputation never lowers the rate of verification, so a
//   good name cannot be cashed in by one big lie.
// - A score lies between two calls of admits or observe at most: score() has no clock and reads
//   the evidence as of the last instant that this policy was told.
//
// An attacker gains: a new name starts at 1/2 again, so a bad name costs nothing to shed; a
// flood of names makes this Hydra forget the least known stranger. It cannot raise its score
// without doing jobs that this Hydra signed for; small jobs count as much as big ones.
// Cost: one pass over 32 x 16 bytes per receipt and per question; 552 bytes per peer; no
// messages.
//
// Paper: Josang and Ismail, "The Beta Reputation System", 15th Bled Conference (2002).
// Departures: forgetting by absolute instants, not per rating (the paper's lambda); evidence is
// capped at 255 of each kind; ratings are 0 or 1; others' ratings are not combined.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/trust/concept.hpp>
#include <hydra/trust/ledger.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::trusts {

struct beta_config {
  duration half_life = std::chrono::hours{7 * 24};  // of evidence; zero: it never fades
  duration ban{};                                   // how long a ban lasts; zero: for good
  trust floor = trust::percent(20);                 // nobody below is admitted

  template <class A>
  void serialize(A& a, unsigned) {
    a& half_life& ban& floor;
  }
};

template <std::size_t Entries>
class basic_beta_reputation {
 public:
  using policy_concept = trust_tag;
  using facts = type_list<banned>;

  basic_beta_reputation() = default;
  explicit basic_beta_reputation(beta_config const& config) : config_{config} {}

  void on_start(auto& env) {
    own_ = env.about(env.self()).principal;
    told_ = step(env.now());
  }

  void observe(auto& env, receipt const& r) {
    told_ = step(env.now());
    if (!own_) own_ = env.about(env.self()).principal;
    auto const what = aged(lesson_of(own_, r), step(r.about.issued), told_);
    if (!what.who || what.who == own_) return;
    auto& e = make(what.who);
    if (!e.is_banned() || lapsed(e, told_)) {
      if (e.is_banned()) e = {.who = what.who};
      e.add(told_, what.good, what.bad);
    }
  }
  // Half a bad receipt: nobody was harmed yet, but a word was not kept.
  void misled(auto& env, principal who) {
    told_ = step(env.now());
    if (!who || who == own_) return;
    auto& e = make(who);
    if (!e.is_banned()) e.add(told_, 0, evidence_unit / 2);
  }
  void vouched(auto&, principal, principal, trust) const noexcept {}  // hearsay counts nothing
  void proof(auto& env, principal who) {
    told_ = step(env.now());
    if (!who || who == own_) return;
    auto const* known = known_.find(who);
    bool const again = known != nullptr && known->is_banned() && !lapsed(*known, told_);
    if (auto const* old = known_.ban_to_drop(); old != nullptr && !again) {
      known_.erase(old->who);
    }
    make(who).ban(told_);
    if (!again) env.emit(banned{who});
  }

  [[nodiscard]] trust score(principal who) const { return score_at(who, told_); }
  [[nodiscard]] verdict admits(auto& env, principal who, right) const {
    if (own_ && who == own_) return {true, trust::raw(trust::one), 0};
    auto const now = step(env.now());
    auto const* e = known_.find(who);
    bool const out = e != nullptr && e->is_banned() && !lapsed(*e, now);
    auto const s = score_at(who, now);
    return {!out && s >= config_.floor, s, 3};
  }
  [[nodiscard]] std::size_t remembered() const noexcept { return known_.size(); }

  template <class A>
  void serialize(A& a, unsigned) {
    a& config_& known_& own_& told_;
  }

 private:
  [[nodiscard]] std::uint32_t step(instant now) const noexcept {
    return step_of(now, config_.half_life / steps_per_half_life);
  }
  [[nodiscard]] bool lapsed(ledger_entry const& e, std::uint32_t now) const noexcept {
    auto const each = config_.half_life / steps_per_half_life;
    if (config_.ban.count() <= 0 || each.count() <= 0) return false;
    return e.age(now) > config_.ban / each;
  }
  [[nodiscard]] trust score_at(principal who, std::uint32_t now) const {
    if (own_ && who == own_) return trust::raw(trust::one);
    auto const* e = known_.find(who);
    if (e == nullptr) return beta_mean(0, 0, trust::percent(50));
    if (!e->is_banned()) return e->mean(now, trust::percent(50));
    return lapsed(*e, now) ? beta_mean(0, 0, trust::percent(50)) : trust{};
  }
  [[nodiscard]] ledger_entry& make(principal who) {
    return known_.make(who, [&](ledger_entry const& e) { return e.weight(told_); });
  }

  beta_config config_{};
  ledger<Entries> known_{};
  principal own_{};
  std::uint32_t told_ = 0;  // the step of the last instant that was told
};

using beta_reputation = basic_beta_reputation<32>;

static_assert(TrustPolicy<beta_reputation, archetype_view<beta_reputation>>);

}  // namespace hydra::trusts
