#include "catch.hpp"

#include "../../bench/chord_worlds.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

// Sanitizers bring their own operator new: there is nothing to count with them.
#if defined(__has_feature)
#define HYDRA_HAS_FEATURE(x) __has_feature(x)
#else
#define HYDRA_HAS_FEATURE(x) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !HYDRA_HAS_FEATURE(address_sanitizer) && !HYDRA_HAS_FEATURE(thread_sanitizer)

// Counts between two marks; the rest of the program only passes through.
namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> allocations{0};

void* take(std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  if (auto* p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
  throw std::bad_alloc{};
}
void* take(std::size_t bytes, std::align_val_t align) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  auto const unit = static_cast<std::size_t>(align);
  if (auto* p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return p;
  throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t n) { return take(n); }
void* operator new[](std::size_t n) { return take(n); }
void* operator new(std::size_t n, std::align_val_t a) { return take(n, a); }
void* operator new[](std::size_t n, std::align_val_t a) { return take(n, a); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using namespace std::chrono_literals;

// Allocations over at least a million events, once the world has run for five million: its
// queues have seen their fullest windows by then.
std::uint64_t allocations_of(unsigned shards) {
  hydra::sim::world<chord_s::node, chord_s::hashed_delay, chord_s::tally> w{
      chord_s::hashed_delay{10'000}, {.shards = shards}};
  w.run_until(hydra::origin + 500s);
  auto const before = w.counts().events;
  allocations = 0;
  counting = true;
  w.run_until(hydra::origin + 620s);
  counting = false;
  auto const events = w.counts().events - before;
  INFO(events);
  REQUIRE(events >= 1'000'000);
  return allocations;
}

}  // namespace

TEST_CASE("nothing is allocated over a million events of Chord-S") {
  CHECK(allocations_of(1) == 0);
  CHECK(allocations_of(3) == 0);
}

namespace {

// Always streams to the same three others, of any size.
struct carrier {
  using messages = hydra::type_list<>;
  std::array<hydra::command, 3> under_way{};
  void next(auto& env, std::size_t i) {
    constexpr std::array<std::uint32_t, 3> apart{1, 7, 31};
    hydra::peer const to{(env.self().index() + apart[i]) % 200};
    under_way[i] = env.stream(to, hydra::object_id{}, {0, 1 + env.random().below(4'000'000)});
  }
  void on_start(auto& env) {
    for (std::size_t i = 0; i < 3; ++i) next(env, i);
  }
  void on_fact(auto& env, hydra::stream_done const& d) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (under_way[i] == d.id) return next(env, i);
    }
  }
};
struct wires : hydra::sim::plain_setting {
  using plain_setting::plain_setting;
  [[nodiscard]] carrier make(hydra::sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] hydra::sim::delivery route(hydra::sim::transmission const& t) const noexcept {
    return {.delay = 5ms + 1ms * ((t.from * 7 + t.to * 13) % 50)};
  }
};

}  // namespace

TEST_CASE("nothing is allocated by streams once their world is warm") {
  hydra::sim::world<carrier, wires> w{wires{7, 200}};
  w.run_until(hydra::origin + 600s);
  auto const before = w.counts().events;
  allocations = 0;
  counting = true;
  w.run_until(hydra::origin + 620s);
  counting = false;
  CHECK(w.counts().events - before > 50'000);
  CHECK(allocations == 0);
}

TEST_CASE("the counter of allocations counts") {
  allocations = 0;
  counting = true;
  ::operator delete(::operator new(10));
  counting = false;
  CHECK(allocations == 1);
}

#endif
