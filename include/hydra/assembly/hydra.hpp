// A Hydra: policies in slots, and the protocol of jobs between them.
//
//   using my_hydra = hydra::Hydra<routing::kademlia<8>, trusts::rings, my_scheduler>;
//   static_assert(hydra::Node<my_hydra>);
//
// Order is free and missing slots are defaulted. The assembly is the only place where policies
// meet: it opens a view of the driver's environment for each room, delivers messages by the room
// of their id and timers by the room of their tag, and hands the facts that policies emit to the
// protocol after the call returned, so that nothing re-enters.
// Cost: about as many instructions as the same calls written by hand (see bench/baselines).
#pragma once

#include <hydra/assembly/defaults.hpp>
#include <hydra/assembly/protocol.hpp>
#include <hydra/code/concept.hpp>
#include <hydra/core/archetype.hpp>
#include <hydra/core/node.hpp>
#include <hydra/proximity/concept.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace hydra {

namespace detail {

template <class Tag, class... P>
inline constexpr std::size_t claimants = (std::size_t{0} + ... + (PolicyFor<P, Tag> ? 1U : 0U));

template <class Tag, class... P>
struct pick {
  using type = typename default_policy<Tag>::type;
};
template <class Tag, class First, class... Rest>
struct pick<Tag, First, Rest...> {
  static auto choose() {
    if constexpr (PolicyFor<First, Tag>) {
      return std::type_identity<First>{};
    } else {
      return std::type_identity<typename pick<Tag, Rest...>::type>{};
    }
  }
  using type = typename decltype(choose())::type;
};

template <class P>
inline constexpr bool has_a_slot =
    PolicyFor<P, routing_tag> || PolicyFor<P, proximity_tag> || PolicyFor<P, trust_tag> ||
    PolicyFor<P, scheduling_tag> || PolicyFor<P, verify_tag> || PolicyFor<P, code_tag>;

}  // namespace detail

// What the owner of a head says about it. Bounded; copied into every life of the head.
struct hydra_settings {
  bounded_vector<service, 8> offers{};   // what this head performs
  capacity power{};
  bounded_vector<peer, 16> contacts{};   // whom it knows when it starts
  protocol_times times{};
  std::uint32_t network = 1;
  duration offer_lifetime = 1h;          // of a provider record; routing republishes it
  bounded_vector<composition, 3> compositions{};  // of the offers, those that others help with
  std::uint16_t receipts = 32;           // of what this head did, how many are kept; the oldest go
  conditions under{};                    // under which it performs what it offers, and where
  template <class A>
  void serialize(A& a, unsigned) {
    a& offers& power& contacts& times& network& offer_lifetime& compositions& receipts;
    serialize_if_any(a, under);
  }
};

template <class... Policies>
class Hydra {
  static_assert(!(PolicyFor<Policies, membership_tag> || ...),
                "Hydra: membership has no slot; hydra::over<Membership, Routing> of "
                "hydra/assembly/over.hpp takes one and is a routing policy");
  static_assert(((detail::has_a_slot<Policies> || PolicyFor<Policies, membership_tag>) && ...),
                "Hydra: a policy has no slot; it lacks `using policy_concept = "
                "hydra::routing_tag` (or proximity_tag, trust_tag, scheduling_tag, verify_tag, "
                "code_tag), or is not copyable");
  static_assert(detail::claimants<routing_tag, Policies...> <= 1,
                "Hydra: two policies for the routing slot");
  static_assert(detail::claimants<proximity_tag, Policies...> <= 1,
                "Hydra: two policies for the proximity slot");
  static_assert(detail::claimants<trust_tag, Policies...> <= 1,
                "Hydra: two policies for the trust slot");
  static_assert(detail::claimants<scheduling_tag, Policies...> <= 1,
                "Hydra: two policies for the scheduling slot");
  static_assert(detail::claimants<verify_tag, Policies...> <= 1,
                "Hydra: two policies for the verify slot");
  static_assert(detail::claimants<code_tag, Policies...> <= 1,
                "Hydra: two policies for the code slot");

