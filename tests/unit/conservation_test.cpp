// What the conservation of jobs says of histories that are right, and of each way to be wrong.
#include "../catch.hpp"

#include <hydra/sim/conservation.hpp>

#include <string>

namespace {

using namespace hydra;

// One job of peer 4, told step by step.
struct one_job {
  sim::history seen;
  sim::conservation jobs;
  sim::run_result out;
  bool held = false;
  std::int64_t now = 0;

  one_job() { seen.asked(4, 0, at_ns(1)); }
  void accept() {
    job_accepted a;
    a.which.nonce = 1;
    seen.fact(at_ns(2), 4, a);
  }
  void end(std::uint8_t placements, std::uint8_t lives = 0) {
    job_done d;
    d.which.nonce = 1;
    d.placements = placements;
    d.lives = lives;
    seen.fact(at_ns(3), 4, d);
  }
  void ran() {
    task_ended t;
    t.which = {principal{4}, 1};
    seen.fact(at_ns(3), 7, t);
  }
  std::string step() {
    jobs.read(0, seen);
    if (held) jobs.holds({4, 1});
    jobs.step(at_ns(now += 1'000'000'000), out);
    return said();
  }
  std::string finish() {
    jobs.read(0, seen);
    if (held) jobs.holds({4, 1});
    jobs.finish(out);
    return said();
  }
  [[nodiscard]] std::string said() const {
    std::string all;
    for (auto const& f : out.failures) all += f.what + ";";
    return all;
  }
};

}  // namespace

TEST_CASE("a job that is asked for, held and ended once is in order") {
  one_job j;
  CHECK(j.step() == "");
  j.accept();
  j.held = true;
  CHECK(j.step() == "");
  CHECK(j.step() == "");
  j.held = false;  // its last word is on its way
  CHECK(j.step() == "");
  j.ran();
  j.end(1);
  CHECK(j.step() == "");
  CHECK(j.finish() == "");
  CHECK(j.out.jobs.running == 0);
  CHECK(j.out.jobs.failed == 0);
}

TEST_CASE("a job that ends twice is told, once, when it is seen") {
  one_job j;
  j.end(1);
  CHECK(j.step() == "");
  j.end(1);
  CHECK(j.step() == "job 4/1 ended more than once, seen at 2.000 s;");
  CHECK(j.finish() == "job 4/1 ended more than once, seen at 2.000 s;");
}

TEST_CASE("a job that was accepted and is in nobody's hands is lost") {
  one_job j;
  j.accept();
  CHECK(j.step() == "");
  CHECK(j.step() == "job 4/1 was accepted and then lost, seen at 2.000 s;");
  one_job k;
  k.accept();
  CHECK(k.finish() == "job 4/1 was accepted and then lost;");
}

TEST_CASE("a job that runs more often than its owner gave it out is told") {
  one_job j;
  j.ran();
  CHECK(j.step() == "");
  j.end(1);
  CHECK(j.step() == "");
  j.ran();
  CHECK(j.step() == "job 4/1 ran more often than it was given out, seen at 3.000 s;");
  one_job again;  // began anew after a crash: what was given out before is forgotten
  again.ran();
  again.ran();
  again.end(1, 1);
  CHECK(again.finish() == "");
}

TEST_CASE("what was never accepted failed, what is held runs, what nobody asked for is told") {
  one_job j;
  CHECK(j.finish() == "");
  CHECK(j.out.jobs.failed == 1);
  one_job k;
  k.accept();
  k.held = true;
  CHECK(k.finish() == "");
  CHECK(k.out.jobs.running == 1);
  one_job l;
  l.seen.asked_.clear();
  l.end(1);
  CHECK(l.step() == "job 4/1 ended but nobody asked for it, seen at 1.000 s;");
}
