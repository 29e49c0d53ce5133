// 128-bit integers: g++ and clang have them on every 64-bit machine, ISO C++ has no name for them.
#pragma once

namespace hydra {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

}  // namespace hydra
