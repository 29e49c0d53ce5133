// Random walks: search in overlays without structure at a small part of flooding's messages.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/unstructured.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

inline constexpr std::size_t walkers_max = 32;

struct walk_settings {
  duration search_time_max = 12s;        // of a find, whatever happens
  duration silence = 1500ms;             // a walker not heard of for so long is lost
  duration parked_max = 1500ms;          // a walker waits for its asker at most so long
  duration record_lifetime = 15min;      // of a record that we sign
  duration record_lifetime_max = 24h;    // of a record that we accept
  std::uint16_t ttl = 128;               // steps of a walker
  std::uint8_t walkers = 32;             // of a find
  std::uint8_t check_every = 4;          // steps
  std::uint8_t replaced = 6;             // times that a lost walker is sent anew
  overlay_settings links{.per_second = 250, .strangers_per_second = 32};
  template <class A>
  void serialize(A& a, unsigned) {
    a& search_time_max& silence& parked_max& record_lifetime& record_lifetime_max;
    a& ttl& walkers& check_every& replaced& links;
  }
};

// One walker, as its asker knows it.
struct walker_state {
  instant heard{};
  std::uint64_t ticket = 0;  // drawn anew whenever it is sent
  std::uint16_t hops = 0;
  std::uint8_t replaced = 0;
  bool walking = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& heard& ticket& hops& replaced& walking;
  }
};

struct walk_search {
  static constexpr std::size_t per_peer_max = 12;
  gathered got{};
  bounded_vector<walker_state, walkers_max> walkers{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& got& walkers;
  }
};

// Somebody's walker that waits here for its asker's word.
struct parked {
  static constexpr std::size_t per_peer_max = 64;
  static constexpr std::size_t per_sender_max = 32;  // of those that one neighbour brought
  walk_query at{};
  peer from{};
  instant due{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& at& from& due;
  }
};

// The k random walkers of Lv, Cao, Cohen, Li and Shenker (2002).
//
// Promises. find() ends with exactly one `found` within search_time_max: as soon as enough
// principals are known, or when every walker has come to its end; or it returns no activity
// because twelve searches are under way. Holders answer for themselves.
//
// Rules.
// - A walker asks its asker every `check_every` steps, and where it found something, whether it
//   shall go on; meanwhile it waits. Without an answer it ends there. This is what ends the other
//   walkers when one has found, and what keeps a walker in the hands of its asker.
// - A head remembers for the last `Memory` queries which neighbours it sent walkers of them to, and
//   sends the next one to another. (A neighbour is remembered by five bits of its key: two of one
//   head may share them, and then one is avoided that need not be.) When all were used, any will
//   do; back to where it came from only when there is nobody else.
// - The asker hears of each walker every few steps. One not heard of for `silence` was lost, and
//   a new one is sent, `replaced` times: loss costs time and messages, seldom results.
// - A walker that a neighbour sends too many of is swallowed, and replaced like a lost one.
//
// What an attacker gains. One false query makes at most check_every steps, one check and one
// refusal: a walk without an asker who wants it ends by itself, so flooding through others does
// not pay. An asker that keeps its walkers going gets one message for each of its own answers per
// check_every steps. A victim named as asker gets one check of each walker and answers no. A head
// on the way can swallow walkers (they are replaced elsewhere, `replaced` times), or keep one
// alive with invented checks up to ttl; but only those that came by it, for each walker carries a
// ticket of 64 random bits that every report of it repeats. Walkers parked here are at most 64,
// half of one neighbour. A record that fails its check costs the link to whoever sent it, who is
// not listened to again in this search; at most 48 of a search are checked.
//
// Cost. In random graphs of 1,000 heads see docs/concepts/unstructured_routing.md. A step is 40
// bytes in memory and 118 on the wire, a check 24 and 31, a hit 160 and 278 to 289. found.messages
// counts the steps, checks and answers that the asker heard of. sizeof(walk<32>) is 856 bytes, a
// search 3.1 kB, a parked walker 56 bytes, from pools.
//
// Departures: several principals may be wanted; lost walkers are replaced; a walker that found
// something waits like one that checks; signed records, links are bounded and greeted, rates.
template <std::size_t Memory = 32>
class walk {
 public:
  using policy_concept = routing_tag;
  using messages =
      type_list<link_hello, link_welcome, walk_query, walk_hit, walk_check, walk_go>;
  using facts = type_list<found>;
  using activities = type_list<walk_search, parked, greeting, own_offer, search_check>;
  using records = type_list<known_contacts>;

