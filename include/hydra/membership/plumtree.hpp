// Plumtree: broadcast along a tree that is embedded in a gossip overlay and repairs itself.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/core/nested.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/plumtree_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::membership {

struct plumtree_settings {
  duration missing_after = 500ms;  // announced for so long and not come: graft
  duration graft_again = 250ms;    // between two grafts for one rumour
  duration settle = 5s;            // a name is kept so long; more than any copy is under way
  std::uint8_t grafts_max = 8;     // for one rumour
  std::uint8_t tell_newcomers = 4;  // of the last rumours, to whom becomes a neighbour
  std::uint8_t optimise_by = 0;    // hops an announcement must be shorter by; zero: never
  bool tree = true;                // false: everything to everybody, as a flood
  template <class A>
  void serialize(A& a, unsigned) {
    a& missing_after& graft_again& settle& grafts_max& tell_newcomers& optimise_by;
    a& tree;
  }
};

// A rumour that came, kept for those who graft.
struct held_rumour {
  static constexpr std::size_t per_peer_max = 32;
  rumour what{};
  std::uint16_t hops = 0;
  std::uint32_t order = 0;  // of arrival
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& hops& order;
  }
};

// A rumour that was announced and has not come, with whom to ask for it.
struct missing_rumour {
  static constexpr std::size_t per_peer_max = 32;
  rumour_id what{};
  instant due{};
  std::uint8_t grafts = 0;
  bounded_vector<peer, 4> announced_by{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& due& grafts& announced_by;
  }
};

// Leitao, Pereira and Rodrigues (SRDS 2007), over any membership policy.
//
// Promises. delivered{} once per rumour and head while the head remembers it: the last Remembered
// rumours, and none less than `settle`; at the origin in the same call. In a connected overlay at
// rest a rumour costs one payload per head and two announcements per link outside the tree. It is
// a MembershipPolicy: the facts and neighbours are those of the policy below.
//
// Rules.
// - Every link starts eager. A rumour goes to eager neighbours at once, and is announced to lazy
//   ones. A rumour that comes a second time makes its link lazy at both ends (prune); what is left
//   is a tree of the links that were fastest.
// - An announced rumour that does not come within missing_after is asked for where it was
//   announced first, and that link becomes eager (graft): the tree heals itself. The others are
//   asked in turn, grafts_max times: a lost message costs time and not the rumour.
// - Who becomes a neighbour is told of the last tell_newcomers rumours: two halves of a network
//   that meet again learn what they missed. The paper leaves that to the user.
// - With optimise_by, an announcement that was so many hops shorter than the rumour's own way takes
//   the place of the link it came by: less delay for many senders, for more messages.
// - Only neighbours are listened to: strangers cannot inject, graft or prune.
// - A head takes at most Remembered rumours per `settle`: where one more would push out a younger
//   name it is refused, not delivered, not sent on, not asked for, and counted (refused()). An own
//   one too: broadcast() returns a rumour_id of nobody, and may be tried again. Otherwise a name
//   is forgotten while copies are under way, each of them is new again, and 66 rumours at once
//   among 12 heads never end. `settle` is twice what a missing rumour is asked for, missing_after +
//   grafts_max * graft_again: after that no copy comes but to a new neighbour. A rumour goes 250
//   hops at most, so one that comes round nevertheless ends.
//
// What an attacker gains. A neighbour can invent rumours in anybody's name (rumours are not signed
// here: put a signature into the payload) and be heard by everybody; Remembered of them per
// `settle` leave no place for anybody else's; it can announce what it does not send, which costs
// grafts_max messages and delays, not prevents, what others send. Bounded per head: 32 rumours
// kept, 32 missing with 4 sources each, of which 8 are noted on the word of one neighbour alone;
// others are not noted. Hops are hearsay.
//
// Cost. In memory a rumour is 152 bytes (in a window it lies at its own length), an announcement
// 12, a graft 8. Events are O(links + Remembered). sizeof(plumtree<>) is 1,176 bytes with
// hyparview<>; a rumour that is kept 152 bytes and one that is missing 40, in pools: an idle head
// has none.
//
// Departures from the paper: grafts repeat, newcomers are told, announcements are not gathered into
// one message. A timer serves all missing rumours.
template <class Under = hyparview<>, std::size_t Remembered = 64>
class plumtree {
  static_assert(Remembered >= held_rumour::per_peer_max, "what is kept must be remembered");

