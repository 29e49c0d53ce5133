#include <hydra/sim/data_path.hpp>
#include <hydra/sim/positions.hpp>

#include <algorithm>
#include <bit>

namespace hydra::sim {

std::optional<region> region_named(std::string_view name) noexcept {
  auto const found = std::find(world_regions.begin(), world_regions.end(), name);
  if (found == world_regions.end()) return std::nullopt;
  return static_cast<region>(found - world_regions.begin());
}

atlas atlas::load(std::string const& path) {
  csv_file in{path.empty() ? data_path("places.csv") : path,
              "name,country,region,x,y,z,population"};
  atlas out;
  while (in.next()) {
    place p;
    auto const country = in.text(1);
    if (country.size() != 2) in.fail(country, "two letters of ISO 3166");
    p.country = {{country[0], country[1]}};
    auto const r = region_named(in.text(2));
    if (!r) in.fail(in.text(2), "africa asia europe north_america oceania south_america");
    p.region = *r;
    auto const coordinate = [&](std::size_t field) {
      return static_cast<std::int16_t>(in.integer(field, -32767, 32767));
    };
    p.at = {coordinate(3), coordinate(4), coordinate(5)};
    p.population = static_cast<std::uint32_t>(in.integer(6, 1, 100'000'000));
    if (!out.places_.empty() && p.region < out.places_.back().region)
      in.fail(in.text(2), "regions in ascending order");
    out.places_.push_back(p);
    out.name_at_.push_back(static_cast<std::uint32_t>(out.names_.size()));
    out.names_ += in.text(0);
    out.before_.push_back(out.before_.back() + p.population);
  }
  if (out.places_.empty()) in.fail("no place", "at least one");
  out.name_at_.push_back(static_cast<std::uint32_t>(out.names_.size()));
  return out;
}

std::string_view atlas::name(std::size_t index) const {
  HYDRA_EXPECTS(index < places_.size());
  return std::string_view{names_}.substr(name_at_[index], name_at_[index + 1] - name_at_[index]);
}

std::optional<std::size_t> atlas::find(std::string_view wanted, std::string_view country) const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (name(i) != wanted) continue;
    if (!country.empty() && places_[i].country.text() != country) continue;
    if (!best || places_[i].population > places_[*best].population) best = i;
  }
  return best;
}

std::size_t atlas::home_of(std::uint64_t who) const {
  HYDRA_EXPECTS(who < population());
  auto const after = std::upper_bound(before_.begin(), before_.end(), who);
  return static_cast<std::size_t>(after - before_.begin()) - 1;
}

namespace {

// How many networks serve a city: one for a small town, another for each doubling above 30,000.
std::uint64_t providers_of(place const& p) {
  auto const doublings = static_cast<std::uint64_t>(std::bit_width(p.population / 30'000));
  return std::clamp<std::uint64_t>(doublings, 1, positions::providers_max);
}

}  // namespace

positions::positions(atlas const& map, placement const& how)
    : map_{&map}, heads_{how.heads_per_site} {
  HYDRA_EXPECTS(how.sites > 0);
  HYDRA_EXPECTS(how.heads_per_site > 0);
  HYDRA_EXPECTS(std::uint64_t{how.sites} * how.heads_per_site < 0xffff'ffffU);
  sites_.reserve(how.sites);
  std::vector<std::uint32_t> settled;
  for (auto const& s : how.settled) settled.insert(settled.end(), s.sites, s.place);
  HYDRA_EXPECTS(settled.size() <= how.sites);
  for (std::uint32_t i = 0; i < how.sites; ++i) {
    owned_stream chance{how.seed, purpose::placement, i};
    auto const drawn = map.home_of(chance.below(map.population()));
    auto const home = i < settled.size() ? settled[i] : drawn;
    auto const provider = chance.below(providers_of(map.places()[home]));
    sites_.push_back({static_cast<std::uint32_t>(home), static_cast<std::uint32_t>(provider)});
  }
  // Equal sites are indistinguishable, so any sort gives the same sequence.
  std::sort(sites_.begin(), sites_.end(), [](site const& a, site const& b) {
    return a.place != b.place ? a.place < b.place : a.provider < b.provider;
  });
  std::uint32_t at = 0;
  for (std::size_t r = 0; r < world_regions.size(); ++r) {
    regions_[r].first = at * heads_;
    while (at < sites_.size() &&
           static_cast<std::size_t>(map.places()[sites_[at].place].region) == r)
      ++at;
    regions_[r].last = at * heads_;
  }
}

}  // namespace hydra::sim
