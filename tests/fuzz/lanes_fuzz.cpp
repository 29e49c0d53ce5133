// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
//   tests/fuzz/lanes_fuzz.cpp -o lanes_fuzz -lssl -lcrypto
// ./lanes_fuzz -max_total_time=60 tests/fuzz/corpus/lanes
#include "lanes_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::lanes_target(std::as_bytes(std::span{data, size}));
  return 0;
}
