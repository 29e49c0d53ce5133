#include "../catch.hpp"
#include "../folder.hpp"

#include <hydra/sim/checkpoint_file.hpp>
#include <hydra/sim/run.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace hydra;

// Everything that may be under way at once: churn, loss, copies, skew, liars, crashes, local and
// verified work, providers with queues, and bytes on slow lines.
constexpr char const* busy = R"(
name = "busy"
purpose = "Everything is under way whenever the run is written down."
hydras = 120
duration = "3 min"
seed = 5
[services]
count = 5
providers = 20
cores = 2
[[group]]
name = "shelf"
city = "Lisbon"
count = 2
access = "mobile"
[workload]
jobs = 200
input_mb = 3
output_mb = 2
holder = "shelf"
service_time = "12 s"
start = "15 s"
stop_before_end = "20 s"
patience = "90 s"
[churn]
share = 0.3
uptime = "skype06/uptime/weibull"
downtime = "skype06/downtime/weibull"
begin = "stationary"
pace = 200
[[fault]]
name = "loss"
kind = "loss"
at = "40 s"
for = "60 s"
chance = 0.1
[[fault]]
name = "copies"
kind = "duplicate"
chance = 0.05
[[fault]]
name = "power"
kind = "crash"
from = "providers"
chance = 0.3
at = "70 s"
away = "15 s"
[[fault]]
name = "clocks"
kind = "skew"
chance = 0.2
by = "300 ms"
[[fault]]
name = "liars"
kind = "lie"
chance = 0.2
)";

