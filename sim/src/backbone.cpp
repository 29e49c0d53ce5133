#include <hydra/sim/backbone.hpp>
#include <hydra/sim/data_path.hpp>

#include <algorithm>
#include <functional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::sim {

namespace {

std::size_t hub_named(std::span<hub const> hubs, std::string_view name, csv_file const& in) {
  for (std::size_t i = 0; i < hubs.size(); ++i)
    if (hubs[i].name == name) return i;
  in.fail(name, "a name of backbone_hubs.csv");
}

std::int64_t link_cost(hub_link const& l, latency_fit const& fit) {
  auto const per_km = l.kind == corridor::land ? fit.land_ns_per_km : fit.sea_ns_per_km;
  return along(l.km, per_km) + fit.hop_ns + (l.kind == corridor::thin ? fit.thin_ns : 0);
}

// Every hub must reach every other, or a message would take for ever.
void demand_connected(std::span<hub const> hubs, std::span<hub_link const> links,
                      std::string const& file) {
  if (hubs.empty()) throw data_error{data_path("backbone_hubs.csv") + ": has no hub"};
  std::vector<bool> reached(hubs.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < hubs.size() && open.empty(); ++i) {
    if (!hubs[i].waypoint) open.push_back(i);
  }
  while (!open.empty()) {
    auto const here = open.back();
    open.pop_back();
    if (reached[here]) continue;
    reached[here] = true;
    for (auto const& l : links) {
      if (l.a == here) open.push_back(l.b);
      if (l.b == here) open.push_back(l.a);
    }
  }
  for (std::size_t i = 0; i < hubs.size(); ++i) {
    if (reached[i] || hubs[i].waypoint) continue;
    throw data_error{file + ": no links lead to hub '" + hubs[i].name + "'"};
  }
}

}  // namespace

backbone backbone::load() {
  backbone out;
  csv_file cities{data_path("backbone_hubs.csv"), "name,country,kind,lat,lon,x,y,z"};
  while (cities.next()) {
    auto const coordinate = [&](std::size_t field) {
      return static_cast<std::int16_t>(cities.integer(field, -32767, 32767));
    };
    auto const country = cities.text(1);
    if (country.size() != 2) cities.fail(country, "two letters of ISO 3166");
    auto const kind = cities.text(2);
    if (kind != "hub" && kind != "waypoint") cities.fail(kind, "hub waypoint");
    if (out.hubs_.size() == hubs_max) cities.fail(cities.text(0), "at most 255 hubs");
    out.hubs_.push_back({std::string{cities.text(0)},
                         {{country[0], country[1]}},
                         {coordinate(5), coordinate(6), coordinate(7)},
                         kind == "waypoint"});
  }
  csv_file in{data_path("backbone_links.csv"), "kind,a,b,via"};
  while (in.next()) {
    hub_link l;
    auto const kind = in.text(0);
    if (kind == "sea") l.kind = corridor::sea;
    else if (kind == "land") l.kind = corridor::land;
    else if (kind == "thin") l.kind = corridor::thin;
    else in.fail(kind, "sea land thin");
    l.a = static_cast<std::uint16_t>(hub_named(out.hubs_, in.text(1), in));
    l.b = static_cast<std::uint16_t>(hub_named(out.hubs_, in.text(2), in));
    std::size_t at = l.a;
    auto const go = [&](std::size_t to) {
      l.km += great_circle_km(out.hubs_[at].at, out.hubs_[to].at);
      at = to;
    };
    for (auto via = in.text(3); !via.empty();) {
      auto const end = std::min(via.find(';'), via.size());
      go(hub_named(out.hubs_, via.substr(0, end), in));
      via.remove_prefix(std::min(end + 1, via.size()));
    }
    go(l.b);
    out.links_.push_back(l);
  }
  demand_connected(out.hubs_, out.links_, data_path("backbone_links.csv"));
  return out;
}

