// The seeds of a campaign: 1 to n, or as many as HYDRA_SEEDS says, or only HYDRA_SEED, which is
// what a failure is replayed with. `ctest -C slow -R simulation.many` runs more of each.
#pragma once

#include "catch.hpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

inline std::vector<std::uint64_t> seeds(std::uint64_t n) {
  if (auto const* one = std::getenv("HYDRA_SEED")) return {std::strtoull(one, nullptr, 10)};
  if (auto const* more = std::getenv("HYDRA_SEEDS")) n = std::strtoull(more, nullptr, 10);
  REQUIRE(n > 0);
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 1; i <= n; ++i) all.push_back(i);
  return all;
}
