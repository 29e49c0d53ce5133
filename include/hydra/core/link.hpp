// What a link between two heads does to what crosses it: a value that drivers share.
//
// Promise: fate_on() is a pure function of its arguments, the same on every compiler, so the same
// frame meets the same fate wherever a link is imitated. Another seed is another world; loss and
// jitter of one message are independent. Not promised: bandwidth, queues, duplicates.
// Cost: 20 ns.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/identity.hpp>
#include <hydra/core/random.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

// Nothing crosses from `from` on, until just before `until`.
struct link_cut {
  instant from{};
  instant until{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& from& until;
  }
};

inline constexpr std::size_t link_cuts_max = 8;

struct link_settings {
  duration latency{};  // of every message, one way
  duration jitter{};   // on top: uniform, less than this
  ratio loss{};        // of messages
  bounded_vector<link_cut, link_cuts_max> cuts{};  // partitions
  template <class A>
  void serialize(A& a, unsigned) {
    a& latency& jitter& loss& cuts;
  }
};

struct link_fate {
  bool cut = false;   // a partition took it
  bool lost = false;  // chance took it
  duration delay{};
};

// `sequence` counts the messages of this link in this direction.
[[nodiscard]] constexpr link_fate fate_on(link_settings const& link, std::uint64_t seed,
                                          key const& from, key const& to, std::uint64_t sequence,
                                          instant at) noexcept {
  link_fate out;
  for (auto const& c : link.cuts) out.cut = out.cut || (at >= c.from && at < c.until);
  auto ends = mix64(from.words()[0]);
  for (auto w : from.words()) ends = mix64(ends ^ w);
  for (auto w : to.words()) ends = mix64(ends + w);
  owned_stream of{stream_base(seed, purpose::fault, mix64(ends ^ sequence))};
  out.lost = of.draw().chance(link.loss);
  out.delay = link.latency;
  if (link.jitter > duration{}) out.delay += of.draw().between(duration{}, link.jitter);
  return out;
}

}  // namespace hydra
