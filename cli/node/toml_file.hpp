// A TOML file as a tree with places, and a reader that names every mistake with its place.
#pragma once

#include <hydra/core/time.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::net {

enum class toml_kind : std::uint8_t { integer, floating, boolean, string, array, table, other };

// From 1, in characters.
struct toml_place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct toml_item {
  std::string key;
  toml_kind kind = toml_kind::table;
  std::string text;                 // of what is no array and no table
  std::vector<toml_item> children;  // in the order of the file
  toml_place key_at;
  toml_place at;
};

// All mistakes of a file, as `FILE:LINE:COLUMN: words`.
struct toml_problems {
  std::string file;
  std::vector<std::string> lines;

  void add(toml_place where, std::string const& words);
  [[nodiscard]] std::string text() const;  // one a line
};

// Never throws for what a text may hold; what is wrong is added to the problems, and what could be
// read is returned.
[[nodiscard]] toml_item read_toml(std::string_view text, std::size_t bytes_max, toml_problems&);

// `name` of a table by its key, or nothing.
[[nodiscard]] toml_item const* child(toml_item const& table, std::string_view name);

[[nodiscard]] std::string quote(std::string_view);
[[nodiscard]] std::string joined(std::vector<std::string> const&);
// `; did you mean "x"?`, or a mere `;`: what is allowed follows.
[[nodiscard]] std::string suggestion(std::string_view word, std::vector<std::string> const& among);

// Takes the keys of one table; what nobody took is unknown, and finish() says so.
class toml_taker {
 public:
  toml_taker(toml_item const& table, toml_problems& problems, std::string what)
      : table_{table}, problems_{problems}, what_{std::move(what)} {}

  // Each leaves `to` alone and adds a problem where the value is not allowed. Whether it was there.
  bool text(std::string_view key, std::string& to, std::size_t most, bool must = false);
  bool word(std::string_view key, std::size_t& to, std::vector<std::string> const& among,
            bool must = false);
  bool flag(std::string_view key, bool& to);
  bool whole(std::string_view key, std::int64_t& to, std::int64_t least, std::int64_t most);
  bool time(std::string_view key, duration& to, duration least, duration most);
  bool bytes(std::string_view key, std::uint64_t& to, std::uint64_t least, std::uint64_t most);
  bool texts(std::string_view key, std::vector<std::string>& to, std::size_t most,
             bool must = false);
  // A table or an array of tables, to be read by who asks; nothing where it is not there.
  [[nodiscard]] toml_item const* table(std::string_view key);
  [[nodiscard]] toml_item const* tables(std::string_view key);
  // A value of whatever kind.
  [[nodiscard]] toml_item const* any(std::string_view key, bool must = false);

  void finish();
  void wrong(toml_item const& item, std::string const& words) { problems_.add(item.at, words); }

 private:
  toml_item const& table_;
  toml_problems& problems_;
  std::string what_;
  std::vector<std::string> known_;
};

// "1.5 s" as a duration; words that say what is wrong, or nothing.
[[nodiscard]] std::string parse_time(std::string_view text, duration& to);
// "512 MB" as bytes.
[[nodiscard]] std::string parse_bytes(std::string_view text, std::uint64_t& to);
[[nodiscard]] std::string time_text(duration);
[[nodiscard]] std::string bytes_text(std::uint64_t);

}  // namespace hydra::net
