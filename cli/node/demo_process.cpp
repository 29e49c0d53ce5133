#include "demo_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace hydra::node {
namespace {

volatile std::sig_atomic_t interrupts = 0;

void note_interrupt(int) { interrupts = 1; }

// In the child, before its program: only calls that are safe there.
[[noreturn]] void become(std::vector<char*> const& words, int out, int err, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int s : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(s, SIG_DFL);
  int const in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

result<child> spawn(std::vector<std::string> const& words, int out, int err) {
  std::vector<char*> pointers;
  for (auto const& w : words) pointers.push_back(const_cast<char*>(w.c_str()));
  pointers.push_back(nullptr);
  auto const parent = ::getpid();
  auto const pid = ::fork();
  if (pid < 0) return error{words[0] + ": " + std::strerror(errno)};
  if (pid == 0) become(pointers, out, err, parent);
  return child{pid};
}

// Whether it has ended by then.
bool wait_for(child& c, int ms) {
  using clock = std::chrono::steady_clock;
  auto const until = clock::now() + std::chrono::milliseconds{ms};
  for (;;) {
    auto const got = ::waitpid(c.pid, nullptr, WNOHANG);
    if (got == c.pid || (got < 0 && errno == ECHILD)) {
      c.pid = -1;
      return true;
    }
    if (clock::now() >= until) return false;
    ::poll(nullptr, 0, 5);
  }
}

}  // namespace

void remember_interrupts() {
  struct sigaction how {};
  how.sa_handler = note_interrupt;
  for (int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(s, &how, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}
bool was_interrupted() { return interrupts != 0; }
bool pause_ms(int ms) {
  if (!was_interrupted()) ::poll(nullptr, 0, ms);
  return !was_interrupted();
}

result<child> start_program(std::vector<std::string> const& words, std::string const& log) {
  auto const to = log.empty() ? std::string{"/dev/null"} : log;
  int const out = ::open(to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return error{to + ": " + std::strerror(errno)};
  auto made = spawn(words, out, out);
  ::close(out);
  return made;
}
bool has_ended(child const& c) {
  siginfo_t about{};
  return c.runs() && ::waitid(P_PID, static_cast<id_t>(c.pid), &about,
                              WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == c.pid;
}
void end_program(child& c, int patience_ms) {
  if (!c.runs()) return;
  ::kill(c.pid, SIGTERM);
  if (!wait_for(c, patience_ms)) kill_program(c);
}
void kill_program(child& c) {
  if (!c.runs()) return;
  ::kill(c.pid, SIGKILL);
  ::waitpid(c.pid, nullptr, 0);
  c.pid = -1;
}

program_end run_program(std::vector<std::string> const& words, int within_ms) {
  using clock = std::chrono::steady_clock;
  program_end end;
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return end;
  auto made = spawn(words, pipe[1], pipe[1]);
  ::close(pipe[1]);
  auto const until = clock::now() + std::chrono::milliseconds{within_ms};
  std::array<char, 4096> piece{};
  bool open = made.ok();
  while (open && clock::now() < until && !was_interrupted()) {
    pollfd p{pipe[0], POLLIN, 0};
    if (::poll(&p, 1, 50) <= 0) continue;
    auto const n = ::read(pipe[0], piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    open = n > 0;
    if (open && end.out.size() < program_output_max) {
      end.out.append(piece.data(), static_cast<std::size_t>(n));
    }
  }
  ::close(pipe[0]);
  if (!made) return end;
  if (open) {
    kill_program(made.value());
    return end;
  }
  int status = 0;
  if (::waitpid(made.value().pid, &status, 0) > 0 && WIFEXITED(status)) {
    end.code = WEXITSTATUS(status);
  }
  return end;
}

}  // namespace hydra::node
