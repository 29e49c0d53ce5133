// A scenario: everything that decides what a run does, as plain values.
//
// Promise: two equal scenarios give equal runs. Every setting has a default, a range and a place
// in a TOML file (`[workload] jobs = 64000`) that `--set workload.jobs=64000` names too. Durations
// are integer nanoseconds and shares ratios of integers from the text on: no double reaches an
// event. Names of enumerators are the words a file uses, `-` for `_`.
#pragma once

#include <hydra/core/geo.hpp>
#include <hydra/core/random.hpp>
#include <hydra/core/time.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim {

inline constexpr std::uint64_t hydras_max = 10'000'000;
inline constexpr std::size_t faults_max = 1'000;  // [[fault]] sections of a scenario
inline constexpr std::size_t compositions_max = 3;
inline constexpr std::size_t groups_max = 64;

enum class ending : std::uint8_t { end, quiet };  // at `duration`, or when nothing is left to do
enum class positions_from : std::uint8_t { cities };
enum class latency_from : std::uint8_t { planet, constant, uniform, matrix };
enum class popularity_law : std::uint8_t { uniform, zipf };
enum class arrival_law : std::uint8_t { poisson, even, swf };
enum class processors_as : std::uint8_t { work, jobs, ignored };
enum class rows_kept : std::uint8_t { ran, completed, all };
enum class askers_by : std::uint8_t { user, job };
enum class time_law : std::uint8_t { constant, uniform, exponential };
enum class churn_begin : std::uint8_t { up, stationary };
enum class fault_kind : std::uint8_t {
  loss, duplicate, delay, partition, crash, restart, slow, skew, lie
};
enum class routing_name : std::uint8_t {
  ring_and_keys, ring_first, kademlia, chord, pastry, capability, indices, small_world, flood,
  walk, full_mesh
};
enum class proximity_name : std::uint8_t { geographic, uniform, vivaldi, blend };
enum class trust_name : std::uint8_t { rings, beta_reputation, open };
enum class scheduling_name : std::uint8_t { power_of_d, nearest, local_only };
enum class verify_name : std::uint8_t { repeat, none };

// So many in a span of time: 18 / s.
struct arrival_rate {
  std::uint64_t count = 0;  // zero: not said
  duration per = 1s;
  friend constexpr bool operator==(arrival_rate const&, arrival_rate const&) = default;
};

// Which heads: "any", "providers", "europe, africa", "peer 7", "peers 10-20" (both included), and
// "elsewhere" for where messages go: not where they come from.
struct whereabouts {
  enum class which : std::uint8_t { any, elsewhere, providers, regions, peers };
  which of = which::any;
  std::uint8_t regions = 0;  // a bit of world_regions each
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // included
  friend constexpr bool operator==(whereabouts const&, whereabouts const&) = default;
  [[nodiscard]] constexpr bool has_region(std::size_t i) const noexcept {
    return of == which::any || (of == which::regions && (regions >> i & 1U) != 0);
  }
};

// Where heads are and how long a message takes between them.
struct world_settings {
  positions_from positions = positions_from::cities;
  latency_from latency = latency_from::planet;
  duration latency_value = 50ms;  // one way; constant: of all pairs, uniform: the mean
  duration latency_spread{};      // uniform: at most so far from the mean
  std::string matrix;             // file of round trips in ms, one line a row
  bool tells_unreachable = false;  // whoever writes to a head that is down is told so
  ratio datacentre{5, 100};       // access classes: whole percents of the sites, together one
  ratio fibre{45, 100};
  ratio cable{30, 100};
  ratio mobile{20, 100};
  ratio calls_out_only{0, 1};  // of those who serve nobody: they are behind a NAT (nat.hpp),
  duration nat_hold = 2min;    // which lets answers in for so long after the last call
};

struct service_settings {
  std::uint32_t count = 20;  // kinds
  popularity_law popularity = popularity_law::zipf;
  ratio zipf_exponent{1, 1};
  std::uint32_t providers = 100;  // heads that serve
  std::uint32_t kinds_per_provider = 2;
  std::string names;              // of the kinds, from 0 on, for people: "render.movie, join"
  std::uint32_t cores = 2;
  ratio speed_least{1, 1};  // of the reference core, drawn per provider
  ratio speed_most{1, 1};
};

