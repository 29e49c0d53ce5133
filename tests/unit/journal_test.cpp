#include "../catch.hpp"

#include <hydra/testing/journal.hpp>
#include <hydra/testing/pair.hpp>

#include <array>
#include <span>
#include <string>

namespace {

using namespace hydra;
using namespace hydra::testing;

struct hint {
  static constexpr message_id id{room::node, 1, 1};
  peer who{};
  std::uint32_t salt = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& salt;
  }
};
struct tally {
  std::uint32_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count;
  }
};
struct wish {
  std::uint32_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count;
  }
};

// Draws, reads about(), keeps, checks and runs: everything that a replay must repeat.
struct gossip {
  using messages = type_list<hint>;
  using inputs = type_list<wish>;
  using records = type_list<tally>;
  using facts = type_list<tally>;
  std::uint32_t heard = 0;

  void on_start(auto& env) {
    if (auto const old = env.template recall<tally>(1)) heard = old->count;
    env.every(1s, 100ms, 3);
  }
  void on_timer(auto& env, std::uint16_t) {
    auto const to = peer{static_cast<std::uint32_t>(env.random().below(3))};
    env.send(to, hint{env.self(), env.about(to).key.prefix()});
  }
  void on_message(auto& env, peer from, hint const& m) {
    ++heard;
    env.keep(1, tally{heard});
    if (env.about(from).rtt > 5ms && m.salt % 2 == 0) env.send(from, m);
    receipt r{};
    env.check(r, principal{0}, signature{});
  }
  void on_fact(auto& env, kept) { env.emit(tally{heard}); }
  void on_fact(auto& env, wish const& w) {
    task t{};
    t.index = static_cast<std::uint16_t>(w.count);
    env.run(t);
  }
  void on_fact(auto& env, run_done const& r) { env.keep(r.id.number + 10, tally{heard}); }
};

struct logged {
  testing::pair<gossip> world{{.seed = 11, .delay = 20ms, .heads = 3}};
  std::array<journal, 3> logs;
  logged() {
    for (std::size_t i = 0; i < 3; ++i) world.env(i).log_to(logs[i]);
    acquaintance close = world.env(1).about(peer{2});
    close.rtt = 1ms;
    world.env(1).know(peer{2}, close);
    world.start();
    world.run_for(5s);
    world.tell(1, wish{4});
    world.run_for(3s);
    world.kill(1);
    world.run_for(2s);
    world.restart(1);
    world.run_for(5s);
  }
};

}  // namespace

TEST_CASE("a node that is fed its log again wants the same done") {
  logged real;
  for (std::uint32_t i = 0; i < 3; ++i) {
    recorder again{{.seed = 11, .self = peer{i}, .rtt = 40ms}};
    auto const told = replay(gossip{}, again, real.logs[i]);
    REQUIRE(told.ok());
    CHECK(told.value() > 20);
    CHECK(again.effect_digest() == real.world.env(i).effect_digest());
  }
  recorder other{{.seed = 12, .self = peer{1}, .rtt = 40ms}};
  REQUIRE(replay(gossip{}, other, real.logs[1]).ok());
  CHECK(other.effect_digest() != real.world.env(1).effect_digest());
}

TEST_CASE("a journal survives its own bytes, and refuses bytes that are cut or changed") {
  logged real;
  auto const bytes = real.logs[1].save();
  auto const back = journal::load(bytes);
  REQUIRE(back.ok());
  CHECK(back.value().entries().size() == real.logs[1].entries().size());
  recorder again{{.seed = 11, .self = peer{1}, .rtt = 40ms}};
  REQUIRE(replay(gossip{}, again, back.value()).ok());
  CHECK(again.effect_digest() == real.world.env(1).effect_digest());

  for (std::size_t n = 0; n < bytes.size(); n += 97) {
    CHECK_FALSE(journal::load(std::span{bytes}.first(n)).ok());
  }
  auto changed = bytes;
  changed[0] = std::byte{0xff};
  CHECK_FALSE(journal::load(changed).ok());
}

TEST_CASE("an entry that is not for this node is named") {
  journal log;
  log.start(origin);
  log.timer(origin + 1s, 3);
  log.message(origin + 2s, peer{1}, hint{});
  auto bytes = log.save();
  recorder env;
  CHECK(replay(gossip{}, env, log).ok());
  bytes[bytes.size() - 8 - 4 - 8 - 4] ^= std::byte{0x40};  // the message's number
  auto const wrong = journal::load(bytes);
  REQUIRE(wrong.ok());
  recorder again;
  auto const told = replay(gossip{}, again, wrong.value());
  REQUIRE_FALSE(told.ok());
  CHECK(told.why().find("entry 2") != std::string::npos);
}
