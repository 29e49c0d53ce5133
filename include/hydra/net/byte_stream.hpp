// The bytes of one connection: as they are, or through TLS when an identity is given.
//
// Nothing here waits or keeps time: the session asks the socket when it is ready. What is put goes
// into one flat buffer and leaves in one call; what is read comes as much as there is.
#pragma once

#include <hydra/net/tls.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace hydra::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class byte_stream {
 public:
  using state = tls_engine::state;

  // Without a context: plain.
  byte_stream(tcp::socket socket, tls_context* context, std::optional<key> const& expected)
      : socket_{std::move(socket)}, plain_{socket_.native_handle()} {
    error_code ignored;
    socket_.set_option(tcp::no_delay{true}, ignored);
    socket_.native_non_blocking(true, ignored);
    if (context != nullptr) tls_.emplace(*context, socket_.native_handle(), expected);
  }

  [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
  [[nodiscard]] bool secure() const noexcept { return tls_.has_value(); }
  [[nodiscard]] tls_engine const& tls() const { return *tls_; }

  [[nodiscard]] state shake() { return tls_ ? tls_->shake() : state::done; }
  // As tls_engine::read.
  [[nodiscard]] std::pair<std::size_t, state> read(std::span<std::byte> into) {
    if (tls_) return tls_->read(into);
    auto const n = plain_.read({reinterpret_cast<char*>(into.data()), into.size()});
    if (n < 0) return {0, state::failed};
    return {static_cast<std::size_t>(n), n == 0 ? state::waits : state::done};
  }
  // Whether read() would find nothing until the socket is ready again.
  [[nodiscard]] bool drained() const noexcept {
    return end().drained() && (!tls_ || !tls_->holds_bytes());
  }
  // The socket can be read again.
  void ready() noexcept { end().ready(); }

  [[nodiscard]] bool put(std::span<std::byte const> bytes) {
    return tls_ ? tls_->put(bytes) : plain_.put(bytes);
  }
  [[nodiscard]] bool flush() { return end().flush(); }
  [[nodiscard]] std::size_t pending() const noexcept { return end().pending(); }
  void shrink() { end().shrink(); }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> take_tally() noexcept {
    return end().take_tally();
  }

  [[nodiscard]] std::string why() const {
    return tls_ && !tls_->why().empty() ? tls_->why() : "the connection ended";
  }
  void close() {
    error_code ignored;
    if (tls_) tls_->say_goodbye();
    static_cast<void>(flush());
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

 private:
  [[nodiscard]] detail::wire_end& end() noexcept { return tls_ ? tls_->end() : plain_; }
  [[nodiscard]] detail::wire_end const& end() const noexcept {
    return tls_ ? tls_->end() : plain_;
  }

  tcp::socket socket_;
  detail::wire_end plain_;
  std::optional<tls_engine> tls_;
};

}  // namespace hydra::net
