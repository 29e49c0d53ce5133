#include <hydra/sim/data_path.hpp>
#include <hydra/sim/quantile.hpp>

#include <hydra/core/wide.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

namespace hydra::sim {

namespace {

constexpr double century_ns = 3.15576e18;
constexpr double last_tail = 1.0 / 4294967296.0;  // the end of a side stands for this share

// The regularised incomplete gamma function: P(a, x), or 1 - P when `above`, by the series or by
// the continued fraction (Lentz), each where it converges.
double incomplete_gamma(double a, double x, bool above) {
  if (x <= 0) return above ? 1 : 0;
  double const front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    for (int n = 1; n < 1000 && term > sum * 1e-16; ++n) sum += term *= x / (a + n);
    double const p = front * sum;
    return above ? 1 - p : p;
  }
  double b = x + 1 - a;
  double c = 1e300;
  double d = 1 / b;
  double h = d;
  for (int i = 1; i < 1000; ++i) {
    double const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-15) break;
  }
  double const q = front * h;
  return above ? q : 1 - q;
}

// Finds x > 0 where a function that rises in log x crosses p (falls, when `above`).
template <class F>
double solve(F share, double p, bool above) {
  double low = -700;
  double high = 700;
  for (int i = 0; i < 60; ++i) {
    double const middle = (low + high) / 2;
    bool const right = (share(std::exp(middle)) < p) != above;
    (right ? low : high) = middle;
  }
  return std::exp((low + high) / 2);
}

// The standard normal quantile of a share p <= 1/2 counted from the lower end.
double normal_quantile(double p) {
  double low = -40;
  double high = 0;
  for (int i = 0; i < 80; ++i) {
    double const middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

std::int64_t rounded(double value) {
  return static_cast<std::int64_t>(std::floor(std::clamp(value, 0.0, century_ns) + 0.5));
}

}  // namespace

double closed_law::quantile(double p, bool above) const {
  double const up = above ? p : 1 - p;  // share above
  double const minus_log = above ? -std::log(p) : -std::log1p(-p);
  switch (form) {
    case kind::constant: return a;
    case kind::uniform: return above ? b - (b - a) * p : a + (b - a) * p;
    case kind::exponential: return a * minus_log;
    case kind::weibull: return b * std::pow(minus_log, 1 / a);
    case kind::gamma:
      return b * solve([&](double x) { return incomplete_gamma(a, x, above); }, p, above);
    case kind::lognormal: {
      bool const lower = above ? up > 0.5 : p <= 0.5;
      double const z = lower ? normal_quantile(above ? 1 - p : p)
                             : -normal_quantile(above ? p : 1 - p);
      return std::exp(a + b * z);
    }
  }
  return 0;
}

double closed_law::mean() const {
  switch (form) {
    case kind::constant: return a;
    case kind::uniform: return (a + b) / 2;
    case kind::exponential: return a;
    case kind::weibull: return b * std::tgamma(1 + 1 / a);
    case kind::gamma: return a * b;
    case kind::lognormal: return std::exp(a + b * b / 2);
  }
  return 0;
}

double closed_law::mean_below(double cut) const {
  if (form != kind::lognormal || b == 0) return mean();
  auto const below = [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; };
  double const z = (std::log(cut) - a) / b;
  return mean() * below(z - b) + cut * below(-z);
}

double quantile_law::probability(std::size_t point, int octaves) noexcept {
  if (point == 0) return 0;
  auto const octave = octaves - static_cast<int>((point - 1) / steps);
  auto const step = static_cast<double>((point - 1) % steps);
  return std::ldexp(1 + step / steps, -(octave + 1));
}

quantile_law::quantile_law(std::span<std::int64_t const> values) {
  HYDRA_EXPECTS(values.size() == size);
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(low_size);
  low_.assign(values.begin(), middle);
  high_.assign(middle, values.end());
  HYDRA_EXPECTS(std::is_sorted(low_.begin(), low_.end()));
  HYDRA_EXPECTS(std::is_sorted(high_.rbegin(), high_.rend()));
}

double quantile_law::mean() const noexcept {
  auto const half = [](std::vector<std::int64_t> const& at, int octaves) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < at.size(); ++i) {
      double const width = probability(i + 1, octaves) - probability(i, octaves);
      sum += width * (static_cast<double>(at[i]) + static_cast<double>(at[i + 1])) / 2;
    }
    return sum;
  };
  return half(low_, octaves_low) + half(high_, octaves_high);
}

