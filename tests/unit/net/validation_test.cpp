// What hydra-validate says of two worlds, without a second world: the verdicts, the plans, and the
// prediction that may not change.
#include "../../catch.hpp"

#include <validate/calibration.hpp>
#include <validate/measures.hpp>
#include <validate/plan.hpp>
#include <validate/prediction.hpp>
#include <validate/simulated.hpp>
#include <validate/verdict.hpp>

#include <hydra/core/random.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;
using namespace hydra::validation;
using std::string;

namespace {

string const plans = HYDRA_SOURCE_DIR "/sim/scenarios/validate/";

struct scratch {
  std::filesystem::path at = std::filesystem::temp_directory_path() /
                             ("hydra-validation-" + std::to_string(::getpid()));
  scratch() { std::filesystem::create_directories(at); }
  ~scratch() { std::filesystem::remove_all(at); }
  [[nodiscard]] string write(string const& name, string const& text) const {
    std::ofstream{at / name} << text;
    return (at / name).string();
  }
};

// Sixty responses around 500 ms, each by so much and a little chance of this seed longer.
series responses(double factor, std::uint64_t seed, string const& name = "response") {
  std::uint32_t count = 0, again = 0;
  hydra::stream job{stream_base(1, purpose::workload, 0), count};
  hydra::stream chance{stream_base(seed, purpose::latency, 0), again};
  series out{name, statistic::median, {}};
  for (std::uint64_t i = 1; i <= 60; ++i) {
    auto const usual = 300.0 + static_cast<double>(job.below(400));
    out.values.emplace_back(i, usual * factor + static_cast<double>(chance.below(1000)) / 500.0);
  }
  return out;
}
series counts(string const& name, std::uint64_t each) {
  series out{name, statistic::total, {}};
  for (std::uint64_t i = 0; i < 8; ++i) out.values.emplace_back(i, static_cast<double>(each));
  return out;
}
bool past(series const& sim, series const& live) {
  auto const all = compare({sim}, {live}, 1);
  REQUIRE(all.size() == 1);
  CHECK(all[0].low <= all[0].difference + 1e-9);
  CHECK(all[0].high >= all[0].difference - 1e-9);
  return all[0].past;
}

}  // namespace

TEST_CASE("a verdict is past its bound for what is too far, and for nothing else") {
  auto const sim = responses(1.0, 2);
  CHECK_FALSE(past(sim, sim));
  CHECK_FALSE(past(sim, responses(1.05, 3)));
  CHECK(past(sim, responses(1.15, 3)));
  CHECK(past(sim, responses(0.85, 3)));
  auto const run = responses(1.0, 2, "run");
  CHECK_FALSE(past(run, responses(1.02, 3, "run")));
  CHECK(past(run, responses(0.9, 3, "run")));
  CHECK_FALSE(past(counts("messages", 300), counts("messages", 310)));
  CHECK(past(counts("messages", 300), counts("messages", 320)));
  CHECK(past(counts("sent bid", 20), counts("sent bid", 24)));
  CHECK_FALSE(past(counts("sent bid", 2), counts("sent bid", 2)));
  series const nothing{"sent bid", statistic::total, {}};
  CHECK(past(counts("sent bid", 20), nothing));
  CHECK(past(nothing, counts("sent bid", 20)));
  CHECK(compare({nothing}, {nothing}, 1).empty());
}

TEST_CASE("one job that was unlucky is no alarm") {
  auto const sim = responses(1.0, 2);
  auto live = responses(1.0, 3);
  for (std::size_t i = 0; i < 5; ++i) live.values[i].second *= 20;
  CHECK_FALSE(past(sim, live));
}

TEST_CASE("worlds that name different things are compared as a whole") {
  auto const sim = responses(1.0, 2);
  auto live = responses(1.0, 3);
  for (auto& v : live.values) v.first += 1000;
  auto const all = compare({sim}, {live}, 1);
  CHECK_FALSE(all[0].paired);
  CHECK_FALSE(all[0].past);
}

