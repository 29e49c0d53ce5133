// Near by one's ring of trust, far by the key space: the two compositions that a study of all
// policies here left standing (papers/hydra-discovery).
//
//   hydra::Hydra<> me;                                            // routes by ring_and_keys
//   hydra::Hydra<hydra::routing::ring_first> me_where_bytes_count;
//
// Promise and cost are those of race and first_of (compose.hpp), of capability<> for what friends
// can reach and of kademlia<8> for everything else.
#pragma once

#include <hydra/routing/capability.hpp>
#include <hydra/routing/compose.hpp>
#include <hydra/routing/kademlia.hpp>

namespace hydra::routing {

// Both at once; the answer is what both found until there was a choice, or for a second after there
// was enough. The quickest, and complete. Keys stand first: what they remember is found without
// asking anybody. The ring is whom a Hydra knows when it starts (hydra_settings::contacts).
using ring_and_keys = race<kademlia<8>, capability<>>;

// My ring, then the key space for what it does not find: half the bytes of a find, more time.
using ring_first = first_of<capability<>, kademlia<8>>;

}  // namespace hydra::routing
