#include "jail_cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace hydra::net {
namespace {

namespace fs = std::filesystem;
using std::string;

constexpr std::string_view prefix = "hydra-job-";

bool write_to(string const& path, string const& text) {
  int const file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool const good = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return good;
}

// Version 1 has a tree for each controller: PARENT is then a folder of the same name in each.
struct tree {
  string folder;
  bool second = false;
};
std::vector<tree> trees(string const& parent) {
  std::error_code ignored;
  if (parent.empty()) return {};
  if (fs::exists(parent + "/cgroup.controllers", ignored)) return {{parent, true}};
  std::vector<tree> out;
  for (auto const* controller : {"memory", "pids"}) {
    auto const folder = "/sys/fs/cgroup/" + string{controller} + "/" + parent;
    if (parent.front() != '/' && fs::is_directory(folder, ignored)) out.push_back({folder, false});
  }
  return out;
}

// Those of programs that were killed.
void remove_stale(string const& parent) {
  std::error_code failed;
  std::vector<fs::path> stale;
  for (fs::directory_iterator each{parent, failed}; !failed && each != fs::directory_iterator{};
       each.increment(failed)) {
    auto const name = each->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    auto const who = static_cast<pid_t>(std::atoi(name.c_str() + prefix.size()));
    if (who > 0 && ::kill(who, 0) != 0 && errno == ESRCH) stale.push_back(each->path());
  }
  for (auto const& path : stale) ::rmdir(path.c_str());
}

}  // namespace

job_cgroup::job_cgroup(std::string const& parent, jail_limits const& limits) {
  static std::atomic<unsigned> count{0};
  auto const name = string{prefix} + std::to_string(::getpid()) + "-" + std::to_string(++count);
  for (auto const& t : trees(parent)) {
    remove_stale(t.folder);
    auto const folder = t.folder + "/" + name;
    if (t.second) write_to(t.folder + "/cgroup.subtree_control", "+memory +pids");
    if (::mkdir(folder.c_str(), 0755) != 0) continue;
    folders_.push_back(folder);
    auto const memory = std::to_string(limits.memory);
    auto const tasks = std::to_string(limits.processes + 2);  // bubblewrap is two of them
    bool good = write_to(folder + "/pids.max", tasks);
    good = write_to(folder + (t.second ? "/memory.max" : "/memory.limit_in_bytes"), memory) || good;
    if (t.second) write_to(folder + "/memory.swap.max", "0");
    if (good) doors_.push_back(folder + "/cgroup.procs");
  }
}

job_cgroup::~job_cgroup() {
  for (auto const& folder : folders_) ::rmdir(folder.c_str());
}

jail_part probe_cgroup(std::string const& parent) {
  std::error_code ignored;
  jail_part out{"cgroups", false, false, {}};
  bool const second = fs::exists("/sys/fs/cgroup/cgroup.controllers", ignored);
  bool const first = fs::is_directory("/sys/fs/cgroup/memory", ignored);
  string const version = second ? "version 2" : first ? "version 1" : "none mounted";
  if (parent.empty()) {
    out.words = version + (second || first
                               ? "; no folder of them is given to Hydra, so the watch counts memory"
                               : "; the watch counts memory");
    return out;
  }
  job_cgroup const made{parent, {}};
  out.there = !made.doors().empty();
  out.words = version + (out.there ? ", in " : "; nothing can be limited in ") + parent;
  return out;
}

}  // namespace hydra::net
