// Described values as portable bytes, and back from bytes that nobody should trust.
//
// Encoding: members in the order of their serialize(); integers and enumerations little-endian at
// their declared width; a bool is one byte, 0 or 1; a bounded vector is a 16-bit length and its
// elements. Fixed widths rather than varints: a message has one encoding (so equal values have
// equal bytes), its size is known before it is written, and nothing loops on input. What becomes
// of a handle is up to the translator, which offers save(writer&, handle) and
// load(reader&, handle&).
//
// Decoding promises never to read past the end, never to loop on a length it has not checked
// against the bound of the type and the bytes that are left, and to refuse trailing bytes. After
// the first mistake every further number reads as zero and why() names what was wrong.
// An enumeration that declares  constexpr E last_of(E)  beside itself is checked against it;
// others accept every value of their width.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/outcome.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace hydra {

// Handles as their 32-bit numbers: for bytes that never leave the driver that wrote them.
struct as_numbers {
  template <class W, class Tag>
  void save(W& out, handle<Tag> h) const {
    out.number(h.index());
  }
  template <class R, class Tag>
  void load(R& in, handle<Tag>& h) const {
    std::uint32_t index = 0;
    in.number(index);
    h = handle<Tag>{index};
  }
};

namespace detail {

// What an archive of Boost.Serialization offers besides operator&.
template <class Derived, bool Saving>
class bytes_archive : public archive<Derived> {
 public:
  using is_saving = std::bool_constant<Saving>;
  using is_loading = std::bool_constant<!Saving>;
};

}  // namespace detail

template <class Translate>
class byte_writer : public detail::bytes_archive<byte_writer<Translate>, true> {
 public:
  byte_writer(std::vector<std::byte>& out, Translate& translate) noexcept
      : out_{&out}, translate_{&translate} {}

  template <class T>
  void number(T const& x) {
    auto bits = static_cast<std::uint64_t>(x);
    for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8U) {
      out_->push_back(static_cast<std::byte>(bits & 0xffU));
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    translate_->save(*this, h);
  }
  void length(std::uint16_t& n, std::uint16_t) { number(n); }
  template <class T>
  byte_writer& operator<<(T const& x) {
    auto copy = x;
    return *this & copy;
  }

 private:
  std::vector<std::byte>* out_;
  Translate* translate_;
};

template <class Translate>
class byte_reader : public detail::bytes_archive<byte_reader<Translate>, false> {
 public:
  byte_reader(std::span<std::byte const> in, Translate& translate) noexcept
      : in_{in}, translate_{&translate} {}

  template <class T>
  void number(T& x) {
    if (!ok() || left() < sizeof(T)) {
      x = T{};
      return refuse("the bytes end inside a number");
    }
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bits |= static_cast<std::uint64_t>(in_[at_++]) << (8U * i);
    }
    if constexpr (std::is_same_v<T, bool>) {
      if (bits > 1) refuse("a truth value is neither 0 nor 1");
      x = bits == 1;
    } else if constexpr (requires { last_of(T{}); }) {
      if (bits > static_cast<std::uint64_t>(last_of(T{}))) {
        refuse("an enumeration has no such value");
        bits = static_cast<std::uint64_t>(T{});
      }
      x = static_cast<T>(bits);
    } else {
      x = static_cast<T>(bits);
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag>& h) {
    h = {};
    if (ok()) translate_->load(*this, h);
  }
  // A length, and every element takes a byte at least: so it cannot exceed what is left.
  void length(std::uint16_t& n, std::uint16_t max) {
    number(n);
    if (n > max) refuse("a length is over the bound of its type");
    if (n > left()) refuse("a length is over the bytes that are left");
    if (!ok()) n = 0;
  }
  template <class T>
  byte_reader& operator>>(T& x) {
    return *this & x;
  }
  // Precondition: n <= left().
  [[nodiscard]] std::span<std::byte const> skip(std::size_t n) {
    HYDRA_EXPECTS(n <= left());
    at_ += n;
    return in_.subspan(at_ - n, n);
  }
  void refuse(char const* why) noexcept {
    if (why_ == nullptr) why_ = why;
  }
  [[nodiscard]] bool ok() const noexcept { return why_ == nullptr; }
  [[nodiscard]] char const* why() const noexcept { return why_ == nullptr ? "" : why_; }
  [[nodiscard]] std::size_t left() const noexcept { return in_.size() - at_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  std::span<std::byte const> in_;
  std::size_t at_ = 0;
  Translate* translate_;
  char const* why_ = nullptr;
};

// Appends to `out`. Allocates when `out` has to grow.
template <Described T, class Translate>
void to_bytes(T const& x, std::vector<std::byte>& out, Translate& translate) {
  byte_writer<Translate> w{out, translate};
  auto copy = x;
  copy.serialize(w, 0U);
}
template <Described T>
[[nodiscard]] std::vector<std::byte> to_bytes(T const& x) {
  std::vector<std::byte> out;
  as_numbers plain;
  to_bytes(x, out, plain);
  return out;
}

template <Described T, class Translate>
[[nodiscard]] result<T> from_bytes(std::span<std::byte const> in, Translate& translate) {
  byte_reader<Translate> r{in, translate};
  T x{};
  x.serialize(r, 0U);
  if (r.ok() && r.left() != 0) r.refuse("bytes are left over");
  if (!r.ok()) return error{std::string{r.why()} + " at byte " + std::to_string(r.at())};
  return x;
}
template <Described T>
[[nodiscard]] result<T> from_bytes(std::span<std::byte const> in) {
  as_numbers plain;
  return from_bytes<T>(in, plain);
}

}  // namespace hydra
