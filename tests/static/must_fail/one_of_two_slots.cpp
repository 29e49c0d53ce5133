// expect: one_of: all alternatives belong in the same slot
#include <hydra/assembly/one_of.hpp>
#include <hydra/trust/open.hpp>

hydra::one_of<hydra::scheduling::power_of_d, hydra::trusts::open> wanted;
