// One TCP connection: a hello in both directions, then frames.
//
// NOT ENCRYPTED AND NOT AUTHENTICATED: a head is whoever it says it is. That is why the runtime
// binds and dials loopback only; TLS and real identities replace this file's socket later.
//
// Rules: the first frame is a hello and comes within handshake_timeout, no second one; a frame
// that does not parse closes the connection; reading waits while the owner is congested (asked
// before each frame) or this connection is over its bytes per second, so what is too much stays in
// the sender. Memory: one frame and 16 kB in, 64 kB being written, and what waits, which the owner
// bounds for each peer.
#pragma once

#include <hydra/net/limits.hpp>
#include <hydra/wire/codec.hpp>
#include <hydra/wire/frame.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

inline constexpr std::uint16_t protocol_oldest = 1;  // that this build can speak
inline constexpr std::uint16_t protocol_newest = 1;

enum class control : std::uint32_t { hello = 1, ping = 2, pong = 3 };

struct hello {
  std::uint16_t oldest = protocol_oldest;
  std::uint16_t newest = protocol_newest;
  std::uint32_t network = 0;
  std::uint64_t capabilities = 0;  // bits; unknown ones are ignored
  key head{};
  key owner{};
  wire::endpoints at{};  // where it listens
  template <class A>
  void serialize(A& a, unsigned) {
    a& oldest& newest& network& capabilities& head& owner& at;
  }
};

struct ping_body {
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

template <Described T>
[[nodiscard]] std::vector<std::byte> control_frame(control what, T const& body) {
  std::vector<std::byte> out;
  auto const fits = wire::append_frame(out, static_cast<std::uint32_t>(what), wire::control_flag,
                                       [&](auto& to) {
                                         as_numbers plain;
                                         to_bytes(body, to, plain);
                                       });
  HYDRA_ENSURES(fits);
  return out;
}

// `Owner` offers: bounds() count() congested() greeting() and is told
// introduced(session, hello) -> bool   arrived(session, header, payload) -> bool
// measured(session, rtt)   closed(session, why)
template <class Owner>
class session : public std::enable_shared_from_this<session<Owner>> {
 public:
  session(Owner& owner, asio::ip::tcp::socket socket, bool dialled, peer expected)
      : owner_{&owner},
        socket_{std::move(socket)},
        clock_{socket_.get_executor()},
        dialled_{dialled},
        who_{expected} {}

  void begin() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    born_ = heard_ = wrote_ = second_ = steady::now();
    push(control_frame(control::hello, owner_->greeting()));
    read();
    tick();
  }
  // Precondition: the owner has checked the bound of this peer.
  void push(std::vector<std::byte> frame) {
    if (closed_) return;
    if (waiting_.empty() && writing_.empty()) wrote_ = steady::now();
    waiting_bytes_ += frame.size();
    waiting_.push_back(std::move(frame));
    write();
  }
  void close(std::string const& why) {
    if (std::exchange(closed_, true)) return;
    error_code ignored;
    clock_.cancel();
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    owner_->closed(this->shared_from_this(), why);
  }
  [[nodiscard]] bool dialled() const noexcept { return dialled_; }
  [[nodiscard]] bool open() const noexcept { return !closed_ && greeted_; }
  [[nodiscard]] bool greeted() const noexcept { return greeted_; }
  [[nodiscard]] peer who() const noexcept { return who_; }
  void set_who(peer who) noexcept { who_ = who; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    return waiting_bytes_ + writing_.size();
  }
  // Frames of which nothing was written.
  [[nodiscard]] std::deque<std::vector<std::byte>> take_waiting() {
    waiting_bytes_ = 0;
    return std::exchange(waiting_, {});
  }
  [[nodiscard]] bool cut_off() const noexcept { return !writing_.empty(); }

 private:
  static constexpr std::size_t write_bytes_max = 65536;
  static constexpr auto tick_period = std::chrono::milliseconds{50};