std::vector<std::int64_t> quantile_law::values() const {
  auto out = low_;
  out.insert(out.end(), high_.begin(), high_.end());
  return out;
}

quantile_law quantile_law::scaled(std::int64_t part, std::int64_t whole) const {
  HYDRA_EXPECTS(part >= 0);
  HYDRA_EXPECTS(whole > 0);
  auto out = *this;
  auto const scale = [&](std::int64_t& v) {
    auto const wide = static_cast<int128>(v) * part / whole;
    auto const most = static_cast<int128>(century_ns);
    v = static_cast<std::int64_t>(std::min(wide, most));
  };
  for (auto& v : out.low_) scale(v);
  for (auto& v : out.high_) scale(v);
  return out;
}

quantile_law tabulate(closed_law const& law, double unit) {
  std::vector<std::int64_t> values;
  values.reserve(quantile_law::size);
  auto const side = [&](std::size_t points, int octaves, bool above) {
    for (std::size_t i = 0; i < points; ++i) {
      double const p = i == 0 ? last_tail : quantile_law::probability(i, octaves);
      values.push_back(rounded(law.quantile(p, above) * unit));
    }
  };
  side(quantile_law::low_size, quantile_law::octaves_low, false);
  side(quantile_law::high_size, quantile_law::octaves_high, true);
  return quantile_law{values};
}

quantile_law tabulate(std::vector<std::int64_t> measured) {
  HYDRA_EXPECTS(!measured.empty());
  std::sort(measured.begin(), measured.end());
  HYDRA_EXPECTS(measured.front() >= 0);
  std::vector<std::int64_t> values;
  auto const side = [&](std::size_t points, int octaves, bool above) {
    for (std::size_t i = 0; i < points; ++i) {
      double const p = quantile_law::probability(i, octaves);
      double const at = (above ? 1 - p : p) * static_cast<double>(measured.size()) - 0.5;
      auto const last = static_cast<double>(measured.size() - 1);
      auto const clipped = std::clamp(at, 0.0, last);
      auto const index = static_cast<std::size_t>(clipped);
      auto const next = std::min(index + 1, measured.size() - 1);
      auto const low = static_cast<double>(measured[index]);
      auto const rise = static_cast<double>(measured[next]) - low;
      values.push_back(rounded(low + rise * (clipped - static_cast<double>(index))));
    }
  };
  side(quantile_law::low_size, quantile_law::octaves_low, false);
  side(quantile_law::high_size, quantile_law::octaves_high, true);
  return quantile_law{values};
}

law_book law_book::load(std::string const& path) {
  csv_file in{path.empty() ? data_path("quantiles.csv") : path, ""};
  law_book out;
  std::vector<std::int64_t> values(quantile_law::size);
  while (in.next()) {
    if (in.size() != quantile_law::size + 1)
      in.fail(std::to_string(in.size()) + " fields",
              std::to_string(quantile_law::size + 1) + ": the name and its table");
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = in.integer(i + 1, 0, std::numeric_limits<std::int64_t>::max());
    out.laws_.emplace_back(std::string{in.text(0)}, quantile_law{values});
  }
  return out;
}

namespace {

// `skype06/uptime/weibull` without the year of its data set: `skype/uptime/weibull`.
std::string without_year(std::string const& name) {
  auto const slash = name.find('/');
  if (slash == std::string::npos) return name;
  auto end = slash;
  while (end > 1 && name[end - 1] >= '0' && name[end - 1] <= '9') --end;
  return name.substr(0, end) + name.substr(slash);
}

std::size_t spelling_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto const cost = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({cost, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

quantile_law const& law_book::law(std::string_view name) const {
  quantile_law const* found = nullptr;
  int matches = 0;
  for (auto const& [known, law] : laws_) {
    if (known == name) return law;
    if (without_year(known) == name) {
      found = &law;
      ++matches;
    }
  }
  if (matches == 1) return *found;
  auto all = names();
  std::sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    return std::pair{spelling_distance(a, name), a} < std::pair{spelling_distance(b, name), b};
  });
  std::string nearest;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, all.size()); ++i)
    nearest += (i == 0 ? "" : ", ") + all[i];
  throw data_error{"no law is named '" + std::string{name} + "'; nearest: " + nearest +
                   " (all: `hydra sim fit churn`)"};
}

