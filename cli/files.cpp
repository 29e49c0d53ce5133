#include "files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace hydra::cli {
namespace {

std::string why(std::string const& path) { return path + ": " + std::strerror(errno); }

bool write_all(int file, std::string const& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    auto const n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return ::fsync(file) == 0;
}

std::string write_atomically(std::string const& path, std::string const& text) {
  auto const temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  int const file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return why(temporary);
  std::string wrong;
  if (!write_all(file, text)) wrong = why(path);
  if (::close(file) != 0 && wrong.empty()) wrong = why(path);
  if (wrong.empty() && std::rename(temporary.c_str(), path.c_str()) != 0) wrong = why(path);
  if (!wrong.empty()) ::unlink(temporary.c_str());
  return wrong;
}

}  // namespace

std::string unwritable(std::string const& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return folder + ": " + failed.message();
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? "" : why(folder);
}

std::string write_files(std::string const& folder,
                        std::vector<std::pair<std::string, std::string>> const& name_text) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return folder + ": " + failed.message();
  for (auto const& [name, text] : name_text)
    if (auto wrong = write_atomically(folder + "/" + name, text); !wrong.empty()) return wrong;
  // The names are durable only when the folder is.
  int const directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return why(folder);
  ::fsync(directory);  // not every file system can: the files themselves are written
  ::close(directory);
  return "";
}

}  // namespace hydra::cli
