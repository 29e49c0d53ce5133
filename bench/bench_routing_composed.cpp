// What a find costs with compositions of policies, beside that of their parts in bench_routing and
// bench_routing_ring; a head that asks again for what it asked before; four disjoint paths; and a
// ring that is the view of a membership policy.
#include "ring_worlds.hpp"
#include "routing_rows.hpp"

#include <hydra/assembly/over.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/routing/compose.hpp>
#include <hydra/routing/kademlia.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::bench {

template <class M, class R>
inline constexpr bool walks_a_ring<over<M, R>> = true;
template <class Rule, class P>
inline constexpr bool walks_a_ring<routing::split_by<Rule, P, filters>> = true;

namespace {

using keys = routing::kademlia<8>;
using steps = routing::chord<8>;

struct by_parity {
  std::size_t operator()(service s) const { return s.index() % 2; }
};
struct counter {
  std::uint32_t finds = 0;
  duration longest{};
  void asked(want const&) { ++finds; }
  void answered(found const&, duration took) { longest = std::max(longest, took); }
};

// Each of sixteen heads asks for each of four services about once in 13 s.
constexpr routing_load again{.services = 4, .askers = 16};
row_sizes const to_100k{1'000, 100'000};
keys const four_paths{{.alpha = 4, .disjoint_paths = 4}};

[[maybe_unused]] routing_row const rows[] = {
    find_rows<routing::first_of<keys>>("find/first_of<kademlia<8>>", {}),
    find_rows<routing::cached<keys>>("find/cached<kademlia<8>>", {}),
    find_rows<routing::observe<keys, counter>>("find/observe<kademlia<8>>", {}),
    find_rows<routing::split_by<by_parity, keys, filters>>(
        "find/split_by<kademlia<8>, capability>", {.services = 2, .hundredth = true}),
    find_rows<steps>("again/chord<8>", again, to_100k),
    find_rows<routing::cached<steps>>("again/cached<chord<8>>", again, to_100k),
    find_rows<keys>("again/kademlia<8>", again, to_100k),
    find_rows<routing::cached<keys>>("again/cached<kademlia<8>>", again, to_100k),
    find_rows("find/kademlia<8> four paths", {}, to_a_million, four_paths),
    locate_rows("locate/kademlia<8> four paths", four_paths),
    find_rows<over<membership::hyparview<>, filters>>(
        "find/over<hyparview, capability>", {.services = 1, .hundredth = true}),
};

}  // namespace
}  // namespace hydra::bench
