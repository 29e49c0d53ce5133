// A node that chats, heads of it, and hostile ends of TLS connections that speak for themselves.
#pragma once

#include "../../catch.hpp"

#include <hydra/net/runtime.hpp>

#include <sys/time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hydra::test {

struct question {
  static constexpr message_id id{room::node, 1, 1};
  std::uint32_t round = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& round;
  }
};
struct reply {
  static constexpr message_id id{room::node, 2, 1};
  std::uint32_t round = 0;
  std::array<std::uint64_t, 128> ballast{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& round& ballast;
  }
};
struct chat {
  peer with{};
  std::uint32_t rounds = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& with& rounds;
  }
};
struct told {
  std::uint32_t rounds = 0;
  bool lost = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& rounds& lost;
  }
};
// Something to sign.
struct promise {
  static constexpr message_id id{room::node, 101, 1};
  principal to{};
  std::uint64_t number = 0;
  signature by{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& to& number& by;
  }
};

struct chatting {
  using messages = type_list<question, reply>;
  using inputs = type_list<chat>;
  using facts = type_list<told>;
  std::uint32_t asked = 0;
  std::uint32_t rounds = 0;
  std::uint32_t good = 0;  // signatures
  std::uint32_t bad = 0;
  peer asker{};

  template <class A>
  void serialize(A& a, unsigned) {
    a& asked& rounds& good& bad& asker;
  }
  void on_fact(auto& env, chat const& c) {
    rounds = c.rounds;
    env.send(c.with, question{0});
  }
  void on_message(auto& env, peer from, question const& q) {
    ++asked;
    asker = from;
    env.send(from, reply{q.round, {}});
  }
  void on_message(auto& env, peer from, reply const& r) {
    if (r.round + 1 < rounds) env.send(from, question{r.round + 1});
    else env.emit(told{r.round + 1, false});
  }
  void on_fact(auto& env, unreachable const&) { env.emit(told{0, true}); }
  void on_fact(auto&, checked const& c) { ++(c.good ? good : bad); }
};

using head = net::runtime<chatting>;

[[nodiscard]] inline net::identity who(std::uint8_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = number;
  seed[31] = 1;
  return net::identity::from_seed(seed);
}
[[nodiscard]] inline net::runtime_settings as(std::uint8_t number) {
  net::runtime_settings s;
  s.identity = who(number);
  s.limits.handshake_timeout = 1s;
  return s;
}

// Waits for what the io threads bring about; false after five seconds.
template <class F>
bool eventually(F&& holds) {
  net::asio::io_context io;
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    net::asio::steady_timer{io, std::chrono::milliseconds{5}}.wait();
  }
  return false;
}

// What a head told its user.
struct listener {
  std::atomic<std::uint32_t> rounds = 0;
  std::atomic<std::uint32_t> losses = 0;
  explicit listener(head& h) {
    h.on_emit([this](auto const& fact) {
      if (fact.lost) ++losses;
      else rounds = fact.rounds;
    });
  }
};

// What an end of a connection shows and how.
struct face {
  net::detail::x509_pointer certificate;
  EVP_PKEY* secret = nullptr;
  X509* above = nullptr;  // a second certificate
  int version = TLS1_3_VERSION;
  char const* algorithms = "ed25519:ECDSA+SHA256";
  bool takes_tickets = true;
};
[[nodiscard]] inline face honest(net::identity const& of) {
  auto const now = net::detail::wall_now();
  return {net::make_certificate(of, net::validity::around(now)), of.pair()};
}

// A blocking end of TLS on a plain socket; every wait ends after two seconds.
class raw_end {
 public:
  raw_end(face const& f, net::tcp::socket socket, bool dials) : socket_{std::move(socket)} {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to what may be closed
    timeval const two{2, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &two, sizeof two);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &two, sizeof two);
    context_.reset(SSL_CTX_new(TLS_method()));
    auto* const c = context_.get();
    SSL_CTX_set_max_proto_version(c, f.version);
    SSL_CTX_set1_sigalgs_list(c, f.algorithms);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    if (f.certificate) REQUIRE(SSL_CTX_use_certificate(c, f.certificate.get()) == 1);
    if (f.secret != nullptr) REQUIRE(SSL_CTX_use_PrivateKey(c, f.secret) == 1);
    if (f.above != nullptr) REQUIRE(SSL_CTX_add1_chain_cert(c, f.above) == 1);
    ssl_.reset(SSL_new(c));
    SSL_set_fd(ssl_.get(), socket_.native_handle());
    ERR_clear_error();
    finished_ = (dials ? SSL_connect(ssl_.get()) : SSL_accept(ssl_.get())) == 1;
  }
  // Whether the handshake ended well on this side.
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] bool send(std::vector<std::byte> const& bytes) {
    ERR_clear_error();
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // Bytes read, or what SSL_get_error says, negative.
  [[nodiscard]] int hear() {
    std::array<char, 65536> sink{};
    ERR_clear_error();
    auto const n = SSL_read(ssl_.get(), sink.data(), static_cast<int>(sink.size()));
    return n > 0 ? n : -SSL_get_error(ssl_.get(), n);
  }
  // Whether it was closed within two seconds of silence; `peace`: by a word of goodbye.
  [[nodiscard]] bool hung_up(bool peace = false) {
    int last = 0;
    while ((last = hear()) > 0) {
    }
    if (peace) return last == -SSL_ERROR_ZERO_RETURN;
    return last != -SSL_ERROR_WANT_READ &&
           !(last == -SSL_ERROR_SYSCALL && (errno == EAGAIN || errno == EWOULDBLOCK));
  }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

 private:
  net::tcp::socket socket_;
  net::detail::context_pointer context_;
  net::detail::ssl_pointer ssl_;
  bool finished_ = false;
};

// Somebody who calls a head, and somebody who waits for one.
struct caller {
  net::asio::io_context io;
  std::optional<raw_end> end;
  caller(face const& f, std::uint16_t port) {
    net::tcp::socket s{io};
    s.connect({net::asio::ip::address_v4::loopback(), port});
    end.emplace(f, std::move(s), true);
  }
};
struct waiter {
  net::asio::io_context io;
  net::tcp::acceptor acceptor{io, {net::asio::ip::address_v4::loopback(), 0}};
  std::optional<raw_end> end;
  [[nodiscard]] wire::contact as(key const& k) const {
    wire::contact c{k, {}};
    c.at.push_back(net::to_wire(acceptor.local_endpoint()));
    return c;
  }
  void take(face const& f) { end.emplace(f, acceptor.accept(), false); }
};

[[nodiscard]] inline net::hello hello_as(key const& k) {
  net::hello h;
  h.network = 1;
  h.head = k;
  h.owner = k;
  return h;
}
[[nodiscard]] inline std::vector<std::byte> frame_of(net::hello const& h) {
  return net::control_frame(net::control::hello, h);
}

}  // namespace hydra::test
