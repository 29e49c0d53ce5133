// Routing policies made of routing policies.
//
//   // ask my ring first, then the key space, remember what worked
//   using my_routing = cached<first_of<capability<>, kademlia<8>>>;
//   my_routing routes;
//
//   first_of<A, B, ...>      asks A; whoever finds too few has the next one asked, results added
//   race<A, B, ...>          asks all at once; ends at twice as many candidates as are wanted, or a
//                            second after there were as many as are wanted, or when all have ended;
//                            who still looks is told to stop
//   cached<P>                remembers what P found, until it is old or failed
//   split_by<Rule, A, B, ...>  Rule{}(service) says which of them is in charge of a service
//   observe<P, Observer>     P, and an observer that is told of every find
//
//   composition<mine, P...>  to derive one's own from (docs/how_to/compose_routing.md)
//
// Promise, of each: it is a RoutingPolicy; exactly one `found` per find, no head of a Hydra twice;
// a find is bound by the sum (first_of) or the longest (race, the others) of those of its parts. It
// is no larger than its parts plus 8 bytes. first_of, cached and observe of one part cost at most
// 2 % more instructions than that part (bench/baselines/composition.sh).
//
// Laws (tests/laws/compose_laws_test.cpp). first_of<A> behaves as A. Grouping changes nothing for a
// want of one. What A answers alone, first_of<A, B> and race<A, B> answer as well. cached asks for
// what failed once more. split_by asks nobody else. observe changes nothing. A find that is
// abandoned has no `found`, and every part that still looks for it is told, however deep inside.
//
// Rules. Parts must not share messages, activities or records (`apart`, checked): they would read
// each other's. All parts publish, are told whom we heard and who fell silent, and get the facts of
// the driver. Facts of a part but `found` go up as they are. `closest` is that of the first part
// that has any, `contacts` the sum: a head that two parts know counts twice.
//
// What an attacker gains: what it gains against the weakest part that is asked. With first_of,
// whoever makes the first part find enough keeps the others from being asked. With race, whoever is
// quickest with twice as many as are wanted is alone heard, with as many the others for a second
// more; what a part remembers, enough of it, ends the race at once. cached gives again for Seconds
// what was found once. docs/how_to/compose_routing.md has each by itself, and what it costs. There
// is no paper of them.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/core/nested.hpp>
#include <hydra/routing/concept.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace hydra::routing {

namespace detail {

template <class... P>
struct all_apart : std::true_type {};
template <class First, class... Rest>
struct all_apart<First, Rest...>
    : std::bool_constant<(apart<First, Rest> && ...) && all_apart<Rest...>::value> {};

template <class P, class Everybody, class Named>
inline constexpr bool adopts =
    requires(P& p, key const& k, Everybody const& all, Named named) { p.adopt(k, all, named); };
template <class P, class E>
inline constexpr bool locates = requires(P& p, E& e, key const& k) { p.locate(e, k); };
template <class P, class E>
inline constexpr bool abandons = requires(P& p, E& e, activity id) { p.abandon(e, id); };

// Adds candidates of `more` that `into` does not have, with the ways to them. Of a head that nobody
// met two Hydras may say that it is theirs: the wrong one hides nobody.
inline void add_found(found& into, found const& more) {
  for (std::size_t i = 0; i < more.among.size() && !into.among.full(); ++i) {
    auto const& c = more.among[i];
    bool const known = std::any_of(into.among.begin(), into.among.end(),
                                   [&](candidate const& k) {
                                     return k.who == c.who && k.principal == c.principal;
                                   });
    auto const way = more.via.of(i);
    if (known || (!way.empty() && !into.via.add(into.among.size(), way))) continue;
    into.among.push_back(c);
  }
  into.hops = std::max(into.hops, more.hops);
  into.messages = static_cast<std::uint16_t>(into.messages + more.messages);
}

// What all compositions share: the parts, each in a lane of its own, told what they must be told.
// Derived has `answered<I>(env, found const&)`, told what part I found.
template <class Derived, class... P>
class composed {
  static_assert(sizeof...(P) >= 1 && sizeof...(P) < tag_lanes, "one to seven parts");
  static_assert((PolicyFor<P, routing_tag> && ...), "the parts of a routing policy are such");
  static_assert(all_apart<P...>::value,
                "two parts share a message, an activity or a record: they would read each other's");

