// What is said at the end of the demo, and whether all of it holds.
#pragma once

#include "demo_play.hpp"
#include "demo_time.hpp"
#include "demo_tree.hpp"

#include <string>
#include <vector>

namespace hydra::node {

struct demo_times {
  double film_s = 0;
  double alone_s = 0;
  double stage_s = 0;
  double real_s = 0;  // of the job, from its submission
  emulated_time emulated;
};
// Of one member of the cast.
struct demo_deed {
  std::string name;
  std::string city;
  double away_ms = 0;         // from the one who divides, there and back
  std::size_t rendered = 0;
  double cpu_s = 0;
  std::size_t receipts = 0;
  std::string notes;
};
struct demo_claim {
  bool held = false;
  std::string words;
};

class demo_end {
 public:
  void sum_up(demo_cast const&, film_stock const&, performance const&, demo_story const&,
              demo_mishaps const&, receipt_tree const&);
  [[nodiscard]] std::string text(std::uint64_t seed) const;
  [[nodiscard]] std::string json_text(std::uint64_t seed) const;
  // What did not hold, in a line; empty: all did.
  [[nodiscard]] std::string wrongs() const;

  demo_times times;
  std::string movie;       // what is wrong with its frames and their times; empty: nothing
  std::string hash;        // of its frames
  std::string hash_alone;  // of the frames that one machine made

 private:
  void claim(bool held, std::string words) { claims_.push_back({held, std::move(words)}); }
  void judge_stranger(demo_story const&);
  void judge_phone(film_stock const&, performance const&);
  void judge_mishaps(demo_cast const&, demo_mishaps const&);
  void note_deeds(demo_cast const&, demo_story const&, demo_mishaps const&, receipt_tree const&);

  std::vector<demo_claim> claims_;
  std::vector<demo_deed> deeds_;
  std::vector<std::string> tree_;
  std::size_t lies_ = 0;
  std::size_t caught_ = 0;
};

}  // namespace hydra::node
