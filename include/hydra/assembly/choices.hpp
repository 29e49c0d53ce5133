// The policies of the library among which a scenario or an operator chooses by name.
#pragma once

#include <hydra/assembly/one_of.hpp>
#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/scheduling/power_of_d.hpp>

namespace hydra {

// The default first.
using any_scheduler =
    one_of<scheduling::power_of_d, scheduling::nearest, scheduling::local_only>;

}  // namespace hydra
