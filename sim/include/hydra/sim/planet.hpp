// The surroundings of a scenario: places, delays, faults, churn, arrivals, capacity, friends.
//
// Promise: everything is a pure function of (scenario, seed, peer, count); what a policy does
// cannot move an arrival, a crash or a delay. Jobs: the n-th of a peer is job_of(peer, n). A
// task's honest result is honest_output(task), so a wrong one is known to the world, and to no
// policy. Cost: route() 60-90 ns on the planet's delays; 40 bytes per peer.
#pragma once

#include <hydra/assembly/jobs.hpp>
#include <hydra/sim/latency.hpp>
#include <hydra/sim/positions.hpp>
#include <hydra/sim/quantile.hpp>
#include <hydra/sim/recorded_arrivals.hpp>
#include <hydra/sim/scenario.hpp>
#include <hydra/sim/setting.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace hydra::sim {

// What a peer brings to the planet.
struct role {
  bounded_vector<service, 8> offers{};  // empty: it only asks
  capacity power{};
  conditions under{};
  cell where{};
  std::uint8_t region = 0;
  std::uint8_t group = 0;  // from 1; 0: of none
  bool churns = false;
  bool calls_out_only = false;  // behind a NAT
};

// What a table that is built without traffic must know of a head.
struct addressed_head {
  peer who{};
  hydra::key key{};
  netgroup group{};
};

[[nodiscard]] composition composition_from(composition_settings const&);

class planet : public plain_setting {
 public:
  // Throws data_error. `alone`: nobody knows anybody.
  explicit planet(scenario const& what, bool alone = false);

  [[nodiscard]] scenario const& plan() const noexcept { return plan_; }
  [[nodiscard]] bool alone() const noexcept { return alone_; }
  // The arrivals of a trace; null: they are drawn.
  [[nodiscard]] recorded_arrivals const* recorded() const noexcept { return recorded_.get(); }
  [[nodiscard]] role const& role_of(std::uint32_t who) const noexcept { return roles_[who]; }
  [[nodiscard]] bool provides(std::uint32_t who) const noexcept {
    return !roles_[who].offers.empty();
  }
  [[nodiscard]] std::string_view city_of(std::uint32_t who) const;
  [[nodiscard]] place const& place_of(std::uint32_t who) const {
    return where_->place_of(peer{who});
  }

  // Every head in the order of keys, where tables are built directly; else nothing.
  [[nodiscard]] std::span<addressed_head const> everybody() const noexcept {
    return everybody_ ? std::span{*everybody_} : std::span<addressed_head const>{};
  }

  // The friends of a peer, symmetric: some live next door, some anywhere.
  [[nodiscard]] bounded_vector<std::uint32_t, 16> friends_of(std::uint32_t who) const;
  // Whom a peer knows when it starts: friends, and a few it was told of; only who can be called.
  [[nodiscard]] bounded_vector<std::uint32_t, 16> contacts_of(std::uint32_t who) const;

  // ---- the network
  [[nodiscard]] duration window() const noexcept { return window_; }
  [[nodiscard]] duration lookahead(peer_range a, peer_range b) const;
  [[nodiscard]] netgroup netgroup_of(std::uint32_t who) const noexcept {
    return where_ ? where_->netgroup_of(peer{who}) : derived_netgroup(seed(), peer{who});
  }
  [[nodiscard]] duration one_way(std::uint32_t from, std::uint32_t to) const noexcept;
  [[nodiscard]] delivery route(transmission const& t) const noexcept;
  // By class of access; of a head whose delays are not the planet's: fibre.
  [[nodiscard]] access_line line(std::uint32_t who) const noexcept;
  [[gnu::always_inline]] void approach(std::uint32_t to) const noexcept {
    if (fitted_) fitted_->approach(peer{to});
  }
  [[gnu::always_inline]] void approach_further(std::uint32_t to) const noexcept {
    if (fitted_) fitted_->approach_further(peer{to});
  }
  [[nodiscard]] bool tells_unreachable() const noexcept {
    return plan().world.tells_unreachable;
  }
  // Who is behind a NAT says so to whom it calls, as in a handshake, so nobody enters it.
  [[nodiscard]] bool calls_out_only(std::uint32_t who) const noexcept {
    return any_nat_ && roles_[who].calls_out_only;
  }
  [[nodiscard]] duration nat_hold() const noexcept { return plan_.world.nat_hold; }
  [[nodiscard]] bool any_nat() const noexcept { return any_nat_; }
  [[nodiscard]] reach reach_of(std::uint32_t who) const noexcept {
    return calls_out_only(who) ? reach::outbound_only : reach::open;
  }
  [[nodiscard]] duration skew(std::uint32_t who, instant now) const noexcept {
    return any_skew_ ? skew_by(who, now) : duration{};
  }

