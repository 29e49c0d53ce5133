// The sending half of flows.hpp: the flows that one head sends, and the sharing of its uplink.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/time.hpp>
#include <hydra/sim/flow_message.hpp>
#include <hydra/sim/flow_window.hpp>
#include <hydra/sim/line_share.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hydra::sim {

// The flows a head sends.
class flow_sender {
 public:
  flow_sender() = default;
  flow_sender(std::uint64_t payload_per_s, flow_limits const& limits) : limits_{limits} {
    line_.capacity(payload_per_s);
  }
  void start(instant now, std::uint32_t flow, std::uint32_t to, std::uint64_t bytes, duration rtt,
             bool warm);
  void granted(instant now, std::uint32_t flow, std::uint64_t rate);
  void refused(instant now, std::uint32_t flow);  // by the receiver
  void drop(instant now, std::uint32_t flow);     // by ourselves; the receiver is told
  void lost(instant now, std::uint32_t to);       // it is silent; told all the same
  void died(instant now);
  void settle(instant now, std::vector<flow_action>& out);

  // Bytes that have left so far; 0 when there is no such flow.
  [[nodiscard]] std::uint64_t handed(instant now, std::uint32_t flow) const noexcept {
    auto const slot = slots_.find(flow);
    return slot == no_slot ? 0 : handed_by(flows_[slot], now);
  }
  // Bytes/s of payload, the mean of a round trip; 0 when nothing leaves.
  [[nodiscard]] std::uint64_t rate(std::uint32_t flow) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return flows_.size() - free_.size(); }
  [[nodiscard]] instant next() const noexcept;  // when settle() has something to do
  void clear(std::uint64_t payload_per_s, flow_limits const& limits);

  // visit(flow) for each, in an order that the facts so far fix.
  template <class Visit>
  void each(Visit&& visit) const {
    for (auto const& f : flows_) {
      if (f.live) visit(f.flow);
    }
  }
  // All but the limits. Precondition: settled.
  template <class A>
  void serialize(A& a, unsigned) {
    HYDRA_EXPECTS(said_.empty());
    a& line_& due_& served_& slots_& flows_& free_& touched_& batch_& unsaid_;
    a& work_& work_at_& told_level_;
  }

 private:
  static constexpr std::uint64_t grain = 1024;  // work is counted in 1/1024 of a byte
  static constexpr duration far = duration::max() / 4;

  enum class pace : std::uint8_t {
    waiting,  // nothing leaves: handshake, or repair of losses
    rounds,   // a window at once every round trip
    steady,   // at the flow's own rate
    level,    // at the level of the line
  };
  struct sending {
    std::uint64_t bytes = 0;  // asked for
    std::uint64_t left = 0;   // in grains, at `since`
    std::uint64_t from = 0;   // level: the line's work at `since`
    std::uint64_t speed = 0;  // steady: bytes/s; rounds: bytes/s within a burst
    std::uint64_t grant = no_cap;
    std::uint64_t said = 0;   // the last offer
    flow_window window{};
    instant since{};
    std::uint32_t flow = 0;
    std::uint32_t to = 0;
    pace how = pace::waiting;
    bool live = false;
    bool touched = false;     // its pace is to be found anew
    bool unsaid = false;      // its offer may have changed
    bool fresh = true;        // the receiver has not heard of it
    template <class A>
    void serialize(A& a, unsigned) {
      a& bytes& left& from& speed& grant& said& window& since& flow& to& how;
      a& live& touched& unsaid& fresh;
    }
  };

  [[nodiscard]] static std::uint64_t grains(std::uint64_t bytes_per_s, duration d) noexcept {
    return detail::scaled(bytes_per_s * grain, static_cast<std::uint64_t>(ns(d)),
                          detail::second_ns);
  }
  // The time for so much work, rounded up: then the work is surely done.
  [[nodiscard]] static duration time_for(std::uint64_t work, std::uint64_t bytes_per_s) noexcept {
    if (bytes_per_s == 0) return far;
    auto const t = detail::scaled_up(work, detail::second_ns, bytes_per_s * grain);
    return std::min(far, duration{static_cast<std::int64_t>(t)});
  }
  [[nodiscard]] std::uint64_t work(instant now) const noexcept {  // of the level, in grains
    return work_ + grains(line_.level(), now - work_at_);
  }
  [[nodiscard]] std::uint64_t done(sending const& f, instant now) const noexcept;
  [[nodiscard]] std::uint64_t handed_by(sending const& f, instant now) const noexcept {
    return f.bytes - (f.left - done(f, now) + grain - 1) / grain;
  }
  [[nodiscard]] std::uint64_t cap(sending const& f) const noexcept {
    return limits_.ramp ? std::min(f.grant, f.window.rate()) : f.grant;
  }
  [[nodiscard]] std::uint64_t share_of(sending const& f) const noexcept {
    return std::min(f.grant, line_.level());
  }
  void touch(std::uint32_t slot) {
    if (flows_[slot].touched) return;
    flows_[slot].touched = true;
    touched_.push_back(slot);
    unsay(slot);
  }
  void unsay(std::uint32_t slot) {
    if (flows_[slot].unsaid) return;
    flows_[slot].unsaid = true;
    unsaid_.push_back(slot);
  }
  void wait_for_receiver(instant now, std::uint32_t slot);
  void expire(instant now);
  void step(instant now, std::uint32_t slot);
  void settle_line(instant now);
  void run(instant now, std::uint32_t slot);
  [[nodiscard]] instant run_rounds(instant now, sending& f);
  void look_through(instant now);
  void tell(std::uint32_t slot);
  void remove(std::uint32_t slot);
  void end(instant now, std::uint32_t slot, flow_word last);

  flow_limits limits_{};
  line_share line_;
  slot_heap due_;     // by instant: the next thing a flow does by itself
  slot_heap served_;  // by the line's work: when a flow at the level is done
  flow_slots slots_;
  std::vector<sending> flows_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint32_t> batch_;
  std::vector<std::uint32_t> unsaid_;
  std::vector<flow_action> said_;  // effects of this instant
  std::uint64_t work_ = 0;
  instant work_at_{};
  std::uint64_t told_level_ = 0;  // when all flows were last looked through
};

