// Files that are either there in full or not at all.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hydra::cli {

// Why nothing could be written into this folder, which is made if need be; empty: it can.
[[nodiscard]] std::string unwritable(std::string const& folder);

// Writes all files into the folder, which is made: each in full or not at all (atomic_file.hpp).
// Returns what went wrong, with the path; empty: all are there.
[[nodiscard]] std::string write_files(
    std::string const& folder, std::vector<std::pair<std::string, std::string>> const& name_text);

}  // namespace hydra::cli
