// Round trips from coordinates that every head works out for itself, without landmarks.
#pragma once

#include <hydra/core/archetype.hpp>
#include <hydra/proximity/concept.hpp>
#include <hydra/proximity/coordinate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::proximity {

struct vivaldi_settings {
  cell own{};                  // disclosed by opt-in, as by geographic; not used here
  bool disclose = false;       // opt in: tell others the cell
  std::uint8_t coarser = 0;    // its width is doubled so often before it is told: 0..5
  bool answer = true;          // tell coordinates; else round trips are answered, positions not
  bool strangers = true;       // who asks us is remembered and asked, within bounds
  bool relax = true;           // after an echo the other neighbours pull as well
  std::uint8_t eager = 255;    // so many probes at the eager period, then at the other
  std::uint8_t outlier = 4;    // who misfits by more than so many medians is left out; 0: nobody
  duration eager_period = 2s;
  duration period = 60s;
  duration unknown = 120ms;    // of heads without a coordinate that were never measured
  template <class A>
  void serialize(A& a, unsigned) {
    a& own& disclose& coarser& answer& strangers& relax& eager& outlier;
    a& eager_period& period& unknown;
  }
};

// Dabek, Cox, Kaashoek, Morris (SIGCOMM 2004), with bounds for a network that lies.
//
// Promises. An estimate for everybody: the smoothed round trip of who was measured (RFC 6298), of
// who only told a coordinate the distance to it, of others `unknown`. Between 0 and 10 s. At most
// one probe is under way; one message of 38 bytes is sent per period and one per probe that
// came. State does not grow.
//
// Rules.
// - Every period one of at most `Places` neighbours, drawn, is asked; its echo is a sample (round
//   trip, coordinate, error). Ours: w = e / (e + e_j); e <- e + w/4 (|d - rtt|/rtt - e);
//   x <- x + w/4 (rtt - d) u, u the direction away from the neighbour, d = |x - x_j| + h + h_j;
//   heights follow with (h + h_j) / d for u and stay above 100 us. Two heads at one point part in
//   a random direction.
// - A round trip counts as the smaller of the one measured now and the smoothed one: queues only
//   ever add to it (the filter of Ledlie, Gardner, Seltzer, NSDI 2007, in four bytes).
// - After an echo every other neighbour pulls once as well, with what it said last and its smoothed
//   round trip, which observe() keeps fresh: who is used a lot pulls no harder than others. It
//   costs no message, and undoes the folds of a network in which all start at once in 250 probes
//   instead of some thousand (tests/simulation).
// - Whose misfit is more than `outlier` medians of all neighbours' is left out of it.
// - Neighbours are whom we are introduced to and whom we measured. The first half stay until they
//   are silent three times in a row; in the second half a new one displaces the oldest. Who asks
//   us takes a free place at most, one per netgroup, a quarter of all, and is asked like others.
// - Integers only: units of 64 ns in 32 bits, errors with 24 binary digits. A step is off by less
//   than 0.2 us from one in doubles, 500 steps together by less than 16 us (tests/laws).
//
// What an attacker gains. It answers with any coordinate and may answer late, never early. It
// tells a coordinate for nobody but itself: in its echo, or unasked with a probe, where it has a
// place or may take one. Both are believed alike, for estimates and for what it pulls when others
// echo; but a head pulls only once it was measured, and a step is taken only after an echo from
// whom we asked, with our nonce, in time. A coordinate beyond 10 s, or of another space, costs its
// place, however it was told. Once measured, a lie about itself no longer shows: estimates are what
// was measured. What it can do is push: a sample moves us by 100 ms at most, and not at all if it
// misfits by more than `outlier` medians, once five neighbours are known. As long as most of them
// are honest a push is 3/16 of a few times the noise. With 20 % of all heads answering at random,
// the honest are off by 10 to 11 % in the median, as without liars; without this rule by 74 to 83 %
// (tests/simulation). A liar who shifts slowly and always within the noise (frog boiling, Chan-Tin
// et al. 2011) is not seen. Confidence is bounded: w is at most 3/4 whatever error is claimed.
// Who floods us with probes fills a quarter of the places with netgroups of its own at most.
//
// Privacy. A coordinate with a few known heads around it tells a position to some hundred km: who
// chooses this policy tells it to whoever asks, unless `answer` is off. Then the head still
// learns, and neighbours know its round trip, as they do anyway. The cell is told by opt-in only.
//
// Cost. 528 bytes per head, 28 of them per place; per hour 60 probes and about as many echoes sent,
// of 38 bytes with their frame: 4.6 kB; in the first 9 minutes 255 of each, 19 kB. An estimate
// looks at every place; an echo takes two roots per neighbour (some us in all).
//
// Departures from the paper: the bounds; filtered samples; neighbours pull again (`relax`); probes
// are messages of their own; there is no gravity, the whole may drift (estimates do not show it).
// With relax and outlier off it is the paper's (papers/12_vivaldi).
template <unsigned Dimensions = 2, bool Height = true, std::size_t Places = 16>
class vivaldi {
 public:
  using policy_concept = proximity_tag;
  using messages = type_list<coordinate_probe, coordinate_echo>;
  using position = coordinate<Dimensions, Height>;

