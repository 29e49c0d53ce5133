// A small world: greedy routing on a ring of keys with long links (Kleinberg 2000).
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/lookup.hpp>
#include <hydra/routing/records.hpp>
#include <hydra/routing/small_world_table.hpp>
#include <hydra/routing/unstructured.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

struct small_world_settings {
  duration rpc_timeout = 1500ms;        // of one attempt
  duration lookup_time_max = 12s;       // of a lookup, whatever happens
  duration tick = 30s;                  // period of all upkeep, at a random phase
  duration republish = 5min;            // plus or minus a quarter, drawn each time
  duration record_lifetime = 16min;     // of a record that we sign
  duration record_lifetime_max = 24h;   // of a record that we accept
  std::uint8_t links = 0;               // long ones; 0: log2 of the number of heads, estimated
  std::uint8_t copies = 4;              // heads that hold a record, and that a find asks
  std::uint8_t alpha = 3;               // requests in flight, except while locating: one
  std::uint8_t rpc_attempts = 2;        // per contact and lookup
  std::uint8_t messages_max = 64;       // requests of a lookup
  std::uint8_t hops_max = 48;           // of a lookup
  std::uint8_t evict_after = 3;         // failures in a row, 1..7
  store_limits limits{};                // of records kept for others
  template <class A>
  void serialize(A& a, unsigned) {
    a& rpc_timeout& lookup_time_max& tick& republish& record_lifetime& record_lifetime_max;
    a& links& copies& alpha& rpc_attempts& messages_max& hops_max& evict_after& limits;
  }
};

enum class world_errand : std::uint8_t { find, publish, locate, link, refresh };

// Somebody on the way.
struct world_step {
  enum class state : std::uint8_t { fresh, waiting, answered, failed, storing, stored };
  std::uint64_t distance = 0;
  instant due{};
  peer who{};
  state is = state::fresh;
  std::uint8_t hop = 1;
  std::uint8_t attempts = 0;
  [[nodiscard]] constexpr bool in_flight() const noexcept {
    return is == state::waiting || is == state::storing;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& distance& due& who& is& hop& attempts;
  }
};

struct world_lookup {
  static constexpr std::size_t per_peer_max = 12;
  static constexpr std::size_t background_max = 4;
  key target{};
  gathered got{};  // of it a find uses everything, others what, nonce, deadline, hops, messages
  instant started{};
  world_errand why = world_errand::find;
  bool storing = false;
  std::uint8_t timeouts = 0;
  bounded_vector<world_step, small_world_table::nearest_max> near{};

