#include "../catch.hpp"

#include <hydra/testing/pair.hpp>
#include <hydra/testing/recorder.hpp>

namespace {

using namespace hydra;
using namespace hydra::testing;

struct question {
  static constexpr message_id id{room::routing, 1, 1};
  peer about{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about;
  }
};
struct done {
  std::uint32_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& count;
  }
};
struct waiting {
  static constexpr std::size_t per_peer_max = 2;
  std::uint32_t rounds = 0;
};

// Asks, remembers that it asked, and asks again only when that is durable.
struct asker {
  using policy_concept = routing_tag;
  using facts = type_list<done>;
  using activities = type_list<waiting>;

  void begin(auto& env) {
    env.send(peer{1}, question{env.self()});
    late = env.arm(2s, 7);
    env.template pool<waiting>().add({1});
    receipt r{};
    r.about.signer = env.about(env.self()).principal;
    r.by_executor = env.sign(r);
    env.check(r, r.about.signer, r.by_executor);
    env.keep(5, r);
    env.send(peer{2}, question{});
    env.emit(done{1});
  }
  timer late{};
};

}  // namespace

TEST_CASE("the recorder writes down what a bare policy wants done") {
  recorder env{{.seed = 7}};
  auto view = env.view<asker>();
  asker policy;
  policy.begin(view);

  CHECK(env.take_sent() == sent(peer{1}, question{peer{0}}));
  CHECK(env.take_sent() == sent());
  auto const armed = env.take_armed();
  REQUIRE(armed.size() == 1);
  CHECK(armed[0] == armed_timer{room::routing, 7, 2s, {}, {}});
  CHECK(view.pool<waiting>().size() == 1);
}

TEST_CASE("effects after a keep are held until the record is durable") {
  recorder env;
  auto view = env.view<room::routing, asker>();
  asker policy;
  policy.begin(view);

  CHECK(env.take_sent().size() == 1);
  CHECK(env.take_emitted<done>().empty());
  CHECK(env.held() == 2);
  auto const stored = env.durable();
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].id == env.take_kept().at(0).id);
  CHECK(env.take_sent() == sent(peer{2}, question{}));
  CHECK(env.take_emitted<done>().at(0).count == 1);
  view.send(peer{3}, question{});
  CHECK(env.take_sent().size() == 1);  // another call
}

TEST_CASE("a crash leaves only what is durable") {
  recorder env;
  auto view = env.view<asker>();
  asker policy;
  policy.begin(view);
  CHECK(env.recall<receipt>(5));
  env.crash();
  CHECK_FALSE(env.recall<receipt>(5));
  CHECK(env.timers() == 0);
  CHECK(view.pool<waiting>().size() == 0);

  policy.begin(view);
  env.durable();
  env.crash();
  std::size_t found = 0;
  view.recall_all<receipt>([&](std::uint64_t name, receipt const&) { found += name == 5; });
  CHECK(found == 1);
}

TEST_CASE("timers fire in the order of their instants and can be taken back") {
  recorder env;
  auto view = env.view<asker>();
  auto const late = view.arm(3s, 1);
  view.arm(2s, 2);
  view.every(1s, 500ms, 3);
  view.arm(2s, 4);
  view.disarm(late);
  std::vector<int> tags;
  for (auto const& due : env.advance(3s)) tags.push_back(due.tag);
  CHECK(tags == std::vector<int>{3, 3, 2, 4, 3});
  CHECK(env.next_at() == origin + 3500ms);
}

TEST_CASE("a signature is bound to its signer and to every member") {
  recorder env;
  auto view = env.view<asker>();
  receipt r{};
  r.about.signer = principal{0};
  auto const good = view.sign(r);
  r.by_executor = good;  // signatures do not sign themselves
  view.check(r, principal{0}, good);
  view.check(r, principal{1}, good);
  r.result = outcome::forged;
  view.check(r, principal{0}, good);
  auto const answers = env.take_answers<checked>();
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].good);
  CHECK_FALSE(answers[1].good);
  CHECK_FALSE(answers[2].good);
}

TEST_CASE("the nth effect of a kind fails") {
  recorder env;
  auto view = env.view<asker>();
  env.fail_nth(effect::send, 2);
  for (std::uint32_t i = 1; i <= 3; ++i) view.send(peer{i}, question{});
  CHECK(env.take_sent() == sent(peer{1}, question{}) + sent(peer{3}, question{}));
  CHECK(env.take_answers<unreachable>().at(0).who == peer{2});

  env.fail_nth(effect::run, 1);
  auto const id = view.run(task{});
  CHECK(env.take_runs().empty());
  auto const answer = env.take_answers<run_done>().at(0);
  CHECK(answer.id == id);
  CHECK_FALSE(answer.ok);

  env.fail_nth(effect::keep, 1);
  view.keep(1, receipt{});
  view.send(peer{1}, question{});
  CHECK(env.durable().empty());
  CHECK(env.take_sent().empty());
  CHECK(env.held() == 1);
}

TEST_CASE("hashes count handles as keys") {
  recorder one{{.seed = 3}};
  recorder two{{.seed = 3}};
  acquaintance const other = one.about(peer{4});
  two.know(peer{9}, other);
  CHECK(one.hash(question{peer{4}}) == two.hash(question{peer{9}}));
  CHECK(one.hash(question{peer{4}}) == two.hash(question{peer{4}}));
  CHECK(one.hash(question{peer{4}}) != one.hash(question{peer{5}}));
  CHECK(one.about(peer{4}).key == derived_key(3, peer{4}));
}

namespace {

struct ping {
  static constexpr message_id id{room::node, 1, 1};
  std::uint32_t round = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& round;
  }
};
struct ponger {
  using messages = type_list<ping>;
  std::uint32_t heard = 0;
  std::uint32_t retries = 0;
  void on_start(auto& env) {
    if (env.self() == peer{0}) env.arm(1s, 1);
  }
  void on_timer(auto& env, std::uint16_t) {
    if (heard != 0) return;
    ++retries;
    env.send(peer{1}, ping{0});
    env.arm(1s, 1);
  }
  void on_message(auto& env, peer from, ping const& m) {
    ++heard;
    if (m.round < 5) env.send(from, ping{m.round + 1});
  }
};
struct drop_first {
  bool operator()(peer, peer, sent_message const&, std::uint64_t index) const {
    return index == 0;
  }
};

}  // namespace

TEST_CASE("two nodes talk through recorders") {
  testing::pair<ponger> two;
  two.start();
  CHECK(two.drive());
  CHECK(two.node(0).heard + two.node(1).heard == 6);
  CHECK(two.now() == origin + 2s);  // the second timer, armed before the answer came

  testing::pair<ponger, drop_first> lossy;
  lossy.start();
  CHECK(lossy.drive());
  CHECK(lossy.node(0).heard == 3);
  CHECK(lossy.node(0).retries == 2);
  CHECK(lossy.dropped() == 1);
}

TEST_CASE("a killed node forgets and starts again") {
  testing::pair<ponger> two;
  two.start();
  two.run_for(1005ms);
  two.kill(1);
  two.run_for(500ms);
  CHECK(two.node(0).heard == 0);
  two.restart(1);
  CHECK(two.drive_bounded(50));
  CHECK(two.node(0).heard == 3);
}
