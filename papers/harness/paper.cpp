#include "paper.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace hydra::papers {

std::vector<double> const& scenario::at(std::string_view key) const {
  auto const it = values_.find(key);
  if (it == values_.end()) {
    throw paper_error{fmt::format("{}: [scenario] has no {}", file("scenario.toml"), key)};
  }
  read_.emplace(key);
  return it->second;
}

void scenario::refuse(std::string_view key, std::string_view value,
                      std::string_view allowed) const {
  throw paper_error{fmt::format("{}: {} = {}; allowed: {}", file("scenario.toml"), key, value,
                                allowed)};
}

void scenario::refuse(std::string_view key, double value, std::string_view allowed) const {
  refuse(key, name_of(value), allowed);
}

void scenario::must_be_single(std::string_view key) const {
  if (at(key).size() == 1) return;
  throw paper_error{fmt::format("{}: {} is a list; allowed: one number", file("scenario.toml"),
                                key)};
}

void scenario::must_be_whole(std::string_view key, double value, std::int64_t low,
                             std::int64_t high) const {
  bool const fits = value >= static_cast<double>(low) && value <= static_cast<double>(high);
  if (fits && value == std::floor(value)) return;
  refuse(key, value, fmt::format("a whole number from {} to {}", low, high));
}

double scenario::number(std::string_view key, double low, double high) const {
  must_be_single(key);
  return numbers(key, low, high).front();
}

std::vector<double> scenario::numbers(std::string_view key, double low, double high) const {
  auto const& all = at(key);
  for (auto it = all.begin(); it != all.end(); ++it) {
    if (!(*it >= low && *it <= high)) {
      refuse(key, *it, fmt::format("a number from {} to {}", low, high));
    }
    if (std::find(all.begin(), it, *it) != it) {
      refuse(key, fmt::format("[..., {}, ...] twice", *it), "each value once");
    }
  }
  return all;
}

std::int64_t scenario::whole(std::string_view key, std::int64_t low, std::int64_t high) const {
  must_be_single(key);
  return wholes(key, low, high).front();
}

std::vector<std::int64_t> scenario::wholes(std::string_view key, std::int64_t low,
                                           std::int64_t high) const {
  for (auto x : at(key)) must_be_whole(key, x, low, high);
  std::vector<std::int64_t> out;
  for (auto x : numbers(key)) out.push_back(static_cast<std::int64_t>(x));
  return out;
}

std::vector<std::string> scenario::unread() const {
  std::vector<std::string> out;
  for (auto const& [key, none] : values_) {
    if (!read_.contains(key)) out.push_back(key);
  }
  return out;
}

std::string scenario::file(std::string_view name) const {
  return (std::filesystem::path{folder_} / name).string();
}

void sheet::measured(std::string_view table, std::string_view row, std::string_view column,
                     double value) {
  entries_.push_back({std::string{table}, std::string{row}, std::string{column}, value});
}

std::string name_of(double number) { return fmt::format("{}", number); }

std::string quoted(std::string_view text) {
  constexpr std::size_t most = 40;
  return '"' + plain(text.substr(0, most)) + (text.size() > most ? "...\"" : "\"");
}

}  // namespace hydra::papers
