// Finds members that serialize() forgot.
//
//   CHECK(testing::forgotten<my_policy>().empty());    // offsets of bytes that nobody described
//
// Promise: a byte of T is named when it belongs to a member and is not visited, whatever the
// members' values; padding never is. How: an archive notes the addresses that serialize() hands to
// it; the compiler says which bytes are padding. Vectors count as described when each element is,
// whatever their size.
//
// Not found: what T allocates (it must be trivially copyable), the alternatives of a variant,
// members that nothing initialises, and anything where the compiler cannot tell padding
// (__builtin_clear_padding: g++ 11). There `sees_padding` is false and the answer always empty.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/message.hpp>
#include <hydra/core/values.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace hydra::testing {

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define HYDRA_SEES_PADDING 1
#endif
#endif
#ifdef HYDRA_SEES_PADDING
inline constexpr bool sees_padding = true;
#else
inline constexpr bool sees_padding = false;
#endif

namespace detail {

template <class T>
inline constexpr bool is_bounded = false;
template <class T, std::size_t N>
inline constexpr bool is_bounded<bounded_vector<T, N>> = true;

#ifdef HYDRA_SEES_PADDING
// Storage whose bytes the compiler takes for written by somebody else.
template <class T>
struct room {
  alignas(T) std::array<std::byte, sizeof(T)> bytes;
  explicit room(std::byte with) {
    bytes.fill(with);
    touch();
  }
  void touch() { __asm__ volatile("" : : "r"(bytes.data()) : "memory"); }
};
// What a default-initialised T leaves as it was lies between members.
template <class T>
[[nodiscard]] std::array<std::byte, sizeof(T)> made_on(std::byte with) {
  room<T> on{with};
  ::new (static_cast<void*>(on.bytes.data())) T;
  on.touch();
  return on.bytes;
}
#endif

// Whether byte i of a T belongs to a member. g++ does not clear padding at the end of classes that
// hide their members; what a constructor leaves alone settles those.
template <class T>
[[nodiscard]] std::vector<bool> members_of() {
  std::vector<bool> out(sizeof(T), false);
#ifdef HYDRA_SEES_PADDING
  room<T> cleared{std::byte{0xff}};
  __builtin_clear_padding(reinterpret_cast<T*>(cleared.bytes.data()));
  cleared.touch();
  auto const zeros = made_on<T>(std::byte{0x00});
  auto const ones = made_on<T>(std::byte{0xff});
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = cleared.bytes[i] != std::byte{0} && zeros[i] == ones[i];
  }
#endif
  return out;
}

}  // namespace detail

template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::vector<std::size_t> forgotten();
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::vector<std::size_t> forgotten(T& filled);

namespace detail {

// Notes which bytes of one object are described. A member that is a class is judged by itself.
class visited {
 public:
  visited(void const* first, std::size_t bytes)
      : first_{static_cast<std::byte const*>(first)}, seen_(bytes, false) {}

  template <class T>
  visited& operator&(T& x) {
    if constexpr (is_handle<T> || std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                  std::is_same_v<T, duration> || std::is_same_v<T, instant> ||
                  std::is_same_v<T, payload>) {  // a payload describes as much as its size says
      note(&x, sizeof(T), {});
    } else if constexpr (hydra::detail::is_array<T>) {
      for (auto& e : x) *this& e;
    } else if constexpr (is_bounded<T>) {
      note(&x, sizeof(T), of_element<typename T::value_type>());
    } else {
      note(&x, sizeof(T), forgotten(x));
    }
    return *this;
  }
  // A member that may be absent is described as if it were there.
  void presence(bool& there) const noexcept { there = true; }
  [[nodiscard]] bool seen(std::size_t i) const { return seen_[i]; }

 private:
  template <class E>
  [[nodiscard]] static std::vector<std::size_t> of_element() {
    if constexpr (Described<E>) {
      return forgotten<E>();
    } else {
      return {};
    }
  }
  void note(void const* at, std::size_t bytes, std::vector<std::size_t> const& but) {
    auto const from = static_cast<std::byte const*>(at) - first_;
    if (from < 0 || static_cast<std::size_t>(from) >= seen_.size()) return;  // a local of serialize
    auto const first = static_cast<std::size_t>(from);
    for (std::size_t i = 0; i < bytes; ++i) seen_[first + i] = true;
    for (auto i : but) seen_[first + i] = false;
  }
  std::byte const* first_;
  std::vector<bool> seen_;
};

}  // namespace detail

// Of one that holds as much as it can, for a T that describes only what it holds.
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::vector<std::size_t> forgotten(T& filled) {
  if (std::is_empty_v<T>) return {};
  auto const members = detail::members_of<T>();
  detail::visited seen{&filled, sizeof(T)};
  if constexpr (Described<T>) filled.serialize(seen, 0U);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    if (members[i] && !seen.seen(i)) out.push_back(i);
  }
  return out;
}
// Offsets of the bytes of T that belong to members and that serialize() does not visit.
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::vector<std::size_t> forgotten() {
  auto const fresh = std::make_unique<T>();
  return forgotten(*fresh);
}

}  // namespace hydra::testing
