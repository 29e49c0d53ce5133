#include "jail.hpp"

#include "jail_cgroup.hpp"
#include "jail_filter.hpp"
#include "jail_watch.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace hydra::net {
namespace {

namespace fs = std::filesystem;
using std::string;
using clock = std::chrono::steady_clock;

constexpr int look_ms = 10;             // between two looks at what a job uses
constexpr int courtesy = 19;            // nice: the watch comes first
constexpr uid_t first_user = 1'700'000'000;  // of those that root lends to jobs
constexpr uid_t users = 1'000'000;
constexpr int status_file = 3;          // descriptors inside
constexpr int filter_file = 4;
constexpr std::uint64_t scratch_bytes = std::uint64_t{256} << 20U;  // of /tmp inside
constexpr std::size_t few_files = 64;   // an output of more is counted less often
constexpr auto death_max = std::chrono::seconds{5};

class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int file) : file_{file} {}
  descriptor(descriptor&& other) noexcept : file_{std::exchange(other.file_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~descriptor() { close(); }
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }
  [[nodiscard]] int get() const noexcept { return file_; }
  explicit operator bool() const noexcept { return file_ >= 0; }

 private:
  int file_ = -1;
};

struct channel {
  descriptor read, write;
  channel() {
    std::array<int, 2> both{-1, -1};
    if (::pipe2(both.data(), O_CLOEXEC) != 0) return;
    read = descriptor{both[0]};
    write = descriptor{both[1]};
    ::fcntl(both[0], F_SETFL, O_NONBLOCK);
  }
};

// ---- what is allowed ---------------------------------------------------------------------------

bool is_input_name(string const& s) {
  auto const good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  int slashes = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    bool const inside = i > 0 && s[i - 1] != '/' && i + 1 < s.size();
    if (s[i] == '/' && ++slashes > 1) return false;
    if (!good(s[i]) && !(inside && (s[i] == '/' || s[i] == '.' || s[i] == '-'))) return false;
  }
  return !s.empty() && s.size() <= 200 && s.find("..") == string::npos;
}

// What is wrong with the job; `program` is set to the path of what it runs.
string unfit(jail_job const& job, string& program) {
  if (job.run.empty() || job.run.front().empty()) return "there is nothing to run";
  if (job.run.front().find('/') != string::npos)
    return fmt::format("{} is not allowed; allowed: the name of a program of /usr/bin",
                       job.run.front());
  program = "/usr/bin/" + job.run.front();
  if (::access(program.c_str(), X_OK) != 0)
    return program + " is not there; the service needs it on this machine";
  std::error_code failed;
  if (!fs::is_directory(job.output, failed)) return job.output + " is no folder to write to";
  if (job.inputs.size() > jail_inputs_max)
    return fmt::format("{} inputs; allowed: {}", job.inputs.size(), jail_inputs_max);
  std::set<string> seen;
  for (auto const& in : job.inputs) {
    if (!is_input_name(in.name) || !seen.insert(in.name).second)
      return fmt::format("the input's name \"{}\" is not allowed or there twice", in.name);
    if (!fs::is_regular_file(in.path, failed) || ::access(in.path.c_str(), R_OK) != 0)
      return in.path + " is no file that can be read";
  }
  return {};
}

// As root a job runs as a user that nobody else is: the kernel counts processes of users, but not
// of root.
uid_t user_of_job() {
  static std::atomic<uid_t> count{0};
  if (::geteuid() != 0) return 0;
  return first_user + (static_cast<uid_t>(::getpid()) * 16 + count++ % 16) % users;
}