  void add(peer who, std::uint64_t distance, std::uint8_t hop) {
    for (auto const& n : near) {
      if (n.who == who) return;
    }
    auto const* at = near.begin();
    while (at != near.end() && at->distance <= distance) ++at;
    world_step s;
    s.who = who;
    s.distance = distance;
    s.hop = hop;
    near.insert_bounded(at, s);  // whoever is farther than all others is not worth remembering
  }
  [[nodiscard]] world_step* of(peer who) noexcept {
    for (auto& n : near) {
      if (n.who == who) return &n;
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept {
    std::size_t n = 0;
    for (auto const& s : near) n += s.in_flight() ? 1U : 0U;
    return n;
  }
  // The nearest that is not asked yet, among the `width` nearest that have not failed.
  [[nodiscard]] world_step* next(std::size_t width) noexcept {
    for (auto& n : near) {
      if (n.is == world_step::state::failed) continue;
      if (width-- == 0) return nullptr;
      if (n.is == world_step::state::fresh) return &n;
      if (storing && n.is == world_step::state::answered) return &n;
    }
    return nullptr;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& target& got& started& why& storing& timeouts& near;
  }
};

// Kleinberg's small world (2000) in one dimension: heads lie on a ring by the first 64 bits of
// their keys, know four neighbours on each side, and have about log2 n long links whose chance to
// lead to distance d is proportional to 1/d. The nearest head to a service's key holds its records.
//
// Promises. find() ends with exactly one `found` within lookup_time_max; locate() with exactly one
// `located`; or they return no activity because twelve lookups are under way. With true neighbours
// everywhere locate() ends at the head nearest to the key, after O(log n) hops in the mean.
//
// Rules.
// - Greedy, and the asker sees every step: it asks the nearest head that it has heard of for
//   those nearer, until the nearest knows none (Kleinberg's message is handed on instead; the
//   path is the same, and a head on the way cannot redirect silently). A silent head is asked
//   again once, then the next nearest.
// - A record is stored by the head that it names with the `copies` nearest to its key, which check
//   it, and refuse when they know 2 copies heads nearer. A find asks those and ends with enough.
// - Neighbours are those that answered; whoever would be one is asked first. Upkeep looks up our
//   own position and, every other time, draws the place of a new long link, which takes the oldest
//   one's place: links follow the size of the network, estimated from the gap to our neighbours.
// - The asker checks every signature; a forger loses its place. A head that can only call out is
//   answered and never entered, named or stored with.
//
// What an attacker gains. Every question is answered by one message of bounded size and nothing
// is forwarded: there is no amplification. Whoever grinds a key next to that of a service becomes
// its holder and can deny its records: `copies` heads have to be ground, of different netgroups
// only as far as neighbours go (two of one on a side). There is no defence by region as in
// kademlia. Invented names cost two timeouts each, within messages_max and lookup_time_max.
//
// Cost. A hop is a request of 48 bytes and an answer of at most 48; for hops see
// docs/concepts/unstructured_routing.md. Idle: one lookup each tick. sizeof(small_world) is 880
// bytes, a lookup 2.6 kB, from a pool.
//
// Departures: one dimension instead of a grid (as Symphony: Manku, Bawa, Raghavan 2003, who
// draw from the continuous law; here every octave alike), log n long links instead of one,
// four neighbours on a side for churn, iterative, several holders, signed records.
class small_world {
 public:
  using policy_concept = routing_tag;
  using messages = type_list<ring_find, ring_nodes, ring_records, ring_store, ring_stored>;
  using facts = type_list<found, located>;
  using activities = type_list<world_lookup, shelf, checking, search_check, offered, probe>;
  using records = type_list<known_contacts>;

  static constexpr std::size_t contacts_max = small_world_table::contacts_max;
  static constexpr std::uint16_t sweep_tag = 1;
  static constexpr std::uint16_t upkeep_tag = 2;

  constexpr small_world() = default;
  constexpr explicit small_world(small_world_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.copies > 0);
    HYDRA_EXPECTS(s.copies < small_world_table::nearest_max);
    HYDRA_EXPECTS(s.alpha > 0);
    HYDRA_EXPECTS(s.rpc_attempts > 0);
    HYDRA_EXPECTS(s.evict_after > 0);
    HYDRA_EXPECTS(s.evict_after <= failures_countable);
    HYDRA_EXPECTS(s.tick > duration{});
    HYDRA_EXPECTS(s.record_lifetime <= s.record_lifetime_max);
  }

  // A world too large to warm up gives every head its table (see direct_small_world).
  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    table_ = direct_small_world(own, everybody, named, settings_.links);
  }
  [[nodiscard]] constexpr small_world_table const& contact_table() const noexcept {
    return table_;
  }
  [[nodiscard]] constexpr small_world_settings const& settings() const noexcept {
    return settings_;
  }

