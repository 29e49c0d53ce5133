#include "../catch.hpp"

#include <hydra/membership/hyparview.hpp>
#include <hydra/testing/recorder.hpp>

#include <algorithm>
#include <vector>

using namespace hydra;
using namespace hydra::membership;
using hydra::testing::recorder;
using hydra::testing::sent;

namespace {

using policy = hyparview<3, 6>;

hyparview_settings quiet() {
  hyparview_settings s;
  s.probe = duration{};
  s.group_max = 0;
  s.swap_every = 0;
  return s;
}

struct head {
  explicit head(hyparview_settings s = quiet()) : views{s} {}
  recorder env{{.seed = 7, .self = peer{0}}};
  policy views;

  [[nodiscard]] auto view() { return env.view<policy>(); }
  template <class M>
  void tell(peer from, M const& m) {
    auto v = view();
    views.on_message(v, from, m);
  }
  void pass(duration time) {
    auto v = view();
    for (auto const& due : env.advance(time)) views.on_timer(v, due.tag);
  }
  void know(std::initializer_list<std::uint32_t> heads) {
    std::vector<peer> known;
    for (auto i : heads) known.push_back(peer{i});
    auto v = view();
    views.join(v, known);
  }
  void fail(peer who) {
    auto v = view();
    views.failed(v, who);
  }
  // Neighbours 1..n, by their own joining.
  void neighbours(std::uint32_t n) {
    for (std::uint32_t i = 1; i <= n; ++i) tell(peer{i}, join_request{i});
    static_cast<void>(env.take_sent());
    static_cast<void>(env.take_emitted<neighbour_up>());
  }
  [[nodiscard]] bool has(peer who) const {
    auto const& all = views.neighbours();
    return std::find(all.begin(), all.end(), who) != all.end();
  }
  [[nodiscard]] bool spare(peer who) const {
    auto const all = views.passive();
    return std::find(all.begin(), all.end(), who) != all.end();
  }
};

}  // namespace

TEST_CASE("a newcomer asks one contact, and again when it is silent, and never forgets it") {
  head h;
  h.know({5});
  auto const first = h.env.take_sent();
  REQUIRE(first.all<join_request>().size() == 1);
  CHECK(first[0].to == peer{5});
  h.pass(1500ms);
  CHECK(h.env.take_sent() == first);  // the same nonce
  h.pass(1500ms);
  CHECK(h.env.take_sent().empty());
  CHECK(h.spare(peer{5}));
  auto v = h.view();
  h.views.on_timer(v, policy::cycle_tag);
  CHECK(h.env.take_sent().all<join_request>().size() == 1);
}

TEST_CASE("only the answer to our own question makes a link") {
  head h;
  h.know({5});
  auto const nonce = h.env.take_sent().all<join_request>().at(0).nonce;
  h.tell(peer{6}, neighbour_answer{nonce, true});
  h.tell(peer{5}, neighbour_answer{nonce + 1, true});
  CHECK(h.views.neighbours().empty());
  h.tell(peer{5}, neighbour_answer{nonce, true});
  CHECK(h.has(peer{5}));
  CHECK_FALSE(h.spare(peer{5}));
  REQUIRE(h.env.take_emitted<neighbour_up>().size() == 1);
  h.tell(peer{5}, neighbour_answer{nonce, false});  // once
  CHECK(h.has(peer{5}));
}

TEST_CASE("a contact takes a newcomer in and sends a walk to each other neighbour") {
  head h;
  h.neighbours(2);
  h.tell(peer{9}, join_request{77});
  CHECK(h.env.take_sent() == sent(peer{9}, neighbour_answer{77, true}) +
                                 sent(peer{1}, forward_join{peer{9}, 6}) +
                                 sent(peer{2}, forward_join{peer{9}, 6}));
  h.tell(peer{9}, join_request{77});  // its answer was lost
  CHECK(h.env.take_sent() == sent(peer{9}, neighbour_answer{77, true}));
}

TEST_CASE("where no place is free one neighbour makes room and is remembered") {
  head h;
  h.neighbours(3);
  h.tell(peer{9}, join_request{77});
  auto const out = h.env.take_emitted<neighbour_down>();
  REQUIRE(out.size() == 1);
  CHECK(out[0].why == neighbour_down::cause::replaced);
  CHECK(h.views.neighbours().size() == 3);
  CHECK(h.has(peer{9}));
  CHECK(h.spare(out[0].who));
  auto const all = h.env.take_sent();
  REQUIRE(all.all<disconnect>().size() == 1);
  CHECK(all[0] == sent(out[0].who, disconnect{false})[0]);
}

