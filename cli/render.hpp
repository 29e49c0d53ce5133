// How results are shown: tables for people, JSON, NDJSON and CSV for programs.
#pragma once

#include "options.hpp"

#include <hydra/sim/run.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace hydra::cli {

using cell = std::variant<std::string, double, std::uint64_t, bool>;
using record = std::vector<std::pair<std::string, cell>>;  // in the order shown

// A list under its name: {"scenarios": [...]} as JSON, a line each as NDJSON or CSV.
void print_records(common_options const&, std::string const& name,
                   std::vector<record> const& all);
// One thing.
void print_record(common_options const&, record const& one);

// Of a finished run: whether it counts as passed, and the folder that was written, if any.
struct verdict {
  std::string purpose;
  std::string written;
  std::string report;  // the page, if there is one
  std::vector<std::string> failures;
  std::string tree;    // of one job that was given on, as lines
};
void print_result(common_options const&, sim::run_result const&, verdict const&);

struct run_origin {
  std::string file;  // as typed
  std::string text;
  sim::scenario settings;
};
[[nodiscard]] std::string manifest_json(run_origin const&, sim::run_result const&);

[[nodiscard]] bool use_color(common_options const&, int file_descriptor);

}  // namespace hydra::cli
