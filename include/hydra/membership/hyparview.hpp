// HyParView: a small active view of open links and a larger passive view to repair it from.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/hyparview_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::membership {

struct hyparview_settings {
  duration cycle = 10s;     // of a shuffle, at a random phase
  duration probe = 5s;      // of asking all neighbours whether they are there; zero: never
  duration timeout = 1500ms;  // of one attempt to ask a head to be a neighbour
  std::uint8_t attempts = 2;      // of asking one head
  std::uint8_t probes_missed = 3;  // in a row, then a neighbour is dead
  std::uint8_t active_walk = 6;   // ARWL: hops of a newcomer's walk, and of a shuffle
  std::uint8_t passive_walk = 3;  // PRWL: hops left when a newcomer is noted on its way
  std::uint8_t shuffle_active = 3;   // k_a: of the active view in a shuffle
  std::uint8_t shuffle_passive = 4;  // k_p: of the passive view in a shuffle
  std::uint8_t group_max = 2;   // neighbours of one known netgroup; zero: no bound
  std::uint8_t swap_every = 4;  // cycles between two exchanges of a neighbour; zero: never
  template <class A>
  void serialize(A& a, unsigned) {
    a& cycle& probe& timeout& attempts& probes_missed& active_walk& passive_walk;
    a& shuffle_active& shuffle_passive& group_max& swap_every;
  }
};

// A head that was asked to be a neighbour and has not answered yet.
struct link_request {
  static constexpr std::size_t per_peer_max = 8;
  enum class kind : std::uint8_t {
    join,     // our first contact
    promote,  // out of the passive view
    welcome,  // a newcomer whose walk ended here
  };
  peer who{};
  std::uint64_t nonce = 0;
  instant due{};
  kind why = kind::promote;
  bool high = false;
  std::uint8_t attempts = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& due& why& high& attempts;
  }
};
[[nodiscard]] constexpr link_request::kind last_of(link_request::kind) noexcept {
  return link_request::kind::welcome;
}

// Leitao, Pereira and Rodrigues (DSN 2007).
//
// Promises. At most Active neighbours; links are symmetric once the messages under way have
// arrived, and with `probe` also where messages were lost. A broken link is replaced out of the
// passive view as soon as the transport tells of it (`failed`, or the fact unreachable), or else
// after probes_missed periods; a place lost to another head within a cycle. neighbour_up and
// neighbour_down tell every change of neighbours().
//
// Rules.
// - A newcomer asks one contact. The contact takes it in, and sends a walk to each of its other
//   neighbours; where a walk ends a link is offered. So a newcomer gets links all over the group,
//   although it knows one head only.
// - Who has a place to fill asks heads of its passive view, each once per cycle. It is refused
//   where no place is free, unless it has no neighbour at all: then somebody makes room.
// - Who was closed a link, by a neighbour that made room, asks in its next cycle, and at once only
//   when it was the last: as in the paper's algorithm 1. Asking at once makes the overlay more
//   like a random graph (clustering 0.00064 for 0.00087, 10,000 heads).
// - Who was made room for goes into the passive view, and so does who closed a link without
//   leaving: it lives. Who is silent, or leaves, is forgotten.
// - The last head of the passive view is not forgotten for being silent, nor is the first contact:
//   who is alone goes on asking. Who has left asks nobody until it joins again, and an answer that
//   comes after it left is sent back as a good-bye.
// - Walks are taken from neighbours only, and never longer than we would send them.
// - Every swap_every cycles a head asks one of its passive view with high priority, so that both
//   exchange a neighbour; one that knows few heads asks a contact that it was given. Without that,
//   four hundred heads that start together through one contact stay in several parts for ever: all
//   places are taken, and nobody has a reason to change (measured).
// - What a shuffle brings pushes out what was sent away in it first: views mix and do not shrink.
//
// What an attacker gains. Each join, or request of high priority, pushes one neighbour out: who
// can call from many networks can take all places of a head whose links it can break, as the paper
// says of none. group_max bounds the neighbours of one known netgroup. A neighbour need not call:
// it names any head in a forward_join, and we ask that head with high priority, so that it drops a
// neighbour for us; 8 at a time, and while heads are asked that do not exist places are not
// refilled. A join costs its sender one message and the group up to
// 1 + (Active - 1) * (active_walk + 2). Passive views are hearsay: inventing heads costs a victim
// `attempts` timeouts each, at most Passive of them in a cycle. The answer to a shuffle comes from
// a head that the origin does not know: whoever saw the walk, up to active_walk heads, may answer
// first, once, and with no more heads than were sent and one.
// Nothing grows with an attacker: 8 requests under way, Active + Passive heads known.
//
// Cost. A cycle sends active_walk + 1 messages of at most 96 bytes; a period of probes 2 Active
// of 16 bytes. Events are O(Active + Passive). sizeof(hyparview<>) is 432 bytes; a request under
// way is 32 bytes in a pool.
//
// Departures from the paper: a link offered at the end of a walk counts when the newcomer has
// answered; several places are refilled at a time; probes (the paper tests links by using them
// over TCP), swaps, netgroups, time limits. Priority, walks, views, shuffles are the paper's.
template <std::size_t Active = 5, std::size_t Passive = 30>
class hyparview {
  static_assert(Active > 0);
  static_assert(Active + 2 <= facts_per_call_max, "all may go down in one call");
  static_assert(Passive > 0);

