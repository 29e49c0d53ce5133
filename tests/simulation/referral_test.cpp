// Trust along the way: who referred to a stranger is judged with it, and whose word was untrue is
// told to the trust policy.
#include "../catch.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/trust/rings.hpp>
#include <hydra/verify/none.hpp>

#include <span>
#include <vector>

using namespace hydra;

namespace {

constexpr peer referrer{1};
constexpr peer doer{2};
constexpr service wanted{0};

struct lead {
  static constexpr std::size_t per_peer_max = 4;
  service what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what;
  }
};

// Finds the doer every time, as the referrer said, whose word it may then call untrue.
struct hearsay {
  using policy_concept = routing_tag;
  using messages = type_list<>;
  using facts = type_list<found, misled>;
  using activities = type_list<lead>;
  bool referred = true;
  bool untrue = false;
  bool stolen = false;  // the referrer offers the doer's head as its own, and comes first

  activity find(auto& env, want const& w) {
    auto const id = env.template pool<lead>().add({w.what});
    if (id) env.arm(1ms, 1);
    return id;
  }
  void on_timer(auto& env, std::uint16_t) {
    auto pool = env.template pool<lead>();
    auto const id = pool.first([](lead const&) { return true; });
    if (!id) return;
    pool.erase(id);
    found f;
    f.id = id;
    candidate c;
    c.who = doer;
    c.principal = env.about(doer).principal;
    c.power.cores = 1;
    if (stolen) {
      auto theirs = c;
      theirs.principal = env.about(referrer).principal;
      f.among.push_back(theirs);
    }
    f.among.push_back(c);
    if (referred) f.via.add(0, std::span{&referrer, 1});
    if (untrue) env.emit(misled{referrer});
    env.emit(f);
  }
  void publish(auto&, provider_record const&) {}
  void withdraw(auto&, service) {}
  void join(auto&, std::span<peer const>) {}
  void seen(auto&, peer) {}
  void failed(auto&, peer) {}
  [[nodiscard]] bounded_vector<peer, 1> closest(key const&, std::size_t) const { return {}; }
  [[nodiscard]] std::size_t contacts() const { return 0; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& referred& untrue& stolen;
  }
};

// As if it had known both for long.
struct acquainted : trusts::open {
  verdict of_referrer{true, trust::percent(50), 3};
  verdict of_doer{true, trust::percent(60), 3};
  [[nodiscard]] verdict admits(auto& env, principal who, right what) const {
    if (who == principal{referrer.index()}) return of_referrer;
    if (who == principal{doer.index()}) return of_doer;
    return open::admits(env, who, what);
  }
};

template <class Trust>
using head = Hydra<hearsay, Trust, scheduling::nearest, verify::none>;

template <class Trust>
struct three : sim::plain_setting {
  hearsay how;
  Trust of_asker;
  three(hearsay const& h, Trust const& t) : plain_setting{1, 3}, how{h}, of_asker{t} {}
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 20ms};
  }
  [[nodiscard]] head<Trust> make(sim::permutation const&, std::uint32_t who) const {
    hydra_settings s;
    s.power.cores = 1;
    if (who == doer.index()) s.offers.push_back(wanted);
    return head<Trust>{s, how, who == 0 ? of_asker : Trust{}};
  }
};

struct ends_seen {
  std::vector<job_done> all;
  void fact(instant, std::uint32_t, auto const&) {}
  void fact(instant, std::uint32_t, job_done const& d) { all.push_back(d); }
  void merge(ends_seen const& o) { all.insert(all.end(), o.all.begin(), o.all.end()); }
};

template <class Trust>
using small = sim::world<head<Trust>, three<Trust>, ends_seen>;

job a_job(std::uint64_t nonce, trust floor) {
  job j;
  j.id = {principal{0}, nonce};
  j.what = wanted;
  j.work = 1s;
  j.patience = 1min;
  j.hops = 1;
  j.spend = 10;
  j.floor = floor;
  return j;
}
ending end_with(hearsay const& how, acquainted const& of, trust floor) {
  small<acquainted> w{three<acquainted>{how, of}};
  w.run_for(1s);
  w.tell(peer{0}, submit{a_job(1, floor)});
  w.run_for(2min);
  auto const seen = w.observed();
  REQUIRE(seen.all.size() == 1);
  return seen.all[0].how;
}

}  // namespace

TEST_CASE("a stranger is trusted no further than who referred to it", "[trust]") {
  auto const floor = trust::percent(40);
  acquainted of;
  CHECK(end_with({}, of, floor) == ending::completed);

  of.of_referrer.score = trust::percent(30);
  CHECK(end_with({}, of, floor) != ending::completed);
  CHECK(end_with({}, of, trust::percent(30)) == ending::completed);
  CHECK(end_with({.referred = false}, of, floor) == ending::completed);
}

TEST_CASE("who was referred to by somebody refused is refused, but not whom we know", "[trust]") {
  acquainted of;
  of.of_referrer = {false, trust{}, 3};
  CHECK(end_with({}, of, trust{}) != ending::completed);
  of.of_doer.ring = 2;
  CHECK(end_with({}, of, trust::percent(40)) == ending::completed);
}

TEST_CASE("no job goes to a head that somebody else offers as its own", "[trust]") {
  small<acquainted> w{three<acquainted>{{.referred = false, .stolen = true}, {}}};
  w.run_for(1s);
  w.tell(peer{0}, submit{a_job(1, trust{})});
  w.run_for(2min);
  auto const seen = w.observed();
  REQUIRE(seen.all.size() == 1);
  CHECK(seen.all[0].how == ending::completed);
  CHECK(seen.all[0].replaced == 0);
}

TEMPLATE_TEST_CASE("whose word was untrue is trusted less, by nobody else's fault", "[trust]",
                   trusts::rings, trusts::beta_reputation) {
  using world = small<TestType>;
  auto const score = [](world const& w, peer who) {
    return w.node(peer{0}).trust().score(principal{who.index()});
  };
  for (bool const untrue : {false, true}) {
    world w{three<TestType>{{.untrue = untrue}, TestType{}}};
    w.run_for(1s);
    auto const before = score(w, referrer);
    for (std::uint64_t i = 1; i <= 4; ++i) {
      w.tell(peer{0}, submit{a_job(i, trust{})});
      w.run_for(20s);
    }
    CHECK(w.observed().all.size() == 4);
    CHECK((score(w, referrer) < before) == untrue);
    CHECK(score(w, doer) >= before);
  }
}
