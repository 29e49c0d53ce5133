// The policies that walk a ring of eight friends each: their news must pass before they are asked.
#pragma once

#include "routing_worlds.hpp"

#include <hydra/routing/ring_and_keys.hpp>

namespace hydra::bench {

using filters = routing::capability<>;
using indices = routing::capability<routing::routing_index<>>;

template <class D>
inline constexpr bool walks_a_ring<routing::capability<D>> = true;
template <>
inline constexpr bool walks_a_ring<routing::ring_first> = true;
template <>
inline constexpr bool walks_a_ring<routing::ring_and_keys> = true;

}  // namespace hydra::bench
