// Heads with the policy of the library in a world whose delays are a matrix: every round each
// asks one of its neighbours; in the end all pairs are held against the matrix.
#include "vivaldi.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace hydra::papers {
namespace {

using proximity::vivaldi;
using proximity::vivaldi_settings;

// Round trips of all pairs; zero: not measured.
class matrix {
 public:
  explicit matrix(std::size_t hosts) : hosts_{hosts}, trips_(hosts * hosts) {}
  [[nodiscard]] std::size_t hosts() const noexcept { return hosts_; }
  [[nodiscard]] duration between(std::size_t a, std::size_t b) const noexcept {
    return trips_[a * hosts_ + b];
  }
  void set(std::size_t a, std::size_t b, duration rtt) noexcept {
    trips_[a * hosts_ + b] = trips_[b * hosts_ + a] = rtt;
  }

 private:
  std::size_t hosts_;
  std::vector<duration> trips_;
};

constexpr std::size_t measured_hosts = 490;  // of the matrix, as its README says
constexpr std::uint32_t longest_trip = 1'000'000;

// One row of the matrix: a field for each host after the i-th. Those of the first hosts are kept.
void read_row(matrix& out, std::string_view rest, std::size_t i, std::string const& where) {
  auto const fields = measured_hosts - 1 - i;
  auto const has = 1 + static_cast<std::size_t>(std::count(rest.begin(), rest.end(), ','));
  if (has != fields) {
    throw paper_error{where + name_of(static_cast<double>(has)) + " fields; allowed: " +
                      name_of(static_cast<double>(fields))};
  }
  for (auto j = i + 1; j < measured_hosts; ++j) {
    auto const field = rest.substr(0, rest.find(','));
    std::uint32_t tenths = 0;
    auto const* const end = field.data() + field.size();
    auto const [stop, wrong] = std::from_chars(field.data(), end, tenths);
    if (wrong != std::errc{} || stop != end || tenths == 0 || tenths > longest_trip) {
      throw paper_error{where + quoted(field) + "; allowed: tenths of a millisecond, a whole " +
                        "number from 1 to " + std::to_string(longest_trip)};
    }
    if (j < out.hosts()) out.set(i, j, std::int64_t{tenths} * 100us);
    rest.remove_prefix(std::min(field.size() + 1, rest.size()));
  }
}

// The upper triangle without the diagonal, in whole tenths of a millisecond.
matrix read_matrix(std::string const& file, std::size_t hosts) {
  matrix out{hosts};
  std::ifstream in{file};
  if (!in) throw paper_error{file + ": cannot be read"};
  auto const rows = std::to_string(measured_hosts - 1);
  std::string line;
  std::size_t i = 0;
  for (; std::getline(in, line); ++i) {
    auto const where = file + ":" + std::to_string(i + 1) + ": ";
    if (i + 1 == measured_hosts) throw paper_error{where + "one row more than the " + rows +
                                                   " allowed"};
    read_row(out, line, i, where);
  }
  if (i + 1 == measured_hosts) return out;
  throw paper_error{file + ":" + std::to_string(i + 1) + ": the file ends after " +
                    std::to_string(i) + " rows; allowed: " + rows};
}

matrix random_plane(std::uint64_t seed, std::size_t hosts, std::int64_t side_ms) {
  owned_stream chance{seed, purpose::placement, 0};
  std::vector<std::pair<double, double>> at(hosts);
  auto const any = [&] {
    return static_cast<double>(chance.below(static_cast<std::uint64_t>(side_ms) * 1'000'000));
  };
  for (auto& [x, y] : at) {
    x = any();
    y = any();
  }
  matrix out{hosts};
  for (std::size_t i = 0; i < hosts; ++i) {
    for (auto j = i + 1; j < hosts; ++j) {
      auto const dx = at[i].first - at[j].first;
      auto const dy = at[i].second - at[j].second;
      out.set(i, j, duration{static_cast<std::int64_t>(std::sqrt(dx * dx + dy * dy))});
    }
  }
  return out;
}

constexpr std::size_t neighbours_max = 64;  // that a head has room for

template <unsigned Dimensions, bool Height>
using head = alone<vivaldi<Dimensions, Height, neighbours_max>>;

// Half of the round trip each way. All heads are one group, as pairs are nearer than the window.
template <class Node>
class matrix_setting : public sim::plain_setting {
 public:
  matrix_setting(std::uint64_t seed, std::shared_ptr<matrix const> trips, duration round,
                 std::uint8_t outlier)
      : plain_setting{seed, static_cast<std::uint32_t>(trips->hosts())},
        trips_{std::move(trips)},
        round_{round},
        outlier_{outlier} {}
  [[nodiscard]] std::uint32_t group(std::uint32_t) const noexcept { return 0; }
  [[nodiscard]] Node make(sim::permutation const&, std::uint32_t) const {
    return Node{typename Node::policy_type{{.strangers = false,
                                            .relax = outlier_ != 0,
                                            .eager = 0,
                                            .outlier = outlier_,
                                            .eager_period = round_,
                                            .period = round_}}};
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    return {.delay = trips_->between(t.from, t.to) / 2};
  }