 public:
  using policy_concept = membership_tag;
  using messages = type_list<join_request, forward_join, disconnect, neighbour_request,
                             neighbour_answer, shuffle, shuffle_reply, probe, alive>;
  using facts = type_list<neighbour_up, neighbour_down>;
  using activities = type_list<link_request>;
  using view_type = bounded_vector<peer, Active>;

  static constexpr std::size_t contacts_max = 4;
  static constexpr std::uint16_t cycle_tag = 1;
  static constexpr std::uint16_t probe_tag = 2;
  static constexpr std::uint16_t sweep_tag = 3;

  constexpr hyparview() = default;
  constexpr explicit hyparview(hyparview_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.cycle > duration{});
    HYDRA_EXPECTS(s.timeout > duration{});
    HYDRA_EXPECTS(s.attempts > 0);
    HYDRA_EXPECTS(s.probes_missed > 0);
    HYDRA_EXPECTS(s.passive_walk <= s.active_walk);
    HYDRA_EXPECTS(s.shuffle_active + s.shuffle_passive <= exchange_max);
  }

  // ---- asked --------------------------------------------------------------------------------

  [[nodiscard]] constexpr view_type const& neighbours() const noexcept { return active_; }
  [[nodiscard]] constexpr bounded_vector<peer, Passive> passive() const {
    bounded_vector<peer, Passive> out;
    for (auto const& s : passive_) out.push_back(s.who);
    return out;
  }
  [[nodiscard]] constexpr hyparview_settings const& settings() const noexcept { return settings_; }

  // ---- told by the parent ----------------------------------------------------------------------

  void on_start(auto& env) {
    env.every(settings_.cycle, env.random().between(duration{}, settings_.cycle), cycle_tag);
    if (settings_.probe > duration{}) {
      env.every(settings_.probe, env.random().between(duration{}, settings_.probe), probe_tag);
    }
  }
  void join(auto& env, std::span<peer const> known) {
    away_ = false;
    for (auto who : known) {
      note_passive(env, who, {});
      if (who && std::find(contacts_.begin(), contacts_.end(), who) == contacts_.end()) {
        contacts_.try_push_back(who);
      }
    }
    refill(env);
  }
  void leave(auto& env) {
    away_ = true;
    joined_ = false;
    passive_.clear();
    env.template pool<link_request>().clear();
    while (!active_.empty()) {
      auto const who = active_.back();
      env.send(who, disconnect{true});
      unlink(env, who, neighbour_down::cause::left);
    }
  }
  void failed(auto& env, peer who) {
    forget(who);
    auto pool = env.template pool<link_request>();
    pool.erase(request_to(env, who));
    if (is_neighbour(who)) unlink(env, who, neighbour_down::cause::dead);
    refill(env);
  }
  void on_fact(auto& env, unreachable const& gone) { failed(env, gone.who); }

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == cycle_tag) cycle(env);
    if (tag == probe_tag) probe_all(env);
    if (tag == sweep_tag) sweep(env);
  }

  // ---- told by others --------------------------------------------------------------------------

  void on_message(auto& env, peer from, join_request const& m) {
    bool const known = is_neighbour(from);
    bool const in = known || (!away_ && from != env.self() && link(env, from, true));
    env.send(from, neighbour_answer{m.nonce, in});
    if (known || !in) return;  // asked again: the walks are under way
    for (auto who : active_) {
      if (who != from) env.send(who, forward_join{from, settings_.active_walk});
    }
  }

  void on_message(auto& env, peer from, forward_join const& m) {
    if (away_ || !is_neighbour(from) || !m.newcomer || m.newcomer == env.self()) return;
    auto const left = std::min(m.hops_left, settings_.active_walk);
    if (left == settings_.passive_walk) note_passive(env, m.newcomer, {});
    auto const next = left == 0 ? peer{} : other_neighbour(env, from, m.newcomer);
    if (next) {
      env.send(next, forward_join{m.newcomer, static_cast<std::uint8_t>(left - 1)});
    } else if (!is_neighbour(m.newcomer) && !request_to(env, m.newcomer)) {
      ask(env, m.newcomer, link_request::kind::welcome, true);
    }
  }

  void on_message(auto& env, peer from, disconnect const& m) {
    if (m.leaving) forget(from);
    if (!is_neighbour(from)) return;
    if (!m.leaving) return replaced(env, from);
    unlink(env, from, neighbour_down::cause::left);
    refill(env);
  }

  void on_message(auto& env, peer from, neighbour_request const& m) {
    bool const in = is_neighbour(from) ||
                    (!away_ && from != env.self() && link(env, from, m.high));
    env.send(from, neighbour_answer{m.nonce, in});
  }

  void on_message(auto& env, peer from, neighbour_answer const& m) {
    if (away_) {  // asked before we left
      if (m.accepted) env.send(from, disconnect{true});
      return;
    }
    auto pool = env.template pool<link_request>();
    auto const id = request_to(env, from);
    auto const* asked = pool.find(id);
    if (asked == nullptr || asked->nonce != m.nonce) return;
    bool const makes_room = asked->high || asked->why == link_request::kind::join;
    pool.erase(id);
    if (m.accepted && !is_neighbour(from) && !link(env, from, makes_room)) {
      env.send(from, disconnect{});
    }
    refill(env);
  }

  void on_message(auto& env, peer from, shuffle const& m) {
    if (away_ || !is_neighbour(from) || !m.origin || m.origin == env.self()) return;
    auto const left = std::min(m.hops_left, settings_.active_walk);
    auto const next = left <= 1 ? peer{} : other_neighbour(env, from, m.origin);
    if (next) {
      auto on = m;
      on.hops_left = static_cast<std::uint8_t>(left - 1);
      env.send(next, on);
      return;
    }
    shuffle_reply reply{m.nonce, {}};
    sample_passive(env, std::min(m.named.size() + 1, exchange_max), reply.named);
    env.send(m.origin, reply);
    for (auto who : m.named) note_passive(env, who, reply.named);
    note_passive(env, m.origin, reply.named);
  }

  void on_message(auto& env, peer, shuffle_reply const& m) {
    if (shuffle_nonce_ == 0 || m.nonce != shuffle_nonce_) return;
    shuffle_nonce_ = 0;  // one answer to a question, by whom is not known
    auto const count = std::min(m.named.size(), given_.size() + 1);
    for (std::size_t i = 0; i < count; ++i) note_passive(env, m.named[i], given_);
  }

  void on_message(auto& env, peer from, probe const& m) {
    env.send(from, alive{m.nonce, is_neighbour(from) || request_to(env, from)});
  }

  void on_message(auto& env, peer from, alive const& m) {
    auto const i = place_of(from);
    if (i == active_.size() || probe_nonce_ == 0 || m.nonce != probe_nonce_) return;
    missed_[i] = 0;
    if (!m.linked) replaced(env, from);  // its disconnect was lost
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& active_& missed_& passive_& contacts_& given_;
    a& shuffle_nonce_& probe_nonce_& sweep_at_& cycles_& joined_& away_;
  }

 private:
  // A head of the passive view, and whether it was asked in this cycle.
  struct spare {
    peer who{};
    bool tried = false;
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& tried;
    }
  };

  // ---- views ---------------------------------------------------------------------------------

  [[nodiscard]] std::size_t place_of(peer who) const {
    return static_cast<std::size_t>(std::find(active_.begin(), active_.end(), who) -
                                    active_.begin());
  }
  [[nodiscard]] bool is_neighbour(peer who) const { return place_of(who) != active_.size(); }
  [[nodiscard]] std::size_t spare_of(peer who) const {
    std::size_t i = 0;
    while (i < passive_.size() && passive_[i].who != who) ++i;
    return i;
  }

  // A neighbour at random, neither of the two; nobody when there is none.
  [[nodiscard]] peer other_neighbour(auto& env, peer a, peer b) const {
    view_type others;
    for (auto who : active_) {
      if (who != a && who != b) others.push_back(who);
    }
    if (others.empty()) return {};
    return others[static_cast<std::size_t>(env.random().below(others.size()))];
  }

  // Takes a neighbour in. Where no place is free: only by force, and somebody makes room.
  bool link(auto& env, peer who, bool by_force) {
    auto const same = same_group(env, who);
    bool const crowded = settings_.group_max != 0 && same.size() >= settings_.group_max;
    if (active_.full() || crowded) {
      if (!by_force) return false;
      auto const& among = crowded ? same : active_;
      auto const out = among[static_cast<std::size_t>(env.random().below(among.size()))];
      env.send(out, disconnect{});
      unlink(env, out, neighbour_down::cause::replaced);
      note_passive(env, out, {}, true);
    }
    forget(who);
    active_.push_back(who);
    missed_.push_back(0);
    joined_ = true;
    env.emit(neighbour_up{who});
    return true;
  }
  void unlink(auto& env, peer who, neighbour_down::cause why) {
    auto const i = place_of(who);
    active_.erase(&active_[i]);
    missed_.erase(&missed_[i]);
    env.emit(neighbour_down{who, why});
  }
  // It gave us up for another; the next cycle asks.
  void replaced(auto& env, peer who) {
    unlink(env, who, neighbour_down::cause::replaced);
    note_passive(env, who, {}, true);
    if (active_.empty()) refill(env);
  }
  [[nodiscard]] view_type same_group(auto& env, peer who) const {
    view_type out;
    if (settings_.group_max == 0) return out;
    auto const group = env.about(who).group;
    if (group == netgroup{}) return out;
    for (auto other : active_) {
      if (env.about(other).group == group) out.push_back(other);
    }
    return out;
  }

  // Where no place is free one of `given` goes, or else somebody at random.
  void note_passive(auto& env, peer who, exchanged const& given, bool tried = false) {
    if (!who || who == env.self() || is_neighbour(who)) return;
    if (spare_of(who) != passive_.size()) return;
    if (passive_.full()) {
      auto out = passive_.size();
      for (auto sent : given) {
        if (out == passive_.size()) out = spare_of(sent);
      }
      if (out == passive_.size()) out = static_cast<std::size_t>(env.random().below(out));
      drop_spare(out);
    }
    passive_.push_back({who, tried});
  }
  void forget(peer who) {
    auto const i = spare_of(who);
    if (i != passive_.size()) drop_spare(i);
  }
  void drop_spare(std::size_t i) {
    passive_[i] = passive_.back();
    passive_.pop_back();
  }
  void sample_passive(auto& env, std::size_t count, exchanged& out) {
    auto all = passive();
    for (auto who : env.random().sample(count, all.span())) out.try_push_back(who);
  }

  // ---- links that are asked for ----------------------------------------------------------------

  [[nodiscard]] activity request_to(auto& env, peer who) const {
    auto pool = env.template pool<link_request>();
    return pool.first([&](link_request const& r) { return r.who == who; });
  }

  void ask(auto& env, peer who, link_request::kind why, bool high) {
    link_request r;
    r.who = who;
    r.nonce = env.random().bits();
    r.why = why;
    r.high = high;
    auto pool = env.template pool<link_request>();
    auto* asked = pool.find(pool.add(r));
    if (asked != nullptr) send_request(env, *asked);  // else: enough are under way
  }
  void send_request(auto& env, link_request& r) {
    ++r.attempts;
    r.due = env.now() + settings_.timeout;
    watch(env, r.due);
    if (r.why == link_request::kind::join) {
      env.send(r.who, join_request{r.nonce});
    } else {
      env.send(r.who, neighbour_request{r.nonce, r.high});
    }
  }

  // Asks as many as there are places free; one only while nobody is a neighbour.
  void refill(auto& env) {
    auto pool = env.template pool<link_request>();
    while (!away_ && active_.size() + pool.size() < Active && !pool.full()) {
      if (active_.empty() && pool.size() > 0) return;
      auto* chosen = untried(env);
      if (chosen == nullptr) return;
      chosen->tried = true;
      ask(env, chosen->who, joined_ ? link_request::kind::promote : link_request::kind::join,
          active_.empty());
    }
  }
  [[nodiscard]] spare* untried(auto& env) {
    bounded_vector<std::uint16_t, Passive> open;
    for (std::size_t i = 0; i < passive_.size(); ++i) {
      if (passive_[i].tried || request_to(env, passive_[i].who)) continue;
      open.push_back(static_cast<std::uint16_t>(i));
    }
    if (open.empty()) return nullptr;
    return &passive_[open[static_cast<std::size_t>(env.random().below(open.size()))]];
  }

  // ---- time ------------------------------------------------------------------------------------

  void cycle(auto& env) {
    if (away_) return;  // the timer goes on until joining again
    if (active_.empty() && passive_.empty()) {  // alone: as at the start
      joined_ = false;
      for (auto who : contacts_) note_passive(env, who, {});
    }
    for (auto& s : passive_) s.tried = false;
    if (settings_.swap_every != 0 && ++cycles_ >= settings_.swap_every) swap_one(env);
    refill(env);
    if (!active_.empty()) send_shuffle(env);
  }
  void swap_one(auto& env) {
    cycles_ = 0;
    auto* chosen = untried(env);
    peer whom = chosen != nullptr ? chosen->who : peer{};
    if (passive_.size() < Passive / 4 && !contacts_.empty()) {
      whom = contacts_[static_cast<std::size_t>(env.random().below(contacts_.size()))];
      if (whom == env.self() || is_neighbour(whom) || request_to(env, whom)) return;
    } else if (chosen != nullptr) {
      chosen->tried = true;
    }
    if (whom) ask(env, whom, link_request::kind::promote, true);
  }
  void send_shuffle(auto& env) {
    shuffle m;
    m.origin = env.self();
    m.nonce = shuffle_nonce_ = std::max<std::uint64_t>(env.random().bits(), 1);
    m.hops_left = settings_.active_walk;
    auto all = active_;
    for (auto who : env.random().sample(settings_.shuffle_active, all.span())) {
      m.named.try_push_back(who);
    }
    sample_passive(env, settings_.shuffle_passive, m.named);
    given_ = m.named;
    env.send(active_[static_cast<std::size_t>(env.random().below(active_.size()))], m);
  }

  void probe_all(auto& env) {
    view_type dead;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      if (missed_[i] >= settings_.probes_missed) dead.push_back(active_[i]);
    }
    for (auto who : dead) failed(env, who);
    probe_nonce_ = std::max<std::uint64_t>(env.random().bits(), 1);
    for (std::size_t i = 0; i < active_.size(); ++i) {
      ++missed_[i];
      env.send(active_[i], probe{probe_nonce_});
    }
  }

  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), sweep_tag);
  }
  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;
    sweep_at_ = origin;  // nothing is armed until all have been looked at
    auto pool = env.template pool<link_request>();
    pool.each([&](activity id, link_request& r) {
      if (r.due > env.now()) return;
      if (r.attempts < settings_.attempts) return send_request(env, r);
      if (r.why != link_request::kind::join && passive_.size() > 1) forget(r.who);
      pool.erase(id);
    });
    sweep_at_ = never;
    refill(env);
    auto next = never;
    pool.each([&](activity, link_request const& r) { next = std::min(next, r.due); });
    watch(env, next);
  }

  hyparview_settings settings_{};
  view_type active_{};
  bounded_vector<std::uint8_t, Active> missed_{};  // probes, as active_
  bounded_vector<spare, Passive> passive_{};
  bounded_vector<peer, contacts_max> contacts_{};  // that join() was given first
  exchanged given_{};  // sent away in the last shuffle
  std::uint64_t shuffle_nonce_ = 0;
  std::uint64_t probe_nonce_ = 0;
  instant sweep_at_ = never;
  std::uint8_t cycles_ = 0;  // since the last swap
  bool joined_ = false;
  bool away_ = false;
};

static_assert(MembershipPolicy<hyparview<>, archetype_view<hyparview<>>>);

}  // namespace hydra::membership
