// What the demo shows while it runs: on a terminal a table that is drawn again, elsewhere a line
// for each thing that happens; nothing where it is to be quiet.
#pragma once

#include "demo_story.hpp"

#include <chrono>
#include <set>
#include <string>

namespace hydra::node {

class demo_progress {
 public:
  demo_progress(demo_cast const& cast, bool silent);
  // A sentence that stays.
  void say(std::string const& text);
  void show(demo_story const&);
  // The table stays as it is.
  void end() { drawn_ = 0; }

 private:
  [[nodiscard]] std::string seconds_so_far() const;
  void draw(demo_story const&);
  void tell(demo_story const&);
  void erase();

  demo_cast const& cast_;
  bool silent_;
  bool terminal_;
  std::size_t drawn_ = 0;  // lines of the table that can be drawn over
  std::string shown_;
  std::set<std::string> told_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// "cloud-1, Ada": who renders or rendered it, with what is known.
[[nodiscard]] std::string renderers_of(story_part const&, demo_cast const&);
[[nodiscard]] std::string state_of(story_part const&, std::size_t divider);

}  // namespace hydra::node