// What that user may not read is copied. Removed with the object.
class readable {
 public:
  readable(jail_job const& job, uid_t user) : inputs{job.inputs} {
    for (auto& in : inputs) {
      struct stat what {};
      if (user == 0 || (::stat(in.path.c_str(), &what) == 0 && (what.st_mode & S_IROTH) != 0))
        continue;
      if (!copy(in)) wrong = in.path + " cannot be copied for the user of the job";
    }
    if (user != 0 && ::chown(job.output.c_str(), user, user) != 0)
      wrong = job.output + ": " + std::strerror(errno);
  }
  ~readable() {
    std::error_code failed;
    if (!folder_.empty()) fs::remove_all(folder_, failed);
  }
  readable(readable const&) = delete;
  readable& operator=(readable const&) = delete;

  std::vector<jail_input> inputs;
  string wrong;

 private:
  bool copy(jail_input& in) {
    std::error_code failed;
    if (folder_.empty()) {
      folder_ = (fs::temp_directory_path() / "hydra-inputs-XXXXXX").string();
      if (::mkdtemp(folder_.data()) == nullptr) return folder_.clear(), false;
    }
    auto const to = folder_ + "/" + std::to_string(++count_);
    if (!fs::copy_file(in.path, to, failed) || ::chmod(to.c_str(), 0444) != 0) return false;
    in.path = to;
    return true;
  }
  string folder_;
  int count_ = 0;
};

// ---- command lines -----------------------------------------------------------------------------

void add(std::vector<string>& to, std::initializer_list<string> words) {
  to.insert(to.end(), words);
}

std::vector<string> inside_words(jail_job const& job, string const& helper, bool walled,
                                 uid_t user) {
  auto const& l = job.limits;
  auto const seconds = l.cpu.count() / 1'000'000'000 + 1;
  std::vector<string> out{helper, std::to_string(status_file), fmt::format("cpu={}", seconds),
                          fmt::format("memory={}", 4 * l.memory + (std::uint64_t{1} << 30U)),
                          fmt::format("file={}", l.output), fmt::format("files={}", l.open_files),
                          fmt::format("nice={}", courtesy)};
  if (!walled) return out;
  out.push_back(fmt::format("processes={}", l.processes + 2));  // bubblewrap is two of them
  for (auto const* path : {"/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/dev", "/job/in"})
    out.push_back("read=" + string{path});
  for (auto const* path : {"/job/out", "/tmp", "/dev/null", "/dev/zero", "/dev/full"})
    out.push_back("write=" + string{path});
  if (user != 0) out.push_back(fmt::format("user={}", user));
  return out;
}

// Folders of the system that programs need: /usr, and what leads into it.
void add_system(std::vector<string>& to) {
  add(to, {"--ro-bind", "/usr", "/usr", "--dir", "/etc", "--dir", "/run"});  // else root's alone
  std::error_code failed;
  for (auto const* path : {"/bin", "/lib", "/lib64", "/lib32"}) {
    if (fs::is_symlink(path, failed)) {
      add(to, {"--symlink", fs::read_symlink(path, failed).string(), path});
    } else {
      add(to, {"--ro-bind-try", path, path});
    }
  }
  for (auto const* path : {"/etc/alternatives", "/etc/ld.so.cache"})
    add(to, {"--ro-bind-try", path, path});
}

std::vector<string> wrapped(jail_job const& job, std::vector<jail_input> const& inputs, uid_t user,
                            jail_policy const& policy, string const& helper) {
  std::vector<string> out{policy.bubblewrap};
  add(out, {"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
            "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv",
            "--hostname", "jail", "--cap-drop", "ALL"});
  if (user == 0) {
    add(out, {"--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"});
  } else {
    add(out, {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});  // given up inside
  }
  add_system(out);
  add(out, {"--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--perms", "1777", "--size",
            std::to_string(std::min(scratch_bytes, job.limits.memory)), "--tmpfs", "/tmp", "--dir",
            "/job/in"});
  std::set<string> folders;
  for (auto const& in : inputs)
    if (auto const slash = in.name.find('/'); slash != string::npos)
      folders.insert(in.name.substr(0, slash));
  for (auto const& folder : folders) add(out, {"--dir", "/job/in/" + folder});
  for (auto const& in : inputs)
    add(out, {"--ro-bind", fs::canonical(in.path).string(), "/job/in/" + in.name});
  add(out, {"--bind", fs::canonical(job.output).string(), "/job/out", "--ro-bind", helper,
            "/run/hydra-jail", "--remount-ro", "/", "--chdir", "/job", "--seccomp",
            std::to_string(filter_file), "--"});
  auto const inside = inside_words(job, "/run/hydra-jail", true, user);
  out.insert(out.end(), inside.begin(), inside.end());
  add(out, {"--", "/usr/bin/" + job.run.front()});
  out.insert(out.end(), job.run.begin() + 1, job.run.end());
  return out;
}

