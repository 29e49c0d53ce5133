// expect: Hydra: two policies for the scheduling slot
// A slot has one policy; one_of holds several.
#include <hydra/assembly/hydra.hpp>
#include <hydra/scheduling/nearest.hpp>

hydra::Hydra<hydra::scheduling::power_of_d, hydra::scheduling::nearest> wanted;
