// What the users of a planet saw: one history per shard, merged by content at the end.
//
// Conservation is checked from these histories, see conservation.hpp.
#pragma once

#include <hydra/assembly/protocol.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/run.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::sim {

struct asking {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::int64_t at = 0;
  bool accepted = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& number& at& accepted;
  }
};

struct ended {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::int64_t at = 0;
  job_done how{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& number& at& how;
  }
};

struct did {  // a task that ran to its end
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::uint32_t by = 0;
  std::int64_t at = 0;    // its end
  std::int64_t busy = 0;  // ns
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& number& by& at& busy;
  }
};

struct opinion {  // an owner found an executor honest or not
  std::uint32_t about = 0;
  outcome what = outcome::done;
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& what;
  }
};

class history {
 public:
  // ---- from the world
  void asked(std::uint32_t who, std::uint32_t n, instant at) {
    asked_.push_back({who, n + 1, ns(at), false});
  }
  void went_down(std::uint32_t who, instant at) {
    absences_.push_back({who, ns(at), false});
    ++crashes_;
  }
  void came_up(std::uint32_t who, instant at) { absences_.push_back({who, ns(at), true}); }

  // ---- from the nodes
  template <class F>
  void fact(instant, std::uint32_t, F const&) {}
  void fact(instant at, std::uint32_t who, job_done const& d) {
    ended_.push_back({who, static_cast<std::uint32_t>(d.which.nonce), ns(at), d});
  }
  void fact(instant, std::uint32_t who, job_accepted const& a) {
    accepted_.push_back({who, static_cast<std::uint32_t>(a.which.nonce), 0, true});
  }
  void fact(instant at, std::uint32_t who, task_ended const& t) {
    rows_.fact(at, who, t);
    if (busy_.size() <= who) busy_.resize(who + 1U);
    busy_[who] += t.busy.count();
    if (t.what != outcome::done) {
      ++abandoned_;
      return;
    }
    ++tasks_run_;
    if ((t.which.nonce & part_mark) != 0) return;  // of a job that a holder divided
    did_.push_back({t.which.owner.index(), static_cast<std::uint32_t>(t.which.nonce), who, ns(at),
                    t.busy.count()});
  }
  void fact(instant at, std::uint32_t who, judged const& j) {
    rows_.fact(at, who, j);
    opinions_.push_back({j.who.index(), j.what});
  }
  void fact(instant at, std::uint32_t who, placed const& p) { rows_.fact(at, who, p); }
  void fact(instant at, std::uint32_t who, part_done const& p) { rows_.fact(at, who, p); }
  void fact(instant, std::uint32_t, banned const& b) { bans_.push_back(b.who.index()); }

  // ---- from the streams
  void streamed(instant, std::uint32_t from, std::uint32_t to, std::uint64_t bytes) {
    if (through_.size() <= std::max(from, to)) through_.resize(std::max(from, to) + 1U);
    through_[from] += bytes;
    through_[to] += bytes;
    bytes_moved_ += bytes;
  }

  void merge(history const& other);
  // Everything in an order that does not depend on shards.
  void put_in_order();
  template <class A>
  void serialize(A& a, unsigned) {
    a& asked_& accepted_& ended_& did_& opinions_& bans_& busy_& absences_& crashes_& abandoned_;
    a& through_& bytes_moved_& tasks_run_;
  }

  // Writes one JSON object per line, in the order of time.
  void write_trace(std::string const& path) const;

  std::vector<asking> asked_;
  std::vector<asking> accepted_;
  std::vector<ended> ended_;
  std::vector<did> did_;
  std::vector<opinion> opinions_;
  std::vector<std::uint32_t> bans_;
  std::vector<std::int64_t> busy_;  // ns per peer
  std::vector<std::uint64_t> through_;  // bytes that a peer sent or got
  std::uint64_t bytes_moved_ = 0;
  std::uint64_t tasks_run_ = 0;  // to their end, parts of jobs included
  struct change {
    std::uint32_t who;
    std::int64_t at;
    bool up;
    template <class A>
    void serialize(A& a, unsigned) {
      a& who& at& up;
    }
  };
  std::vector<change> absences_;
  std::uint64_t crashes_ = 0;
  std::uint64_t abandoned_ = 0;
  job_rows rows_;  // only where a report is wanted; not merged, but moved to the recording
};

inline constexpr std::size_t failures_listed_max = 20;

// A job that a node still has: in hand, or kept for when it comes back.
struct holding {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
};

// Mean and percentiles; sorts what it is given. Zeros for nothing.
[[nodiscard]] spread spread_of(std::vector<double>& all);

// Fills in everything that follows from the histories, and the failures of the checks.
class conservation;
void summarise(planet const& where, history& all, conservation& jobs, instant end,
               run_result& out);

}  // namespace hydra::sim
