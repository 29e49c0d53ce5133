// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
//   tests/fuzz/codec_fuzz.cpp -o codec_fuzz
// ./codec_fuzz -max_total_time=60 tests/fuzz/corpus/codec
#include "codec_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::codec_target(std::as_bytes(std::span{data, size}));
  return 0;
}
