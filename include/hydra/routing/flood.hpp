// Flooding with expanding rings: the baseline of search in overlays without structure.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/unstructured.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>

namespace hydra::routing {

// Where an answer goes; the asker decides and the query says it.
enum class answer_path : std::uint8_t { straight, reverse };
[[nodiscard]] constexpr answer_path last_of(answer_path) noexcept { return answer_path::reverse; }

struct flood_settings {
  duration hop_time = 400ms;             // a ring of radius r is waited for (r + 1) of these
  duration record_lifetime = 15min;      // of a record that we sign
  duration record_lifetime_max = 24h;    // of a record that we accept
  std::array<std::uint8_t, 4> rings{1, 2, 4, 7};  // radius of one ring after the other; 0: none
  std::uint8_t repeats = 1;              // of the last ring, when nothing came back
  std::uint8_t ttl_max = 7;              // hops that this head lets a query have
  answer_path answers = answer_path::straight;
  overlay_settings links{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& hop_time& record_lifetime& record_lifetime_max;
    for (auto& r : rings) a& r;
    a& repeats& ttl_max& answers& links;
  }
};

struct flood_search {
  static constexpr std::size_t per_peer_max = 12;
  gathered got{};
  std::uint8_t ring = 0;  // asked so far
  template <class A>
  void serialize(A& a, unsigned) {
    a& got& ring;
  }
};

// Gnutella 0.4 with the expanding rings of Lv, Cao, Cohen, Li and Shenker (2002).
//
// Promises. find() ends with exactly one `found`: as soon as enough principals are known, else
// when the last ring's time is over (10.4 s with the settings as they are), else at once when
// nobody is known; or it returns no activity because twelve searches are under way. Holders
// answer for themselves: nothing is stored at others, so nothing is stale.
//
// Rules.
// - The rings are asked one after the other, each under a number of its own, because a head
//   forwards a query once. A ring that brought enough ends the search.
// - A head remembers the last `Memory` queries: it drops what it knows, and knows where an
//   answer has to go on the reverse path. None is given up that is younger than a query lives:
//   (ttl_max + 1) hop_times (3.2 s; up to a third more, as time is counted in thirds). While all
//   are, a new one is not served, and a ring of our own is not sent, only waited for.
// - Of the queries remembered at most a quarter came by one neighbour, and by strangers together
//   (all of them where it is the only one): who asks without end does not silence the others.
// - By default an answer goes straight to the asker, who is named in the query: one message
//   instead of `hops`, of which one lost loses the answer (at 10 % loss and five hops 41 %). The
//   reverse path hides the asker and needs no call from a stranger: for askers that nobody can
//   call, who always get it. Either way the asker checks the signature, and takes a straight
//   answer only from the head that the record is about, one on the reverse path only from a
//   neighbour.
// - A record that fails its check costs the link to whoever brought it.
//
// What an attacker gains. A query reaches everybody within ttl_max: one message becomes as many
// as there are links within, at most two for each, as every head forwards a query once (as long as
// no message takes longer than hop_time). That is what flooding is. It is bounded by the memory: no
// head takes part in more than `Memory` queries in 3.2 s (15 to 20 a second), a quarter of them for
// one neighbour; by `per_second` queries of each neighbour at every hop; and by ttl_max, which all
// heads impose again. The price: four neighbours who ask without end, or one with links to many,
// keep a head from serving anybody else. Whoever names another as the asker makes holders write to
// that victim, at most one record per holder and query; the first hop refuses it. A neighbour
// that swallows queries is gone around by the others.
//
// Cost. Messages: every link within the radius twice at most; the asker knows only of those it
// sent and got, which is what found.messages counts. A query is 24 bytes in memory and 107 on the
// wire, a hit 152 and 268 to 279. Idle: a greeting per 20 s, two where neighbours are few.
// sizeof(flood<64>) is 1,208 bytes; who expects more than 15 queries a second in the whole network
// takes flood<256>, 3,520 bytes.
//
// Departures: several principals are looked for (`want.at_least`), a holder forwards as well,
// signed records, links are bounded and greeted, rates per neighbour.
template <std::size_t Memory = 64>
class flood {
  static_assert(Memory >= 4);
  static_assert(Memory <= 32'768);

 public:
  using policy_concept = routing_tag;
  using messages = type_list<link_hello, link_welcome, flood_query, flood_hit>;
  using facts = type_list<found>;
  using activities = type_list<flood_search, greeting, own_offer, search_check>;
  using records = type_list<known_contacts>;

  static constexpr std::size_t contacts_max = links_max;
  static constexpr std::uint16_t ring_tag = 1;

  constexpr flood() = default;
  constexpr explicit flood(flood_settings const& s) : settings_{s}, links_{s.links} {
    HYDRA_EXPECTS(s.hop_time > duration{});
    HYDRA_EXPECTS(s.rings[0] > 0);
    HYDRA_EXPECTS(s.repeats <= 16);  // rings are counted in eight bits
    HYDRA_EXPECTS(std::all_of(s.rings.begin(), s.rings.end(),
                              [&](auto r) { return r <= s.ttl_max; }));
  }

  template <class Everybody, class Named>
  constexpr void adopt(key const& own, Everybody const& everybody, Named named) {
    links_.adopt(own, everybody, named);
  }
  [[nodiscard]] constexpr auto closest(key const& to, std::size_t k) const {
    return links_.closest(to, k);
  }
  [[nodiscard]] constexpr std::size_t contacts() const noexcept { return links_.size(); }
  [[nodiscard]] constexpr auto neighbours() const { return links_.peers(); }
  [[nodiscard]] constexpr flood_settings const& settings() const noexcept { return settings_; }

  void on_start(auto& env) { links_.on_start(env); }
  void join(auto& env, std::span<peer const> known) { links_.join(env, known); }
  void seen(auto& env, peer who) { links_.seen(env, who); }
  void failed(auto& env, peer who) { links_.failed(env, who); }
  void publish(auto& env, provider_record const& r) { keep_offer(env, r); }
  void withdraw(auto& env, service what) { drop_offer(env, what); }

  activity find(auto& env, want const& w) {
    flood_search s;
    s.got.what = w.what;
    s.got.needs = w.needs;
    s.got.at_least = std::max<std::uint8_t>(w.at_least, 1);
    s.got.nonce = env.random().bits() & ~ring_bits;
    auto pool = env.template pool<flood_search>();
    auto const id = pool.add(s);
    if (id) next_ring(env, id, *pool.find(id));
    return id;
  }

  void on_message(auto& env, peer from, link_hello const& m) { links_.on_message(env, from, m); }
  void on_message(auto& env, peer from, link_welcome const& m) { links_.on_message(env, from, m); }

  void on_message(auto& env, peer from, flood_query const& m) {
    if (!m.what || m.hops == 0) return;
    if (m.hops == 1 && m.asker && m.asker != from) return;
    if (m.asker == env.self() || !links_.serves(env, from)) return;
    if (via(m.nonce) || !remember(env, m.nonce, from)) return;
    if (auto const* mine = offer_of(env, m.what, settings_.record_lifetime)) {
      env.send(m.asker ? m.asker : from, flood_hit{m.nonce, m.hops, *mine});
    }
    if (m.hops >= settings_.ttl_max) return;
    auto onward = m;
    auto const left = static_cast<std::uint8_t>(settings_.ttl_max - m.hops);
    onward.ttl = std::min(m.ttl, left);
    if (onward.ttl == 0) return;
    --onward.ttl;
    ++onward.hops;
    for (auto const& l : links_.all()) {
      if (l.to.who != from && l.to.who != m.asker) env.send(l.to.who, onward);
    }
  }

  void on_message(auto& env, peer from, flood_hit const& m) {
    auto pool = env.template pool<flood_search>();
    auto const id = pool.first(
        [&](flood_search const& s) { return s.got.nonce == (m.nonce & ~ring_bits); });
    auto* s = pool.find(id);
    if (s == nullptr) return relay(env, from, m);
    if ((m.nonce & ring_bits) > s->ring) return;
    bool const ours = straight(env) ? from == m.record.head : links_.knows(from);
    if (!ours) return;
    links_.seen(env, from);
    s->got.count(1);
    auto const hops = std::clamp<std::uint8_t>(m.hops, 1, settings_.ttl_max);
    consider_hit(env, id, s->got, from, m.record, hops, settings_.record_lifetime_max);
  }

  void on_fact(auto& env, checked const& f) {
    peer liar;
    auto const id = take_checked<flood_search>(env, f, liar);
    if (liar) links_.drop(liar);
    auto* s = env.template pool<flood_search>().find(id);
    if (s != nullptr && s->got.enough()) end_search<flood_search>(env, id, s->got);
  }

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag != ring_tag) return links_.on_timer(env, tag);
    env.template pool<flood_search>().each([&](activity id, flood_search& s) {
      if (s.got.deadline <= env.now()) next_ring(env, id, s);
    });
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& links_& next_& third_;
    for (auto& t : taken_) a& t;
    for (auto& n : nonces_) a& n;
    for (auto& p : from_) a& p;
    next_ = static_cast<std::uint16_t>(next_ % Memory);
    auto free = Memory;
    for (auto& t : taken_) {
      t = static_cast<count>(std::min<std::size_t>(t, free));
      free -= t;
    }
  }

