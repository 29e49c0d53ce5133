// Pastry over signed provider records: keyed routing by digits, with a leaf set.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/pastry_contacts.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

// Rowstron and Druschel (2001), with the hygiene of this house's Kademlia.
//
// Promises. find() answers with exactly one `found` within lookup_time_max: verified candidates,
// no head twice; or it returns no activity because twelve lookups are under way, and nothing
// follows. locate() likewise with one `located`: the live head numerically closest to the key, as
// far as leaf sets are right, after at most log_{2^B} n forwards as a rule. A record that publish()
// was given stays at the closest head and its next closest (`replicas`) as long as this head lives.
//
// Rules.
// - A key within the leaf set goes to the leaf that is closest; any other to the table's entry that
//   shares one digit more; where that place is empty, to anybody who shares as many and is nearer.
//   Every forward is progress, so nothing goes in circles; `hops_max` bounds what lies do.
// - Recursive: a head hands on and watches until the next one has said `routed`; one that stays
//   silent is asked again once, then passed by (acknowledgements as in Castro et al. 2003). The
//   closest head answers the origin itself, and repeats it until it is acknowledged. The origin
//   starts anew after route_timeout. Iterative (a setting, and always from a head that can only
//   call out): the asker talks to every head on the way.
// - Records are asked for, and stored, at the closest head and its `replicas`; by their publisher
//   only, again every `republish`; the asker checks every signature itself.
// - Joining is iterative: from a contact to the heads closer and closer to our own key, of each the
//   row that it shares with us, of the last its leaf set; then a few exchanges of leaf sets with
//   both neighbours. Whoever was named is hearsay until it answered a ping.
// - A leaf that is silent `evict_after` times is dropped, and the farthest on its side asked for
//   its leaf set; the place of a table entry is filled by asking another of the same row.
// - Leaves are pinged when unheard for a tick; per tick one row is fetched from one of its entries
//   and one entry that we doubt is pinged. Nothing is synchronised by a start.
// - A head that can only call out is answered and never entered, named or stored with.
//
// What an attacker gains. Recursive forwarding trusts the way: any head on it may swallow a message
// (the origin tries three times, by the same way) or answer in the place of the closest. The origin
// refuses an answer from a head that is farther from the key than somebody it knows itself, and an
// iterative one asks whom it knows to be nearer first; that is all it can see. Stores take half of
// the signature checks at most, those of one head a quarter. With a share f of such heads a lookup
// of h hops arrives with (1 - f)^(h - 1); keys compared by 32 bits; a newcomer announces itself by
// its pings and does not send its state; they can deny and not forge. Low round-trip times win
// places of the table (`proximity`): who is near to many owns more of their entries than its share
// (Castro et al. 2002). A message with a false origin makes the closest head send one short answer
// to it, four times.
//
// Cost. sizeof(pastry<4, 16>) is below 1.9 kB, most of it eight rows of sixteen places. A lookup
// under way is 2.6 kB, a forwarded message 88 bytes, from pools. Per forward two messages of 48 and
// 8 bytes in memory, 106 and 20 on the wire. Idle: up to 16 pings, one row and one leaf set per
// tick.
//
// Departures from the paper: no neighbourhood set (round-trip times are measured as heads are met);
// keys compared by 32 bits; a newcomer announces itself by its pings instead of sending its state;
// per-hop acknowledgements; netgroups do not count (a leaf set is who it is).
template <unsigned B = 4, std::size_t Leaves = 16>
class pastry : public pastry_contacts<B, Leaves> {
  using base = pastry_contacts<B, Leaves>;

 public:
  using policy_concept = routing_tag;
  using messages = type_list<route, routed, arrived, ask_hop, hop, ask_row, row, ask_leaves, leaves,
                             find_providers, providers, store, stored, ping, pong>;
  using facts = type_list<found, located>;
  using activities = type_list<pastry_lookup, handed_on, question, shelf, checking, offered>;
  using records = type_list<known_contacts>;
  using typename base::kind;
  using typename base::table_type;
  using base::on_message;
  using base::seen;
  using base::settle_tag;
  using base::sweep_tag;
  using base::upkeep_tag;

  constexpr pastry() = default;
  constexpr explicit pastry(pastry_settings const& s) : base{s} {}