 public:
  using policy_concept = membership_tag;
  using under_type = Under;
  using messages = joined<messages_of<Under>, type_list<gossip, i_have, graft, prune>>;
  using facts = joined<facts_of<Under>, type_list<delivered>>;
  using inputs = joined<inputs_of<Under>, type_list<spread>>;
  using activities = joined<activities_of<Under>, type_list<held_rumour, missing_rumour>>;
  using records = records_of<Under>;

  static constexpr std::size_t links_max = 16;  // eager or lazy; others wait for a place
  static constexpr std::size_t alone_max = missing_rumour::per_peer_max / 4;  // of one announcer
  static constexpr std::uint16_t under_lane = 1;
  static constexpr std::uint16_t missing_tag = own_tag(1);

  constexpr plumtree() = default;
  constexpr explicit plumtree(plumtree_settings const& s, Under under = {})
      : settings_{s}, under_{std::move(under)} {
    HYDRA_EXPECTS(s.missing_after > duration{});
    HYDRA_EXPECTS(s.graft_again > duration{});
    HYDRA_EXPECTS(s.settle > duration{});
  }

  // ---- asked --------------------------------------------------------------------------------

  [[nodiscard]] constexpr decltype(auto) neighbours() const { return under_.neighbours(); }
  [[nodiscard]] constexpr Under const& under() const noexcept { return under_; }
  [[nodiscard]] constexpr bool is_eager(peer who) const noexcept {
    auto const* l = find(who);
    return l != nullptr && l->eager;
  }
  // Rumours that found no place, and copies of them.
  [[nodiscard]] constexpr std::uint32_t refused() const noexcept { return refused_; }

  // ---- told by the parent ----------------------------------------------------------------------

  // To everybody in the overlay; delivered{} here in the same call. Of nobody: refused, nothing was
  // done; there is a place within 1.25 settle, unless others take it.
  rumour_id broadcast(auto& env, payload const& body) {
    if (no_place(env)) return {};
    sequence_ = sequence_after(sequence_, env.now());
    rumour const r{{env.self(), sequence_}, body};
    deliver(env, r, 0);
    push(env, r, 0, {});
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
    below(env, [&](auto& e) { under_.leave(e); });
  }
  void failed(auto& env, peer who) {
    below(env, [&](auto& e) { under_.failed(e, who); });
  }
  void on_fact(auto& env, spread const& s) { broadcast(env, s.body); }
  template <class F>
    requires(!std::same_as<F, spread>)
  void on_fact(auto& env, F const& fact) {
    nest_fact<under_lane>(under_, env, fact, receiver(env));
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == missing_tag) return ask_for_missing(env);
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

  void on_message(auto& env, peer from, gossip const& m) {
    auto* l = find(from);
    if (l == nullptr || !m.what.id.origin) return;
    if (m.what.id.origin == env.self()) return refuse(env, *l);  // ours, or of a life before
    if (seen_.holds(m.what.id)) return refuse(env, *l);
    if (no_place(env)) return;
    auto const hops = static_cast<std::uint16_t>(std::min(m.hops, rumour_hops_max) + 1);
    l->eager = true;
    deliver(env, m.what, hops);
    push(env, m.what, hops, from);
    if (settings_.optimise_by != 0) optimise(env, m.what.id, *l, hops);  // after: it has come
  }

