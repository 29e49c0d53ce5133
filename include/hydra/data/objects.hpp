// Objects move: a range of an object is fetched from those who have it, piece by piece.
//
// Promise: every get() that was not dropped is answered by exactly one fetched{}. Whatever a
// holder does, the fetch goes on with the others; it fails when none is left.
//
// Rules, with reasons.
// - A holder streams a piece and then says so; the message comes behind the last byte. Each holder
//   has one piece at a time, so that a fast one carries more, and a crash costs at most a piece.
// - Who says nothing for `poll` is asked again under the same ticket: that starts nothing twice.
//   After `silent_max` times it is given up, and what it owed goes to another.
// - A holder that serves as many as it may says `under_way`: the asker asks again every `poll`.
// - A cut piece counts as far as it came; only the rest is asked for again.
// - A piece without the right proof does not count, and its holder is given up.
// - Who wants what is on its way already waits for that: nothing is fetched twice at a time.
// What an attacker gains: serving::per_peer_max streams at a time, of objects this head has.
// Cost: 2 messages per piece, one more per `poll` while it is on its way.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/policy.hpp>
#include <hydra/data/cache.hpp>
#include <hydra/data/messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra {

inline constexpr std::size_t holders_max = 4;
inline constexpr std::uint64_t piece_bytes_max = std::uint64_t{64} << 20U;

struct piece {
  peer from{};
  std::uint64_t ticket = 0;
  byte_range which{};
  instant until{};
  std::uint8_t silent = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& from& ticket& which& until& silent;
  }
};

// An object on its way to us.
struct fetching {
  static constexpr std::size_t per_peer_max = 256;
  object_id what{};
  byte_range which{};
  std::uint64_t came = 0;
  std::uint8_t cuts = 0;
  bounded_vector<peer, holders_max> holders{};
  bounded_vector<piece, holders_max> asked{};
  bounded_vector<byte_range, 16> missing{};  // ascending, never adjacent; nobody is asked for it
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& which& came& cuts& holders& asked& missing;
  }
};

// Somebody here who waits for an object: one for each get().
struct getting {
  static constexpr std::size_t per_peer_max = 512;
  activity from{};      // the fetching
  bool joined = false;  // which was under way before
  template <class A>
  void serialize(A& a, unsigned) {
    a& from& joined;
  }
};

// An object on its way from us; remembered for a while when it is over.
struct serving {
  static constexpr std::size_t per_peer_max = 128;
  std::uint64_t ticket = 0;
  peer to{};
  object_id what{};
  byte_range which{};
  command run{};  // none: it is over
  sending last{};
  instant until{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& ticket& to& what& which& run& last& until;
  }
};

class objects {
 public:
  using policy_concept = data_tag;
  using messages = type_list<fetch, sending>;
  using facts = type_list<fetched>;
  using activities = type_list<held_object, fetching, serving, getting>;

  static constexpr duration poll = 10s;
  static constexpr std::uint8_t silent_max = 3;
  static constexpr std::uint8_t cuts_max = 8;
  static constexpr duration remembered = 60s;  // a ticket, after its end

  objects() = default;
  // `shelf`: what lies on this head's disk from the start and in every life.
  explicit objects(std::uint64_t bytes_max, object_ref const& shelf = {}) noexcept
      : bytes_max_{bytes_max}, shelf_{shelf} {}

  // ---- what we have
  template <class Env>
  [[nodiscard]] bool holds(Env& env, object_id what, byte_range which) const {
    bool const shelved = what == shelf_.id && within(which, {0, shelf_.bytes});
    if constexpr (requires { env.has(what, which); }) {
      if (env.has(what, which)) return true;
    }
    return (shelved && shelf_) || here(env).holds(what, which);
  }
  template <class Env>
  bool add(Env& env, object_id what, byte_range which, bool pinned = false) const {
    return here(env).add(what, which, pinned);
  }
  template <class Env>
  void unpin(Env& env, object_id what, byte_range which) const {
    here(env).unpin(what, which);
  }

  // ---- what we want
  // None: as many are on their way as may be, or nobody is said to have it.
  template <class Env>
  [[nodiscard]] activity get(Env& env, object_id what, byte_range which,
                             std::span<peer const> holders) {
    auto gets = env.template pool<getting>();
    if (gets.full()) return {};
    bool const have = which.count == 0 || holds(env, what, which);
    auto id = have ? activity{} : join(env, what, which, holders);
    auto const mine = gets.add({id, static_cast<bool>(id)});
    if (!id) {
      fetching f{what, which, 0, 0, {}, {}, {}};
      if (!have) f.missing.push_back(which);
      know(env, f, holders);
      if (have || !f.holders.empty()) id = env.template pool<fetching>().add(f);
      if (!id) {
        gets.erase(mine);
        return {};
      }
      gets.find(mine)->from = id;
    }
    std::size_t none = 0;  // whoever asks for much at once is answered a few at a time
    go_on(env, id, none);
    return mine;
  }
  template <class Env>
  void drop(Env& env, activity get) {
    auto gets = env.template pool<getting>();
    auto const* g = gets.find(get);
    if (g == nullptr) return;
    auto const from = g->from;
    gets.erase(get);
    if (!gets.first([&](getting const& o) { return o.from == from; })) {
      env.template pool<fetching>().erase(from);
    }
  }