  template <class Q>
  using closest_of = decltype(std::declval<Q const&>().closest(key{}, std::size_t{}));

 public:
  using policy_concept = routing_tag;
  using part_types = type_list<P...>;
  using messages = joined<messages_of<P>...>;
  using facts = merged<type_list<found>, facts_of<P>...>;
  using records = joined<records_of<P>...>;

  composed() = default;
  explicit composed(P const&... parts) : parts_{parts...} {}

  template <std::size_t I>
  [[nodiscard]] auto& part() noexcept {
    return std::get<I>(parts_);
  }
  template <std::size_t I>
  [[nodiscard]] auto const& part() const noexcept {
    return std::get<I>(parts_);
  }

  [[nodiscard]] auto closest(key const& to, std::size_t k) const {
    bounded_vector<peer, std::max({closest_of<P>::capacity()...})> out;
    auto const take = [&](auto const& p) {
      if (!out.empty()) return;
      for (auto who : p.closest(to, k)) out.push_back(who);
    };
    std::apply([&](auto const&... p) { (take(p), ...); }, parts_);
    return out;
  }
  [[nodiscard]] std::size_t contacts() const {
    return std::apply([](auto const&... p) { return (std::size_t{0} + ... + p.contacts()); },
                      parts_);
  }

  // Of each part that can be given its table ready, for worlds too large to warm up.
  template <class Everybody, class Named>
    requires(adopts<P, Everybody, Named> || ...)
  void adopt(key const& own, Everybody const& everybody, Named named) {
    auto const give = [&]<class Q>(Q& p) {
      if constexpr (adopts<Q, Everybody, Named>) p.adopt(own, everybody, named);
    };
    std::apply([&](auto&... p) { (give(p), ...); }, parts_);
  }

  void on_start(auto& env) {
    each(env, [](auto& p, auto& e) {
      if constexpr (requires { p.on_start(e); }) p.on_start(e);
    });
  }
  void join(auto& env, std::span<peer const> known) {
    each(env, [&](auto& p, auto& e) { p.join(e, known); });
  }
  void seen(auto& env, peer who) {
    each(env, [&](auto& p, auto& e) { p.seen(e, who); });
  }
  void failed(auto& env, peer who) {
    each(env, [&](auto& p, auto& e) { p.failed(e, who); });
  }
  void publish(auto& env, provider_record const& r) {
    each(env, [&](auto& p, auto& e) { p.publish(e, r); });
  }
  void withdraw(auto& env, service what) {
    each(env, [&](auto& p, auto& e) { p.withdraw(e, what); });
  }
  // Of the first part that locates keys.
  template <class Env>
    requires(locates<P, Env> || ...)
  activity locate(Env& env, key const& to) {
    activity id{};
    bool asked = false;
    each(env, [&](auto& p, auto& e) {
      if constexpr (requires { p.locate(e, to); }) {
        if (!std::exchange(asked, true)) id = p.locate(e, to);
      }
    });
    return id;
  }

  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    each(env, [&](auto& p, auto& e) {
      if constexpr (contains<M, messages_of<std::remove_cvref_t<decltype(p)>>>) {
        tell_message(p, e, from, m);
      }
    });
  }
  void on_timer(auto& env, std::uint16_t tag) {
    each(env, [&]<std::size_t I>(auto& p, auto& e, std::integral_constant<std::size_t, I>) {
      if constexpr (requires { p.on_timer(e, tag); }) {
        if (lane_of(tag) == I + 1) p.on_timer(e, tag_within(tag));
      }
    });
  }
  // Facts of the driver: each part knows the ids of its own commands.
  template <class Env, class F>
    requires contains<F, driver_facts>
  void on_fact(Env& env, F const& fact) {
    each(env, [&](auto& p, auto& e) { tell_policy(p, e, fact); });
  }

 protected:
  static constexpr std::size_t count = sizeof...(P);
  using activities_of_parts = joined<activities_of<P>...>;