struct workload_settings {
  arrival_law law = arrival_law::poisson;
  std::uint64_t jobs = 1'000;  // expected in the whole run; ignored when a rate is given
  arrival_rate rate{};
  duration service_time = 40s;  // mean, on the reference core
  time_law service_law = time_law::exponential;
  duration service_time_most = 1h;  // longer draws are cut here
  ratio local_share{0, 1};  // of the jobs of a provider: for a kind that it serves itself
  duration start = 30s;             // nothing arrives before
  duration stop_before_end{};
  duration patience = 10min;
  std::uint32_t input_bytes = 64;
  std::uint32_t input_mb = 0;       // of an object that each job reads, 10^6 bytes; 0: none
  std::uint32_t output_mb = 0;      // of an object that each job makes
  std::string holder;               // the objects lie on members of this group
  std::uint32_t kinds = 0;          // only the first so many are asked for; 0: all
  std::uint32_t hops = 4;           // hands that a job may pass through
  std::uint32_t spend = 64;         // all that is done for a job may cost so many times its work
  std::uint32_t priorities = 1;  // levels, drawn evenly, or from the queue of a trace
  // law = "swf": what arrives comes from a trace, see recorded_arrivals.hpp.
  std::string swf;       // its file
  duration swf_from{};   // which part of it: submit times from here on,
  duration swf_for = duration{std::numeric_limits<std::int64_t>::max()};  // for so long
  std::uint64_t swf_jobs = 1'000'000;  // no more than that
  ratio swf_pace{1, 1};  // arrivals come so many times faster
  ratio swf_work{1, 1};  // tasks take so many times longer
  processors_as swf_processors = processors_as::work;
  rows_kept swf_rows = rows_kept::ran;
  askers_by swf_askers = askers_by::user;
};

// What those who serve say of themselves: drawn evenly per head, a group's own words apart. With
// this or any demand they also say in which region they are.
struct condition_settings {
  std::uint32_t memory_mb_least = 0;
  std::uint32_t memory_mb_most = 0;
  std::uint32_t price_least = 0;  // of a second of the reference core
  std::uint32_t price_most = 0;
  std::uint32_t minor_least = 0;  // version
  std::uint32_t minor_most = 0;
  friend constexpr bool operator==(condition_settings const&, condition_settings const&) = default;
};

// What jobs demand of whoever performs them.
struct demand_settings {
  ratio share{1, 1};  // of the jobs
  std::uint32_t memory_mb = 0;
  std::uint64_t price_max = std::numeric_limits<std::int64_t>::max();
  std::uint32_t minor_min = 0;
  std::uint64_t minor_max = std::numeric_limits<std::int64_t>::max();
  whereabouts regions{};       // any, or some
  bool own_region = false;     // only that of whoever asks
  std::uint32_t within_km = 0;  // of whoever asks, to a cell of 100 km; 0: however far
  friend constexpr bool operator==(demand_settings const&, demand_settings const&) = default;
};

struct churn_settings {
  ratio share{0, 1};  // of the Hydras come and go
  std::string uptime = "skype06/uptime/weibull";
  std::string downtime = "skype06/downtime/weibull";
  churn_begin begin = churn_begin::up;
  std::uint32_t pace = 1;  // sessions and absences pass so many times faster
  bool providers = true;   // may providers be among them?
  duration session_least = 1s;
  duration absence_most = 24h * 365;
};

// What goes wrong, where and when. Every kind has from, at and for; besides
//   loss duplicate  to symmetric chance             delay  to symmetric chance by
//   partition       to symmetric                    slow   chance factor
//   crash restart   chance; crash: away             skew   chance by behind
//   lie             chance on off
struct fault_settings {
  std::string name;
  fault_kind kind = fault_kind::loss;
  whereabouts from{};
  whereabouts to{};
  duration at{};
  duration lasts = duration{std::numeric_limits<std::int64_t>::max()};  // key `for`: to the end
  ratio chance{1, 1};   // of a message, or of a head to be hit
  duration by{};        // later (delay), off (skew)
  bool behind = false;  // skew: clocks are behind, not ahead
  bool symmetric = false;
  ratio factor{1, 1};    // slow: tasks take so many times longer
  duration away = 30s;   // crash: back after this long; 0 s: never
  duration on{};         // lie: wrong for so long, then
  duration off{};        // right for so long; on = 0 s: always wrong
  std::uint32_t line = 0;  // of the section in its file; 0: none
};

