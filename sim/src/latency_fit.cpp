// Fits the five numbers of latency_fit to azure54 and measures how well they hold elsewhere.
#include <hydra/sim/data_path.hpp>
#include <hydra/sim/fits.hpp>
#include <hydra/sim/latency.hpp>

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>

namespace hydra::sim {

namespace {

constexpr int fitted = 5;
constexpr int rounds = 4;          // routes and numbers depend on each other
constexpr int reweightings = 25;   // of the regression, towards least relative deviation
constexpr double weight_floor = 0.02;
constexpr latency_fit start{5'000'000, 12'500, 13'500, 500'000, 15'000, 80'000'000};

struct azure_region {
  unit16 at;
  country_code country;
  region continent{};
};

struct measured {
  std::vector<azure_region> regions;
  std::vector<double> rtt;  // ms, both directions, row by row
  [[nodiscard]] double both(std::size_t i, std::size_t j) const {
    auto const n = regions.size();
    return (rtt[i * n + j] + rtt[j * n + i]) / 2;
  }
};

// The nearest city of the atlas says which country and continent a pair of coordinates is in.
measured load_azure() {
  constexpr double degree = 3.14159265358979323846 / 180;
  measured out;
  auto const map = atlas::load();
  csv_file in{data_path("azure54_regions.csv"), "id,region,lat,lon,coord_source"};
  while (in.next()) {
    double const lat = in.number(2) * degree;
    double const lon = in.number(3) * degree;
    auto const step = [](double v) {
      return static_cast<std::int16_t>(std::floor(v * unit16_one + 0.5));
    };
    unit16 const at{step(std::cos(lat) * std::cos(lon)), step(std::cos(lat) * std::sin(lon)),
                    step(std::sin(lat))};
    auto const& nearest = *std::min_element(
        map.places().begin(), map.places().end(), [&](place const& a, place const& b) {
          return great_circle_km(at, a.at) < great_circle_km(at, b.at);
        });
    out.regions.push_back({at, nearest.country, nearest.region});
  }
  csv_file matrix{data_path("azure54_rtt_p95_ms.csv"), ""};
  while (matrix.next())
    for (std::size_t i = 0; i < matrix.size(); ++i) out.rtt.push_back(matrix.number(i));
  if (out.rtt.size() != out.regions.size() * out.regions.size())
    matrix.fail(std::to_string(out.rtt.size()) + " numbers", "regions times regions");
  return out;
}

struct pair_of_regions {
  std::size_t a;
  std::size_t b;
};

using attachments = std::vector<backbone::attachment>;

attachments attach_all(backbone const& net, measured const& m, std::size_t hidden = 0) {
  attachments out;
  for (auto const& r : m.regions) out.push_back(net.attach(r.at, r.country, hidden));
  return out;
}

double predicted_ms(route_table const& routes, backbone::attachment const& a,
                    backbone::attachment const& b) {
  auto const p = routes.parts(a, b);
  auto const& f = routes.fit();
  auto const by = [](double amount, std::int64_t each) {
    return amount * static_cast<double>(each);
  };
  return (by(p.ends, f.ends_ns) + by(p.sea_km, f.sea_ns_per_km) +
          by(p.land_km, f.land_ns_per_km) + by(p.hops, f.hop_ns) +
          by(p.access_km, f.access_ns_per_km) + by(p.thin, f.thin_ns)) / 1e6;
}

// Iteratively reweighted least squares: the deviation that counts is relative and absolute.
// Coefficients of distance stay above light in fibre there and back plus a twentieth.
Eigen::VectorXd regress(Eigen::MatrixXd const& parts, Eigen::VectorXd const& ms,
                        Eigen::VectorXd x, Eigen::VectorXd const& least) {
  for (int i = 0; i < reweightings; ++i) {
    Eigen::VectorXd const off = ((parts * x - ms).array() / ms.array()).abs().max(weight_floor);
    Eigen::VectorXd const w = (off.array().sqrt() * ms.array()).inverse();
    Eigen::MatrixXd const a = w.asDiagonal() * parts;
    x = a.colPivHouseholderQr().solve(w.cwiseProduct(ms)).cwiseMax(least);
  }
  return x;
}

latency_fit fit_pairs(backbone const& net, attachments const& at, measured const& m,
                      std::vector<pair_of_regions> const& pairs) {
  auto const count = static_cast<Eigen::Index>(pairs.size());
  Eigen::VectorXd least(fitted);
  least << 0.1, 10.3e-3, 10.3e-3, 0, 10.3e-3;
  latency_fit now = start;
  Eigen::VectorXd x(fitted);
  x << 5, 12.5e-3, 13.5e-3, 0.5, 15e-3;
  for (int round = 0; round < rounds; ++round) {
    route_table const routes{net, now};
    Eigen::MatrixXd parts(count, fitted);
    Eigen::VectorXd ms(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      auto const& [a, b] = pairs[static_cast<std::size_t>(i)];
      auto const p = routes.parts(at[a], at[b]);
      parts.row(i) << p.ends, p.sea_km, p.land_km, p.hops, p.access_km;
      ms(i) = m.both(a, b) - p.thin * static_cast<double>(now.thin_ns) / 1e6;
      ms(i) = std::max(ms(i), 1.0);
    }
    Eigen::VectorXd const found = regress(parts, ms, x, least);
    x = round == 0 ? found : Eigen::VectorXd{(x + found) / 2};
    auto const in_ns = [&](Eigen::Index i) {
      return static_cast<std::int64_t>(std::floor(x(i) * 1e6 + 0.5));
    };
    now = {in_ns(0), in_ns(1), in_ns(2), in_ns(3), in_ns(4), start.thin_ns};
  }
  return now;
}

fit_error summary(std::vector<double> off) {
  HYDRA_EXPECTS(!off.empty());
  std::sort(off.begin(), off.end());
  return {off[off.size() / 2], off[off.size() * 9 / 10]};
}

// Pairs for which `chosen(a, b)`.
template <class F>
std::vector<pair_of_regions> pairs_where(std::size_t n, F chosen) {
  std::vector<pair_of_regions> out;
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = a + 1; b < n; ++b)
      if (chosen(a, b)) out.push_back({a, b});
  return out;
}

std::vector<double> errors(route_table const& routes, attachments const& at, measured const& m,
                           std::vector<pair_of_regions> const& pairs) {
  std::vector<double> out;
  for (auto const& [a, b] : pairs)
    out.push_back(std::fabs(predicted_ms(routes, at[a], at[b]) / m.both(a, b) - 1));
  return out;
}

// A straight line in great-circle distance, fitted and judged likewise, one region left out.
fit_error line_left_out(measured const& m) {
  auto const n = m.regions.size();
  std::vector<double> all;
  Eigen::VectorXd const least = Eigen::VectorXd::Zero(2);
  for (std::size_t out = 0; out < n; ++out) {
    auto const seen = pairs_where(n, [&](auto a, auto b) { return a != out && b != out; });
    Eigen::MatrixXd parts(static_cast<Eigen::Index>(seen.size()), 2);
    Eigen::VectorXd ms(parts.rows());
    for (Eigen::Index i = 0; i < parts.rows(); ++i) {
      auto const& [a, b] = seen[static_cast<std::size_t>(i)];
      parts.row(i) << 1, great_circle_km(m.regions[a].at, m.regions[b].at);
      ms(i) = m.both(a, b);
    }
    Eigen::VectorXd x(2);
    x << 10, 15e-3;
    x = regress(parts, ms, x, least);
    for (std::size_t a = 0; a < n; ++a) {
      if (a == out) continue;
      double const km = great_circle_km(m.regions[a].at, m.regions[out].at);
      all.push_back(std::fabs((x(0) + x(1) * km) / m.both(a, out) - 1));
    }
  }
  return summary(std::move(all));
}

void study_fit(latency_report& out, measured const& m) {
  auto const net = backbone::load();
  auto const n = m.regions.size();
  auto const at = attach_all(net, m);
  auto const far = attach_all(net, m, 1);
  auto const all = pairs_where(n, [](auto, auto) { return true; });
  out.fitted = fit_pairs(net, at, m, all);
  out.in_sample = summary(errors(route_table{net, out.fitted}, at, m, all));
  out.committed = summary(errors(route_table{net, latency_fit{}}, at, m, all));
  std::vector<double> left;
  std::vector<double> left_far;
  for (std::size_t gone = 0; gone < n; ++gone) {
    auto const seen = pairs_where(n, [&](auto a, auto b) { return a != gone && b != gone; });
    auto const rest = pairs_where(n, [&](auto a, auto b) { return a == gone || b == gone; });
    route_table const routes{net, fit_pairs(net, at, m, seen)};
    auto const off = errors(routes, at, m, rest);
    left.insert(left.end(), off.begin(), off.end());
    auto moved = at;
    moved[gone] = far[gone];
    auto const off_far = errors(routes, moved, m, rest);
    left_far.insert(left_far.end(), off_far.begin(), off_far.end());
  }
  out.left_out = summary(std::move(left));
  out.left_out_far = summary(std::move(left_far));
  std::vector<double> continents;
  for (std::size_t c = 0; c < world_regions.size(); ++c) {
    auto const on = [&](std::size_t i) {
      return static_cast<std::size_t>(m.regions[i].continent) == c;
    };
    auto const seen = pairs_where(n, [&](auto a, auto b) { return !on(a) && !on(b); });
    auto const rest = pairs_where(n, [&](auto a, auto b) { return on(a) || on(b); });
    if (rest.empty()) continue;
    auto const off = errors(route_table{net, fit_pairs(net, at, m, seen)}, at, m, rest);
    continents.insert(continents.end(), off.begin(), off.end());
  }
  out.left_out_continent = summary(std::move(continents));
  out.line = line_left_out(m);
}

double median_asymmetry(std::span<double const> matrix, std::size_t rows) {
  std::vector<double> off;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double const there = matrix[i * rows + j];
      double const back = matrix[j * rows + i];
      off.push_back(std::fabs(there - back) / (there + back));
    }
  return summary(std::move(off)).median;
}