  // call(part, view) or call(part, view, index) on part I; what it finds comes to `answered`.
  template <std::size_t I, class Env, class Call>
  void with(Env& env, Call&& call) {
    auto& p = std::get<I>(parts_);
    using part_type = std::remove_cvref_t<decltype(p)>;
    nest<I + 1, part_type>(
        p, env,
        [&](auto& e) {
          if constexpr (requires { call(p, e, std::integral_constant<std::size_t, I>{}); }) {
            call(p, e, std::integral_constant<std::size_t, I>{});
          } else {
            call(p, e);
          }
        },
        [&](auto const& fact) {
          if constexpr (std::same_as<std::remove_cvref_t<decltype(fact)>, found>) {
            static_cast<Derived&>(*this).template answered<I>(env, fact);
          } else {
            env.emit(fact);
          }
        });
  }
  template <class Env, class Call>
  void each(Env& env, Call&& call) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (with<I>(env, call), ...);
    }(std::make_index_sequence<sizeof...(P)>{});
  }
  // with<i>, for a number known when it runs.
  template <class Env, class Call>
  void with_part(std::size_t i, Env& env, Call&& call) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      static_cast<void>(((i == I && (with<I>(env, call), true)) || ...));
    }(std::make_index_sequence<sizeof...(P)>{});
  }
  // Nobody waits for these finds of the parts; what they had asked, of those that say so.
  template <class Env>
  std::uint16_t abandon_parts(Env& env, std::array<activity, sizeof...(P)> const& of) {
    std::uint16_t asked = 0;
    each(env, [&]<std::size_t I>(auto& p, auto& e, std::integral_constant<std::size_t, I>) {
      if constexpr (requires { p.abandon(e, of[I]); }) {
        if (of[I]) asked = static_cast<std::uint16_t>(asked + p.abandon(e, of[I]));
      }
    });
    return asked;
  }
  template <class Underway>
  std::uint16_t abandon_joint(auto& env, activity id) {
    auto pool = env.template pool<Underway>();
    auto const* u = pool.find(id);
    if (u == nullptr) return 0;
    auto const all = *u;
    pool.erase(id);
    return static_cast<std::uint16_t>(all.sum.messages + abandon_parts(env, all.of));
  }
  template <class A>
  void serialize_parts(A& a, unsigned version) {
    auto const one = [&](auto& p) {
      if constexpr (Described<std::remove_cvref_t<decltype(p)>>) p.serialize(a, version);
    };
    std::apply([&](auto&... p) { (one(p), ...); }, parts_);
  }

 private:
  std::tuple<P...> parts_{};
};

// A find that several parts are asked for.
template <std::size_t Parts>
struct joint_find {
  static constexpr std::size_t per_peer_max = 12;
  want what{};
  found sum{};
  std::array<activity, Parts> of{};  // in each part; none: not asked, or done
  std::uint8_t next = 0;             // part to ask
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& sum& of& next;
  }
};

}  // namespace detail

// What a composition of one's own derives from, and is itself the first argument of.
template <class Derived, class... P>
using composition = detail::composed<Derived, P...>;

// ---- first_of -----------------------------------------------------------------------------------

template <class... P>
class first_of : public detail::composed<first_of<P...>, P...> {
  using base = detail::composed<first_of<P...>, P...>;
  friend base;

 public:
  struct underway : detail::joint_find<sizeof...(P)> {};
  using activities = joined<type_list<underway>, typename base::activities_of_parts>;
  using base::base;

  activity find(auto& env, want const& w) {
    underway u;
    u.what = w;
    auto pool = env.template pool<underway>();
    auto const id = pool.add(u);
    if (id) ask_next(env, id);
    return id;
  }
  std::uint16_t abandon(auto& env, activity id) {
    return this->template abandon_joint<underway>(env, id);
  }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
  }

 private:
  void ask_next(auto& env, activity id) {
    auto pool = env.template pool<underway>();
    for (auto* u = pool.find(id); u != nullptr; u = pool.find(id)) {
      if (u->next == sizeof...(P)) {
        u->sum.id = id;
        auto const all = u->sum;
        pool.erase(id);
        return env.emit(all);
      }
      auto const i = u->next++;
      activity of{};
      this->with_part(i, env, [&](auto& p, auto& e) {
        of = p.find(e, u->what);
        u->of[i] = of;  // before what it found in the same call comes to answered()
      });
      if (of) return;  // it answers, or has answered already; refused: the next one
    }
  }
  template <std::size_t I>
  void answered(auto& env, found const& f) {
    auto pool = env.template pool<underway>();
    auto const id = pool.first([&](underway const& u) { return u.of[I] && u.of[I] == f.id; });
    auto* u = pool.find(id);
    if (u == nullptr) return;
    u->of[I] = {};
    detail::add_found(u->sum, f);
    if (u->sum.among.size() >= std::max<std::size_t>(u->what.at_least, 1)) u->next = sizeof...(P);
    ask_next(env, id);
  }
};

