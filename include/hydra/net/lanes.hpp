// Objects on their way over connections: what the effect `stream` does on the network.
//
// The holder opens a stream; whoever gets it asks for the leaves of the object, if it has them not,
// and for chunks, so many at a time; pieces of chunks fill what the connection has room for beside
// messages, which always go first.
//
//   open   holder -> getter  {stream, object, length, range}
//   want   getter -> holder  {stream, first chunk, chunks, bytes stored so far}; no chunks: leaves
//   tree   holder -> getter  {stream, at} and leaves      piece  {stream, at} and bytes
//   end    both              {stream, who says it, how}
//
// Promise. Nothing is taken that was not asked for: a stream is refused unless this head's node has
// sent a fetch{} for it to that peer and had no answer yet. A chunk counts when it proved itself
// against the object's name and was written. What a holder says with sending{} reaches the node
// corrected by what came: a holder can say less than the truth, never more.
// Every stream is answered by one stream_done, when the getter has all or it is over.
// Bounds: streams_max each way; window_chunks asked for and not written at a time, and
// getting_chunks_max of all streams together; a holder has read ahead_chunks that are not sent, and
// holding_chunks_max for all. Where all have so many, each stream still has one: whoever is slow
// stops nobody else. So at most (getting_chunks_max + holding_chunks_max + 2 streams_max) chunks
// are in memory, 192 MB as it stands, 10 MB where one stream goes each way; leaves besides, 32
// bytes for each chunk of an object while its tree is sent or comes, once for all who get them.
// Nothing heard for `silence` ends a stream. The disk is touched only on the strand of the owner.
#pragma once

#include <hydra/core/bytes.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/data/messages.hpp>  // tidy: allow(arrow) because an answer is corrected here
#include <hydra/net/object_files.hpp>
#include <hydra/net/session.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::net {

enum class lane_frame : std::uint32_t { open = 16, want = 17, tree = 18, piece = 19, end = 20 };

static_assert(static_cast<std::uint32_t>(lane_frame::open) == lane_frames_first &&
              static_cast<std::uint32_t>(lane_frame::end) == lane_frames_last);

struct lane_open {
  std::uint64_t stream = 0;
  object_id what{};
  std::uint64_t length = 0;
  byte_range which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& stream& what& length& which;
  }
};
struct lane_want {
  std::uint64_t stream = 0;
  std::uint64_t first = 0;
  std::uint32_t chunks = 0;
  std::uint64_t stored = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& stream& first& chunks& stored;
  }
};
enum class lane_outcome : std::uint8_t { done, cut, refused };
[[nodiscard]] constexpr lane_outcome last_of(lane_outcome) noexcept {
  return lane_outcome::refused;
}
struct lane_end {
  std::uint64_t stream = 0;
  bool by_holder = false;  // numbers are the holder's
  lane_outcome how = lane_outcome::cut;
  template <class A>
  void serialize(A& a, unsigned) {
    a& stream& by_holder& how;
  }
};

// Bytes of an object in the payload of a piece, and whether a whole frame is one: for counters.
inline constexpr std::size_t piece_head_bytes = 16;
[[nodiscard]] constexpr std::size_t piece_payload(std::size_t payload) noexcept {
  return payload < piece_head_bytes ? 0 : payload - piece_head_bytes;
}
[[nodiscard]] inline bool is_piece(std::span<std::byte const> frame) noexcept {
  if (frame.size() < wire::frame_header_bytes) return false;
  return wire::detail::get(frame.data() + 8, 4) == static_cast<std::uint32_t>(lane_frame::piece);
}

// `Owner` offers: lane_bounds()   to_disk(job, then)   where job(object_files&) runs on the disk's
// strand and then(its answer) in the io thread, both in the order in which they were asked for, at
// once or later; push(peer, frame)   wake(peer)   streamed(command, ok, bytes)
// misbehaves(peer, why).
template <class Owner>
class lanes {
 public:
  explicit lanes(Owner& owner) : owner_{&owner} {}