  static constexpr std::uint16_t probe_tag = 1;
  static constexpr std::size_t places_max = Places;
  static constexpr std::size_t steady_max = Places / 2;    // places that nobody is displaced from
  static constexpr std::size_t strangers_max = Places / 4;
  static constexpr std::size_t medians_min = 5;            // neighbours, before any is left out
  static constexpr std::uint8_t silent_max = 3;            // probes in a row
  static constexpr std::int64_t weight_max = std::int64_t{error_one} / 4 * 3;
  static constexpr std::int64_t height_min = units_of(100us);
  static constexpr std::int64_t step_max = units_of(100ms);
  static_assert(Places >= 4);
  static_assert(Places <= 250);

  constexpr vivaldi() { raise(); }
  constexpr explicit vivaldi(vivaldi_settings const& s) : settings_{s} {
    HYDRA_EXPECTS(s.coarser <= coarser_max);
    HYDRA_EXPECTS(s.eager_period > duration{});
    HYDRA_EXPECTS(s.period >= s.eager_period);
    raise();
  }

  // ---- told ---------------------------------------------------------------------------------

  // Heads to start from.
  void join(auto& env, std::span<peer const> known) {
    for (auto who : known) {
      if (who && who != env.self() && place_of(who) == count_) enter(who);
    }
    start(env);
  }
  void observe(auto& env, peer who, duration rtt) {
    if (!who || who == env.self() || rtt <= duration{}) return;
    auto i = place_of(who);
    if (i == count_) i = enter(who);
    places_[i].invited = true;
    places_[i].smooth(rtt);
    start(env);
  }
  // What `who` said of itself.
  void told(auto& env, peer who, claim const& c) {
    auto i = place_of(who);
    if (!position::plausible(c)) {
      if (c.said() && i < count_) drop(i);
      return;
    }
    if (i == count_) {
      if (!settings_.strangers || !welcome(env, who)) return;
      i = enter(who);
      places_[i].invited = false;
    }
    places_[i].learn(c);
    start(env);
  }

  void on_message(auto& env, peer from, coordinate_probe const& m) {
    env.send(from, coordinate_echo{m.nonce, own()});
    told(env, from, m.mine);
  }
  void on_message(auto& env, peer from, coordinate_echo const& m) {
    if (!asked_ || from != asked_ || m.nonce != nonce_) return;
    auto const trip = env.now() - asked_at_;
    auto const i = place_of(from);
    asked_ = {};
    if (i == count_) return;
    auto& p = places_[i];
    if (trip > round_trip_max) return missed(i);
    p.silent = 0;
    p.smooth(std::max(trip, duration{1}));
    if (!m.mine.said()) {
      p.known = false;
    } else if (position::plausible(m.mine)) {
      p.learn(m.mine);
      adjust(env, i, trip);
    } else {
      drop(i);
    }
  }
  void on_timer(auto& env, std::uint16_t tag) {
    if (tag != probe_tag) return;
    if (asked_) missed(place_of(asked_));
    asked_ = {};
    ticking_ = count_ != 0;
    if (!ticking_) return;
    asked_ = places_[env.random().below(count_)].who;
    nonce_ = env.random().bits();
    asked_at_ = env.now();
    env.send(asked_, coordinate_probe{nonce_, own()});
    if (probes_ < settings_.eager) ++probes_;
    env.arm(probes_ < settings_.eager ? settings_.eager_period : settings_.period, probe_tag);
  }
  void failed(auto&, peer who) {
    if (auto const i = place_of(who); i < count_) drop(i);
  }

