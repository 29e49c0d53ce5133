#include "plot.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace hydra::papers {
namespace {

constexpr double width = 640;
constexpr double height = 400;
constexpr double left = 64;
constexpr double right = 16;
constexpr double top = 40;
constexpr double bottom = 52;
// Distinguishable without colour vision (Okabe and Ito); shapes differ as well.
constexpr std::array<char const*, 6> colours{"#0072b2", "#d55e00", "#009e73",
                                             "#cc79a7", "#8a6d00", "#56b4e9"};

struct point {
  double x;
  double y;
  double half;
};
struct series {
  std::string column;
  std::vector<point> published;
  std::vector<point> ours;
};

std::optional<double> as_number(std::string const& text) {
  char* end = nullptr;
  auto const x = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size()) return std::nullopt;
  return x;
}

class axis {
 public:
  axis(bool logarithmic, double from, double to) : log_{logarithmic}, from_{from}, to_{to} {}
  void see(double v) {
    if (!std::isfinite(v) || (log_ && v <= 0)) return;
    low_ = std::min(low_, v);
    high_ = std::max(high_, v);
  }
  void settle(bool from_zero) {
    if (low_ > high_) low_ = high_ = 1;
    if (from_zero && !log_ && low_ > 0 && low_ < 0.5 * high_) low_ = 0;
    if (low_ == high_) {
      low_ = log_ ? low_ / 2 : low_ - 1;
      high_ = log_ ? high_ * 2 : high_ + 1;
    }
  }
  [[nodiscard]] double at(double v) const {
    auto const part = log_ ? (std::log(std::max(v, low_)) - std::log(low_)) /
                                 (std::log(high_) - std::log(low_))
                           : (v - low_) / (high_ - low_);
    return from_ + part * (to_ - from_);
  }
  // Round numbers, five or so.
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> out;
    if (log_) {
      for (auto e = std::floor(std::log10(low_)); e <= std::ceil(std::log10(high_)); ++e) {
        auto const v = std::pow(10.0, e);
        if (v >= low_ * 0.999 && v <= high_ * 1.001) out.push_back(v);
      }
      if (out.size() >= 2) return out;
      return {low_, high_};
    }
    auto const rough = (high_ - low_) / 5;
    auto const power = std::pow(10.0, std::floor(std::log10(rough)));
    auto step = power;
    for (auto times : {1.0, 2.0, 5.0, 10.0}) {
      if (power * times >= rough) {
        step = power * times;
        break;
      }
    }
    for (auto v = std::ceil(low_ / step - 1e-9) * step; v <= high_ + step * 1e-9; v += step) {
      out.push_back(std::abs(v) < step * 1e-9 ? 0 : v);
    }
    return out;
  }

 private:
  bool log_;
  double from_;
  double to_;
  double low_ = 1e300;
  double high_ = -1e300;
};

struct picture {
  std::vector<std::string> rows;
  bool numeric = true;
  std::vector<series> all;
  axis x;
  axis y;
};

std::vector<std::string> rows_of(plot_request const& p, std::span<judged_cell const> cells) {
  std::vector<std::string> rows;
  for (auto const& c : cells) {
    bool const drawn = std::find(p.columns.begin(), p.columns.end(), c.what.column) !=
                       p.columns.end();
    if (c.what.table != p.table || !drawn) continue;
    if (std::find(rows.begin(), rows.end(), c.what.row) == rows.end()) rows.push_back(c.what.row);
  }
  return rows;
}

picture read(plot_request const& p, std::span<judged_cell const> cells) {
  picture out{rows_of(p, cells), true, {}, axis{p.log_x, left, width - right},
              axis{p.log_y, height - bottom, top}};
  auto const named = static_cast<std::size_t>(std::count_if(
      out.rows.begin(), out.rows.end(), [](auto const& r) { return !as_number(r); }));
  out.numeric = p.log_x || 2 * named < out.rows.size();
  for (auto const& column : p.columns) {
    series s{column, {}, {}};
    for (auto const& c : cells) {
      if (c.what.table != p.table || c.what.column != column) continue;
      auto const number = as_number(c.what.row);
      if (out.numeric && !number) continue;
      auto const at = std::find(out.rows.begin(), out.rows.end(), c.what.row) - out.rows.begin();
      auto const x = out.numeric ? *number : static_cast<double>(at);
      if (c.what.value) s.published.push_back({x, *c.what.value, 0});
      if (c.runs > 0) s.ours.push_back({x, c.mean, c.half_interval});
    }
    for (auto* side : {&s.published, &s.ours}) {
      std::sort(side->begin(), side->end(), [](auto const& a, auto const& b) { return a.x < b.x; });
      for (auto const& q : *side) {
        out.x.see(q.x);
        out.y.see(q.y - q.half);
        out.y.see(q.y + q.half);
      }
    }
    out.all.push_back(std::move(s));
  }
  out.x.settle(false);
  out.y.settle(true);
  return out;
}