TEST_CASE("every plan of the house can be read, and mistakes are named with their place") {
  for (string const name : {"cities", "mesh", "jitter", "lossy", "crash", "hundred",
                            "calibration/workshop"}) {
    auto const p = read_plan(plans + name + ".toml");
    INFO(name << (p ? "" : p.why()));
    CHECK(p.ok());
  }
  CHECK(read_calibration(plans + "calibration/measured.toml").ok());
  scratch const here;
  auto const wrong = [&](string const& text, string const& said) {
    auto const p = read_plan(here.write("bad.toml", text));
    REQUIRE_FALSE(p.ok());
    INFO(p.why());
    CHECK(p.why().find("bad.toml:") != string::npos);
    CHECK(p.why().find(said) != string::npos);
  };
  string const head = "about = \"x\"\nseed = 1\nhydras = 2\nlasts = \"9 s\"\n";
  string const link = "[[link]]\nname = \"road\"\nlatency = \"9 ms\"\n";
  string const group = "[[group]]\nname = \"here\"\nwithin = \"road\"\n";
  wrong("hydras = 1000\n", "128");
  wrong(head + "[[link]]\nname = \"road\"\nlatency = \"1 us\"\n", "2 ms");
  wrong(head + link + group + "heads = [0, 7]\n", "7 is no head; allowed: 0 to 1");
  wrong(head + link + group + "heads = [0]\n", "head 1 is in no group");
  wrong(head + link + "[[group]]\nname = \"here\"\nwithin = \"raod\"\nheads = [0, 1]\n", "road");
  wrong(head + link + group + "heads = [0, 1]\n", "0 jobs");
}

TEST_CASE("a disturbance is read, or says what is allowed") {
  auto const p = read_plan(plans + "cities.toml");
  REQUIRE(p.ok());
  auto const ocean = read_disturbance("links=ocean:1.15", p.value());
  REQUIRE(ocean.ok());
  CHECK(link_between(p.value(), ocean.value(), 0, 6).latency == 103500us);
  CHECK(link_between(p.value(), ocean.value(), 0, 1).latency == 10ms);
  CHECK(read_disturbance("loss=0.05", p.value()).value().loss == 0.05);
  for (string const bad : {"links=moon:1.15", "links=ocean", "loss=2", "cpu=fast", "drop=", "x"}) {
    INFO(bad);
    CHECK_FALSE(read_disturbance(bad, p.value()).ok());
  }
  CHECK(type_named("bid") != 0);
  CHECK(type_named("hello") == 0);
  CHECK(name_of_type(type_named("award")) == "award");
}

TEST_CASE("a prediction is the same twice, tells the measures, and may not be changed") {
  auto const p = read_plan(plans + "cities.toml");
  REQUIRE(p.ok());
  calibration const c;
  auto const one = measure(p.value(), simulate(p.value(), "a", c, {}, 0));
  auto const two = measure(p.value(), simulate(p.value(), "a", c, {}, 0));
  scratch const here;
  auto const said = write_prediction(here.at.string(), p.value(), "a", one);
  REQUIRE(said.ok());
  auto const again = write_prediction(here.at.string(), p.value(), "a", two);
  REQUIRE(again.ok());
  CHECK(said.value().sha256 == again.value().sha256);
  auto const read = read_prediction(said.value());
  REQUIRE(read.ok());
  for (auto const& m : compare(one, read.value(), 1)) {
    INFO(m.name);
    CHECK(m.difference == 0.0);
  }
  std::ofstream{said.value().path, std::ios::app} << " ";
  CHECK_FALSE(read_prediction(said.value()).ok());
}

TEST_CASE("in the simulated world alone every disturbance is past a bound") {
  auto const p = read_plan(plans + "cities.toml");
  REQUIRE(p.ok());
  calibration const c;
  auto const clean = measure(p.value(), simulate(p.value(), "a", c, {}, 0));
  for (string const what : {"links=metro:1.15", "links=continental:1.15", "links=ocean:1.15",
                            "loss=0.05", "cpu=0.85", "drop=settle"}) {
    auto const d = read_disturbance(what, p.value());
    REQUIRE(d.ok());
    auto const notes = simulate(p.value(), "a", c, d.value(), type_named(d.value().drop));
    auto const all = compare(clean, measure(p.value(), notes), 1);
    INFO(what);
    CHECK(std::any_of(all.begin(), all.end(), [](comparison const& m) { return m.past; }));
  }
}
