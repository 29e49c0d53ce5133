#include "demands.hpp"

#include "toml_file.hpp"

#include <hydra/core/geo.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace hydra::node {
namespace {

using nlohmann::json;

struct taker {
  json const& from;
  std::vector<std::string> known{};
  std::string wrong{};

  template <class T>
  void number(char const* name, T& to, T least, std::type_identity_t<T> most) {
    known.emplace_back(name);
    auto const it = from.find(name);
    if (it == from.end() || !wrong.empty()) return;
    bool const whole = it->is_number_integer();
    bool const fits = whole && (it->is_number_unsigned() || it->get<std::int64_t>() >= 0) &&
                      it->get<std::uint64_t>() >= least && it->get<std::uint64_t>() <= most;
    if (fits) {
      to = it->get<T>();
    } else {
      wrong = fmt::format("{}: {} is not allowed; allowed: a whole number from {} to {}", name,
                          it->dump(-1, ' ', false, json::error_handler_t::replace), least, most);
    }
  }
  void regions(std::uint8_t& to) {
    known.emplace_back("regions");
    auto const it = from.find("regions");
    if (it == from.end() || !wrong.empty()) return;
    std::string names;
    for (auto const& each : *it) {
      names += (names.empty() ? "" : ",") + (each.is_string() ? each.get<std::string>() : "?");
    }
    auto const mask = regions_of(names);
    if (mask) {
      to = mask.value();
    } else {
      wrong = "regions: " + mask.why();
    }
  }
  void finish() {
    for (auto const& [key, value] : from.items()) {
      if (!wrong.empty() || std::find(known.begin(), known.end(), key) != known.end()) continue;
      wrong = fmt::format("{} is no demand{} allowed: {}", net::quote(key),
                          net::suggestion(key, known), net::joined(known));
    }
  }
};

std::string minor_text(demands const& d) {
  if (d.minor_min == d.minor_max) return fmt::format("minor version {}", d.minor_min);
  if (d.minor_max == demands{}.minor_max) {
    return fmt::format("minor version {} or later", d.minor_min);
  }
  if (d.minor_min == 0) return fmt::format("minor version {} or earlier", d.minor_max);
  return fmt::format("minor version {} to {}", d.minor_min, d.minor_max);
}

std::vector<std::string> names_of(std::uint8_t regions) {
  std::vector<std::string> out;
  for (auto name : world_regions) {
    if ((region_bit(name) & regions) != 0) out.emplace_back(name);
  }
  return out;
}

}  // namespace

json json_of(demands const& d) {
  demands const none;
  auto out = json::object();
  if (d.memory_mb != none.memory_mb) out["memory_mb"] = d.memory_mb;
  if (d.price_max != none.price_max) out["price_max"] = d.price_max;
  if (d.minor_min != none.minor_min) out["minor_min"] = d.minor_min;
  if (d.minor_max != none.minor_max) out["minor_max"] = d.minor_max;
  if (d.regions != none.regions) out["regions"] = names_of(d.regions);
  if (d.within_km != none.within_km) out["within_km"] = d.within_km;
  return out;
}

result<demands> demands_of(json const& said) {
  demands out;
  if (!said.is_object()) return error{"demands: " + said.dump() + " is not allowed; an object is"};
  taker from{said};
  from.number("memory_mb", out.memory_mb, 0U, std::numeric_limits<std::uint32_t>::max());
  from.number("price_max", out.price_max, 0U, demands::any_price);
  from.number<std::uint16_t>("minor_min", out.minor_min, 0, 0xffff);
  from.number<std::uint16_t>("minor_max", out.minor_max, 0, 0xffff);
  from.regions(out.regions);
  from.number<std::uint16_t>("within_km", out.within_km, 0, demands::within_km_max);
  from.finish();
  if (!from.wrong.empty()) return error{from.wrong};
  if (out.minor_min > out.minor_max) {
    return error{fmt::format("minor_min: {} is above minor_max: {}; no version is both",
                             out.minor_min, out.minor_max)};
  }
  return out;
}

std::string words_of(demands const& d) {
  demands const none;
  std::vector<std::string> out;
  if (d.memory_mb != 0) out.push_back(fmt::format("memory of {} MB", d.memory_mb));
  if (d.price_max != none.price_max) out.push_back(fmt::format("price of at most {}", d.price_max));
  if (d.minor_min != none.minor_min || d.minor_max != none.minor_max) {
    out.push_back(minor_text(d));
  }
  if (d.regions != none.regions) {
    out.push_back(fmt::format("region {}", fmt::join(names_of(d.regions), " or ")));
  }
  if (d.within_km != 0) out.push_back(fmt::format("within {} km", d.within_km));
  return net::joined(out);
}

std::vector<std::string> region_words() { return {world_regions.begin(), world_regions.end()}; }

result<std::uint8_t> regions_of(std::string_view names) {
  std::uint8_t mask = 0;
  for (std::size_t from = 0; from <= names.size();) {
    auto const comma = std::min(names.find(',', from), names.size());
    auto const name = names.substr(from, comma - from);
    auto const bit = region_bit(name);
    if (bit == 0) {
      return error{fmt::format("{} is no region{} allowed: {}", net::quote(name),
                               net::suggestion(name, region_words()),
                               net::joined(region_words()))};
    }
    mask |= bit;
    from = comma + 1;
  }
  return mask;
}

}  // namespace hydra::node
