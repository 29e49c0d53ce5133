#include "options.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace hydra::cli {
namespace {

// For a POSIX shell.
std::string shell_quoted(std::string const& s) {
  auto const plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_./=:+,"}.find(c) != std::string_view::npos;
  };
  if (!s.empty() && std::all_of(s.begin(), s.end(), plain)) return s;
  std::string out = "'";
  for (char c : s) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

// In quotes on the command line too: --set name='"planet"'.
std::string unquoted(std::string const& s) {
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') return s.substr(1, s.size() - 2);
  return s;
}

std::vector<std::string_view> names_of(std::vector<std::string> const& paths,
                                       std::vector<std::string>& keep) {
  for (auto const& p : paths) keep.push_back(std::filesystem::path{p}.stem().string());
  return {keep.begin(), keep.end()};
}

sim::loaded_scenario not_found(std::string const& name) {
  std::vector<std::string> keep;
  auto const names = names_of(sim::list_scenarios(), keep);
  auto const near = sim::nearest_spelling(name, names);
  std::string all;
  for (auto n : names) all += (all.empty() ? "" : ", ") + std::string{n};
  auto const hint = near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near);
  sim::loaded_scenario out;
  out.errors.push_back({name, 0, 0,
                        fmt::format("no such scenario{} allowed: a path, or one of: {}", hint,
                                    all.empty() ? "(none found)" : all)});
  return out;
}

// Whether a scenario names another policy for it than the usual one.
bool is_chosen(sim::scenario const& s, std::string_view slot) {
  decltype(s.policy) const usual{};
  if (slot == "routing") return s.policy.routing != usual.routing;
  if (slot == "proximity") return s.policy.proximity != usual.proximity;
  if (slot == "trust") return s.policy.trust != usual.trust;
  if (slot == "scheduling") return s.policy.scheduling != usual.scheduling;
  return s.policy.verify != usual.verify;
}

// A choice that the program does not read: a mistake on the command line; in a file it may be meant
// for other programs.
void refuse_fixed(common_options const& o, std::vector<sim::override_setting> const& overrides,
                  std::string const& path, sim::loaded_scenario& loaded) {
  for (auto const slot : o.fixed) {
    auto const why = fmt::format("this program's {0} is fixed; with hydra::any_{1} in its Hydra a "
                                 "scenario would choose it",
                                 slot, slot == "scheduling" ? "scheduler" : slot);
    auto const of_slot = [&](sim::override_setting const& s) {
      return s.key == slot || s.key == fmt::format("policy.{}", slot);
    };
    auto const said = std::find_if(overrides.begin(), overrides.end(), of_slot);
    if (said != overrides.end()) {
      loaded.errors.push_back({said->given_as, 0, 0, why});
    } else if (is_chosen(loaded.value, slot)) {
      loaded.warnings.push_back({path, 0, 0, fmt::format("policy.{} is not read: {}", slot, why)});
    }
  }
}

}  // namespace

unsigned threads_of(common_options const& o) {
  if (o.threads != 0) return o.threads;
  auto const cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<unsigned>(std::clamp(cores, 1L, 4L));
}

std::vector<sim::override_setting> overrides_of(common_options const& o) {
  std::vector<sim::override_setting> out;
  for (auto const& s : o.sets) {
    auto const equals = s.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage_error{"--set " + s + ": write --set key=value, like --set workload.jobs=500"};
    out.push_back({s.substr(0, equals), unquoted(s.substr(equals + 1)), "--set " + s});
  }
  if (!o.seed.empty()) out.push_back({"seed", o.seed, "--seed " + o.seed});
  return out;
}

void complain(common_options const& o, sim::loaded_scenario const& loaded) {
  for (auto const& p : loaded.errors) fmt::print(stderr, "{}\n", p.str());
  if (o.quiet) return;
  for (auto const& p : loaded.warnings) fmt::print(stderr, "{} (warning)\n", p.str());
}

sim::loaded_scenario load(common_options const& o, std::string const& path_or_name,
                          std::string& path) {
  auto const overrides = overrides_of(o);
  path = sim::find_scenario(path_or_name);
  if (path.empty()) return not_found(path_or_name);
  auto loaded = sim::load_scenario(path, overrides);
  refuse_fixed(o, overrides, path, loaded);
  return loaded;
}

std::string reproduce_line(common_options const& o, std::string const& verb,
                           std::string const& path_or_name, sim::scenario const& s) {
  auto line =
      fmt::format("{} {} {} --seed {}", o.program, verb, shell_quoted(path_or_name), s.seed);
  for (auto const& each : o.sets) line += " --set " + shell_quoted(each);
  return line;
}

}  // namespace hydra::cli
