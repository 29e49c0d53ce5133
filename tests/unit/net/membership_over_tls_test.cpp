// Membership policies on the real transport: the same types that the simulator runs spread rumours
// over TLS among heads of which each was told of one other, and every head has each rumour once;
// and the heads of one Hydra agree on a gateway, without a stranger.
#include "../../catch.hpp"
#include "tls_peers.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>

using namespace hydra;

namespace {

constexpr std::size_t heads = 5;
constexpr std::size_t rumours = heads;  // one of each

// Three links at most: of the four others somebody hears only through others.
using overlay = membership::hyparview<3>;
using tree = membership::plumtree<overlay>;
using mongers = membership::rumour_mongering<overlay>;

// Quick enough for a test of a second, and links stay once they are made. Who tells a rumour is
// bored after forty that knew it: that all who could tell a third head did not has no chance.
overlay const quick{{.cycle = 300ms, .probe = 500ms, .group_max = 0, .swap_every = 0}};
template <class P>
P configured() {
  if constexpr (std::is_same_v<P, tree>) return P{{.tell_newcomers = rumours}, quick};
  else return P{{.round = 50ms, .k = 40, .settle = 400}, quick};
}

template <class P>
struct crowd {
  using node = alone<P>;
  std::array<std::unique_ptr<net::runtime<node>>, heads> machines;
  // What each head said was delivered to it, by the number in the rumour.
  std::array<std::array<std::atomic<std::uint32_t>, rumours>, heads> got{};
  std::atomic<std::uint32_t> strange = 0;  // a body that nobody sent
  std::atomic<std::uint32_t> relayed = 0;  // came through others

  // Each knows the one before it.
  crowd() {
    wire::contact last;
    for (std::size_t i = 0; i < heads; ++i) {
      auto& m = machines[i];
      m = std::make_unique<net::runtime<node>>(test::as(static_cast<std::uint8_t>(50 + i)));
      m->on_emit([this, i](auto const& fact) {
        if constexpr (requires { fact.hops; fact.body; }) hears(i, fact.body, fact.hops);
      });
      m->on_build([i, last](net::head<node>& h) {
        bounded_vector<peer, 16> contacts;
        if (i > 0) contacts.push_back(h.know(last));
        return node{configured<P>(), contacts};
      });
      REQUIRE(m->start().ok());
      last = m->contact();
    }
  }
  ~crowd() {
    for (auto const& m : machines) m->kill();
  }
  void hears(std::size_t who, payload const& body, std::uint16_t hops) {
    relayed += hops > 1 ? 1U : 0U;
    if (body.size != 8 || body.words[0] >= rumours) ++strange;
    else ++got[who][body.words[0]];
  }
  void spread_from(std::size_t i, std::uint64_t number) {
    payload body;
    body.size = 8;
    body.words[0] = number;
    machines[i]->tell(spread{body});
  }
  // Nobody is apart: of five heads with two links each.
  [[nodiscard]] bool linked() {
    return std::all_of(machines.begin(), machines.end(), [](auto const& m) {
      return m->inspect([](net::head<node>& h) {
        return h.node().policy().neighbours().size() >= 2;
      });
    });
  }
  [[nodiscard]] std::size_t deliveries() const {
    std::size_t n = 0;
    for (auto const& of : got) {
      for (auto const& times : of) n += times;
    }
    return n;
  }
  [[nodiscard]] std::uint64_t bad() {
    std::uint64_t n = 0;
    for (auto const& m : machines) {
      auto const c = m->counters();
      n += c.bad_handshakes + c.bad_hellos + c.bad_frames + c.bad_messages;
    }
    return n;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("a broadcast reaches every head over TLS, each once", "[membership]", tree,
                   mongers) {
  crowd<TestType> all;
  REQUIRE(test::eventually([&] { return all.linked(); }));
  for (std::size_t i = 0; i < heads; ++i) all.spread_from(i, i);
  CHECK(test::eventually([&] { return all.deliveries() >= heads * rumours; }));
  net::asio::io_context io;
  net::asio::steady_timer{io, std::chrono::milliseconds{700}}.wait();  // for copies that come late
  for (std::size_t i = 0; i < heads; ++i) {
    for (std::size_t n = 0; n < rumours; ++n) {
      CAPTURE(i, n);
      CHECK(all.got[i][n] == 1);
    }
  }
  CHECK(all.relayed > 0);
  CHECK(all.strange == 0);
  CHECK(all.bad() == 0);
}

namespace {

// Heads of one Hydra, by its word, and a last one that is a Hydra of its own.
struct siblings {
  using node = alone<cluster<>>;
  static constexpr std::size_t ours = 3;
  static constexpr std::size_t all = ours + 1;
  std::array<std::unique_ptr<net::runtime<node>>, all> machines;

  siblings() {
    cluster<> const quick_cluster{membership::swim_settings{.period = 200ms, .ping_timeout = 80ms}};
    for (std::size_t i = 0; i < all; ++i) {
      auto s = test::as(static_cast<std::uint8_t>(60 + i));
      auto const now = at_ns(net::detail::wall_now().time_since_epoch().count() * 1'000'000'000);
      if (i < ours) s.belongs = net::grant(test::who(70), 1, s.identity->id(), now - 1h, now + 1h);
      machines[i] = std::make_unique<net::runtime<node>>(s, node{quick_cluster});
      REQUIRE(machines[i]->start().ok());
    }
  }
  ~siblings() {
    for (auto const& m : machines) m->kill();
  }
  // By its contact alone: whose head it is, nobody has said yet.
  void join_first(std::size_t i) {
    introduce who;
    who.known.push_back(machines[i]->know(machines[0]->contact()));
    machines[i]->tell(who);
  }
  [[nodiscard]] std::size_t seen_by(std::size_t i) {
    return machines[i]->inspect([](net::head<node>& h) {
      return h.node().policy().neighbours().size();
    });
  }
  [[nodiscard]] key gateway_of(std::size_t i) {
    return machines[i]->inspect([](net::head<node>& h) {
      auto const who = h.node().policy().gateway();
      return who ? h.about(who).key : key{};
    });
  }
  [[nodiscard]] key name_of(std::size_t i) { return machines[i]->contact().key; }
};

}  // namespace

TEST_CASE("heads of one Hydra find one another and agree on a gateway over TLS", "[membership]") {
  siblings s;
  for (std::size_t i = 1; i < s.all; ++i) s.join_first(i);
  auto const found = [&] { return s.seen_by(0) + s.seen_by(1) + s.seen_by(2); };
  CHECK(test::eventually([&] { return found() == s.ours * (s.ours - 1); }));
  auto const least = std::min({s.name_of(0), s.name_of(1), s.name_of(2)});
  for (std::size_t i = 0; i < s.ours; ++i) {
    CAPTURE(i);
    CHECK(s.seen_by(i) == s.ours - 1);  // and not the stranger
    CHECK(s.gateway_of(i) == least);
  }
  CHECK(s.seen_by(s.ours) == 0);
  CHECK(s.gateway_of(s.ours) == s.name_of(s.ours));
}
