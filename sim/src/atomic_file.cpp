#include <hydra/sim/atomic_file.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hydra::sim {

namespace {

namespace fs = std::filesystem;

// Where a link leads, so that the link stays.
std::string behind_links(std::string path) {
  std::error_code wrong;
  auto const there = fs::canonical(path, wrong);
  return wrong ? path : there.string();
}

std::string folder_of(std::string const& path) {
  auto const slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Whether `name` is `stem`.N.tmp of a process N that is no more.
bool left_over(std::string_view name, std::string_view stem) {
  constexpr std::string_view end = ".tmp";
  if (!name.starts_with(stem) || !name.ends_with(end)) return false;
  name.remove_prefix(stem.size());
  name.remove_suffix(end.size());
  long who = 0;
  auto const [last, wrong] = std::from_chars(name.data(), name.data() + name.size(), who);
  if (wrong != std::errc{} || last != name.data() + name.size() || who <= 0) return false;
  return ::kill(static_cast<pid_t>(who), 0) != 0 && errno == ESRCH;
}

}  // namespace

void settle_folder(std::string const& folder) {
  int const directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

atomic_file::atomic_file(std::string path, odd what) : path_{behind_links(std::move(path))} {
  std::error_code none;
  auto const there = fs::status(path_, none);
  bool const replaced = !fs::exists(there) || fs::is_regular_file(there);
  if (!replaced && what == odd::refuse) {
    wrong_ = path_ + ": is there and is no regular file";
    return;
  }
  if (replaced) {
    temporary_ = path_ + "." + std::to_string(::getpid()) + ".tmp";
    sweep();
  }
  auto const& name = replaced ? temporary_ : path_;
  int const how = replaced ? O_CREAT | O_TRUNC : 0;
  file_ = ::open(name.c_str(), O_WRONLY | O_CLOEXEC | how, 0644);
  if (file_ < 0) fail(name);
}

atomic_file::~atomic_file() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

bool atomic_file::write(std::string_view bytes) {
  while (wrong_.empty() && !bytes.empty()) {
    auto const n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;
    if (n <= 0) return fail(path_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    written_ += static_cast<std::uint64_t>(n);
  }
  return wrong_.empty();
}

bool atomic_file::keep() {
  if (!wrong_.empty()) return false;
  bool const settled = ::fsync(file_) == 0 || temporary_.empty();  // a pipe cannot
  if (!settled) return fail(path_);
  if (::close(std::exchange(file_, -1)) != 0) return fail(path_);
  if (temporary_.empty()) return true;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return fail(path_);
  temporary_.clear();
  settle_folder(folder_of(path_));
  return true;
}

bool atomic_file::fail(std::string const& path) {
  wrong_ = path + ": " + std::strerror(errno);
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(std::exchange(temporary_, {}).c_str());
  return false;
}

void atomic_file::sweep() const {
  auto const stem = fs::path{path_}.filename().string() + ".";
  std::error_code wrong;
  for (fs::directory_iterator at{folder_of(path_), wrong}, end; !wrong && at != end;
       at.increment(wrong)) {
    if (left_over(at->path().filename().string(), stem)) ::unlink(at->path().c_str());
  }
}

}  // namespace hydra::sim
