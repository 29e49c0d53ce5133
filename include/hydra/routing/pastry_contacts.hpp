// The contacts of a head of Pastry, and how they are kept: who is asked whether it is alive, for a
// row or for a leaf set, and what happens when nobody answers. routing/pastry.hpp says the rules.
#pragma once

#include <hydra/core/policy.hpp>
#include <hydra/routing/pastry_lookup.hpp>
#include <hydra/routing/pastry_messages.hpp>
#include <hydra/routing/pastry_table.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

struct pastry_settings {
  duration hop_timeout = 750ms;         // until the next head has said anything
  duration rpc_timeout = 1500ms;        // of one attempt of anything else
  duration route_timeout = 4s;          // until a lookup is sent on its way again
  duration lookup_time_max = 12s;       // of a lookup, whatever happens
  duration tick = 30s;                  // period of all upkeep, at a random phase
  duration settle = 1s;                 // between exchanges of leaf sets after joining
  duration questionable_after = 10min;  // an entry unseen for so long: ping
  duration republish = 5min;            // plus or minus a quarter, drawn each time
  duration record_lifetime = 16min;     // of a record that we sign
  duration record_lifetime_max = 24h;   // of a record that we accept
  duration keep_period = 5min;          // of writing down known contacts
  std::uint8_t hops_max = 24;           // of a message on its way
  std::uint8_t hop_attempts = 2;        // per head and message
  std::uint8_t tries_max = 3;           // of a lookup, from its origin
  std::uint8_t evict_after = 3;         // failures in a row, 1..7
  std::uint8_t replicas = 4;            // heads that keep a record, the closest counted
  std::uint8_t enough_factor = 3;       // principals found per candidate wanted, then stop
  std::uint8_t settle_rounds = 5;
  bool iterative = false;               // the asker talks to every head on the way itself
  bool proximity = true;                // a nearer head (rtt) takes the place of a farther one
  bool maintain = true;                 // keep-alive, repair and periodic exchange
  store_limits limits{};                // of records kept for others
  template <class A>
  void serialize(A& a, unsigned) {
    a& hop_timeout& rpc_timeout& route_timeout& lookup_time_max& tick& settle;
    a& questionable_after& republish& record_lifetime& record_lifetime_max& keep_period;
    a& hops_max& hop_attempts& tries_max& evict_after& replicas& enough_factor& settle_rounds;
    a& iterative& proximity& maintain& limits;
  }
};

template <unsigned B, std::size_t Leaves>
class pastry_contacts {
 public:
  using table_type = pastry_table<B, Leaves>;
  using kind = question::kind;

  static constexpr std::uint16_t sweep_tag = 1;
  static constexpr std::uint16_t upkeep_tag = 2;
  static constexpr std::uint16_t settle_tag = 3;
  static constexpr std::size_t hearsay_below = 3;  // live contacts: then hearsay is turned to

  [[nodiscard]] constexpr table_type const& state() const noexcept { return table_; }
  [[nodiscard]] constexpr pastry_settings const& settings() const noexcept { return settings_; }

