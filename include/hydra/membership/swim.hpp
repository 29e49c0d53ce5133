// SWIM: failure detection by probes and dissemination on their back, with suspicion and Lifeguard.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/membership/concept.hpp>
#include <hydra/membership/member_list.hpp>
#include <hydra/membership/swim_messages.hpp>
#include <hydra/membership/swim_state.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hydra::membership {

// Das, Gupta and Motivala (2002) with suspicion, and Lifeguard (Dadgar, Phillips and Currey 2018).
//
// Promises. neighbours() are the live members, suspected ones included; every change is told. A
// member that crashed is suspected somewhere after e/(e-1) periods on average, by everybody who
// hears nothing of others after 2n - 1 at the latest, and confirmed dead when the suspicion's time
// is over. A probing member sends two messages per period however large the group. Nothing is
// told to anybody who did not say something first, but pings to whom we were named.
//
// Rules.
// - Each period one member is pinged; after ping_timeout `helpers` others are asked to ping it; at
//   the end of the period it has failed. Answers repeat a nonce that was drawn for this probe and
//   come from the one that was asked: nobody keeps a dead member alive in another's name.
// - A failed member is suspected, and dead only when nobody heard it refute in time. It refutes by
//   a higher incarnation, which only itself gives out: alive(i) beats suspect(j) for i > j,
//   suspect(i) beats alive(j) for i >= j, dead(i) beats both for i >= j. A dead member that shows a
//   higher incarnation by itself is greeted and comes back: a restart keeps its key.
// - An incarnation is the second in which it was given out, or the last one plus one. So a restart
//   without a disk beats its former life, and nobody can drive a member's incarnation further than
//   the clock and its skew: what lies beyond is not heard.
// - Updates ride on pings and answers, least told first, each lambda * log2(n) times. Only updates
//   of live members are heard; what anybody says of ourselves is refuted, so that two who hold each
//   other for dead find together.
// - Whoever is named is hearsay until it answered a ping of our own: up to 8 are greeted per
//   period, four times each, and they fill at most a quarter of the list. It is no neighbour and
//   is told to nobody. Who pings us speaks for itself: it is greeted at once, and takes the place
//   of a name that has not answered where no other is free. Who is said to be dead is asked, up to
//   8 per period: if it lives it is back after a round trip. `verify_named = false` is the paper's
//   behaviour.
// - Joining is asking: a contact that answered is asked for its list, page after page, as long as
//   the keys ascend; at once where the page's last is on our list, else a page per period. The same
//   question, one page of somebody drawn, is put every sync_every periods: what gossip missed.
//   A dead one is greeted every revive_every periods, so two halves of a network find together.
// - LHA-Probe: failed probes, missing nacks and suspicions of ourselves stretch our own period and
//   timeout; answers shorten them. LHA-Suspicion: suspicion.hpp. Buddy: a ping to a suspected
//   member begins with the suspicion.
// - The list is a member of the policy, sized by `Members`, and not a pool: neighbours() is pure
//   and has no environment to open one. 12 bytes per place; swim<1024> is 12 kB. Suspicions and
//   pings for others come from pools.
//
// What an attacker gains. A stranger becomes a member by answering its greeting: nothing else is
// asked of it, and the words about others that come with that answer are believed already. A
// member can have another suspected at once (it costs that one a refutation) and can declare it
// dead: everybody who hears it drops it, asks it, and has it back after a round trip, or, where it
// buries more than 8 in a period, when they speak or are greeted (revive_every). It can do so
// again as often as it likes: each time costs every observer a round trip without that neighbour.
// This is SWIM's own weakness, and a group of strangers should not be one group. It can keep a
// dead one alive while it invents incarnations, at most one a second. Inventing members costs
// everybody at most 8 pings per period and no neighbour; it keeps out those that others name, and
// nobody who speaks for itself. As many strangers as a quarter of the list, who ping and do not
// answer, keep other newcomers out while they go on. Strangers are answered pings and pages, and
// are greeted up to four times each time they take a place; that is all.
//
// Cost. Two messages per member and period (four more per helper in a failed probe), a page every
// sync_every periods. One timer, armed anew; a stretched period is why it is no periodic one. A
// ping is 26 bytes on the wire and up to 7 updates of 92 to 111; what members send is measured in
// docs/concepts/membership_costs.md.
//
// Departures from the papers: log2 instead of ln in the number of tellings; a dead member can come
// back under its name (as in memberlist); hearsay, pages and greetings of the dead, above; pings,
// not rounds, are counted for nacks: one missing nack counts as one, whatever their number.
template <std::size_t Members = 64>
class swim {
  using list = member_list<Members>;
  static constexpr std::size_t nowhere = list::nowhere;

