// One node, two worlds: the very same type plays ping-pong in the simulator and over sockets.
//
// The node knows neither. It is told things, and records what shall happen; who drives it decides
// what a message costs and what time it is. Both worlds print the same lines.
#include <hydra/net/runtime.hpp>
#include <hydra/sim/world.hpp>

#include <cstdio>

namespace {

using namespace hydra;

struct ball {
  static constexpr message_id id{room::node, 1, 1};
  std::uint32_t hits = 0;
  std::uint64_t spin = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& hits& spin;
  }
};
struct serve {  // what the user says
  peer to{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& to;
  }
};
struct won {  // what the user hears
  std::uint32_t hits = 0;
  std::uint64_t spin = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& hits& spin;
  }
};

struct player {
  using messages = type_list<ball>;
  using inputs = type_list<serve>;
  using facts = type_list<won>;

  void on_fact(auto& env, serve const& s) { env.send(s.to, ball{1, env.random().bits()}); }
  void on_message(auto& env, peer from, ball const& b) {
    if (b.hits == 9) return env.emit(won{b.hits, b.spin});
    env.send(from, ball{b.hits + 1, b.spin ^ env.random().bits()});
  }
};

struct table : sim::plain_setting {
  using plain_setting::plain_setting;
  [[nodiscard]] player make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const { return {.delay = 20ms}; }
};
struct scorer : sim::no_observer {
  using no_observer::fact;
  void fact(instant, std::uint32_t who, won const& w) { score = w, winner = who; }
  won score{};
  std::uint32_t winner = 0;
};

void print(std::uint32_t winner, won const& w) {
  std::printf("head %u won after %u hits, spin %016llx\n", winner, w.hits,
              static_cast<unsigned long long>(w.spin));
}

void simulated(std::uint64_t seed) {
  sim::world<player, table, scorer> world{table{seed, 2}};
  world.tell(peer{0}, serve{peer{1}});
  world.run_for(1s);
  print(world.observed().winner, world.observed().score);
}

void over_sockets(std::uint64_t seed) {
  net::runtime<player> first{{.seed = seed, .index = 0}};
  net::runtime<player> second{{.seed = seed, .index = 1}};
  net::asio::io_context here;
  auto const open = net::asio::make_work_guard(here);
  second.on_emit([&](won const& w) {
    net::asio::post(here, [&here, w] { print(1, w), here.stop(); });
  });
  if (!first.start() || !second.start()) return;
  first.tell(serve{first.know(second.contact())});
  here.run_for(10s);
}

}  // namespace

int main() {
  simulated(7);
  over_sockets(7);
}
