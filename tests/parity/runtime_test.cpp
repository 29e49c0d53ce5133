#include "../catch.hpp"
#include "../folder.hpp"
#include "strangers.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/net/runtime.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/testing/journal.hpp>

#include <boost/asio/write.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace hydra;
using test::eventually;
using test::raw_client;
using test::strangers_met;

struct ping {
  static constexpr message_id id{room::node, 1, 1};
  std::uint32_t round = 0;
  peer asker{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& round& asker;
  }
};
struct pong {
  static constexpr message_id id{room::node, 2, 1};
  std::uint32_t round = 0;
  std::array<std::uint64_t, 128> ballast{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& round& ballast;
  }
};
struct begin {
  peer with{};
  std::uint32_t rounds = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& with& rounds;
  }
};
struct work {
  service what{};
  std::uint32_t number = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& number;
  }
};
struct tally {
  static constexpr message_id id{room::node, 100, 1};
  std::uint32_t count = 0;
  peer last{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& count& last;
  }
};
struct finished {
  std::uint32_t count = 0;
  bool good = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count& good;
  }
};
struct lost {
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

// Counts pings on the disk before it answers them.
struct counting {
  using messages = type_list<ping, pong>;
  using inputs = type_list<begin, work>;
  using facts = type_list<finished, lost>;
  using records = type_list<tally>;

  std::uint32_t count = 0;
  std::uint32_t pongs = 0;
  std::uint32_t ticks = 0;
  peer partner{};
  std::uint32_t rounds = 0;

  template <class A>
  void serialize(A& a, unsigned) {
    a& count& pongs& ticks& partner& rounds;
  }
  void on_start(auto& env) {
    if (auto const t = env.template recall<tally>(1)) {
      count = t->count;
      partner = t->last;
    }
    env.every(20ms, 5ms, 1);
  }
  void on_timer(auto&, std::uint16_t) { ++ticks; }
  void on_message(auto& env, peer from, ping const& m) {
    ++count;
    env.keep(1, tally{count, from});
    env.send(from, pong{m.round, {}});  // leaves when the record is on the disk
  }
  void on_message(auto& env, peer from, pong const& m) {
    ++pongs;
    if (m.round + 1 < rounds) env.send(from, ping{m.round + 1, env.self()});
    else env.emit(finished{pongs, true});
  }
  void on_fact(auto& env, begin const& b) {
    partner = b.with;
    rounds = b.rounds;
    env.send(b.with, ping{0, env.self()});
  }
  void on_fact(auto& env, work const& w) {
    task t{};
    t.what = w.what;
    t.index = static_cast<std::uint16_t>(w.number);
    env.run(t);
  }
  void on_fact(auto& env, run_done const& r) {
    env.emit(finished{static_cast<std::uint32_t>(r.output.words[0]), r.ok});
  }
  void on_fact(auto& env, unreachable const& u) { env.emit(lost{u.who}); }
};

// Keeps each ping under another name, and has two effects wait for it. Does not describe what it
// holds, so no handle that it was told is ever evicted.
struct hoarding {
  using messages = type_list<ping, pong>;
  using facts = type_list<finished>;
  using records = type_list<tally>;

  std::uint32_t count = 0;
  std::uint32_t keeps = 0;

