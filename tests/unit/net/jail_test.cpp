// What a jailed process cannot do. Skipped, with a message, where the machine has no whole jail.
#include "../../catch.hpp"
#include "../../folder.hpp"
#include "../command.hpp"

#include <node/jail.hpp>
#include <node/jail_cgroup.hpp>
#include <node/jail_watch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace hydra;
using namespace hydra::net;
using std::string;
namespace fs = std::filesystem;

namespace {

// A folder with in/ and out/, removed at the end.
struct scratch : folder {
  scratch() { fs::create_directory(path / "out"); }
  string out(string const& name) const {
    std::ifstream in{path / "out" / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

jail_job shell(scratch const& s, string const& line) {
  jail_job job{{"sh", "-c", line}, {}, (s.path / "out").string(), {}, true};
  job.limits.wall = 20s;
  return job;
}

bool no_jail() {
  auto const has = probe_jail();
  if (has.whole()) return false;
  WARN("skipped: no whole jail here: " << has.missing());
  return true;
}

// Whether a process with this word among its arguments lives.
bool lives(string const& word) {
  for (auto const& each : fs::directory_iterator{"/proc"}) {
    if (each.path().filename() == std::to_string(::getpid())) continue;
    int const file = ::open((each.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC);
    string text(4096, ' ');
    auto const n = file < 0 ? 0 : ::read(file, text.data(), text.size());
    if (file >= 0) ::close(file);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (text.find(word) != string::npos) return true;
  }
  return false;
}
bool dies(string const& word) {
  for (int i = 0; i < 500; ++i) {
    if (!lives(word)) return true;
    ::usleep(10'000);
  }
  return false;
}

}  // namespace

TEST_CASE("a jailed process reads its inputs, writes its output and says what it wants") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "cat in/a in/many/0001 > out/both; echo said; echo wrong >&2; exit 3");
  job.inputs = {{"a", s.file("x", "one ")}, {"many/0001", s.file("y", "two")}};
  auto const got = run_jailed(job);
  INFO(got.why);
  CHECK(got.end == jail_end::exited);
  CHECK(got.code == 3);
  CHECK(got.said == "said\n");
  CHECK(got.errors == "wrong\n");
  CHECK(s.out("both") == "one two");
  CHECK_FALSE(got.ok());
}

TEST_CASE("a jailed process sees no file, process or variable of others, and has no network") {
  if (no_jail()) return;
  scratch s;
  auto const secret = s.file("secret", "secret");
  ::setenv("HYDRA_JAIL_TEST", "secret", 1);
  auto const said = [&](string const& line) {
    auto const got = run_jailed(shell(s, line));
    INFO(line << ": " << got.why);
    CHECK(got.end == jail_end::exited);
    return got.said;
  };
  CHECK(said("cat '" + secret + "' || echo no") == "no\n");
  CHECK(said("cat /etc/passwd || echo no") == "no\n");
  CHECK(said("ls /root /home /var 2>/dev/null | wc -l") == "0\n");
  CHECK(said("tr '\\0' '\\n' < /proc/self/environ | wc -c") == "0\n");
  CHECK(said("ls /proc | grep -c '^[0-9]' | { read n; [ $n -le 6 ] && echo few; }") == "few\n");
  CHECK(said("cat /proc/" + std::to_string(::getpid()) + "/cmdline || echo no") == "no\n");
  CHECK(said("ls /proc/self/fd | wc -l") == "4\n");  // three, and the folder that ls reads
  CHECK(said("perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or print qq(no\\n)'") == "no\n");
  CHECK(said("perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or print qq(no\\n)'") == "no\n");
  CHECK(said("cat /proc/net/dev | grep -c :") == "1\n");  // loopback, in a net of its own
  ::unsetenv("HYDRA_JAIL_TEST");
}

TEST_CASE("a jailed process writes nowhere but to its output and /tmp, and gains no rights") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "");
  job.inputs = {{"a", s.file("x", "kept")}};
  for (string const to : {"in/a", "in/b", "/b", "/usr/b", "/etc/b", "/dev/b", "/dev/shm/b",
                          "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj", "/job/b"}) {
    job.run = {"sh", "-c", "echo changed > " + to + " || echo no"};
    auto const got = run_jailed(job);
    INFO(to << ": " << got.why);
    CHECK(got.said == "no\n");
  }
  CHECK(fs::file_size(s.path / "x") == 4);
  job.run = {"sh", "-c", "echo x > /tmp/x && echo x > out/x && echo both"};
  CHECK(run_jailed(job).said == "both\n");
  job.run = {"unshare", "--user", "true"};
  CHECK_FALSE(run_jailed(job).ok());
  job.run = {"mount", "-t", "tmpfs", "none", "/tmp"};
  CHECK_FALSE(run_jailed(job).ok());
}

TEST_CASE("an output has files and folders only when a job is over") {
  if (no_jail()) return;
  scratch s;
  auto const got = run_jailed(
      shell(s, "ln -s /etc/passwd out/link; mkfifo out/pipe; mkdir out/d; echo x > out/d/x; "
               "chmod 4777 out/d/x; chmod 0 out/d; echo done"));
  CHECK(got.said == "done\n");
  CHECK_FALSE(fs::exists(fs::symlink_status(s.path / "out/link")));
  CHECK_FALSE(fs::exists(s.path / "out/pipe"));
  CHECK(s.out("d/x") == "x\n");
  CHECK((fs::status(s.path / "out/d/x").permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("an endless loop is stopped at its limit, which is named") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "while :; do :; done");
  job.limits.cpu = 500ms;
  auto got = run_jailed(job);
  CHECK(got.end == jail_end::limited);
  CHECK(got.hit == jail_limit::cpu);
  CHECK(got.cpu >= 500ms);
  job.run = {"sleep", "1000"};
  job.limits.wall = 500ms;
  got = run_jailed(job);
  CHECK(got.hit == jail_limit::wall);
  CHECK(got.why == "it went over its limit of wall");
}

TEST_CASE("a fork bomb is bounded, and all of it dies") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "");
  job.run = {"perl", "-e", "while (1) { fork } # 7351904"};
  job.limits.processes = 40;
  job.limits.cpu = 10s;
  auto const got = run_jailed(job);
  INFO(got.why << " " << got.errors);
  // Where the kernel counts processes, forks fail from the limit on, and the loops go on.
  CHECK((got.hit == jail_limit::processes || got.hit == jail_limit::cpu));
  CHECK(dies("7351904"));
}