inline std::uint64_t flow_sender::done(sending const& f, instant now) const noexcept {
  auto const t = now - f.since;
  if (t <= duration{}) return 0;
  if (f.how == pace::level) return std::min(f.left, work(now) - f.from);
  if (f.how == pace::steady) return std::min(f.left, grains(f.speed, t));
  if (f.how == pace::waiting) return 0;
  auto const whole = static_cast<std::uint64_t>(t / f.window.rtt());
  auto const size = f.window.size() * grain;
  auto const part = std::min(size, grains(f.speed, t % f.window.rtt()));
  return std::min(f.left, detail::scaled(whole, size, 1) + part);
}

inline std::uint64_t flow_sender::rate(std::uint32_t flow) const noexcept {
  auto const slot = slots_.find(flow);
  if (slot == no_slot) return 0;
  auto const& f = flows_[slot];
  if (f.how == pace::waiting) return 0;
  return std::min(cap(f), line_.level());
}

inline void flow_sender::start(instant now, std::uint32_t flow, std::uint32_t to,
                               std::uint64_t bytes, duration rtt, bool warm) {
  HYDRA_EXPECTS(bytes > 0);
  HYDRA_EXPECTS(bytes < (std::uint64_t{1} << 52U));
  HYDRA_EXPECTS(slots_.find(flow) == no_slot);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  auto const slot = free_.back();
  free_.pop_back();
  slots_.put(flow, slot);
  auto& f = flows_[slot];
  f = sending{};
  f.bytes = bytes;
  f.left = bytes * grain;
  f.window = flow_window{limits_, rtt};
  f.flow = flow;
  f.to = to;
  f.live = true;
  f.since = warm ? now : now + rtt;
  due_.put(slot, static_cast<std::uint64_t>(ns(f.since)));
  touch(slot);
}

inline void flow_sender::granted(instant now, std::uint32_t flow, std::uint64_t rate) {
  auto const slot = slots_.find(flow);
  if (slot == no_slot) return;  // it has just ended
  auto& f = flows_[slot];
  auto const first = f.grant == no_cap;
  auto const before = cap(f);
  f.grant = std::max<std::uint64_t>(rate, 1);
  if (!line_.holds(slot)) return;
  if (first) wait_for_receiver(now, slot);
  if (cap(f) == before) return;
  line_.put(slot, cap(f));
  touch(slot);
}

