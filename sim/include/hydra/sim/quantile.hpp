// Every law of chance (exponential, Weibull, gamma, lognormal, measured) is one mechanism: a
// committed table of quantiles, interpolated in integers.
//
// Promise: the same 64 random bits give the same number with every compiler; no logarithm and no
// power stands in the path of an event. The table is fine where a tail is: 16 steps in every
// octave of probability, down to 2^-11 below the median and 2^-25 above it; beyond, a straight
// line to the quantile of 2^-32. Its error against the closed form is at most 1.1 % between those
// points and 0.2 % in the mean (`hydra sim fit churn`, tests/simulation/quantile_test).
// Units: ns for laws of time (cut at 100 years), millionths for factors. Source of the churn laws:
// Javadi, Kondo, Iosup, Epema, "The Failure Trace Archive", JPDC 73 (2013).
// Cost: about 5 ns and 4.4 kB per law.
#pragma once

#include <hydra/core/wide.hpp>
#include <hydra/core/contract.hpp>
#include <hydra/core/fixed.hpp>
#include <hydra/core/time.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::sim {

class quantile_law {
 public:
  static constexpr int steps = 16;         // in an octave of probability
  static constexpr int octaves_low = 10;   // below the median
  static constexpr int octaves_high = 24;  // above it
  static constexpr std::size_t low_size = steps * octaves_low + 2;
  static constexpr std::size_t high_size = steps * octaves_high + 2;
  static constexpr std::size_t size = low_size + high_size;

  quantile_law() = default;
  // `values`: low side from the smallest value up to the median, then the high side from the
  // largest value down to the median. Precondition: `size` of them, monotone.
  explicit quantile_law(std::span<std::int64_t const> values);

  // The value that a share u / 2^64 of all draws is below. Pure.
  [[nodiscard]] std::int64_t at(std::uint64_t u) const noexcept {
    return (u >> 63U) == 0 ? side<octaves_low>(low_.data(), u)
                           : side<octaves_high>(high_.data(), ~u);
  }
  [[nodiscard]] duration draw(std::uint64_t u) const noexcept { return duration{at(u)}; }

  [[nodiscard]] std::int64_t smallest() const noexcept { return low_.front(); }
  [[nodiscard]] std::int64_t largest() const noexcept { return high_.front(); }
  // The mean of what the table gives, for reports and for scaling a scenario.
  [[nodiscard]] double mean() const noexcept;

  // The same law, every value times part/whole: a mean of one second becomes any other.
  [[nodiscard]] quantile_law scaled(std::int64_t part, std::int64_t whole) const;

  // The table as the constructor takes it.
  [[nodiscard]] std::vector<std::int64_t> values() const;

  // Probability at point i of a side: i == 0 is the end, size - 1 the median.
  [[nodiscard]] static double probability(std::size_t point, int octaves) noexcept;

 private:
  // p: distance from the end of this side, below 2^63 of 2^64.
  template <int Octaves>
  [[nodiscard]] static std::int64_t side(std::int64_t const* at, std::uint64_t p) noexcept {
    int const octave = std::countl_zero(p);
    std::uint64_t fraction = 0;
    if (octave > Octaves) {
      fraction = (p << (Octaves + 1)) >> 32U;
    } else {
      auto const mantissa = p << (octave + 1);
      at += static_cast<std::size_t>(Octaves - octave) * steps + (mantissa >> 60U) + 1;
      fraction = (mantissa << 4U) >> 32U;
    }
    auto const rise = static_cast<int128>(at[1] - at[0]) * static_cast<std::int64_t>(fraction);
    return at[0] + static_cast<std::int64_t>(rise >> 32);
  }

  std::vector<std::int64_t> low_ = std::vector<std::int64_t>(low_size);
  std::vector<std::int64_t> high_ = std::vector<std::int64_t>(high_size);
};

// A law in closed form, in its own units. For generating tables and for reports only.
struct closed_law {
  enum class kind : std::uint8_t { constant, uniform, exponential, weibull, gamma, lognormal };
  kind form = kind::exponential;
  double a = 1;  // constant, exponential: mean; uniform: low; weibull, gamma: shape; lognormal: mu
  double b = 0;  // uniform: high; weibull, gamma: scale; lognormal: sigma

  // The value below which a share p of all draws lies; `above`: above which. 0 < p < 1.
  [[nodiscard]] double quantile(double p, bool above) const;
  [[nodiscard]] double mean() const;
  // The mean when every value above `cut` becomes `cut`; only lognormal tails reach that far.
  [[nodiscard]] double mean_below(double cut) const;
};

// The table of a closed law, each value times `unit` (3.6e12 turns hours into ns), rounded.
[[nodiscard]] quantile_law tabulate(closed_law const& law, double unit);
// The table of measured values, each a share 1/n of all draws. Precondition: not empty, >= 0.
[[nodiscard]] quantile_law tabulate(std::vector<std::int64_t> measured);

// The committed tables by name: `skype06/uptime/weibull` (or `skype/…`, the year left out when
// that is unambiguous), and the plain laws `exponential` (mean 1 s), `uniform` (0 to 1 s),
// `constant` (1 s).
class law_book {
 public:
  // An empty path: the committed file. Throws data_error.
  [[nodiscard]] static law_book load(std::string const& path = {});

  // Throws data_error that lists the nearest names.
  [[nodiscard]] quantile_law const& law(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::vector<std::pair<std::string, quantile_law>> laws_;
};

// What the committed tables are made from, in the order of the file.
struct named_law {
  std::string name;
  closed_law law;
  double unit = 1;
};
[[nodiscard]] std::vector<named_law> published_laws();

// How much longer one direction of a pair of azure54 takes than the mean of both, in millionths,
// cut at a tenth.
[[nodiscard]] quantile_law measured_asymmetry();

// Writes the committed file anew: sim/data/quantiles.csv (tests/simulation/quantile_test compares).
void write_tables(std::ostream& out);

// How far a table is from its closed form, relative: at the worst point half-way between two
// entries, among those with at least a microsecond and less than 100 years, and in the mean.
struct table_error {
  double worst = 0;
  double mean = 0;
};
[[nodiscard]] table_error error_of(quantile_law const& table, closed_law const& law, double unit);

}  // namespace hydra::sim
