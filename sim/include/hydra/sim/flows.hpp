// Bulk data as flows: all transfers of one head, those it sends and those it receives.
//
// A flow is a number of bytes pushed from one head to another. Nothing here is a packet: an event
// happens when a rate changes. Sharing is local to each end: the sender's uplink and the receiver's
// downlink are each split max-min among their flows (line_share); a flow runs at the least of the
// sender's share, the receiver's last grant and its own window (flow_window). Ends tell each other
// by messages, so all that is known of the far end is one latency old; there is no global solve.
//
// Rules. An offer says what the sender would send if the receiver did not bind it; a grant what the
// receiver would take if the sender did not bind it; each is the other's cap. Both are told again
// only when they changed by more than 1/tell and bind. Their fixed point is the max-min allocation
// of the whole network, within those 1/tell.
//
// Use. Facts go in (start, told, lost, drop, refuse), effects come out of settle(), which must
// follow the last fact of an instant before time moves on; it may follow each. Called early or
// twice it changes nothing: stale wakes are harmless. Effects are ordered by content and do not
// depend on the order of facts of one instant, as long as settle() comes once after them. Facts
// come in order of time; messages of one pair arrive in the order they were sent.
//
// Promise: integers only; a copy continues like the original; what is handed over never exceeds,
// and at the end equals, the bytes asked for. `sent` is told when the last byte has left: a message
// sent then arrives behind it. Cost: O(log flows) for a start, an end or a change of rate, and
// O(tell) messages per start, amortised. No allocation once warm. About 500 B per flow, both ends
// together; a head without flows costs 4 B (flow_machines).
//
// Not modelled: queues of one flow behind another (lines are fair), acknowledgements' share of the
// way back, packets lost on the way, a middle of the network, retransmission time-outs.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/time.hpp>
#include <hydra/sim/flow_message.hpp>
#include <hydra/sim/flow_sender.hpp>
#include <hydra/sim/flow_window.hpp>
#include <hydra/sim/line_share.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::sim {

// The flows a head receives.
class flow_receiver {
 public:
  flow_receiver() = default;
  flow_receiver(std::uint64_t payload_per_s, flow_limits const& limits) : limits_{limits} {
    line_.capacity(payload_per_s);
  }
  void told(std::uint32_t from, flow_message const& m);
  void refuse(std::uint32_t from, std::uint32_t flow);  // the sender is told
  void lost(std::uint32_t from);                        // it is silent; told all the same
  void settle(std::vector<flow_action>& out);
  [[nodiscard]] std::size_t size() const noexcept { return flows_.size() - free_.size(); }
  // visit(from, flow) for each, in an order that the facts so far fix.
  template <class Visit>
  void each(Visit&& visit) const {
    for (auto const& f : flows_) {
      if (f.live) visit(f.from, f.flow);
    }
  }
  void clear(std::uint64_t payload_per_s, flow_limits const& limits);
  // All but the limits. Precondition: settled.
  template <class A>
  void serialize(A& a, unsigned) {
    HYDRA_EXPECTS(said_.empty());
    a& line_& slots_& flows_& free_& touched_& told_level_;
  }

 private:
  struct receiving {
    std::uint64_t offer = 0;  // what the sender would send
    std::uint64_t said = 0;   // the last grant; 0: none yet
    std::uint64_t bytes = 0;  // of the flow
    std::uint64_t have = 0;   // known to have come
    std::uint32_t from = 0;
    std::uint32_t flow = 0;
    bool live = false;
    template <class A>
    void serialize(A& a, unsigned) {
      a& offer& said& bytes& have& from& flow& live;
    }
  };
  [[nodiscard]] static std::uint64_t name(std::uint32_t from, std::uint32_t flow) noexcept {
    return (std::uint64_t{from} << 32U) | flow;
  }
  void begin(std::uint32_t from, flow_message const& m);
  void end(std::uint32_t slot, std::uint64_t have);
  void tell(std::uint32_t slot);

  flow_limits limits_{};
  line_share line_;
  flow_slots slots_;
  std::vector<receiving> flows_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> touched_;
  std::vector<flow_action> said_;
  std::uint64_t told_level_ = 0;
};

