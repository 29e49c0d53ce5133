// What flooding and random walks have in common: neighbours without order, offers that their
// owners answer for, and the records that a search gathers.
//
// Promises. At most `links_max` neighbours; half of the places are for those that this head turned
// to itself, so that whoever comes takes eight at most; one neighbour per netgroup (the unknown one
// is not restricted). A head that has `wanted` looks for no more, whoever they are: who fills eight
// places and waits until those that it chose have gone is all that it knows. Of each neighbour at
// most `per_second` queries a second are served, of all others together `strangers_per_second`. A
// search has at most `hits_max` records checked.
//
// Rules.
// - A link is meant to hold in both directions: whoever is joined is greeted, and answers whether
//   it has a place. Who has not is dropped here, and names others.
// - A neighbour that was silent for `questionable_after` is greeted; `evict_after` greetings in a
//   row without an answer end the link. A head with too few asks a neighbour for names.
// - Only neighbours that gave a sign of life are named to others.
// - A head that can only call out is answered and never made a neighbour.
#pragma once

#include <hydra/core/policy.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/lookup.hpp>
#include <hydra/routing/records.hpp>
#include <hydra/routing/walk_messages.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

inline constexpr std::size_t links_max = 16;
inline constexpr std::uint8_t hits_max = 48;  // records of one search that are checked

struct overlay_settings {
  duration tick = 20s;                  // period of all upkeep, at a random phase
  duration answer_timeout = 1500ms;     // of a greeting
  duration questionable_after = 2min;   // unseen for so long: greeted
  std::uint8_t wanted = 8;              // neighbours, at most links_max / 2
  std::uint8_t evict_after = 4;         // failures in a row, 1..7
  std::uint8_t per_second = 64;         // queries served of one neighbour
  std::uint8_t strangers_per_second = 16;  // of everybody else together
  template <class A>
  void serialize(A& a, unsigned) {
    a& tick& answer_timeout& questionable_after& wanted& evict_after& per_second;
    a& strangers_per_second;
  }
};

// So many in the running second.
struct allowance {
  std::uint16_t second = 0;
  std::uint8_t used = 0;
  [[nodiscard]] constexpr bool take(instant now, std::uint8_t most) noexcept {
    auto const s = static_cast<std::uint16_t>(now.time_since_epoch() / 1s);
    if (s != second) used = 0;
    second = s;
    if (used >= most) return false;
    ++used;
    return true;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& second& used;
  }
};

struct overlay_link {
  contact to{};
  allowance served{};
  bool chosen = false;  // by us
  template <class A>
  void serialize(A& a, unsigned) {
    a& to& served& chosen;
  }
};

// A greeting on its way.
struct greeting {
  static constexpr std::size_t per_peer_max = 8;
  peer who{};
  std::uint64_t nonce = 0;
  instant due{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& due;
  }
};

// A permutation of 0..n-1 made of four Feistel rounds over the next even power of two, walked
// until it is back inside: i -> forth(i) and back(forth(i)) == i, without a table.
class scattered {
 public:
  constexpr scattered(std::uint64_t n, std::uint64_t salt) noexcept
      : n_{n}, salt_{salt}, half_{(static_cast<unsigned>(std::bit_width(n)) + 1U) / 2U} {}
  [[nodiscard]] constexpr std::uint64_t forth(std::uint64_t i) const noexcept {
    do {
      for (unsigned r = 0; r < 4; ++r) i = swapped(i, r);
    } while (i >= n_);
    return i;
  }
  [[nodiscard]] constexpr std::uint64_t back(std::uint64_t i) const noexcept {
    do {
      for (unsigned r = 4; r-- > 0;) i = unswapped(i, r);
    } while (i >= n_);
    return i;
  }

 private:
  [[nodiscard]] constexpr std::uint64_t mask() const noexcept {
    return (std::uint64_t{1} << half_) - 1;
  }
  [[nodiscard]] constexpr std::uint64_t round(std::uint64_t x, unsigned r) const noexcept {
    return mix64(salt_ + 4 * x + r) & mask();
  }
  [[nodiscard]] constexpr std::uint64_t swapped(std::uint64_t i, unsigned r) const noexcept {
    auto const left = i >> half_;
    auto const right = i & mask();
    return right << half_ | (left ^ round(right, r));
  }
  [[nodiscard]] constexpr std::uint64_t unswapped(std::uint64_t i, unsigned r) const noexcept {
    auto const right = i >> half_;
    auto const left = (i & mask()) ^ round(right, r);
    return left << half_ | right;
  }
  std::uint64_t n_;
  std::uint64_t salt_;
  unsigned half_;
};

