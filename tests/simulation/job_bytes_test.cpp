// Jobs with bytes: the input goes straight from who has it to who reads it, the output stays where
// it was made until somebody needs it.
#include "catch.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/sim/run.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>
#include <hydra/verify/repeat.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

using plain_hydra = Hydra<routing::full_mesh, trusts::open, verify::none>;

constexpr std::uint64_t megabyte = 1'000'000;
constexpr service whole{0};
constexpr service leaf{1};
constexpr service joining{2};
constexpr service splitting{3};
constexpr std::uint32_t asker = 0;
constexpr std::uint32_t studio = 1;   // divides
constexpr std::uint32_t archive_at = 9;  // has the film, and renders, too
constexpr std::uint32_t editor = 8;  // has the edit list, where there is one; renders nothing then
object_id film() { return {key{digest256{1, 2, 3, 4}}}; }
object_id edit_list() { return {key{digest256{5, 6, 7, 8}}}; }
object_id pieces() { return {key{digest256{9, 10, 11, 12}}}; }

// 0 asks, 1 and 2 divide into four, 3 to 9 do the parts. All lines 100 Mbit/s, 20 ms.
template <class H>
struct film_world_of : sim::plain_setting {
  using plain_setting::plain_setting;
  std::uint16_t parts = 4;
  bool archive_renders = true;
  bool uneven = false;  // some parts take longer than others
  bool has_list = false;
  std::uint16_t splits_into = 0;  // the film says how it is divided, after it was read
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 20ms};
  }
  [[nodiscard]] H make(sim::permutation const& view, std::uint32_t who) const {
    hydra_settings s;
    s.power.cores = 2;
    for (std::uint32_t i = 0; i < peers(); ++i) {
      if (i != who) s.contacts.push_back(peer{view.seen(i)});
    }
    if (who == 1 || who == 2) {
      s.offers.push_back(whole);
      s.compositions.push_back({whole, leaf, joining, parts, 10});
      if (splits_into != 0) {
        s.compositions[0].split = splitting;
        s.compositions[0].split_share = 10;
      }
    } else if (who != asker && (who != archive_at || archive_renders) &&
               (who != editor || !has_list)) {
      s.offers.push_back(leaf);
    }
    object_ref shelf{film(), who == archive_at ? 80 * megabyte : 0, {}};
    if (who == editor && has_list) shelf = {edit_list(), 1000, {}};
    return H{s, objects{1000 * megabyte, shelf}};
  }
  [[nodiscard]] sim::execution execute(std::uint32_t, task const& t, instant) const {
    payload out;
    out.size = 8;
    out.words[0] = mix64(t.input.words[0] ^ t.input.words[1] ^ t.what.index());
    if (t.what == splitting) out = claim_of(pieces(), 60 * megabyte, splits_into);
    auto const longer = uneven ? static_cast<std::int64_t>(1 + t.input.words[0] % 7) : 1;
    return {.takes = t.work * longer, .ok = true, .output = out};
  }
};

// 0 asks, 1 does the parts, and nobody else is there.
template <class H>
struct lonely_world : film_world_of<H> {
  using film_world_of<H>::film_world_of;
  [[nodiscard]] H make(sim::permutation const& view, std::uint32_t who) const {
    hydra_settings s;
    s.contacts.push_back(peer{view.seen(1 - who)});
    if (who != asker) s.offers.push_back(leaf);
    return H{s, verify::repeat{{ratio{0, 1}, ratio{999, 1000}, ratio{999, 1000}, ratio{1, 1}}}};
  }
};

