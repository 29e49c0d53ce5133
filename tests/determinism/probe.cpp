// probe: a small world rich in whatever could go wrong, for the matrix of compilers, levels of
// optimisation, shards and threads. Prints one line that begins with "digest". Headers only.
//
//   probe [--shards S] [--threads T] [--seed K] [--permute]
#include <hydra/sim/globe.hpp>
#include <hydra/sim/world.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace {

using namespace hydra;
using namespace std::chrono_literals;

struct ask {
  static constexpr message_id id{room::node, 1, 1};
  std::uint64_t nonce = 0;
  peer about{};
  std::uint8_t left = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& about& left;
  }
};
struct answer {
  static constexpr message_id id{room::node, 2, 1};
  std::uint64_t nonce = 0;
  std::uint64_t value = 0;
  signature proof{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& nonce& value& proof;
  }
};
struct question {
  static constexpr std::size_t per_peer_max = 6;
  std::uint64_t nonce = 0;
  instant since{};
};
struct ledger {
  std::uint64_t sum = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& sum;
  }
};

struct node {
  using messages = type_list<ask, answer>;
  using facts = type_list<ledger>;
  using activities = type_list<question>;
  using records = type_list<ledger>;
  enum : std::uint16_t { tick, sweep, patience };

  std::array<peer, 6> friends{};
  std::uint64_t sum = 0;
  timer waiting{};

  void on_start(auto& env) {
    if (auto const old = env.template recall<ledger>(0)) sum = old->sum;
    auto random = env.random();
    env.every(700ms, random.between(0ms, 700ms), tick);
    env.every(9s, random.between(0ms, 20s), sweep);
  }
  void on_timer(auto& env, std::uint16_t tag) {
    auto open = env.template pool<question>();
    auto random = env.random();
    switch (tag) {
      case tick: {
        auto const nonce = random.bits();
        if (!open.add({nonce, env.now()})) return;
        auto const to = friends[random.below(6)];  // one draw per statement: arguments of a call
        auto const about = friends[random.below(6)];  // are evaluated in an order of their own
        env.send(to, ask{nonce, about, 3});
        if (!waiting) waiting = env.arm(random.between(200ms, 2s), patience);
        return;
      }
      case sweep:
        env.keep(0, ledger{sum});
        env.keep(1 + sum % 5, ledger{sum});
        env.emit(ledger{sum});
        if (sum % 3 == 0) env.template erase<ledger>(1 + sum % 5);
        return;
      default:
        waiting = {};
        open.each([&](activity which, question const& q) {
          if (env.now() - q.since < 400ms) return;
          sum = mix64(sum + q.nonce);
          open.erase(which);
        });
    }
  }
  void on_message(auto& env, peer from, ask const& m) {
    sum = mix64(sum ^ m.nonce) + env.about(m.about).key.prefix();
    if (m.left > 0 && env.random().chance(1, 3)) {
      env.send(friends[m.nonce % 6], ask{m.nonce, from, static_cast<std::uint8_t>(m.left - 1)});
    }
    task work;
    work.work = 1ms * static_cast<int>(1 + m.nonce % 97);
    auto const running = env.run(work);
    if (m.nonce % 5 == 0) env.disarm(running);
    answer a{m.nonce, sum, {}};
    a.proof = env.sign(ledger{sum});
    env.send(from, a);
  }
  void on_message(auto& env, peer from, answer const& m) {
    env.check(ledger{m.value}, env.about(from).principal, m.proof);
    auto open = env.template pool<question>();
    auto const which = open.first([&](question const& q) { return q.nonce == m.nonce; });
    if (which) open.erase(which);
    if (open.size() == 0 && waiting) env.disarm(std::exchange(waiting, timer{}));
  }
  void on_fact(auto&, checked const& c) { sum += c.good ? 1 : 1'000'003; }
  void on_fact(auto&, kept const&) { sum = mix64(sum); }
  void on_fact(auto&, run_done const& r) { sum += static_cast<std::uint64_t>(r.took.count()); }
};

// A globe of points in pairs; delays by the great circle, loss, duplicates, skew and churn.
class globe : public sim::plain_setting {
 public:
  explicit globe(std::uint64_t seed) : plain_setting{seed, 600} {}
  [[nodiscard]] duration window() const noexcept { return 2ms; }
  [[nodiscard]] std::uint32_t group(std::uint32_t who) const noexcept { return who / 2 * 2; }

