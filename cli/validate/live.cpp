#include "live.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

extern char** environ;

namespace hydra::validation {
namespace {

namespace fs = std::filesystem;

std::atomic<bool> stop_asked = false;
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" void ask_to_stop(int) { stop_asked = true; }

std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// A folder of its own in memory where there is one; gone afterwards.
class scratch {
 public:
  scratch() {
    std::error_code none;
    auto const base = fs::is_directory("/dev/shm", none) && ::access("/dev/shm", W_OK) == 0
                          ? fs::path{"/dev/shm"}
                          : fs::temp_directory_path();
    auto name = (base / "hydra-validate-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// Ports that are free now: bound together, then given back.
std::vector<std::uint16_t> free_ports(std::size_t n) {
  std::vector<int> held;
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i < n; ++i) {
    int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const any = reinterpret_cast<sockaddr*>(&at);
    if (s < 0) break;
    held.push_back(s);
    if (::bind(s, any, size) != 0 || ::getsockname(s, any, &size) != 0) break;
    out.push_back(ntohs(at.sin_port));
  }
  for (int s : held) ::close(s);
  return out;
}

class crew {
 public:
  crew(std::string program, plan const& p, std::string set, std::string disturb,
       std::string folder, std::int64_t epoch)
      : program_{std::move(program)}, plan_{&p}, set_{std::move(set)},
        disturb_{std::move(disturb)}, folder_{std::move(folder)}, epoch_{epoch},
        pids_(p.hydras, 0) {}
  crew(crew const&) = delete;
  crew& operator=(crew const&) = delete;
  ~crew() {
    for (std::uint32_t i = 0; i < pids_.size(); ++i) strike(i);
  }

  void begin(std::uint32_t who, duration at) {
    std::vector<std::string> words{program_, "--as-head", plan_->file, set_, folder_,
                                   disturb_.empty() ? "-" : disturb_, std::to_string(who),
                                   std::to_string(epoch_), std::to_string(at.count())};
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    auto const failed = ::posix_spawn(&pid, program_.c_str(), nullptr, nullptr, argv.data(),
                                      environ);
    if (failed != 0) return complain(fmt::format("cannot start {}: {}", program_,
                                                 std::strerror(failed)));
    pids_[who] = pid;
  }
  void strike(std::uint32_t who) {
    if (pids_[who] == 0) return;
    ::kill(pids_[who], SIGKILL);
    rusage used{};
    int status = 0;
    while (::wait4(pids_[who], &status, 0, &used) < 0 && errno == EINTR) {
    }
    add(used);
    pids_[who] = 0;
  }
  // Takes those that have ended by themselves; who ends in another way is complained about.
  [[nodiscard]] bool collect() {
    bool any = false;
    for (std::uint32_t i = 0; i < pids_.size(); ++i) {
      if (pids_[i] == 0) continue;
      rusage used{};
      int status = 0;
      auto const got = ::wait4(pids_[i], &status, WNOHANG, &used);
      if (got == 0) {
        any = true;
        continue;
      }
      add(used);
      pids_[i] = 0;
      bool const well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (!well) complain(fmt::format("head {} ended with status {}", i, status));
    }
    return any;
  }
  void complain(std::string const& words) {
    if (complaint_.empty()) complaint_ = words;
  }
  [[nodiscard]] double cpu_seconds() const noexcept { return cpu_; }
  [[nodiscard]] std::string const& complaint() const noexcept { return complaint_; }

 private:
  void add(rusage const& u) {
    auto const seconds = [](timeval const& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    cpu_ += seconds(u.ru_utime) + seconds(u.ru_stime);
  }
  std::string program_;
  plan const* plan_;
  std::string set_;
  std::string disturb_;
  std::string folder_;
  std::int64_t epoch_;
  std::vector<pid_t> pids_;
  double cpu_ = 0.0;
  std::string complaint_;
};

// Sleeps in steps of 5 ms and remembers how late each was: a busy machine shows itself.
class watch {
 public:
  explicit watch(std::int64_t epoch) : epoch_{epoch} {}
  // False: interrupted.
  [[nodiscard]] bool until(duration at) {
    while (now_ns() - epoch_ < at.count() && !stop_asked) {
      auto const before = now_ns();
      timespec const step{0, 5'000'000};
      ::nanosleep(&step, nullptr);
      late_.push_back(static_cast<double>(now_ns() - before - 5'000'000) / 1e6);
    }
    return !stop_asked;
  }
  [[nodiscard]] double late_ms() {
    if (late_.empty()) return 0.0;
    auto const at = static_cast<std::ptrdiff_t>(late_.size() * 95 / 100);
    std::nth_element(late_.begin(), late_.begin() + at, late_.end());
    return late_[static_cast<std::size_t>(at)];
  }

 private:
  std::int64_t epoch_;
  std::vector<double> late_;
};

struct deed {
  duration at{};
  bool begins = false;
  std::uint32_t who = 0;
  duration starts{};
};
constexpr duration ahead = 400ms;  // a process is started so long before its head

std::vector<deed> deeds_of(plan const& p) {
  std::vector<deed> out;
  for (auto const& c : p.crashes) {
    out.push_back({c.at, false, c.who, {}});
    out.push_back({std::max(c.back - ahead, c.at + 1ms), true, c.who, c.back});
  }
  std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
    return a.at < b.at;
  });
  return out;
}

void read_notes(std::string const& path, std::vector<note>& to) {
  std::ifstream in{path, std::ios::binary};
  for (note n; in.read(reinterpret_cast<char*>(&n), sizeof n);) to.push_back(n);
}

class on_signals {
 public:
  on_signals() {
    stop_asked = false;
    struct sigaction how {};
    how.sa_handler = ask_to_stop;
    ::sigaction(SIGINT, &how, &before_int_);
    ::sigaction(SIGTERM, &how, &before_term_);
  }
  ~on_signals() {
    ::sigaction(SIGINT, &before_int_, nullptr);
    ::sigaction(SIGTERM, &before_term_, nullptr);
  }
  on_signals(on_signals const&) = delete;
  on_signals& operator=(on_signals const&) = delete;

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};

}  // namespace

result<live_run> run_live(std::string const& program, plan const& p, std::string const& set,
                          std::string const& disturb) {
  on_signals const heard;
  scratch const folder;
  if (folder.path().empty()) return error{"cannot make a folder for the run"};
  auto const ports = free_ports(p.hydras);
  if (ports.size() != p.hydras) return error{"not enough free ports on loopback"};
  std::ofstream{folder.path() + "/ports"} << fmt::format("{}\n", fmt::join(ports, "\n"));
  auto const lead = 600ms + duration{8ms} * p.hydras;
  auto const epoch = now_ns() + duration{lead}.count();
  live_run out;
  watch clock{epoch};
  {
    crew all{program, p, set, disturb, folder.path(), epoch};
    for (std::uint32_t i = 0; i < p.hydras; ++i) all.begin(i, p.starts_at(i));
    bool going = clock.until(duration{});
    for (auto const& d : deeds_of(p)) {
      going = going && clock.until(d.at);
      if (!going) break;
      if (d.begins) all.begin(d.who, d.starts);
      else all.strike(d.who);
    }
    going = going && clock.until(p.lasts);
    auto const give_up = p.lasts + 3s;
    while (going && all.collect() && now_ns() - epoch < give_up.count()) {
      going = clock.until(duration{now_ns() - epoch} + 20ms);
    }
    for (std::uint32_t i = 0; i < p.hydras; ++i) all.strike(i);
    if (!going) return error{"interrupted"};
    auto const seconds = static_cast<double>((p.lasts + lead).count()) / 1e9;
    auto const processors = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
    out.cpu_share = all.cpu_seconds() / (seconds * static_cast<double>(std::min(2L, processors)));
    out.complaint = all.complaint();
  }
  out.late_ms = clock.late_ms();
  for (std::uint32_t i = 0; i < p.hydras; ++i) {
    read_notes(folder.path() + "/notes" + std::to_string(i), out.notes);
  }
  std::stable_sort(out.notes.begin(), out.notes.end(),
                   [](note const& a, note const& b) { return a.at < b.at; });
  return out;
}

}  // namespace hydra::validation