  // ---- the holder
  template <class Env>
  void on_message(Env& env, peer from, fetch const& m) {
    auto all = env.template pool<serving>();
    auto const now = env.now();
    all.each([&](activity id, serving const& s) {
      if (!s.run && s.until <= now) all.erase(id);
    });
    auto const known = all.first([&](serving const& s) {
      return s.to == from && s.ticket == m.ticket;
    });
    if (known) {
      auto const& s = *all.find(known);
      env.send(from, s.run ? sending{m.ticket, carriage::under_way, 0, {}} : s.last);
      return;
    }
    constexpr bool moves = requires { env.stream(from, m.what, m.which); };
    bool const ours = moves && m.which.count > 0 && holds(env, m.what, m.which);
    serving const fresh{m.ticket, from, m.what, m.which, {}, {}, {}};
    auto id = ours ? all.add(fresh) : activity{};
    if (ours && !id) {  // what is over makes room; else it waits and asks again
      auto const over = all.first([](serving const& s) { return !s.run; });
      if (over) all.erase(over);
      id = all.add(fresh);
    }
    if (!id) {
      env.send(from, sending{m.ticket, ours ? carriage::under_way : carriage::not_here, 0, {}});
      return;
    }
    if constexpr (moves) all.find(id)->run = env.stream(from, m.what, m.which);
  }
  template <class Env>
  void on_fact(Env& env, stream_done const& d) {
    auto all = env.template pool<serving>();
    auto const id = all.first([&](serving const& s) { return s.run && s.run == d.id; });
    if (!id) return;
    auto& s = *all.find(id);
    s.run = {};
    s.until = env.now() + remembered;
    s.last = {s.ticket, d.ok ? carriage::done : carriage::cut, d.bytes,
              d.ok ? env.hash(bytes_claim{s.what, s.which}) : key{}};
    env.send(s.to, s.last);
  }

  // ---- the asker
  template <class Env>
  void on_message(Env& env, peer from, sending const& m) {
    auto all = env.template pool<fetching>();
    auto const asked = [&](piece const& p) { return p.from == from && p.ticket == m.ticket; };
    auto const id = all.first([&](fetching const& f) {
      return std::any_of(f.asked.begin(), f.asked.end(), asked);
    });
    if (!id) return;
    auto& f = *all.find(id);
    auto* p = std::find_if(f.asked.begin(), f.asked.end(), asked);
    if (m.how == carriage::under_way) {
      p->silent = 0;
      p->until = env.now() + poll;
      return wake_by(env, p->until);
    }
    auto const which = p->which;
    bool const whole = m.how == carriage::done && m.bytes == which.count &&
                       m.proof == env.hash(bytes_claim{f.what, which});
    f.asked.erase(p);
    if (whole) {
      f.came += which.count;
    } else {
      auto const part = m.how == carriage::cut ? std::min(m.bytes, which.count) : 0;
      f.came += part;
      miss(f, {which.first + part, which.count - part});
      if (m.how != carriage::cut || ++f.cuts > cuts_max) lose(f, from);
    }
    auto answers = answers_per_call_max;
    go_on(env, id, answers);
  }
  template <class Env>
  void on_unreachable(Env& env, peer who) {
    auto answers = answers_per_call_max;
    env.template pool<fetching>().each([&](activity id, fetching& f) {
      if (std::find(f.holders.begin(), f.holders.end(), who) == f.holders.end()) return;
      lose(f, who);
      go_on(env, id, answers);
    });
  }
  template <class Env>
  void on_timer(Env& env, std::uint16_t) {
    tick_ = {};
    auto const now = env.now();
    auto next = never;
    auto answers = answers_per_call_max;
    env.template pool<fetching>().each([&](activity id, fetching& f) {
      bounded_vector<peer, holders_max> silent;
      for (auto& p : f.asked) {
        if (p.until <= now && ++p.silent > silent_max) {
          silent.push_back(p.from);
        } else if (p.until <= now) {
          p.until = now + poll;
          env.send(p.from, fetch{p.ticket, f.what, p.which});
        }
        next = std::min(next, p.until);
      }
      for (auto who : silent) lose(f, who);
      if (!silent.empty() || f.asked.empty()) go_on(env, id, answers);
    });
    if (next != never) wake_by(env, std::max(next, now + 1ms));
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& bytes_max_& shelf_& tick_& tick_due_;
  }

