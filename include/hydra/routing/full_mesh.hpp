// Full mesh: everybody is known by name and asked directly. The baseline of the room.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/routing/bucket.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/messages.hpp>
#include <hydra/routing/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::routing {

struct full_mesh_settings {
  duration answer_timeout = 1500ms;  // of one attempt
  duration record_lifetime = 15min;
  duration record_lifetime_max = 24h;
  std::uint8_t attempts = 2;
  template <class A>
  void serialize(A& a, unsigned) {
    a& answer_timeout& record_lifetime& record_lifetime_max& attempts;
  }
};

// A question to everybody.
struct mesh_lookup {
  static constexpr std::size_t per_peer_max = 12;
  service what{};
  demands needs{};
  std::uint64_t nonce = 0;
  instant due{};
  std::uint8_t attempts = 0;
  std::uint8_t checking = 0;
  std::uint16_t messages = 0;
  bounded_vector<peer, 64> silent{};  // asked, not answered yet
  bounded_vector<provider_record, candidates_max> records{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& nonce& due& attempts& checking& messages& silent& records;
    serialize_if_any(a, needs);
  }
};

struct mesh_check {
  static constexpr std::size_t per_peer_max = 64;
  command by{};
  activity of{};
  peer from{};
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& by& of& from& record;
  }
};

struct mesh_offer {
  static constexpr std::size_t per_peer_max = 16;
  provider_record record{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& record;
  }
};

// Knows up to 64 heads: those it was told of by join() and those that wrote to it first.
//
// Promises. find() ends with exactly one `found` within attempts * answer_timeout, or returns no
// activity because twelve are under way. Nothing is stored at others, so nothing is stale: a
// record is signed at the moment it is asked for.
//
// Rules. A head that can only call out is answered and not entered. A contact is dropped when
// `failed` says so four times without a word from it between: a mesh has no other way to know who
// left. The asker checks every signature; a forger is dropped.
//
// What an attacker gains: 64 places, first come first served, and no netgroup guard: this is for
// heads that know each other, for tests and for comparison.
//
// Cost: n requests and n answers per find; 12 bytes per contact, sizeof(full_mesh) is 808.
// There is no paper: this is what everybody builds first.
class full_mesh {
 public:
  using policy_concept = routing_tag;
  using messages = type_list<have_you, i_have, i_have_not>;
  using facts = type_list<found>;
  using activities = type_list<mesh_lookup, mesh_check, mesh_offer>;

  static constexpr std::size_t contacts_max = 64;
  static constexpr unsigned evict_after = 4;
  static constexpr std::uint16_t sweep_tag = 1;