  // ---- the holder

  void stream(command id, peer to, object_id what, byte_range which) {
    if (which.count == 0 || outgoing_.size() >= owner_->lane_bounds().streams_max) {
      return owner_->streamed(id, false, 0);
    }
    auto const number = ++streams_;
    outgoing out;
    out.id = id;
    out.to = to;
    out.open = {number, what, 0, which};
    out.heard = steady::now();
    outgoing_.emplace(number, std::move(out));
    owner_->to_disk(
        [what, which](object_files& files) -> found {
          if (!files.holds(what, which)) return {};
          return {files.find(what)->length, true};
        },
        [this, number](found f) { opened(number, f); });
  }
  // The next frame for `to` that may wait for others; none: false.
  [[nodiscard]] bool next(peer to, std::vector<std::byte>& frame) {
    auto it = outgoing_.upper_bound(last_served_);
    for (std::size_t n = outgoing_.size(); n > 0; --n, ++it) {
      if (it == outgoing_.end()) it = outgoing_.begin();
      if (it->second.to != to || !fill(it->second, frame)) continue;
      last_served_ = it->first;
      refill(it);
      return true;
    }
    return false;
  }

  // ---- the getter

  // This head's node asks `from` for it.
  void expects(peer from, std::uint64_t ticket, object_id what, byte_range which) {
    auto const now = steady::now();
    if (expected_.size() >= expected_max) {
      std::erase_if(expected_, [&](auto const& e) { return now - e.second.since > forgotten; });
    }
    if (expected_.size() >= expected_max) return;
    auto& e = expected_[{from.index(), ticket}];
    if (e.what == what) return;  // asked again
    e = {what, which, 0, now};
  }
  // What the answer may say, of bytes that came and proved themselves: `whole` or how many.
  struct vouched {
    bool whole = false;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] vouched answered(peer from, std::uint64_t ticket) {
    auto const it = expected_.find({from.index(), ticket});
    if (it == expected_.end()) return {};
    vouched const v{it->second.came == it->second.which.count, it->second.came};
    expected_.erase(it);
    return v;
  }

  // ---- what connections bring

  // False: the bytes make no sense, the connection is to be closed.
  [[nodiscard]] bool arrived(peer from, lane_frame what, std::span<std::byte const> payload) {
    switch (what) {
      case lane_frame::open: return with<lane_open>(from, payload, &lanes::on_open);
      case lane_frame::want: return with<lane_want>(from, payload, &lanes::on_want);
      case lane_frame::end: return with<lane_end>(from, payload, &lanes::on_end);
      case lane_frame::tree: return on_tree(from, payload);
      case lane_frame::piece: return on_piece(from, payload);
    }
    return false;
  }
  // No connection to it is left.
  void left(peer who) {
    for (auto it = outgoing_.begin(); it != outgoing_.end();) {
      auto const at = it++;
      if (at->second.to == who) over(at, false);
    }
    std::erase_if(incoming_, [&](auto const& i) { return i.first.first == who.index(); });
  }
  // Now and then: who is silent is given up.
  void tick() {
    if (streams() == 0) std::vector<std::vector<std::byte>>{}.swap(spare_);
    auto const late = steady::now() - owner_->lane_bounds().silence;
    for (auto it = outgoing_.begin(); it != outgoing_.end();) {
      auto const at = it++;
      if (at->second.heard < late) cut(at);
    }
    for (auto it = incoming_.begin(); it != incoming_.end();) {
      auto const at = it++;
      if (at->second.heard >= late || at->second.on_disk != 0) continue;
      say_end(peer{at->first.first}, at->first.second, lane_outcome::cut);
      incoming_.erase(at);
    }
  }
  [[nodiscard]] std::size_t streams() const noexcept { return outgoing_.size() + incoming_.size(); }
  // That are in memory or asked for, both ways.
  [[nodiscard]] std::size_t chunks() const noexcept {
    std::size_t n = 0;
    for (auto const& [number, o] : outgoing_) n += ahead(o);
    for (auto const& [name, i] : incoming_) n += under_way(i);
    return n;
  }
  template <class Held>
  void mark(Held& held) const {
    for (auto const& [number, o] : outgoing_) held.handle(o.to);
    for (auto const& [name, i] : incoming_) held.handle(peer{name.first});
    for (auto const& [name, e] : expected_) held.handle(peer{name.first});
  }

