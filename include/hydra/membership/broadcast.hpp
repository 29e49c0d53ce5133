// What broadcasts have in common: a rumour, and the fact that it arrived.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/values.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra {

// Names a rumour while it is remembered. The sequence is the origin's own: microseconds of its
// clock, so that it goes on above that of a life before; compared for equality only.
struct rumour_id {
  peer origin{};
  std::uint32_t sequence = 0;
  friend constexpr bool operator==(rumour_id, rumour_id) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& origin& sequence;
  }
};

struct rumour {
  rumour_id id{};
  payload body{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& body;
  }
};

// Emitted once per rumour and head while it is remembered, at its origin too.
struct delivered {
  rumour_id id{};
  payload body{};
  std::uint16_t hops = 0;  // messages from the origin to here, as those on the way say
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& body& hops;
  }
};

// What the user of a broadcast says: tell this to everybody.
struct spread {
  payload body{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& body;
  }
};

namespace membership {

// The last Capacity rumours by name: the oldest makes room, once it is older than `settle`. Before
// that whoever asks is told that it is crowded, and takes nothing in. Ages are counted in quarters
// of `settle`, so an id may stay a quarter longer than it has to.
template <std::size_t Capacity>
class id_ring {
 public:
  [[nodiscard]] constexpr bool holds(rumour_id id) const noexcept {
    for (auto const& i : ids_) {
      if (i == id) return true;
    }
    return false;
  }
  [[nodiscard]] constexpr bool crowded(instant now, duration settle) noexcept {
    turn(now, settle);
    std::size_t young = 0;
    for (auto n : taken_) young += n;
    return young >= Capacity;
  }
  // Precondition: not crowded.
  constexpr void add(rumour_id id, instant now, duration settle) noexcept {
    turn(now, settle);
    ++taken_[part_ % taken_.size()];
    if (ids_.full()) {
      ids_[next_] = id;
      next_ = static_cast<std::uint16_t>((next_ + 1U) % Capacity);
    } else {
      ids_.push_back(id);
    }
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& ids_& next_& taken_& part_;
    if (next_ >= Capacity) next_ = 0;
  }

 private:
  static constexpr std::uint64_t parts = 4;

  // Forgets how many were taken longer ago than `settle`.
  constexpr void turn(instant now, duration settle) noexcept {
    auto const length = static_cast<std::uint64_t>(settle.count()) / parts;
    auto const part = static_cast<std::uint64_t>(ns(now)) / (length == 0 ? 1 : length);
    if (part - part_ > parts) taken_ = {};
    while (part_ != part && part - part_ <= parts) taken_[++part_ % taken_.size()] = 0;
    part_ = part;
  }

  bounded_vector<rumour_id, Capacity> ids_{};
  std::uint16_t next_ = 0;
  std::array<std::uint16_t, parts + 1> taken_{};  // in this part and those before
  std::uint64_t part_ = 0;
};

// A rumour goes no further than so many hops: what was forgotten and heard again ends.
inline constexpr std::uint16_t rumour_hops_max = 250;

// The sequence of the next rumour of this head, different from the last one. Zero: none yet.
[[nodiscard]] constexpr std::uint32_t sequence_after(std::uint32_t last, instant now) noexcept {
  auto const clock = static_cast<std::uint32_t>(ns(now) / 1000);
  auto const later = static_cast<std::int32_t>(clock - last) > 0;  // it comes round in 71 minutes
  auto const next = last == 0 || later ? clock : last + 1;
  return next == 0 ? 1 : next;
}

}  // namespace membership
}  // namespace hydra
