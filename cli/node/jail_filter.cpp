#include "jail_filter.hpp"

#ifdef HYDRA_HAS_SECCOMP
#include <seccomp.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#endif

namespace hydra::net {
namespace {

#ifdef HYDRA_HAS_SECCOMP

constexpr char const* allowed[] = {
    // files
    "access", "chdir", "chmod", "close", "close_range", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat",
    "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents",
    "getdents64", "link", "linkat", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open",
    "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2", "rmdir",
    "sendfile", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync_file_range",
    "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write",
    "writev", "pipe", "pipe2", "getxattr", "lgetxattr", "fgetxattr", "listxattr",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd", "eventfd2", "poll", "ppoll", "pselect6", "select", "timerfd_create",
    "timerfd_gettime", "timerfd_settime", "signalfd4",
    // memory
    "brk", "madvise", "mincore", "mlock", "mlock2", "mmap", "mprotect", "mremap", "msync",
    "munlock", "munmap", "membarrier", "get_mempolicy",
    // processes, threads and signals
    "alarm", "arch_prctl", "execve", "execveat", "exit", "exit_group", "fork", "futex",
    "futex_waitv", "get_robust_list", "set_robust_list", "getegid", "geteuid", "getgid",
    "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "getitimer", "setitimer",
    "kill", "pause", "prctl", "prlimit64", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_setaffinity", "sched_yield",
    "setgroups", "setresgid", "setresuid", "setuid",
    "set_tid_address", "setpgid", "setpriority", "setrlimit", "setsid", "sigaltstack", "tgkill",
    "tkill", "vfork", "wait4", "waitid", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_settime", "times", "getcpu",
    // the rest
    "clock_getres", "clock_gettime", "clock_nanosleep", "getrandom", "gettimeofday", "nanosleep",
    "sysinfo", "time", "uname", "landlock_create_ruleset", "landlock_add_rule",
    "landlock_restrict_self"};

// Terminals are asked what they are, never written to by force.
constexpr std::array<unsigned long, 7> questions{TCGETS,  TIOCGWINSZ, TIOCGPGRP, FIONREAD,
                                                 FIONBIO, FIOCLEX,    FIONCLEX};
constexpr std::uint64_t namespaces = 0x7e02'0080;  // CLONE_NEW*: all that make one

bool fill(scmp_filter_ctx filter) {
  bool good = true;
  auto const allow = [&](char const* name, auto... where) {
    int const call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) return;  // not a call of this library's day
    int const done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(where), where...);
    good = good && (done == 0 || done == -EDOM);
  };
  for (auto const* name : allowed) allow(name);
  for (auto const question : questions)
    allow("ioctl", scmp_arg_cmp{1, SCMP_CMP_EQ, question, 0});
  allow("clone", scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, namespaces, 0});
  // Its flags lie in memory, where no filter sees them: libraries fall back to clone.
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"), 0);
  return good;
}

std::string made() {
  auto* const filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return {};
  std::string out;
  int const file = ::memfd_create("filter", MFD_CLOEXEC);
  if (file >= 0 && fill(filter) && seccomp_export_bpf(filter, file) == 0) {
    ::lseek(file, 0, SEEK_SET);
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(file, part.data(), part.size())) > 0;)
      out.append(part.data(), static_cast<std::size_t>(n));
  }
  if (file >= 0) ::close(file);
  seccomp_release(filter);
  return out;
}

#else
std::string made() { return {}; }
#endif

}  // namespace

std::string const& jail_filter() {
  static std::string const filter = made();
  return filter;
}

}  // namespace hydra::net
