// TLS 1.3 between two identities, over a socket that does not block.
//
// Promise: an engine whose shake() said `done` talks to the holder of peer_raw(), and to nobody
// else; one that was told whom to expect never ends a handshake with another, and then has not
// shown its own certificate. TLS 1.3 only, Ed25519, X25519, both ends show exactly one certificate
// that is signed by its own key (certificates.hpp); no authorities, no renegotiation, no early
// data, no compression. No resumption: a ticket would save 0.7 of 1.5 ms per connection, which is
// kept for hours, and would be a second way to be let in. A client is done before the server has
// verified it: only the first bytes that it reads say that it is trusted.
// Why not Asio's ssl::stream: it moves 17 kB at a time; this one reads and writes what there is,
// at once (docs/decisions/0022-tls.md has the figures).
// Memory: 20 kB per connection, and 80 kB while bytes are under way. Not for two threads at once.
#pragma once

#include <hydra/net/certificates.hpp>

#include <openssl/ssl.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

namespace detail {

using context_pointer = std::unique_ptr<SSL_CTX, frees<SSL_CTX_free>>;
using ssl_pointer = std::unique_ptr<SSL, frees<SSL_free>>;
using method_pointer = std::unique_ptr<BIO_METHOD, frees<BIO_meth_free>>;

// Bytes on their way out of one connection, and whether its socket has more to read.
class wire_end {
 public:
  static constexpr std::size_t waiting_bytes_max = 192 << 10;  // then the connection ends

  explicit wire_end(int fd) noexcept : fd_{fd} {}

  // At most in.size() bytes; 0: none now; -1: the connection ended.
  [[nodiscard]] int read(std::span<char> into) noexcept {
    if (drained_) return 0;
    auto const n = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      drained_ = errno != EINTR;
      return 0;
    }
    if (n <= 0) return -1;
    came_ += static_cast<std::size_t>(n);
    drained_ = static_cast<std::size_t>(n) < into.size();  // saves a call that finds nothing
    return static_cast<int>(n);
  }
  [[nodiscard]] bool drained() const noexcept { return drained_; }
  // The socket may have something again.
  void ready() noexcept { drained_ = false; }

