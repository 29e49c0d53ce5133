// What a node knows and must not lose, in one SQLite database (WAL).
//
// Promise: what a call returned from is there after kill -9 and, as records, jobs, rings and peers
// are written with synchronous=FULL, after a crash of the machine. The database is of one process:
// another one is refused. A damaged file is said, in SQLite's words, and left as it is.
// Errors: results that name the file and SQLite's words. Calls may come from any thread.
#pragma once

#include <hydra/core/values.hpp>
#include <hydra/net/record_store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hydra::node {

struct known_peer {
  std::string key;      // hex, of the head
  std::string owner;    // hex; empty: not known yet
  std::string name;     // as the user calls it
  std::string address;  // host:port
  std::int64_t last_contact_ms = 0;  // since 1970; 0: never
};

struct ring_member {
  std::string owner;  // hex
  std::string name;
};

struct added_service {
  std::string name;  // with its major version: render.movie/1
  std::string path;  // of the manifest
};

// submitted -> accepted -> done | failed | cancelled. `submitted`: not durable with the Hydra yet.
struct job_row {
  std::int64_t nonce = 0;  // also the job's number for the user
  std::string service;
  std::string state;
  std::string input;   // hex of an object
  std::int64_t input_bytes = 0;
  std::int64_t output_bytes_max = 0;
  std::string output;  // hex of an object
  std::int64_t output_bytes = 0;
  std::string by;      // hex of the head whose result it is
  std::string detail;  // why it failed, or what is known
  std::int64_t submitted_ms = 0;
  std::int64_t ended_ms = 0;
  std::int64_t work_ms = 0;
  std::int64_t patience_ms = 0;
  std::string holder;  // of the input, as a contact; empty: this head
  std::string how;     // hex of an object here that says what is to be done with the input
  std::int64_t how_bytes = 0;
  demands of_provider{};
};

class state {
 public:
  [[nodiscard]] static result<std::unique_ptr<state>> open(std::string const& path);
  state() = default;
  state(state const&) = delete;
  state& operator=(state const&) = delete;
  virtual ~state() = default;

  // The records of the head: handed to the runtime, which opens and closes it.
  [[nodiscard]] virtual net::record_store& records() = 0;
  [[nodiscard]] virtual std::vector<std::int64_t> records_of(std::uint32_t type) = 0;  // names

  // Small values by name, like the port that was given.
  [[nodiscard]] virtual std::string value(std::string const& name) = 0;
  virtual result<bool> set_value(std::string const& name, std::string const& value) = 0;

  virtual result<bool> put(known_peer const&) = 0;
  virtual result<bool> remove_peer(std::string const& key) = 0;
  [[nodiscard]] virtual std::vector<known_peer> peers() = 0;

  virtual result<bool> put(ring_member const&) = 0;
  virtual result<bool> remove_member(std::string const& owner) = 0;
  [[nodiscard]] virtual std::vector<ring_member> ring() = 0;

  virtual result<bool> put(added_service const&) = 0;
  virtual result<bool> remove_service(std::string const& name) = 0;
  [[nodiscard]] virtual std::vector<added_service> services() = 0;

  // The nonce is the next one: never given twice, whatever was lost.
  [[nodiscard]] virtual result<std::int64_t> next_nonce() = 0;
  virtual result<bool> put(job_row const&) = 0;
  [[nodiscard]] virtual std::optional<job_row> job(std::int64_t nonce) = 0;
  [[nodiscard]] virtual std::vector<job_row> jobs(std::size_t most = 1000) = 0;  // the last first

  // Objects, in hex, that are not given up for others.
  virtual result<bool> keep(std::string const& object) = 0;
  virtual result<bool> drop(std::string const& object) = 0;
  [[nodiscard]] virtual std::vector<std::string> kept() = 0;

  // A line of the log of a job, or of the node (0).
  virtual result<bool> note(std::int64_t job, std::string const& text) = 0;
  struct note_row {
    std::int64_t at_ms = 0;
    std::string text;
  };
  [[nodiscard]] virtual std::vector<note_row> notes(std::int64_t job) = 0;
};

}  // namespace hydra::node
