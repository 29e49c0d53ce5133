// A policy whose kind is chosen at run time: one of several for the same slot.
//
//   using scheduler = hydra::one_of<scheduling::power_of_d, scheduling::local_only>;
//   using my_hydra = hydra::Hydra<scheduler>;
//   my_hydra alone{settings, scheduler{scheduling::local_only{}}};
//
// Promise: behaves as the alternative it holds and models the concept of the slot; it is at most
// 8 bytes larger than its largest alternative. Refinements (accepts, ask, abandon) and friends are
// offered when any alternative has them; one without gets what Hydra<...> does for a policy that is
// silent, and a find that it cannot abandon goes on.
//
// Rules.
// - Choose before on_start. Timers and activities of an alternative are not taken back when
//   another is assigned later.
// - Messages, facts, activities and records are those of all alternatives, each once. A message
//   that only another alternative knows is dropped: the sender made another choice.
// An attacker gains nothing: messages do not choose.
// Cost: a compare and a branch per call and alternative passed over, and what is inlined less:
// 0.2 % of the instructions of a planet with a choice in every slot; bench/assembly_cost.cpp
// counts them.
#pragma once

#include <hydra/assembly/defaults.hpp>
#include <hydra/assembly/hydra.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

namespace hydra {

template <class... Alternatives>
class one_of;

namespace detail {

template <class P, class E>
inline constexpr bool starts = requires(P& p, E& e) { p.on_start(e); };
template <class P, class E>
inline constexpr bool ticks = requires(P& p, E& e) { p.on_timer(e, std::uint16_t{}); };
template <class P, class E, class F>
inline constexpr bool minds =
    requires(P& p, E& e, F const& f) { p.on_fact(e, f); } || std::same_as<F, unreachable>;
template <class P, class E>
inline constexpr bool minds_lies = requires(P& p, E& e) { p.misled(e, principal{}); };
template <class P, class E>
inline constexpr bool abandons = requires(P& p, E& e, activity id) { p.abandon(e, id); };
template <class P>
inline constexpr bool has_friends = requires(P& p) { p.befriend(principal{}, peer{}); };

template <class First, class...>
struct first_of_types {
  using type = First;
};
template <class... Of>
using common_tag = typename first_of_types<Of...>::type::policy_concept;

template <class Choice>
class passing {
 protected:
  [[nodiscard]] Choice& mine() noexcept { return static_cast<Choice&>(*this); }
  [[nodiscard]] Choice const& mine() const noexcept { return static_cast<Choice const&>(*this); }
};

// What a slot asks of its policy, passed on to the alternative held. `Choice` is the one_of.
template <class Choice, class Tag, class... Of>
class passed_on;

template <class Choice, class... Of>
class passed_on<Choice, routing_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;
  template <class P>
  using closest_of = decltype(std::declval<P const&>().closest(key{}, std::size_t{}));
  static constexpr std::size_t most = std::max({closest_of<Of>::capacity()...});

 public:
  [[nodiscard]] activity find(auto& env, want const& w) {
    return mine().visit([&](auto& p) { return p.find(env, w); });
  }
  // An alternative that cannot stop looking goes on: its `found` follows, nobody waiting for it.
  template <class Env>
    requires(abandons<Of, Env> || ...)
  std::uint16_t abandon(Env& env, activity id) {
    return mine().visit([&](auto& p) -> std::uint16_t {
      if constexpr (abandons<std::remove_cvref_t<decltype(p)>, Env>) return p.abandon(env, id);
      return 0;
    });
  }
  void publish(auto& env, provider_record const& r) {
    mine().visit([&](auto& p) { p.publish(env, r); });
  }
  void withdraw(auto& env, service what) {
    mine().visit([&](auto& p) { p.withdraw(env, what); });
  }
  void join(auto& env, std::span<peer const> known) {
    mine().visit([&](auto& p) { p.join(env, known); });
  }
  void seen(auto& env, peer who) {
    mine().visit([&](auto& p) { p.seen(env, who); });
  }
  void failed(auto& env, peer who) {
    mine().visit([&](auto& p) { p.failed(env, who); });
  }
  // As long as the longest of the alternatives.
  [[nodiscard]] bounded_vector<peer, most> closest(key const& to, std::size_t k) const {
    return mine().visit([&](auto const& p) {
      bounded_vector<peer, most> out;
      for (auto who : p.closest(to, k)) out.push_back(who);
      return out;
    });
  }
  [[nodiscard]] std::size_t contacts() const {
    return mine().visit([](auto const& p) { return std::size_t{p.contacts()}; });
  }
};

template <class Choice, class... Of>
class passed_on<Choice, proximity_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;

