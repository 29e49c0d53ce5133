#include "../catch.hpp"

#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/recorder.hpp>

#include <vector>

using namespace hydra;
using namespace hydra::membership;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = rumour_mongering<>;
using boredom = rumour_settings::boredom;

rumour said(std::uint32_t by, std::uint32_t sequence) { return {{peer{by}, sequence}, {}}; }

// A head with partners 1..n; rounds of one second, the first begins 300 ms from now.
struct head {
  [[nodiscard]] auto view() { return env.view<policy>(); }
  explicit head(std::uint32_t n, rumour_settings s = {}) : told{s} {
    std::vector<peer> known;
    for (std::uint32_t i = 1; i <= n; ++i) known.push_back(peer{i});
    auto v = view();
    told.join(v, known);
  }
  recorder env{{.seed = 7, .self = peer{0}, .start = at_ns(0) + 1h - 300ms}};
  policy told;

  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    told.on_message(v, from, m);
  }
  void pass(duration time) {
    auto v = view();
    for (auto const& due : env.advance(time)) told.on_timer(v, due.tag);
  }
  // What was told in the last round; the partner answers.
  testing::sent_messages round(bool known, duration length = 1s) {
    pass(length);
    auto all = env.take_sent();
    for (auto const& m : all) {
      auto const nonce = m.as<tell_rumour>().nonce;
      if (nonce != 0) tell(m.to, heard_before{nonce, known});
    }
    return all;
  }
  [[nodiscard]] std::size_t hot() { return env.pool<hot_rumour>().size(); }
};

}  // namespace

TEST_CASE("a rumour is delivered at once and told from the next round on, once per round") {
  head h{4};
  auto v = h.view();
  auto const id = h.told.broadcast(v, {});
  CHECK(h.env.take_emitted<delivered>().size() == 1);
  h.pass(299ms);
  CHECK(h.env.take_sent().empty());
  h.pass(1ms);
  auto const first = h.env.take_sent();
  REQUIRE(first.size() == 1);
  CHECK(first[0].as<tell_rumour>().what.id == id);
  h.pass(1s);
  CHECK(h.env.take_sent().size() == 1);
}

TEST_CASE("with a counter, k contacts that knew it end it; a useful one sets it back") {
  head h{4, {.k = 2}};
  auto v = h.view();
  h.told.broadcast(v, {});
  CHECK(h.round(true, 300ms).size() == 1);
  CHECK(h.round(false).size() == 1);
  CHECK(h.round(true).size() == 1);
  CHECK(h.hot() == 1);
  CHECK(h.round(true).size() == 1);
  CHECK(h.hot() == 0);
  h.pass(10s);
  CHECK(h.env.take_sent().empty());  // nothing is told, nothing is armed
}

TEST_CASE("without reset every contact that knew it counts") {
  head h{4, {.k = 2, .reset = false}};
  auto v = h.view();
  h.told.broadcast(v, {});
  h.round(true, 300ms);
  h.round(false);
  h.round(true);
  CHECK(h.hot() == 0);
}

TEST_CASE("blind contacts count whatever the partner knows, and ask for no answer") {
  head h{4, {.k = 3, .feedback = false}};
  auto v = h.view();
  h.told.broadcast(v, {});
  for (int i = 0; i < 3; ++i) {
    auto const all = h.round(false, i == 0 ? duration{300ms} : duration{1s});
    REQUIRE(all.size() == 1);
    CHECK(all[0].as<tell_rumour>().nonce == 0);
  }
  CHECK(h.hot() == 0);
}

TEST_CASE("a coin ends it after k contacts on the average") {
  std::size_t contacts = 0;
  constexpr std::size_t rumours = 600;
  head h{4, {.how = boredom::coin, .k = 4, .feedback = false}};
  auto v = h.view();
  for (std::size_t i = 0; i < rumours; ++i) {
    h.told.broadcast(v, {});
    while (h.hot() > 0) {
      h.pass(1s);
      contacts += h.env.take_sent().size();
    }
  }
  CHECK(contacts > rumours * 7 / 2);  // 4 within 0.5: seven deviations of the mean
  CHECK(contacts < rumours * 9 / 2);
}

