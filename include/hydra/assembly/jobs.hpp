// What the protocol of jobs says, remembers and reports. See protocol.hpp for how it acts.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/core/values.hpp>
#include <hydra/verify/concept.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

// ---- between a Hydra and its user ---------------------------------------------------------------

struct submit {  // input: do this for me
  job what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what;
  }
};

struct withdraw_job {  // input: I do not need it any more
  job_id which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which;
  }
};

enum class ending : std::uint8_t {
  completed,
  nobody_found,   // no candidate that trust admits, until patience ran out
  no_result,      // candidates, but no believable result until patience ran out
  refused,        // this Hydra holds as many jobs as it may
  cancelled,
};

struct job_done {  // fact: exactly one for every job that was submitted
  job_id which{};
  ending how = ending::completed;
  payload output{};
  peer by{};               // whose result was accepted
  duration response{};     // from submission
  std::uint8_t hops = 0;   // of the lookup
  std::uint8_t placements = 0;  // leases given
  std::uint8_t replaced = 0;    // leases given up because the holder fell silent or refused
  std::uint8_t results = 0;
  std::uint8_t lives = 0;      // crashes of the owner that the job survived
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& how& output& by& response& hops& placements& replaced& results& lives;
  }
};

struct job_accepted {  // fact: the job is durable, it survives a crash of this head
  job_id which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which;
  }
};

struct judged {  // fact: what was found out about an executor
  job_id which{};
  principal who{};
  outcome what = outcome::done;
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& who& what;
  }
};

struct task_ended {  // fact, at the executor: for its own accounts
  job_id which{};
  outcome what = outcome::done;
  duration busy{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& what& busy;
  }
};

// ---- between Hydras -----------------------------------------------------------------------------

struct lease_name {  // one placement of one job
  job_id of{};
  std::uint32_t number = 0;
  friend constexpr bool operator==(lease_name const&, lease_name const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& number;
  }
};

struct call_for_bid {
  static constexpr message_id id{room::protocol, 1, 1};
  job_id of{};
  service what{};
  duration work{};
  passport terms{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& what& work& terms;
  }
};

struct bid {
  static constexpr message_id id{room::protocol, 2, 1};
  job_id of{};
  bool accepted = false;
  duration start{};   // predicted wait
  duration finish{};  // predicted time to the result
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& accepted& start& finish;
  }
};

struct award {  // the lease
  static constexpr message_id id{room::protocol, 3, 1};
  hydra::lease lease{};
  task what{};
  passport terms{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& lease& what& terms;
  }
};

struct refused {
  static constexpr message_id id{room::protocol, 4, 1};
  lease_name which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which;
  }
};

struct progress {  // renews the lease when the owner answers
  static constexpr message_id id{room::protocol, 5, 1};
  lease_name which{};
  bool started = false;
  duration left{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& started& left;
  }
};

struct renew {
  static constexpr message_id id{room::protocol, 6, 1};
  lease_name which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which;
  }
};

struct result_ready {
  static constexpr message_id id{room::protocol, 7, 1};
  lease_name which{};
  bool ok = false;
  payload output{};
  hydra::receipt receipt{};  // signed by the executor
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& ok& output& receipt;
  }
};

struct settle {  // the receipt, signed by both; or a plain acknowledgement when nothing is earned
  static constexpr message_id id{room::protocol, 8, 1};
  lease_name which{};
  bool earned = false;
  hydra::receipt receipt{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& earned& receipt;
  }
};

struct cancel {
  static constexpr message_id id{room::protocol, 9, 1};
  lease_name which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which;
  }
};

// ---- what is remembered -------------------------------------------------------------------------

// Durable: a job that was accepted is taken up again after a crash.
struct kept_job {
  static constexpr message_id id{room::protocol, 100, 1};
  job what{};
  instant submitted{};
  std::uint32_t leases = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& submitted& leases;
  }
};

// A candidate that was given the job.
struct placement {
  enum class state : std::uint8_t { awarded, running, reported, checked, lost };
  peer who{};
  hydra::principal principal{};
  verdict standing{};
  std::uint32_t number = 0;
  state now = state::awarded;
  instant until{};   // silence until then is taken for death
  key lease{};
  key hash{};
  payload output{};
  hydra::receipt receipt{};
  command checking{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& principal& standing& number& now& until& lease& hash& output& receipt& checking;
  }
};

// The owner's side of a job.
struct owned_job {
  static constexpr std::size_t per_peer_max = 256;
  enum class state : std::uint8_t { keeping, finding, bidding, running, resting, settled };
  instant wake{};        // nothing is due before; what a timer looks at comes first in memory
  instant due{};         // when this state has lasted too long
  instant submitted{};
  state now = state::keeping;
  job what{};
  activity lookup{};
  command keeping{};
  candidates among{};    // who was found; queue >= 0 once they bid
  std::uint16_t asked = 0;  // a bit per candidate
  std::uint16_t answered = 0;
  instant asked_at{};
  bounded_vector<placement, testimonies_max> given{};
  bounded_vector<principal, 24> avoid{};  // were tried, or failed
  std::uint8_t needed = 1;   // results
  std::uint8_t hops = 0;
  std::uint8_t rounds = 0;
  std::uint8_t replaced = 0;
  std::uint32_t leases = 0;
  bool found_anyone = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& wake& due& submitted& now& what& lookup& keeping& among& asked& answered& asked_at& given;
    a& avoid& needed& hops& rounds& replaced& leases& found_anyone;
  }
};

// The executor's side of a lease.
struct held_lease {
  static constexpr std::size_t per_peer_max = 64;
  enum class state : std::uint8_t { waiting, running, reporting };
  instant until{};       // the lease ends unless it is renewed
  instant next{};        // progress, or the next time that the result is sent
  instant started{};
  duration takes{};      // on this head
  state now = state::waiting;
  peer owner{};
  hydra::lease lease{};
  task what{};
  command run{};
  command checking{};    // of the owner's signature under the receipt
  std::uint8_t sent = 0;
  bool ok = false;
  payload output{};
  hydra::receipt receipt{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& until& next& started& takes& now& owner& lease& what& run& checking& sent& ok& output;
    a& receipt;
  }
};

// What one task may ask of a head, on the reference core: sums of it cannot overflow.
inline constexpr duration task_work_max = 24h;

// Bounds on every wait. All are of the order of a long round trip or of a task.
struct protocol_times {
  duration bid = 1500ms;      // for answers to a call
  duration acknowledge = 4s;  // for the first progress after an award
  duration progress = 10s;    // between two reports
  duration lease = 35s;       // without renewal the lease is over, on both sides
  duration resend = 4s;       // of a result that was not settled
  duration rest = 5s;         // before a job that found nobody is tried again
  std::uint8_t sends_max = 6;
  std::uint8_t rounds_max = 60;
  template <class A>
  void serialize(A& a, unsigned) {
    a& bid& acknowledge& progress& lease& resend& rest& sends_max& rounds_max;
  }
};

}  // namespace hydra
