// What an estimate of a round trip costs, and how far off it is on a planet.
//
// observe/ and estimate/: nanoseconds of one call; a head that was measured, and one that never
// was and discloses a cell. planet/POLICY/HEADS/N: so many heads in the cities of the world, of
// which every 2 s each measures one of 32 acquaintances, N times; coordinates are probed for at the
// same pace. met%, unmet%: the median of |estimate - round trip| / round trip over a thousand of
// them, of the head measured last and of a hundred never met, whose cell is known; told%: of the
// same heads as if their coordinate were known as well. Messages are those of one head in all N
// rounds; ns/round is what a head costs in one, the simulator included.
#include "measure.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/sim/latency.hpp>
#include <hydra/sim/positions.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/testing/recorder.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace hydra;
using namespace hydra::proximity;

using plane = vivaldi<2, false>;
using space = vivaldi<3, false>;
using plane_and_height = vivaldi<2, true>;

constexpr std::uint32_t judged = 1'000;  // heads whose estimates are looked at
constexpr std::uint32_t acquaintances = 32;
constexpr std::uint64_t number = 1;  // the seed
constexpr auto period = 2s;

// A policy that knows where it stands, if it asks.
template <class P>
P placed(cell here) {
  if constexpr (std::is_same_v<P, geographic>) {
    return P{{.own = here, .disclose = true}};
  } else if constexpr (requires(P p) { p.first(); }) {
    return P{geographic{{.own = here, .disclose = true}}};
  } else {
    return P{};
  }
}

struct planet {
  explicit planet(std::uint32_t n) : heads{n} {}
  std::uint32_t heads;
  sim::atlas map = sim::atlas::load();
  sim::positions where{map, {.sites = heads, .seed = number}};
  sim::planet_latency delays{where, number};
  [[nodiscard]] cell cell_of(peer who) const { return sim::coarse(where.place_of(who).at); }
  // Without jitter.
  [[nodiscard]] duration round_trip(peer a, peer b) const {
    return delays.one_way(a, b) + delays.one_way(b, a);
  }
};

template <class P>
class on_planet : public sim::plain_setting {
 public:
  explicit on_planet(std::shared_ptr<planet const> where)
      : plain_setting{number, where->heads}, where_{std::move(where)} {}
  [[nodiscard]] alone<P> make(sim::permutation const&, std::uint32_t who) const {
    return alone<P>{placed<P>(where_->cell_of(peer{who}))};
  }
  [[nodiscard]] duration window() const { return where_->delays.minimum(); }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    return {.delay = where_->delays.delay(peer{t.from}, peer{t.to}, t.at, t.sequence)};
  }

 private:
  std::shared_ptr<planet const> where_;
};

// Whom a head measures, in turn.
std::array<peer, acquaintances> acquaintances_of(std::uint32_t who, std::uint32_t heads) {
  std::array<peer, acquaintances> all{};
  owned_stream chance{number, purpose::friends, who};
  for (std::size_t n = 0; n < all.size();) {
    peer const other{static_cast<std::uint32_t>(chance.below(heads))};
    bool const known = std::find(all.begin(), all.begin() + n, other) != all.begin() + n;
    if (other.index() != who && !known) all[n++] = other;
  }
  return all;
}

// As if the other had told its coordinate.
template <class P>
duration told(P const& mine, P const& other, peer who, cell where) {
  if constexpr (requires { mine.where(); }) {
    return round_trip(mine.where(), other.where());
  } else if constexpr (requires { mine.second(); }) {
    auto const a = mine.first().predict(who, where);
    auto const b = round_trip(mine.second().where(), other.second().where());
    auto const square = [](std::uint32_t e) { return std::int64_t{e} * e + 1; };
    auto const [of_a, of_b] = mine.errors();
    return a + duration{mul_div((b - a).count(), square(of_a), square(of_a) + square(of_b))};
  } else {
    return mine.estimate(who, where);
  }
}

double off(duration said, duration real) {
  auto const x = said < real ? real - said : said - real;
  return 100.0 * static_cast<double>(x.count()) / static_cast<double>(real.count());
}

