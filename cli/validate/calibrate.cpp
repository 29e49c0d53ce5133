// What a live run says about what a machine adds to what a plan says.
#include "calibration.hpp"
#include "measures.hpp"
#include "people.hpp"

#include <hydra/assembly/jobs.hpp>
#include <hydra/routing/messages.hpp>

#include <time.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace hydra::validation {
namespace {

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
duration median(std::vector<std::int64_t> v) {
  if (v.empty()) return {};
  auto const at = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), at, v.end());
  return duration{std::max<std::int64_t>(0, *at)};
}

template <class F>
duration time_of_one(F&& call) {
  std::vector<std::int64_t> took;
  for (int i = 0; i < 200; ++i) {
    auto const before = monotonic_ns();
    call();
    took.push_back(monotonic_ns() - before);
  }
  return median(took);
}
void time_signatures(plan const& p, calibration& out) {
  auto const me = identity_of(p, 0);
  std::array<std::byte, 200> const text{};
  auto const s = me.sign(text);
  out.sign = time_of_one([&] { static_cast<void>(me.sign(text)); });
  out.check = time_of_one([&] { static_cast<void>(net::verify(me.raw(), text, s)); });
}

std::int64_t bytes_of(std::uint32_t type) {
  static std::map<std::uint32_t, std::size_t> const sizes{
      {routing::find_node::id.packed(), sizeof(routing::find_node)},
      {routing::nodes::id.packed(), sizeof(routing::nodes)},
      {routing::find_providers::id.packed(), sizeof(routing::find_providers)},
      {routing::providers::id.packed(), sizeof(routing::providers)},
      {routing::ping::id.packed(), sizeof(routing::ping)},
      {routing::pong::id.packed(), sizeof(routing::pong)},
      {call_for_bid::id.packed(), sizeof(call_for_bid)},
      {bid::id.packed(), sizeof(bid)},
  };
  auto const it = sizes.find(type);
  return it == sizes.end() ? 0 : static_cast<std::int64_t>(it->second);
}

// The slope of a line through points, by least squares; none when all lie above one another.
double slope_of(std::vector<std::pair<double, double>> const& points) {
  double x = 0, y = 0, xx = 0, xy = 0;
  auto const n = static_cast<double>(std::max<std::size_t>(1, points.size()));
  for (auto const& p : points) {
    x += p.first / n;
    y += p.second / n;
  }
  for (auto const& p : points) {
    xx += (p.first - x) * (p.first - x);
    xy += (p.first - x) * (p.second - y);
  }
  return xx > 0 ? xy / xx : 0.0;
}

// There and back, without the links: what is left grows with the bytes. Whatever took longer than
// `odd` met a busy processor.
void time_messages(plan const& p, std::vector<note> const& live, calibration& out) {
  constexpr std::int64_t odd = 3'000'000;
  std::vector<std::int64_t> first, plain;
  std::vector<std::pair<double, double>> later;
  for (auto const& t : trips_of(live)) {
    auto const& link = p.classes[p.class_between(t.from, t.to)].link;
    auto const rest = t.took - 2 * link.latency.count();
    auto const bytes = bytes_of(t.asked) + bytes_of(t.answered);
    if (t.first) first.push_back(rest);
    else if (rest < odd) later.emplace_back(static_cast<double>(bytes), static_cast<double>(rest));
  }
  auto const slope = std::max(0.0, slope_of(later));
  for (auto const& [bytes, rest] : later) {
    plain.push_back(static_cast<std::int64_t>(rest - slope * bytes));
  }
  out.per_kib = duration{static_cast<std::int64_t>(slope * 1024)};
  out.message = median(plain) / 2;
  if (!first.empty()) out.connect = std::max(duration{}, median(first) - 2 * out.message);
}

}  // namespace

calibration calibrate(plan const& p, std::vector<note> const& live) {
  calibration out;
  out.per_kib = duration{};
  time_signatures(p, out);
  time_messages(p, live, out);
  std::map<std::uint64_t, std::int64_t> asked, work;
  for (auto const& j : p.jobs) {
    asked[j.number] = j.at.count();
    work[j.number] = j.work.count();
  }
  std::vector<std::int64_t> kept, tasks, own;
  std::map<std::uint64_t, std::int64_t> to_self;
  for (auto const& n : live) {
    if (n.what == kind::accepted) kept.push_back(n.at - asked[n.tag]);
    if (n.what == kind::ran) tasks.push_back(n.value - work[n.tag]);
    if (n.with != n.head || n.type == 0) continue;
    if (n.what == kind::sent) to_self[n.tag ^ mix64(n.type)] = n.at;
    if (n.what == kind::received && to_self.contains(n.tag ^ mix64(n.type))) {
      own.push_back(n.at - to_self[n.tag ^ mix64(n.type)]);
    }
  }
  out.keep = median(kept);
  out.task = median(tasks);
  if (!own.empty()) out.to_self = median(own);
  return out;
}

}  // namespace hydra::validation
