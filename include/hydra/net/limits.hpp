// Every bound of the network driver, with its unit. Everything that arrives is hostile.
#pragma once

#include <hydra/core/time.hpp>
#include <hydra/net/directory.hpp>
#include <hydra/net/object_files.hpp>
#include <hydra/net/store.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::net {

struct lane_limits {
  std::size_t streams_max = 256;  // each way
  std::uint32_t window_chunks = 32;      // of one stream: asked for and not yet written
  std::size_t getting_chunks_max = 128;  // of all streams; then each has one
  std::size_t ahead_chunks = 8;          // read for one stream and not yet sent
  std::size_t holding_chunks_max = 128;  // for all streams; then each has one
  duration silence = 30s;
};

struct limits {
  std::size_t sessions_max = 512;             // connections in all
  std::size_t handshakes_max = 64;            // accepted connections that have not said hello
  std::size_t per_address_max = 128;          // accepted connections from one address
  std::size_t per_address_handshakes_per_s = 64;  // with TLS; each costs 0.5 ms of the io thread
  std::size_t handshakes_per_s = 512;             // of all addresses, that is a quarter of it
  std::size_t addresses_max = 4096;               // remembered at once; others are turned away
  std::size_t outbound_bytes_max = 256 << 10; // that wait for one peer; more is dropped
  std::size_t inbound_bytes_per_s = 64 << 20; // of one connection; the rest waits in its socket
  std::size_t links_max = 4096;               // peers with something under way
  std::size_t timers_max = 65536;             // armed by the node
  std::size_t runs_max = 64;                  // native calls under way; more fail at once
  // Effects that wait for the disk: at this many no further frame of any session is handled, until
  // fewer than half wait. Asked before each frame, so frames bring it to at most held_max - 1 and
  // what one call records after its first keep. What does not come from a session does not wait
  // and comes on top: timers, facts of the user, answers, messages of the node to itself.
  std::size_t held_max = 16384;
  std::size_t store_bytes_max = net::store_bytes_max;  // of the journal; then keeping fails
  std::size_t inputs_max = 4096;              // facts of the user that wait; more are refused
  duration handshake_timeout = 3s;  // TLS and hello
  duration idle_timeout = 30s;   // nothing received; a ping goes out after a third of it
  duration write_timeout = 10s;  // bytes wait and none could be written
  duration dial_timeout = 2s;
  std::uint32_t dial_attempts_max = 3;  // in a row; then what waits is dropped: unreachable
  duration backoff_first = 50ms;        // doubled for each attempt, times 1/2 to 1
  duration backoff_max = 5s;
  std::size_t checks_max = 256;   // signatures of Hydras about whom neighbours are asked
  duration check_timeout = 1s;    // for their answers; then the signature counts as bad
  duration clock_skew = 5min;  // by which the clocks of two machines may differ
  directory_limits directory{};
  object_files_limits objects{};
  lane_limits lanes{};
};

// What happened, for operators and tests. Counted in the io thread.
struct counters {
  std::uint64_t sent = 0;       // messages put on a connection
  std::uint64_t received = 0;   // messages told to the node
  std::uint64_t dropped = 0;    // over outbound_bytes_max, or given up
  std::uint64_t unknown = 0;    // message ids of a later version, skipped
  std::uint64_t refused = 0;    // messages for which the directory had no room
  std::uint64_t bad_frames = 0; // each closed its connection
  std::uint64_t bad_messages = 0;
  std::uint64_t bad_handshakes = 0;  // TLS: not who it says, another version, garbage
  std::uint64_t bad_hellos = 0;
  std::uint64_t turned_away = 0;  // connections over a limit
  std::uint64_t timeouts = 0;
  std::uint64_t bad_objects = 0;  // streams that were given up: bytes did not hold, no room
  std::uint64_t sessions = 0;  // that said hello
  std::uint64_t dials = 0;
  std::uint64_t held_peak = 0;
  std::uint64_t outbound_peak = 0;  // bytes that waited for one peer
  std::uint64_t bytes_in = 0;   // of all connections, as TCP carries them; some 50 ms late
  std::uint64_t bytes_out = 0;
  std::uint64_t object_bytes_in = 0;  // of them what pieces of objects carry
  std::uint64_t object_bytes_out = 0;
};

}  // namespace hydra::net
