// The eight nodes of the demo: their folders, their processes, what they are asked.
//
// Promise: when a stage ends, whatever the reason, its processes have ended and its folder is gone
// (unless it is kept). Two stages do not see each other: each has a network of its own.
#pragma once

#include "demo_cast.hpp"
#include "demo_process.hpp"
#include "places.hpp"

#include <hydra/net/identity.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::node {

struct stage_order {
  std::string folder;       // is there; short, because sockets lie below it
  std::string program;      // hydra-node
  std::string manifest;     // of render.movie
  std::string liar;         // the stranger's
  bool allow_without_jail = false;
  std::uint64_t seed = 1;
};

class demo_stage {
 public:
  demo_stage(stage_order what, demo_cast const& cast);
  demo_stage(demo_stage const&) = delete;
  demo_stage& operator=(demo_stage const&) = delete;
  ~demo_stage();

  // Writes what each node is told, starts them all, waits until they answer.
  [[nodiscard]] result<bool> raise();
  // Asks a node. Errors: it does not answer, or refuses.
  [[nodiscard]] result<nlohmann::json> ask(std::size_t who, nlohmann::json const& question) const;
  void kill(std::size_t who);
  [[nodiscard]] result<bool> revive(std::size_t who);
  [[nodiscard]] bool runs(std::size_t who) const { return nodes_[who].process.runs(); }
  // Nothing passes between the two, in either direction.
  void cut(std::size_t a, std::size_t b, int ms) const;

  [[nodiscard]] std::string home(std::size_t who) const;
  [[nodiscard]] std::string const& key_of(std::size_t who) const { return nodes_[who].key; }
  // Who has this key; demo_cast::size: nobody.
  [[nodiscard]] std::size_t who_is(std::string const& key) const;
  [[nodiscard]] std::vector<net::raw_key> const& public_keys() const { return keys_; }
  [[nodiscard]] stage_order const& order() const { return order_; }

 private:
  struct node {
    places where;
    child process;
    std::string key;  // 64 hex digits: of its head, which is a Hydra of its own
    std::uint16_t port = 0;
  };
  [[nodiscard]] result<bool> furnish(std::size_t who);
  [[nodiscard]] result<bool> introduce(std::size_t who);
  [[nodiscard]] result<bool> start(std::size_t who);
  [[nodiscard]] result<bool> await(std::size_t who) const;
  [[nodiscard]] std::string config_of(std::size_t who) const;
  [[nodiscard]] std::string links_of(std::size_t who) const;

  stage_order order_;
  demo_cast const& cast_;
  std::array<node, demo_cast::size> nodes_;
  std::vector<net::raw_key> keys_;
};

}  // namespace hydra::node
