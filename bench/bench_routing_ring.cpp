// What a find costs along a ring of eight friends each, with both digests, and with the key space
// behind it. A hundredth of all heads offer the service; upkeep runs, and its messages count.
#include "routing_rows.hpp"

#include <hydra/routing/capability.hpp>
#include <hydra/routing/compose.hpp>
#include <hydra/routing/kademlia.hpp>

namespace hydra::bench {

template <class D>
inline constexpr bool walks_a_ring<routing::capability<D>> = true;
template <class D, class P>
inline constexpr bool walks_a_ring<routing::first_of<routing::capability<D>, P>> = true;

namespace {

using filters = routing::capability<>;
using indices = routing::capability<routing::routing_index<>>;

[[maybe_unused]] routing_row const rows[] = {
    find_rows<filters>("find/capability filters", {.services = 1, .hundredth = true}),
    find_rows<indices>("find/capability indices", {.services = 1, .hundredth = true}),
    find_rows<routing::first_of<filters, routing::kademlia<8>>>(
        "find/ring then kademlia", {.services = 1, .hundredth = true}, {1'000, 100'000}),
};

}  // namespace
}  // namespace hydra::bench
