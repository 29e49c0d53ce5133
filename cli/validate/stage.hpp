// The setting of the simulated world: links as core/link.hpp has them, with the same seed, ends and
// numbers as on the real ones, and what calibration says a machine adds.
#pragma once

#include "calibration.hpp"
#include "people.hpp"
#include "sets.hpp"
#include "work.hpp"

#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace hydra::validation {

// One shard, one thread: each link counts its messages and keeps their order, as the real one does.
template <class H>
class stage : public sim::plain_setting {
 public:
  stage(plan const& p, calibration const& c, disturbance const& d, note_sink& to)
      : plain_setting{p.seed, p.hydras}, plan_{&p}, costs_{c}, wrong_{d}, to_{&to},
        keys_{keys_of(p)}, links_{std::make_shared<link_states>()} {}

  [[nodiscard]] key key_of(peer who) const { return of(who.index()); }
  [[nodiscard]] key key_of(principal who) const { return of(who.index()); }
  [[nodiscard]] key key_of(service what) const {
    return what && what.index() < plan_->services.size() ? service_key_of(*plan_, what.index())
                                                         : key{};
  }
  [[nodiscard]] netgroup netgroup_of(std::uint32_t who) const {
    return derived_netgroup(keys_[who]);
  }
  [[nodiscard]] duration window() const noexcept { return latency_min; }
  [[nodiscard]] bool tells_unreachable() const noexcept { return true; }
  [[nodiscard]] sim::costs prices() const noexcept {
    return {costs_.keep, costs_.sign, costs_.check};
  }
  // Bytes of objects: what leaves is not held up, what arrives takes its turn. Headers, which a
  // flow counts and an emulated line does not, are added here.
  [[nodiscard]] sim::access_line line(std::uint32_t) const noexcept {
    constexpr std::uint64_t fast = 1'000'000'000;
    sim::flow_limits const l;
    return {fast, plan_->line == 0 ? fast : plan_->line * l.packet / l.segment};
  }
  [[nodiscard]] duration one_way(std::uint32_t from, std::uint32_t to) const {
    return link_between(*plan_, wrong_, from, to).latency + costs_.message;
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const {
    if (t.from == t.to) return {.delay = costs_.to_self};
    // A kernel refuses a connection at once: there is no link before it.
    if (t.bytes == sizeof(unreachable)) return {.delay = latency_min};
    auto& link = (*links_)[{t.from, t.to}];
    auto& pair = (*links_)[{std::min(t.from, t.to), std::max(t.from, t.to)}];
    auto const size = static_cast<std::int64_t>(t.bytes);
    auto arrives = t.at + costs_.message + costs_.per_kib * size / 1024;
    if (!pair.connected) arrives += costs_.connect;
    pair.connected = true;
    auto const fate = fate_on(link_between(*plan_, wrong_, t.from, t.to), plan_->seed,
                              keys_[t.from], keys_[t.to], link.sequence++, arrives);
    if (fate.cut || fate.lost) return {.delay = fate.delay, .dropped = true};
    link.due = std::max(link.due, arrives + fate.delay);
    return {.delay = link.due - t.at};
  }
  [[nodiscard]] sim::execution execute(std::uint32_t, task const& t, instant) const {
    return {.takes = time_of(t, wrong_.cpu) + costs_.task, .ok = true, .output = result_of(t)};
  }
  template <class View>
  [[nodiscard]] witness<H> make(View const&, std::uint32_t who) const {
    return {make_head<H>(
                *plan_, who, [](std::uint32_t i) { return peer{i}; },
                [](std::uint32_t i) { return principal{i}; },
                [](std::uint32_t i) { return service{i}; }, simulated_object(*plan_, who)),
            *to_};
  }
  template <class Around>
  void begin(Around& around, std::uint32_t) const {
    around.start_down();  // each starts at its instant
  }
  // A head has crashed: its connections are gone, and what it counted on them.
  void forget(std::uint32_t who) const {
    for (auto& [ends, link] : *links_) {
      if (ends.first == who || ends.second == who) link.connected = false;
      if (ends.second == who) link.sequence = 0;
    }
  }

 private:
  struct link_state {
    std::uint64_t sequence = 0;
    instant due{};
    bool connected = false;
  };
  using link_states = std::map<std::pair<std::uint32_t, std::uint32_t>, link_state>;

  [[nodiscard]] key of(std::uint32_t i) const { return i < keys_.size() ? keys_[i] : key{}; }

  plan const* plan_;
  calibration costs_;
  disturbance wrong_;
  note_sink* to_;
  std::vector<key> keys_;
  std::shared_ptr<link_states> links_;
};

// What happens from outside, in the order of time.
struct planned_event {
  enum class kind : std::uint8_t { start, crash, submit };
  duration at{};
  kind what = kind::start;
  std::uint32_t who = 0;
  planned_job const* job = nullptr;
};
[[nodiscard]] std::vector<planned_event> events_of(plan const& p);

template <class H>
void play(plan const& p, calibration const& c, disturbance const& d, note_sink& to) {
  auto const keys = keys_of(p);
  for (std::uint32_t i = 0; i < p.hydras; ++i) to.know(keys[i], static_cast<std::uint16_t>(i));
  sim::world<witness<H>, stage<H>> world{stage<H>{p, c, d, to}};
  for (auto const& e : events_of(p)) {
    world.run_until(origin + e.at);
    if (e.what == planned_event::kind::start) world.restart(peer{e.who});
    if (e.what == planned_event::kind::crash) {
      world.crash(peer{e.who});
      world.setting().forget(e.who);
    }
    if (e.what == planned_event::kind::submit) {
      world.tell(peer{e.who}, submit{job_of(*e.job, principal{e.who}, service{e.job->what},
                                           simulated_object(p, e.who))});
    }
  }
  world.run_until(origin + p.lasts);
}

}  // namespace hydra::validation