  // The order of closest().
  [[nodiscard]] static constexpr std::uint64_t distance(key const& a, key const& b) noexcept {
    return ring_distance(position_of(a), position_of(b));
  }
  [[nodiscard]] constexpr auto closest(key const& to, std::size_t k) const {
    bounded_vector<peer, small_world_table::nearest_max> out;
    for (auto const& c : table_.closest(position_of(to), k, true)) out.push_back(c.of.who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const { return table_.size(); }
  [[nodiscard]] constexpr auto neighbours() const {
    bounded_vector<peer, contacts_max> out;
    for (auto const& c : table_.all()) out.push_back(c.of.who);
    return out;
  }

  // ---- told by the parent ----------------------------------------------------------------------

  void on_start(auto& env) {
    know_self(env);
    env.every(settings_.tick, env.random().between(duration{}, settings_.tick), upkeep_tag);
    if (auto const kept = env.template recall<known_contacts>(0)) {
      join(env, std::span<peer const>{kept->who});
    }
  }
  void join(auto& env, std::span<peer const> known) {
    know_self(env);
    for (auto who : known) learn(env, who, evidence::named);
    if (!table_.empty()) begin(env, world_errand::refresh, env.about(env.self()).key);
  }
  void seen(auto& env, peer who) { learn(env, who, evidence::heard); }
  void failed(auto&, peer who) { table_.failed(who, settings_.evict_after); }

  activity find(auto& env, want const& w) {
    know_self(env);
    world_lookup l;
    l.why = world_errand::find;
    l.got.what = w.what;
    l.got.needs = w.needs;
    l.got.at_least = std::max<std::uint8_t>(w.at_least, 1);
    l.target = env.about(w.what);
    bounded_vector<provider_record, records_per_answer_max> own;
    record_store{env}.sample(w.what, own.capacity(), own);
    for (auto const& r : own) {
      if (r.head != env.self() && meets(r, w.needs)) add_diverse(l.got.records, r);
    }
    return start(env, l);
  }
  activity locate(auto& env, key const& target) {
    know_self(env);
    world_lookup l;
    l.why = world_errand::locate;
    l.target = target;
    return start(env, l);
  }
  void publish(auto& env, provider_record const& r) {
    know_self(env);
    if (env.about(env.self()).reach != reach::open) {
      return env.note("publish: nobody can call this head, so nobody is told of it");
    }
    if (put_offer(env, r, settings_.record_lifetime)) publish_due(env);
  }
  void withdraw(auto& env, service what) {
    if (take_back_offer(env, what, settings_.record_lifetime)) publish_due(env);
  }

  // ---- told by others --------------------------------------------------------------------------

  void on_message(auto& env, peer from, ring_find const& m) {
    seen(env, from);
    auto const to = m.what ? env.about(m.what) : m.target;
    ring_records answer;
    answer.nonce = m.nonce;
    for (auto const& c : table_.closest(position_of(to), ring_closer_max, false, from)) {
      answer.closer.push_back(c.of.who);
    }
    if (m.what) {
      auto pool = env.template pool<offered>();
      auto const* mine =
          pool.find(pool.first([&](offered const& o) { return o.record.what == m.what; }));
      if (mine != nullptr && !mine->withdrawn) answer.records.push_back(mine->record);
      record_store{env}.sample(m.what, answer.records.capacity(), answer.records);
    }
    if (!answer.records.empty()) return env.send(from, answer);
    env.send(from, ring_nodes{m.nonce, answer.closer});
  }
  void on_message(auto& env, peer from, ring_nodes const& m) {
    auto probes = env.template pool<probe>();
    auto const asked =
        probes.first([&](probe const& p) { return p.nonce == m.nonce && p.who == from; });
    if (asked) {
      probes.erase(asked);
      return learn(env, from, evidence::answered);
    }
    auto const id = accept(env, from, m.nonce, world_step::state::waiting);
    if (!id) return;
    hear_of(env, id, from, m.closer);
    step(env, id);
  }
  void on_message(auto& env, peer from, ring_records const& m) {
    auto const id = accept(env, from, m.nonce, world_step::state::waiting);
    if (!id) return;
    auto* l = env.template pool<world_lookup>().find(id);
    auto const hop = l->of(from)->hop;
    hear_of(env, id, from, m.closer);  // `from` may fall out
    for (auto const& r : m.records) {
      if (l->why != world_errand::find) break;
      consider_hit(env, id, l->got, from, r, hop, settings_.record_lifetime_max);
    }
    step(env, id);
  }
  void on_message(auto& env, peer from, ring_store const& m) {
    seen(env, from);
    auto const& r = m.record;
    bool const fit = from == r.head && acceptable(env, r, settings_.record_lifetime_max) &&
                     env.about(r.head).reach == reach::open;
    bool const too_far = fit && table_.closer_than_own(position_of(env.about(r.what))) >=
                                    std::size_t{2} * settings_.copies;
    auto pool = env.template pool<checking>();
    if (!fit || too_far) return env.send(from, ring_stored{m.nonce, false});
    if (record_store{env}.holds(r)) return env.send(from, ring_stored{m.nonce, true});
    if (pool.full() || !may_check_store(env, from)) {
      return env.send(from, ring_stored{m.nonce, false});
    }
    pool.add({check_seal(env, r), {}, from, m.nonce, env.now(), r});
  }
  void on_message(auto& env, peer from, ring_stored const& m) {
    auto const id = accept(env, from, m.nonce, world_step::state::storing);
    if (id) step(env, id);
  }

  // ---- told by the driver ----------------------------------------------------------------------

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == sweep_tag) sweep(env);
    if (tag == upkeep_tag) upkeep(env);
  }
  void on_fact(auto& env, unreachable const& f) {
    failed(env, f.who);
    env.template pool<world_lookup>().each([&](activity id, world_lookup& l) {
      auto* s = l.of(f.who);
      if (s == nullptr || !s->in_flight()) return;
      s->is = world_step::state::failed;
      ++l.timeouts;
      step(env, id);
    });
  }
  void on_fact(auto& env, checked const& f) {
    auto stores = env.template pool<checking>();
    auto const id = stores.first([&](checking const& c) { return c.by == f.id; });
    if (auto const* waiting = stores.find(id)) {
      auto const c = *waiting;
      stores.erase(id);
      if (!f.good) table_.evict(c.from);
      bool const in = f.good && record_store{env}.put(c.record, settings_.limits);
      return env.send(c.from, ring_stored{c.nonce, in});
    }
    peer liar;
    auto const of = take_checked<world_lookup>(env, f, liar);
    if (liar) table_.evict(liar);
    if (of) step(env, of);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& table_& sweep_at_& ticks_;
  }