 private:
  std::shared_ptr<matrix const> trips_;
  duration round_;
  std::uint8_t outlier_;
};

// |d - rtt| / rtt of all pairs, the median.
template <class World>
double median_error(World const& w, matrix const& trips) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < trips.hosts(); ++i) {
    auto const& mine = w.node(peer{static_cast<std::uint32_t>(i)}).policy().where();
    for (auto j = i + 1; j < trips.hosts(); ++j) {
      auto const rtt = static_cast<double>(trips.between(i, j).count());
      if (rtt == 0) continue;
      auto const& other = w.node(peer{static_cast<std::uint32_t>(j)}).policy().where();
      auto const d = static_cast<double>(proximity::round_trip(mine, other).count());
      errors.push_back(std::abs(d - rtt) / rtt);
    }
  }
  auto const middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return *middle;
}

// Every head is introduced to so many others, drawn at random among those measured.
template <class World>
void introduce_all(World& w, matrix const& trips, std::size_t neighbours) {
  for (std::size_t i = 0; i < trips.hosts(); ++i) {
    std::vector<std::uint32_t> others;
    for (std::size_t j = 0; j < trips.hosts(); ++j) {
      if (trips.between(i, j) > duration{}) others.push_back(static_cast<std::uint32_t>(j));
    }
    owned_stream chance{w.setting().seed(), purpose::friends, i};
    auto const drawn = chance.draw().sample(neighbours, std::span{others});
    for (std::size_t first = 0; first < drawn.size();) {
      introduce some;
      while (first < drawn.size() && !some.known.full()) {
        some.known.push_back(peer{drawn[first++]});
      }
      w.tell(peer{static_cast<std::uint32_t>(i)}, some);
    }
  }
}

// What is common to the runs of one seed.
struct study {
  std::uint64_t seed = 1;
  std::shared_ptr<matrix const> trips;
  duration round{};
  std::vector<std::int64_t> rounds;  // after how many an error is taken
};

// Every parameter.
struct plan {
  std::uint64_t seed;
  std::size_t hosts;
  std::vector<std::size_t> neighbours;
  std::int64_t rounds;
  duration round;
  bool small_spaces;
  std::vector<std::size_t> bounded_neighbours;
  std::uint8_t outlier;
  std::size_t plane_hosts;
  std::size_t plane_neighbours;
  std::int64_t plane_side_ms;
  std::vector<std::int64_t> plane_rounds;
};

// What one parameter demands of another.
void check(scenario const& s, plan const& p) {
  auto const fewer = [&](char const* key, std::size_t neighbours, char const* of,
                         std::size_t hosts) {
    if (neighbours >= hosts) {
      s.refuse(key, static_cast<double>(neighbours), std::string{"less than "} + of);
    }
  };
  for (auto n : p.neighbours) fewer("neighbours", n, "hosts", p.hosts);
  for (auto n : p.bounded_neighbours) fewer("bounded_neighbours", n, "hosts", p.hosts);
  fewer("plane_neighbours", p.plane_neighbours, "plane_hosts", p.plane_hosts);
  auto const late = std::is_sorted_until(p.plane_rounds.begin(), p.plane_rounds.end());
  if (late == p.plane_rounds.end()) return;
  s.refuse("plane_rounds", static_cast<double>(*late), "each later than the one before");
}

