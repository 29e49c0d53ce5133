// TLS between heads: who is let in, who is not, and what it costs those who are.
#include "../../catch.hpp"
#include "../../fuzz/handshake_target.hpp"
#include "tls_peers.hpp"

#include <openssl/core_names.h>

#include <boost/asio/write.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

using namespace hydra;
using namespace hydra::test;

namespace {

using pair_pointer = net::detail::pkey_pointer;

[[nodiscard]] net::validity from_to(int from_hours, int until_hours) {
  auto const now = net::detail::wall_now();
  return {now + std::chrono::hours{from_hours}, now + std::chrono::hours{until_hours}};
}
// What a head counted after somebody with this face called it and said a good hello.
struct outcome {
  bool finished = false;  // on the caller's side
  bool hung_up = false;
  net::counters count;
};
[[nodiscard]] outcome calls(face const& f, net::hello const& h,
                            net::runtime_settings const& s = as(1)) {
  head one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  caller c{f, port.value()};
  outcome o;
  o.finished = c.end->finished();
  static_cast<void>(o.finished && c.end->send(frame_of(h)));
  eventually([&] {
    o.count = one.counters();
    return o.count.sessions + o.count.bad_handshakes + o.count.bad_hellos != 0;
  });
  if (o.count.sessions == 0) o.hung_up = c.end->hung_up();
  return o;
}
// The secret of one with the public key of another.
[[nodiscard]] pair_pointer mixed(net::identity const& shown, net::identity const& held) {
  std::array<std::uint8_t, 32> secret{};
  auto size = secret.size();
  REQUIRE(EVP_PKEY_get_raw_private_key(held.pair(), secret.data(), &size) == 1);
  auto open = shown.raw();
  std::array const params{
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, open.data(), open.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_end()};
  std::unique_ptr<EVP_PKEY_CTX, net::detail::frees<EVP_PKEY_CTX_free>> const by{
      EVP_PKEY_CTX_new_from_name(nullptr, "ED25519", nullptr)};
  EVP_PKEY* out = nullptr;
  REQUIRE(EVP_PKEY_fromdata_init(by.get()) == 1);
  REQUIRE(EVP_PKEY_fromdata(by.get(), &out, EVP_PKEY_KEYPAIR,
                            const_cast<OSSL_PARAM*>(params.data())) == 1);
  return pair_pointer{out};
}

}  // namespace

TEST_CASE("two heads with identities talk over TLS") {
  head one{as(1)};
  head two{as(2)};
  listener heard{one};
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const other = one.know(two.contact());
  REQUIRE(one.tell(chat{other, 50}));
  REQUIRE(eventually([&] { return heard.rounds == 50; }));
  CHECK(one.inspect([&](auto& h) { return h.about(other).key; }) == who(2).id());
  CHECK(one.inspect([&](auto& h) { return h.about(h.about(other).principal); }) == who(2).id());
  CHECK(two.inspect([](auto& h) { return h.about(h.node().asker).key; }) == who(1).id());
  CHECK(one.counters().bad_handshakes == 0);
  two.stop();
  one.stop();
}

TEST_CASE("a head with an identity draws what nobody knows, or what a simulation of it draws") {
  auto const three = [](net::runtime_settings const& s) {
    head one{s};
    REQUIRE(one.start().ok());
    auto const drawn = one.inspect([](auto& h) {
      auto chance = h.random_of(room::verify);
      return std::array{chance.bits(), chance.bits(), chance.bits()};
    });
    one.stop();
    return drawn;
  };
  auto s = as(1);
  s.seed = 5;
  s.index = 3;
  CHECK(three(s) != three(s));
  s.draws_by_seed = true;
  std::uint32_t count = 0;
  hydra::stream simulated{stream_base(5, static_cast<std::uint64_t>(room::verify), 3), count};
  std::array const same{simulated.bits(), simulated.bits(), simulated.bits()};
  CHECK(three(s) == same);
  s.beyond_loopback = true;
  head never{s};
  auto const port = never.start();
  REQUIRE(!port.ok());
  CHECK(port.why() == "draws_by_seed is for loopback only");
}

