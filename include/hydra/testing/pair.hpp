// Two nodes (or a few) of one type, joined by recorders: a protocol runs in a unit test without
// the simulator.
//
//   pair<ping_pong> two{{.seed = 7, .delay = 10ms}};
//   two.start();
//   CHECK(two.drive());                              // until nothing is left to happen
//   CHECK(two.node(1).answered == 3);
//
// Promise: deterministic. What happens first is the smallest (instant, timer before message,
// head, order of sending). Every message takes `delay`; records are durable at once; a task takes
// its work and gives its input back; an object arrives after `delay`. A drop rule is any callable
// bool(peer from, peer to, sent_message const&, index of the message from 0).
#pragma once

#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace hydra::testing {

struct drop_nothing {
  bool operator()(peer, peer, sent_message const&, std::uint64_t) const noexcept { return false; }
};

struct pair_settings {
  std::uint64_t seed = 1;
  duration delay = 10ms;
  std::size_t heads = 2;
};

template <Node N, class Drop = drop_nothing>
class pair {
 public:
  static constexpr std::size_t drive_steps_max = 100'000;

  explicit pair(pair_settings s = {}, N const& fresh = N{}, Drop drop = {})
      : settings_{s}, fresh_{fresh}, drop_{std::move(drop)} {
    for (std::uint32_t i = 0; i < s.heads; ++i) {
      heads_.push_back({recorder{{.seed = s.seed, .self = peer{i}, .rtt = 2 * s.delay}}, fresh});
    }
  }

  [[nodiscard]] N& node(std::size_t i) { return heads_.at(i).node; }
  [[nodiscard]] recorder& env(std::size_t i) { return heads_.at(i).env; }
  [[nodiscard]] instant now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

  void start() {
    for (std::size_t i = 0; i < heads_.size(); ++i) start(i);
  }
  void start(std::size_t i) {
    auto& h = heads_.at(i);
    h.up = true;
    h.env.set_now(now_);
    h.env.start(h.node);
    collect(i);
  }
  // A fact of the user of head i.
  template <Fact F>
  void tell(std::size_t i, F const& fact) {
    auto& h = heads_.at(i);
    h.env.set_now(now_);
    h.env.tell(h.node, fact);
    collect(i);
  }
  // Drops all that is not durable; restart() builds the node anew.
  void kill(std::size_t i) {
    auto& h = heads_.at(i);
    h.up = false;
    ++h.life;
    h.env.crash();
  }
  void restart(std::size_t i) {
    heads_.at(i).node = fresh_;
    start(i);
  }

  // The next timer, message or answer; false when there is none.
  bool step() {
    auto const timer = next_timer();
    auto const first = std::min_element(flying_.begin(), flying_.end());
    if (timer && (first == flying_.end() || timer->first <= first->at)) {
      fire(timer->second, timer->first);
      return true;
    }
    if (first == flying_.end()) return false;
    auto const f = std::move(*first);
    flying_.erase(first);
    now_ = f.at;
    land(f);
    return true;
  }
  // Until nothing is left; false when steps_max came first (periodic timers never end).
  bool drive_bounded(std::size_t steps_max) {
    for (std::size_t i = 0; i < steps_max; ++i) {
      if (!step()) return true;
    }
    return false;
  }
  bool drive() { return drive_bounded(drive_steps_max); }
  // Until `by` has passed.
  void run_for(duration by) {
    auto const until = now_ + by;
    while (next_at() <= until) step();
    now_ = until;
  }

 private:
  struct head {
    recorder env;
    N node;
    bool up = false;
    std::uint32_t life = 0;
  };
  struct flight {
    instant at{};
    std::uint32_t to = 0;
    std::uint64_t order = 0;
    peer from{};
    std::uint32_t life = 0;  // answers die with the life that asked
    any_described what;
    bool answer = false;
    friend bool operator<(flight const& a, flight const& b) {
      if (a.at != b.at) return a.at < b.at;
      return a.to != b.to ? a.to < b.to : a.order < b.order;
    }
  };

  [[nodiscard]] std::optional<std::pair<instant, std::size_t>> next_timer() {
    std::optional<std::pair<instant, std::size_t>> best;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      auto const at = heads_[i].up ? heads_[i].env.next_at() : never;
      if (at != never && (!best || at < best->first)) best = {at, i};
    }
    return best;
  }
  [[nodiscard]] instant next_at() {
    auto const timer = next_timer();
    auto at = timer ? timer->first : never;
    for (auto const& f : flying_) at = std::min(at, f.at);
    return at;
  }
  void fire(std::size_t i, instant at) {
    auto& h = heads_[i];
    now_ = std::max(now_, at);
    auto const due = h.env.pop_due(now_);
    h.env.set_now(now_);
    if (due) h.env.fire(h.node, *due);
    collect(i);
  }
  void land(flight const& f) {
    auto& h = heads_[f.to];
    if (!h.up || (f.answer && f.life != h.life)) return;
    h.env.set_now(now_);
    if (f.answer) {
      if (f.what.template is<run_done>()) h.env.tell(h.node, f.what.template as<run_done>());
      if (f.what.template is<stream_done>()) {
        h.env.tell(h.node, f.what.template as<stream_done>());
      }
    } else {
      open(typename N::messages{}, h, f);
    }
    collect(f.to);
  }
  template <class... M>
  void open(type_list<M...>, head& h, flight const& f) {
    static_cast<void>(((f.what.template is<M>() &&
                        (h.env.deliver(h.node, f.from, f.what.template as<M>()), true)) || ...));
  }
  // Makes records durable and puts what was recorded under way.
  void collect(std::size_t i) {
    auto& h = heads_[i];
    HYDRA_ENSURES(h.env.settle(h.node));
    auto const self = static_cast<std::uint32_t>(i);
    for (auto& m : h.env.take_sent()) {
      auto const index = messages_++;
      if (m.to.index() >= heads_.size() || drop_(peer{self}, m.to, m, index)) {
        ++dropped_;
        continue;
      }
      flying_.push_back({now_ + settings_.delay, m.to.index(), ++order_, peer{self}, 0,
                         std::move(m.what), false});
    }
    for (auto const& r : h.env.take_runs()) {
      any_described done{run_done{r.id, true, r.what.input, r.what.work}};
      flying_.push_back({now_ + r.what.work, self, ++order_, {}, h.life, std::move(done), true});
    }
    for (auto const& s : h.env.take_streams()) {
      any_described done{stream_done{s.id, true, s.which.count}};
      flying_.push_back(
          {now_ + settings_.delay, self, ++order_, {}, h.life, std::move(done), true});
    }
  }

  pair_settings settings_;
  N fresh_;
  Drop drop_;
  std::vector<head> heads_;
  std::vector<flight> flying_;
  instant now_{};
  std::uint64_t order_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace hydra::testing
