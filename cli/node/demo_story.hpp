// What happened in the demo, put together from the events of all nodes: who was given which part,
// who rendered it, what was found out about it.
#pragma once

#include "demo_stage.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hydra::node {

struct placing {
  std::size_t who = demo_cast::size;
  std::int64_t at_ms = 0;
  bool replaces = false;
};
struct rendering {
  std::size_t who = demo_cast::size;
  std::int64_t began_ms = 0;
  std::int64_t ended_ms = 0;  // 0: not yet, or its node died
  std::int64_t cpu_ms = -1;
  std::string output;         // hex of the object; empty: none
  bool died = false;
};
struct verdict_on {
  std::size_t who = demo_cast::size;
  bool forged = false;
};
struct story_part {
  int index = -1;  // known once it is done
  std::vector<placing> placings;
  std::vector<rendering> renderings;
  std::vector<verdict_on> verdicts;
  std::int64_t done_ms = 0;
  std::string output;  // that was believed

  [[nodiscard]] bool is_checked() const;  // two principals said the same
};
struct step_time {
  std::int64_t began_ms = 0;
  std::int64_t ended_ms = 0;
  std::int64_t cpu_ms = 0;
};

class demo_story {
 public:
  explicit demo_story(demo_stage const& stage) : stage_{stage} {}
  // Asks all who run for news; how many events came.
  std::size_t listen();

  [[nodiscard]] std::size_t divider() const noexcept { return divider_; }
  [[nodiscard]] std::map<std::string, story_part> const& parts() const noexcept { return parts_; }
  [[nodiscard]] step_time split() const noexcept { return split_; }
  [[nodiscard]] step_time join() const noexcept { return join_; }
  [[nodiscard]] std::int64_t submitted_ms() const noexcept { return submitted_ms_; }
  [[nodiscard]] std::int64_t ended_ms() const noexcept { return ended_ms_; }
  [[nodiscard]] std::string const& ending() const noexcept { return ending_; }
  [[nodiscard]] std::size_t begun() const;
  [[nodiscard]] bool renders(std::size_t who) const;  // right now
  [[nodiscard]] bool has_rendered(std::size_t who) const;
  void died(std::size_t who);  // what it had under way is gone
  void lives_again(std::size_t who) { since_[who] = 0; }

 private:
  void take(std::size_t from, nlohmann::json const& event);
  void take_placed(std::size_t from, nlohmann::json const& event);
  void take_task(std::size_t from, nlohmann::json const& event, bool begins);

  demo_stage const& stage_;
  std::array<std::uint64_t, demo_cast::size> since_{};
  std::map<std::string, story_part> parts_;  // by nonce
  std::size_t divider_ = demo_cast::size;
  std::string job_;
  step_time split_;
  step_time join_;
  std::int64_t submitted_ms_ = 0;
  std::int64_t ended_ms_ = 0;
  std::string ending_;
};

}  // namespace hydra::node