TEST_CASE("a caller with an honest certificate is met, and told goodbye") {
  head one{as(1)};
  auto const port = one.start();
  REQUIRE(port.ok());
  caller c{honest(who(2)), port.value()};
  REQUIRE(c.end->finished());
  CHECK(std::string{SSL_get_version(c.end->ssl())} == "TLSv1.3");
  CHECK(SSL_session_reused(c.end->ssl()) == 0);
  REQUIRE(c.end->send(frame_of(hello_as(who(2).id()))));
  REQUIRE(eventually([&] { return one.counters().sessions == 1; }));
  CHECK(SSL_SESSION_is_resumable(SSL_get_session(c.end->ssl())) == 0);  // no ticket came
  one.stop();
  CHECK(c.end->hung_up(true));
}

TEST_CASE("a caller without a right to its certificate is refused after it was done itself") {
  auto const me = who(2);
  auto const hello = hello_as(me.id());
  auto const refused = [&](face const& f) {
    auto const o = calls(f, hello);
    CHECK(o.hung_up);
    CHECK(o.count.sessions == 0);
    CHECK(o.count.bad_handshakes == 1);
    return o.finished;
  };
  auto const now = net::detail::wall_now();
  auto const good = net::validity::around(now);
  {
    INFO("the key in the certificate is not the caller's");
    auto const thief = mixed(me, who(3));
    refused({net::make_certificate(me, good), thief.get()});
  }
  {
    INFO("another key signed the certificate");
    CHECK(refused({net::make_certificate(me.pair(), who(3).pair(), good), me.pair()}));
  }
  {
    INFO("expired");
    CHECK(refused({net::make_certificate(me, from_to(-48, -1)), me.pair()}));
  }
  {
    INFO("not valid yet");
    CHECK(refused({net::make_certificate(me, from_to(1, 48)), me.pair()}));
  }
  {
    INFO("P-256");
    pair_pointer const curve{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
    refused({net::make_certificate(curve.get(), curve.get(), good, EVP_sha256()), curve.get()});
  }
  {
    INFO("two certificates");
    auto const above = net::make_certificate(who(3), good);
    CHECK(refused({net::make_certificate(me, good), me.pair(), above.get()}));
  }
  {
    INFO("none");
    CHECK(refused({nullptr, nullptr}));
  }
}

TEST_CASE("an older TLS is refused") {
  auto f = honest(who(2));
  f.version = TLS1_2_VERSION;
  auto const o = calls(f, hello_as(who(2).id()));
  CHECK_FALSE(o.finished);
  CHECK(o.count.bad_handshakes == 1);
  CHECK(o.count.sessions == 0);
}

TEST_CASE("certificates are judged by what they say") {
  auto const me = who(2);
  auto const now = net::detail::wall_now();
  CHECK(net::key_in(net::make_certificate(me, from_to(-1, 1)).get(), now).value() == me.raw());
  CHECK(net::key_in(net::make_certificate(me, from_to(-2, -1)).get(), now).why() ==
        "the certificate has expired");
  CHECK(net::key_in(net::make_certificate(me, from_to(1, 2)).get(), now).why() ==
        "the certificate is not valid yet");
  pair_pointer const curve{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  auto const other =
      net::make_certificate(curve.get(), curve.get(), from_to(-1, 1), EVP_sha256());
  CHECK(net::key_in(other.get(), now).why() == "the key of the certificate is not Ed25519");
  auto const forged = net::make_certificate(me.pair(), who(3).pair(), from_to(-1, 1));
  CHECK(net::key_in(forged.get(), now).why() == "the certificate is not signed by its own key");
  CHECK_FALSE(net::validity::around(now).is_old(now + std::chrono::days{14}));
  CHECK(net::validity::around(now).is_old(now + std::chrono::days{16}));
}

TEST_CASE("a hello that does not fit the certificate, or does not prove its owner, is refused") {
  auto const me = who(2);
  auto const hydra = who(9);
  auto const now = at_ns(net::detail::wall_now().time_since_epoch().count() * 1'000'000'000);
  auto const met = [&](net::hello const& h) {
    auto const o = calls(honest(me), h);
    CHECK(o.finished);
    CHECK(o.count.bad_handshakes == 0);
    CHECK(o.count.bad_hellos + o.count.sessions == 1);
    return o.count.sessions == 1;
  };
  CHECK(met(hello_as(me.id())));
  CHECK_FALSE(met(hello_as(who(3).id())));
  auto owned = hello_as(me.id());
  owned.owner = hydra.id();
  CHECK_FALSE(met(owned));
  auto const proved = [&](net::ownership const& o) {
    auto h = owned;
    h.proof = o;
    return met(h);
  };
  CHECK(proved(net::grant(hydra, 1, me.id(), now - 1h, now + 1h)));
  CHECK_FALSE(proved(net::grant(hydra, 2, me.id(), now - 1h, now + 1h)));       // another network
  CHECK_FALSE(proved(net::grant(hydra, 1, who(3).id(), now - 1h, now + 1h)));   // another head
  CHECK_FALSE(proved(net::grant(who(3), 1, me.id(), now - 1h, now + 1h)));      // not the owner
  CHECK_FALSE(proved(net::grant(hydra, 1, me.id(), now - 2h, now - 1h)));       // over
  CHECK_FALSE(proved(net::grant(hydra, 1, me.id(), now + 1h, now + 2h)));       // not yet
  auto longer = net::grant(hydra, 1, me.id(), now - 2h, now - 1h);
  longer.until = now + 1h;
  CHECK_FALSE(proved(longer));
}

TEST_CASE("a head that is dialled must be the one that was meant") {
  head one{as(1)};
  head two{as(2)};
  listener heard{one};
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto wrong = two.contact();
  wrong.key = who(3).id();
  REQUIRE(one.tell(chat{one.know(wrong), 1}));
  REQUIRE(eventually([&] { return heard.losses == 1; }));
  CHECK(one.counters().bad_handshakes == 3);  // as often as it dials
  CHECK(one.counters().sessions == 0);
  CHECK(eventually([&] { return two.counters().bad_handshakes == 3; }));  // told by an alert
  CHECK(two.counters().sessions == 0);
}

TEST_CASE("who dials trusts nobody before it has read something") {
  auto s = as(1);
  s.limits.handshake_timeout = 300ms;
  s.limits.dial_attempts_max = 1;
  head one{s};
  listener heard{one};
  REQUIRE(one.start().ok());
  waiter w;
  auto const other = one.know(w.as(who(2).id()));
  REQUIRE(one.tell(chat{other, 1}));
  w.take(honest(who(2)));
  REQUIRE(w.end->finished());
  CHECK(w.end->hear() > 0);  // its hello, and not what waits for the other
  CHECK(one.counters().sessions == 0);
  REQUIRE(eventually([&] { return heard.losses == 1; }));
  CHECK(one.counters().timeouts == 1);
  CHECK(one.counters().sent == 1);
  CHECK(w.end->hung_up(true));
}

TEST_CASE("garbage and half a handshake end soon") {
  auto s = as(1);
  s.limits.handshake_timeout = 200ms;
  head one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  net::asio::io_context io;
  auto const calling = [&](std::vector<std::uint8_t> const& bytes) {
    net::tcp::socket c{io};
    c.connect({net::asio::ip::address_v4::loopback(), port.value()});
    net::asio::write(c, net::asio::buffer(bytes));
    return c;
  };
  auto const garbage = calling(std::vector<std::uint8_t>(4096, 0x42));
  CHECK(eventually([&] { return one.counters().bad_handshakes == 1; }));
  auto const half = calling({22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3});  // begins as a ClientHello
  CHECK(eventually([&] { return one.counters().timeouts == 1; }));
  CHECK(eventually([&] { return one.inspect([](auto& h) { return h.sessions(); }) == 0; }));
  CHECK(one.counters().sessions == 0);
}

TEST_CASE("one address has so many connections and so many handshakes in a second") {
  auto s = as(1);
  s.limits.per_address_max = 3;
  head one{s};
  auto const port = one.start();
  REQUIRE(port.ok());
  std::vector<std::unique_ptr<caller>> crowd;
  for (int i = 0; i < 6; ++i) {
    crowd.push_back(std::make_unique<caller>(honest(who(2)), port.value()));
  }
  CHECK(std::count_if(crowd.begin(), crowd.end(),
                      [](auto const& c) { return c->end->finished(); }) == 3);
  CHECK(one.counters().turned_away == 3);

  net::callers counting;
  auto const here = net::callers::place_of(net::asio::ip::make_address("2001:db8::1"));
  CHECK(here == net::callers::place_of(net::asio::ip::make_address("2001:db8::ffff:1")));
  CHECK(here != net::callers::place_of(net::asio::ip::make_address("2001:db8:0:1::1")));
  net::limits bounds;
  bounds.per_address_handshakes_per_s = 2;
  net::callers::time const start{std::chrono::seconds{100}};
  auto const admits = [&](net::callers::time at) {
    bool const yes = counting.admit(here, bounds, true, at);
    if (yes) counting.left(here);
    return yes;
  };
  CHECK(admits(start));
  CHECK(admits(start));
  CHECK_FALSE(admits(start + 900ms));
  CHECK(admits(start + 1s));
  bounds.addresses_max = 1;
  auto const there = net::callers::place_of(net::asio::ip::make_address("10.0.0.1"));
  CHECK_FALSE(counting.admit(there, bounds, true, start + 1s));
  CHECK(counting.admit(there, bounds, true, start + 3s));
  CHECK(counting.size() == 1);
}

TEST_CASE("a reader that is slow costs bounded memory with TLS too") {
  auto s = as(1);
  s.limits.outbound_bytes_max = 64 << 10;
  s.limits.write_timeout = 500ms;
  head one{s};
  listener heard{one};
  auto const port = one.start();
  REQUIRE(port.ok());
  caller c{honest(who(2)), port.value()};
  REQUIRE(c.end->send(frame_of(hello_as(who(2).id()))));
  std::vector<std::byte> ask;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(wire::append_frame(ask, question::id.packed(), 0,
                               [](auto& to) { to.resize(to.size() + 4); }));
  }
  bool open = true;
  CHECK(eventually([&] {  // until the kernel's buffers are full of answers that nobody reads
    for (int i = 0; i < 20 && open; ++i) open = c.end->send(ask);
    return one.counters().timeouts >= 1;
  }));
  auto const n = one.counters();
  CHECK(n.outbound_peak <= (64 << 10) + 2048);  // and what TLS adds to it
  CHECK(n.dropped > 0);
  CHECK(heard.losses > 0);
  CHECK(one.inspect([](auto& h) { return h.queued_bytes(); }) == 0);
}

TEST_CASE("a connection does not wait for small frames to become large") {
  net::asio::io_context io;
  net::tcp::acceptor at{io, {net::asio::ip::address_v4::loopback(), 0}};
  net::tcp::socket s{io};
  s.connect(at.local_endpoint());
  net::tls_context context{who(1)};
  net::byte_stream bytes{std::move(s), &context, who(2).id()};
  net::tcp::no_delay set;
  bytes.socket().get_option(set);
  CHECK(set.value());
}

TEST_CASE("beyond loopback only with an identity, and only if it is said") {
  auto s = as(1);
  s.address = "0.0.0.0";
  {
    head out{s};
    CHECK(out.start().why().find("set beyond_loopback") != std::string::npos);
  }
  s.beyond_loopback = true;
  {
    head out{s};
    CHECK(out.start().ok());
    // What it says of itself stands for the address that others see.
    head two{as(2)};
    listener heard{two};
    REQUIRE(two.start().ok());
    auto c = out.contact();
    c.at[0].address = net::to_wire({net::asio::ip::address_v4::loopback(), 0}).address;
    auto const other = two.know(c);
    two.tell(chat{other, 1});
    REQUIRE(eventually([&] { return heard.rounds == 1; }));
    CHECK(two.inspect([&](auto& h) { return h.known().facts(other).at[0]; }) == c.at[0]);
  }
  s.identity.reset();
  head plain{s};
  CHECK(plain.start().why().find("nothing is encrypted") != std::string::npos);
}

TEST_CASE("heads sign with Ed25519, and check whom they have met") {
  auto const hydra = who(9);
  auto const now = at_ns(net::detail::wall_now().time_since_epoch().count() * 1'000'000'000);
  auto s = as(2);
  s.belongs = net::grant(hydra, 1, who(2).id(), now - 1h, now + 1h);
  head one{as(1)};
  head two{s};
  listener heard{one};
  REQUIRE(one.start().ok());
  REQUIRE(two.start().ok());
  auto const owner = one.know_hydra(hydra.id());
  promise p{two.know_hydra(who(1).id()), 7, {}};
  p.by = two.inspect([&](auto& h) { return h.sign(p); });
  promise seen{one.know_hydra(who(1).id()), 7, p.by};
  auto const check = [&](promise const& x, principal by) {
    one.inspect([&](auto& h) {
      h.check_of(room::node, x, by, x.by);
      return 0;
    });
    REQUIRE(eventually([&] {
      return one.inspect([](auto& h) { return h.node().good + h.node().bad; }) == 1;
    }));
    return one.inspect([](auto& h) {
      auto const good = std::exchange(h.node().good, 0);
      h.node().bad = 0;
      return good == 1;
    });
  };
  CHECK_FALSE(check(seen, owner));  // nothing is known about that Hydra yet
  REQUIRE(one.tell(chat{one.know(two.contact()), 1}));
  REQUIRE(eventually([&] { return heard.rounds == 1; }));
  CHECK(check(seen, owner));
  CHECK_FALSE(check(seen, one.know_hydra(who(1).id())));
  seen.number = 8;
  CHECK_FALSE(check(seen, owner));
  seen.number = 7;
  seen.by = {};
  CHECK_FALSE(check(seen, owner));
  promise mine{owner, 1, {}};
  mine.by = one.inspect([&](auto& h) { return h.sign(mine); });
  CHECK(check(mine, one.know_hydra(who(1).id())));  // its own

  // Who has met nobody but the first asks it, and neither can lie.
  auto const about = [&](head& h, std::uint64_t number, principal by) {
    auto const before = h.inspect([](auto& x) { return x.node().good + x.node().bad; });
    promise x{h.know_hydra(who(1).id()), number, p.by};
    h.inspect([&](auto& i) { return i.check_of(room::node, x, by, x.by); });
    REQUIRE(eventually([&] {
      return h.inspect([](auto& i) { return i.node().good + i.node().bad; }) == before + 1;
    }));
    return h.inspect([](auto& i) { return i.node().good; });
  };
  head stranger{as(4)};
  listener its{stranger};
  REQUIRE(stranger.start().ok());
  CHECK(about(stranger, 7, stranger.know_hydra(hydra.id())) == 0);  // nobody to ask
  stranger.tell(chat{stranger.know(one.contact()), 1});
  REQUIRE(eventually([&] { return its.rounds == 1; }));
  CHECK(about(stranger, 7, stranger.know_hydra(hydra.id())) == 1);
  CHECK(about(stranger, 8, stranger.know_hydra(hydra.id())) == 1);  // forged
  CHECK(about(stranger, 7, stranger.know_hydra(who(77).id())) == 1);  // not known there either

  s.belongs = net::grant(hydra, 1, who(3).id(), now - 1h, now + 1h);
  head three{s};
  CHECK(three.start().why().find("proof of ownership") != std::string::npos);
}

TEST_CASE("the corpus of handshakes passes the fuzzer's checks") {
  namespace fs = std::filesystem;
  std::size_t read = 0;
  auto const path = fs::path{HYDRA_SOURCE_DIR} / "tests/fuzz/corpus/handshake";
  for (auto const& file : fs::directory_iterator{path}) {
    std::ifstream in{file.path(), std::ios::binary};
    std::vector<char> const text{std::istreambuf_iterator<char>{in}, {}};
    INFO(file.path().string());
    fuzz::handshake_target(std::as_bytes(std::span{text}));
    ++read;
  }
  CHECK(read >= 8);
}
