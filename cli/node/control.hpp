// The local socket between the command and the node: a Unix socket that only its owner may open
// (0600 in a folder of 0700). One request and one answer for each connection, each a line of JSON
// of at most control_bytes_max. Who is slow to ask or to listen is cut off after seconds. A lock on
// PATH.lock says that a node is there: the socket of one that was killed stays, its lock does not.
#pragma once

#include <hydra/core/outcome.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace hydra::node {

inline constexpr std::size_t control_bytes_max = 1U << 20U;

// Answers requests, one after the other, in a thread of its own.
class control_server {
 public:
  using answerer = std::function<std::string(std::string const& request)>;
  control_server() = default;
  control_server(control_server const&) = delete;
  control_server& operator=(control_server const&) = delete;
  ~control_server() { stop(); }
  // Errors: another node answers there; the path, and what failed.
  [[nodiscard]] result<bool> start(std::string const& path, answerer answer);
  void stop();

 private:
  void serve();
  void converse(int with) const;
  std::string path_;
  answerer answer_;
  int lock_ = -1;
  int listening_ = -1;
  int wake_[2] = {-1, -1};
  std::thread thread_;
};

// Asks the node behind the socket. Errors: nobody answers there.
[[nodiscard]] result<std::string> ask(std::string const& path, std::string const& request);

}  // namespace hydra::node
