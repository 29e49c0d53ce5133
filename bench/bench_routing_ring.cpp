// What a find costs along a ring of eight friends each, with both digests, and with the key space
// behind or beside it. A hundredth of all heads offer the service.
#include "ring_worlds.hpp"
#include "routing_rows.hpp"

namespace hydra::bench {
namespace {

[[maybe_unused]] routing_row const rows[] = {
    find_rows<filters>("find/capability filters", {.services = 1, .hundredth = true}),
    find_rows<indices>("find/capability indices", {.services = 1, .hundredth = true}),
    find_rows<routing::ring_first>("find/ring_first", {.services = 1, .hundredth = true}),
    find_rows<routing::ring_and_keys>("find/ring_and_keys", {.services = 1, .hundredth = true}),
};

}  // namespace
}  // namespace hydra::bench
