// How long a message takes between two heads: a planet fitted to measurements, or a measured
// matrix. Both are pure functions of (seed, from, to) without a matrix of all pairs.
//
// planet_latency: one way = route x spread x asymmetry + last mile of both ends, where
//   route      half the round trip over the backbone (backbone.hpp), five numbers fitted to the
//              54 regions of azure54: left-out regions are off by 5.4 % (median), 13.6 % (p90);
//   spread     a factor hashed from (seed, the networks of both), equal in both directions: a
//              lognormal and, for some pairs, a detour, so that routes break the triangle
//              inequality as often as planetlab490's do;
//   asymmetry  hashed likewise, opposite in the two directions, distributed as azure54's;
//   last mile  by class of access, drawn once per site.
// Promise: never faster than light in fibre along the great circle, never below minimum().
// jitter() is added per message, never negative, a pure function of its arguments.
// Not promised: congestion, loss (a scenario's faults), time of day, mobile heads.
// Units: ns. Cost: 6 bytes per peer, 20 per city, 0.2 MB; one_way about 55 ns.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/time.hpp>
#include <hydra/sim/backbone.hpp>
#include <hydra/sim/globe.hpp>
#include <hydra/sim/positions.hpp>
#include <hydra/sim/quantile.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace hydra::sim {

// What the engine asks of a world's delays.
template <class L>
concept latency_model =
    requires(L const& l, peer p, peer_range r, instant at, std::uint64_t sequence) {
      { l.size() } -> std::same_as<std::uint32_t>;
      { l.group(p) } -> std::same_as<std::uint32_t>;        // colocation group
      { l.one_way(p, p) } -> std::same_as<duration>;        // without jitter
      { l.jitter(p, p, at, sequence) } -> std::same_as<duration>;  // added, never negative
      { l.minimum() } -> std::same_as<duration>;            // between different groups
      { l.minimum(r, r) } -> std::same_as<duration>;        // lower bound between two ranges
    };

enum class access_class : std::uint8_t { datacentre, fibre, cable, mobile };

// Shares of sites by access, in percent of all; an assumption, not a measurement.
struct access_mix {
  std::uint32_t datacentre = 5;
  std::uint32_t fibre = 45;
  std::uint32_t cable = 30;
  std::uint32_t mobile = 20;
};

class planet_latency {
 public:
  // Heads of one site, through one switch.
  static constexpr duration colocated{50'000};

  // Keeps no reference to `where`. Throws data_error. Precondition: the mix adds up to 100.
  explicit planet_latency(positions const& where, std::uint64_t seed, access_mix const& mix = {},
                          latency_fit const& fit = {});

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(peers_.size());
  }
  [[nodiscard]] std::uint32_t group(peer p) const noexcept { return p.index() / heads_; }
  [[nodiscard]] bool same_site(peer a, peer b) const noexcept { return group(a) == group(b); }
  [[nodiscard]] access_class access(peer p) const noexcept {
    return static_cast<access_class>(peers_[p.index()].access);
  }

  [[nodiscard]] duration one_way(peer a, peer b) const noexcept {
    return same_site(a, b) ? colocated : duration{between(a, b).delay};
  }
  // one_way and jitter in one: what a message takes.
  [[nodiscard]] duration delay(peer from, peer to, instant at,
                               std::uint64_t sequence) const noexcept;

  // Fetches what one_way will need of `p` into the cache: first its record, later its city.
  [[gnu::always_inline]] void approach(peer p) const noexcept {
    __builtin_prefetch(peers_.data() + p.index());
  }
  [[gnu::always_inline]] void approach_further(peer p) const noexcept {
    __builtin_prefetch(cities_.data() + peers_[p.index()].city);
  }

  // What this message suffers on top: its ends' access and, in bad minutes, its route.
  [[nodiscard]] duration jitter(peer from, peer to, instant at,
                                std::uint64_t sequence) const noexcept;

