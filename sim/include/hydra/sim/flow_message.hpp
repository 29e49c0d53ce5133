// What the two ends of a flow tell each other, and what they ask of their driver (flows.hpp).
#pragma once

#include <hydra/core/time.hpp>
#include <hydra/sim/line_share.hpp>

#include <cstdint>
#include <tuple>
#include <type_traits>

namespace hydra::sim {

struct access_line {
  std::uint64_t up = 0;    // bytes/s on the wire
  std::uint64_t down = 0;
};

enum class flow_word : std::uint8_t {
  begin,    // sender to receiver: rate offered, bytes to come
  offer,    // sender to receiver: rate offered
  grant,    // receiver to sender: rate granted
  end,      // sender to receiver: the last byte is in front of this
  dropped,  // sender to receiver: no more will come after so many bytes
  refused,  // receiver to sender: no more will be taken
  silent,   // what a sender that died had handed over; nobody sends it, see died()
};

struct flow_message {
  flow_word what{};
  std::uint32_t flow = 0;   // the sender's number
  std::uint64_t rate = 0;   // bytes/s of payload
  std::uint64_t bytes = 0;  // begin: of the flow; end, dropped, silent: handed over

  friend bool operator==(flow_message const&, flow_message const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& flow& rate& bytes;
  }
};
static_assert(sizeof(flow_message) <= 32);
static_assert(std::is_trivially_copyable_v<flow_message>);

struct flow_action {
  enum class kind : std::uint8_t {
    send,      // `message` to `other`, with the latency of the pair
    sent,      // our flow is over: `bytes` were handed over, all of them when `whole`
    received,  // a flow to us is over: `bytes` have come, all of them when `whole`
    wake,      // call settle() at `at`; earlier wakes need not be cancelled
  };
  kind what{};
  bool whole = false;
  std::uint32_t other = 0;
  std::uint32_t flow = 0;
  std::uint64_t bytes = 0;
  instant at{};
  flow_message message{};
};

// A share said to be `said` is now `value`; `other` is what the far end allows. It is worth a
// message when it moved by more than 1/tell and is, or was, what binds the flow.
[[nodiscard]] constexpr bool worth_telling(std::uint64_t said, std::uint64_t value,
                                           std::uint64_t other, std::uint32_t tell) noexcept {
  auto const binds = [&](std::uint64_t x) { return other == no_cap || x < other + other / tell; };
  if (value > said) return value - said > said / tell && binds(said);
  return said - value > said / tell && binds(value);
}

// By content, so that effects do not depend on the order of facts of one instant.
[[nodiscard]] inline bool comes_before(flow_action const& a, flow_action const& b) noexcept {
  return std::tuple{a.what, a.other, a.flow, a.message.what} <
         std::tuple{b.what, b.other, b.flow, b.message.what};
}

}  // namespace hydra::sim