  // ---- asked --------------------------------------------------------------------------------

  [[nodiscard]] constexpr duration estimate(peer who, cell) const noexcept {
    auto const i = place_of(who);
    if (i < count_ && places_[i].micros != 0) return places_[i].micros * duration{1us};
    if (i < count_ && places_[i].known) return round_trip(own_, places_[i].where);
    return settings_.unknown;
  }
  // The distance to the coordinate of `who`, whatever was measured; below zero: there is none.
  [[nodiscard]] constexpr duration predict(peer who, cell) const noexcept {
    auto const i = place_of(who);
    if (i == count_ || !places_[i].known) return duration{-1};
    return round_trip(own_, places_[i].where);
  }
  [[nodiscard]] constexpr bool measured(peer who) const noexcept {
    auto const i = place_of(who);
    return i < count_ && places_[i].micros != 0;
  }
  [[nodiscard]] constexpr cell disclosed() const noexcept {
    return settings_.disclose ? snapped(settings_.own, settings_.coarser) : cell{};
  }
  // What this head tells who asks it; nothing where `answer` is off.
  [[nodiscard]] constexpr claim own() const { return settings_.answer ? own_.said() : claim{}; }
  [[nodiscard]] constexpr position const& where() const noexcept { return own_; }
  [[nodiscard]] constexpr std::size_t neighbours() const noexcept { return count_; }

  template <class A>
  void serialize(A& a, unsigned) {
    a& settings_& own_& places_& nonce_& asked_at_& asked_;
    a& count_& turn_& probes_& ticking_;
    count_ = std::min<std::uint8_t>(count_, Places);
    turn_ = static_cast<std::uint8_t>(turn_ % (Places - steady_max));
  }

 private:
  struct place {
    peer who{};
    position where{};
    std::uint32_t micros = 0;  // smoothed round trip; 0: never measured
    std::uint8_t silent = 0;   // probes in a row
    bool known = false;        // `where` was told
    bool invited = true;       // introduced or measured; else it asked us

