// A set of 64-bit numbers, open addressing, no allocation once warm. Its own order never shows.
#pragma once

#include <hydra/core/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hydra::sim {

class flat_set {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void insert(std::uint64_t x) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    for (auto i = home(x);; i = (i + 1) & mask()) {
      if (cells_[i] == x + 1) return;
      if (cells_[i] == 0) {
        cells_[i] = x + 1;
        ++size_;
        return;
      }
    }
  }
  [[nodiscard]] bool contains(std::uint64_t x) const noexcept {
    return size_ != 0 && find(x) != missing;
  }
  bool erase(std::uint64_t x) noexcept {
    if (size_ == 0) return false;
    auto hole = find(x);
    if (hole == missing) return false;
    for (auto i = (hole + 1) & mask(); cells_[i] != 0; i = (i + 1) & mask()) {
      auto const from = home(cells_[i] - 1);
      if (((i - from) & mask()) >= ((i - hole) & mask())) {
        cells_[hole] = cells_[i];
        hole = i;
      }
    }
    cells_[hole] = 0;
    --size_;
    return true;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return cells_.capacity() * 8; }
  [[nodiscard]] std::vector<std::uint64_t> sorted() const {
    std::vector<std::uint64_t> all;
    for (auto c : cells_) {
      if (c != 0) all.push_back(c - 1);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  static constexpr std::size_t missing = static_cast<std::size_t>(-1);
  [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint64_t x) const noexcept {
    return static_cast<std::size_t>(mix64(x)) & mask();
  }
  [[nodiscard]] std::size_t find(std::uint64_t x) const noexcept {
    for (auto i = home(x); cells_[i] != 0; i = (i + 1) & mask()) {
      if (cells_[i] == x + 1) return i;
    }
    return missing;
  }
  void grow() {
    auto old = std::exchange(cells_, std::vector<std::uint64_t>(
                                         cells_.empty() ? 64 : 2 * cells_.size(), 0));
    size_ = 0;
    for (auto c : old) {
      if (c != 0) insert(c - 1);
    }
  }

  std::vector<std::uint64_t> cells_;
  std::size_t size_ = 0;
};

}  // namespace hydra::sim
