// Kademlia over signed provider records: the routing of a ready-made Hydra.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/lookup.hpp>
#include <hydra/routing/messages.hpp>
#include <hydra/routing/records.hpp>
#include <hydra/routing/table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

struct kademlia_settings {
  duration rpc_timeout = 1500ms;          // of one attempt
  duration lookup_time_max = 12s;         // of a lookup, whatever happens
  duration tick = 60s;                    // period of all upkeep, at a random phase
  duration refresh = 5min;                // one bucket, or our own neighbourhood, in turn
  duration questionable_after = 10min;    // unseen for so long: ping
  duration republish = 5min;              // plus or minus a quarter, drawn each time
  duration record_lifetime = 16min;       // of a record that we sign
  duration record_lifetime_max = 24h;     // of a record that we accept
  duration cache_lifetime = 60s;          // of what a lookup found
  duration keep_period = 5min;            // of writing down known contacts
  std::uint8_t alpha = 3;                 // requests of a lookup in flight
  std::uint8_t rpc_attempts = 2;          // per contact and lookup
  std::uint8_t messages_max = 96;         // requests of a lookup
  std::uint8_t hops_max = 20;             // of a lookup
  std::uint8_t evict_after = 4;           // failures in a row, 1..7
  std::uint8_t enough_factor = 3;         // principals found per candidate wanted, then stop
  std::uint8_t sources_min = 3;           // netgroups near the key that gave records, then stop
  std::uint8_t disjoint_paths = 1;        // of a lookup, at most K (S/Kademlia; see paths.hpp)
  std::uint8_t path_width = 0;            // asked before a path ends; 0: K / disjoint_paths
  std::uint8_t replacements = 0;          // newcomers remembered per full bucket
  store_limits limits{};                  // of records kept for others
  template <class A>
  void serialize(A& a, unsigned) {
    a& rpc_timeout& lookup_time_max& tick& refresh& questionable_after& republish;
    a& record_lifetime& record_lifetime_max& cache_lifetime& keep_period;
    a& alpha& rpc_attempts& messages_max& hops_max& evict_after& enough_factor& sources_min;
    a& disjoint_paths& path_width& replacements& limits;
  }
};

// Maymounkov and Mazieres (2002), with the hygiene that open networks taught since.
//
// Promises. find() answers with exactly one `found` within lookup_time_max: verified candidates,
// no head twice; or it returns no activity because twelve lookups are under way, and nothing
// follows. locate() likewise with one `located`: the head whose key is the target, when it lives
// and is met; else the nearest that answered (ourselves with 0 hops when nobody is nearer).
// A record that publish() was given stays at the K closest heads as long as this head lives and
// some of what it sends at every republication arrives. Idle, a head costs sizeof(kademlia) and
// seven pool heads.
//
// Rules.
// - Iterative: the asker sees every answer, so a head on the way cannot redirect silently.
//   `alpha` requests are in flight; a silent contact is asked again once, then counts as failed.
//   Its place is taken by the next closest: loss costs time and not results.
// - Only contacts that answered are told to others (table.hpp); a head that sends us something
//   becomes hearsay and is pinged at once. A head that can only call out (`reach`, as it says of
//   itself) is answered and never entered, asked, named or stored with, and its own offers are not
//   published: it looks up with its own table, as libp2p's Kademlia does in client mode.
// - A record is stored by the very head that it names. One that knows 2 K closer ones refuses;
//   one that knows closer ones says so, and the publisher goes on there.
// - The asker checks every signature itself, once: records that it or its shelves know verbatim
//   are not checked again. A record that fails the check costs whoever gave it its place in the
//   table: it had to check it before. Expiry is not punished: clocks differ.
// - A find stops early at `enough_factor` principals per candidate wanted, but not before heads
//   of `sources_min` netgroups near the key gave something: the first to answer is not the only
//   one to be heard, and who gave most gives way when the list of candidates is full.
// - Near a key, where K heads are to be expected, nearness is drawn by the nonce of the lookup
//   (ranking in table.hpp): who ground a key closer than others is not asked before them, and
//   what is asked differs from lookup to lookup. Where far more heads live than there should
//   (more than 2 K), 3 K are asked, one record of each is heard, and nothing stops early.
// - One sweep timer per head watches all requests. A timer per request would cost an arm and a
//   disarm for each of about ten; the sweep costs one event per lookup.
// - Upkeep is one periodic timer at a random phase: a ping of whom we doubt, a refresh, what is
//   due to be published, what has expired, what is to be kept. Nothing is synchronised by a start.
//
// What an attacker gains. A holder that denies records is outvoted; it cannot forge one, and a
// record that points at another's head is refused. Flooding a service is bounded per netgroup
// (16 of 128 places). Inventing contacts costs the asker two timeouts each, within messages_max
// and lookup_time_max. Keys ground towards a service do capture finds, though less often than in
// plain Kademlia. With 40 of 400 heads ground and answering with each other's records, finds that
// came back with nothing but attackers were none (all in one netgroup), 16 % (three) and 38 % (each
// its own); see tests/simulation/capture_test. `sources_min` one above the attackers' netgroups
// brings three down to 4 %, for half as many requests again. What remains is for trust and
// verification. Who reaches most of the heads near our own key misleads our estimate of the
// density, and distance is plain again.
// Against heads that answer with their friends: `disjoint_paths` (S/Kademlia, Baumgart and Mies
// 2007). A lookup then runs on d paths without a common head, with alpha / d requests in flight on
// each (one at least), and costs up to d times as much where liars keep the paths apart, a third
// more among the honest; docs/concepts/s_kademlia.md has figures.
//
// Cost. A find of two among 500 heads took 2.0 rounds and 8 requests, among 3,000 2.5 and 10, and
// 3.0 and 13 while 30 % of messages were lost; none came back empty. A request is 16 or 48 bytes,
// an answer at most 648. A publication adds K stores of 144 bytes. Upkeep per head and hour by
// default: up to 60 pings, 12 refreshes of about 12 requests.
// sizeof(kademlia<8>) is 1,296 bytes; a lookup under way 2.9 kB, a remembered service 1 kB, a
// shelf of eight foreign records 1 kB, all from pools.
//
// Departures from the paper: replacement caches only as a setting, no caching of records on the
// way, republished by the publisher alone, netgroups, early stop, signatures, regions (after
// Sridhar et al. 2024 and Cholez et al. 2010, who recognise ground keys by their density).
//
// kademlia<K, S> keeps the S nearest heads complete besides (siblings.hpp).
template <std::size_t K = 8, std::size_t Siblings = 0>
class kademlia {
 public:
  using policy_concept = routing_tag;
  using messages =
      type_list<find_node, nodes, find_providers, providers, store, stored, ping, pong>;
  using facts = type_list<found, located>;
  using activities = type_list<lookup<K>, shelf, checking, offered, remembered, probe, spare>;
  using table_type = routing::table<K, Siblings>;
  using records = type_list<known_contacts>;