  constexpr full_mesh() = default;
  constexpr explicit full_mesh(full_mesh_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.attempts > 0);
    HYDRA_EXPECTS(s.answer_timeout > duration{});
  }

  // Nearest first, by the first 32 bits of the keys.
  [[nodiscard]] constexpr bounded_vector<peer, contacts_max> closest(key const& to,
                                                                     std::size_t k) const {
    auto all = contacts_;
    auto const target = to.prefix();
    std::sort(all.begin(), all.end(), [&](contact const& a, contact const& b) {
      return (a.prefix ^ target) < (b.prefix ^ target);
    });
    bounded_vector<peer, contacts_max> out;
    for (std::size_t i = 0; i < std::min(k, all.size()); ++i) out.push_back(all[i].who);
    return out;
  }
  [[nodiscard]] constexpr std::size_t contacts() const noexcept { return contacts_.size(); }

  void join(auto& env, std::span<peer const> known) {
    for (auto who : known) seen(env, who);
  }
  void seen(auto& env, peer who) {
    if (!who || who == env.self()) return;
    if (auto* c = find_contact(who)) {
      c->lives(env.now());
    } else if (!contacts_.full()) {
      auto const a = env.about(who);
      if (a.reach != reach::open) return;
      contacts_.push_back({who, a.key.prefix(), group_tag(a.group), seen_at(env.now()), 0x80U});
    }
  }
  void failed(auto&, peer who) {
    auto* c = find_contact(who);
    if (c == nullptr) return;
    c->fails();
    if (c->failures() >= evict_after) contacts_.erase(c);
  }

  void publish(auto& env, provider_record const& r) {
    auto pool = env.template pool<mesh_offer>();
    auto const id = pool.first([&](mesh_offer const& o) { return o.record.what == r.what; });
    if (auto* mine = pool.find(id)) {
      auto const sequence = mine->record.about.sequence;
      mine->record = r;
      mine->record.about.sequence = sequence;
    } else {
      pool.add({r});
    }
  }
  void withdraw(auto& env, service what) {
    auto pool = env.template pool<mesh_offer>();
    pool.erase(pool.first([&](mesh_offer const& o) { return o.record.what == what; }));
  }

  activity find(auto& env, want const& w) {
    mesh_lookup l;
    l.what = w.what;
    l.needs = w.needs;
    l.nonce = env.random().bits();
    for (auto const& c : contacts_) l.silent.push_back(c.who);
    auto pool = env.template pool<mesh_lookup>();
    auto const id = pool.add(l);
    if (!id) return id;
    ask(env, *pool.find(id));
    end_if_done(env, id);
    return id;
  }

  void on_message(auto& env, peer from, have_you const& m) {
    seen(env, from);
    auto pool = env.template pool<mesh_offer>();
    auto* mine =
        pool.find(pool.first([&](mesh_offer const& o) { return o.record.what == m.what; }));
    if (mine == nullptr) return env.send(from, i_have_not{m.nonce});
    seal(env, mine->record, settings_.record_lifetime);
    env.send(from, i_have{m.nonce, mine->record});
  }
  void on_message(auto& env, peer from, i_have_not const& m) {
    auto const id = answered(env, from, m.nonce);
    if (id) end_if_done(env, id);
  }
  void on_message(auto& env, peer from, i_have const& m) {
    auto const id = answered(env, from, m.nonce);
    if (!id) return;
    auto* l = env.template pool<mesh_lookup>().find(id);
    auto checks = env.template pool<mesh_check>();
    bool const fit = m.record.what == l->what && m.record.head == from &&
                     m.record.power.cores != 0 && meets(m.record, l->needs) &&
                     acceptable(env, m.record, settings_.record_lifetime_max);
    if (fit && !checks.full()) {
      checks.add({check_seal(env, m.record), id, from, m.record});
      ++l->checking;
    }
    end_if_done(env, id);
  }
  void on_fact(auto& env, checked const& f) {
    auto pool = env.template pool<mesh_check>();
    auto const id = pool.first([&](mesh_check const& c) { return c.by == f.id; });
    auto const* waiting = pool.find(id);
    if (waiting == nullptr) return;
    auto const c = *waiting;
    pool.erase(id);
    if (!f.good) drop(c.from);
    auto* l = env.template pool<mesh_lookup>().find(c.of);
    if (l == nullptr) return;
    HYDRA_EXPECTS(l->checking > 0);
    --l->checking;
    if (f.good) add_diverse(l->records, c.record);
    end_if_done(env, c.of);
  }
  void on_fact(auto& env, unreachable const& f) {
    failed(env, f.who);
    env.template pool<mesh_lookup>().each([&](activity id, mesh_lookup& l) {
      drop_from(l, f.who);
      end_if_done(env, id);
    });
  }
  void on_timer(auto& env, std::uint16_t) {
    auto pool = env.template pool<mesh_lookup>();
    pool.each([&](activity id, mesh_lookup& l) {
      if (l.due > env.now()) return;
      for (auto who : l.silent) failed(env, who);
      if (!l.silent.empty() && l.attempts < settings_.attempts) return ask(env, l);
      finish(env, id, l);  // a check that has not come back by now is not waited for
    });
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& contacts_;
  }

 private:
  [[nodiscard]] constexpr contact* find_contact(peer who) {
    auto* const c = std::find_if(contacts_.begin(), contacts_.end(),
                                 [&](contact const& x) { return x.who == who; });
    return c == contacts_.end() ? nullptr : c;
  }
  void drop(peer who) {
    if (auto* c = find_contact(who)) contacts_.erase(c);
  }
  static bool drop_from(mesh_lookup& l, peer who) {
    auto* const at = std::find(l.silent.begin(), l.silent.end(), who);
    if (at == l.silent.end()) return false;
    l.silent.erase(at);
    return true;
  }
  void ask(auto& env, mesh_lookup& l) {
    ++l.attempts;
    l.due = env.now() + settings_.answer_timeout;
    for (auto who : l.silent) env.send(who, have_you{l.what, l.nonce});
    l.messages = static_cast<std::uint16_t>(l.messages + l.silent.size());
    if (!l.silent.empty()) env.arm(settings_.answer_timeout, sweep_tag);
  }
  activity answered(auto& env, peer from, std::uint64_t nonce) {
    auto pool = env.template pool<mesh_lookup>();
    auto const id = pool.first([&](mesh_lookup const& l) { return l.nonce == nonce; });
    auto* l = pool.find(id);
    if (l == nullptr || !drop_from(*l, from)) return {};
    seen(env, from);
    return id;
  }
  void end_if_done(auto& env, activity id) {
    auto* l = env.template pool<mesh_lookup>().find(id);
    if (l != nullptr && l->silent.empty() && l->checking == 0) finish(env, id, *l);
  }
  void finish(auto& env, activity id, mesh_lookup const& l) {
    found f;
    f.id = id;
    f.hops = l.records.empty() ? 0 : 1;
    for (auto const& r : l.records) f.among.push_back(candidate_of(r, 1));
    f.messages = l.messages;
    env.template pool<mesh_lookup>().erase(id);
    env.emit(f);
  }

  full_mesh_settings settings_{};
  bounded_vector<contact, contacts_max> contacts_{};
};

static_assert(RoutingPolicy<full_mesh, archetype_view<full_mesh>>);

}  // namespace hydra::routing
