// hydra version: what this program is and how it was built.
#include "options.hpp"
#include "render.hpp"

#ifndef HYDRA_VERSION
#define HYDRA_VERSION "unknown"
#endif

namespace hydra::cli {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "unknown";
#endif
}

std::string build_type() {
#if defined(__OPTIMIZE__) && defined(NDEBUG)
  return "release";
#elif defined(__OPTIMIZE__)
  return "optimised debug";
#else
  return "debug";
#endif
}

}  // namespace

std::string version_line() { return "hydra " HYDRA_VERSION; }

int version(common_options const& o) {
  print_record(o, {{"version", std::string{HYDRA_VERSION}},
                   {"compiler", compiler()},
                   {"build", build_type()},
                   {"c++", std::to_string(__cplusplus)}});
  return ok;
}

}  // namespace hydra::cli
