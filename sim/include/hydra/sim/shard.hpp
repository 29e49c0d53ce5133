// A shard: a contiguous range of peers, their pending events, and the loop that runs them.
//
// Within one window of look-ahead no message of one group of peers can reach another, so the
// groups' events may run in any order; only a group's own events have to be ordered. The shard
// marks who is hit, runs those hit once as they come (with their memory prefetched), and sorts
// only the rest. What a group sends to itself inside the window is merged while its events run.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/sim/context.hpp>
#include <hydra/sim/flat_set.hpp>
#include <hydra/sim/nat.hpp>
#include <hydra/sim/pages.hpp>
#include <hydra/sim/periods.hpp>
#include <hydra/sim/queue.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/streams.hpp>
#include <hydra/sim/wheel.hpp>
#include <hydra/wire/codec.hpp>
#include <hydra/wire/size.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace hydra::sim {

// Sees what nodes emit to their users. Copied per shard and merged at the end: keep it additive.
struct no_observer {
  template <class F>
  void fact(instant, std::uint32_t, F const&) {}
  void merge(no_observer const&) {}
  template <class A>
  void serialize(A&, unsigned) {}
};

// A record that survives a crash, once it is durable. Newest first; the newest of a name counts.
template <Described R>
struct kept_record {
  static constexpr std::size_t per_peer_max = 4096;
  std::uint64_t name = 0;
  R value{};
  std::uint32_t pending = 0;  // the command that is still writing it; zero: durable
  std::uint32_t erasing = 0;  // number of the erasure under way; zero: it stays
  template <class A>
  void serialize(A& a, unsigned) {
    a& name& value& pending& erasing;
  }
};

template <class List>
struct kept_list;
template <class... R>
struct kept_list<type_list<R...>> {
  using type = type_list<kept_record<R>...>;
};

// One event that ran: who, when, why, which of the peer's effects it made, and the digest after.
struct event_note {
  std::int64_t at;
  std::uint32_t to;
  std::uint32_t from;
  std::uint32_t sequence;
  std::uint16_t what;
  std::uint8_t copy;
  std::uint32_t first_effect;
  std::uint32_t last_effect;
  std::uint64_t digest;

  [[nodiscard]] kind which() const noexcept { return static_cast<kind>(what >> 14U); }
  [[nodiscard]] friend bool earlier(event_note const& a, event_note const& b) noexcept {
    return a.at != b.at ? a.at < b.at
                        : std::make_tuple(a.to, a.what >> 14U, a.from, a.sequence, a.copy) <
                              std::make_tuple(b.to, b.what >> 14U, b.from, b.sequence, b.copy);
  }
};

struct shard_counts {
  std::uint64_t events = 0;
  std::uint64_t handled = 0;   // messages that reached a head
  std::uint64_t sent = 0;
  std::uint64_t bytes = 0;     // sent, on the wire; where the setting counts_bytes
  std::uint64_t dropped = 0;   // by the network
  std::uint64_t to_nobody = 0;  // the head was down
  std::uint64_t kept_out = 0;   // by the NAT before the head
  std::uint64_t duplicated = 0;
  std::uint64_t windows = 0;
  std::uint64_t sorted = 0;    // events that shared their group and window with another

  void add(shard_counts const& o) noexcept {
    events += o.events;
    handled += o.handled;
    sent += o.sent;
    bytes += o.bytes;
    dropped += o.dropped;
    to_nobody += o.to_nobody;
    kept_out += o.kept_out;
    duplicated += o.duplicated;
    windows += o.windows;
    sorted += o.sorted;
  }
};

template <Node N, class Setting, class Observer, EventQueue Queue>
class shard {
 public:
  using node_type = N;
  using messages = messages_of<N>;
  using facts = facts_into<N>;
  using emitted = facts_of<N>;
  using records = records_of<N>;
  using activity_slabs = slabs<activities_of<N>>;
  using record_slabs = slabs<typename kept_list<records>::type>;
  static constexpr std::size_t purposes = purposes_of<N>();

  struct peer_state {
    std::uint64_t digest = 0;
    std::uint32_t sequence = 0;
    std::uint16_t life = 0;
    bool up = false;
    std::uint32_t commands = 0;    // numbered anew in each life, as activities are
    std::uint32_t activity = 0;
    std::array<std::uint32_t, purposes> draws{};
    [[no_unique_address]] typename activity_slabs::heads activities = activity_slabs::idle();
    [[no_unique_address]] typename record_slabs::heads kept = record_slabs::idle();
  };
  struct alignas(64) slot_type {
    peer_state state;
    N node;
  };
  static constexpr std::size_t offsetof_node =
      (sizeof(peer_state) + alignof(N) - 1) / alignof(N) * alignof(N);
  using context_type = context<shard>;
  // Such an observer sees all that enters a head and all that the head wants done (watch.hpp).
  static constexpr bool watching = requires(Observer const& o) {
    { o.watches(0U) } -> std::same_as<bool>;
  };
  // A setting with heads behind a NAT (nat.hpp); for any other nothing of it is compiled.
  static constexpr bool has_nat = requires(Setting const& s) {
    { s.calls_out_only(0U) } -> std::same_as<bool>;
    { s.nat_hold() } -> std::same_as<duration>;
  };
  static_assert(has_nat || !requires(Setting const& s) { s.calls_out_only(0U); },
                "a setting says both: calls_out_only(i) -> bool and nat_hold() -> duration");

  shard(std::shared_ptr<Setting const> setting, peer_range range, std::size_t shards,
        bool permute, bool check_wire)
      : setting_{std::move(setting)},
        range_{range},
        permute_{permute},
        check_wire_{check_wire},
        queue_{ns(setting_->window())},
        posts_{post_office{shards}, post_office{shards}} {
    auto const n = range.last - range.first;
    slots_.reserve(n);
    hit_.resize((n + 63U) / 64U);
    hit_again_.resize((n + 63U) / 64U);
    periods_ = periods{range.first, n};
    for (auto i = range.first; i < range.last; ++i) {
      slots_.push_back({peer_state{}, setting_->make(view_of(i), i)});
    }
  }

  // ---- the run -------------------------------------------------------------------------------

  void start() {
    for (auto i = range_.first; i < range_.last; ++i) {
      auto& s = slot(i);
      s.state.up = true;
      if constexpr (requires(surroundings& around) { setting_->begin(around, i); }) {
        surroundings around{*this, i, instant{}};
        setting_->begin(around, i);
      }
      if (s.state.up) begin_life(s, i, instant{});
    }
  }