  void on_message(auto& env, peer from, ping const& m) {
    ++count;
    env.keep(count, tally{count, from});
    env.emit(finished{count, true});
    env.send(from, pong{m.round, {}});
  }
  void on_message(auto&, peer, pong const&) {}
  void on_fact(auto&, kept const&) { ++keeps; }
};

using head = net::runtime<counting>;

void rest(int milliseconds) {
  net::asio::io_context io;
  net::asio::steady_timer{io, std::chrono::milliseconds{milliseconds}}.wait();
}


// What a head told its user.
struct listener {
  std::atomic<std::uint32_t> finishes = 0;
  std::atomic<std::uint32_t> last = 0;
  std::atomic<std::uint32_t> bad = 0;
  std::atomic<std::uint32_t> losses = 0;
  void listen(head& h) {
    h.on_emit([this](auto const& fact) {
      if constexpr (requires { fact.good; }) {
        last = fact.count;
        ++finishes;
        bad += fact.good ? 0 : 1;
      } else {
        ++losses;
      }
    });
  }
};

std::vector<std::byte> operator+(std::vector<std::byte> a, std::vector<std::byte> const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<std::byte> frame_of(std::uint32_t id, std::size_t bytes) {
  std::vector<std::byte> out;
  REQUIRE(wire::append_frame(out, id, 0, [&](auto& to) { to.resize(to.size() + bytes); }));
  return out;
}

std::vector<std::byte> ping_frame(key const& asker) {
  std::vector<std::byte> out;
  REQUIRE(wire::append_frame(out, ping::id.packed(), 0, [&](auto& to) {
    as_numbers plain;
    byte_writer<as_numbers> w{to, plain};
    wire::contact c{asker, {}};
    std::uint32_t const round = 0;
    w << round << c;
  }));
  return out;
}

}  // namespace

TEST_CASE("two runtimes play ping-pong over loopback") {
  head one{{.seed = 7, .index = 0}};
  head two{{.seed = 7, .index = 1}};
  listener heard;
  heard.listen(one);
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const other = one.know(two.contact());
  REQUIRE(one.tell(begin{other, 20}));
  REQUIRE(eventually([&] { return heard.finishes == 1; }));
  CHECK(heard.last == 20);
  CHECK(two.inspect([](auto& h) { return h.node().count; }) == 20);
  // Keys are those of the simulator, and both ends measured the round trip.
  CHECK(one.inspect([&](auto& h) { return h.about(other).key; }) == derived_key(7, peer{1}));
  CHECK(one.inspect([&](auto& h) { return h.about(h.about(other).principal); }) ==
        derived_key(7, principal{1}));
  CHECK(eventually([&] {
    return one.inspect([&](auto& h) { return h.about(other).rtt; }) > duration{};
  }));
  CHECK(one.inspect([](auto& h) { return h.node().ticks; }) > 0);
  two.stop();
  one.stop();
}

TEST_CASE("a head says in its hello that it only calls out") {
  head one{{.seed = 7, .index = 0, .reach = reach::outbound_only}};
  head two{{.seed = 7, .index = 1}};
  listener heard;
  heard.listen(one);
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const server = one.know(two.contact());
  REQUIRE(one.tell(begin{server, 1}));
  REQUIRE(eventually([&] { return heard.finishes == 1; }));
  auto const caller = two.know(one.contact());
  CHECK(two.inspect([&](auto& h) { return h.about(caller).reach; }) == reach::outbound_only);
  CHECK(one.inspect([&](auto& h) { return h.about(h.self()).reach; }) == reach::outbound_only);
  CHECK(one.inspect([&](auto& h) { return h.about(server).reach; }) == reach::open);
  two.stop();
  one.stop();
}

TEST_CASE("a killed head comes back with what it kept, on the same port") {
  folder here;
  head one{{.seed = 7, .index = 0}};
  head two{{.seed = 7, .index = 1, .store = here.file("two")}};
  listener heard;
  heard.listen(one);
  REQUIRE(one.start().ok());
  auto const port = two.start();
  REQUIRE(port.ok());
  auto const other = one.know(two.contact());
  one.tell(begin{other, 5});
  REQUIRE(eventually([&] { return heard.finishes == 1; }));
  two.kill();
  one.tell(begin{other, 1});
  REQUIRE(eventually([&] { return heard.losses >= 1; }));

  auto const again = two.start();
  REQUIRE(again.ok());
  CHECK(again.value() == port.value());
  CHECK(two.inspect([](auto& h) { return h.node().count; }) == 5);
  CHECK(two.inspect([](auto& h) { return h.about(h.node().partner).key; }) ==
        derived_key(7, peer{0}));
  CHECK(eventually([&] {
    one.tell(begin{other, 1});
    rest(50);
    return heard.finishes >= 2;
  }));
}

TEST_CASE("a torn tail is cut off, whole records stay") {
  folder here;
  auto const path = here.file("records");
  {
    net::store s{path};
    REQUIRE(s.open().ok());
    for (std::uint64_t i = 0; i < 10; ++i) {
      std::vector<std::byte> batch;
      net::store::append(batch, net::store::what::keep, {1, i}, to_bytes(tally{3, {}}));
      REQUIRE(s.commit(batch).ok());
    }
  }
  auto const whole = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, whole - 3);
  net::store s{path};
  REQUIRE(s.open().ok());
  CHECK(s.records().size() == 9);
  CHECK(s.torn_bytes() > 0);
  std::filesystem::resize_file(path, 4);
  net::store broken{path};
  CHECK(broken.open().why().find("is not a journal of records") != std::string::npos);
}

