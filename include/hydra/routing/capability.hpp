// Do I know someone who can, or someone who knows someone who can? Asked of one's ring of trust.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/capability_messages.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/quest.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace hydra::routing {

struct capability_settings {
  duration tick = 30s;                // of all upkeep, at a random phase; news moves a hop in each
  duration renew = 2min;              // a digest is said again, whole or as "still the same"
  duration digest_life = 5min;        // one that was not renewed is void
  duration rpc_timeout = 1500ms;
  duration lookup_time_max = 12s;     // of a find, whatever happens
  duration record_lifetime = 16min;   // of a record that we sign
  duration record_lifetime_max = 24h;  // of a record that we accept
  std::uint8_t parallel = 2;          // questions of a find in flight
  std::uint8_t messages_max = 24;     // questions of a find
  std::uint8_t rpc_attempts = 2;      // of each: loss costs time and not results
  std::uint8_t depth_max = 5;         // hands from the asker to a provider
  std::uint8_t unguided = 2;          // neighbours asked though their digests do not say yes
  std::uint8_t enough_factor = 2;     // principals found per candidate wanted, then stop
  std::uint8_t evict_after = 3;       // failures in a row, then its digest is void
  std::uint8_t mercy = 8;             // with more than so many broken beyond the kept, it misled
  template <class A>
  void serialize(A& a, unsigned) {
    a& tick& renew& digest_life& rpc_timeout& lookup_time_max& record_lifetime;
    a& record_lifetime_max& parallel& messages_max& rpc_attempts& depth_max& unguided;
    a& enough_factor& evict_after& mercy;
  }
};

// What we said last to somebody, and when; so much news may follow tick by tick.
struct digest_said {
  static constexpr std::uint8_t in_a_row_max = 4;
  instant last = never;
  std::uint32_t hash = 0;
  std::uint8_t in_a_row = in_a_row_max;
  bool wanted = false;  // it asked to be told
  bool whole = false;   // what was said last
  bool stale = true;    // something that goes into digests has changed since
  template <class A>
  void serialize(A& a, unsigned) {
    a& last& hash& in_a_row& wanted& whole& stale;
  }
};

// What passed between us and one of our ring.
template <class D>
struct ring_neighbour {
  static constexpr std::size_t per_peer_max = 32;
  instant heard = never;    // its digest was said or renewed; never: we have none
  digest_said told{};
  std::uint32_t hash = 0;   // of its digest
  peer who{};
  std::uint8_t failures = 0;
  std::uint8_t kept = 0;    // promises
  std::uint8_t broken = 0;
  std::uint8_t silent = 0;  // ticks without its digest
  bool accused = false;     // it misled: said with the next tick
  bool asked_back = false;  // since the last tick
  D digest{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& heard& told& hash& who& failures& kept& broken& silent& accused& asked_back& digest;
  }
};

// Who asked to be told without being of our ring.
struct ring_listener {
  static constexpr std::size_t per_peer_max = 8;
  instant asked{};
  digest_said told{};
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& asked& told& who;
  }
};

// What this head performs; sealed when somebody asks.
struct capability_offer {
  static constexpr std::size_t per_peer_max = 16;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& record;
  }
};

