// Rumour mongering: whoever has heard something tells it to others at random until it gets boring.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/core/nested.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/rumour_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::membership {

// A list of heads as a membership policy: all it was told of, minus whom the transport knows to be
// gone. Not an overlay: nobody tells anybody anything, so leaving has nothing to say.
template <std::size_t Capacity = 64>
class partner_list {
 public:
  using policy_concept = membership_tag;
  using messages = type_list<>;
  using facts = type_list<neighbour_up, neighbour_down>;
  static constexpr std::size_t changes_max = facts_per_call_max;  // in one call

  [[nodiscard]] constexpr bounded_vector<peer, Capacity> const& neighbours() const noexcept {
    return all_;
  }
  // Takes at most changes_max new heads in one call: say it again for more.
  void join(auto& env, std::span<peer const> known) {
    std::size_t added = 0;
    for (auto who : known) {
      if (!who || who == env.self() || added == changes_max || all_.full()) continue;
      if (std::find(all_.begin(), all_.end(), who) != all_.end()) continue;
      all_.push_back(who);
      env.emit(neighbour_up{who});
      ++added;
    }
  }
  void leave(auto&) {}
  void failed(auto& env, peer who) {
    auto const* at = std::find(all_.begin(), all_.end(), who);
    if (at == all_.end()) return;
    all_.erase(at);
    env.emit(neighbour_down{who, neighbour_down::cause::dead});
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& all_;
  }

 private:
  bounded_vector<peer, Capacity> all_{};
};

// Whom to tell: anybody among the neighbours of the policy below, each as likely. Another choice is
// any type with this call: in a world of numbered sites, say, a site at random.
struct any_neighbour {
  template <class View>
  [[nodiscard]] peer operator()(auto& env, View const& neighbours) const {
    if (neighbours.size() == 0) return {};
    auto const at = env.random().below(neighbours.size());
    return *(neighbours.begin() + static_cast<std::ptrdiff_t>(at));
  }
  template <class A>
  void serialize(A&, unsigned) {}
};

// When a site loses interest in a rumour.
struct rumour_settings {
  enum class boredom : std::uint8_t {
    counter,  // after k contacts
    coin,     // after each contact with probability 1/k
  };
  duration round = 1s;  // longer than a message there and back; rounds begin at multiples of it
  boredom how = boredom::counter;
  std::uint8_t k = 3;
  bool feedback = true;       // only contacts who knew it already count; else all do (blind)
  bool start_of_round = true;  // who learnt it in this round still says that it did not know
  bool reset = true;          // a contact who did not know sets the counter to zero
  std::uint16_t settle = 32;  // rounds that a name is kept for; longer than a rumour is told
  template <class A>
  void serialize(A& a, unsigned) {
    a& round& how& k& feedback& start_of_round& reset& settle;
  }
};
[[nodiscard]] constexpr rumour_settings::boredom last_of(rumour_settings::boredom) noexcept {
  return rumour_settings::boredom::coin;
}

// A rumour that is being told.
struct hot_rumour {
  static constexpr std::size_t per_peer_max = 16;
  rumour what{};
  std::uint16_t hops = 0;
  std::uint8_t bored = 0;   // contacts that count
  std::uint64_t nonce = 0;  // of the last question; zero: answered
  peer asked{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& hops& bored& nonce& asked;
  }
};

