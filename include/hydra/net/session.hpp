// One TCP connection: TLS when the head has an identity, a hello in both directions, then frames.
//
// Without an identity a connection is NOT ENCRYPTED AND NOT AUTHENTICATED: a head is whoever it
// says it is, which is why the runtime then binds and dials loopback only. With one, the owner of
// the session compares the key in the hello with the one that the handshake has proved.
//
// Rules: the first frame is a hello and comes within handshake_timeout, which counts TLS too, no
// second one; a frame that does not parse closes the connection; reading waits while the owner is
// congested (asked before each frame) or this connection is over its bytes per second, so what is
// too much stays in the sender. Frames that wait leave together: up to 64 kB in one record or
// more and one call. A session that closes says so (close_notify).
// Memory: one frame in, 64 kB being written, what was read but must wait (80 kB), and what waits to
// be written, which the owner bounds for each peer. An idle one holds none of these.
#pragma once

#include <hydra/net/byte_stream.hpp>
#include <hydra/net/limits.hpp>
#include <hydra/net/ownership.hpp>
#include <hydra/wire/codec.hpp>
#include <hydra/wire/frame.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

using steady = std::chrono::steady_clock;

inline constexpr std::uint16_t protocol_oldest = 1;  // that this build can speak
inline constexpr std::uint16_t protocol_newest = 1;

enum class control : std::uint32_t {
  hello = 1,
  ping = 2,
  pong = 3,
  who_signs = 4,
  signers = 5,
};
inline constexpr std::uint32_t lane_frames_first = 16;  // control frames of lanes.hpp: 16 to 20
inline constexpr std::uint32_t lane_frames_last = 20;

struct hello {
  std::uint16_t oldest = protocol_oldest;
  std::uint16_t newest = protocol_newest;
  std::uint32_t network = 0;
  std::uint64_t capabilities = 0;  // bits; unknown ones are ignored
  key head{};
  key owner{};
  wire::endpoints at{};  // where it listens; the address zero: where this connection comes from
  ownership proof{};     // that the head belongs to the owner; with TLS, and if they differ
  template <class A>
  void serialize(A& a, unsigned) {
    a& oldest& newest& network& capabilities& head& owner& at;
    serialize_proof(a, proof);
  }
};

struct ping_body {
  std::uint64_t nonce = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce;
  }
};

