// Where a node keeps what it has: the folders of the XDG base directory specification, or all below
// one folder that is named by --home or HYDRA_HOME. Made private (0700) when they are first used.
#pragma once

#include <hydra/core/outcome.hpp>

#include <string>

namespace hydra::node {

struct places {
  std::string config;    // hydra.toml
  std::string identity;  // the private key
  std::string services;  // folders with a manifest each
  std::string state;     // state.sqlite
  std::string objects;   // a folder
  std::string scratch;   // a folder for what is being made
  std::string log;
  std::string control;   // the socket

  // `home`: what --home says; empty: the environment decides.
  [[nodiscard]] static result<places> find(std::string const& home);
  // Errors: the folder that belongs to another user.
  [[nodiscard]] result<bool> is_mine() const;
  // Makes the folders. Errors: the path, and what failed or who else may read it.
  [[nodiscard]] result<bool> make() const;
};

}  // namespace hydra::node
