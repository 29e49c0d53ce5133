// Where the Hydras of a simulated planet live: real cities, weighted by their population.
//
// Source: GeoNames (CC BY 4.0), all places of 15,000 inhabitants or more, as committed integer
// unit vectors (sim/data/README.md). Promise: choosing is integer arithmetic on (seed, number of
// the site) alone; peers are numbered in an order that fills space (region, then along a Hilbert
// curve, then city by city), so any contiguous range of peers can be a shard, and the numbering
// does not depend on how many shards there are. Cost: 10 bytes per site, 4 MB for the atlas.
#pragma once

#include <hydra/core/geo.hpp>
#include <hydra/core/identity.hpp>
#include <hydra/core/random.hpp>
#include <hydra/sim/globe.hpp>
#include <hydra/sim/peer_range.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim {

// By the order of world_regions.
enum class region : std::uint8_t {
  africa, asia, europe, north_america, oceania, south_america
};
[[nodiscard]] std::optional<region> region_named(std::string_view name) noexcept;

// A country by its two letters (ISO 3166), as one number.
struct country_code {
  std::array<char, 2> letters{};
  friend constexpr auto operator<=>(country_code, country_code) = default;
  [[nodiscard]] std::string text() const { return {letters[0], letters[1]}; }
};

struct place {
  unit16 at;
  country_code country;
  sim::region region{};
  std::uint32_t population = 0;
};

// Every city of the data file, in the order that fills space.
class atlas {
 public:
  // Throws data_error. An empty path: the committed file.
  [[nodiscard]] static atlas load(std::string const& path = {});

  [[nodiscard]] std::span<place const> places() const noexcept { return places_; }
  [[nodiscard]] std::string_view name(std::size_t index) const;
  // The most populous place of that name; country empty: in any.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name,
                                                std::string_view country = {}) const;
  // Inhabitants of places [0, index).
  [[nodiscard]] std::uint64_t before(std::size_t index) const { return before_[index]; }
  [[nodiscard]] std::uint64_t population() const noexcept { return before_.back(); }
  // The place where inhabitant number `who` (below population()) lives.
  [[nodiscard]] std::size_t home_of(std::uint64_t who) const;

 private:
  std::vector<place> places_;
  std::vector<std::uint32_t> name_at_;
  std::string names_;
  std::vector<std::uint64_t> before_{0};
};

struct settlement {  // so many sites in one place of the atlas
  std::uint32_t place = 0;
  std::uint32_t sites = 1;
};

struct placement {
  std::uint32_t sites = 1'000;         // Hydras; each has one site
  std::uint32_t heads_per_site = 1;    // machines that stand there, one colocation group
  std::uint64_t seed = 1;
  std::vector<settlement> settled{};   // of the sites; population places the others
};

// A site: one room with the heads of one Hydra. Its number is its colocation group.
struct site {
  std::uint32_t place = 0;       // index into the atlas
  std::uint32_t provider = 0;    // which network of that city, below providers_max
  friend constexpr bool operator==(site const&, site const&) = default;
};

class positions {
 public:
  static constexpr std::uint32_t providers_max = 8;

  // Precondition: sites and heads_per_site are positive, their product below 2^32 - 1.
  positions(atlas const& map, placement const& how);

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(sites_.size()) * heads_;
  }
  [[nodiscard]] std::uint32_t heads_per_site() const noexcept { return heads_; }
  [[nodiscard]] std::span<site const> sites() const noexcept { return sites_; }
  [[nodiscard]] atlas const& map() const noexcept { return *map_; }

  // The colocation group: equal for heads that stand in one room.
  [[nodiscard]] std::uint32_t group(peer p) const noexcept { return p.index() / heads_; }
  [[nodiscard]] site const& site_of(peer p) const noexcept { return sites_[group(p)]; }
  [[nodiscard]] place const& place_of(peer p) const noexcept {
    return map_->places()[site_of(p).place];
  }
  [[nodiscard]] sim::region region_of(peer p) const noexcept { return place_of(p).region; }
  [[nodiscard]] country_code country_of(peer p) const noexcept { return place_of(p).country; }
  [[nodiscard]] std::string_view city_of(peer p) const { return map_->name(site_of(p).place); }
  // One network operator in one city: never zero.
  [[nodiscard]] hydra::netgroup netgroup_of(peer p) const noexcept {
    auto const& s = site_of(p);
    return {s.place * providers_max + s.provider + 1};
  }
  // All peers of a region stand together.
  [[nodiscard]] peer_range range_of(sim::region r) const noexcept {
    return regions_[static_cast<std::size_t>(r)];
  }

 private:
  atlas const* map_;
  std::uint32_t heads_;
  std::vector<site> sites_;
  std::array<peer_range, world_regions.size()> regions_{};
};

}  // namespace hydra::sim
