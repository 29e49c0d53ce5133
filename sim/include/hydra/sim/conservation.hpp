// Conservation of jobs, checked while a world runs: every job that was asked for ends exactly
// once or is in its owner's hands, and none runs more often than its owner gave it out.
//
// Read from the histories of the askers and from what heads hold, never from counters. Cost: what
// is new since the last look, and eight bytes a job.
#pragma once

#include <hydra/sim/history.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hydra::sim {

class conservation {
 public:
  // What is new in the history of one shard. Histories only grow.
  void read(std::size_t shard, history const& seen);
  // A job that some head holds now; to be said of all of them before each step() and finish().
  void holds(holding const& h);
  // A job in nobody's hands at two steps in a row is lost: its last word may be on its way.
  void step(instant now, run_result& out);
  // Counts who is running, and as failed who was never accepted.
  void finish(run_result& out);

  // Goes on from a checkpoint whose histories are now those of the first shard. Precondition:
  // everything in them was read before it was written.
  void resume(history const& all);
  template <class A>
  void serialize(A& a, unsigned) {
    a& jobs_;
  }

 private:
  struct job_state {
    std::uint16_t ran = 0;
    std::uint16_t placements = 0;  // as its ending said; 0: not said, or began anew
    std::uint8_t endings = 0;
    std::uint8_t missing = 0;  // steps in a row
    bool asked : 1 = false;
    bool accepted : 1 = false;
    bool held : 1 = false;
    bool told : 1 = false;  // a failure once is enough
    template <class A>
    void serialize(A& a, unsigned) {
      auto bits = static_cast<std::uint8_t>(asked | accepted << 1U | held << 2U | told << 3U);
      a& ran& placements& endings& missing& bits;
      asked = (bits & 1U) != 0;
      accepted = (bits & 2U) != 0;
      held = (bits & 4U) != 0;
      told = (bits & 8U) != 0;
    }
  };
  static_assert(sizeof(job_state) == 8);
  struct cursors {
    std::size_t asked = 0, accepted = 0, ended = 0, did = 0;
  };

  job_state& of(std::uint32_t owner, std::uint32_t number);
  template <class F>
  void each(F&& visit);
  // What is wrong with it whatever comes; null: nothing.
  [[nodiscard]] static char const* wrong(job_state const& j);
  void tell(std::uint32_t owner, std::uint32_t number, job_state& j, char const* what,
            char const* when, run_result& out);

  std::vector<std::vector<job_state>> jobs_;  // by owner, by number
  std::vector<cursors> read_;                 // by shard
};

}  // namespace hydra::sim
