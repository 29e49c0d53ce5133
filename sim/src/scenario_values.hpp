// How a value of a scenario is written: words of a file or of --set, to exact values and back.
#pragma once

#include <hydra/sim/scenario.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hydra::sim::detail {

// `loose` comes from the command line, where everything is text.
enum class value_kind : std::uint8_t { integer, floating, boolean, string, loose, other };

struct written {
  value_kind kind = value_kind::other;
  std::string text;
};

// An enumerator by its place in `names`; enumerations of scenarios have std::uint8_t below.
struct choice {
  std::uint8_t* at;
  std::vector<std::string_view> const* names;
};

using target = std::variant<bool*, std::uint32_t*, std::uint64_t*, duration*, ratio*, std::string*,
                            whereabouts*, arrival_rate*, choice>;

// One setting: its key, where its value lies, and what is allowed. The limits are a number, a
// duration in ns, a ratio in whole units, or the length of a string.
struct field {
  std::string_view key;
  target at;
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::vector<std::string_view> const* words = nullptr;  // a string is one of these
  std::string_view shown{};                              // what stands for many words
};

// Sets the value, or says what is wrong with it and what is allowed. Empty: it is set.
[[nodiscard]] std::string assign(field const&, written const&);
// The value as TOML. Parses back to the same value.
[[nodiscard]] std::string toml_text(field const&);

[[nodiscard]] std::string quote(std::string_view);  // as a TOML string
[[nodiscard]] std::string joined_words(std::vector<std::string_view> const&);
// `; did you mean "x"?`, or a mere `;`: what is allowed follows.
[[nodiscard]] std::string suggestion(std::string_view word, std::vector<std::string_view> const&);

}  // namespace hydra::sim::detail
