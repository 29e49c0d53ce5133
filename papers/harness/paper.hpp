// A published result that is run again: what a paper's own code sees of the harness.
//
// A paper is a folder of papers/ with
//   scenario.toml   its parameters: [scenario], and [small] with what a short run changes;
//                   `seeds` is how many runs; [[plot]] names tables to be drawn
//   published.csv   table,row,column,value,low,high,mark,note   what was printed, what is allowed
//   misses.csv      table,row,column,reason   cells known to lie outside, and why (may be missing)
//   results.csv     ours, written by `hydra papers run NAME --write`; plot-N.svg likewise
//   README.md       what was not printed and how it was settled
// and two functions: `void run(scenario const&, sheet&)`, once per seed, and `void read(scenario
// const&)`, which reads what `run` does and computes nothing, so that whatever can be refused is
// refused before an hour of work. The harness repeats the former, takes means and 95 % intervals
// (Student), judges every cell and draws both over each other.
//
// Rules. A parameter is read from the scenario, never written into the code, so that what was run
// is what the folder says; all are read, each with its bounds, before a run begins to work. Which
// variant of a policy is run (switches, limits out of the way) stands in the code, and its README
// says why. A key that nobody reads is refused. A free parameter is set once per paper, never per
// cell. A short run may leave cells out: they are "left to the full size"; what it measures is held
// against the same targets. A cell is "not run" where its note in published.csv says these words
// and why, or where it needs data that is not at hand, which `lacks` says before a run. Any other
// cell that nobody measured has failed.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hydra::papers {

// Names the file, the key and what is allowed.
class paper_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The parameters of one run.
class scenario {
 public:
  scenario(std::string folder, std::map<std::string, std::vector<double>, std::less<>> values,
           std::uint64_t seed, bool small)
      : folder_{std::move(folder)}, values_{std::move(values)}, seed_{seed}, small_{small} {}

  // `low` and `high` are what is allowed, both included: a paper says them at every call, as its
  // code relies on them. Throw paper_error, which names the file, the key, the value and what is
  // allowed, when the key is missing or a value lies outside or is no number. Without bounds:
  // whatever is finite.
  [[nodiscard]] double number(std::string_view key, double low = -greatest,
                              double high = greatest) const;
  // Whole numbers only.
  template <std::integral T = std::int64_t>
  [[nodiscard]] T integer(std::string_view key, std::type_identity_t<T> low = lowest<T>,
                          std::type_identity_t<T> high = highest<T>) const {
    return static_cast<T>(whole(key, static_cast<std::int64_t>(low),
                                static_cast<std::int64_t>(high)));
  }
  // Of a list, or of a single number; each value once, as they name rows.
  [[nodiscard]] std::vector<double> numbers(std::string_view key, double low = -greatest,
                                            double high = greatest) const;
  template <std::integral T = std::int64_t>
  [[nodiscard]] std::vector<T> integers(std::string_view key, std::type_identity_t<T> low,
                                        std::type_identity_t<T> high) const {
    std::vector<T> out;
    for (auto x : wholes(key, static_cast<std::int64_t>(low), static_cast<std::int64_t>(high))) {
      out.push_back(static_cast<T>(x));
    }
    return out;
  }
  // What bounds cannot say: "FILE: KEY = VALUE; allowed: WHAT".
  [[noreturn]] void refuse(std::string_view key, std::string_view value,
                           std::string_view allowed) const;
  [[noreturn]] void refuse(std::string_view key, double value, std::string_view allowed) const;

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }  // another one in every run
  [[nodiscard]] bool small() const noexcept { return small_; }
  // Keys that nobody has asked for so far.
  [[nodiscard]] std::vector<std::string> unread() const;
  // The path of a file that lies beside scenario.toml.
  [[nodiscard]] std::string file(std::string_view name) const;

 private:
  static constexpr double greatest = std::numeric_limits<double>::max();
  static constexpr std::int64_t whole_max = 9'000'000'000'000'000;  // exact as a double
  template <class T>
  static constexpr T highest = std::in_range<T>(whole_max) ? static_cast<T>(whole_max)
                                                           : std::numeric_limits<T>::max();
  template <class T>
  static constexpr T lowest = !std::is_signed_v<T> ? T{0}
                              : std::in_range<T>(-whole_max) ? static_cast<T>(-whole_max)
                                                             : std::numeric_limits<T>::min();

  [[nodiscard]] std::vector<double> const& at(std::string_view key) const;
  [[nodiscard]] std::int64_t whole(std::string_view key, std::int64_t low,
                                   std::int64_t high) const;
  [[nodiscard]] std::vector<std::int64_t> wholes(std::string_view key, std::int64_t low,
                                                 std::int64_t high) const;
  void must_be_single(std::string_view key) const;
  void must_be_whole(std::string_view key, double value, std::int64_t low, std::int64_t high) const;
  std::string folder_;
  std::map<std::string, std::vector<double>, std::less<>> values_;
  mutable std::set<std::string, std::less<>> read_;  // a scenario is of one run, and one thread
  std::uint64_t seed_;
  bool small_;
};

// What one run measured, cell by cell.
class sheet {
 public:
  struct entry {
    std::string table;
    std::string row;
    std::string column;
    double value;
  };
  // Once per cell and run. Cells that published.csv does not have are shown and not judged.
  void measured(std::string_view table, std::string_view row, std::string_view column,
                double value);
  [[nodiscard]] std::vector<entry> const& entries() const noexcept { return entries_; }

 private:
  std::vector<entry> entries_;
};

// Written as in published.csv: "0.05", "128", never "0.050000".
[[nodiscard]] std::string name_of(double number);
// What stands in a file, for an error: in quotes, not too long, one line whatever it is.
[[nodiscard]] std::string quoted(std::string_view);

// A row that cannot be run here, and why.
struct lack {
  std::string table;
  std::string row;
  std::string column;
  std::string why;
};

struct paper {
  std::string name;    // as it is typed
  std::string number;  // in the ranking of targets
  std::string folder;  // below papers/
  std::string title;
  std::string reference;
  void (*run)(scenario const&, sheet&);
  void (*read)(scenario const&) = nullptr;  // what `run` reads, and computes nothing
  std::vector<lack> (*lacks)(scenario const&) = nullptr;  // none: it needs nothing but its folder
  unsigned minutes = 0;  // at full size, where that is long; 0: less than it is worth saying
};

// All of them, in the order of their numbers (papers/papers.cpp).
[[nodiscard]] std::vector<paper> const& all_papers();
// By name or folder, `_` stands for `-` as well; null: no paper has that name.
[[nodiscard]] paper const* paper_named(std::string_view name);

}  // namespace hydra::papers
