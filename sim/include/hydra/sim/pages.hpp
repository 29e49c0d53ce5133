// Pages of 2 MiB where the system has them: half the cost of a dependent miss at 1 GiB.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace hydra::sim {

template <class T>
class huge_allocator {
 public:
  using value_type = T;
  huge_allocator() = default;
  template <class U>
  huge_allocator(huge_allocator<U> const&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) {
    constexpr std::size_t huge = std::size_t{2} << 20U;
    auto const bytes = (n * sizeof(T) + 63) / 64 * 64;
    bool const large = bytes >= 4 * huge;
    auto const unit = large ? huge : std::size_t{64};
    auto* p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
    if (p == nullptr) throw std::bad_alloc{};
#if defined(__linux__)
    if (large) ::madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) noexcept { std::free(p); }
  friend bool operator==(huge_allocator, huge_allocator) noexcept { return true; }
};

}  // namespace hydra::sim
