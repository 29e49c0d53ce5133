// Event queues behind one concept: what is pending, handed out one window at a time.
//
//   push(at, words) -> event*   room for an event; `at` must not lie before the current window
//   move_to(start)              goes on to the window that starts there
//   take(visit)                 visits that window's events, in no particular order
//   scratch(words) -> event*    room that lives as long as the events that were taken
//   recycle()                   gives the memory of both back
//   each(visit)                 visits everything that is pending and takes nothing
//
// window_queue is a ladder of three rungs of look-ahead windows: append-only buckets of W ns,
// then buckets of 1024 W, then the rest. Push and take are O(1) and write sequentially; nothing
// is compared. (Tang, Goh, Thng, "Ladder queue", TOMACS 2005, without its sorting rung: within a
// window the shard orders only the events of a peer that is hit twice.)
//
// radix_queue is the fallback where there is no look-ahead at all (W = 1 ns): a monotone radix
// heap (Ahuja, Mehlhorn, Orlin, Tarjan, JACM 1990); amortised O(log C) per event.
#pragma once

#include <hydra/core/wide.hpp>
#include <hydra/sim/event.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hydra::sim {

inline constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

template <class Q>
concept EventQueue = std::copyable<Q> && std::constructible_from<Q, std::int64_t> &&
                     requires(Q& q, Q const& c, std::int64_t at, std::size_t words) {
                       { q.push(at, words) } -> std::same_as<event*>;
                       { q.scratch(words) } -> std::same_as<event*>;
                       q.move_to(at);
                       q.take([](event&) {});
                       q.recycle();
                       q.each([](event&) {});
                       { c.width() } -> std::same_as<std::int64_t>;
                       { c.window_end() } -> std::same_as<std::int64_t>;
                       { c.empty() } -> std::same_as<bool>;
                       { c.bytes() } -> std::same_as<std::size_t>;
                     };

class window_queue {
 public:
  static constexpr std::size_t rung = 1024;

  // `window`: ns, at least 2.
  explicit window_queue(std::int64_t window)
      : width_{window},
        reciprocal_{std::numeric_limits<std::uint64_t>::max() /
                        static_cast<std::uint64_t>(std::max<std::int64_t>(window, 2)) +
                    1} {
    HYDRA_EXPECTS(window > 1);
    near_.resize(rung);
    far_.resize(rung);
  }

  [[nodiscard]] std::int64_t width() const noexcept { return width_; }
  [[nodiscard]] std::int64_t window_start() const noexcept { return current_ * width_; }
  [[nodiscard]] std::int64_t window_end() const noexcept { return (current_ + 1) * width_; }

  [[nodiscard]] event* push(std::int64_t at, std::size_t words) {
    auto const w = window_of(at);
    HYDRA_EXPECTS(w >= current_);
    ++pending_;
    if (w - current_ < static_cast<std::int64_t>(rung)) {
      return near_[static_cast<std::size_t>(w) % rung].append(chunks_, words);
    }
    auto const slot = w / static_cast<std::int64_t>(rung);
    if (slot - current_ / static_cast<std::int64_t>(rung) < static_cast<std::int64_t>(rung)) {
      return far_[static_cast<std::size_t>(slot) % rung].append(chunks_, words);
    }
    return beyond_.append(chunks_, words);
  }

  [[nodiscard]] bool empty() const noexcept { return pending_ == 0; }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  // Moves on to the window that starts at `start`, a multiple of width().
  void move_to(std::int64_t start) {
    auto const w = window_of(start);
    while (current_ < w) {
      ++current_;
      if (current_ % static_cast<std::int64_t>(rung) == 0) descend();
    }
  }

  // Takes the current window's events; they stay valid until recycle().
  template <class F>
  void take(F&& visit) {
    taken_ = near_[static_cast<std::size_t>(current_) % rung];
    near_[static_cast<std::size_t>(current_) % rung] = bucket{};
    taken_.each(chunks_, [&](event& e) {
      --pending_;
      visit(e);
    });
  }
  [[nodiscard]] event* scratch(std::size_t words) { return taken_.append(chunks_, words); }
  void recycle() noexcept { taken_.clear(chunks_); }
  template <class F>
  void each(F&& visit) {
    for (auto const& b : near_) b.each(chunks_, visit);
    for (auto const& b : far_) b.each(chunks_, visit);
    beyond_.each(chunks_, visit);
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return chunks_.bytes() + (near_.size() + far_.size()) * sizeof(bucket);
  }