// The neighbours of a head, and the upkeep of links.
class overlay {
 public:
  static constexpr std::uint16_t sweep_tag = 11;
  static constexpr std::uint16_t upkeep_tag = 12;
  static constexpr unsigned keep_every = 15;  // ticks

  constexpr overlay() = default;
  constexpr explicit overlay(overlay_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.tick > duration{});
    HYDRA_EXPECTS(s.wanted <= links_max / 2);
    HYDRA_EXPECTS(s.evict_after > 0);
    HYDRA_EXPECTS(s.evict_after <= failures_countable);
    HYDRA_EXPECTS(s.questionable_after < age_max);
  }

  [[nodiscard]] constexpr bounded_vector<overlay_link, links_max> const& all() const noexcept {
    return links_;
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return links_.size(); }
  [[nodiscard]] constexpr bounded_vector<peer, links_max> peers() const {
    bounded_vector<peer, links_max> out;
    for (auto const& l : links_) out.push_back(l.to.who);
    return out;
  }
  [[nodiscard]] constexpr bool knows(peer who) const noexcept {
    return const_cast<overlay*>(this)->find(who) != nullptr;
  }
  // Nearest first, by the first 32 bits of the keys.
  [[nodiscard]] constexpr bounded_vector<peer, links_max> closest(key const& to,
                                                                  std::size_t k) const {
    auto sorted = links_;
    auto const target = to.prefix();
    std::sort(sorted.begin(), sorted.end(), [&](overlay_link const& a, overlay_link const& b) {
      return (a.to.prefix ^ target) < (b.to.prefix ^ target);
    });
    bounded_vector<peer, links_max> out;
    for (std::size_t i = 0; i < std::min(k, sorted.size()); ++i) out.push_back(sorted[i].to.who);
    return out;
  }

  // A random graph of `wanted` links each, in both directions, as months of traffic would have
  // left it: `everybody` ordered by key, named(peer) is what this head calls somebody.
  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    links_.clear();
    auto const n = static_cast<std::uint64_t>(everybody.size());
    auto const at = std::partition_point(everybody.begin(), everybody.end(),
                                         [&](auto const& o) { return o.key < own; });
    auto const place = static_cast<std::uint64_t>(at - everybody.begin());
    if (n < 2) return;
    for (std::uint64_t salt = 0; 2 * salt < settings_.wanted; ++salt) {
      scattered const map{n, salt << 40U};
      for (auto const i : {map.forth(place), map.back(place)}) {
        auto const& o = everybody[static_cast<std::size_t>(i)];
        if (o.key == own || knows(named(o.who))) continue;
        contact c{named(o.who), o.key.prefix(), group_tag(o.group), 0, 0x80U};
        links_.try_push_back({c, {}, i == map.forth(place)});
      }
    }
  }

  void on_start(auto& env) {
    env.every(settings_.tick, env.random().between(duration{}, settings_.tick), upkeep_tag);
    if (auto const kept = env.template recall<known_contacts>(0)) {
      join(env, std::span<peer const>{kept->who});
    }
  }
  void join(auto& env, std::span<peer const> known) {
    for (auto who : known) connect(env, who, true);
  }
  void seen(auto& env, peer who) {
    if (auto* l = find(who)) return l->to.lives(env.now());
    if (links_.size() < settings_.wanted) connect(env, who, false);
  }
  void failed(auto&, peer who) {
    auto* l = find(who);
    if (l == nullptr) return;
    l->to.fails();
    if (l->to.failures() >= settings_.evict_after) links_.erase(l);
  }
  void drop(peer who) {
    if (auto* l = find(who)) links_.erase(l);
  }
  // Whether a query of `from` is served now.
  [[nodiscard]] bool serves(auto& env, peer from) {
    if (auto* l = find(from)) {
      l->to.lives(env.now());
      return l->served.take(env.now(), settings_.per_second);
    }
    return strangers_.take(env.now(), settings_.strangers_per_second);
  }

  void on_message(auto& env, peer from, link_hello const& m) {
    link_welcome answer;
    answer.nonce = m.nonce;
    if (auto* l = find(from)) {
      l->to.lives(env.now());
      answer.in = true;
    } else {
      answer.in = place(env, from, false, true);
    }
    if (m.names || !answer.in) name_some(env, from, answer);
    env.send(from, answer);
  }
  void on_message(auto& env, peer from, link_welcome const& m) {
    auto pool = env.template pool<greeting>();
    auto const id =
        pool.first([&](greeting const& g) { return g.nonce == m.nonce && g.who == from; });
    if (!id) return;
    pool.erase(id);
    if (!m.in) drop(from);
    if (auto* l = find(from)) l->to.lives(env.now());
    for (auto who : m.others) {
      if (links_.size() < settings_.wanted) connect(env, who, true);
    }
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == sweep_tag) sweep(env);
    if (tag == upkeep_tag) upkeep(env);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& links_& strangers_& ticks_;
  }

 private:
  [[nodiscard]] constexpr overlay_link* find(peer who) noexcept {
    auto* const l = std::find_if(links_.begin(), links_.end(),
                                 [&](overlay_link const& x) { return x.to.who == who; });
    return l == links_.end() ? nullptr : l;
  }
  [[nodiscard]] bool place(auto& env, peer who, bool chosen, bool alive) {
    if (!who || who == env.self() || links_.full()) return false;
    auto const a = env.about(who);
    if (a.reach != reach::open) return false;
    auto const group = group_tag(a.group);
    std::size_t alike = 0;
    for (auto const& l : links_) {
      if (group != 0 && l.to.group == group) return false;
      alike += l.chosen == chosen ? 1U : 0U;
    }
    if (alike >= links_max / 2) return false;
    contact c{who, a.key.prefix(), group, seen_at(env.now()), 0};
    if (alive) c.lives(env.now());
    links_.push_back({c, {}, chosen});
    return true;
  }
  void connect(auto& env, peer who, bool chosen) {
    if (find(who) == nullptr && place(env, who, chosen, false)) greet(env, who);
  }
  void greet(auto& env, peer who) {
    auto pool = env.template pool<greeting>();
    if (pool.full() || pool.first([&](greeting const& g) { return g.who == who; })) return;
    greeting const g{who, env.random().bits(), env.now() + settings_.answer_timeout};
    pool.add(g);
    env.send(who, link_hello{g.nonce, links_.size() < settings_.wanted});
    env.arm(settings_.answer_timeout, sweep_tag);
  }
  void name_some(auto& env, peer but, link_welcome& answer) {
    bounded_vector<peer, links_max> live;
    for (auto const& l : links_) {
      if (l.to.live() && l.to.who != but) live.push_back(l.to.who);
    }
    for (auto who : env.random().sample(names_per_welcome_max, live.span())) {
      answer.others.push_back(who);
    }
  }
  void sweep(auto& env) {
    auto pool = env.template pool<greeting>();
    pool.each([&](activity id, greeting const& g) {
      if (g.due > env.now()) return;
      failed(env, g.who);
      pool.erase(id);
    });
  }
  void upkeep(auto& env) {
    ++ticks_;
    overlay_link const* worst = nullptr;
    for (auto const& l : links_) {
      if (l.to.live() && l.to.age(env.now()) < settings_.questionable_after) continue;
      if (worst == nullptr || worst->to.age(env.now()) < l.to.age(env.now())) worst = &l;
    }
    if (worst != nullptr) greet(env, worst->to.who);
    if (links_.empty()) {
      auto const kept = env.template recall<known_contacts>(0);
      if (kept) join(env, std::span<peer const>{kept->who});
    } else if (links_.size() < settings_.wanted) {
      greet(env, links_[static_cast<std::size_t>(env.random().below(links_.size()))].to.who);
    }
    if (ticks_ % keep_every != 0) return;
    known_contacts kept;
    for (auto const& l : links_) {
      if (l.to.live()) kept.who.try_push_back(l.to.who);
    }
    if (kept.who.size() >= 2) env.keep(0, kept);  // last: it holds back
  }

  overlay_settings settings_{};
  bounded_vector<overlay_link, links_max> links_{};
  allowance strangers_{};
  std::uint16_t ticks_ = 0;
};