inline void flow_receiver::begin(std::uint32_t from, flow_message const& m) {
  if (slots_.find(name(from, m.flow)) != no_slot) return;  // a second begin says nothing new
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  auto const slot = free_.back();
  free_.pop_back();
  slots_.put(name(from, m.flow), slot);
  flows_[slot] = {m.rate, 0, m.bytes, 0, from, m.flow, true};
  line_.put(slot, m.rate);
  touched_.push_back(slot);
}

inline void flow_receiver::end(std::uint32_t slot, std::uint64_t have) {
  auto& f = flows_[slot];
  said_.push_back({.what = flow_action::kind::received, .whole = have == f.bytes,
                   .other = f.from, .flow = f.flow, .bytes = have});
  line_.drop(slot);
  slots_.drop(name(f.from, f.flow));
  f.live = false;
  free_.push_back(slot);
}

inline void flow_receiver::told(std::uint32_t from, flow_message const& m) {
  if (m.what == flow_word::begin) return begin(from, m);
  auto const slot = slots_.find(name(from, m.flow));
  if (slot == no_slot) return;  // refused meanwhile
  auto& f = flows_[slot];
  if (m.what == flow_word::offer) {
    f.offer = m.rate;
    line_.put(slot, m.rate);
    touched_.push_back(slot);
  } else if (m.what == flow_word::silent) {  // the silence itself is noticed later, see lost()
    f.have = m.bytes;
    line_.drop(slot);
  } else {
    end(slot, m.bytes);
  }
}

inline void flow_receiver::refuse(std::uint32_t from, std::uint32_t flow) {
  auto const slot = slots_.find(name(from, flow));
  if (slot == no_slot) return;
  said_.push_back({.what = flow_action::kind::send, .other = from, .flow = flow,
                   .message = {flow_word::refused, flow, 0, 0}});
  end(slot, flows_[slot].have);
}

inline void flow_receiver::lost(std::uint32_t from) {
  for (std::uint32_t slot = 0; slot < flows_.size(); ++slot) {
    if (flows_[slot].live && flows_[slot].from == from) refuse(from, flows_[slot].flow);
  }
}

inline void flow_receiver::tell(std::uint32_t slot) {
  auto& f = flows_[slot];
  if (!f.live || !line_.holds(slot)) return;
  auto const grant = std::max<std::uint64_t>(line_.level(), 1);
  if (f.said != 0 && !worth_telling(f.said, grant, f.offer, limits_.tell)) return;
  f.said = grant;
  said_.push_back({.what = flow_action::kind::send, .other = f.from, .flow = f.flow,
                   .message = {flow_word::grant, f.flow, grant, 0}});
}

