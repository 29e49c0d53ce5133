// A growing array of pages: stable addresses, no copy when it grows, deep copy when it is copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace hydra {

template <class T, std::size_t PageSize>
class paged {
 public:
  paged() = default;
  paged(paged&&) noexcept = default;
  paged& operator=(paged&&) noexcept = default;
  paged(paged const& other) : size_{other.size_} {
    for (auto const& p : other.pages_) pages_.push_back(std::make_unique<page>(*p));
  }
  paged& operator=(paged const& other) {
    if (this != &other) *this = paged{other};
    return *this;
  }
  ~paged() = default;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::uint32_t i) noexcept {
    return (*pages_[i / PageSize])[i % PageSize];
  }
  [[nodiscard]] T const& operator[](std::uint32_t i) const noexcept {
    return (*pages_[i / PageSize])[i % PageSize];
  }
  // One more element, default-initialised; its index.
  std::uint32_t add() {
    if (size_ % PageSize == 0 && size_ / PageSize == pages_.size()) {
      pages_.push_back(std::unique_ptr<page>(new page));
    }
    return size_++;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return pages_.size() * sizeof(page); }

 private:
  using page = std::array<T, PageSize>;
  std::vector<std::unique_ptr<page>> pages_;
  std::uint32_t size_ = 0;
};

}  // namespace hydra