// ---- race ---------------------------------------------------------------------------------------

template <class... P>
class race : public detail::composed<race<P...>, P...> {
  using base = detail::composed<race<P...>, P...>;
  friend base;

 public:
  // The race is over at twice as many candidates as are wanted, or so long after there were as many
  // as are wanted: who asks is to have a choice, also when the quickest is a small ring that names
  // the same few each time, and nobody who is slow is to delay what is scarce. What somebody knew
  // without asking is an answer at once.
  static constexpr std::size_t choice = 2;
  static constexpr duration grace = 1s;
  static constexpr std::uint16_t grace_tag = own_tag(1);

  struct underway : detail::joint_find<sizeof...(P)> {
    instant until = never;
    template <class A>
    void serialize(A& a, unsigned version) {
      detail::joint_find<sizeof...(P)>::serialize(a, version);
      a& until;
    }
  };
  using activities = joined<type_list<underway>, typename base::activities_of_parts>;
  using base::base;

  activity find(auto& env, want const& w) {
    underway u;
    u.what = w;
    auto pool = env.template pool<underway>();
    auto const id = pool.add(u);
    if (!id) return id;
    for (std::size_t i = 0; i < sizeof...(P); ++i) {
      auto* mine = pool.find(id);
      if (mine == nullptr) return id;  // somebody had it at once
      mine->next = static_cast<std::uint8_t>(i + 1);
      this->with_part(i, env, [&](auto& p, auto& e) { mine->of[i] = p.find(e, w); });
    }
    end_if_done(env, id);
    return id;
  }
  std::uint16_t abandon(auto& env, activity id) {
    return this->template abandon_joint<underway>(env, id);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag != grace_tag) return base::on_timer(env, tag);
    bounded_vector<activity, underway::per_peer_max> late;
    env.template pool<underway>().each([&](activity id, underway const& u) {
      if (u.until <= env.now()) late.push_back(id);
    });
    for (auto id : late) end_if_done(env, id);
  }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
  }

 private:
  void end_if_done(auto& env, activity id) {
    auto pool = env.template pool<underway>();
    auto* u = pool.find(id);
    if (u == nullptr) return;
    auto const wanted = std::max<std::size_t>(u->what.at_least, 1);
    auto const there = u->sum.among.size();
    bool const all = u->next == sizeof...(P) &&
                     std::none_of(u->of.begin(), u->of.end(), [](activity a) {
                       return static_cast<bool>(a);
                     });
    bool const enough = there >= std::min(wanted * choice, candidates_max);
    if (!enough && !all && u->until > env.now()) {
      if (there < wanted || u->until != never) return;
      u->until = env.now() + grace;
      env.arm(grace, grace_tag);
      return;
    }
    u->sum.id = id;
    auto sum = u->sum;
    auto const others = u->of;
    pool.erase(id);
    sum.messages = static_cast<std::uint16_t>(sum.messages + this->abandon_parts(env, others));
    env.emit(sum);
  }
  template <std::size_t I>
  void answered(auto& env, found const& f) {
    auto pool = env.template pool<underway>();
    auto const id = pool.first([&](underway const& u) { return u.of[I] && u.of[I] == f.id; });
    auto* u = pool.find(id);
    if (u == nullptr) return;
    u->of[I] = {};
    detail::add_found(u->sum, f);
    auto const wanted = std::max<std::size_t>(u->what.at_least, 1);
    if (f.messages == 0 && f.among.size() >= wanted) u->until = env.now();  // it knew
    end_if_done(env, id);
  }
};

// ---- cached -------------------------------------------------------------------------------------

