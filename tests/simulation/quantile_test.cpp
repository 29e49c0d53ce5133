// One mechanism for every law: a committed table of quantiles, checked against the closed form.
#include "catch.hpp"

#include <hydra/core/random.hpp>
#include <hydra/sim/data_path.hpp>
#include <hydra/sim/fits.hpp>
#include <hydra/sim/quantile.hpp>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

using namespace hydra;
using namespace hydra::sim;

namespace {

law_book const& book() {
  static law_book const all = law_book::load();
  return all;
}

}  // namespace

TEST_CASE("all 72 published laws of churn are within 1.1 % of their closed form, tail included") {
  int churn = 0;
  for (auto const& [name, law, unit] : published_laws()) {
    churn += name.find('/') != std::string::npos && name.rfind("latency/", 0) != 0 ? 1 : 0;
    auto const off = error_of(book().law(name), law, unit);
    INFO(name);
    CHECK(off.worst <= 0.011);
    CHECK(off.mean <= 0.002);
  }
  CHECK(churn == 72);
}

TEST_CASE("the tail of the exponential reaches beyond one in sixteen million") {
  auto const& law = book().law("exponential");
  auto const share_above = [](int octave) { return ~(std::uint64_t{1} << (64 - octave)); };
  for (int octave = 1; octave <= 24; ++octave) {
    double const exact = octave * std::log(2.0);
    CHECK(static_cast<double>(law.at(share_above(octave))) / 1e9 == Approx(exact).epsilon(1e-4));
  }
  CHECK(law.at(0) < 10);
  CHECK(law.at(std::numeric_limits<std::uint64_t>::max()) == law.largest());
  CHECK(static_cast<double>(law.largest()) / 1e9 == Approx(32 * std::log(2.0)).epsilon(1e-4));
}

TEST_CASE("the table is monotone in its bits and never negative") {
  for (auto const& name : book().names()) {
    auto const& law = book().law(name);
    std::int64_t before = -1;
    for (std::uint64_t i = 0; i <= 4'096; ++i) {
      auto const u = i == 4'096 ? std::numeric_limits<std::uint64_t>::max() : i << 52U;
      auto const now = law.at(u);
      if (now < before) FAIL(name << " falls at step " << i);
      before = now;
    }
    CHECK(law.at(0) >= 0);
  }
}

TEST_CASE("draws have the mean and the median of the law") {
  auto const& law = book().law("skype06/uptime/weibull");
  owned_stream chance{7, purpose::churn, 1};
  constexpr int draws = 200'000;
  double sum = 0;
  int below = 0;
  auto const median = law.at(std::uint64_t{1} << 63U);
  for (int i = 0; i < draws; ++i) {
    auto const d = law.at(chance.bits());
    sum += static_cast<double>(d);
    below += d < median ? 1 : 0;
  }
  CHECK(sum / draws == Approx(law.mean()).epsilon(0.02));
  CHECK(below / static_cast<double>(draws) == Approx(0.5).margin(0.005));
  auto const& published = book().law("skype06/uptime/exponential");
  CHECK(published.mean() / 3.6e12 == Approx(16.27).epsilon(0.001));  // the published mean, hours
}

TEST_CASE("a scaled law keeps its shape") {
  auto const& second = book().law("exponential");
  auto const hour = second.scaled(3'600, 1);
  CHECK(hour.mean() == Approx(second.mean() * 3'600).epsilon(1e-6));
  auto const u = std::uint64_t{3} << 62U;  // rounding: at most 1 ns of the original
  auto const rounded = hour.draw(u) - second.draw(u) * 3'600;
  CHECK(std::chrono::abs(rounded) <= duration{3'600});
}

TEST_CASE("measured values become a table by the same mechanism") {
  std::vector<std::int64_t> values;
  for (int i = 1; i <= 1'000; ++i) values.push_back(i * 1'000);
  auto const law = tabulate(values);
  CHECK(law.smallest() == 1'000);
  CHECK(law.largest() == 1'000'000);
  CHECK(law.at(std::uint64_t{1} << 63U) == Approx(500'500).margin(1'000));
  CHECK(law.mean() == Approx(500'500).epsilon(0.001));
}

TEST_CASE("the year of a data set may be left out; a wrong name is told the nearest ones") {
  CHECK(&book().law("skype/uptime/weibull") == &book().law("skype06/uptime/weibull"));
  CHECK(&book().law("lanl/downtime/gamma") == &book().law("lanl05/downtime/gamma"));
  try {
    static_cast<void>(book().law("skype/uptime/weibul"));
    FAIL("accepted");
  } catch (data_error const& e) {
    CHECK(std::string{e.what()}.find("skype06/uptime/weibull") != std::string::npos);
  }
}

TEST_CASE("the committed tables are what the generator writes, to one part in a million") {
  std::ostringstream made;
  write_tables(made);
  std::ifstream kept{data_path("quantiles.csv")};
  std::istringstream fresh{made.str()};
  std::string a;
  std::string b;
  int rows = 0;
  while (std::getline(fresh, a)) {
    REQUIRE(std::getline(kept, b));
    ++rows;
    std::istringstream x{a};
    std::istringstream y{b};
    std::string u;
    std::string v;
    REQUIRE((std::getline(x, u, ',') && std::getline(y, v, ',')));
    CHECK(u == v);
    while (std::getline(x, u, ',')) {
      REQUIRE(std::getline(y, v, ','));
      auto const p = std::stod(u);
      if (std::fabs(p - std::stod(v)) > 1 + p * 1e-6) FAIL(a.substr(0, 40) << ": " << u);
    }
    CHECK_FALSE(std::getline(y, v, ','));
  }
  CHECK(rows == 72 + 3 + 4);
  CHECK_FALSE(std::getline(kept, b));
}

TEST_CASE("hydra sim fit churn says that its bounds hold, as a table and as JSON") {
  std::ostringstream table;
  CHECK(fit_churn(table, false));
  CHECK(table.str().find("bounds hold") != std::string::npos);
  std::ostringstream json;
  CHECK(fit_churn(json, true));
  CHECK(json.str().find("\"holds\":true") != std::string::npos);
}
