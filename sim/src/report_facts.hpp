// What page, tables and trace have in common: the rows of a recording, put in order and asked.
#pragma once

#include <hydra/sim/history.hpp>
#include <hydra/sim/planet.hpp>
#include <hydra/sim/recording.hpp>
#include <hydra/sim/report.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::sim {

inline constexpr std::int64_t never_ended = -1;

struct tree_node {  // words and numbers as in CONTRACT.md
  enum role : std::uint8_t { asks, passes_on, runs, repeats, judges };
  enum state : std::uint8_t { running, done, failed, crashed, refused, silent };
  std::int32_t parent = -1;
  std::int32_t replaces = -1;
  std::uint32_t hydra = 0;
  std::uint32_t service = 0;
  std::int64_t start = 0;  // ns
  std::int64_t end = never_ended;
  role part = runs;
  state how = running;
  std::uint8_t verified = 0;
  std::uint64_t link = 0;
};

struct job_tree {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::size_t most = 200;        // nodes; beyond it what is deepest is left out
  std::vector<tree_node> nodes;  // parents before children; the first is the asker
};

struct absence {
  std::uint32_t who = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;  // the end of the run for those that stayed away
};

struct hydra_class {
  std::string id, label, what;
};

struct cut {  // a region, or several, cut off from all others
  std::uint8_t regions = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

struct hydra_facts {
  std::uint8_t kind = 0;    // index of its class
  std::int32_t busy = -1;   // permille
  std::uint32_t ran = 0;
  std::uint32_t asked = 0;
  std::int64_t up = 0;      // ns
};

class report_facts {
 public:
  static constexpr std::size_t tree_nodes_max = 200;

  explicit report_facts(recording const& from);

  [[nodiscard]] planet const& where() const noexcept { return *from_.where; }
  [[nodiscard]] history const& seen() const noexcept { return *from_.seen; }
  [[nodiscard]] scenario const& plan() const noexcept { return where().plan(); }
  [[nodiscard]] recording const& all() const noexcept { return from_; }
  [[nodiscard]] std::int64_t end() const noexcept { return ns(from_.end); }

  [[nodiscard]] std::vector<hydra_class> const& classes() const noexcept { return classes_; }
  [[nodiscard]] std::vector<hydra_facts> const& hydras() const noexcept { return hydras_; }
  [[nodiscard]] std::vector<absence> const& absences() const noexcept { return absences_; }
  [[nodiscard]] std::vector<cut> const& cuts() const noexcept { return cuts_; }
  [[nodiscard]] static bool inside(cut const& c, std::size_t region) noexcept {
    return (c.regions >> region & 1U) != 0;
  }
  [[nodiscard]] std::uint8_t region_of(std::uint32_t who) const noexcept {
    return where().role_of(who).region;
  }
  [[nodiscard]] bool is_down(std::uint32_t who, std::int64_t at) const noexcept;
  // When it went down first after `from` and before `to`; `to` if it did not.
  [[nodiscard]] std::int64_t crash_between(std::uint32_t who, std::int64_t from,
                                           std::int64_t to) const noexcept;

  // Null: it has not ended.
  [[nodiscard]] ended const* ending_of(asking const& job) const noexcept;
  // The asker and everybody that was asked, at most tree_nodes_max; repeats and replacements too.
  [[nodiscard]] job_tree tree_of(asking const& job, std::size_t most = tree_nodes_max) const;
  // At most so many jobs that are worth a look, each once: the deepest, those with a liar that was
  // found, most often placed again, across a cut, typical, failed. Indices of seen().asked_.
  [[nodiscard]] std::vector<std::size_t> worth_a_look(std::size_t most) const;
  // Instants at which jobs or parts of jobs were placed again.
  [[nodiscard]] std::vector<std::int64_t> replacements() const;

