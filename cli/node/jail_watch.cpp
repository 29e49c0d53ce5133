#include "jail_watch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <system_error>

namespace hydra::net {
namespace {

namespace fs = std::filesystem;
using std::string;

constexpr std::size_t proc_bytes_max = 1U << 16U;

// A file of /proc; empty where the process is gone.
string read_proc(string const& path) {
  string out;
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return out;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = ::read(file, part.data(), part.size())) > 0;) {
    out.append(part.data(), static_cast<std::size_t>(n));
    if (out.size() > proc_bytes_max) break;
  }
  ::close(file);
  return out;
}

string proc(pid_t who, char const* what) { return "/proc/" + std::to_string(who) + "/" + what; }

// Adds what /proc/PID/stat says.
void add(pid_t who, job_use& to) {
  auto const text = read_proc(proc(who, "stat"));
  auto const name_end = text.rfind(')');
  if (name_end == string::npos) return;
  std::istringstream in{text.substr(name_end + 1)};
  std::array<std::int64_t, 25> field{};  // numbered as in proc(5); 3 is a letter
  string letter;
  in >> letter;
  for (std::size_t i = 4; i < field.size() && in; ++i) in >> field[i];
  static long const tick = std::max(1L, ::sysconf(_SC_CLK_TCK));
  static long const page = ::sysconf(_SC_PAGESIZE);
  auto const ticks = field[14] + field[15] + field[16] + field[17];
  to.cpu += duration{ticks * (1'000'000'000 / tick)};
  to.tasks += static_cast<std::uint32_t>(std::max<std::int64_t>(field[20], 1));
  to.memory += static_cast<std::uint64_t>(std::max<std::int64_t>(field[24], 0)) *
               static_cast<std::uint64_t>(page);
}

void add_children(pid_t who, std::vector<pid_t>& to) {
  auto const folder = proc(who, "task");
  DIR* const threads = ::opendir(folder.c_str());
  if (threads == nullptr) return;
  while (auto const* entry = ::readdir(threads)) {
    if (entry->d_name[0] == '.') continue;
    std::istringstream in{read_proc(folder + "/" + entry->d_name + "/children")};
    for (pid_t child = 0; in >> child;) to.push_back(child);
  }
  ::closedir(threads);
}

}  // namespace

job_use use_of(pid_t root, std::uint32_t tasks_max) {
  job_use out;
  out.processes.push_back(root);
  for (std::size_t i = 0; i < out.processes.size() && out.tasks <= tasks_max + 8; ++i) {
    add(out.processes[i], out);
    add_children(out.processes[i], out.processes);
  }
  return out;
}

std::uint64_t shared_memory_of(job_use const& use) {
  std::uint64_t bytes = 0;
  for (auto const who : use.processes) {
    auto const text = read_proc(proc(who, "smaps_rollup"));
    auto const at = text.find("\nPss:");
    if (at == string::npos) continue;
    bytes += std::strtoull(text.c_str() + at + 5, nullptr, 10) * 1024;
  }
  return bytes == 0 ? use.memory : bytes;
}

folder_use use_of(std::string const& folder, std::size_t files_max) {
  folder_use out;
  std::error_code failed;
  fs::recursive_directory_iterator each{folder, fs::directory_options::skip_permission_denied,
                                        failed};
  for (; !failed && each != fs::recursive_directory_iterator{}; each.increment(failed)) {
    struct stat what {};
    if (++out.files > files_max) break;
    if (::lstat(each->path().c_str(), &what) != 0) continue;
    out.bytes += static_cast<std::uint64_t>(what.st_blocks) * 512;
  }
  return out;
}

std::string make_harmless(std::string const& folder) {
  std::error_code failed;
  std::vector<fs::path> odd;
  auto const mine = [](fs::path const& path) {
    return ::lchown(path.c_str(), ::geteuid(), ::getegid()) == 0 || ::geteuid() != 0;
  };
  if (!mine(folder)) return folder + ": " + std::strerror(errno);
  fs::recursive_directory_iterator each{folder, failed};
  for (; !failed && each != fs::recursive_directory_iterator{}; each.increment(failed)) {
    auto const what = each->symlink_status(failed);
    if (failed || !mine(each->path())) break;
    auto const rights = fs::perms::owner_read | fs::perms::owner_write;
    if (fs::is_directory(what)) {
      fs::permissions(each->path(), fs::perms::owner_all, failed);
    } else if (fs::is_regular_file(what)) {
      fs::permissions(each->path(), rights, failed);
    } else {
      odd.push_back(each->path());
    }
    if (failed) break;
  }
  for (auto const& path : odd)
    if (!failed) fs::remove(path, failed);
  return failed ? folder + ": " + failed.message() : "";
}

std::size_t end_orphans(std::string const& folder) {
  std::size_t out = 0;
  DIR* const all = ::opendir("/proc");
  if (all == nullptr) return out;
  auto const word = string{'\0'} + folder + "/";
  while (auto const* entry = ::readdir(all)) {
    auto const who = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (who <= 1) continue;
    auto const words = read_proc(proc(who, "cmdline"));
    bool const jail = words.find(string{'\0'} + "--die-with-parent" + '\0') != string::npos;
    if (!jail || words.find(word) == string::npos) continue;
    if (::kill(who, SIGKILL) == 0) ++out;
  }
  ::closedir(all);
  return out;
}

}  // namespace hydra::net