namespace {

std::string content_of(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write_content(std::string const& path, std::string const& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}
std::vector<std::byte> entry_of(std::uint64_t name, std::size_t bytes) {
  std::vector<std::byte> batch;
  std::vector<std::byte> const record(bytes, std::byte{7});
  net::store::append(batch, net::store::what::keep, {1, name}, record);
  return batch;
}

}  // namespace

TEST_CASE("a flipped bit before whole records is refused, and the file left as it is") {
  folder here;
  auto const path = here.file("records");
  std::size_t const each = 8 + 13 + 40;
  std::size_t const first = 8 + 8 + 13;  // after the magic and the life
  {
    net::store s{path};
    REQUIRE(s.open().ok());
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(s.commit(entry_of(i, 40)).ok());
  }
  auto const good = content_of(path);
  REQUIRE(good.size() == first + 100 * each);
  auto const at = first + 50 * each;
  for (std::size_t where : {at, at + 2, at + 3, at + 5, at + 8, at + 30}) {
    auto bad = good;
    bad[where] = static_cast<char>(bad[where] ^ 0x10);
    write_content(path, bad);
    net::store s{path};
    auto const opened = s.open();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.why().find(path + " is damaged at byte " + std::to_string(at)) !=
          std::string::npos);
    CHECK(content_of(path) == bad);
    CHECK_FALSE(s.commit(entry_of(1, 40)).ok());
  }
  // Of the last entry any part may be missing, or be zeros: nothing whole follows it.
  for (std::size_t cut = 1; cut < each; ++cut) {
    auto torn = good.substr(0, good.size() - cut);
    if (cut % 2 == 0) torn += std::string(cut + 5000, '\0');
    write_content(path, torn);
    net::store s{path};
    REQUIRE(s.open().ok());
    CHECK(s.records().size() == 99);
    CHECK(s.torn_bytes() == torn.size() - (good.size() - each));
  }
}

TEST_CASE("a journal that cannot be read is an error, not an empty one") {
  folder here;
  std::filesystem::create_directory(here.file("records"));
  net::store s{here.file("records")};
  auto const opened = s.open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.why().find("cannot read") != std::string::npos);
}

TEST_CASE("a journal never grows over its bound") {
  folder here;
  auto const path = here.file("records");
  std::size_t const bound = 8 + 21 + 10 * (21 + 100) + 50;  // ten records and a rest
  std::size_t taken = 0;
  {
    net::store s{path, bound};
    REQUIRE(s.open().ok());
    for (int i = 0; i < 100; ++i) {  // room is made of what was overwritten
      REQUIRE(s.commit(entry_of(1, 100)).ok());
      CHECK(std::filesystem::file_size(path) <= bound);
    }
    for (std::uint64_t i = 1; i <= 20; ++i) {
      auto const done = s.commit(entry_of(i, 100));
      if (done) ++taken;
      else CHECK(done.why().find("over " + std::to_string(bound)) != std::string::npos);
      CHECK(std::filesystem::file_size(path) <= bound);
    }
    CHECK(taken == 10);
    CHECK(s.records().size() == 10);
    std::vector<std::byte> erasing;  // what makes room is taken, though it does not fit behind
    net::store::append(erasing, net::store::what::erase, {1, 1}, {});
    net::store::append(erasing, net::store::what::erase, {1, 2}, {});
    net::store::append(erasing, net::store::what::erase, {1, 3}, {});
    REQUIRE(s.commit(erasing).ok());
    REQUIRE(s.commit(entry_of(30, 100)).ok());
  }
  net::store again{path, bound};
  REQUIRE(again.open().ok());
  CHECK(again.records().size() == 8);
}

TEST_CASE("a head whose journal is full says so, tells no kept, and opens again") {
  folder here;
  net::runtime_settings s{.seed = 7, .store = here.file("one")};
  s.limits.store_bytes_max = 4096;
  net::runtime<hoarding> one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  raw_client c{port.value()};
  c.send(raw_client::hello_of(9));
  for (int i = 0; i < 200; ++i) c.send(ping_frame(derived_key(7, peer{9})));
  REQUIRE(eventually([&] { return one.counters().received == 200; }));
  REQUIRE(eventually([&] { return one.inspect([](auto& h) { return !h.failure().empty(); }); }));
  CHECK(one.inspect([](auto& h) { return h.failure(); }).find("over 4096") != std::string::npos);
  rest(50);
  CHECK(one.inspect([](auto& h) { return h.node().keeps; }) < 200);
  CHECK(std::filesystem::file_size(s.store) <= 4096);
  one.stop();
  CHECK(one.start().ok());
}