 private:
  static constexpr std::size_t piece_bytes = 60U << 10U;
  static constexpr std::size_t leaves_in_a_piece = piece_bytes / sizeof(leaf_hash);
  static constexpr std::uint32_t wanted_max = 256;  // chunks that a getter may wait for
  static constexpr std::size_t spare_max = 32;      // chunks
  static constexpr std::size_t expected_max = 1024;
  static constexpr auto forgotten = std::chrono::minutes{10};

  struct found {
    std::uint64_t length = 0;
    bool there = false;
  };
  using leaf_list = std::shared_ptr<std::vector<leaf_hash> const>;
  struct outgoing {
    command id{};
    peer to{};
    lane_open open{};
    leaf_list leaves;           // while they are sent
    std::size_t tree = 0;       // how many were sent
    bool tree_asked = false;
    std::deque<std::uint64_t> wanted;  // chunks that are still to be read
    std::deque<std::pair<std::uint64_t, std::vector<std::byte>>> ready;
    std::size_t sent = 0;  // bytes of the first that is ready
    std::size_t reading = 0;
    std::uint64_t stored = 0;
    steady::time_point heard{};
  };
  using outgoings = std::map<std::uint64_t, outgoing>;
  struct incoming {
    lane_open open{};
    std::uint64_t serial = 0;            // a holder may give its number to another one
    std::vector<leaf_hash> leaves;       // while the tree comes
    bool tree_asked = false;
    std::vector<std::uint64_t> missing;  // chunks, the next one last
    std::deque<std::uint64_t> asked;     // in their order
    std::deque<std::uint64_t> writing;   // after them
    std::vector<std::byte> chunk;        // the first of them, as far as it came
    std::size_t on_disk = 0;             // chunks being written
    steady::time_point heard{};
  };
  using stream_name = std::pair<std::uint32_t, std::uint64_t>;  // the holder, its number
  using incomings = std::map<stream_name, incoming>;
  struct expectation {
    object_id what{};
    byte_range which{};
    std::uint64_t came = 0;  // bytes from the start of the range
    steady::time_point since{};
  };

  template <class M>
  [[nodiscard]] bool with(peer from, std::span<std::byte const> payload,
                          bool (lanes::*then)(peer, M const&)) {
    auto const m = from_bytes<M>(payload);
    return m && (this->*then)(from, m.value());
  }
  template <class M>
  void say(peer to, lane_frame what, M const& m) {
    owner_->push(to, control_frame(static_cast<control>(what), m));
  }
  void cut(typename outgoings::iterator it) {
    say(it->second.to, lane_frame::end, lane_end{it->first, true, lane_outcome::cut});
    over(it, false);
  }
  void say_end(peer to, std::uint64_t stream, lane_outcome how) {
    say(to, lane_frame::end, lane_end{stream, false, how});
  }

  // ---- the holder