TEST_CASE("who learnt it in this round still says that it did not know") {
  auto const start_of_round = GENERATE(true, false);
  head h{4, {.start_of_round = start_of_round}};
  h.tell(peer{1}, tell_rumour{said(50, 1), 2, 11});
  CHECK(h.env.take_sent() == sent(peer{1}, heard_before{11, false}));
  auto const all = h.env.take_emitted<delivered>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].hops == 3);
  h.tell(peer{2}, tell_rumour{said(50, 1), 2, 12});
  CHECK(h.env.take_sent() == sent(peer{2}, heard_before{12, !start_of_round}));
  h.pass(300ms);
  static_cast<void>(h.env.take_sent());
  h.tell(peer{3}, tell_rumour{said(50, 1), 2, 13});
  CHECK(h.env.take_sent() == sent(peer{3}, heard_before{13, true}));
  CHECK(h.env.take_emitted<delivered>().empty());
}

TEST_CASE("only the answer of whom we asked counts, once") {
  head h{4, {.k = 1}};
  auto v = h.view();
  h.told.broadcast(v, {});
  h.pass(300ms);
  auto const all = h.env.take_sent();
  auto const nonce = all.at(0).as<tell_rumour>().nonce;
  auto const other = all[0].to == peer{1} ? peer{2} : peer{1};
  h.tell(other, heard_before{nonce, true});
  h.tell(all[0].to, heard_before{nonce + 1, true});
  h.tell(all[0].to, heard_before{0, true});
  CHECK(h.hot() == 1);
  h.tell(all[0].to, heard_before{nonce, true});
  CHECK(h.hot() == 0);
}

TEST_CASE("a seventeenth rumour takes the place of the first") {
  head h{4};
  for (std::uint32_t i = 0; i < 17; ++i) h.tell(peer{1}, tell_rumour{said(50, i), 0, 0});
  CHECK(h.hot() == hot_rumour::per_peer_max);
  h.pass(300ms);
  auto const all = h.env.take_sent().all<tell_rumour>();
  CHECK(all.size() == hot_rumour::per_peer_max);
  for (auto const& m : all) CHECK(m.what.id.sequence != 0);
}

TEST_CASE("a name younger than settle is not pushed out: what is new is refused, and said known") {
  head h{4, {.settle = 8}};
  for (std::uint32_t i = 0; i < 64; ++i) h.tell(peer{1}, tell_rumour{said(50, i), 0, 0});
  CHECK(h.env.take_emitted<delivered>().size() == 64);
  h.tell(peer{1}, tell_rumour{said(50, 64), 0, 5});
  CHECK(h.env.take_sent() == sent(peer{1}, heard_before{5, true}));
  auto v = h.view();
  CHECK(h.told.broadcast(v, {}) == rumour_id{});
  CHECK(h.env.take_emitted<delivered>().empty());
  h.pass(8s);
  static_cast<void>(h.env.take_sent());
  h.tell(peer{1}, tell_rumour{said(50, 64), 0, 6});
  CHECK(h.env.take_sent() == sent(peer{1}, heard_before{6, false}));
  CHECK(h.told.broadcast(v, {}).origin == peer{0});
  CHECK(h.env.take_emitted<delivered>().size() == 2);
}

TEST_CASE("who has no partners tells nobody and goes on when it has") {
  head h{0};
  auto v = h.view();
  h.told.broadcast(v, {});
  h.pass(2s);
  CHECK(h.env.take_sent().empty());
  std::vector<peer> const known{peer{5}};
  h.told.join(v, known);
  h.pass(1s);
  CHECK(h.env.take_sent().size() == 1);
}

TEST_CASE("partners may come from a membership policy") {
  using over = rumour_mongering<hyparview<>>;
  recorder env{{.seed = 7, .self = peer{0}}};
  over told;
  auto v = env.view<over>();
  told.on_start(v);
  told.on_message(v, peer{3}, join_request{1});
  CHECK(told.neighbours().size() == 1);
  CHECK(env.take_emitted<neighbour_up>().size() == 1);
  static_cast<void>(env.take_sent());
  told.broadcast(v, {});
  for (auto const& due : env.advance(1s)) told.on_timer(v, due.tag);
  auto const all = env.take_sent();
  REQUIRE(all.all<tell_rumour>().size() == 1);
  told.on_fact(v, unreachable{peer{3}});
  CHECK(told.neighbours().size() == 0);
}

TEST_CASE("rumour_mongering describes all that it holds, keeps in pools and sends") {
  auto const check_all = []<class... T>(type_list<T...>) {
    return (std::size_t{0} + ... + testing::forgotten<T>().size());
  };
  CHECK(testing::forgotten<rumour_mongering<>>().empty());
  CHECK(check_all(activities_of<rumour_mongering<>>{}) == 0);
  CHECK(check_all(messages_of<rumour_mongering<>>{}) == 0);
  CHECK(check_all(facts_of<rumour_mongering<>>{}) == 0);
}