 public:
  using routing_type = typename detail::pick<routing_tag, Policies...>::type;
  using proximity_type = typename detail::pick<proximity_tag, Policies...>::type;
  using trust_type = typename detail::pick<trust_tag, Policies...>::type;
  using scheduling_type = typename detail::pick<scheduling_tag, Policies...>::type;
  using verify_type = typename detail::pick<verify_tag, Policies...>::type;
  using code_type = typename detail::pick<code_tag, Policies...>::type;

  static_assert(RoutingPolicy<routing_type, archetype_view<routing_type>>,
                "Hydra: the policy in the routing slot is no RoutingPolicy");
  static_assert(ProximityPolicy<proximity_type, archetype_view<proximity_type>>,
                "Hydra: the policy in the proximity slot is no ProximityPolicy");
  static_assert(TrustPolicy<trust_type, archetype_view<trust_type>>,
                "Hydra: the policy in the trust slot is no TrustPolicy");
  static_assert(SchedulingPolicy<scheduling_type, archetype_view<scheduling_type>>,
                "Hydra: the policy in the scheduling slot is no SchedulingPolicy");
  static_assert(VerifyPolicy<verify_type, archetype_view<verify_type>>,
                "Hydra: the policy in the verify slot is no VerifyPolicy");
  static_assert(CodePolicy<code_type, archetype_view<code_type>>,
                "Hydra: the policy in the code slot is no CodePolicy");

  template <template <class> class Of>
  using of_all = merged<Of<job_protocol>, Of<routing_type>, Of<proximity_type>, Of<trust_type>,
                        Of<scheduling_type>, Of<verify_type>, Of<code_type>, Of<objects>>;
  using messages = of_all<messages_of>;
  // These stay inside: whoever uses a Hydra asks for services and not for keys, and who misled is
  // told to the trust policy.
  using facts = without<without<of_all<facts_of>, located>, misled>;
  using inputs = of_all<inputs_of>;
  using activities = of_all<activities_of>;
  using records = of_all<records_of>;
  static constexpr std::size_t purposes = room_count;
  static_assert(ids_are_unique<messages>, "Hydra: two messages have the same id");

  Hydra() = default;
  // Policies in any order; those left out are default-constructed. Likewise what objects it has.
  template <class... P>
    requires((detail::has_a_slot<P> || std::same_as<P, objects>) && ...)
  explicit Hydra(hydra_settings const& settings, P const&... policies) : settings_{settings} {
    (put(policies), ...);
  }

  [[nodiscard]] hydra_settings const& settings() const noexcept { return settings_; }
  [[nodiscard]] routing_type const& routing() const noexcept { return routing_; }
  [[nodiscard]] proximity_type const& proximity() const noexcept { return proximity_; }
  [[nodiscard]] trust_type const& trust() const noexcept { return trust_; }
  [[nodiscard]] scheduling_type const& scheduling() const noexcept { return scheduling_; }
  [[nodiscard]] verify_type const& verify() const noexcept { return verify_; }

  // For worlds that start with tables built directly instead of by traffic.
  [[nodiscard]] routing_type& routing() noexcept { return routing_; }