template <class P>
void on_a_planet(benchmark::State& state) {
  auto const heads = static_cast<std::uint32_t>(state.range(0));
  auto const rounds = static_cast<std::size_t>(state.range(1));
  auto const where = std::make_shared<planet const>(heads);
  std::vector<std::array<peer, acquaintances>> known;
  for (std::uint32_t i = 0; i < heads; ++i) known.push_back(acquaintances_of(i, heads));
  sim::world<alone<P>, on_planet<P>> w{on_planet<P>{where}};
  std::uint64_t sequence = 0;
  auto const begin = ::measure::cpu_seconds();
  for (auto _ : state) {
    for (std::size_t r = 0; r < rounds; ++r) {
      for (std::uint32_t i = 0; i < heads; ++i) {
        auto const who = known[i][r % acquaintances];
        auto const there = where->delays.delay(peer{i}, who, w.now(), ++sequence);
        auto const back = where->delays.delay(who, peer{i}, w.now() + there, ++sequence);
        w.tell(peer{i}, hydra::measure{who, there + back, where->cell_of(who)});
      }
      w.run_for(period);
    }
  }
  auto const spent = ::measure::cpu_seconds() - begin;
  std::vector<double> met, unmet, by_word;
  for (std::uint32_t k = 0; k < judged; ++k) {
    auto const i = static_cast<std::uint32_t>(std::uint64_t{k} * heads / judged);
    auto const& mine = w.node(peer{i}).policy();
    auto const last = known[i][(rounds - 1) % acquaintances];
    met.push_back(off(mine.estimate(last, where->cell_of(last)), where->round_trip(peer{i}, last)));
    owned_stream chance{number, purpose::workload, i};
    for (int tries = 0; tries < 100; ++tries) {
      peer const other{static_cast<std::uint32_t>(chance.below(heads))};
      bool const seen = std::find(known[i].begin(), known[i].end(), other) != known[i].end();
      if (other.index() == i || seen) continue;
      auto const real = where->round_trip(peer{i}, other);
      auto const cell = where->cell_of(other);
      unmet.push_back(off(mine.estimate(other, cell), real));
      by_word.push_back(off(told(mine, w.node(other).policy(), other, cell), real));
    }
  }
  state.counters["sizeof"] = sizeof(P);
  state.counters["met%"] = ::measure::median(met);
  state.counters["unmet%"] = ::measure::median(unmet);
  state.counters["told%"] = ::measure::median(by_word);
  state.counters["messages"] = static_cast<double>(w.counts().sent) / heads;
  state.counters["ns/round"] = 1e9 * spent / heads / static_cast<double>(rounds);
}

// Sixteen heads measured, and as many that never were; sixty-four cells.
template <class P>
struct one_head {
  testing::recorder env{{.seed = number, .self = peer{5'000}}};
  P policy = placed<P>({38, 9, 51});
  std::vector<cell> cells;
  one_head() {
    owned_stream chance{number, purpose::placement, 0};
    auto const axis = [&] { return static_cast<std::int8_t>(chance.below(128)); };
    while (cells.size() < 64) cells.push_back({axis(), axis(), axis()});
    for (std::uint32_t i = 0; i < 16; ++i) observe(i);
  }
  void observe(std::uint32_t i) {
    auto view = env.view<P>();
    observe_at(policy, view, peer{i % 16}, 20ms + duration{std::int64_t{i % 64} * 1'000'000},
               cells[i % 16]);
  }
};

template <class P>
void observe(benchmark::State& state) {
  one_head<P> h;
  std::uint32_t i = 0;
  for (auto _ : state) h.observe(i++);
  benchmark::DoNotOptimize(h.policy);
}
template <class P>
void estimate(benchmark::State& state, std::uint32_t from) {
  one_head<P> h;
  std::uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(h.policy.estimate(peer{from + i % 16}, h.cells[i % 64]));
    ++i;
  }
}

template <class P>
int rows_of(std::string const& name) {
  benchmark::RegisterBenchmark(("observe/" + name).c_str(), observe<P>);
  benchmark::RegisterBenchmark(("estimate met/" + name).c_str(),
                               [](benchmark::State& s) { estimate<P>(s, 0); });
  benchmark::RegisterBenchmark(("estimate unmet/" + name).c_str(),
                               [](benchmark::State& s) { estimate<P>(s, 1'000); });
  auto* const planets = benchmark::RegisterBenchmark(("planet/" + name).c_str(), on_a_planet<P>);
  for (auto n : {16, 64, 256}) planets->Args({1'000, n});
  for (auto heads : {100'000, 1'000'000}) planets->Args({heads, 64});
  planets->Iterations(1)->Unit(benchmark::kMillisecond);
  return 0;
}

[[maybe_unused]] int const rows[] = {
    rows_of<uniform>("uniform"),
    rows_of<geographic>("geographic"),
    rows_of<plane>("vivaldi 2-D"),
    rows_of<space>("vivaldi 3-D"),
    rows_of<plane_and_height>("vivaldi 2-D and height"),
    rows_of<blend<>>("blend"),
};

}  // namespace