TEST_CASE("a request of low priority is refused where no place is free, one of high is not") {
  head h;
  h.neighbours(3);
  h.tell(peer{9}, neighbour_request{5, false});
  CHECK(h.env.take_sent() == sent(peer{9}, neighbour_answer{5, false}));
  h.tell(peer{9}, neighbour_request{6, true});
  CHECK(h.has(peer{9}));
  CHECK(h.env.take_sent().all<neighbour_answer>().at(0).accepted);
}

TEST_CASE("a walk goes on without its sender and ends in a link that the newcomer confirms") {
  head h;
  h.neighbours(2);
  h.tell(peer{1}, forward_join{peer{9}, 200});  // longer than we would send
  CHECK(h.env.take_sent() == sent(peer{2}, forward_join{peer{9}, 5}));
  CHECK_FALSE(h.spare(peer{9}));
  h.tell(peer{1}, forward_join{peer{9}, 3});
  CHECK(h.env.take_sent() == sent(peer{2}, forward_join{peer{9}, 2}));
  CHECK(h.spare(peer{9}));
  h.tell(peer{1}, forward_join{peer{9}, 0});
  auto const asked = h.env.take_sent();
  REQUIRE(asked.all<neighbour_request>().size() == 1);
  CHECK(asked[0].to == peer{9});
  CHECK(asked.all<neighbour_request>()[0].high);
  CHECK_FALSE(h.has(peer{9}));
  h.tell(peer{9}, neighbour_answer{asked.all<neighbour_request>()[0].nonce, true});
  CHECK(h.has(peer{9}));
}

TEST_CASE("walks and shuffles of strangers go nowhere") {
  head h;
  h.neighbours(2);
  h.tell(peer{8}, forward_join{peer{9}, 0});
  h.tell(peer{8}, shuffle{peer{8}, 4, 1, {peer{10}}});
  CHECK(h.env.take_sent().empty());
  CHECK(h.views.passive().empty());
}

TEST_CASE("a broken link is replaced out of the passive view, one head after the other") {
  head h;
  h.neighbours(3);
  h.know({11, 12, 13});
  CHECK(h.env.take_sent().empty());
  h.fail(peer{2});
  auto const down = h.env.take_emitted<neighbour_down>();
  REQUIRE(down.size() == 1);
  CHECK(down[0].why == neighbour_down::cause::dead);
  CHECK_FALSE(h.spare(peer{2}));
  std::vector<peer> asked;
  for (int i = 0; i < 3; ++i) {
    auto const all = h.env.take_sent();
    REQUIRE(all.all<neighbour_request>().size() == 1);
    CHECK_FALSE(all.all<neighbour_request>()[0].high);
    CHECK(std::find(asked.begin(), asked.end(), all[0].to) == asked.end());
    asked.push_back(all[0].to);
    h.tell(all[0].to, neighbour_answer{all.all<neighbour_request>()[0].nonce, false});
  }
  CHECK(h.env.take_sent().empty());  // everybody refused: the next cycle asks again
  CHECK(h.views.passive().size() == 3);
  auto v = h.view();
  h.views.on_timer(v, policy::cycle_tag);
  CHECK(h.env.take_sent().all<neighbour_request>().size() == 1);
}

TEST_CASE("the transport's own notice is enough, and repeating it changes nothing") {
  head h;
  h.neighbours(2);
  auto v = h.view();
  h.views.on_fact(v, unreachable{peer{1}});
  h.views.on_fact(v, unreachable{peer{1}});
  h.fail(peer{1});
  CHECK(h.env.take_emitted<neighbour_down>().size() == 1);
  CHECK(h.views.neighbours().size() == 1);
}

TEST_CASE("who has nobody left asks with high priority, one at a time") {
  head h;
  h.neighbours(2);
  for (std::uint32_t i = 11; i < 14; ++i) h.tell(peer{1}, forward_join{peer{i}, 3});
  static_cast<void>(h.env.take_sent());
  h.fail(peer{1});
  auto const low = h.env.take_sent().all<neighbour_request>();
  REQUIRE(low.size() == 2);  // two places are free
  CHECK_FALSE(low[0].high);
  h.env.pool<link_request>().clear();
  h.fail(peer{2});
  auto const high = h.env.take_sent().all<neighbour_request>();
  REQUIRE(high.size() == 1);
  CHECK(high[0].high);
}

