// Streams with a key: what nobody can guess who sees some of them.
#include "../catch.hpp"

#include <hydra/core/random.hpp>

#include <array>
#include <cstdint>
#include <set>

using namespace hydra;

// The reference program of the paper: the key 00 01 .. 0f and the message 00 01 .. 07.
static_assert(siphash({0x0706050403020100U, 0x0f0e0d0c0b0a0908U}, 0x0706050403020100U) ==
              0x93f5f5799a932462U);

TEST_CASE("a stream without a key is the mixer of its count, and with one it is not", "[random]") {
  std::uint32_t plain = 0;
  std::uint32_t keyed = 0;
  std::uint32_t other = 0;
  draw_key const one{1, 2};
  draw_key const two{1, 3};
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    stream a{7, plain};
    stream b{7, keyed, &one};
    stream c{7, other, &two};
    auto const open = a.bits();
    CHECK(open == mix64(7 + 0x9e3779b97f4a7c15U * i));
    seen.insert(open);
    seen.insert(b.bits());
    seen.insert(c.bits());
  }
  CHECK(seen.size() == 3000);
  CHECK(keyed == 1000);
}

TEST_CASE("draws below a bound are as even with a key", "[random]") {
  std::uint32_t count = 0;
  draw_key const key{0x1234, 0x5678};
  std::array<int, 10> tally{};
  for (int i = 0; i < 10'000; ++i) ++tally[stream{1, count, &key}.below(10)];
  for (auto n : tally) {
    CHECK(n > 880);  // four deviations
    CHECK(n < 1120);
  }
}
