// What the fuzzer of handshakes does with some bytes; the unit test runs it over the corpus.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/net/session.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hydra::fuzz {

// Bytes of a stranger, `piece` at a time, at an end of TLS that was called or has dialled: whatever
// they are, nobody is let in by them, and what is answered is bounded.
inline void shake_with(std::span<std::byte const> bytes, std::size_t piece, bool dialled) {
  static auto const me = net::identity::from_seed({1});
  static net::tls_context context{me};
  auto const other = net::identity::from_seed({2}).id();
  std::array<int, 2> ends{};
  HYDRA_EXPECTS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  {
    net::tls_engine engine{context, ends[0], dialled ? std::optional<key>{other} : std::nullopt};
    auto how = engine.shake();
    std::array<char, 4096> sink{};
    while (!bytes.empty() && how == net::tls_engine::state::waits) {
      auto const in = bytes.first(std::min(piece, bytes.size()));
      bytes = bytes.subspan(in.size());
      if (::send(ends[1], in.data(), in.size(), MSG_NOSIGNAL) < 0) break;
      engine.end().ready();
      how = engine.shake();
      HYDRA_ENSURES(engine.end().flush());
      HYDRA_ENSURES(engine.end().pending() <= net::detail::wire_end::waiting_bytes_max);
      while (::recv(ends[1], sink.data(), sink.size(), 0) > 0) {
      }
    }
    HYDRA_ENSURES(how != net::tls_engine::state::done);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

// A control frame's body that decodes has one encoding.
template <class T>
void body_of(std::span<std::byte const> bytes) {
  auto const x = from_bytes<T>(bytes);
  if (!x) return;
  auto const again = to_bytes(x.value());
  HYDRA_ENSURES(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
}

inline void handshake_target(std::span<std::byte const> bytes) {
  if (bytes.empty()) return;
  auto const how = std::to_integer<std::uint8_t>(bytes[0]);
  auto const rest = bytes.subspan(1);
  body_of<net::hello>(rest);
  body_of<net::signers_body>(rest);
  body_of<net::who_signs_body>(rest);
  body_of<net::ping_body>(rest);
  if (auto const h = from_bytes<net::hello>(rest)) {
    auto const& said = h.value();
    HYDRA_ENSURES(said.at.size() <= wire::endpoints_max);
    static_cast<void>(net::holds(said.proof, said.network, said.head, at_ns(0), 5min));
  }
  shake_with(rest, (how >> 1U) * std::size_t{16} + 1, (how & 1U) != 0);
}

}  // namespace hydra::fuzz
