// Where scenarios and traces lie.
#include <hydra/sim/data_path.hpp>
#include <hydra/sim/scenario.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

namespace hydra::sim {

namespace fs = std::filesystem;

std::vector<std::string> scenario_folders() {
  std::vector<std::string> out;
  if (char const* said = std::getenv("HYDRA_SCENARIOS"); said != nullptr && *said != '\0')
    out.emplace_back(said);
  auto const beside = [&](fs::path const& data) {
    out.push_back((data.parent_path() / "scenarios").generic_string());
  };
  if (char const* said = std::getenv("HYDRA_DATA"); said != nullptr && *said != '\0') beside(said);
  for (auto const& data : data_folders()) beside(data);
  beside("sim/data");
  return out;
}

std::string find_scenario(std::string const& path_or_name) {
  std::error_code failed;
  if (fs::is_regular_file(path_or_name, failed)) return path_or_name;
  if (path_or_name.empty() || path_or_name.find('/') != std::string::npos) return "";
  auto name = path_or_name;
  if (!name.ends_with(".toml")) name += ".toml";
  for (auto const& folder : scenario_folders()) {
    auto const at = fs::path{folder} / name;
    if (fs::is_regular_file(at, failed)) return at.generic_string();
  }
  return "";
}

std::string find_trace(std::string const& name) {
  std::error_code failed;
  if (fs::is_regular_file(name, failed)) return name;
  char const* const folder = std::getenv("HYDRA_TRACES");
  if (name.empty() || folder == nullptr || *folder == '\0') return "";
  auto const there = fs::path{folder} / name;
  return fs::is_regular_file(there, failed) ? there.generic_string() : "";
}

std::vector<std::string> list_scenarios() {
  std::map<std::string, std::string> by_name;
  for (auto const& folder : scenario_folders()) {
    std::error_code failed;
    fs::directory_iterator each{folder, failed};
    for (; !failed && each != fs::directory_iterator{}; each.increment(failed))
      if (each->path().extension() == ".toml")
        by_name.emplace(each->path().stem().string(), each->path().generic_string());
  }
  std::vector<std::string> out;
  for (auto const& [name, path] : by_name) out.push_back(path);
  return out;
}

}  // namespace hydra::sim