  [[nodiscard]] bool put(std::span<std::byte const> bytes) {
    if (pending() + bytes.size() > waiting_bytes_max) return false;
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return true;
  }
  // Sends what the socket takes now. False: the connection ended.
  [[nodiscard]] bool flush() {
    while (pending() != 0) {
      auto const n = ::send(fd_, out_.data() + sent_, pending(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
      sent_ += static_cast<std::size_t>(n);
      left_ += static_cast<std::size_t>(n);
    }
    sent_ = 0;
    out_.clear();
    return true;
  }
  [[nodiscard]] std::size_t pending() const noexcept { return out_.size() - sent_; }
  // Bytes in and out since it was asked last.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> take_tally() noexcept {
    return {std::exchange(came_, 0), std::exchange(left_, 0)};
  }
  // Gives memory back that only a burst needed.
  void shrink() {
    if (out_.empty()) std::vector<std::byte>{}.swap(out_);
  }

 private:
  int fd_;
  bool drained_ = false;
  std::vector<std::byte> out_;
  std::size_t sent_ = 0;
  std::uint64_t came_ = 0;
  std::uint64_t left_ = 0;
};

// OpenSSL's door to a wire_end.
[[nodiscard]] inline BIO_METHOD const* wire_method() {
  static method_pointer const made = [] {
    method_pointer m{BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hydra wire")};
    HYDRA_EXPECTS(m != nullptr);
    BIO_meth_set_write(m.get(), [](BIO* b, char const* from, int size) {
      auto* const end = static_cast<wire_end*>(BIO_get_data(b));
      auto const bytes = std::as_bytes(std::span{from, static_cast<std::size_t>(size)});
      return end->put(bytes) ? size : -1;
    });
    BIO_meth_set_read(m.get(), [](BIO* b, char* into, int size) {
      auto* const end = static_cast<wire_end*>(BIO_get_data(b));
      BIO_clear_retry_flags(b);
      auto const n = end->read({into, static_cast<std::size_t>(size)});
      if (n == 0) BIO_set_retry_read(b);
      return n == 0 ? -1 : std::max(n, 0);
    });
    BIO_meth_set_ctrl(m.get(), [](BIO*, int what, long, void*) -> long {
      return what == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return m;
  }();
  return made.get();
}

}  // namespace detail

// What all connections of one identity share. Makes its certificate anew when it has grown old.
class tls_context {
 public:
  static constexpr std::size_t read_bytes = 80 << 10;  // at once: a whole frame and more

  explicit tls_context(identity of) : of_{std::move(of)}, context_{SSL_CTX_new(TLS_method())} {
    auto* const c = context_.get();
    bool const made = c != nullptr && SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 &&
                      SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
                      SSL_CTX_set1_groups_list(c, "X25519") == 1 &&
                      SSL_CTX_set1_sigalgs_list(c, "ed25519") == 1 &&
                      SSL_CTX_set1_client_sigalgs_list(c, "ed25519") == 1 &&
                      SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_set_max_early_data(c, 0) == 1;
    HYDRA_ENSURES(made);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c, 1);
    SSL_CTX_set_default_read_buffer_len(c, read_bytes);
    SSL_CTX_set_max_cert_list(c, 4096);  // bytes: one certificate has 300
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(c, &tls_context::judge, nullptr);
    refresh();
  }
  tls_context(tls_context const&) = delete;
  tls_context& operator=(tls_context const&) = delete;

  [[nodiscard]] identity const& of() const noexcept { return of_; }
  [[nodiscard]] detail::ssl_pointer connection() {
    if (when_.is_old(detail::wall_now())) refresh();
    return detail::ssl_pointer{SSL_new(context_.get())};
  }

 private:
  void refresh() {
    when_ = validity::around(detail::wall_now());
    auto const c = make_certificate(of_, when_);
    bool const used = SSL_CTX_use_certificate(context_.get(), c.get()) == 1 &&
                      SSL_CTX_use_PrivateKey(context_.get(), of_.pair()) == 1;
    HYDRA_ENSURES(used);
  }
  // The verdict on what the other end shows: replaces OpenSSL's own, which asks authorities.
  static int judge(X509_STORE_CTX* shown, void*) {
    auto const refuse = [&](int why) {
      X509_STORE_CTX_set_error(shown, why);
      return 0;
    };
    auto const* const ssl = static_cast<SSL const*>(
        X509_STORE_CTX_get_ex_data(shown, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const chain = X509_STORE_CTX_get0_untrusted(shown);
    auto* const leaf = X509_STORE_CTX_get0_cert(shown);
    if (leaf == nullptr || chain == nullptr || sk_X509_num(chain) != 1) {
      return refuse(X509_V_ERR_CERT_CHAIN_TOO_LONG);
    }
    auto const raw = key_in(leaf, detail::wall_now());
    if (!raw) return refuse(X509_V_ERR_CERT_REJECTED);
    auto const* const expected = static_cast<key const*>(SSL_get_app_data(ssl));
    if (expected != nullptr && id_of(raw.value()) != *expected) {
      return refuse(X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
    }
    X509_STORE_CTX_set_error(shown, X509_V_OK);
    return 1;
  }

  identity of_;
  detail::context_pointer context_;
  validity when_{};
};

// One end of one connection. The descriptor is the caller's and outlives the engine.
class tls_engine {
 public:
  enum class state : std::uint8_t { done, waits, failed };

  // Dials when it is told whom to expect; otherwise it was called, by anybody.
  tls_engine(tls_context& context, int fd, std::optional<key> const& expected)
      : end_{std::make_unique<detail::wire_end>(fd)},
        expected_{expected ? std::make_unique<key>(*expected) : nullptr},
        ssl_{context.connection()} {
    auto* const door = BIO_new(detail::wire_method());
    HYDRA_EXPECTS(ssl_ != nullptr && door != nullptr);
    BIO_set_data(door, end_.get());
    BIO_set_init(door, 1);
    SSL_set_bio(ssl_.get(), door, door);
    SSL_set_app_data(ssl_.get(), expected_.get());
    if (expected) SSL_set_connect_state(ssl_.get());
    else SSL_set_accept_state(ssl_.get());
  }
  tls_engine(tls_engine&&) = default;
  tls_engine& operator=(tls_engine&&) = default;

  // Goes on with the handshake; flush() what it wrote whatever it answers.
  [[nodiscard]] state shake() {
    ERR_clear_error();
    auto const done = SSL_do_handshake(ssl_.get());
    if (done != 1) return verdict(done);
    if (!SSL_is_init_finished(ssl_.get())) return state::waits;
    std::unique_ptr<X509, detail::frees<X509_free>> const shown{
        SSL_get1_peer_certificate(ssl_.get())};
    if (!shown || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return state::failed;
    auto size = raw_.size();
    auto* const holder = X509_get0_pubkey(shown.get());
    if (EVP_PKEY_get_raw_public_key(holder, raw_.data(), &size) != 1) return state::failed;
    id_ = id_of(raw_);
    return state::done;
  }
  // After the handshake: who is at the other end.
  [[nodiscard]] raw_key const& peer_raw() const noexcept { return raw_; }
  [[nodiscard]] key const& peer_id() const noexcept { return id_; }

  // The bytes that are there, up to the size of `into`; 0 with `waits`: none now. `failed`: the
  // connection ended, in peace if closed_in_peace().
  [[nodiscard]] std::pair<std::size_t, state> read(std::span<std::byte> into) {
    std::size_t all = 0;
    while (all < into.size()) {
      std::size_t n = 0;
      ERR_clear_error();
      auto const done = SSL_read_ex(ssl_.get(), into.data() + all, into.size() - all, &n);
      if (done == 1) {
        all += n;
        if (end_->drained() && !holds_bytes()) break;
        continue;
      }
      auto const how = verdict(done);
      if (all != 0) break;  // it will be told again
      return {0, how};
    }
    return {all, state::done};
  }
  // Whether something was read from the socket and not told yet, a part of a record perhaps.
  [[nodiscard]] bool holds_bytes() const noexcept { return SSL_has_pending(ssl_.get()) == 1; }
  // Encrypts into what waits for the socket. False: the connection is of no use any more.
  [[nodiscard]] bool put(std::span<std::byte const> bytes) {
    std::size_t n = 0;
    ERR_clear_error();
    return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) == 1 && n == bytes.size();
  }
  // Says that nothing more will come: the other end can tell this from a cut.
  void say_goodbye() {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get())) static_cast<void>(SSL_shutdown(ssl_.get()));
  }
  [[nodiscard]] bool closed_in_peace() const noexcept {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  [[nodiscard]] detail::wire_end& end() noexcept { return *end_; }
  [[nodiscard]] detail::wire_end const& end() const noexcept { return *end_; }
  [[nodiscard]] std::string const& why() const noexcept { return why_; }

 private:
  state verdict(int done) {
    auto const how = SSL_get_error(ssl_.get(), done);
    if (how == SSL_ERROR_WANT_READ) return state::waits;
    auto const* const words = ERR_reason_error_string(ERR_peek_last_error());
    why_ = closed_in_peace() ? "the other end closed" : words != nullptr ? words : "it was cut";
    ERR_clear_error();
    return state::failed;
  }

  std::unique_ptr<detail::wire_end> end_;  // its address is in the door
  std::unique_ptr<key> expected_;          // and this one's in the connection
  detail::ssl_pointer ssl_;
  raw_key raw_{};
  key id_{};
  std::string why_;
};

}  // namespace hydra::net