TEST_CASE("who closes a link is remembered, who leaves is not") {
  head h;
  h.neighbours(3);
  h.tell(peer{1}, disconnect{false});
  h.tell(peer{2}, disconnect{true});
  h.tell(peer{7}, disconnect{false});  // no neighbour
  auto const down = h.env.take_emitted<neighbour_down>();
  REQUIRE(down.size() == 2);
  CHECK(down[0].why == neighbour_down::cause::replaced);
  CHECK(down[1].why == neighbour_down::cause::left);
  CHECK(h.spare(peer{1}));
  CHECK_FALSE(h.spare(peer{2}));
  CHECK_FALSE(h.spare(peer{7}));
}

TEST_CASE("leaving says good-bye to everybody, and takes nobody in until joining again") {
  head h;
  h.neighbours(3);
  auto v = h.view();
  h.views.leave(v);
  auto const all = h.env.take_sent().all<disconnect>();
  REQUIRE(all.size() == 3);
  CHECK(all[0].leaving);
  CHECK(h.env.take_emitted<neighbour_down>().size() == 3);
  CHECK(h.views.neighbours().empty());
  h.tell(peer{4}, join_request{1});
  h.tell(peer{5}, neighbour_request{2, true});
  CHECK(h.env.take_sent() == sent(peer{4}, neighbour_answer{1, false}) +
                                 sent(peer{5}, neighbour_answer{2, false}));
  h.know({6});
  CHECK(h.env.take_sent().all<join_request>().size() == 1);
}

TEST_CASE("who has left asks nobody and is nobody's neighbour until it joins again") {
  auto s = quiet();
  s.swap_every = 1;
  head h{s};
  h.know({5});
  auto const nonce = h.env.take_sent().all<join_request>().at(0).nonce;
  auto v = h.view();
  h.views.leave(v);
  h.tell(peer{5}, neighbour_answer{nonce, true});  // asked before we left
  CHECK(h.env.take_sent() == sent(peer{5}, disconnect{true}));
  h.tell(peer{5}, neighbour_answer{nonce, false});
  for (int i = 0; i < 5; ++i) h.views.on_timer(v, policy::cycle_tag);
  h.pass(60s);
  CHECK(h.env.take_sent().empty());
  CHECK(h.env.pool<link_request>().size() == 0);
  CHECK(h.views.neighbours().empty());
  CHECK(h.env.take_emitted<neighbour_up>().empty());
  h.know({5});
  CHECK(h.env.take_sent().all<join_request>().size() == 1);
}

TEST_CASE("a place lost to another is filled in the next cycle, the last one at once") {
  head h;
  h.neighbours(2);
  for (std::uint32_t i = 11; i < 14; ++i) h.tell(peer{1}, forward_join{peer{i}, 3});
  static_cast<void>(h.env.take_sent());
  h.tell(peer{1}, disconnect{false});
  CHECK(h.env.take_sent().empty());
  auto v = h.view();
  h.views.on_timer(v, policy::cycle_tag);
  CHECK(h.env.take_sent().all<neighbour_request>().size() == 2);  // two places are free
  h.env.pool<link_request>().clear();
  h.tell(peer{2}, disconnect{false});
  auto const asked = h.env.take_sent().all<neighbour_request>();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].high);
}

TEST_CASE("a shuffle names us, neighbours and spares; its answer replaces what was given away") {
  head h;
  h.neighbours(3);
  for (std::uint32_t i = 11; i < 17; ++i) h.tell(peer{1}, forward_join{peer{i}, 3});
  static_cast<void>(h.env.take_sent());
  REQUIRE(h.views.passive().size() == 6);
  auto v = h.view();
  h.views.on_timer(v, policy::cycle_tag);
  auto const m = h.env.take_sent().all<shuffle>().at(0);
  CHECK(m.origin == peer{0});
  CHECK(m.hops_left == 6);
  CHECK(m.named.size() == 7);
  h.tell(peer{30}, shuffle_reply{m.nonce + 1, {peer{40}}});
  CHECK_FALSE(h.spare(peer{40}));
  h.tell(peer{30}, shuffle_reply{m.nonce, {peer{40}, peer{41}, peer{1}, peer{0}}});
  CHECK(h.spare(peer{40}));
  CHECK(h.spare(peer{41}));
  CHECK_FALSE(h.spare(peer{0}));
  CHECK_FALSE(h.spare(peer{1}));
  for (std::uint32_t i = 11; i < 17; ++i) {
    bool const given = std::find(m.named.begin(), m.named.end(), peer{i}) != m.named.end();
    if (!given) CHECK(h.spare(peer{i}));  // only what was given away made room
  }
  h.tell(peer{30}, shuffle_reply{m.nonce, {peer{50}}});  // one answer to a question
  CHECK_FALSE(h.spare(peer{50}));
}