// "With which public keys does this Hydra sign?"
struct who_signs_body {
  key owner{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner;
  }
};
// A public key that signs for a Hydra: its own, whose hash is its key, or that of a head with the
// Hydra's proof. Whoever passes it on cannot lie.
struct signer {
  raw_key raw{};
  ownership proof{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& raw;
    serialize_proof(a, proof);
  }
};
inline constexpr std::size_t signers_max = 4;  // in one answer; none: not known here
struct signers_body {
  key owner{};
  bounded_vector<signer, signers_max> all{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& all;
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

// Room to read into and to gather frames in, for all sessions of one thread.
struct session_buffers {
  std::vector<std::byte> in = std::vector<std::byte>(tls_context::read_bytes);
  std::vector<std::byte> out;
};

// `Owner` offers: bounds() count() congested() greeting() buffers() and is told
// introduced(session, hello) -> bool   arrived(session, header, payload) -> bool
// consulted(session, control, payload) -> bool   measured(session, rtt)   closed(session, why)
// carried(session, frame, payload) -> bool, and asked for what may wait for messages:
// next_bulk(session, frame) -> bool
template <class Owner>
class session : public std::enable_shared_from_this<session<Owner>> {
 public:
  session(Owner& owner, byte_stream stream, bool dialled, peer expected)
      : owner_{&owner},
        stream_{std::move(stream)},
        clock_{stream_.socket().get_executor()},
        dialled_{dialled},
        who_{expected} {}

  void begin() {
    born_ = heard_ = wrote_ = second_ = steady::now();
    tick();
    shake();
  }
  // Precondition: the owner has checked the bound of this peer.
  void push(std::vector<std::byte> frame) {
    if (closed_) return;
    if (queued_bytes() == 0) wrote_ = steady::now();
    waiting_bytes_ += frame.size();
    waiting_.push_back(std::move(frame));
    wake();
  }
  // There is something to send.
  void wake() {
    if (closed_ || in_turn_ || sending_ || std::exchange(flushing_, true)) return;
    asio::post(stream_.socket().get_executor(), [self = this->shared_from_this()] {
      self->flushing_ = false;
      self->flush();
    });
  }
  void close(std::string const& why) {
    if (std::exchange(closed_, true)) return;
    clock_.cancel();
    stream_.close();
    tally();
    owner_->closed(this->shared_from_this(), why);
  }
  [[nodiscard]] byte_stream const& stream() const noexcept { return stream_; }
  [[nodiscard]] tcp::endpoint from() const { return from_; }
  void set_from(tcp::endpoint const& where) { from_ = where; }
  [[nodiscard]] bool dialled() const noexcept { return dialled_; }
  [[nodiscard]] bool open() const noexcept { return !closed_ && greeted_; }
  [[nodiscard]] bool greeted() const noexcept { return greeted_; }
  [[nodiscard]] peer who() const noexcept { return who_; }
  void set_who(peer who) noexcept { who_ = who; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    return waiting_bytes_ + stream_.pending();
  }
  // Frames of which nothing was written.
  [[nodiscard]] std::deque<std::vector<std::byte>> take_waiting() {
    waiting_bytes_ = 0;
    return std::exchange(waiting_, {});
  }
  [[nodiscard]] bool cut_off() const noexcept { return stream_.pending() != 0; }

 private:
  static constexpr std::size_t write_bytes_max = 65536;
  static constexpr std::size_t turn_bytes_max = 262144;  // read, then others get their turn
  static constexpr auto tick_period = std::chrono::milliseconds{50};
  static constexpr auto idle_after = std::chrono::seconds{1};  // gives memory back
  enum class next : std::uint8_t { wait, again, pause };

  void shake() {
    auto const how = stream_.shake();
    if (!stream_.flush() || how == byte_stream::state::failed) {
      ++owner_->count().bad_handshakes;
      return close("the handshake failed: " + stream_.why());
    }
    if (how == byte_stream::state::waits) {
      if (stream_.pending() != 0) wait_to_write();
      return wait_to_read();
    }
    shaken_ = true;
    push(control_frame(control::hello, owner_->greeting()));
    go_on();  // more may have come with the end of the handshake
  }
  void wait_to_read() {
    stream_.socket().async_wait(tcp::socket::wait_read,
                                [self = this->shared_from_this()](error_code ec) {
                                  if (self->closed_) return;
                                  if (ec) return self->close("waiting failed: " + ec.message());
                                  self->stream_.ready();
                                  if (self->shaken_) self->go_on();
                                  else self->shake();
                                });
  }
  void wait_to_write() {
    if (std::exchange(sending_, true)) return;
    stream_.socket().async_wait(tcp::socket::wait_write,
                                [self = this->shared_from_this()](error_code ec) {
                                  if (self->closed_) return;
                                  if (ec) return self->close("writing failed: " + ec.message());
                                  self->sending_ = false;
                                  self->flush();
                                });
  }
  // Handles what came, then waits for more, or pauses; tick() goes on.
  void go_on() {
    in_turn_ = true;
    auto const then = take_turn();
    in_turn_ = false;
    if (!closed_) flush();
    if (closed_) return;
    paused_ = then == next::pause;
    if (then == next::wait) return wait_to_read();
    if (then == next::pause) return;
    asio::post(stream_.socket().get_executor(), [self = this->shared_from_this()] {
      if (!self->closed_) self->go_on();
    });
  }
  next take_turn() {
    for (std::size_t taken = 0;;) {
      if (!take()) return next::wait;
      if (must_wait(heard_) || !rest_.empty()) {
        keep_rest();
        return next::pause;
      }
      if (stream_.drained()) return next::wait;
      if (taken >= turn_bytes_max) return next::again;
      auto& into = owner_->buffers().in;
      auto const [n, how] = stream_.read(into);
      if (how == byte_stream::state::failed) {
        close(stream_.why());
        return next::wait;
      }
      if (n == 0) return next::wait;
      heard_ = steady::now();
      received_ += n;
      taken += n;
      rest_ = std::span{into}.first(n);
      rest_is_mine_ = false;
    }
  }
  // Others read into the same room.
  void keep_rest() {
    if (rest_is_mine_) return;
    mine_.assign(rest_.begin(), rest_.end());
    rest_ = mine_;
    rest_is_mine_ = true;
  }
  [[nodiscard]] bool must_wait(steady::time_point now) {
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
  // Bulk is asked for by this end, a window at a time: its bytes are not counted as pushed at it.
  bool carried(std::uint32_t what, std::span<std::byte const> payload) {
    if (!greeted_) return refuse("a control frame came before hello");
    received_ -= std::min(received_, payload.size());
    if (owner_->carried(this->shared_from_this(), what, payload)) return true;
    return refuse("a frame of a stream makes no sense");
  }
  bool controlled(control what, std::span<std::byte const> payload) {
    auto const number = static_cast<std::uint32_t>(what);
    if (number >= lane_frames_first && number <= lane_frames_last) return carried(number, payload);
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
    } else if (what == control::who_signs || what == control::signers) {
      if (!owner_->consulted(this->shared_from_this(), what, payload)) {
        return refuse("a question about signers, or its answer, is malformed");
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
  // Sends what waits until the socket is full.
  void flush() {
    if (closed_ || sending_) return;
    while (stream_.pending() != 0 || (shaken_ && (!waiting_.empty() || pull()))) {
      if (stream_.pending() == 0 && !fill()) return close("writing failed: " + stream_.why());
      auto const before = stream_.pending();
      if (!stream_.flush()) return close("writing failed: the connection ended");
      if (stream_.pending() < before) wrote_ = steady::now();
      if (stream_.pending() != 0) return wait_to_write();
    }
  }
  // Where no message waits, a frame of bulk leaves.
  [[nodiscard]] bool pull() {
    std::vector<std::byte> frame;
    if (!greeted_ || !owner_->next_bulk(this->shared_from_this(), frame)) return false;
    wrote_ = steady::now();
    waiting_bytes_ += frame.size();
    waiting_.push_back(std::move(frame));
    return true;
  }
  // Puts frames of at most write_bytes_max together, or one longer one.
  [[nodiscard]] bool fill() {
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= first.size();
    if (waiting_.empty() || first.size() + waiting_.front().size() > write_bytes_max) {
      return stream_.put(first);
    }
    auto& flat = owner_->buffers().out;
    flat.assign(first.begin(), first.end());
    while (!waiting_.empty() && flat.size() + waiting_.front().size() <= write_bytes_max) {
      auto const& f = waiting_.front();
      flat.insert(flat.end(), f.begin(), f.end());
      waiting_bytes_ -= f.size();
      waiting_.pop_front();
    }
    return stream_.put(flat);
  }
  void tick() {
    clock_.expires_after(tick_period);
    clock_.async_wait([self = this->shared_from_this()](error_code ec) {
      if (ec || self->closed_) return;
      self->check(steady::now());
      if (!self->closed_) self->tick();
    });
  }
  void tally() {
    auto const [in, out] = stream_.take_tally();
    owner_->count().bytes_in += in;
    owner_->count().bytes_out += out;
  }
  void check(steady::time_point now) {
    tally();
    auto const& b = owner_->bounds();
    char const* late = nullptr;
    if (!greeted_ && now - born_ > b.handshake_timeout) late = "no hello in time";
    if (!paused_ && now - heard_ > b.idle_timeout) late = "nothing was heard for too long";
    if (queued_bytes() != 0 && now - wrote_ > b.write_timeout) late = "the other end does not read";
    if (late != nullptr) {
      ++owner_->count().timeouts;
      return close(late);
    }
    if (now - heard_ > idle_after) {
      stream_.shrink();
      if (rest_.empty()) std::vector<std::byte>{}.swap(mine_);
    }
    if (greeted_ && now - heard_ > b.idle_timeout / 3 && pinged_nonce_ == 0) ping();
    if (!paused_ || must_wait(now)) return;
    paused_ = false;
    heard_ = now;
    go_on();
  }

  Owner* owner_;
  byte_stream stream_;
  asio::steady_timer clock_;
  tcp::endpoint from_;
  wire::frame_reader frames_;
  std::vector<std::byte> mine_;      // what was read and must wait
  std::span<std::byte const> rest_;  // of the owner's room or of mine: not handled yet
  std::deque<std::vector<std::byte>> waiting_;
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
  bool shaken_ = false;  // what is pushed may be sent
  bool greeted_ = false;
  bool closed_ = false;
  bool paused_ = false;
  bool in_turn_ = false;   // frames are being handled: what is pushed leaves after them
  bool flushing_ = false;  // a flush is on its way
  bool sending_ = false;   // the socket is full
  bool rest_is_mine_ = false;
  peer who_;
};

}  // namespace hydra::net
