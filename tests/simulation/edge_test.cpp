// A small world of phones behind NATs: who stands in whose table, and what it costs when phones do
// not say that nobody can call them.
#include "catch.hpp"
#include "scaled.hpp"

#include <hydra/sim/runner.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;

namespace {

settings const small{{"hydras", "600"},       {"duration", "12 min"},  {"services.providers", "40"},
                     {"services.count", "6"}, {"workload.jobs", "900"}};

sim::scenario edge(settings const& changed = small) { return scaled("edge", changed); }

// By keys alone: a ring of friends beside them hides what is shown here.
using by_key = Hydra<routing::kademlia<8>, any_scheduler>;

// Where phones may keep quiet about their NAT: what libp2p's Kademlia was without client mode.
struct telling : sim::populated<by_key> {
  telling(sim::scenario const& s, bool tells) : populated{s}, phones_tell{tells} {}
  [[nodiscard]] reach reach_of(std::uint32_t who) const noexcept {
    return phones_tell ? planet::reach_of(who) : reach::open;
  }
  bool phones_tell;
};

struct outcome_of {
  std::size_t phones_in_tables = 0;  // of servers
  std::size_t servers_in_tables = 0;  // of all
  double completed = 0;
  double asked_per_job = 0;  // questions of Kademlia
  double response_s = 0;
  std::uint64_t kept_out = 0;
};

template <class World>
void look_into_tables(World const& w, outcome_of& out) {
  for (std::uint32_t who = 0; who < w.peers(); ++who) {
    auto const& table = w.node(peer{who}).routing().contact_table();
    for (std::size_t i = 0; i < table.size(); ++i) {
      bool const is_phone = w.setting().calls_out_only(table.at(i).who.index());
      if (is_phone && !w.setting().calls_out_only(who)) ++out.phones_in_tables;
      if (!is_phone) ++out.servers_in_tables;
    }
  }
}

outcome_of run(bool phones_tell) {
  using world = sim::world<by_key, telling, sim::history>;
  auto const what = edge();
  world w{telling{what, phones_tell}};
  w.run_until(origin + what.duration);
  outcome_of out;
  look_into_tables(w, out);
  auto const all = w.observed();
  for (auto const& e : all.ended_) {
    if (e.how.how != ending::completed) continue;
    out.completed += 1;
    out.response_s += seconds(e.how.response);
  }
  out.response_s /= std::max(1.0, out.completed);
  out.completed /= static_cast<double>(std::max<std::size_t>(1, all.asked_.size()));
  auto const by_type = w.sent_by_type();
  using said = messages_of<by_key>;
  auto const questions = by_type[index_of<routing::find_providers, said>] +
                         by_type[index_of<routing::find_node, said>];
  out.asked_per_job = static_cast<double>(questions) / static_cast<double>(all.asked_.size());
  out.kept_out = w.counts().kept_out;
  return out;
}

}  // namespace

TEST_CASE("no server's table holds a phone, and all find servers", "[edge]") {
  auto const out = run(true);
  CHECK(out.phones_in_tables == 0);
  CHECK(out.servers_in_tables > 600 * 8);
  CHECK(out.completed >= 0.97);
  auto const silent = run(false);
  UNSCOPED_INFO("questions per job " << out.asked_per_job << " against " << silent.asked_per_job
                                     << ", kept out " << out.kept_out << " against "
                                     << silent.kept_out << ", completed " << out.completed
                                     << " against " << silent.completed << ", response "
                                     << out.response_s << " s against " << silent.response_s);
  CHECK(silent.phones_in_tables > 400);
  CHECK(silent.kept_out > 20 * out.kept_out);
  CHECK(silent.asked_per_job > 2 * out.asked_per_job);
  CHECK(silent.response_s > 1.5 * out.response_s);
  CHECK(silent.completed < out.completed - 0.05);
}

TEST_CASE("a small edge finishes the jobs of its phones", "[edge][scenarios]") {
  auto const what = edge();
  auto const r = sim::run(what, {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted == r.jobs.completed + r.jobs.failed + r.jobs.running);
  CHECK(r.jobs.submitted >= 300);
  CHECK(r.jobs.completed >= r.jobs.submitted * 97 / 100);
  CHECK(r.wrong_accepted == 0);
  sim::run_options two;
  two.threads = two.shards = 2;
  CHECK(sim::run(what, two).digest == r.digest);
}

TEST_CASE("a mesh of few servers serves phones too", "[edge]") {
  auto const r = sim::run(edge({{"hydras", "60"},
                                {"duration", "12 min"},
                                {"services.providers", "12"},
                                {"services.count", "3"},
                                {"workload.jobs", "60"},
                                {"policy.routing", "full_mesh"}}),
                          {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted >= 15);
  CHECK(r.jobs.completed >= r.jobs.submitted * 8 / 10);
}

TEST_CASE("what a phone asks for is divided and given on, and nobody has to call the phone",
          "[edge]") {
  auto const r = sim::run(scaled("movie", {{"hydras", "500"},
                                           {"workload.jobs", "14"},
                                           {"services.providers", "120"},
                                           {"world.calls_out_only", "1"},
                                           {"group.1.calls_out_only", "true"}}),
                          {});
  for (auto const& f : r.failures) FAIL_CHECK(f.what);
  CHECK(r.jobs.submitted >= 8);
  CHECK(r.jobs.completed >= r.jobs.submitted * 8 / 10);
  CHECK(r.wrong_accepted == 0);
}
