// The first program inside a jail: takes what is left of its rights from itself, then becomes the
// program that is jailed.
//
//   hydra-jail STATUS [cpu=S] [memory=B] [file=B] [files=N] [processes=N] [nice=N] [user=N]
//              [read=PATH]... [write=PATH]... -- PROGRAM ARGUMENTS...
//
// STATUS is a descriptor: "r" is written to it when all is ready, "e" when PROGRAM cannot run.
// Limits are those of the kernel for one process; Landlock is used as far as the kernel has it.
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

using std::string_view;

constexpr int failed = 126;

// Debian's headers know the first two versions of this interface only.
struct ruleset {
  std::uint64_t files = 0;
  std::uint64_t net = 0;
  std::uint64_t scope = 0;
};
struct [[gnu::packed]] beneath {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};
constexpr long create_ruleset = 444;
constexpr long add_rule = 445;
constexpr long restrict_self = 446;
constexpr std::uint64_t read_rights = 0b1101;            // execute, read a file, read a folder
constexpr std::uint64_t of_files = 0b0100'0000'0000'0111;  // execute, write, read, truncate

class walls {
 public:
  walls() : version_{::syscall(create_ruleset, nullptr, 0, 1)} {
    if (version_ < 1) return;
    ruleset r;
    r.files = (std::uint64_t{1} << 13U) - 1;
    if (version_ >= 2) r.files |= std::uint64_t{1} << 13U;  // to move into another folder
    if (version_ >= 3) r.files |= std::uint64_t{1} << 14U;  // to truncate
    if (version_ >= 4) r.net = 0b11;                       // to bind and connect
    if (version_ >= 6) r.scope = 0b11;                     // abstract sockets, signals
    all_ = r.files;
    auto const size = version_ >= 6 ? 24U : version_ >= 4 ? 16U : 8U;
    rules_ = static_cast<int>(::syscall(create_ruleset, &r, size, 0));
  }

  void allow(char const* path, bool write) {
    if (rules_ < 0) return;
    int const at = ::open(path, O_PATH | O_CLOEXEC);
    if (at < 0) return;
    struct stat what {};
    beneath b{write ? all_ : all_ & read_rights, at};
    if (::fstat(at, &what) == 0 && !S_ISDIR(what.st_mode)) b.allowed &= of_files;
    ::syscall(add_rule, rules_, 1, &b, 0);
    ::close(at);
  }

  bool close() {
    if (rules_ < 0) return version_ < 1;
    return ::syscall(restrict_self, rules_, 0) == 0;
  }

 private:
  long version_;
  std::uint64_t all_ = 0;
  int rules_ = -1;
};

bool limit(int what, rlim_t least, rlim_t most) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(what), &now) != 0) return false;
  if (most > now.rlim_max) most = now.rlim_max;
  if (least > most) least = most;
  rlimit const to{least, most};
  return ::setrlimit(static_cast<__rlimit_resource_t>(what), &to) == 0;
}

// For good: of root's rights nothing is left.
bool become(uid_t who) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(who, who, who) != 0) return false;
  return ::setresuid(who, who, who) == 0 && ::setuid(0) != 0;
}

// Whether the option was one, and could be followed.
bool follow(string_view option, walls& around) {
  auto const equals = option.find('=');
  if (equals == string_view::npos) return false;
  auto const name = option.substr(0, equals);
  auto const* value = option.data() + equals + 1;  // ends where the argument does
  if (name == "read" || name == "write") return around.allow(value, name == "write"), true;
  rlim_t const n = std::strtoull(value, nullptr, 10);
  if (name == "cpu") return limit(RLIMIT_CPU, n, n + 1);
  if (name == "memory") return limit(RLIMIT_AS, n, n);
  if (name == "file") return limit(RLIMIT_FSIZE, n, n);
  if (name == "files") return limit(RLIMIT_NOFILE, n, n);
  if (name == "nice") return ::setpriority(PRIO_PROCESS, 0, static_cast<int>(n)) == 0;
  if (name == "user") return become(static_cast<uid_t>(n));
  if (name == "processes") return limit(RLIMIT_NPROC, n, n);
  return false;
}

int fail(char const* what) {
  std::fprintf(stderr, "hydra-jail: %s: %s\n", what, std::strerror(errno));
  return failed;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return std::fputs("hydra-jail: runs inside jails only\n", stderr), 2;
  int const status = std::atoi(words[1]);
  if (::fcntl(status, F_SETFD, FD_CLOEXEC) != 0) return fail("status");
  bool walled = false;
  walls around;
  int i = 2;
  for (; i < count && string_view{words[i]} != "--"; ++i) {
    walled = walled || string_view{words[i]}.starts_with("read=");
    if (!follow(words[i], around)) return fail(words[i]);
  }
  if (i + 1 >= count) return fail("no program");
  limit(RLIMIT_CORE, 0, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("privileges");
  if (walled && !around.close()) return fail("Landlock");
  if (::write(status, "r", 1) != 1) return fail("status");
  char* const none[] = {nullptr};
  ::execve(words[i + 1], words + i + 1, none);
  if (::write(status, "e", 1) != 1) return failed;
  return fail(words[i + 1]);
}
