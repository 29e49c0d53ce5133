// PHOLD, the yardstick of parallel discrete-event simulation (Fujimoto, "Performance of Time Warp
// under synthetic workloads", 1990), with the parameters of ROSS: every logical process (LP)
// starts with one event; whoever handles an event schedules one more, 25 % of the time at an LP
// drawn from all (itself included), else at itself, after 0.1 + an exponential time of mean 0.9.
//
// As an ordinary node on the public headers: an event is a message, one to oneself if it stays,
// and how long it takes is the setting's affair, as in any network. The unit of time is 1 s. The
// exponential is the committed quantile table: no floating point in the path of an event.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/sim/quantile.hpp>
#include <hydra/sim/setting.hpp>

#include <cmath>
#include <cstdint>

namespace phold {

using namespace std::chrono_literals;

inline constexpr hydra::duration lookahead = 100ms;
inline constexpr hydra::duration exponential_mean = 900ms;
inline constexpr hydra::ratio remote{1, 4};

// An event. It carries nothing: what is measured is who gets it, and when.
struct ball {
  static constexpr hydra::message_id id{hydra::room::node, 1, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

class logical_process {
 public:
  using messages = hydra::type_list<ball>;

  explicit logical_process(std::uint32_t lps) : lps_{lps} {}

  void on_start(auto& env) { env.send(env.self(), ball{}); }
  void on_message(auto& env, hydra::peer, ball const& b) {
    auto draw = env.random();
    auto to = env.self();
    if (draw.chance(remote)) to = hydra::peer{static_cast<std::uint32_t>(draw.below(lps_))};
    env.send(to, b);
  }

 private:
  std::uint32_t lps_;
};

class setting : public hydra::sim::plain_setting {
 public:
  // Throws data_error where the committed quantile tables are not found.
  explicit setting(std::uint32_t lps, std::uint64_t seed = 1)
      : plain_setting{seed, lps},
        base_{hydra::stream_base(seed, hydra::purpose::latency, 0)},
        wait_{hydra::sim::law_book::load().law("exponential").scaled(
            exponential_mean.count(), 1'000'000'000)} {}

  [[nodiscard]] logical_process make(hydra::sim::permutation const&, std::uint32_t) const {
    return logical_process{peers()};
  }
  [[nodiscard]] hydra::duration window() const noexcept { return lookahead; }
  [[nodiscard]] hydra::sim::delivery route(hydra::sim::transmission const& t) const noexcept {
    auto const bits = hydra::mix64(base_ ^ (std::uint64_t{t.from} << 32U | t.sequence));
    return {.delay = lookahead + wait_.draw(bits)};
  }
  // What the table gives, 900 ms but for its error, in seconds.
  [[nodiscard]] double mean_wait() const noexcept { return wait_.mean() / 1e9; }

 private:
  std::uint64_t base_;
  hydra::sim::quantile_law wait_;
};

// How many events a renewal process of this law has in `end` seconds, for all LPs together, and
// how far from that one run in three strays (Feller, vol. II, XI.3).
struct expectation {
  double events = 0;
  double spread = 0;
};
[[nodiscard]] inline expectation expected(setting const& s, double end) {
  auto const mean = s.mean_wait() + static_cast<double>(lookahead.count()) / 1e9;
  auto const variance = s.mean_wait() * s.mean_wait();
  auto const each = end / mean + (variance - mean * mean) / (2 * mean * mean);
  return {s.peers() * each, std::sqrt(s.peers() * variance * end / (mean * mean * mean))};
}

}  // namespace phold
