// Delegation over many hops: sixteen hands deep, random trees under crashes and cuts, revocation
// below somebody who hides it, forged chains.
//
// A failure prints the line that replays it; HYDRA_SEED picks the one seed of the swarm.
#include "catch.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

using plain_hydra = Hydra<routing::full_mesh, trusts::open, verify::none>;

// How a small world is made.
struct shape {
  std::uint64_t seed = 1;
  std::uint32_t heads = 18;
  enum class kind : std::uint8_t { chain, layers } of = kind::chain;
  std::uint16_t parts = 3;          // of each division
  std::uint32_t hider = 0xffffffffU;  // a head that passes on no cancellation and no silence
  bool cut = false;                   // half of the heads from the other half, 60 to 120 s
  std::uint32_t lossy = 0;            // every so many messages one is lost; 0: none
  bool regions = false;               // heads of even index in the first one, others in the second
};

constexpr service whole{0};
constexpr service middle{1};
constexpr service leaf{2};
constexpr service joining{3};

// A head that may hide a revocation: it takes no notice of a cancellation and goes on renewing.
struct hydra_under_test : plain_hydra {
  using plain_hydra::plain_hydra;
  bool hides = false;
  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    if constexpr (std::is_same_v<M, cancel>) {
      if (hides) return;
    }
    plain_hydra::on_message(env, from, m);
    if constexpr (std::is_same_v<M, progress>) {
      if (hides) env.send(from, renew{m.which, {}});  // and its own lease never ends
    }
  }
  template <class Env>
  void on_any_timer(Env& env, std::uint32_t tag) {
    if (hides) {  // it forgets that nobody renews it
      env.template pool<held_lease>().each([&](activity, held_lease& l) {
        l.until = env.now() + 1h;
      });
      env.template pool<owned_job>().each([&](activity, owned_job& j) {
        for (auto& p : j.given) p.until = env.now() + 1h;
      });
    }
    plain_hydra::on_any_timer(env, tag);
  }
};

struct small_world : sim::plain_setting {
  shape how;
  explicit small_world(shape const& s) : plain_setting{s.seed, s.heads}, how{s} {}

  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    bool const in_cut = how.cut && t.at >= at_ns(60'000'000'000) && t.at < at_ns(120'000'000'000);
    bool const dropped = (in_cut && t.from % 2 != t.to % 2) ||
                         (how.lossy != 0 && bits % how.lossy == 0);
    return {.delay = 5ms + duration{static_cast<std::int64_t>(bits % 90'000'000)},
            .dropped = dropped};
  }
  [[nodiscard]] hydra_under_test make(sim::permutation const& view, std::uint32_t who) const {
    hydra_settings s;
    s.power.cores = 2;
    if (how.regions) s.under.region = static_cast<std::uint8_t>(1U << who % 2);
    auto const know = [&](std::uint32_t other) {
      if (other != who && other < peers() && !s.contacts.full()) {
        s.contacts.push_back(peer{view.seen(other)});
      }
    };
    if (how.of == shape::kind::chain) {
      know(who + 1);
      if (who > 0) s.offers.push_back(whole);
      if (who > 0 && who + 1 < peers()) s.compositions.push_back({whole, whole, {}, 1, 0});
    } else {
      for (std::uint32_t i = 0; i < 14; ++i) know(static_cast<std::uint32_t>(
          mix64(seed() ^ mix64(who * 64ULL + i)) % peers()));
      s.offers.push_back(service{who % 3});
      if (who % 3 == 0) s.compositions.push_back({whole, middle, joining, how.parts, 100});
      if (who % 3 == 1) s.compositions.push_back({middle, leaf, joining, how.parts, 50});
    }
    hydra_under_test made{s};
    made.hides = who == how.hider;
    return made;
  }
  [[nodiscard]] sim::execution execute(std::uint32_t, task const& t, instant) const {
    payload out;
    out.size = 8;
    out.words[0] = mix64(t.input.words[0] ^ t.input.words[1] ^ t.what.index());
    return {.takes = t.work, .ok = true, .output = out};
  }
};