std::vector<std::string> law_book::names() const {
  std::vector<std::string> out;
  for (auto const& [name, law] : laws_) out.push_back(name);
  return out;
}

std::vector<named_law> published_laws() {
  using kind = closed_law::kind;
  constexpr double second = 1e9;
  std::vector<named_law> out{{"constant", {kind::constant, 1, 0}, second},
                             {"uniform", {kind::uniform, 0, 1}, second},
                             {"exponential", {kind::exponential, 1, 0}, second}};
  // Calibrated by `hydra sim fit latency`: spread and detour to planetlab490's violations of the
  // triangle inequality, congestion to its variation over time slices (median 1.6 %, p90 10.3 %).
  constexpr double million = 1e6;
  out.push_back({"latency/spread", {kind::lognormal, 0, 0.09}, million});
  out.push_back({"latency/detour", {kind::exponential, 0.19, 0}, million});
  out.push_back({"latency/congestion", {kind::lognormal, std::log(0.016), 1.453}, million});
  csv_file in{data_path("fta_fitted_models.csv"),
              "dataset,quantity,distribution,param1,param2,unit"};
  while (in.next()) {
    auto const form = in.text(2);
    closed_law law;
    if (form == "exponential") law.form = kind::exponential;
    else if (form == "weibull") law.form = kind::weibull;
    else if (form == "gamma") law.form = kind::gamma;
    else if (form == "lognormal") law.form = kind::lognormal;
    else in.fail(form, "exponential weibull gamma lognormal");
    law.a = in.number(3);
    if (law.form != kind::exponential) law.b = in.number(4);
    if (in.text(5) != "h") in.fail(in.text(5), "h");
    std::string name{in.text(0)};
    name.append("/").append(in.text(1)).append("/").append(form);
    out.push_back({std::move(name), law, 3600 * second});
  }
  return out;
}

quantile_law measured_asymmetry() {
  csv_file in{data_path("azure54_rtt_p95_ms.csv"), ""};
  std::vector<std::vector<double>> rtt;
  while (in.next()) {
    auto& row = rtt.emplace_back();
    for (std::size_t i = 0; i < in.size(); ++i) row.push_back(in.number(i));
  }
  constexpr std::int64_t most = 100'000;
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < rtt.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double const there = rtt[i].at(j);
      double const back = rtt[j].at(i);
      all.push_back(std::min(most, rounded(1e6 * std::fabs(there - back) / (there + back))));
    }
  }
  return tabulate(std::move(all));
}

void write_tables(std::ostream& out) {
  auto const write = [&](std::string const& name, quantile_law const& table) {
    out << name;
    for (auto const v : table.values()) out << ',' << v;
    out << '\n';
  };
  for (auto const& [name, law, unit] : published_laws()) write(name, tabulate(law, unit));
  write("latency/asymmetry", measured_asymmetry());
}

table_error error_of(quantile_law const& table, closed_law const& law, double unit) {
  table_error out;
  auto const side = [&](std::size_t points, int octaves, bool above) {
    for (std::size_t i = 1; i + 1 < points; ++i) {
      double const p = (quantile_law::probability(i, octaves) +
                        quantile_law::probability(i + 1, octaves)) / 2;
      auto const u = static_cast<std::uint64_t>(std::ldexp(p, 64));
      double const exact = law.quantile(p, above) * unit;
      if (exact < 1e3 || exact >= century_ns) continue;
      auto const found = static_cast<double>(table.at(above ? ~u : u));
      out.worst = std::max(out.worst, std::fabs(found - exact) / exact);
    }
  };
  side(quantile_law::low_size, quantile_law::octaves_low, false);
  side(quantile_law::high_size, quantile_law::octaves_high, true);
  double const mean = law.mean_below(century_ns / unit) * unit;
  out.mean = std::fabs(table.mean() - mean) / mean;
  return out;
}

}  // namespace hydra::sim