struct way_bill {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> moved;
  std::vector<std::pair<instant, job_done>> ends;
  std::vector<std::pair<instant, std::uint32_t>> runs;
  std::vector<instant> to_asker;
  std::vector<placed> given;
  std::map<std::uint16_t, std::pair<job_id, payload>> parts;
  void fact(instant, std::uint32_t, auto const&) {}
  void fact(instant, std::uint32_t, part_done const& d) { parts[d.index] = {d.whole, d.output}; }
  void fact(instant at, std::uint32_t, job_done const& d) { ends.emplace_back(at, d); }
  void fact(instant at, std::uint32_t who, task_ended const&) { runs.emplace_back(at, who); }
  void fact(instant, std::uint32_t, placed const& p) { given.push_back(p); }
  void streamed(instant at, std::uint32_t from, std::uint32_t to, std::uint64_t bytes) {
    moved[{from, to}] += bytes;
    if (to == asker || from == asker) to_asker.push_back(at);
  }
  void merge(way_bill const& o) {
    for (auto const& [way, bytes] : o.moved) moved[way] += bytes;
    ends.insert(ends.end(), o.ends.begin(), o.ends.end());
    runs.insert(runs.end(), o.runs.begin(), o.runs.end());
    given.insert(given.end(), o.given.begin(), o.given.end());
    parts.insert(o.parts.begin(), o.parts.end());
    to_asker.insert(to_asker.end(), o.to_asker.begin(), o.to_asker.end());
  }
  [[nodiscard]] std::uint64_t out_of(std::uint32_t who) const {
    std::uint64_t sum = 0;
    for (auto const& [way, bytes] : moved) sum += way.first == who ? bytes : 0;
    return sum;
  }
  [[nodiscard]] std::size_t given_at(std::uint8_t depth) const {
    std::size_t n = 0;
    for (auto const& g : given) n += g.depth == depth ? 1U : 0U;
    return n;
  }
  [[nodiscard]] std::uint64_t into(std::uint32_t who) const {
    std::uint64_t sum = 0;
    for (auto const& [way, bytes] : moved) sum += way.second == who ? bytes : 0;
    return sum;
  }
};
using film_world = film_world_of<plain_hydra>;
using films = sim::world<plain_hydra, film_world, way_bill>;
// Every result is repeated.
using wary_hydra = Hydra<routing::full_mesh, trusts::open>;
using wary_films = sim::world<wary_hydra, film_world_of<wary_hydra>, way_bill>;

job film_job(service what, std::uint64_t nonce = 1) {
  job j;
  j.id = {principal{asker}, nonce};
  j.what = what;
  j.work = 8s;
  j.patience = 10min;
  j.spend = 200;
  j.input.size = 8;
  j.input.words[0] = nonce;
  j.data = {{film(), 80 * megabyte, peer{archive_at}}, {0, 80 * megabyte}, 20 * megabyte};
  return j;
}

// The holders of the first part, or job of this head, whose bytes are on their way.
std::vector<std::uint32_t> makers_at(auto& w, std::uint32_t owner) {
  std::vector<std::uint32_t> out;
  w.template each_activity<owned_job>(peer{owner}, [&](owned_job const& j) {
    if (j.now != owned_job::state::collecting || !out.empty()) return;
    for (auto const& p : j.given) {
      if (p.now == placement::state::checked) out.push_back(p.who.index());
    }
  });
  return out;
}

// What is seen of one job in a world where nothing goes wrong.
auto undisturbed(job const& j, duration takes) {
  films w{film_world{7, 10}};
  w.run_for(5s);
  w.tell(peer{asker}, submit{j});
  w.run_for(takes);
  auto seen = w.observed();
  REQUIRE(seen.ends.size() == 1);
  REQUIRE(seen.ends[0].second.how == ending::completed);
  return seen;
}

}  // namespace

TEST_CASE("a task moves to its bytes when that is sooner, and only its output moves") {
  auto const seen = undisturbed(film_job(leaf), 60s);
  CHECK(seen.ends[0].second.by == peer{archive_at});
  CHECK(seen.into(asker) == 20 * megabyte);
  CHECK(seen.moved.size() == 1);
}

TEST_CASE("a divided job: parts read their ranges from the holder, the film passes nobody else") {
  auto const seen = undisturbed(film_job(whole), 120s);
  auto const divider = seen.ends[0].second.by.index();
  CHECK((divider == 1 || divider == 2));
  CHECK(seen.into(asker) == 20 * megabyte);
  CHECK(seen.out_of(asker) == 0);
  CHECK(seen.into(divider) == 20 * megabyte);  // the parts' outputs, none of the film
  CHECK(seen.out_of(divider) == 20 * megabyte);
  CHECK(seen.out_of(archive_at) <= 80 * megabyte + 20 * megabyte);
  // Nothing came or went before the last task had ended: the phone only gets the result.
  REQUIRE(!seen.to_asker.empty());
  instant last{};
  for (auto const& r : seen.runs) last = std::max(last, r.first);
  for (auto at : seen.to_asker) CHECK(at > last);
}

