// hydra doctor: what this machine has of what a node wants, and what is missing.
#pragma once

#include "places.hpp"

namespace hydra::node {

// Prints; 0 when nothing needed is missing, else 1.
int doctor(places const&, bool as_json);

}  // namespace hydra::node