  void read() {
    if (closed_) return;
    auto self = this->shared_from_this();
    socket_.async_read_some(asio::buffer(buffer_), [self](error_code ec, std::size_t n) {
      if (self->closed_) return;
      if (ec) return self->close("the connection ended: " + ec.message());
      self->heard_ = steady::now();
      self->received_ += n;
      self->rest_ = {self->buffer_.data(), n};
      self->go_on();
    });
  }
  // Handles what was read, then reads more, or pauses; tick() goes on.
  void go_on() {
    if (!take()) return;
    paused_ = must_wait() || !rest_.empty();
    if (!paused_) read();
  }
  [[nodiscard]] bool must_wait() {
    auto const now = steady::now();
    if (now - second_ >= std::chrono::seconds{1}) {
      second_ = now;
      received_ = 0;
    }
    return owner_->congested() || received_ > owner_->bounds().inbound_bytes_per_s;
  }
  // Handles whole frames of rest_ until it is empty or the owner is congested.
  bool take() {
    while (!owner_->congested() && frames_.take(rest_)) {
      if (!frame(frames_.header(), frames_.payload())) return false;
      if (closed_) return false;
    }
    if (frames_.refused()) {
      ++owner_->count().bad_frames;
      close(frames_.why());
      return false;
    }
    return true;
  }
  bool frame(wire::frame_header const& h, std::span<std::byte const> payload) {
    if (h.control()) return controlled(static_cast<control>(h.message), payload);
    if (!greeted_) return refuse("a message came before hello");
    if (owner_->arrived(this->shared_from_this(), h, payload)) return true;
    return refuse("a message does not decode");
  }
  bool controlled(control what, std::span<std::byte const> payload) {
    if (what == control::hello) {
      auto const h = from_bytes<hello>(payload);
      if (!h || greeted_) return refuse("a hello is malformed or comes twice");
      greeted_ = true;
      if (!owner_->introduced(this->shared_from_this(), h.value())) {
        greeted_ = false;
        ++owner_->count().bad_hellos;
        close("the hello is not acceptable");
        return false;
      }
      ping();
      return true;
    }
    if (!greeted_) return refuse("a control frame came before hello");
    auto const body = from_bytes<ping_body>(payload);
    if (what == control::ping) {
      // A ping is answered only while little waits: it cannot be used to fill memory.
      if (!body) return refuse("a ping is malformed");
      if (queued_bytes() < write_bytes_max) push(control_frame(control::pong, body.value()));
    } else if (what == control::pong) {
      if (!body) return refuse("a pong is malformed");
      if (body.value().nonce == pinged_nonce_ && pinged_nonce_ != 0) {
        owner_->measured(this->shared_from_this(),
                         std::chrono::duration_cast<duration>(steady::now() - pinged_));
        pinged_nonce_ = 0;
      }
    }
    return true;  // control frames of later versions are skipped
  }
  bool refuse(char const* why) {
    ++owner_->count().bad_frames;
    close(why);
    return false;
  }
  void ping() {
    pinged_ = steady::now();
    pinged_nonce_ = ++nonce_;
    push(control_frame(control::ping, ping_body{nonce_}));
  }
  void write() {
    if (closed_ || !writing_.empty() || waiting_.empty()) return;
    while (!waiting_.empty() && writing_.size() < write_bytes_max) {
      auto const& f = waiting_.front();
      writing_.insert(writing_.end(), f.begin(), f.end());
      waiting_bytes_ -= f.size();
      waiting_.pop_front();
    }
    auto self = this->shared_from_this();
    asio::async_write(socket_, asio::buffer(writing_), [self](error_code ec, std::size_t) {
      if (self->closed_) return;
      if (ec) return self->close("writing failed: " + ec.message());
      self->writing_.clear();
      self->wrote_ = steady::now();
      self->write();
    });
  }
  void tick() {
    auto self = this->shared_from_this();
    clock_.expires_after(tick_period);
    clock_.async_wait([self](error_code ec) {
      if (ec || self->closed_) return;
      self->check(steady::now());
      if (!self->closed_) self->tick();
    });
  }
  void check(steady::time_point now) {
    auto const& b = owner_->bounds();
    char const* late = nullptr;
    if (!greeted_ && now - born_ > b.handshake_timeout) late = "no hello in time";
    if (!paused_ && now - heard_ > b.idle_timeout) late = "nothing was heard for too long";
    if (queued_bytes() != 0 && now - wrote_ > b.write_timeout) late = "the other end does not read";
    if (late != nullptr) {
      ++owner_->count().timeouts;
      return close(late);
    }
    if (greeted_ && now - heard_ > b.idle_timeout / 3 && pinged_nonce_ == 0) ping();
    if (paused_ && !must_wait()) {
      paused_ = false;
      heard_ = now;
      go_on();
    }
  }

  Owner* owner_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer clock_;
  wire::frame_reader frames_;
  std::array<std::byte, 16384> buffer_;
  std::span<std::byte const> rest_;  // of the buffer: not handled yet
  std::deque<std::vector<std::byte>> waiting_;
  std::vector<std::byte> writing_;
  std::size_t waiting_bytes_ = 0;
  std::size_t received_ = 0;
  steady::time_point born_{};
  steady::time_point heard_{};
  steady::time_point wrote_{};
  steady::time_point second_{};
  steady::time_point pinged_{};
  std::uint64_t nonce_ = 0;
  std::uint64_t pinged_nonce_ = 0;
  bool dialled_;
  bool greeted_ = false;
  bool closed_ = false;
  bool paused_ = false;
  peer who_;
};

}  // namespace hydra::net
