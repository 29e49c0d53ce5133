// Fifty Hydras in the cities of the world do a few jobs for each other.
// run: hello --no-timings --no-out
//
// Nothing here is one's own yet: every slot is defaulted. Name a policy in Hydra<...>, and the
// same program runs it. `example_01_hello --help` says what else the program can do.
#include <hydra/sim/main.hpp>

using my_hydra = hydra::Hydra<>;

int main(int argc, char** argv) { return hydra::sim::main<my_hydra>(argc, argv); }
