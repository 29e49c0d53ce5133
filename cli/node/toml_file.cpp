// The only file of hydra_node that knows toml++. Version 3.3 asserts, or takes for granted, what a
// hostile text need not hold (`[%`, a date that breaks off): here that throws. The library is
// compiled anew for it, under a name of its own beside the one that others link.
#undef NDEBUG
#include "toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <numeric>
#include <optional>
#include <utility>

namespace hydra::net::detail {
struct toml_lost {};
[[noreturn]] inline void lose_toml() { throw toml_lost{}; }
}  // namespace hydra::net::detail

#define TOML_ASSERT(truth) (static_cast<bool>(truth) ? void() : ::hydra::net::detail::lose_toml())
#define TOML_HEADER_ONLY 1
#define toml hydra_toml
#include <toml++/toml.h>

namespace hydra::net {
namespace {

using std::string;
using std::string_view;

constexpr std::size_t problems_max = 100;
constexpr std::size_t items_max = 20'000;
constexpr int depth_max = 8;

toml_place at(toml::source_position p) {
  return {std::max<std::uint32_t>(1, p.line), std::max<std::uint32_t>(1, p.column)};
}

// toml++ goes as deep as a dotted key has parts. Where a line has more of them than any key needs,
// or 0.
std::uint32_t line_of_endless_key(string_view text) {
  constexpr std::size_t parts_max = 1'000;
  std::uint32_t line = 1;
  std::size_t dots = 0;
  for (char const c : text) {
    if (c == '.') {
      if (++dots > parts_max) return line;
    } else if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[') {
      dots = 0;
      line += c == '\n' ? 1U : 0U;
    }
  }
  return 0;
}

// Whether a value or key may begin at `i`: behind a comma, a new line, or a key and its `=`.
bool may_begin(string_view text, std::size_t i) {
  while (i > 0) {
    auto const before = text.find_last_not_of(" \t", i - 1);
    if (before == string_view::npos || text[before] == '\n' || text[before] == ',') return true;
    if (text[before] == '=') {
      constexpr std::size_t key_max = 512;
      auto key = text.substr(before < key_max ? 0 : before - key_max, std::min(before, key_max));
      auto const begin = key.find_last_of("\n{,");
      if (begin != string_view::npos) key.remove_prefix(begin + 1);
      return key.size() < key_max && key.find('=') == string_view::npos;
    }
    if (text[before] != '[' && text[before] != '{') return false;
    i = before;
  }
  return true;
}

// Where a string or comment that begins at `i` ends; `i` where none does.
std::size_t end_of_text(string_view text, std::size_t i) {
  char const c = text[i];
  if (c == '#') return std::min(text.find('\n', i), text.size());
  if (c != '"' && c != '\'') return i;
  if (!may_begin(text, i)) return i;
  string const three(3, c);
  bool const many = text.substr(i, 3) == three;
  i += many ? 3 : 1;
  for (; i < text.size(); ++i) {
    if (c == '"' && text[i] == '\\') {
      ++i;
    } else if (many ? text.substr(i, 3) == three : text[i] == c || text[i] == '\n') {
      return i + (many ? 3 : 1);
    }
  }
  return text.size();
}

// toml++ 3.3 is undefined for some letters where no letter may be. The line of one, or 0.
std::uint32_t line_of_odd_letter(string_view text) {
  constexpr string_view mark = "\xef\xbb\xbf";  // what some editors begin a file with
  std::size_t i = text.starts_with(mark) ? mark.size() : 0;
  while (i < text.size()) {
    if ((text[i] & 0x80) != 0)
      return 1 + static_cast<std::uint32_t>(std::count(text.begin(), text.begin() +
                                                       static_cast<std::ptrdiff_t>(i), '\n'));
    i = std::max(end_of_text(text, i), i + 1);
  }
  return 0;
}

bool is_lost(string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (detail::toml_lost const&) {
    return true;
  } catch (std::exception const&) {
  }
  return false;
}

// The line on which the library is lost: it reads from first to last, so more text is lost too.
std::uint32_t line_of_loss(string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n' || i + 1 == text.size()) ends.push_back(i + 1);
  std::size_t low = 0;
  std::size_t high = ends.size();
  while (low + 1 < high) {
    auto const middle = (low + high) / 2;
    (is_lost(text.substr(0, ends[middle - 1])) ? high : low) = middle;
  }
  return static_cast<std::uint32_t>(std::max<std::size_t>(high, 1));
}

class copier {
 public:
  explicit copier(toml_problems& problems) : problems_{problems} {}

