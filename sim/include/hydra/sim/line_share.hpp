// One direction of an access line shared by flows: max-min with a cap per flow ("water-filling").
//
// Promise: flows whose cap is at most the level run at their cap, all others at the level; the sum
// never exceeds the capacity. The split is a function of the set of caps, not of its history: whole
// numbers have exactly one solution. Flows are named by slots, small numbers that are used again.
// Cost: O(log flows) for a flow that comes, goes or changes sides; no allocation once warm.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace hydra::sim {

inline constexpr std::uint32_t no_slot = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t no_cap = std::numeric_limits<std::uint64_t>::max();

// A heap of slots, least key first, that can change or drop any of them. O(log n) each.
class slot_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return cells_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return cells_.size(); }
  [[nodiscard]] std::uint64_t key() const noexcept { return cells_.front().key; }
  [[nodiscard]] std::uint32_t top() const noexcept { return cells_.front().slot; }
  [[nodiscard]] bool holds(std::uint32_t slot) const noexcept {
    return slot < place_.size() && place_[slot] != no_slot;
  }
  [[nodiscard]] std::uint64_t key_of(std::uint32_t slot) const noexcept {
    return cells_[place_[slot]].key;
  }
  void put(std::uint32_t slot, std::uint64_t key) {  // adds, or changes the key
    if (slot >= place_.size()) place_.resize(slot + std::size_t{1}, no_slot);
    if (place_[slot] == no_slot) {
      place_[slot] = static_cast<std::uint32_t>(cells_.size());
      cells_.push_back({key, slot});
    } else {
      cells_[place_[slot]].key = key;
    }
    down(up(place_[slot]));
  }
  void drop(std::uint32_t slot) noexcept {  // does nothing when it is not there
    if (!holds(slot)) return;
    auto const hole = std::exchange(place_[slot], no_slot);
    auto const last = cells_.back();
    cells_.pop_back();
    if (last.slot == slot) return;
    set(hole, last);
    down(up(hole));
  }
  void clear() noexcept {
    cells_.clear();
    place_.clear();
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& cells_& place_;
  }

 private:
  struct cell {
    std::uint64_t key = 0;
    std::uint32_t slot = no_slot;
    template <class A>
    void serialize(A& a, unsigned) {
      a& key& slot;
    }
  };
  void set(std::uint32_t i, cell c) noexcept {
    cells_[i] = c;
    place_[c.slot] = i;
  }
  std::uint32_t up(std::uint32_t i) noexcept {
    auto const c = cells_[i];
    for (; i > 0 && c.key < cells_[(i - 1) / 2].key; i = (i - 1) / 2) set(i, cells_[(i - 1) / 2]);
    set(i, c);
    return i;
  }
  void down(std::uint32_t i) noexcept {
    auto const c = cells_[i];
    for (;;) {
      std::size_t child = 2 * std::size_t{i} + 1;
      if (child >= cells_.size()) break;
      if (child + 1 < cells_.size() && cells_[child + 1].key < cells_[child].key) ++child;
      if (c.key <= cells_[child].key) break;
      set(i, cells_[child]);
      i = static_cast<std::uint32_t>(child);
    }
    set(i, c);
  }

  std::vector<cell> cells_;
  std::vector<std::uint32_t> place_;  // by slot
};

// The level of one direction of a line. Rates and caps in bytes/s.
class line_share {
 public:
  void capacity(std::uint64_t bytes_per_s) noexcept {  // before the first flow
    capacity_ = bytes_per_s;
    stale_ = true;
  }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  // What a flow without a cap gets. When all are at their caps: what the largest could grow to.
  [[nodiscard]] std::uint64_t level() const noexcept { return level_; }
  [[nodiscard]] bool stale() const noexcept { return stale_; }
  [[nodiscard]] bool holds(std::uint32_t slot) const noexcept {
    return at_level_.holds(slot) || at_cap_.holds(slot);
  }
  [[nodiscard]] bool at_level(std::uint32_t slot) const noexcept { return at_level_.holds(slot); }
  [[nodiscard]] std::size_t sharing() const noexcept { return at_level_.size(); }