// A service that is performed by giving on parts of it: 0 is the kind that is asked for most.
struct composition_settings {
  std::uint32_t whole = 0;
  std::uint32_t part = 1;
  std::uint32_t join = 2;      // run by the divider on what the parts gave; no provider is needed
  std::uint32_t parts = 4;
  ratio join_share{5, 100};    // of the work
  std::uint32_t line = 0;
};

// Hydras that live in one city and are alike, beside those whom population places.
// How a group's heads are connected; drawn: as anybody's.
enum class group_access : std::uint8_t { drawn, datacentre, fibre, cable, mobile };

struct group_settings {
  std::string name;
  std::string city;
  std::string country;         // two letters; empty: the largest city of that name
  std::uint32_t count = 1;
  std::string offers;          // kinds, "0, 3"; empty: they serve nobody
  bool asks = false;           // if any group asks, only those that do so submit jobs
  std::uint32_t cores = 2;
  ratio speed{1, 1};
  group_access access = group_access::drawn;  // of their lines; delays stay as drawn
  bool calls_out_only = false;  // they are behind a NAT: nobody can call them
  std::string friends;         // name of a group whom they trust as friends, besides their own
  std::uint32_t memory_mb = 0;  // what they say of themselves (condition_settings)
  std::uint32_t price = 0;
  std::uint32_t minor = 0;
  std::uint32_t line = 0;
};

struct trust_settings {
  std::uint32_t friends = 8;             // size of a peer group
  bool strangers = true;                 // may strangers run jobs at all?
  ratio floor{0, 1};                     // nobody below runs a job
};

struct verify_settings {
  bool on = true;
  ratio strangers{1, 1};  // share of their results that is repeated
  ratio friends{1, 10};
  ratio own{0, 1};
};

struct scheduling_settings {
  std::uint32_t power_of = 2;      // candidates that are asked for a bid
  std::uint32_t queue_max = 16;    // tasks that wait on a head
  duration lease = 20s;            // lives without progress for so long
  duration bid_timeout = 2s;
  std::uint32_t attempts_max = 60;  // searches for one job
};

// joined: heads know a few others and ask their way in; direct: what months of traffic would have
// left, for worlds too large to warm up.
enum class tables_from : std::uint8_t { joined, direct };

struct routing_settings {
  tables_from tables = tables_from::joined;
  std::uint32_t alpha = 3;  // questions in flight
  duration timeout = 1500ms;
  duration refresh = 10min;
  duration republish = 20min;
  duration expire = 1h;
};

struct policy_settings {
  routing_name routing = routing_name::ring_and_keys;
  proximity_name proximity = proximity_name::geographic;
  trust_name trust = trust_name::rings;
  scheduling_name scheduling = scheduling_name::power_of_d;
  verify_name verify = verify_name::repeat;
};

// What is run again for comparison, with the same seed and the same arrivals.
struct compare_settings {
  bool alone = false;       // nobody knows anybody
  bool unverified = false;  // no result is checked
  bool omniscient = false;  // one scheduler knows everything
};

inline constexpr std::uint64_t unlimited = std::numeric_limits<std::int64_t>::max();

// Floors and ceilings of the result; a missed one fails the run. The defaults demand nothing.
struct expectations {
  ratio completed{0, 1};  // of the submitted jobs
  std::uint64_t jobs_at_least = 0;
  std::uint64_t events_at_least = 0;
  std::uint64_t failed_at_most = unlimited;
  std::uint64_t replaced_at_least = 0;
  std::uint64_t wrong_accepted_at_most = unlimited;
  ratio remote_share_at_least{0, 1};
  ratio utilisation_at_least{0, 1};  // mean over the providers
  ratio utilisation_at_most{1, 1};
  duration response_mean_at_most = duration{std::numeric_limits<std::int64_t>::max()};
  duration response_p99_at_most = duration{std::numeric_limits<std::int64_t>::max()};
};

