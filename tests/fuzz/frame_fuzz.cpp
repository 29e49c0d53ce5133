// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
//   tests/fuzz/frame_fuzz.cpp -o frame_fuzz
// ./frame_fuzz -max_total_time=60 tests/fuzz/corpus/frame
#include "frame_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::frame_target(std::as_bytes(std::span{data, size}));
  return 0;
}