  void table(toml::table const& from, toml_item& to, int depth) {
    for (auto const& [key, node] : from) {
      toml_item item;
      item.key = string{key.str()};
      item.key_at = at(key.source().begin);
      value(node, item, depth);
      to.children.push_back(std::move(item));
    }
    std::sort(to.children.begin(), to.children.end(), [](auto const& a, auto const& b) {
      return std::pair{a.key_at.line, a.key_at.column} < std::pair{b.key_at.line, b.key_at.column};
    });
  }

 private:
  void value(toml::node const& node, toml_item& to, int depth) {
    to.at = at(node.source().begin);
    if (++items_ > items_max || depth > depth_max) {
      if (!told_) problems_.add(to.at, "too many values, or too deep in each other");
      told_ = true;
      to.kind = toml_kind::other;
      to.text = "a value";
    } else if (auto const* s = node.as_string()) {
      to.kind = toml_kind::string;
      to.text = s->get();
    } else if (auto const* n = node.as_integer()) {
      to.kind = toml_kind::integer;
      to.text = std::to_string(n->get());
    } else if (auto const* b = node.as_boolean()) {
      to.kind = toml_kind::boolean;
      to.text = b->get() ? "true" : "false";
    } else if (auto const* f = node.as_floating_point()) {
      to.kind = toml_kind::floating;
      to.text = fmt::format("{}", f->get());
    } else if (auto const* list = node.as_array()) {
      to.kind = toml_kind::array;
      to.text = "an array";
      for (auto const& each : *list) value(each, to.children.emplace_back(), depth + 1);
    } else if (auto const* inner = node.as_table()) {
      to.kind = toml_kind::table;
      to.text = "a table";
      table(*inner, to, depth + 1);
    } else {
      to.kind = toml_kind::other;
      to.text = "a date or time";
    }
  }

