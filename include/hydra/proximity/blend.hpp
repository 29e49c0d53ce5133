// Two ways to estimate a round trip, each trusted as far as it was right.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/proximity/concept.hpp>
#include <hydra/proximity/geographic.hpp>
#include <hydra/proximity/vivaldi.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::proximity {

// Promises. What was measured, where either part measured it. Else, where both predict, the mean
// of both with weights 1/e^2, e the relative error that each showed on heads measured since; where
// one predicts, that; where none does, what the first says of the unknown.
//
// Rules. Whenever a round trip is measured, each part is asked first what it would have predicted
// (not what it measured before), and e follows with 1/8 of |prediction - rtt| / rtt, at most 1.5.
// Both begin at 1/2, so that neither is preferred unseen. With weights 1/e^2 two independent
// predictions give the mean of least variance, and one four times as wrong as the other counts
// for a seventeenth. The cell of the measured head comes with the measurement (LearnsPlaces).
//
// What an attacker gains: what the parts allow. Heads that lie to one part and are measured make
// that part count less; they cannot make it count more than it is right on heads measured.
// Cost: the messages of both; their sizes and eight bytes; an estimate asks both, and takes two
// divisions of 128 bits.
// Only one of the two may have timers or a start: they would share its tags.
template <class A = geographic, class B = vivaldi<>>
class blend {
 public:
  using policy_concept = proximity_tag;
  using messages = joined<messages_of<A>, messages_of<B>>;
  using facts = joined<facts_of<A>, facts_of<B>>;
  using inputs = joined<inputs_of<A>, inputs_of<B>>;
  using activities = joined<activities_of<A>, activities_of<B>>;
  using records = joined<records_of<A>, records_of<B>>;
  static_assert(PredictsProximity<A, archetype_view<A>>);
  static_assert(PredictsProximity<B, archetype_view<B>>);
  static_assert(ids_are_unique<messages>, "blend: both parts claim one message");

  static constexpr std::uint32_t one = 1U << 16U;  // of relative errors
  static constexpr std::uint32_t error_most = one / 2 * 3;

  constexpr blend() = default;
  constexpr explicit blend(A const& a, B const& b = {}) : a_{a}, b_{b} {}

  [[nodiscard]] constexpr A const& first() const noexcept { return a_; }
  [[nodiscard]] constexpr B const& second() const noexcept { return b_; }
  // Relative error of each part on what was measured, with 16 binary digits.
  [[nodiscard]] constexpr std::array<std::uint32_t, 2> errors() const noexcept { return errors_; }

  void observe(auto& env, peer who, duration rtt) { observe(env, who, rtt, {}); }
  void observe(auto& env, peer who, duration rtt, cell where) {
    if (rtt > duration{}) {
      learn(errors_[0], a_.predict(who, where), rtt);
      learn(errors_[1], b_.predict(who, where), rtt);
    }
    observe_at(a_, env, who, rtt, where);
    observe_at(b_, env, who, rtt, where);
  }
  [[nodiscard]] constexpr duration estimate(peer who, cell where) const noexcept {
    if (a_.measured(who)) return a_.estimate(who, where);
    if (b_.measured(who)) return b_.estimate(who, where);
    auto const mixed = predict(who, where);
    return mixed < duration{} ? a_.estimate(who, where) : mixed;
  }
  [[nodiscard]] constexpr duration predict(peer who, cell where) const noexcept {
    auto const a = a_.predict(who, where);
    auto const b = b_.predict(who, where);
    if (a < duration{}) return b;
    if (b < duration{}) return a;
    auto const square = [](std::uint32_t e) { return std::int64_t{e} * e + 1; };
    auto const of_a = square(errors_[1]);
    auto const of_b = square(errors_[0]);
    return a + duration{mul_div((b - a).count(), of_b, of_a + of_b)};
  }
  [[nodiscard]] constexpr bool measured(peer who) const noexcept {
    return a_.measured(who) || b_.measured(who);
  }
  [[nodiscard]] constexpr cell disclosed() const noexcept {
    auto const by_first = a_.disclosed();
    return by_first.said() ? by_first : b_.disclosed();
  }

  void join(auto& env, std::span<peer const> known) {
    each([&](auto& p) {
      if constexpr (requires { p.join(env, known); }) p.join(env, known);
    });
  }
  void failed(auto& env, peer who) {
    each([&](auto& p) {
      if constexpr (requires { p.failed(env, who); }) p.failed(env, who);
    });
  }
  void on_start(auto& env) {
    each([&](auto& p) {
      if constexpr (requires { p.on_start(env); }) p.on_start(env);
    });
  }
  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    if constexpr (contains<M, messages_of<A>>) {
      a_.on_message(env, from, m);
    } else {
      b_.on_message(env, from, m);
    }
  }
  template <class Env>
  void on_timer(Env& env, std::uint16_t tag) {
    constexpr bool a = requires(A& p) { p.on_timer(env, tag); };
    constexpr bool b = requires(B& p) { p.on_timer(env, tag); };
    static_assert(!(a && b), "blend: both parts have timers");
    if constexpr (a) a_.on_timer(env, tag);
    if constexpr (b) b_.on_timer(env, tag);
  }
  template <class Env, class F>
  void on_fact(Env& env, F const& fact) {
    each([&](auto& p) {
      if constexpr (requires { p.on_fact(env, fact); }) p.on_fact(env, fact);
    });
  }

  template <class Ar>
  void serialize(Ar& a, unsigned) {
    a& a_& b_& errors_;
    for (auto& e : errors_) e = std::min(e, error_most);
  }

 private:
  static constexpr void learn(std::uint32_t& error, duration predicted, duration rtt) noexcept {
    if (predicted < duration{}) return;
    auto const off = predicted < rtt ? rtt - predicted : predicted - rtt;
    auto const seen = std::min<std::int64_t>(mul_div(off.count(), one, rtt.count()), error_most);
    error = static_cast<std::uint32_t>((std::int64_t{error} * 7 + seen) / 8);
  }
  void each(auto&& visit) {
    visit(a_);
    visit(b_);
  }

  A a_{};
  B b_{};
  std::array<std::uint32_t, 2> errors_{one / 2, one / 2};
};

static_assert(PredictsProximity<blend<>, archetype_view<blend<>>>);
static_assert(LearnsPlaces<blend<>, archetype_view<blend<>>>);
static_assert(sizeof(blend<>) <= sizeof(geographic) + sizeof(vivaldi<>) + 8);

}  // namespace hydra::proximity