std::string content(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write(std::string const& path, std::string const& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

sim::scenario scene(std::vector<sim::override_setting> const& sets = {}) {
  auto const read = sim::parse_scenario(busy, "busy.toml", sets);
  for (auto const& e : read.errors) FAIL(e.str());
  return read.value;
}

// All that a run says and that does not depend on this machine.
std::string told(sim::run_result const& r) {
  std::ostringstream out;
  out.precision(17);
  out << std::hex << r.digest << std::dec << ' ' << r.simulated_s << ' ' << r.events << ' '
      << r.messages << " jobs " << r.jobs.submitted << ' ' << r.jobs.completed << ' '
      << r.jobs.failed << ' ' << r.jobs.running << ' ' << r.jobs.replaced;
  for (auto const* s : {&r.response_s, &r.hops, &r.utilisation}) {
    out << " of " << s->mean << ' ' << s->p50 << ' ' << s->p90 << ' ' << s->p99;
  }
  out << ' ' << r.remote_share << ' ' << r.wrong_accepted << ' ' << r.extra_work << ' '
      << r.honest_hurt;
  for (auto const& e : r.extra) out << ' ' << e.name << ' ' << e.value;
  for (auto const& f : r.failures) out << " failed: " << f.what;
  return out.str();
}

sim::run_options with(unsigned shards, unsigned threads = 1) {
  sim::run_options how;
  how.shards = shards;
  how.threads = threads;
  return how;
}

}  // namespace

TEST_CASE("a checkpoint replaces regular files only, and a link stays a link") {
  folder here;
  auto how = with(1);
  std::vector<std::string> wrong;
  how.checkpoint.at = std::chrono::seconds{10};
  how.checkpoint.tell = [&](sim::checkpoint_note const& n) {
    if (!n.begins) wrong.push_back(n.wrong);
  };
  std::filesystem::create_directory(here.path / "folder");
  write(here.file("there"), "old");
  std::filesystem::create_symlink(here.file("there"), here.path / "link");
  how.checkpoint.write_to = here.file("folder");
  static_cast<void>(sim::run(scene(), how));
  how.checkpoint.write_to = here.file("link");
  static_cast<void>(sim::run(scene(), how));
  REQUIRE(wrong.size() == 2);
  CHECK(wrong[0].find("no regular file") != std::string::npos);
  CHECK(wrong[1].empty());
  CHECK(std::filesystem::is_directory(here.path / "folder"));
  CHECK(std::filesystem::is_symlink(here.path / "link"));
  CHECK(content(here.file("there")).size() > 1'000);
}

TEST_CASE("a resumed run says the same as one that was never interrupted") {
  folder here;
  auto const what = scene();
  auto how = with(1);
  how.trace_file = here.file("whole.ndjson");
  auto const whole = sim::run(what, how);
  REQUIRE(whole.jobs.completed > 100);
  REQUIRE(whole.jobs.replaced > 5);
  auto const trace = content(how.trace_file);

  // Before anything, at a step and between steps, in the middle of crashes, and near the end.
  for (auto const at : {duration{1}, duration{45s}, duration{79s + 77us}, duration{179'999ms}}) {
    CAPTURE(at.count());
    std::string first;
    for (unsigned const shards : {1U, 2U}) {
      CAPTURE(shards);
      auto writes = with(shards);
      writes.checkpoint.write_to = here.file("run.hydra");
      writes.checkpoint.at = at;
      CHECK(told(sim::run(what, writes)) == told(whole));  // writing changes nothing
      auto const bytes = content(writes.checkpoint.write_to);
      REQUIRE(bytes.size() > 100'000);
      if (first.empty()) first = bytes;
      CHECK(bytes == first);  // whatever the shards
      auto goes_on = with(3 - shards);
      goes_on.checkpoint.resume_from = writes.checkpoint.write_to;
      goes_on.trace_file = here.file("rest.ndjson");
      CHECK(told(sim::run(what, goes_on)) == told(whole));
      CHECK(content(goes_on.trace_file) == trace);
    }
  }
}

TEST_CASE("what is written down again after a resume is the same to the byte") {
  folder here;
  auto const what = scene();
  auto how = with(1);
  how.checkpoint.write_to = here.file("late");
  how.checkpoint.at = 100s;
  static_cast<void>(sim::run(what, how));
  how.checkpoint.write_to = here.file("early");
  how.checkpoint.at = 75'123ms;
  static_cast<void>(sim::run(what, how));
  how.checkpoint.resume_from = here.file("early");
  how.checkpoint.write_to = here.file("late again");
  how.checkpoint.at = 100s;
  how.shards = 2;
  static_cast<void>(sim::run(what, how));
  CHECK(content(here.file("late")) == content(here.file("late again")));
}

TEST_CASE("a run that is stopped goes on where it was") {
  folder here;
  auto const what = scene();
  auto const whole = sim::run(what, with(1));
  auto how = with(2, 2);
  how.checkpoint.write_to = here.file("run.hydra");
  int steps = 0;
  how.on_progress = [&](sim::progress const&) { return ++steps < 150; };
  auto const cut = sim::run(what, how);
  CHECK(cut.interrupted);
  CHECK(here.files() == 1);
  how = with(1);
  how.checkpoint.resume_from = here.file("run.hydra");
  how.checkpoint.write_to = here.file("more");
  how.checkpoint.every = 20s;
  std::vector<sim::checkpoint_note> notes;
  how.checkpoint.tell = [&](auto const& n) { notes.push_back(n); };
  CHECK(told(sim::run(what, how)) == told(whole));
  REQUIRE(notes.size() == 2 * 5);  // at 80, 100, ... 160 s, twice each
  CHECK(notes.back().bytes == std::filesystem::file_size(here.file("more")));
  CHECK(notes.back().at == origin + 160s);
}

TEST_CASE("handles may be permuted, and until = quiet ends where it would have") {
  folder here;
  auto const what = scene({{"until", "quiet", "--set until"}});
  auto how = with(1);
  how.permute = true;
  auto const whole = sim::run(what, how);
  how.checkpoint.write_to = here.file("run.hydra");
  how.checkpoint.at = 80s;
  static_cast<void>(sim::run(what, how));
  how.checkpoint = {};
  how.checkpoint.resume_from = here.file("run.hydra");
  CHECK(told(sim::run(what, how)) == told(whole));
  how.permute = false;
  CHECK_THROWS_AS(sim::run(what, how), sim::checkpoint_error);
}

TEST_CASE("another world's checkpoint is refused") {
  folder here;
  auto how = with(1);
  how.checkpoint.write_to = here.file("run.hydra");
  how.checkpoint.at = 60s;
  static_cast<void>(sim::run(scene(), how));
  how.checkpoint = {};
  how.checkpoint.resume_from = here.file("run.hydra");
  auto const why = [&](sim::scenario const& s) -> std::string {
    try {
      static_cast<void>(sim::run(s, how));
    } catch (sim::checkpoint_error const& e) {
      return e.what();
    }
    return "nothing";
  };
  CHECK(why(scene({{"seed", "6", "--seed 6"}})).find("of another world") != std::string::npos);
  CHECK(why(scene({{"workload.service_time", "13 s", ""}})).find("another") !=
        std::string::npos);
  CHECK(why(scene({{"hydras", "121", ""}})).find("another") != std::string::npos);
  CHECK(why(scene({{"duration", "50 s", ""}})).find("of a longer run") != std::string::npos);
  CHECK(why(scene()) == "nothing");
}

TEST_CASE("whatever happens to the file is said, and nothing of it is believed") {
  folder here;
  auto const path = here.file("run.hydra");
  auto how = with(1);
  how.checkpoint.write_to = path;
  how.checkpoint.at = 60s;
  auto const what = scene();
  static_cast<void>(sim::run(what, how));
  auto const good = content(path);
  auto const why = [&](std::string const& bytes) -> std::string {
    write(path, bytes);
    try {
      sim::checkpoint_reader const r{path};
    } catch (sim::checkpoint_error const& e) {
      return e.what();
    }
    return "nothing";
  };
  CHECK(why(good) == "nothing");
  CHECK(why("") == path + ": is not a checkpoint of Hydra");
  CHECK(why("[scenario]\nname = \"foreign\"\n").find("not a checkpoint") != std::string::npos);
  CHECK(why(good.substr(0, 40)).find("cut off") != std::string::npos);
  for (std::size_t i = 0; i < 200; ++i) {
    auto const n = 24 + i * (good.size() - 24) / 200;
    CHECK(why(good.substr(0, n)).find("cut off") != std::string::npos);
    auto flipped = good;
    flipped[n] = static_cast<char>(flipped[n] ^ (1 << i % 8));
    CHECK(why(flipped).find("damaged") != std::string::npos);
  }
  auto later = good;
  later[16] = 2;
  CHECK(why(later).find("of format 2") != std::string::npos);
  CHECK(why(good + "x").find("damaged at its end") != std::string::npos);
  CHECK_THROWS_AS(sim::checkpoint_reader{here.file("none")}, sim::checkpoint_error);
  CHECK_THROWS_AS(sim::checkpoint_reader{here.path.string()}, sim::checkpoint_error);
  // Whole, but of another build.
  write(path, good);
  auto head = sim::checkpoint_reader{path}.head();
  CHECK(head.at == ns(duration{60s}));
  head.build = "hydra 9.9, another compiler";
  sim::checkpoint_writer{here.file("other"), head}.finish();
  how.checkpoint = {};
  how.checkpoint.resume_from = here.file("other");
  try {
    static_cast<void>(sim::run(what, how));
    FAIL("it was taken for one of this build");
  } catch (sim::checkpoint_error const& e) {
    CHECK(std::string{e.what()}.find("another build: hydra 9.9") != std::string::npos);
  }
}

TEST_CASE("a disk that is full leaves the file of before and nothing else") {
  folder here;
  auto how = with(1);
  how.checkpoint.write_to = here.file("run.hydra");
  how.checkpoint.at = 20s;
  auto const what = scene();
  auto const whole = sim::run(what, how);
  auto const before = content(how.checkpoint.write_to);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  auto const handler = std::signal(SIGXFSZ, SIG_IGN);
  auto tight = old;
  tight.rlim_cur = 200'000;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  std::string wrong;
  how.checkpoint.tell = [&](sim::checkpoint_note const& n) { wrong += n.wrong; };
  auto const ran = sim::run(what, how);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(wrong == how.checkpoint.write_to + ": File too large");
  CHECK(told(ran) == told(whole));  // it goes on all the same
  CHECK(content(how.checkpoint.write_to) == before);
  CHECK(here.files() == 1);
  how.checkpoint.write_to = here.file("no/such/folder");
  wrong.clear();
  static_cast<void>(sim::run(what, how));
  CHECK(wrong.find("No such file or directory") != std::string::npos);
}