// Demers, Greene, Hauser, Irish, Larson, Shenker, Sturgis, Swinehart and Terry (PODC 1987), push.
//
// Promises. delivered{} once per rumour and head while it is remembered (the last Remembered, none
// less than `settle` rounds), at the origin in the same call. Every site stops telling by itself;
// a share of the sites, known from k, is never told: s = exp(-(k+1)(1-s)) of a feedback counter,
// if nothing is reset. Where nothing is told nothing is armed. It is a MembershipPolicy: facts and
// neighbours are those of the policy below.
//
// Rules.
// - Rounds begin at multiples of `round`: sites whose clocks agree act together, as in the paper.
//   A site that learns a rumour tells it from the next round on, to one partner per round.
// - With feedback the partner says whether it knew, by its state at the start of the round; this is
//   the reading under which the paper's Table 1 is reached, and it does not depend on the order of
//   messages in a round.
// - An unanswered question does not count: loss makes a rumour live longer, never shorter. Blind
//   contacts count when they are made.
// - When a 17th rumour gets hot the one that came first is told no longer.
// - A site takes at most Remembered rumours in `settle` rounds: where one more would push out a
//   younger name it is refused, neither delivered nor told on, and its teller hears that it was
//   known, so that it dies and does not wait for a place. An own one too: broadcast() returns a
//   rumour_id of nobody. Otherwise sites forget what others still tell, and it never ends. A
//   rumour is told in k to some twenty rounds; it goes 250 hops at most.
//
// What an attacker gains. Anybody can start rumours in anybody's name, as long as the parent lets
// it send: they are not signed here. Answering "known" to all makes its partners bored sooner:
// at worst each of them has told k partners; with counter and reset it cannot end what honest
// contacts keep alive. Who starts Remembered rumours in `settle` rounds leaves no place for those
// of others. Bounded per head: 16 hot rumours, Remembered names.
//
// Cost. A hot rumour costs one message (and one answer) per round. Events are O(hot + Remembered).
// sizeof(rumour_mongering<>) is 1,328 bytes; a hot rumour is 168, in a pool.
//
// Departures from the paper: several rumours share a round and not a message; connection limits and
// hunting, pull, and the anti-entropy that backs it up are not here.
template <class Under = partner_list<>, class Choose = any_neighbour, std::size_t Remembered = 64>
class rumour_mongering {
 public:
  using policy_concept = membership_tag;
  using under_type = Under;
  using messages = joined<messages_of<Under>, type_list<tell_rumour, heard_before>>;
  using facts = joined<facts_of<Under>, type_list<delivered>>;
  using inputs = joined<inputs_of<Under>, type_list<spread>>;
  using activities = joined<activities_of<Under>, type_list<hot_rumour>>;
  using records = records_of<Under>;

  static constexpr std::uint16_t under_lane = 1;
  static constexpr std::uint16_t round_tag = own_tag(1);

  constexpr rumour_mongering() = default;
  constexpr explicit rumour_mongering(rumour_settings const& s, Under under = {},
                                      Choose choose = {})
      : settings_{s}, under_{std::move(under)}, choose_{std::move(choose)} {
    HYDRA_EXPECTS(s.round > duration{});
    HYDRA_EXPECTS(s.k > 0);
  }

  // ---- asked --------------------------------------------------------------------------------

  [[nodiscard]] constexpr decltype(auto) neighbours() const { return under_.neighbours(); }
  [[nodiscard]] constexpr Under const& under() const noexcept { return under_; }

  // ---- told by the parent ----------------------------------------------------------------------