 private:
  static constexpr std::size_t answers_per_call_max = facts_per_call_max / 2;
  template <class Env>
  [[nodiscard]] cache here(Env& env) const {
    return {env.template pool<held_object>(), env.now(), bytes_max_};
  }

  // What is under way already and brings this range; whoever else is said to have it helps. None
  // when they are too many: then each of them is asked in a fetch of its own.
  template <class Env>
  [[nodiscard]] activity join(Env& env, object_id what, byte_range which,
                              std::span<peer const> holders) {
    auto all = env.template pool<fetching>();
    auto const id = all.first([&](fetching const& f) {
      if (f.asked.empty() || f.what != what || !within(which, f.which)) return false;
      auto with_them = f;
      return know(env, with_them, holders);
    });
    if (id) know(env, *all.find(id), holders);
    return id;
  }
  // False: one is left out.
  template <class Env>
  static bool know(Env& env, fetching& f, std::span<peer const> holders) {
    for (auto p : holders) {
      bool const known = std::find(f.holders.begin(), f.holders.end(), p) != f.holders.end();
      if (!p || p == env.self() || known) continue;
      if (!f.holders.try_push_back(p)) return false;
    }
    return true;
  }

  // What is missing goes to those who are idle; then, perhaps, it is over: so many of those who
  // wait are told now, the others soon.
  template <class Env>
  void go_on(Env& env, activity id, std::size_t& answers) {
    auto all = env.template pool<fetching>();
    auto& f = *all.find(id);
    for (auto who : f.holders) {
      bool const busy = std::any_of(f.asked.begin(), f.asked.end(),
                                    [&](piece const& p) { return p.from == who; });
      if (busy || f.missing.empty()) continue;
      auto& first = f.missing[0];
      byte_range const part{first.first, std::min(first.count, piece_bytes_max)};
      first = {first.first + part.count, first.count - part.count};
      if (first.count == 0) f.missing.erase(f.missing.begin());
      piece const p{who, env.random().below(~std::uint64_t{0}), part, env.now() + poll, 0};
      f.asked.push_back(p);
      env.send(who, fetch{p.ticket, f.what, part});
      wake_by(env, p.until);
    }
    if (!f.asked.empty()) return;
    fetched end{{}, f.missing.empty(), f.came};
    if (end.ok && f.which.count > 0) add(env, f.what, f.which);
    auto gets = env.template pool<getting>();
    bool more = false;
    gets.each([&](activity get, getting const& g) {
      if (g.from != id) return;
      more = more || answers == 0;
      if (answers == 0) return;
      --answers;
      env.emit(fetched{get, end.ok, g.joined ? 0 : end.bytes});
      gets.erase(get);
    });
    if (more) return wake_by(env, env.now() + 1ms);
    all.erase(id);
  }
  // Somebody is asked no more; what it owed is missing again.
  static void lose(fetching& f, peer who) {
    for (std::size_t i = f.asked.size(); i > 0; --i) {
      if (f.asked[i - 1].from != who) continue;
      miss(f, f.asked[i - 1].which);
      f.asked.erase(f.asked.begin() + (i - 1));
    }
    auto* at = std::find(f.holders.begin(), f.holders.end(), who);
    if (at != f.holders.end()) f.holders.erase(at);
  }
  static void miss(fetching& f, byte_range r) {
    if (r.count == 0) return;
    // Each cut and each loss adds one at most.
    static_assert(decltype(f.missing)::capacity() > 1 + cuts_max + holders_max);
    f.missing.push_back(r);
    std::sort(f.missing.begin(), f.missing.end(), [](byte_range const& a, byte_range const& b) {
      return a.first < b.first;
    });
    std::size_t last = 0;
    for (std::size_t i = 1; i < f.missing.size(); ++i) {
      auto& before = f.missing[last];
      if (before.first + before.count == f.missing[i].first) {
        before.count += f.missing[i].count;
      } else {
        f.missing[++last] = f.missing[i];
      }
    }
    while (f.missing.size() > last + 1) f.missing.erase(f.missing.end() - 1);
  }

  template <class Env>
  void wake_by(Env& env, instant due) {
    if (tick_ && tick_due_ <= due) return;
    if (tick_) env.disarm(tick_);
    tick_ = env.arm(std::max(duration{}, due - env.now()), 0);
    tick_due_ = due;
  }

  std::uint64_t bytes_max_ = std::uint64_t{64} << 30U;
  object_ref shelf_{};
  timer tick_{};
  instant tick_due_{};
};

}  // namespace hydra