  // ---- the work
  // The object that this head has from the start: a member of the workload's holders has one.
  [[nodiscard]] object_ref shelf_of(std::uint32_t who) const noexcept;
  [[nodiscard]] job job_of(std::uint32_t who, std::uint32_t n) const;
  [[nodiscard]] payload honest_output(task const& t) const;
  // Of a whole job, divided as the scenario says.
  [[nodiscard]] payload expected_output(job const& j) const;
  [[nodiscard]] bool asks(std::uint32_t who) const noexcept;
  [[nodiscard]] execution execute(std::uint32_t who, task const& t, instant now) const;
  // How long work takes on this head when it begins now, slow heads included.
  [[nodiscard]] duration time_for(std::uint32_t who, duration work, instant now) const noexcept;
  // When slowness begins or ends on this head, in order; empty: it is always as fast as it says.
  [[nodiscard]] std::vector<instant> speed_changes(std::uint32_t who) const;
  [[nodiscard]] bool lies(std::uint32_t who, instant now) const noexcept;
  // The first instant from `now` on at which it does not lie to others; `never`: there is none.
  [[nodiscard]] instant honest_from(std::uint32_t who, instant now) const noexcept;
  [[nodiscard]] bool may_lie(std::uint32_t who) const noexcept;

  // ---- what befalls a peer
  template <class Around>
  void begin(Around& around, std::uint32_t who) const {
    schedule_crashes(around, who);
    if (auto const first = arrival_gap(who, 0)) around.wake_at(*first, code(cause::arrival, 0));
    if (!roles_[who].churns) return;
    bool const up = plan_.churn.begin == churn_begin::up || begins_up(who);
    if (!up) {
      around.start_down();
      around.observer().went_down(who, instant{});
    }
    around.wake_at(instant{} + session(who, up ? 0U : 1U), code(cause::churn, up ? 1U : 2U));
  }

  template <class Around>
  void wake(Around& around, std::uint32_t who, std::uint32_t what) const {
    auto const n = what & count_mask;
    switch (static_cast<cause>(what >> 29U)) {
      case cause::arrival: return arrive(around, who, n);
      case cause::churn: {
        if (n % 2 == 1) {
          down(around, who);
        } else {
          up(around, who);
        }
        around.wake_at(around.now() + session(who, n), code(cause::churn, n + 1));
        return;
      }
      case cause::crash: {
        auto const& f = plan_.faults[n];
        down(around, who);
        if (f.away > duration{}) around.wake_at(around.now() + f.away, code(cause::back, n));
        return;
      }
      case cause::back: return up(around, who);
    }
  }

 private:
  enum class cause : std::uint8_t { arrival, churn, crash, back };
  static constexpr std::uint32_t count_mask = (1U << 29U) - 1;
  [[nodiscard]] static std::uint32_t code(cause c, std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(c) << 29U | (n & count_mask);
  }

  template <class Around>
  void arrive(Around& around, std::uint32_t who, std::uint32_t n) const {
    auto const now = around.now();
    if (auto const gap = arrival_gap(who, n + 1)) {
      auto const next = now + (*gap - instant{});
      if (next < last_arrival_) around.wake_at(next, code(cause::arrival, n + 1));
    }
    if (now >= last_arrival_ || !around.up()) return;  // who is away asks nothing
    auto const what = job_of(who, n);
    around.observer().asked(who, n, now);
    around.tell(submit{what});
  }
  template <class Around>
  void down(Around& around, std::uint32_t who) const {
    if (!around.up()) return;
    around.observer().went_down(who, around.now());
    around.crash();
  }
  template <class Around>
  void up(Around& around, std::uint32_t who) const {
    if (around.up()) return;
    around.observer().came_up(who, around.now());
    around.restart();
  }
  template <class Around>
  void schedule_crashes(Around& around, std::uint32_t who) const {
    for (std::uint32_t i = 0; i < plan_.faults.size(); ++i) {
      auto const& f = plan_.faults[i];
      if (!hits(f, i, who)) continue;
      if (f.kind == fault_kind::crash) around.wake_at(instant{} + f.at, code(cause::crash, i));
      if (f.kind == fault_kind::restart) around.wake_at(instant{} + f.at, code(cause::back, i));
    }
  }

