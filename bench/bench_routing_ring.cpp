// What a find costs along a ring of eight friends each, with both digests, and with the key space
// behind or beside it. A hundredth of all heads offer the service.
#include "routing_rows.hpp"

#include <hydra/routing/ring_and_keys.hpp>

namespace hydra::bench {

template <class D>
inline constexpr bool walks_a_ring<routing::capability<D>> = true;
template <>
inline constexpr bool walks_a_ring<routing::ring_first> = true;
template <>
inline constexpr bool walks_a_ring<routing::ring_and_keys> = true;

namespace {

using filters = routing::capability<>;
using indices = routing::capability<routing::routing_index<>>;

[[maybe_unused]] routing_row const rows[] = {
    find_rows<filters>("find/capability filters", {.services = 1, .hundredth = true}),
    find_rows<indices>("find/capability indices", {.services = 1, .hundredth = true}),
    find_rows<routing::ring_first>("find/ring_first", {.services = 1, .hundredth = true}),
    find_rows<routing::ring_and_keys>("find/ring_and_keys", {.services = 1, .hundredth = true}),
};

}  // namespace
}  // namespace hydra::bench