// Walks the ring of trust, guided by what each neighbour says can be reached through it in one to
// `levels` hops. There is no global table, and nothing is stored at others but the digests.
//
// Promises. find() answers with exactly one `found` within lookup_time_max: verified candidates
// that meet the demands, no head twice, with the heads that led to each (found.via), or it returns
// no activity because twelve are under way. What is `levels` hops away is found while every digest
// on a shortest way is fresh: news of a service travels a hop per tick, in times of much news a hop
// per `renew`, news of its end likewise, and a digest that is not renewed is void after
// `digest_life`.
//
// Rules.
// - Neighbours are whom join() names, at most `Neighbours`: a ring of trust is given, not learnt.
//   drop() takes one out again, its digest void at once; assembly/over.hpp gives a view as a ring.
//   Heads that can only call out are not asked and not named; they may ask to be told (eight of
//   them, the longest silent goes), so that a phone finds what its friends reach.
// - Who asked is told, and nobody else: a ring may be one-sided. Who begins anew asks its ring,
//   which asks back, each of them once in a tick.
// - A digest for somebody leaves out what that somebody said (split horizon), and whom we doubt.
// - Said again only when it changed; else 4 bytes say that it is still the same. News is told tick
//   by tick four times in a row, then once per `renew`; each `renew` that passes earns one back:
//   among heads that come and go something always changes within three hops, and upkeep must not
//   follow it. Who says nothing is called less and less often, at last with every sixteenth tick: a
//   head that comes back speaks first.
// - Iterative: the asker asks each head itself and sees every answer, so that it can judge the way
//   and stop. Best first: the worth that a digest, or whoever named the head, says.
// - Through one neighbour go at most a quarter of the questions (all of them where it is the only
//   one): whoever names accomplices without end does not use up a find. Nor does it fill the list:
//   of 48 places 16 are for neighbours, who are never displaced, and of those named through one no
//   more wait than may still be asked.
// - A provider answers for itself with its own signed record; a record of somebody else is refused.
// - Promises are counted per neighbour: a find that was led through it by its digest and brought
//   nothing, though all was asked and nothing demanded but the service, is one broken. When more
//   than `mercy` more are broken than kept (nine by default; both are halved at 32, so that old
//   sins fade), its worth is halved, with the next tick `misled` goes up, and at the second time
//   its digest no longer enters ours. Kept promises mend it.
//
// What an attacker gains. A neighbour that says yes to everything draws finds until it was found
// out (9 with the default mercy), two answers' time each; a filter of which three quarters are set
// says nothing, and counts stop at 255. A head two hops away spoils its neighbour's digest until
// that one finds out. Nobody can point a find at a stranger's machine for more than `rpc_attempts`
// questions (two: a stranger that does not answer is asked again), each of the 24. Who was named
// first through a liar is asked out of the liar's share, or not at all. Whoever is asked learns who
// asks for what, and up to four of our neighbours are named to whoever asks: a ring is no secret to
// those who use it.
//
// Cost. A question is 24 bytes in memory and 53 on the wire (a frame, each head named with one
// endpoint: wire/size.hpp). An answer is 48 bytes, on the wire 22 to 250 by its hints; with a
// record 184, on the wire 269 to 508. Upkeep per neighbour: 4 bytes per `renew` (16 on the wire), a
// digest of 192 (204) when something changed. A tick after a change merges n neighbours for n
// others: n^2 times 24 words; without one nothing is made anew. sizeof(capability<>) is 264 bytes;
// a neighbour 232, a listener 32, a find under way 3.8 kB, from pools.
//
// Papers: attenuated Bloom filters, Rhea and Kubiatowicz (INFOCOM 2002); routing indices, Crespo
// and Garcia-Molina (ICDCS 2002); referrals along trust as in Yu and Singh (2003). Departures: the
// ring is social and given; queries are iterative; digests are replaced whole instead of corrected;
// promises are counted.
template <Digest D = attenuated_bloom<>, std::size_t Neighbours = 16>
class capability {
  static_assert(Neighbours <= facts_per_call_max, "a tick may accuse them all");

 public:
  using policy_concept = routing_tag;
  using digest_type = D;
  using messages = type_list<digest_is<D>, digest_still, digest_please, who_can, i_can, i_know>;
  using facts = type_list<found, misled>;
  using activities =
      type_list<quest, quest_check, capability_offer, ring_neighbour<D>, ring_listener>;

  static constexpr std::uint8_t doubt_max = 7;
  static constexpr std::uint16_t tick_tag = 1;
  static constexpr std::uint16_t sweep_tag = 2;

