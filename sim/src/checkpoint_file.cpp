#include <hydra/sim/checkpoint_file.hpp>

#include <hydra/core/bytes.hpp>
#include <hydra/core/wide.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#ifndef HYDRA_VERSION
#define HYDRA_VERSION "unknown"
#endif

namespace hydra::sim {

namespace {

constexpr std::string_view magic = "hydra checkpoint";  // 16 bytes
static_assert(magic.size() == 16);
constexpr std::uint64_t end_mark = 0x646e656172647968U;
constexpr std::size_t start_bytes = 24;
constexpr std::size_t end_bytes = 32;
constexpr std::uint32_t head_bytes_max = 64U << 20U;  // the text of a scenario and its settings

std::string because(std::string const& path) { return path + ": " + std::strerror(errno); }

template <class T>
void little(std::vector<std::byte>& out, T x) {
  as_numbers plain;
  byte_writer<as_numbers> w{out, plain};
  w << x;
}
void text(std::vector<std::byte>& out, std::string const& s) {
  little(out, static_cast<std::uint32_t>(s.size()));
  auto const bytes = std::as_bytes(std::span{s});
  out.insert(out.end(), bytes.begin(), bytes.end());
}
using reader = byte_reader<as_numbers>;
void text(reader& in, std::string& s) {
  std::uint32_t n = 0;
  in& n;
  if (n > in.left()) in.refuse("a text is over the bytes that are left");
  if (!in.ok()) return;
  auto const bytes = in.skip(n);
  s.assign(reinterpret_cast<char const*>(bytes.data()), bytes.size());
}

std::vector<std::byte> encoded(checkpoint_head const& h) {
  std::vector<std::byte> out;
  text(out, h.build);
  little(out, h.layout);
  little(out, h.places);
  for (auto const* s : {&h.scenario, &h.text, &h.settings}) text(out, *s);
  little(out, static_cast<std::uint32_t>(h.sets.size()));
  for (auto const& s : h.sets) text(out, s);
  little(out, h.peers);
  little(out, h.at);
  for (bool b : {h.permute, h.wire_check, h.alone, h.unverified}) little(out, b);
  return out;
}
checkpoint_head decoded(reader& in) {
  checkpoint_head h;
  text(in, h.build);
  in& h.layout& h.places;
  for (auto* s : {&h.scenario, &h.text, &h.settings}) text(in, *s);
  std::uint32_t sets = 0;
  in& sets;
  if (sets > in.left()) in.refuse("more settings than bytes");
  for (std::uint32_t i = 0; in.ok() && i < sets; ++i) text(in, h.sets.emplace_back());
  in& h.peers& h.at;
  in& h.permute& h.wire_check& h.alone& h.unverified;
  if (in.ok() && in.left() != 0) in.refuse("bytes are left over in the head");
  return h;
}

}  // namespace

std::string version_of_library() { return HYDRA_VERSION; }

namespace detail {

void checksum::word(std::uint64_t w) noexcept {
  auto const a = static_cast<uint128>(one_ ^ w) * 0x9e3779b97f4a7c15U;
  one_ = static_cast<std::uint64_t>(a) ^ static_cast<std::uint64_t>(a >> 64U);
  two_ = ((two_ << 23U | two_ >> 41U) + w) * 0xd6e8feb86659fd93U;
}
void checksum::add(char const* bytes, std::size_t count) noexcept {
  while (count != 0) {
    auto const n = std::min<std::size_t>(count, 8);
    std::uint64_t w = 0;
    for (std::size_t i = 0; i < n; ++i) {
      w |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8U * i);
    }
    word(w);
    bytes += n;
    count -= n;
  }
}

}  // namespace detail

// ---- writing ----------------------------------------------------------------------------------

checkpoint_writer::checkpoint_writer(std::string path, checkpoint_head const& head)
    : file_{std::move(path)}, buffer_(detail::checkpoint_buffer) {
  if (!file_.wrong().empty()) fail();
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  auto const h = encoded(head);
  std::vector<std::byte> start;
  little(start, checkpoint_format);
  little(start, static_cast<std::uint32_t>(h.size()));
  put(magic.data(), magic.size());
  put(start.data(), start.size());
  put(h.data(), h.size());
}

void checkpoint_writer::fail() const { throw checkpoint_unwritten{file_.wrong()}; }

void checkpoint_writer::put(void const* bytes, std::size_t count) {
  auto const n = static_cast<std::streamsize>(count);
  if (xsputn(static_cast<char const*>(bytes), n) != n) fail();
}

bool checkpoint_writer::flush() {
  auto const n = static_cast<std::size_t>(pptr() - pbase());
  sum_.add(pbase(), n);
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return file_.write({buffer_.data(), n});
}

checkpoint_writer::int_type checkpoint_writer::overflow(int_type c) {
  if (!flush()) return traits_type::eof();
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  *pptr() = traits_type::to_char_type(c);
  pbump(1);
  return c;
}

std::streamsize checkpoint_writer::xsputn(char const* bytes, std::streamsize count) {
  std::streamsize done = 0;
  while (done < count) {
    if (pptr() == epptr() && !flush()) return done;
    auto const n = std::min<std::streamsize>(count - done, epptr() - pptr());
    std::memcpy(pptr(), bytes + done, static_cast<std::size_t>(n));
    pbump(static_cast<int>(n));
    done += n;
  }
  return done;
}

