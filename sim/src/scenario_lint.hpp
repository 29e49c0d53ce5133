// What is wrong, or odd, about settings that are each allowed by themselves.
#pragma once

#include <hydra/sim/scenario.hpp>

#include <map>
#include <string>

namespace hydra::sim::detail {

// Where each setting was given: "workload.jobs", "fault.1.chance", and of a section: "workload".
struct given_places {
  std::string file;
  std::map<std::string, problem> at;  // without text

  // Of the setting, else of its section, else of the file.
  [[nodiscard]] problem of(std::string const& path) const;
  [[nodiscard]] bool has(std::string const& path) const { return at.contains(path); }
};

void lint(scenario const&, given_places const&, std::vector<problem>& errors,
          std::vector<problem>& warnings);

}  // namespace hydra::sim::detail
