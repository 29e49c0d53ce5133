// For check.sh: runs Chord-S H on 2,000 peers for some seconds and prints how many events ran.
#include "../chord_worlds.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  auto const seconds = argc > 1 ? std::atoi(argv[1]) : 1;
  hydra::sim::world<chord_s::node, chord_s::hashed_delay, chord_s::tally> w{
      chord_s::hashed_delay{2'000}};
  w.run_until(hydra::origin + std::chrono::seconds{seconds});
  std::printf("%llu\n", static_cast<unsigned long long>(w.counts().events));
}