// The first grant of a warm connection comes a round trip after its first byte. What left meanwhile
// beyond the grant lies before the receiver's line: nothing leaves until it is through.
inline void flow_sender::wait_for_receiver(instant now, std::uint32_t slot) {
  auto& f = flows_[slot];
  auto const out = f.bytes * grain - f.left + done(f, now);
  auto const taken = grains(f.grant, f.window.rtt());
  if (out <= taken || f.since > now) return;
  f.left -= done(f, now);
  if (f.left == 0) return;  // it ends at this instant
  if (f.how == pace::rounds) f.window.next_round(limits_);
  f.how = pace::waiting;
  f.since = now + time_for(out - taken, f.grant);
  served_.drop(slot);
  due_.put(slot, static_cast<std::uint64_t>(ns(f.since)));
}

inline void flow_sender::remove(std::uint32_t slot) {
  auto& f = flows_[slot];
  line_.drop(slot);
  due_.drop(slot);
  served_.drop(slot);
  slots_.drop(f.flow);
  f.live = false;
  free_.push_back(slot);
}

// `last` is what the receiver is told; `refused`: nothing, it knows.
inline void flow_sender::end(instant now, std::uint32_t slot, flow_word last) {
  auto const& f = flows_[slot];
  auto const bytes = handed_by(f, now);
  if (last != flow_word::refused) {
    said_.push_back({.what = flow_action::kind::send, .other = f.to, .flow = f.flow,
                     .message = {last, f.flow, 0, bytes}});
  }
  if (last != flow_word::silent) {
    said_.push_back({.what = flow_action::kind::sent, .whole = bytes == f.bytes,
                     .other = f.to, .flow = f.flow, .bytes = bytes});
  }
  remove(slot);
}

inline void flow_sender::refused(instant now, std::uint32_t flow) {
  auto const slot = slots_.find(flow);
  if (slot != no_slot) end(now, slot, flow_word::refused);
}

inline void flow_sender::drop(instant now, std::uint32_t flow) {
  auto const slot = slots_.find(flow);
  if (slot != no_slot) end(now, slot, flow_word::dropped);
}

inline void flow_sender::lost(instant now, std::uint32_t to) {
  for (std::uint32_t slot = 0; slot < flows_.size(); ++slot) {
    if (flows_[slot].live && flows_[slot].to == to) end(now, slot, flow_word::dropped);
  }
}

inline void flow_sender::died(instant now) {
  for (std::uint32_t slot = 0; slot < flows_.size(); ++slot) {
    if (flows_[slot].live) end(now, slot, flow_word::silent);
  }
}

// Everything due by now: flows that end, flows whose window moves.
inline void flow_sender::expire(instant now) {
  auto const at = static_cast<std::uint64_t>(ns(now));
  while (!due_.empty() && due_.key() <= at) {
    auto const slot = due_.top();
    due_.drop(slot);
    if (flows_[slot].left == done(flows_[slot], now)) end(now, slot, flow_word::end);
    else step(now, slot);
  }
  while (!served_.empty() && served_.key() <= work(now)) end(now, served_.top(), flow_word::end);
}

// A flow's own instant has come: its handshake is over, its round is, or its window grows.
inline void flow_sender::step(instant now, std::uint32_t slot) {
  auto& f = flows_[slot];
  f.left -= done(f, now);
  f.since = now;
  f.from = work(now);
  if (f.how == pace::rounds) {
    f.window.next_round(limits_);
  } else if (f.how != pace::waiting) {
    f.window.grow(now, limits_, share_of(f));
  }
  line_.put(slot, cap(f));
  touch(slot);
}

// Work done so far was done at the old level.
inline void flow_sender::settle_line(instant now) {
  work_ = served_.empty() ? 0 : work(now);  // counted from when the line last had nobody at it
  work_at_ = now;
  line_.settle([this](std::uint32_t slot) { touch(slot); });
}

// One window, now and every round trip. In slow start the next is another; the acknowledgement of
// an odd last segment is delayed, so that the last of a window may have to wait for it.
inline instant flow_sender::run_rounds(instant now, sending& f) {
  auto const size = f.window.size() * grain;
  f.how = pace::rounds;
  f.speed = share_of(f);
  auto const before = (f.left - 1) / size;  // whole rounds
  auto const rtt = f.window.rtt();
  if (f.window.slow_start() && before > 0 && f.window.size() < limits_.window) return now + rtt;
  auto const tail = f.left - before * size;
  auto burst = time_for(tail, f.speed);
  if (f.window.odd(limits_) && tail + 2 * grain * limits_.segment > size) {
    burst = std::max(burst, std::min<duration>(rtt, 40ms + time_for(size / 2, f.speed)));
  }
  return now + std::min(far, static_cast<std::int64_t>(before) * rtt) + burst;
}

