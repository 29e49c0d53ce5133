// Hostile and unknown clients of a runtime: sockets that say what they like.
#pragma once

#include "../catch.hpp"

#include <hydra/net/runtime.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::test {

// Within five seconds or so.
template <class F>
bool eventually(F&& holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    net::asio::io_context io;
    net::asio::steady_timer{io, std::chrono::milliseconds{5}}.wait();
  }
  return false;
}

// Bytes in, bytes out.
struct raw_client {
  net::asio::io_context io;
  net::tcp::socket socket{io};
  explicit raw_client(std::uint16_t port) {
    socket.connect({net::asio::ip::address_v4::loopback(), port});
  }
  bool send(std::vector<std::byte> const& bytes) {
    net::error_code ec;
    net::asio::write(socket, net::asio::buffer(bytes), ec);
    return !ec;
  }
  // Whether the other end hung up, within two seconds or so.
  bool hung_up() {
    socket.non_blocking(true);
    std::array<char, 65536> sink;
    return eventually([&] {
      net::error_code ec;
      while (socket.read_some(net::asio::buffer(sink), ec) > 0 && !ec) {
      }
      return ec && ec != net::asio::error::would_block;
    });
  }
  static std::vector<std::byte> hello_of(std::uint32_t index, std::uint32_t network = 1) {
    net::hello h;
    h.network = network;
    h.head = derived_key(7, peer{index});
    return net::control_frame(net::control::hello, h);
  }
};

// So many strangers come, one after the other, each with one message of `id` that `say` writes, and
// go. How many were heard. Who describes all that it holds makes room for whom it has forgotten; a
// node that describes nothing is full after the first `per_account_max` of them.
template <class N, class Say>
std::uint32_t strangers_met(std::uint32_t of, message_id id, Say&& say) {
  net::runtime_settings s{.seed = 7};
  s.limits.directory = {.each_max = 400, .per_account_max = 150, .sweep_pause = 1ms};
  net::runtime<N> one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  for (std::uint32_t i = 0; i < of; ++i) {
    net::hello h;
    h.network = 1;
    h.head = derived_key(7, peer{1000 + i});
    h.owner = derived_key(7, principal{1000 + i});
    raw_client c{port.value()};
    auto said = net::control_frame(net::control::hello, h);
    REQUIRE(wire::append_frame(said, id.packed(), 0, [&](auto& to) {
      as_numbers plain;
      byte_writer<as_numbers> w{to, plain};
      say(w, i, h.head);
    }));
    c.send(said);
    REQUIRE(eventually([&] {
      auto const n = one.counters();
      return n.received + n.bad_hellos > i;
    }));
    c.socket.close();
    REQUIRE(eventually([&] { return one.inspect([](auto& x) { return x.sessions(); }) == 0; }));
  }
  CHECK(one.inspect([](auto& x) { return x.known_heads(); }) <= 152);
  return static_cast<std::uint32_t>(one.counters().received);
}

}  // namespace hydra::test