TEST_CASE("a flood of many sessions does not exceed what may wait for the disk") {
  net::runtime_settings s{.seed = 7};
  s.limits.held_max = 64;
  net::runtime<hoarding> one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  std::vector<std::unique_ptr<raw_client>> crowd;
  for (std::uint32_t i = 0; i < 20; ++i) {
    crowd.push_back(std::make_unique<raw_client>(port.value()));
    auto bytes = raw_client::hello_of(9 + i);
    for (int k = 0; k < 40; ++k) bytes = bytes + ping_frame(derived_key(7, peer{9 + i}));
    crowd.back()->send(bytes);
  }
  REQUIRE(eventually([&] { return one.counters().received == 800; }));
  REQUIRE(eventually([&] { return one.inspect([](auto& h) { return h.node().keeps; }) == 800; }));
  auto const c = one.counters();
  CHECK(c.held_peak >= 64);
  CHECK(c.held_peak <= 64 - 1 + 2);  // the effects of one call on top
}

TEST_CASE("strangers that said nothing but hello do not lock others out") {
  net::runtime_settings s{.seed = 7};
  s.limits.directory = {.each_max = 200, .per_account_max = 20, .sweep_pause = 1ms};
  net::runtime<hoarding> one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  auto const before = one.inspect([](auto& h) { return h.known_heads(); });
  for (std::uint32_t i = 0; i < 60; ++i) {
    raw_client c{port.value()};
    net::hello h;
    h.network = 1;
    h.head = derived_key(7, peer{1000 + i});
    h.owner = derived_key(7, principal{1000 + i});
    c.send(net::control_frame(net::control::hello, h));
    REQUIRE(eventually([&] { return one.counters().sessions == i + 1; }));
    c.socket.close();
    REQUIRE(eventually([&] { return one.inspect([](auto& x) { return x.sessions(); }) == 0; }));
  }
  CHECK(one.inspect([](auto& h) { return h.known_heads(); }) == before);
  CHECK(one.counters().bad_hellos == 0);
  // Whom the node was told of stays known.
  for (std::uint32_t i = 0; i < 3; ++i) {
    raw_client c{port.value()};
    c.send(raw_client::hello_of(9 + i) + ping_frame(derived_key(7, peer{9 + i})));
    REQUIRE(eventually([&] { return one.counters().received == i + 1; }));
  }
  REQUIRE(eventually([&] { return one.inspect([](auto& h) { return h.sessions(); }) == 0; }));
  CHECK(one.inspect([](auto& h) { return h.known_heads(); }) == before + 3);
}

TEST_CASE("a head meets more strangers than its directory holds") {
  auto const nonce = [](auto& w, std::uint32_t i, key const&) { w << std::uint64_t{i}; };
  CHECK(strangers_met<alone<routing::kademlia<8>>>(600, routing::ping::id, nonce) == 600);
  auto const themselves = [](auto& w, std::uint32_t i, key const& who) {
    w << i << wire::contact{who, {}};
  };
  CHECK(strangers_met<hoarding>(200, ping::id, themselves) <= 151);
}

TEST_CASE("what one message mentions is not evicted while it is read") {
  struct nobody_holds {
    [[nodiscard]] static instant clock() { return at_ns(1); }
    [[nodiscard]] static bool mark(net::held_handles&) { return true; }
    static void changed(peer) {}
    static void named(principal) {}
    static void named(service) {}
  } watch;
  net::directory<nobody_holds> known{{.each_max = 50, .per_account_max = 8, .sweep_pause = 0s},
                                     watch};
  auto const whom = [&](std::uint32_t i) {
    return known.intern_peer({derived_key(7, peer{i}), {}});
  };
  known.charge(peer{40});
  auto const first = whom(1);
  for (std::uint32_t i = 2; i < 9; ++i) CHECK(static_cast<bool>(whom(i)));
  CHECK_FALSE(static_cast<bool>(whom(9)));  // all eight are in this message
  CHECK(known.key_of(first) == derived_key(7, peer{1}));
  known.charge(peer{40});
  known.hold(true);  // while the node is called nothing is evicted at all
  CHECK_FALSE(static_cast<bool>(whom(9)));
  known.hold(false);
  CHECK(static_cast<bool>(whom(9)));  // of the message before nothing is left
  CHECK(known.heads() == 1);
}

