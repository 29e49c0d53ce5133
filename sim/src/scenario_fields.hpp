// The settings of a scenario by section and key: one list drives the reader, --set, the hash and
// the written settings, so that none of them can forget one.
#pragma once

#include "scenario_values.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim::detail {

struct section {
  std::string_view name;  // empty: top level
  std::vector<field> fields;

  [[nodiscard]] field const* find(std::string_view key) const;
  [[nodiscard]] std::vector<std::string_view> keys() const;
};

// All sections but the lists, in the order in which they are written. Points into the scenario.
[[nodiscard]] std::vector<section> describe(scenario&);
[[nodiscard]] section describe(fault_settings&);

// The sections of which there may be many, [[fault]] and the like, by name: how many there are,
// how many there may be, and each, counted from 1.
inline constexpr std::array<std::string_view, 3> list_names{"composition", "group", "fault"};
[[nodiscard]] constexpr bool is_list(std::string_view name) noexcept {
  return std::find(list_names.begin(), list_names.end(), name) != list_names.end();
}
[[nodiscard]] std::size_t list_size(scenario const&, std::string_view name);
[[nodiscard]] std::size_t list_max(std::string_view name);
void list_resize(scenario&, std::string_view name, std::size_t);
[[nodiscard]] section list_item(scenario&, std::string_view name, std::size_t number);
[[nodiscard]] std::string list_item_name(scenario const&, std::string_view name,
                                         std::size_t number);
void list_item_line(scenario&, std::string_view name, std::size_t number, std::uint32_t line);
// The keys of [workload] that mean nothing for its law, or say nothing.
[[nodiscard]] std::vector<std::string_view> workload_unused(workload_settings const&);
// The keys of [world] and of a [[group]] that are younger than most scenarios and say nothing here.
[[nodiscard]] std::vector<std::string_view> world_unused(scenario const&);
[[nodiscard]] std::vector<std::string_view> group_unused(group_settings const&);
// Likewise a whole section.
[[nodiscard]] bool section_unused(scenario const&, std::string_view name);
[[nodiscard]] bool any_calls_out_only(scenario const&);

// The keys that mean something for this kind, and the one without which it means nothing.
[[nodiscard]] std::vector<std::string_view> fault_uses(fault_kind);
[[nodiscard]] std::string_view fault_needs(fault_kind);
[[nodiscard]] std::string_view name_of(fault_kind);
[[nodiscard]] std::string_view name_of(routing_name);

// Names are parts of paths: lower case letters, digits, - and _, no more than 64.
[[nodiscard]] bool good_name(std::string_view);

}  // namespace hydra::sim::detail
