// What every verb is told, the exit codes, and the verbs.
#pragma once

#include <hydra/sim/scenario.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim {
struct harness;
}

namespace hydra::cli {

// The contract of docs: scripts rely on these numbers.
enum exit_code : int {
  ok = 0,
  failed = 1,
  usage = 2,
  invalid = 3,
  bound_missed = 4,
  nobody = 5,
  unproved = 6,
  not_allowed = 7,
  divergent = 8,
  voided = 9,
  timed_out = 124,
  interrupted = 130,
};

struct exit_meaning {
  exit_code code;
  char const* means;
};
inline constexpr std::array exit_meanings{
    exit_meaning{ok, "ok"},
    exit_meaning{failed, "failed"},
    exit_meaning{usage, "usage"},
    exit_meaning{invalid, "scenario invalid"},
    exit_meaning{bound_missed, "bound not met"},
    exit_meaning{nobody, "nobody reachable"},
    exit_meaning{unproved, "verification failed"},
    exit_meaning{not_allowed, "refused"},
    exit_meaning{divergent, "not deterministic"},
    exit_meaning{voided, "a measurement is void"},
    exit_meaning{timed_out, "timeout"},
    exit_meaning{interrupted, "interrupted"},
};

enum class format : std::uint8_t { table, json, ndjson, csv };
enum class progress_style : std::uint8_t { automatic, plain, json, none };

struct common_options {
  format output = format::table;
  progress_style progress = progress_style::automatic;
  bool verbose = false;
  bool quiet = false;
  bool no_color = false;
  bool no_timings = false;        // nothing of what depends on this machine is shown
  std::string program = "hydra sim";  // what a line that repeats a run begins with
  unsigned threads = 0;  // 0: as many as there are cores, at most four
  std::string seed;
  std::vector<std::string> sets;  // key=value
  std::vector<std::string_view> fixed;  // of the program: slots that [policy] does not choose
};

struct run_arguments {
  std::string scenario;
  std::string out = "out";
  bool no_out = false;
  std::string report = "html,csv";
  std::string trace;
  std::string timeout;
  unsigned shards = 0;
  bool wire_check = false;
  bool permute = false;
  bool alone = false;
  bool unverified = false;
  bool omniscient = false;
  std::string checkpoint;        // file to write
  std::string checkpoint_at;     // once
  std::string checkpoint_every;
  std::string resume;            // file to read
};

// Says what is wrong with how the command was typed; main prints it and returns `usage`.
struct usage_error {
  std::string what;
};

int sim_run(common_options const&, run_arguments const&, sim::harness const&);
int sim_check_determinism(common_options const&, run_arguments const&, sim::harness const&);
int sim_list(common_options const&);
int sim_lint(common_options const&, std::vector<std::string> const& scenarios);
int sim_fit(common_options const&, std::string const& what);
int version(common_options const&);
int completion(std::string const& shell);
int man();
// A verb of the network: runs hydra-node in place of this program, returns only if it cannot.
int network_verb(std::string const& verb, char** arguments);

[[nodiscard]] std::string version_line();
[[nodiscard]] unsigned threads_of(common_options const&);
// The overrides that flags stand for. Throws usage_error for a --set without "=".
[[nodiscard]] std::vector<sim::override_setting> overrides_of(common_options const&);
// Prints what is wrong, and what is odd unless quiet, to stderr.
void complain(common_options const&, sim::loaded_scenario const&);
// Finds and reads. `path` stays empty when not found.
[[nodiscard]] sim::loaded_scenario load(common_options const&, std::string const& path_or_name,
                                        std::string& path);
// The command line that repeats a run.
[[nodiscard]] std::string reproduce_line(common_options const&, std::string const& verb,
                                         std::string const& path_or_name, sim::scenario const&);

}  // namespace hydra::cli