// What is remembered is what was found for the same service and demands, at least as many as are
// wanted, for Seconds; whoever fails is forgotten at once, so that the next find asks again.
template <class P, unsigned Seconds = 60>
class cached : public detail::composed<cached<P, Seconds>, P> {
  using base = detail::composed<cached<P, Seconds>, P>;
  friend base;
  static_assert(Seconds > 0, "cached: remembered for at least a second");

 public:
  static constexpr duration lifetime = std::chrono::seconds{Seconds};

  struct memory {
    static constexpr std::size_t per_peer_max = 4;  // services; the oldest gives way
    want what{};
    instant until{};
    found answer{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& what& until& answer;
    }
  };
  // A find of the part's that is to be remembered.
  struct pending {
    static constexpr std::size_t per_peer_max = 12;
    activity of{};
    want what{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& of& what;
    }
  };
  using activities = joined<type_list<memory, pending>, typename base::activities_of_parts>;
  using base::base;

  activity find(auto& env, want const& w) {
    auto asked = env.template pool<pending>();
    auto const id = asked.add({{}, w});
    if (!id) return id;
    auto kept = env.template pool<memory>();
    auto const* m = kept.find(kept.first([&](memory const& k) { return same(k.what, w); }));
    if (m != nullptr && m->until > env.now() &&
        m->answer.among.size() >= std::max<std::size_t>(w.at_least, 1)) {
      auto f = m->answer;
      f.id = id;
      f.hops = 0;
      f.messages = 0;
      asked.erase(id);
      env.emit(f);
      return id;
    }
    activity of{};
    this->template with<0>(env, [&](auto& p, auto& e) {
      of = p.find(e, w);
      asked.find(id)->of = of;
    });
    if (of) return id;
    asked.erase(id);
    return {};
  }
  std::uint16_t abandon(auto& env, activity id) {
    auto asked = env.template pool<pending>();
    auto const* p = asked.find(id);
    if (p == nullptr) return 0;
    auto const of = p->of;
    asked.erase(id);
    return this->abandon_parts(env, {of});
  }
  void failed(auto& env, peer who) {
    base::failed(env, who);
    forget(env, who);
  }
  template <class Env, class F>
    requires contains<F, driver_facts>
  void on_fact(Env& env, F const& fact) {
    base::on_fact(env, fact);
    if constexpr (std::same_as<F, unreachable>) forget(env, fact.who);
  }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
  }

 private:
  [[nodiscard]] static bool same(want const& a, want const& b) noexcept {
    return a.what == b.what && a.needs == b.needs;
  }
  static void forget(auto& env, peer who) {
    auto kept = env.template pool<memory>();
    kept.each([&](activity id, memory const& m) {
      bool const has = std::any_of(m.answer.among.begin(), m.answer.among.end(),
                                   [&](candidate const& c) { return c.who == who; });
      if (has) kept.erase(id);
    });
  }
  static void remember(auto& env, want const& w, found const& f) {
    auto kept = env.template pool<memory>();
    auto id = kept.first([&](memory const& k) { return same(k.what, w); });
    if (!id) id = kept.add({});
    if (!id) {
      instant oldest = never;
      kept.each([&](activity k, memory const& m) {
        if (m.until < oldest) {
          oldest = m.until;
          id = k;
        }
      });
    }
    *kept.find(id) = {w, env.now() + lifetime, f};
  }
  template <std::size_t>
  void answered(auto& env, found f) {
    auto asked = env.template pool<pending>();
    auto const id = asked.first([&](pending const& p) { return p.of && p.of == f.id; });
    auto const* p = asked.find(id);
    if (p == nullptr) return;
    if (!f.among.empty()) remember(env, p->what, f);
    asked.erase(id);
    f.id = id;
    env.emit(f);
  }
};

// ---- split_by -----------------------------------------------------------------------------------

// Rule{}(what) -> the number of the part in charge of a service, of a stateless rule; a number
// beyond the parts means the last one. Only that part publishes it and is asked for it. Twelve
// finds at a time over all parts: more could end, and be told, within one call.
template <class Rule, class... P>
class split_by : public detail::composed<split_by<Rule, P...>, P...> {
  using base = detail::composed<split_by<Rule, P...>, P...>;
  friend base;
  static_assert(std::is_empty_v<Rule>, "a rule keeps nothing: all heads must split alike");