  // ---- what a driver tells
  template <class Env>
  void on_start(Env& env) {
    calls<Env> c{*this, env};
    each_policy([&](auto& policy) {
      using P = std::remove_cvref_t<decltype(policy)>;
      auto e = c.template view_of<P>();
      if constexpr (requires { policy.on_start(e); }) policy.on_start(e);
    });
    auto r = c.template view_of<routing_type>();
    routing_.join(r, settings_.contacts);
    std::uint32_t sequence = 0;
    for (auto what : settings_.offers) {
      provider_record record;
      record.about = {domain::provider, protocol_version, settings_.network, ++sequence,
                      c.me(), c.me(), env.now(), env.now() + settings_.offer_lifetime};
      record.head = env.self();
      record.what = what;
      record.power = settings_.power;
      record.where = proximity_.disclosed();
      record.under = c.under(what);
      routing_.publish(r, record);
    }
    protocol_.on_start(c);
    c.settle();
  }

  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    calls<Env> c{*this, env};
    if constexpr (contains<M, messages_of<job_protocol>>) {
      protocol_.on_message(c, from, m);
      c.heard(from);
    } else {
      each_policy([&](auto& policy) {
        using P = std::remove_cvref_t<decltype(policy)>;
        if constexpr (contains<M, messages_of<P>>) {
          auto e = c.template view_of<P>();
          tell_message(policy, e, from, m);
        }
      });
    }
    c.settle();
  }

  template <class Env>
  void on_any_timer(Env& env, std::uint32_t tag) {
    calls<Env> c{*this, env};
    if (room_of(tag) == room::protocol) protocol_.on_timer(c);
    each_policy([&](auto& policy) {
      using P = std::remove_cvref_t<decltype(policy)>;
      if (room_of(tag) != P::policy_concept::where) return;
      auto e = c.template view_of<P>();
      if constexpr (requires { policy.on_timer(e, std::uint16_t{}); }) {
        policy.on_timer(e, static_cast<std::uint16_t>(tag));
      }
    });
    c.settle();
  }

  template <class Env, class F>
    requires contains<F, facts_into<Hydra>>
  void on_fact(Env& env, F const& fact) {
    calls<Env> c{*this, env};
    if constexpr (std::same_as<F, submit>) {
      protocol_.on_submit(c, fact.what);
    } else if constexpr (std::same_as<F, withdraw_job>) {
      protocol_.on_withdraw(c, fact.which);
    } else if constexpr (std::same_as<F, unreachable>) {
      c.gone(fact);
      c.settle();  // as many finds may have ended as a call may say
      auto e = c.template view_of<objects>();
      objects_.on_unreachable(e, fact.who);
      protocol_.on_unreachable(c, fact.who);
    } else if constexpr (requires { fact.id.by; }) {
      if (fact.id.by == room::protocol) {
        if constexpr (std::same_as<F, kept>) protocol_.on_kept(c, fact);
        if constexpr (std::same_as<F, checked>) protocol_.on_checked(c, fact);
        if constexpr (std::same_as<F, run_done>) protocol_.on_run_done(c, fact);
      } else {
        tell_policies(c, fact, fact.id.by);
      }
    } else {
      each_policy([&](auto& policy) {
        using P = std::remove_cvref_t<decltype(policy)>;
        auto e = c.template view_of<P>();
        if constexpr (requires { policy.on_fact(e, fact); }) policy.on_fact(e, fact);
      });
    }
    c.settle();
  }

  // All state, settings included: for checkpoints, and for drivers that ask what is held.
  // Activities and records lie with the driver, which writes them down itself.
  template <class A>
    requires(Restorable<routing_type> && Restorable<proximity_type> && Restorable<trust_type> &&
             Restorable<scheduling_type> && Restorable<verify_type> && Restorable<code_type>)
  void serialize(A& a, unsigned) {
    a& settings_;
    each_policy([&](auto& policy) {
      if constexpr (!std::is_empty_v<std::remove_reference_t<decltype(policy)>>) a& policy;
    });
    a& protocol_;
  }

 private:
  using queue = fact_queue<of_all<facts_of>>;

  // The rooms as they are open during one call: what the protocol may ask of them.
  template <class Env>
  class calls {
   public:
    calls(Hydra& hydra, Env& env) : hydra_{&hydra}, env_{&env}, own_{env, emitted_} {}
    calls(calls const&) = delete;
    calls& operator=(calls const&) = delete;

    template <class P>
    [[nodiscard]] auto view_of() {
      return hydra::view<Env, queue, P::policy_concept::where>{*env_, emitted_};
    }
    [[nodiscard]] auto& env() { return own_; }
    [[nodiscard]] principal me() { return env_->about(env_->self()).principal; }
    [[nodiscard]] capacity power() const { return hydra_->settings_.power; }
    [[nodiscard]] protocol_times const& times() const { return hydra_->settings_.times; }
    [[nodiscard]] std::uint32_t network() const { return hydra_->settings_.network; }
    [[nodiscard]] bool offers(service what) const {
      for (auto o : hydra_->settings_.offers) {
        if (o == what) return true;
      }
      return false;
    }

    // What this head says of how it performs a service; a driver may know its version.
    [[nodiscard]] conditions under(service what) const {
      auto said = hydra_->settings_.under;
      if constexpr (requires { env_->minor(what); }) {
        if (auto const minor = env_->minor(what); minor != 0) said.minor = minor;
      }
      return said;
    }
    // As others judge it by its record; where it is, it knows even if it tells nobody.
    [[nodiscard]] bool meets(service what, demands const& needs) const {
      if (!needs) return true;
      provider_record own;
      own.under = under(what);
      if constexpr (requires { hydra_->proximity_.own(); }) {
        own.where = hydra_->proximity_.own();
      } else {
        own.where = hydra_->proximity_.disclosed();
      }
      return hydra::meets(own, needs);
    }
    // Where this head says that it is, one bit; zero: it does not say.
    [[nodiscard]] std::uint8_t region() const { return hydra_->settings_.under.region; }
    [[nodiscard]] std::uint64_t receipts_kept() const { return hydra_->settings_.receipts; }
    [[nodiscard]] std::optional<composition> composition_of(service what) const {
      for (auto const& c : hydra_->settings_.compositions) {
        if (c.whole == what) return c;
      }
      return std::nullopt;
    }

    [[nodiscard]] activity find(want const& w) {
      auto e = view_of<routing_type>();
      return hydra_->routing_.find(e, w);
    }
    void heard(peer who) {
      if (who == env_->self()) return;
      auto e = view_of<routing_type>();
      hydra_->routing_.seen(e, who);
    }
    void silent(peer who) {
      auto e = view_of<routing_type>();
      hydra_->routing_.failed(e, who);
    }
    // The transport knows it: lookups need not wait for an answer.
    void gone(unreachable const& fact) {
      auto e = view_of<routing_type>();
      tell_policy(hydra_->routing_, e, fact);
    }
    void measured(peer who, duration rtt, cell where) {
      auto e = view_of<proximity_type>();
      observe_at(hydra_->proximity_, e, who, rtt, where);
    }
    [[nodiscard]] duration delay(peer who, cell where) const {
      return hydra_->proximity_.estimate(who, where);
    }
    [[nodiscard]] verdict admits(principal who, right what) {
      if (who == me()) return {true, share::percent(100), 0};
      auto e = view_of<trust_type>();
      return hydra_->trust_.admits(e, who, what);
    }
    void observe(receipt const& r) {
      auto e = view_of<trust_type>();
      hydra_->trust_.observe(e, r);
    }
    void proof(principal who) {
      auto e = view_of<trust_type>();
      hydra_->trust_.proof(e, who);
    }
    [[nodiscard]] shortlist ask(job const& j, std::span<candidate const> among) {
      auto e = view_of<scheduling_type>();
      return ask_bidders(hydra_->scheduling_, e, j, among);
    }
    [[nodiscard]] choice place(job const& j, std::span<candidate const> among) {
      auto e = view_of<scheduling_type>();
      return hydra_->scheduling_.place(e, j, among);
    }
    [[nodiscard]] decision accepts(offer const& o, load const& l) {
      auto e = view_of<scheduling_type>();
      return accept_work(hydra_->scheduling_, e, o, l);
    }
    [[nodiscard]] std::uint8_t checks(job const& j, verdict const& v) {
      auto e = view_of<verify_type>();
      return hydra_->verify_.checks(e, j, v);
    }
    [[nodiscard]] judgement judge(job const& j, std::span<testimony const> all) {
      auto e = view_of<verify_type>();
      return hydra_->verify_.judge(e, j, all);
    }

    // What a head said about others was untrue: a matter of trust, where the policy minds.
    void misled_by(peer who) {
      auto e = view_of<trust_type>();
      auto const by = env_->about(who).principal;
      if constexpr (requires { hydra_->trust_.misled(e, by); }) hydra_->trust_.misled(e, by);
    }

    // Bytes: fetched{} follows, not within this call.
    [[nodiscard]] activity get(object_id what, byte_range which,
                               std::span<peer const> holders) {
      auto e = view_of<objects>();
      return hydra_->objects_.get(e, what, which, holders);
    }
    void drop(activity get) {
      auto e = view_of<objects>();
      if (get) hydra_->objects_.drop(e, get);
    }
    [[nodiscard]] bool has(object_id what, byte_range which) {
      auto e = view_of<objects>();
      return hydra_->objects_.holds(e, what, which);
    }
    [[nodiscard]] bool store(object_ref const& what) {
      auto e = view_of<objects>();
      return hydra_->objects_.add(e, what.id, {0, what.bytes});
    }
    // Of an object here that was made to be divided: equal shares, unless the driver reads it.
    [[nodiscard]] byte_range range_of_part(object_ref const& what, std::uint32_t index,
                                           std::uint32_t parts) {
      if constexpr (requires { env_->part(what.id, index, parts); }) {
        return env_->part(what.id, index, parts);
      } else {
        return part_bulk(bulk{what, {0, what.bytes}, 0, {}}, index, parts).which;
      }
    }
    // It stays here until it is unpinned as often.
    void pin(object_ref const& what) {
      auto e = view_of<objects>();
      hydra_->objects_.add(e, what.id, {0, what.bytes}, true);
    }
    void unpin(object_ref const& what) {
      auto e = view_of<objects>();
      hydra_->objects_.unpin(e, what.id, {0, what.bytes});
    }

    // Delivers what was emitted during the call, until nothing is left.
    void settle() {
      while (!emitted_.empty()) {
        emitted_.next([&](room, auto const& fact) {
          using F = std::remove_cvref_t<decltype(fact)>;
          if constexpr (std::same_as<F, found>) hydra_->protocol_.on_found(*this, fact);
          if constexpr (std::same_as<F, fetched>) hydra_->protocol_.on_fetched(*this, fact);
          if constexpr (std::same_as<F, misled>) misled_by(fact.who);
          if constexpr (contains<F, facts>) env_->emit(fact);
        });
      }
    }

   private:
    Hydra* hydra_;
    Env* env_;
    queue emitted_;
    hydra::view<Env, queue, room::protocol> own_;
  };

  template <class C, class F>
  void tell_policies(C& c, F const& fact, room where) {
    each_policy([&](auto& policy) {
      using P = std::remove_cvref_t<decltype(policy)>;
      if (where != P::policy_concept::where) return;
      auto e = c.template view_of<P>();
      if constexpr (requires { policy.on_fact(e, fact); }) policy.on_fact(e, fact);
    });
  }

  template <class F>
  void each_policy(F&& visit) {
    visit(routing_);
    visit(proximity_);
    visit(trust_);
    visit(scheduling_);
    visit(verify_);
    visit(code_);
    visit(objects_);
  }

  template <class P>
  void put(P const& policy) {
    each_policy([&](auto& slot) {
      if constexpr (std::same_as<P, std::remove_cvref_t<decltype(slot)>>) slot = policy;
    });
  }

  hydra_settings settings_{};
  routing_type routing_{};
  proximity_type proximity_{};
  trust_type trust_{};
  scheduling_type scheduling_{};
  verify_type verify_{};
  code_type code_{};
  objects objects_{};
  job_protocol protocol_{};
};

}  // namespace hydra
