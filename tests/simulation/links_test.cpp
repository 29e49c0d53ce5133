// What published scenarios ask of a world: delays from a user's own function, broken connections
// that are noticed at once, and synchronous rounds in which everybody acts on the state at the
// start of the round.
#include "../catch.hpp"

#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>

using namespace hydra;

namespace {

// A ring in which everybody keeps a connection to both neighbours.
struct linked {
  using messages = type_list<>;
  bounded_vector<peer, 2> links{};
  bounded_vector<peer, 4> broken{};
  instant at{};

  template <class F>
  void each_link(F&& visit) const {
    for (auto who : links) visit(who);
  }
  void on_fact(auto& env, unreachable const& f) {
    broken.try_push_back(f.who);
    at = env.now();
  }
};

struct ring_setting : sim::plain_setting {
  bool tells = true;
  ring_setting(std::uint32_t n, bool says) : plain_setting{5, n}, tells{says} {}
  [[nodiscard]] bool tells_broken_links() const noexcept { return tells; }
  [[nodiscard]] linked make(sim::permutation const& sees, std::uint32_t who) const {
    auto const n = peers();
    return {{peer{sees.seen((who + 1) % n)}, peer{sees.seen((who + n - 1) % n)}}, {}, {}};
  }
  // The delay of a pair is whatever a function says: here the distance on the ring.
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const n = peers();
    auto const far = (t.to + n - t.from) % n;
    return {.delay = 1ms * static_cast<std::int64_t>(std::min(far, n - far))};
  }
};

struct rumour {
  static constexpr message_id id{room::node, 1, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};

// Everybody who knows at the start of a round tells the next; what is learnt in a round is passed
// on in the next one, whatever the order of the messages within it.
struct teller {
  using messages = type_list<rumour>;
  static constexpr duration round = 1s;
  bool knows = false;
  instant learnt = never;
  peer next{};

  void on_start(auto& env) {
    if (knows) learnt = at_ns(-1);
    env.every(round, duration{}, 0);
  }
  void on_timer(auto& env, std::uint16_t) {
    if (learnt < env.now()) env.send(next, rumour{});  // known when this round began
  }
  void on_message(auto& env, peer, rumour const&) {
    if (learnt == never) learnt = env.now();
  }
};

struct chain : sim::plain_setting {
  using plain_setting::plain_setting;
  [[nodiscard]] teller make(sim::permutation const& sees, std::uint32_t who) const {
    return {who == 0, never, peer{sees.seen((who + 1) % peers())}};
  }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 1ms};
  }
};

}  // namespace

TEST_CASE("who kept a connection to a head that crashed is told at once, and nobody else",
          "[simulation]") {
  auto const permuted = GENERATE(false, true);
  auto const shards = GENERATE(1U, 3U);
  CAPTURE(permuted, shards);
  sim::world<linked, ring_setting> w{ring_setting{12, true},
                                     {.shards = shards, .permute_handles = permuted}};
  w.run_until(at_ns(0) + 1s);
  w.crash(peer{5});
  w.run_for(1s);
  for (std::uint32_t i = 0; i < 12; ++i) {
    CAPTURE(i);
    bool const neighbour = i == 4 || i == 6;
    CHECK(w.node(peer{i}).broken.size() == (neighbour ? 1U : 0U));
    if (neighbour) CHECK(w.node(peer{i}).at == at_ns(0) + 1s + 1ms);
  }
}

TEST_CASE("a world that does not say so tells nobody of broken connections", "[simulation]") {
  sim::world<linked, ring_setting> w{ring_setting{12, false}};
  w.run_until(at_ns(0) + 1s);
  w.crash(peer{5});
  w.run_for(1s);
  for (std::uint32_t i = 0; i < 12; ++i) CHECK(w.node(peer{i}).broken.empty());
}

TEST_CASE("in synchronous rounds a rumour moves one head per round, whatever the order within it",
          "[simulation]") {
  auto const permuted = GENERATE(false, true);
  sim::world<teller, chain> w{chain{3, 20}, {.permute_handles = permuted}};
  for (std::uint32_t round = 0; round < 10; ++round) {
    w.run_until(at_ns(0) + 1s * (round + 1));
    std::uint32_t know = 0;
    for (std::uint32_t i = 0; i < 20; ++i) know += w.node(peer{i}).learnt != never ? 1U : 0U;
    CHECK(know == round + 2);
  }
}
