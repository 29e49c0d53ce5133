// hydra sim list: the scenarios that can be named without a path.
#include "options.hpp"
#include "render.hpp"

#include <filesystem>

namespace hydra::cli {

int sim_list(common_options const& o) {
  std::vector<record> all;
  for (auto const& path : sim::list_scenarios()) {
    auto const loaded = sim::load_scenario(path);
    auto const& s = loaded.value;
    all.push_back({{"name", std::filesystem::path{path}.stem().string()},
                   {"hydras", s.hydras},
                   {"duration", sim::duration_text(s.duration)},
                   {"jobs", sim::expected_jobs(s)},
                   {"purpose", loaded.ok() ? s.purpose : "invalid: " + loaded.errors[0].str()}});
  }
  print_records(o, "scenarios", all);
  return ok;
}

}  // namespace hydra::cli
