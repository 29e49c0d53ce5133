// What a job takes in or gives out, as one object: parameters and named files.
//
//   "HYDRA-B1"  u32 parameters {u16 length, "name=value"}  u32 files {u16 length, name, u64 bytes}
//   then the bytes of the files in that order. Little-endian.
//
// Names are those of files in one folder or one folder below it: letters, digits, `_`, `.`, `-`,
// one `/` within; nothing else is written or read, so that no bundle leaves its folder.
// Memory: the table of names, and 1 MiB while bytes are copied.
#pragma once

#include <hydra/core/outcome.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::node {

inline constexpr std::size_t bundle_files_max = 4096;
inline constexpr std::size_t bundle_parameters_max = 64;

struct bundle_file {
  std::string name;
  std::string path;  // where its bytes are, or are to be
  std::uint64_t bytes = 0;
};

struct bundle {
  std::map<std::string, std::string> parameters;
  std::vector<bundle_file> files;
};

[[nodiscard]] bool good_bundle_name(std::string_view);

// Writes it to a new file; gives the bytes written. Errors name the file.
[[nodiscard]] result<std::uint64_t> pack(bundle const&, std::string const& to);
// Reads the table alone.
[[nodiscard]] result<bundle> read_bundle(std::string const& from);
// Writes the files below `folder`, which is there.
[[nodiscard]] result<bundle> unpack(std::string const& from, std::string const& folder);

}  // namespace hydra::node