 private:
  void descend() {
    auto const slot = current_ / static_cast<std::int64_t>(rung);
    if (slot % static_cast<std::int64_t>(rung) == 0) pour(beyond_);
    pour(far_[static_cast<std::size_t>(slot) % rung]);
  }
  void pour(bucket& from) {
    auto list = from;
    from = bucket{};
    list.each(chunks_, [&](event& e) {
      --pending_;
      std::memcpy(static_cast<void*>(push(e.at, e.words)), &e, e.bytes());
    });
    list.clear(chunks_);
  }

  // at / width_ without a division: the estimate is too large by at most one. `at` >= 0.
  [[nodiscard]] std::int64_t window_of(std::int64_t at) const noexcept {
    auto const wide = static_cast<uint128>(static_cast<std::uint64_t>(at)) * reciprocal_;
    auto const guess = static_cast<std::int64_t>(wide >> 64U);
    return guess * width_ > at ? guess - 1 : guess;
  }

  std::int64_t width_;
  std::uint64_t reciprocal_;
  std::int64_t current_ = 0;
  std::size_t pending_ = 0;
  arena chunks_;
  std::vector<bucket> near_;
  std::vector<bucket> far_;
  bucket beyond_;
  bucket taken_;
};

class radix_queue {
 public:
  explicit radix_queue(std::int64_t = 1) {}

  [[nodiscard]] std::int64_t width() const noexcept { return 1; }
  [[nodiscard]] std::int64_t window_start() const noexcept { return current_; }
  [[nodiscard]] std::int64_t window_end() const noexcept { return current_ + 1; }

  [[nodiscard]] event* push(std::int64_t at, std::size_t words) {
    HYDRA_EXPECTS(at >= current_);
    ++pending_;
    auto const i = rank(at);
    if (at < least_[i]) least_[i] = at;
    return buckets_[i].append(chunks_, words);
  }
  [[nodiscard]] bool empty() const noexcept { return pending_ == 0; }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  // The earliest instant at which something is pending.
  [[nodiscard]] std::int64_t earliest() const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (!buckets_[i].empty()) return least_[i];
    }
    return end_of_time;
  }

  // Precondition: nothing is pending before `start`.
  void move_to(std::int64_t start) {
    if (start <= current_) return;
    auto const i = rank(start);
    current_ = start;
    if (i == 0) return;
    auto list = buckets_[i];
    buckets_[i] = bucket{};
    least_[i] = end_of_time;
    list.each(chunks_, [&](event& e) {
      --pending_;
      std::memcpy(static_cast<void*>(push(e.at, e.words)), &e, e.bytes());
    });
    list.clear(chunks_);
  }
  template <class F>
  void take(F&& visit) {
    taken_ = buckets_[0];
    buckets_[0] = bucket{};
    least_[0] = end_of_time;
    taken_.each(chunks_, [&](event& e) {
      --pending_;
      visit(e);
    });
  }
  [[nodiscard]] event* scratch(std::size_t words) { return taken_.append(chunks_, words); }
  void recycle() noexcept { taken_.clear(chunks_); }
  template <class F>
  void each(F&& visit) {
    for (auto const& b : buckets_) b.each(chunks_, visit);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.bytes(); }

 private:
  [[nodiscard]] std::size_t rank(std::int64_t at) const noexcept {
    return static_cast<std::size_t>(
        std::bit_width(static_cast<std::uint64_t>(at) ^ static_cast<std::uint64_t>(current_)));
  }

  std::int64_t current_ = 0;
  std::size_t pending_ = 0;
  arena chunks_;
  std::array<bucket, 65> buckets_{};
  std::array<std::int64_t, 65> least_ = [] {
    std::array<std::int64_t, 65> all{};
    all.fill(end_of_time);
    return all;
  }();
  bucket taken_;
};

static_assert(EventQueue<window_queue>);
static_assert(EventQueue<radix_queue>);

}  // namespace hydra::sim
