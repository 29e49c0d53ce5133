// Chord: every key belongs to the first head at or after it on a ring of keys.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/chord_lookup.hpp>
#include <hydra/routing/chord_messages.hpp>
#include <hydra/routing/chord_ring.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/lookup.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace hydra::routing {

// Who speaks to whom during a lookup. The tables, and the choice among them, are the same.
enum class forwarding : std::uint8_t { iterative, recursive };
[[nodiscard]] constexpr forwarding last_of(forwarding) noexcept { return forwarding::recursive; }

struct chord_settings {
  duration stabilise = 30s;             // mean of what is drawn from [1/2, 3/2]; zero: never
  duration rpc_timeout = 1500ms;        // of one attempt
  duration patience = 4s;               // for a lookup that was passed on, then another first head
  duration lookup_time_max = 12s;       // of a lookup, whatever happens
  duration republish = 5min;            // plus or minus a quarter, drawn each time
  duration record_lifetime = 16min;     // of a record that we sign
  duration record_lifetime_max = 24h;   // of a record that we accept
  forwarding style = forwarding::iterative;
  std::uint8_t successors_kept = 0;     // of the Successors there is room for; 0: all
  std::uint8_t rpc_attempts = 2;        // per head and lookup
  std::uint8_t messages_max = 96;       // requests of a lookup
  std::uint8_t hops_max = 40;           // heads that answer in a lookup
  std::uint8_t replicas = 3;            // the owner and those after it that hold a record
  std::uint8_t proximity_candidates = 0;  // s: heads after a finger that may be it, at most 16
  std::uint8_t rejoin = 8;              // own key is looked up by an old contact, rounds; 0: never
  bool ask_owner = true;                // false: locate() believes the head before the key
  bool report_silent = true;            // whoever named a silent head is told to look for itself
  bool forget_silent = true;            // false: only stabilisation repairs, for measurements
  store_limits limits{};                // of records kept for others
  template <class A>
  void serialize(A& a, unsigned) {
    a& stabilise& rpc_timeout& patience& lookup_time_max& republish& record_lifetime;
    a& record_lifetime_max& style& successors_kept& rpc_attempts& messages_max& hops_max;
    a& replicas& proximity_candidates& rejoin& ask_owner;
    a& report_silent& forget_silent& limits;
  }
};

// Stoica, Morris, Liben-Nowell, Karger, Kaashoek, Dabek and Balakrishnan (ToN 2003), over signed
// provider records.
//
// Promises. locate() answers with exactly one `located` and find() with exactly one `found` within
// lookup_time_max; or they return no activity because twelve lookups are under way, and nothing
// follows. On a ring that stands still located names the owner after about log2(n) / 2 heads, n
// being how many there are. A record that publish() was given stays at the owner of its key and
// the two heads after it as long as this head lives.
//
// Rules.
// - A key belongs to the first head at or after it (ring_table). The way there is the nearest known
//   head before the key, again and again; when there is none nearer, the first after it is asked
//   itself whether somebody lies between: it is the owner that answers, alive and under its own
//   key, not hearsay of it. `ask_owner = false` believes the head before it, as the paper does.
// - Iterative: the asker sees every answer and holds 24 heads on each side of the key, so a silent
//   one costs one timeout and the next best is asked. Recursive: each head acknowledges to whom it
//   has the lookup from; on silence that one passes it to the next best. The same tables, the same
//   choice; only who speaks to whom differs. Recursive costs half the time and gives up control:
//   who answers was chosen by others. A lookup that vanishes starts anew after `patience`.
// - Timeouts are counted: located.timeouts. Whoever named a silent head is told so and pings it
//   itself: a hint evicts nobody (`report_silent`; the paper has no such thing).
// - Whoever says that it is our neighbour is pinged first. First successor, predecessor and fingers
//   are heads that answered a nonce of ours; the further successors are what the first one says.
// - A round, every stabilise * [1/2, 3/2]: the successor is asked for its neighbours, one finger is
//   looked up, a predecessor unheard for 2.5 rounds is pinged. Nothing is synchronised by a start.
//   `rejoin`: now and then our place is looked up by an old contact, so that two rings become one.
// - leave() tells both neighbours, who close the gap at once, and gives the successor the records.
// - `proximity_candidates`: a finger may be any of the head it means and the s after it; they are
//   pinged when it is looked up, and the nearest stands for it (about(p).rtt where it is measured).
// - Records are checked before they are stored, and by the asker again. They come from their own
//   publisher, or from a predecessor that leaves; a head far from the key refuses.
// - A head that can only call out is answered and never entered, asked, named or stored with; one
//   that cannot be called any more when it answers is forgotten.
// - As long as it knows nobody, a head turns to its hints and to contacts that it wrote down, every
//   round; new ones take the places of those that led nowhere.
//
// What an attacker gains. A ring has one owner per key: who grinds a key to lie just after that of
// a service becomes the first of its holders, and with three such keys all of them. It can deny
// records, not forge them. A head on the way may name its friends as the owner; an iterative
// asker that heard of a nearer one from anybody asks that first, a recursive one cannot. Invented
// heads cost two timeouts each, within messages_max and lookup_time_max. A successor may fill our
// list with nonsense: `Successors` places, until the next one is asked. `forward` lets a stranger
// have us send one answer of at most 100 bytes to an origin it names, and 16 are held at a time.
// Stores take half of the signature checks at most, those of one stranger a quarter.
// For hostile networks kademlia is the better choice: it hears several heads and several paths.
//
// Cost. A lookup among n heads: about log2(n) / 2 + 1 requests of 40 bytes and as many answers of
// at most 41 heads; recursive as many forwards and acknowledgements and one answer. A round costs a
// get_neighbours, a finger's lookup and, rarely, a ping. sizeof(chord<8>) is 792 bytes; a lookup
// under way 3.8 kB, a relay 128 bytes, a ping 40, from pools.
//
// Departures from the paper: signatures and checks; the owner is asked itself; a newcomer is not
// given the records of its arc, which republication brings (finds ask three heads, of which two
// have them).
template <std::size_t Successors = 8>
class chord {
 public:
  using policy_concept = routing_tag;
  using messages =
      type_list<find_successor, around, get_neighbours, neighbours, notify, leaving, silent_head,
                forward, forwarded, resolved, find_providers, providers, store, stored, ping, pong>;
  using facts = type_list<found, located>;
  using activities = type_list<ring_lookup, ring_relay, ring_probe, shelf, checking, offered>;
  using records = type_list<known_contacts>;

