#include "live_head.hpp"

#include "measures.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace hydra::validation {
namespace {

// Appends to a file: what is written is there whatever becomes of this process.
class file_notes final : public note_sink {
 public:
  explicit file_notes(std::string const& path)
      : file_{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)} {}
  ~file_notes() override {
    if (file_ >= 0) ::close(file_);
  }
  file_notes(file_notes const&) = delete;
  file_notes& operator=(file_notes const&) = delete;
  [[nodiscard]] bool open() const noexcept { return file_ >= 0; }
  void put(note const& n) override {
    if (++written_ > notes_max) return;
    if (::write(file_, &n, sizeof n) != static_cast<ssize_t>(sizeof n)) written_ = notes_max;
  }

 private:
  int file_;
  std::size_t written_ = 0;
};

void wait_until_ns(std::int64_t since_1970) {
  timespec const until{since_1970 / 1'000'000'000, since_1970 % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace

std::vector<std::uint16_t> read_ports(std::string const& folder) {
  std::ifstream in{folder + "/ports"};
  std::vector<std::uint16_t> out;
  for (std::uint16_t port = 0; in >> port;) out.push_back(port);
  return out;
}

void wait_until(head_orders const& o, duration at) { wait_until_ns(o.epoch_ns + at.count()); }

void sleep_for_task(duration d) {
  timespec left{d.count() / 1'000'000'000, d.count() % 1'000'000'000};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void write_film(std::string const& path, std::uint64_t bytes, std::uint64_t seed) {
  std::ofstream out{path, std::ios::binary};
  for (std::uint64_t i = 0; i < bytes; i += 8) {
    auto const word = mix64(seed + i);
    out.write(reinterpret_cast<char const*>(&word),
              static_cast<std::streamsize>(std::min<std::uint64_t>(8, bytes - i)));
  }
}

int live_head(head_orders const& o) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  if (::getppid() == 1) return 1;  // who started this is gone already
  auto const p = read_plan(o.plan_file);
  if (!p) return std::fprintf(stderr, "%s\n", p.why().c_str()), 3;
  disturbance d;
  if (!o.disturb.empty()) {
    auto const read = read_disturbance(o.disturb, p.value());
    if (!read) return std::fprintf(stderr, "%s\n", read.why().c_str()), 2;
    d = read.value();
  }
  file_notes to{o.folder + "/notes" + std::to_string(o.index)};
  if (!to.open() || o.index >= p.value().hydras) return 1;
  to.dropped_type = type_named(d.drop);
  ::alarm(static_cast<unsigned>(p.value().lasts / 1s) + 30U);  // whatever happens
  return o.set == "a" ? live_head_a(o, p.value(), d, to) : live_head_b(o, p.value(), d, to);
}

}  // namespace hydra::validation