  // Runs every event before `until`. Nothing from another shard may arrive before it.
  void run_until(std::int64_t until) {
    if constexpr (std::is_same_v<Queue, radix_queue>) {
      while (true) {
        auto const next = queue_.earliest();
        if (next >= until) break;
        queue_.move_to(next);
        cursor_ = next;
        interval(next, next + 1);
      }
      queue_.move_to(until);
    } else {
      while (cursor_ < until) {
        if (queue_.window_end() <= cursor_) queue_.move_to(queue_.window_end());
        auto const stop = std::min(queue_.window_end(), until);
        interval(cursor_, stop);
        cursor_ = stop;
      }
    }
    cursor_ = stop_ = until;
  }

  // What is sent to other shards lies in one of two posts: while a step fills one, the others
  // read what the step before left in the other.
  void collect(shard& from, std::size_t me, std::size_t parity) {
    auto& post = from.posts_[parity];
    post.boxes[me].each(post.chunks, [&](event& e) {
      HYDRA_EXPECTS(e.at >= cursor_);  // else the setting's lookahead() promised too much
      std::memcpy(static_cast<void*>(queue_.push(e.at, e.words)), &e, e.bytes());
    });
  }
  [[nodiscard]] std::size_t filling() const noexcept { return filling_; }
  void fill_post(std::size_t parity) {
    posts_[parity].empty();
    filling_ = parity;
  }
  void set_bounds(std::vector<std::uint32_t> const* firsts) noexcept { firsts_ = firsts; }

  // ---- reading -------------------------------------------------------------------------------

  [[nodiscard]] Setting const& setting() const noexcept { return *setting_; }
  [[nodiscard]] std::int64_t width() const noexcept { return queue_.width(); }
  [[nodiscard]] peer_range range() const noexcept { return range_; }
  [[nodiscard]] slot_type& slot(std::uint32_t number) noexcept {
    return slots_[number - range_.first];
  }
  [[nodiscard]] slot_type const& slot(std::uint32_t number) const noexcept {
    return slots_[number - range_.first];
  }
  [[nodiscard]] shard_counts const& counts() const noexcept { return counts_; }
  [[nodiscard]] auto const& sent_by_type() const noexcept { return by_type_; }
  [[nodiscard]] Observer& observer() noexcept { return observer_; }
  [[nodiscard]] Observer const& observer() const noexcept { return observer_; }
  [[nodiscard]] activity_slabs& activities() noexcept { return activities_; }
  [[nodiscard]] std::uint64_t digest() const noexcept {
    std::uint64_t sum = 0;
    for (auto i = range_.first; i < range_.last; ++i) {
      sum += mix64(slot(i).state.digest ^ mix64(i + 1ULL));
    }
    return sum;
  }
  template <Activity T, class F>
  void each_activity(std::uint32_t who, F&& visit) {
    auto& s = slot(who).state;
    activities_.template of<T>(s.activities, s.activity).each([&](activity, T const& x) {
      visit(x);
    });
  }
  void trace() noexcept { tracing_ = true; }
  [[nodiscard]] std::vector<event_note> const& traced() const noexcept { return trace_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t wheels = 0;
    for (auto const& w : wheels_) wheels += w.bytes();
    return slots_.capacity() * sizeof(slot_type) + queue_.bytes() + posts_[0].chunks.bytes() +
           posts_[1].chunks.bytes() +
           activities_.bytes() + kept_.bytes() + wheels + periods_.bytes() +
           cancelled_.bytes() + runs_.bytes() + streams_.bytes() + mappings_.bytes();
  }
  [[nodiscard]] std::size_t pending() const noexcept { return queue_.pending(); }
  // Nothing will ever happen here by itself.
  [[nodiscard]] bool idle() const noexcept {
    return queue_.empty() &&
           std::all_of(wheels_.begin(), wheels_.end(), [](wheel const& w) { return w.empty(); });
  }
  [[nodiscard]] bool permutes() const noexcept { return permute_; }
  [[nodiscard]] permutation view_of(std::uint32_t number) const noexcept {
    return permute_ ? permutation{setting_->seed(), number} : permutation{};
  }
  template <class Handle>
  [[nodiscard]] Handle seen(std::uint32_t number, Handle h) const noexcept {
    return permute_ ? Handle{view_of(number).seen(h.index())} : h;
  }

  // ---- what a context asks for ---------------------------------------------------------------

  template <Message M>
  void transmit(slot_type& s, std::uint32_t from, std::uint32_t to, instant now, duration busy,
                M const& m) {
    auto const n = ++s.state.sequence;
    constexpr auto what_index = index_of<M, messages>;
    calls(from, to, now + busy);
    ++counts_.sent;
    ++by_type_[what_index];
    if constexpr (Setting::counts_bytes) counts_.bytes += wire::frame_bytes(m);
    if (check_wire_ && counts_.sent % 64 == 0) [[unlikely]] check_encoding(m);
    auto const what = event::pack(kind::message, what_index);
    if constexpr (approached) {
      if (in_window_ && setting_->group(to) != setting_->group(from)) {
        auto* e = queue_.scratch(words_of<M>());
        *e = event{ns(now + busy), to, from, n, what, words_of<M>(), 0};
        std::memcpy(e->payload(), &m, sizeof(M));
        return stage(e);
      }
    }
    auto const way = setting_->route(transmission{from, to, now + busy, n, sizeof(M)});
    if (way.dropped) {
      ++counts_.dropped;
      return;
    }
    put(ns(now + busy + way.delay), from, to, n, what, 0, m);
    if (way.duplicated) [[unlikely]] {
      ++counts_.duplicated;
      put(ns(now + busy + way.copy_delay), from, to, n, what, 1, m);
    }
  }

  std::uint32_t set_timer(slot_type& s, std::uint32_t who, instant due, std::uint32_t tag) {
    auto const n = ++s.state.sequence;
    put(ns(due), who, who, n, event::pack(kind::timer, 0), 0, timer_payload{tag, s.state.life});
    return n;
  }
  // A timer that is due at this very instant may have fired: that is forgotten with the instant.
  void cancel_timer(std::uint32_t who, timer id, instant now) {
    if (id.due > now) {
      cancelled_.insert(pair(who, id.number));
    } else if (id.due == now) {
      cancelled_now_.push_back({ns(now), pair(who, id.number)});
    }
  }

