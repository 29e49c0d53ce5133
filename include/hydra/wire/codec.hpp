// Messages as bytes between machines: core/bytes.hpp with handles translated to keys.
//
// On the wire a peer is its key (32 bytes) and at most endpoints_max endpoints; a principal and a
// service are their keys; nobody is the zero key (and no endpoints). The directory of a driver
// says what a handle stands for and interns what comes in: it bounds how many it interns and on
// whose account, and answers nobody when that is exhausted, which refuses the message.
#pragma once

#include <hydra/core/bytes.hpp>
#include <hydra/core/identity.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hydra::wire {

inline constexpr std::size_t endpoints_max = 4;

// An address as IPv6, IPv4 mapped into it (::ffff:a.b.c.d), in network order.
struct endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  hydra::reach reach = hydra::reach::open;
  friend constexpr bool operator==(endpoint const&, endpoint const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& address& port& reach;
  }
};

using endpoints = bounded_vector<endpoint, endpoints_max>;

[[nodiscard]] constexpr bool is_v4(endpoint const& e) noexcept {
  for (std::size_t i = 0; i < 10; ++i) {
    if (e.address[i] != 0) return false;
  }
  return e.address[10] == 0xff && e.address[11] == 0xff;
}
[[nodiscard]] constexpr bool is_loopback(endpoint const& e) noexcept {
  if (is_v4(e)) return e.address[12] == 127;
  for (std::size_t i = 0; i < 15; ++i) {
    if (e.address[i] != 0) return false;
  }
  return e.address[15] == 1;
}
// Which part of the address space: an IPv4 /16, an IPv6 /32; never zero.
[[nodiscard]] constexpr netgroup netgroup_of(endpoint const& e) noexcept {
  auto const& b = e.address;
  std::uint32_t const word = is_v4(e) ? 0x10000U | std::uint32_t{b[12]} << 8U | b[13]
                                      : std::uint32_t{b[0]} << 24U | std::uint32_t{b[1]} << 16U |
                                            std::uint32_t{b[2]} << 8U | b[3];
  return {word == 0 ? 1U : word};
}

// How a head says that it can be reached: as at the best of its endpoints.
[[nodiscard]] constexpr reach reach_said(endpoints const& at) noexcept {
  if (at.empty()) return reach::open;
  auto best = at[0].reach;
  for (auto const& e : at) {
    if (e.reach == reach::open) best = e.reach;
  }
  return best;
}

// A head as it is named on the wire.
struct contact {
  hydra::key key{};
  wire::endpoints at{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& key& at;
  }
};

// What a driver offers to the codec. intern answers nobody to refuse.
template <class D>
concept Directory = requires(D& d, peer p, principal w, service s, contact const& c, key const& k) {
  { d.contact_of(p) } -> std::convertible_to<contact>;
  { d.key_of(w) } -> std::convertible_to<key>;
  { d.key_of(s) } -> std::convertible_to<key>;
  { d.intern_peer(c) } -> std::same_as<peer>;
  { d.intern_principal(k) } -> std::same_as<principal>;
  { d.intern_service(k) } -> std::same_as<service>;
};

template <Directory D>
class as_keys {
 public:
  explicit as_keys(D& directory) noexcept : directory_{&directory} {}

  template <class W>
  void save(W& out, peer p) const {
    auto c = p ? contact{directory_->contact_of(p)} : contact{};
    out& c;
  }
  template <class W, class Tag>
  void save(W& out, handle<Tag> h) const {
    auto k = h ? key{directory_->key_of(h)} : key{};
    out& k;
  }
  template <class R>
  void load(R& in, peer& p) const {
    contact c;
    in& c;
    if (!in.ok()) return;
    if (c.key == key{}) {
      if (!c.at.empty()) in.refuse("nobody has endpoints");
      return;
    }
    p = directory_->intern_peer(c);
    if (!p) in.refuse("no room for another peer");
  }
  template <class R>
  void load(R& in, principal& w) const {
    w = interned<principal>(in, [&](key const& k) { return directory_->intern_principal(k); });
  }
  template <class R>
  void load(R& in, service& s) const {
    s = interned<service>(in, [&](key const& k) { return directory_->intern_service(k); });
  }

 private:
  template <class H, class R, class Intern>
  [[nodiscard]] H interned(R& in, Intern&& intern) const {
    key k;
    in& k;
    if (!in.ok() || k == key{}) return {};
    H const h = intern(k);
    if (!h) in.refuse("no room for another key");
    return h;
  }

  D* directory_;
};

template <Message M, Directory D>
void encode(M const& m, std::vector<std::byte>& out, D& directory) {
  as_keys<D> translate{directory};
  to_bytes(m, out, translate);
}
template <Message M, Directory D>
[[nodiscard]] result<M> decode(std::span<std::byte const> in, D& directory) {
  as_keys<D> translate{directory};
  return from_bytes<M>(in, translate);
}

// The check mode of the simulator: a message must survive its own encoding. An error names what
// was lost; the value is the size in bytes. Handles stand for themselves here.
template <Message M>
[[nodiscard]] result<std::size_t> wire_check(M const& m) {
  auto const bytes = to_bytes(m);
  auto const back = from_bytes<M>(bytes);
  if (!back) return error{"a message does not decode: " + back.why()};
  if (!same(m, back.value())) return error{"a message is not what it was after decoding"};
  if (to_bytes(back.value()) != bytes) return error{"a message has two encodings"};
  return bytes.size();
}

}  // namespace hydra::wire