 public:
  struct underway {
    static constexpr std::size_t per_peer_max = 12;
    activity of{};
    std::uint8_t part = 0;
    template <class A>
    void serialize(A& a, unsigned) {
      a& of& part;
    }
  };
  using activities = joined<type_list<underway>, typename base::activities_of_parts>;
  using base::base;

  activity find(auto& env, want const& w) {
    auto pool = env.template pool<underway>();
    auto const part = in_charge(w.what);
    auto const mine = pool.add({{}, static_cast<std::uint8_t>(part)});
    if (!mine) return {};
    activity id{};
    this->with_part(part, env, [&](auto& p, auto& e) {
      id = p.find(e, w);
      pool.find(mine)->of = id;
    });
    if (!id) pool.erase(mine);
    return id;
  }
  std::uint16_t abandon(auto& env, activity id) {
    auto pool = env.template pool<underway>();
    auto const mine = pool.first([&](underway const& u) { return u.of && u.of == id; });
    auto const* u = pool.find(mine);
    if (u == nullptr) return 0;
    std::array<activity, sizeof...(P)> of{};
    of[u->part] = id;
    pool.erase(mine);
    return this->abandon_parts(env, of);
  }
  void publish(auto& env, provider_record const& r) {
    this->with_part(in_charge(r.what), env, [&](auto& p, auto& e) { p.publish(e, r); });
  }
  void withdraw(auto& env, service what) {
    this->with_part(in_charge(what), env, [&](auto& p, auto& e) { p.withdraw(e, what); });
  }
  [[nodiscard]] static std::size_t in_charge(service what) {
    return std::min<std::size_t>(Rule{}(what), sizeof...(P) - 1);
  }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
  }

 private:
  template <std::size_t>
  void answered(auto& env, found const& f) {
    auto pool = env.template pool<underway>();
    auto const mine = pool.first([&](underway const& u) { return u.of && u.of == f.id; });
    if (!pool.erase(mine)) return;  // nobody waits for it
    env.emit(f);  // activities have one count per head: the part's name is good outside
  }
};

// ---- observe ------------------------------------------------------------------------------------

// An Observer is a value with asked(want) and answered(found, duration since it was asked); it sees
// and changes nothing of the find. Of one that is abandoned it hears no more.
template <class P, class Observer>
class observe : public detail::composed<observe<P, Observer>, P> {
  using base = detail::composed<observe<P, Observer>, P>;
  friend base;

 public:
  struct timed {
    static constexpr std::size_t per_peer_max = 16;
    activity of{};
    instant since{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& of& since;
    }
  };
  using activities = joined<type_list<timed>, typename base::activities_of_parts>;

  observe() = default;
  explicit observe(P const& part, Observer const& observer = {})
      : base{part}, observer_{observer} {}

  [[nodiscard]] Observer const& observer() const noexcept { return observer_; }

  activity find(auto& env, want const& w) {
    observer_.asked(w);
    auto watched = env.template pool<timed>();
    auto const watch = watched.add({{}, env.now()});
    activity id{};
    this->template with<0>(env, [&](auto& p, auto& e) {
      id = p.find(e, w);
      if (auto* t = watched.find(watch)) t->of = id;
    });
    if (!id) watched.erase(watch);
    return id;
  }
  template <class Env>
    requires detail::abandons<P, Env>
  std::uint16_t abandon(Env& env, activity id) {
    auto watched = env.template pool<timed>();
    watched.erase(watched.first([&](timed const& t) { return t.of && t.of == id; }));
    return this->abandon_parts(env, {id});
  }
  template <class A>
  void serialize(A& a, unsigned version) {
    this->serialize_parts(a, version);
    if constexpr (Described<Observer>) observer_.serialize(a, version);
  }

 private:
  template <std::size_t>
  void answered(auto& env, found const& f) {
    auto watched = env.template pool<timed>();
    auto const which = watched.first([&](timed const& t) { return t.of && t.of == f.id; });
    duration took{};
    if (auto const* t = watched.find(which)) {
      took = env.now() - t->since;
      watched.erase(which);
    }
    observer_.answered(f, took);
    env.emit(f);
  }

  [[no_unique_address]] Observer observer_{};
};

}  // namespace hydra::routing
