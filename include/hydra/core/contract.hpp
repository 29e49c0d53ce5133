// Contracts that stay in release builds: a broken one names itself and stops the program.
// Cost: one predictable branch. Use HYDRA_EXPECTS for what the caller owes, HYDRA_ENSURES for
// what we owe; split `a && b` into two so that the message says which one failed.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hydra::detail {

[[noreturn]] inline void broken(char const* kind, char const* what, char const* file, int line) {
  std::fprintf(stderr, "%s:%d: %s does not hold: %s\n", file, line, kind, what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace hydra::detail

// Without its folders, so that no path of a build is in what is built.
#ifdef __FILE_NAME__
#define HYDRA_FILE __FILE_NAME__
#else
#define HYDRA_FILE __FILE__
#endif

#define HYDRA_EXPECTS(condition)                                                              \
  (static_cast<bool>(condition)                                                               \
       ? static_cast<void>(0)                                                                 \
       : ::hydra::detail::broken("precondition", #condition, HYDRA_FILE, __LINE__))
#define HYDRA_ENSURES(condition)                                                              \
  (static_cast<bool>(condition)                                                               \
       ? static_cast<void>(0)                                                                 \
       : ::hydra::detail::broken("promise", #condition, HYDRA_FILE, __LINE__))