  static constexpr std::uint16_t sweep_tag = 1;
  static constexpr std::uint16_t upkeep_tag = 2;

  constexpr kademlia() = default;
  constexpr explicit kademlia(kademlia_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.alpha > 0);
    HYDRA_EXPECTS(s.disjoint_paths > 0);
    HYDRA_EXPECTS(s.disjoint_paths <= K);
    HYDRA_EXPECTS(s.rpc_attempts > 0);
    HYDRA_EXPECTS(s.evict_after > 0);
    HYDRA_EXPECTS(s.evict_after <= failures_countable);
    HYDRA_EXPECTS(s.tick > duration{});
    HYDRA_EXPECTS(s.questionable_after < age_max);
    HYDRA_EXPECTS(s.record_lifetime <= s.record_lifetime_max);
    HYDRA_EXPECTS(s.republish > s.tick);
    HYDRA_EXPECTS(s.record_lifetime > s.republish);
  }

  // A world too large to warm up gives every head its table (see direct_table).
  constexpr void adopt(table_type const& ready) noexcept { table_ = ready; }
  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    table_ = direct_table<K, Siblings>(own, everybody, {}, named);
  }
  // With contacts drawn at random (see random_table).
  template <class Everybody, class Named>
  constexpr void adopt_random(key const& own, Everybody const& everybody, Named named,
                              std::uint64_t seed) {
    table_ = random_table<K, Siblings>(own, everybody, seed, {}, named);
  }
  [[nodiscard]] constexpr table_type const& contact_table() const noexcept { return table_; }
  [[nodiscard]] constexpr kademlia_settings const& settings() const noexcept { return settings_; }

  // ---- asked --------------------------------------------------------------------------------

  [[nodiscard]] constexpr bounded_vector<peer, K> closest(key const& to, std::size_t k) const {
    bounded_vector<peer, K> out;
    for (auto const& c : table_.closest(to.prefix(), k)) out.push_back(c.who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const noexcept { return table_.size(); }

  // ---- told by the parent ----------------------------------------------------------------------

  void on_start(auto& env) {
    know_self(env);
    ticks_ = static_cast<std::uint16_t>(env.random().below(ticks_in(settings_.refresh)));
    env.every(settings_.tick, env.random().between(duration{}, settings_.tick), upkeep_tag);
    if (auto const kept = env.template recall<known_contacts>(0)) {
      join(env, std::span<peer const>{kept->who});
    }
  }

  // Contacts to start from: hearsay until they answer.
  void join(auto& env, std::span<peer const> known) {
    know_self(env);
    if (known.empty()) return;
    for (auto who : known) learn(env, who, evidence::named);
    if (!table_.empty()) refresh(env, env.about(env.self()).key);
  }

  activity find(auto& env, want const& w) {
    know_self(env);
    lookup<K> l;
    l.why = errand::find;
    l.what = w.what;
    l.at_least = std::max<std::uint8_t>(w.at_least, 1);
    l.needs = w.needs;
    l.target = env.about(w.what);
    if (auto const* r = fresh_memory(env, w)) {
      for (auto const& record : r->records) {
        if (meets(record, w.needs)) l.gain(record, {});
      }
      auto const id = env.template pool<lookup<K>>().add(l);
      if (id) finish(env, id, l);
      return id;
    }
    record_store held{env};
    bounded_vector<provider_record, records_per_answer_max> own;
    held.sample(w.what, own.capacity(), own);
    for (auto const& r : own) {
      if (r.head != env.self() && meets(r, w.needs)) l.gain(r, env.self());
    }
    l.sources = l.records.empty() ? 0 : 1;
    return start(env, l);
  }

  std::uint16_t abandon(auto& env, activity id) {
    auto pool = env.template pool<lookup<K>>();
    auto const* l = pool.find(id);
    if (l == nullptr) return 0;
    auto const gone = *l;
    pool.erase(id);
    bool const worth = gone.why == errand::find && gone.records.size() >= gone.at_least;
    if (worth && gone.messages > 0) remember(env, gone);
    return gone.messages;
  }

  // Plain distance at every head on the way: who is asked for here is one head, and not a region.
  activity locate(auto& env, key const& target) {
    know_self(env);
    lookup<K> l;
    l.why = errand::locate;
    l.target = target;
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

  void seen(auto& env, peer who) { learn(env, who, evidence::heard); }

  void failed(auto& env, peer who) {
    silent(env, who);
    env.template pool<remembered>().each([&](activity, remembered& r) {
      for (std::size_t i = r.records.size(); i-- > 0;) {
        if (r.records[i].head == who) r.records.erase(&r.records[i]);
      }
    });
  }

  // ---- told by others --------------------------------------------------------------------------

  void on_message(auto& env, peer from, find_node const& m) {
    seen(env, from);
    nodes answer;
    answer.nonce = m.nonce;
    std::size_t const count = m.count & ~find_node::plainly;
    answer.closer = (m.count & find_node::plainly) != 0
                        ? plainly_closer_to(m.target, from, count)
                        : closer_to(m.target, m.nonce, from, count);
    env.send(from, answer);
  }

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
    answer.closer = closer_to(env.about(m.what), m.nonce, from, K);
    if (!answer.records.empty()) return env.send(from, answer);
    nodes none;
    none.nonce = m.nonce;
    none.closer = answer.closer;
    env.send(from, none);
  }

  void on_message(auto& env, peer from, nodes const& m) {
    auto const id = lookup_of(env, m.nonce);
    if (!accept_answer(env, id, from, asked::state::waiting)) return;
    learn_closer(env, id, from, m.closer);
    step(env, id);
  }

  void on_message(auto& env, peer from, providers const& m) {
    auto const id = lookup_of(env, m.nonce);
    if (!accept_answer(env, id, from, asked::state::waiting)) return;
    learn_closer(env, id, from, m.closer);
    auto const* l = env.template pool<lookup<K>>().find(id);
    std::size_t const most = l->suspicious() ? 1 : m.records.size();
    for (std::size_t i = 0; i < std::min(most, m.records.size()); ++i) {
      consider_record(env, id, from, m.records[i]);
    }
    step(env, id);
  }

  void on_message(auto& env, peer from, store const& m) {
    seen(env, from);
    auto const& r = m.record;
    bool const fit = from == r.head && acceptable(env, r, settings_.record_lifetime_max) &&
                     can_be_called(env, r.head);
    if (!fit || too_far(env.about(r.what))) return answer_store(env, from, m.nonce, r, false);
    if (record_store{env}.holds(r)) return answer_store(env, from, m.nonce, r, true);
    auto pool = env.template pool<checking>();
    if (pool.full() || !may_check_store(env, from)) {
      return answer_store(env, from, m.nonce, r, false);
    }
    pool.add({check_seal(env, r), {}, from, m.nonce, env.now(), r});
  }

  void on_message(auto& env, peer from, stored const& m) {
    auto const id = lookup_of(env, m.nonce);
    if (!accept_answer(env, id, from, asked::state::storing)) return;
    learn_closer(env, id, from, m.closer);
    step(env, id);
  }

  void on_message(auto& env, peer from, ping const& m) {
    seen(env, from);
    env.send(from, pong{m.nonce});
  }

  void on_message(auto& env, peer from, pong const& m) {
    auto pool = env.template pool<probe>();
    auto const id = pool.first([&](probe const& p) { return p.nonce == m.nonce && p.who == from; });
    if (!id) return;
    pool.erase(id);
    learn(env, from, evidence::answered);
  }

  // ---- told by the driver ----------------------------------------------------------------------

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == sweep_tag) sweep(env);
    if (tag == upkeep_tag) upkeep(env);
  }

  void on_fact(auto& env, unreachable const& f) {
    failed(env, f.who);
    env.template pool<lookup<K>>().each([&](activity id, lookup<K>& l) {
      auto* a = l.find(f.who);
      if (a == nullptr || !a->in_flight()) return;
      give_up(l, *a);
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
    if (!f.good) table_.evict(c.from, prefix_of(env, c.from));
    if (!c.of) {
      bool const in = f.good && record_store{env}.put(c.record, settings_.limits);
      return answer_store(env, c.from, c.nonce, c.record, in);
    }
    auto* l = env.template pool<lookup<K>>().find(c.of);
    if (l == nullptr) return;
    HYDRA_EXPECTS(l->checking > 0);
    --l->checking;
    if (f.good) {
      gain(*l, c.record, c.from);
    } else if (auto* liar = l->find(c.from)) {
      if (liar->gave) --l->sources;
      liar->gave = false;
      liar->is = asked::state::failed;
    }
    step(env, c.of);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& table_& sweep_at_& ticks_& refreshed_;
  }

 private:
  // ---- contacts --------------------------------------------------------------------------------

  void know_self(auto& env) {
    if (!table_.empty()) return;
    auto const own = env.about(env.self()).key;
    if (table_.own() != own.prefix()) table_ = table_type{own};
  }
  [[nodiscard]] static std::uint32_t prefix_of(auto& env, peer who) {
    return env.about(who).key.prefix();
  }
  [[nodiscard]] static bool can_be_called(auto& env, peer who) {
    return env.about(who).reach == reach::open;
  }
  void learn(auto& env, peer who, evidence how) {
    if (!who || who == env.self()) return;
    auto const a = env.about(who);
    if (a.reach != reach::open) return;
    auto const p = table_.learn({who, a.key.prefix(), group_tag(a.group), 0, 0}, how, env.now());
    if (how == evidence::heard && p.in) {
      auto const* c = table_.known(who, a.key.prefix());
      if (c != nullptr && !c->live()) ask_alive(env, who);
    }
    if (p.sibling && !p.in) ask_alive(env, who);
    if (!p.questioned) return;
    remember_spare(env, who, a.key.prefix());
    auto const* oldest = table_.known(p.questioned, prefix_of(env, p.questioned));
    if (oldest->age(env.now()) >= settings_.questionable_after) ask_alive(env, p.questioned);
  }
  // One failure more. Who is evicted by it makes room for the newest that found the bucket full:
  // hearsay until it answers the ping.
  void silent(auto& env, peer who) {
    auto const prefix = prefix_of(env, who);
    if (!table_.failed(who, prefix, settings_.evict_after)) return;
    auto pool = env.template pool<spare>();
    auto const bucket = table_.bucket_of(prefix);
    auto const id = pool.first([&](spare const& s) { return s.bucket == bucket; });
    if (!id) return;
    auto const next = pool.find(id)->who;
    pool.erase(id);
    learn(env, next, evidence::named);
    ask_alive(env, next);
  }
  // It is alive and its bucket full. The oldest of its bucket gives way in here, never a contact.
  void remember_spare(auto& env, peer who, std::uint32_t prefix) {
    if (settings_.replacements == 0) return;
    auto pool = env.template pool<spare>();
    auto const bucket = static_cast<std::uint8_t>(table_.bucket_of(prefix));
    if (auto const known = pool.first([&](spare const& s) { return s.who == who; })) {
      pool.erase(known);
    }
    std::size_t same = 0;
    activity oldest{};
    pool.each([&](activity id, spare const& s) {
      if (s.bucket != bucket) return;
      ++same;
      oldest = id;
    });
    if (same >= settings_.replacements) pool.erase(oldest);
    pool.add({who, bucket});
  }
  void ask_alive(auto& env, peer who) {
    auto pool = env.template pool<probe>();
    if (pool.full() || pool.first([&](probe const& p) { return p.who == who; })) return;
    probe p{who, env.random().bits(), env.now() + settings_.rpc_timeout};
    pool.add(p);
    env.send(who, ping{p.nonce});
    watch(env, p.due);
  }
  // In the order of the asker's nonce where heads are equally near: two askers hear of others.
  [[nodiscard]] closer_peers closer_to(key const& to, std::uint64_t nonce, peer but,
                                       std::size_t k) const {
    ranking const rank{to.prefix(), table_.region(), nonce};
    closer_peers out;
    for (auto const& c : table_.closest(rank, k, false, but)) out.push_back(c.who);
    return out;
  }
  [[nodiscard]] closer_peers plainly_closer_to(key const& to, peer but, std::size_t k) const {
    closer_peers out;
    for (auto const& c : table_.closest(to.prefix(), k, false, but)) out.push_back(c.who);
    return out;
  }
  [[nodiscard]] bool too_far(key const& to) const {
    return table_.closer_than_own(to.prefix()) >= 2 * K;
  }

  // ---- lookups ---------------------------------------------------------------------------------

  [[nodiscard]] activity lookup_of(auto& env, std::uint64_t nonce) {
    return env.template pool<lookup<K>>().first(
        [&](lookup<K> const& l) { return l.nonce == nonce; });
  }

  // Starts from what the table knows; hearsay only when too few are live.
  activity start(auto& env, lookup<K>& l) {
    l.nonce = env.random().bits();
    l.deadline = env.now() + settings_.lookup_time_max;
    bool const plainly = l.why == errand::refresh || l.why == errand::locate;
    l.rank = {l.target.prefix(), plainly ? 0 : table_.region(), l.nonce};
    l.paths = l.why == errand::refresh ? std::uint8_t{1} : settings_.disjoint_paths;
    bool const hearsay_too = table_.live() < settings_.alpha;
    std::uint8_t path = 0;
    for (auto const& c : table_.closest(l.rank, K, hearsay_too)) {
      l.add(c.who, c.prefix, c.group, 1, path);
      path = static_cast<std::uint8_t>((path + 1U) % l.paths);
    }
    auto const id = env.template pool<lookup<K>>().add(l);
    if (id) step(env, id);
    return id;
  }

  [[nodiscard]] std::size_t in_background(auto& env) {
    std::size_t n = 0;
    env.template pool<lookup<K>>().each(
        [&](activity, lookup<K> const& l) {
          n += l.why == errand::find || l.why == errand::locate ? 0U : 1U;
        });
    return n;
  }

  // Whether an answer is one that was asked for. Anything else is no evidence of life.
  bool accept_answer(auto& env, activity id, peer from, asked::state to) {
    auto* l = env.template pool<lookup<K>>().find(id);
    auto* a = l == nullptr ? nullptr : l->find(from);
    if (a == nullptr || a->is != to) return false;
    a->is = to == asked::state::storing ? asked::state::stored : asked::state::answered;
    a->group = group_tag(env.about(from).group);  // as it was met, not as it was named
    learn(env, from, evidence::answered);
    return true;
  }

  void learn_closer(auto& env, activity id, peer from, closer_peers const& closer) {
    auto* l = env.template pool<lookup<K>>().find(id);
    auto const path = l->find(from)->path;
    auto const hop = static_cast<std::uint8_t>(l->find(from)->hop + 1);
    if (hop > settings_.hops_max) return;
    for (std::size_t i = 0; i < std::min(closer.size(), K); ++i) {
      auto const who = closer[i];
      if (!who || who == env.self()) continue;
      auto const a = env.about(who);
      if (a.reach != reach::open) continue;
      l->add(who, a.key.prefix(), group_tag(a.group), hop, path);
      if (l->why == errand::refresh) learn(env, who, evidence::named);
    }
  }

  void consider_record(auto& env, activity id, peer from, provider_record const& r) {
    auto* l = env.template pool<lookup<K>>().find(id);
    if (l->why != errand::find || r.what != l->what || r.head == env.self()) return;
    if (r.power.cores == 0 || !meets(r, l->needs)) return;
    if (!acceptable(env, r, settings_.record_lifetime_max)) return;
    auto* giver = l->find(from);
    auto pool = env.template pool<checking>();
    bool const pending = static_cast<bool>(pool.first(
        [&](checking const& c) { return c.of == id && identical(c.record, r); }));
    bool const known = !pending && verified_before(env, *l, r);
    if (known) gain(*l, r, from);
    if (!known && !pending) {
      if (pool.full()) return;
      pool.add({check_seal(env, r), id, from, 0, env.now(), r});
      ++l->checking;
    }
    if (giver != nullptr) l->count_source(*giver);
  }

  [[nodiscard]] bool verified_before(auto& env, lookup<K> const& l, provider_record const& r) {
    auto const same = [&](provider_record const& k) { return identical(k, r); };
    if (std::any_of(l.records.begin(), l.records.end(), same)) return true;
    auto pool = env.template pool<remembered>();
    auto const* m = pool.find(pool.first([&](remembered const& x) { return x.what == r.what; }));
    if (m != nullptr && std::any_of(m->records.begin(), m->records.end(), same)) return true;
    return record_store{env}.holds(r);
  }

  static void gain(lookup<K>& l, provider_record const& r, peer giver) {
    auto const* from = l.find(giver);
    if (l.gain(r, giver) && from != nullptr) l.hops = std::max(l.hops, from->hop);
  }

  [[nodiscard]] bool enough(lookup<K> const& l) const {
    if (l.why != errand::find || l.sources < settings_.sources_min) return false;
    if (l.suspicious()) return false;
    auto const wanted = std::size_t{l.at_least} * settings_.enough_factor;
    return principals_in(l.records) >= std::min(wanted, candidates_max);
  }

  [[nodiscard]] std::size_t requests_max(lookup<K> const& l) const {
    return settings_.messages_max + (l.storing ? 2 * K : 0);
  }

  // A locate ends when the very head that it looks for has answered.
  [[nodiscard]] static bool reached(auto& env, lookup<K> const& l) {
    if (l.why != errand::locate) return false;
    if (env.about(env.self()).key == l.target) return true;
    return whose_it_is(env, l) != nullptr;
  }
  // The head that has the very key that is located, once it has answered. Ranks are compared by 32
  // bits: others may be as near by them, and stand before it.
  [[nodiscard]] static asked const* whose_it_is(auto& env, lookup<K> const& l) {
    for (auto const& a : l.near) {
      if (a.rank != 0) break;
      bool const answered = a.is == asked::state::answered;
      if (answered && env.about(a.who).key == l.target) return &a;
    }
    return nullptr;
  }

  // Sends what may be sent; ends the lookup when nothing is left to wait for.
  void step(auto& env, activity id) {
    auto* l = env.template pool<lookup<K>>().find(id);
    if (l == nullptr) return;
    if (enough(*l) || reached(env, *l)) return finish(env, id, *l);
    for (;;) {
      send_requests(env, *l);
      if (l->in_flight() > 0) return;
      if (l->why != errand::publish || l->storing) break;
      l->storing = true;
    }
    if (l->checking > 0) return watch(env, l->deadline);
    finish(env, id, *l);
  }

  // On every path: as many as may be under way there. Records are stored on no path.
  void send_requests(auto& env, lookup<K>& l) {
    unsigned const paths = l.storing ? 1U : l.paths;
    std::size_t const most = l.storing ? K : (settings_.alpha + paths - 1U) / paths;
    std::size_t width = std::max<std::size_t>(K / paths, 1);
    if (settings_.path_width != 0 && !l.storing) width = settings_.path_width;
    for (unsigned p = 0; p < paths; ++p) {
      auto const path = paths == 1 ? any_path : static_cast<std::uint8_t>(p);
      while (l.in_flight(path) < most) {
        auto* a = l.messages < requests_max(l) ? l.next(path, width) : nullptr;
        if (a == nullptr) break;
        if (l.paths > 1) a = claim(l.near, *a);
        a->attempts = 0;
        request(env, l, *a);
      }
    }
  }

  static void give_up(lookup<K>& l, asked& a) {
    a.is = asked::state::failed;
    if (l.timeouts < 255) ++l.timeouts;
  }

  void request(auto& env, lookup<K>& l, asked& a) {
    ++a.attempts;
    ++l.messages;
    a.due = std::min(env.now() + settings_.rpc_timeout, l.deadline);
    a.is = l.storing ? asked::state::storing : asked::state::waiting;
    watch(env, a.due);
    if (l.storing) {
      auto pool = env.template pool<offered>();
      auto const* o = pool.find(
          pool.first([&](offered const& x) { return x.record.what == l.what; }));
      if (o != nullptr) env.send(a.who, store{l.nonce, o->record});
    } else if (l.why == errand::find) {
      env.send(a.who, find_providers{l.what, l.nonce});
    } else {
      auto const plainly = l.why == errand::locate ? find_node::plainly : 0U;
      env.send(a.who, find_node{l.target, l.nonce, static_cast<std::uint8_t>(K | plainly)});
    }
  }

  // `l` may lie in the pool: it is gone afterwards.
  void finish(auto& env, activity id, lookup<K> const& l) {
    auto const why = l.why;
    auto const what = l.what;
    if (why == errand::locate) {
      auto const f = outcome_of(env, id, l);
      env.template pool<lookup<K>>().erase(id);
      return env.emit(f);
    }
    if (why == errand::find) {
      found f;
      f.id = id;
      for (auto const& r : l.records) f.among.push_back(candidate_of(r, l.hops));
      f.hops = l.hops;
      f.messages = l.messages;
      if (l.messages > 0) remember(env, l);
      env.template pool<lookup<K>>().erase(id);
      env.emit(f);
      return;
    }
    env.template pool<lookup<K>>().erase(id);
    if (why == errand::publish) {
      auto pool = env.template pool<offered>();
      auto const o = pool.first([&](offered const& x) { return x.record.what == what; });
      auto const* mine = pool.find(o);
      if (mine != nullptr && mine->withdrawn && mine->due > env.now()) pool.erase(o);
    }
    publish_due(env);
  }

  [[nodiscard]] located outcome_of(auto& env, activity id, lookup<K> const& l) const {
    located f;
    f.id = id;
    f.target = l.target;
    f.timeouts = l.timeouts;
    f.messages = l.messages;
    f.took = env.now() - (l.deadline - settings_.lookup_time_max);
    auto const own = table_.own() ^ l.target.prefix();
    auto const* nearest = std::find_if(l.near.begin(), l.near.end(), [](asked const& a) {
      return a.is == asked::state::answered;
    });
    auto const* exact = whose_it_is(env, l);
    if (exact != nullptr) nearest = exact;
    bool const nobody = nearest == l.near.end();
    bool const ours = nobody ? l.near.empty() || own == 0 : own <= nearest->rank;
    if (ours && exact == nullptr && can_be_called(env, env.self())) {
      f.owner = env.self();
    } else if (!nobody) {
      f.owner = nearest->who;
      f.hops = nearest->hop;
    }
    return f;
  }

  // ---- memory of finds -------------------------------------------------------------------------

  [[nodiscard]] remembered const* fresh_memory(auto& env, want const& w) {
    auto pool = env.template pool<remembered>();
    auto const* r = pool.find(pool.first([&](remembered const& x) { return x.what == w.what; }));
    if (r == nullptr || r->fresh_until <= env.now()) return nullptr;
    auto const fit = std::count_if(r->records.begin(), r->records.end(),
                                   [&](provider_record const& k) { return meets(k, w.needs); });
    return fit < std::max<std::ptrdiff_t>(w.at_least, 1) ? nullptr : r;
  }

  void remember(auto& env, lookup<K> const& l) {
    if (settings_.cache_lifetime <= duration{} || l.records.empty() || l.needs) return;
    auto pool = env.template pool<remembered>();
    remembered r;
    r.what = l.what;
    r.fresh_until = env.now() + settings_.cache_lifetime;
    auto all = l.records;
    env.random().permute(all.span());
    for (auto const& record : all) add_diverse(r.records, record);
    auto same = pool.first([&](remembered const& x) { return x.what == l.what; });
    if (!same && pool.full()) {
      auto oldest = never;
      pool.each([&](activity id, remembered const& x) {
        if (x.fresh_until >= oldest) return;
        oldest = x.fresh_until;
        same = id;
      });
    }
    if (same) pool.erase(same);
    pool.add(r);
  }

  // ---- publishing ------------------------------------------------------------------------------

  void answer_store(auto& env, peer to, std::uint64_t nonce, provider_record const& r, bool ok) {
    stored answer;
    answer.nonce = nonce;
    answer.ok = ok;
    if (r.what) {
      auto const target = env.about(r.what);
      for (auto const& c : table_.closest(target.prefix(), K, false, to)) {
        if ((c.prefix ^ target.prefix()) >= (table_.own() ^ target.prefix())) break;
        answer.closer.push_back(c.who);
      }
    }
    env.send(to, answer);
  }

  // One after the other, each found anew: a lookup may be over before start() returns.
  void publish_due(auto& env) {
    auto offers = env.template pool<offered>();
    auto lookups = env.template pool<lookup<K>>();
    for (std::size_t i = 0; i < offered::per_peer_max && !table_.empty(); ++i) {
      if (in_background(env) >= lookup<K>::background_max || lookups.full()) return;
      auto* o = offers.find(offers.first([&](offered const& x) {
        return x.due <= env.now() && !lookups.first([&](lookup<K> const& l) {
          return l.why == errand::publish && l.what == x.record.what;
        });
      }));
      if (o == nullptr) return;
      o->due = env.now() + settings_.republish * 3 / 4 +
               env.random().between(duration{}, settings_.republish / 2);
      seal(env, o->record, settings_.record_lifetime);
      lookup<K> l;
      l.why = errand::publish;
      l.what = o->record.what;
      l.target = env.about(l.what);
      start(env, l);
    }
  }

  // ---- time ------------------------------------------------------------------------------------

  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), sweep_tag);
  }

  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;  // a later sweep was brought forward: this one is idle
    sweep_at_ = origin;  // nothing is armed until all have been looked at
    env.template pool<lookup<K>>().each([&](activity id, lookup<K>& l) {
      if (l.deadline <= env.now()) return finish(env, id, l);
      for (auto& a : l.near) {
        if (!a.in_flight() || a.due > env.now()) continue;
        silent(env, a.who);
        if (a.attempts < settings_.rpc_attempts && l.messages < requests_max(l)) {
          request(env, l, a);
        } else {
          give_up(l, a);
        }
      }
      step(env, id);
    });
    auto probes = env.template pool<probe>();
    probes.each([&](activity id, probe& p) {
      if (p.due > env.now()) return;
      auto const who = p.who;
      probes.erase(id);
      silent(env, who);
    });
    sweep_at_ = never;
    auto next = never;
    env.template pool<lookup<K>>().each([&](activity, lookup<K> const& l) {
      next = std::min(next, l.deadline);
      for (auto const& a : l.near) next = a.in_flight() ? std::min(next, a.due) : next;
    });
    probes.each([&](activity, probe const& p) { next = std::min(next, p.due); });
    watch(env, next);
  }

  [[nodiscard]] std::uint16_t ticks_in(duration period) const {
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(period / settings_.tick, 1, 60000));
  }

  void upkeep(auto& env) {
    ++ticks_;
    auto const now = env.now();
    record_store{env}.prune(now);
    auto memory = env.template pool<remembered>();
    memory.each([&](activity id, remembered const& r) {
      if (r.fresh_until + settings_.republish <= now) memory.erase(id);
    });
    if (auto const who = table_.questionable(now, settings_.questionable_after)) {
      ask_alive(env, who);
    }
    auto checks = env.template pool<checking>();
    checks.each([&](activity id, checking const& c) {
      if (c.since + settings_.lookup_time_max <= now) checks.erase(id);  // nobody waits for it
    });
    if (table_.live() < settings_.alpha) {
      auto const kept = env.template recall<known_contacts>(0);
      if (kept) for (auto who : kept->who) learn(env, who, evidence::named);
      if (!table_.empty()) refresh(env, env.about(env.self()).key);
    } else if (ticks_ % ticks_in(settings_.refresh) == 0) {
      refresh(env, next_refreshed(env));
    }
    publish_due(env);
    if (ticks_ % ticks_in(settings_.keep_period) == 0) keep_contacts(env);  // last: it holds back
  }

  void refresh(auto& env, key const& target) {
    if (in_background(env) >= lookup<K>::background_max) return;
    lookup<K> l;
    l.why = errand::refresh;
    l.target = target;
    start(env, l);
  }

  // Our own neighbourhood every other time, between them the buckets from the nearest outwards.
  [[nodiscard]] key next_refreshed(auto& env) {
    auto const own = env.about(env.self()).key;
    if (++refreshed_ % 2 == 0) return own;
    auto const bucket = static_cast<unsigned>(refreshed_ / 2U % (table_.depth() + 1));
    auto words = own.words();
    auto const bit = std::uint64_t{1} << (63U - bucket);
    words[0] = ((words[0] ^ bit) & ~(bit - 1)) | (env.random().bits() & (bit - 1));
    for (std::size_t i = 1; i < words.size(); ++i) words[i] = env.random().bits();
    return key{words};
  }

  // Half of them near, so that the neighbourhood is found again; half at random, so that nobody
  // near can decide whom we turn to after a crash.
  void keep_contacts(auto& env) {
    known_contacts kept;
    for (auto const& c : table_.closest(table_.own(), kept.who.capacity() / 2)) {
      kept.who.try_push_back(c.who);
    }
    if (kept.who.size() < 2 || table_.empty()) return;  // rather keep what is written down already
    auto const first = static_cast<std::size_t>(env.random().below(table_.size()));
    for (std::size_t i = 0; i < table_.size() && !kept.who.full(); ++i) {
      auto const& c = table_.at((first + i * 5) % table_.size());
      bool const there = std::find(kept.who.begin(), kept.who.end(), c.who) != kept.who.end();
      if (c.live() && !there) kept.who.push_back(c.who);
    }
    env.keep(0, kept);
  }

  kademlia_settings settings_{};
  table_type table_{};
  instant sweep_at_ = never;
  std::uint16_t ticks_ = 0;
  std::uint8_t refreshed_ = 0;
};

static_assert(RoutingPolicy<kademlia<8>, archetype_view<kademlia<8>>>);
static_assert(LocatesKeys<kademlia<8>, archetype_view<kademlia<8>>>);
static_assert(LocatesKeys<kademlia<16, 16>, archetype_view<kademlia<16, 16>>>);
static_assert(RoutingPolicy<kademlia<20>, archetype_view<kademlia<20>>>);

}  // namespace hydra::routing
