// Frames to peers and from peers: listens, dials, keeps one link for each peer it talks to.
//
// Promise: frames to one peer leave in order; what waits for it is bounded in bytes
// (outbound_bytes_max), more is dropped and the owner is told `failed`, once for each burst.
// A peer that does not answer is dialled dial_attempts_max times with jittered back-off, then all
// that waits is dropped; until the back-off is over further frames are dropped at once.
// A frame may be lost without a word when a connection dies while it is in the kernel's hands.
//
// Two heads that dial each other end up with two connections: both are read, frames leave on the
// one that was there first, the other is a spare. A second connection of the same direction
// replaces the first (its owner has restarted).
// With a tls_context whoever answers or calls has proved its key; without one nobody has, and only
// loopback is dialled and listened on. Connections from one address are limited: see callers.hpp.
#pragma once

#include <hydra/core/random.hpp>
#include <hydra/net/callers.hpp>
#include <hydra/net/session.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

[[nodiscard]] inline wire::endpoint to_wire(tcp::endpoint const& e) {
  auto const& a = e.address();
  auto const six =
      a.is_v6() ? a.to_v6() : asio::ip::make_address_v6(asio::ip::v4_mapped, a.to_v4());
  wire::endpoint out;
  auto const bytes = six.to_bytes();
  std::copy(bytes.begin(), bytes.end(), out.address.begin());
  out.port = e.port();
  return out;
}
[[nodiscard]] inline tcp::endpoint from_wire(wire::endpoint const& e) {
  asio::ip::address_v6 const six{e.address};
  if (six.is_v4_mapped()) return {asio::ip::make_address_v4(asio::ip::v4_mapped, six), e.port};
  return {six, e.port};
}

[[nodiscard]] inline netgroup netgroup_of(asio::ip::address const& a) {
  return wire::netgroup_of(to_wire({a, 0}));
}

// Who is at the other end of a connection, as far as the connection knows.
struct encounter {
  peer expected{};                   // nobody: it called
  raw_key const* proved = nullptr;   // its public key, with TLS
  tcp::endpoint from{};
};

// `Owner` offers: known() bounds() count() congested() greeting() security() -> tls_context* or
// null, goes(address) -> bool, meet(hello, encounter) -> peer; is told
// arrived(from, header, payload) -> bool, consulted(from, control, payload) -> bool,
// failed(peer), reached(peer), left(peer), cut(peer): a connection has ended; carried and next_bulk
// as in session.hpp, by peer.
template <class Owner>
class transport {
 public:
  using session_type = session<transport>;
  using pointer = std::shared_ptr<session_type>;

  transport(Owner& owner, asio::io_context& io, std::uint64_t jitter_seed)
      : owner_{&owner}, io_{&io}, acceptor_{io}, pause_{io}, jitter_{jitter_seed} {}

  // Binds and listens; refuses an address where the owner does not go.
  [[nodiscard]] result<std::uint16_t> listen(std::string const& address, std::uint16_t port) {
    error_code ec;
    auto const ip = asio::ip::make_address(address, ec);
    if (ec) return error{"listen address " + address + " is not an IP address"};
    if (!owner_->goes(ip)) {
      return error{"listen address " + address + " is not loopback: " +
                   (owner_->security() == nullptr
                        ? "without an identity nothing is encrypted, so it stays on this machine"
                        : "set beyond_loopback to be reached from other machines")};
    }
    tcp::endpoint const at{ip, port};
    auto const failed = [&] {
      return error{"cannot listen on " + address + ":" + std::to_string(port) + ": " +
                   ec.message()};
    };
    acceptor_.open(at.protocol(), ec);
    if (ec) return failed();
    acceptor_.set_option(tcp::acceptor::reuse_address{true}, ec);
    acceptor_.bind(at, ec);
    if (ec) return failed();
    acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return failed();
    here_ = acceptor_.local_endpoint(ec);
    accept();
    return here_.port();
  }
  [[nodiscard]] wire::endpoint here() const { return to_wire(here_); }

