// What the protocol of jobs says, remembers and reports. See protocol.hpp for how it acts.
#pragma once

#include <hydra/assembly/passport.hpp>
#include <hydra/core/node.hpp>
#include <hydra/core/values.hpp>
#include <hydra/verify/concept.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

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

struct placed {  // fact, at whoever gives a job or a part of one: a link of a chain was signed
  job_id which{};
  job_id root{};
  std::uint8_t depth = 1;   // of the new holder: 1 is whom the root gave it to
  bool replaces = false;    // somebody who had it before fell silent or refused
  peer who{};
  std::uint32_t number = 0;
  budget given{};
  key link{};    // hash of what was signed
  key parent{};  // of the passport that it was divided from; zero at the root
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& root& depth& replaces& who& number& given& link& parent;
  }
};

struct part_done {  // fact, at a holder that divided: as job_done, for a part
  job_id which{};
  ending how = ending::completed;
  peer by{};
  job_id whole{};           // what it is a part of; none once that is over
  std::uint16_t index = 0;  // which part of it
  payload output{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& how& by& whole& index& output;
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
  bulk data{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& what& work& terms;
    serialize_if_any(a, data);
  }
};

struct bid {
  static constexpr message_id id{room::protocol, 2, 1};
  job_id of{};
  bool accepted = false;
  bool divides = false;  // it will give parts of it on, and needs a budget for that
  duration start{};   // predicted wait
  duration finish{};  // predicted time to the result
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& accepted& divides& start& finish;
  }
};

struct award {  // the lease
  static constexpr message_id id{room::protocol, 3, 1};
  hydra::lease lease{};
  task what{};
  job_id root{};
  std::uint8_t depth = 1;  // links of its chain, `last` included
  passport_link last{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& lease& what& root& depth& last;
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
  root_token token{};  // none where the root itself renews a task that is not divided
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& token;
  }
};

struct result_ready {
  static constexpr message_id id{room::protocol, 7, 1};
  lease_name which{};
  bool ok = false;
  payload output{};
  hydra::receipt receipt{};  // signed by the executor
  object_ref object{};       // the output's bytes, where they lie
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& ok& output& receipt;
    serialize_if_any(a, object);
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

// Whoever holds a lease beyond the first hop asks its giver for the links above the last one.
struct ask_chain {
  static constexpr message_id id{room::protocol, 10, 1};
  lease_name which{};
  std::uint8_t from = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& from;
  }
};

struct chain_page {
  static constexpr message_id id{room::protocol, 11, 1};
  static constexpr std::size_t links_max = 7;
  lease_name which{};
  std::uint8_t from = 0;
  bounded_vector<passport_link, links_max> links{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& which& from& links;
  }
};

// ---- how a service is performed by others -------------------------------------------------------

inline constexpr std::uint64_t part_mark = std::uint64_t{1} << 63U;  // in the nonce of a part