  void on_message(auto& env, peer from, i_have const& m) {
    if (find(from) == nullptr || !m.what.origin || m.what.origin == env.self()) return;
    if (seen_.holds(m.what) || seen_.crowded(env.now(), settings_.settle)) return;
    auto pool = env.template pool<missing_rumour>();
    auto id = missing(env, m.what);
    if (!id) {
      if (alone_announced_by(env, from) >= alone_max) return;  // another may announce it
      missing_rumour fresh;
      fresh.what = m.what;
      fresh.due = env.now() + settings_.missing_after;
      id = pool.add(fresh);
    }
    auto* r = pool.find(id);
    if (r == nullptr) return;  // 32 are missing: it will be announced by another, or told later
    auto const& known = r->announced_by;
    if (std::find(known.begin(), known.end(), from) == known.end()) {
      r->announced_by.try_push_back(from);
      note_shorter(from, m.what, m.hops);
    }
    watch(env, r->due);
  }

  void on_message(auto& env, peer from, graft const& m) {
    auto* l = find(from);
    if (l == nullptr) return;
    l->eager = true;
    auto pool = env.template pool<held_rumour>();
    auto const* r = pool.find(
        pool.first([&](held_rumour const& h) { return h.what.id == m.what; }));
    if (r != nullptr) env.send(from, gossip{r->what, r->hops});
  }

  void on_message(auto&, peer from, prune const&) {
    auto* l = find(from);
    if (l != nullptr && settings_.tree) l->eager = false;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& under_& links_& seen_& watch_at_& shorter_& sequence_& order_;
    a& refused_;
  }

