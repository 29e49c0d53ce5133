// Whatever a scenario file holds, reading it ends, and what was accepted survives being written
// and read again. Built with -fsanitize=fuzzer by hand; tests/unit/scenario_test.cpp runs the
// committed corpus through the same function.
//
//   clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isim/include
//     tests/fuzz/scenario_fuzz.cpp sim/src/scenario*.cpp -lfmt -ltomlplusplus -o scenario_fuzz
//   ./scenario_fuzz tests/fuzz/corpus/scenario
#include <hydra/sim/scenario.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  auto const read = hydra::sim::parse_scenario(text, "fuzz.toml");
  for (auto const& p : read.errors)
    if (p.str().empty() || p.line == 0 || p.column == 0) std::abort();
  if (!read.ok()) return 0;
  auto const written = hydra::sim::settings_text(read.value);
  auto const again = hydra::sim::parse_scenario(written, "again.toml");
  if (!again.ok() || hydra::sim::settings_text(again.value) != written) std::abort();
  if (hydra::sim::settings_hash(again.value) != hydra::sim::settings_hash(read.value)) std::abort();
  return 0;
}
