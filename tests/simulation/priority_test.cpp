// Who waits for a core: the higher priority first, then the longest, and nobody for ever.
#include "catch.hpp"

#include <hydra/sim/ready_made.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace hydra;

namespace {

using planet_world = sim::ready_made_world;

// One head serves one kind on one core; three others have asked it for something by then.
class counter {
 public:
  counter() : world_{sim::populated<ready_made_hydra>{scene()}} {
    for (std::uint32_t who = 0; asking_.size() < 3; ++who) {
      if (!world_.setting().provides(who)) asking_.push_back(who);
    }
    world_.run_for(60s);
  }

  void ask(std::size_t which, std::uint8_t priority, duration work) {
    job j;
    j.id = {principal{asking_[which]}, 1};
    j.what = service{0};
    j.work = work;
    j.patience = 30min;
    j.priority = priority;
    world_.tell(peer{asking_[which]}, submit{j});
    world_.run_for(10s);
  }
  void wait(duration d) { world_.run_for(d); }

  // In the order in which their jobs ended.
  [[nodiscard]] std::vector<std::size_t> served() {
    world_.run_for(20min);
    auto seen = world_.observed();
    std::stable_sort(seen.ended_.begin(), seen.ended_.end(),
                     [](auto const& a, auto const& b) { return a.at < b.at; });
    std::vector<std::size_t> out;
    for (auto const& e : seen.ended_) {
      CHECK(e.how.how == ending::completed);
      auto const at = std::find(asking_.begin(), asking_.end(), e.owner);
      out.push_back(static_cast<std::size_t>(at - asking_.begin()));
    }
    return out;
  }

 private:
  [[nodiscard]] static sim::scenario scene() {
    sim::scenario s;
    s.name = "counter";
    s.hydras = 40;
    s.duration = 2h;
    s.workload.jobs = 0;
    s.services.count = 1;
    s.services.providers = 1;
    s.services.cores = 1;
    s.verify.on = false;
    return s;
  }

  std::vector<std::uint32_t> asking_;
  planet_world world_;
};

using order = std::vector<std::size_t>;

}  // namespace

TEST_CASE("of equal priority whoever waits longest gets the core") {
  for (auto const level : {std::uint8_t{0}, std::uint8_t{3}}) {
    counter c;
    c.ask(0, level, 2min);
    c.ask(1, level, 5s);
    c.ask(2, level, 5s);
    CHECK(c.served() == order{0, 1, 2});
  }
}

TEST_CASE("a higher priority gets the next free core, but takes none away") {
  counter c;
  c.ask(0, 0, 2min);
  c.ask(1, 0, 5s);
  c.ask(2, 1, 5s);
  CHECK(c.served() == order{0, 2, 1});
}

TEST_CASE("a level of priority is worth a minute of waiting and no more") {
  counter c;
  c.ask(0, 0, 5min);
  c.ask(1, 0, 5s);
  c.wait(3min);
  c.ask(2, 2, 5s);
  CHECK(c.served() == order{0, 1, 2});

  counter more;
  more.ask(0, 0, 5min);
  more.ask(1, 0, 5s);
  more.wait(3min);
  more.ask(2, 255, 5s);  // counts as the highest level
  CHECK(more.served() == order{0, 2, 1});
}

TEST_CASE("a task says its index and its priority") {
  task t{{principal{3}, 7}, 5, service{2}, 9s, {}};
  fold now{1};
  t.serialize(now, 0);
  t.priority = 15;
  fold other{1};
  t.serialize(other, 0);
  CHECK(other.value() != now.value());
  CHECK(t.index == 5);
  CHECK(t.priority == 15);
}
