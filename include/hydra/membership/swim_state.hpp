// What SWIM keeps beside its list: settings, suspicions, probes under way.
#pragma once

#include <hydra/membership/swim_messages.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hydra::membership {

inline constexpr std::size_t accusers_max = 8;  // remembered of a suspicion

// The binary logarithm with 16 digits after the point, truncated. Precondition: x > 0.
[[nodiscard]] constexpr std::uint32_t log2_q16(std::uint32_t x) noexcept {
  auto const whole = static_cast<std::uint32_t>(std::bit_width(x)) - 1U;
  std::uint64_t y = std::uint64_t{x} << (31U - whole);  // in [1, 2), 31 digits
  std::uint32_t digits = whole;
  for (int i = 0; i < 16; ++i) {
    y = y * y >> 31U;
    digits = digits << 1U | static_cast<std::uint32_t>(y >> 32U);
    y >>= y >> 32U;
  }
  return digits;
}

// How long a suspicion lasts. LHA-Suspicion (Dadgar et al. 2018): at first beta times as long as
// it has to, and shorter with every member that suspects the same independently; plain SWIM waits
// the least time at once.
struct suspicion_settings {
  std::uint8_t alpha = 5;         // the least: alpha * log10(n) periods, n at least 10
  std::uint8_t beta = 6;          // the most: beta times the least
  std::uint8_t confirmations = 3;  // of others, until the least is reached; below accusers_max
  bool lha = true;
  template <class A>
  void serialize(A& a, unsigned) {
    a& alpha& beta& confirmations& lha;
  }
};

struct swim_settings {
  duration period = 1s;             // between two probes
  duration ping_timeout = 500ms;    // then helpers are asked; below the period
  duration gossip_period = 0s;      // of rumours between probes; 0: updates ride on probes only
  std::uint16_t remember = 3600;    // periods that a dead member stays on the list
  std::uint8_t helpers = 3;         // the paper's k
  std::uint8_t updates = 6;         // on a message, at most updates_max
  std::uint8_t lambda = 3;          // an update is told lambda * log2(n) times
  std::uint8_t gossip_fanout = 3;
  std::uint8_t sync_every = 16;     // periods; 0: never
  std::uint8_t revive_every = 8;    // periods between greetings of a dead one; 0: never
  bool round_robin = true;          // false: everybody uniformly at random, as in the analysis
  bool suspicion = true;            // false: a failed probe is a death
  bool verify_named = true;         // false: hearsay is believed; only where all are trusted
  suspicion_settings timeout{};     // of a suspicion
  bool lha_probe = true;            // Lifeguard: who hears badly asks more slowly
  bool buddy = true;                // Lifeguard: who is suspected hears of it in every ping
  std::uint8_t health_max = 8;      // LHA-Probe: periods grow up to so many times and one
  template <class A>
  void serialize(A& a, unsigned) {
    a& period& ping_timeout& gossip_period& remember& helpers& updates& lambda& gossip_fanout;
    a& sync_every& revive_every& round_robin& suspicion& verify_named& timeout& lha_probe;
    a& buddy& health_max;
  }
};

// A member is suspected since, until, by.
struct suspicion {
  static constexpr std::size_t per_peer_max = 128;
  peer who{};
  instant since{};
  instant due{};
  bounded_vector<peer, accusers_max> by{};

  // Whether somebody new confirms it, and that still counts.
  bool confirm(peer accuser, suspicion_settings const& s) {
    if (!s.lha || by.size() > s.confirmations) return false;
    if (std::find(by.begin(), by.end(), accuser) != by.end()) return false;
    return by.try_push_back(accuser);
  }
  // In whose name it is told on: our own first, then the latest.
  [[nodiscard]] peer said_by(peer self) const {
    if (by.empty()) return self;
    return std::find(by.begin(), by.end(), self) != by.end() ? self : by.back();
  }
  // From `since`, in a group of n.
  [[nodiscard]] duration timeout(suspicion_settings const& s, duration period,
                                 std::size_t n) const {
    // log10(n) in 16 digits: log2(n) times 0.30103.
    auto const scale = std::max<std::int64_t>(
        1 << 16, std::int64_t{log2_q16(static_cast<std::uint32_t>(n))} * 19'728 >> 16U);
    auto const least = period * s.alpha * scale / (1 << 16);
    std::size_t const wanted = s.confirmations;
    if (!s.lha || s.beta <= 1 || wanted == 0 || n < wanted + 2) return least;
    auto const confirmed = std::min(by.size() - 1U, wanted);
    auto const saved = least * (s.beta - 1) / log2_q16(static_cast<std::uint32_t>(wanted + 1)) *
                       log2_q16(static_cast<std::uint32_t>(confirmed + 1));
    return std::max(least, least * s.beta - saved);
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& since& due& by;
  }
};

// A ping on behalf of another.
struct relay {
  static constexpr std::size_t per_peer_max = 32;
  static constexpr std::size_t per_asker_max = 8;  // so that one asker leaves places for others
  peer asker{};
  peer target{};
  std::uint64_t asked = 0;  // the nonce of the asker
  std::uint64_t nonce = 0;  // ours
  instant due{};            // of the nack, then of giving up
  bool nacked = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& asker& target& asked& nonce& due& nacked;
  }
};

// The probe of this period, until it is answered.
struct probing {
  peer who{};
  std::uint64_t nonce = 0;
  instant ask_at = never;  // when helpers are asked
  bounded_vector<peer, helpers_max> helpers{};
  std::uint8_t nacks = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce& ask_at& helpers& nacks;
  }
};

// The page that was asked for.
struct syncing {
  peer who{};
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& nonce;
  }
};

}  // namespace hydra::membership