// Gives a flow its pace: the line, its grant or its window has changed.
inline void flow_sender::run(instant now, std::uint32_t slot) {
  auto& f = flows_[slot];
  if (f.since > now) return;  // it still waits
  f.left -= done(f, now);
  f.since = now;
  f.from = work(now);
  auto const share = share_of(f);
  auto at = never;
  if (limits_.ramp && f.window.slow_start()) {
    if (!f.window.gaps(limits_, share)) {
      f.how = pace::waiting;
      f.since = now + f.window.leave_slow_start(now, limits_, share);
      due_.put(slot, static_cast<std::uint64_t>(ns(f.since)));
      line_.put(slot, cap(f));  // what is repaired takes its share
      if (f.since == now) touch(slot);
      return;
    }
    at = run_rounds(now, f);
  } else if (line_.at_level(slot)) {
    f.how = pace::level;
    if (limits_.ramp && !f.window.deep(limits_)) at = f.window.grows(now, limits_);
  } else if (limits_.ramp && f.window.rate() < f.grant && f.window.size() == limits_.window) {
    at = run_rounds(now, f);
  } else {
    f.how = pace::steady;
    f.speed = cap(f);
    at = now + time_for(f.left, f.speed);
    auto const held = limits_.ramp && f.grant <= f.window.rate() && f.window.deep(limits_);
    if (limits_.ramp && !held) at = std::min(at, f.window.grows(now, limits_));
  }
  if (f.how == pace::level) served_.put(slot, f.from + f.left);
  else served_.drop(slot);
  if (at == never) due_.drop(slot);
  else due_.put(slot, static_cast<std::uint64_t>(ns(at)));
}

// The level has moved: the far ends may have to know. Each move pays for one look at all flows.
inline void flow_sender::look_through(instant now) {
  auto const level = line_.level();
  auto const step = told_level_ / limits_.tell;
  if (level <= told_level_ + step && level + step >= told_level_) return;
  told_level_ = level;
  for (std::uint32_t slot = 0; slot < flows_.size(); ++slot) {
    auto& f = flows_[slot];
    if (!f.live) continue;
    if (limits_.ramp && !f.window.slow_start() && f.window.deep(limits_) && line_.at_level(slot)) {
      f.window.held(now, limits_, share_of(f));
      line_.put(slot, cap(f));
    }
    unsay(slot);
  }
}

inline void flow_sender::tell(std::uint32_t slot) {
  auto& f = flows_[slot];
  f.unsaid = false;
  if (!f.live) return;
  auto offer = line_.level();
  if (limits_.ramp) offer = std::min(offer, f.window.rate());
  if (!f.fresh && !worth_telling(f.said, offer, f.grant, limits_.tell)) return;
  auto const word = f.fresh ? flow_word::begin : flow_word::offer;
  f.fresh = false;
  f.said = offer;
  said_.push_back({.what = flow_action::kind::send, .other = f.to, .flow = f.flow,
                   .message = {word, f.flow, offer, word == flow_word::begin ? f.bytes : 0}});
}

inline void flow_sender::settle(instant now, std::vector<flow_action>& out) {
  expire(now);
  while (line_.stale() || !touched_.empty()) {
    if (line_.stale()) settle_line(now);
    std::swap(batch_, touched_);
    for (auto slot : batch_) {
      flows_[slot].touched = false;
      if (line_.holds(slot)) run(now, slot);
    }
    batch_.clear();
    if (!line_.stale()) look_through(now);
  }
  for (auto slot : unsaid_) tell(slot);
  unsaid_.clear();
  std::sort(said_.begin(), said_.end(), comes_before);
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

inline instant flow_sender::next() const noexcept {
  auto at = never;
  if (!due_.empty()) at = at_ns(static_cast<std::int64_t>(due_.key()));
  if (served_.empty()) return at;
  return std::min(at, work_at_ + time_for(served_.key() - work_, line_.level()));
}

inline void flow_sender::clear(std::uint64_t payload_per_s, flow_limits const& limits) {
  limits_ = limits;
  line_.clear();
  line_.capacity(payload_per_s);
  due_.clear();
  served_.clear();
  slots_.clear();
  flows_.clear();
  free_.clear();
  touched_.clear();
  unsaid_.clear();
  said_.clear();
  work_ = 0;
  work_at_ = {};
  told_level_ = 0;
}

}  // namespace hydra::sim
