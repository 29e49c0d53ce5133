// An edit list: which parts of a film make the new one, in which order.
//
//   film = "holiday.mp4"
//   [[cut]]
//   in = "1.25 s"      # the first frame that is not before this instant
//   out = 120          # a frame by its number, from 0; this one is not shown any more
//
// Points need not be at key frames. Cuts may overlap and come in any order.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/core/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t cuts_max = 1000;
inline constexpr std::size_t cuts_bytes_max = 1U << 18U;

struct cut_point {
  bool is_frame = false;
  std::int64_t frame = 0;
  duration time{};
};

struct cut {
  cut_point in;
  cut_point out;
  std::string where;  // FILE:LINE:COLUMN, for what only the film can tell to be wrong
};

struct cut_list {
  std::string film;  // its name, for people; empty: not said
  std::vector<cut> cuts;
};

// Errors: every mistake on a line of its own, as in manifests.
[[nodiscard]] result<cut_list> parse_cuts(std::string_view text, std::string const& file);
[[nodiscard]] result<cut_list> load_cuts(std::string const& path);

}  // namespace hydra::net