 private:
  static constexpr std::size_t far_least = 4;   // long links that need not be drawn
  static constexpr unsigned keep_every = 10;    // ticks

  void know_self(auto& env) {
    if (!table_.empty()) return;
    auto const own = env.about(env.self()).key;
    if (table_.own() != position_of(own)) table_ = small_world_table{own};
  }
  void learn(auto& env, peer who, evidence how) {
    if (!who || who == env.self()) return;
    auto const a = env.about(who);
    if (a.reach != reach::open) return;
    if (table_.knows(who)) {
      table_.change(who, [&](contact& c) {
        if (how == evidence::answered) c.lives(env.now());
        if (how == evidence::heard && c.live()) c.last_seen = seen_at(env.now());
      });
      if (how != evidence::answered) return;
    }
    ring_contact c{position_of(a.key),
                   {who, a.key.prefix(), group_tag(a.group), seen_at(env.now()), 0}};
    if (how == evidence::answered) c.of.lives(env.now());
    bool const near = table_.would_be_near(c.at);
    if (near && table_.place_near(c) && c.of.live()) return;
    if (near && !c.of.live()) return ask_alive(env, who);
    if (table_.far().size() < far_least) table_.place_far(c, far_least);
  }
  void ask_alive(auto& env, peer who) {
    auto pool = env.template pool<probe>();
    if (pool.full() || pool.first([&](probe const& p) { return p.who == who; })) return;
    probe const p{who, env.random().bits(), env.now() + settings_.rpc_timeout};
    pool.add(p);
    env.send(who, ring_find{env.about(env.self()).key, {}, p.nonce});
    watch(env, p.due);
  }

  // ---- lookups ---------------------------------------------------------------------------------

