// How a TCP sender's window opens: what holds a single flow back when its lines do not.
//
// Modelled, each with one rule of TCP and no number fitted to a measurement:
// - slow start from ten segments, a window per round trip, doubling (bytes are counted);
// - the odd last segment of a window waits for the timer of delayed acknowledgements (40 ms);
// - slow start ends when a burst overflows the buffer before the line (half a window queues up), or
//   when HyStart sees a full line: by the delay (4..16 ms), or by a train of acknowledgements as
//   long as the round trip, which under 2 ms it always takes for one;
// - losses are seen a round trip late, after another doubling; their repair takes the time of the
//   lost bytes, and nothing new leaves meanwhile;
// - Cubic: W_max + 0.4 (t - K)^3, 0.7 at a loss, fast convergence, at least 5 % a round trip before
//   the first loss; where the buffer is so shallow that a cut window leaves the line idle, the saw
//   is followed tooth by tooth, else the line is simply busy and costs no events;
// - the receive window.
// Not modelled: single packets, retransmission time-outs, reordering, pacing.
// Integers only; windows in bytes, rates in bytes/s.
#pragma once

#include <hydra/core/fixed.hpp>
#include <hydra/core/time.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace hydra::sim {

struct flow_limits {
  std::uint64_t window = 6U << 20U;  // receive window, bytes
  std::uint32_t segment = 1448;      // payload of a packet, bytes
  std::uint32_t packet = 1502;       // what it takes on the line, bytes
  std::uint32_t initial = 10;        // first window, segments
  std::uint32_t tell = 16;           // a share is told again when off by more than 1/tell
  duration buffer = 50ms;            // what a burst may fill before a line, as its time
  duration standing = 50ms;          // what may stand there for long: less under CoDel
  bool ramp = true;                  // false: no windows at all, pure sharing
};

namespace detail {

inline constexpr std::int64_t second_ns = 1'000'000'000;

// a * b / c for non-negative numbers, no larger than the largest signed number.
[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t a, std::uint64_t b,
                                             std::uint64_t c) noexcept {
  auto const wide = static_cast<uint128>(a) * b / c;
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return wide > most ? most : static_cast<std::uint64_t>(wide);
}
[[nodiscard]] constexpr std::uint64_t scaled_up(std::uint64_t a, std::uint64_t b,
                                                std::uint64_t c) noexcept {
  auto const wide = (static_cast<uint128>(a) * b + (c - 1)) / c;
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return wide > most ? most : static_cast<std::uint64_t>(wide);
}
[[nodiscard]] constexpr std::uint64_t in_time(std::uint64_t bytes_per_s, duration d) noexcept {
  return scaled(bytes_per_s, static_cast<std::uint64_t>(ns(d)), second_ns);
}
// The cube root, rounded down.
[[nodiscard]] constexpr std::uint64_t cube_root(std::uint64_t x) noexcept {
  std::uint64_t root = 0;
  for (int shift = 63; shift >= 0; shift -= 3) {
    root *= 2;
    auto const next = 3 * root * (root + 1) + 1;
    if ((x >> static_cast<unsigned>(shift)) >= next) {
      x -= next << static_cast<unsigned>(shift);
      ++root;
    }
  }
  return root;
}

}  // namespace detail

// The window of one flow.
class flow_window {
 public:
  flow_window() = default;
  flow_window(flow_limits const& l, duration rtt) noexcept
      : rtt_{std::max<duration>(rtt, 1us)},
        size_{std::min<std::uint64_t>(l.window, std::uint64_t{l.initial} * l.segment)} {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] duration rtt() const noexcept { return rtt_; }
  [[nodiscard]] bool slow_start() const noexcept { return slow_; }
  // The mean rate of one window per round trip.
  [[nodiscard]] std::uint64_t rate() const noexcept {
    return detail::scaled(size_, detail::second_ns, static_cast<std::uint64_t>(ns(rtt_)));
  }
  // True as long as the line leaves gaps between the rounds of slow start and takes their bursts:
  // acknowledgements of one window release two, so half a window queues up. HyStart takes
  // acknowledgements that are never 2 ms apart for a train that fills the line.
  [[nodiscard]] bool gaps(flow_limits const& l, std::uint64_t line) const noexcept {
    if (rtt_ <= 2ms && size_ >= 16 * std::uint64_t{l.segment}) return false;
    return rate() < line && size_ / 2 <= std::max<std::uint64_t>(
        detail::in_time(line, l.buffer), std::uint64_t{10} * l.packet);
  }
  // Two segments are acknowledged together; the odd one of a window waits for its timer.
  [[nodiscard]] bool odd(flow_limits const& l) const noexcept {
    return slow_ && size_ > std::uint64_t{l.initial} * l.segment && size_ < l.window;
  }
  void next_round(flow_limits const& l) noexcept { size_ = std::min(l.window, 2 * size_); }