TEST_CASE("a memory bomb is killed") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "");
  job.run = {"perl", "-e", "my @a; for (1..400) { push @a, 'x' x 10_000_000; } sleep 15"};
  job.limits.memory = 100'000'000;
  auto got = run_jailed(job);
  INFO(got.why);
  CHECK(got.hit == jail_limit::memory);
  CHECK(got.memory > 100'000'000);
  job.run = {"sh", "-c", "head -c 200000000 /dev/zero > /tmp/x || echo full"};
  CHECK(run_jailed(job).said == "full\n");
}

TEST_CASE("a flood of output is stopped, of one file and of many") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "head -c 50000000 /dev/zero > out/x");
  job.limits.output = 10'000'000;
  job.run = {"perl", "-e", "open F, '>out/x'; print F 'x' x 1_000_000 for 1..50"};
  auto got = run_jailed(job);
  CHECK(got.hit == jail_limit::output);
  job.run = {"perl", "-e",
             "for my $i (1..50) { open F, qq(>out/$i); print F 'x' x 1_000_000; close F } sleep 9"};
  got = run_jailed(job);
  CHECK(got.hit == jail_limit::output);
}

TEST_CASE("what a job says is bounded: words end it, of errors the last are kept") {
  if (no_jail()) return;
  scratch s;
  auto job = shell(s, "");
  job.run = {"yes"};
  auto got = run_jailed(job);
  CHECK(got.hit == jail_limit::text);
  CHECK(got.said.size() == jail_text_bytes_max);
  job.run = {"sh", "-c", "yes | head -c 5000000 >&2; echo end >&2"};
  got = run_jailed(job);
  CHECK(got.ok());
  CHECK(got.errors.size() == jail_errors_bytes_max);
  CHECK(got.errors.ends_with("end\n"));
}

