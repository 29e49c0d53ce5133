// A vector with its capacity inside: no allocation, and nothing grows with an attacker.
#pragma once

#include <hydra/core/contract.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>

namespace hydra {

// A contiguous range: converts to std::span<T const> by itself.
// Trivially copyable when T is, so that it can lie in a message. Elements beyond size() keep
// their default value: two equal vectors have equal members.
template <class T, std::size_t Capacity>
class bounded_vector {
 public:
  using value_type = T;
  using size_type = std::conditional_t<(Capacity < 256), std::uint8_t, std::uint16_t>;
  static_assert(Capacity < 65536, "a bounded_vector holds fewer than 65536 elements");

  constexpr bounded_vector() = default;
  constexpr bounded_vector(std::initializer_list<T> list) {
    for (auto const& x : list) push_back(x);
  }

  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return Capacity; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr bool full() const noexcept { return size_ == Capacity; }

  // Precondition: not full(). Use try_push_back where the number comes from outside.
  constexpr void push_back(T const& x) {
    HYDRA_EXPECTS(!full());
    items_[size_++] = x;
  }
  constexpr bool try_push_back(T const& x) {
    if (full()) return false;
    items_[size_++] = x;
    return true;
  }
  constexpr void pop_back() {
    HYDRA_EXPECTS(!empty());
    items_[--size_] = T{};
  }
  // Keeps the order of what follows.
  constexpr T* erase(T const* position) {
    auto* p = data() + (position - data());
    HYDRA_EXPECTS(p >= begin());
    HYDRA_EXPECTS(p < end());
    std::move(p + 1, end(), p);
    pop_back();
    return p;
  }
  // Inserts before `position`; when full the last element falls out.
  constexpr void insert_bounded(T const* position, T const& x) {
    auto const i = static_cast<std::size_t>(position - data());
    if (i >= Capacity) return;
    if (!full()) ++size_;
    std::move_backward(data() + i, data() + size_ - 1, data() + size_);
    items_[i] = x;
  }
  constexpr void clear() {
    while (!empty()) pop_back();
  }
  constexpr void resize(std::size_t n) {
    HYDRA_EXPECTS(n <= Capacity);
    while (size_ > n) pop_back();
    size_ = static_cast<size_type>(n);
  }

  [[nodiscard]] constexpr T* data() noexcept { return items_.data(); }
  [[nodiscard]] constexpr T const* data() const noexcept { return items_.data(); }
  [[nodiscard]] constexpr T* begin() noexcept { return data(); }
  [[nodiscard]] constexpr T const* begin() const noexcept { return data(); }
  [[nodiscard]] constexpr T* end() noexcept { return data() + size_; }
  [[nodiscard]] constexpr T const* end() const noexcept { return data() + size_; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) {
    HYDRA_EXPECTS(i < size_);
    return items_[i];
  }
  [[nodiscard]] constexpr T const& operator[](std::size_t i) const {
    HYDRA_EXPECTS(i < size_);
    return items_[i];
  }
  [[nodiscard]] constexpr T& front() { return (*this)[0]; }
  [[nodiscard]] constexpr T const& front() const { return (*this)[0]; }
  [[nodiscard]] constexpr T& back() { return (*this)[size_ - 1U]; }
  [[nodiscard]] constexpr T const& back() const { return (*this)[size_ - 1U]; }
  [[nodiscard]] constexpr std::span<T> span() noexcept { return {data(), size_}; }

  friend constexpr bool operator==(bounded_vector const& a, bounded_vector const& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

  // An archive with length() is told the bound before a single element is read.
  template <class A>
  void serialize(A& a, unsigned) {
    auto n = static_cast<std::uint16_t>(size_);
    if constexpr (requires { a.length(n, std::uint16_t{}); }) {
      a.length(n, static_cast<std::uint16_t>(Capacity));
    } else {
      a& n;
    }
    if (n > Capacity) n = 0;
    resize(n);
    for (auto& x : *this) a& x;
  }

 private:
  size_type size_ = 0;
  std::array<T, Capacity> items_{};
};

}  // namespace hydra