  // Slow start has met a line of `line` bytes/s. Returns how long the repair of its losses takes.
  [[nodiscard]] duration leave_slow_start(instant now, flow_limits const& l,
                                          std::uint64_t line) noexcept {
    slow_ = false;
    auto const pipe = detail::in_time(line, rtt_);
    auto const seen = detail::in_time(line, rtt_ + std::clamp<duration>(rtt_, 4ms, 16ms));
    size_ = std::max<std::uint64_t>(size_, 16 * std::uint64_t{l.segment});
    auto const fits = detail::in_time(line, rtt_ + l.buffer);
    auto const burst = rtt_ > 2ms && rate() < line;  // it was the buffer that ended it
    // Losses are seen a round trip after the buffer was full; until then the window doubles.
    if (burst) size_ += 2 * detail::in_time(line, l.buffer);
    else if (rtt_ > 2ms && size_ < seen) size_ += pipe;
    size_ = std::min(size_, l.window);
    epoch_ = now;
    origin_ = size_;
    if (!burst && size_ <= fits) return duration{};
    auto const lost = burst ? size_ / 2 : size_ - fits;
    cut(now, l);
    auto const pace = std::max<std::uint64_t>(1, std::min(line, rate()));
    return duration{static_cast<std::int64_t>(detail::scaled(lost, detail::second_ns, pace))};
  }
  // The largest window that loses nothing for long: a round trip of the line and what may stand.
  [[nodiscard]] std::uint64_t in_pipe_and_buffer(flow_limits const& l,
                                                 std::uint64_t line) const noexcept {
    return std::max<std::uint64_t>(detail::in_time(line, rtt_ + l.standing),
                                   std::uint64_t{10} * l.packet);
  }
  // The window after a cut still fills the line: whatever Cubic does then, the line stays busy.
  [[nodiscard]] bool deep(flow_limits const& l) const noexcept {
    return 7 * ns(l.standing) >= 3 * ns(rtt_);
  }
  // The line has been the limit: the window is what it has come to meanwhile, the mean of the saw.
  void held(instant now, flow_limits const& l, std::uint64_t line) noexcept {
    auto const mean = detail::scaled(in_pipe_and_buffer(l, line), 17, 20);
    if (size_ >= mean && size_ <= in_pipe_and_buffer(l, line)) return;
    size_ = std::min(std::max<std::uint64_t>(mean, 2 * std::uint64_t{l.segment}), l.window);
    origin_ = size_;
    depth_ = duration{};
    epoch_ = now;
  }
  // The instant by which the window has grown by 1/16; never, when it may not grow.
  [[nodiscard]] instant grows(instant now, flow_limits const& l) const noexcept {
    if (size_ >= l.window) return never;
    auto const step = next(l);
    auto at = epoch_ + depth_;
    if (step < origin_) at -= reach(l, origin_ - step);
    else at += reach(l, step - origin_);
    if (!cut_) at = std::min(at, now + 5 * rtt_ / 4);  // at least 5 % a round trip
    return std::max(at, now + rtt_ / 8);               // at most half a round trip's window
  }
  void grow(instant now, flow_limits const& l, std::uint64_t line) noexcept {
    size_ = next(l);
    if (size_ > in_pipe_and_buffer(l, line)) cut(now, l);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& rtt_& size_& origin_& depth_& epoch_& slow_& cut_;
  }

 private:
  [[nodiscard]] std::uint64_t next(flow_limits const& l) const noexcept {
    return std::min(l.window, size_ + std::max<std::uint64_t>(size_ / 16, l.segment));
  }
  // Cubic: W = W_max + 0.4 (t - K)^3, in segments and seconds. The time for a difference.
  [[nodiscard]] static duration reach(flow_limits const& l, std::uint64_t bytes) noexcept {
    auto const cube = detail::scaled(bytes, 2'500'000'000U, l.segment);  // milliseconds, cubed
    return duration{static_cast<std::int64_t>(detail::cube_root(cube)) * 1'000'000};
  }
  void cut(instant now, flow_limits const& l) noexcept {
    origin_ = cut_ && size_ < origin_ ? size_ / 20 * 17 : size_;  // fast convergence
    size_ = size_ / 10 * 7;
    depth_ = origin_ > size_ ? reach(l, origin_ - size_) : duration{};
    cut_ = true;
    epoch_ = now;
  }

  duration rtt_{};
  std::uint64_t size_ = 0;
  std::uint64_t origin_ = 0;  // Cubic's plateau, bytes
  duration depth_{};          // Cubic's K: from the cut to the plateau
  instant epoch_{};
  bool slow_ = true;
  bool cut_ = false;
};

}  // namespace hydra::sim