// Without a jail: a folder of links with the same names in it. Removed with the object.
class bare_folder {
 public:
  explicit bare_folder(jail_job const& job) {
    string name = (fs::temp_directory_path() / "hydra-job-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    std::error_code failed;
    fs::create_directory(path_ / "in", failed);
    fs::create_symlink(fs::canonical(job.output), path_ / "out", failed);
    for (auto const& in : job.inputs) {
      fs::create_directories((path_ / "in" / in.name).parent_path(), failed);
      fs::create_symlink(fs::canonical(in.path), path_ / "in" / in.name, failed);
    }
  }
  ~bare_folder() {
    std::error_code failed;
    if (!path_.empty()) fs::remove_all(path_, failed);
  }
  bare_folder(bare_folder const&) = delete;
  bare_folder& operator=(bare_folder const&) = delete;
  [[nodiscard]] string path() const { return path_.string(); }

 private:
  fs::path path_;
};

// ---- starting ----------------------------------------------------------------------------------

struct starting {
  std::vector<string> words;
  string folder;  // to begin in; empty: stays
  string filter;
  std::vector<string> doors;  // of cgroups
};

descriptor filter_copy(string const& filter) {
  descriptor file{::memfd_create("filter", MFD_CLOEXEC)};
  if (!file) return file;
  auto const n = ::write(file.get(), filter.data(), filter.size());
  if (n != static_cast<ssize_t>(filter.size())) return {};
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Between fork and exec: only what is safe there.
struct launch {
  char** words;
  char const* folder;
  std::vector<char const*> doors;
  int out, err, status, filter;
  pid_t parent;

  [[noreturn]] void run() const {
    char* const none[] = {nullptr};
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::setpgid(0, 0);
    for (int s = 1; s < NSIG; ++s)
      if (s != SIGKILL && s != SIGSTOP) ::signal(s, SIG_DFL);
    sigset_t all;
    ::sigemptyset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (auto const* door : doors) {
      int const file = ::open(door, O_WRONLY | O_CLOEXEC);
      if (file < 0 || ::write(file, "0", 1) != 1) ::_exit(127);
    }
    if (folder != nullptr && ::chdir(folder) != 0) ::_exit(127);
    // Out of the way of the numbers that they get.
    int const nothing = ::fcntl(::open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD, 16);
    std::array<std::array<int, 2>, 5> const moves{{{nothing, 0},
                                                   {::fcntl(out, F_DUPFD, 16), 1},
                                                   {::fcntl(err, F_DUPFD, 16), 2},
                                                   {::fcntl(status, F_DUPFD, 16), status_file},
                                                   {::fcntl(filter, F_DUPFD, 16), filter_file}}};
    for (auto const& [from, to] : moves)
      if (from >= 0) ::dup2(from, to);
    if (filter < 0) ::close(filter_file);
    if (::syscall(SYS_close_range, filter_file + 1, ~0U, 0) != 0)
      for (int i = filter_file + 1; i < 4096; ++i) ::close(i);
    ::execve(words[0], words, none);
    ::_exit(127);
  }
};

// ---- watching ----------------------------------------------------------------------------------

// One run, from its start to the last of its processes.
class watched {
 public:
  watched(jail_job const& job, bool whole) : job_{job}, whole_{whole} {}

  jail_outcome run(starting const& s) {
    if (!start(s)) {
      out_.why = fmt::format("no process could be started: {}", std::strerror(errno));
      return std::move(out_);
    }
    auto const begun = clock::now();
    while (!reaped()) {
      wait_a_little();
      take_texts();
      look(duration{std::chrono::nanoseconds{clock::now() - begun}});
      if (out_.hit != jail_limit::none) break;
    }
    end();
    conclude();
    return std::move(out_);
  }

 private:
  bool start(starting const& s) {
    descriptor filter = s.filter.empty() ? descriptor{} : filter_copy(s.filter);
    std::vector<char*> words;
    for (auto const& w : s.words) words.push_back(const_cast<char*>(w.c_str()));
    words.push_back(nullptr);
    launch l{words.data(),        s.folder.empty() ? nullptr : s.folder.c_str(),
             {},                  said_.write.get(),
             errors_.write.get(), status_.write.get(),
             filter.get(),        ::getpid()};
    for (auto const& d : s.doors) l.doors.push_back(d.c_str());
    if (!said_.read || !errors_.read || !status_.read) return false;
    grouped_ = !s.doors.empty();
    child_ = ::fork();
    if (child_ == 0) l.run();
    said_.write.close();
    errors_.write.close();
    status_.write.close();
    if (child_ < 0) return false;
    ended_ = descriptor{static_cast<int>(::syscall(SYS_pidfd_open, child_, 0))};
    return true;
  }

  bool reaped() {
    if (done_) return true;
    rusage use{};
    auto const got = ::wait4(child_, &code_, WNOHANG, &use);
    if (got == 0 || (got < 0 && errno == EINTR)) return false;
    if (got < 0) code_ = 127 << 8;  // somebody else waited for it: how it ended is not known
    auto const of = [](timeval t) { return t.tv_sec * 1'000'000'000 + t.tv_usec * 1'000; };
    out_.cpu = std::max(out_.cpu, duration{of(use.ru_utime) + of(use.ru_stime)});
    out_.memory = std::max(out_.memory, static_cast<std::uint64_t>(use.ru_maxrss) * 1024);
    return done_ = true;
  }

  void wait_a_little() {
    std::array<pollfd, 3> on{{{said_.read.get(), POLLIN, 0},
                              {errors_.read.get(), POLLIN, 0},
                              {ended_.get(), POLLIN, 0}}};
    ::poll(on.data(), on.size(), look_ms);
  }

  // Takes what is there, never waits for more.
  void take_texts() {
    take(said_.read, out_.said, jail_text_bytes_max, false);
    take(errors_.read, out_.errors, jail_errors_bytes_max, true);
  }
  void take(descriptor& from, string& to, std::size_t most, bool keep_end) {
    std::array<char, 65536> part{};
    for (int rounds = 0; from && rounds < 64; ++rounds) {
      auto const n = ::read(from.get(), part.data(), part.size());
      if (n == 0) from.close();
      if (n <= 0) return;
      to.append(part.data(), static_cast<std::size_t>(n));
      if (to.size() <= most) continue;
      if (keep_end) {
        to.erase(0, to.size() - most);
      } else {
        to.resize(most);
        return hit(jail_limit::text);
      }
    }
  }

  void look(duration passed) {
    auto const& l = job_.limits;
    if (passed > l.wall) return hit(jail_limit::wall);
    auto const use = use_of(child_, l.processes + 2);
    out_.cpu = std::max(out_.cpu, use.cpu);
    if (use.cpu > l.cpu) return hit(jail_limit::cpu);
    if (use.tasks > l.processes + 2) return hit(jail_limit::processes);
    auto const held = use.memory > l.memory ? shared_memory_of(use) : use.memory;
    out_.memory = std::max(out_.memory, held);
    if (held > l.memory) return hit(jail_limit::memory);
    if (files_ > few_files && ++looks_ % 16 != 0) return;
    look_at_output();
  }
  void look_at_output() {
    auto const written = use_of(job_.output, jail_files_max);
    files_ = written.files;
    if (written.bytes > job_.limits.output || written.files > jail_files_max)
      hit(jail_limit::output);
  }
  void hit(jail_limit what) {
    if (out_.hit == jail_limit::none) out_.hit = what;
  }

  // Kills what is left, and waits for it: with the first process of a namespace all others go.
  void end() {
    auto const until = clock::now() + death_max;
    while (!reaped() && clock::now() < until) {
      auto const use = use_of(child_, 4096);
      if (whole_ && use.processes.size() > 1) {
        ::kill(use.processes[1], SIGKILL);
      } else {
        for (auto const who : use.processes) ::kill(who, SIGKILL);
      }
      ::kill(-child_, SIGKILL);
      wait_a_little();
    }
    if (!done_) ::kill(child_, SIGKILL);
    if (!whole_) ::kill(-child_, SIGKILL);
    take_texts();
    look_at_output();
  }

  void conclude() {
    char state = 0;
    for (char c = 0; ::read(status_.read.get(), &c, 1) == 1;) state = c;
    int code = WIFEXITED(code_) ? WEXITSTATUS(code_) : 128 + WTERMSIG(code_);
    if (out_.hit == jail_limit::none && state == 'r' && code > 128) name_signal(code - 128);
    out_.code = code > 128 ? code - 128 : code;
    if (!done_) {
      out_.end = jail_end::limited;
      out_.why = "it could not be killed";
    } else if (out_.hit != jail_limit::none) {
      out_.end = jail_end::limited;
      out_.why = fmt::format("it went over its limit of {}", name_of(out_.hit));
    } else if (state != 'r') {
      out_.end = jail_end::refused;
      out_.why = "the jail could not be made: " + out_.errors;
    } else if (code > 128) {
      out_.end = jail_end::signalled;
      out_.why = fmt::format("it was ended by signal {}", code - 128);
    } else {
      out_.end = jail_end::exited;
      if (code != 0) out_.why = fmt::format("it ended with {}: {}", code, out_.errors);
    }
    if (auto const wrong = make_harmless(job_.output); !wrong.empty() && out_.ok()) {
      out_.end = jail_end::refused;
      out_.why = wrong;
    }
  }
  // The kernel's own limits speak by signals.
  void name_signal(int signal) {
    if (signal == SIGXCPU) hit(jail_limit::cpu);
    if (signal == SIGKILL && out_.cpu >= job_.limits.cpu) hit(jail_limit::cpu);
    if (signal == SIGKILL && grouped_) hit(jail_limit::memory);  // a cgroup kills for nothing else
    if (signal == SIGXFSZ) hit(jail_limit::output);
  }

  jail_job const& job_;
  bool whole_;
  channel said_, errors_, status_;
  descriptor ended_;
  pid_t child_ = -1;
  int code_ = 0;
  bool done_ = false;
  bool grouped_ = false;
  std::size_t files_ = 0;
  unsigned looks_ = 0;
  jail_outcome out_;
};

jail_outcome run_walled(jail_job const& job, jail_policy const& policy, string const& helper,
                        std::vector<string> const& doors) {
  auto const user = user_of_job();
  readable const ready{job, user};
  jail_outcome refused;
  refused.why = ready.wrong;
  if (!ready.wrong.empty()) return refused;
  starting const s{wrapped(job, ready.inputs, user, policy, helper), {}, jail_filter(), doors};
  return watched{job, true}.run(s);
}

// ---- probing -----------------------------------------------------------------------------------

jail_part probe_landlock() {
  long const version = ::syscall(444, nullptr, 0, 1);
  if (version >= 1)
    return {"Landlock", true, false, fmt::format("version {} of its interface", version)};
  return {"Landlock", false, false, "this kernel has none, or it is switched off"};
}

jail_part probe_bubblewrap(jail_policy const& policy, string const& helper) {
  jail_part out{"bubblewrap", false, true, {}};
  if (::access(policy.bubblewrap.c_str(), X_OK) != 0) {
    out.words = policy.bubblewrap + " is not there: apt-get install bubblewrap";
    return out;
  }
  string folder = (fs::temp_directory_path() / "hydra-probe-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    out.words = folder + ": " + std::strerror(errno);
    return out;
  }
  jail_job job{{"true"}, {}, folder, {}, true};
  job.limits.wall = 10s;
  auto const said = run_walled(job, policy, helper, {});
  std::error_code failed;
  fs::remove_all(folder, failed);
  out.there = said.ok();
  out.words = said.ok() ? "a program ran in it, in namespaces of its own" : said.why;
  return out;
}

}  // namespace

std::string inside_program(jail_policy const& policy) {
  if (!policy.inside.empty()) return policy.inside;
  std::error_code failed;
  auto const self = fs::read_symlink("/proc/self/exe", failed);
  return failed ? "" : (self.parent_path() / "hydra-jail").string();
}

jail_report probe_jail(jail_policy const& policy) {
  jail_report out;
  auto const helper = inside_program(policy);
  bool const there = ::access(helper.c_str(), X_OK) == 0;
  out.parts.push_back({"hydra-jail", there, true, helper + (there ? "" : " is not there")});
  bool const filter = !jail_filter().empty();
  out.parts.push_back({"seccomp", filter, true,
                       filter ? fmt::format("a filter of {} instructions", jail_filter().size() / 8)
                              : "Hydra was built without it: apt-get install libseccomp-dev"});
  if (there && filter) {
    out.parts.push_back(probe_bubblewrap(policy, helper));
  } else {
    out.parts.push_back({"bubblewrap", false, true, "not tried without the parts above"});
  }
  out.parts.push_back(probe_landlock());
  out.parts.push_back(probe_cgroup(policy.cgroup));
  out.parts.push_back({"limits", true, false,
                       ::geteuid() == 0
                           ? "of the kernel; as root each job runs as a user of its own"
                           : "of the kernel, for each process"});
  return out;
}

static jail_outcome run_whole_or_bare(jail_job const& job, jail_policy const& policy) {
  jail_outcome refused;
  string program;
  refused.why = unfit(job, program);
  if (!refused.why.empty()) return refused;
  auto const helper = inside_program(policy);
  if (::access(helper.c_str(), X_OK) != 0) {
    refused.why = "hydra-jail is not there: " + helper;
    return refused;
  }
  job_cgroup const group{policy.cgroup, job.limits};
  bool whole = !jail_filter().empty() && ::access(policy.bubblewrap.c_str(), X_OK) == 0;
  if (whole) {
    auto said = run_walled(job, policy, helper, group.doors());
    bool const made = said.end != jail_end::refused;
    if (made || (job.foreign && !policy.allow_without_jail)) return said;
  }
  if (job.foreign && !policy.allow_without_jail) {
    refused.why = "this machine has no whole jail, and the job is another's: " +
                  probe_jail(policy).missing();
    return refused;
  }
  bare_folder const folder{job};
  starting s{inside_words(job, helper, false, 0), folder.path(), {}, group.doors()};
  add(s.words, {"--", program});
  s.words.insert(s.words.end(), job.run.begin() + 1, job.run.end());
  return watched{job, false}.run(s);
}

namespace {
thread_local duration used_here{};
}

jail_outcome run_jailed(jail_job const& job, jail_policy const& policy) {
  if (policy.stop != nullptr && *policy.stop) {
    jail_outcome refused;
    refused.why = "this node is going down";
    return refused;
  }
  auto out = run_whole_or_bare(job, policy);
  used_here += out.cpu;
  return out;
}
duration jailed_cpu() noexcept { return used_here; }

}  // namespace hydra::net
