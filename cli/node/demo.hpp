// `hydra demo movie`: a film is rendered by eight Hydras on this machine, one of which lies, one of
// which is killed, one of which is cut off.
//
// Promise: whatever happens, every process has ended and the folder is gone when this returns,
// unless it is to be kept; it returns 0 only if the movie is, frame for frame, the one that one
// machine makes alone, and all that was said on the way holds.
#pragma once

#include <cstdint>
#include <string>

namespace hydra::node {

struct demo_arguments {
  std::uint64_t seed = 1;
  std::string film;            // empty: one is made
  std::string size = "short";  // or 1080p
  std::string home;            // folder to play in; empty: a temporary one
  bool keep = false;
  bool json = false;
  bool quiet = false;
  bool allow_without_jail = false;
};

// 0: all held. 1: something is missing or in the way. 2: the arguments make no sense. 6: something
// did not hold; a line says what. 7: the jail is not whole. 130: interrupted. Says why on stderr.
[[nodiscard]] int demo_movie(demo_arguments const&);

}  // namespace hydra::node
