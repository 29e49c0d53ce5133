// clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isim/include \
//   tests/fuzz/swf_fuzz.cpp sim/src/swf.cpp sim/src/recorded_arrivals.cpp \
//   sim/src/scenario_files.cpp -lz -o swf_fuzz
// ./swf_fuzz -max_total_time=60 tests/fuzz/corpus/swf
#include "swf_target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  hydra::fuzz::swf_target({reinterpret_cast<char const*>(data), size});
  return 0;
}
