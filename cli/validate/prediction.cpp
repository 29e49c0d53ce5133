#include "prediction.hpp"

#include "simulated.hpp"
#include "verdict.hpp"

#include <hydra/core/hash.hpp>
#include <hydra/sim/atomic_file.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hydra::validation {
namespace {

using nlohmann::json;

std::string hash_of_text(std::string const& text) {
  std::string out;
  for (auto word : hash256(std::string_view{text})) out += fmt::format("{:016x}", word);
  return out;
}

// The same on a machine a little faster or slower, with crashes a little sooner or later.
std::vector<series> play_beside(plan p, std::string const& set, calibration c,
                                disturbance const& d, std::uint32_t dropped_type, int step) {
  c.message += c.message * step / 8;
  for (auto& crash : p.crashes) crash.at += step * 9ms;
  return measure(p, simulate(p, set, c, d, dropped_type));
}

}  // namespace

std::vector<series> predict(plan const& p, std::string const& set, calibration const& c,
                            disturbance const& d, std::uint32_t dropped_type) {
  auto out = measure(p, simulate(p, set, c, d, dropped_type));
  for (int step : {-4, -3, -2, -1, 1, 2, 3, 4}) {
    auto const beside = play_beside(p, set, c, d, dropped_type, step);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].spread = std::max(out[i].spread, std::abs(apart(out[i], beside[i])));
    }
  }
  return out;
}

result<prediction> write_prediction(std::string const& folder, plan const& p,
                                    std::string const& set, std::vector<series> const& all) {
  json j{{"scenario", p.name}, {"policies", set}, {"seed", p.seed}, {"measures", json::array()}};
  for (auto const& s : all) {
    auto values = json::array();
    for (auto const& [name, value] : s.values) values.push_back({name, value});
    j["measures"].push_back({{"name", s.name}, {"by", static_cast<int>(s.by)},
                             {"spread", s.spread}, {"values", values}});
  }
  auto const text = j.dump() + "\n";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  prediction out{fmt::format("{}/prediction-{}-{}.json", folder, p.name, set),
                 hash_of_text(text)};
  sim::atomic_file file{out.path};
  if (!file.write(text) || !file.keep()) return error{file.wrong()};
  return out;
}

result<std::vector<series>> read_prediction(prediction const& from) {
  std::ifstream in{from.path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || hash_of_text(text.str()) != from.sha256) {
    return error{from.path + " is not what was predicted: its bytes have changed"};
  }
  auto const j = json::parse(text.str());
  std::vector<series> out;
  for (auto const& m : j.at("measures")) {
    series s{m.at("name"), static_cast<statistic>(m.at("by").get<int>()), {},
             m.at("spread").get<double>()};
    for (auto const& v : m.at("values")) s.values.emplace_back(v.at(0), v.at(1));
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace hydra::validation
