// Where the committed data files are, and how one of them is read.
//
// Promise: the directory named by the environment variable HYDRA_DATA wins; else those of
// data_folders are looked into in their order. Every error is a `data_error` that names file, line,
// value and what is allowed. Cost: a file is read once, whole; fields are views into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::sim {

class data_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// share/hydra/data beside the program (a build tree has it, too), what add_data_folder named, the
// source tree where Hydra is part of another project, and where it was, or usually is, installed.
[[nodiscard]] std::vector<std::string> data_folders();
// For programs that lie elsewhere than the package they were built with; hydra::sim::main says it.
void add_data_folder(std::string folder);

// The path of a data file that exists. Throws data_error that lists where it was sought.
[[nodiscard]] std::string data_path(std::string_view name);

// A plain CSV file, read whole: comma between fields, no quotes, no blank lines.
class csv_file {
 public:
  // `header`: the first line must be exactly this. Empty: bare numbers, no header.
  csv_file(std::string path, std::string_view header);

  [[nodiscard]] bool next();  // reads the next line; false at the end
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] std::string_view text(std::size_t field) const;
  [[nodiscard]] std::int64_t integer(std::size_t field, std::int64_t low, std::int64_t high) const;
  // A decimal number; never read in the path of an event.
  [[nodiscard]] double number(std::size_t field) const;
  [[noreturn]] void fail(std::string_view value, std::string_view allowed) const;

 private:
  std::string path_;
  std::string all_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  std::vector<std::string_view> fields_;
};

}  // namespace hydra::sim