  // No message between two sites is faster: the window of the simulation (about 3 ms).
  [[nodiscard]] duration minimum() const noexcept { return duration{2 * last_mile_least_ns_}; }
  // No message between a site of `a` and another of `b`, either way, is faster. Found from hubs,
  // not from pairs: about 1 ms of work. Precondition: neither range splits a site.
  [[nodiscard]] duration minimum(peer_range a, peer_range b) const;

  // The bound that one_way keeps: the great circle in fibre.
  [[nodiscard]] duration light(peer a, peer b) const noexcept {
    return duration{light_ns(cities_[peers_[a.index()].city], cities_[peers_[b.index()].city])};
  }
  // Half the fitted round trip, before spread and last mile.
  [[nodiscard]] duration route(peer a, peer b) const noexcept {
    return duration{route(cities_[peers_[a.index()].city], cities_[peers_[b.index()].city])};
  }

 private:
  static constexpr std::int64_t million = 1'000'000;
  static constexpr std::int64_t spread_least = 750'000;     // millionths
  static constexpr std::int64_t asymmetry_most = 100'000;   // millionths
  static constexpr std::uint64_t detoured = 5'243;          // of 65,536 pairs: 8 %

  // Kept small: at a million peers most of one_way is waiting for these.
  struct head {
    std::uint16_t city = 0;  // index into cities_
    std::uint16_t last_mile_us = 0;
    std::uint8_t provider = 0;
    std::uint8_t access = 0;
  };
  static_assert(sizeof(head) == 6);

  struct city {
    std::array<std::uint16_t, backbone::attached_max> access{};  // one way, units of 1,024 ns
    std::array<std::uint8_t, backbone::attached_max> hub{};
    unit16 at;
    std::uint16_t country = 0;
    std::uint16_t place = 0;  // index into the atlas: the same in every world
  };
  static_assert(sizeof(city) == 20);
  static constexpr unsigned access_shift = 10;

  // What two sites have between them: the route, what is hashed from it, and the delay, in ns.
  struct path {
    std::int64_t straight;
    std::uint64_t bits;
    std::int64_t delay;
  };
  [[nodiscard]] path between(peer a, peer b) const noexcept {
    auto const& from = peers_[a.index()];
    auto const& to = peers_[b.index()];
    auto const& here = cities_[from.city];
    auto const& there = cities_[to.city];
    auto const ends = (std::int64_t{from.last_mile_us} + to.last_mile_us) * 1'000;
    std::int64_t const straight = route(here, there);
    auto const cell_a = cell_of(from);
    auto const cell_b = cell_of(to);
    auto const bits = pair_bits(cell_a, cell_b);
    auto const more = mix64(bits);
    std::int64_t way = straight * spread_factor(bits, more) / million;
    auto const skew = way * asymmetry_.at(more) / million;
    way += (cell_a < cell_b) == ((bits & 1U) != 0) ? skew : -skew;
    // The fit's routes are a fifth slower than light in fibre: only an unusually fast pair needs
    // the bound.
    if (way * 6 < straight * 5) way = std::max(way, light_ns(here, there));
    return {straight, bits, way + ends};
  }
  [[nodiscard]] duration jitter_on(path const& p, peer from, peer to, instant at,
                                   std::uint64_t message) const noexcept;
  [[nodiscard]] std::uint64_t bits_of(peer from, peer to, instant at,
                                      std::uint64_t sequence) const noexcept {
    auto const pair = std::uint64_t{from.index()} << 32U | to.index();
    return mix64(mix64(base_ + 3 + pair) + mix64(static_cast<std::uint64_t>(ns(at))) + sequence);
  }