// One-way delays among as many hosts as planetlab490 has.
std::vector<double> sample(access_mix const& mix, latency_report& out) {
  constexpr std::uint32_t hosts = 490;
  auto const map = atlas::load();
  positions const where{map, {.sites = hosts, .heads_per_site = 1, .seed = 490}};
  planet_latency const planet{where, 490, mix};
  std::vector<double> ways(std::size_t{hosts} * hosts);
  for (std::uint32_t i = 0; i < hosts; ++i) {
    for (std::uint32_t j = 0; j < hosts; ++j) {
      if (i == j) continue;
      auto const way = planet.one_way(peer{i}, peer{j});
      ways[std::size_t{i} * hosts + j] = static_cast<double>(ns(way)) / 1e6;
      if (way < planet.light(peer{i}, peer{j})) out.below_light += 1.0 / (hosts * (hosts - 1.0));
    }
  }
  return ways;
}

}  // namespace

triangle_violations violations_of(std::span<double const> matrix, std::size_t rows) {
  HYDRA_EXPECTS(rows >= 3);
  HYDRA_EXPECTS(matrix.size() == rows * rows);
  std::uint64_t any = 0;
  std::uint64_t tenth = 0;
  std::vector<double> to(rows);  // to[b]: from b to c
  for (std::size_t c = 0; c < rows; ++c) {
    for (std::size_t b = 0; b < rows; ++b) to[b] = matrix[b * rows + c];
    for (std::size_t a = 0; a < rows; ++a) {
      if (a == c) continue;
      double const direct = matrix[a * rows + c];
      for (std::size_t b = 0; b < rows; ++b) {
        if (b == a || b == c) continue;
        double const around = matrix[a * rows + b] + to[b];
        any += direct > around ? 1 : 0;
        tenth += direct > 1.1 * around ? 1 : 0;
      }
    }
  }
  auto const n = static_cast<double>(rows);
  double const triples = n * (n - 1) * (n - 2);
  return {static_cast<double>(any) / triples, static_cast<double>(tenth) / triples};
}