  static constexpr std::size_t contacts_max = links_max;
  static constexpr std::uint16_t search_tag = 1;
  static constexpr std::uint16_t parked_tag = 2;

  constexpr walk() = default;
  constexpr explicit walk(walk_settings const& s) : settings_{s}, links_{s.links} {
    HYDRA_EXPECTS(s.walkers > 0);
    HYDRA_EXPECTS(s.walkers <= walkers_max);
    HYDRA_EXPECTS(s.check_every > 0);
    HYDRA_EXPECTS(s.silence > duration{});
    HYDRA_EXPECTS(s.ttl > 0);
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
  [[nodiscard]] constexpr walk_settings const& settings() const noexcept { return settings_; }

  void on_start(auto& env) { links_.on_start(env); }
  void join(auto& env, std::span<peer const> known) { links_.join(env, known); }
  void seen(auto& env, peer who) { links_.seen(env, who); }
  void failed(auto& env, peer who) { links_.failed(env, who); }
  void publish(auto& env, provider_record const& r) { keep_offer(env, r); }
  void withdraw(auto& env, service what) { drop_offer(env, what); }

  activity find(auto& env, want const& w) {
    walk_search s;
    s.got.what = w.what;
    s.got.needs = w.needs;
    s.got.at_least = std::max<std::uint8_t>(w.at_least, 1);
    s.got.nonce = env.random().bits();
    s.got.deadline = env.now() + settings_.search_time_max;
    s.walkers.resize(settings_.walkers);
    auto pool = env.template pool<walk_search>();
    auto const id = pool.add(s);
    auto* mine = pool.find(id);
    if (mine == nullptr) return id;
    for (std::size_t i = 0; i < mine->walkers.size(); ++i) send_walker(env, *mine, i);
    end_if_done(env, id);
    if (pool.find(id) != nullptr) watch(env, env.now() + settings_.silence);
    return id;
  }

  void on_message(auto& env, peer from, link_hello const& m) { links_.on_message(env, from, m); }
  void on_message(auto& env, peer from, link_welcome const& m) { links_.on_message(env, from, m); }

  // A walker comes by.
  void on_message(auto& env, peer from, walk_query const& m) {
    if (!m.what || !m.asker || m.hops == 0 || m.asker == env.self()) {
      return own_walker(env, from, m);
    }
    if (m.hops == 1 && m.asker != from) return;
    if (!links_.serves(env, from)) return;
    if (auto const* mine = offer_of(env, m.what, settings_.record_lifetime)) {
      walk_hit const hit{m.nonce, m.ticket, m.walker, m.hops, *mine};
      if (park(env, from, m)) env.send(m.asker, hit);
    } else if (m.hops % settings_.check_every == 0) {
      if (park(env, from, m)) env.send(m.asker, walk_check{m.nonce, m.ticket, m.walker, m.hops});
    } else {
      move_on(env, from, m);
    }
  }

  // The asker's word for a walker that waits here.
  void on_message(auto& env, peer from, walk_go const& m) {
    auto pool = env.template pool<parked>();
    auto const id = pool.first([&](parked const& p) {
      return p.at.nonce == m.nonce && p.at.walker == m.walker && p.at.asker == from;
    });
    auto const* waiting = pool.find(id);
    if (waiting == nullptr) return;
    auto const p = *waiting;
    pool.erase(id);
    if (m.go) move_on(env, p.from, p.at);
  }

  // A walker of ours asks whether to go on.
  void on_message(auto& env, peer from, walk_check const& m) {
    bool const go = heard(env, m);
    env.send(from, walk_go{m.nonce, m.walker, go});
    end_if_done(env, search_of(env, m.nonce));
  }

  void on_message(auto& env, peer from, walk_hit const& m) {
    auto const id = search_of(env, m.nonce);
    auto* s = env.template pool<walk_search>().find(id);
    bool const met = s != nullptr && has_met(*s, m);
    bool const go = heard(env, m);
    if (met && from == m.record.head) {
      auto const hops = static_cast<std::uint8_t>(std::clamp<int>(m.hops, 1, 255));
      consider_hit(env, id, s->got, from, m.record, hops, settings_.record_lifetime_max);
    }
    // A record that is being checked is one more, if it holds.
    bool const would_do =
        met && s->got.checking + principals_in(s->got.records) >= s->got.at_least;
    if (would_do && go) stop(*s, m.walker);
    env.send(from, walk_go{m.nonce, m.walker, go && !would_do});
    end_if_done(env, id);
  }

  void on_fact(auto& env, checked const& f) {
    peer liar;
    auto const id = take_checked<walk_search>(env, f, liar);
    if (liar) links_.drop(liar);
    end_if_done(env, id);
  }

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag == search_tag) return sweep(env);
    if (tag != parked_tag) return links_.on_timer(env, tag);
    auto pool = env.template pool<parked>();
    auto next = never;
    pool.each([&](activity id, parked const& p) {
      if (p.due > env.now()) {
        next = std::min(next, p.due);
      } else {
        pool.erase(id);
      }
    });
    parked_at_ = next;
    if (next != never) env.arm(next - env.now(), parked_tag);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& links_& sweep_at_& parked_at_& next_;
    for (auto& n : nonces_) a& n;
    for (auto& u : used_) a& u;
  }

 private:
  [[nodiscard]] activity search_of(auto& env, std::uint64_t nonce) {
    return env.template pool<walk_search>().first(
        [&](walk_search const& s) { return s.got.nonce == nonce; });
  }
  static void stop(walk_search& s, std::size_t walker) { s.walkers[walker].walking = false; }

  // A walker that came back to its asker by chance goes on from here.
  void own_walker(auto& env, peer from, walk_query const& m) {
    if (m.asker != env.self() || m.hops == 0) return;
    auto const* s = env.template pool<walk_search>().find(search_of(env, m.nonce));
    if (s == nullptr || s->got.what != m.what || !links_.serves(env, from)) return;
    if (heard(env, m)) {
      move_on(env, from, m);
    } else {
      end_if_done(env, search_of(env, m.nonce));
    }
  }

  // Whether a report of a walker is from where the walker came by.
  template <class Report>
  [[nodiscard]] static bool has_met(walk_search const& s, Report const& m) {
    return m.walker < s.walkers.size() && s.walkers[m.walker].ticket == m.ticket;
  }
  // Notes where a walker is; whether it shall go on.
  template <class Report>
  [[nodiscard]] bool heard(auto& env, Report const& m) {
    auto* s = env.template pool<walk_search>().find(search_of(env, m.nonce));
    if (s == nullptr || !has_met(*s, m)) return false;
    auto& w = s->walkers[m.walker];
    if (!w.walking || m.hops <= w.hops || m.hops > settings_.ttl) return false;
    s->got.count(static_cast<std::size_t>(m.hops - w.hops) + 2);
    w.hops = m.hops;
    w.heard = env.now();
    if (m.hops == settings_.ttl || s->got.enough()) w.walking = false;
    return w.walking;
  }

  // Walker i begins at a neighbour of ours.
  void send_walker(auto& env, walk_search& s, std::size_t i) {
    auto& w = s.walkers[i];
    w.walking = false;
    w.ticket = env.random().bits();
    walk_query q{s.got.what, s.got.nonce, w.ticket, env.self(), static_cast<std::uint8_t>(i),
                 0, 1};
    q.ttl = static_cast<std::uint16_t>(settings_.ttl - 1);
    auto const to = next_for(env, q.nonce, {}, {});
    if (!to) return;
    w.walking = true;
    w.heard = env.now();
    w.hops = 0;
    s.got.count(1);
    env.send(to, q);
  }

  void move_on(auto& env, peer from, walk_query m) {
    auto const left = settings_.ttl - std::min(m.hops, settings_.ttl);
    m.ttl = std::min(m.ttl, static_cast<std::uint16_t>(left));
    if (m.ttl == 0) return;
    --m.ttl;
    ++m.hops;
    auto const to = next_for(env, m.nonce, from, m.asker);
    if (to) env.send(to, m);
  }

  // A random neighbour that no walker of this query was sent to yet.
  [[nodiscard]] peer next_for(auto& env, std::uint64_t nonce, peer from, peer asker) {
    auto& used = used_for(nonce);
    bounded_vector<std::uint8_t, links_max> fresh;
    bounded_vector<std::uint8_t, links_max> any;
    auto const& all = links_.all();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].to.who == from || all[i].to.who == asker) continue;
      any.push_back(static_cast<std::uint8_t>(i));
      if ((used & bit_of(all[i])) == 0) fresh.push_back(static_cast<std::uint8_t>(i));
    }
    if (any.empty()) return links_.knows(from) ? from : peer{};
    if (fresh.empty()) {
      used = 0;
      fresh = any;
    }
    auto const& to = all[fresh[static_cast<std::size_t>(env.random().below(fresh.size()))]];
    used |= bit_of(to);
    return to.to.who;
  }
  [[nodiscard]] static std::uint32_t bit_of(overlay_link const& l) noexcept {
    return std::uint32_t{1} << (l.to.prefix >> 27U);
  }
  [[nodiscard]] std::uint32_t& used_for(std::uint64_t nonce) {
    for (std::size_t i = 0; i < Memory; ++i) {
      if (nonces_[i] == nonce) return used_[i];
    }
    auto& mine = used_[next_];
    mine = 0;
    nonces_[next_] = nonce;
    next_ = static_cast<std::uint16_t>((next_ + 1U) % Memory);
    return mine;
  }

  [[nodiscard]] bool park(auto& env, peer from, walk_query const& m) {
    auto pool = env.template pool<parked>();
    std::size_t same = 0;
    pool.each([&](activity, parked const& p) { same += p.from == from ? 1U : 0U; });
    if (same >= parked::per_sender_max) return false;
    if (!pool.add({m, from, env.now() + settings_.parked_max})) return false;
    if (parked_at_ != never) return true;  // its timer looks at all of them
    parked_at_ = env.now() + settings_.parked_max;
    env.arm(settings_.parked_max, parked_tag);
    return true;
  }

  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), search_tag);
  }
  void sweep(auto& env) {
    if (env.now() < sweep_at_) return;  // a later sweep was brought forward: this one is idle
    sweep_at_ = never;
    auto pool = env.template pool<walk_search>();
    pool.each([&](activity id, walk_search& s) {
      if (s.got.deadline <= env.now()) return end_search<walk_search>(env, id, s.got);
      for (std::size_t i = 0; i < s.walkers.size(); ++i) {
        auto& w = s.walkers[i];
        if (!w.walking || w.heard + settings_.silence > env.now()) continue;
        if (w.replaced++ < settings_.replaced) {
          send_walker(env, s, i);
        } else {
          w.walking = false;
        }
      }
      end_if_done(env, id);
    });
    auto next = never;
    pool.each([&](activity, walk_search const& s) {
      next = std::min(next, s.got.deadline);
      for (auto const& w : s.walkers) {
        if (w.walking) next = std::min(next, w.heard + settings_.silence);
      }
    });
    if (next != never) watch(env, next);
  }

  void end_if_done(auto& env, activity id) {
    auto const* s = env.template pool<walk_search>().find(id);
    if (s == nullptr) return;
    bool const walking = std::any_of(s->walkers.begin(), s->walkers.end(),
                                     [](walker_state const& w) { return w.walking; });
    if (!s->got.enough() && (walking || s->got.checking > 0)) return;
    end_search<walk_search>(env, id, s->got);
  }

  walk_settings settings_{};
  overlay links_{};
  instant sweep_at_ = never;
  instant parked_at_ = never;
  std::uint16_t next_ = 0;
  std::array<std::uint64_t, Memory> nonces_{};
  std::array<std::uint32_t, Memory> used_{};
};

static_assert(RoutingPolicy<walk<32>, archetype_view<walk<32>>>);

}  // namespace hydra::routing