std::string path_of(picture const& p, std::vector<point> const& points) {
  std::string out;
  for (auto const& q : points) {
    out += fmt::format("{}{:.1f} {:.1f}", out.empty() ? "M" : " L", p.x.at(q.x), p.y.at(q.y));
  }
  return out;
}

std::string axes_of(plot_request const& want, picture const& p) {
  std::string out;
  for (auto v : p.y.ticks()) {
    out += fmt::format("<path class='grid' d='M{:.1f} {:.1f}H{:.1f}'/><text x='{:.1f}' y='{:.1f}' "
                       "text-anchor='end'>{:.4g}</text>\n",
                       left, p.y.at(v), width - right, left - 8, p.y.at(v) + 4, v);
  }
  auto const label = [&](double at, std::string const& words, char const* anchor = "middle") {
    out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'>{}</text>\n", p.x.at(at),
                       height - bottom + 18, anchor, escaped(words));
  };
  if (p.numeric) {
    for (auto v : p.x.ticks()) label(v, fmt::format("{:.6g}", v));
  } else {
    for (std::size_t i = 0; i < p.rows.size(); ++i) {
      bool const at_edge = i > 0 && i + 1 == p.rows.size();  // a long name would leave the picture
      label(static_cast<double>(i), p.rows[i], at_edge ? "end" : "middle");
    }
  }
  out += fmt::format("<path class='axis' d='M{0} {1}V{2}H{3}'/>\n", left, top, height - bottom,
                     width - right);
  out += fmt::format("<text x='{}' y='{}' text-anchor='middle'>{}</text>\n",
                     (left + width - right) / 2, height - 12, escaped(want.x_label));
  out += fmt::format("<text transform='translate(14 {}) rotate(-90)' text-anchor='middle'>{}"
                     "</text>\n",
                     (top + height - bottom) / 2, escaped(want.y_label));
  return out;
}

std::string series_of(picture const& p, series const& s, std::size_t number) {
  auto const* colour = colours[number % colours.size()];
  auto out = fmt::format("<g stroke='{0}' fill='{0}'>\n", colour);
  out += fmt::format("<path d='{}' fill='none' stroke-dasharray='5 4' opacity='.7'/>\n",
                     path_of(p, s.published));
  out += fmt::format("<path d='{}' fill='none' stroke-width='1.6'/>\n", path_of(p, s.ours));
  for (auto const& q : s.published) {
    out += fmt::format("<circle class='hollow' cx='{:.1f}' cy='{:.1f}' r='5'>"
                       "<title>{}: published {:.5g}</title></circle>\n",
                       p.x.at(q.x), p.y.at(q.y), escaped(s.column), q.y);
  }
  for (auto const& q : s.ours) {
    out += fmt::format("<path d='M{0:.1f} {1:.1f}V{2:.1f}'/><circle cx='{0:.1f}' cy='{3:.1f}' "
                       "r='2.6'><title>{4}: ours {5:.5g} ± {6:.2g}</title></circle>\n",
                       p.x.at(q.x), p.y.at(q.y - q.half), p.y.at(q.y + q.half), p.y.at(q.y),
                       escaped(s.column), q.y, q.half);
  }
  return out + "</g>\n";
}

}  // namespace

std::string plot_svg(plot_request const& want, std::span<judged_cell const> cells) {
  auto const p = read(want, cells);
  auto out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' role='img' aria-label='{}'>\n"
      "<style>svg{{font:12px system-ui,sans-serif;background:#fff}}text{{fill:#333}}"
      ".grid{{stroke:#ddd}}.axis{{stroke:#666;fill:none}}.hollow{{fill:#fff}}"
      "@media(prefers-color-scheme:dark){{svg{{background:#16181c}}text{{fill:#ccc}}"
      ".grid{{stroke:#333}}.hollow{{fill:#16181c}}}}</style>\n",
      width, height, escaped(want.title));
  out += fmt::format("<text x='{}' y='18' style='font-weight:600'>{}</text>\n", left,
                     escaped(want.title));
  out += axes_of(want, p);
  for (std::size_t i = 0; i < p.all.size(); ++i) {
    out += series_of(p, p.all[i], i);
    out += fmt::format("<text x='{:.1f}' y='34' style='fill:{}'>{}</text>\n",
                       left + 150 * static_cast<double>(i), colours[i % colours.size()],
                       escaped(p.all[i].column));
  }
  return out + "</svg>\n";
}

}  // namespace hydra::papers
