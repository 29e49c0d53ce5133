// Which peers have said every() with which tag, and how often anew: what makes a period replace
// the one before it although periodic timers stand on wheels and in no queue.
//
// Cost: one bit per peer for every tag in use; an entry of a map only for who says it again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace hydra::sim {

class periods {
 public:
  periods() = default;
  periods(std::uint32_t first, std::uint32_t peers) : first_{first}, peers_{peers} {}

  // Notes that `who` says it; whether it was said before in this life.
  [[nodiscard]] bool said(std::uint32_t who, std::uint32_t tag) {
    auto& word = bits_for(tag)[(who - first_) / 64U];
    auto const bit = std::uint64_t{1} << ((who - first_) % 64U);
    return (std::exchange(word, word | bit) & bit) != 0;
  }
  // Zero until it is said again, then 1, 2, ...; 65,535 turns of one life, then from 1 anew.
  [[nodiscard]] std::uint16_t turn(std::uint32_t who, std::uint32_t tag) const {
    if (turns_.empty()) return 0;
    auto const it = turns_.find({who, tag});
    return it == turns_.end() ? std::uint16_t{0} : it->second;
  }
  [[nodiscard]] std::uint16_t next_turn(std::uint32_t who, std::uint32_t tag) {
    auto& t = turns_[{who, tag}];
    t = t == 0xffffU ? std::uint16_t{1} : static_cast<std::uint16_t>(t + 1U);
    return t;
  }
  // Its life is over.
  void forget(std::uint32_t who) {
    auto const bit = std::uint64_t{1} << ((who - first_) % 64U);
    for (auto& t : tags_) t.bits[(who - first_) / 64U] &= ~bit;
    turns_.erase(turns_.lower_bound({who, 0U}), turns_.upper_bound({who, 0xffffffffU}));
  }
  // visit(tag, turn) of every tag that `who` said in this life, ascending.
  template <class F>
  void each(std::uint32_t who, F&& visit) const {
    std::vector<std::uint32_t> tags;
    auto const bit = std::uint64_t{1} << ((who - first_) % 64U);
    for (auto const& t : tags_) {
      if ((t.bits[(who - first_) / 64U] & bit) != 0) tags.push_back(t.tag);
    }
    std::sort(tags.begin(), tags.end());
    for (auto tag : tags) visit(tag, turn(who, tag));
  }
  void put_back(std::uint32_t who, std::uint32_t tag, std::uint16_t turn) {
    bits_for(tag)[(who - first_) / 64U] |= std::uint64_t{1} << ((who - first_) % 64U);
    if (turn != 0) turns_[{who, tag}] = turn;
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return tags_.size() * ((peers_ + 63U) / 64U) * sizeof(std::uint64_t) + turns_.size() * 48U;
  }

 private:
  struct tag_bits {
    std::uint32_t tag;
    std::vector<std::uint64_t> bits;
  };
  [[nodiscard]] std::vector<std::uint64_t>& bits_for(std::uint32_t tag) {
    auto const it = std::find_if(tags_.begin(), tags_.end(),
                                 [&](tag_bits const& t) { return t.tag == tag; });
    if (it != tags_.end()) return it->bits;
    tags_.push_back({tag, std::vector<std::uint64_t>((peers_ + 63U) / 64U)});
    return tags_.back().bits;
  }

  std::uint32_t first_ = 0;
  std::uint32_t peers_ = 0;
  std::vector<tag_bits> tags_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint16_t> turns_;
};

}  // namespace hydra::sim
