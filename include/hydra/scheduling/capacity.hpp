// What both sides of a placement compute: how long until a result is there.
//
// An executor predicts its own wait from its load; an owner predicts the finish of a candidate
// from what the candidate bid. Bids come from others: every term is clamped, so that a hostile
// number can at most make its author look like `speed_believed_max` with an empty queue.
#pragma once

#include <hydra/core/fixed.hpp>
#include <hydra/core/values.hpp>
#include <hydra/scheduling/concept.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::scheduling {

inline constexpr duration predicted_max = std::chrono::hours{24 * 365};  // as good as never
inline constexpr std::uint16_t speed_believed_max = 8000;  // eight reference cores in one
inline constexpr std::size_t considered_max = 64;          // candidates beyond it are not looked at

// Time on one core of this speed; predicted_max when it cannot be done.
[[nodiscard]] constexpr duration time_to_work(duration work, capacity on) noexcept {
  if (on.speed == 0 || on.cores == 0) return predicted_max;
  auto const speed = std::int64_t{std::min(on.speed, speed_believed_max)};
  auto const amount = std::clamp(work, duration{}, predicted_max);
  if (amount.count() >= predicted_max.count() / 1000 * speed) return predicted_max;
  return duration{mul_div(amount.count(), 1000, speed)};
}

// When a task offered now would start on this head: at once while a core is free.
[[nodiscard]] constexpr duration time_to_start(load const& l) noexcept {
  if (l.running < l.power.cores && l.waiting == 0) return duration{};
  return std::clamp(l.backlog, duration{}, predicted_max);
}

// Why a candidate costs what it costs: queue + work + delay, each clamped.
struct predicted_finish {
  duration queue{};
  duration work{};
  duration delay{};
  [[nodiscard]] constexpr duration total() const noexcept { return queue + work + delay; }
  [[nodiscard]] constexpr std::array<std::int64_t, 4> terms() const noexcept {
    return {queue.count(), work.count(), delay.count(), total().count()};
  }
};
[[nodiscard]] constexpr predicted_finish predict(job const& j, candidate const& c) noexcept {
  return {std::clamp(c.queue, duration{}, predicted_max), time_to_work(j.work, c.power),
          std::clamp(c.delay, duration{}, predicted_max)};
}

// When a head says no. Both bounds keep a queue finite whatever arrives.
struct queue_bound {
  duration wait_max = std::chrono::minutes{10};
  std::uint16_t waiting_max = 64;  // tasks

  // A deadline at the origin means: none was said.
  [[nodiscard]] decision accepts(auto& env, offer const& o, load const& l) const {
    auto const start = time_to_start(l);
    auto const finish = start + time_to_work(o.task.work, l.power);
    auto due = never;
    for (auto const said : {o.deadline, o.passport.deadline}) {
      if (said != origin) due = std::min(due, said);
    }
    bool const fits = start <= wait_max && l.waiting < waiting_max && finish < predicted_max;
    // In this order nothing overflows: due may be never, finish is less than a year.
    bool const in_time = due > env.now() && due - env.now() >= finish;
    return {fits && in_time, start, finish};
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& wait_max& waiting_max;
  }
};

// Below the floor of the job or of the policy nobody is placed or asked.
[[nodiscard]] constexpr bool is_trusted(job const& j, candidate const& c, trust floor) noexcept {
  return c.score >= floor && c.score >= j.floor;
}
// Whoever has not bid, or bids with nothing, is not placed on.
[[nodiscard]] constexpr bool has_bid(candidate const& c) noexcept {
  return c.queue >= duration{} && c.power.speed != 0 && c.power.cores != 0;
}

// The candidate with the least cost(candidate) among those for whom fits(candidate) holds, or
// nothing. Ties break by key, never by handle or position.
template <class Fits, class Cost>
[[nodiscard]] std::size_t least(auto& env, std::span<candidate const> among, Fits&& fits,
                                Cost&& cost) {
  auto best = choice::nowhere;
  for (std::size_t i = 0; i < std::min(among.size(), considered_max); ++i) {
    if (!fits(among[i])) continue;
    if (best == choice::nowhere) {
      best = i;
      continue;
    }
    auto const a = cost(among[i]);
    auto const b = cost(among[best]);
    if (a < b) best = i;
    if (a == b && env.about(among[i].who).key < env.about(among[best].who).key) best = i;
  }
  return best;
}

}  // namespace hydra::scheduling
