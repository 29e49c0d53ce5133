// Reads service manifests, and fills in the command lines of their steps.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/net/run/manifest.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

// Errors: every mistake of the text on a line of its own, as FILE:LINE:COLUMN, the value, what is
// allowed and the nearest spelling.
[[nodiscard]] result<manifest> parse_manifest(std::string_view text, std::string const& file);
[[nodiscard]] result<manifest> load_manifest(std::string const& path);

// The arguments of a step. A parameter that is not bound has its standard value.
// Errors: an unknown parameter, a value that its type does not allow, a number of files that is
// missing. Nothing that is bound can add an argument, begin one with `-` or leave its folder.
[[nodiscard]] result<std::vector<std::string>> expand(manifest const&, step const&,
                                                      bindings const&);

// What is wrong with a value for this parameter; empty: nothing.
[[nodiscard]] std::string unfit(parameter const&, std::string_view value);

// The file behind in/ of a port: `name`, or `name/0007` where it is many.
[[nodiscard]] std::string file_of(port const&, std::size_t number = 0);

}  // namespace hydra::net
