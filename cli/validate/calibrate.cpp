// What a live run says about what a machine adds to what a plan says.
#include "calibration.hpp"
#include "measures.hpp"
#include "people.hpp"

#include <hydra/routing/messages.hpp>

#include <time.h>

#include <algorithm>
#include <array>
#include <map>

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

// There and back, without the links: of small questions and large ones, of first and later ones.
void time_messages(plan const& p, std::vector<note> const& live, calibration& out) {
  std::vector<std::int64_t> later, small, large, first;
  for (auto const& t : trips_of(live)) {
    auto const& link = p.classes[p.class_between(t.from, t.to)].link;
    auto const rest = t.took - 2 * link.latency.count();
    if (t.first) {
      first.push_back(rest);
      continue;
    }
    later.push_back(rest);
    if (t.answered == routing::pong::id.packed()) small.push_back(rest);
    if (t.answered == routing::providers::id.packed()) large.push_back(rest);
  }
  constexpr auto more = static_cast<std::int64_t>(sizeof(routing::find_providers) +
                                                  sizeof(routing::providers) -
                                                  2 * sizeof(routing::ping));
  auto const apart = median(large) - median(small);
  if (!small.empty() && !large.empty() && apart > duration{}) out.per_kib = apart * 1024 / more;
  constexpr auto usual = static_cast<std::int64_t>(sizeof(routing::find_node) +
                                                   sizeof(routing::nodes));
  auto const of_bytes = out.per_kib * usual / 1024;
  out.message = std::max<duration>(duration{}, (median(later) - of_bytes) / 2);
  if (!first.empty()) out.connect = std::max(duration{}, median(first) - median(later));
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
