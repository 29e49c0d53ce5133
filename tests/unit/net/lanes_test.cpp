// Streams of objects with an owner that is not a head: bounds, order, and what ends them.
#include "../../catch.hpp"
#include "../../fuzz/lanes_target.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

using namespace hydra;
using fuzz::known_object;
using fuzz::lane_desk;
using fuzz::lane_folder;
using net::chunk_bytes;
using net::lane_frame;

namespace {

constexpr peer holder{1};  // as the getter knows them
constexpr peer other{2};
constexpr peer getter{3};  // as holders know it

known_object const& film() {
  static known_object const made{11 * chunk_bytes + 77, 9};
  return made;
}
byte_range all_of(known_object const& o) { return {0, o.bytes.size()}; }

// One end: a folder, and streams over it.
struct end_of {
  lane_folder folder;
  lane_desk desk{folder.files()};
  explicit end_of(std::string const& name) : folder{name} {}
  end_of(std::string const& name, known_object const& has) : folder{name} { folder.put(has); }
};

std::size_t asked_in(std::deque<lane_desk::said> const& frames) {
  std::size_t n = 0;
  for (auto const& f : frames) {
    if (f.what == lane_frame::want) n += from_bytes<net::lane_want>(f.payload).value().chunks;
  }
  return n;
}
// What one says reaches the other; false: nothing was said, or it closed the connection.
bool pass(lane_desk& from, peer from_is, lane_desk& to, peer to_is) {
  auto const frames = std::exchange(from.pushed, {});
  for (auto const& f : frames) {
    if (f.to != to_is) from.pushed.push_back(f);
    else REQUIRE(to.lanes().arrived(from_is, f.what, f.payload));
  }
  return frames.size() != from.pushed.size();
}
// Bulk too, at most so many frames.
std::size_t carry(lane_desk& from, peer from_is, lane_desk& to, peer to_is,
                  std::size_t most = 999) {
  std::size_t n = 0;
  for (std::vector<std::byte> frame; n < most && from.lanes().next(to_is, frame); ++n) {
    auto const f = lane_desk::opened(to_is, frame);
    REQUIRE(to.lanes().arrived(from_is, f.what, f.payload));
  }
  return n;
}
// Until nothing moves.
void exchange(lane_desk& from, peer from_is, lane_desk& to) {
  for (bool moved = true; moved;) {
    moved = pass(from, from_is, to, getter);
    moved = carry(from, from_is, to, getter) != 0 || moved;
    moved = pass(to, getter, from, from_is) || moved;
  }
}
void begin(lane_desk& from, peer from_is, lane_desk& to, byte_range which,
           std::uint64_t ticket = 1) {
  to.lanes().expects(from_is, ticket, film().id, which);
  from.lanes().stream({static_cast<std::uint32_t>(ticket), room::data}, getter, film().id, which);
}

// One end of a connection that says messages and, where it gives, bulk.
class line {
 public:
  using session_type = net::session<line>;
  std::size_t bulk = 0;  // frames that it would send
  std::size_t left = 0;  // that left
  std::size_t message_after = 0;  // once so many left it says a message; 0: never
  bool messages_waited = false;   // when it was asked for bulk
  std::vector<std::uint32_t> came;

  void begin(net::tcp::socket socket, bool dialled) {
    net::byte_stream bytes{std::move(socket), nullptr, std::nullopt};
    session_ = std::make_shared<session_type>(*this, std::move(bytes), dialled, peer{});
    session_->begin();
  }
  void end() {
    if (auto const s = std::exchange(session_, nullptr)) s->close("the test ends");
  }
  [[nodiscard]] net::limits const& bounds() const { return limits_; }
  [[nodiscard]] net::counters& count() { return counters_; }
  [[nodiscard]] bool congested() const { return false; }
  [[nodiscard]] net::hello greeting() const { return {}; }
  [[nodiscard]] net::session_buffers& buffers() { return buffers_; }
  bool introduced(auto const&, net::hello const&) {
    session_->wake();
    return true;
  }
  bool arrived(auto const&, wire::frame_header const&, std::span<std::byte const>) {
    came.push_back(message);
    return true;
  }
  bool carried(auto const&, std::uint32_t what, std::span<std::byte const>) {
    came.push_back(what);
    return true;
  }
  bool next_bulk(auto const& s, std::vector<std::byte>& frame) {
    messages_waited = messages_waited || s->queued_bytes() != 0;
    if (left == bulk) return false;
    frame = made(net::lane_frames_last, wire::control_flag);
    if (++left == message_after) {
      s->push(made(message, 0));
    }
    return true;
  }
  bool consulted(auto const&, net::control, std::span<std::byte const>) { return true; }
  void measured(auto const&, duration) {}
  void closed(auto const&, std::string const&) {}

