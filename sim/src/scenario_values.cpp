#include "scenario_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

namespace hydra::sim {
namespace detail {
namespace {

using std::string;
using std::string_view;

struct unit {
  string_view name;
  std::int64_t ns;
};
constexpr std::array units{unit{"ns", 1},
                           unit{"us", 1'000},
                           unit{"ms", 1'000'000},
                           unit{"s", 1'000'000'000},
                           unit{"min", 60'000'000'000},
                           unit{"h", 3'600'000'000'000},
                           unit{"d", 86'400'000'000'000}};

constexpr std::size_t digits_max = 18;  // of a number, together: fits 64 bits

bool is_digit(char c) { return c >= '0' && c <= '9'; }

string_view trimmed(string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// "1_500.25" as 150025 / 10^2.
struct decimal {
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
};

std::optional<decimal> parse_decimal(string_view s) {
  decimal d;
  std::size_t count = 0;
  bool point = false;
  bool after_digit = false;
  for (char c : s) {
    if (is_digit(c)) {
      if (++count > digits_max) return {};
      d.digits = d.digits * 10 + static_cast<std::uint64_t>(c - '0');
      if (point) d.scale *= 10;
      after_digit = true;
    } else if (!after_digit || (c != '_' && (c != '.' || point))) {
      return {};
    } else {
      point = point || c == '.';
      after_digit = false;
    }
  }
  if (!after_digit) return {};
  return d;
}

std::optional<std::uint64_t> parse_whole(string_view s) {
  std::uint64_t n = 0;
  bool after_digit = false;
  for (char c : s) {
    if (is_digit(c)) {
      if (__builtin_mul_overflow(n, 10U, &n)) return {};
      if (__builtin_add_overflow(n, static_cast<std::uint64_t>(c - '0'), &n)) return {};
      after_digit = true;
    } else if (c == '_' && after_digit) {
      after_digit = false;
    } else {
      return {};
    }
  }
  if (!after_digit) return {};
  return n;
}

// The length of the leading number.
std::size_t number_length(string_view s) {
  std::size_t i = 0;
  while (i < s.size() && (is_digit(s[i]) || s[i] == '.' || s[i] == '_')) ++i;
  return i;
}

std::optional<ratio> reduced(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return {};
  auto const by = std::gcd(part, whole);
  part /= by;
  whole /= by;
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  if (part > most || whole > most) return {};
  return ratio{static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(whole)};
}

std::optional<ratio> parse_ratio(string_view text) {
  auto s = trimmed(text);
  if (auto const slash = s.find('/'); slash != string_view::npos) {
    auto const part = parse_whole(trimmed(s.substr(0, slash)));
    auto const whole = parse_whole(trimmed(s.substr(slash + 1)));
    if (!part || !whole) return {};
    return reduced(*part, *whole);
  }
  std::uint64_t by = 1;
  if (s.ends_with('%')) {
    by = 100;
    s = trimmed(s.substr(0, s.size() - 1));
  }
  auto const d = parse_decimal(s);
  std::uint64_t whole = 0;
  if (!d || __builtin_mul_overflow(d->scale, by, &whole)) return {};
  return reduced(d->digits, whole);
}

string ratio_text(ratio r) {
  if (r.whole == 1) return fmt::format("{}", r.part);
  if (r.part <= r.whole && 100 % r.whole == 0)
    return fmt::format("{} %", std::uint64_t{r.part} * 100 / r.whole);
  return fmt::format("{}/{}", r.part, r.whole);
}

std::vector<string_view> region_words() { return {world_regions.begin(), world_regions.end()}; }

string allowed_places() {
  return "allowed: any, providers, elsewhere, peer N, peers N-M, or regions with commas: " +
         joined_words(region_words());
}

// "peer 7", "peers 10-20".
std::optional<whereabouts> parse_peers(string_view s) {
  s.remove_prefix(s.starts_with("peers") ? 5 : 4);
  auto const dash = s.find('-');
  auto const first = parse_whole(trimmed(s.substr(0, dash)));
  auto const last = dash == string_view::npos ? first : parse_whole(trimmed(s.substr(dash + 1)));
  if (!first || !last || *first > *last || *last >= hydras_max) return {};
  return whereabouts{whereabouts::which::peers, 0, static_cast<std::uint32_t>(*first),
               static_cast<std::uint32_t>(*last)};
}

string assign_place(whereabouts& to, string_view text) {
  auto const s = trimmed(text);
  auto among = region_words();
  if (s.find(',') == string_view::npos) {
    among.insert(among.end(), {"any", "providers", "elsewhere"});
  }
  auto const refuse = [&](string_view word) {
    bool const apart = word == "any" || word == "providers" || word == "elsewhere";
    if (apart) return fmt::format("{} stands alone, without commas", quote(word));
    return fmt::format("{} is not a place{} {}", quote(word), suggestion(word, among),
                       allowed_places());
  };
  if (s == "any") return to = {whereabouts::which::any, 0, 0, 0}, "";
  if (s == "elsewhere") return to = {whereabouts::which::elsewhere, 0, 0, 0}, "";
  if (s == "providers") return to = {whereabouts::which::providers, 0, 0, 0}, "";
  if (s.starts_with("peer")) {
    auto const peers = parse_peers(s);
    if (!peers) return refuse(s);
    return to = *peers, "";
  }
  whereabouts made{whereabouts::which::regions, 0, 0, 0};
  for (std::size_t from = 0; from <= s.size();) {
    auto const comma = std::min(s.find(',', from), s.size());
    auto const word = trimmed(s.substr(from, comma - from));
    auto const bit = region_bit(word);
    if (bit == 0) return refuse(word);
    made.regions = static_cast<std::uint8_t>(made.regions | bit);
    from = comma + 1;
  }
  return to = made, "";
}

string place_text(whereabouts const& p) {
  switch (p.of) {
    case whereabouts::which::any: return "any";
    case whereabouts::which::elsewhere: return "elsewhere";
    case whereabouts::which::providers: return "providers";
    case whereabouts::which::peers:
      return p.first == p.last ? fmt::format("peer {}", p.first)
                               : fmt::format("peers {}-{}", p.first, p.last);
    case whereabouts::which::regions: break;
  }
  string out;
  for (std::size_t i = 0; i < world_regions.size(); ++i)
    if (p.has_region(i)) out += (out.empty() ? "" : ", ") + string{world_regions[i]};
  return out;
}

string assign_rate(arrival_rate& to, string_view text) {
  auto const wrong = fmt::format("{} is not a rate; allowed: a whole number per unit of time, "
                                 "like \"18 / s\" or \"1_080 / min\"", quote(text));
  auto const slash = text.find('/');
  if (slash == string_view::npos) return wrong;
  auto const count = parse_whole(trimmed(text.substr(0, slash)));
  auto const word = trimmed(text.substr(slash + 1));
  auto const at = std::find_if(units.begin(), units.end(), [&](auto u) { return u.name == word; });
  if (!count || *count == 0 || *count > 1'000'000'000 || at == units.end()) return wrong;
  to = {*count, duration{at->ns}};
  return "";
}

string rate_text(arrival_rate const& r) {
  auto const at = std::find_if(units.begin(), units.end(),
                               [&](auto u) { return u.ns == r.per.count(); });
  return fmt::format("{} / {}", r.count, at == units.end() ? "s" : at->name);
}

string assign_number(field const& f, written const& v, std::uint64_t& to) {
  auto const n = v.kind == value_kind::integer || v.kind == value_kind::loose
                     ? parse_whole(trimmed(v.text))
                     : std::nullopt;
  if (n && *n >= static_cast<std::uint64_t>(f.least) && *n <= static_cast<std::uint64_t>(f.most))
    return to = *n, "";
  auto const shown = v.kind == value_kind::string ? quote(v.text) : v.text;
  return fmt::format("{} is not allowed; allowed: a whole number from {} to {}", shown, f.least,
                     f.most);
}

string assign_duration(field const& f, written const& v, duration& to) {
  auto const limits = fmt::format("; allowed: {} to {}", duration_text(duration{f.least}),
                                  duration_text(duration{f.most}));
  if (v.kind != value_kind::string && v.kind != value_kind::loose)
    return fmt::format("{} has no unit; write a duration in quotes, like \"{} s\"{}", v.text,
                       v.kind == value_kind::integer ? v.text : "40", limits);
  string error;
  auto const d = parse_duration(v.text, error);
  if (!error.empty()) return error + limits;
  if (d.count() < f.least || d.count() > f.most)
    return fmt::format("{} is out of range{}", quote(v.text), limits);
  return to = d, "";
}

string assign_ratio(field const& f, written const& v, ratio& to) {
  bool const number = v.kind != value_kind::boolean && v.kind != value_kind::other;
  auto const r = number ? parse_ratio(v.text) : std::nullopt;
  bool const inside = r && (f.least == 0 || r->part > 0) &&
                      r->part <= static_cast<std::uint64_t>(f.most) * r->whole;
  if (inside) return to = *r, "";
  auto const shown = v.kind == value_kind::string ? quote(v.text) : v.text;
  auto const limits = f.most == 1 ? fmt::format("{} to 1", f.least == 0 ? "0" : "more than 0")
                                  : fmt::format("{} to {}", f.least == 0 ? "0" : "more than 0",
                                                f.most);
  return fmt::format("{} is not allowed; allowed: {}, like \"1/100\", \"1 %\" or 0.01", shown,
                     limits);
}

string assign_string(field const& f, written const& v, string& to) {
  if (v.kind != value_kind::string && v.kind != value_kind::loose)
    return fmt::format("{} is not a string; write it in quotes", v.text);
  if (f.words != nullptr && std::find(f.words->begin(), f.words->end(), v.text) == f.words->end())
    return fmt::format("{} is not allowed{} allowed: {}", quote(v.text),
                       suggestion(v.text, *f.words),
                       f.shown.empty() ? joined_words(*f.words) : string{f.shown});
  auto const size = static_cast<std::int64_t>(v.text.size());
  if (size < f.least || size > f.most)
    return fmt::format("a text of {} bytes is not allowed; allowed: {} to {} bytes", size, f.least,
                       f.most);
  return to = v.text, "";
}

string assign_bool(written const& v, bool& to) {
  bool const may = v.kind == value_kind::boolean || v.kind == value_kind::loose;
  if (may && v.text == "true") return to = true, "";
  if (may && v.text == "false") return to = false, "";
  auto const shown = v.kind == value_kind::string ? quote(v.text) : v.text;
  return fmt::format("{} is not allowed; allowed: true, false", shown);
}

string assign_choice(choice const& c, written const& v) {
  bool const word = v.kind == value_kind::string || v.kind == value_kind::loose;
  auto const at = word ? std::find(c.names->begin(), c.names->end(), v.text) : c.names->end();
  if (at != c.names->end()) {
    *c.at = static_cast<std::uint8_t>(at - c.names->begin());
    return "";
  }
  return fmt::format("{} is not allowed{} allowed: {}", word ? quote(v.text) : v.text,
                     word ? suggestion(v.text, *c.names) : ";", joined_words(*c.names));
}

struct assigner {
  field const& f;
  written const& v;

  string operator()(bool* to) const { return assign_bool(v, *to); }
  string operator()(std::uint64_t* to) const { return assign_number(f, v, *to); }
  string operator()(std::uint32_t* to) const {
    std::uint64_t n = *to;
    auto wrong = assign_number(f, v, n);
    *to = static_cast<std::uint32_t>(n);
    return wrong;
  }
  string operator()(duration* to) const { return assign_duration(f, v, *to); }
  string operator()(ratio* to) const { return assign_ratio(f, v, *to); }
  string operator()(string* to) const { return assign_string(f, v, *to); }
  string operator()(whereabouts* to) const {
    return worded() ? assign_place(*to, v.text) : v.text + " is not a place; " + allowed_places();
  }
  string operator()(arrival_rate* to) const { return assign_rate(*to, v.text); }
  string operator()(choice const& c) const { return assign_choice(c, v); }

  bool worded() const { return v.kind == value_kind::string || v.kind == value_kind::loose; }
};

struct teller {
  string operator()(bool const* v) const { return *v ? "true" : "false"; }
  string operator()(std::uint32_t const* v) const { return fmt::format("{}", *v); }
  string operator()(std::uint64_t const* v) const { return fmt::format("{}", *v); }
  string operator()(duration const* v) const { return quote(duration_text(*v)); }
  string operator()(ratio const* v) const { return quote(ratio_text(*v)); }
  string operator()(string const* v) const { return quote(*v); }
  string operator()(whereabouts const* v) const { return quote(place_text(*v)); }
  string operator()(arrival_rate const* v) const { return quote(rate_text(*v)); }
  string operator()(choice const& c) const { return quote((*c.names)[*c.at]); }
};

}  // namespace

std::string assign(field const& f, written const& v) { return std::visit(assigner{f, v}, f.at); }

std::string toml_text(field const& f) { return std::visit(teller{}, f.at); }

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

std::string joined_words(std::vector<std::string_view> const& words) {
  string out;
  for (auto w : words) out += (out.empty() ? "" : ", ") + string{w};
  return out;
}

std::string suggestion(std::string_view word, std::vector<std::string_view> const& among) {
  auto const near = nearest_spelling(word, among);
  return near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near);
}

}  // namespace detail

std::string duration_text(duration d) {
  using detail::units;
  auto const n = d.count();
  if (n == 0) return "0 s";
  auto best = units.front();
  for (auto u : units)
    if (n % u.ns == 0 && (u.name != "d" || n / u.ns > 1)) best = u;
  return fmt::format("{} {}", n / best.ns, best.name);
}

duration parse_duration(std::string_view text, std::string& error) {
  auto const s = detail::trimmed(text);
  auto const length = detail::number_length(s);
  auto const number = detail::parse_decimal(s.substr(0, length));
  auto name = detail::trimmed(s.substr(length));
  if (name == "µs") name = "us";
  auto const at = std::find_if(detail::units.begin(), detail::units.end(),
                               [&](auto u) { return u.name == name; });
  if (!number || at == detail::units.end()) {
    error = fmt::format("{} is not a duration; write a number and a unit (ns us ms s min h d), "
                        "like \"40 s\" or \"1.5 ms\"", detail::quote(text));
    return {};
  }
  // 0.5 min = 5 * 60e9 / 10: what both sides share goes first, so that less overflows.
  auto const unit_ns = static_cast<std::uint64_t>(at->ns);
  auto const common = std::gcd(number->scale, unit_ns);
  auto const scale = number->scale / common;
  std::uint64_t ns = 0;
  if (__builtin_mul_overflow(number->digits, unit_ns / common, &ns) ||
      ns / scale > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    error = fmt::format("{} is too long or has too many digits", detail::quote(text));
    return {};
  }
  if (ns % scale != 0) {
    error = fmt::format("{} is not a whole number of nanoseconds", detail::quote(text));
    return {};
  }
  return duration{static_cast<std::int64_t>(ns / scale)};
}

std::string_view nearest_spelling(std::string_view word,
                                  std::vector<std::string_view> const& among) {
  constexpr std::size_t word_max = 64;  // longer ones are nobody's misspelling
  if (word.empty() || word.size() > word_max) return {};
  std::string_view best;
  auto least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (auto other : among) {
    if (other.size() > word_max) continue;
    // Damerau-Levenshtein: insert, delete, replace, swap neighbours.
    std::vector<std::size_t> before, last(other.size() + 1), row(other.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j <= other.size(); ++j) {
        auto const cost = word[i - 1] == other[j - 1] ? 0U : 1U;
        row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
        bool const swapped = i > 1 && j > 1 && word[i - 1] == other[j - 2] &&
                             word[i - 2] == other[j - 1];
        if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
      }
      before = last;
      last = row;
    }
    if (last.back() < least && last.back() < other.size()) {
      least = last.back();
      best = other;
    }
  }
  return best;
}

}  // namespace hydra::sim
