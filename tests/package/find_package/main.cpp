#include <hydra/core/time.hpp>

#include <cstdio>

auto main() -> int { std::puts("a consumer was built and ran"); }
