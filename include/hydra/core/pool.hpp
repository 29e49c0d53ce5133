// Activities (lookups, jobs, leases): typed, bounded per peer, reached by a stable number.
//
// A slab holds the activities of many peers (a shard's, or one node's); each peer owns one
// 32-bit list head per type, so an idle Hydra pays four bytes per type. Addresses are stable
// until erase; a copied slab is a deep copy. Cost: find is O(activities of this peer), which
// T::per_peer_max bounds.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/paged.hpp>
#include <hydra/core/types.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hydra {

template <class T>
concept Activity = std::copyable<T> && std::default_initializable<T> && requires {
  { T::per_peer_max } -> std::convertible_to<std::size_t>;
};

// Names an activity of one peer; never used again for another one of that peer.
struct activity {
  std::uint32_t number = 0;
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return number != 0; }
  friend constexpr bool operator==(activity, activity) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& number;
  }
};

inline constexpr std::uint32_t no_activity = 0xffffffffU;

template <Activity T>
class slab {
 public:
  // Apart from the values, so that a walk along a list does not touch them.
  struct link {
    std::uint32_t number = 0;
    std::uint32_t next = no_activity;
  };

  // A cell's value is what the last activity in it left.
  std::uint32_t take() {
    ++live_;
    if (free_ == no_activity) {
      links_.add();
      return values_.add();
    }
    auto const i = free_;
    free_ = links_[i].next;
    return i;
  }
  void give_back(std::uint32_t i) {
    if constexpr (!std::is_trivially_destructible_v<T>) values_[i] = T{};
    links_[i].next = free_;
    free_ = i;
    --live_;
  }
  [[nodiscard]] T& operator[](std::uint32_t i) noexcept { return values_[i]; }
  [[nodiscard]] link& at(std::uint32_t i) noexcept { return links_[i]; }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return values_.bytes() + links_.bytes(); }

 private:
  paged<T, 64> values_;
  paged<link, 512> links_;
  std::uint32_t free_ = no_activity;
  std::size_t live_ = 0;
};

// One peer's activities of one type: what env.pool<T>() returns.
template <Activity T>
class pool {
 public:
  pool(slab<T>& cells, std::uint32_t& head, std::uint32_t& serial) noexcept
      : cells_{&cells}, head_{&head}, serial_{&serial} {}

  static constexpr std::size_t capacity = T::per_peer_max;

  // The number of the new activity; false when this peer already holds T::per_peer_max.
  activity add(T const& value) {
    if (size() >= capacity) return {};
    auto const i = cells_->take();
    if (++*serial_ == 0) ++*serial_;
    (*cells_)[i] = value;
    cells_->at(i) = {*serial_, *head_};
    *head_ = i;
    return {*serial_};
  }

  // As add(), under the number that it had: for drivers that take up what was written down.
  // Precondition: not full(), and no other one here has this number.
  void put_back(activity which, T const& value) {
    auto const i = cells_->take();
    (*cells_)[i] = value;
    cells_->at(i) = {which.number, *head_};
    *head_ = i;
  }

  [[nodiscard]] T* find(activity which) noexcept {
    for (auto i = *head_; i != no_activity; i = cells_->at(i).next) {
      if (cells_->at(i).number == which.number) return &(*cells_)[i];
    }
    return nullptr;
  }

  bool erase(activity which) noexcept {
    for (auto* link = head_; *link != no_activity; link = &cells_->at(*link).next) {
      auto const i = *link;
      if (cells_->at(i).number != which.number) continue;
      *link = cells_->at(i).next;
      cells_->give_back(i);
      return true;
    }
    return false;
  }

  // visit(activity, T&), newest first; visit may erase the one it was given, and no other.
  template <class F>
  void each(F&& visit) {
    for (auto i = *head_; i != no_activity;) {
      auto const next = cells_->at(i).next;
      visit(activity{cells_->at(i).number}, (*cells_)[i]);
      i = next;
    }
  }

  // The newest for which match(T const&) holds.
  template <class F>
  [[nodiscard]] activity first(F&& match) {
    for (auto i = *head_; i != no_activity; i = cells_->at(i).next) {
      if (match((*cells_)[i])) return {cells_->at(i).number};
    }
    return {};
  }

  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t n = 0;
    for (auto i = *head_; i != no_activity; i = cells_->at(i).next) ++n;
    return n;
  }
  [[nodiscard]] bool full() const noexcept { return size() >= capacity; }

  void clear() {
    while (*head_ != no_activity) {
      auto const i = *head_;
      *head_ = cells_->at(i).next;
      cells_->give_back(i);
    }
  }

 private:
  slab<T>* cells_;
  std::uint32_t* head_;
  std::uint32_t* serial_;
};

// The slabs of a driver for a list of activity types, and the heads that each peer owns. Bases and
// no tuple: what a tuple does to itself costs the compiler the square of its length.
template <class List>
class slabs;
template <class... T>
class slabs<type_list<T...>> : slab<T>... {
 public:
  using heads = std::array<std::uint32_t, sizeof...(T)>;
  [[nodiscard]] static constexpr heads idle() noexcept {
    heads h{};
    h.fill(no_activity);
    return h;
  }
  template <class U>
  [[nodiscard]] pool<U> of(heads& h, std::uint32_t& serial) noexcept {
    static_assert(contains<U, type_list<T...>>, "list this type under `activities`");
    return {static_cast<slab<U>&>(*this), h[index_of<U, type_list<T...>>], serial};
  }
  void clear(heads& h, std::uint32_t& serial) {
    static_cast<void>(serial);
    (of<T>(h, serial).clear(), ...);
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return (std::size_t{0} + ... + slab<T>::bytes());
  }
  template <class U>
  [[nodiscard]] std::size_t bytes_of() const noexcept {
    return slab<U>::bytes();
  }
};

}  // namespace hydra