 private:
  static constexpr std::uint64_t ring_bits = 0xff;

  [[nodiscard]] bool straight(auto& env) const {
    return settings_.answers == answer_path::straight &&
           env.about(env.self()).reach == reach::open;
  }
  // How far the ring after `asked` reaches; 0: that was the last one.
  [[nodiscard]] std::uint8_t radius(std::uint8_t asked) const {
    std::size_t rings = 0;
    while (rings < settings_.rings.size() && settings_.rings[rings] != 0) ++rings;
    if (asked < rings) return settings_.rings[asked];
    return asked < rings + settings_.repeats ? settings_.rings[rings - 1] : std::uint8_t{0};
  }
  void next_ring(auto& env, activity id, flood_search& s) {
    auto const far = radius(s.ring);
    if (far == 0 || links_.size() == 0 || s.got.enough()) {
      return end_search<flood_search>(env, id, s.got);
    }
    ++s.ring;
    flood_query q{s.got.what, s.got.nonce | s.ring, straight(env) ? env.self() : peer{},
                  static_cast<std::uint8_t>(far - 1), 1};
    if (remember(env, q.nonce, env.self())) {
      for (auto const& l : links_.all()) env.send(l.to.who, q);
      s.got.count(links_.size());
    }
    auto const wait = settings_.hop_time * (far + 1);
    s.got.deadline = env.now() + wait;
    env.arm(wait, ring_tag);
  }
  // Only what this head forwarded itself, and no more than queries.
  void relay(auto& env, peer from, flood_hit const& m) {
    auto const to = via(m.nonce);
    if (!to || to == from || to == env.self() || !links_.knows(from)) return;
    if (links_.serves(env, from)) env.send(to, m);
  }
  [[nodiscard]] peer via(std::uint64_t nonce) const {
    for (std::size_t i = 0; i < Memory; ++i) {
      if (nonces_[i] == nonce && from_[i]) return from_[i];
    }
    return {};
  }
  // Whether there was a place for it.
  [[nodiscard]] bool remember(auto& env, std::uint64_t nonce, peer from) {
    auto const now = third_of_life(env.now());
    auto const passed = static_cast<std::uint16_t>(now - third_);
    for (std::uint16_t i = 1; i <= std::min<std::uint16_t>(passed, thirds); ++i) {
      taken_[static_cast<std::size_t>(third_ + i) % thirds] = 0;
    }
    third_ = now;
    auto const young = std::accumulate(taken_.begin(), taken_.end(), std::size_t{0});
    if (young >= Memory) return false;
    if (from != env.self() && brought_by(from, young) >= quota()) return false;
    ++taken_[third_ % thirds];
    nonces_[next_] = nonce;
    from_[next_] = from;
    next_ = static_cast<std::uint16_t>((next_ + 1U) % Memory);
    return true;
  }
  [[nodiscard]] std::uint16_t third_of_life(instant now) const {
    auto const life = settings_.hop_time * (settings_.ttl_max + 1);
    return static_cast<std::uint16_t>(now.time_since_epoch() / (life / 3 + duration{1}));
  }
  [[nodiscard]] std::size_t quota() const {
    return Memory / std::clamp<std::size_t>(links_.size(), 1, 4);
  }
  // How many of the youngest came by this neighbour; strangers count together.
  [[nodiscard]] std::size_t brought_by(peer from, std::size_t young) const {
    bool const stranger = !links_.knows(from);
    std::size_t sum = 0;
    for (std::size_t i = 1; i <= young; ++i) {
      auto const by = from_[(next_ + Memory - i) % Memory];
      sum += by == from || (stranger && !links_.knows(by)) ? 1U : 0U;
    }
    return sum;
  }

  flood_settings settings_{};
  overlay links_{};
  // Places taken in the running third of a query's life and in the three before it.
  static constexpr std::size_t thirds = 4;
  using count = std::conditional_t<Memory <= 255, std::uint8_t, std::uint16_t>;
  std::uint16_t next_ = 0;
  std::uint16_t third_ = 0;
  std::array<count, thirds> taken_{};
  std::array<std::uint64_t, Memory> nonces_{};
  std::array<peer, Memory> from_{};
};

static_assert(RoutingPolicy<flood<64>, archetype_view<flood<64>>>);

}  // namespace hydra::routing
