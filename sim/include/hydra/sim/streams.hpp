// The streams of the heads of one shard: their flows, and the commands that wait for them.
//
// The shard drives it: facts go into the machine of a head, settle() gives back what they lead to.
// Memory: nothing before the first stream; then 4 bytes per head of the shard, and what flows
// need (flows.hpp). No allocation once warm.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/sim/flows.hpp>
#include <hydra/sim/peer_range.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::sim {

class streams {
 public:
  static constexpr std::uint64_t bytes_max = (std::uint64_t{1} << 52U) - 1;  // of one stream

  // The head's machine; lent to it when it has none.
  [[nodiscard]] flow_ends& of(peer_range all, std::uint32_t who, access_line line) {
    if (heads_ == 0) {
      first_ = all.first;
      heads_ = all.last - all.first;
      machines_ = flow_machines{heads_};
    }
    return machines_.of(who - first_, line, limits_);
  }
  // Null when the head has no flows.
  [[nodiscard]] flow_ends* find(std::uint32_t who) noexcept {
    return heads_ == 0 ? nullptr : machines_.find(who - first_);
  }
  // What follows from the facts so far. Valid until the next call.
  [[nodiscard]] std::vector<flow_action> const& settle(std::uint32_t who, instant now) {
    actions_.clear();
    find(who)->settle(now, actions_);
    return actions_;
  }
  // As settle(), for a head that has flows and dies now.
  [[nodiscard]] std::vector<flow_action> const& die(std::uint32_t who, instant now) {
    actions_.clear();
    find(who)->died(now, actions_);
    machines_.drop(who - first_);
    return actions_;
  }
  void release(std::uint32_t who) { machines_.release(who - first_); }

  // The command that a flow of this head answers. Precondition of close(): open() said it.
  void open(std::uint32_t who, std::uint32_t flow, command id) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(waiting_.size()));
      waiting_.emplace_back();
    }
    waiting_[free_.back()] = id;
    names_.put(name(who, flow), free_.back());
    free_.pop_back();
  }
  [[nodiscard]] command close(std::uint32_t who, std::uint32_t flow) {
    auto const slot = names_.find(name(who, flow));
    HYDRA_EXPECTS(slot != no_slot);
    names_.drop(name(who, flow));
    free_.push_back(slot);
    return waiting_[slot];
  }
  [[nodiscard]] bool idle() const noexcept { return open() + machines_.lent() == 0; }
  [[nodiscard]] std::size_t open() const noexcept { return waiting_.size() - free_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return machines_.bytes() + waiting_.capacity() * sizeof(command) +
           actions_.capacity() * sizeof(flow_action);
  }

 private:
  [[nodiscard]] static std::uint64_t name(std::uint32_t who, std::uint32_t flow) noexcept {
    return std::uint64_t{who} << 32U | flow;
  }

  flow_limits limits_{};
  std::uint32_t first_ = 0;
  std::uint32_t heads_ = 0;
  flow_machines machines_{};
  flow_slots names_;
  std::vector<command> waiting_;
  std::vector<std::uint32_t> free_;
  std::vector<flow_action> actions_;
};

}  // namespace hydra::sim