  [[nodiscard]] bool within(whereabouts const& w, std::uint32_t who) const noexcept;
  // Whether this head is one of those that fault number `index` hits.
  [[nodiscard]] bool hits(fault_settings const& f, std::uint32_t index,
                          std::uint32_t who) const noexcept;
  [[nodiscard]] static bool active(fault_settings const& f, instant now) noexcept {
    auto const since = now - instant{};
    return since >= f.at && since - f.at < f.lasts;
  }
  // When a lie that fault number `index` makes this head tell now is over; `now`: it tells none.
  [[nodiscard]] instant lie_over(std::uint32_t index, std::uint32_t who,
                                 instant now) const noexcept;
  [[nodiscard]] bool on_the_way(fault_settings const& f, std::uint32_t from,
                                std::uint32_t to) const noexcept;
  void apply(fault_settings const& f, std::size_t index, transmission const& t,
             delivery& way) const noexcept;
  [[nodiscard]] duration skew_by(std::uint32_t who, instant now) const noexcept;

  // When the first job arrives (n = 0), or the gap before the n-th, as an instant from zero.
  [[nodiscard]] std::optional<instant> arrival_gap(std::uint32_t who, std::uint32_t n) const;
  [[nodiscard]] std::optional<instant> recorded_gap(std::uint32_t who, std::uint32_t n) const;
  [[nodiscard]] std::uint8_t level_for(std::uint64_t bits) const noexcept;
  [[nodiscard]] duration session(std::uint32_t who, std::uint32_t n) const;
  [[nodiscard]] bool begins_up(std::uint32_t who) const;
  [[nodiscard]] std::uint64_t chance_of(std::uint64_t why, std::uint32_t who,
                                        std::uint64_t n) const noexcept {
    return mix64(stream_base(seed(), why, who) + 0x9e3779b97f4a7c15U * (n + 1));
  }
  // Among the first so many kinds; 0: among all.
  [[nodiscard]] std::uint32_t kind_for(std::uint64_t bits, std::uint32_t kinds = 0) const noexcept;
  [[nodiscard]] std::uint64_t output_word(service what, duration work, payload const& input,
                                          bulk const& data) const;
  [[nodiscard]] std::uint32_t shuffled(std::uint64_t salt, std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint32_t unshuffled(std::uint64_t salt, std::uint32_t i) const noexcept;

  void place_everybody();
  void introduce_everybody();
  void gather_groups();
  void deal_services();
  void set_conditions();
  [[nodiscard]] demands demanded_by(std::uint32_t who) const noexcept;
  void equip_groups();
  void set_behind_nats();
  void read_laws();

  scenario plan_;
  bool alone_;
  duration window_{};
  instant last_arrival_{};
  bool any_skew_ = false;
  bool any_nat_ = false;
  std::shared_ptr<atlas const> map_;
  std::shared_ptr<positions const> where_;
  std::shared_ptr<planet_latency const> fitted_;
  std::shared_ptr<matrix_latency const> measured_;
  std::shared_ptr<recorded_arrivals const> recorded_;
  std::shared_ptr<std::vector<addressed_head> const> everybody_;
  std::vector<role> roles_;
  std::vector<std::uint8_t> region_;
  std::vector<std::vector<std::uint32_t>> groups_;  // members, by number
  std::uint32_t askers_ = 0;
  std::vector<std::uint32_t> callable_;  // with NATs: all who are behind none
  std::vector<std::uint32_t> popularity_;  // cumulative, the last is the sum
  std::vector<std::uint32_t> message_rules_;
  std::vector<std::uint32_t> head_rules_;
  quantile_law gap_;
  quantile_law work_;
  quantile_law uptime_;
  quantile_law downtime_;
};

}  // namespace hydra::sim