  void begin(auto& env, world_errand why, key const& target) {
    std::size_t background = 0;
    env.template pool<world_lookup>().each([&](activity, world_lookup const& l) {
      background += l.why == world_errand::find || l.why == world_errand::locate ? 0U : 1U;
    });
    if (background >= world_lookup::background_max) return;
    world_lookup l;
    l.why = why;
    l.target = target;
    start(env, l);
  }
  activity start(auto& env, world_lookup& l) {
    l.got.nonce = env.random().bits();
    l.started = env.now();
    l.got.deadline = env.now() + settings_.lookup_time_max;
    auto const to = position_of(l.target);
    auto const n = l.near.capacity() / 2;
    bool const hearsay_too = table_.live() < settings_.alpha;
    for (auto const& c : table_.closest(to, n, hearsay_too)) {
      l.add(c.of.who, ring_distance(c.at, to), 1);
    }
    auto const id = env.template pool<world_lookup>().add(l);
    if (id) step(env, id);
    return id;
  }
  activity accept(auto& env, peer from, std::uint64_t nonce, world_step::state to) {
    auto pool = env.template pool<world_lookup>();
    auto const id = pool.first([&](world_lookup const& l) { return l.got.nonce == nonce; });
    auto* l = pool.find(id);
    auto* s = l == nullptr ? nullptr : l->of(from);
    if (s == nullptr || s->is != to) return {};
    s->is = to == world_step::state::storing ? world_step::state::stored
                                            : world_step::state::answered;
    learn(env, from, evidence::answered);
    return id;
  }
  template <std::size_t N>
  void hear_of(auto& env, activity id, peer from, bounded_vector<peer, N> const& closer) {
    auto* l = env.template pool<world_lookup>().find(id);
    auto const hop = static_cast<std::uint8_t>(l->of(from)->hop + 1);
    if (hop > settings_.hops_max) return;
    auto const to = position_of(l->target);
    auto const own = own_distance(env, *l);
    for (auto who : closer) {
      if (!who || who == env.self()) continue;
      auto const a = env.about(who);
      if (a.reach != reach::open) continue;
      auto const distance = ring_distance(position_of(a.key), to);
      // A locate has no use for those who are farther than we are.
      if (greedy(*l) && distance > own) continue;
      l->add(who, distance, hop);
      if (l->why == world_errand::refresh) learn(env, who, evidence::named);
    }
  }
  [[nodiscard]] static bool greedy(world_lookup const& l) noexcept {
    return l.why == world_errand::locate || l.why == world_errand::link;
  }
  [[nodiscard]] std::size_t width(world_lookup const& l) const noexcept {
    return greedy(l) ? 1 : settings_.copies;
  }
  // Sends what may be sent; ends the lookup when nothing is left to wait for.
  void step(auto& env, activity id) {
    auto* l = env.template pool<world_lookup>().find(id);
    if (l == nullptr) return;
    if (l->why == world_errand::find && l->got.enough()) return finish(env, id, *l);
    for (;;) {
      auto const most = greedy(*l) ? 1U : l->storing ? settings_.copies : settings_.alpha;
      while (l->in_flight() < most && l->got.messages < settings_.messages_max) {
        auto* s = l->next(width(*l));
        if (s == nullptr || is_ours(env, *l, *s)) break;
        s->attempts = 0;
        request(env, *l, *s);
      }
      if (l->in_flight() > 0) return;
      if (l->why != world_errand::publish || l->storing) break;
      l->storing = true;
    }
    if (l->got.checking > 0) return watch(env, l->got.deadline);
    finish(env, id, *l);
  }
  // Nobody who has been heard of is nearer to what is located than we are.
  [[nodiscard]] bool is_ours(auto& env, world_lookup const& l, world_step const& s) const {
    return greedy(l) && s.distance >= own_distance(env, l);
  }
  // Whoever cannot be called owns nothing: everybody is nearer.
  [[nodiscard]] std::uint64_t own_distance(auto& env, world_lookup const& l) const {
    if (env.about(env.self()).reach != reach::open) return ~std::uint64_t{0};
    return ring_distance(table_.own(), position_of(l.target));
  }
  void request(auto& env, world_lookup& l, world_step& s) {
    ++s.attempts;
    l.got.count(1);
    s.due = std::min(env.now() + settings_.rpc_timeout, l.got.deadline);
    s.is = l.storing ? world_step::state::storing : world_step::state::waiting;
    watch(env, s.due);
    if (!l.storing) {
      auto const what = l.why == world_errand::find ? l.got.what : service{};
      return env.send(s.who, ring_find{l.target, what, l.got.nonce});
    }
    auto pool = env.template pool<offered>();
    auto const* o =
        pool.find(pool.first([&](offered const& x) { return x.record.what == l.got.what; }));
    if (o != nullptr) env.send(s.who, ring_store{l.got.nonce, o->record});
  }
  // `in_pool` is gone afterwards.
  void finish(auto& env, activity id, world_lookup const& in_pool) {
    if (in_pool.why == world_errand::find) return end_search<world_lookup>(env, id, in_pool.got);
    auto const l = in_pool;
    env.template pool<world_lookup>().erase(id);
    if (greedy(l)) {
      auto const f = owner_of(env, id, l);
      if (l.why == world_errand::locate) return env.emit(f);
      if (f.owner && f.owner != env.self()) link_to(env, f.owner);
    }
    if (l.why == world_errand::publish) {
      auto pool = env.template pool<offered>();
      auto const o = pool.first([&](offered const& x) { return x.record.what == l.got.what; });
      auto const* mine = pool.find(o);
      if (mine != nullptr && mine->withdrawn && mine->due > env.now()) pool.erase(o);
    }
    publish_due(env);
  }
  [[nodiscard]] located owner_of(auto& env, activity id, world_lookup const& l) const {
    located f{id, l.target, {}, 0, l.timeouts, l.got.messages, env.now() - l.started};
    auto const own = own_distance(env, l);
    bool nobody_answered = true;
    for (auto const& s : l.near) {
      if (s.is != world_step::state::answered) continue;
      nobody_answered = false;
      if (s.distance >= own) break;
      f.owner = s.who;
      f.hops = s.hop;
      return f;
    }
    bool const asked_in_vain = nobody_answered && l.got.messages > 0;
    bool const may_own = env.about(env.self()).reach == reach::open;
    if (!asked_in_vain && may_own) f.owner = env.self();
    return f;
  }
  void link_to(auto& env, peer who) {
    auto const a = env.about(who);
    ring_contact c{position_of(a.key), {who, a.key.prefix(), group_tag(a.group), 0, 0}};
    c.of.lives(env.now());
    table_.place_far(c, links_wanted());
  }
  [[nodiscard]] std::size_t links_wanted() const noexcept {
    return settings_.links != 0 ? settings_.links : std::max(table_.octaves(), far_least);
  }