  constexpr capability() = default;
  constexpr explicit capability(capability_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.parallel > 0);
    HYDRA_EXPECTS(s.rpc_attempts > 0);
    HYDRA_EXPECTS(s.depth_max > 0 && s.depth_max <= 8);
    HYDRA_EXPECTS(s.tick > duration{} && s.renew >= s.tick);
    HYDRA_EXPECTS(s.digest_life > s.renew + s.tick);
  }

  // ---- asked
  [[nodiscard]] bounded_vector<peer, Neighbours> closest(key const& to, std::size_t k) const {
    auto all = ring_;
    auto const target = to.prefix();
    std::sort(all.begin(), all.end(), [&](member const& a, member const& b) {
      return (a.prefix ^ target) < (b.prefix ^ target);
    });
    bounded_vector<peer, Neighbours> out;
    for (std::size_t i = 0; i < std::min(k, all.size()); ++i) out.push_back(all[i].who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const noexcept { return ring_.size(); }
  [[nodiscard]] constexpr capability_settings const& settings() const noexcept {
    return settings_;
  }
  // How far a neighbour is doubted: each step halves what its word is worth.
  [[nodiscard]] constexpr unsigned doubt(peer who) const noexcept {
    auto const* m = member_of(who);
    return m == nullptr ? 0 : m->doubt;
  }

  // ---- told by the parent
  void on_start(auto& env) {
    env.every(settings_.tick, env.random().between(duration{}, settings_.tick), tick_tag);
    for (auto const& m : ring_) env.send(m.who, digest_please{});
  }
  void join(auto& env, std::span<peer const> known) {
    for (auto who : known) {
      if (!who || who == env.self() || member_of(who) != nullptr) continue;
      auto const a = env.about(who);
      if (a.reach != reach::open) continue;
      if (!ring_.try_push_back({who, a.key.prefix(), 0})) continue;
      neighbour n;
      n.who = who;
      if (auto const heard_of = taken<ring_listener>(env, who)) n.told = heard_of->told;
      env.template pool<neighbour>().add(n);
      env.send(who, digest_please{});
    }
  }
  // Out of the ring, with its digest and all that we counted of it. What it was asked may still be
  // answered.
  void drop(auto& env, peer who) {
    static_cast<void>(taken<ring_listener>(env, who));
    if (taken<neighbour>(env, who)) changed(env);
    if (auto* m = member_of(who)) ring_.erase(m);
  }
  void seen(auto& env, peer who) {
    if (member_of(who) == nullptr) return;
    if (auto* n = find_neighbour(env, who)) n->failures = n->silent = 0;
  }
  void failed(auto& env, peer who) {
    auto* n = find_neighbour(env, who);
    if (n == nullptr || ++n->failures < settings_.evict_after) return;
    n->failures = 0;
    forget_digest(env, *n);
  }
  void publish(auto& env, provider_record const& r) {
    auto pool = env.template pool<capability_offer>();
    auto const id = pool.first([&](capability_offer const& o) { return o.record.what == r.what; });
    auto* mine = pool.find(id);
    if (mine == nullptr) mine = pool.find(pool.add({}));
    if (mine == nullptr) return env.note("publish: 16 services are offered already");
    auto const sequence = mine->record.about.sequence;
    mine->record = r;
    mine->record.about.sequence = sequence;
    mine->record.about.expires = {};  // sealed when somebody asks
    changed(env);
  }
  void withdraw(auto& env, service what) {
    auto pool = env.template pool<capability_offer>();
    pool.erase(pool.first([&](capability_offer const& o) { return o.record.what == what; }));
    changed(env);
  }

  activity find(auto& env, want const& w) {
    quest q;
    q.what = w.what;
    q.needs = w.needs;
    q.at_least = std::max<std::uint8_t>(w.at_least, 1);
    q.nonce = env.random().bits();
    q.deadline = env.now() + settings_.lookup_time_max;
    auto const tag = tag_of_service(env.about(w.what), one_region(w.needs));
    add_neighbours(env, q, tag);
    auto pool = env.template pool<quest>();
    auto const id = pool.add(q);
    if (id) step(env, id);
    return id;
  }
  std::uint16_t abandon(auto& env, activity id) {
    auto pool = env.template pool<quest>();
    auto const* q = pool.find(id);
    if (q == nullptr) return 0;
    auto const gone = *q;
    pool.erase(id);
    judge(env, gone, false);
    return gone.messages;
  }

  // ---- told by others
  void on_message(auto& env, peer from, digest_is<D> const& m) {
    auto* n = find_neighbour(env, from);
    if (n == nullptr) return;
    auto const hash = hash_of(m.digest);
    if (!fresh(*n, env.now()) || n->hash != hash) changed(env);
    n->digest = m.digest;
    n->heard = env.now();
    n->hash = hash;
    n->failures = 0;
  }
  void on_message(auto& env, peer from, digest_still const& m) {
    auto* n = find_neighbour(env, from);
    if (n == nullptr) return;
    if (n->hash != m.hash || n->heard == never) return env.send(from, digest_please{});
    if (!fresh(*n, env.now())) changed(env);  // digests were made without it meanwhile
    n->heard = env.now();
    n->failures = 0;
  }
  void on_message(auto& env, peer from, digest_please const&) {
    auto const now = env.now();
    if (auto* n = find_neighbour(env, from)) {
      n->silent = 0;
      // It may have begun anew, and does not know that we want to be told. Once in a tick: two who
      // lost each other's digests must not ask to and fro.
      if ((n->heard == never || now - n->heard >= settings_.tick) &&
          !std::exchange(n->asked_back, true)) {
        env.send(from, digest_please{});
      }
    }
    auto& said = said_to(env, from);
    said.wanted = true;
    if (said.whole && now - said.last < settings_.tick / 2) return;  // on its way, or asked again
    said.hash = 0;
    said.stale = true;
    ++said.in_a_row;  // an answer is no news
    tell(env, from, said);
  }
  void on_message(auto& env, peer from, who_can const& m) {
    if (!m.what) return;
    auto const tag = tag_of_service(env.about(m.what), m.region);
    auto const others = hints_for(env, tag, from, m.nonce);
    auto pool = env.template pool<capability_offer>();
    auto* mine = pool.find(pool.first([&](capability_offer const& o) {
      return o.record.what == m.what && (m.region == 0 || (o.record.under.region & m.region) != 0);
    }));
    if (mine == nullptr) return env.send(from, i_know{m.nonce, others});
    auto& record = mine->record;
    if (record.about.expires < env.now() + settings_.record_lifetime / 2) {
      seal(env, record, settings_.record_lifetime);
    }
    env.send(from, i_can{m.nonce, record, others});
  }
  void on_message(auto& env, peer from, i_know const& m) {
    auto const id = answered(env, from, m.nonce, m.others);
    if (id) step(env, id);
  }
  void on_message(auto& env, peer from, i_can const& m) {
    auto const id = answered(env, from, m.nonce, m.others);
    if (!id) return;
    auto* q = env.template pool<quest>().find(id);
    auto checks = env.template pool<quest_check>();
    auto const& r = m.record;
    bool const fit = r.what == q->what && r.head == from && r.power.cores != 0 &&
                     meets(r, q->needs) && acceptable(env, r, settings_.record_lifetime_max);
    if (fit && !checks.full()) {
      checks.add({check_seal(env, r), id, from, r});
      ++q->checking;
    }
    step(env, id);
  }

  // ---- told by the driver
  void on_fact(auto& env, checked const& f) {
    auto checks = env.template pool<quest_check>();
    auto const which = checks.first([&](quest_check const& c) { return c.by == f.id; });
    auto const* waiting = checks.find(which);
    if (waiting == nullptr) return;
    auto const c = *waiting;
    checks.erase(which);
    auto* q = env.template pool<quest>().find(c.of);
    if (q == nullptr) return;
    HYDRA_EXPECTS(q->checking > 0);
    --q->checking;
    auto* s = q->find(c.from);
    if (f.good && s != nullptr) {
      add_diverse(q->records, c.record);
      q->credit(*s);
    }
    step(env, c.of);
  }
  void on_fact(auto& env, unreachable const& f) {
    failed(env, f.who);
    env.template pool<quest>().each([&](activity id, quest& q) {
      auto* s = q.find(f.who);
      if (s == nullptr || s->is != scout::state::waiting) return;
      s->is = scout::state::failed;
      step(env, id);
    });
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == tick_tag) spread(env);
    if (tag == sweep_tag) sweep(env);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& ring_& sweeping_;
  }

 private:
  using neighbour = ring_neighbour<D>;
  // One of the ring, as far as it is asked about without an environment.
  struct member {
    peer who{};
    std::uint32_t prefix = 0;
    std::uint8_t doubt = 0;
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& prefix& doubt;
    }
  };

  [[nodiscard]] member const* member_of(peer who) const noexcept {
    for (auto const& m : ring_) {
      if (m.who == who) return &m;
    }
    return nullptr;
  }
  [[nodiscard]] member* member_of(peer who) noexcept {
    return const_cast<member*>(std::as_const(*this).member_of(who));
  }
  [[nodiscard]] static neighbour* find_neighbour(auto& env, peer who) {
    auto pool = env.template pool<neighbour>();
    return pool.find(pool.first([&](neighbour const& n) { return n.who == who; }));
  }
  // Takes it from the pool; what it was, where it was there.
  template <class T>
  static std::optional<T> taken(auto& env, peer who) {
    auto pool = env.template pool<T>();
    auto const id = pool.first([&](T const& t) { return t.who == who; });
    auto const* found = pool.find(id);
    if (found == nullptr) return {};
    auto const was = *found;
    pool.erase(id);
    return was;
  }
  [[nodiscard]] static std::uint8_t one_region(demands const& d) noexcept {
    return std::has_single_bit(d.regions) ? d.regions : std::uint8_t{0};
  }
  [[nodiscard]] static std::uint32_t hash_of(D const& d) noexcept {
    fold f{1};
    auto copy = d;
    copy.serialize(f, 0U);
    return static_cast<std::uint32_t>(mix64(f.value()) >> 32U);
  }
  [[nodiscard]] bool fresh(neighbour const& n, instant now) const noexcept {
    return n.heard != never && now - n.heard < settings_.digest_life;
  }
  static void forget_digest(auto& env, neighbour& n) {
    if (n.heard != never) changed(env);
    n.digest = {};
    n.heard = never;
    n.hash = 0;
  }
  // visit(neighbour&, member&): of those whose digest is fresh.
  template <class F>
  void each_digest(auto& env, F&& visit) {
    env.template pool<neighbour>().each([&](activity, neighbour& n) {
      auto* m = fresh(n, env.now()) ? member_of(n.who) : nullptr;
      if (m != nullptr) visit(n, *m);
    });
  }

  // ---- saying what can be reached through us
  [[nodiscard]] D digest_for(auto& env, peer to) {
    D d;
    env.template pool<capability_offer>().each([&](activity, capability_offer& o) {
      auto const what = env.about(o.record.what);
      d.add(tag_of_service(what));
      if (o.record.under.region != 0) d.add(tag_of_service(what, o.record.under.region));
    });
    each_digest(env, [&](neighbour const& n, member const& m) {
      if (n.who != to && m.doubt < 2) d.behind(n.digest);
    });
    return d;
  }
  void tell(auto& env, peer to, digest_said& t) {
    // The timer of a tick may come a little early or late.
    bool const due = t.last == never || env.now() - t.last >= settings_.renew - settings_.tick / 2;
    if (!due && (t.in_a_row == 0 || !t.stale)) return;
    D d;
    auto hash = t.hash;
    if (std::exchange(t.stale, false)) {
      d = digest_for(env, to);
      hash = hash_of(d);
    }
    bool const same = t.last != never && hash == t.hash;
    if (same && !due) return;
    if (due) t.in_a_row = std::min<std::uint8_t>(t.in_a_row + 1U, digest_said::in_a_row_max);
    t.last = env.now();
    t.whole = !same;
    if (same) return env.send(to, digest_still{hash});
    --t.in_a_row;
    t.hash = hash;
    env.send(to, digest_is<D>{d});
  }
  [[nodiscard]] digest_said& said_to(auto& env, peer who) {
    if (auto* n = find_neighbour(env, who)) return n->told;
    auto pool = env.template pool<ring_listener>();
    if (auto* l = pool.find(pool.first([&](auto const& known) { return known.who == who; }))) {
      l->asked = env.now();
      return l->told;
    }
    digest_said told;
    if (pool.full()) {
      auto longest = never;
      pool.each([&](activity, ring_listener const& l) { longest = std::min(longest, l.asked); });
      pool.erase(pool.first([&](ring_listener const& l) { return l.asked == longest; }));
      told.whole = true;
      told.last = env.now();  // with the next tick: nine who ask in turn cost no more than eight
      told.in_a_row = 1;
    }
    return pool.find(pool.add({env.now(), told, who}))->told;
  }
  // Who is silent is called for four ticks, as messages are lost, then after 8, and then with every
  // sixteenth: it is likely away, and speaks first when it comes back.
  [[nodiscard]] static bool call_again(neighbour& n) noexcept {
    n.silent = n.silent == 31 ? std::uint8_t{16} : static_cast<std::uint8_t>(n.silent + 1);
    return n.silent < 4 || std::has_single_bit(n.silent);
  }
  // What goes into digests has changed: they are made anew before they are said again.
  static void changed(auto& env) {
    env.template pool<neighbour>().each([](activity, neighbour& n) { n.told.stale = true; });
    env.template pool<ring_listener>().each(
        [](activity, ring_listener& l) { l.told.stale = true; });
  }
  void spread(auto& env) {
    auto const now = env.now();
    env.template pool<neighbour>().each([&](activity, neighbour& n) {
      // With the tick, one for each neighbour: many finds may end in one call.
      if (std::exchange(n.accused, false)) env.emit(misled{n.who});
      n.asked_back = false;
      if (n.heard != never && !fresh(n, now)) forget_digest(env, n);
    });
    env.template pool<neighbour>().each([&](activity, neighbour& n) {
      if (n.heard == never) {
        if (!call_again(n)) return;
        env.send(n.who, digest_please{});
      } else {
        n.silent = 0;
      }
      if (n.told.wanted) tell(env, n.who, n.told);
    });
    auto pool = env.template pool<ring_listener>();
    pool.each([&](activity id, ring_listener& l) {
      if (now - l.asked > 2 * settings_.digest_life) {
        pool.erase(id);
      } else {
        tell(env, l.who, l.told);
      }
    });
  }

  // ---- answering
  [[nodiscard]] hints hints_for(auto& env, std::uint64_t tag, peer but, std::uint64_t nonce) {
    struct ranked {
      hint said{};
      std::uint32_t order = 0;
    };
    bounded_vector<ranked, hints_max> best;
    each_digest(env, [&](neighbour const& n, member const& m) {
      ranked const r{{n.who, n.digest.worth(tag) >> m.doubt}, order_of(m.prefix, nonce)};
      if (r.said.worth == 0 || n.who == but) return;
      auto const* at = best.begin();
      while (at != best.end() && (at->said.worth > r.said.worth ||
                                  (at->said.worth == r.said.worth && at->order < r.order))) {
        ++at;
      }
      best.insert_bounded(at, r);
    });
    hints out;
    for (auto const& r : best) out.push_back(r.said);
    return out;
  }
  [[nodiscard]] static std::uint32_t order_of(std::uint32_t prefix, std::uint64_t nonce) noexcept {
    return static_cast<std::uint32_t>(mix64(nonce ^ prefix) >> 32U);
  }

  // ---- asking
  void add_neighbours(auto& env, quest& q, std::uint64_t tag) {
    bounded_vector<peer, Neighbours> silent;
    bounded_vector<peer, Neighbours> said_no;
    auto const scout_of = [&](member const& m, std::uint32_t worth) {
      scout s;
      s.who = m.who;
      s.worth = worth;
      s.order = order_of(m.prefix, q.nonce);
      return s;
    };
    bool any_fresh = false;
    env.template pool<neighbour>().each([&](activity, neighbour& n) {
      auto const* m = member_of(n.who);
      if (m == nullptr) return;
      if (!fresh(n, env.now())) return static_cast<void>(silent.try_push_back(n.who));
      any_fresh = true;
      auto const worth = n.digest.worth(tag) >> m->doubt;
      if (worth == 0) return static_cast<void>(said_no.try_push_back(n.who));
      q.start_with(scout_of(*m, worth));
    });
    auto chance = env.random();
    auto& others = any_fresh ? said_no : silent;  // who says nothing is likely away
    for (auto who : chance.sample(settings_.unguided, others.span())) {
      q.start_with(scout_of(*member_of(who), 0));
    }
  }
  void step(auto& env, activity id) {
    auto* q = env.template pool<quest>().find(id);
    if (q == nullptr) return;
    auto const wanted = std::size_t{q->at_least} * settings_.enough_factor;
    bool const enough = principals_in(q->records) >= std::min(wanted, candidates_max);
    while (!enough && q->in_flight() < settings_.parallel && q->messages < settings_.messages_max) {
      auto* s = q->next(settings_.messages_max);
      if (s == nullptr) break;
      ask(env, *q, *s);
    }
    if (q->checking > 0) return watch(env);
    // Who was asked in vain because of our demands broke no promise.
    if (enough || q->in_flight() == 0) return finish(env, id, *q, !enough && !q->needs);
    watch(env);
  }
  void ask(auto& env, quest& q, scout& s) {
    s.is = scout::state::waiting;
    s.due = env.now() + settings_.rpc_timeout;
    ++s.attempts;
    ++q.messages;
    env.send(s.who, who_can{q.what, q.nonce, one_region(q.needs)});
  }
  void watch(auto& env) {
    if (sweeping_) return;
    sweeping_ = true;
    auto wait = settings_.rpc_timeout / 2;
    env.template pool<quest>().each([&](activity, quest const& q) {
      wait = std::clamp(q.deadline - env.now(), duration{}, wait);
    });
    env.arm(wait, sweep_tag);
  }
  void sweep(auto& env) {
    sweeping_ = false;
    auto pool = env.template pool<quest>();
    pool.each([&](activity id, quest& q) {
      bool silent = false;
      for (auto& s : q.scouts) {
        if (s.is != scout::state::waiting || s.due > env.now()) continue;
        if (s.attempts < settings_.rpc_attempts && q.messages < settings_.messages_max) {
          ask(env, q, s);
          continue;
        }
        s.is = scout::state::failed;
        silent = true;
        failed(env, s.who);
      }
      if (q.deadline <= env.now()) return finish(env, id, q, false);
      if (silent) step(env, id);
    });
    if (pool.size() > 0) watch(env);
  }
  activity answered(auto& env, peer from, std::uint64_t nonce, hints const& others) {
    auto pool = env.template pool<quest>();
    auto const id = pool.first([&](quest const& q) { return q.nonce == nonce; });
    auto* q = pool.find(id);
    auto* s = q == nullptr ? nullptr : q->find(from);
    if (s == nullptr || s->is != scout::state::waiting) return {};
    s->is = scout::state::answered;
    seen(env, from);
    auto const named_by = q->index_of(*s);
    auto const root = s->root;
    auto const depth = s->depth;
    if (depth >= settings_.depth_max) return id;
    for (auto const& h : others) {
      if (!h.who || h.who == env.self() || h.worth == 0) continue;
      auto const a = env.about(h.who);
      if (a.reach != reach::open) continue;
      scout next;
      next.who = h.who;
      next.worth = std::min(h.worth, std::uint32_t{1} << 16U);
      next.order = order_of(a.key.prefix(), q->nonce);
      next.depth = static_cast<std::uint8_t>(depth + 1);
      next.by = named_by;
      next.root = root;
      q->add(next, settings_.messages_max);
    }
    return id;
  }
  void finish(auto& env, activity id, quest& q, bool all_asked) {
    found f;
    f.id = id;
    f.messages = q.messages;
    for (auto const& r : q.records) {
      auto* s = q.find(r.head);
      if (s == nullptr) continue;
      auto const way = q.way_to(*s);
      if (!way.empty() && !f.via.add(f.among.size(), {way.begin(), way.size()})) continue;
      f.among.push_back(candidate_of(r, s->depth));
      f.hops = std::max(f.hops, s->depth);
    }
    auto const done = q;
    env.template pool<quest>().erase(id);
    judge(env, done, all_asked);
    env.emit(f);
  }
  // Whose digest led somewhere, and whose did not.
  void judge(auto& env, quest const& q, bool all_asked) {
    for (auto const& s : q.scouts) {
      bool const promised = s.depth == 1 && s.worth > 0;
      bool const asked = s.is == scout::state::answered || s.is == scout::state::failed;
      auto* n = promised && asked ? find_neighbour(env, s.who) : nullptr;
      auto* m = n == nullptr ? nullptr : member_of(s.who);
      if (m == nullptr) continue;
      if (!s.gave && (!all_asked || q.unfinished(s, settings_.messages_max))) continue;
      (s.gave ? n->kept : n->broken) += 1;
      if (n->kept >= 16 && m->doubt > 0) {
        --m->doubt;
        changed(env);
        n->kept = n->broken = 0;
      }
      if (n->broken > n->kept + settings_.mercy) {
        m->doubt = std::min<std::uint8_t>(doubt_max, static_cast<std::uint8_t>(m->doubt + 1));
        n->kept = n->broken = 0;
        n->accused = true;
        changed(env);
      }
      if (n->kept + n->broken >= 32) {
        n->kept = static_cast<std::uint8_t>(n->kept / 2);
        n->broken = static_cast<std::uint8_t>(n->broken / 2);
      }
    }
  }

  capability_settings settings_{};
  bounded_vector<member, Neighbours> ring_{};
  bool sweeping_ = false;
};

static_assert(RoutingPolicy<capability<>, archetype_view<capability<>>>);
static_assert(RoutingPolicy<capability<routing_index<>>,
                            archetype_view<capability<routing_index<>>>>);

}  // namespace hydra::routing
