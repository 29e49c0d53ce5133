// Runs the built command. What is checked is the contract: exit codes, streams, and messages.
#include "../catch.hpp"
#include "../folder.hpp"
#include "command.hpp"

#include <filesystem>
#include <fstream>
#include <string>

using namespace command;
using std::string;

TEST_CASE("how the command was typed wrongly is exit code 2, with the nearest spelling") {
  if (absent()) return;
  CHECK(run("2>&1").code == 2);
  CHECK(has(run("smi 2>&1"), "did you mean \"sim\"?"));
  CHECK(has(run("sim rnu hello 2>&1"), "did you mean \"run\"?"));
  CHECK(has(run("sim list --jsn 2>&1"), "did you mean \"--json\"?"));
  CHECK(run("sim run hello --set nonsense 2>/dev/null").code == 2);
  CHECK(run("sim list -o yaml 2>/dev/null").code == 2);
  CHECK(run("sim --help").code == 0);
  CHECK(run("-V").code == 0);
}

TEST_CASE("a verb of the network says that hydra-node is missing") {
  if (absent()) return;
  auto const beside = std::filesystem::path{program()}.parent_path() / "hydra-node";
  if (std::filesystem::exists(beside)) return;
  auto const o = run("up 2>&1");
  CHECK(o.code == 2);
  CHECK(has(o, "hydra-node is not installed"));
}

TEST_CASE("an invalid scenario is exit code 3 and leaves stdout to nobody") {
  if (absent()) return;
  auto const o = run("sim run hello --set workload.jbos=3 --json 2>/dev/null");
  CHECK(o.code == 3);
  CHECK(o.out.empty());
  CHECK(has(run("sim run helo 2>&1"), "did you mean \"hello\"?"));
  CHECK(has(run("sim lint hello --seed x 2>&1"), "--seed x: seed: x is not allowed"));
}

TEST_CASE("every committed scenario passes lint and is listed") {
  if (absent()) return;
  CHECK(run("sim lint").code == 0);
  auto const o = run("--json sim list");
  CHECK(o.code == 0);
  for (auto name : {"planet", "churn", "clogged", "edge", "liars", "hello"})
    CHECK(has(o, "\"name\": \"" + string{name} + "\""));
}

TEST_CASE("version tells the compiler in every format") {
  if (absent()) return;
  CHECK(has(run("version"), "compiler"));
  CHECK(has(run("version --json"), "\"compiler\":"));
  CHECK(has(run("-o csv version"), "version,compiler"));
}

TEST_CASE("hello runs, prints one object, and writes its result and manifest in full") {
  if (absent()) return;
  folder const here;
  auto const o = run("sim run hello --json --seed 3 --set 'duration=100 s' --out '" +
                     here.file("out") + "' 2>/dev/null");
  CHECK(o.code == 0);
  CHECK(o.out.front() == '{');
  CHECK(has(o, "\"seed\": 3"));
  CHECK(has(o, "\"reproduce\": \"hydra sim run hello --seed 3 --set 'duration=100 s'\""));
  std::size_t files = 0;
  for (auto const& each : std::filesystem::recursive_directory_iterator{here.path})
    if (each.is_regular_file()) {
      auto const name = each.path().filename();
      CHECK((name == "manifest.json" || name == "result.json" || name == "report.html" ||
             name == "jobs.csv" || name == "hydras.csv" || name == "timeline.csv"));
      CHECK(each.file_size() > 100);
      ++files;
    }
  CHECK(files == 6);
}

TEST_CASE("comparisons stand beside the result; timings can be left out") {
  if (absent()) return;
  auto const o = run("sim run hello --json --alone --unverified --no-timings --no-out 2>/dev/null");
  CHECK(o.code == 0);
  for (auto key : {"\"alone\": {", "\"unverified\": {", "\"extra_work\":", "\"honest_hurt\":"})
    CHECK(has(o, key));
  for (auto key : {"wall_s", "cpu_s", "bytes_per_hydra"}) CHECK_FALSE(has(o, key));
  auto const best = run("sim run hello --json --omniscient --alone --no-out 2>/dev/null");
  CHECK(best.code == 0);
  for (auto key : {"\"omniscient\": {", "\"rule\": \"", "\"equal_terms\": {", "\"rows\": [",
                   "\"name\": \"ours\"", "\"name\": \"alone\"", "\"name\": \"omniscient\"",
                   "hydra sim run hello --seed 1 --alone --omniscient"})
    CHECK(has(best, key));
  auto const shown = run("sim run hello --no-out --set compare.omniscient=true 2>/dev/null");
  CHECK(has(shown, "a central scheduler that knows everything"));
  CHECK(has(shown, "on equal terms"));
  auto const asked = run("sim run hello --no-out --set compare.unverified=true 2>/dev/null");
  CHECK(has(asked, "wrong accepted"));
  CHECK(has(asked, "x the work"));
}

