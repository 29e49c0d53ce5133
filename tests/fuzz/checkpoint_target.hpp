// What the fuzzer of checkpoints does with some bytes; the simulation test runs it over the corpus.
//
// An even first byte: the rest is the file. An odd one: the rest is the state, in a file whose
// length and checksums are right; so the reader behind the checksum is reached as well.
#pragma once

#include <hydra/sim/checkpoint.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>

namespace hydra::fuzz {

struct echo {
  static constexpr message_id id{room::node, 1, 1};
  bounded_vector<peer, 4> who{};
  payload what{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& what;
  }
};
struct memory {
  static constexpr std::size_t per_peer_max = 3;
  bool sure = false;
  instant since{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& sure& since;
  }
};
struct talker {
  using messages = type_list<echo>;
  using facts = type_list<echo>;
  using activities = type_list<memory>;
  using records = type_list<echo>;
  std::uint64_t sum = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& sum;
  }
  void on_start(auto& env) {
    env.every(1s, 100ms, 1);
    env.arm(70ms, 2);
    env.template pool<memory>().add({true, env.now()});
  }
  void on_timer(auto& env, std::uint16_t) {
    env.keep(1, echo{});
    env.send(peer{(env.self().index() + 1) % 4}, echo{{env.self()}, {}});
    env.run(task{});
    env.disarm(env.arm(3s, 3));
    env.every(900ms, 50ms, 1);
  }
  void on_message(auto& env, peer, echo const& m) { env.emit(m); }
};
struct circle : sim::plain_setting {
  circle() : plain_setting{1, 4} {}
  [[nodiscard]] talker make(sim::permutation const&, std::uint32_t) const { return {}; }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const { return {.delay = 30ms}; }
};
using circle_world = sim::world<talker, circle>;

// A file of one's own, for as long as this lives.
struct scratch {
  std::string path;
  scratch() {
    auto name = (std::filesystem::temp_directory_path() / "hydra-fuzz-XXXXXX").string();
    auto const file = ::mkstemp(name.data());
    if (file >= 0) ::close(file);
    path = name;
  }
  ~scratch() { std::remove(path.c_str()); }
};

// True: it was read.
inline bool checkpoint_target(std::span<std::byte const> bytes) {
  static scratch const file;
  if (bytes.empty()) return false;
  auto const rest = bytes.subspan(1);
  auto const* text = reinterpret_cast<char const*>(rest.data());
  auto const length = static_cast<std::streamsize>(rest.size());
  if ((bytes[0] & std::byte{1}) == std::byte{0}) {
    auto* f = std::fopen(file.path.c_str(), "wb");
    HYDRA_EXPECTS(f != nullptr);
    std::fwrite(text, 1, rest.size(), f);
    std::fclose(f);
  } else {
    sim::checkpoint_head head;
    head.build = sim::build_of_program();
    head.layout = sim::checkpoint_access::layout_of<circle_world>();
    head.peers = 4;
    head.at = ns(duration{150ms});
    sim::checkpoint_writer to{file.path, head};
    to.sputn(text, length);
    to.finish();
  }
  try {
    sim::checkpoint_reader from{file.path};
    circle_world w{circle{}, {.shards = 2}, sim::as_written{}};
    sim::read_checkpoint(from, w);
    return true;
  } catch (sim::checkpoint_error const& e) {
    HYDRA_ENSURES(std::string{e.what()}.starts_with(file.path));
    return false;
  }
}

// The state of a small world under way, as the second form wants it.
inline std::string state_of_a_circle() {
  scratch const file;
  circle_world w{circle{}, {}};
  w.run_until(origin + 150ms);
  sim::write_checkpoint(file.path, {}, w);
  sim::checkpoint_reader from{file.path};
  std::string out(static_cast<std::size_t>(from.left()), '\0');
  from.sgetn(out.data(), static_cast<std::streamsize>(out.size()));
  return "\x01" + out;
}

}  // namespace hydra::fuzz
