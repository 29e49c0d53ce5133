// Runs the events of a small planet and prints nothing: for callgrind.
//
//   for mode in fixed one_choice all_chosen place_fixed place_chosen; do
//     valgrind --tool=callgrind --callgrind-out-file=/dev/null ./assembly_cost $mode 300
//   done                                            # compare the lines "Collected"
//
// fixed: every policy by type. one_choice: the scheduler is one_of three. all_chosen: one_of in
// every slot. place_*: the scheduler alone, 1,000 placements among eight bids per "second". A
// choice may cost at most 1.15 of what is fixed.
//
// g++ 12.2 -O3, 300 "seconds", millions of instructions:
//   fixed 695.8    one_choice 696.0 (1.0003)    all_chosen 697.0 (1.0017)
//   place_fixed 445.9    place_chosen 454.0 (1.018): 27 more of 1,490 for each placement
#include "assembly_worlds.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  using namespace hydra;
  std::string_view const mode = argc > 1 ? argv[1] : "fixed";
  duration const simulated = 1s * (argc > 2 ? std::atoi(argv[2]) : 300);
  if (mode == "fixed") return bench::run<bench::fixed>(simulated) == 0;
  if (mode == "one_choice") return bench::run<bench::one_choice>(simulated) == 0;
  if (mode == "all_chosen") return bench::run<bench::all_chosen>(simulated) == 0;
  auto const times = 1'000 * static_cast<std::uint64_t>(std::max<std::int64_t>(simulated / 1s, 1));
  if (mode == "place_fixed") return bench::place<scheduling::power_of_d>(times) == 0;
  if (mode == "place_chosen") return bench::place<bench::scheduler>(times) == 0;
  return 2;
}
