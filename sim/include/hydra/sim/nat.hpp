// What the routers of heads that can only call out remember: whom each of them called, and when.
//
// After RFC 4787 (2007), as strict as one meets it. Filtering by address and port (section 5): only
// whom the head called may answer. A mapping lives for `hold` after the last packet that went out
// (REQ-6: outbound refresh is a must, inbound a may, and is not done here), two minutes by default
// (REQ-5 allows no less for UDP). What is let in depends on the head's own calls, so it is judged
// where the message arrives. Mapping by address and port as well (section 4.1): a head behind
// another NAT calls from a port that nobody knows, so two heads that can only call out never hear
// from each other; there is no hole punching and no relay. Heads of one home share no router.
//
// Bounds: 256 mappings a head; the one that was used longest ago goes. Memory: nothing before the
// first call; then 24 bytes per head of the shard, and 16 per mapping that may be in force.
// Cost: a walk over the head's mappings, a few dozen, per message; nothing for other heads.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/time.hpp>
#include <hydra/sim/peer_range.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace hydra::sim {

struct nat_mapping {
  std::int64_t last = 0;  // went out
  std::uint32_t to = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& last& to;
  }
};

class nat_mappings {
 public:
  static constexpr std::size_t per_head_max = 256;

  // `all` are the heads of the shard.
  void called(peer_range all, std::uint32_t who, std::uint32_t to, instant at, duration hold) {
    auto& mine = of(all, who);
    auto const known = std::find_if(mine.begin(), mine.end(),
                                    [&](nat_mapping const& m) { return m.to == to; });
    if (known != mine.end()) {
      known->last = std::max(known->last, ns(at));
      return;
    }
    std::erase_if(mine, [&](nat_mapping const& m) { return !in_force(m, at, hold); });
    if (mine.size() == per_head_max) mine.erase(oldest(mine));
    mine.push_back({ns(at), to});
  }
  [[nodiscard]] bool lets_in(peer_range all, std::uint32_t who, std::uint32_t from, instant at,
                             duration hold) const noexcept {
    auto const i = who - all.first;
    if (i >= heads_.size()) return false;
    return std::any_of(heads_[i].begin(), heads_[i].end(), [&](nat_mapping const& m) {
      return m.to == from && in_force(m, at, hold);
    });
  }
  void forget(peer_range all, std::uint32_t who) {
    auto const i = who - all.first;
    if (i < heads_.size()) std::vector<nat_mapping>{}.swap(heads_[i]);
  }

  // All of a head's, to be written down and read again.
  [[nodiscard]] std::vector<nat_mapping>& of(peer_range all, std::uint32_t who) {
    HYDRA_EXPECTS(who >= all.first && who < all.last);
    if (heads_.empty()) heads_.resize(all.last - all.first);
    return heads_[who - all.first];
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = heads_.capacity() * sizeof(heads_[0]);
    for (auto const& mine : heads_) sum += mine.capacity() * sizeof(nat_mapping);
    return sum;
  }

 private:
  [[nodiscard]] static bool in_force(nat_mapping const& m, instant at, duration hold) noexcept {
    return at - at_ns(m.last) < hold;
  }
  [[nodiscard]] static std::vector<nat_mapping>::iterator oldest(std::vector<nat_mapping>& mine) {
    return std::min_element(mine.begin(), mine.end(), [](auto const& a, auto const& b) {
      return std::tie(a.last, a.to) < std::tie(b.last, b.to);
    });
  }

  std::vector<std::vector<nat_mapping>> heads_;
};

}  // namespace hydra::sim
