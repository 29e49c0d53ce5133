// One performance: the job, the mishaps, and what came of it.
#pragma once

#include "demo_film.hpp"
#include "demo_progress.hpp"
#include "demo_story.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace hydra::node {

// What befalls the renderers, at moments when it matters.
class demo_mishaps {
 public:
  demo_mishaps(demo_stage& stage, demo_cast const& cast, demo_progress& to)
      : stage_{stage}, cast_{cast}, to_{to} {}
  void look(demo_story& story);
  // Who is dead is started again, so that its receipts can be read.
  [[nodiscard]] result<bool> wake_the_dead(demo_story& story);
  [[nodiscard]] std::size_t killed() const noexcept { return killed_; }  // demo_cast::size: nobody
  [[nodiscard]] std::size_t cut_off() const noexcept { return cut_; }

 private:
  void kill_one(demo_story& story);
  void cut_one(demo_story const& story);

  demo_stage& stage_;
  demo_cast const& cast_;
  demo_progress& to_;
  std::size_t killed_ = demo_cast::size;
  std::size_t cut_ = demo_cast::size;
  std::chrono::steady_clock::time_point killed_at_{};
};

struct phone_bytes {
  std::uint64_t objects_before = 0;  // that came in before the movie was joined
  std::uint64_t objects_in = 0;      // in all
  std::uint64_t objects_out = 0;
  std::uint64_t all = 0;             // of its connections, both ways
};
struct performance {
  std::int64_t job = 0;
  double real_s = 0;
  phone_bytes phone;
  std::uint64_t movie_bytes = 0;  // of the result's object
  std::string movie;              // the path of its file
  std::uint64_t film_bytes = 0;
  std::string object;             // the film's name
};

// Errors: what did not work; "interrupted".
[[nodiscard]] result<performance> perform_movie(demo_stage&, demo_story&, demo_mishaps&,
                                                demo_progress&, film_stock const&,
                                                std::string const& folder);

}  // namespace hydra::node