  // Takes one frame for `to`; see the promise above.
  void send(peer to, std::vector<std::byte> frame) {
    if (links_.size() >= bounds().links_max) prune();
    auto& l = links_[to.index()];
    auto const waits = l.waiting_bytes + (l.current ? l.current->queued_bytes() : 0);
    if (waits + frame.size() > bounds().outbound_bytes_max || is_cold(l) ||
        links_.size() > bounds().links_max) {
      ++count().dropped;
      owner_->failed(to);
      return tidy_up(to);
    }
    count().outbound_peak = std::max(count().outbound_peak,
                                     static_cast<std::uint64_t>(waits + frame.size()));
    ++count().sent;
    if (l.current) return l.current->push(std::move(frame));
    l.waiting_bytes += frame.size();
    l.waiting.push_back(std::move(frame));
    if (!l.dialling && !l.resting) dial(to);
  }
  // A control frame, if there is a connection on which little waits.
  bool whisper(peer to, std::vector<std::byte> frame) {
    auto const it = links_.find(to.index());
    if (it == links_.end() || !it->second.current) return false;
    if (it->second.current->queued_bytes() > whisper_bytes_max) return false;
    it->second.current->push(std::move(frame));
    return true;
  }
  // At most `most` of those it has a connection with.
  [[nodiscard]] std::vector<peer> neighbours(std::size_t most) const {
    std::vector<peer> out;
    for (auto const& [index, l] : links_) {
      if (out.size() < most && l.current) out.push_back(peer{index});
    }
    return out;
  }
  [[nodiscard]] bool connected(peer to) const {
    auto const it = links_.find(to.index());
    return it != links_.end() && it->second.current != nullptr;
  }
  // Something may be sent that waits for messages.
  void wake(peer to) {
    auto const it = links_.find(to.index());
    if (it != links_.end() && it->second.current) it->second.current->wake();
  }
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }
  // Peers that it has a connection with.
  [[nodiscard]] std::size_t neighbours() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        links_.begin(), links_.end(), [](auto const& l) { return l.second.current != nullptr; }));
  }
  // Bytes that wait for anybody.
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    std::size_t n = 0;
    for (auto const& [index, l] : links_) n += l.waiting_bytes;
    for (auto const& s : sessions_) n += s->queued_bytes();
    return n;
  }
  [[nodiscard]] bool holds(peer who) const {
    return links_.contains(who.index()) ||
           std::any_of(sessions_.begin(), sessions_.end(),
                       [&](auto const& s) { return s->who() == who; });
  }
  template <class Marker>
  void mark(Marker& held) const {
    for (auto const& [index, l] : links_) held.handle(peer{index});
    for (auto const& s : sessions_) held.handle(s->who());
  }
  void stop_listening() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }
  void close_all() {
    stop_listening();
    closing_ = true;
    for (auto const& s : std::set<pointer>{sessions_}) s->close("this head stops");
    links_.clear();
  }

  // ---- what a session asks and tells -----------------------------------------------------------
  [[nodiscard]] limits const& bounds() const { return owner_->bounds(); }
  [[nodiscard]] counters& count() { return owner_->count(); }
  [[nodiscard]] bool congested() { return owner_->congested(); }
  [[nodiscard]] hello greeting() const { return owner_->greeting(); }
  [[nodiscard]] session_buffers& buffers() noexcept { return buffers_; }

  bool introduced(pointer const& s, hello const& h) {
    auto const mine = owner_->greeting();
    bool const speaks = h.oldest <= protocol_newest && h.newest >= protocol_oldest;
    if (!speaks || h.network != mine.network) return false;
    if (h.head == mine.head || h.head == key{}) return false;
    auto const& bytes = s->stream();
    if (bytes.secure() && h.head != bytes.tls().peer_id()) return false;
    auto const* const proved = bytes.secure() ? &bytes.tls().peer_raw() : nullptr;
    auto const who = owner_->meet(h, {s->who(), proved, s->from()});
    if (!who) return false;
    s->set_who(who);
    ++count().sessions;
    adopt(s, who);
    owner_->reached(who);
    return true;
  }
  bool arrived(pointer const& s, wire::frame_header const& h, std::span<std::byte const> payload) {
    return owner_->arrived(s->who(), h, payload);
  }
  bool carried(pointer const& s, std::uint32_t what, std::span<std::byte const> payload) {
    return owner_->carried(s->who(), what, payload);
  }
  bool next_bulk(pointer const& s, std::vector<std::byte>& frame) {
    auto const it = links_.find(s->who().index());
    return it != links_.end() && it->second.current == s && owner_->next_bulk(s->who(), frame);
  }
  bool consulted(pointer const& s, control what, std::span<std::byte const> payload) {
    return owner_->consulted(s->who(), what, payload);
  }
  void measured(pointer const& s, duration rtt) { owner_->known().measured(s->who(), rtt); }
  void closed(pointer const& s, std::string const&) {
    sessions_.erase(s);
    if (!s->dialled()) callers_.left(callers::place_of(s->from().address()));
    if (closing_ || !s->who()) return;
    if (s->greeted()) owner_->cut(s->who());
    unlink(s);
    owner_->left(s->who());
  }

 private:
  static constexpr std::size_t whisper_bytes_max = 65536;

  void unlink(pointer const& s) {
    auto const it = links_.find(s->who().index());
    if (it == links_.end()) return;
    auto& l = it->second;
    if (l.spare == s) l.spare = nullptr;
    if (l.dialling && s->dialled() && !s->greeted()) return failed(s->who());
    if (l.current != s) return;
    if (s->cut_off()) owner_->failed(s->who());
    l.current = std::exchange(l.spare, nullptr);
    for (auto& f : s->take_waiting()) hand_on(l, std::move(f));
    if (!l.current && !l.waiting.empty() && !l.dialling) dial(s->who());
    tidy_up(s->who());
  }
  struct link {
    pointer current;
    pointer spare;
    std::deque<std::vector<std::byte>> waiting;
    std::size_t waiting_bytes = 0;
    std::uint32_t attempts = 0;
    bool dialling = false;
    bool resting = false;  // between two attempts
    steady::time_point cold_until{};
    std::shared_ptr<asio::steady_timer> clock;
  };

  static bool is_cold(link const& l) {
    return !l.current && l.cold_until != steady::time_point{} && steady::now() < l.cold_until;
  }
  static void hand_on(link& l, std::vector<std::byte> frame) {
    if (l.current) return l.current->push(std::move(frame));
    l.waiting_bytes += frame.size();
    l.waiting.push_back(std::move(frame));
  }
  void accept() {
    acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
      if (ec == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (!ec) welcome(std::move(socket));
      if (!ec) return accept();
      pause_.expires_after(std::chrono::milliseconds{50});  // no descriptors left, perhaps
      pause_.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
    });
  }
  void welcome(tcp::socket socket) {
    auto const strangers = std::count_if(sessions_.begin(), sessions_.end(), [](auto const& s) {
      return !s->dialled() && !s->greeted();
    });
    if (sessions_.size() >= bounds().sessions_max ||
        static_cast<std::size_t>(strangers) >= bounds().handshakes_max) {
      ++count().turned_away;
      return;
    }
    error_code ec;
    auto const from = socket.remote_endpoint(ec);
    auto const place = callers::place_of(from.address());
    bool const costly = owner_->security() != nullptr;
    if (ec || !callers_.admit(place, bounds(), costly, steady::now())) {
      ++count().turned_away;
      return;
    }
    start(std::move(socket), from, peer{});
  }
  // Nobody: it called.
  void start(tcp::socket socket, tcp::endpoint const& from, peer to) {
    std::optional<key> expected;
    if (to) expected = owner_->known().key_of(to);
    byte_stream bytes{std::move(socket), owner_->security(), expected};
    auto s = std::make_shared<session_type>(*this, std::move(bytes), static_cast<bool>(to), to);
    s->set_from(from);
    sessions_.insert(s);
    s->begin();
  }
  void adopt(pointer const& s, peer who) {
    auto& l = links_[who.index()];
    for (auto* place : {&l.current, &l.spare}) {
      if (*place && (*place)->dialled() == s->dialled()) {
        auto const old = std::exchange(*place, nullptr);
        auto rest = old->take_waiting();
        if (place == &l.current) std::move(rest.begin(), rest.end(), std::back_inserter(l.waiting));
        old->close("replaced by a later connection");
      }
    }
    auto& now = links_[who.index()];
    if (s->dialled()) now.dialling = false;
    now.attempts = 0;
    now.cold_until = {};
    (now.current ? now.spare : now.current) = s;
    now.waiting_bytes = 0;
    for (auto& f : std::exchange(now.waiting, {})) now.current->push(std::move(f));
  }
  void dial(peer to) {
    auto& l = links_[to.index()];
    auto const at = owner_->known().contact_of(to).at;
    if (at.empty()) return give_up(to);
    auto const where = from_wire(at[l.attempts % at.size()]);
    l.dialling = true;
    auto const nowhere = where.address().is_unspecified() || !owner_->goes(where.address());
    if (nowhere || sessions_.size() >= bounds().sessions_max) {
      return failed(to);
    }
    ++count().dials;
    auto socket = std::make_shared<tcp::socket>(*io_);
    arm(l, bounds().dial_timeout, [socket] {
      error_code ignored;
      socket->close(ignored);
    });
    socket->async_connect(where, [this, socket, to, where](error_code ec) {
      if (closing_) return;
      auto const it = links_.find(to.index());
      if (it == links_.end() || !it->second.dialling) return;
      if (it->second.clock) it->second.clock->cancel();
      if (ec) return failed(to);
      start(std::move(*socket), where, to);
    });
  }
  template <class F>
  void arm(link& l, duration after, F&& then) {
    if (!l.clock) l.clock = std::make_shared<asio::steady_timer>(*io_);
    l.clock->expires_after(after);
    l.clock->async_wait([then, keep = l.clock](error_code ec) {
      if (!ec) then();
    });
  }
  [[nodiscard]] duration backoff(std::uint32_t attempts) {
    auto const times = std::int64_t{1} << std::min(attempts, 20U);
    auto const whole = std::min(bounds().backoff_first * times, bounds().backoff_max);
    return jitter_.draw().between(whole / 2, whole + 1ns);
  }
  void failed(peer to) {
    auto& l = links_[to.index()];
    l.dialling = false;
    auto const pause = backoff(l.attempts++);
    if (l.current) return;  // it dialled us meanwhile
    if (l.attempts >= bounds().dial_attempts_max) {
      l.cold_until = steady::now() + pause;
      return give_up(to);
    }
    l.resting = true;
    arm(l, pause, [this, to] {
      auto const it = links_.find(to.index());
      if (closing_ || it == links_.end()) return;
      it->second.resting = false;
      if (!it->second.current && !it->second.waiting.empty()) dial(to);
    });
  }
  void give_up(peer to) {
    auto& l = links_[to.index()];
    l.dialling = false;
    count().dropped += l.waiting.size();
    l.waiting.clear();
    l.waiting_bytes = 0;
    owner_->known().forget_hearsay(to);
    owner_->failed(to);
    tidy_up(to);
  }
  // Forgets a link with nothing under way.
  void tidy_up(peer who) {
    auto const it = links_.find(who.index());
    if (it != links_.end() && is_idle(it->second)) links_.erase(it);
  }
  void prune() {
    std::erase_if(links_, [](auto const& entry) { return is_idle(entry.second); });
  }
  static bool is_idle(link const& l) {
    return !l.current && !l.spare && !l.dialling && !l.resting && l.waiting.empty() && !is_cold(l);
  }

  Owner* owner_;
  asio::io_context* io_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint here_;
  owned_stream jitter_;
  session_buffers buffers_;
  callers callers_;
  std::set<pointer> sessions_;  // by address: only ever visited to count and to close
  std::map<std::uint32_t, link> links_;
  bool closing_ = false;
};

}  // namespace hydra::net