 private:
  struct link {
    peer who{};
    bool eager = true;
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& eager;
    }
  };
  // The shortest announcement of the rumour that was announced last.
  struct shorter {
    rumour_id what{};
    peer by{};
    std::uint16_t hops = 0;
    template <class A>
    void serialize(A& a, unsigned) {
      a& what& by& hops;
    }
  };

  // ---- the policy below ------------------------------------------------------------------------

  void below(auto& env, auto&& call) { nest<under_lane>(under_, env, call, receiver(env)); }
  [[nodiscard]] auto receiver(auto& env) {
    return [&env, this](auto const& fact) {
      using fact_type = std::remove_cvref_t<decltype(fact)>;
      if constexpr (std::same_as<fact_type, neighbour_up>) add_link(env, fact.who);
      if constexpr (std::same_as<fact_type, neighbour_down>) remove_link(env, fact.who);
      env.emit(fact);
    };
  }
  [[nodiscard]] constexpr link* find(peer who) noexcept {
    auto* l = std::find_if(links_.begin(), links_.end(),
                           [&](link const& x) { return x.who == who; });
    return l == links_.end() ? nullptr : l;
  }
  [[nodiscard]] constexpr link const* find(peer who) const noexcept {
    return const_cast<plumtree*>(this)->find(who);
  }
  void add_link(auto& env, peer who) {
    if (find(who) != nullptr || !links_.try_push_back({who, true})) return;
    env.template pool<held_rumour>().each([&](activity, held_rumour const& h) {
      if (order_ - h.order < settings_.tell_newcomers) env.send(who, i_have{h.what.id, h.hops});
    });
  }
  void remove_link(auto& env, peer who) {
    auto const* l = find(who);
    if (l != nullptr) links_.erase(l);
    env.template pool<missing_rumour>().each([&](activity, missing_rumour& r) {
      auto* by = std::find(r.announced_by.begin(), r.announced_by.end(), who);
      if (by != r.announced_by.end()) r.announced_by.erase(by);
    });
    for (auto other : under_.neighbours()) {  // one that had no place until now
      if (links_.full()) return;
      if (other != who) add_link(env, other);
    }
  }

  // ---- rumours ---------------------------------------------------------------------------------

  [[nodiscard]] bool no_place(auto& env) {
    if (!seen_.crowded(env.now(), settings_.settle)) return false;
    ++refused_;
    return true;
  }
  void deliver(auto& env, rumour const& r, std::uint16_t hops) {
    seen_.add(r.id, env.now(), settings_.settle);
    env.template pool<missing_rumour>().erase(missing(env, r.id));
    auto pool = env.template pool<held_rumour>();
    if (pool.full()) {
      activity oldest{};
      std::uint32_t age = 0;
      pool.each([&](activity id, held_rumour const& h) {
        if (order_ - h.order < age) return;
        age = order_ - h.order;
        oldest = id;
      });
      pool.erase(oldest);
    }
    pool.add({r, hops, ++order_});
    env.emit(delivered{r.id, r.body, hops});
  }

  void push(auto& env, rumour const& r, std::uint16_t hops, peer from) {
    if (hops > rumour_hops_max) return;
    for (auto const& l : links_) {
      if (l.who == from) continue;
      if (l.eager) {
        env.send(l.who, gossip{r, hops});
      } else {
        env.send(l.who, i_have{r.id, hops});
      }
    }
  }

  // It came a second time: this link is not needed.
  void refuse(auto& env, link& l) {
    if (!settings_.tree) return;
    l.eager = false;
    env.send(l.who, prune{});
  }

  void note_shorter(peer by, rumour_id what, std::uint16_t hops) {
    if (settings_.optimise_by == 0) return;
    if (shorter_.what == what && shorter_.hops <= hops) return;
    shorter_ = {what, by, hops};
  }
  // The rumour came over `by`; somebody announced it who is nearer to its origin.
  void optimise(auto& env, rumour_id what, link& by, std::uint16_t hops) {
    if (shorter_.what != what || shorter_.by == by.who) return;
    if (shorter_.hops + 1 + settings_.optimise_by > hops) return;
    auto* better = find(shorter_.by);
    if (better == nullptr) return;
    better->eager = true;
    env.send(better->who, graft{});
    refuse(env, by);
  }

  // ---- what is missing -------------------------------------------------------------------------

  [[nodiscard]] activity missing(auto& env, rumour_id what) const {
    auto pool = env.template pool<missing_rumour>();
    return pool.first([&](missing_rumour const& r) { return r.what == what; });
  }
  // How many are missing that nobody else has announced.
  [[nodiscard]] std::size_t alone_announced_by(auto& env, peer who) const {
    std::size_t n = 0;
    env.template pool<missing_rumour>().each([&](activity, missing_rumour const& r) {
      n += r.announced_by.size() == 1 && r.announced_by[0] == who ? 1U : 0U;
    });
    return n;
  }
  void watch(auto& env, instant due) {
    if (due >= watch_at_) return;
    watch_at_ = due;
    env.arm(due - env.now(), missing_tag);
  }
  void ask_for_missing(auto& env) {
    if (env.now() < watch_at_) return;
    watch_at_ = never;
    auto next = never;
    bool const crowded = seen_.crowded(env.now(), settings_.settle);
    auto pool = env.template pool<missing_rumour>();
    pool.each([&](activity id, missing_rumour& r) {
      if (r.due <= env.now()) {
        if (crowded || r.announced_by.empty() || r.grafts >= settings_.grafts_max) {
          pool.erase(id);  // whoever announces it again is heard
          return;
        }
        auto const whom = r.announced_by[r.grafts % r.announced_by.size()];
        ++r.grafts;
        r.due = env.now() + settings_.graft_again;
        if (auto* l = find(whom)) l->eager = true;
        env.send(whom, graft{r.what});
      }
      next = std::min(next, r.due);
    });
    watch(env, next);
  }

  plumtree_settings settings_{};
  Under under_{};
  bounded_vector<link, links_max> links_{};
  id_ring<Remembered> seen_{};
  instant watch_at_ = never;
  shorter shorter_{};
  std::uint32_t sequence_ = 0;
  std::uint32_t order_ = 0;
  std::uint32_t refused_ = 0;
};

static_assert(MembershipPolicy<plumtree<>, archetype_view<plumtree<>>>);

}  // namespace hydra::membership