std::uint64_t checkpoint_writer::finish() {
  if (!flush()) fail();
  std::vector<std::byte> end;
  little(end, file_.written());
  little(end, sum_.one());
  little(end, sum_.two());
  little(end, end_mark);
  if (!file_.write({reinterpret_cast<char const*>(end.data()), end.size()})) fail();
  if (!file_.keep()) fail();
  return file_.written();
}

// ---- reading ----------------------------------------------------------------------------------

checkpoint_reader::checkpoint_reader(std::string path)
    : path_{std::move(path)}, buffer_(detail::checkpoint_buffer) {
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) throw checkpoint_error{because(path_)};
  try {
    struct stat about {};
    if (::fstat(file_, &about) != 0) throw checkpoint_error{because(path_)};
    if (!S_ISREG(about.st_mode)) fail("is not a file");
    check_end(static_cast<std::uint64_t>(about.st_size));
    read_head();
  } catch (...) {
    ::close(file_);
    throw;
  }
}

checkpoint_reader::~checkpoint_reader() {
  ::close(file_);
}

void checkpoint_reader::fail(std::string const& why) const {
  throw checkpoint_error{path_ + ": " + why};
}

bool checkpoint_reader::read(char* to, std::size_t count) {
  while (count != 0) {
    auto const n = ::read(file_, to, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    count -= static_cast<std::size_t>(n);
  }
  return true;
}

// Everything before the end is what was written.
void checkpoint_reader::check_end(std::uint64_t size) {
  std::array<char, start_bytes> start{};
  auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(size, start.size()));
  if (!read(start.data(), n)) fail("cannot be read");
  auto const said = std::string_view{start.data(), std::min(n, magic.size())};
  if (said.empty() || said != magic.substr(0, said.size())) fail("is not a checkpoint of Hydra");
  if (size < start_bytes + end_bytes) fail("is cut off");
  as_numbers plain;
  reader in{std::as_bytes(std::span{start}).subspan(magic.size()), plain};
  std::uint32_t format = 0;
  in& format;
  if (format != checkpoint_format) {
    fail(fmt::format("is a checkpoint of format {}; this version of Hydra reads format {}", format,
                     checkpoint_format));
  }
  if (::lseek(file_, 0, SEEK_SET) != 0) fail("cannot be read");
  detail::checksum sum;
  for (auto rest = size - end_bytes; rest != 0;) {
    auto const some = std::min<std::uint64_t>(rest, buffer_.size());
    if (!read(buffer_.data(), static_cast<std::size_t>(some))) fail("cannot be read");
    sum.add(buffer_.data(), static_cast<std::size_t>(some));
    rest -= some;
  }
  std::array<char, end_bytes> end{};
  if (!read(end.data(), end.size())) fail("cannot be read");
  reader last{std::as_bytes(std::span{end}), plain};
  std::uint64_t bytes = 0, one = 0, two = 0, mark = 0;
  last& bytes& one& two& mark;
  if (mark != end_mark || bytes != size - end_bytes) fail("is cut off, or damaged at its end");
  if (one != sum.one() || two != sum.two()) fail("is damaged: its checksum differs");
  unread_ = size - end_bytes;
}

void checkpoint_reader::read_head() {
  if (::lseek(file_, static_cast<off_t>(magic.size() + 4), SEEK_SET) < 0) fail("cannot be read");
  std::array<char, 4> length{};
  if (!read(length.data(), length.size())) fail("cannot be read");
  as_numbers plain;
  reader in{std::as_bytes(std::span{length}), plain};
  std::uint32_t n = 0;
  in& n;
  unread_ -= start_bytes;
  if (n > unread_ || n > head_bytes_max) fail("is damaged: its head is longer than the file");
  std::vector<char> bytes(n);
  if (!read(bytes.data(), n)) fail("cannot be read");
  unread_ -= n;
  reader all{std::as_bytes(std::span{bytes}), plain};
  head_ = decoded(all);
  if (!all.ok()) fail(std::string{"is damaged: "} + all.why());
}

std::uint64_t checkpoint_reader::left() const noexcept {
  return unread_ + static_cast<std::uint64_t>(egptr() - gptr());
}

checkpoint_reader::int_type checkpoint_reader::underflow() {
  if (gptr() != egptr()) return traits_type::to_int_type(*gptr());
  auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(unread_, buffer_.size()));
  if (n == 0 || !read(buffer_.data(), n)) return traits_type::eof();
  unread_ -= n;
  setg(buffer_.data(), buffer_.data(), buffer_.data() + n);
  return traits_type::to_int_type(*gptr());
}

std::streamsize checkpoint_reader::xsgetn(char* to, std::streamsize count) {
  std::streamsize done = 0;
  while (done < count) {
    if (gptr() == egptr() && traits_type::eq_int_type(underflow(), traits_type::eof())) break;
    auto const n = std::min<std::streamsize>(count - done, egptr() - gptr());
    std::memcpy(to + done, gptr(), static_cast<std::size_t>(n));
    gbump(static_cast<int>(n));
    done += n;
  }
  return done;
}

}  // namespace hydra::sim