// Everything that was said about jobs, in all the world.
struct account {
  struct grant {
    std::uint32_t by;
    placed what;
    instant at;
  };
  std::vector<grant> grants;
  std::vector<std::pair<std::uint32_t, job_done>> ends;
  std::vector<std::pair<instant, std::uint32_t>> runs;  // ends of tasks: when, and on which head
  void fact(instant, std::uint32_t, auto const&) {}
  void fact(instant at, std::uint32_t who, placed const& p) { grants.push_back({who, p, at}); }
  void fact(instant, std::uint32_t who, job_done const& d) { ends.emplace_back(who, d); }
  void fact(instant at, std::uint32_t who, task_ended const&) { runs.emplace_back(at, who); }
  void merge(account const& o) {
    grants.insert(grants.end(), o.grants.begin(), o.grants.end());
    ends.insert(ends.end(), o.ends.begin(), o.ends.end());
    runs.insert(runs.end(), o.runs.begin(), o.runs.end());
  }
};
using small = sim::world<hydra_under_test, small_world, account>;

job make_job(std::uint32_t owner, std::uint64_t nonce, duration work, std::uint8_t hops,
             std::uint16_t spend) {
  job j;
  j.id = {principal{owner}, nonce};
  j.what = whole;
  j.work = work;
  j.patience = 10min;
  j.hops = hops;
  j.spend = spend;
  j.input.size = 8;
  j.input.words[0] = nonce;
  return j;
}

// Along every chain: depth by depth, nobody twice, hops and budgets as they were given.
void check_chains(account const& seen) {
  std::map<key, account::grant const*> by_link;
  for (auto const& g : seen.grants) by_link[g.what.link] = &g;
  std::map<key, budget> spent;
  for (auto const& g : seen.grants) {
    auto const& parent = g.what.parent;
    if (parent == key{}) {
      CHECK(g.what.depth == 1);
      CHECK(g.by == g.what.root.owner.index());
      continue;
    }
    REQUIRE(by_link.contains(parent));
    auto const& above = *by_link[parent];
    CHECK(above.what.depth + 1 == g.what.depth);
    CHECK(above.what.who.index() == g.by);
    auto& sum = spent[parent];
    sum.cpu += g.what.given.cpu;
    sum.bytes += g.what.given.bytes;
    sum.tasks += g.what.given.tasks;
    CHECK(covers(above.what.given, sum));  // no budget is spent twice
    // Nobody is met again; a holder may do a part on its own head.
    std::vector<std::uint32_t> way{g.what.who.index()};
    for (auto const* up = &above;; up = by_link[up->what.parent]) {
      if (way.back() != up->what.who.index()) way.push_back(up->what.who.index());
      if (up->what.parent == key{}) break;
    }
    if (way.back() != g.what.root.owner.index()) way.push_back(g.what.root.owner.index());
    CHECK(std::set<std::uint32_t>(way.begin(), way.end()).size() == way.size());
  }
}

std::uint64_t only_seed() {
  auto const* said = std::getenv("HYDRA_SEED");
  return said == nullptr ? 0 : std::strtoull(said, nullptr, 10);
}

}  // namespace

TEST_CASE("a job passes through sixteen hands and its result comes back", "[delegation]") {
  small w{small_world{shape{.heads = 17}}};
  w.run_for(5s);
  w.tell(peer{0}, submit{make_job(0, 1, 2s, 16, 500)});
  w.run_for(60s);
  auto const seen = w.observed();
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].second.how == ending::completed);
  CHECK(seen.ends[0].second.output.words[0] == mix64(1));
  std::uint8_t deepest = 0;
  for (auto const& g : seen.grants) deepest = std::max(deepest, g.what.depth);
  CHECK(deepest == 16);
  CHECK(seen.runs.size() == 1);
  CHECK(seen.runs[0].second == 16);
  check_chains(seen);
}

TEST_CASE("a job that may pass through fifteen hands does not reach the sixteenth",
          "[delegation]") {
  small w{small_world{shape{.heads = 17}}};
  w.run_for(5s);
  w.tell(peer{0}, submit{make_job(0, 1, 2s, 15, 500)});
  w.run_for(11min);
  auto const seen = w.observed();
  CHECK(seen.runs.empty());
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].second.how != ending::completed);
}