  static constexpr std::uint16_t sweep_tag = 1;
  static constexpr std::uint16_t upkeep_tag = 2;
  static constexpr std::size_t closest_max = 20;
  static constexpr std::size_t handed_over_max = 64;  // records given to the successor on leaving
  static constexpr std::size_t candidates_of_finger_max = 16;
  static constexpr std::uint16_t keep_every = 10;     // rounds between writing down contacts

  constexpr chord() = default;
  constexpr explicit chord(chord_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.rpc_attempts > 0);
    HYDRA_EXPECTS(s.replicas > 0);
    HYDRA_EXPECTS(s.successors_kept <= Successors);
    HYDRA_EXPECTS(s.proximity_candidates <= candidates_of_finger_max);
    HYDRA_EXPECTS(s.stabilise >= duration{});
    HYDRA_EXPECTS(s.record_lifetime <= s.record_lifetime_max);
    HYDRA_EXPECTS(s.record_lifetime > s.republish);
  }

  // A world too large to warm up gives every head its place in the ring (ring_table::adopt).
  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    adopt(own, everybody, named, [](auto) { return 0; });
  }
  template <class Everybody, class Named, class Nearness>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named,
                       Nearness nearness) {
    ring_.adopt(place_of(own), everybody, named, kept(), settings_.proximity_candidates, nearness);
  }
  [[nodiscard]] constexpr ring_table<Successors> const& ring() const noexcept { return ring_; }
  [[nodiscard]] constexpr chord_settings const& settings() const noexcept { return settings_; }

  // ---- asked --------------------------------------------------------------------------------

  // To whom the key belongs first, and who would take it over.
  [[nodiscard]] constexpr bounded_vector<peer, closest_max> closest(key const& to,
                                                                    std::size_t k) const {
    bounded_vector<ring_entry, closest_max> near;
    ring_.closest(place_of(to), std::min(k, closest_max), near);
    bounded_vector<peer, closest_max> out;
    for (auto const& e : near) out.push_back(e.who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const { return ring_.contacts(); }

  // ---- told by the parent ----------------------------------------------------------------------

  void on_start(auto& env) {
    know_self(env);
    if (auto const noted = env.template recall<known_contacts>(0)) {
      join(env, std::span<peer const>{noted->who});
    } else if (!ring_.empty()) {
      keep_up(env);
    }
  }

  // Contacts to start from: each is asked, none is believed. As long as we know nobody, new ones
  // take the places of those that led nowhere.
  void join(auto& env, std::span<peer const> known) {
    know_self(env);
    left_ = false;
    std::size_t added = 0;
    for (auto who : known) {
      bool const there = std::find(hints_.begin(), hints_.end(), who) != hints_.end();
      if (who == env.self() || !can_be_called(env, who) || there) continue;
      if (added++ == hints_.capacity()) break;
      if (hints_.full() && ring_.empty()) hints_.erase(hints_.begin());
      hints_.try_push_back(who);
    }
    if (hints_.empty()) return;
    keep_up(env);
    look_for_place(env);
  }

  // For good: both neighbours close the gap at once, the successor gets the records.
  void leave(auto& env) {
    if (left_) return;
    left_ = true;
    leaving m;
    m.predecessor = ring_.predecessor().who;
    for (auto const& e : ring_.successors()) m.successors.push_back(e.who);
    if (!m.successors.empty()) {
      std::size_t given = 0;
      env.template pool<shelf>().each([&](activity, shelf const& s) {
        for (auto const& h : s.records) {
          if (given++ < handed_over_max) env.send(m.successors[0], store{0, h.record});
        }
      });
      env.send(m.successors[0], m);
    }
    bool const two = m.predecessor && (m.successors.empty() || m.predecessor != m.successors[0]);
    if (two) env.send(m.predecessor, m);
    ring_ = ring_table<Successors>{ring_.own()};
    hints_.clear();
  }

  activity locate(auto& env, key const& target) {
    know_self(env);
    ring_lookup l;
    l.why = ring_errand::locate;
    l.target = target;
    return start(env, l);
  }

  activity find(auto& env, want const& w) {
    know_self(env);
    ring_lookup l;
    l.why = ring_errand::find;
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

  // Of the record: what, power, where and the network; the rest is filled in and signed here.
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

  // Somebody spoke to us: asked whether it lives if it would be our neighbour.
  void seen(auto& env, peer who) {
    if (who == ring_.predecessor().who) predecessor_heard_ = env.now();
    if (left_ || !who || who == env.self()) return;
    auto const a = env.about(who);
    if (a.reach != reach::open || !can_be_called(env, env.self())) return;
    if (who == ring_.predecessor().who || !ring_.beside(place_of(a.key))) return;
    if (!ring_.successors().empty() && ring_.successors()[0].who == who) return;
    look_after(env, who);
  }

  void failed(auto&, peer who) { ring_.forget(who); }

  // ---- told by others: the ring ----------------------------------------------------------------

  void on_message(auto& env, peer from, find_successor const& m) {
    if (left_) return;
    seen(env, from);
    around answer;
    answer.nonce = m.nonce;
    auto const at = place_of(m.target);
    bool const ours = ring_.owns(at);
    bounded_vector<ring_entry, ring_preceding_max> before;
    if (!ours) ring_.preceding(at, before);
    for (auto const& e : before) name(answer.known, e.who);
    for (auto const& e : ring_.successors()) {
      if (ours || ring_.far(e.at) >= ring_.far(at)) name(answer.known, e.who);
    }
    if (!ours) answer.predecessor = ring_.predecessor().who;
    env.send(from, answer);
  }

  void on_message(auto& env, peer from, around const& m) {
    auto const id = lookup_of(env, m.nonce);
    auto* l = accepted(env, id, from, ring_step::state::waiting, ring_step::state::answered);
    if (l == nullptr) return;
    ++l->hops;
    bool const ahead = l->find(from)->far < l->far && l->from == ring_.own();
    bool told = false;  // the owner, by a head whose successors reach beyond the key
    for (auto who : m.known) {
      if (who == env.self() && ahead) l->named_self = true;
      suggest(env, *l, who, from);
      auto const* s = l->find(who);
      told = told || (s != nullptr && ahead && s->far >= l->far);
    }
    if (told && believes(*l)) return believe(env, id);
    suggest(env, *l, m.predecessor, from);
    step(env, id);
  }

  void on_message(auto& env, peer from, get_neighbours const& m) {
    if (left_) return;
    seen(env, from);
    neighbours answer;
    answer.nonce = m.nonce;
    answer.predecessor = ring_.predecessor().who;
    for (auto const& e : ring_.successors()) answer.successors.push_back(e.who);
    env.send(from, answer);
  }

  void on_message(auto& env, peer from, neighbours const& m) {
    if (!answered(env, from, m.nonce, ring_probe::kind::neighbours)) return;
    if (!can_be_called(env, from)) return;
    auto const first = entry_of(env, from);
    auto const& now = ring_.successors();
    if (!now.empty() && ring_.far(now[0].at) < ring_.far(first.at)) return;  // a nearer one came
    bounded_vector<ring_entry, ring_successors_max> named;
    for (auto who : m.successors) {
      if (can_be_called(env, who) && who != env.self()) named.push_back(entry_of(env, who));
    }
    ring_.follow(first, named, kept());
    if (m.predecessor == env.self() || !can_be_called(env, env.self())) return;
    env.send(from, notify{});
    if (!can_be_called(env, m.predecessor)) return;
    auto const between = entry_of(env, m.predecessor);
    if (between.at != ring_.own() && ring_.far(between.at) < ring_.far(first.at)) {
      probe(env, between.who, ring_probe::kind::neighbours);
    }
  }

  void on_message(auto& env, peer from, notify const&) { seen(env, from); }

  void on_message(auto& env, peer from, silent_head const& m) {
    bool ours = false;
    ring_.each([&](ring_entry const& e) { ours = ours || (e && e.who == m.who); });
    if (ours && m.who != from) look_after(env, m.who);
  }

  // Whoever goes says so itself; whom it names is asked first.
  void on_message(auto& env, peer from, leaving const& m) {
    bool const was_first = !ring_.successors().empty() && ring_.successors()[0].who == from;
    bool const was_before = ring_.predecessor().who == from;
    ring_.forget(from);
    if (left_) return;
    if (was_before && m.predecessor != env.self()) seen(env, m.predecessor);
    if (!was_first) return;
    if (ring_.successors().empty() && !m.successors.empty()) seen(env, m.successors[0]);
    stabilise(env);
  }

  void on_message(auto& env, peer from, ping const& m) {
    if (left_) return;
    env.send(from, pong{m.nonce});
  }

  void on_message(auto& env, peer from, pong const& m) {
    auto const p = answered(env, from, m.nonce, ring_probe::kind::alive);
    if (p) {
      bool const new_first = !ring_.successors().empty() && ring_.successors()[0].who == from;
      if (new_first) stabilise(env);
      return;
    }
    auto const near = answered(env, from, m.nonce, ring_probe::kind::nearness);
    if (near) choose_nearer(env, near, from);
  }

  // ---- told by others: lookups that are passed on ----------------------------------------------

  void on_message(auto& env, peer from, forward const& m) {
    if (left_ || !m.origin) return;
    seen(env, from);
    // It goes no farther; its sender hears so, or would take us for dead.
    if (m.hops > settings_.hops_max) return env.send(from, forwarded{m.nonce});
    auto relays = env.template pool<ring_relay>();
    bool const known = bool{relays.first([&](ring_relay const& r) {
      return r.what.nonce == m.nonce && r.what.origin == m.origin;
    })};
    auto const at = place_of(m.target);
    auto const& before = ring_.predecessor();
    bool const ours = ring_.owns(at) || (m.last && (!before || !on_arc(before.at, at - 1,
                                                                       ring_.own() - 1)));
    if (!ours && !known && relays.full()) return;  // whoever sent it takes another
    env.send(from, forwarded{m.nonce});
    if (known) return;
    if (ours) return resolve(env, m);
    ring_relay r;
    r.what = m;
    ++r.what.hops;
    auto const id = relays.add(r);
    if (m.last) {  // ours but for who is before us
      auto* mine = relays.find(id);
      mine->ours_otherwise = true;
      return pass_to(env, *mine, before.who, true);
    }
    pass_on(env, id);
  }

  void on_message(auto& env, peer from, forwarded const& m) {
    auto relays = env.template pool<ring_relay>();
    auto const id = relays.first(
        [&](ring_relay const& r) { return r.what.nonce == m.nonce && r.to == from; });
    if (id) {
      relays.erase(id);
      return;
    }
    auto* l = env.template pool<ring_lookup>().find(lookup_of(env, m.nonce));
    auto* s = l == nullptr ? nullptr : l->find(from);
    if (s == nullptr || s->is != ring_step::state::waiting) return;
    if (settings_.style != forwarding::recursive || l->why == ring_errand::join) return;
    s->is = ring_step::state::passed;
    s->due = std::min(env.now() + settings_.patience, l->deadline);
  }

  // From the owner, who is not whom we asked: the nonce is all that shows it was on the way.
  void on_message(auto& env, peer from, resolved const& m) {
    auto const id = lookup_of(env, m.nonce);
    auto* l = env.template pool<ring_lookup>().find(id);
    if (l == nullptr || l->collecting || l->why == ring_errand::join) return;
    if (settings_.style != forwarding::recursive || !can_be_called(env, from)) return;
    auto const owner = settings_.ask_owner || !m.owner ? from : m.owner;
    auto const at = entry_of(env, owner).at;
    if (owner == env.self() || at - l->from < l->far) return;
    for (auto& s : l->before) s.is = ring_step::state::failed;
    l->after.clear();
    l->add(owner, at);
    l->after[0].is = ring_step::state::answered;
    l->hops = m.hops;
    l->timeouts = static_cast<std::uint8_t>(std::min(255, l->timeouts + m.timeouts));
    for (auto who : m.successors) suggest(env, *l, who);
    for (auto& s : l->after) {
      if (s.who != owner && s.far < at - l->from) s.is = ring_step::state::failed;
    }
    learn(env, from);
    arrive(env, id);
  }

  // ---- told by others: records -----------------------------------------------------------------

  void on_message(auto& env, peer from, find_providers const& m) {
    if (left_ || !m.what) return;
    seen(env, from);
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
    auto* l = accepted(env, id, from, ring_step::state::giving, ring_step::state::given);
    if (l == nullptr || l->why != ring_errand::find) return;
    for (auto const& r : m.records) consider_record(env, id, from, r);
    collect(env, id);
  }

  // From its publisher, or from our predecessor, who may be leaving.
  void on_message(auto& env, peer from, store const& m) {
    if (left_) return;
    auto const& r = m.record;
    bool const may = from == r.head || from == ring_.predecessor().who;
    seen(env, from);
    bool const fit = may && acceptable(env, r, settings_.record_lifetime_max) &&
                     can_be_called(env, r.head) && !too_far(place_of(env.about(r.what)));
    if (!fit) return env.send(from, stored{m.nonce, false, {}});
    if (record_store{env}.holds(r)) return env.send(from, stored{m.nonce, true, {}});
    auto pool = env.template pool<checking>();
    bool const before_us = from == ring_.predecessor().who;
    if (pool.full() || !may_check_store(env, before_us ? peer{} : from)) {
      return env.send(from, stored{m.nonce, false, {}});
    }
    pool.add({check_seal(env, r), {}, from, m.nonce, env.now(), r});
  }

  void on_message(auto& env, peer from, stored const& m) {
    auto const id = lookup_of(env, m.nonce);
    auto const* l = accepted(env, id, from, ring_step::state::giving, ring_step::state::given);
    if (l != nullptr && l->why == ring_errand::publish) collect(env, id);
  }

  // ---- told by the driver ----------------------------------------------------------------------

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == sweep_tag) sweep(env);
    if (tag == upkeep_tag) upkeep(env);
  }

  void on_fact(auto& env, unreachable const& f) {
    ring_.forget(f.who);
    env.template pool<ring_lookup>().each([&](activity id, ring_lookup& l) {
      auto* s = l.find(f.who);
      if (s == nullptr || !s->in_flight()) return;
      s->is = ring_step::state::failed;
      ++l.timeouts;
      step(env, id);
    });
  }

  void on_fact(auto& env, checked const& f) {
    auto pool = env.template pool<checking>();
    auto const id = pool.first([&](checking const& c) { return c.by == f.id; });
    auto const* waiting = pool.find(id);
    if (waiting == nullptr) return;
    auto const c = *waiting;
    pool.erase(id);
    if (!c.of) {
      bool const in = f.good && record_store{env}.put(c.record, settings_.limits);
      return env.send(c.from, stored{c.nonce, in, {}});
    }
    auto* l = env.template pool<ring_lookup>().find(c.of);
    if (l == nullptr) return;
    HYDRA_EXPECTS(l->checking > 0);
    --l->checking;
    if (f.good) {
      add_diverse(l->records, c.record);
    } else {  // it had to check it before
      ring_.forget(c.from);
      if (auto* liar = l->find(c.from)) liar->is = ring_step::state::failed;
    }
    collect(env, c.of);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& ring_& hints_& sweep_at_& predecessor_heard_& rounds_& kept_up_& left_;
  }

 private:
  // ---- contacts --------------------------------------------------------------------------------

  void know_self(auto& env) {
    auto const own = place_of(env.about(env.self()).key);
    if (ring_.own() != own && ring_.empty()) ring_ = ring_table<Successors>{own};
  }
  [[nodiscard]] constexpr std::size_t kept() const noexcept {
    return settings_.successors_kept == 0 ? Successors : settings_.successors_kept;
  }
  [[nodiscard]] static bool can_be_called(auto& env, peer who) {
    return who && env.about(who).reach == reach::open;
  }
  [[nodiscard]] static ring_entry entry_of(auto& env, peer who) {
    return {place_of(env.about(who).key), who, 0};
  }
  // Somebody answered. Whether it can be called may have changed since it was named.
  void learn(auto& env, peer who) {
    if (can_be_called(env, who)) {
      ring_.learn(entry_of(env, who), kept());
    } else {
      ring_.forget(who);
    }
  }
  void silent(peer who) {
    if (settings_.forget_silent) ring_.forget(who);
  }
  static void name(ring_peers& in, peer who) {
    if (who && std::find(in.begin(), in.end(), who) == in.end()) in.try_push_back(who);
  }

  // ---- lookups ---------------------------------------------------------------------------------

  [[nodiscard]] activity lookup_of(auto& env, std::uint64_t nonce) {
    return env.template pool<ring_lookup>().first(
        [&](ring_lookup const& l) { return l.nonce == nonce; });
  }
  [[nodiscard]] std::size_t in_background(auto& env) {
    std::size_t n = 0;
    env.template pool<ring_lookup>().each([&](activity, ring_lookup const& l) {
      n += l.why == ring_errand::find || l.why == ring_errand::locate ? 0U : 1U;
    });
    return n;
  }

  activity start(auto& env, ring_lookup& l) {
    l.nonce = env.random().bits();
    l.started = env.now();
    l.deadline = env.now() + settings_.lookup_time_max;
    auto const at = place_of(l.target);
    if (l.why != ring_errand::join) {
      l.from = ring_.own();
      l.far = at - l.from;
      bool const member = can_be_called(env, env.self());
      l.self_owns = (ring_.empty() && hints_.empty()) || (member && (l.far == 0 || ring_.owns(at)));
      bounded_vector<ring_entry, ring_preceding_max> before;
      ring_.preceding(at, before);
      for (auto const& e : before) l.add(e.who, e.at);
      for (auto const& e : ring_.successors()) l.add(e.who, e.at);
      if (ring_.predecessor()) l.add(ring_.predecessor().who, ring_.predecessor().at);
      if (ring_.empty()) for (auto who : hints_) suggest(env, l, who);
    }
    auto const id = env.template pool<ring_lookup>().add(l);
    if (!id) return id;
    if (l.self_owns) {
      arrive(env, id);
    } else {
      step(env, id);
    }
    return id;
  }

  void suggest(auto& env, ring_lookup& l, peer who, peer giver = {}) {
    if (who == env.self() || !can_be_called(env, who)) return;
    l.add(who, entry_of(env, who).at, giver);
  }

  // The lookup if this is an answer that was asked for. Anything else is no evidence of life.
  ring_lookup* accepted(auto& env, activity id, peer from, ring_step::state when,
                        ring_step::state then) {
    auto* l = env.template pool<ring_lookup>().find(id);
    auto* s = l == nullptr ? nullptr : l->find(from);
    if (s == nullptr || s->is != when) return nullptr;
    s->is = then;
    learn(env, from);
    return l;
  }

  // Asks the next head; when there is none to ask, the lookup has arrived.
  void step(auto& env, activity id) {
    auto* l = env.template pool<ring_lookup>().find(id);
    if (l == nullptr) return;
    if (l->collecting) return collect(env, id);
    if (l->in_flight() > 0) return;
    bool const may = l->messages < settings_.messages_max && l->hops < settings_.hops_max;
    auto* s = may ? l->next() : nullptr;
    if (s == nullptr) return arrive(env, id);
    if (s->far >= l->far && believes(*l)) return believe(env, id);
    request(env, *l, *s);
  }
  [[nodiscard]] bool believes(ring_lookup const& l) const {
    return !settings_.ask_owner && l.why == ring_errand::locate;
  }
  // The first at or after the key is taken for its owner without being asked.
  void believe(auto& env, activity id) {
    auto* l = env.template pool<ring_lookup>().find(id);
    l->after.front().is = ring_step::state::answered;
    ++l->hops;
    arrive(env, id);
  }

  void request(auto& env, ring_lookup& l, ring_step& s) {
    ++s.attempts;
    ++l.messages;
    s.due = std::min(env.now() + settings_.rpc_timeout, l.deadline);
    s.is = l.collecting ? ring_step::state::giving : ring_step::state::waiting;
    watch(env, s.due);
    if (!l.collecting) {
      bool const pass = settings_.style == forwarding::recursive && l.why != ring_errand::join;
      if (!pass) return env.send(s.who, find_successor{l.target, l.nonce});
      return env.send(s.who, forward{l.target, env.self(), l.nonce, 1, 0, s.far >= l.far});
    }
    if (l.why == ring_errand::find) return env.send(s.who, find_providers{l.what, l.nonce});
    auto pool = env.template pool<offered>();
    auto const* o = pool.find(
        pool.first([&](offered const& x) { return x.record.what == l.what; }));
    if (o != nullptr) env.send(s.who, store{l.nonce, o->record});
  }

  // The owner is known, or that nobody will be.
  void arrive(auto& env, activity id) {
    auto* l = env.template pool<ring_lookup>().find(id);
    auto const* o = l->owner();
    if (o == nullptr && l->named_self) l->self_owns = true;
    peer const owner = l->self_owns ? env.self() : o != nullptr ? o->who : peer{};
    if (l->why == ring_errand::find || l->why == ring_errand::publish) {
      l->collecting = true;
      if (!owner) return finish(env, id);
      if (l->self_owns) {  // the other holders are those after us
        l->before.clear();
        l->after.clear();
        l->far = 0;
        for (auto const& e : ring_.successors()) l->add(e.who, e.at);
      }
      return collect(env, id);
    }
    auto const done = *l;
    env.template pool<ring_lookup>().erase(id);
    if (done.why == ring_errand::locate) {
      env.emit(located{id, done.target, owner, done.hops, done.timeouts, done.messages,
                       env.now() - done.started});
    } else if (done.why == ring_errand::join) {
      if (!ring_.empty()) stabilise(env);  // alone: the next round tries again
    } else if (owner && owner != env.self()) {
      fix_finger(env, done, owner);
    }
  }

  // Asks the owner and those after it for what they have, or gives it to them.
  void collect(auto& env, activity id) {
    auto* l = env.template pool<ring_lookup>().find(id);
    if (l == nullptr || !l->collecting) return;
    for (auto& s : l->after) {
      if (l->sources() >= settings_.replicas || l->messages >= settings_.messages_max) break;
      if (s.is != ring_step::state::fresh && s.is != ring_step::state::answered) continue;
      s.attempts = 0;
      request(env, *l, s);
    }
    if (l->in_flight() > 0) return;
    if (l->checking > 0) return watch(env, l->deadline);
    finish(env, id);
  }

  void finish(auto& env, activity id) {
    auto const l = *env.template pool<ring_lookup>().find(id);
    env.template pool<ring_lookup>().erase(id);
    if (l.why == ring_errand::locate) {
      env.emit(located{id, l.target, {}, l.hops, l.timeouts, l.messages, env.now() - l.started});
    } else if (l.why == ring_errand::find) {
      found f;
      f.id = id;
      for (auto const& r : l.records) f.among.push_back(candidate_of(r, l.hops));
      f.hops = l.hops;
      f.messages = l.messages;
      env.emit(f);
    } else if (l.why == ring_errand::publish) {
      auto pool = env.template pool<offered>();
      auto const o = pool.first([&](offered const& x) { return x.record.what == l.what; });
      auto const* mine = pool.find(o);
      if (mine != nullptr && mine->withdrawn && mine->due > env.now()) pool.erase(o);
      publish_due(env);
    }
  }

  void consider_record(auto& env, activity id, peer from, provider_record const& r) {
    auto* l = env.template pool<ring_lookup>().find(id);
    if (r.what != l->what || r.head == env.self() || r.power.cores == 0) return;
    if (!meets(r, l->needs) || !acceptable(env, r, settings_.record_lifetime_max)) return;
    auto const same = [&](provider_record const& k) { return identical(k, r); };
    if (std::any_of(l->records.begin(), l->records.end(), same)) return;
    auto pool = env.template pool<checking>();
    bool const pending = bool{pool.first(
        [&](checking const& c) { return c.of == id && identical(c.record, r); })};
    if (pending || pool.full()) return;
    pool.add({check_seal(env, r), id, from, 0, env.now(), r});
    ++l->checking;
  }

  // ---- lookups of others -----------------------------------------------------------------------

  void resolve(auto& env, forward const& m, peer owner = {}) {
    if (m.origin != env.self()) {
      resolved answer{m.nonce, m.hops, m.timeouts, owner, {}};
      for (auto const& e : ring_.successors()) answer.successors.push_back(e.who);
      return env.send(m.origin, answer);
    }
    auto const id = lookup_of(env, m.nonce);
    auto* l = env.template pool<ring_lookup>().find(id);
    if (l == nullptr || l->collecting || l->why == ring_errand::join) return;
    l->self_owns = true;
    l->hops = m.hops;
    l->timeouts = static_cast<std::uint8_t>(std::min(255, l->timeouts + m.timeouts));
    arrive(env, id);
  }

  // To the nearest before the key that is not known to be silent; else to its owner.
  void pass_on(auto& env, activity id) {
    auto* r = env.template pool<ring_relay>().find(id);
    auto const at = place_of(r->what.target);
    auto const tried = [&](peer who) {
      return std::find(r->silent.begin(), r->silent.end(), who) != r->silent.end();
    };
    auto const& next = ring_.successors();
    bool const spans = !next.empty() && ring_.far(next.back().at) >= ring_.far(at);
    bounded_vector<ring_entry, ring_preceding_max> before;
    if (settings_.ask_owner || !spans) ring_.preceding(at, before);
    for (auto const& e : before) {
      if (!tried(e.who)) return pass_to(env, *r, e.who, false);
    }
    for (auto const& e : next) {
      if (ring_.far(e.at) < ring_.far(at) || tried(e.who)) continue;
      if (settings_.ask_owner) return pass_to(env, *r, e.who, true);
      auto const m = r->what;  // its hops count the owner
      env.template pool<ring_relay>().erase(id);
      return resolve(env, m, e.who);
    }
    env.template pool<ring_relay>().erase(id);  // the origin loses patience
  }
  void pass_to(auto& env, ring_relay& r, peer who, bool last) {
    r.to = who;
    r.what.last = last;
    r.attempts = 1;
    r.due = env.now() + settings_.rpc_timeout;
    watch(env, r.due);
    env.send(who, r.what);
  }

  // ---- the ring --------------------------------------------------------------------------------

  void probe(auto& env, peer who, ring_probe::kind is, std::uint8_t finger = 0) {
    auto pool = env.template pool<ring_probe>();
    auto const same = [&](ring_probe const& p) { return p.who == who && p.is == is; };
    if (!who || who == env.self() || pool.full() || pool.first(same)) return;
    ring_probe p{who, env.random().bits(), env.now(), env.now() + settings_.rpc_timeout,
                 is, finger, 1};
    pool.add(p);
    ask(env, p);
  }
  void ask(auto& env, ring_probe const& p) {
    watch(env, p.due);
    if (p.is == ring_probe::kind::neighbours) return env.send(p.who, get_neighbours{p.nonce});
    env.send(p.who, ping{p.nonce});
  }
  // The probe that this answers, which is over; nobody's: it was not asked for.
  ring_probe answered(auto& env, peer from, std::uint64_t nonce, ring_probe::kind is) {
    auto pool = env.template pool<ring_probe>();
    auto const id = pool.first([&](ring_probe const& p) {
      return p.nonce == nonce && p.who == from && p.is == is;
    });
    if (!id) return {};
    auto const p = *pool.find(id);
    pool.erase(id);
    learn(env, from);
    if (from == ring_.predecessor().who) predecessor_heard_ = env.now();
    return p;
  }

  // Asks whether it lives, because of what others said: a few at a time.
  void look_after(auto& env, peer who) {
    std::size_t alive = 0;
    env.template pool<ring_probe>().each([&](activity, ring_probe const& p) {
      alive += p.is == ring_probe::kind::alive ? 1U : 0U;
    });
    if (alive < ring_probe::alive_max) probe(env, who, ring_probe::kind::alive);
  }

  void stabilise(auto& env) {
    if (!ring_.successors().empty()) {
      return probe(env, ring_.successors()[0].who, ring_probe::kind::neighbours);
    }
    auto const nearest = closest(env.about(env.self()).key, 1);
    if (!nearest.empty()) return probe(env, nearest[0], ring_probe::kind::neighbours);
    look_for_place(env);
  }

  // The first head after us, as an old contact's part of the ring knows it.
  void look_for_place(auto& env) {
    auto const joining = env.template pool<ring_lookup>().first(
        [](ring_lookup const& l) { return l.why == ring_errand::join; });
    if (joining || hints_.empty() || in_background(env) >= ring_lookup::background_max) return;
    ring_lookup l;
    l.why = ring_errand::join;
    l.target = key_at(ring_.own() + 1);
    auto const first = hints_[static_cast<std::size_t>(env.random().below(hints_.size()))];
    l.from = entry_of(env, first).at;
    l.far = ring_.own() + 1 - l.from;
    for (auto who : hints_) suggest(env, l, who);
    start(env, l);
  }
  [[nodiscard]] static key key_at(std::uint64_t place) { return key{digest256{place, 0, 0, 0}}; }

  // A finger that is not the successor, at random.
  void refresh(auto& env) {
    auto const lowest = ring_.lowest_finger();
    if (ring_.successors().empty() || lowest >= finger_count) return;
    auto const fingers = finger_count - lowest;
    auto const i = lowest + static_cast<std::size_t>(env.random().below(fingers));
    look_beyond(env, ring_.own() + ring_.stride(i), i);
  }
  void look_beyond(auto& env, std::uint64_t place, std::size_t finger) {
    if (in_background(env) >= ring_lookup::background_max) return;
    ring_lookup l;
    l.why = ring_errand::finger;
    l.finger = static_cast<std::uint8_t>(finger);
    l.target = key_at(place);
    start(env, l);
  }

  // The owner of a finger's start is known; it and those after it are timed if they may be it.
  void fix_finger(auto& env, ring_lookup const& l, peer owner) {
    if (l.finger >= finger_count || !can_be_called(env, owner)) return;
    auto const before = ring_.finger(l.finger);
    ring_.fix(l.finger, entry_of(env, owner));
    if (settings_.proximity_candidates == 0) return;
    std::size_t timed = 0;
    for (auto const& s : l.after) {
      if (s.is == ring_step::state::failed) continue;
      if (timed++ > settings_.proximity_candidates) return;
      if (s.who == before.who) ring_.choose(l.finger, before);
      probe(env, s.who, ring_probe::kind::nearness, l.finger);
    }
  }
  void choose_nearer(auto& env, ring_probe const& p, peer who) {
    if (!can_be_called(env, who)) return;
    auto const known = env.about(who).rtt;
    auto const rtt = (known > duration{} ? known : env.now() - p.sent) / 1us;
    auto e = entry_of(env, who);
    e.rtt_us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(rtt, 1, 0xffffffff));
    auto const& now = ring_.finger(p.finger);
    if (!now) return;
    if (now.who == who || now.rtt_us == 0 || e.rtt_us < now.rtt_us) ring_.choose(p.finger, e);
  }

  // ---- publishing ------------------------------------------------------------------------------

  // Whether this key is farther before us than the heads that keep copies are to be expected.
  [[nodiscard]] bool too_far(std::uint64_t at) const {
    auto const& next = ring_.successors();
    if (next.size() < kept()) return false;
    auto const spacing = ring_.far(next.back().at) / next.size();
    return (ring_.own() - at) / (8U * settings_.replicas) > spacing;
  }

  // One after the other, each found anew: a lookup may be over before start() returns.
  void publish_due(auto& env) {
    auto offers = env.template pool<offered>();
    auto lookups = env.template pool<ring_lookup>();
    for (std::size_t i = 0; i < offered::per_peer_max && !ring_.empty(); ++i) {
      if (in_background(env) >= ring_lookup::background_max || lookups.full()) return;
      auto* o = offers.find(offers.first([&](offered const& x) {
        return x.due <= env.now() && !lookups.first([&](ring_lookup const& l) {
          return l.why == ring_errand::publish && l.what == x.record.what;
        });
      }));
      if (o == nullptr) return;
      o->due = env.now() + settings_.republish * 3 / 4 +
               env.random().between(duration{}, settings_.republish / 2);
      seal(env, o->record, settings_.record_lifetime);
      ring_lookup l;
      l.why = ring_errand::publish;
      l.what = o->record.what;
      l.target = env.about(l.what);
      start(env, l);
    }
  }

  // ---- time ------------------------------------------------------------------------------------

  // The first round; each arms the next.
  void keep_up(auto& env) {
    if (kept_up_ || settings_.stabilise <= duration{}) return;
    kept_up_ = true;
    if (rounds_ == 0) rounds_ = static_cast<std::uint16_t>(env.random().below(1000));  // a phase
    env.arm(env.random().between(duration{}, settings_.stabilise), upkeep_tag);
  }

  void upkeep(auto& env) {
    kept_up_ = !left_;
    if (left_) return;
    env.arm(settings_.stabilise / 2 + env.random().between(duration{}, settings_.stabilise),
            upkeep_tag);
    ++rounds_;
    auto const now = env.now();
    record_store{env}.prune(now);
    auto checks = env.template pool<checking>();
    checks.each([&](activity id, checking const& c) {
      if (c.since + settings_.lookup_time_max <= now) checks.erase(id);  // nobody waits for it
    });
    if (ring_.empty()) join_again(env);
    stabilise(env);
    if (ring_.predecessor() && predecessor_heard_ + settings_.stabilise * 5 / 2 <= now) {
      probe(env, ring_.predecessor().who, ring_probe::kind::alive);
    }
    if (settings_.rejoin != 0 && rounds_ % settings_.rejoin == 0) look_for_place(env);
    refresh(env);
    publish_due(env);
    if (rounds_ % keep_every == 0) keep_contacts(env);  // last: it holds back
  }

  // We know nobody: a few of those that were written down, another choice each time. The newest
  // of the hints stays.
  void join_again(auto& env) {
    auto noted = env.template recall<known_contacts>(0);
    if (!noted || noted->who.empty()) return;
    auto const first = static_cast<std::size_t>(env.random().below(noted->who.size()));
    std::rotate(noted->who.begin(), noted->who.begin() + first, noted->who.end());
    auto const few = std::min(noted->who.size(), hints_.capacity() - 1);
    join(env, std::span<peer const>{noted->who.begin(), few});
  }
  void keep_contacts(auto& env) {
    known_contacts noted;
    for (auto const& e : ring_.successors()) {
      if (noted.who.size() < noted.who.capacity() / 2) noted.who.push_back(e.who);
    }
    for (std::size_t i = finger_count; i-- > 0 && !noted.who.full();) {
      auto const who = ring_.finger(i).who;
      bool const there = std::find(noted.who.begin(), noted.who.end(), who) != noted.who.end();
      if (who && !there) noted.who.push_back(who);
    }
    if (!noted.who.empty()) env.keep(0, noted);
  }

  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), sweep_tag);
  }

  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;  // a later sweep was brought forward: this one is idle
    sweep_at_ = origin;  // nothing is armed until all have been looked at
    auto lookups = env.template pool<ring_lookup>();
    lookups.each([&](activity id, ring_lookup& l) {
      if (l.deadline <= env.now()) return finish(env, id);
      for (auto* side : {&l.before, &l.after}) {
        for (auto& s : *side) {
          if (s.in_flight() && s.due <= env.now()) late(env, l, s);
        }
      }
      step(env, id);
    });
    sweep_relays(env);
    sweep_probes(env);
    sweep_at_ = never;
    auto next = never;
    lookups.each([&](activity, ring_lookup const& l) {
      next = std::min(next, l.deadline);
      for (auto const* side : {&l.before, &l.after}) {
        for (auto const& s : *side) next = s.in_flight() ? std::min(next, s.due) : next;
      }
    });
    env.template pool<ring_relay>().each(
        [&](activity, ring_relay const& r) { next = std::min(next, r.due); });
    env.template pool<ring_probe>().each(
        [&](activity, ring_probe const& p) { next = std::min(next, p.due); });
    watch(env, next);
  }
  void late(auto& env, ring_lookup& l, ring_step& s) {
    bool const again = s.is != ring_step::state::passed && s.attempts < settings_.rpc_attempts;
    if (again && l.messages < settings_.messages_max) return request(env, l, s);
    if (s.is != ring_step::state::passed) silent(s.who);  // who passed it on lives
    if (s.giver && settings_.report_silent) env.send(s.giver, silent_head{s.who});
    s.is = ring_step::state::failed;
    if (l.timeouts < 255) ++l.timeouts;
  }
  void sweep_relays(auto& env) {
    auto relays = env.template pool<ring_relay>();
    relays.each([&](activity id, ring_relay& r) {
      if (r.due > env.now()) return;
      if (r.attempts < settings_.rpc_attempts) {
        ++r.attempts;
        r.due = env.now() + settings_.rpc_timeout;
        return env.send(r.to, r.what);
      }
      silent(r.to);
      if (r.what.timeouts < 255) ++r.what.timeouts;
      if (r.ours_otherwise) {
        auto m = r.what;
        --m.hops;
        relays.erase(id);
        return resolve(env, m);
      }
      if (r.silent.try_push_back(r.to)) return pass_on(env, id);
      relays.erase(id);
    });
  }
  void sweep_probes(auto& env) {
    auto probes = env.template pool<ring_probe>();
    bool gap = false;
    probes.each([&](activity id, ring_probe& p) {
      if (p.due > env.now()) return;
      if (p.is != ring_probe::kind::nearness && p.attempts < settings_.rpc_attempts) {
        ++p.attempts;
        p.due = env.now() + settings_.rpc_timeout;
        return ask(env, p);
      }
      gap = gap || p.is == ring_probe::kind::neighbours;
      silent(p.who);
      probes.erase(id);
    });
    if (gap && settings_.forget_silent) stabilise(env);
  }

  chord_settings settings_{};
  ring_table<Successors> ring_{};
  bounded_vector<peer, 4> hints_{};
  instant sweep_at_ = never;
  instant predecessor_heard_{};
  std::uint16_t rounds_ = 0;
  bool kept_up_ = false;  // upkeep is armed
  bool left_ = false;
};

static_assert(RoutingPolicy<chord<8>, archetype_view<chord<8>>>);
static_assert(LocatesKeys<chord<8>, archetype_view<chord<8>>>);
static_assert(LocatesKeys<chord<20>, archetype_view<chord<20>>>);

}  // namespace hydra::routing