    constexpr void smooth(duration rtt) noexcept {
      auto const now = static_cast<std::uint32_t>(
          std::max<std::int64_t>(std::min(rtt, round_trip_max) / 1us, 1));
      micros = micros == 0
                   ? now
                   : static_cast<std::uint32_t>((std::uint64_t{micros} * 7 + now) / 8);
      if (micros == 0) micros = 1;
    }
    [[nodiscard]] constexpr bool usable() const noexcept { return known && micros != 0; }
    constexpr void learn(claim const& c) {
      where = position::from(c);
      known = true;
    }
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& where& micros& silent& known& invited;
    }
  };

  constexpr void raise() noexcept {
    if constexpr (Height) own_.axes[position::plane] = static_cast<std::int32_t>(height_min);
  }
  [[nodiscard]] constexpr std::size_t place_of(peer who) const noexcept {
    std::size_t i = 0;
    while (i < count_ && places_[i].who != who) ++i;
    return i;
  }
  std::size_t enter(peer who) {
    std::size_t i = count_;
    if (count_ < Places) {
      ++count_;
    } else {
      i = steady_max + turn_;
      turn_ = static_cast<std::uint8_t>((turn_ + 1U) % (Places - steady_max));
    }
    places_[i] = place{};
    places_[i].who = who;
    return i;
  }
  // The order of the others stays.
  void drop(std::size_t i) {
    std::move(places_.begin() + static_cast<std::ptrdiff_t>(i) + 1, places_.begin() + count_,
              places_.begin() + static_cast<std::ptrdiff_t>(i));
    places_[--count_] = place{};
  }
  void missed(std::size_t i) {
    if (i < count_ && ++places_[i].silent >= silent_max) drop(i);
  }
  // Whether a head that asks us unasked may have a place.
  [[nodiscard]] bool welcome(auto& env, peer who) const {
    if (!who || who == env.self() || count_ == Places) return false;
    auto const group = env.about(who).group;
    std::size_t strangers = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (places_[i].invited) continue;
      if (env.about(places_[i].who).group == group) return false;
      ++strangers;
    }
    return strangers < strangers_max;
  }
  void start(auto& env) {
    if (ticking_ || count_ == 0) return;
    ticking_ = true;
    env.arm(env.random().between(duration{}, settings_.eager_period), probe_tag);
  }

  // Zero: there are too few to tell.
  struct crowd {
    std::int64_t misfit_max = 0;
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return misfit_max != 0; }
  };
  [[nodiscard]] static constexpr std::int64_t size_of(std::int64_t x) noexcept {
    return x < 0 ? -x : x;
  }
  [[nodiscard]] constexpr std::int64_t misfit(place const& p, std::int64_t rtt) const noexcept {
    return rtt - (apart_in_plane(own_, p.where) + own_.height() + p.where.height());
  }
  [[nodiscard]] crowd ask_crowd() const {
    std::array<std::int64_t, Places> all{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      auto const& p = places_[i];
      if (p.usable()) all[n++] = size_of(misfit(p, units_of(p.micros * duration{1us})));
    }
    if (n < medians_min) return {};
    auto const middle = all.begin() + static_cast<std::ptrdiff_t>(n / 2);
    std::nth_element(all.begin(), middle, all.begin() + static_cast<std::ptrdiff_t>(n));
    return {std::max<std::int64_t>(*middle * settings_.outlier, 1)};
  }

  // After an echo of neighbour i.
  void adjust(auto& env, std::size_t i, duration trip) {
    auto const among = settings_.outlier == 0 ? crowd{} : ask_crowd();
    sample(env, places_[i], trip, among);
    if (!settings_.relax || !among) return;
    for (std::size_t k = 0; k < count_; ++k) {
      if (k != i && places_[k].usable()) sample(env, places_[k], round_trip_max, among);
    }
  }
  void sample(auto& env, place const& p, duration trip, crowd const& among) {
    auto const smooth = p.micros * duration{1us};
    auto const rtt = std::max<std::int64_t>(units_of(std::min(trip, smooth)), 1);
    auto const off = misfit(p, rtt);
    if (among && size_of(off) > among.misfit_max) return;
    auto const sum = std::uint64_t{own_.error} + p.where.error;
    auto const w = std::min<std::int64_t>(
        sum == 0 ? error_one / 2
                 : static_cast<std::int64_t>(std::uint64_t{own_.error} * error_one / sum),
        settings_.outlier == 0 ? error_one : weight_max);
    auto const seen = std::min<std::int64_t>(
        mul_div(size_of(off), error_one, rtt), error_max);
    auto const e = std::int64_t{own_.error};
    own_.error = static_cast<std::uint32_t>(e + mul_div(seen - e, w, 4 * std::int64_t{error_one}));
    auto const step = mul_div(off, w, 4 * std::int64_t{error_one});
    move(env, p.where, std::clamp(step, -step_max, step_max));
  }
  // By `step` units away from `other`.
  void move(auto& env, position const& other, std::int64_t step) {
    auto const flat = apart_in_plane(own_, other);
    auto const whole = flat + own_.height() + other.height();
    if (flat == 0) {
      auto const to = any_direction<Dimensions>(env.random());
      std::uint64_t squares = 0;
      for (auto x : to) squares += static_cast<std::uint64_t>(x * x);
      auto const length = static_cast<std::int64_t>(root(squares));
      for (std::size_t i = 0; i < Dimensions; ++i) shift(i, mul_div(to[i], step, length));
      return;
    }
    for (std::size_t i = 0; i < Dimensions; ++i) {
      shift(i, mul_div(std::int64_t{own_.axes[i]} - other.axes[i], step, whole));
    }
    if constexpr (Height) {
      shift(position::plane, mul_div(own_.height() + other.height(), step, whole));
      own_.axes[position::plane] =
          std::max(own_.axes[position::plane], static_cast<std::int32_t>(height_min));
    }
  }
  constexpr void shift(std::size_t axis, std::int64_t by) noexcept {
    own_.axes[axis] = static_cast<std::int32_t>(std::clamp<std::int64_t>(
        own_.axes[axis] + by, -std::int64_t{units_max}, std::int64_t{units_max}));
  }

  vivaldi_settings settings_{};
  position own_{};
  std::array<place, Places> places_{};
  std::uint64_t nonce_ = 0;  // of the probe under way
  instant asked_at_{};
  peer asked_{};             // nobody: none is under way
  std::uint8_t count_ = 0;
  std::uint8_t turn_ = 0;    // of the second half, to be displaced
  std::uint8_t probes_ = 0;  // sent, up to `eager`
  bool ticking_ = false;
};

static_assert(PredictsProximity<vivaldi<2>, archetype_view<vivaldi<2>>>);

}  // namespace hydra::proximity