TEST_CASE("who is named is of the netgroup of the address that it is said to have") {
  struct nobody_holds {
    [[nodiscard]] static instant clock() { return at_ns(1); }
    [[nodiscard]] static bool mark(net::held_handles&) { return true; }
    static void changed(peer) {}
    static void named(principal) {}
    static void named(service) {}
  } watch;
  net::directory<nobody_holds> known{{}, watch};
  auto const said = [&](std::uint32_t i, char const* address) {
    wire::contact c{derived_key(7, peer{i}), {}};
    c.at.push_back(net::to_wire({net::asio::ip::make_address(address), 9}));
    return known.intern_peer(c);
  };
  auto const group = [&](peer p) { return known.about(p).group; };
  auto const first = said(1, "10.7.1.1");
  CHECK(group(first) == group(said(2, "10.7.200.3")));
  CHECK(group(first) != group(said(3, "10.8.1.1")));
  CHECK(group(said(4, "2001:db8::1")) == group(said(5, "2001:db8:9::7")));
  CHECK(group(said(6, "127.0.0.1")) != group(said(7, "127.0.0.1")));  // by their keys
  known.met_at(first, net::netgroup_of(net::asio::ip::make_address("192.0.2.1")));
  CHECK(group(first) == net::netgroup_of(net::asio::ip::make_address("192.0.77.1")));
  CHECK(group(first) != group(said(2, "10.7.200.3")));
}

TEST_CASE("a runtime refuses to leave this machine") {
  head out{{.address = "0.0.0.0"}};
  auto const port = out.start();
  REQUIRE_FALSE(port.ok());
  CHECK(port.why().find("is not loopback") != std::string::npos);
  CHECK_FALSE(out.running());
  head one{{.index = 0}};
  auto const first = one.start();
  REQUIRE(first.ok());
  head two{{.index = 1, .port = first.value()}};
  CHECK(two.start().why().find("cannot listen") != std::string::npos);
}

TEST_CASE("garbage, cut frames and lying lengths close the connection and are counted") {
  head one{{.seed = 7}};
  auto const port = one.start();
  REQUIRE(port.ok());
  auto const closes = [&](std::vector<std::byte> const& bytes) {
    raw_client c{port.value()};
    c.send(bytes);
    return c.hung_up();
  };
  std::vector<std::byte> garbage;
  owned_stream random{1, 2, 3};
  for (int i = 0; i < 4096; ++i) garbage.push_back(static_cast<std::byte>(random.below(256)));
  CHECK(closes(garbage));
  auto const header = wire::encode_header({0x7fffffffU, 1, 0, 1});
  CHECK(closes(raw_client::hello_of(9) + std::vector<std::byte>{header.begin(), header.end()}));
  CHECK(closes(frame_of(ping::id.packed(), 4)));                              // before hello
  CHECK(closes(raw_client::hello_of(9) + raw_client::hello_of(9)));           // twice
  CHECK(closes(raw_client::hello_of(9, 2)));                                  // another network
  CHECK(closes(raw_client::hello_of(0)));                                     // my own key
  CHECK(closes(raw_client::hello_of(9) + frame_of(ping::id.packed(), 3)));    // cut inside
  CHECK(closes(raw_client::hello_of(9) + frame_of(pong::id.packed(), 5000))); // left over
  auto const c = one.counters();
  CHECK(c.bad_frames >= 4);
  CHECK(c.bad_messages == 2);
  CHECK(c.bad_hellos == 2);
  CHECK(c.received == 0);

  // What a later version might send is skipped, and the connection goes on.
  raw_client later{port.value()};
  later.send(raw_client::hello_of(9) + frame_of(0x00123401U, 10) +
             ping_frame(derived_key(7, peer{9})));
  CHECK(eventually([&] { return one.counters().received == 1; }));
  CHECK(one.counters().unknown == 1);
}

