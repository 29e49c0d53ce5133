// What a find costs where nothing says who has what: a hundredth of all heads offer the service.
#include "routing_rows.hpp"

#include <hydra/routing/flood.hpp>
#include <hydra/routing/walk.hpp>

namespace {

using namespace hydra;
using namespace hydra::bench;

[[maybe_unused]] routing_row const rows[] = {
    find_rows<routing::flood<64>>("find/flood", {.services = 1, .hundredth = true}),
    find_rows<routing::walk<32>>("find/walk", {.services = 1, .hundredth = true}),
};

}  // namespace