 public:
  void observe(auto& env, peer who, duration rtt) {
    mine().visit([&](auto& p) { p.observe(env, who, rtt); });
  }
  template <class Env>
    requires(LearnsPlaces<Of, Env> || ...)
  void observe(Env& env, peer who, duration rtt, cell where) {
    mine().visit([&](auto& p) { observe_at(p, env, who, rtt, where); });
  }
  [[nodiscard]] duration estimate(peer who, cell where) const {
    return mine().visit([&](auto const& p) { return p.estimate(who, where); });
  }
  [[nodiscard]] cell disclosed() const {
    return mine().visit([](auto const& p) { return p.disclosed(); });
  }
};

template <class Choice, class... Of>
class passed_on<Choice, trust_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;

 public:
  void observe(auto& env, receipt const& r) {
    mine().visit([&](auto& p) { p.observe(env, r); });
  }
  void vouched(auto& env, principal by, principal who, trust how_far) {
    mine().visit([&](auto& p) { p.vouched(env, by, who, how_far); });
  }
  void proof(auto& env, principal who) {
    mine().visit([&](auto& p) { p.proof(env, who); });
  }
  template <class Env>
    requires(minds_lies<Of, Env> || ...)
  void misled(Env& env, principal who) {
    mine().visit([&](auto& p) {
      if constexpr (minds_lies<std::remove_cvref_t<decltype(p)>, Env>) p.misled(env, who);
    });
  }
  [[nodiscard]] trust score(principal who) const {
    return mine().visit([&](auto const& p) { return p.score(who); });
  }
  [[nodiscard]] verdict admits(auto& env, principal who, right what) const {
    return mine().visit([&](auto const& p) { return p.admits(env, who, what); });
  }
  // No concept asks for friends; worlds give them to whoever takes them.
  bool befriend(principal who, peer head)
    requires(has_friends<Of> || ...)
  {
    return mine().visit([&](auto& p) {
      if constexpr (has_friends<std::remove_cvref_t<decltype(p)>>) {
        return static_cast<bool>(p.befriend(who, head));
      } else {
        return false;
      }
    });
  }
};

template <class Choice, class... Of>
class passed_on<Choice, scheduling_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;

 public:
  [[nodiscard]] choice place(auto& env, job const& j, std::span<candidate const> among) {
    return mine().visit([&](auto& p) { return p.place(env, j, among); });
  }
  template <class Env>
    requires(ChoosesBidders<Of, Env> || ...)
  [[nodiscard]] shortlist ask(Env& env, job const& j, std::span<candidate const> found) {
    return mine().visit([&](auto& p) { return ask_bidders(p, env, j, found); });
  }
  template <class Env>
    requires(ChoosesWork<Of, Env> || ...)
  [[nodiscard]] decision accepts(Env& env, offer const& o, load const& l) {
    return mine().visit([&](auto& p) { return accept_work(p, env, o, l); });
  }
};

template <class Choice, class... Of>
class passed_on<Choice, verify_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;

 public:
  [[nodiscard]] std::uint8_t checks(auto& env, job const& j, verdict const& v) {
    return mine().visit([&](auto& p) { return p.checks(env, j, v); });
  }
  [[nodiscard]] judgement judge(auto& env, job const& j, std::span<testimony const> all) {
    return mine().visit([&](auto& p) { return p.judge(env, j, all); });
  }
};

template <class Choice, class... Of>
class passed_on<Choice, code_tag, Of...> : public passing<Choice> {
  using passing<Choice>::mine;

