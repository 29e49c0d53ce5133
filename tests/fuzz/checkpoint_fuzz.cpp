// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isim/include \
//   tests/fuzz/checkpoint_fuzz.cpp sim/src/checkpoint_*.cpp -lboost_serialization -lfmt \
//   -o checkpoint_fuzz
// ./checkpoint_fuzz -max_total_time=60 tests/fuzz/corpus/checkpoint
#include "checkpoint_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::checkpoint_target(std::as_bytes(std::span{data, size}));
  return 0;
}
