// Messages, facts and records: bounded, trivially copyable values that describe their members.
//
//   struct find_peer {
//     static constexpr message_id id{room::routing, 1, 1};    // room, number, version
//     key target;
//     template <class A> void serialize(A& a, unsigned) { a & target; }
//   };
//
// One `serialize` drives the wire, the digest, comparison, handle translation and checkpoints.
#pragma once

#include <hydra/core/wide.hpp>
#include <hydra/core/bounded.hpp>
#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>
#include <hydra/core/types.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hydra {

// g++ takes room::trust for a shadow of hydra::trust, which it cannot be in a scoped enumeration.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
// The rooms of the house. The number is part of the protocol and never changes.
enum class room : std::uint8_t {
  node = 0,  // a node without an assembly: the user's own
  routing = 1,
  membership = 2,
  proximity = 3,
  trust = 4,
  scheduling = 5,
  verify = 6,
  code = 7,
  data = 8,
  protocol = 9,
};
#pragma GCC diagnostic pop
inline constexpr std::size_t room_count = 10;
[[nodiscard]] constexpr room last_of(room) noexcept { return room::protocol; }

struct message_id {
  room where = room::node;
  std::uint16_t number = 0;
  std::uint8_t version = 1;
  [[nodiscard]] constexpr std::uint32_t packed() const noexcept {
    return static_cast<std::uint32_t>(where) << 24U | std::uint32_t{number} << 8U | version;
  }
  friend constexpr bool operator==(message_id, message_id) = default;
};

inline constexpr std::size_t message_bytes_max = 1536;  // in memory; larger things are objects

namespace detail {
struct any_archive {
  template <class T>
  any_archive& operator&(T&) {
    return *this;
  }
};
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
}  // namespace detail

template <class T>
concept Described = requires(T& x, detail::any_archive& a) { x.serialize(a, 0U); };

// Whether all that T holds can be written down: it describes itself, or holds nothing. A class that
// inherits serialize() and adds members must say its own; testing/described.hpp finds who forgot.
template <class T>
concept Restorable = Described<T> || std::is_empty_v<T>;

template <class M>
concept Message = std::is_trivially_copyable_v<M> && Described<M> &&
                  std::default_initializable<M> && (sizeof(M) <= message_bytes_max) &&
                  requires {
                    { M::id } -> std::convertible_to<message_id>;
                  };

// Facts and kept records have the same shape as messages but never travel by themselves.
template <class F>
concept Fact = std::is_trivially_copyable_v<F> && Described<F> && std::default_initializable<F>;

// An archive derives from this and provides number(T&) for integers, bools and enumerations, and
// handle(handle<Tag>&). It may provide length(n, max) for bounded vectors.
template <class Derived>
class archive {
 public:
  template <class T>
  Derived& operator&(T& x) {
    auto& self = static_cast<Derived&>(*this);
    if constexpr (is_handle<T>) {
      self.handle(x);
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      self.number(x);
    } else if constexpr (std::is_same_v<T, duration>) {
      auto n = x.count();
      self.number(n);
      x = duration{n};
    } else if constexpr (std::is_same_v<T, instant>) {
      auto n = ns(x);
      self.number(n);
      x = at_ns(n);
    } else if constexpr (detail::is_array<T>) {
      for (auto& e : x) self& e;
    } else {
      x.serialize(self, 0U);
    }
    return self;
  }
};

// A member that is usually absent: whether it is there, then what it says.
template <class A, class T>
void serialize_if_any(A& a, T& x) {
  bool there = static_cast<bool>(x);
  if constexpr (requires { a.presence(there); }) {
    a.presence(there);
  } else {
    a& there;
  }
  if (there) {
    a& x;
  } else {
    x = T{};
  }
}

// Folds described members into 64 bits. Never bytes: padding differs between compilers.
class fold : public archive<fold> {
 public:
  constexpr explicit fold(std::uint64_t start) noexcept : value_{start} {}
  template <class T>
  constexpr void number(T const& x) noexcept {
    add(static_cast<std::uint64_t>(x));
  }
  template <class Tag>
  constexpr void handle(hydra::handle<Tag> const& h) noexcept {
    add(h.index());
  }
  // What is absent adds nothing, so that a value with a new optional member folds as before.
  constexpr void presence(bool) noexcept {}
  constexpr void add(std::uint64_t word) noexcept {
    auto const wide = static_cast<uint128>(value_ ^ word ^ 0x8bb84b93962eacc9U) *
                      0x9e3779b97f4a7c15U;
    value_ = static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64U);
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_;
};

template <Described T>
[[nodiscard]] std::uint64_t fold_of(T const& x, std::uint64_t start = 0) {
  fold f{start};
  auto copy = x;
  copy.serialize(f, 0U);
  return f.value();
}

// Equal members, whatever lies in the padding.
class flatten : public archive<flatten> {
 public:
  template <class T>
  void number(T const& x) {
    words_.try_push_back(static_cast<std::uint64_t>(x));
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    words_.try_push_back(h.index());
  }
  [[nodiscard]] auto const& words() const noexcept { return words_; }

 private:
  bounded_vector<std::uint64_t, message_bytes_max> words_;
};

template <Described T>
[[nodiscard]] bool same(T const& a, T const& b) {
  auto x = a;
  auto y = b;
  flatten fa;
  flatten fb;
  x.serialize(fa, 0U);
  y.serialize(fb, 0U);
  return fa.words() == fb.words();
}

namespace detail {
template <class... M>
constexpr bool distinct_ids(type_list<M...>) {
  std::array<std::uint32_t, sizeof...(M) + 1> const ids{M::id.packed()..., 0};
  for (std::size_t i = 0; i < sizeof...(M); ++i) {
    for (std::size_t j = i + 1; j < sizeof...(M); ++j) {
      if (ids[i] == ids[j]) return false;
    }
  }
  return true;
}
}  // namespace detail

template <class List>
inline constexpr bool ids_are_unique = detail::distinct_ids(List{});

}  // namespace hydra
