// Strictly periodic timers without a queue: a class (period, tag) is an array of phases.
//
// An entry costs 8 bytes and stays where it is for ever: at time t the wheel visits the phases
// between t mod period and the end of the window. Insertion is O(1) at any time; entries of an
// earlier life of a peer are removed when they come up.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/paged.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::sim {

class wheel {
 public:
  struct entry {
    std::uint32_t peer = 0;
    std::uint32_t offset : 24 = 0;  // ns within the slot
    std::uint32_t life : 8 = 0;
  };
  static_assert(sizeof(entry) == 8);

  static constexpr unsigned slot_shift_max = 24;
  static constexpr std::int64_t slots_max = 65536;
  // The longest period a wheel can hold: 65,536 slots of 2^24 ns, about 18 minutes.
  static constexpr std::int64_t period_max = slots_max << slot_shift_max;

  wheel(std::int64_t period, std::uint32_t tag, std::int64_t window) : period_{period}, tag_{tag} {
    HYDRA_EXPECTS(period > 0);
    HYDRA_EXPECTS(period <= period_max);
    shift_ = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(window)) - 1);
    shift_ = std::min(shift_, slot_shift_max);
    while ((period_ >> shift_) >= slots_max) ++shift_;
    heads_.assign(static_cast<std::size_t>(period_ >> shift_) + 1, none);
  }

  [[nodiscard]] std::int64_t period() const noexcept { return period_; }
  [[nodiscard]] std::uint32_t tag() const noexcept { return tag_; }
  [[nodiscard]] bool empty() const noexcept { return entries_ == 0; }

  // Fires first at `first` (absolute ns), then every period. When the first firing is more than
  // one period away the caller must arm an ordinary timer until then.
  void add(std::uint32_t peer, std::uint8_t life, std::int64_t first) {
    auto const phase = first % period_;
    auto& head = heads_[static_cast<std::size_t>(phase >> shift_)];
    if (head == none || blocks_[head].used == block_entries) {
      auto const fresh = take();
      blocks_[fresh].next = head;
      head = fresh;
    }
    auto& b = blocks_[head];
    auto& e = b.entries[b.used++];
    e.peer = peer;
    e.offset = static_cast<std::uint32_t>(phase & ((std::int64_t{1} << shift_) - 1)) & 0xffffffU;
    e.life = life;
    ++entries_;
  }

  // Calls fire(peer, life, at) for what falls into [from, to), a span of at most one period, in
  // no particular order. Whoever finds that the life is over calls remove.
  template <class Fire>
  void turn(std::int64_t from, std::int64_t to, Fire&& fire) {
    auto const base = from - from % period_;
    auto const first = from - base;
    auto const last = to - base;  // may lie beyond the period: wraps
    scan(base, first, std::min(last, period_), fire);
    if (last > period_) scan(base + period_, 0, last - period_, fire);
  }

  // Forgets what `peer` added in that life for the phase of `at`.
  void remove(std::uint32_t peer, std::uint8_t life, std::int64_t at) {
    auto const phase = at % period_;
    auto const slot = static_cast<std::size_t>(phase >> shift_);
    auto const offset = static_cast<std::uint32_t>(phase & ((std::int64_t{1} << shift_) - 1));
    for (auto b = heads_[slot]; b != none; b = blocks_[b].next) {
      for (std::uint32_t i = 0; i < blocks_[b].used; ++i) {
        auto& e = blocks_[b].entries[i];
        if (e.peer == peer && e.life == life && e.offset == offset) return drop(slot, e);
      }
    }
  }

  // visit(peer, life, phase), in no particular order; add() takes a phase for an instant, too.
  template <class F>
  void each(F&& visit) const {
    for (std::size_t s = 0; s < heads_.size(); ++s) {
      for (auto b = heads_[s]; b != none; b = blocks_[b].next) {
        for (std::uint32_t i = 0; i < blocks_[b].used; ++i) {
          auto const& e = blocks_[b].entries[i];
          visit(e.peer, static_cast<std::uint8_t>(e.life),
                (static_cast<std::int64_t>(s) << shift_) + static_cast<std::int64_t>(e.offset));
        }
      }
    }
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return heads_.capacity() * sizeof(std::uint32_t) + blocks_.bytes();
  }

 private:
  static constexpr std::uint32_t none = 0xffffffffU;
  static constexpr std::uint32_t block_entries = 15;
  struct block {
    std::uint32_t next = none;
    std::uint32_t used = 0;
    std::array<entry, block_entries> entries{};
  };

  [[nodiscard]] std::uint32_t take() {
    if (free_ != none) {
      auto const i = free_;
      free_ = blocks_[i].next;
      blocks_[i].used = 0;
      return i;
    }
    return blocks_.add();
  }

  template <class Fire>
  void scan(std::int64_t base, std::int64_t first, std::int64_t last, Fire& fire) {
    if (first >= last) return;
    auto const end = static_cast<std::size_t>((last - 1) >> shift_);
    for (auto s = static_cast<std::size_t>(first >> shift_); s <= end; ++s) {
      auto const start = static_cast<std::int64_t>(s) << shift_;
      for (auto b = heads_[s]; b != none; b = blocks_[b].next) {
        auto const& some = blocks_[b];
        for (std::uint32_t i = 0; i < some.used; ++i) {
          auto const& e = some.entries[i];
          auto const phase = start + static_cast<std::int64_t>(e.offset);
          if (phase >= first && phase < last) fire(e.peer, e.life, base + phase);
        }
      }
    }
  }

  // Replaces `e` by the last entry of the slot's newest block that holds one.
  void drop(std::size_t slot, entry& e) {
    auto& head = heads_[slot];
    while (blocks_[head].used == 0) {
      auto const emptied = head;
      head = blocks_[emptied].next;
      blocks_[emptied].next = free_;
      free_ = emptied;
    }
    auto& b = blocks_[head];
    e = b.entries[--b.used];
    --entries_;
  }

  std::int64_t period_;
  std::uint32_t tag_;
  unsigned shift_ = 0;
  std::vector<std::uint32_t> heads_;
  paged<block, 256> blocks_;
  std::uint32_t free_ = none;
  std::size_t entries_ = 0;
};

}  // namespace hydra::sim
