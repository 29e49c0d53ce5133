// For growth.sh: POLICY HEADS [idle]. Builds a world of so many heads with tables made directly,
// then lets 256 of them find something (and, where keys have an owner, locate one), in
// `counted_finds`: all that callgrind counts, and all that it slows down, when it is told not to
// begin at the start. Prints how many events ran in there. With `idle` the same time passes and
// nobody asks: what a ring's upkeep costs, which is to be taken off. Of a membership policy two
// seconds of the upkeep of all members are counted, and two of a broadcast where it has any.
#include "../membership_worlds.hpp"
#include "../ring_worlds.hpp"

#include <hydra/routing/chord.hpp>
#include <hydra/routing/flood.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/small_world.hpp>
#include <hydra/routing/walk.hpp>

#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <type_traits>

namespace {

using namespace hydra;

struct counter {
  std::uint32_t finds = 0;
  duration longest{};
  void asked(want const&) { ++finds; }
  void answered(found const&, duration took) { longest = std::max(longest, took); }
};

template <class W>
[[gnu::noinline]] void counted_finds(W& w, bool locates, bool idle) {
  CALLGRIND_START_INSTRUMENTATION;
  for (int i = 0; i < 4; ++i) w.finds(idle ? 0 : W::batch);
  for (int i = 0; i < 4 && locates; ++i) w.locates();
  CALLGRIND_STOP_INSTRUMENTATION;
}

// A find by flooding, walking or along a ring ends sooner the more there are who answer: a
// hundredth of all heads, so that the cost of an event, and not how far it is, is what grows. A
// ring lives by its upkeep, of which two ticks have passed before.
template <class P>
std::uint64_t events(std::uint32_t n, bool keyed, bool idle) {
  constexpr bool ring = bench::walks_a_ring<P>;
  using node = std::conditional_t<ring, alone<P>, bench::without_upkeep<P>>;
  bench::routing_world<node> w{1, n};
  w.announce_all(keyed ? 64 : 1, keyed ? 16 : std::max(n / 100, 4U));
  if (ring) w.world().run_for(65s);
  auto const before = w.world().counts().events;
  counted_finds(w, LocatesKeys<P, archetype_view<P>> && !ring, idle);
  return w.world().counts().events - before;
}

// Members that knew three others each, half a minute ago.
template <class W>
[[gnu::noinline]] void counted_upkeep(W& w, bool broadcasts) {
  CALLGRIND_START_INSTRUMENTATION;
  w.run_for(2s);
  if (broadcasts) w.tell(peer{0}, spread{});
  if (broadcasts) w.run_for(2s);
  CALLGRIND_STOP_INSTRUMENTATION;
}
template <class P>
std::uint64_t events_of_members(std::uint32_t n) {
  bench::group_world<P> w{bench::group_setting<P>{1, n, P{}, 3, false}};
  w.run_for(30s);
  auto const before = w.counts().events;
  counted_upkeep(w, contains<delivered, facts_of<P>>);
  return w.counts().events - before;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  bool const idle = argc == 4 && std::string_view{argv[3]} == "idle";
  std::string_view const policy = argv[1];
  auto const n = static_cast<std::uint32_t>(std::atoi(argv[2]));
  std::uint64_t count = 0;
  if (policy == "kademlia") count = events<routing::kademlia<8>>(n, true, idle);
  using keys = routing::kademlia<8>;
  if (policy == "first_of") count = events<routing::first_of<keys>>(n, true, idle);
  if (policy == "cached") count = events<routing::cached<keys>>(n, true, idle);
  if (policy == "observe") count = events<routing::observe<keys, counter>>(n, true, idle);
  if (policy == "chord") count = events<routing::chord<8>>(n, true, idle);
  if (policy == "pastry") count = events<routing::pastry<>>(n, true, idle);
  if (policy == "small_world") count = events<routing::small_world>(n, true, idle);
  if (policy == "flood") count = events<routing::flood<64>>(n, false, idle);
  if (policy == "filters") count = events<bench::filters>(n, false, idle);
  if (policy == "indices") count = events<bench::indices>(n, false, idle);
  if (policy == "ring_and_keys") count = events<routing::ring_and_keys>(n, false, idle);
  if (policy == "walk") count = events<routing::walk<32>>(n, false, idle);
  if (policy == "hyparview") count = events_of_members<membership::hyparview<>>(n);
  if (policy == "plumtree") count = events_of_members<membership::plumtree<>>(n);
  if (count == 0) std::fprintf(stderr, "no such policy: %s\n", argv[1]);
  std::printf("%llu\n", static_cast<unsigned long long>(count));
  return count == 0 ? 2 : 0;
}
