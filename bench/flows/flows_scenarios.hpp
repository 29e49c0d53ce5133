// The table of transfers on which the model of flows is compared with TCP in ns-3. Standard library
// only: both programs include it, so both run the same table.
//
// Every head hangs on one hub by its access line: `up` and `down` in Mbit/s, `delay` one way in
// microseconds. A pair's round trip is twice the sum of its two delays, both ways alike.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace flows_bench {

struct line {
  std::uint32_t up, down;  // Mbit/s
  std::int64_t delay;      // microseconds
};
struct transfer {
  std::uint32_t from, to;  // heads
  std::uint64_t bytes;
  std::int64_t start;  // microseconds; the time compared runs from here, handshake included
};
struct scene {
  std::string name;
  std::vector<line> heads;
  std::vector<transfer> flows;
  std::uint64_t window = 6U << 20U;  // receive window, bytes
  bool fair = false;  // lines queue flow by flow (FQ-CoDel), else first come first out
};

// A buffer stands before each direction of a line: 50 ms of the line.
inline constexpr std::int64_t buffer_us = 50'000;
// Or FQ-CoDel stands there: it lets bursts pass for an interval and allows the target for long.
inline constexpr std::chrono::milliseconds codel_interval{100}, codel_target{5};
inline constexpr std::uint32_t segment = 1448;  // payload of a packet
inline constexpr std::uint32_t packet = 1502;   // the same on the line: IP 20, TCP 32, PPP 2

inline std::string short_name(std::uint64_t bytes) {
  if (bytes >= 1'000'000'000) return std::to_string(bytes / 1'000'000'000) + "GB";
  if (bytes >= 1'000'000) return std::to_string(bytes / 1'000'000) + "MB";
  return std::to_string(bytes / 1'000) + "KB";
}

// One flow: 6 sizes x 6 round trips x 7 lines (two of them held by the receive window).
inline void add_single(std::vector<scene>& all) {
  struct kind {
    std::uint32_t up, down;
    std::uint64_t window;
    char const* mark;
  };
  for (auto const& k : {kind{20, 100, 6U << 20U, ""}, kind{100, 20, 6U << 20U, ""},
                        kind{100, 100, 6U << 20U, ""}, kind{1000, 100, 6U << 20U, ""},
                        kind{1000, 1000, 6U << 20U, ""}, kind{100, 100, 256U << 10U, "_w256K"},
                        kind{1000, 1000, 1U << 20U, "_w1M"}}) {
    for (std::int64_t rtt : {1, 10, 30, 80, 150, 280}) {
      for (std::uint64_t bytes : {10'000U, 100'000U, 1'000'000U, 10'000'000U, 100'000'000U,
                                  1'000'000'000U}) {
        scene s;
        s.name = "one_" + std::to_string(k.up) + "to" + std::to_string(k.down) + k.mark + "_" +
                 std::to_string(rtt) + "ms_" + short_name(bytes);
        s.heads = {{k.up, k.up, rtt * 250}, {k.down, k.down, rtt * 250}};
        s.flows = {{0, 1, bytes, 0}};
        s.window = k.window;
        all.push_back(s);
      }
    }
  }
}

// `n` flows through one line: out of one head (`up`) or into one (`down`); the k-th starts
// `stagger` later, its far end is `far` long, or one of four distances when `mixed`.
inline scene star(bool up, std::uint32_t n, std::uint32_t rate, std::uint64_t bytes,
                  std::int64_t stagger, bool mixed) {
  scene s;
  s.name = std::string{up ? "up" : "down"} + std::to_string(n) + "_" + std::to_string(rate) + "_" +
           short_name(bytes) + "_" + std::to_string(stagger / 1'000) + "ms" +
           (mixed ? "_mixed" : "");
  s.heads.push_back({rate, rate, 1'000});
  std::array<std::int64_t, 4> const far{4'000, 14'000, 39'000, 74'000};
  for (std::uint32_t i = 0; i < n; ++i) {
    s.heads.push_back({1000, 1000, mixed ? far[i % 4] : 14'000});
    auto const start = static_cast<std::int64_t>(i) * (stagger + 3'100);
    if (up) s.flows.push_back({0, i + 1, bytes, start});
    else s.flows.push_back({i + 1, 0, bytes, start});
  }
  return s;
}

inline void add_shared(std::vector<scene>& all) {
  for (bool up : {true, false}) {
    for (std::uint32_t n : {2U, 4U, 8U}) {
      for (std::uint32_t rate : {20U, 100U}) {
        all.push_back(star(up, n, rate, rate * 250'000ULL, 0, false));
        all.push_back(star(up, n, rate, rate * 250'000ULL, 1'000'000, false));
        all.push_back(star(up, n, rate, rate * 250'000ULL, 0, true));
      }
      all.push_back(star(up, n, 100, 1'000'000, 50'000, false));
    }
  }
  // Two senders and two receivers: the line that binds differs from flow to flow.
  std::vector<line> const four{{100, 100, 5'000}, {20, 20, 10'000}, {50, 50, 15'000},
                               {100, 100, 20'000}};
  all.push_back({"cross_3", four, {{0, 2, 50'000'000, 0}, {0, 3, 50'000'000, 20'000},
                                   {1, 3, 10'000'000, 40'000}}});
  all.push_back({"cross_4", four, {{0, 2, 50'000'000, 0}, {0, 3, 50'000'000, 500'000},
                                   {1, 2, 10'000'000, 1'000'000}, {1, 3, 10'000'000, 1'500'000}}});
  all.push_back({"cross_both_ways", four, {{0, 3, 50'000'000, 0}, {3, 0, 50'000'000, 10'000}}});
  all.push_back({"cross_ring", four, {{0, 1, 10'000'000, 0}, {1, 2, 10'000'000, 5'000},
                                      {2, 3, 20'000'000, 9'000}, {3, 0, 50'000'000, 14'000}}});
}

// Every shared scene twice: with fair queues, as Linux has them, and with plain ones.
inline std::vector<scene> scenes() {
  std::vector<scene> all, shared;
  add_single(all);
  add_shared(shared);
  for (bool fair : {true, false}) {
    for (auto s : shared) {
      s.fair = fair;
      if (fair) s.name = "fair_" + s.name;
      all.push_back(s);
    }
  }
  return all;
}

}  // namespace flows_bench
