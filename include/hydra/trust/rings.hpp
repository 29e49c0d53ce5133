// Rings of trust: oneself (0), the peer group (1), friends of friends (2), strangers (3).
//
// Promise: the ring of a principal never improves by what it does, only by whom it knows; its
// score starts at the prior of its ring and moves with the receipts of jobs done with it; who
// forged is refused, for good or for `ban` time, also after a crash if the driver can keep.
//
// Rules.
// - The peer group is given (at most 16, symmetric: both list each other). It is the only root
//   of trust besides oneself; nothing heard from outside it changes anything.
// - Friends vouch for their own peer group only, never for what they heard: ring 2 is exactly
//   two handshakes away. A vouch expires after `vouch_life`; saying it again renews it.
// - score = (r + 2a)/(r + s + 2) with a the prior of the ring: the mean of beta reputation with
//   a base rate (ledger.hpp). In ring 2, a is the friend's degree times the score of the friend,
//   never above the prior of ring 2 nor below that of strangers.
// - Credit needs receipts signed by both sides, of which this Hydra is one; it fades from the
//   instant of issue, so receipts read back after a crash give the same score again.
// - Strangers are admitted at their prior, so that newcomers get work; the verify room checks
//   ring 3 always, whatever its score.
// - Somebody who is banned counts one bad receipt against the friend who vouched for it.
// - Gossip: every `gossip` one friend, drawn at random, hears of at most four others, drawn at
//   random, in one signed message; the first at a random instant, so that peers do not speak all
//   at once. Signed, so that who vouched for a cheat can be shown to have done so.
//
// An attacker gains: as a stranger nothing but unverified refusal of service, and a new name
// costs nothing. As a friend who turns bad: ring 2 for at most four names, until they are caught
// once each or he is banned. Evidence of one stranger can be washed out of the ledger by more
// than 32 others; friends have a bonus of three receipts there. Vouches tell a friend who else
// is in the group: a group is no secret to its members.
// Cost: one pass over 32 x 16 bytes per receipt, vouch and question; 720 bytes per peer with
// 32 entries, 464 with 16; per `gossip` one message of at most 300 bytes on the wire, 144 in memory
// (1.3 B/s at 4 minutes), a signature made and one checked for each.
//
// Papers: Josang and Ismail (2002) for the mean; degrees along one step of trust as in TidalTrust
// (Golbeck 2005). Departures: chains end at two; degrees multiply; the latest or the best vouch
// counts, vouches do not add up (many friends of one clique are one witness).
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/trust/concept.hpp>
#include <hydra/trust/ledger.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace hydra::trusts {

inline constexpr std::size_t friends_max = 16;
inline constexpr std::size_t vouches_per_message_max = 4;
inline constexpr std::size_t vouches_per_friend_max = 4;  // remembered, of principals unknown

struct vouched_for {
  principal who{};
  trust how_far{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& how_far;
  }
};

// "These are in my peer group, and so far I trust them." subject: to whom it is said.
struct vouch {
  static constexpr message_id id{room::trust, 1, 1};
  envelope about{};
  bounded_vector<vouched_for, vouches_per_message_max> friends{};
  hydra::signature signature{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& friends& signature;
  }
};

// A vouch whose signature is being checked.
struct unchecked_vouch {
  static constexpr std::size_t per_peer_max = 4;  // more are dropped: they will be said again
  command check{};
  vouch what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& check& what;
  }
};

// Survives a crash.
struct kept_ban {
  principal who{};
  instant at{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& at;
  }
};

struct friendship {
  principal who{};
  peer head{};  // where to gossip to: given, or learned from its own gossip
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& head;
  }
};