  void set_periodic(slot_type& s, std::uint32_t who, instant first, duration period,
                    std::uint32_t tag) {
    bool const soon = ns(first) >= stop_ && ns(first) < stop_ + ns(period);
    auto const turn = replaces(who, tag);
    auto* w = fits_a_wheel(ns(period)) && soon && turn == 0 ? wheel_for(ns(period), tag) : nullptr;
    if (w != nullptr) {
      w->add(who, static_cast<std::uint8_t>(s.state.life), ns(first));
    } else {
      again_at(s, who, ns(first), {tag, s.state.life, turn, ns(period)});
    }
  }

  std::uint32_t start_run(slot_type& s, std::uint32_t who, instant now, room by, task const& t) {
    auto const n = ++s.state.commands;
    auto const how = setting_->execute(who, t, now);
    runs_.insert(run_name(who, s.state.life, n));
    tell_later(s, who, now + how.takes, run_done{{n, by}, how.ok, how.output, how.takes});
    return n;
  }
  // Its end will find that nobody waits for it.
  void cancel_run(slot_type const& s, std::uint32_t who, std::uint32_t n) {
    runs_.erase(run_name(who, s.state.life, n));
  }

  // Bytes to another head, as a flow that begins at `at` (streams.hpp).
  void start_stream(slot_type& s, std::uint32_t who, std::uint32_t to, instant at, command id,
                    std::uint64_t bytes) {
    if (to == who || bytes == 0 || bytes > streams::bytes_max) {
      bool const ok = bytes <= streams::bytes_max;
      return tell_later(s, who, at, stream_done{id, ok, ok ? bytes : 0});
    }
    put(ns(at), who, who, ++s.state.sequence, event::pack(kind::fact, flow_facts), flow_copy,
        with_meta<stream_start>{{s.state.life, to}, {id, bytes}});
  }

  // A fact to this peer itself.
  template <Fact F>
  void tell_later(slot_type& s, std::uint32_t who, instant at, F const& fact) {
    constexpr auto index = index_of<F, facts>;
    put(ns(at), who, who, ++s.state.sequence, event::pack(kind::fact, index), 0,
        with_meta<F>{{s.state.life, 0}, fact});
  }
  template <Message M>
  void park(slot_type& s, std::uint32_t who, std::uint32_t to, instant at, M const& m) {
    constexpr auto index = facts::size + records::size + index_of<M, messages>;
    put(ns(at), who, who, ++s.state.sequence, event::pack(kind::fact, index), 0,
        with_meta<M>{{s.state.life, to}, m});
  }
  template <Fact F>
  void park_fact(slot_type& s, std::uint32_t who, instant at, F const& f) {
    constexpr auto index = facts::size + records::size + messages::size + index_of<F, emitted>;
    put(ns(at), who, who, ++s.state.sequence, event::pack(kind::fact, index), 0,
        with_meta<F>{{s.state.life, 0}, f});
  }
  template <Described R>
  void commit_later(slot_type& s, std::uint32_t who, instant at, command id, std::uint64_t name,
                    R const& record) {
    if (!kept_of<R>(s).add({name, record, id.number})) return;  // full: no kept{} follows
    constexpr auto index = facts::size + index_of<R, records>;
    put(ns(at), who, who, ++s.state.sequence, event::pack(kind::fact, index), 0,
        with_meta<commit_payload>{{s.state.life, 0}, {id, name}});
  }
  // Gone for the node at once, for good when the disk has it: a crash before that brings it back.
  template <Described R>
  void erase_later(slot_type& s, std::uint32_t who, instant at, std::uint64_t name) {
    std::uint32_t number = 0;
    kept_of<R>(s).each([&](activity, kept_record<R>& k) {
      if (k.name != name || k.erasing != 0) return;
      if (number == 0) number = ++s.state.sequence;
      k.erasing = number;
    });
    if (number == 0) return;
    constexpr auto index = facts::size + index_of<R, records>;
    put(ns(at), who, who, number, event::pack(kind::fact, index), 0,
        with_meta<commit_payload>{{s.state.life, erases}, {{number, room::node}, name}});
  }
  template <Described R>
  [[nodiscard]] std::optional<R> recall(slot_type& s, std::uint64_t name) {
    auto all = kept_of<R>(s);
    auto const which =
        all.first([&](auto const& k) { return k.name == name && k.erasing == 0; });
    if (!which) return std::nullopt;
    return all.find(which)->value;
  }
  // Names ascending, as in every driver; visit may keep and erase.
  template <Described R, class F>
  void recall_all(slot_type& s, F&& visit) {
    std::vector<std::uint64_t> names;
    kept_of<R>(s).each([&](activity, kept_record<R> const& k) { names.push_back(k.name); });
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (auto name : names) {
      if (auto const r = recall<R>(s, name)) visit(name, *r);
    }
  }
  template <Fact F>
  void observe(instant now, std::uint32_t who, F const& fact) {
    observer_.fact(now, who, fact);
  }
  template <class... A>
  void note(instant now, std::uint32_t who, room where, A const&... what) {
    if constexpr (requires { observer_.note(now, who, where, what...); }) {
      observer_.note(now, who, where, what...);
    }
  }

  // ---- what happens from outside -------------------------------------------------------------

  // What a setting's begin() and wake() may do to one peer.
  class surroundings {
   public:
    surroundings(shard& s, std::uint32_t number, instant now) noexcept
        : shard_{&s}, number_{number}, now_{now} {}
    [[nodiscard]] instant now() const noexcept { return now_; }
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] bool up() const noexcept { return shard_->slot(number_).state.up; }
    // wake(around, number, code) is called at that instant.
    void wake_at(instant at, std::uint32_t code) {
      shard_->put(ns(at), number_, number_, code, event::pack(kind::fault, 0), 0,
                  timer_payload{code, 0});
    }
    void start_down() { shard_->slot(number_).state.up = false; }
    void crash() { shard_->crash(number_, now_); }
    void restart() { shard_->restart(number_, now_); }
    template <Fact F>
    void tell(F fact) {
      shard_->tell_now(number_, now_, fact);
    }
    [[nodiscard]] Observer& observer() noexcept { return shard_->observer_; }

