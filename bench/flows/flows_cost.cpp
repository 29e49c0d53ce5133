// What the model of flows costs: time of a start and an end beside n others, messages, memory.
//   flows_cost
#include <hydra/core/random.hpp>
#include <hydra/sim/flows.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

using namespace hydra;
using namespace hydra::sim;

namespace {

std::size_t taken = 0;        // bytes
std::size_t allocations = 0;

// One head sends to many, one receives from many; each step ends a flow and starts another.
void measure(std::uint32_t n, bool ramp) {
  flow_limits limits;
  limits.ramp = ramp;
  auto const before = taken;
  flow_ends up{{125'000'000, 125'000'000}, limits};
  flow_ends down{{125'000'000, 125'000'000}, limits};
  std::vector<flow_action> out;
  auto now = origin;
  std::uint64_t messages = 0;
  std::uint32_t next = 0;
  auto const settle = [&] {
    out.clear();
    up.settle(now, out);
    for (auto const& a : out) messages += a.what == flow_action::kind::send;
    out.clear();
    down.settle(now, out);
    for (auto const& a : out) messages += a.what == flow_action::kind::send;
  };
  auto const start = [&] {
    up.start(now, next, next, std::uint64_t{1} << 40U, 30ms, true);
    down.told(now, next, {flow_word::begin, next, 125'000'000, std::uint64_t{1} << 40U});
    ++next;
    now += 10us;
    settle();
  };
  for (std::uint32_t i = 0; i < n; ++i) start();
  auto const memory = taken - before;
  owned_stream chance{1};
  std::vector<std::uint32_t> running(n);
  for (std::uint32_t i = 0; i < n; ++i) running[i] = i;
  auto const step = [&] {
    auto& ended = running[chance.below(n)];
    up.drop(now, ended);
    down.told(now, ended, {flow_word::end, ended, 0, std::uint64_t{1} << 40U});
    now += 10us;
    settle();
    ended = next;
    start();
  };
  for (int i = 0; i < 2'000; ++i) step();  // warm
  messages = 0;
  auto const warm = allocations;
  constexpr int steps = 20'000;
  auto const from = std::chrono::steady_clock::now();
  for (int i = 0; i < steps; ++i) step();
  auto const took = std::chrono::steady_clock::now() - from;
  auto const events = 2.0 * steps;
  std::printf("%6u flows, %s: %6.0f ns per start or end, at both heads; %5.1f messages; "
              "%4zu B per flow; %zu allocations\n",
              n, ramp ? "windows" : "sharing",
              std::chrono::duration<double, std::nano>(took).count() / events,
              static_cast<double>(messages) / events, memory / n, allocations - warm);
}

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  taken += size;
  if (auto* p = std::malloc(size + 16)) {
    *static_cast<std::size_t*>(p) = size;
    return static_cast<char*>(p) + 16;
  }
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept {
  if (p == nullptr) return;
  auto* const whole = static_cast<char*>(p) - 16;
  taken -= *reinterpret_cast<std::size_t*>(whole);
  std::free(whole);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

int main() {
  std::printf("a head without flows: %zu B, nothing on the heap\n", sizeof(flow_ends));
  for (bool ramp : {false, true}) {
    for (std::uint32_t n : {1U, 10U, 100U, 1'000U, 10'000U}) measure(n, ramp);
  }
}
