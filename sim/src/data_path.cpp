#include <hydra/sim/data_path.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace hydra::sim {

namespace {

std::vector<std::string>& added() {
  static std::vector<std::string> folders;
  return folders;
}

}  // namespace

void add_data_folder(std::string folder) { added().push_back(std::move(folder)); }

std::vector<std::string> data_folders() {
  std::vector<std::string> out;
  std::error_code none;
  auto const self = std::filesystem::read_symlink("/proc/self/exe", none);
  if (!none) out.push_back((self.parent_path().parent_path() / "share/hydra/data").string());
  out.insert(out.end(), added().begin(), added().end());
#ifdef HYDRA_DATA_DIR
  out.emplace_back(HYDRA_DATA_DIR);
#endif
#ifdef HYDRA_INSTALLED_DATA_DIR
  out.emplace_back(HYDRA_INSTALLED_DATA_DIR);
#endif
  out.emplace_back("/usr/share/hydra/data");
  return out;
}

std::string data_path(std::string_view name) {
  namespace fs = std::filesystem;
  char const* said = std::getenv("HYDRA_DATA");
  bool const is_said = said != nullptr && *said != '\0';
  auto const sought = is_said ? std::vector<std::string>{said} : data_folders();
  std::string list;
  for (auto const& dir : sought) {
    std::error_code none;
    if (auto const at = fs::path{dir} / name; fs::exists(at, none)) return at.string();
    list += (list.empty() ? "" : ", ") + dir;
  }
  throw data_error{"data file '" + std::string{name} + "' is not in " + list +
                   "; set HYDRA_DATA to the directory that holds it"};
}

csv_file::csv_file(std::string path, std::string_view header) : path_{std::move(path)} {
  constexpr std::uintmax_t bytes_max = std::uintmax_t{256} << 20U;
  std::error_code none;
  if (!std::filesystem::is_regular_file(path_, none)) {
    throw data_error{path_ + ": is not there, or not a regular file"};
  }
  if (auto const size = std::filesystem::file_size(path_, none); none || size > bytes_max) {
    throw data_error{path_ + ": is larger than " + std::to_string(bytes_max) + " bytes"};
  }
  std::ifstream in{path_, std::ios::binary};
  if (!in) throw data_error{path_ + ": cannot be read"};
  all_.assign(std::istreambuf_iterator<char>{in}, {});
  if (all_.size() >= 2 && (all_[0] == '\x1f' || all_[0] == '\xfd'))
    throw data_error{path_ + ": is compressed; unpack it first, plain CSV is read"};
  if (header.empty()) return;
  auto const end = all_.find('\n');
  std::string_view first = std::string_view{all_}.substr(0, end);
  if (first.ends_with('\r')) first.remove_suffix(1);
  line_ = 1;
  if (first != header) fail(first, header);
  at_ = end == std::string::npos ? all_.size() : end + 1;
}

bool csv_file::next() {
  if (at_ >= all_.size()) return false;
  ++line_;
  auto end = all_.find('\n', at_);
  if (end == std::string::npos) end = all_.size();
  std::string_view line = std::string_view{all_}.substr(at_, end - at_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  at_ = end + 1;
  fields_.clear();
  for (;;) {
    auto const comma = line.find(',');
    fields_.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return true;
    line.remove_prefix(comma + 1);
  }
}

std::string_view csv_file::text(std::size_t field) const {
  if (field >= fields_.size())
    fail("(" + std::to_string(fields_.size()) + " fields)",
         "at least " + std::to_string(field + 1) + " fields");
  return fields_[field];
}

std::int64_t csv_file::integer(std::size_t field, std::int64_t low, std::int64_t high) const {
  auto const t = text(field);
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
  if (error != std::errc{} || end != t.data() + t.size() || value < low || value > high)
    fail(t, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return value;
}

double csv_file::number(std::size_t field) const {
  auto const t = text(field);
  double value = 0;
  auto const [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
  bool const finite = std::isfinite(value);
  if (error != std::errc{} || end != t.data() + t.size() || !finite) {
    fail(t, "a decimal number");
  }
  return value;
}

namespace {

// What a terminal may be sent: bytes that are no plain text as \xNN, and no more than a line.
std::string shown(std::string_view value) {
  constexpr std::size_t most = 80;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (char const c : value.substr(0, most)) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return value.size() > most ? out + "..." : out;
}

}  // namespace

void csv_file::fail(std::string_view value, std::string_view allowed) const {
  throw data_error{path_ + ":" + std::to_string(line_) + ": '" + shown(value) +
                   "' is not allowed; allowed: " + std::string{allowed}};
}

}  // namespace hydra::sim
