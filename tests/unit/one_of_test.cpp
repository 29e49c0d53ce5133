// A choice made at run time acts as the policy that was chosen.
#include "../catch.hpp"

#include <hydra/assembly/one_of.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/testing/pair.hpp>
#include <hydra/testing/recorder.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <array>
#include <vector>

using namespace hydra;

namespace {

candidate head(std::uint32_t who, duration delay, duration queue) {
  candidate c;
  c.who = peer{who};
  c.principal = principal{who};
  c.power = {1, 1000};
  c.score = trust::percent(80);
  c.delay = delay;
  c.queue = queue;
  return c;
}

// Says nothing about bids or offers: the assembly answers for it.
struct last_one {
  using policy_concept = scheduling_tag;
  choice place(auto&, job const&, std::span<candidate const> among) {
    choice out;
    if (!among.empty()) out.index = among.size() - 1;
    return out;
  }
};

// Writes and reads numbers as they come: what a checkpoint does.
struct tape : archive<tape> {
  std::vector<std::uint64_t> cells{};
  std::size_t at = 0;
  bool reading = false;
  template <class T>
  void number(T& x) {
    if (!reading) return cells.push_back(static_cast<std::uint64_t>(x));
    x = static_cast<T>(cells.at(at++));
  }
  template <class T>
  void handle(T& h) {
    auto n = h.index();
    number(n);
    h = T{n};
  }
};

using scheduler = one_of<scheduling::power_of_d, last_one, scheduling::local_only>;
using router = one_of<routing::full_mesh, routing::kademlia<8>>;
using everything =
    Hydra<one_of<routing::kademlia<8>, routing::full_mesh>, one_of<trusts::rings, trusts::open>,
          scheduler, one_of<verify::repeat, verify::none>>;

everything with(scheduler const& s, routing::full_mesh const& mesh) {
  hydra_settings settings;
  settings.offers = {service{3}};
  settings.power = {1, 1000};
  settings.contacts = {peer{0}, peer{1}, peer{2}};
  return everything{settings, everything::routing_type{mesh}, s,
                    everything::trust_type{trusts::open{}}};
}

}  // namespace

TEST_CASE("the first alternative is held until another is given") {
  scheduler s;
  CHECK(s.holds<scheduling::power_of_d>());
  s = scheduling::local_only{};
  CHECK(s.holds<scheduling::local_only>());
  CHECK_FALSE(s.holds<scheduling::power_of_d>());
  REQUIRE(s.get<scheduling::local_only>() != nullptr);
  CHECK(s.get<last_one>() == nullptr);
}

TEST_CASE("each alternative places as it does by itself") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<scheduler>();
  std::array const among{head(5, 10ms, 30s), head(1, 0s, 60s), head(6, 200ms, 0s)};
  job const j{};
  CHECK(scheduler{scheduling::power_of_d{}}.place(view, j, among).index == 2);
  CHECK(scheduler{scheduling::local_only{}}.place(view, j, among).index == 1);
  CHECK(scheduler{last_one{}}.place(view, j, among).index == 2);
}

TEST_CASE("an alternative that does not choose bidders gets what a silent policy gets") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  auto view = env.view<scheduler>();
  std::array const among{head(5, 30ms, -1s), head(6, 10ms, -1s), head(7, 20ms, -1s)};
  scheduler s{last_one{}};
  CHECK(s.ask(view, job{}, among) == shortlist{1, 2, 0});
  load busy;
  busy.power = {1, 1000};
  busy.waiting = held_lease::per_peer_max / 2;
  CHECK_FALSE(s.accepts(view, offer{}, busy).accepted);
  busy.waiting = 0;
  CHECK(s.accepts(view, offer{}, busy).accepted);
}

TEST_CASE("a message that only the other alternative knows is dropped") {
  testing::recorder env{{.seed = 7, .self = peer{0}}};
  auto view = env.view<router>();
  router r;
  r.on_message(view, peer{1}, routing::ping{});
  CHECK(env.take_sent().empty());
  r.on_message(view, peer{1}, routing::have_you{service{3}, 9});
  CHECK(env.take_sent() == testing::sent(peer{1}, routing::i_have_not{9}));
  CHECK(r.contacts() == 1);
  CHECK(r.closest(key{}, 8).size() == 1);
}

static_assert(AbandonsFinds<router, archetype_view<router>>);
using mute = one_of<routing::full_mesh>;
static_assert(!AbandonsFinds<mute, archetype_view<mute>>);

TEST_CASE("a find is abandoned where the alternative can, and goes on where it cannot") {
  testing::recorder env{{.seed = 7, .self = peer{0}}};
  auto view = env.view<router>();
  bool const can = GENERATE(true, false);
  router r;
  if (can) r = routing::kademlia<8>{};
  std::array const known{peer{1}, peer{2}};
  r.join(view, known);
  env.end_call();
  static_cast<void>(env.take_sent());
  auto const id = r.find(view, want{service{3}, 1, {}, {}});
  REQUIRE(id);
  auto const asked = env.take_sent().size();
  CHECK(asked == 2);
  CHECK(r.abandon(view, id) == (can ? asked : 0));
  for (int i = 0; i < 300; ++i) {
    for (auto const& due : env.advance(100ms)) r.on_timer(view, due.tag);
    env.end_call();
  }
  CHECK(env.take_emitted<found>().size() == (can ? 0U : 1U));
}

TEST_CASE("the choice and its state survive a checkpoint; a wrong number changes nothing") {
  one_of<trusts::rings, trusts::open> t{trusts::rings{}};
  CHECK(t.befriend(principal{4}, peer{4}));
  tape out;
  t.serialize(out, 0);
  out.reading = true;
  one_of<trusts::rings, trusts::open> again{trusts::open{}};
  again.serialize(out, 0);
  REQUIRE(again.holds<trusts::rings>());
  CHECK(again.score(principal{4}) == t.score(principal{4}));

  tape hostile;
  hostile.cells.assign(1'000, 77);
  hostile.reading = true;
  one_of<verify::repeat, verify::none> v{verify::none{}};
  v.serialize(hostile, 0);
  CHECK(v.holds<verify::none>());
}

TEST_CASE("three Hydras whose every policy was chosen at run time finish a job") {
  testing::pair<everything> world{{.seed = 7, .delay = 10ms, .heads = 3},
                                  with(last_one{}, routing::full_mesh{})};
  world.start();
  job j;
  j.id = {principal{0}, 1};
  j.what = service{3};
  j.work = 2s;
  j.patience = 60s;
  world.tell(0, submit{j});
  world.run_for(90s);
  std::size_t done = 0;
  for (auto const& e : world.env(0).take_emitted()) {
    if (e.is<job_done>() && e.as<job_done>().how == ending::completed) ++done;
  }
  CHECK(done == 1);
}
