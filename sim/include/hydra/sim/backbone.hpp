// The long-haul network of the Earth, coarsely: exchange and landing cities, and the submarine
// and terrestrial corridors between them. What latency is made of.
//
// Source: authored for Hydra from public geography (sim/data/README.md); it covers all inhabited
// continents, has no knowledge of cloud regions, and nothing in it is fitted. A corridor is `sea`,
// `land`, or `thin`: one cable or border crossing that large networks avoid for through traffic
// (a fixed 80 ms detour on a round trip). A place reaches the backbone at the nearest three hubs
// of its own country, or of any country if its own has none; two places of one country nearer
// than 600 km also reach each other directly.
// Promise: distances and costs are integers found with + - * / sqrt alone: equal everywhere.
// Units: ns for a round trip, km. Cost: 3 ms to load and route, 0.4 MB.
#pragma once

#include <hydra/sim/globe.hpp>
#include <hydra/sim/positions.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace hydra::sim {

// The five fitted numbers of the latency model (`hydra sim fit latency` fits them anew), and one
// that is fixed. All for a round trip.
struct latency_fit {
  std::int64_t ends_ns = 6'142'747;       // both ends together: edge routers and access
  std::int64_t sea_ns_per_km = 11'981;    // along submarine corridors
  std::int64_t land_ns_per_km = 14'584;   // along terrestrial corridors
  std::int64_t hop_ns = 1'941'997;        // for each corridor: routers, slack of the route
  std::int64_t access_ns_per_km = 16'853; // between a place and its hub, or directly
  std::int64_t thin_ns = 80'000'000;      // for each thin corridor; not fitted
  friend constexpr bool operator==(latency_fit const&, latency_fit const&) = default;
};

// What a route is made of; a round trip costs its product with the fit.
struct route_parts {
  double ends = 1;
  double sea_km = 0;
  double land_km = 0;
  double hops = 0;
  double access_km = 0;
  double thin = 0;
};

struct hub {
  std::string name;
  country_code country;
  unit16 at;
  bool waypoint = false;  // open sea: bends a corridor, nobody is attached to it
};

enum class corridor : std::uint8_t { sea, land, thin };

struct hub_link {
  std::uint16_t a = 0;
  std::uint16_t b = 0;
  corridor kind{};
  double km = 0;
};

class backbone {
 public:
  static constexpr std::size_t hubs_max = 255;
  static constexpr std::size_t attached_max = 3;
  static constexpr double direct_km_max = 600;

  // Where a place meets the backbone; when it has fewer hubs, the last one is repeated.
  struct attachment {
    unit16 at;
    country_code country;
    std::array<std::uint8_t, attached_max> hub{};
    std::array<double, attached_max> km{};
  };

  // The committed files. Throws data_error.
  [[nodiscard]] static backbone load();

  [[nodiscard]] std::span<hub const> hubs() const noexcept { return hubs_; }
  [[nodiscard]] std::span<hub_link const> links() const noexcept { return links_; }
  // `hidden`: this many of the nearest hubs are left out, to test how the model depends on them.
  [[nodiscard]] attachment attach(unit16 at, country_code country, std::size_t hidden = 0) const;

 private:
  std::vector<hub> hubs_;
  std::vector<hub_link> links_;
};

// Cheapest routes between all hubs under one fit.
class route_table {
 public:
  route_table(backbone const& net, latency_fit const& fit);

  // Round trip between two hubs, ns.
  [[nodiscard]] std::int64_t cost(std::size_t from, std::size_t to) const noexcept {
    return cost_[from * hubs_ + to];
  }
  // The cheapest route between two attached places and what it is made of.
  [[nodiscard]] route_parts parts(backbone::attachment const& a,
                                  backbone::attachment const& b) const;
  [[nodiscard]] latency_fit const& fit() const noexcept { return fit_; }

 private:
  static constexpr std::uint16_t none = std::numeric_limits<std::uint16_t>::max();

  backbone const* net_;
  latency_fit fit_;
  std::size_t hubs_;
  std::vector<std::int64_t> cost_;
  std::vector<std::uint16_t> last_link_;  // on the way from `from` to `to`
};

// km times ns per km, rounded to the nearest ns.
[[nodiscard]] constexpr std::int64_t along(double km, std::int64_t ns_per_km) noexcept {
  return static_cast<std::int64_t>(km * static_cast<double>(ns_per_km) + 0.5);
}

}  // namespace hydra::sim
