// What an asker demands of whoever performs its job, as its users write it, as the control socket
// carries it, and in words.
//
//   {"memory_mb": 4096, "price_max": 10, "minor_min": 2, "regions": ["europe"], "within_km": 500}
//
// What is not demanded is left out. Of where it shall be near, only the distance is said: from the
// place of the node that asks.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/core/values.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::node {

[[nodiscard]] nlohmann::json json_of(demands const&);
// Errors: the key, its value and what is allowed.
[[nodiscard]] result<demands> demands_of(nlohmann::json const&);
// "memory of 4096 MB, price of at most 10, region asia or europe"; nothing where nothing is.
[[nodiscard]] std::string words_of(demands const&);

// "asia,europe" as a mask. Errors: what is no region, the nearest spelling and those that are.
[[nodiscard]] result<std::uint8_t> regions_of(std::string_view names);
[[nodiscard]] std::vector<std::string> region_words();

}  // namespace hydra::node
