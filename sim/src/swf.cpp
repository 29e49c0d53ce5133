#include <hydra/sim/swf.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

namespace hydra::sim {

namespace {

constexpr std::array<std::string_view, swf_reader::fields> field_names{
    "job number",        "submit time",      "wait time",        "run time",
    "processors",        "processor time",   "memory",           "requested processors",
    "requested time",    "requested memory", "status",           "user",
    "group",             "executable",       "queue",            "partition",
    "preceding job",     "think time"};

// A century: what is longer is a mistake, and sums of it still fit.
constexpr std::int64_t seconds_max = 3'153'600'000;
constexpr std::int64_t count_max = 1'000'000'000'000;
constexpr std::int64_t ns_in_s = 1'000'000'000;

// "-1", "255" or "255.25", as whole units and billionths.
struct decimal {
  bool negative = false;
  std::int64_t whole = 0;
  std::int64_t billionths = 0;
};

enum class flaw : std::uint8_t { none, no_number, too_large };

flaw read(std::string_view text, decimal& out) {
  if (!text.empty() && text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  bool any = false;
  bool point = false;
  bool large = false;
  std::int64_t unit = ns_in_s;  // what the digit before is worth, after the point
  for (char const c : text) {
    if (c == '.' && !point && any) {
      point = true;
      any = false;
      continue;
    }
    if (c < '0' || c > '9') return flaw::no_number;
    any = true;
    if (point) {
      unit /= 10;  // below a billionth: nothing
      out.billionths += unit * (c - '0');
    } else {
      large = large || out.whole > std::numeric_limits<std::int64_t>::max() / 100;
      out.whole = large ? out.whole : out.whole * 10 + (c - '0');
    }
  }
  if (!any) return flaw::no_number;
  return large ? flaw::too_large : flaw::none;
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string out{text.substr(0, most)};
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text.size() > most ? out + "..." : out;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed_left(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  return s;
}

}  // namespace

// The bytes of a file, unpacked where it is packed.
class swf_reader::source {
 public:
  source(std::unique_ptr<std::istream> from, std::string name)
      : from_{std::move(from)}, name_{std::move(name)} {
    fill();
    auto const begins = [&](std::string_view with) {
      return std::string_view{raw_.data(), raw_size_}.starts_with(with);
    };
    if (begins("\xfd" "7zXZ")) unread("xz", "xz -d");
    if (begins("BZh")) unread("bzip2", "bzip2 -d");
    if (begins("\x28\xb5\x2f\xfd")) unread("zstd", "zstd -d");
    if (!begins("\x1f\x8b")) return;
    packed_ = inflateInit2(&stream_, 15 + 16) == Z_OK;  // gzip and nothing else
    if (!packed_) throw data_error{name_ + ": there is no memory to unpack it"};
  }
  source(source const&) = delete;
  source& operator=(source const&) = delete;
  ~source() {
    if (packed_) inflateEnd(&stream_);
  }

  // Some more bytes; none: the end. They are valid until the next call.
  [[nodiscard]] std::string_view more(std::uint64_t line) {
    if (!packed_) {
      if (raw_size_ == 0) fill();
      return {raw_.data(), std::exchange(raw_size_, 0)};
    }
    for (;;) {
      auto const made = unpack(line);
      if (made != 0) return {out_.data(), made};
      if (raw_size_ == 0) return {};
    }
  }

 private:
  [[noreturn]] void unread(char const* packing, char const* with) const {
    throw data_error{name_ + ": is packed with " + packing + "; unpack it with `" + with +
                     "`; allowed: plain text, gzip"};
  }
  void fill() {
    from_->read(raw_.data(), static_cast<std::streamsize>(raw_.size()));
    raw_size_ = static_cast<std::size_t>(from_->gcount());
    if (from_->bad()) throw data_error{name_ + ": cannot be read"};
    stream_.next_in = reinterpret_cast<Bytef*>(raw_.data());
    stream_.avail_in = static_cast<uInt>(raw_size_);
  }
  [[nodiscard]] std::size_t unpack(std::uint64_t line) {
    if (stream_.avail_in == 0) fill();
    if (raw_size_ == 0) {
      if (ended_) return 0;
      throw data_error{name_ + ": the packed file ends too early, after line " +
                       std::to_string(line)};
    }
    if (ended_) {  // another gzip file follows in this one
      inflateReset(&stream_);
      ended_ = false;
    }
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
    auto const said = inflate(&stream_, Z_NO_FLUSH);
    if (said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR) {
      throw data_error{name_ + ": the packed file is damaged after line " + std::to_string(line)};
    }
    ended_ = said == Z_STREAM_END;
    return out_.size() - stream_.avail_out;
  }

  std::unique_ptr<std::istream> from_;
  std::string name_;
  std::array<char, 65536> raw_{};
  std::size_t raw_size_ = 0;
  std::array<char, 65536> out_{};
  z_stream stream_{};
  bool packed_ = false;
  bool ended_ = false;
};

namespace {

std::unique_ptr<std::istream> opened(std::string const& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) {
    throw data_error{path + ": is not there, or not a regular file"};
  }
  auto in = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*in) throw data_error{path + ": cannot be read"};
  return in;
}

}  // namespace

swf_reader::swf_reader(std::string const& path) : swf_reader{opened(path), path} {}
swf_reader::swf_reader(std::unique_ptr<std::istream> from, std::string name)
    : name_{std::move(name)}, from_{std::make_unique<source>(std::move(from), name_)} {}
swf_reader::swf_reader(swf_reader&&) noexcept = default;
swf_reader& swf_reader::operator=(swf_reader&&) noexcept = default;
swf_reader::~swf_reader() = default;

bool swf_reader::next() {
  while (read_line()) {
    auto const text = trimmed_left(line_);
    if (text.empty() || text.front() == ';') continue;
    parse();
    return true;
  }
  return false;
}

// Whether something is unread.
bool swf_reader::more() {
  if (unread_.empty()) {
    unread_ = from_->more(line_number_);
    bytes_ += unread_.size();
    if (bytes_ > bytes_max) {
      throw data_error{name_ + ": holds more than " + std::to_string(bytes_max) + " bytes"};
    }
  }
  return !unread_.empty();
}

bool swf_reader::read_line() {
  line_.clear();
  if (!more()) return false;
  ++line_number_;
  for (bool ended = false; !ended && more();) {
    auto const end = unread_.find('\n');
    auto const part = unread_.substr(0, end);
    ended = end != std::string_view::npos;
    // What is over the bound is dropped: the rest of a comment, and a row is refused for it.
    line_.append(part.substr(0, line_bytes_max + 1 - std::min(line_.size(), line_bytes_max + 1)));
    unread_.remove_prefix(ended ? end + 1 : unread_.size());
  }
  bool const comment = trimmed_left(line_).starts_with(';');
  if (line_.size() > line_bytes_max && !comment) {
    refuse(line_bytes_max, "the line is longer than " + std::to_string(line_bytes_max) +
                               " bytes; allowed: " + std::to_string(fields) + " numbers");
  }
  return true;
}

namespace {

// Calls visit(text, column) for each word of the line; how many there were.
template <class F>
std::size_t each_word(std::string_view line, F&& visit) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    auto end = at;
    while (end < line.size() && !is_blank(line[end])) ++end;
    visit(n++, line.substr(at, end - at), at + 1);
    at = end;
  }
  return n;
}

