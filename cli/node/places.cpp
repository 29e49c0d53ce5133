#include "places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;

std::string said(char const* name) {
  auto const* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The specification: what is not absolute is not used.
std::string folder(char const* variable, std::string const& home, char const* otherwise) {
  auto const value = said(variable);
  return !value.empty() && value.front() == '/' ? value : home + otherwise;
}

std::string parent_of(std::string const& path) { return fs::path{path}.parent_path().string(); }

// A socket's name has little room.
constexpr std::size_t socket_path_max = 100;

}  // namespace

result<places> places::find(std::string const& home) {
  auto const one = home.empty() ? said("HYDRA_HOME") : home;
  if (!one.empty()) {
    std::error_code wrong;
    auto const all = fs::absolute(one, wrong).lexically_normal().string();
    if (wrong) return error{one + ": " + wrong.message()};
    return places{all + "/hydra.toml", all + "/identity.pem", all + "/services",
                  all + "/state.sqlite", all + "/objects", all + "/scratch", all + "/hydra.log",
                  all + "/control"};
  }
  auto const user = said("HOME");
  if (user.empty()) return error{"neither --home, HYDRA_HOME nor HOME says where to keep things"};
  auto const config = folder("XDG_CONFIG_HOME", user, "/.config") + "/hydra";
  auto const state = folder("XDG_STATE_HOME", user, "/.local/state") + "/hydra";
  auto const data = folder("XDG_DATA_HOME", user, "/.local/share") + "/hydra";
  auto const runtime = said("XDG_RUNTIME_DIR");
  auto const control = runtime.empty() ? state + "/control" : runtime + "/hydra/control";
  return places{config + "/hydra.toml", config + "/identity.pem", config + "/services",
                state + "/state.sqlite", data + "/objects", state + "/scratch",
                state + "/hydra.log", control};
}

result<bool> places::is_mine() const {
  for (auto const& each : {parent_of(config), parent_of(state), parent_of(control)}) {
    struct stat about {};
    bool const there = ::stat(each.c_str(), &about) == 0;
    bool const other = there ? about.st_uid != ::geteuid() && ::geteuid() != 0 : errno == EACCES;
    if (other) return error{each + ": belongs to another user"};
  }
  return true;
}

result<bool> places::make() const {
  if (control.size() > socket_path_max) {
    return error{control + ": is too long for the name of a socket; allowed: " +
                 std::to_string(socket_path_max) + " bytes"};
  }
  for (auto const& each : std::vector<std::string>{parent_of(config), parent_of(state),
                                                   parent_of(control), services, objects,
                                                   scratch}) {
    std::error_code wrong;
    bool const there = fs::exists(each, wrong);
    fs::create_directories(each, wrong);
    if (wrong) return error{each + ": " + wrong.message()};
    if (!there && ::chmod(each.c_str(), 0700) != 0) {
      return error{each + ": " + std::strerror(errno)};
    }
  }
  return true;
}

}  // namespace hydra::node
