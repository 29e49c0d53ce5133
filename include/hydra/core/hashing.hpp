// What a described value hashes and signs to, equal in every driver: handles count as their keys.
//
// A resolver is a callable that gives the key of a peer, a principal and a service; nobody's key
// is zero. Numbers count as little-endian bytes of their declared width, so a record must
// describe itself with fixed-width members.
// Cost: hash_of is SHA-256 (0.4 us per 64 bytes); modelled signatures and fold_with cost a few ns
// per member.
#pragma once

#include <hydra/core/hash.hpp>
#include <hydra/core/message.hpp>
#include <hydra/core/random.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace hydra {

template <class F>
concept KeyResolver = requires(F const& f, peer p, principal w, service s) {
  { f(p) } -> std::convertible_to<key>;
  { f(w) } -> std::convertible_to<key>;
  { f(s) } -> std::convertible_to<key>;
};

namespace detail {

template <KeyResolver Resolve>
class hashing_archive : public archive<hashing_archive<Resolve>> {
 public:
  explicit hashing_archive(Resolve const& resolve) : resolve_{&resolve} {}
  template <class T>
  void number(T const& x) {
    auto bits = static_cast<std::uint64_t>(x);
    for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8U) {
      hash_.add(static_cast<std::uint8_t>(bits & 0xffU));
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    auto const k = h ? key{(*resolve_)(h)} : key{};  // named: C++20 would not keep it alive
    for (auto w : k.words()) number(w);
  }
  [[nodiscard]] key finish() { return key{hash_.finish()}; }

 private:
  Resolve const* resolve_;
  sha256 hash_;
};

// Folds into 128 bits with handles as keys; members that are signatures are left out on demand.
template <KeyResolver Resolve, bool Signatures>
class folding_archive : public archive<folding_archive<Resolve, Signatures>> {
 public:
  folding_archive(Resolve const& resolve, std::uint64_t a, std::uint64_t b)
      : resolve_{&resolve}, one_{a}, two_{b} {}

  template <class T>
  folding_archive& operator&(T& x) {
    if constexpr (Signatures || !std::is_same_v<T, signature>) {
      archive<folding_archive>::operator&(x);
    }
    return *this;
  }
  template <class T>
  void number(T const& x) {
    one_.number(x);
    two_.number(x);
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    auto const k = h ? key{(*resolve_)(h)} : key{};  // named: C++20 would not keep it alive
    for (auto w : k.words()) number(w);
  }
  [[nodiscard]] std::uint64_t first() const noexcept { return one_.value(); }
  [[nodiscard]] std::uint64_t second() const noexcept { return two_.value(); }

 private:
  Resolve const* resolve_;
  fold one_;
  fold two_;
};

}  // namespace detail

template <Described T, KeyResolver Resolve>
[[nodiscard]] key hash_of(T const& what, Resolve const& resolve) {
  detail::hashing_archive<Resolve> a{resolve};
  auto copy = what;
  copy.serialize(a, 0U);
  return a.finish();
}
template <class T, KeyResolver Resolve>
  requires(!Described<T> && std::convertible_to<T const&, std::span<std::byte const>>)
[[nodiscard]] key hash_of(T const& bytes, Resolve const&) {
  return key{hash256(std::span<std::byte const>{bytes})};
}
template <class T, KeyResolver Resolve>
  requires(!Described<T> && std::convertible_to<T const&, std::string_view>)
[[nodiscard]] key hash_of(T const& text, Resolve const&) {
  return key{hash256(std::string_view{text})};
}

// A digest of a value that does not depend on how a driver numbers its handles.
template <Described T, KeyResolver Resolve>
[[nodiscard]] std::uint64_t fold_with(T const& what, std::uint64_t start, Resolve const& resolve) {
  detail::folding_archive<Resolve, true> a{resolve, start, 0};
  auto copy = what;
  copy.serialize(a, 0U);
  return a.first();
}

// The signature of the model: a 128-bit tag over a secret that only drivers can derive, and over
// every member of the record but its signatures (so a record is signed and checked as it stands).
// Unforgeable by policies, which never see the seed; worthless against a real adversary.
template <Described R, KeyResolver Resolve>
[[nodiscard]] signature modelled_signature(std::uint64_t seed, key const& signer, R const& record,
                                           Resolve const& resolve) {
  auto secret = stream_base(seed, purpose::identity, signer.words()[0]);
  for (auto w : signer.words()) secret = mix64(secret ^ w);
  detail::folding_archive<Resolve, false> a{resolve, secret, mix64(secret ^ 0x5157U)};
  if constexpr (requires { R::id.packed(); }) a.number(R::id.packed());
  auto copy = record;
  copy.serialize(a, 0U);
  signature s{};
  s.words[0] = mix64(a.first() ^ secret) | 1U;  // never all zero: zero is "not signed"
  s.words[1] = mix64(a.second() + secret);
  return s;
}

}  // namespace hydra