 public:
  [[nodiscard]] verdict may_run(auto& env, manifest const& m, principal who) const {
    return mine().visit([&](auto const& p) { return p.may_run(env, m, who); });
  }
  void offered(auto& env, manifest const& m) {
    mine().visit([&](auto& p) { p.offered(env, m); });
  }
};

}  // namespace detail

template <class... Alternatives>
class one_of : public detail::passed_on<one_of<Alternatives...>,
                                        detail::common_tag<Alternatives...>, Alternatives...> {
  using all = type_list<Alternatives...>;

 public:
  using policy_concept = detail::common_tag<Alternatives...>;
  static_assert((PolicyFor<Alternatives, policy_concept> && ...),
                "one_of: all alternatives belong in the same slot");
  static_assert(merged<all>::size == all::size, "one_of: an alternative is named twice");

  using messages = merged<messages_of<Alternatives>...>;
  using inputs = merged<inputs_of<Alternatives>...>;
  using facts = merged<facts_of<Alternatives>...>;
  using activities = merged<activities_of<Alternatives>...>;
  using records = merged<records_of<Alternatives>...>;

  one_of() = default;  // the first alternative
  template <class P>
    requires contains<P, type_list<Alternatives...>>
  one_of(P const& policy) : held_{policy} {}

  template <class P>
    requires contains<P, type_list<Alternatives...>>
  [[nodiscard]] bool holds() const noexcept {
    return held_.index() == index_of<P, all>;
  }
  // The alternative held, or null.
  template <class P>
    requires contains<P, type_list<Alternatives...>>
  [[nodiscard]] P const* get() const noexcept {
    return std::get_if<P>(&held_);
  }
  template <class F>
  decltype(auto) visit(F&& f) {
    return open<0>(held_, f);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return open<0>(held_, f);
  }

  // ---- what a policy may be told
  template <class Env>
    requires(detail::starts<Alternatives, Env> || ...)
  void on_start(Env& env) {
    visit([&](auto& p) {
      if constexpr (requires { p.on_start(env); }) p.on_start(env);
    });
  }
  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    visit([&](auto& p) {
      if constexpr (contains<M, messages_of<std::remove_cvref_t<decltype(p)>>>) {
        tell_message(p, env, from, m);
      }
    });
  }
  template <class Env>
    requires(detail::ticks<Alternatives, Env> || ...)
  void on_timer(Env& env, std::uint16_t tag) {
    visit([&](auto& p) {
      if constexpr (requires { p.on_timer(env, tag); }) p.on_timer(env, tag);
    });
  }
  template <class Env, class F>
    requires(detail::minds<Alternatives, Env, F> || ...)
  void on_fact(Env& env, F const& fact) {
    visit([&](auto& p) { tell_policy(p, env, fact); });
  }

  // Which one, then its state. A number that names none leaves the choice as it is.
  template <class A>
    requires(Restorable<Alternatives> && ...)
  void serialize(A& a, unsigned version) {
    auto which = static_cast<std::uint8_t>(held_.index());
    a& which;
    if (which != held_.index()) choose(which, std::index_sequence_for<Alternatives...>{});
    visit([&](auto& p) {
      if constexpr (Described<std::remove_cvref_t<decltype(p)>>) p.serialize(a, version);
    });
  }

 private:
  // The last one needs no compare.
  template <std::size_t I, class Held, class F>
  static decltype(auto) open(Held& held, F& f) {
    if constexpr (I + 1 == sizeof...(Alternatives)) {
      return f(*std::get_if<I>(&held));
    } else {
      if (held.index() == I) return f(*std::get_if<I>(&held));
      return open<I + 1>(held, f);
    }
  }
  template <std::size_t... I>
  void choose(std::size_t which, std::index_sequence<I...>) {
    static_cast<void>(
        ((which == I ? (static_cast<void>(held_.template emplace<I>()), true) : false) || ...));
  }

  std::variant<Alternatives...> held_{};
  static_assert(sizeof(held_) <= std::max({sizeof(Alternatives)...}) + 8,
                "one_of: at most 8 bytes larger than the largest alternative");
};

}  // namespace hydra
