// The model of flows against the stored times of ns-3, scene by scene.
//   flows_table REFERENCE.csv [PART] [--quiet]     exit 4: median above 10 % or p90 above 30 %
#include "flows_scenarios.hpp"

#include <hydra/sim/flows.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace hydra;
using namespace hydra::sim;

struct event {
  std::int64_t at;
  std::uint32_t head, from;
  std::uint64_t sequence;
  bool wake;
  flow_message message;
};
bool later(event const& a, event const& b) {
  return std::tuple{a.at, a.head, a.wake, a.from, a.sequence} >
         std::tuple{b.at, b.head, b.wake, b.from, b.sequence};
}

// A small event loop: the heads of a scene, their messages and their wakes.
class loop {
 public:
  explicit loop(flows_bench::scene const& s) : scene_{&s}, done_ms_(s.flows.size(), -1) {
    flow_limits limits;
    limits.window = s.window;
    auto const plain = std::chrono::microseconds{flows_bench::buffer_us};
    limits.buffer = s.fair ? flows_bench::codel_interval : plain;
    limits.standing = s.fair ? flows_bench::codel_target : plain;
    for (auto const& h : s.heads) {
      heads_.emplace_back(access_line{h.up * 125'000ULL, h.down * 125'000ULL}, limits);
    }
  }
  std::vector<double> run() {
    std::vector<std::size_t> order(scene_->flows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return scene_->flows[a].start < scene_->flows[b].start;
    });
    std::size_t next = 0;
    while (next < order.size() || !events_.empty()) {
      if (next < order.size() &&
          (events_.empty() || scene_->flows[order[next]].start * 1'000 <= events_.front().at)) {
        auto const& t = scene_->flows[order[next]];
        auto const now = at_ns(t.start * 1'000);
        heads_[t.from].start(now, static_cast<std::uint32_t>(order[next]), t.to, t.bytes,
                             2 * latency(t.from, t.to));
        settle(now, t.from);
        ++next;
      } else {
        take();
      }
    }
    return done_ms_;
  }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t wakes() const { return wakes_; }

 private:
  [[nodiscard]] duration latency(std::uint32_t a, std::uint32_t b) const {
    return std::chrono::microseconds{scene_->heads[a].delay + scene_->heads[b].delay};
  }
  void take() {
    std::pop_heap(events_.begin(), events_.end(), later);
    auto const e = events_.back();
    events_.pop_back();
    ++(e.wake ? wakes_ : messages_);
    if (!e.wake) heads_[e.head].told(at_ns(e.at), e.from, e.message);
    settle(at_ns(e.at), e.head);
  }
  void settle(instant now, std::uint32_t head) {
    out_.clear();
    heads_[head].settle(now, out_);
    for (auto const& a : out_) {
      if (a.what == flow_action::kind::wake) {
        push({ns(a.at), head, head, sequence_++, true, {}});
      } else if (a.what == flow_action::kind::send) {
        push({ns(now + latency(head, a.other)), a.other, head, sequence_++, false, a.message});
      } else if (a.what == flow_action::kind::received) {
        done_ms_[a.flow] = static_cast<double>(ns(now)) * 1e-6 -
                           static_cast<double>(scene_->flows[a.flow].start) * 1e-3;
      }
    }
  }
  void push(event const& e) {
    events_.push_back(e);
    std::push_heap(events_.begin(), events_.end(), later);
  }

  flows_bench::scene const* scene_;
  std::vector<flow_ends> heads_;
  std::vector<event> events_;
  std::vector<flow_action> out_;
  std::vector<double> done_ms_;
  std::uint64_t sequence_ = 0, messages_ = 0, wakes_ = 0;
};

// Scene and flow to milliseconds; a time below 0 is a flow that did not end.
std::map<std::string, double> read(char const* path) {
  std::ifstream in{path};
  std::map<std::string, double> found;
  std::string line;
  while (std::getline(in, line)) {
    auto const comma = line.rfind(',');
    if (comma == std::string::npos || line.starts_with("scene,")) continue;
    found[line.substr(0, comma)] = std::strtod(line.c_str() + comma + 1, nullptr);
  }
  return found;
}

double quantile(std::vector<double> const& sorted, double q) {
  auto const i = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(i, 1) - 1];
}

void summary(char const* what, std::vector<double>& errors) {
  if (errors.empty()) return;
  std::sort(errors.begin(), errors.end());
  std::printf("%-20s %4zu flows  median %5.1f %%  p90 %5.1f %%  max %5.1f %%\n", what,
              errors.size(), 100 * quantile(errors, 0.5), 100 * quantile(errors, 0.9),
              100 * errors.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: flows_table REFERENCE.csv [PART] [--quiet]\n");
    return 2;
  }
  auto const reference = read(argv[1]);
  if (reference.empty()) {
    std::fprintf(stderr, "%s: no times in it\n", argv[1]);
    return 1;
  }
  bool const quiet = argc > 2 && std::strcmp(argv[argc - 1], "--quiet") == 0;
  std::string const part = argc > 2 && argv[2][0] != '-' ? argv[2] : "";
  std::vector<double> errors, one, fair, plain;
  std::size_t missing = 0;
  std::uint64_t messages = 0, wakes = 0;
  if (!quiet) {
    std::printf("%-36s %4s %12s %12s %8s\n", "scene", "flow", "ns-3 ms", "model ms", "off");
  }
  for (auto const& s : flows_bench::scenes()) {
    if (s.name.find(part) == std::string::npos) continue;
    loop l{s};
    auto const found = l.run();
    messages += l.messages();
    wakes += l.wakes();
    for (std::size_t f = 0; f < found.size(); ++f) {
      auto const known = reference.find(s.name + "," + std::to_string(f));
      if (known == reference.end() || known->second < 0) {
        ++missing;
        continue;
      }
      auto const off = found[f] / known->second - 1;
      errors.push_back(std::fabs(off));
      auto& kind = s.name.starts_with("one_") ? one : s.fair ? fair : plain;
      kind.push_back(std::fabs(off));
      if (!quiet) {
        std::printf("%-36s %4zu %12.1f %12.1f %+7.1f%%\n", s.name.c_str(), f, known->second,
                    found[f], 100 * off);
      }
    }
  }
  if (errors.empty()) {
    std::fprintf(stderr, "no scene with a reference\n");
    return 1;
  }
  summary("single", one);
  summary("shared, fair queues", fair);
  summary("shared, plain queues", plain);
  summary("all", errors);
  auto const count = static_cast<double>(errors.size() + missing);
  std::printf("%zu flows without a reference; per flow %.1f messages and %.1f wakes\n", missing,
              static_cast<double>(messages) / count, static_cast<double>(wakes) / count);
  auto const median = quantile(errors, 0.5);
  auto const p90 = quantile(errors, 0.9);
  std::printf("median %.1f %%\np90 %.1f %%\n", 100 * median, 100 * p90);
  return median > 0.10 || p90 > 0.30 ? 4 : 0;
}