  // ---- time ------------------------------------------------------------------------------------

  // One after the other, each found anew: a lookup may be over before start() returns.
  void publish_due(auto& env) {
    auto offers = env.template pool<offered>();
    auto lookups = env.template pool<world_lookup>();
    for (std::size_t i = 0; i < offered::per_peer_max && !table_.empty(); ++i) {
      std::size_t background = 0;
      lookups.each([&](activity, world_lookup const& l) {
        background += l.why == world_errand::publish ? 1U : 0U;
      });
      if (lookups.full() || background >= world_lookup::background_max) return;
      auto* o = offers.find(offers.first([&](offered const& x) {
        return x.due <= env.now() && !lookups.first([&](world_lookup const& l) {
          return l.why == world_errand::publish && l.got.what == x.record.what;
        });
      }));
      if (o == nullptr) return;
      o->due = env.now() + settings_.republish * 3 / 4 +
               env.random().between(duration{}, settings_.republish / 2);
      seal(env, o->record, settings_.record_lifetime);
      world_lookup l;
      l.why = world_errand::publish;
      l.got.what = o->record.what;
      l.target = env.about(l.got.what);
      start(env, l);
    }
  }
  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), sweep_tag);
  }
  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;  // a later sweep was brought forward: this one is idle
    sweep_at_ = origin;  // nothing is armed until all have been looked at
    auto lookups = env.template pool<world_lookup>();
    lookups.each([&](activity id, world_lookup& l) {
      if (l.got.deadline <= env.now()) return finish(env, id, l);
      for (auto& s : l.near) {
        if (!s.in_flight() || s.due > env.now()) continue;
        failed(env, s.who);
        if (s.attempts < settings_.rpc_attempts && l.got.messages < settings_.messages_max) {
          request(env, l, s);
        } else {
          s.is = world_step::state::failed;
          ++l.timeouts;
        }
      }
      step(env, id);
    });
    auto probes = env.template pool<probe>();
    probes.each([&](activity id, probe const& p) {
      if (p.due > env.now()) return;
      failed(env, p.who);
      probes.erase(id);
    });
    sweep_at_ = never;
    auto next = never;
    lookups.each([&](activity, world_lookup const& l) {
      next = std::min(next, l.got.deadline);
      for (auto const& s : l.near) next = s.in_flight() ? std::min(next, s.due) : next;
    });
    probes.each([&](activity, probe const& p) { next = std::min(next, p.due); });
    watch(env, next);
  }
  void upkeep(auto& env) {
    ++ticks_;
    record_store{env}.prune(env.now());
    auto checks = env.template pool<checking>();
    checks.each([&](activity id, checking const& c) {
      if (c.since + settings_.lookup_time_max <= env.now()) checks.erase(id);
    });
    if (table_.live() == 0) {
      auto const kept = env.template recall<known_contacts>(0);
      if (kept) for (auto who : kept->who) learn(env, who, evidence::named);
    }
    if (table_.empty()) return;
    if (ticks_ % 2 == 0 || table_.live() < small_world_table::side_max) {
      begin(env, world_errand::refresh, env.about(env.self()).key);
    } else {
      auto words = env.about(env.self()).key.words();
      auto const bits = env.random().bits();
      words[0] = table_.drawn(bits, env.random().bits());
      begin(env, world_errand::link, key{words});
    }
    publish_due(env);
    if (ticks_ % keep_every != 0) return;
    known_contacts kept;
    for (auto const& c : table_.all()) {
      if (c.of.live()) kept.who.try_push_back(c.of.who);
    }
    if (kept.who.size() >= 2) env.keep(0, kept);  // last: it holds back
  }

  small_world_settings settings_{};
  small_world_table table_{};
  instant sweep_at_ = never;
  std::uint16_t ticks_ = 0;
};

static_assert(RoutingPolicy<small_world, archetype_view<small_world>>);
static_assert(LocatesKeys<small_world, archetype_view<small_world>>);

}  // namespace hydra::routing
