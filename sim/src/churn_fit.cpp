// Compares the committed quantile tables with the closed forms they were made from.
#include <hydra/sim/fits.hpp>
#include <hydra/sim/quantile.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <string_view>

namespace hydra::sim {

namespace {

constexpr double quantile_bound = 0.011;
constexpr double mean_bound = 0.002;

}  // namespace

bool fit_churn(std::ostream& out, bool json) {
  auto const book = law_book::load();
  table_error most;
  bool all_hold = true;
  if (json) out << "{\"laws\":[";
  else out << "law                                  mean, closed   worst quantile     mean off\n";
  std::string_view between = "";
  for (auto const& [name, law, unit] : published_laws()) {
    auto const off = error_of(book.law(name), law, unit);
    bool const holds = off.worst <= quantile_bound && off.mean <= mean_bound;
    all_hold = all_hold && holds;
    most = {std::max(most.worst, off.worst), std::max(most.mean, off.mean)};
    bool const factor = unit < 1e9;  // millionths, not ns
    double const mean = factor ? law.mean() : law.mean() * unit / 1e9;
    if (json) {
      out << between << "{\"law\":\"" << name << "\",\"mean\":" << mean << ",\"unit\":\""
          << (factor ? "1" : "s") << "\",\"worst\":" << off.worst << ",\"mean_off\":" << off.mean
          << '}';
      between = ",";
      continue;
    }
    std::array<char, 120> line{};
    std::snprintf(line.data(), line.size(), "%-32s %14.6g %s %12.4f %% %10.4f %%%s\n",
                  name.c_str(), mean, factor ? "  " : "s ", 100 * off.worst, 100 * off.mean,
                  holds ? "" : "  TOO FAR");
    out << line.data();
  }
  if (json) {
    out << "],\"worst\":" << most.worst << ",\"mean_off\":" << most.mean
        << ",\"holds\":" << (all_hold ? "true" : "false") << "}\n";
    return all_hold;
  }
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(),
                "most: %.2f %% at a quantile (at most %.1f %%), %.3f %% in the mean (at most "
                "%.1f %%), means of laws cut at 100 years\n",
                100 * most.worst, 100 * quantile_bound, 100 * most.mean, 100 * mean_bound);
  out << line.data() << (all_hold ? "bounds hold\n" : "BOUNDS NOT MET\n");
  return all_hold;
}

}  // namespace hydra::sim