// A head that performs `whole` by giving on parts of it. One part of the same service and nothing
// to join is passing on: the part's result is the whole's.
// With `split` the input says into how many: that service is run here first, and claims an object
// of so many parts (claim_of, at most parts_max); each part reads its own range of that object. An
// object of no parts is the answer for the whole.
struct composition {
  service whole{};
  service part{};
  service join{};             // run here on what the parts gave; none: nothing is joined
  std::uint16_t parts = 1;       // with split: how many are expected
  std::uint16_t join_share = 0;  // thousandths of the work
  service split{};               // none: parts are equal shares of the input
  std::uint16_t split_share = 0;
  [[nodiscard]] constexpr bool passes_on() const noexcept { return !join; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& whole& part& join& parts& join_share& split& split_share;
  }
};
// What part i of a task gets, and what is joined: equal whoever divides it.
[[nodiscard]] constexpr payload part_input(payload const& whole, std::uint32_t index) noexcept {
  payload out = whole;
  if (out.size < 8) out.size = 8;
  out.words[0] = mix64(out.words[0] ^ (index + 1ULL));
  return out;
}
// What a part gave, in a word: its first, unless that says nothing of it.
[[nodiscard]] constexpr std::uint64_t word_of(payload const& output) noexcept {
  auto word = output.words[0];
  if (!is_claim(output)) return word;
  for (std::size_t i = 1; i < (output.size + 7U) / 8U; ++i) word = mix64(word ^ output.words[i]);
  return word;
}
[[nodiscard]] constexpr payload joined_input(payload const& whole,
                                             std::span<std::uint64_t const> outputs) noexcept {
  payload out;
  out.size = 16;
  out.words[0] = whole.words[0];
  for (auto x : outputs) out.words[1] = mix64(out.words[1] ^ x);
  return out;
}
// Its range of the whole's input, and its share of the output.
[[nodiscard]] constexpr bulk part_bulk(bulk const& whole, std::uint32_t index,
                                       std::uint32_t parts) noexcept {
  auto const upto = [&](std::uint64_t i) {
    return whole.which.count / parts * i + whole.which.count % parts * i / parts;
  };
  bulk out = whole;
  out.which = {whole.which.first + upto(index), upto(index + 1ULL) - upto(index)};
  out.output_bytes = (whole.output_bytes + parts - 1) / parts;
  return out;
}
// Of an object that was made to be divided. Parts are of any size: each may give twice its share.
[[nodiscard]] constexpr bulk part_bulk(object_ref const& split, byte_range which,
                                       std::uint64_t output_bytes, std::uint32_t parts) noexcept {
  return {split, which, std::min(output_bytes, output_bytes / parts * 2 + 1), {}};
}
[[nodiscard]] constexpr duration join_work(composition const& c, duration work) noexcept {
  return work / 1000 * c.join_share;
}
[[nodiscard]] constexpr duration split_work(composition const& c, duration work) noexcept {
  return c.split ? work / 1000 * c.split_share : duration{};
}
[[nodiscard]] constexpr duration part_work(composition const& c, duration work,
                                           std::uint32_t parts) noexcept {
  auto const rest = work - join_work(c, work) - split_work(c, work);
  return std::max(duration{}, rest) / std::max<std::int64_t>(1, parts);
}
[[nodiscard]] constexpr duration part_work(composition const& c, duration work) noexcept {
  return part_work(c, work, c.parts);
}

// ---- what is remembered -------------------------------------------------------------------------

// Durable: a job that was accepted is taken up again after a crash.
struct kept_job {
  static constexpr message_id id{room::protocol, 100, 1};
  job what{};
  instant submitted{};
  std::uint32_t leases = 0;
  budget left{};  // what the next life may spend
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& submitted& leases& left;
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
  bool divides = false;
  bool concluded = false;  // settled with, and its receipt counted
  instant until{};   // silence until then is taken for death
  key lease{};
  key hash{};
  payload output{};
  hydra::receipt receipt{};
  object_ref object{};  // none: it makes none, or nobody has it any more
  command checking{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& principal& standing& number& now& divides& concluded& until& lease& hash& output;
    a& receipt& object& checking;
  }
};

