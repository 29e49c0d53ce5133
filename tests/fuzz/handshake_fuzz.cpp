// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
//   tests/fuzz/handshake_fuzz.cpp -o handshake_fuzz -lssl -lcrypto
// ./handshake_fuzz -max_total_time=60 tests/fuzz/corpus/handshake
#include "handshake_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::handshake_target(std::as_bytes(std::span{data, size}));
  return 0;
}
