// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Icli \
//   tests/fuzz/manifest_fuzz.cpp cli/node/*.cpp -lfmt -o manifest_fuzz
// ./manifest_fuzz -max_total_time=60 tests/fuzz/corpus/manifest
#include "manifest_target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  hydra::fuzz::manifest_target(text);
  hydra::fuzz::cuts_target(text);
  return 0;
}