TEST_CASE("a policy is chosen by its slot; another word is refused with those allowed") {
  if (absent()) return;
  auto const o = run("sim run hello --no-out --set trust=opne 2>&1");
  CHECK(o.code == 3);
  CHECK(has(o, "--set trust=opne: policy.trust: "));
  CHECK(has(o, "rings, beta_reputation, open"));
  CHECK(has(o, "did you mean \"open\"?"));
  CHECK(run("sim run hello --no-out --set trust=open 2>&1").code == 0);
}

TEST_CASE("a run that was written down goes on to the same JSON; another run's file is refused") {
  if (absent()) return;
  folder const here;
  string const file = "'" + here.file("it is.ck") + "'";
  string const quiet = " --no-out --json --no-timings --progress none";
  auto const whole = run("sim run hello --seed 4 --set workload.jobs=50" + quiet);
  REQUIRE(whole.code == 0);
  auto const cut = run("sim run hello --seed 4 --set workload.jobs=50 --shards 2 --checkpoint " +
                       file + " --checkpoint-at '70 s' 2>&1 >/dev/null" + quiet);
  CHECK(cut.code == 0);
  CHECK(has(cut, "it is.ck at 70.000 s, "));
  CHECK(has(cut, " MB in "));
  auto const rest = run("sim run --resume " + file + quiet);
  CHECK(rest.code == 0);
  CHECK(rest.out == whole.out);
  CHECK(run("sim run hello --seed 4 --set workload.jobs=50 --resume " + file + quiet).out ==
        whole.out);
  CHECK(run("sim run --resume " + file + " --seed 5 2>&1" + quiet).code == 3);
  auto const other = run("sim run churn --resume " + file + " 2>&1" + quiet);
  CHECK(other.code == 3);
  CHECK(has(other, "is a checkpoint of another run: it is of seed 4, not 1"));
  CHECK(run("sim run --resume " + file + " --permute 2>&1" + quiet).code == 2);
  CHECK(run("sim run hello --checkpoint-at '9 s' 2>&1" + quiet).code == 2);
  CHECK(run("sim run hello --checkpoint x --checkpoint-at '9 h' 2>&1" + quiet).code == 2);
  CHECK(run("sim run 2>&1").code == 2);

  auto const foreign = run("sim run --resume '" HYDRA_SOURCE_DIR "/README.md' 2>&1");
  CHECK(foreign.code == 3);
  CHECK(has(foreign, "README.md: is not a checkpoint of Hydra"));
  auto const full = run("sim run hello --checkpoint '" + here.file("no/where") +
                        "' --checkpoint-every '60 s' 2>&1 >/dev/null" + quiet);
  CHECK(full.code == 1);
  CHECK(has(full, "the checkpoint was not written: "));
  auto const late = run("sim run churn --timeout '1 us' --checkpoint " + file + " 2>&1" + quiet);
  CHECK(late.code == 124);
  CHECK(run("sim run --resume " + file + " --timeout '1 us'" + quiet).code == 124);
}

TEST_CASE("a folder that cannot be written to is refused before the run") {
  if (absent()) return;
  auto const o = run("sim run hello --out /proc/nowhere 2>&1");
  CHECK(o.code == 1);
  CHECK(has(o, "the results cannot be written: /proc/nowhere"));
  CHECK_FALSE(has(o, "reproduce:"));
}

TEST_CASE("results that cannot be written at the end are an error that leaves the summary") {
  if (absent()) return;
  namespace fs = std::filesystem;
  folder const here;
  auto const out = here.file("out");
  REQUIRE(run("sim run hello --out " + out + " 2>&1").code == 0);
  for (auto const& each : fs::directory_iterator{out}) {  // its place is taken by a file
    auto const name = each.path();
    fs::remove_all(name);
    std::ofstream{name} << "in the way";
  }
  auto const o = run("sim run hello --out " + out + " 2>&1");
  CHECK(o.code == 1);
  CHECK(has(o, "reproduce: hydra sim run hello"));
  CHECK(has(o, "the results were not written: " + out));
}
