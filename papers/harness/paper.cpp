#include "paper.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

namespace hydra::papers {

std::vector<double> scenario::numbers(std::string_view key) const {
  auto const it = values_.find(key);
  if (it == values_.end()) {
    throw paper_error{fmt::format("{}: [scenario] has no {}", file("scenario.toml"), key)};
  }
  return it->second;
}

double scenario::number(std::string_view key) const {
  auto const all = numbers(key);
  if (all.size() != 1) {
    throw paper_error{fmt::format("{}: {} is a list; allowed: one number", file("scenario.toml"),
                                  key)};
  }
  return all.front();
}

std::int64_t scenario::integer(std::string_view key) const {
  auto const x = number(key);
  if (x != std::floor(x) || std::abs(x) > 9e15) {
    throw paper_error{fmt::format("{}: {} = {}; allowed: a whole number", file("scenario.toml"),
                                  key, x)};
  }
  return static_cast<std::int64_t>(x);
}

std::string scenario::file(std::string_view name) const {
  return (std::filesystem::path{folder_} / name).string();
}

void sheet::measured(std::string_view table, std::string_view row, std::string_view column,
                     double value) {
  entries_.push_back({std::string{table}, std::string{row}, std::string{column}, value});
}

std::string name_of(double number) { return fmt::format("{}", number); }

}  // namespace hydra::papers
