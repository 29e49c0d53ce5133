// Who is who in the demo, where they are and what befalls them: all of it drawn from the seed.
#pragma once

#include <hydra/core/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::node {

enum class demo_role : std::uint8_t { phone, desktop, friends, cloud, stranger };

struct cast_member {
  std::string name;
  demo_role role = demo_role::phone;
  std::string city;
  double latitude = 0;
  double longitude = 0;
};

// Pure: the same seed gives the same cast, whatever machine plays it.
struct demo_cast {
  static constexpr std::size_t phone = 0, desktop = 1, holder = 4, stranger = 7, size = 8;

  // The phone, the desktop, two friends, three in a cloud, a stranger.
  std::vector<cast_member> all;
  // Who is killed while it renders: the first of these that does.
  std::vector<std::size_t> victims;
  std::size_t kill_after = 0;  // renderings that have begun by then
  bool comes_back = false;
  int back_after_ms = 0;
  // Whose link to the one who divides is cut while it renders, and for how long.
  std::vector<std::size_t> cut_off;
  int cut_ms = 0;
  // The stranger lies about so many tenths of what it renders, chosen by where a segment begins.
  unsigned lies_tenths = 0;
  unsigned lies_salt = 0;

  // One way, from their positions.
  [[nodiscard]] duration delay(std::size_t from, std::size_t to) const;
};

[[nodiscard]] demo_cast draw_cast(std::uint64_t seed);

}  // namespace hydra::node
