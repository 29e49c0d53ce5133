// Progress on stderr: a bar on a terminal, plain lines elsewhere, JSON lines for tools. It shows
// what has been simulated, never a guess, and asks the run to stop after Ctrl-C or a time limit.
#pragma once

#include "options.hpp"

#include <hydra/sim/run.hpp>

#include <chrono>
#include <string>

namespace hydra::cli {

class meter {
 public:
  // A limit of zero: none.
  meter(common_options const&, std::string name, duration limit);
  meter(meter const&) = delete;
  meter& operator=(meter const&) = delete;
  ~meter() { clear(); }

  // False: stop.
  [[nodiscard]] bool report(sim::progress const&);
  void clear();  // takes the bar off the screen

  [[nodiscard]] double wall_s() const;
  [[nodiscard]] bool timed_out() const { return timed_out_; }

 private:
  enum class style { none, bar, plain, json };
  void show(sim::progress const&, double wall) const;

  std::string name_;
  style style_ = style::none;
  duration limit_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double next_s_ = 0;
  bool shown_ = false;
  bool timed_out_ = false;
};

// From now on the first SIGINT only sets a flag; a second one ends the program.
void catch_interrupt();
[[nodiscard]] bool was_interrupted();

}  // namespace hydra::cli