bool is_time(std::size_t i) { return i == 1 || i == 3; }  // of the fields that are used
bool is_used(std::size_t i) {
  return i < 2 || i == 3 || i == 4 || i == 7 || (i >= 10 && i <= 15);
}

std::string allowed_in(std::size_t i) {
  if (i == 1) return "seconds from 0 to " + std::to_string(seconds_max);
  if (i == 3) return "seconds from 0 to " + std::to_string(seconds_max) + ", or -1";
  if (is_used(i)) return "whole numbers from 0 to " + std::to_string(count_max) + ", or -1";
  return "a number, or -1 for one that is not known";
}

bool fits(std::size_t i, decimal const& d) {
  if (!is_used(i)) return true;
  if (d.negative) return i != 1 && d.whole == 1 && d.billionths == 0;
  if (is_time(i)) return d.whole < seconds_max || (d.whole == seconds_max && d.billionths == 0);
  return d.whole <= count_max && d.billionths == 0;
}

}  // namespace

void swf_reader::parse() {
  std::array<std::int64_t, fields> units{};
  auto const count = each_word(line_, [&](std::size_t i, std::string_view text, std::size_t at) {
    if (i >= fields) return;
    decimal d;
    auto const flawed = read(text, d);
    if (flawed == flaw::no_number || (is_used(i) && (flawed != flaw::none || !fits(i, d)))) {
      refuse(at, std::string{field_names[i]} + " (field " + std::to_string(i + 1) + "): '" +
                     shown(text) + "' is not allowed; allowed: " + allowed_in(i));
    }
    if (!is_used(i)) return;
    if (d.negative) {
      units[i] = unknown;
    } else {
      units[i] = is_time(i) ? d.whole * ns_in_s + d.billionths : d.whole;
    }
  });
  if (count != fields) {
    refuse(1, "a row of " + std::to_string(count) + " fields is not allowed; allowed: " +
                  std::to_string(fields));
  }
  row_ = {units[0],  duration{units[1]}, duration{units[3]}, units[4],  units[7], units[10],
          units[11], units[12],          units[13],          units[14], units[15]};
}

void swf_reader::fail(std::size_t field, std::string_view allowed) const {
  each_word(line_, [&](std::size_t i, std::string_view text, std::size_t at) {
    if (i + 1 != field) return;
    refuse(at, std::string{field_names[i]} + " (field " + std::to_string(field) + "): '" +
                   shown(text) + "' is not allowed; allowed: " + std::string{allowed});
  });
  refuse(1, std::string{allowed});
}

void swf_reader::refuse(std::size_t column, std::string const& what) const {
  throw data_error{name_ + ":" + std::to_string(line_number_) + ":" + std::to_string(column) +
                   ": " + what};
}

}  // namespace hydra::sim
