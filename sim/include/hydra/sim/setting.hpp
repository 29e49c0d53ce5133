// What surrounds the nodes of a world: how long a message takes, who is who, what a task costs,
// and what befalls a peer from outside. A setting is shared by all shards and never changes
// while the world runs: every answer is a pure function of its arguments.
#pragma once

#include <hydra/core/derive.hpp>
#include <hydra/core/node.hpp>
#include <hydra/sim/event.hpp>
#include <hydra/sim/flow_message.hpp>
#include <hydra/sim/handles.hpp>
#include <hydra/sim/peer_range.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::sim {

// One message on its way.
struct transmission {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  instant at{};
  std::uint32_t sequence = 0;
  std::size_t bytes = 0;
};

// The verdict of the network: how long it takes, and whether it arrives, once or twice.
struct delivery {
  duration delay{};
  bool dropped = false;
  bool duplicated = false;
  duration copy_delay{};  // of the duplicate
};

// What effects cost on a head, as measured on a machine of this kind (see docs/determinism.md).
struct costs {
  duration keep = 200us;   // until a record is durable
  duration sign = 40us;    // Ed25519
  duration check = 80us;
};

// How a task ends.
struct execution {
  duration takes{};
  bool ok = true;
  payload output{};
};

// Defaults for everything but make() and route(); a setting derives from it and hides what it
// knows better. Not virtual: the world knows the type.
class plain_setting {
 public:
  explicit plain_setting(std::uint64_t seed, std::uint32_t peers) : seed_{seed}, peers_{peers} {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] std::uint32_t peers() const noexcept { return peers_; }
  [[nodiscard]] costs prices() const noexcept { return {}; }

  // Whether counts().bytes says what would lie on the wire: a look at all of every message.
  static constexpr bool counts_bytes = false;
  // Least delay between two peers of different groups, and of any two across two ranges.
  [[nodiscard]] duration window() const noexcept { return 1ms; }
  // Peers nearer than the window run together; a group is a contiguous range, named by its first.
  [[nodiscard]] std::uint32_t group(std::uint32_t who) const noexcept { return who; }

  [[nodiscard]] key key_of(peer who) const noexcept { return derived_key(seed_, who); }
  [[nodiscard]] key key_of(principal who) const noexcept { return derived_key(seed_, who); }
  [[nodiscard]] key key_of(service what) const noexcept { return derived_key(seed_, what); }
  [[nodiscard]] principal principal_of(std::uint32_t who) const noexcept {
    return principal{who};
  }
  [[nodiscard]] netgroup netgroup_of(std::uint32_t who) const noexcept {
    return derived_netgroup(seed_, peer{who});
  }
  [[nodiscard]] reach reach_of(std::uint32_t) const noexcept { return reach::open; }
  // What `from` reads in about(to).rtt, as if its transport had measured it; zero: it did not.
  [[nodiscard]] duration round_trip(std::uint32_t, std::uint32_t) const noexcept { return {}; }
  // Is a sender told that its message found nobody, one way back later? A machine that lost one
  // program refuses the connection; one that is off says nothing.
  [[nodiscard]] bool tells_unreachable() const noexcept { return false; }
  // Are those told at once (one message later) whose connection to a head breaks when it crashes?
  // A node says to whom it keeps one: `void each_link(F&& visit) const`.
  [[nodiscard]] bool tells_broken_links() const noexcept { return false; }
  [[nodiscard]] duration skew(std::uint32_t, instant) const noexcept { return {}; }

  [[nodiscard]] execution execute(std::uint32_t, task const& t, instant) const {
    return {.takes = t.work, .ok = true, .output = t.input};
  }
  // What a head's streams share, each way, in bytes/s: 100 Mbit/s.
  [[nodiscard]] access_line line(std::uint32_t) const noexcept {
    return {12'500'000, 12'500'000};
  }
  // So long the other end of a stream may say nothing before it is taken for dead.
  [[nodiscard]] duration silence() const noexcept { return 10s; }

 private:
  std::uint64_t seed_;
  std::uint32_t peers_;
};

}  // namespace hydra::sim