struct rings_config {
  duration half_life = std::chrono::hours{7 * 24};  // of evidence; zero: it never fades
  duration ban{};                                   // how long a ban lasts; zero: for good
  duration vouch_life = std::chrono::hours{24};     // a vouch not renewed is void after that
  duration gossip = std::chrono::minutes{4};        // one message each; zero: none
  std::array<trust, 4> prior{trust::raw(trust::one), trust::percent(90), trust::percent(70),
                             trust::percent(50)};   // by ring
  trust floor = trust::percent(20);                 // nobody below is admitted

  template <class A>
  void serialize(A& a, unsigned) {
    a& half_life& ban& vouch_life& gossip& prior& floor;
  }
};

template <std::size_t Entries>
class basic_rings {
 public:
  using policy_concept = trust_tag;
  using messages = type_list<vouch>;
  using facts = type_list<banned>;
  using activities = type_list<unchecked_vouch>;
  using records = type_list<kept_ban>;
  static constexpr std::uint16_t gossip_tag = 1;

  basic_rings() = default;
  explicit basic_rings(rings_config const& config,
                       bounded_vector<principal, friends_max> const& group = {})
      : config_{config} {
    for (auto who : group) befriend(who);
  }

  // Adds to the peer group, or tells where a friend lives. False when the group is full.
  bool befriend(principal who, peer head = {}) {
    HYDRA_EXPECTS(static_cast<bool>(who));
    if (auto* f = friend_of(who)) {
      if (head) f->head = head;
      return true;
    }
    return group_.try_push_back({who, head});
  }

  void on_start(auto& env) {
    own_ = env.about(env.self()).principal;
    told_ = env.now();
    if constexpr (Stores<std::remove_reference_t<decltype(env)>>) {
      env.template recall_all<kept_ban>([&](std::uint64_t, kept_ban const& b) {
        if (!b.who || b.who == own_ || known_.ban_to_drop() != nullptr) return;
        make(b.who).ban(step(b.at));
      });
    }
    if (config_.gossip > duration{}) {
      env.every(config_.gossip, env.random().between(duration{}, config_.gossip), gossip_tag);
    }
  }