bool latency_report::holds() const noexcept {
  auto const near = [](double value, double target) {
    return value > target * 0.75 && value < target * 1.25;
  };
  return left_out.median <= 0.07 && left_out.p90 <= 0.20 && near(model.any, 0.057) &&
         near(model.by_a_tenth, 0.018) && below_light == 0;
}

latency_report study_latency() {
  latency_report out;
  auto const m = load_azure();
  study_fit(out, m);
  auto const regions = m.regions.size();
  out.azure = violations_of(m.rtt, regions);
  out.asymmetry_azure = median_asymmetry(m.rtt, regions);
  constexpr std::uint32_t hosts = 490;
  auto const campus = sample({100, 0, 0, 0}, out);
  out.model = violations_of(campus, hosts);
  out.asymmetry_model = median_asymmetry(campus, hosts);
  out.model_homes = violations_of(sample({}, out), hosts);
  return out;
}

namespace {

void print_table(std::ostream& out, latency_report const& r) {
  auto const row = [&](char const* what, fit_error const& e, char const* bound) {
    std::array<char, 120> line{};
    std::snprintf(line.data(), line.size(), "  %-52s %5.1f %%  %5.1f %%  %s\n", what,
                  100 * e.median, 100 * e.p90, bound);
    out << line.data();
  };
  out << "relative error of a round trip, azure54 (1,431 pairs)   median      p90  at most\n";
  row("a straight line in distance, region left out", r.line, "");
  row("the model, region left out", r.left_out, "7 %, 20 %");
  row("  and its nearest hub hidden from it", r.left_out_far, "");
  row("  fitted without the regions of its continent", r.left_out_continent, "");
  row("the model, fitted to all", r.in_sample, "");
  row("the model, committed numbers", r.committed, "");
  auto const& f = r.fitted;
  latency_fit const c;
  out << "fitted (committed), round trip: ends " << f.ends_ns << " (" << c.ends_ns << ") ns, sea "
      << f.sea_ns_per_km << " (" << c.sea_ns_per_km << "), land " << f.land_ns_per_km << " ("
      << c.land_ns_per_km << "), access " << f.access_ns_per_km << " (" << c.access_ns_per_km
      << ") ns/km, hop " << f.hop_ns << " (" << c.hop_ns << ") ns\n";
  auto const triangles = [&](char const* what, triangle_violations const& v) {
    std::array<char, 120> line{};
    std::snprintf(line.data(), line.size(), "  %-52s %5.2f %%  %5.2f %%\n", what, 100 * v.any,
                  100 * v.by_a_tenth);
    out << line.data();
  };
  out << "triples that violate the triangle inequality               any  by a tenth\n";
  triangles("planetlab490, measured (published set)", {0.057, 0.018});
  triangles("azure54, measured", r.azure);
  triangles("the model, 490 hosts of campus or data centre", r.model);
  triangles("the model, 490 hosts of the default mix of access", r.model_homes);
  std::array<char, 120> line{};
  std::snprintf(line.data(), line.size(),
                "median asymmetry: azure54 %.2f %%, model %.2f %%; below light: %.4f %%\n",
                100 * r.asymmetry_azure, 100 * r.asymmetry_model, 100 * r.below_light);
  out << line.data() << (r.holds() ? "bounds hold\n" : "BOUNDS NOT MET\n");
}

}  // namespace