TEST_CASE("a film that says itself how it is divided is fetched and split once, by the divider") {
  for (std::uint16_t n : {std::uint16_t{1}, std::uint16_t{5}, std::uint16_t{64}}) {
    film_world plan{7, 10};
    plan.splits_into = n;
    plan.archive_renders = false;
    films w{plan};
    w.run_for(5s);
    auto j = film_job(whole);
    j.data.output_bytes = 64 * megabyte;
    w.tell(peer{asker}, submit{j});
    w.run_for(9min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    CHECK(seen.ends[0].second.how == ending::completed);
    auto const divider = seen.ends[0].second.by.index();
    CHECK(seen.moved.at({archive_at, divider}) == 80 * megabyte);  // the film, once
    CHECK(seen.out_of(archive_at) == 80 * megabyte);
    CHECK(seen.parts.size() == n);
    CHECK(seen.given_at(2) == n);
    for (auto const& [index, part] : seen.parts) {
      CHECK(index < n);
      CHECK(part.first == j.id);
      CHECK(part.second.size == 8);
    }
    CHECK(seen.out_of(divider) == 60 * megabyte + 64 * megabyte);  // pieces, and the movie
  }
}

TEST_CASE("an edit list beside the film is read by whoever splits, from whoever has it") {
  for (bool there : {true, false}) {
    film_world plan{7, 10};
    plan.splits_into = 4;
    plan.has_list = there;
    plan.archive_renders = false;
    films w{plan};
    w.run_for(5s);
    auto j = film_job(whole);
    j.data.how = {edit_list(), 1000, peer{editor}};
    w.tell(peer{asker}, submit{j});
    w.run_for(11min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    auto const& end = seen.ends[0].second;
    CHECK((end.how == ending::completed) == there);
    if (!there) continue;
    CHECK(seen.out_of(editor) == 1000);
    CHECK(seen.moved.at({editor, end.by.index()}) == 1000);
    CHECK(seen.out_of(asker) == 0);
  }
}

TEST_CASE("a split that names no parts, or too many, fails alone and leaves nothing") {
  for (std::uint16_t n : {std::uint16_t{65}, std::uint16_t{60'000}}) {
    film_world plan{7, 10};
    plan.splits_into = n;
    films w{plan};
    w.run_for(5s);
    w.tell(peer{asker}, submit{film_job(whole)});
    w.run_for(12min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    CHECK(seen.ends[0].second.how == ending::no_result);
    CHECK(seen.given_at(2) == 0);
    std::size_t left = 0;
    for (std::uint32_t i = 0; i < 10; ++i) {
      w.each_activity<lease_papers>(peer{i}, [&](lease_papers const&) { ++left; });
      w.each_activity<held_lease>(peer{i}, [&](held_lease const&) { ++left; });
    }
    CHECK(left == 0);
  }
}

TEST_CASE("an executor that dies while it fetches, or before its output was fetched") {
  for (int when : {0, 1}) {
    films w{film_world{7, 10}};
    w.run_for(5s);
    w.tell(peer{asker}, submit{film_job(whole)});
    std::uint32_t victim = 0;
    for (int i = 0; victim == 0 && i < 4000; ++i) {
      w.run_for(10ms);
      for (std::uint32_t who = 1; who < archive_at && victim == 0; ++who) {
        w.each_activity<held_lease>(peer{who}, [&](held_lease const& l) {
          bool const fetches = l.now == held_lease::state::fetching && !l.divides;
          bool const made = l.now == held_lease::state::reporting && l.divides;
          if (when == 0 ? fetches : made) victim = who;
        });
      }
    }
    REQUIRE(victim != 0);
    w.run_for(200ms);
    w.crash(peer{victim});
    w.run_for(9min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    CHECK(seen.ends[0].second.how == ending::completed);
    CHECK(seen.into(asker) >= 20 * megabyte);
  }
}

TEST_CASE("a part's bytes come while other parts still run; its holder is not needed any more") {
  film_world uneven{7, 10};
  uneven.archive_renders = false;
  uneven.uneven = true;
  films w{uneven};
  w.run_for(5s);
  w.tell(peer{asker}, submit{film_job(whole)});
  std::uint32_t divider = 0;
  for (int i = 0; divider == 0 && i < 6000; ++i) {
    w.run_for(10ms);
    for (std::uint32_t who : {1U, 2U}) {
      w.each_activity<lease_papers>(peer{who}, [&](lease_papers const& p) {
        if (p.parts != 0 && p.done + 1U == p.parts) divider = who;
      });
    }
  }
  REQUIRE(divider != 0);
  CHECK(w.observed().into(divider) >= 15 * megabyte);
  for (std::uint32_t who = 3; who < archive_at; ++who) {
    bool runs = false;
    w.each_activity<held_lease>(peer{who}, [&](held_lease const& l) {
      runs = runs || l.now == held_lease::state::running;
    });
    if (!runs) w.crash(peer{who});
  }
  w.run_for(9min);
  auto const seen = w.observed();
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].second.how == ending::completed);
  CHECK(seen.ends[0].second.by.index() == divider);
  CHECK(seen.given_at(1) == 1);
  CHECK(seen.given_at(2) == 4);
}

TEST_CASE("a holder that dies before its part's bytes came: that part alone is made again") {
  film_world uneven{7, 10};
  uneven.archive_renders = false;
  uneven.uneven = true;
  films w{uneven};
  w.run_for(5s);
  w.tell(peer{asker}, submit{film_job(whole)});
  std::vector<std::uint32_t> victims;
  for (int i = 0; victims.empty() && i < 6000; ++i) {
    w.run_for(10ms);
    std::uint32_t const who = 1 + i % 2;
    w.each_activity<lease_papers>(peer{who}, [&](lease_papers const& p) {
      if (p.parts != 0 && p.done + 1U == p.parts) victims = makers_at(w, who);
    });
  }
  REQUIRE(victims.size() == 1);
  w.crash(peer{victims[0]});
  w.run_for(9min);
  auto const seen = w.observed();
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].second.how == ending::completed);
  CHECK(seen.given_at(1) == 1);
  CHECK(seen.given_at(2) == 5);
}

TEST_CASE("what was verified stays so when its makers are gone: one more has to agree") {
  for (std::uint32_t gone : {1U, 2U}) {
    film_world_of<wary_hydra> plan{7, 10};
    plan.archive_renders = false;
    wary_films w{plan};
    w.run_for(5s);
    w.tell(peer{asker}, submit{film_job(leaf)});
    std::vector<std::uint32_t> victims;
    for (int i = 0; victims.empty() && i < 12000; ++i) {
      w.run_for(10ms);
      victims = makers_at(w, asker);
    }
    REQUIRE(victims.size() == 2);
    for (std::uint32_t i = 0; i < gone; ++i) w.crash(peer{victims[i]});
    w.run_for(9min);
    auto const seen = w.observed();
    REQUIRE(seen.ends.size() == 1);
    CHECK(seen.ends[0].second.how == ending::completed);
    CHECK(seen.given.size() == 1 + gone);  // of two that made it one is enough
    CHECK(seen.into(asker) >= 20 * megabyte);
  }
}

namespace {

// Everybody is in this ring; of friends nearly every result is asked for twice.
template <std::uint8_t Ring>
struct all_in : trusts::open {
  [[nodiscard]] verdict admits(auto& env, principal who, right what) const {
    auto said = trusts::open::admits(env, who, what);
    if (said.ring != 0) said.ring = Ring;
    return said;
  }
};
template <std::uint8_t Ring>
using lonely_hydra = Hydra<routing::full_mesh, all_in<Ring>, verify::repeat>;

// One asker, one provider, nobody for a second opinion.
template <std::uint8_t Ring>
auto alone_with_one() {
  using world = sim::world<lonely_hydra<Ring>, lonely_world<lonely_hydra<Ring>>, way_bill>;
  world w{lonely_world<lonely_hydra<Ring>>{7, 2}};
  w.run_for(5s);
  for (std::uint64_t n = 1; n <= 8; ++n) {
    job j;
    j.id = {principal{0}, n};
    j.what = leaf;
    j.work = 2s;
    j.patience = 3min;
    w.tell(peer{asker}, submit{j});
  }
  w.run_for(5min);
  std::size_t done = 0;
  for (auto const& e : w.observed().ends) done += e.second.how == ending::completed ? 1U : 0U;
  return done;
}

}  // namespace

TEST_CASE("where nobody else is found a friend is believed, a stranger never") {
  CHECK(alone_with_one<1>() == 8);
  CHECK(alone_with_one<3>() == 0);
}

TEST_CASE("without its holder a job ends without a result, and nothing is left") {
  films w{film_world{7, 10}};
  w.run_for(5s);
  w.crash(peer{archive_at});
  w.tell(peer{asker}, submit{film_job(leaf)});
  w.run_for(12min);
  auto const seen = w.observed();
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].second.how != ending::completed);
  std::size_t left = 0;
  for (std::uint32_t i = 0; i < archive_at; ++i) {
    w.each_activity<fetching>(peer{i}, [&](fetching const&) { ++left; });
    w.each_activity<held_lease>(peer{i}, [&](held_lease const&) { ++left; });
  }
  CHECK(left == 0);
}

