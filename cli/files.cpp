#include "files.hpp"

#include <hydra/sim/atomic_file.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace hydra::cli {
namespace {

std::string why(std::string const& path) { return path + ": " + std::strerror(errno); }

std::string write_atomically(std::string const& path, std::string const& text) {
  sim::atomic_file file{path};
  if (file.write(text)) file.keep();
  return file.wrong();
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
  return "";
}

}  // namespace hydra::cli