  void on_message(auto& env, peer from, vouch const& m) {
    auto const by = env.about(from).principal;
    auto* friendly = friend_of(by);
    if (friendly == nullptr || m.about.signer != by || m.about.subject != own_) return;
    if (m.about.domain != domain::vouch || !m.about.valid_at(env.now())) return;
    friendly->head = from;
    if constexpr (Signs<std::remove_reference_t<decltype(env)>>) {
      auto waiting = env.template pool<unchecked_vouch>();
      if (!waiting.full()) waiting.add({env.check(m, by, m.signature), m});
    } else {
      believe(env, m);
    }
  }
  void on_fact(auto& env, checked const& answer) {
    auto waiting = env.template pool<unchecked_vouch>();
    auto const which = waiting.first([&](auto const& w) { return w.check == answer.id; });
    if (!which) return;
    auto const heard = waiting.find(which)->what;
    waiting.erase(which);
    if (answer.good) believe(env, heard);
  }

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag != gossip_tag) return;
    told_ = env.now();
    for (auto& e : known_) {
      if (e.is_vouched() && !fresh(e, told_)) forget_vouch(e);
    }
    say(env);
  }

  void observe(auto& env, receipt const& r) {
    told_ = env.now();
    if (!own_) own_ = env.about(env.self()).principal;
    auto const what = aged(lesson_of(own_, r), step(r.about.issued), step(told_));
    if (!what.who) return;
    auto& e = make(what.who);
    if (is_out(e, told_)) return;
    if (e.is_banned()) pardon(env, e);
    e.add(step(told_), what.good, what.bad);
  }

  // Half a bad receipt: nobody was harmed yet, but a word was not kept.
  void misled(auto& env, principal who) {
    told_ = env.now();
    if (!who || who == own_ || is_out(who, told_)) return;
    auto& e = make(who);
    if (!e.is_banned()) e.add(step(told_), 0, evidence_unit / 2);
  }

  void vouched(auto& env, principal by, principal who, trust how_far) {
    told_ = env.now();
    auto const voucher = index_of_friend(by);
    if (voucher == friends_max || is_out(by, told_)) return;
    if (!who || who == own_ || friend_of(who) != nullptr || is_out(who, told_)) return;
    if (known_.find(who) == nullptr && !room_for_vouch(voucher)) return;
    auto const worth = share::raw(how_far.times(score_at(by, told_).units()));
    auto const degree = static_cast<std::uint8_t>(worth.times(255));
    auto& e = make(who);
    if (e.is_banned()) pardon(env, e);
    bool const better = degree > e.degree || !e.is_vouched() || !fresh(e, told_);
    if (e.voucher != voucher && !better) return;
    e.voucher = static_cast<std::uint8_t>(voucher);
    e.degree = degree;
    e.heard = hour(told_);
  }

  void proof(auto& env, principal who) {
    told_ = env.now();
    if (!who || who == own_ || is_out(who, told_)) return;
    if (auto const* old = known_.ban_to_drop()) {
      auto const forgiven = old->who;
      forget_ban(env, forgiven);
      known_.erase(forgiven);
    }
    auto& e = make(who);
    auto const voucher = e.voucher;
    bool const was_vouched = e.is_vouched() && fresh(e, told_);
    e.ban(step(told_));
    drop_vouches_of(index_of_friend(who));
    if (was_vouched) {
      auto& careless = make(group_[voucher].who);
      if (!careless.is_banned()) careless.add(step(told_), 0, evidence_unit);
    }
    env.emit(banned{who});
    if constexpr (Stores<std::remove_reference_t<decltype(env)>>) {
      env.keep(env.about(who).words()[0], kept_ban{who, told_});
    }
  }

  // As of the last instant this policy was told: at most one gossip period ago.
  [[nodiscard]] trust score(principal who) const { return score_at(who, told_); }

  [[nodiscard]] verdict admits(auto& env, principal who, right) const {
    auto const now = env.now();
    auto const s = score_at(who, now);
    auto const ring = ring_at(who, now);
    return {ring == 0 || (s >= config_.floor && !is_out(who, now)), s, ring};
  }

  [[nodiscard]] std::size_t remembered() const noexcept { return known_.size(); }
  [[nodiscard]] rings_config const& config() const noexcept { return config_; }
  [[nodiscard]] std::span<friendship const> group() const noexcept { return group_; }

  template <class A>
  void serialize(A& a, unsigned) {
    a& config_& group_& known_& own_& told_;
  }

 private:
  static constexpr std::int64_t hours_per_life = 8;  // the grid of vouches

  [[nodiscard]] std::uint32_t step(instant t) const noexcept {
    return step_of(t, config_.half_life / steps_per_half_life);
  }
  [[nodiscard]] std::uint16_t hour(instant t) const noexcept {
    return static_cast<std::uint16_t>(step_of(t, config_.vouch_life / hours_per_life));
  }
  // Old vouches are swept by every gossip, long before the 16 bits come round.
  [[nodiscard]] bool fresh(ledger_entry const& e, instant now) const noexcept {
    return static_cast<std::uint16_t>(hour(now) - e.heard) < hours_per_life;
  }
  [[nodiscard]] bool is_out(ledger_entry const& e, instant now) const noexcept {
    if (!e.is_banned()) return false;
    auto const each = config_.half_life / steps_per_half_life;
    if (config_.ban.count() <= 0 || each.count() <= 0) return true;
    return e.age(step(now)) <= config_.ban / each;
  }
  [[nodiscard]] bool is_out(principal who, instant now) const noexcept {
    auto const* e = known_.find(who);
    return e != nullptr && is_out(*e, now);
  }
  [[nodiscard]] friendship* friend_of(principal who) noexcept {
    auto const i = index_of_friend(who);
    return i == friends_max ? nullptr : &group_[i];
  }
  [[nodiscard]] std::size_t index_of_friend(principal who) const noexcept {
    for (std::size_t i = 0; i < group_.size(); ++i) {
      if (group_[i].who == who) return i;
    }
    return friends_max;
  }

  [[nodiscard]] std::uint8_t ring_at(principal who, instant now) const noexcept {
    if (own_ && who == own_) return 0;
    if (index_of_friend(who) != friends_max) return 1;
    auto const* e = known_.find(who);
    return e != nullptr && e->is_vouched() && fresh(*e, now) ? 2 : 3;
  }
  [[nodiscard]] trust score_at(principal who, instant now) const noexcept {
    auto const ring = ring_at(who, now);
    if (ring == 0) return trust::raw(trust::one);
    auto const* e = known_.find(who);
    auto base = config_.prior[ring];
    if (e == nullptr) return base;
    if (is_out(*e, now)) return {};
    if (e->is_banned()) return base;
    if (ring == 2) base = std::max(config_.prior[3], std::min(base, share::of(e->degree, 255)));
    return e->mean(step(now), base);
  }

  // What a full ledger keeps: bans (up to half of it), then friends, then evidence, then vouches.
  [[nodiscard]] ledger_entry& make(principal who) {
    return known_.make(who, [&](ledger_entry const& e) {
      auto worth = e.weight(step(told_));
      if (index_of_friend(e.who) != friends_max) worth += 3 * evidence_unit;
      if (e.is_vouched()) worth += evidence_unit / 2;
      return worth;
    });
  }
  void pardon(auto& env, ledger_entry& e) const {
    forget_ban(env, e.who);
    e = {.who = e.who};
  }
  static void forget_ban(auto& env, principal who) {
    if constexpr (Stores<std::remove_reference_t<decltype(env)>>) {
      env.template erase<kept_ban>(env.about(who).words()[0]);
    }
  }
  [[nodiscard]] bool room_for_vouch(std::size_t voucher) const noexcept {
    std::size_t of_this = 0;
    for (auto const& e : known_) of_this += e.voucher == voucher ? 1U : 0U;
    return of_this < vouches_per_friend_max;
  }
  static void forget_vouch(ledger_entry& e) noexcept {
    e.voucher = ledger_entry::nobody;
    e.degree = 0;
    e.heard = 0;
  }
  void drop_vouches_of(std::size_t voucher) noexcept {
    for (auto& e : known_) {
      if (e.voucher == voucher) forget_vouch(e);
    }
  }

  void believe(auto& env, vouch const& m) {
    for (auto const& v : m.friends) vouched(env, m.about.signer, v.who, v.how_far);
  }

  void say(auto& env) {
    std::array<std::uint8_t, friends_max> all{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < group_.size(); ++i) {
      if (!is_out(group_[i].who, told_)) all[n++] = static_cast<std::uint8_t>(i);
    }
    auto const good = std::span{all}.first(n);
    auto chance = env.random();
    auto const drawn = chance.sample(vouches_per_message_max + 1, good);
    if (drawn.size() < 2) return;
    auto const& to = group_[drawn[0]];
    if (!to.head) return;
    vouch m;
    m.about.domain = domain::vouch;
    m.about.signer = own_;
    m.about.subject = to.who;
    m.about.issued = told_;
    m.about.expires = told_ + config_.vouch_life;
    for (auto const i : drawn.subspan(1)) {
      m.friends.push_back({group_[i].who, score_at(group_[i].who, told_)});
    }
    if constexpr (Signs<std::remove_reference_t<decltype(env)>>) m.signature = env.sign(m);
    env.send(to.head, m);
  }

  rings_config config_{};
  bounded_vector<friendship, friends_max> group_{};
  ledger<Entries> known_{};
  principal own_{};
  instant told_{};
};

using rings = basic_rings<32>;

static_assert(TrustPolicy<rings, archetype_view<rings>>);

}  // namespace hydra::trusts
