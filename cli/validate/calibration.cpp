#include "calibration.hpp"

#include <node/toml_file.hpp>

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <sstream>

namespace hydra::validation {
namespace {

struct entry {
  char const* key;
  duration calibration::*value;
  char const* about;
};
constexpr std::array entries{
    entry{"message", &calibration::message, "from send() to the other's handler, beside the link"},
    entry{"to_self", &calibration::to_self, "a message of a head to itself"},
    entry{"per_kib", &calibration::per_kib, "of a message"},
    entry{"connect", &calibration::connect, "the first message between two heads, on top"},
    entry{"task", &calibration::task, "a task, beside its work"},
    entry{"keep", &calibration::keep, "until a record is durable"},
    entry{"sign", &calibration::sign, "a signature"},
    entry{"check", &calibration::check, "a signature checked"},
};

}  // namespace

result<calibration> read_calibration(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{"cannot read " + path};
  std::ostringstream text;
  text << in.rdbuf();
  net::toml_problems problems{path, {}};
  auto const root = net::read_toml(text.str(), 1U << 16U, problems);
  calibration out;
  net::toml_taker top{root, problems, "the calibration"};
  for (auto const& e : entries) top.time(e.key, out.*e.value, duration{}, 1s);
  top.finish();
  if (!problems.lines.empty()) return error{problems.text()};
  return out;
}

std::string calibration_text(calibration const& c, std::string const& how) {
  auto out = "# What a machine adds to what a scenario says; `hydra validate --calibrate` writes "
             "it.\n# " + how + "\n";
  for (auto const& e : entries) {
    auto const us = static_cast<double>((c.*e.value).count()) / 1000.0;
    out += fmt::format("{:8} = \"{:.1f} us\"  # {}\n", e.key, us, e.about);
  }
  return out;
}

}  // namespace hydra::validation