  [[nodiscard]] node make(sim::permutation const& view, std::uint32_t who) const {
    node n;
    owned_stream draw{seed(), purpose::friends, who};
    for (auto& f : n.friends) f = peer{view.seen(static_cast<std::uint32_t>(draw.below(peers())))};
    n.friends[0] = peer{view.seen(who ^ 1U)};
    return n;
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    if (group(t.from) == group(t.to)) return {.delay = 50us};
    auto const bits = mix64(stream_base(seed(), purpose::fault, t.from) + t.sequence);
    double const km = sim::great_circle_km(place(t.from), place(t.to));
    double const slower = 1.0 + static_cast<double>(bits % 1000) / 3000.0;
    auto const way = duration{static_cast<std::int64_t>(km * 4900.0 * slower / 0.9)};
    auto const delay = 3ms + way;
    return {.delay = delay,
            .dropped = bits >> 32U <= 42'949'672U,  // 1 %
            .duplicated = bits % 64 == 1,
            .copy_delay = delay + 1ms * static_cast<int>(bits % 7)};
  }
  [[nodiscard]] duration skew(std::uint32_t who, instant) const noexcept {
    return 1us * static_cast<int>(who % 11);
  }
  [[nodiscard]] bool tells_unreachable() const noexcept { return true; }

  template <class Around>
  void begin(Around& around, std::uint32_t who) const {
    if (who % 3 == 0) around.wake_at(instant{} + session(who, 0), 0);
  }
  template <class Around>
  void wake(Around& around, std::uint32_t who, std::uint32_t n) const {
    around.up() ? around.crash() : around.restart();
    around.wake_at(around.now() + session(who, n + 1), n + 1);
  }

 private:
  [[nodiscard]] duration session(std::uint32_t who, std::uint32_t n) const noexcept {
    auto const bits = mix64(stream_base(seed(), purpose::churn, who) + n);
    return 100ms + duration{static_cast<std::int64_t>(bits % 8'000'000'000)};
  }
  // Some point on the unit sphere, by + - * / and a square root.
  [[nodiscard]] sim::unit16 place(std::uint32_t who) const noexcept {
    auto const bits = mix64(stream_base(seed(), purpose::placement, who / 2));
    auto const part = [&](unsigned shift) {
      return static_cast<double>((bits >> shift) % 20'001) - 10'000.0;
    };
    double const x = part(0);
    double const y = part(20);
    double const z = part(40) + 0.5;
    double const length = std::sqrt(x * x + y * y + z * z);
    auto const unit = [&](double v) {
      return static_cast<std::int16_t>(v / length * (sim::unit16_one - 1));
    };
    return {unit(x), unit(y), unit(z)};
  }
};

struct sums {
  std::uint64_t all = 0;
  void fact(instant at, std::uint32_t who, ledger const& l) noexcept {
    all += mix64(l.sum ^ mix64(static_cast<std::uint64_t>(ns(at)) + who));
  }
  void merge(sums const& o) noexcept { all += o.all; }
};

}  // namespace

int main(int argc, char** argv) {
  sim::world_options how;
  std::uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    std::string_view const flag = argv[i];
    auto const value = [&] { return ++i < argc ? std::strtoull(argv[i], nullptr, 10) : 0ULL; };
    if (flag == "--shards") {
      how.shards = static_cast<unsigned>(value());
    } else if (flag == "--threads") {
      how.threads = static_cast<unsigned>(value());
    } else if (flag == "--seed") {
      seed = value();
    } else if (flag == "--permute") {
      how.permute_handles = true;
    } else {
      std::fprintf(stderr, "probe: there is no flag '%s'\n", argv[i]);
      return 2;
    }
  }
  sim::world<node, globe, sums> w{globe{seed}, how};
  w.run_until(origin + 30s);
  auto const c = w.counts();
  std::printf("digest %016llx facts %016llx events %llu sent %llu dropped %llu\n",
              static_cast<unsigned long long>(w.digest()),
              static_cast<unsigned long long>(w.observed().all),
              static_cast<unsigned long long>(c.events), static_cast<unsigned long long>(c.sent),
              static_cast<unsigned long long>(c.dropped));
}