// The owner's side of a job.
struct owned_job {
  static constexpr std::size_t per_peer_max = 256;
  enum class state : std::uint8_t {
    keeping, finding, bidding, running, resting, settled,
    collecting,  // a result was accepted; its bytes are on their way
  };
  instant wake{};        // nothing is due before; what a timer looks at comes first in memory
  instant due{};         // when this state has lasted too long
  instant submitted{};
  state now = state::keeping;
  job what{};
  activity lookup{};
  command keeping{};
  activity parent{};        // the lease that this is a part of; none: a user's job
  std::uint16_t part = 0;
  job_id root{};
  passport terms{};         // what its owner may do; terms.parent names the owner's own link
  std::uint8_t depth = 0;   // links of the owner's chain
  candidates among{};    // who was found; queue >= 0 once they bid
  std::uint16_t asked = 0;  // a bit per candidate
  std::uint16_t answered = 0;
  std::uint16_t dividers = 0;
  instant asked_at{};
  bounded_vector<placement, testimonies_max> given{};
  bounded_vector<principal, 24> avoid{};  // were tried, or failed
  std::uint8_t needed = 1;   // results
  std::uint8_t hops = 0;
  std::uint8_t rounds = 0;
  std::uint8_t replaced = 0;
  std::uint32_t leases = 0;
  bool found_anyone = false;
  std::uint8_t results = 0;   // accepted: how many there were,
  std::uint8_t believed = 0;  // which of `given` was accepted,
  activity fetch{};           // and, collecting, what fetches its output
  template <class A>
  void serialize(A& a, unsigned) {
    a& wake& due& submitted& now& what& lookup& keeping& parent& part& root& terms& depth& among;
    a& asked& answered& dividers& asked_at& given& avoid& needed& hops& rounds& replaced& leases;
    a& found_anyone& results& believed& fetch;
  }
};

// The executor's side of a lease.
struct held_lease {
  static constexpr std::size_t per_peer_max = 64;
  enum class state : std::uint8_t { proving, dividing, waiting, running, reporting, fetching };
  instant until{};       // the lease ends unless it is renewed
  instant next{};        // progress, or the next time that the result is sent
  instant started{};     // to wait, then to run
  duration takes{};      // on this head
  state now = state::waiting;
  bool failed = false;   // a part of it can not be had: the owner is told at the next timer
  bool divides = false;
  std::uint8_t depth = 1;
  peer owner{};
  hydra::lease lease{};
  task what{};
  job_id root{};
  passport_link last{};
  root_token token{};      // the newest that held
  root_token offered{};    // being checked
  duration off = 24h;      // of the root's clock from ours, with the way of its tokens
  command checking_token{};
  command run{};
  command checking{};    // of the owner's signature under the receipt
  std::uint8_t sent = 0;
  bool ok = false;
  payload output{};
  hydra::receipt receipt{};
  object_ref object{};
  bounded_vector<activity, 4> fetches{};  // under way
  std::uint8_t asked_for = 0;             // of the objects it needs
  std::uint64_t came = 0;                 // bytes, over the network
  template <class A>
  void serialize(A& a, unsigned) {
    a& until& next& started& takes& now& failed& divides& depth& owner& lease& what& root& last;
    a& token& offered& off& checking_token& run& checking& sent& ok& output& receipt& object;
    a& fetches& asked_for& came;
  }
};

// The papers of a lease that is proved or divided: its chain, and what came of its parts.
struct lease_papers {
  static constexpr std::size_t per_peer_max = 32;
  activity lease{};
  passport_chain chain{};   // as far as it is known, from the root on
  bounded_vector<std::uint32_t, hops_max> checking{};  // commands
  std::uint8_t good = 0;    // links whose signatures hold
  std::uint16_t parts = 0;  // none yet: it is to be split
  std::uint16_t done = 0;
  object_ref split{};       // what the parts read, where that is not the whole's input; pinned here
  bounded_vector<std::uint64_t, parts_max> outputs{};  // each part's, in a word
  payload last_output{};
  bounded_vector<object_ref, parts_max> objects{};  // of each part, if it has one; pinned here
  template <class A>
  void serialize(A& a, unsigned) {
    a& lease& chain& checking& good& parts& done& split& outputs& last_output& objects;
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
  duration per_megabyte = 80ms;  // what fetching is taken to cost: 100 Mbit/s
  std::uint8_t sends_max = 6;
  std::uint8_t rounds_max = 60;
  template <class A>
  void serialize(A& a, unsigned) {
    a& bid& acknowledge& progress& lease& resend& rest& per_megabyte& sends_max& rounds_max;
  }
};

}  // namespace hydra
