// A contiguous range of peer numbers: what a shard holds, what a cut separates.
#pragma once

#include <hydra/core/identity.hpp>

#include <cstdint>

namespace hydra::sim {

// Peers first <= index < last.
struct peer_range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  [[nodiscard]] constexpr std::uint32_t size() const noexcept { return last - first; }
  [[nodiscard]] constexpr bool contains(peer p) const noexcept {
    return p.index() >= first && p.index() < last;
  }
  friend constexpr bool operator==(peer_range, peer_range) = default;
};

}  // namespace hydra::sim
