// What the fuzzer of the framing does with some bytes; the unit test runs it over the corpus.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/wire/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace hydra::fuzz {

// The frames in `bytes` when they arrive `piece` at a time: sizes, then whether it was refused.
inline std::vector<std::size_t> frames_in(std::span<std::byte const> bytes, std::size_t piece) {
  wire::frame_reader reader;
  std::vector<std::size_t> sizes;
  while (!bytes.empty() && !reader.refused()) {
    auto in = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(in.size());
    while (reader.take(in)) {
      HYDRA_ENSURES(reader.payload().size() == reader.header().length);
      HYDRA_ENSURES(reader.payload().size() <= wire::frame_payload_max);
      sizes.push_back(reader.payload().size());
    }
    HYDRA_ENSURES(reader.refused() || in.empty());
  }
  sizes.push_back(reader.refused() ? 1 : 0);
  return sizes;
}

inline void frame_target(std::span<std::byte const> bytes) {
  if (bytes.empty()) return;
  auto const piece = std::to_integer<std::size_t>(bytes[0]) + 1;
  auto const rest = bytes.subspan(1);
  HYDRA_ENSURES(frames_in(rest, piece) == frames_in(rest, rest.size() + 1));
}

}  // namespace hydra::fuzz