TEST_CASE("who is not where a job demands gets neither it nor a part of it, its owner included",
          "[delegation]") {
  shape const how{.heads = 48, .of = shape::kind::layers, .regions = true};
  for (std::uint8_t const demanded : {std::uint8_t{2}, demands::anywhere}) {
    small w{small_world{how}};
    w.run_for(20s);
    auto j = make_job(0, 1, 20s, 3, 200);  // head 0 performs it too, elsewhere
    j.of_provider.regions = demanded;
    w.tell(peer{0}, submit{j});
    w.run_for(11min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    CHECK(seen.ends[0].second.how == ending::completed);
    CHECK(seen.runs.size() > 3);
    auto const elsewhere = std::count_if(seen.grants.begin(), seen.grants.end(), [](auto const& g) {
      return g.what.who.index() % 2 == 0;
    });
    CHECK((elsewhere == 0) == (demanded == 2));
    check_chains(seen);
  }
}

TEST_CASE("cancelling at the root ends everything below at once", "[delegation]") {
  small w{small_world{shape{.heads = 9}}};
  w.run_for(5s);
  w.tell(peer{0}, submit{make_job(0, 1, 100s, 8, 500)});
  w.run_for(20s);
  w.tell(peer{0}, withdraw_job{{principal{0}, 1}});
  w.run_for(2s);
  auto const seen = w.observed();
  REQUIRE(seen.runs.size() == 1);  // the last hand's task ended: it was taken back
  for (std::uint32_t i = 0; i < 9; ++i) {
    std::size_t held = 0;
    w.each_activity<held_lease>(peer{i}, [&](held_lease const&) { ++held; });
    CHECK(held == 0);
  }
}

TEST_CASE("whoever hides a revocation keeps what is below it at most one lease longer",
          "[delegation]") {
  small w{small_world{shape{.heads = 9, .hider = 3}}};
  w.run_for(5s);
  w.tell(peer{0}, submit{make_job(0, 1, 300s, 8, 500)});
  w.run_for(20s);
  w.tell(peer{0}, withdraw_job{{principal{0}, 1}});
  auto const lease = protocol_times{}.lease;
  w.run_for(lease + 1s);  // a message is on its way for less than a second
  auto const seen = w.observed();
  REQUIRE(seen.runs.size() == 1);
  CHECK(seen.runs[0].second == 8);
  for (std::uint32_t i = 4; i < 9; ++i) {
    std::size_t held = 0;
    w.each_activity<held_lease>(peer{i}, [&](held_lease const&) { ++held; });
    CHECK(held == 0);
  }
  // Without the revocation the same hider's subtree lives for as long as it is wanted.
  small v{small_world{shape{.heads = 9, .hider = 3}}};
  v.run_for(5s);
  v.tell(peer{0}, submit{make_job(0, 1, 300s, 8, 500)});
  v.run_for(20s + lease + 1s);
  CHECK(v.observed().runs.empty());
}

TEST_CASE("random trees under crashes, cuts and loss: no budget twice, no loop, one ending",
          "[delegation]") {
  auto const one = only_seed();
  for (std::uint64_t seed = one != 0 ? one : 1; seed <= (one != 0 ? one : 12); ++seed) {
    INFO("replay: HYDRA_SEED=" << seed << " simulation_tests '[delegation]'");
    shape const how{.seed = seed,
                    .heads = 48,
                    .of = shape::kind::layers,
                    .parts = static_cast<std::uint16_t>(2 + seed % 3),
                    .cut = seed % 2 == 0,
                    .lossy = seed % 3 == 0 ? 50U : 0U};
    small w{small_world{how}};
    w.run_for(20s);
    constexpr std::uint32_t jobs = 20;
    for (std::uint32_t i = 0; i < jobs; ++i) {
      auto const asker = static_cast<std::uint32_t>(mix64(seed * 100 + i) % how.heads);
      w.tell(peer{asker}, submit{make_job(asker, i + 1, 20s, 3, 200)});
      w.run_for(2s);
    }
    for (std::uint32_t i = 0; i < 12; ++i) {  // heads that give or hold parts crash and return
      auto const who = static_cast<std::uint32_t>(mix64(seed * 1000 + i) % how.heads);
      w.crash(peer{who});
      w.run_for(5s);
      if (i % 2 == 0) w.restart(peer{who});
    }
    for (std::uint32_t i = 0; i < how.heads; ++i) w.restart(peer{i});
    w.run_for(12min);
    auto const seen = w.observed();
    check_chains(seen);
    std::set<std::uint64_t> ended;
    std::size_t completed = 0;
    for (auto const& [who, d] : seen.ends) {
      CHECK(ended.insert(d.which.nonce).second);  // each once
      completed += d.how == ending::completed ? 1U : 0U;
    }
    CHECK(ended.size() == jobs);  // and nobody waits for ever
    CHECK(completed >= jobs * 3 / 4);
    for (std::uint32_t i = 0; i < how.heads; ++i) {
      std::size_t left = 0;
      w.each_activity<held_lease>(peer{i}, [&](held_lease const&) { ++left; });
      w.each_activity<owned_job>(peer{i}, [&](owned_job const&) { ++left; });
      w.each_activity<lease_papers>(peer{i}, [&](lease_papers const&) { ++left; });
      CHECK(left == 0);  // no orphan lives on
    }
  }
}