 public:
  using policy_concept = membership_tag;
  using messages = type_list<ping, ack, ping_request, relayed, who_is_there, these_are_there,
                             member_news, farewell>;
  using facts = type_list<neighbour_up, neighbour_down, suspected, refuted>;
  using activities = type_list<suspicion, relay>;

  static constexpr std::uint16_t wake_tag = 1;
  static constexpr std::size_t greetings_max = 8;       // per period
  static constexpr std::uint16_t greetings_each = 4;    // then a name is forgotten
  static constexpr std::size_t asked_dead_max = 8;      // per period, of those said to be dead
  static constexpr std::size_t deaths_per_call = 8;     // the rest a moment later
  static constexpr std::size_t contacts_max = 8;
  static constexpr std::size_t names_max = Members / 4 > 4 ? Members / 4 : 4;  // unanswered yet

  constexpr swim() = default;
  constexpr explicit swim(swim_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.period > duration{});
    HYDRA_EXPECTS(s.ping_timeout > duration{});
    HYDRA_EXPECTS(s.ping_timeout < s.period);
    HYDRA_EXPECTS(s.helpers <= helpers_max);
    HYDRA_EXPECTS(s.updates <= updates_max);
    HYDRA_EXPECTS(s.lambda > 0);
    HYDRA_EXPECTS(s.gossip_fanout <= helpers_max);
  }

  // A world too large to warm up gives every head its list, before it starts; nobody is told.
  // Precondition: no repeats.
  void adopt(std::span<peer const> everybody, peer self) {
    for (auto who : everybody) {
      if (who == self || members_.full()) continue;
      members_[members_.raise(members_.add(who, {}))].is = standing::alive;
    }
  }

  // ---- asked ------------------------------------------------------------------------------------

  [[nodiscard]] std::span<peer const> neighbours() const noexcept { return members_.live_ones(); }
  [[nodiscard]] list const& members() const noexcept { return members_; }
  [[nodiscard]] std::uint32_t incarnation() const noexcept { return incarnation_; }
  [[nodiscard]] std::uint8_t health() const noexcept { return health_; }  // 0: hears well
  [[nodiscard]] swim_settings const& settings() const noexcept { return settings_; }

  // ---- told by the parent -----------------------------------------------------------------------

  void on_start(auto& env) { begin(env); }

  void join(auto& env, std::span<peer const> known) {
    begin(env);
    for (auto who : known) {
      if (who != env.self() && !contacts_.full() &&
          std::find(contacts_.begin(), contacts_.end(), who) == contacts_.end()) {
        contacts_.push_back(who);
      }
      learn(env, who, 0, false);
    }
  }

  void leave(auto& env) {
    if (left_ || !begun_) return;
    left_ = true;
    incarnation_ = std::max(incarnation_ + 1, second_of(env));
    std::size_t const n = std::min<std::size_t>(tellings(), members_.live());
    for (std::size_t i = 0; i < n; ++i) {
      env.send(members_.who(members_.next_in_turn(env.random())), farewell{incarnation_});
    }
    probe_ = {};
    drop_activities(env);
  }

  void failed(auto& env, peer who) {
    auto const i = members_.find(who);
    if (i != nowhere && members_.is_live(i) && !left_) accuse(env, i);
  }

  // ---- told by others ---------------------------------------------------------------------------

  void on_message(auto& env, peer from, ping const& m) {
    if (left_) return;
    note_speaker(env, from);
    hear(env, from, m.incarnation, &m.news);
    ack answer;
    answer.nonce = m.nonce;
    answer.incarnation = incarnation_;
    pack(env, from, answer.news);
    env.send(from, answer);
  }

  void on_message(auto& env, peer from, ack const& m) {
    if (left_) return;
    if (probe_.who == from && probe_.nonce == m.nonce) {
      answered();
    } else if (m.nonce == greeting(env, from, secret_) ||
               m.nonce == greeting(env, from, last_secret_)) {
      welcome(env, from, m.incarnation);
    } else {
      pass_on(env, from, m.nonce);
    }
    hear(env, from, m.incarnation, &m.news);
  }

  void on_message(auto& env, peer from, ping_request const& m) {
    if (left_ || !is_neighbour(from)) return;
    hear(env, from, m.incarnation, &m.news);
    auto pool = env.template pool<relay>();
    if (!is_neighbour(m.target) || pool.full()) return;  // nobody is pinged that we do not know
    std::size_t of_this = 0;
    pool.each([&](activity, relay const& r) { of_this += r.asker == from ? 1U : 0U; });
    if (of_this >= relay::per_asker_max) return;
    relay r{from, m.target, m.nonce, env.random().bits(), env.now() + nack_after(), false};
    pool.add(r);
    watch(env, r.due);
    send_ping(env, m.target, r.nonce);
  }

  void on_message(auto& env, peer from, relayed const& m) {
    if (left_) return;
    auto* asked = std::find(probe_.helpers.begin(), probe_.helpers.end(), from);
    if (asked != probe_.helpers.end() && probe_.nonce == m.nonce) {
      if (m.answered) {
        answered();
      } else if (probe_.nacks < probe_.helpers.size()) {
        ++probe_.nacks;
      }
    }
    hear(env, from, m.incarnation, &m.news);
  }

  void on_message(auto& env, peer from, member_news const& m) {
    if (!left_) hear(env, from, m.incarnation, &m.news);
  }

  void on_message(auto& env, peer from, farewell const& m) {
    auto const i = members_.find(from);
    if (left_ || i == nowhere || !credible(env, m.incarnation, true)) return;
    if (members_.is_live(i)) bury(env, i, std::max(m.incarnation, members_[i].incarnation),
                                  standing::left);
  }

  void on_message(auto& env, peer from, who_is_there const& m) {
    if (left_) return;
    hear(env, from, m.incarnation, nullptr);
    these_are_there page;
    page.nonce = m.nonce;
    page.incarnation = incarnation_;
    struct place {
      std::uint64_t key = 0;
      std::size_t at = 0;
    };
    bounded_vector<place, page_max> first;
    for (std::size_t i = 0; i < members_.live(); ++i) {
      auto const k = prefix_of(env, members_.who(i));
      if (k <= m.after) continue;
      page.more = page.more || first.full();
      first.insert_bounded(std::find_if(first.begin(), first.end(),
                                        [&](place const& p) { return p.key > k; }), {k, i});
    }
    for (auto const& p : first) page.members.push_back(news_of(env, p.at));
    env.send(from, page);
  }

  void on_message(auto& env, peer from, these_are_there const& m) {
    if (left_ || sync_.who != from || sync_.nonce != m.nonce || !is_neighbour(from)) return;
    sync_ = {};
    hear(env, from, m.incarnation, nullptr);
    for (auto const& u : m.members) consider(env, from, u);
    auto const last = m.members.empty() ? peer{} : m.members.back().who;
    all_pages_ = all_pages_ && m.more && last && prefix_of(env, last) > next_page_;
    if (!all_pages_) return;
    next_page_ = prefix_of(env, last);
    bool const noted = last == env.self() || members_.find(last) != nowhere;
    if (noted && room_for_a_page()) ask_for_page(env, from, next_page_);  // else: next period
  }

  // ---- time -------------------------------------------------------------------------------------

  void on_timer(auto& env, std::uint16_t tag) {
    if (tag != wake_tag || left_ || env.now() < wake_at_) return;  // or taken over by another
    wake_at_ = origin;  // nothing is armed until all has been looked at
    auto const now = env.now();
    expire(env);
    send_nacks(env);
    if (probe_.who && probe_.ask_at <= now) ask_helpers(env);
    if (gossip_at_ <= now) gossip(env);
    if (next_probe_ <= now) {
      conclude(env);
      begin_period(env);
    }
    wake_at_ = never;
    watch(env, next_due(env));
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& members_& contacts_& probe_& sync_& wake_at_& next_probe_& gossip_at_& secret_;
    a& last_secret_& incarnation_& period_& next_page_& health_& told_& greeted_& asked_dead_;
    a& begun_& left_& all_pages_;
  }

 private:
  static constexpr std::uint16_t spoke = 0x8000;  // in a named one's stamp, above its greetings

  // ---- own life ---------------------------------------------------------------------------------

  static std::uint32_t second_of(auto& env) {
    return static_cast<std::uint32_t>(env.now().time_since_epoch() / 1s);
  }
  // Nobody's clock is that far ahead. Who speaks of itself is heard twice as far: else nobody could
  // refute the furthest that others may say of it.
  static bool credible(auto& env, std::uint32_t incarnation, bool own_word = false) {
    auto const skew = static_cast<std::uint32_t>(clock_skew_max / 1s);
    return incarnation <= second_of(env) + (own_word ? 2 * skew : skew);
  }
  void begin(auto& env) {
    if (begun_ && !left_) return;
    incarnation_ = std::max(left_ ? incarnation_ + 1 : incarnation_, second_of(env));
    begun_ = true;
    left_ = false;
    secret_ = env.random().bits();
    last_secret_ = secret_;
    next_probe_ = env.now() + env.random().between(duration{}, settings_.period);
    if (settings_.gossip_period > duration{}) {
      gossip_at_ = env.now() + env.random().between(duration{}, settings_.gossip_period);
    }
    wake_at_ = never;
    watch(env, std::min(next_probe_, gossip_at_));
  }
  // Somebody says that we are gone, or that we are more than we know: say that we are here.
  void hear_of_us(auto& env, update const& u, bool believed) {
    auto const heard = u.incarnation;
    if (heard < incarnation_ || (u.is == standing::alive && heard == incarnation_)) return;
    auto const next = std::max(heard + 1, second_of(env));
    if (!credible(env, heard) || !credible(env, next, true)) return;  // nobody would believe it
    incarnation_ = next;
    told_ = 0;
    if (believed) hears_worse();
  }
  void hears_worse() {
    if (settings_.lha_probe && health_ < settings_.health_max) ++health_;
  }
  void answered() {
    if (settings_.lha_probe && health_ > 0) --health_;
    probe_ = {};
  }
  void drop_activities(auto& env) {
    env.template pool<suspicion>().clear();
    env.template pool<relay>().clear();
  }

  // ---- what is said of others -------------------------------------------------------------------

  [[nodiscard]] bool is_neighbour(peer who) const {
    auto const i = members_.find(who);
    return i != nowhere && members_.is_live(i);
  }
  // By itself; then, of a live one, what it says of others.
  void hear(auto& env, peer from, std::uint32_t incarnation, updates const* news) {
    auto const i = members_.find(from);
    if (i == nowhere || !credible(env, incarnation, true)) return;
    auto const newer = incarnation > members_[i].incarnation;
    if (newer && members_.is_live(i)) clear(env, i, incarnation);
    if (newer && gone(i)) name_again(env, i, incarnation);
    if (news == nullptr) return;
    bool const believed = is_neighbour(from);  // of others; what is said of us is refuted anyway
    for (auto const& u : *news) {
      if (u.who == env.self()) {
        hear_of_us(env, u, believed);
      } else if (believed) {
        consider(env, from, u);
      }
    }
  }
  [[nodiscard]] bool gone(std::size_t i) const {
    return members_[i].is == standing::dead || members_[i].is == standing::left;
  }
  void consider(auto& env, peer from, update const& u) {
    if (!u.who || u.who == env.self() || u.is == standing::named) return;
    if (!credible(env, u.incarnation)) return;
    bool const there = u.is == standing::alive || u.is == standing::suspect;
    auto i = members_.find(u.who);
    if (i == nowhere) {
      if (there) learn(env, u.who, u.incarnation);
      return;
    }
    auto const known = members_[i].incarnation;
    if (!members_.is_live(i)) {
      if (there && gone(i) && u.incarnation > known) name_again(env, i, u.incarnation);
      return;
    }
    if (u.is == standing::alive) {
      if (u.incarnation > known) clear(env, i, u.incarnation);
    } else if (u.incarnation >= known) {
      if (u.is == standing::suspect) return suspect(env, i, u.incarnation, u.by ? u.by : from);
      bury(env, i, u.incarnation, u.is);
      ask_buried(env, u.who);
    }
  }
  // Others say that it is dead. It is told so at once, by a greeting that says nothing else; if it
  // lives its answer has a higher incarnation.
  void ask_buried(auto& env, peer who) {
    auto const i = members_.find(who);
    if (i == nowhere || !settings_.verify_named || asked_dead_ >= asked_dead_max) return;
    ++asked_dead_;
    ping m;
    m.nonce = greeting(env, who, secret_);
    m.incarnation = incarnation_;
    m.news.push_back(news_of(env, i));
    env.send(who, m);
  }
  // A newer incarnation: alive, and not suspected any more.
  void clear(auto& env, std::size_t i, std::uint32_t incarnation) {
    bool const was = members_[i].is == standing::suspect;
    members_[i].incarnation = incarnation;
    members_[i].is = standing::alive;
    members_.tell(i);
    if (!was) return;
    end_suspicion(env, members_.who(i));
    env.emit(refuted{members_.who(i)});
  }
  void suspect(auto& env, std::size_t i, std::uint32_t incarnation, peer by) {
    auto const who = members_.who(i);
    auto pool = env.template pool<suspicion>();
    if (!settings_.suspicion) return bury(env, i, incarnation, standing::dead);
    if (members_[i].is == standing::suspect && incarnation == members_[i].incarnation) {
      bool const counts = by == env.self() || is_neighbour(by);  // nobody is invented
      auto* s = pool.find(pool.first([&](suspicion const& x) { return x.who == who; }));
      if (s != nullptr) {
        if (!counts || !s->confirm(by, settings_.timeout)) return;
        members_.tell(i);
        s->due = s->since + timeout_of(*s);
        return watch(env, s->due);
      }  // else: dropped when we left; it begins anew
    }
    if (members_[i].is == standing::suspect) end_suspicion(env, who);
    suspicion s{who, env.now(), {}, {by}};
    s.due = s.since + timeout_of(s);
    if (!pool.add(s)) return;  // too many at a time: the next probe suspects it
    watch(env, s.due);
    bool const was = members_[i].is == standing::suspect;
    members_[i].incarnation = incarnation;
    members_[i].is = standing::suspect;
    members_.tell(i);
    if (!was) env.emit(suspected{who});
  }
  void accuse(auto& env, std::size_t i) {
    suspect(env, i, members_[i].incarnation, env.self());
  }
  [[nodiscard]] duration timeout_of(suspicion const& s) const {
    return s.timeout(settings_.timeout, settings_.period, members_.live() + 1);
  }
  void end_suspicion(auto& env, peer who) {
    auto pool = env.template pool<suspicion>();
    pool.erase(pool.first([&](suspicion const& s) { return s.who == who; }));
  }
  void bury(auto& env, std::size_t i, std::uint32_t incarnation, standing how) {
    auto const who = members_.who(i);
    if (members_[i].is == standing::suspect) end_suspicion(env, who);
    if (probe_.who == who) probe_ = {};
    i = members_.lower(i);
    members_[i].incarnation = incarnation;
    members_[i].is = how;
    members_[i].stamp = period_;
    members_.tell(i);
    env.emit(neighbour_down{who, how == standing::left ? neighbour_down::cause::left
                                                       : neighbour_down::cause::dead});
  }

  // ---- hearsay ----------------------------------------------------------------------------------

  // Contacts are greeted whatever the settings: nobody said that they live.
  void learn(auto& env, peer who, std::uint32_t incarnation = 0, bool believed = true) {
    if (!who || who == env.self() || members_.find(who) != nowhere) return;
    if (named() >= names_max) return;
    if (members_.full() && !forget_one_dead()) return;
    auto const i = members_.add(who, {.incarnation = incarnation});
    if (believed && !settings_.verify_named) return appear(env, i);
    greet_named(env, i);
  }
  // A ping came from it: that is more than a name. Of a named one's stamp the highest bit says so.
  void note_speaker(auto& env, peer who) {
    auto i = members_.find(who);
    if (i == nowhere) {
      if (!who || who == env.self() || !place_for_speaker()) return;
      i = members_.add(who, {.stamp = spoke});
      if (!settings_.verify_named) return appear(env, i);
    } else if (members_[i].is != standing::named || speaker(i)) {
      return;
    } else {
      members_[i].stamp |= spoke;
    }
    if (members_[i].stamp == spoke) greet(env, i);  // one ping for one ping
  }
  [[nodiscard]] bool speaker(std::size_t i) const {
    return members_[i].is == standing::named && (members_[i].stamp & spoke) != 0;
  }
  bool place_for_speaker() {
    if (named() < names_max && (!members_.full() || forget_one_dead())) return true;
    auto out = nowhere;
    for (auto i = members_.live(); i < members_.size(); ++i) {
      if (members_[i].is != standing::named || speaker(i)) continue;
      if (out == nowhere || members_[i].stamp > members_[out].stamp) out = i;
    }
    if (out != nowhere) members_.erase(out);
    return out != nowhere;
  }
  [[nodiscard]] std::size_t named() const {
    std::size_t n = 0;
    for (auto i = members_.live(); i < members_.size(); ++i) {
      n += members_[i].is == standing::named ? 1 : 0;
    }
    return n;
  }
  [[nodiscard]] bool room_for_a_page() const {
    return !settings_.verify_named || named() == 0 || named() + page_max <= names_max;
  }
  bool forget_one_dead() {
    auto oldest = nowhere;
    auto const age = [&](std::size_t i) {
      return static_cast<std::uint16_t>(period_ - members_[i].stamp);
    };
    for (auto i = members_.live(); i < members_.size(); ++i) {
      if (gone(i) && (oldest == nowhere || age(i) > age(oldest))) oldest = i;
    }
    if (oldest != nowhere) members_.erase(oldest);
    return oldest != nowhere;
  }
  void name_again(auto& env, std::size_t i, std::uint32_t incarnation) {
    members_.hush(i);
    members_[i] = {.incarnation = incarnation};
    if (!settings_.verify_named) return appear(env, i);
    greet_named(env, i);
  }
  void greet_named(auto& env, std::size_t i) {
    if (greeted_ >= greetings_max) return;
    ++greeted_;
    greet(env, i);
  }
  void greet(auto& env, std::size_t i) {
    if (members_[i].is == standing::named) ++members_[i].stamp;
    send_ping(env, members_.who(i), greeting(env, members_.who(i), secret_));
  }
  // A nonce that we know again without keeping it: drawn anew every period, another for each.
  static std::uint64_t greeting(auto& env, peer who, std::uint64_t secret) {
    return mix64(secret ^ prefix_of(env, who));
  }
  static std::uint64_t prefix_of(auto& env, peer who) { return env.about(who).key.words()[0]; }
  // It answered a greeting.
  void welcome(auto& env, peer who, std::uint32_t incarnation) {
    auto const i = members_.find(who);
    if (i == nowhere || members_.is_live(i) || !credible(env, incarnation, true)) return;
    if (gone(i) && incarnation <= members_[i].incarnation) return;  // it has not refuted yet
    members_.hush(i);
    members_[i].incarnation = std::max(incarnation, members_[i].incarnation);
    appear(env, i);
  }
  void appear(auto& env, std::size_t i) {
    auto const who = members_.who(i);
    bool const alone = members_.live() == 0;
    i = members_.raise(i);
    members_[i].is = standing::alive;
    members_.tell(i);
    env.emit(neighbour_up{who});
    if (!alone) return;
    told_ = 0;
    all_pages_ = true;
    next_page_ = 0;
    ask_for_page(env, who, 0);
  }
  void ask_for_page(auto& env, peer who, std::uint64_t after) {
    sync_ = {who, env.random().bits()};
    env.send(who, who_is_there{sync_.nonce, incarnation_, after});
  }

  // ---- piggy-backing ----------------------------------------------------------------------------

  [[nodiscard]] std::uint8_t tellings() const {
    return static_cast<std::uint8_t>(
        std::min<std::size_t>(settings_.lambda * std::bit_width(members_.live() + 1), quiet - 1));
  }
  [[nodiscard]] update news_of(auto& env, std::size_t i) {
    update u{members_.who(i), {}, members_[i].incarnation, members_[i].is};
    if (u.is != standing::suspect) return u;
    auto pool = env.template pool<suspicion>();
    auto const* s = pool.find(pool.first([&](suspicion const& x) { return x.who == u.who; }));
    if (s != nullptr) u.by = s->said_by(env.self());
    return u;
  }
  // Whoever is thought gone, or suspected, hears of it first; then what was told least. The own
  // standing rides in every header; it is an update too, for those who hear of us from others.
  void pack(auto& env, peer to, updates& news) {
    auto const i = members_.find(to);
    if (i != nowhere && (gone(i) || (members_[i].is == standing::suspect && settings_.buddy))) {
      news.push_back(news_of(env, i));
    }
    auto const limit = tellings();
    for (auto at : members_.least_told(settings_.updates)) {
      if (news.full() || news.size() >= settings_.updates) break;
      if (at == i && !news.empty() && news[0].who == to) continue;  // said already
      news.push_back(news_of(env, at));
      members_.was_told(at, limit);
    }
    if (told_ < limit && !news.full()) {
      ++told_;
      news.push_back({env.self(), {}, incarnation_, standing::alive});
    }
  }
  void send_ping(auto& env, peer to, std::uint64_t nonce) {
    ping m;
    m.nonce = nonce;
    m.incarnation = incarnation_;
    pack(env, to, m.news);
    env.send(to, m);
  }

  // ---- periods ----------------------------------------------------------------------------------

  void watch(auto& env, instant due) {
    if (due >= wake_at_) return;
    wake_at_ = due;
    env.arm(due - env.now(), wake_tag);
  }
  [[nodiscard]] instant next_due(auto& env) const {
    auto next = std::min(next_probe_, gossip_at_);
    if (probe_.who) next = std::min(next, probe_.ask_at);
    env.template pool<suspicion>().each(
        [&](activity, suspicion const& s) { next = std::min(next, s.due); });
    env.template pool<relay>().each(
        [&](activity, relay const& r) { next = std::min(next, r.due); });
    return std::max(next, env.now());
  }
  // Stretched while we hear badly.
  [[nodiscard]] duration stretched(duration d) const { return d * (1 + health_); }
  [[nodiscard]] duration nack_after() const { return settings_.ping_timeout * 4 / 5; }

  void begin_period(auto& env) {
    ++period_;
    greeted_ = 0;
    asked_dead_ = 0;
    last_secret_ = std::exchange(secret_, env.random().bits());
    next_probe_ = env.now() + stretched(settings_.period);
    tidy(env);
    if (members_.live() == 0) return;
    bool const due = settings_.sync_every != 0 && period_ % settings_.sync_every == 0;
    if (due || (all_pages_ && room_for_a_page())) {
      auto const at = static_cast<std::size_t>(env.random().below(members_.live()));
      auto const any = env.random().bits();
      ask_for_page(env, members_.who(at), all_pages_ ? next_page_ : any);
    }
    auto const at = settings_.round_robin
                        ? members_.next_in_turn(env.random())
                        : static_cast<std::size_t>(env.random().below(members_.live()));
    probe_ = {members_.who(at), env.random().bits(),
              env.now() + stretched(settings_.ping_timeout), {}, 0};
    send_ping(env, probe_.who, probe_.nonce);
  }
  // Forgets who has been dead for long or was named in vain; greets those who have not answered.
  void tidy(auto& env) {
    for (auto i = members_.size(); i-- > members_.live();) {
      auto const& m = members_[i];
      auto const age = static_cast<std::uint16_t>(period_ - m.stamp);
      auto const greetings = static_cast<std::uint16_t>(m.stamp & ~spoke);
      if (m.is == standing::named ? greetings >= greetings_each : age >= settings_.remember) {
        members_.erase(i);
      }
    }
    for (bool const speakers : {true, false}) {
      for (auto i = members_.size(); i-- > members_.live();) {
        if (members_[i].is == standing::named && speaker(i) == speakers) greet_named(env, i);
      }
    }
    auto const others = members_.size() - members_.live();
    if (settings_.revive_every != 0 && period_ % settings_.revive_every == 0 && others != 0) {
      auto const i = members_.live() + static_cast<std::size_t>(env.random().below(others));
      if (members_[i].is == standing::dead) {
        ++greeted_;
        greet(env, i);
      }
    }
    if (members_.live() == 0) {
      for (auto who : contacts_) learn(env, who, 0, false);
    }
  }
  void ask_helpers(auto& env) {
    probe_.ask_at = never;
    auto const direct = members_.find(probe_.who);
    if (direct == nowhere || !members_.is_live(direct)) return;
    auto const others = members_.live() - 1;
    std::size_t const wanted = std::min<std::size_t>(settings_.helpers, others);
    while (probe_.helpers.size() < wanted) {  // few out of many: drawn again when drawn twice
      auto at = static_cast<std::size_t>(env.random().below(others));
      if (at >= direct) ++at;
      auto const helper = members_.who(at);
      auto const& all = probe_.helpers;
      if (std::find(all.begin(), all.end(), helper) == all.end()) probe_.helpers.push_back(helper);
    }
    for (auto helper : probe_.helpers) {
      ping_request m;
      m.nonce = probe_.nonce;
      m.incarnation = incarnation_;
      m.target = probe_.who;
      pack(env, helper, m.news);
      env.send(helper, m);
    }
  }
  // The period is over: whoever was probed and did not answer has failed.
  void conclude(auto& env) {
    if (!probe_.who) return;
    auto const failed = std::exchange(probe_, {});
    hears_worse();
    if (failed.nacks < failed.helpers.size()) hears_worse();
    auto const i = members_.find(failed.who);
    if (i != nowhere && members_.is_live(i)) accuse(env, i);
  }
  void expire(auto& env) {
    auto pool = env.template pool<suspicion>();
    for (std::size_t deaths = 0; deaths < deaths_per_call; ++deaths) {
      auto const id = pool.first([&](suspicion const& s) { return s.due <= env.now(); });
      auto const* s = pool.find(id);
      if (s == nullptr) return;
      auto const i = members_.find(s->who);
      if (i == nowhere || !members_.is_live(i)) {
        pool.erase(id);
      } else {
        bury(env, i, members_[i].incarnation, standing::dead);
      }
    }
  }
  void gossip(auto& env) {
    gossip_at_ = env.now() + settings_.gossip_period;
    for (std::size_t i = 0; i < settings_.gossip_fanout && members_.live() != 0; ++i) {
      if (!members_.to_tell() && told_ >= tellings()) return;
      auto const to =
          members_.who(static_cast<std::size_t>(env.random().below(members_.live())));
      member_news m;
      m.incarnation = incarnation_;
      pack(env, to, m.news);
      env.send(to, m);
    }
  }

  // ---- for others -------------------------------------------------------------------------------

  void pass_on(auto& env, peer from, std::uint64_t nonce) {
    auto pool = env.template pool<relay>();
    auto const id =
        pool.first([&](relay const& r) { return r.target == from && r.nonce == nonce; });
    auto const* r = pool.find(id);
    if (r == nullptr) return;
    send_relayed(env, *r, true);
    pool.erase(id);
  }
  void send_relayed(auto& env, relay const& r, bool answered) {
    relayed m;
    m.nonce = r.asked;
    m.incarnation = incarnation_;
    m.answered = answered;
    pack(env, r.asker, m.news);
    env.send(r.asker, m);
  }
  void send_nacks(auto& env) {
    auto pool = env.template pool<relay>();
    pool.each([&](activity id, relay& r) {
      if (r.due > env.now()) return;
      if (r.nacked) {
        pool.erase(id);
        return;
      }
      if (settings_.lha_probe) send_relayed(env, r, false);
      r.nacked = true;
      r.due += settings_.period;
    });
  }

  swim_settings settings_{};
  list members_{};
  bounded_vector<peer, contacts_max> contacts_{};
  probing probe_{};
  syncing sync_{};
  instant wake_at_ = never;
  instant next_probe_ = never;
  instant gossip_at_ = never;
  std::uint64_t secret_ = 0;       // of greetings of this period
  std::uint64_t last_secret_ = 0;  // and of the one before
  std::uint64_t next_page_ = 0;    // while all are asked for
  std::uint32_t incarnation_ = 0;
  std::uint16_t period_ = 0;
  std::uint8_t health_ = 0;  // Lifeguard's local health multiplier
  std::uint8_t told_ = 0;    // how often our own standing was told
  std::uint8_t greeted_ = 0;
  std::uint8_t asked_dead_ = 0;
  bool begun_ = false;
  bool left_ = false;
  bool all_pages_ = false;  // ask for the pages that follow, too
};

static_assert(MembershipPolicy<swim<>, archetype_view<swim<>>>);

}  // namespace hydra::membership
