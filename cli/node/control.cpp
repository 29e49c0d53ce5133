#include "control.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace hydra::node {
namespace {

constexpr int answer_within_ms = 60'000;
constexpr int request_within_ms = 2'000;
constexpr int listened_within_s = 5;  // each time that it is written to

error failed(std::string const& path) { return {path + ": " + std::strerror(errno)}; }

bool name(sockaddr_un& to, std::string const& path) {
  if (path.size() >= sizeof to.sun_path) return false;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
  return true;
}

int socket_to(std::string const& path) {
  sockaddr_un at{};
  if (!name(at, path)) return -1;
  int const s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s >= 0 && ::connect(s, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    auto const why = errno;
    ::close(s);
    errno = why;
    return -1;
  }
  return s;
}

// One line; nothing when it is too long, too late or cut off.
bool read_line(int from, std::string& to, int within_ms) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds{within_ms};
  std::array<char, 4096> piece{};
  while (to.size() <= control_bytes_max) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd p{from, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&p, 1, static_cast<int>(left.count())) <= 0) return false;
    auto const n = ::recv(from, piece.data(), piece.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to.append(piece.data(), static_cast<std::size_t>(n));
    if (auto const end = to.find('\n'); end != std::string::npos) {
      to.resize(end);
      return true;
    }
  }
  return false;
}
bool write_line(int to, std::string text) {
  text += '\n';
  std::size_t done = 0;
  while (done < text.size()) {
    auto const n = ::send(to, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

result<bool> control_server::start(std::string const& path, answerer answer) {
  path_ = path;
  answer_ = std::move(answer);
  lock_ = ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return failed(path + ".lock");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK
               ? error{path + ": another node answers here; `hydra down` stops it"}
               : failed(path + ".lock");
  }
  ::unlink(path.c_str());  // of a node that was killed
  sockaddr_un at{};
  if (!name(at, path)) return error{path + ": is too long for the name of a socket"};
  listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening_ < 0) return failed(path);
  auto const before = ::umask(0177);
  auto const bound = ::bind(listening_, reinterpret_cast<sockaddr*>(&at), sizeof at);
  ::umask(before);
  if (bound != 0 || ::listen(listening_, 16) != 0 || ::pipe(wake_) != 0) return failed(path);
  thread_ = std::thread{[this] { serve(); }};
  return true;
}

void control_server::stop() {
  if (thread_.joinable()) {
    char const end = 0;
    static_cast<void>(::write(wake_[1], &end, 1));
    thread_.join();
    ::unlink(path_.c_str());
  }
  for (int* each : {&listening_, &wake_[0], &wake_[1], &lock_}) {
    if (*each >= 0) ::close(std::exchange(*each, -1));
  }
}

void control_server::serve() {
  for (;;) {
    std::array<pollfd, 2> all{pollfd{listening_, POLLIN, 0}, pollfd{wake_[0], POLLIN, 0}};
    if (::poll(all.data(), all.size(), -1) < 0 && errno != EINTR) return;
    if (all[1].revents != 0) return;
    if ((all[0].revents & POLLIN) == 0) continue;
    int const with = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (with < 0) continue;
    converse(with);
    ::close(with);
  }
}

void control_server::converse(int with) const {
  ucred who{};
  socklen_t size = sizeof who;
  bool const known = ::getsockopt(with, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
  if (!known || (who.uid != ::geteuid() && who.uid != 0)) return;
  timeval const patience{listened_within_s, 0};
  ::setsockopt(with, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::string request;
  if (read_line(with, request, request_within_ms)) write_line(with, answer_(request));
}

result<std::string> ask(std::string const& path, std::string const& request) {
  int const s = socket_to(path);
  if (s < 0) return error{path + ": no node answers here; `hydra up` starts one"};
  std::string answer;
  bool const good = write_line(s, request) && read_line(s, answer, answer_within_ms);
  ::close(s);
  if (!good) return error{path + ": the node did not answer"};
  return answer;
}

}  // namespace hydra::node