// What this head offers: it answers for itself.
struct own_offer {
  static constexpr std::size_t per_peer_max = 16;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& record;
  }
};

template <class Env>
void keep_offer(Env& env, provider_record const& r) {
  if (env.about(env.self()).reach != reach::open) {
    return env.note("publish: nobody can call this head, so nobody is told of it");
  }
  auto pool = env.template pool<own_offer>();
  auto id = pool.first([&](own_offer const& o) { return o.record.what == r.what; });
  if (!id) id = pool.add({r});
  auto* mine = pool.find(id);
  if (mine == nullptr) return env.note("publish: 16 services are offered already");
  auto const sequence = mine->record.about.sequence;
  mine->record = r;
  mine->record.about = {};
  mine->record.about.network = r.about.network;
  mine->record.about.sequence = sequence;
}
template <class Env>
void drop_offer(Env& env, service what) {
  auto pool = env.template pool<own_offer>();
  pool.erase(pool.first([&](own_offer const& o) { return o.record.what == what; }));
}
// Signed when half of its life is over, not for each who asks.
template <class Env>
[[nodiscard]] provider_record const* offer_of(Env& env, service what, duration lifetime) {
  auto pool = env.template pool<own_offer>();
  auto* mine = pool.find(pool.first([&](own_offer const& o) { return o.record.what == what; }));
  if (mine == nullptr || !what) return nullptr;
  if (mine->record.about.expires < env.now() + lifetime / 2) seal(env, mine->record, lifetime);
  return &mine->record;
}