 private:
  struct name {  // of a job or part, by whoever owns it
    std::uint32_t owner = 0;
    std::uint64_t nonce = 0;
    friend auto operator<=>(name const&, name const&) = default;
  };
  struct merits {
    std::size_t job = 0;
    std::uint32_t depth = 0, replaced = 0, liars = 0, rows = 0;
    bool across = false;
  };
  using span_of_rows = std::pair<std::size_t, std::size_t>;

  void classify();
  void gather_absences();
  void count_work();
  [[nodiscard]] static name owned(job_row const& r) noexcept;
  [[nodiscard]] static std::uint32_t executor(job_row const& r) noexcept;
  [[nodiscard]] span_of_rows placements_of(asking const& job) const;
  [[nodiscard]] span_of_rows words_about(name const& which) const;
  [[nodiscard]] std::vector<merits> weigh() const;

  // The placements of one job or part, in order, as nodes below `parent`.
  void add_placements(job_tree& t, std::vector<job_row const*> const& given, std::int32_t parent,
                      std::uint32_t service, std::int64_t until) const;
  void add_children(job_tree& t, std::int32_t at, std::vector<job_row const*> const& all) const;
  struct outcome_of_lease {
    bool ran = false;        // to its end
    bool cancelled = false;  // stopped while it ran
    std::int64_t at = never_ended;
    std::uint8_t judged = 0;  // 1 good, 2 forged
  };
  [[nodiscard]] outcome_of_lease look_up(job_row const& placed) const;
  void conclude(tree_node& n, job_row const& placed, outcome_of_lease const& o,
                std::int64_t replaced_at, std::int64_t until) const;

  recording const& from_;
  std::vector<hydra_class> classes_;
  std::vector<hydra_facts> hydras_;
  std::vector<absence> absences_;    // by who, in order
  std::vector<cut> cuts_;
  std::vector<std::uint32_t> placed_;  // rows, by root, then in order
  std::vector<std::uint32_t> said_;    // the other rows, by owner and nonce
};

// "south_america" for people.
[[nodiscard]] std::string region_word(std::size_t region);
// As the scenario names it, else its number.
[[nodiscard]] std::string service_word(scenario const&, std::uint32_t kind);
// In degrees, east and north.
struct degrees {
  double lon = 0;
  double lat = 0;
};
[[nodiscard]] degrees degrees_of(unit16 at) noexcept;
[[nodiscard]] constexpr std::int64_t ms_of(std::int64_t ns) noexcept { return ns / 1'000'000; }

// Counts over time, of the whole run.
struct timeline {
  std::int64_t bucket = 0;  // ns
  std::vector<std::int64_t> submitted, completed, failed, replaced, in_flight, up, messages,
      kb, crashed, restarted;
};
[[nodiscard]] timeline timeline_of(report_facts const&);

// One row of a table; a cell without a value is empty.
struct table_cell {
  enum class kind : std::uint8_t { nothing, number, text };
  table_cell() = default;
  table_cell(std::int64_t n) : what{kind::number}, number{n} {}
  table_cell(std::string_view t) : what{kind::text}, text{t} {}
  kind what = kind::nothing;
  std::int64_t number = 0;
  std::string_view text;
};
// Where tables go, row by row.
class table_sink {
 public:
  table_sink() = default;
  table_sink(table_sink const&) = delete;
  table_sink& operator=(table_sink const&) = delete;
  virtual ~table_sink() = default;
  virtual void begin(char const* table, std::vector<char const*> const& columns) = 0;
  virtual void row(std::vector<table_cell> const& cells) = 0;
};
void tell_jobs(report_facts const&, table_sink&);
void tell_hydras(report_facts const&, table_sink&);
void tell_timeline(report_facts const&, table_sink&);

// A database with these three tables, as its bytes. Throws where it is not built in.
[[nodiscard]] std::string database_of(report_facts const&);
// Slices for heads, arrows for delegation, marks for faults, in the format of Chrome and Perfetto.
[[nodiscard]] std::string trace_of(report_facts const&);

}  // namespace hydra::sim
