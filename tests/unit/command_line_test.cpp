// The command line of a user's program, with a harness that only writes down what it is asked for.
#include "../catch.hpp"

#include <hydra/sim/main.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace hydra::sim;

std::vector<std::string> asked;

run_result note_run(scenario const& s, run_options const&) {
  asked.push_back("run " + s.name + " " + std::to_string(s.seed));
  run_result r;
  r.jobs = {5'000, 5'000, 0, 0, 100};
  r.remote_share = 0.9;
  r.utilisation.mean = 0.5;
  r.events = 1'000'000;
  return r;
}
divergence note_check(scenario const& s, run_options const&) {
  asked.push_back("check " + s.name);
  return {};
}

// What it prints goes nowhere: tests of the output run the built command.
int call(std::vector<std::string> words, std::vector<std::string_view> fixed = {}) {
  ::setenv("HYDRA_SCENARIOS", HYDRA_SOURCE_DIR "/sim/scenarios", 1);
  words.insert(words.begin(), "/some/where/my_program");
  std::vector<char*> arguments;
  for (auto& w : words) arguments.push_back(w.data());
  std::fflush(stdout);
  std::fflush(stderr);
  int const out = ::dup(STDOUT_FILENO);
  int const err = ::dup(STDERR_FILENO);
  int const nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  asked.clear();
  int const code =
      command_line(static_cast<int>(arguments.size()), arguments.data(),
                   {note_run, note_check, std::move(fixed)});
  std::fflush(stdout);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (int file : {out, err, nowhere}) ::close(file);
  return code;
}

using words = std::vector<std::string>;

}  // namespace

TEST_CASE("a user's program runs hello when nothing else is said") {
  CHECK(call({"--no-out"}) == 0);
  CHECK(asked == words{"run hello 1"});
  CHECK(call({"--seed", "3", "--no-out"}) == 0);
  CHECK(asked == words{"run hello 3"});
}

TEST_CASE("verbs may be left out, said, or said as with hydra") {
  CHECK(call({"churn", "--json", "--no-out"}) == 0);
  CHECK(asked == words{"run churn 1"});
  CHECK(call({"run", "hello", "--no-out"}) == 0);
  CHECK(call({"sim", "run", "hello", "--no-out"}) == 0);
  CHECK(asked == words{"run hello 1"});
  CHECK(call({"check-determinism", "churn"}) == 0);
  CHECK(asked == words{"check churn"});
  CHECK(call({"--resume", "/no/such/file"}) == 3);
  CHECK(call({"lint"}) == 0);
  CHECK(call({"list", "-o", "csv"}) == 0);
  CHECK(call({"--help"}) == 0);
  CHECK(asked.empty());
}

TEST_CASE("a user's program has the exit codes of hydra") {
  CHECK(call({"helo"}) == 3);
  CHECK(call({"--jsn"}) == 2);
  CHECK(call({"rnu", "hello"}) == 2);
  CHECK(call({"hello", "--no-out", "--set", "expect.jobs_at_least=5001"}) == 4);
  CHECK(asked == words{"run hello 1"});
}

TEST_CASE("a policy that the program itself names cannot be chosen on its command line") {
  words const chord{"hello", "--no-out", "--set", "policy.routing=chord"};
  CHECK(call(chord) == 0);
  CHECK(call(chord, {"routing"}) == 3);
  CHECK(asked.empty());
  CHECK(call({"hello", "--no-out", "--set", "routing=chord"}, {"trust", "routing"}) == 3);
  CHECK(call({"lint", "hello", "--set", "policy.routing=chord"}, {"routing"}) == 3);
  CHECK(call({"check-determinism", "hello", "--set", "policy.routing=chord"}, {"routing"}) == 3);
  CHECK(call(chord, {"trust"}) == 0);
  CHECK(call({"hello", "--no-out", "--set", "routing.alpha=2"}, {"routing"}) == 0);
}

TEST_CASE("a slot is fixed unless its type is the choice of a scenario") {
  using slots = std::vector<std::string_view>;
  CHECK(fixed_slots<hydra::any_hydra>().empty());
  CHECK(fixed_slots<hydra::ready_made_hydra>() == slots{"routing", "proximity", "trust", "verify"});
  CHECK(fixed_slots<hydra::Hydra<hydra::any_routing>>() ==
        slots{"proximity", "trust", "scheduling", "verify"});
}