// A signature that is being checked for a search.
struct search_check {
  static constexpr std::size_t per_peer_max = 64;
  command by{};
  activity of{};
  peer from{};
  std::uint8_t hops = 0;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& by& of& from& hops& record;
  }
};

// What a search has come to so far.
struct gathered {
  service what{};
  demands needs{};
  std::uint64_t nonce = 0;
  instant deadline{};
  std::uint8_t at_least = 1;
  std::uint8_t hits = 0;
  std::uint8_t checking = 0;
  std::uint8_t hops = 0;
  std::uint16_t messages = 0;
  bounded_vector<peer, 8> liars{};  // who sent what failed its check
  bounded_vector<provider_record, candidates_max> records{};

  [[nodiscard]] bool enough() const {
    return principals_in(records) >= std::min<std::size_t>(at_least, candidates_max);
  }
  void count(std::size_t more) noexcept {
    messages = static_cast<std::uint16_t>(std::min<std::size_t>(messages + more, 0xffffU));
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce& deadline& at_least& hits& checking& hops& messages& liars& records;
    serialize_if_any(a, needs);
  }
};

// A record that came for a search: checked if it may be what is looked for. Only what is checked
// counts against hits_max, and of one head no sender has more than one checked at a time.
template <class Env>
void consider_hit(Env& env, activity id, gathered& g, peer from, provider_record const& r,
                  std::uint8_t hops, duration lifetime_max) {
  if (g.hits >= hits_max) return;
  if (r.what != g.what || r.head == env.self() || r.power.cores == 0) return;
  if (!meets(r, g.needs) || !acceptable(env, r, lifetime_max)) return;
  if (std::find(g.liars.begin(), g.liars.end(), from) != g.liars.end()) return;
  for (auto const& known : g.records) {
    if (same_provider(known, r)) return;
  }
  auto pool = env.template pool<search_check>();
  bool const pending = static_cast<bool>(pool.first([&](search_check const& c) {
    return c.of == id && c.record.head == r.head && (c.from == from || identical(c.record, r));
  }));
  if (pending || pool.full()) return;
  ++g.hits;
  pool.add({check_seal(env, r), id, from, hops, r});
  ++g.checking;
}

// Takes a checked fact to its search; the search, or none. `liar`: who sent what was forged.
template <class Search, class Env>
[[nodiscard]] activity take_checked(Env& env, checked const& f, peer& liar) {
  auto pool = env.template pool<search_check>();
  auto const id = pool.first([&](search_check const& c) { return c.by == f.id; });
  auto const* waiting = pool.find(id);
  if (waiting == nullptr) return {};
  auto const c = *waiting;
  pool.erase(id);
  if (!f.good) liar = c.from;
  auto* s = env.template pool<Search>().find(c.of);
  if (s == nullptr) return {};
  HYDRA_EXPECTS(s->got.checking > 0);
  --s->got.checking;
  if (!f.good) s->got.liars.try_push_back(c.from);
  if (f.good && add_diverse(s->got.records, c.record)) s->got.hops = std::max(s->got.hops, c.hops);
  return c.of;
}

// The fact that ends a search; erases it.
template <class Search, class Env>
void end_search(Env& env, activity id, gathered const& g) {
  found f;
  f.id = id;
  f.hops = g.hops;
  for (auto const& r : g.records) f.among.push_back(candidate_of(r, g.hops));
  f.messages = g.messages;
  env.template pool<Search>().erase(id);
  auto checks = env.template pool<search_check>();
  checks.each([&](activity c, search_check const& x) {
    if (x.of == id) checks.erase(c);
  });
  env.emit(f);
}

}  // namespace hydra::routing
