#include <hydra/sim/data_path.hpp>
#include <hydra/sim/latency.hpp>

#include <utility>

namespace hydra::sim {

namespace {

// Of each class of access: the least one-way delay above the fitted ends', the mean of what is
// added to it, and the mean of a message's jitter. Assumptions of the order that access networks
// are known for; set by hand.
struct access_delays {
  std::int64_t least_us;
  std::int64_t added_mean_us;
  std::int64_t jitter_mean_ns;
};
constexpr std::array<access_delays, 4> delays{{{0, 200, 20'000},
                                               {500, 1'500, 100'000},
                                               {3'000, 4'000, 500'000},
                                               {8'000, 12'000, 3'000'000}}};
constexpr std::int64_t last_mile_most_us = 65'000;
constexpr std::int64_t jitter_most_ns = 3'000'000'000;  // planetlab490: single slices reach 3 s
constexpr unsigned epoch_bits = 36;                     // congestion lasts 2^36 ns: 69 s
constexpr std::int64_t second = 1'000'000'000;

// Congestion of a route for this minute (millionths of its delay) times an exponential draw.
// In steps that stay within 64 bits: a route is below a second, a draw below 23.
std::int64_t congested(quantile_law const& congestion, quantile_law const& exponential,
                       std::int64_t way, std::uint64_t epoch, std::uint64_t message) {
  auto const level = std::min<std::int64_t>(congestion.at(epoch), 1'000'000);
  return way * level / 1'000'000 * (exponential.at(message) / 1'000) / 1'000'000;
}

}  // namespace

planet_latency::planet_latency(positions const& where, std::uint64_t seed, access_mix const& mix,
                               latency_fit const& fit)
    : base_{stream_base(seed, purpose::latency, 0)},
      heads_{where.heads_per_site()},
      last_mile_least_ns_{fit.ends_ns / 4 / 1'000 * 1'000},
      fit_{fit} {
  HYDRA_EXPECTS(mix.datacentre + mix.fibre + mix.cable + mix.mobile == 100);
  // one_way skips the light bound for pairs that are clearly slower; that relies on these.
  HYDRA_EXPECTS(fit.sea_ns_per_km * 5 > 2 * fibre_ns_per_km * 6);
  HYDRA_EXPECTS(fit.land_ns_per_km >= fit.sea_ns_per_km);
  HYDRA_EXPECTS(fit.access_ns_per_km >= fit.sea_ns_per_km);
  auto const laws = law_book::load();
  spread_ = laws.law("latency/spread");
  detour_ = laws.law("latency/detour");
  asymmetry_ = laws.law("latency/asymmetry");
  HYDRA_EXPECTS(asymmetry_.largest() <= asymmetry_most);
  congestion_ = laws.law("latency/congestion");
  exponential_ = laws.law("exponential");

  auto const net = backbone::load();
  route_table const routes{net, fit};
  hubs_ = net.hubs().size();
  for (std::size_t i = 0; i < hubs_; ++i)
    for (std::size_t j = 0; j < hubs_; ++j)  // 1 s stands for what no corridor reaches
      hub_to_hub_ns_.push_back(
          static_cast<std::uint32_t>(std::min<std::int64_t>(routes.cost(i, j) / 2, second)));
  peers_.reserve(where.size());
  std::uint32_t rank = 0;  // among the sites of one network in one city
  for (std::uint32_t s = 0; s < where.sites().size(); ++s) {
    auto const& here = where.sites()[s];
    if (s == 0 || here.place != where.sites()[s - 1].place)
      add_city(net, where, here.place);
    rank = s != 0 && here == where.sites()[s - 1] ? rank + 1 : 0;
    add_site(where, s, rank, mix);
  }
}

void planet_latency::add_city(backbone const& net, positions const& where,
                              std::uint32_t number) {
  HYDRA_EXPECTS(number < 65'536);
  auto const& p = where.map().places()[number];
  auto const attached = net.attach(p.at, p.country);
  city c;
  c.at = p.at;
  c.place = static_cast<std::uint16_t>(number);
  c.country = static_cast<std::uint16_t>(p.country.letters[0] * 256 + p.country.letters[1]);
  c.hub = attached.hub;
  for (std::size_t i = 0; i < attached.km.size(); ++i) {
    auto const units = along(attached.km[i], fit_.access_ns_per_km) / 2 >> access_shift;
    c.access[i] = static_cast<std::uint16_t>(std::min<std::int64_t>(units, 65'535));
  }
  cities_.push_back(c);
}

void planet_latency::add_site(positions const& where, std::uint32_t number,
                              std::uint32_t rank, access_mix const& mix) {
  // Chance hangs on what the site is (its city, network, rank there), not on its number.
  auto const& what = where.sites()[number];
  std::uint64_t const who = (std::uint64_t{what.place} * positions::providers_max + what.provider)
                                << 24U | rank;
  auto const bits = mix64(base_ + mix64(who));
  auto const draw = bits % 100;
  auto const kind = draw < mix.datacentre                          ? access_class::datacentre
                    : draw < mix.datacentre + mix.fibre            ? access_class::fibre
                    : draw < mix.datacentre + mix.fibre + mix.cable ? access_class::cable
                                                                    : access_class::mobile;
  auto const& d = delays[static_cast<std::size_t>(kind)];
  auto const added = mul_div(d.added_mean_us, exponential_.at(mix64(bits)), second);
  auto const last_mile = last_mile_least_ns_ / 1'000 + d.least_us + added;
  head h;
  h.city = static_cast<std::uint16_t>(cities_.size() - 1);
  h.last_mile_us = static_cast<std::uint16_t>(std::min(last_mile, last_mile_most_us));
  h.provider = static_cast<std::uint8_t>(what.provider);
  h.access = static_cast<std::uint8_t>(kind);
  for (std::uint32_t i = 0; i < where.heads_per_site(); ++i) peers_.push_back(h);
}

duration planet_latency::jitter_on(path const& p, peer from, peer to, instant at,
                                   std::uint64_t message) const noexcept {
  auto const& a = peers_[from.index()];
  auto const& b = peers_[to.index()];
  auto const mean = delays[a.access].jitter_mean_ns + delays[b.access].jitter_mean_ns;
  auto const ends = mean * (exponential_.at(mix64(message)) / 1'000) / 1'000'000;
  auto const epoch = mix64(p.bits + mix64(static_cast<std::uint64_t>(ns(at)) >> epoch_bits));
  auto const more = congested(congestion_, exponential_, p.straight, epoch, mix64(message + 1));
  return duration{std::min(ends + more, jitter_most_ns)};
}

duration planet_latency::jitter(peer from, peer to, instant at,
                                std::uint64_t sequence) const noexcept {
  auto const message = bits_of(from, to, at, sequence);
  if (same_site(from, to)) return duration{exponential_.at(message) / 200'000};  // 5 us
  return jitter_on(between(from, to), from, to, at, message);
}

duration planet_latency::delay(peer from, peer to, instant at,
                               std::uint64_t sequence) const noexcept {
  if (same_site(from, to)) return colocated + jitter(from, to, at, sequence);
  auto const p = between(from, to);
  auto const more = jitter_on(p, from, to, at, bits_of(from, to, at, sequence));
  return duration{p.delay} + more;
}

duration planet_latency::minimum(peer_range a, peer_range b) const {
  HYDRA_EXPECTS(a.last <= size());
  HYDRA_EXPECTS(b.last <= size());
  constexpr std::uint32_t unused = 2'000'000'000;
  struct side {
    std::vector<std::uint32_t> access_ns;          // the least to each hub
    std::vector<std::uint16_t> countries;
    std::int64_t last_mile_ns = last_mile_most_us * 1'000;
  };
  auto const look = [&](peer_range r) {
    side out{std::vector<std::uint32_t>(hubs_, unused), {}, last_mile_most_us * 1'000};
    for (auto i = r.first; i < r.last; ++i) {
      out.last_mile_ns =
          std::min(out.last_mile_ns, std::int64_t{peers_[i].last_mile_us} * 1'000);
      if (i != r.first && peers_[i].city == peers_[i - 1].city) continue;
      auto const& c = cities_[peers_[i].city];
      for (std::size_t k = 0; k < c.hub.size(); ++k)
        out.access_ns[c.hub[k]] =
            std::min(out.access_ns[c.hub[k]], std::uint32_t{c.access[k]} << access_shift);
      if (out.countries.empty() || out.countries.back() != c.country)
        out.countries.push_back(c.country);
    }
    return out;
  };
  auto const x = look(a);
  auto const y = look(b);
  std::int64_t best = second;
  for (std::size_t i = 0; i < hubs_; ++i) {
    if (x.access_ns[i] == unused) continue;
    for (std::size_t j = 0; j < hubs_; ++j) {
      if (y.access_ns[j] == unused) continue;
      best = std::min(best, std::int64_t{x.access_ns[i]} + hub_to_hub_ns_[i * hubs_ + j] +
                                y.access_ns[j]);
    }
  }
  for (auto const c : x.countries)  // neighbours of one country may be as near as one likes
    if (std::find(y.countries.begin(), y.countries.end(), c) != y.countries.end()) best = 0;
  auto const way = best * spread_least / million;
  return duration{way - way * asymmetry_most / million + x.last_mile_ns + y.last_mile_ns};
}

matrix_latency matrix_latency::load(std::string const& path, std::uint32_t peers,
                                    std::uint64_t seed, duration least) {
  csv_file in{path, ""};
  std::vector<double> all;
  std::uint32_t rows = 0;
  std::size_t columns = 0;
  while (in.next()) {
    if (rows == 0) columns = in.size();
    if (in.size() != columns)
      in.fail(std::to_string(in.size()) + " fields", std::to_string(columns) + " as in line 1");
    for (std::size_t i = 0; i < columns; ++i) {
      all.push_back(in.text(i).empty() ? -1 : in.number(i));
      if (!in.text(i).empty() && (all.back() < 0 || all.back() > 4'000))
        in.fail(in.text(i), "0 to 4000 ms, or nothing");
    }
    ++rows;
  }
  if (rows < 2 || rows != columns)
    in.fail(std::to_string(rows) + " rows of " + std::to_string(columns),
            "as many rows as columns");
  return matrix_latency{all, rows, peers, seed, least};
}

matrix_latency::matrix_latency(std::vector<double> const& rtt_ms, std::uint32_t rows,
                               std::uint32_t peers, std::uint64_t seed, duration least)
    : base_{stream_base(seed, purpose::latency, 1)}, rows_{rows}, peers_{peers}, least_{least} {
  HYDRA_EXPECTS(rows >= 2);
  HYDRA_EXPECTS(peers >= 1);
  HYDRA_EXPECTS(rtt_ms.size() == std::size_t{rows} * rows);
  HYDRA_EXPECTS(least > duration{0});
  auto const laws = law_book::load();
  congestion_ = laws.law("latency/congestion");
  exponential_ = laws.law("exponential");
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> known;
    for (std::size_t j = 0; j < rows; ++j)
      if (i != j && rtt_ms[i * rows + j] >= 0) known.push_back(rtt_ms[i * rows + j]);
    std::sort(known.begin(), known.end());
    double const usual = known.empty() ? 0 : known[known.size() / 2];
    for (std::size_t j = 0; j < rows; ++j) {
      double ms = rtt_ms[i * rows + j];
      if (ms < 0) ms = rtt_ms[j * rows + i];
      if (ms < 0) ms = usual;
      auto const way = static_cast<std::int64_t>(ms * 500'000.0 + 0.5);
      one_way_ns_.push_back(static_cast<std::uint32_t>(std::max(way, ns(least))));
    }
  }
}

duration matrix_latency::jitter(peer from, peer to, instant at,
                                std::uint64_t sequence) const noexcept {
  auto const now = static_cast<std::uint64_t>(ns(at));
  std::uint64_t const pair = std::uint64_t{from.index()} << 32U | to.index();
  auto const message = mix64(mix64(base_ + pair) + mix64(now) + sequence);
  auto const epoch = mix64(base_ + mix64(std::uint64_t{row_of(from)} << 32U | row_of(to)) +
                           mix64(now >> epoch_bits));
  auto const more =
      congested(congestion_, exponential_, ns(one_way(from, to)), epoch, mix64(message));
  return duration{std::min(more, jitter_most_ns)};
}

duration matrix_latency::minimum(peer_range a, peer_range b) const {
  HYDRA_EXPECTS(a.last <= peers_);
  HYDRA_EXPECTS(b.last <= peers_);
  if (a.size() == 0 || b.size() == 0) return duration{second};
  auto best = std::numeric_limits<std::uint32_t>::max();
  for (auto i = row_of(peer{a.first}); i <= row_of(peer{a.last - 1}); ++i)
    for (auto j = row_of(peer{b.first}); j <= row_of(peer{b.last - 1}); ++j)
      best = std::min({best, one_way_ns_[std::size_t{i} * rows_ + j],
                       one_way_ns_[std::size_t{j} * rows_ + i]});
  return duration{best};
}

}  // namespace hydra::sim