  static constexpr std::uint32_t message = 1;

 private:
  static std::vector<std::byte> made(std::uint32_t what, std::uint16_t flags) {
    std::vector<std::byte> out;
    REQUIRE(wire::append_frame(out, what, flags, [](auto& to) { to.resize(to.size() + 60'000); }));
    return out;
  }
  net::limits limits_;
  net::counters counters_;
  net::session_buffers buffers_;
  std::shared_ptr<session_type> session_;
};

}  // namespace

TEST_CASE("bulk leaves where no message waits, and a message goes before what is left of it") {
  net::asio::io_context io;
  net::tcp::acceptor door{io, {net::asio::ip::address_v4::loopback(), 0}};
  net::tcp::socket calls{io};
  calls.connect(door.local_endpoint());
  line gives, gets;
  gives.bulk = 200;
  gives.message_after = 100;
  gives.begin(std::move(calls), true);
  gets.begin(door.accept(), false);
  for (int i = 0; i < 100'000 && gets.came.size() < gives.bulk + 1; ++i) {
    io.run_one_for(std::chrono::milliseconds{100});
  }
  REQUIRE(gets.came.size() == gives.bulk + 1);
  CHECK_FALSE(gives.messages_waited);
  auto const at = std::find(gets.came.begin(), gets.came.end(), line::message);
  CHECK(at - gets.came.begin() <= 100);
  CHECK(gives.count().bytes_in + gets.count().bytes_out < 2000);
  gives.end();
  gets.end();
  CHECK(gives.count().bytes_out == gets.count().bytes_in);
  CHECK(gives.count().bytes_out > gives.bulk * 60'000);
}

TEST_CASE("a slow disk holds the holder back: the window is never exceeded") {
  end_of from{"from", film()};
  end_of to{"to"};
  to.desk.bounds.window_chunks = 4;
  from.desk.bounds.ahead_chunks = 2;
  begin(from.desk, holder, to.desk, all_of(film()));
  pass(from.desk, holder, to.desk, getter);
  pass(to.desk, getter, from.desk, holder);  // it wants the tree
  carry(from.desk, holder, to.desk, getter);
  to.desk.at_once = false;
  std::size_t asked = asked_in(to.desk.pushed);
  std::size_t written = 0;
  for (int turns = 0; turns < 100 && to.desk.lanes().streams() != 0; ++turns) {
    pass(to.desk, getter, from.desk, holder);
    while (carry(from.desk, holder, to.desk, getter, 1) != 0) {
      CHECK(from.desk.lanes().chunks() <= 2);
      CHECK(to.desk.lanes().chunks() <= 4);
    }
    CHECK(asked - written <= 4);
    if (to.desk.turn()) ++written;
    asked += asked_in(to.desk.pushed);
  }
  CHECK(asked == 12);
  CHECK(written == 12);
  auto const v = to.desk.lanes().answered(holder, 1);
  CHECK(v.whole);
  CHECK(v.bytes == film().bytes.size());
  pass(to.desk, getter, from.desk, holder);
  REQUIRE(from.desk.done.size() == 1);
  CHECK(from.desk.done[0].ok);
  CHECK(to.folder.files().verify(film().id).ok());
}

TEST_CASE("all streams together keep to their bound, and each goes on") {
  end_of from{"from", film()};
  end_of to{"to"};
  to.desk.bounds.getting_chunks_max = 3;
  from.desk.bounds.holding_chunks_max = 3;
  begin(from.desk, holder, to.desk, {0, 4 * chunk_bytes}, 1);
  exchange(from.desk, holder, to.desk);
  to.desk.at_once = false;
  for (std::uint64_t i = 0; i < 3; ++i) {
    begin(from.desk, holder, to.desk, {(4 + 2 * i) * chunk_bytes, 2 * chunk_bytes}, 2 + i);
  }
  for (bool moved = true; moved;) {
    exchange(from.desk, holder, to.desk);
    CHECK(to.desk.lanes().chunks() <= 3 + 3);
    CHECK(from.desk.lanes().chunks() <= 3 + 3);
    moved = to.desk.turn();
  }
  exchange(from.desk, holder, to.desk);
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) {
    CHECK(to.desk.lanes().answered(holder, ticket).whole);
  }
  CHECK(to.desk.lanes().streams() + from.desk.lanes().streams() == 0);
}

TEST_CASE("what was not asked for is refused, and so is a second stream for one ask") {
  end_of from{"from", film()};
  end_of to{"to"};
  from.desk.lanes().stream({7, room::data}, getter, film().id, all_of(film()));
  exchange(from.desk, holder, to.desk);
  CHECK(to.desk.lanes().streams() == 0);
  REQUIRE(from.desk.done.size() == 1);
  CHECK_FALSE(from.desk.done[0].ok);
  to.desk.at_once = false;
  begin(from.desk, holder, to.desk, all_of(film()));
  from.desk.lanes().stream({8, room::data}, getter, film().id, all_of(film()));
  pass(from.desk, holder, to.desk, getter);
  CHECK(to.desk.lanes().streams() == 1);
  from.desk.lanes().left(getter);
  CHECK(from.desk.done.size() == 3);
  // Nor from another than was asked, or for another range.
  net::lane_open const open{1, film().id, film().bytes.size(), all_of(film())};
  CHECK(to.desk.lanes().arrived(other, lane_frame::open, to_bytes(open)));
  CHECK(to.desk.lanes().streams() == 1);
}

TEST_CASE("a connection that ends cuts its streams: what is said came, and no more") {
  end_of from{"from", film()};
  end_of to{"to"};
  to.desk.bounds.window_chunks = 2;
  begin(from.desk, holder, to.desk, all_of(film()));
  for (int i = 0; i < 3; ++i) {
    pass(from.desk, holder, to.desk, getter);
    carry(from.desk, holder, to.desk, getter, 7);
    pass(to.desk, getter, from.desk, holder);
  }
  to.desk.lanes().left(holder);
  from.desk.lanes().left(getter);
  CHECK(to.desk.lanes().streams() + from.desk.lanes().streams() == 0);
  auto const v = to.desk.lanes().answered(holder, 1);
  CHECK_FALSE(v.whole);
  CHECK(v.bytes > 0);
  CHECK(to.folder.files().holds(film().id, {0, v.bytes}));
  REQUIRE(from.desk.done.size() == 1);
  CHECK_FALSE(from.desk.done[0].ok);
  CHECK(from.desk.done[0].bytes <= v.bytes);
  CHECK_FALSE(to.desk.lanes().answered(holder, 1).whole);  // it is told once
  // Then the rest comes, and only that.
  begin(from.desk, holder, to.desk, all_of(film()), 2);
  exchange(from.desk, holder, to.desk);
  CHECK(to.desk.lanes().answered(holder, 2).whole);
}

TEST_CASE("a number that a holder uses again does not get the answers of the first stream") {
  end_of to{"to"};
  auto& in = to.desk.lanes();
  to.desk.at_once = false;
  in.expects(holder, 1, film().id, all_of(film()));
  auto const open = to_bytes(net::lane_open{5, film().id, film().bytes.size(), all_of(film())});
  auto const end = to_bytes(net::lane_end{5, true, net::lane_outcome::cut});
  CHECK(in.arrived(holder, lane_frame::open, open));
  CHECK(in.arrived(holder, lane_frame::end, end));
  CHECK(in.arrived(holder, lane_frame::open, open));
  CHECK(in.chunks() == 1);
  CHECK(to.desk.turn());  // for the first
  CHECK(in.chunks() == 1);
  CHECK(to.desk.pushed.empty());
  CHECK(to.desk.turn());
  CHECK(in.chunks() == 0);
  CHECK(to.desk.pushed.size() == 1);
}

TEST_CASE("who is silent is given up at both ends") {
  end_of from{"from", film()};
  end_of to{"to"};
  begin(from.desk, holder, to.desk, all_of(film()));
  pass(from.desk, holder, to.desk, getter);
  to.desk.lanes().tick();
  from.desk.lanes().tick();
  CHECK(to.desk.lanes().streams() + from.desk.lanes().streams() == 2);
  to.desk.bounds.silence = from.desk.bounds.silence = -1s;  // all is too long ago
  from.desk.lanes().tick();
  to.desk.lanes().tick();
  CHECK(to.desk.lanes().streams() + from.desk.lanes().streams() == 0);
  REQUIRE(from.desk.done.size() == 1);
  CHECK_FALSE(from.desk.done[0].ok);
  CHECK_FALSE(to.desk.lanes().answered(holder, 1).whole);
}

TEST_CASE("two holders at once bring an object together") {
  end_of one{"one", film()};
  end_of two{"two", film()};
  end_of to{"to"};
  auto const half = 6 * chunk_bytes;
  begin(one.desk, holder, to.desk, {0, half});
  begin(two.desk, other, to.desk, {half, film().bytes.size() - half});
  for (bool moved = true; moved;) {
    moved = pass(one.desk, holder, to.desk, getter) | pass(two.desk, other, to.desk, getter);
    moved = carry(one.desk, holder, to.desk, getter, 1) != 0 || moved;
    moved = carry(two.desk, other, to.desk, getter, 1) != 0 || moved;
    auto const said = std::exchange(to.desk.pushed, {});
    for (auto const& f : said) {
      auto& desk = f.to == holder ? one.desk : two.desk;
      REQUIRE(desk.lanes().arrived(getter, f.what, f.payload));
      moved = true;
    }
  }
  CHECK(to.desk.lanes().answered(holder, 1).whole);
  CHECK(to.desk.lanes().answered(other, 1).whole);
  CHECK(to.folder.files().holds(film().id));
  CHECK(to.folder.files().verify(film().id).ok());
}

TEST_CASE("a getter that wants what it may not ends its connection") {
  end_of from{"from", film()};
  from.desk.lanes().stream({1, room::data}, getter, film().id, {chunk_bytes, chunk_bytes});
  auto const want = [&](std::uint64_t first, std::uint32_t chunks) {
    return from.desk.lanes().arrived(getter, lane_frame::want,
                                     to_bytes(net::lane_want{1, first, chunks, 0}));
  };
  CHECK(want(1, 1));
  CHECK_FALSE(want(0, 1));
  CHECK_FALSE(want(2, 1));
  CHECK_FALSE(want(1, 2));
  CHECK_FALSE(want(~std::uint64_t{0}, 2));
  int taken = 0;
  while (taken < 1000 && want(1, 1)) ++taken;
  CHECK(taken < 300);
}

TEST_CASE("the corpus of streams passes the fuzzer's checks") {
  namespace fs = std::filesystem;
  std::size_t read = 0;
  auto const path = fs::path{HYDRA_SOURCE_DIR} / "tests/fuzz/corpus/lanes";
  for (auto const& file : fs::directory_iterator{path}) {
    std::ifstream in{file.path(), std::ios::binary};
    std::vector<char> const text{std::istreambuf_iterator<char>{in}, {}};
    INFO(file.path().string());
    fuzz::lanes_target(std::as_bytes(std::span{text}));
    ++read;
  }
  CHECK(read >= 16);
}