TEST_CASE("who says no hello, or nothing, is closed in time") {
  net::runtime_settings s{.seed = 7};
  s.limits.handshake_timeout = 150ms;
  s.limits.idle_timeout = 300ms;
  s.limits.handshakes_max = 4;
  head one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  raw_client silent{port.value()};
  CHECK(silent.hung_up());
  raw_client idle{port.value()};
  idle.send(raw_client::hello_of(9));
  CHECK(idle.hung_up());
  CHECK(one.counters().timeouts == 2);
  std::vector<std::unique_ptr<raw_client>> crowd;
  for (int i = 0; i < 12; ++i) crowd.push_back(std::make_unique<raw_client>(port.value()));
  CHECK(eventually([&] { return one.counters().turned_away >= 1; }));
  CHECK(one.inspect([](auto& h) { return h.sessions(); }) <= 5);
}

TEST_CASE("a peer that does not read costs bounded memory") {
  net::runtime_settings s{.seed = 7};
  s.limits.outbound_bytes_max = 64 << 10;
  s.limits.write_timeout = 500ms;
  head one{s};
  listener heard;
  heard.listen(one);
  auto const port = one.start();
  REQUIRE(port.ok());
  raw_client slow{port.value()};
  slow.socket.set_option(net::asio::socket_base::receive_buffer_size{4096});
  slow.send(raw_client::hello_of(9));
  auto const ask = ping_frame(derived_key(7, peer{9}));
  slow.socket.non_blocking(false);
  bool open = true;
  CHECK(eventually([&] {  // until the kernel's buffers are full of answers that nobody reads
    for (int i = 0; i < 200 && open; ++i) open = slow.send(ask);
    return one.counters().timeouts >= 1;
  }));
  auto const c = one.counters();
  CHECK(c.outbound_peak <= (64 << 10));
  CHECK(c.dropped > 0);
  CHECK(heard.losses > 0);
  CHECK(one.inspect([](auto& h) { return h.queued_bytes(); }) == 0);
}

TEST_CASE("one head cannot fill the directory") {
  net::runtime_settings s{.seed = 7};
  s.limits.directory = {.each_max = 200, .per_account_max = 50, .sweep_pause = 1ms};
  head one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  raw_client liar{port.value()};
  liar.send(raw_client::hello_of(9));
  for (std::uint32_t i = 0; i < 500; ++i) liar.send(ping_frame(derived_key(1, peer{i})));
  REQUIRE(eventually([&] {
    auto const c = one.counters();
    return c.received + c.refused == 500;
  }));
  CHECK(one.inspect([](auto& h) { return h.known_heads(); }) <= 60);
}

TEST_CASE("native services run beside the node and answer it") {
  head one{{.seed = 7}};
  listener heard;
  heard.listen(one);
  one.offer(service_key("double", 1), [](task const& t) -> std::optional<payload> {
    payload out;
    out.size = 8;
    out.words[0] = 2U * t.index;
    return out;
  });
  one.offer(service_key("throw", 1),
            [](task const&) -> std::optional<payload> { throw std::runtime_error{"no"}; });
  REQUIRE(one.start().ok());
  one.tell(work{one.know_service(service_key("double", 1)), 21});
  REQUIRE(eventually([&] { return heard.finishes == 1; }));
  CHECK(heard.last == 42);
  one.tell(work{one.know_service(service_key("throw", 1)), 1});
  one.tell(work{one.know_service(service_key("unknown", 1)), 1});
  REQUIRE(eventually([&] { return heard.finishes == 3; }));
  CHECK(heard.bad == 2);
}

TEST_CASE("a log written on the network replays in the recorder to the same effects") {
  folder here;
  journal log;
  head one{{.seed = 7, .index = 0}};
  head two{{.seed = 7, .index = 1, .store = here.file("two"), .log = &log}};
  listener heard;
  heard.listen(one);
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const other = one.know(two.contact());
  one.tell(begin{other, 10});
  REQUIRE(eventually([&] { return heard.finishes == 1; }));
  auto const digest = two.inspect([](auto& h) {
    h.quiesce();
    return h.effect_digest();
  });
  two.stop();
  testing::recorder again{{.seed = 7, .self = peer{0}, .index = 1}};
  auto const told = testing::replay(counting{}, again, log);
  REQUIRE(told.ok());
  CHECK(again.effect_digest() == digest);
}
