#include "catch.hpp"

#include "../../bench/chord_worlds.hpp"

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

TEST_CASE("the counter of allocations counts") {
  allocations = 0;
  counting = true;
  ::operator delete(::operator new(10));
  counting = false;
  CHECK(allocations == 1);
}

#endif