plan plan_of(scenario const& s) {
  constexpr std::int64_t rounds_max = 100'000;
  plan p{
      .seed = s.seed(),
      .hosts = s.integer<std::size_t>("hosts", 2, measured_hosts),
      .neighbours = s.integers<std::size_t>("neighbours", 1, neighbours_max),
      .rounds = s.integer("rounds", 1, rounds_max),
      .round = s.integer("round_s", 1, 1000) * 1s,
      .small_spaces = s.integer("small_spaces", 0, 1) != 0,
      .bounded_neighbours = s.integers<std::size_t>("bounded_neighbours", 1, neighbours_max),
      .outlier = s.integer<std::uint8_t>("outlier", 0, 255),
      .plane_hosts = s.integer<std::size_t>("plane_hosts", 2, 5000),
      .plane_neighbours = s.integer<std::size_t>("plane_neighbours", 1, neighbours_max),
      .plane_side_ms = s.integer("plane_side_ms", 1, 10'000),
      .plane_rounds = s.integers<std::int64_t>("plane_rounds", 1, rounds_max),
  };
  check(s, p);
  return p;
}

template <unsigned Dimensions, bool Height>
std::vector<double> errors_of(study const& s, std::size_t neighbours, std::uint8_t outlier = 0) {
  using node = head<Dimensions, Height>;
  sim::world<node, matrix_setting<node>> w{{s.seed, s.trips, s.round, outlier}};
  introduce_all(w, *s.trips, neighbours);
  std::vector<double> out;
  for (auto n : s.rounds) {
    w.run_until(origin + n * s.round);
    out.push_back(median_error(w, *s.trips));
  }
  return out;
}
template <unsigned Dimensions, bool Height>
double error_of(study const& s, std::size_t neighbours, std::uint8_t outlier = 0) {
  return errors_of<Dimensions, Height>(s, neighbours, outlier).back();
}

void run_planetlab(plan const& p, std::string const& file, sheet& out) {
  study const lab{p.seed, std::make_shared<matrix const>(read_matrix(file, p.hosts)), p.round,
                  {p.rounds}};
  for (auto const k : p.neighbours) {
    auto const row = name_of(static_cast<double>(k));
    auto const flat = error_of<2, false>(lab, k);
    auto const high = error_of<2, true>(lab, k);
    out.measured("planetlab", row, "2-D", flat);
    out.measured("planetlab", row, "2-D + height", high);
    out.measured("planetlab", row, "height over plain", high / flat);
    if (p.small_spaces) continue;
    out.measured("planetlab", row, "3-D", error_of<3, false>(lab, k));
    out.measured("planetlab", row, "5-D", error_of<5, false>(lab, k));
    out.measured("planetlab", row, "3-D + height", error_of<3, true>(lab, k));
  }
  for (auto const k : p.bounded_neighbours) {
    out.measured("as shipped", name_of(static_cast<double>(k)), "2-D + height",
                 error_of<2, true>(lab, k, p.outlier));
  }
}

void run_plane(plan const& p, sheet& out) {
  study const plane{
      p.seed,
      std::make_shared<matrix const>(random_plane(p.seed, p.plane_hosts, p.plane_side_ms)),
      p.round, p.plane_rounds};
  auto const errors = errors_of<2, false>(plane, p.plane_neighbours);
  for (std::size_t i = 0; i < errors.size(); ++i) {
    out.measured("plane", name_of(static_cast<double>(plane.rounds[i])), "error", errors[i]);
  }
}

}  // namespace

void read_vivaldi(scenario const& s) {
  auto const p = plan_of(s);
  static_cast<void>(read_matrix(s.file("planetlab490_t01.csv"), p.hosts));
}

void run_vivaldi(scenario const& s, sheet& out) {
  auto const p = plan_of(s);
  run_planetlab(p, s.file("planetlab490_t01.csv"), out);
  run_plane(p, out);
}

}  // namespace hydra::papers