TEST_CASE("an answer to a shuffle names no more than were sent and one") {
  head h;
  h.neighbours(1);
  auto v = h.view();
  h.views.on_timer(v, policy::cycle_tag);
  auto const m = h.env.take_sent().all<shuffle>().at(0);
  REQUIRE(m.named.size() == 1);
  h.tell(peer{30}, shuffle_reply{m.nonce, {peer{40}, peer{41}, peer{42}, peer{43}}});
  CHECK(h.views.passive().size() == 2);
}

TEST_CASE("where a shuffle ends as many heads are given back") {
  head h;
  h.neighbours(2);
  for (std::uint32_t i = 11; i < 17; ++i) h.tell(peer{1}, forward_join{peer{i}, 3});
  static_cast<void>(h.env.take_sent());
  h.tell(peer{1}, shuffle{peer{20}, 99, 4, {peer{21}, peer{22}}});
  auto const on = h.env.take_sent();
  REQUIRE(on.all<shuffle>().size() == 1);
  CHECK(on[0].to == peer{2});
  CHECK(on.all<shuffle>()[0].hops_left == 3);
  h.tell(peer{1}, shuffle{peer{20}, 99, 1, {peer{21}, peer{22}}});
  auto const reply = h.env.take_sent();
  REQUIRE(reply.all<shuffle_reply>().size() == 1);
  CHECK(reply[0].to == peer{20});
  CHECK(reply.all<shuffle_reply>()[0].nonce == 99);
  CHECK(reply.all<shuffle_reply>()[0].named.size() == 3);
  CHECK(h.spare(peer{20}));
  CHECK(h.spare(peer{21}));
}

TEST_CASE("a neighbour that does not answer probes is dead, one that has dropped us is replaced") {
  auto s = quiet();
  s.probe = 2s;
  s.probes_missed = 2;
  head h{s};
  h.neighbours(3);
  auto v = h.view();
  h.views.on_timer(v, policy::probe_tag);
  auto const nonce = h.env.take_sent().all<probe>().at(0).nonce;
  h.tell(peer{1}, alive{nonce, true});
  h.tell(peer{2}, alive{nonce, false});
  h.tell(peer{9}, alive{nonce, false});
  auto const replaced = h.env.take_emitted<neighbour_down>();
  REQUIRE(replaced.size() == 1);
  CHECK(replaced[0].who == peer{2});
  CHECK(replaced[0].why == neighbour_down::cause::replaced);
  h.views.on_timer(v, policy::probe_tag);
  auto const again = h.env.take_sent().all<probe>().at(0).nonce;
  h.tell(peer{1}, alive{again, true});
  h.tell(peer{3}, alive{nonce, true});  // of the round before
  h.views.on_timer(v, policy::probe_tag);
  auto const dead = h.env.take_emitted<neighbour_down>();
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].who == peer{3});
  CHECK(dead[0].why == neighbour_down::cause::dead);
  CHECK(h.has(peer{1}));
}

TEST_CASE("a probe is answered with whether its sender is a neighbour") {
  head h;
  h.neighbours(1);
  h.tell(peer{1}, probe{5});
  h.tell(peer{2}, probe{6});
  CHECK(h.env.take_sent() == sent(peer{1}, alive{5, true}) + sent(peer{2}, alive{6, false}));
}

TEST_CASE("one netgroup takes at most its share of the places") {
  auto s = quiet();
  s.group_max = 2;
  head h{s};
  for (std::uint32_t i = 1; i < 10; ++i) {
    auto a = h.env.about(peer{i});
    a.group = netgroup{i < 5 ? 77U : 0U};  // 0: not known, not bounded
    h.env.know(peer{i}, a);
  }
  h.tell(peer{1}, join_request{1});
  h.tell(peer{2}, join_request{2});
  h.tell(peer{3}, neighbour_request{3, false});
  CHECK_FALSE(h.has(peer{3}));
  h.tell(peer{4}, join_request{4});
  CHECK(h.views.neighbours().size() == 2);
  h.tell(peer{5}, join_request{5});
  h.tell(peer{6}, neighbour_request{6, false});
  CHECK(h.has(peer{5}));
  CHECK(h.views.neighbours().size() == 3);
}