  // One network in one city.
  [[nodiscard]] std::uint64_t cell_of(head const& h) const noexcept {
    return std::uint64_t{cities_[h.city].place} * positions::providers_max + h.provider;
  }
  [[nodiscard]] std::uint64_t pair_bits(std::uint64_t x, std::uint64_t y) const noexcept {
    return mix64(base_ ^ (x < y ? x << 32U | y : y << 32U | x));
  }
  // Tables use the high bits of what they are given, decisions the low ones.
  [[nodiscard]] std::int64_t spread_factor(std::uint64_t bits, std::uint64_t more) const noexcept {
    auto const factor = std::max(spread_.at(bits), spread_least);
    if ((more & 0xffffU) >= detoured) return factor;
    return factor + detour_.at(mix64(more));
  }
  [[nodiscard]] std::int64_t route(city const& a, city const& b) const noexcept {
    std::uint32_t best = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t i = 0; i < backbone::attached_max; ++i) {
      auto const* const row = hub_to_hub_ns_.data() + std::size_t{a.hub[i]} * hubs_;
      for (std::size_t j = 0; j < backbone::attached_max; ++j) {
        auto const access = std::uint32_t{a.access[i]} + b.access[j];
        best = std::min(best, (access << access_shift) + row[b.hub[j]]);
      }
    }
    if (a.country != b.country) return best;
    double const km = great_circle_km(a.at, b.at);
    if (km >= backbone::direct_km_max) return best;
    return std::min<std::int64_t>(best, along(km, fit_.access_ns_per_km) / 2);
  }
  [[nodiscard]] static std::int64_t light_ns(city const& a, city const& b) noexcept {
    return along(great_circle_km(a.at, b.at), fibre_ns_per_km);
  }
  void add_city(backbone const& net, positions const& where, std::uint32_t number);
  void add_site(positions const& where, std::uint32_t number, std::uint32_t rank,
                access_mix const& mix);

  std::uint64_t base_;
  std::uint32_t heads_;  // of each site
  std::size_t hubs_ = 0;
  std::int64_t last_mile_least_ns_;
  latency_fit fit_;
  quantile_law spread_;
  quantile_law detour_;
  quantile_law asymmetry_;
  quantile_law congestion_;
  quantile_law exponential_;
  std::vector<std::uint32_t> hub_to_hub_ns_;  // one way
  std::vector<city> cities_;
  std::vector<head> peers_;
};

static_assert(latency_model<planet_latency>);

// A measured matrix of round trips in ms (planetlab490, azure54): one way from a to b is half of
// row a, column b. Peers are dealt to the rows in contiguous blocks of equal size, so a range of
// peers is a range of hosts; every peer is a site of its own. Gaps (an empty field) take the
// other direction, or else the median of the row; nothing is below `least`.
class matrix_latency {
 public:
  // Plain CSV of bare numbers; unpack .xz and .gz first. Throws data_error.
  [[nodiscard]] static matrix_latency load(std::string const& path, std::uint32_t peers,
                                           std::uint64_t seed, duration least = 1ms);
  // `rtt_ms`: rows * rows numbers, a negative one is a gap.
  matrix_latency(std::vector<double> const& rtt_ms, std::uint32_t rows, std::uint32_t peers,
                 std::uint64_t seed, duration least = 1ms);

  [[nodiscard]] std::uint32_t size() const noexcept { return peers_; }
  [[nodiscard]] std::uint32_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t row_of(peer p) const noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{p.index()} * rows_ / peers_);
  }
  [[nodiscard]] std::uint32_t group(peer p) const noexcept { return p.index(); }
  [[nodiscard]] duration one_way(peer a, peer b) const noexcept {
    return duration{one_way_ns_[std::size_t{row_of(a)} * rows_ + row_of(b)]};
  }
  [[nodiscard]] duration jitter(peer from, peer to, instant at,
                                std::uint64_t sequence) const noexcept;
  [[nodiscard]] duration minimum() const noexcept { return least_; }
  [[nodiscard]] duration minimum(peer_range a, peer_range b) const;

 private:
  std::uint64_t base_;
  std::uint32_t rows_;
  std::uint32_t peers_;
  duration least_;
  quantile_law congestion_;
  quantile_law exponential_;
  std::vector<std::uint32_t> one_way_ns_;
};

static_assert(latency_model<matrix_latency>);

}  // namespace hydra::sim