struct scenario {
  std::string name = "unnamed";
  std::string purpose;  // one sentence, required
  std::uint64_t hydras = 100;
  hydra::duration duration = 10min;
  std::uint64_t seed = 1;
  ending until = ending::end;
  std::uint32_t network = 1;
  world_settings world;
  service_settings services;
  workload_settings workload;
  condition_settings conditions;
  demand_settings demands;
  churn_settings churn;
  std::vector<composition_settings> compositions;
  std::vector<group_settings> groups;
  std::vector<fault_settings> faults;
  trust_settings trust;
  verify_settings verify;
  scheduling_settings scheduling;
  routing_settings routing;
  policy_settings policy;
  compare_settings compare;
  expectations expect;
};

// ---- what follows from the settings -----------------------------------------------------------

// How long jobs arrive, their expected number, and the demanded share of all providers' cores,
// counting a repeat of every result of a stranger. For reports and warnings. Of a trace, which is
// not read for it: at most so many, and no load.
[[nodiscard]] duration arrival_span(scenario const&) noexcept;
[[nodiscard]] std::uint64_t expected_jobs(scenario const&) noexcept;
[[nodiscard]] double expected_load(scenario const&) noexcept;

// ---- reading and writing ----------------------------------------------------------------------

// What is wrong, and where: `planet.toml:12:9: unknown key "jbos" in [workload]; ...`.
struct problem {
  std::string file;          // or the flag that said it
  std::uint32_t line = 0;    // 0: not in a file
  std::uint32_t column = 0;  // in characters, from 1
  std::string text;
  [[nodiscard]] std::string str() const;
};

// One `--set key=value`, or a flag that stands for one (`--seed 7`: given_as is "--seed 7").
struct override_setting {
  std::string key;
  std::string value;
  std::string given_as;
};

struct loaded_scenario {
  scenario value;
  std::string text;  // of the file
  std::vector<problem> errors;
  std::vector<problem> warnings;  // it runs, but perhaps not as meant
  [[nodiscard]] bool ok() const noexcept { return errors.empty(); }
};

// Reads hostile text too: bounded in time and memory, all errors at once, never throws for one.
[[nodiscard]] loaded_scenario parse_scenario(std::string_view text, std::string const& file,
                                             std::vector<override_setting> const& = {});
[[nodiscard]] loaded_scenario load_scenario(std::string const& path,
                                            std::vector<override_setting> const& = {});

// Every setting, as a scenario file that parses to an equal scenario.
[[nodiscard]] std::string settings_text(scenario const&);
// Twelve hex digits of SHA-256 over all settings but the seed.
[[nodiscard]] std::string settings_hash(scenario const&);

// A duration as people write it, exactly: "40 s", "1500 us".
[[nodiscard]] std::string duration_text(duration);
// "40 s" as a duration; what is wrong goes to `error`, which stays empty otherwise.
[[nodiscard]] duration parse_duration(std::string_view text, std::string& error);

// The word of `among` that was probably meant, or nothing.
[[nodiscard]] std::string_view nearest_spelling(std::string_view word,
                                                std::vector<std::string_view> const& among);

// Why the omniscient scheduler cannot be compared on this scenario; empty: it can.
[[nodiscard]] std::string_view beyond_omniscient(scenario const&) noexcept;
// Folders that hold scenarios, first match wins: $HYDRA_SCENARIOS, then those beside the data.
[[nodiscard]] std::vector<std::string> scenario_folders();
// A path as it is, or a bare name looked up in these folders. Empty when there is none.
[[nodiscard]] std::string find_scenario(std::string const& path_or_name);
// The trace of a workload: a file as it is named, or in the folder that $HYDRA_TRACES names. Empty:
// it is in neither.
[[nodiscard]] std::string find_trace(std::string const& name);
// All *.toml of these folders by name, the first of a name only.
[[nodiscard]] std::vector<std::string> list_scenarios();

}  // namespace hydra::sim