  // delivered{} here in the same call; the first contact is made in the next round. Of nobody:
  // refused, nothing was done.
  rumour_id broadcast(auto& env, payload const& body) {
    if (crowded(env)) return {};
    sequence_ = sequence_after(sequence_, env.now());
    rumour const r{{env.self(), sequence_}, body};
    learn(env, r, 0);
    return r.id;
  }
  void on_start(auto& env) {
    below(env, [&](auto& e) {
      if constexpr (requires { under_.on_start(e); }) under_.on_start(e);
    });
  }
  void join(auto& env, std::span<peer const> known) {
    below(env, [&](auto& e) { under_.join(e, known); });
  }
  void leave(auto& env) {
    env.template pool<hot_rumour>().clear();
    below(env, [&](auto& e) { under_.leave(e); });
  }
  void failed(auto& env, peer who) {
    below(env, [&](auto& e) { under_.failed(e, who); });
  }
  void on_fact(auto& env, spread const& s) { broadcast(env, s.body); }
  template <class F>
    requires(!std::same_as<F, spread>)
  void on_fact(auto& env, F const& fact) {
    nest_fact<under_lane>(under_, env, fact, [&](auto const& f) { env.emit(f); });
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == round_tag) return tell_all(env);
    if (lane_of(tag) != under_lane) return;
    below(env, [&](auto& e) {
      if constexpr (requires { under_.on_timer(e, tag); }) under_.on_timer(e, tag_within(tag));
    });
  }

  // ---- told by others --------------------------------------------------------------------------

  template <class M>
    requires contains<M, messages_of<Under>>
  void on_message(auto& env, peer from, M const& m) {
    below(env, [&](auto& e) { under_.on_message(e, from, m); });
  }

  void on_message(auto& env, peer from, tell_rumour const& m) {
    if (!m.what.id.origin) return;
    auto const* before = find(m.what.id);
    bool const own = m.what.id.origin == env.self();
    bool const refused = !own && before == nullptr && crowded(env);
    bool const known = own || refused || (before != nullptr && !(settings_.start_of_round &&
                                                      before->at >= round_start(env)));
    if (m.nonce != 0) env.send(from, heard_before{m.nonce, known});
    if (before != nullptr || own || refused) return;
    learn(env, m.what, static_cast<std::uint16_t>(std::min(m.hops, rumour_hops_max) + 1));
  }

  void on_message(auto& env, peer from, heard_before const& m) {
    auto pool = env.template pool<hot_rumour>();
    auto const id = pool.first([&](hot_rumour const& r) {
      return r.nonce != 0 && r.nonce == m.nonce && r.asked == from;
    });
    auto* r = pool.find(id);
    if (r == nullptr) return;
    r->nonce = 0;
    if (m.known) {
      if (bored_by(env, *r)) pool.erase(id);
    } else if (settings_.reset) {
      r->bored = 0;
    }
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& under_& choose_& seen_& next_seen_& sequence_& armed_;
    if (next_seen_ >= Remembered) next_seen_ = 0;
  }

 private:
  struct learnt {
    rumour_id what{};
    instant at{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& what& at;
    }
  };

  void below(auto& env, auto&& call) {
    nest<under_lane>(under_, env, call, [&](auto const& f) { env.emit(f); });
  }
  [[nodiscard]] learnt const* find(rumour_id what) const {
    auto const* at = std::find_if(seen_.begin(), seen_.end(),
                                  [&](learnt const& l) { return l.what == what; });
    return at == seen_.end() ? nullptr : at;
  }
  [[nodiscard]] instant round_start(auto& env) const {
    auto const now = ns(env.now());
    return at_ns(now - now % settings_.round.count());
  }

  // The oldest name is too young to make room.
  [[nodiscard]] bool crowded(auto& env) const {
    return seen_.full() && env.now() - seen_[next_seen_].at < settings_.round * settings_.settle;
  }
  void learn(auto& env, rumour const& r, std::uint16_t hops) {
    learnt const l{r.id, env.now()};
    if (seen_.full()) {
      seen_[next_seen_] = l;
      next_seen_ = static_cast<std::uint16_t>((next_seen_ + 1U) % Remembered);
    } else {
      seen_.push_back(l);
    }
    if (hops <= rumour_hops_max) tell_from_now_on(env, r, hops);
    env.emit(delivered{r.id, r.body, hops});
  }
  void tell_from_now_on(auto& env, rumour const& r, std::uint16_t hops) {
    auto pool = env.template pool<hot_rumour>();
    if (pool.full()) {
      activity first{};
      pool.each([&](activity id, hot_rumour const&) { first = id; });  // newest first
      pool.erase(first);
    }
    pool.add({r, hops, 0, 0, {}});
    arm_next(env);
  }
  void arm_next(auto& env) {
    if (armed_) return;
    armed_ = true;
    env.arm(round_start(env) + settings_.round - env.now(), round_tag);
  }

  // Counts a contact; whether the site has lost interest.
  bool bored_by(auto& env, hot_rumour& r) {
    if (settings_.how == rumour_settings::boredom::coin) {
      return env.random().chance(1, settings_.k);
    }
    return ++r.bored >= settings_.k;
  }

  void tell_all(auto& env) {
    armed_ = false;
    auto pool = env.template pool<hot_rumour>();
    pool.each([&](activity id, hot_rumour& r) {
      auto const whom = choose_(env, under_.neighbours());
      if (!whom) return;
      r.asked = whom;
      r.nonce = settings_.feedback ? std::max<std::uint64_t>(env.random().bits(), 1) : 0;
      env.send(whom, tell_rumour{r.what, r.hops, r.nonce});
      if (!settings_.feedback && bored_by(env, r)) pool.erase(id);
    });
    if (pool.size() > 0) arm_next(env);
  }

  rumour_settings settings_{};
  Under under_{};
  [[no_unique_address]] Choose choose_{};
  bounded_vector<learnt, Remembered> seen_{};
  std::uint16_t next_seen_ = 0;
  std::uint32_t sequence_ = 0;
  bool armed_ = false;
};

static_assert(MembershipPolicy<partner_list<>, archetype_view<partner_list<>>>);
static_assert(MembershipPolicy<rumour_mongering<>, archetype_view<rumour_mongering<>>>);

}  // namespace hydra::membership