bool fit_latency(std::ostream& out, bool json) {
  auto const r = study_latency();
  if (!json) {
    print_table(out, r);
    return r.holds();
  }
  auto const pair = [&](char const* name, double first, double second) {
    out << '"' << name << "\":[" << first << ',' << second << "],";
  };
  out << '{';
  pair("line", r.line.median, r.line.p90);
  pair("left_out", r.left_out.median, r.left_out.p90);
  pair("left_out_hub_hidden", r.left_out_far.median, r.left_out_far.p90);
  pair("left_out_continent", r.left_out_continent.median, r.left_out_continent.p90);
  pair("in_sample", r.in_sample.median, r.in_sample.p90);
  pair("committed", r.committed.median, r.committed.p90);
  pair("triangles_planetlab490", 0.057, 0.018);
  pair("triangles_azure54", r.azure.any, r.azure.by_a_tenth);
  pair("triangles_model", r.model.any, r.model.by_a_tenth);
  pair("triangles_model_homes", r.model_homes.any, r.model_homes.by_a_tenth);
  pair("asymmetry_azure54_model", r.asymmetry_azure, r.asymmetry_model);
  out << "\"below_light\":" << r.below_light << ",\"fit\":{\"ends_ns\":" << r.fitted.ends_ns
      << ",\"sea_ns_per_km\":" << r.fitted.sea_ns_per_km
      << ",\"land_ns_per_km\":" << r.fitted.land_ns_per_km << ",\"hop_ns\":" << r.fitted.hop_ns
      << ",\"access_ns_per_km\":" << r.fitted.access_ns_per_km
      << "},\"holds\":" << (r.holds() ? "true" : "false") << "}\n";
  return r.holds();
}

}  // namespace hydra::sim