  void opened(std::uint64_t number, found const& f) {
    auto const it = outgoing_.find(number);
    if (it == outgoing_.end()) return;
    auto& o = it->second;
    if (!f.there) return over(it, false);
    o.open.length = f.length;
    o.heard = steady::now();
    say(o.to, lane_frame::open, o.open);
  }
  void over(typename outgoings::iterator it, bool done) {
    auto const o = std::move(it->second);
    outgoing_.erase(it);
    owner_->streamed(o.id, done, done ? o.open.which.count : o.stored);
  }
  bool on_want(peer from, lane_want const& m) {
    auto const it = outgoing_.find(m.stream);
    if (it == outgoing_.end() || it->second.to != from) return true;  // it is over
    auto& o = it->second;
    o.heard = steady::now();
    o.stored = std::min(m.stored, o.open.which.count);
    if (m.chunks == 0) {
      ask_for_leaves(it);
      return true;
    }
    auto const& r = o.open.which;
    auto const end = o.open.length == 0 ? 0 : (r.first + r.count - 1) / chunk_bytes + 1;
    bool const fits = m.first >= r.first / chunk_bytes && m.first < end &&
                      m.chunks <= end - m.first && o.wanted.size() + m.chunks <= wanted_max;
    if (!fits) return false;
    for (std::uint32_t i = 0; i < m.chunks; ++i) o.wanted.push_back(m.first + i);
    read_ahead(m.stream);
    return true;
  }
  // One list for all who get the same object.
  void ask_for_leaves(typename outgoings::iterator it) {
    auto& o = it->second;
    if (std::exchange(o.tree_asked, true)) return;
    for (auto const& [number, other] : outgoing_) {
      if (other.leaves == nullptr || other.open.what != o.open.what) continue;
      o.leaves = other.leaves;
      return owner_->wake(o.to);
    }
    owner_->to_disk(
        [what = o.open.what](object_files& files) -> leaf_list {
          auto leaves = files.leaves(what);
          if (!leaves) return nullptr;
          return std::make_shared<std::vector<leaf_hash> const>(std::move(leaves.value()));
        },
        [this, number = it->first](leaf_list leaves) {
          auto const at = outgoing_.find(number);
          if (at == outgoing_.end()) return;
          if (leaves == nullptr) return cut(at);
          at->second.leaves = std::move(leaves);
          owner_->wake(at->second.to);
        });
  }
  [[nodiscard]] static std::size_t ahead(outgoing const& o) noexcept {
    return o.ready.size() + o.reading;
  }
  [[nodiscard]] bool may_read(outgoing const& o) const {
    if (o.wanted.empty() || ahead(o) >= owner_->lane_bounds().ahead_chunks) return false;
    std::size_t all = 0;
    for (auto const& [number, each] : outgoing_) all += ahead(each);
    return ahead(o) == 0 || all < owner_->lane_bounds().holding_chunks_max;
  }
  void read_ahead(std::uint64_t number) {
    for (auto it = outgoing_.find(number); it != outgoing_.end() && may_read(it->second);
         it = outgoing_.find(number)) {  // an answer at once may end it
      auto& o = it->second;
      ++o.reading;
      auto const chunk = o.wanted.front();
      o.wanted.pop_front();
      owner_->to_disk(
          [what = o.open.what, chunk, into = spare()](object_files& files) mutable {
            if (!files.read(what, chunk, into)) into.clear();
            return std::move(into);
          },
          [this, chunk, number](std::vector<std::byte> bytes) {
            was_read(number, chunk, std::move(bytes));
          });
    }
  }
  void was_read(std::uint64_t number, std::uint64_t chunk, std::vector<std::byte> bytes) {
    auto const at = outgoing_.find(number);
    if (at == outgoing_.end()) return recycle(std::move(bytes));
    auto& o = at->second;
    --o.reading;
    if (bytes.empty()) return cut(at);  // the disk has lost it
    o.ready.emplace_back(chunk, std::move(bytes));
    if (o.ready.size() == 1) owner_->wake(o.to);
  }
  // Room for a chunk: fresh memory for each of them would cost as much as its hash.
  [[nodiscard]] std::vector<std::byte> spare() {
    if (spare_.empty()) return {};
    auto out = std::move(spare_.back());
    spare_.pop_back();
    return out;
  }
  void recycle(std::vector<std::byte> chunk) {
    if (chunk.capacity() != 0 && spare_.size() < spare_max) spare_.push_back(std::move(chunk));
  }
  [[nodiscard]] static std::vector<std::byte> raw(lane_frame what, std::uint64_t stream,
                                                  std::uint64_t at,
                                                  std::span<std::byte const> bytes) {
    std::vector<std::byte> out;
    auto const fits = wire::append_frame(out, static_cast<std::uint32_t>(what), wire::control_flag,
                                         [&](auto& to) {
                                           std::array<std::byte, 16> head;
                                           wire::detail::put(head.data(), stream, 8);
                                           wire::detail::put(head.data() + 8, at, 8);
                                           to.insert(to.end(), head.begin(), head.end());
                                           to.insert(to.end(), bytes.begin(), bytes.end());
                                         });
    HYDRA_ENSURES(fits);
    return out;
  }
  // The next frame of a stream; false: it has none now.
  [[nodiscard]] bool fill(outgoing& o, std::vector<std::byte>& frame) {
    if (o.leaves != nullptr) {
      auto const n = std::min(leaves_in_a_piece, o.leaves->size() - o.tree);
      frame = raw(lane_frame::tree, o.open.stream, o.tree,
                  std::as_bytes(std::span{*o.leaves}.subspan(o.tree, n)));
      o.tree += n;
      if (o.tree == o.leaves->size()) o.leaves.reset();
      return true;
    }
    if (o.ready.empty()) return false;
    auto const& [chunk, bytes] = o.ready.front();
    auto const n = std::min(piece_bytes, bytes.size() - o.sent);
    frame = raw(lane_frame::piece, o.open.stream, chunk * chunk_bytes + o.sent,
                std::span{bytes}.subspan(o.sent, n));
    o.sent += n;
    return true;
  }
  // After a frame: a chunk that is sent makes room for another one.
  void refill(typename outgoings::iterator it) {
    auto& o = it->second;
    if (o.ready.empty() || o.sent < o.ready.front().second.size()) return;
    recycle(std::move(o.ready.front().second));
    o.ready.pop_front();
    o.sent = 0;
    read_ahead(it->first);
  }