  // A world too large to warm up gives every head its state (see pastry_table::adopt).
  template <class Everybody, class Named, class Choose>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named, Choose choose) {
    table_.adopt(own, everybody, named, choose);
  }
  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    table_.adopt(own, everybody, named, drawn_by_key{own});
  }

  // ---- told by the parent ----------------------------------------------------------------------

  void on_start(auto& env) {
    know_self(env);
    if (!settings_.maintain) return;
    env.every(settings_.tick, env.random().between(duration{}, settings_.tick), upkeep_tag);
    if (auto const kept = env.template recall<known_contacts>(0)) {
      join(env, std::span<peer const>{kept->who});
    }
  }

  void join(auto& env, std::span<peer const> known) {
    know_self(env);
    if (known.empty()) return;
    for (auto who : known) learn(env, who, evidence::named);
    pastry_lookup l;
    l.why = errand::refresh;
    l.iterative = true;
    l.target = env.about(env.self()).key;
    for (auto who : known) {
      if (usable(env, who)) l.choices.try_push_back(who);
    }
    settling_ = settings_.settle_rounds;
    env.arm(settings_.settle, settle_tag);
    if (!l.choices.empty() && in_background(env) < pastry_lookup::background_max) start(env, l);
  }

  activity find(auto& env, want const& w) {
    know_self(env);
    pastry_lookup l;
    l.why = errand::find;
    l.what = w.what;
    l.needs = w.needs;
    l.at_least = std::max<std::uint8_t>(w.at_least, 1);
    l.target = env.about(w.what);
    bounded_vector<provider_record, records_per_answer_max> held;
    record_store{env}.sample(w.what, held.capacity(), held);
    for (auto const& r : held) {
      if (r.head != env.self() && meets(r, w.needs)) add_diverse(l.records, r);
    }
    return start(env, l);
  }

  activity locate(auto& env, key const& target) {
    know_self(env);
    pastry_lookup l;
    l.why = errand::locate;
    l.target = target;
    return start(env, l);
  }

  void publish(auto& env, provider_record const& r) {
    know_self(env);
    if (!can_be_called(env, env.self())) {
      return env.note("publish: nobody can call this head, so nobody is told of it");
    }
    if (put_offer(env, r, settings_.record_lifetime)) publish_due(env);
  }

  void withdraw(auto& env, service what) {
    if (take_back_offer(env, what, settings_.record_lifetime)) publish_due(env);
  }

  // ---- told by others: the way -----------------------------------------------------------------

  void on_message(auto& env, peer from, route const& m) {
    seen(env, from);
    bool const first = m.hops == 1;
    if (!m.origin || m.origin == env.self() || m.hops == 0 || m.hops > settings_.hops_max) return;
    if (first && m.origin != from) return;
    env.send(from, routed{m.nonce});
    bool const again = static_cast<bool>(env.template pool<handed_on>().first(
        [&](handed_on const& f) { return same(f.what, m); }));
    if (!again) hand_on(env, {.what = m});
  }

  void on_message(auto& env, peer from, routed const& m) {
    auto pool = env.template pool<handed_on>();
    auto const id = pool.first(
        [&](handed_on const& f) { return f.to == from && f.what.nonce == m.nonce; });
    if (!id) return;
    pool.erase(id);
    learn(env, from, evidence::answered);
  }

  void on_message(auto& env, peer from, arrived const& m) {
    env.send(from, routed{m.nonce});
    auto const id = lookup_of(env, m.nonce);
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l == nullptr || l->asking || l->iterative || from == env.self()) return;
    if (auto const nearer = known_nearer(prefix_of(env, from), l->target.prefix())) {
      return ask(env, nearer, kind::alive);  // if it is gone, the next answer is believed
    }
    learn(env, from, evidence::answered);
    drop_forwarding(env, m.nonce);
    arrive(env, id, from, std::min(m.hops, settings_.hops_max), m.replicas);
  }

  void on_message(auto& env, peer from, ask_hop const& m) {
    seen(env, from);
    hop answer;
    answer.nonce = m.nonce;
    auto const skipped = [&](peer who) {
      return who == from ||
             std::find(answer.closer.begin(), answer.closer.end(), who) != answer.closer.end();
    };
    while (answer.closer.size() < hop_choices_max) {
      auto const* next = next_for(m.target, skipped);
      if (next == nullptr) break;
      answer.closer.push_back(next->who);
    }
    answer.here = answer.closer.empty();
    if (answer.here) answer.closer = replicas_of(m.target, from);
    env.send(from, answer);
  }

  void on_message(auto& env, peer from, hop const& m) {
    auto const id = lookup_of(env, m.nonce);
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l == nullptr || l->asking || !l->iterative || l->current != from) return;
    learn(env, from, evidence::answered);
    l->current = {};
    if (l->hops < settings_.hops_max) ++l->hops;
    if (l->why == errand::refresh) take_state(env, from, m.here);
    if (m.here) return consider_claim(env, id, from, m.closer);
    if (l->hops == settings_.hops_max) return give_up(env, id);
    auto const here = prefix_of(env, from);
    l->choices.clear();
    for (auto who : m.closer) {
      if (!usable(env, who) || l->was_tried(who)) continue;
      if (l->why == errand::refresh) learn(env, who, evidence::named);
      if (!is_progress(here, prefix_of(env, who), l->target.prefix())) continue;
      l->choices.try_push_back(who);
    }
    if (!l->choices.empty()) return walk(env, id);
    if (l->why == errand::refresh) take_state(env, from, true);
    consider_claim(env, id, from, {});
  }

  // ---- told by others: records -----------------------------------------------------------------

  void on_message(auto& env, peer from, find_providers const& m) {
    seen(env, from);
    if (!m.what) return;
    providers answer;
    answer.nonce = m.nonce;
    auto pool = env.template pool<offered>();
    auto const* mine =
        pool.find(pool.first([&](offered const& o) { return o.record.what == m.what; }));
    if (mine != nullptr && !mine->withdrawn) answer.records.push_back(mine->record);
    record_store{env}.sample(m.what, answer.records.capacity(), answer.records);
    env.send(from, answer);
  }

  void on_message(auto& env, peer from, providers const& m) {
    auto const id = lookup_of(env, m.nonce);
    if (!accept_answer(env, id, from, asked::state::waiting)) return;
    auto* l = env.template pool<pastry_lookup>().find(id);
    ++l->heard;
    for (auto const& r : m.records) consider_record(env, id, from, r);
    step(env, id);
  }

  void on_message(auto& env, peer from, store const& m) {
    seen(env, from);
    auto const& r = m.record;
    bool const fit = from == r.head && acceptable(env, r, settings_.record_lifetime_max) &&
                     can_be_called(env, r.head);
    if (!fit || table_.closer_than_own(env.about(r.what).prefix()) >= 2U * settings_.replicas) {
      return env.send(from, stored{m.nonce, false, {}});
    }
    if (record_store{env}.holds(r)) return env.send(from, stored{m.nonce, true, {}});
    auto pool = env.template pool<checking>();
    if (pool.full() || !may_check_store(env, from)) {
      return env.send(from, stored{m.nonce, false, {}});
    }
    pool.add({check_seal(env, r), {}, from, m.nonce, env.now(), r});
  }

  void on_message(auto& env, peer from, stored const& m) {
    auto const id = lookup_of(env, m.nonce);
    if (accept_answer(env, id, from, asked::state::storing)) step(env, id);
  }

  // ---- told by the driver ----------------------------------------------------------------------

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == sweep_tag) sweep(env);
    if (tag == upkeep_tag) upkeep(env);
    if (tag == settle_tag) settle(env);
  }

  void on_fact(auto& env, unreachable const& f) { unanswered(env, f.who); }

  void on_fact(auto& env, checked const& f) {
    auto pool = env.template pool<checking>();
    auto const id = pool.first([&](checking const& c) { return c.by == f.id; });
    auto const* waiting = pool.find(id);
    if (waiting == nullptr) return;
    auto const c = *waiting;
    pool.erase(id);
    if (!f.good) table_.evict(c.from, prefix_of(env, c.from));
    if (!c.of) {
      bool const in = f.good && record_store{env}.put(c.record, settings_.limits);
      return env.send(c.from, stored{c.nonce, in, {}});
    }
    auto* l = env.template pool<pastry_lookup>().find(c.of);
    if (l == nullptr) return;
    HYDRA_EXPECTS(l->checking > 0);
    --l->checking;
    if (f.good) add_diverse(l->records, c.record);
    step(env, c.of);
  }

 private:
  using peers_named = bounded_vector<peer, replicas_max>;
  using base::ask;
  using base::can_be_called;
  using base::hearsay_below;
  using base::keep_contacts;
  using base::keep_up;
  using base::know_self;
  using base::learn;
  using base::prefix_of;
  using base::settings_;
  using base::settle;
  using base::settling_;
  using base::silent;
  using base::sweep_at_;
  using base::sweep_questions;
  using base::table_;
  using base::take_state;
  using base::ticks_;
  using base::usable;
  using base::watch;

  // ---- the way ---------------------------------------------------------------------------------

  [[nodiscard]] static bool same(route const& a, route const& b) {
    return a.nonce == b.nonce && a.origin == b.origin;
  }
  // Whether `to` is nearer than `from`: by digits, else by number.
  [[nodiscard]] static bool is_progress(std::uint32_t from, std::uint32_t to,
                                        std::uint32_t target) noexcept {
    auto const more = std::countl_zero(to ^ target) / static_cast<int>(B);
    return more > std::countl_zero(from ^ target) / static_cast<int>(B) ||
           table_type::nearer(to, from, target);
  }
  template <class Skipped>
  [[nodiscard]] contact const* next_for(key const& target, Skipped&& skipped) const {
    bool const hearsay_too = table_.live() < hearsay_below;
    return table_.next(target.prefix(), [&](contact const& c) {
      return (c.live() || hearsay_too) && !skipped(c.who);
    });
  }
  [[nodiscard]] peers_named replicas_of(key const& target, peer but) const {
    bounded_vector<contact, replicas_max> near;
    bool const hearsay_too = table_.live() < hearsay_below;
    table_.closest(target.prefix(), settings_.replicas - 1U, but, near, hearsay_too);
    peers_named out;
    for (auto const& c : near) out.push_back(c.who);
    return out;
  }

  // Hands a message on, or, when nobody is closer, answers its origin.
  void hand_on(auto& env, handed_on f) {
    auto const skipped = [&](peer who) {
      return who == f.what.origin ||
             std::find(f.failed.begin(), f.failed.end(), who) != f.failed.end();
    };
    auto const* next = next_for(f.what.target, skipped);
    bool const own = f.what.origin == env.self();
    if (next == nullptr || f.what.hops >= settings_.hops_max) {
      auto const replicas = replicas_of(f.what.target, f.what.origin);
      if (own) return arrive(env, lookup_of(env, f.what.nonce), env.self(), 0, replicas);
      f.arrival = true;
      f.to = f.what.origin;
    } else {
      f.to = next->who;
    }
    f.attempts = 0;
    auto pool = env.template pool<handed_on>();
    if (pool.full()) return dispatch(env, f);
    auto const id = pool.add(f);
    dispatch(env, *pool.find(id));
  }
  void dispatch(auto& env, handed_on& f) {
    ++f.attempts;
    f.due = env.now() + settings_.hop_timeout;
    watch(env, f.due);
    if (f.arrival) {
      return env.send(f.to, arrived{f.what.nonce, f.what.hops,
                                    replicas_of(f.what.target, f.what.origin)});
    }
    auto m = f.what;
    ++m.hops;
    count_message(env, m);
    env.send(f.to, m);
  }
  void count_message(auto& env, route const& m) {
    if (m.origin != env.self()) return;
    if (auto* l = env.template pool<pastry_lookup>().find(lookup_of(env, m.nonce))) ++l->messages;
  }
  // What we sent ourselves need not be watched any more: the next sweep forgets it.
  void drop_forwarding(auto& env, std::uint64_t nonce) {
    env.template pool<handed_on>().each([&](activity, handed_on& f) {
      if (f.what.nonce == nonce && f.what.origin == env.self()) f.to = {};
    });
  }
  // Nobody said that it has the message: again, then past this head.
  void hand_on_again(auto& env, activity id, handed_on const& held) {
    auto f = held;
    auto pool = env.template pool<handed_on>();
    if (!f.to) return static_cast<void>(pool.erase(id));
    if (f.due != counted) silent(env, f.to);
    auto const most = settings_.hop_attempts * (f.arrival ? 2U : 1U);
    if (f.attempts < most) return dispatch(env, *pool.find(id));
    pool.erase(id);
    if (f.what.origin == env.self()) {
      if (auto* l = env.template pool<pastry_lookup>().find(lookup_of(env, f.what.nonce))) {
        l->timed_out();
      }
    }
    if (f.arrival || !f.failed.try_push_back(f.to)) return;
    hand_on(env, f);
  }

  // Somebody alive, as far as we know, who is nearer to a key than whoever claims to be closest.
  [[nodiscard]] peer known_nearer(std::uint32_t who, std::uint32_t target) const {
    return known_nearer(who, target, [](peer) { return false; });
  }
  template <class Skipped>
  [[nodiscard]] peer known_nearer(std::uint32_t who, std::uint32_t target,
                                  Skipped&& skipped) const {
    peer known{};
    table_.each([&](contact const& c) {
      if (!c.live() || c.failures() > 0 || !table_type::nearer(c.prefix, who, target)) return;
      if (skipped(c.who)) return;
      who = c.prefix;
      known = c.who;
    });
    return known;
  }

  // ---- lookups ---------------------------------------------------------------------------------

  [[nodiscard]] activity lookup_of(auto& env, std::uint64_t nonce) {
    return env.template pool<pastry_lookup>().first(
        [&](pastry_lookup const& l) { return l.nonce == nonce; });
  }
  [[nodiscard]] std::size_t in_background(auto& env) {
    std::size_t n = 0;
    env.template pool<pastry_lookup>().each([&](activity, pastry_lookup const& l) {
      n += l.why == errand::publish || l.why == errand::refresh ? 1U : 0U;
    });
    return n;
  }

  activity start(auto& env, pastry_lookup& l) {
    l.nonce = env.random().bits();
    l.deadline = env.now() + settings_.lookup_time_max;
    l.iterative = l.iterative || settings_.iterative || !can_be_called(env, env.self());
    auto const id = env.template pool<pastry_lookup>().add(l);
    if (!id) return id;
    watch(env, l.deadline);
    set_out(env, id);
    return id;
  }
  // From here, once more.
  void set_out(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l->tries++ >= settings_.tries_max) return give_up(env, id);
    if (!l->iterative) {
      l->due = env.now() + settings_.route_timeout;
      watch(env, l->due);
      return hand_on(env, {.what = {l->target, l->nonce, env.self(), 0}});
    }
    l->hops = 0;
    if (!l->choices.empty()) return walk(env, id);
    if (l->why == errand::refresh) return give_up(env, id);
    auto const* next = next_for(l->target, [&](peer who) { return l->was_tried(who); });
    if (next != nullptr) {
      l->choices.push_back(next->who);
      return walk(env, id);
    }
    if (!can_be_called(env, env.self())) return set_out_beyond(env, id);
    arrive(env, id, env.self(), 0, replicas_of(l->target, {}));
  }
  // We cannot be called and own nothing: from the closest that we know.
  void set_out_beyond(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    bounded_vector<contact, hop_choices_max> near;
    table_.closest(l->target.prefix(), near.capacity(), {}, near,
                   table_.live() < hearsay_below);
    for (auto const& c : near) {
      if (!l->was_tried(c.who)) l->choices.push_back(c.who);
    }
    if (!l->choices.empty()) return walk(env, id);
    arrive(env, id, {}, 0, {});
  }
  // Somebody says that it is the closest, or names nobody nearer. Whom we know to be nearer is
  // asked first, each once.
  void consider_claim(auto& env, activity id, peer from, peers_named const& beside) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    auto const target = l->target.prefix();
    if (!l->claimed ||
        table_type::nearer(prefix_of(env, from), prefix_of(env, l->claimed), target)) {
      l->claimed = from;
      l->beside = beside;
    }
    auto const nearer = known_nearer(prefix_of(env, l->claimed), target,
                                     [&](peer who) { return l->was_tried(who); });
    bool const may = l->why != errand::refresh && l->hops < settings_.hops_max;
    if (!nearer || !may || l->tried.full()) return accept_claim(env, id);
    l->choices.clear();
    l->choices.push_back(nearer);
    walk(env, id);
  }
  void accept_claim(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    auto const beside = l->beside;
    arrive(env, id, l->claimed, l->hops, beside);
  }
  // Asks the first of those named that was not tried.
  void walk(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    while (!l->choices.empty()) {
      auto const who = l->choices.front();
      l->choices.erase(l->choices.begin());
      if (l->was_tried(who)) continue;
      if (!l->tried.try_push_back(who)) return give_up(env, id);
      l->current = who;
      l->attempts = 0;
      return ask_current(env, *l);
    }
    if (l->claimed) return accept_claim(env, id);
    set_out(env, id);
  }
  void ask_current(auto& env, pastry_lookup& l) {
    ++l.attempts;
    ++l.messages;
    l.due = env.now() + settings_.hop_timeout;
    watch(env, l.due);
    env.send(l.current, ask_hop{l.target, l.nonce});
  }

  // The closest head is known.
  void arrive(auto& env, activity id, peer owner, std::uint8_t hops, peers_named const& replicas) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l == nullptr || l->asking) return;  // two of its ways may end
    l->hops = hops;
    if (l->why == errand::refresh) return finish(env, id);
    if (l->why == errand::locate) {
      located f{id, l->target, owner, hops, l->timeouts, l->messages, {}};
      f.took = env.now() - (l->deadline - settings_.lookup_time_max);
      env.template pool<pastry_lookup>().erase(id);
      return env.emit(f);
    }
    l->asking = true;
    auto const add = [&](peer who) {
      if (!usable(env, who) || l->find(who) != nullptr) return;
      asked a;
      a.who = who;
      if (l->near.size() < settings_.replicas) l->near.push_back(a);
    };
    add(owner);
    for (auto who : replicas) add(who);
    for (auto& a : l->near) request(env, *l, a);
    step(env, id);
  }
  void request(auto& env, pastry_lookup& l, asked& a) {
    ++a.attempts;
    ++l.messages;
    a.due = std::min(env.now() + settings_.rpc_timeout, l.deadline);
    watch(env, a.due);
    if (l.why == errand::find) {
      a.is = asked::state::waiting;
      return env.send(a.who, find_providers{l.what, l.nonce});
    }
    a.is = asked::state::storing;
    auto pool = env.template pool<offered>();
    auto const* o =
        pool.find(pool.first([&](offered const& x) { return x.record.what == l.what; }));
    if (o != nullptr) env.send(a.who, store{l.nonce, o->record});
  }
  bool accept_answer(auto& env, activity id, peer from, asked::state to) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    auto* a = l == nullptr ? nullptr : l->find(from);
    if (a == nullptr || a->is != to) return false;
    a->is = asked::state::answered;
    learn(env, from, evidence::answered);
    return true;
  }
  void consider_record(auto& env, activity id, peer from, provider_record const& r) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l->why != errand::find || r.what != l->what || r.head == env.self()) return;
    if (r.power.cores == 0 || !meets(r, l->needs)) return;
    if (!acceptable(env, r, settings_.record_lifetime_max)) return;
    auto const is_it = [&](provider_record const& k) { return identical(k, r); };
    if (std::any_of(l->records.begin(), l->records.end(), is_it)) return;
    if (record_store{env}.holds(r)) return static_cast<void>(add_diverse(l->records, r));
    auto pool = env.template pool<checking>();
    bool const pending = static_cast<bool>(pool.first(
        [&](checking const& c) { return c.of == id && identical(c.record, r); }));
    if (pending || pool.full()) return;
    pool.add({check_seal(env, r), id, from, 0, env.now(), r});
    ++l->checking;
  }

  // While the closest heads are asked: whether that is over.
  void step(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l == nullptr || !l->asking) return;
    auto const wanted = std::min<std::size_t>(l->at_least * std::size_t{settings_.enough_factor},
                                              candidates_max);
    bool const enough = l->why == errand::find && l->heard >= 2 &&
                        principals_in(l->records) >= wanted;
    bool const waiting = l->checking > 0 ||
                         std::any_of(l->near.begin(), l->near.end(),
                                     [](asked const& a) { return a.in_flight(); });
    if (enough || !waiting) finish(env, id);
  }
  void give_up(auto& env, activity id) {
    auto* l = env.template pool<pastry_lookup>().find(id);
    if (l->why == errand::locate) return arrive(env, id, {}, 0, {});
    finish(env, id);
  }
  void finish(auto& env, activity id) {
    auto pool = env.template pool<pastry_lookup>();
    auto const l = *pool.find(id);
    pool.erase(id);
    drop_forwarding(env, l.nonce);
    if (l.why == errand::find) {
      found f;
      f.id = id;
      for (auto const& r : l.records) f.among.push_back(candidate_of(r, l.hops));
      f.hops = l.hops;
      f.messages = l.messages;
      return env.emit(f);
    }
    if (l.why == errand::publish) {
      auto offers = env.template pool<offered>();
      auto const o = offers.first([&](offered const& x) { return x.record.what == l.what; });
      auto const* mine = offers.find(o);
      if (mine != nullptr && mine->withdrawn && mine->due > env.now()) offers.erase(o);
    }
    publish_due(env);
  }
  // One after the other, each found anew: a lookup may be over before start() returns.
  void publish_due(auto& env) {
    auto offers = env.template pool<offered>();
    auto lookups = env.template pool<pastry_lookup>();
    for (std::size_t i = 0; i < offered::per_peer_max && table_.size() != 0; ++i) {
      if (in_background(env) >= pastry_lookup::background_max || lookups.full()) return;
      auto* o = offers.find(offers.first([&](offered const& x) {
        return x.due <= env.now() && !lookups.first([&](pastry_lookup const& l) {
          return l.why == errand::publish && l.what == x.record.what;
        });
      }));
      if (o == nullptr) return;
      o->due = env.now() + settings_.republish * 3 / 4 +
               env.random().between(duration{}, settings_.republish / 2);
      seal(env, o->record, settings_.record_lifetime);
      pastry_lookup l;
      l.why = errand::publish;
      l.what = o->record.what;
      l.target = env.about(l.what);
      start(env, l);
    }
  }

  // ---- time ------------------------------------------------------------------------------------

  // Somebody cannot be reached: whatever waits for it goes on, and it has failed once, not again
  // for each of those.
  static constexpr instant counted = origin;  // as a time when an answer was due
  void unanswered(auto& env, peer who) {
    silent(env, who);
    env.template pool<pastry_lookup>().each([&](activity, pastry_lookup& l) {
      if (l.current == who) l.due = counted;
      for (auto& a : l.near) {
        if (a.who == who && a.in_flight()) a.due = counted;
      }
    });
    env.template pool<handed_on>().each([&](activity, handed_on& f) {
      if (f.to == who) f.due = counted;
    });
    watch(env, env.now());
  }

  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;  // a later sweep was brought forward: this one is idle
    sweep_at_ = origin;                 // nothing is armed until all have been looked at
    auto forwards = env.template pool<handed_on>();
    forwards.each([&](activity id, handed_on const& f) {
      if (f.due <= env.now()) hand_on_again(env, id, f);
    });
    auto lookups = env.template pool<pastry_lookup>();
    lookups.each([&](activity id, pastry_lookup& l) { sweep_lookup(env, id, l); });
    sweep_questions(env);
    sweep_at_ = never;
    auto next = never;
    forwards.each([&](activity, handed_on const& f) { next = std::min(next, f.due); });
    env.template pool<question>().each([&](activity, question const& q) {
      next = std::min(next, q.due);
    });
    lookups.each([&](activity, pastry_lookup const& l) {
      next = std::min({next, l.deadline, l.asking ? never : l.due});
      for (auto const& a : l.near) next = a.in_flight() ? std::min(next, a.due) : next;
    });
    watch(env, next);
  }
  void sweep_lookup(auto& env, activity id, pastry_lookup& l) {
    if (l.deadline <= env.now()) return give_up(env, id);
    if (!l.asking) {
      if (l.due > env.now()) return;
      if (!l.iterative) return set_out(env, id);
      if (l.due != counted) silent(env, l.current);
      if (l.attempts < settings_.hop_attempts) return ask_current(env, l);
      l.timed_out();
      return walk(env, id);
    }
    for (auto& a : l.near) {
      if (!a.in_flight() || a.due > env.now()) continue;
      if (a.due != counted) silent(env, a.who);
      if (a.attempts < settings_.hop_attempts) {
        request(env, l, a);
      } else {
        a.is = asked::state::failed;
        l.timed_out();
      }
    }
    step(env, id);
  }

  void upkeep(auto& env) {
    ++ticks_;
    record_store{env}.prune(env.now());
    auto checks = env.template pool<checking>();
    checks.each([&](activity id, checking const& c) {
      if (c.since + settings_.lookup_time_max <= env.now()) checks.erase(id);  // nobody waits
    });
    keep_up(env);
    if (table_.live() == 0) {
      if (auto const kept = env.template recall<known_contacts>(0)) {
        join(env, std::span<peer const>{kept->who});
      }
    }
    publish_due(env);
    auto const keep_every = std::max<std::int64_t>(settings_.keep_period / settings_.tick, 1);
    if (ticks_ % keep_every == 0) keep_contacts(env);  // last: it holds back
  }
};

static_assert(LocatesKeys<pastry<>, archetype_view<pastry<>>>);
static_assert(LocatesKeys<pastry<3, 8>, archetype_view<pastry<3, 8>>>);

}  // namespace hydra::routing