TEST_CASE("what a job leaves running dies with it, and holds nothing up") {
  if (no_jail()) return;
  scratch s;
  auto const got = run_jailed(shell(s, "setsid sleep 7351901 & (sleep 7351902 &) ; echo done"));
  CHECK(got.ok());
  CHECK(got.said == "done\n");
  CHECK(dies("7351901"));
  CHECK(dies("7351902"));
}

TEST_CASE("a job dies with the program that asked for it") {
  if (no_jail()) return;
  scratch s;
  auto const caller = ::fork();
  if (caller == 0) {
    static_cast<void>(run_jailed(shell(s, "setsid sleep 7351903 & sleep 7351903")));
    ::_exit(0);
  }
  bool seen = false;
  for (int i = 0; i < 500 && !seen; ++i) {
    seen = lives("7351903");
    ::usleep(10'000);
  }
  CHECK(seen);
  ::kill(caller, SIGKILL);
  ::waitpid(caller, nullptr, 0);
  CHECK(dies("7351903"));
}

TEST_CASE("a machine without a jail refuses foreign jobs unless told otherwise") {
  scratch s;
  auto job = shell(s, "cat in/a > out/b; echo done");
  job.inputs = {{"a", s.file("x", "text")}};
  jail_policy policy;
  policy.bubblewrap = "/nonexistent/bwrap";
  auto got = run_jailed(job, policy);
  CHECK(got.end == jail_end::refused);
  INFO(got.why);
  CHECK(got.why.find("no whole jail") != string::npos);
  CHECK(got.why.find("apt-get install bubblewrap") != string::npos);
  CHECK_FALSE(probe_jail(policy).whole());
  job.foreign = false;
  CHECK(run_jailed(job, policy).said == "done\n");
  CHECK(s.out("b") == "text");
  job.foreign = true;
  policy.allow_without_jail = true;
  job.run = {"sh", "-c", "while :; do :; done"};
  job.limits.cpu = 300ms;
  got = run_jailed(job, policy);
  CHECK(got.hit == jail_limit::cpu);
}

TEST_CASE("a job that cannot run is refused with the reason") {
  scratch s;
  auto job = shell(s, "true");
  auto const why = [&] {
    auto const got = run_jailed(job);
    CHECK(got.end == jail_end::refused);
    return got.why;
  };
  job.run = {"no-such-program-here"};
  CHECK(why() ==
        "/usr/bin/no-such-program-here is not there; the service needs it on this machine");
  job.run = {"/bin/sh"};
  CHECK(why() == "/bin/sh is not allowed; allowed: the name of a program of /usr/bin");
  job.run = {"true"};
  for (string const name : {"../x", "a/b/c", "-x", "", "a/../b", "/a", "a/"}) {
    job.inputs = {{name, s.file("x", "")}};
    CHECK(why().find("is not allowed or there twice") != string::npos);
  }
  job.inputs = {{"x", (s.path / "absent").string()}};
  CHECK(why().find("is no file that can be read") != string::npos);
}

TEST_CASE("a cgroup of a job gets its limits, and goes with it") {
  scratch s;
  std::ofstream{s.path / "cgroup.controllers"} << "memory pids";
  jail_limits limits;
  string folder;
  {
    job_cgroup const made{s.path.string(), limits};
    for (auto const& each : fs::directory_iterator{s.path})
      if (each.path().filename().string().starts_with("hydra-job-")) folder = each.path();
    CHECK_FALSE(folder.empty());
    CHECK(made.doors().empty());  // these are no real cgroups: nothing could be limited
  }
  CHECK_FALSE(fs::exists(folder));
  CHECK_FALSE(probe_cgroup("").there);
}
