// A workload trace in Standard Workload Format (Chapin et al., JSSPP 1999; the format of the
// Parallel Workloads Archive): a line a job, 18 numbers with blanks between them, -1 for what is
// not known, comments from `;` on.
//
//   swf_reader in{"log.swf.gz"};
//   while (in.next()) use(in.row());
//
// Promise: rows come as they are read, whatever the file holds; plain or gzip, by its first bytes.
// Every error is a data_error `file:line:column: run time (field 4): 'x' is not allowed; allowed:
// ...`; the column counts bytes from 1. Memory: 130 kB, whatever the length of the file or of a
// line. Cost: about 1 us a row. Nothing here is read in the path of an event.
#pragma once

#include <hydra/core/time.hpp>
#include <hydra/sim/data_path.hpp>

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace hydra::sim {

inline constexpr std::int64_t unknown = -1;

// What a scenario can use of a row. The other fields only have to be numbers.
struct swf_row {
  std::int64_t job = unknown;
  duration submitted{};             // since the trace began
  duration run{unknown};            // negative: unknown
  std::int64_t processors = unknown;
  std::int64_t requested = unknown;  // processors
  std::int64_t status = unknown;     // 0 failed, 1 completed, 2 to 4 a part of a job, 5 cancelled
  std::int64_t user = unknown;
  std::int64_t group = unknown;
  std::int64_t executable = unknown;
  std::int64_t queue = unknown;
  std::int64_t partition = unknown;
};

class swf_reader {
 public:
  static constexpr std::size_t fields = 18;
  static constexpr std::size_t line_bytes_max = 4096;  // of a row; comments may be longer
  static constexpr std::uint64_t bytes_max = std::uint64_t{4} << 30U;  // unpacked

  // Throws data_error if it is not there, or in a packing that is not read.
  explicit swf_reader(std::string const& path);
  // `name` is what errors call it.
  swf_reader(std::unique_ptr<std::istream> from, std::string name);
  swf_reader(swf_reader&&) noexcept;
  swf_reader& operator=(swf_reader&&) noexcept;
  ~swf_reader();

  [[nodiscard]] bool next();  // goes on to the next row; false at the end
  [[nodiscard]] swf_row const& row() const noexcept { return row_; }
  [[nodiscard]] std::uint64_t line() const noexcept { return line_number_; }
  // Refuses a value of the current row: field from 1.
  [[noreturn]] void fail(std::size_t field, std::string_view allowed) const;

 private:
  class source;

  [[nodiscard]] bool read_line();
  [[nodiscard]] bool more();
  void parse();
  [[noreturn]] void refuse(std::size_t column, std::string const& what) const;

  std::string name_;
  std::unique_ptr<source> from_;
  std::string line_;
  std::uint64_t line_number_ = 0;
  std::string_view unread_;  // of the source's buffer
  std::uint64_t bytes_ = 0;
  swf_row row_;
};

}  // namespace hydra::sim