inline void flow_receiver::settle(std::vector<flow_action>& out) {
  if (line_.stale()) {
    line_.settle([this](std::uint32_t slot) { touched_.push_back(slot); });
  }
  auto const level = line_.level();
  auto const step = told_level_ / limits_.tell;
  if (level > told_level_ + step || level + step < told_level_) {
    told_level_ = level;
    for (std::uint32_t slot = 0; slot < flows_.size(); ++slot) tell(slot);
  } else {
    for (auto slot : touched_) tell(slot);
  }
  touched_.clear();
  std::sort(said_.begin(), said_.end(), comes_before);
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

inline void flow_receiver::clear(std::uint64_t payload_per_s, flow_limits const& limits) {
  limits_ = limits;
  line_.clear();
  line_.capacity(payload_per_s);
  slots_.clear();
  flows_.clear();
  free_.clear();
  touched_.clear();
  said_.clear();
  told_level_ = 0;
}

// Both halves of a head. Every fact is followed, before time moves on, by settle().
class flow_ends {
 public:
  flow_ends() = default;
  explicit flow_ends(access_line line, flow_limits const& limits = {})
      : sender_{payload(line.up, limits), limits}, receiver_{payload(line.down, limits), limits} {}

  // Bytes to push to `to`. `flow`: a number this sender uses once. `rtt`: there and back. `warm`:
  // the connection stands; else a handshake of one round trip comes first.
  void start(instant now, std::uint32_t flow, std::uint32_t to, std::uint64_t bytes, duration rtt,
             bool warm = false) {
    sender_.start(now, flow, to, bytes, rtt, warm);
  }
  void told(instant now, std::uint32_t from, flow_message const& m) {
    if (m.what == flow_word::grant) sender_.granted(now, m.flow, m.rate);
    else if (m.what == flow_word::refused) sender_.refused(now, m.flow);
    else receiver_.told(from, m);
  }
  // Give up a flow we send; the receiver is told how far it came.
  void drop(instant now, std::uint32_t flow) { sender_.drop(now, flow); }
  // Give up a flow we receive; the sender is told.
  void refuse(std::uint32_t from, std::uint32_t flow) { receiver_.refuse(from, flow); }
  // `other` has been silent too long: all flows with it are over. It is told, in case it lives.
  void lost(instant now, std::uint32_t other) {
    sender_.lost(now, other);
    receiver_.lost(other);
  }
  // This head dies now: what it had handed over still arrives (`silent`), nobody else is told.
  void died(instant now, std::vector<flow_action>& out) {
    sender_.died(now);
    settle(now, out);
  }
  // Appends the effects of the facts since the last call.
  void settle(instant now, std::vector<flow_action>& out) {
    sender_.settle(now, out);
    receiver_.settle(out);
    auto const next = std::max(sender_.next(), now);
    if (next == never || (next >= armed_ && armed_ > now)) return;
    armed_ = next;
    out.push_back({.what = flow_action::kind::wake, .at = next});
  }

  [[nodiscard]] std::uint64_t handed(instant now, std::uint32_t flow) const noexcept {
    return sender_.handed(now, flow);
  }
  [[nodiscard]] std::uint64_t rate(std::uint32_t flow) const noexcept {
    return sender_.rate(flow);
  }
  [[nodiscard]] bool idle() const noexcept { return sender_.size() + receiver_.size() == 0; }
  [[nodiscard]] flow_sender const& sender() const noexcept { return sender_; }
  [[nodiscard]] flow_receiver const& receiver() const noexcept { return receiver_; }
  // Forgets all flows and keeps the memory: an idle head can lend its machine to another.
  void clear(access_line line, flow_limits const& limits = {}) {
    sender_.clear(payload(line.up, limits), limits);
    receiver_.clear(payload(line.down, limits), limits);
    armed_ = never;
  }
  // All but the limits. Precondition: settled.
  template <class A>
  void serialize(A& a, unsigned) {
    a& sender_& receiver_& armed_;
  }

 private:
  [[nodiscard]] static std::uint64_t payload(std::uint64_t wire, flow_limits const& l) noexcept {
    return l.ramp ? detail::scaled(wire, l.segment, l.packet) : wire;
  }
  flow_sender sender_;
  flow_receiver receiver_;
  instant armed_ = never;  // the wake that is under way
};

// The machines of many heads: lent to those that have flows, so that an idle head costs an index.
// A machine that comes back keeps its memory and no history; which one a head gets changes nothing.
class flow_machines {
 public:
  explicit flow_machines(std::uint32_t heads = 0) : of_(heads, no_slot) {}

  // The head's machine; lent to it with this line when it has none. Others' references may move.
  [[nodiscard]] flow_ends& of(std::uint32_t head, access_line line, flow_limits const& limits) {
    if (of_[head] != no_slot) return all_[of_[head]];
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(all_.size()));
      all_.emplace_back();
    }
    of_[head] = free_.back();
    free_.pop_back();
    all_[of_[head]].clear(line, limits);
    return all_[of_[head]];
  }
  // Null when the head has no flows: a wake or a message that comes then is stale.
  [[nodiscard]] flow_ends* find(std::uint32_t head) noexcept {
    return of_[head] == no_slot ? nullptr : &all_[of_[head]];
  }
  // Takes the machine back if it is idle. Precondition: its effects were taken by settle().
  void release(std::uint32_t head) {
    if (of_[head] == no_slot || !all_[of_[head]].idle()) return;
    free_.push_back(of_[head]);
    of_[head] = no_slot;
  }
  // Takes the machine back whatever its flows are: the head has died.
  void drop(std::uint32_t head) {
    if (of_[head] == no_slot) return;
    free_.push_back(of_[head]);
    of_[head] = no_slot;
  }
  [[nodiscard]] std::size_t lent() const noexcept { return all_.size() - free_.size(); }
  // Of the heads' indices and the machines, without what the machines hold.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return of_.capacity() * sizeof(std::uint32_t) + all_.capacity() * sizeof(flow_ends);
  }

 private:
  std::vector<std::uint32_t> of_;  // by head
  std::vector<flow_ends> all_;
  std::vector<std::uint32_t> free_;
};

}  // namespace hydra::sim
