// The bytes that a record's signature covers on the network.
//
// A domain, the network, the key of the Hydra that signs, the id of the record if it has one, then
// every member but signatures as on the wire, handles as their keys alone: a record is signed and
// checked as it stands. Cost: one pass over the record.
#pragma once

#include <hydra/core/hashing.hpp>
#include <hydra/net/ownership.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace hydra::net {

namespace detail {

template <KeyResolver Resolve>
class signing_archive : public archive<signing_archive<Resolve>> {
 public:
  signing_archive(std::vector<std::byte>& out, Resolve const& resolve)
      : out_{&out}, resolve_{&resolve} {}

  template <class T>
  signing_archive& operator&(T& x) {
    if constexpr (!std::is_same_v<T, signature>) archive<signing_archive>::operator&(x);
    return *this;
  }
  template <class T>
  void number(T const& x) {
    auto bits = static_cast<std::uint64_t>(x);
    for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8U) {
      out_->push_back(static_cast<std::byte>(bits & 0xffU));
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    auto k = h ? key{(*resolve_)(h)} : key{};
    *this& k;
  }

 private:
  std::vector<std::byte>* out_;
  Resolve const* resolve_;
};

}  // namespace detail

template <Described R, KeyResolver Resolve>
[[nodiscard]] std::vector<std::byte> signed_bytes(std::uint32_t network, key signer,
                                                  R const& record, Resolve const& resolve) {
  auto out = detail::signed_as("hydra record 1\n");
  detail::signing_archive<Resolve> a{out, resolve};
  a& network& signer;
  if constexpr (requires { R::id.packed(); }) a.number(R::id.packed());
  auto copy = record;
  copy.serialize(a, 0U);
  return out;
}

}  // namespace hydra::net