TEST_CASE("bytes and shards: the same digest") {
  auto const play = [](films&& w) {
    w.run_for(5s);
    for (std::uint64_t n = 1; n <= 6; ++n) {
      w.tell(peer{asker}, submit{film_job(n % 2 == 0 ? leaf : whole, n)});
    }
    w.run_for(20s);
    w.crash(peer{4});
    w.run_for(200s);
    CHECK(w.observed().ends.size() == 6);
    return w.digest();
  };
  auto const expected = play(films{film_world{7, 10}});
  CHECK(play(films{film_world{7, 10}, {.shards = 2}}) == expected);
  CHECK(play(films{film_world{7, 10}, {.shards = 3, .check_wire = true}}) == expected);
}

namespace {

sim::run_result ran(std::string const& text) {
  auto const read = sim::parse_scenario(text, "x.toml");
  for (auto const& e : read.errors) FAIL(e.str());
  return sim::run(read.value, {});
}

}  // namespace

TEST_CASE("whoever divides into many parts collects all of their bytes") {
  auto const r = ran(R"(
purpose = "A divider of forty parts, each of which makes an object."
hydras = 80
duration = "12 min"
[services]
count = 2
providers = 60
kinds_per_provider = 2
[[composition]]
whole = 0
part = 1
join = 2
parts = 40
[workload]
jobs = 8
kinds = 1
service_time = "80 s"
output_mb = 4
start = "20 s"
stop_before_end = "9 min"
patience = "8 min"
spend = 64
)");
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted > 2);
  CHECK(r.jobs.completed == r.jobs.submitted);
  double tasks = 0;
  for (auto const& e : r.extra) tasks = e.name == "tasks_run" ? e.value : tasks;
  CHECK(tasks >= 40.0 * static_cast<double>(r.jobs.completed));  // parts count
}

TEST_CASE("a queue of tasks that wait for one object is told when it has come") {
  auto const r = ran(R"(
purpose = "Two servers, and forty jobs at once that read the same bytes."
hydras = 60
duration = "20 min"
[services]
count = 1
providers = 2
kinds_per_provider = 1
cores = 2
[[group]]
name = "shelf"
city = "Lisbon"
count = 1
access = "mobile"
[workload]
jobs = 40
law = "even"
service_time = "4 s"
input_mb = 60
holder = "shelf"
start = "20 s"
stop_before_end = "1175 s"
patience = "18 min"
[verify]
strangers = "0"
friends = "0"
)");
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted >= 20);
  CHECK(r.jobs.completed == r.jobs.submitted);
}