  toml_problems& problems_;
  std::size_t items_ = 0;
  bool told_ = false;
};

string shown(toml_item const& item) {
  return item.kind == toml_kind::string ? quote(item.text) : item.text;
}

struct unit {
  string_view name;
  std::uint64_t size;
};
constexpr std::array times{unit{"ns", 1},
                           unit{"us", 1'000},
                           unit{"ms", 1'000'000},
                           unit{"s", 1'000'000'000},
                           unit{"min", 60'000'000'000},
                           unit{"h", 3'600'000'000'000}};
constexpr std::array sizes{unit{"B", 1},
                           unit{"kB", 1'000},
                           unit{"KiB", 1U << 10U},
                           unit{"MB", 1'000'000},
                           unit{"MiB", 1U << 20U},
                           unit{"GB", 1'000'000'000},
                           unit{"GiB", 1U << 30U},
                           unit{"TB", 1'000'000'000'000}};

string_view trimmed(string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// "1_500.25 ms" in the least unit, if it is a whole number of that and fits.
template <std::size_t n>
std::optional<std::uint64_t> measured(string_view text, std::array<unit, n> const& units) {
  constexpr int digits_max = 18;
  auto const s = trimmed(text);
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
  int count = 0;
  bool point = false;
  bool after_digit = false;
  std::size_t i = 0;
  for (; i < s.size(); ++i) {
    char const c = s[i];
    if (c >= '0' && c <= '9') {
      if (++count > digits_max) return {};
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
      if (point) scale *= 10;
      after_digit = true;
    } else if (after_digit && (c == '_' || (c == '.' && !point))) {
      point = point || c == '.';
      after_digit = false;
    } else {
      break;
    }
  }
  auto const name = trimmed(s.substr(i));
  auto const found = std::find_if(units.begin(), units.end(),
                                  [&](auto u) { return u.name == name; });
  if (!after_digit || found == units.end()) return {};
  auto const common = std::gcd(scale, found->size);
  scale /= common;
  std::uint64_t least = 0;
  if (__builtin_mul_overflow(digits, found->size / common, &least)) return {};
  if (least % scale != 0) return {};
  return least / scale;
}

template <std::size_t n>
string measure_text(std::uint64_t value, std::array<unit, n> const& units, string_view zero) {
  if (value == 0) return string{zero};
  auto best = units.front();
  for (auto u : units)
    if (value % u.size == 0) best = u;
  return fmt::format("{} {}", value / best.size, best.name);
}

std::size_t distance(string_view a, string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const cost = a[i - 1] == b[j - 1] ? 0U : 1U;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last.back();
}

}  // namespace

void toml_problems::add(toml_place where, std::string const& words) {
  if (lines.size() < problems_max)
    lines.push_back(fmt::format("{}:{}:{}: {}", file, where.line, where.column, words));
}

std::string toml_problems::text() const {
  string out;
  for (auto const& each : lines) out += (out.empty() ? "" : "\n") + each;
  return out;
}

toml_item read_toml(std::string_view text, std::size_t bytes_max, toml_problems& problems) {
  toml_item root;
  if (text.size() > bytes_max) {
    problems.add({}, fmt::format("the file has {} bytes; allowed: {}", text.size(), bytes_max));
  } else if (auto const line = line_of_endless_key(text); line != 0) {
    problems.add({line, 1}, "a key of more than a thousand parts");
  } else if (auto const odd = line_of_odd_letter(text); odd != 0) {
    problems.add({odd, 1},
                 "this is not TOML: a letter beyond ASCII outside of strings and comments");
  } else {
    try {
      auto const parsed = toml::parse(text);
      copier{problems}.table(parsed, root, 0);
    } catch (detail::toml_lost const&) {
      problems.add({line_of_loss(text), 1}, "this is not TOML");
    } catch (toml::parse_error const& e) {
      problems.add(at(e.source().begin), "this is not TOML: " + string{e.description()});
    } catch (std::exception const& e) {
      problems.add({}, string{"this cannot be read: "} + e.what());
    }
  }
  return root;
}

toml_item const* child(toml_item const& table, std::string_view name) {
  for (auto const& each : table.children)
    if (each.key == name) return &each;
  return nullptr;
}

std::string quote(std::string_view s) {
  string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string joined(std::vector<std::string> const& words) {
  string out;
  for (auto const& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

std::string suggestion(std::string_view word, std::vector<std::string> const& among) {
  constexpr std::size_t word_max = 64;  // longer ones are nobody's misspelling
  string_view best;
  auto least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (auto const& other : among) {
    if (word.empty() || word.size() > word_max || other.size() > word_max) continue;
    auto const far = distance(word, other);
    if (far >= least || far >= other.size()) continue;
    least = far;
    best = other;
  }
  return best.empty() ? ";" : fmt::format("; did you mean {}?", quote(best));
}

std::string parse_time(std::string_view text, duration& to) {
  auto const ns = measured(text, times);
  if (!ns || *ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fmt::format("{} is not a duration; write a number and a unit (ns us ms s min h), like "
                       "\"40 s\" or \"1.5 ms\"", quote(text));
  return to = duration{static_cast<std::int64_t>(*ns)}, "";
}

std::string parse_bytes(std::string_view text, std::uint64_t& to) {
  auto const n = measured(text, sizes);
  if (!n)
    return fmt::format("{} is not a size; write a number and a unit (B kB KiB MB MiB GB GiB TB), "
                       "like \"512 MB\"", quote(text));
  return to = *n, "";
}

std::string time_text(duration d) {
  return measure_text(static_cast<std::uint64_t>(d.count()), times, "0 s");
}
std::string bytes_text(std::uint64_t n) { return measure_text(n, sizes, "0 B"); }

// ---- toml_taker --------------------------------------------------------------------------------

toml_item const* toml_taker::any(std::string_view key, bool must) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  auto const* found = child(table_, key);
  if (found == nullptr && must)
    problems_.add(table_.at, fmt::format("{} lacks the key {}", what_, quote(key)));
  return found;
}

bool toml_taker::text(std::string_view key, std::string& to, std::size_t most, bool must) {
  auto const* item = any(key, must);
  if (item == nullptr) return false;
  if (item->kind != toml_kind::string) {
    wrong(*item, item->text + " is not a string; write it in quotes");
  } else if (item->text.empty() || item->text.size() > most) {
    wrong(*item, fmt::format("a text of {} bytes is not allowed; allowed: 1 to {} bytes",
                             item->text.size(), most));
  } else {
    to = item->text;
  }
  return true;
}

bool toml_taker::word(std::string_view key, std::size_t& to, std::vector<std::string> const& among,
                      bool must) {
  auto const* item = any(key, must);
  if (item == nullptr) return false;
  bool const text = item->kind == toml_kind::string;
  auto const found = std::find(among.begin(), among.end(), item->text);
  if (text && found != among.end()) {
    to = static_cast<std::size_t>(found - among.begin());
  } else {
    wrong(*item, fmt::format("{} is not allowed{} allowed: {}", shown(*item),
                             text ? suggestion(item->text, among) : ";", joined(among)));
  }
  return true;
}

bool toml_taker::flag(std::string_view key, bool& to) {
  auto const* item = any(key);
  if (item == nullptr) return false;
  if (item->kind == toml_kind::boolean) {
    to = item->text == "true";
  } else {
    wrong(*item, fmt::format("{} is not allowed; allowed: true, false", shown(*item)));
  }
  return true;
}

bool toml_taker::whole(std::string_view key, std::int64_t& to, std::int64_t least,
                       std::int64_t most) {
  auto const* item = any(key);
  if (item == nullptr) return false;
  std::int64_t value = 0;
  bool fits = item->kind == toml_kind::integer;
  if (fits) value = std::stoll(item->text);  // as toml++ wrote it
  fits = fits && value >= least && value <= most;
  if (fits) {
    to = value;
  } else {
    wrong(*item, fmt::format("{} is not allowed; allowed: a whole number from {} to {}",
                             shown(*item), least, most));
  }
  return true;
}

bool toml_taker::time(std::string_view key, duration& to, duration least, duration most) {
  auto const* item = any(key);
  if (item == nullptr) return false;
  auto const limits = fmt::format("; allowed: {} to {}", time_text(least), time_text(most));
  duration value{};
  if (item->kind != toml_kind::string) {
    wrong(*item, item->text + " has no unit; write a duration in quotes, like \"40 s\"" + limits);
  } else if (auto const why = parse_time(item->text, value); !why.empty()) {
    wrong(*item, why + limits);
  } else if (value < least || value > most) {
    wrong(*item, quote(item->text) + " is out of range" + limits);
  } else {
    to = value;
  }
  return true;
}

bool toml_taker::bytes(std::string_view key, std::uint64_t& to, std::uint64_t least,
                       std::uint64_t most) {
  auto const* item = any(key);
  if (item == nullptr) return false;
  auto const limits = fmt::format("; allowed: {} to {}", bytes_text(least), bytes_text(most));
  std::uint64_t value = 0;
  if (item->kind != toml_kind::string) {
    wrong(*item, item->text + " has no unit; write a size in quotes, like \"512 MB\"" + limits);
  } else if (auto const why = parse_bytes(item->text, value); !why.empty()) {
    wrong(*item, why + limits);
  } else if (value < least || value > most) {
    wrong(*item, quote(item->text) + " is out of range" + limits);
  } else {
    to = value;
  }
  return true;
}

bool toml_taker::texts(std::string_view key, std::vector<std::string>& to, std::size_t most,
                       bool must) {
  auto const* item = any(key, must);
  if (item == nullptr) return false;
  if (item->kind != toml_kind::array || item->children.size() > most) {
    wrong(*item, fmt::format("{} is not allowed; allowed: a list of at most {} strings",
                             item->kind == toml_kind::array
                                 ? fmt::format("a list of {}", item->children.size())
                                 : shown(*item),
                             most));
    return true;
  }
  to.clear();
  for (auto const& each : item->children) {
    if (each.kind == toml_kind::string) {
      to.push_back(each.text);
    } else {
      wrong(each, each.text + " is not a string; write it in quotes");
    }
  }
  return true;
}

toml_item const* toml_taker::table(std::string_view key) {
  auto const* item = any(key);
  if (item == nullptr || item->kind == toml_kind::table) return item;
  wrong(*item, fmt::format("{} is not a table; write [{}]", shown(*item), key));
  return nullptr;
}

toml_item const* toml_taker::tables(std::string_view key) {
  auto const* item = any(key);
  if (item == nullptr) return nullptr;
  bool const good = item->kind == toml_kind::array &&
                    std::all_of(item->children.begin(), item->children.end(), [](auto const& c) {
                      return c.kind == toml_kind::table;
                    });
  if (good) return item;
  wrong(*item, fmt::format("{} is not a list of tables; write [[{}]]", shown(*item), key));
  return nullptr;
}

void toml_taker::finish() {
  for (auto const& each : table_.children) {
    if (std::find(known_.begin(), known_.end(), each.key) != known_.end()) continue;
    problems_.add(each.key_at, fmt::format("{} has no key {}{} allowed: {}", what_,
                                           quote(each.key), suggestion(each.key, known_),
                                           joined(known_)));
  }
}

}  // namespace hydra::net