backbone::attachment backbone::attach(unit16 at, country_code country, std::size_t hidden) const {
  std::vector<std::pair<double, std::uint8_t>> own;
  std::vector<std::pair<double, std::uint8_t>> any;
  for (std::size_t i = 0; i < hubs_.size(); ++i) {
    if (hubs_[i].waypoint) continue;
    std::pair const entry{great_circle_km(at, hubs_[i].at), static_cast<std::uint8_t>(i)};
    any.push_back(entry);
    if (hubs_[i].country == country) own.push_back(entry);
  }
  auto& from = own.size() > hidden ? own : any;
  std::sort(from.begin(), from.end());
  HYDRA_EXPECTS(from.size() > hidden);
  attachment out{at, country, {}, {}};
  for (std::size_t i = 0; i < attached_max; ++i) {
    auto const& entry = from[std::min(i + hidden, from.size() - 1)];
    out.km[i] = entry.first;
    out.hub[i] = entry.second;
  }
  return out;
}

route_table::route_table(backbone const& net, latency_fit const& fit)
    : net_{&net}, fit_{fit}, hubs_{net.hubs().size()} {
  std::vector<std::vector<std::uint16_t>> at_hub(hubs_);
  for (std::size_t i = 0; i < net.links().size(); ++i) {
    at_hub[net.links()[i].a].push_back(static_cast<std::uint16_t>(i));
    at_hub[net.links()[i].b].push_back(static_cast<std::uint16_t>(i));
  }
  // Half of the largest number, so that the sum of a route and two accesses cannot overflow.
  constexpr auto unreachable = std::numeric_limits<std::int64_t>::max() / 2;
  cost_.assign(hubs_ * hubs_, unreachable);
  last_link_.assign(hubs_ * hubs_, none);
  using entry = std::pair<std::int64_t, std::size_t>;
  for (std::size_t from = 0; from < hubs_; ++from) {
    auto* const cost = cost_.data() + from * hubs_;
    std::priority_queue<entry, std::vector<entry>, std::greater<>> open;
    cost[from] = 0;
    open.emplace(0, from);
    while (!open.empty()) {
      auto const [so_far, here] = open.top();
      open.pop();
      if (so_far != cost[here]) continue;
      for (auto const l : at_hub[here]) {
        auto const& link = net.links()[l];
        std::size_t const next = link.a == here ? link.b : link.a;
        auto const total = so_far + link_cost(link, fit_);
        if (total >= cost[next]) continue;
        cost[next] = total;
        last_link_[from * hubs_ + next] = l;
        open.emplace(total, next);
      }
    }
  }
}

route_parts route_table::parts(backbone::attachment const& a, backbone::attachment const& b) const {
  auto best = std::numeric_limits<std::int64_t>::max();
  std::size_t ai = 0;
  std::size_t bi = 0;
  for (std::size_t i = 0; i < backbone::attached_max; ++i) {
    for (std::size_t j = 0; j < backbone::attached_max; ++j) {
      auto const total = along(a.km[i], fit_.access_ns_per_km) + cost(a.hub[i], b.hub[j]) +
                         along(b.km[j], fit_.access_ns_per_km);
      if (total >= best) continue;
      best = total;
      ai = i;
      bi = j;
    }
  }
  route_parts out;
  if (a.country == b.country) {
    double const km = great_circle_km(a.at, b.at);
    if (km < backbone::direct_km_max && along(km, fit_.access_ns_per_km) < best) {
      out.access_km = km;
      return out;
    }
  }
  out.access_km = a.km[ai] + b.km[bi];
  std::size_t const from = a.hub[ai];
  for (std::size_t here = b.hub[bi]; here != from;) {
    auto const& link = net_->links()[last_link_[from * hubs_ + here]];
    (link.kind == corridor::land ? out.land_km : out.sea_km) += link.km;
    out.thin += link.kind == corridor::thin ? 1 : 0;
    out.hops += 1;
    here = link.a == here ? link.b : link.a;
  }
  return out;
}

}  // namespace hydra::sim