   private:
    shard* shard_;
    std::uint32_t number_;
    instant now_;
  };

  void crash(std::uint32_t who, instant now) {
    auto& s = slot(who);
    if (!s.state.up) return;
    s.state.up = false;
    break_links(s, who, now);
    cut_flows(s, who, now);
    ++s.state.life;
    activities_.clear(s.state.activities, s.state.activity);
    forget_unwritten(s, records{});
    periods_.forget(who);
    if constexpr (has_nat) mappings_.forget(range_, who);  // the next life calls from other ports
  }
  void restart(std::uint32_t who, instant now) {
    auto& s = slot(who);
    if (s.state.up) return;
    s.state.up = true;
    ++s.state.life;
    s.state.commands = s.state.activity = 0;
    s.node = setting_->make(view_of(who), who);
    begin_life(s, who, now);
  }
  template <Fact F>
  void tell_now(std::uint32_t who, instant now, F fact) {
    auto& s = slot(who);
    if (!s.state.up) return;
    if (permute_) translate_in(view_of(who), fact);
    context_type env{*this, s, who, now};
    tell_fact(s.node, env, fact);
    watched(who, [&](auto& o) { o.entered_fact(env.now(), fact); });
  }
  // A message from outside the simulation, delivered at `at` (not before the time reached).
  template <Message M>
  void inject(instant at, std::uint32_t from, std::uint32_t to, std::uint32_t sequence,
              M const& m) {
    HYDRA_EXPECTS(ns(at) >= cursor_);
    put(ns(at), from, to, sequence, event::pack(kind::message, index_of<M, messages>), 0, m);
  }

 private:
  friend struct checkpoint_access;  // checkpoint.hpp: writes down all that follows

  struct timer_payload {
    std::uint32_t tag;
    std::uint32_t life;
    template <class A>
    void serialize(A& a, unsigned) {
      a& tag& life;
    }
  };
  struct periodic_payload {
    std::uint32_t tag;
    std::uint16_t life;
    std::uint16_t turn;  // see replaces()
    std::int64_t period;
    template <class A>
    void serialize(A& a, unsigned) {
      a& tag& life& turn& period;
    }
  };
  struct meta {
    std::uint32_t life;
    std::uint32_t extra;
  };
  template <class T>
  struct with_meta {
    meta head;
    T value;
    template <class A>
    void serialize(A& a, unsigned) {
      a& head.life& head.extra& value;
    }
  };
  struct commit_payload {
    command id;
    std::uint64_t name;
    template <class A>
    void serialize(A& a, unsigned) {
      a& id& name;
    }
  };

  struct post_office {
    explicit post_office(std::size_t shards) : boxes(shards) {}
    void empty() {
      for (auto& b : boxes) b.clear(chunks);
    }
    arena chunks;
    std::vector<bucket> boxes;
  };

  [[nodiscard]] static std::uint64_t pair(std::uint32_t who, std::uint32_t n) noexcept {
    return std::uint64_t{who} << 32U | n;
  }
  // Commands are numbered anew in every life.
  [[nodiscard]] static std::uint64_t run_name(std::uint32_t who, std::uint32_t life,
                                              std::uint32_t n) noexcept {
    return mix64(pair(who, n)) ^ mix64(~std::uint64_t{life});
  }

  template <class Tell>
  void watched(std::uint32_t who, Tell&& tell) {
    if constexpr (watching) {
      if (observer_.watches(who)) tell(observer_);
    }
  }
  void begin_life(slot_type& s, std::uint32_t who, instant now) {
    context_type env{*this, s, who, now};
    watched(who, [&](auto& o) { show_records(s, o, env.now(), records{}); });
    tell_start(s.node, env);
    watched(who, [&](auto& o) { o.entered_start(env.now()); });
  }
  template <class O, class... R>
  void show_records(slot_type& s, O& to, instant now, type_list<R...>) {
    (recall_all<R>(s, [&](std::uint64_t name, R const& r) { to.entered_record(now, name, r); }),
     ...);
  }

  template <class R>
  [[nodiscard]] auto kept_of(slot_type& s) noexcept {
    return kept_.template of<kept_record<R>>(s.state.kept, s.state.sequence);
  }
  template <class... R>
  void forget_unwritten(slot_type& s, type_list<R...>) {
    auto const one = [](auto all) {
      all.each([&](activity which, auto& k) {
        k.erasing = 0;
        if (k.pending != 0) all.erase(which);
      });
    };
    static_cast<void>(one);
    (one(kept_of<R>(s)), ...);
  }

  template <class T>
  void put(std::int64_t at, std::uint32_t from, std::uint32_t to, std::uint32_t sequence,
           std::uint16_t what, std::uint8_t copy, T const& payload) {
    static_assert(std::is_trivially_copyable_v<T>);
    constexpr auto words = words_of<T>();
    bool const here = to >= range_.first && to < range_.last;
    event* e = nullptr;
    if (!here) {
      auto& post = posts_[filling_];
      e = post.boxes[owner(to)].append(post.chunks, words);
    } else if (at >= stop_) {
      e = queue_.push(at, words);
    } else {
      if (at < running_at_ || setting_->group(to) != setting_->group(running_)) {
        too_early(from, to, at);
      }
      e = queue_.scratch(words);
    }
    e->at = at;
    e->to = to;
    e->from = from;
    e->sequence = sequence;
    e->what = what;
    e->words = words;
    e->copy = copy;
    std::memcpy(e->payload(), &payload, sizeof(T));
    if (here && at < stop_) {
      local_.push_back(e);
      std::push_heap(local_.begin(), local_.end(), later);
    }
  }

  // ---- NAT -----------------------------------------------------------------------------------

  // What leaves a head makes its router let answers in, whatever becomes of it on the way.
  void calls(std::uint32_t who, std::uint32_t to, instant at) {
    if constexpr (has_nat) {
      if (who == to || !setting_->calls_out_only(who)) return;
      mappings_.called(range_, who, to, at, setting_->nat_hold());
    }
  }
  // Judged where it arrives: only there it is known whom this head has called.
  [[nodiscard]] bool is_kept_out(event const& e) {
    if constexpr (has_nat) {
      if (e.from == e.to || !setting_->calls_out_only(e.to)) return false;
      bool const answers =
          !setting_->calls_out_only(e.from) &&
          mappings_.lets_in(range_, e.to, e.from, at_ns(e.at), setting_->nat_hold());
      counts_.kept_out += answers ? 0U : 1U;
      return !answers;
    } else {
      return false;
    }
  }

  // A route that has to look its ends up in memory is asked for a little later, when what it
  // needs has arrived: a pure function does not mind. At most `stages` messages wait, and none
  // beyond the window.
  static constexpr bool approached = requires(Setting const& s) {
    s.approach(std::uint32_t{});
    s.approach_further(std::uint32_t{});
  };
  static constexpr std::size_t stages = 16;

  void stage(event* e) {
    auto*& place = staged_[staging_ % stages];
    if (place != nullptr) send_on(*place);
    place = e;
    if constexpr (approached) {
      setting_->approach(e->from);
      setting_->approach(e->to);
      auto const* half = staged_[(staging_ + stages / 2) % stages];
      if (half != nullptr) {
        setting_->approach_further(half->from);
        setting_->approach_further(half->to);
      }
    }
    ++staging_;
  }
  void send_staged() {
    for (auto*& e : staged_) {
      if (e != nullptr) send_on(*e);
      e = nullptr;
    }
  }
  void send_on(event& e) {
    auto const way = setting_->route(
        transmission{e.from, e.to, at_ns(e.at), e.sequence, std::size_t{8} * e.words});
    if (way.dropped) {
      ++counts_.dropped;
      return;
    }
    auto const left = e.at;
    e.at = left + ns(way.delay);
    carry(e);
    if (way.duplicated) [[unlikely]] {
      ++counts_.duplicated;
      e.at = left + ns(way.copy_delay);
      e.copy = 1;
      carry(e);
    }
  }
  // Copies a message to where it waits for its time, beyond this window.
  void carry(event const& e) {
    bool const here = e.to >= range_.first && e.to < range_.last;
    if (here && e.at < stop_) too_early(e.from, e.to, e.at);
    auto& post = posts_[filling_];
    auto* copy = here ? queue_.push(e.at, e.words)
                      : post.boxes[owner(e.to)].append(post.chunks, e.words);
    std::memcpy(static_cast<void*>(copy), &e, e.bytes());
  }

  template <Message M>
  static void check_encoding(M const& m) {
    auto const said = wire::wire_check(m);
    if (said) return;
    std::fprintf(stderr, "message %u of room %u, version %u: %s\n", unsigned{M::id.number},
                 static_cast<unsigned>(M::id.where), unsigned{M::id.version}, said.why().c_str());
    std::abort();
  }

  [[noreturn]] void too_early(std::uint32_t from, std::uint32_t to, std::int64_t at) const {
    std::fprintf(stderr,
                 "an event from peer %u to peer %u at %lld ns falls into the window that ends at "
                 "%lld ns: a rule of the setting allows less than its window() of %lld ns\n",
                 from, to, static_cast<long long>(at), static_cast<long long>(stop_),
                 static_cast<long long>(ns(setting_->window())));
    std::abort();
  }

  [[nodiscard]] std::size_t owner(std::uint32_t number) const noexcept {
    HYDRA_EXPECTS(number < setting_->peers());  // a handle that no setting gave out
    auto const after = std::upper_bound(firsts_->begin(), firsts_->end(), number);
    return static_cast<std::size_t>(after - firsts_->begin()) - 1;
  }

  [[nodiscard]] bool fits_a_wheel(std::int64_t period) const noexcept {
    return std::is_same_v<Queue, window_queue> && period <= wheel::period_max &&
           period >= queue_.width();
  }
  [[nodiscard]] wheel* wheel_for(std::int64_t period, std::uint32_t tag) {
    for (auto& w : wheels_) {
      if (w.period() == period && w.tag() == tag) return &w;
    }
    if (wheels_.size() == wheels_max) return nullptr;
    return &wheels_.emplace_back(period, tag, queue_.width());
  }

  static bool later(event const* a, event const* b) noexcept { return before(*b, *a); }

  // Everything in [from, stop), which lies within one window.
  void interval(std::int64_t from, std::int64_t stop) {
    ++counts_.windows;
    stop_ = stop;
    order_.clear();
    queue_.take([&](event& e) {
      if (e.at < stop) {
        order_.push_back(&e);
      } else {  // the run ends inside this window
        std::memcpy(static_cast<void*>(queue_.push(e.at, e.words)), &e, e.bytes());
      }
    });
    for (auto& w : wheels_) turn(w, from, stop);
    if (!order_.empty()) run_ordered();
    queue_.recycle();
    cancelled_now_.clear();
  }

  // Touches no peer: whether the life is over is seen when the event runs.
  void turn(wheel& w, std::int64_t from, std::int64_t stop) {
    w.turn(from, stop, [&](std::uint32_t who, std::uint8_t life, std::int64_t at) {
      auto* e = queue_.scratch(words_of<timer_payload>());
      *e = event{at, who, who, w.tag(), event::pack(kind::timer, 1), words_of<timer_payload>(), 0};
      timer_payload const p{w.tag(), life};
      std::memcpy(e->payload(), &p, sizeof p);
      order_.push_back(e);
    });
  }

  void run_ordered() {
    for (auto const* e : order_) {
      auto const g = setting_->group(e->to) - range_.first;
      auto const bit = std::uint64_t{1} << (g % 64);
      auto& word = hit_[g / 64];
      if ((word & bit) != 0) hit_again_[g / 64] |= bit;
      word |= bit;
    }
    rest_.clear();
    in_window_ = true;
    constexpr std::size_t ahead = 12;
    auto const n = order_.size();
    for (std::size_t i = 0; i < std::min(ahead, n); ++i) prefetch(*order_[i]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i + ahead < n) prefetch(*order_[i + ahead]);
      auto& e = *order_[i];
      auto const g = setting_->group(e.to) - range_.first;
      if ((hit_again_[g / 64] >> (g % 64) & 1U) != 0) {
        rest_.push_back(&e);
      } else {
        execute(e);
        while (!local_.empty()) execute(*pop_local());
      }
    }
    if (!rest_.empty()) run_rest();
    if constexpr (approached) send_staged();
    in_window_ = false;
    for (auto const* e : order_) {
      auto const g = setting_->group(e->to) - range_.first;
      hit_[g / 64] = 0;
      hit_again_[g / 64] = 0;
    }
  }

  // The groups that are hit more than once, one after the other, each in order.
  void run_rest() {
    counts_.sorted += rest_.size();
    std::sort(rest_.begin(), rest_.end(), [&](event const* a, event const* b) {
      auto const ga = setting_->group(a->to);
      auto const gb = setting_->group(b->to);
      return ga != gb ? ga < gb : before(*a, *b);
    });
    for (std::size_t i = 0; i < rest_.size();) {
      auto const g = setting_->group(rest_[i]->to);
      for (; i < rest_.size() && setting_->group(rest_[i]->to) == g;) {
        if (!local_.empty() && before(*local_.front(), *rest_[i])) {
          execute(*pop_local());
        } else {
          execute(*rest_[i++]);
        }
      }
      while (!local_.empty()) execute(*pop_local());
    }
  }

  [[nodiscard]] event* pop_local() {
    std::pop_heap(local_.begin(), local_.end(), later);
    auto* e = local_.back();
    local_.pop_back();
    return e;
  }

  // The lines that an event usually touches; a large node says how much that is by hot_bytes.
  static constexpr std::size_t hot_lines() {
    std::size_t bytes = sizeof(slot_type);
    if constexpr (requires { N::hot_bytes; }) bytes = offsetof_node + N::hot_bytes;
    return std::min<std::size_t>((bytes + 63) / 64, 6);
  }
  // Inlined by force: g++ 12 takes a function that only prefetches for one without effect.
  [[gnu::always_inline]] void prefetch(event const& e) const noexcept {
    auto const* p = reinterpret_cast<std::byte const*>(&slots_[e.to - range_.first]);
    for (std::size_t i = 0; i < hot_lines(); ++i) __builtin_prefetch(p + 64 * i, 1);
  }

  // ---- one event -----------------------------------------------------------------------------

  void execute(event& e) {
    running_ = e.to;
    running_at_ = e.at;
    if (tracing_) [[unlikely]] return execute_traced(e);
    dispatch(e);
  }

  void execute_traced(event& e) {
    event_note n{e.at, e.to, e.from, e.sequence, e.what, e.copy, 0, 0, 0};
    auto& state = slot(e.to).state;
    n.first_effect = state.sequence + 1;
    dispatch(e);
    n.last_effect = state.sequence;
    n.digest = state.digest;
    trace_.push_back(n);
  }

  void dispatch(event& e) {
    auto& s = slot(e.to);
    switch (e.which()) {
      case kind::message: return message_table[e.type()](*this, s, e);
      case kind::timer: return run_timer(s, e);
      case kind::fact: return fact_table[e.type()](*this, s, e);
      case kind::fault: return run_fault(s, e);
    }
  }

  template <class T>
  [[nodiscard]] static T payload_of(event const& e) noexcept {
    T x;
    std::memcpy(static_cast<void*>(&x), e.payload(), sizeof(T));
    return x;
  }

  [[nodiscard]] static fold digest_of(slot_type const& s, event const& e) noexcept {
    fold f{s.state.digest};
    f.add(static_cast<std::uint64_t>(e.at));
    f.add(std::uint64_t{e.from} << 32U | std::uint64_t{e.what} << 8U | e.copy);
    return f;
  }

  template <class M>
  static void run_message(shard& me, slot_type& s, event& e) {
    ++me.counts_.events;
    if (me.is_kept_out(e)) return;
    if (!s.state.up) {
      ++me.counts_.to_nobody;
      if (me.setting_->tells_unreachable()) me.bounce(e);
      return;
    }
    ++me.counts_.handled;
    auto m = payload_of<M>(e);
    auto f = digest_of(s, e);
    m.serialize(f, 0U);
    s.state.digest = f.value();
    context_type env{me, s, e.to, at_ns(e.at)};
    if (me.permute_) translate_in(me.view_of(e.to), m);
    auto const from = me.seen(e.to, peer{e.from});
    tell_message(s.node, env, from, m);
    me.watched(e.to, [&](auto& o) { o.entered_message(env.now(), from, m); });
  }

  // Everybody to whom it kept a connection open learns that this broke, one message later.
  void break_links(slot_type& s, std::uint32_t who, instant now) {
    if constexpr (requires { s.node.each_link([](peer) {}); }) {
      if (!setting_->tells_broken_links()) return;
      s.node.each_link([&](peer other) {
        auto const to = permute_ ? view_of(who).meant(other.index()) : other.index();
        auto const n = ++s.state.sequence;
        auto const way = setting_->route(transmission{who, to, now, n, sizeof(unreachable)});
        if (way.dropped) return;
        put(ns(now + way.delay), who, to, n,
            event::pack(kind::fact, index_of<unreachable, facts>), 0,
            with_meta<unreachable>{{any_life, 0}, {peer{who}}});
      });
    }
  }

  void bounce(event const& e) {
    auto const way = setting_->route(
        transmission{e.to, e.from, at_ns(e.at), e.sequence, sizeof(unreachable)});
    if (way.dropped) return;
    put(e.at + ns(way.delay), e.to, e.from, e.sequence,
        event::pack(kind::fact, index_of<unreachable, facts>), 0,
        with_meta<unreachable>{{any_life, 0}, {peer{e.to}}});
  }

  // A timer of type 0 rings once, of type 1 stands on a wheel, of type 2 arms itself again.
  void run_timer(slot_type& s, event& e) {
    if (e.type() == 1) return run_wheel_timer(s, e);
    if (e.type() == 2) return run_periodic(s, e);
    auto const p = payload_of<timer_payload>(e);
    if (was_cancelled(e) || !s.state.up || p.life != s.state.life) return;
    ring(s, e, p.tag);
  }
  void run_wheel_timer(slot_type& s, event& e) {
    auto const p = payload_of<timer_payload>(e);
    bool const over = !s.state.up || p.life != (s.state.life & 0xffU);
    if (over || periods_.turn(e.to, p.tag) != 0) return forget(e, p);
    ring(s, e, p.tag);
  }
  void run_periodic(slot_type& s, event& e) {
    auto const p = payload_of<periodic_payload>(e);
    if (!s.state.up || p.life != s.state.life || p.turn != periods_.turn(e.to, p.tag)) return;
    again(s, e, p);
    ring(s, e, p.tag);
  }
  void ring(slot_type& s, event const& e, std::uint32_t tag) {
    ++counts_.events;
    auto f = digest_of(s, e);
    f.add(tag);
    s.state.digest = f.value();
    context_type env{*this, s, e.to, at_ns(e.at)};
    tell_timer(s.node, env, tag);
    watched(e.to, [&](auto& o) { o.entered_timer(env.now(), tag); });
  }

  [[nodiscard]] bool was_cancelled(event const& e) {
    auto const name = pair(e.to, e.sequence);
    if (!cancelled_.empty() && cancelled_.erase(name)) return true;
    return std::any_of(cancelled_now_.begin(), cancelled_now_.end(),
                       [&](auto const& c) { return c.at == e.at && c.name == name; });
  }

  void forget(event const& e, timer_payload const& p) {
    for (auto& w : wheels_) {
      if (w.tag() == p.tag) w.remove(e.to, static_cast<std::uint8_t>(p.life), e.at);
    }
  }

  // A period is said once per tag, as a rule, and then stands on a wheel for ever. Who says it
  // again gets another turn: what its wheels hold is stale from then on, and its period an
  // ordinary timer that arms itself again.
  [[nodiscard]] std::uint16_t replaces(std::uint32_t who, std::uint32_t tag) {
    return periods_.said(who, tag) ? periods_.next_turn(who, tag) : std::uint16_t{0};
  }
  void again_at(slot_type&, std::uint32_t who, std::int64_t at, periodic_payload const& p) {
    put(at, who, who, p.tag, event::pack(kind::timer, 2), 0, p);
  }
  // A periodic timer that is not on a wheel yet, or cannot be.
  void again(slot_type& s, event& e, periodic_payload const& p) {
    e.what = event::pack(kind::timer, 1);  // the digest does not know where it waited
    auto const next = e.at + p.period;
    bool const on_a_wheel = p.turn == 0 && fits_a_wheel(p.period) && next >= stop_;
    auto* w = on_a_wheel ? wheel_for(p.period, p.tag) : nullptr;
    if (w != nullptr) {
      w->add(e.to, static_cast<std::uint8_t>(s.state.life), next);
    } else {
      again_at(s, e.to, next, p);
    }
  }

  void run_fault(slot_type& s, event& e) {
    if constexpr (requires(surroundings& around) { setting_->wake(around, 0U, 0U); }) {
      ++counts_.events;
      auto const code = payload_of<timer_payload>(e).tag;
      auto f = digest_of(s, e);
      f.add(code);
      s.state.digest = f.value();
      surroundings around{*this, e.to, at_ns(e.at)};
      setting_->wake(around, e.to, code);
    }
  }

  template <class F>
  static void run_fact(shard& me, slot_type& s, event& e) {
    auto x = payload_of<with_meta<F>>(e);
    if constexpr (std::is_same_v<F, run_done>) {
      if (!me.runs_.erase(run_name(e.to, x.head.life, x.value.id.number))) return;  // taken back
    }
    if (!s.state.up || (x.head.life != s.state.life && x.head.life != any_life)) return;
    ++me.counts_.events;
    auto f = digest_of(s, e);
    x.value.serialize(f, 0U);
    s.state.digest = f.value();
    if (me.permute_) translate_in(me.view_of(e.to), x.value);
    context_type env{me, s, e.to, at_ns(e.at)};
    tell_fact(s.node, env, x.value);
    me.watched(e.to, [&](auto& o) { o.entered_fact(env.now(), x.value); });
  }
  template <class R>
  static void run_commit(shard& me, slot_type& s, event& e) {
    auto const x = payload_of<with_meta<commit_payload>>(e);
    if (!s.state.up || x.head.life != s.state.life) return;
    ++me.counts_.events;
    if (x.head.extra == erases) return me.template make_erased<R>(s, x.value);
    me.template make_durable<R>(s, x.value);
    context_type env{me, s, e.to, at_ns(e.at)};
    kept const fact{x.value.id};
    tell_fact(s.node, env, fact);
    me.watched(e.to, [&](auto& o) { o.entered_fact(env.now(), fact); });
  }
  template <class R>
  void make_erased(slot_type& s, commit_payload const& x) {
    auto all = kept_of<R>(s);
    all.each([&](activity which, kept_record<R> const& k) {
      if (k.erasing == x.id.number) all.erase(which);
    });
  }
  // What is older gives way to what is newer, whichever became durable first.
  template <class R>
  void make_durable(slot_type& s, commit_payload const& x) {
    auto all = kept_of<R>(s);
    auto const mine = all.first([&](auto const& k) { return k.pending == x.id.number; });
    if (!mine) return;  // erased meanwhile
    bool newer = false;
    bool passed = false;
    all.each([&](activity which, kept_record<R>& k) {
      if (which == mine) {
        k.pending = 0;
        passed = true;
      } else if (k.name == x.name && k.pending == 0) {
        if (passed) all.erase(which);
        newer = newer || !passed;
      }
    });
    if (newer) all.erase(mine);
  }
  template <class M>
  static void run_parked(shard& me, slot_type& s, event& e) {
    auto const x = payload_of<with_meta<M>>(e);
    if (!s.state.up || x.head.life != s.state.life) return;
    me.template transmit<M>(s, e.to, x.head.extra, at_ns(e.at), duration{}, x.value);
  }
  template <class F>
  static void run_parked_fact(shard& me, slot_type& s, event& e) {
    auto const x = payload_of<with_meta<F>>(e);
    if (!s.state.up || x.head.life != s.state.life) return;
    me.observe(at_ns(e.at), e.to, x.value);
  }

  // ---- flows ---------------------------------------------------------------------------------

  struct stream_start {
    command id;
    std::uint64_t bytes;
    template <class A>
    void serialize(A& a, unsigned) {
      a& id& bytes;
    }
  };

  // Without jitter: what one end says arrives in the order it was said.
  [[nodiscard]] duration one_way(std::uint32_t from, std::uint32_t to) const {
    if constexpr (requires { setting_->one_way(from, to); }) {
      return setting_->one_way(from, to);
    } else {
      return setting_->route(transmission{from, to, instant{}, 0, sizeof(flow_message)}).delay;
    }
  }
  [[nodiscard]] flow_ends& flows_of(std::uint32_t who) {
    return streams_.of(range_, who, setting_->line(who));
  }
  static void run_stream_start(shard& me, slot_type& s, event& e) {
    auto const x = payload_of<with_meta<stream_start>>(e);
    if (!s.state.up || x.head.life != s.state.life) return;
    auto const to = x.head.extra;
    auto const rtt = me.one_way(e.to, to) + me.one_way(to, e.to);
    me.streams_.open(e.to, e.sequence, x.value.id);
    me.flows_of(e.to).start(at_ns(e.at), e.sequence, to, x.value.bytes, rtt);
    me.settle_flows(s, e.to, at_ns(e.at));
  }
  // Nobody hears a head that is down: to the other end it is as silent as one that has died.
  static void run_flow_message(shard& me, slot_type& s, event& e) {
    auto const m = payload_of<flow_message>(e);
    auto const now = at_ns(e.at);
    bool const begins = m.what == flow_word::begin;
    if (begins && me.is_kept_out(e)) return me.stay_silent(s, e.to, e.from, m.flow, now);
    if (!s.state.up) {
      if (begins) me.go_silent(s, e.to, e.from, m.flow, now);
      return;
    }
    ++me.counts_.events;
    auto f = digest_of(s, e);
    auto said = m;
    said.serialize(f, 0U);
    s.state.digest = f.value();
    auto* ends = begins ? &me.flows_of(e.to) : me.streams_.find(e.to);
    if (ends == nullptr) return;  // of a flow that is over
    ends->told(now, e.from, m);
    me.settle_flows(s, e.to, now);
  }
  static void run_flow_wake(shard& me, slot_type& s, event& e) {
    if (s.state.up && me.streams_.find(e.to) != nullptr) me.settle_flows(s, e.to, at_ns(e.at));
  }
  void settle_flows(slot_type& s, std::uint32_t who, instant now) {
    for (auto const& a : streams_.settle(who, now)) {
      switch (a.what) {
        case flow_action::kind::send:
          calls(who, a.other, now);
          say(s, who, a.other, now, a.message);
          break;
        case flow_action::kind::wake:
          put(ns(a.at), who, who, ++s.state.sequence, event::pack(kind::fact, flow_facts + 2),
              flow_copy, std::uint64_t{0});
          break;
        case flow_action::kind::sent:
          tell_later(s, who, now, stream_done{streams_.close(who, a.flow), a.whole, a.bytes});
          break;
        case flow_action::kind::received:
          calls(who, a.other, now);  // its last acknowledgement
          if constexpr (requires { observer_.streamed(now, a.other, who, a.bytes); }) {
            observer_.streamed(now, a.other, who, a.bytes);
          }
          break;
      }
    }
    streams_.release(who);
  }
  void say(slot_type& s, std::uint32_t who, std::uint32_t to, instant now, flow_message const& m) {
    put(ns(now + one_way(who, to)), who, to, ++s.state.sequence,
        event::pack(kind::fact, flow_facts + 1), flow_copy, m);
  }
  // The sender of a flow to a dead head comes to a stop, and gives up when silence lasted.
  void go_silent(slot_type& s, std::uint32_t who, std::uint32_t sender, std::uint32_t flow,
                 instant now) {
    if (!setting_->tells_unreachable()) return stay_silent(s, who, sender, flow, now);
    say(s, who, sender, now, {flow_word::refused, flow, 0, 0});
  }
  void stay_silent(slot_type& s, std::uint32_t who, std::uint32_t sender, std::uint32_t flow,
                   instant now) {
    say(s, who, sender, now, {flow_word::grant, flow, 1, 0});
    say(s, who, sender, now + setting_->silence(), {flow_word::refused, flow, 0, 0});
  }
  // What a head that dies had handed over still arrives.
  void cut_flows(slot_type& s, std::uint32_t who, instant now) {
    if (streams_.find(who) == nullptr) return;
    streams_.find(who)->receiver().each([&](std::uint32_t from, std::uint32_t flow) {
      go_silent(s, who, from, flow, now);
    });
    auto const over = setting_->tells_unreachable() ? now : now + setting_->silence();
    for (auto const& a : streams_.die(who, now)) {
      if (a.what != flow_action::kind::send || a.message.what != flow_word::silent) continue;
      static_cast<void>(streams_.close(who, a.flow));
      say(s, who, a.other, now, a.message);
      say(s, who, a.other, over, {flow_word::dropped, a.flow, 0, a.message.bytes});
    }
  }

  using handler = void (*)(shard&, slot_type&, event&);
  template <class... M>
  static constexpr auto table_of_messages(type_list<M...>) {
    return std::array<handler, sizeof...(M) + 1>{&run_message<M>..., nullptr};
  }
  template <class... F, class... R, class... M, class... E>
  static constexpr auto table_of_facts(type_list<F...>, type_list<R...>, type_list<M...>,
                                       type_list<E...>) {
    return std::array<handler,
                      sizeof...(F) + sizeof...(R) + sizeof...(M) + sizeof...(E) + 3>{
        &run_fact<F>...,   &run_commit<R>...,  &run_parked<M>..., &run_parked_fact<E>...,
        &run_stream_start, &run_flow_message, &run_flow_wake};
  }
  static constexpr auto message_table = table_of_messages(messages{});
  static constexpr auto fact_table = table_of_facts(facts{}, records{}, messages{}, emitted{});

  static constexpr std::size_t wheels_max = 64;
  static constexpr std::uint32_t any_life = 0xffffffffU;
  static constexpr std::uint32_t erases = 1;  // `extra` of a commit
  // The first of the flows' types of facts; `copy` keeps their names from those of others.
  static constexpr std::size_t flow_facts =
      facts::size + records::size + messages::size + emitted::size;
  static constexpr std::uint8_t flow_copy = 2;

  std::shared_ptr<Setting const> setting_;
  peer_range range_;
  bool permute_;
  bool check_wire_;
  bool tracing_ = false;
  std::vector<event_note> trace_;
  Queue queue_;
  std::vector<slot_type, huge_allocator<slot_type>> slots_;
  activity_slabs activities_;
  record_slabs kept_;
  std::vector<wheel> wheels_;
  periods periods_;
  flat_set cancelled_;
  struct cancelled_at {
    std::int64_t at;
    std::uint64_t name;
  };
  std::vector<cancelled_at> cancelled_now_;
  flat_set runs_;
  streams streams_;
  nat_mappings mappings_;
  std::array<post_office, 2> posts_;
  std::array<event*, stages> staged_{};
  std::size_t staging_ = 0;
  bool in_window_ = false;
  std::size_t filling_ = 0;
  std::vector<std::uint32_t> const* firsts_ = nullptr;
  std::vector<event*> order_;
  std::vector<event*> rest_;
  std::vector<event*> local_;
  std::vector<std::uint64_t> hit_;
  std::vector<std::uint64_t> hit_again_;
  std::int64_t cursor_ = 0;
  std::int64_t stop_ = 0;  // events before it are being run
  std::uint32_t running_ = 0;
  std::int64_t running_at_ = 0;
  shard_counts counts_;
  std::array<std::uint64_t, messages::size + 1> by_type_{};
  Observer observer_;
};

}  // namespace hydra::sim
