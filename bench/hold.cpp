// hold: the hold model (Jones, "An empirical comparison of priority-queue and event-set
// implementations", CACM 1986): take the earliest, put it back an exponential time later, with N
// pending. std::priority_queue runs in turn with our queues, so the ratio does not depend on the
// machine.
#include "measure.hpp"

#include <hydra/core/random.hpp>
#include <hydra/sim/queue.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <queue>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using namespace hydra;

constexpr char const* usage =
    "hold [-n N] [--holds H] [--repeats R] [--json]\n"
    "\n"
    "The hold model: the median of R repeats of H holds, three queues in turn.\n"
    "\n"
    "  --n, -n N     pending, 1 to 16,000,000 (1,000, then 100,000, then 1,000,000)\n"
    "  --holds H     1 to 1,000,000,000 (2,000,000)\n"
    "  --repeats R   1 to 99 (3)\n"
    "  --json        one object a line instead of a table\n"
    "  -h, --help    this\n";

constexpr std::int64_t mean_ns = std::int64_t{1} << 26U;

// Exponential delays from a table: a draw costs a nanosecond.
class delays {
 public:
  delays() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      double const u = (static_cast<double>(i) + 0.5) / static_cast<double>(table_.size());
      table_[i] = 1 + static_cast<std::int64_t>(-std::log(u) * static_cast<double>(mean_ns));
    }
  }
  [[nodiscard]] std::int64_t next() noexcept {
    state_ = mix64(state_);
    return table_[state_ >> 48U];
  }

 private:
  std::array<std::int64_t, 65536> table_{};
  std::uint64_t state_ = 1;
};

double hold_heap(std::uint32_t n, std::uint32_t holds, delays& draw) {
  struct entry {
    std::int64_t at;
    std::uint64_t who;
    bool operator<(entry const& o) const noexcept { return at > o.at; }
  };
  std::priority_queue<entry> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push({draw.next(), i});
  auto const begin = measure::cpu_seconds();
  for (std::uint32_t i = 0; i < holds; ++i) {
    auto e = all.top();
    all.pop();
    e.at += draw.next();
    all.push(e);
  }
  return 1e9 * (measure::cpu_seconds() - begin) / holds;
}

// An event as a shard holds it: header and one word of payload.
void fill(sim::event* e, std::int64_t at, std::uint32_t who) {
  *e = sim::event{at, who, who, 0, 0, 1, 0};
  std::memset(e->payload(), 0, 8);
}

// What a shard asks of its queue: everything of one window, then what follows from it. With no
// more than one event in a window it is a priority queue. The look-ahead is a sixteenth of the
// mean, and none at all for the radix queue.
template <class Queue>
double hold_windows(std::uint32_t n, std::uint32_t holds, delays& draw) {
  constexpr bool radix = std::is_same_v<Queue, sim::radix_queue>;
  auto const window = radix ? 1 : mean_ns / 16;
  Queue queue{window};
  for (std::uint32_t i = 0; i < n; ++i) {
    auto const at = window + draw.next();
    fill(queue.push(at, 1), at, i);
  }
  std::vector<sim::event*> taken;
  std::uint64_t held = 0;
  auto const begin = measure::cpu_seconds();
  while (held < holds) {
    if constexpr (radix) {
      queue.move_to(queue.earliest());
    } else {
      queue.move_to(queue.window_end());
    }
    taken.clear();
    queue.take([&](sim::event& e) { taken.push_back(&e); });
    for (auto const* e : taken) {
      auto const at = e->at + window + draw.next();  // never into the window that runs
      fill(queue.push(at, 1), at, e->to);
    }
    queue.recycle();
    held += taken.size();
  }
  return 1e9 * (measure::cpu_seconds() - begin) / static_cast<double>(held);
}

struct wanted {
  std::vector<std::uint32_t> pending;
  std::uint32_t holds = 2'000'000;
  std::uint32_t repeats = 3;
  bool json = false;
};

wanted read(int argc, char** argv) {
  wanted w;
  for (int i = 1; i < argc; ++i) {
    std::string_view const flag = argv[i];
    if (flag == "-h" || flag == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (flag == "--json") {
      w.json = true;
      continue;
    }
    bool const n = flag == "-n" || flag == "--n";
    if (!n && flag != "--holds" && flag != "--repeats") {
      measure::refuse("hold", "there is no flag '" + std::string{flag} + "'");
    }
    if (++i == argc) measure::refuse("hold", std::string{flag} + " needs a value");
    if (n) w.pending.push_back(measure::number("hold", flag, argv[i], 16'000'000));
    if (flag == "--holds") w.holds = measure::number("hold", flag, argv[i], 1'000'000'000);
    if (flag == "--repeats") w.repeats = measure::number("hold", flag, argv[i], 99);
  }
  if (w.pending.empty()) w.pending = {1'000, 100'000, 1'000'000};
  return w;
}

void compare(std::uint32_t n, wanted const& w, delays& draw) {
  std::vector<double> heap;
  std::array<std::vector<double>, 2> ours;
  std::array<std::vector<double>, 2> ratios;
  for (std::uint32_t r = 0; r < w.repeats; ++r) {
    heap.push_back(hold_heap(n, w.holds, draw));
    ours[0].push_back(hold_windows<sim::window_queue>(n, w.holds, draw));
    ours[1].push_back(hold_windows<sim::radix_queue>(n, w.holds, draw));
    for (std::size_t i = 0; i < 2; ++i) ratios[i].push_back(heap.back() / ours[i].back());
  }
  std::printf(w.json ? "{\"pending\":%u,\"holds\":%u,\"repeats\":%u,\"heap_ns\":%.2f,"
                       "\"window_ns\":%.2f,\"window_ratio\":%.2f,\"radix_ns\":%.2f,"
                       "\"radix_ratio\":%.2f}\n"
                     : "%10u %10u %8u %10.1f %10.1f %9.2f %10.1f %9.2f\n",
              n, w.holds, w.repeats, measure::median(heap), measure::median(ours[0]),
              measure::median(ratios[0]), measure::median(ours[1]), measure::median(ratios[1]));
}

}  // namespace

int main(int argc, char** argv) {
  auto const w = read(argc, argv);
  if (!w.json) {
    std::printf("ns per hold; ratio: std::priority_queue's time over ours\n");
    std::printf("%10s %10s %8s %10s %10s %9s %10s %9s\n", "pending", "holds", "repeats", "heap",
                "window", "ratio", "radix", "ratio");
  }
  delays draw;
  for (auto n : w.pending) compare(n, w, draw);
  return 0;
}
