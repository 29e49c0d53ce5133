// Heads with the policy of the library in a world whose delays are a matrix: every round each
// asks one of its neighbours; in the end all pairs are held against the matrix.
#include "vivaldi.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/proximity/vivaldi.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
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

// The upper triangle without the diagonal, in whole tenths of a millisecond.
matrix read_matrix(std::string const& file, std::size_t hosts) {
  matrix out{hosts};
  std::ifstream in{file};
  if (!in) throw paper_error{file + ": cannot be read"};
  std::string line;
  for (std::size_t i = 0; i + 1 < hosts && std::getline(in, line); ++i) {
    auto rest = std::string_view{line};
    for (auto j = i + 1; j < hosts; ++j) {
      if (rest.empty()) throw paper_error{file + ": row " + std::to_string(i) + " is too short"};
      auto const comma = std::min(rest.find(','), rest.size());
      out.set(i, j, std::stoi(std::string{rest.substr(0, comma)}) * 100us);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return out;
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

template <unsigned Dimensions, bool Height>
using head = alone<vivaldi<Dimensions, Height, 64>>;

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
  std::vector<double> rounds;  // after how many an error is taken
};

template <unsigned Dimensions, bool Height>
std::vector<double> errors_of(study const& s, std::size_t neighbours, std::uint8_t outlier = 0) {
  using node = head<Dimensions, Height>;
  sim::world<node, matrix_setting<node>> w{{s.seed, s.trips, s.round, outlier}};
  introduce_all(w, *s.trips, neighbours);
  std::vector<double> out;
  for (auto n : s.rounds) {
    w.run_until(origin + static_cast<std::int64_t>(n) * s.round);
    out.push_back(median_error(w, *s.trips));
  }
  return out;
}
template <unsigned Dimensions, bool Height>
double error_of(study const& s, std::size_t neighbours, std::uint8_t outlier = 0) {
  return errors_of<Dimensions, Height>(s, neighbours, outlier).back();
}

void run_planetlab(scenario const& s, sheet& out) {
  auto const hosts = static_cast<std::size_t>(s.integer("hosts"));
  study const lab{
      s.seed(),
      std::make_shared<matrix const>(read_matrix(s.file("planetlab490_t01.csv"), hosts)),
      s.integer("round_s") * 1s,
      {s.number("rounds")}};
  for (auto n : s.numbers("neighbours")) {
    auto const row = name_of(n);
    auto const k = static_cast<std::size_t>(n);
    auto const flat = error_of<2, false>(lab, k);
    auto const high = error_of<2, true>(lab, k);
    out.measured("planetlab", row, "2-D", flat);
    out.measured("planetlab", row, "2-D + height", high);
    out.measured("planetlab", row, "height over plain", high / flat);
    if (s.integer("small_spaces") != 0) continue;
    out.measured("planetlab", row, "3-D", error_of<3, false>(lab, k));
    out.measured("planetlab", row, "5-D", error_of<5, false>(lab, k));
    out.measured("planetlab", row, "3-D + height", error_of<3, true>(lab, k));
  }
  auto const outlier = static_cast<std::uint8_t>(s.integer("outlier"));
  for (auto n : s.numbers("bounded_neighbours")) {
    out.measured("as shipped", name_of(n), "2-D + height",
                 error_of<2, true>(lab, static_cast<std::size_t>(n), outlier));
  }
}

void run_plane(scenario const& s, sheet& out) {
  study const plane{s.seed(),
                    std::make_shared<matrix const>(
                        random_plane(s.seed(), static_cast<std::size_t>(s.integer("plane_hosts")),
                                     s.integer("plane_side_ms"))),
                    s.integer("round_s") * 1s, s.numbers("plane_rounds")};
  auto const errors =
      errors_of<2, false>(plane, static_cast<std::size_t>(s.integer("plane_neighbours")));
  for (std::size_t i = 0; i < errors.size(); ++i) {
    out.measured("plane", name_of(plane.rounds[i]), "error", errors[i]);
  }
}

}  // namespace

void run_vivaldi(scenario const& s, sheet& out) {
  run_planetlab(s, out);
  run_plane(s, out);
}

}  // namespace hydra::papers
