#include "bundle.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace hydra::node {
namespace {

constexpr std::string_view magic = "HYDRA-B1";

struct closed {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using file = std::unique_ptr<std::FILE, closed>;

error failed(std::string const& path) { return {path + ": " + std::strerror(errno)}; }

void put(std::string& out, std::uint64_t x, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(x >> (8 * i) & 0xffU);
}

class reader {
 public:
  explicit reader(std::FILE* from) : from_{from} {}
  [[nodiscard]] std::uint64_t number(std::size_t bytes) {
    auto const text = take(bytes);
    std::uint64_t x = 0;
    for (std::size_t i = text.size(); i > 0; --i) {
      x = x << 8U | static_cast<unsigned char>(text[i - 1]);
    }
    return x;
  }
  [[nodiscard]] std::string take(std::size_t bytes) {
    std::string out(bytes, '\0');
    if (std::fread(out.data(), 1, bytes, from_) != bytes) good_ = false;
    return out;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  std::FILE* from_;
  bool good_ = true;
};

// So many bytes from one to the other.
bool copy(std::FILE* from, std::FILE* to, std::uint64_t bytes) {
  std::vector<char> piece(1U << 20U);
  while (bytes != 0) {
    auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    if (std::fread(piece.data(), 1, n, from) != n) return false;
    if (std::fwrite(piece.data(), 1, n, to) != n) return false;
    bytes -= n;
  }
  return true;
}

result<bundle> table_of(std::FILE* in, std::string const& path) {
  reader r{in};
  auto const bad = [&](std::string const& why) { return error{path + ": is no bundle: " + why}; };
  if (r.take(magic.size()) != magic || !r.good()) return bad("it does not begin with HYDRA-B1");
  bundle out;
  auto const parameters = r.number(4);
  if (!r.good() || parameters > bundle_parameters_max) return bad("too many parameters");
  for (std::uint64_t i = 0; i < parameters; ++i) {
    auto const text = r.take(r.number(2));
    auto const equals = text.find('=');
    if (!r.good() || equals == std::string::npos) return bad("a parameter is not name=value");
    out.parameters[text.substr(0, equals)] = text.substr(equals + 1);
  }
  auto const files = r.number(4);
  if (!r.good() || files > bundle_files_max) return bad("too many files");
  for (std::uint64_t i = 0; i < files; ++i) {
    bundle_file f;
    f.name = r.take(r.number(2));
    f.bytes = r.number(8);
    auto const same = [&](bundle_file const& o) { return o.name == f.name; };
    bool const twice = std::any_of(out.files.begin(), out.files.end(), same);
    if (!r.good() || !good_bundle_name(f.name) || twice) return bad("a name is not allowed");
    out.files.push_back(std::move(f));
  }
  return out;
}

}  // namespace

bool good_bundle_name(std::string_view name) {
  auto const plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '-' || c == '/';
  };
  if (name.empty() || name.size() > 200 || !std::all_of(name.begin(), name.end(), plain)) {
    return false;
  }
  auto const slash = name.find('/');
  auto const part = [](std::string_view p) {
    return !p.empty() && p.front() != '.' && p.front() != '-';
  };
  if (slash == std::string_view::npos) return part(name);
  auto const below = name.substr(slash + 1);
  return below.find('/') == std::string_view::npos && part(name.substr(0, slash)) && part(below);
}

result<std::uint64_t> pack(bundle const& what, std::string const& to) {
  std::string head{magic};
  put(head, what.parameters.size(), 4);
  for (auto const& [name, value] : what.parameters) {
    auto const text = name + "=" + value;
    if (text.size() > 0xffff) return error{"parameter " + name + " is longer than 65535 bytes"};
    put(head, text.size(), 2);
    head += text;
  }
  if (what.files.size() > bundle_files_max) {
    return error{std::to_string(what.files.size()) + " files; allowed: at most " +
                 std::to_string(bundle_files_max)};
  }
  put(head, what.files.size(), 4);
  std::vector<std::uint64_t> sizes;
  for (auto const& f : what.files) {
    std::error_code wrong;
    if (!good_bundle_name(f.name)) {
      return error{f.path + ": \"" + f.name + "\" is not allowed as a name; allowed: letters, "
                   "digits, _ . - and one / within, no leading . or -"};
    }
    if (!std::filesystem::is_regular_file(f.path, wrong)) return error{f.path + ": is no file"};
    sizes.push_back(std::filesystem::file_size(f.path, wrong));
    if (wrong) return error{f.path + ": " + wrong.message()};
    put(head, f.name.size(), 2);
    head += f.name;
    put(head, sizes.back(), 8);
  }
  file const out{std::fopen(to.c_str(), "wb")};
  if (!out) return failed(to);
  if (std::fwrite(head.data(), 1, head.size(), out.get()) != head.size()) return failed(to);
  std::uint64_t total = head.size();
  for (std::size_t i = 0; i < what.files.size(); ++i) {
    file const in{std::fopen(what.files[i].path.c_str(), "rb")};
    if (!in) return failed(what.files[i].path);
    if (!copy(in.get(), out.get(), sizes[i])) {
      return std::ferror(out.get()) != 0 ? failed(to)
                                         : error{what.files[i].path + ": became shorter"};
    }
    total += sizes[i];
  }
  return std::fflush(out.get()) == 0 ? result<std::uint64_t>{total} : failed(to);
}

result<bundle> read_bundle(std::string const& from) {
  file const in{std::fopen(from.c_str(), "rb")};
  if (!in) return failed(from);
  return table_of(in.get(), from);
}

result<bundle> unpack(std::string const& from, std::string const& folder) {
  file const in{std::fopen(from.c_str(), "rb")};
  if (!in) return failed(from);
  auto table = table_of(in.get(), from);
  if (!table) return table;
  for (auto& f : table.value().files) {
    f.path = folder + "/" + f.name;
    std::error_code wrong;
    std::filesystem::create_directories(std::filesystem::path{f.path}.parent_path(), wrong);
    file const out{std::fopen(f.path.c_str(), "wbx")};
    if (!out) return failed(f.path);
    if (!copy(in.get(), out.get(), f.bytes) || std::fflush(out.get()) != 0) {
      return std::ferror(out.get()) != 0 ? failed(f.path) : error{from + ": ends too soon"};
    }
  }
  return table;
}

}  // namespace hydra::node