  // By distance on the ring.
  [[nodiscard]] constexpr bounded_vector<peer, Leaves> closest(key const& to,
                                                               std::size_t k) const {
    bounded_vector<contact, Leaves> near;
    table_.closest(to.prefix(), k, {}, near);
    bounded_vector<peer, Leaves> out;
    for (auto const& c : near) out.push_back(c.who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const { return table_.size(); }

  void seen(auto& env, peer who) { learn(env, who, evidence::heard); }
  void failed(auto& env, peer who) { silent(env, who); }

  // ---- told by others ------------------------------------------------------------------------

  void on_message(auto& env, peer from, ask_row const& m) {
    seen(env, from);
    row answer;
    answer.nonce = m.nonce;
    for (unsigned c = 0; m.row < table_type::rows && c < table_type::columns; ++c) {
      auto const& e = table_.at(m.row, c);
      if (e.who && e.live() && e.who != from) answer.who.push_back(e.who);
    }
    env.send(from, answer);
  }
  void on_message(auto& env, peer from, ask_leaves const& m) {
    seen(env, from);
    leaves answer;
    answer.nonce = m.nonce;
    for (auto const* set : {&table_.smaller(), &table_.larger()}) {
      for (auto const& c : *set) {
        auto const& all = answer.who;
        if (c.who == from || std::find(all.begin(), all.end(), c.who) != all.end()) continue;
        answer.who.push_back(c.who);
      }
    }
    env.send(from, answer);
  }
  void on_message(auto& env, peer from, row const& m) {
    if (!answered(env, from, m.nonce, kind::row)) return;
    for (auto who : m.who) learn(env, who, evidence::named);
  }
  void on_message(auto& env, peer from, leaves const& m) {
    if (!answered(env, from, m.nonce, kind::leaves)) return;
    for (auto who : m.who) learn(env, who, evidence::named);
  }
  void on_message(auto& env, peer from, ping const& m) {
    seen(env, from);
    env.send(from, pong{m.nonce});
  }
  void on_message(auto& env, peer from, pong const& m) {
    static_cast<void>(answered(env, from, m.nonce, kind::alive));
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& table_& sweep_at_& ticks_& settling_;
  }

 protected:
  constexpr pastry_contacts() = default;
  constexpr explicit pastry_contacts(pastry_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.hop_attempts > 0);
    HYDRA_EXPECTS(s.tries_max > 0);
    HYDRA_EXPECTS(s.evict_after > 0);
    HYDRA_EXPECTS(s.evict_after <= failures_countable);
    HYDRA_EXPECTS(s.replicas > 0);
    HYDRA_EXPECTS(s.replicas <= replicas_max);
    HYDRA_EXPECTS(s.tick > duration{});
    HYDRA_EXPECTS(s.record_lifetime <= s.record_lifetime_max);
    HYDRA_EXPECTS(s.record_lifetime > s.republish);
  }

  // ---- contacts --------------------------------------------------------------------------------

  void know_self(auto& env) {
    auto const own = env.about(env.self()).key;
    if (table_.own() != own.prefix()) table_ = table_type{own};
  }
  [[nodiscard]] static std::uint32_t prefix_of(auto& env, peer who) {
    return env.about(who).key.prefix();
  }
  [[nodiscard]] static bool can_be_called(auto& env, peer who) {
    return env.about(who).reach == reach::open;
  }
  [[nodiscard]] static bool usable(auto& env, peer who) {
    return who && who != env.self() && can_be_called(env, who);
  }

  void learn(auto& env, peer who, evidence how) {
    if (!usable(env, who)) return;
    auto const a = env.about(who);
    auto const prefix = a.key.prefix();
    contact const c{who, prefix, group_tag(a.group), 0, 0};
    bool nearer = false;
    auto const* place = settings_.proximity && how == evidence::answered
                            ? table_.entry_for(prefix) : nullptr;
    if (place != nullptr && place->who && place->who != who && a.rtt > duration{}) {
      auto const other = env.about(place->who).rtt;
      nearer = other > duration{} && a.rtt < other * 3 / 4;
    }
    if (table_.learn(c, how, env.now(), nearer)) ask(env, who, kind::alive);
  }
  // A question that is not under way already.
  void ask(auto& env, peer who, kind what, unsigned of_row = 0) {
    if (!settings_.maintain) return;
    auto pool = env.template pool<question>();
    auto const asked_already = pool.first(
        [&](question const& q) { return q.who == who && q.is == what; });
    if (pool.full() || asked_already) return;
    question const q{who, env.random().bits(), env.now() + settings_.rpc_timeout, what};
    pool.add(q);
    if (what == kind::alive) env.send(who, ping{q.nonce});
    if (what == kind::leaves) env.send(who, ask_leaves{q.nonce});
    if (what == kind::row) env.send(who, ask_row{q.nonce, static_cast<std::uint8_t>(of_row)});
    watch(env, q.due);
  }
  bool answered(auto& env, peer from, std::uint64_t nonce, kind what) {
    auto pool = env.template pool<question>();
    auto const id = pool.first([&](question const& q) {
      return q.nonce == nonce && q.who == from && q.is == what;
    });
    if (!id) return false;
    pool.erase(id);
    learn(env, from, evidence::answered);
    return true;
  }
  // One failure more; what is missing then is asked for.
  void silent(auto& env, peer who) {
    auto const prefix = prefix_of(env, who);
    auto const gone = table_.failed(who, prefix, settings_.evict_after);
    if (!settings_.maintain) return;
    if (gone.leaf) {
      bool const up = prefix - table_.own() < table_.own() - prefix;
      auto const& set = up ? table_.larger() : table_.smaller();
      auto const& other = up ? table_.smaller() : table_.larger();
      if (!set.empty()) {
        ask(env, set.back().who, kind::leaves);
      } else if (!other.empty()) {
        ask(env, other.front().who, kind::leaves);
      }
    }
    if (gone.entry) ask_of_row(env, table_.shared(prefix));
  }
  // Somebody of a row, else of the next: it has a row of the same heads' digits.
  void ask_of_row(auto& env, unsigned which) {
    for (unsigned r = which; r < std::min(which + 2, table_type::rows); ++r) {
      auto const first = static_cast<unsigned>(env.random().below(table_type::columns));
      for (unsigned i = 0; i < table_type::columns; ++i) {
        auto const& e = table_.at(r, (first + i) % table_type::columns);
        if (e.who && e.live() && e.failures() == 0) return ask(env, e.who, kind::row, which);
      }
    }
  }
  // On our way to our own key: the row that this head shares with us, of the last all leaves.
  void take_state(auto& env, peer from, bool last) {
    auto const shared = table_.shared(prefix_of(env, from));
    if (shared < table_type::rows) ask(env, from, kind::row, shared);
    if (last) ask(env, from, kind::leaves);
  }

  // ---- time ------------------------------------------------------------------------------------

  void watch(auto& env, instant due) {
    if (due >= sweep_at_) return;
    sweep_at_ = due;
    env.arm(due - env.now(), sweep_tag);
  }

  // Of questions that nobody answered.
  void sweep_questions(auto& env) {
    auto questions = env.template pool<question>();
    questions.each([&](activity id, question const& q) {
      if (q.due > env.now()) return;
      auto const who = q.who;
      questions.erase(id);
      silent(env, who);
    });
  }

  // Leaf sets of both neighbours, a few times after joining.
  void settle(auto& env) {
    if (settling_ == 0) return;
    --settling_;
    if (!table_.smaller().empty()) ask(env, table_.smaller().front().who, kind::leaves);
    if (!table_.larger().empty()) ask(env, table_.larger().front().who, kind::leaves);
    if (settling_ > 0) env.arm(settings_.settle, settle_tag);
  }

  // Of one tick: leaves that were not heard, one row, one that we doubt.
  void keep_up(auto& env) {
    auto const now = env.now();
    for (auto const* set : {&table_.smaller(), &table_.larger()}) {
      for (auto const& c : *set) {
        if (c.age(now) >= std::min<duration>(settings_.tick, seen_unit)) {
          ask(env, c.who, kind::alive);
        }
      }
    }
    auto const& near = ticks_ % 2 == 0 ? table_.smaller() : table_.larger();
    if (!near.empty()) ask(env, near.front().who, kind::leaves);
    ask_of_row(env, static_cast<unsigned>(ticks_ / 2U) % used_rows());
    if (auto const who = doubtful(now)) ask(env, who, kind::alive);
  }
  [[nodiscard]] unsigned used_rows() const {
    unsigned used = 1;
    table_.each([&](contact const& c) { used = std::max(used, table_.shared(c.prefix) + 1); });
    return std::min(used, table_type::rows);
  }
  // Hearsay first, then the longest unseen if that is long ago.
  [[nodiscard]] peer doubtful(instant now) const {
    contact const* worst = nullptr;
    table_.each([&](contact const& c) {
      if (c.live() && c.age(now) < settings_.questionable_after) return;
      if (worst == nullptr || (worst->live() && (!c.live() || c.age(now) > worst->age(now)))) {
        worst = &c;
      }
    });
    return worst == nullptr ? peer{} : worst->who;
  }
  // Neighbours, and a few of the first row.
  void keep_contacts(auto& env) {
    known_contacts kept;
    for (auto who : closest(env.about(env.self()).key, kept.who.capacity() / 2)) {
      kept.who.push_back(who);
    }
    if (kept.who.size() < 2) return;  // rather keep what is written down already
    table_.each([&](contact const& c) {
      bool const there = std::find(kept.who.begin(), kept.who.end(), c.who) != kept.who.end();
      if (c.live() && !there) kept.who.try_push_back(c.who);
    });
    env.keep(0, kept);
  }

  pastry_settings settings_{};
  table_type table_{};
  instant sweep_at_ = never;
  std::uint16_t ticks_ = 0;
  std::uint8_t settling_ = 0;
};

}  // namespace hydra::routing