  // ---- the getter

  template <class T>
  [[nodiscard]] static bool are_same(T const& a, lane_open const& b) noexcept {
    return a.what == b.what && a.which.first == b.which.first && a.which.count == b.which.count;
  }
  bool on_open(peer from, lane_open const& m) {
    if (m.which.count == 0 || m.length > object_bytes_max || m.which.first > m.length ||
        m.which.count > m.length - m.which.first) {
      return false;
    }
    std::pair const name{from.index(), m.stream};
    if (incoming_.contains(name)) return false;
    // One stream for each time that it was asked for.
    auto const asked = std::count_if(expected_.begin(), expected_.end(), [&](auto const& e) {
      return e.first.first == from.index() && are_same(e.second, m);
    });
    auto const here = std::count_if(incoming_.begin(), incoming_.end(), [&](auto const& i) {
      return i.first.first == from.index() && are_same(i.second.open, m);
    });
    if (asked <= here || incoming_.size() >= owner_->lane_bounds().streams_max) {
      say_end(from, m.stream, lane_outcome::refused);
      return true;
    }
    auto& in = incoming_[name];
    in.serial = ++arrivals_;
    in.open = m;
    in.heard = steady::now();
    look(name);
    return true;
  }
  struct lacking {
    bool tree = false;  // its leaves are not here
    std::vector<std::uint64_t> missing;
  };
  // What of the range is not here; last first.
  static lacking look_for(object_files& files, lane_open const& m) {
    lacking out;
    if (files.holds(m.what, m.which)) return out;
    auto const last = (m.which.first + m.which.count - 1) / chunk_bytes;
    out.tree = !files.leaves(m.what).ok();
    for (auto i = last + 1; i > m.which.first / chunk_bytes; --i) {
      byte_range const chunk{(i - 1) * chunk_bytes, bytes_of_chunk(m.length, i - 1)};
      if (!files.holds(m.what, chunk)) out.missing.push_back(i - 1);
    }
    return out;
  }
  // The stream for which the disk was asked, if it is not over.
  [[nodiscard]] typename incomings::iterator still(stream_name name, std::uint64_t serial) {
    auto const it = incoming_.find(name);
    return it != incoming_.end() && it->second.serial == serial ? it : incoming_.end();
  }
  void look(stream_name name) {
    auto& in = incoming_.at(name);
    ++in.on_disk;
    owner_->to_disk([m = in.open](object_files& files) { return look_for(files, m); },
                    [this, name, serial = in.serial](lacking l) {
                      auto const it = still(name, serial);
                      if (it == incoming_.end()) return;
                      --it->second.on_disk;
                      it->second.missing = std::move(l.missing);
                      if (!l.tree) return go_on(it);
                      it->second.tree_asked = true;
                      say(peer{name.first}, lane_frame::want, lane_want{name.second, 0, 0, 0});
                    });
  }
  // Asks for more, or says that it is over.
  void go_on(typename incomings::iterator it) {
    auto& in = it->second;
    peer const from{it->first.first};
    note_progress(from, in);
    if (in.missing.empty() && in.asked.empty() && in.on_disk == 0) {
      say_end(from, it->first.second, lane_outcome::done);
      incoming_.erase(it);
      return;
    }
    if (under_way(in) > owner_->lane_bounds().window_chunks / 2) return;
    while (may_ask(in)) {
      lane_want w{it->first.second, in.missing.back(), 0, stored(in)};
      while (may_ask(in) && in.missing.back() == w.first + w.chunks) {
        in.asked.push_back(in.missing.back());
        in.missing.pop_back();
        ++w.chunks;
      }
      say(from, lane_frame::want, w);
    }
  }
  [[nodiscard]] static std::size_t under_way(incoming const& in) noexcept {
    return in.asked.size() + in.on_disk;
  }
  [[nodiscard]] bool may_ask(incoming const& in) const {
    auto const& b = owner_->lane_bounds();
    if (in.missing.empty() || under_way(in) >= std::min(b.window_chunks, wanted_max)) return false;
    std::size_t all = 0;
    for (auto const& [name, each] : incoming_) all += under_way(each);
    return under_way(in) == 0 || all < b.getting_chunks_max;
  }
  // Bytes from the start of the range that are here: chunks are written in their order.
  [[nodiscard]] static std::uint64_t stored(incoming const& in) {
    auto const& r = in.open.which;
    auto first = r.first + r.count;
    if (!in.writing.empty()) first = in.writing.front() * chunk_bytes;
    else if (!in.asked.empty()) first = in.asked.front() * chunk_bytes;
    else if (!in.missing.empty()) first = in.missing.back() * chunk_bytes;
    return std::clamp(first, r.first, r.first + r.count) - r.first;
  }
  void note_progress(peer from, incoming const& in) {
    for (auto& [name, e] : expected_) {
      if (name.first != from.index() || !are_same(e, in.open)) continue;
      e.came = std::max(e.came, stored(in));
    }
  }
  struct written {
    bool good = false;
    std::string why;              // of the disk; empty: the chunk does not hold
    std::vector<std::byte> room;  // of the chunk
  };
  struct raw_piece {
    std::uint64_t stream = 0;
    std::uint64_t at = 0;
    std::span<std::byte const> bytes;
  };
  static std::optional<raw_piece> opened_piece(std::span<std::byte const> payload) {
    if (payload.size() <= 16) return std::nullopt;
    return raw_piece{wire::detail::get(payload.data(), 8), wire::detail::get(payload.data() + 8, 8),
                     payload.subspan(16)};
  }
  bool on_tree(peer from, std::span<std::byte const> payload) {
    auto const p = opened_piece(payload);
    if (!p) return false;
    auto const it = incoming_.find({from.index(), p->stream});
    if (it == incoming_.end()) return true;
    auto& in = it->second;
    auto const all = chunks_of(in.open.length);
    auto const n = p->bytes.size() / sizeof(leaf_hash);
    bool const fits = in.tree_asked && p->bytes.size() % sizeof(leaf_hash) == 0 &&
                      p->at == in.leaves.size() && n <= all - in.leaves.size();
    if (!fits) return false;
    in.heard = steady::now();
    auto const before = in.leaves.size();
    in.leaves.resize(before + n);
    std::copy(p->bytes.begin(), p->bytes.end(),
              std::as_writable_bytes(std::span{in.leaves}.subspan(before)).begin());
    if (in.leaves.size() < all) return true;
    in.tree_asked = false;
    ++in.on_disk;
    owner_->to_disk(
        [m = in.open, leaves = std::move(in.leaves)](object_files& files) mutable
        -> std::pair<std::string, lacking> {
          auto const begun = files.begin(m.what, m.length, std::move(leaves));
          if (!begun) return {begun.why(), {}};
          return {"", look_for(files, m)};
        },
        [this, name = it->first, serial = in.serial](std::pair<std::string, lacking> l) {
          auto const at = still(name, serial);
          if (at == incoming_.end()) return;
          --at->second.on_disk;
          if (!l.first.empty() || l.second.tree) return give_up(at, l.first);
          at->second.missing = std::move(l.second.missing);
          go_on(at);
        });
    return true;
  }
  bool on_piece(peer from, std::span<std::byte const> payload) {
    auto const p = opened_piece(payload);
    if (!p) return false;
    auto const it = incoming_.find({from.index(), p->stream});
    if (it == incoming_.end()) return true;
    auto& in = it->second;
    if (in.asked.empty()) return false;
    auto const chunk = in.asked.front();
    auto const size = bytes_of_chunk(in.open.length, chunk);
    bool const fits = p->at == chunk * chunk_bytes + in.chunk.size() &&
                      p->bytes.size() <= size - in.chunk.size();
    if (!fits) {  // what was on its way when a connection was replaced, or nonsense
      give_up(it, "a piece is not the one that was next");
      return true;
    }
    in.heard = steady::now();
    if (in.chunk.empty()) {
      in.chunk = spare();
      in.chunk.clear();
      in.chunk.reserve(size);
    }
    in.chunk.insert(in.chunk.end(), p->bytes.begin(), p->bytes.end());
    if (in.chunk.size() < size) return true;
    in.asked.pop_front();
    in.writing.push_back(chunk);
    ++in.on_disk;
    owner_->to_disk(
        [what = in.open.what, chunk, bytes = std::exchange(in.chunk, {})](
            object_files& files) mutable -> written {
          auto const added = files.add(what, chunk, bytes);
          return {added && added.value(), added ? std::string{} : added.why(), std::move(bytes)};
        },
        [this, name = it->first, serial = in.serial](written w) {
          was_written(name, serial, std::move(w));
        });
    return true;
  }
  void was_written(stream_name name, std::uint64_t serial, written w) {
    recycle(std::move(w.room));
    auto const at = still(name, serial);
    if (at == incoming_.end()) return;
    auto& in = at->second;
    --in.on_disk;
    in.heard = steady::now();
    if (!w.good) return give_up(at, w.why.empty() ? "a chunk does not hold" : w.why);
    in.writing.pop_front();
    go_on(at);
  }
  // The holder lies, or there is no room.
  void give_up(typename incomings::iterator it, std::string const& why) {
    auto const name = it->first;
    incoming_.erase(it);
    say_end(peer{name.first}, name.second, lane_outcome::cut);
    owner_->misbehaves(peer{name.first}, why);
  }

  bool on_end(peer from, lane_end const& m) {
    if (m.by_holder) {
      incoming_.erase({from.index(), m.stream});
      return true;
    }
    auto const it = outgoing_.find(m.stream);
    if (it != outgoing_.end() && it->second.to == from) over(it, m.how == lane_outcome::done);
    return true;
  }

  Owner* owner_;
  outgoings outgoing_;
  incomings incoming_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, expectation> expected_;
  std::vector<std::vector<std::byte>> spare_;  // none while nothing moves
  std::uint64_t streams_ = 0;
  std::uint64_t last_served_ = 0;
  std::uint64_t arrivals_ = 0;
};

}  // namespace hydra::net
