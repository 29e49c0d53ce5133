#include "meter.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace hydra::cli {
namespace {

std::sig_atomic_t volatile interrupt_seen = 0;

void on_interrupt(int) { interrupt_seen = 1; }

// 1.82 M, 430 k.
std::string short_number(double x) {
  if (x >= 1e6) return fmt::format("{:.2f} M", x / 1e6);
  if (x >= 1e3) return fmt::format("{:.0f} k", x / 1e3);
  return fmt::format("{:.0f}", x);
}

std::string clock_text(double s) {
  auto const n = static_cast<long>(s);
  if (n >= 3600) return fmt::format("{}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60);
  return fmt::format("{}:{:02}", n / 60, n % 60);
}

}  // namespace

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one finds the default again
  sigemptyset(&action.sa_mask);
  for (int s : {SIGINT, SIGTERM, SIGHUP}) sigaction(s, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow fails as on a full disk
}

bool was_interrupted() { return interrupt_seen != 0; }

meter::meter(common_options const& o, std::string name, duration limit)
    : name_{std::move(name)}, limit_{limit} {
  char const* term = std::getenv("TERM");
  bool const terminal = isatty(STDERR_FILENO) == 1 && term != nullptr &&
                        std::string_view{term} != "dumb";
  if (o.quiet || o.progress == progress_style::none) {
    style_ = style::none;
  } else if (o.progress == progress_style::json) {
    style_ = style::json;
  } else {
    style_ = terminal && o.progress == progress_style::automatic ? style::bar : style::plain;
  }
  next_s_ = style_ == style::plain ? 2 : 0.2;
}

double meter::wall_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool meter::report(sim::progress const& p) {
  auto const wall = wall_s();
  if (limit_ > duration{} && wall > seconds(limit_)) timed_out_ = true;
  if (style_ != style::none && wall >= next_s_) {
    show(p, wall);
    shown_ = true;
    next_s_ = wall + (style_ == style::bar ? 0.1 : style_ == style::json ? 0.5 : 5.0);
  }
  return !was_interrupted() && !timed_out_;
}

void meter::show(sim::progress const& p, double wall) const {
  auto const done = seconds(p.simulated);
  auto const total = seconds(p.total);
  auto const share = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0.0;
  auto const per_s = static_cast<double>(p.events) / std::max(wall, 1e-9);
  // A rate from the first hundredth says little: until then no remaining time is shown.
  bool const known = share > 0.01;
  auto const left = known ? wall * (1 - share) / share : 0.0;
  if (style_ == style::json) {
    fmt::print(stderr,
               "{{\"simulated_s\":{:.3f},\"total_s\":{:.3f},\"events\":{},\"events_per_s\":{:.0f},"
               "\"wall_s\":{:.3f},\"remaining_s\":{}}}\n",
               done, total, p.events, per_s, wall, known ? fmt::format("{:.1f}", left) : "null");
    return;
  }
  auto const text = fmt::format("{:3} %  {} of {}  {} events/s  {}", static_cast<int>(share * 100),
                                clock_text(done), clock_text(total), short_number(per_s),
                                known ? clock_text(left + 0.999) + " left" : "");
  if (style_ == style::plain) {
    fmt::print(stderr, "{}: {}\n", name_, text);
    return;
  }
  constexpr int width = 24;
  auto const full = static_cast<int>(share * width);
  fmt::print(stderr, "\r{} [{:=<{}}{:{}}] {}\x1b[K", name_, "", full, "", width - full, text);
  std::fflush(stderr);
}

void meter::clear() {
  if (shown_ && style_ == style::bar) {
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
  }
  shown_ = false;
}

}  // namespace hydra::cli
