// A scenario file as keys, values and places: all that is left of TOML once it is read.
#pragma once

#include "scenario_values.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim::detail {

inline constexpr std::size_t text_bytes_max = 1 << 20;  // of a scenario file
inline constexpr std::size_t entries_max = 20'000;

// From 1, in characters.
struct position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct entry {
  std::string section;       // empty: top level
  std::size_t number = 0;    // which [[fault]], [[group]] ... it belongs to, from 1
  std::string key;           // empty: the heading of a section itself
  written value;
  position key_at;
  position value_at;
};

struct document {
  std::vector<entry> entries;  // in the order of the file
  bool good = true;
  position wrong_at;
  std::string wrong;  // why it is not TOML
};

// Never throws for what a text may hold.
[[nodiscard]] document read_document(std::string_view text);

}  // namespace hydra::sim::detail