  // Adds the flow or changes its cap; it keeps its side until settle() moves it.
  void put(std::uint32_t slot, std::uint64_t cap) {
    stale_ = true;
    cap = std::min(cap, capacity_ + 1);  // more means no cap; so the sum cannot overflow
    if (at_cap_.holds(slot)) {
      sum_ -= ~at_cap_.key_of(slot);
      sum_ += cap;
      at_cap_.put(slot, ~cap);
    } else {
      at_level_.put(slot, cap);
    }
    HYDRA_ENSURES(holds(slot));
  }
  void drop(std::uint32_t slot) noexcept {
    if (at_cap_.holds(slot)) sum_ -= ~at_cap_.key_of(slot);
    at_cap_.drop(slot);
    at_level_.drop(slot);
    stale_ = true;
  }
  // Finds the level. `moved(slot)` is called for every flow that changes sides, after it did.
  template <class Moved>
  void settle(Moved&& moved) {
    stale_ = false;
    for (;;) {
      find_level();
      if (!at_cap_.empty() && ~at_cap_.key() > level_) {
        auto const slot = at_cap_.top();
        auto const cap = ~at_cap_.key();
        at_cap_.drop(slot);
        sum_ -= cap;
        at_level_.put(slot, cap);
        moved(slot);
      } else if (!at_level_.empty() && at_level_.key() <= level_) {
        auto const slot = at_level_.top();
        auto const cap = at_level_.key();
        at_level_.drop(slot);
        sum_ += cap;
        at_cap_.put(slot, ~cap);
        moved(slot);
      } else {
        break;
      }
    }
    HYDRA_ENSURES(sum_ <= capacity_);
  }
  void clear() noexcept {
    at_level_.clear();
    at_cap_.clear();
    sum_ = 0;
    stale_ = true;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& at_level_& at_cap_& capacity_& level_& sum_& stale_;
  }

 private:
  // With nobody at the level and more asked for than there is, 0: the largest cap goes first.
  void find_level() noexcept {
    auto const rest = capacity_ > sum_ ? capacity_ - sum_ : 0;
    if (!at_level_.empty()) {
      level_ = rest / at_level_.size();
    } else if (sum_ > capacity_) {
      level_ = 0;
    } else {
      level_ = rest + (at_cap_.empty() ? 0 : ~at_cap_.key());
    }
  }

  slot_heap at_level_;  // key: cap
  slot_heap at_cap_;    // key: ~cap, so that the largest is first
  std::uint64_t capacity_ = 0;
  std::uint64_t level_ = 0;
  std::uint64_t sum_ = 0;  // of the caps of those at their cap
  bool stale_ = true;
};

// From (peer, flow) to a slot: open addressing, never iterated.
class flow_slots {
 public:
  [[nodiscard]] std::uint32_t find(std::uint64_t name) const noexcept {
    if (cells_.empty()) return no_slot;
    for (auto i = home(name);; i = (i + 1) & mask()) {
      if (cells_[i].slot == no_slot) return no_slot;
      if (cells_[i].name == name) return cells_[i].slot;
    }
  }
  void put(std::uint64_t name, std::uint32_t slot) {
    if (4 * (size_ + 1) > 3 * cells_.size()) grow();
    auto i = home(name);
    while (cells_[i].slot != no_slot) i = (i + 1) & mask();
    cells_[i] = {name, slot};
    ++size_;
  }
  void drop(std::uint64_t name) noexcept {
    auto hole = home(name);
    while (cells_[hole].name != name || cells_[hole].slot == no_slot) hole = (hole + 1) & mask();
    for (auto i = (hole + 1) & mask(); cells_[i].slot != no_slot; i = (i + 1) & mask()) {
      if (((i - home(cells_[i].name)) & mask()) >= ((i - hole) & mask())) {
        cells_[hole] = cells_[i];
        hole = i;
      }
    }
    cells_[hole].slot = no_slot;
    --size_;
  }
  void clear() noexcept {
    for (auto& c : cells_) c.slot = no_slot;
    size_ = 0;
  }
  // By name: which cells were used before says nothing.
  template <class A>
  void serialize(A& a, unsigned) {
    std::vector<cell> used;
    for (auto const& c : cells_) {
      if (c.slot != no_slot) used.push_back(c);
    }
    std::sort(used.begin(), used.end(), [](auto const& x, auto const& y) {
      return x.name < y.name;
    });
    a& used;
    clear();
    for (auto const& c : used) put(c.name, c.slot);
  }

 private:
  struct cell {
    std::uint64_t name = 0;
    std::uint32_t slot = no_slot;
    template <class A>
    void serialize(A& a, unsigned) {
      a& name& slot;
    }
  };
  [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint64_t name) const noexcept {
    return static_cast<std::size_t>(mix64(name)) & mask();
  }
  void grow() {
    auto old = std::exchange(cells_, std::vector<cell>(cells_.empty() ? 8 : 2 * cells_.size()));
    size_ = 0;
    for (auto const& c : old) {
      if (c.slot != no_slot) put(c.name, c.slot);
    }
  }
  std::vector<cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace hydra::sim
