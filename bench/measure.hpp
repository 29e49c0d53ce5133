// What the programs of this folder have in common: processor time, memory, medians and flags.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace measure {

// Of all threads of this process: what a machine that does other work as well does not distort.
inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// A line of /proc/self/status, like "VmRSS:", in bytes; 0 where there is none.
inline double memory(char const* name) {
  auto* const file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return 0;
  char line[256];
  double bytes = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, std::strlen(name)) == 0) {
      bytes = 1024.0 * std::strtod(line + std::strlen(name), nullptr);
    }
  }
  std::fclose(file);
  return bytes;
}

// Precondition: not empty. Of an even number: the lower of the two in the middle.
inline double median(std::vector<double> all) {
  auto const middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

inline double ratio(double a, double b) { return b > 0 ? a / b : 0; }

[[noreturn]] inline void refuse(char const* program, std::string const& why) {
  std::fprintf(stderr, "%s: %s\n%s -h says what is allowed\n", program, why.c_str(), program);
  std::exit(2);
}

// A whole number from `least` to `most`, or the end of the program.
inline std::uint32_t number(char const* program, std::string_view flag, std::string_view text,
                            std::uint32_t most, std::uint32_t least = 1) {
  std::uint32_t x = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, x);
  if (error != std::errc{} || stop != end || x < least || x > most) {
    refuse(program, std::string{flag} + " is '" + std::string{text} +
                        "'; allowed are whole numbers from " + std::to_string(least) + " to " +
                        std::to_string(most));
  }
  return x;
}

}  // namespace measure
