#include "demo_time.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace hydra::node {
namespace {

constexpr std::int64_t together_ms = 500;  // placings nearer than that were decided at once

double cpu_of(std::int64_t cpu_ms, std::int64_t wall_ms) {
  return static_cast<double>(cpu_ms >= 0 ? cpu_ms : std::max<std::int64_t>(wall_ms, 0)) / 1e3;
}
double cpu_of(step_time const& s) { return cpu_of(s.cpu_ms, s.ended_ms - s.began_ms); }
double cpu_of(rendering const& r) { return cpu_of(r.cpu_ms, r.ended_ms - r.began_ms); }

class replay {
 public:
  replay(demo_cast const& cast, std::size_t divider) : cast_{cast}, divider_{divider} {}

  // When the part is there, if its first placing was at `start`.
  double part(story_part const& p, double start) {
    double there = start;
    double begin = start;
    for (std::size_t i = 0; i < p.placings.size(); ++i) {
      auto const& given = p.placings[i];
      if (i > 0) {
        auto const gap = given.at_ms - p.placings[i - 1].at_ms;
        if (given.replaces) begin += static_cast<double>(gap) / 1e3;
        else if (gap > together_ms) begin = there;  // one more opinion
      }
      auto const it = std::find_if(
          p.renderings.begin(), p.renderings.end(), [&](rendering const& r) {
            return r.who == given.who && r.ended_ms >= given.at_ms && !r.output.empty();
          });
      if (it != p.renderings.end()) there = std::max(there, run(given.who, begin, cpu_of(*it)));
    }
    return there;
  }

 private:
  [[nodiscard]] double delay(std::size_t who) const {
    if (who == divider_ || who >= cast_.all.size()) return 0;
    return seconds(cast_.delay(divider_, who));
  }
  // Asked and answered, given, rendered after what came before, sent back.
  double run(std::size_t who, double asked, double cpu) {
    auto& free = free_[who % demo_cast::size];
    auto const begins = std::max(free, asked + 3 * delay(who));
    free = begins + cpu;
    return free + delay(who);
  }

  demo_cast const& cast_;
  std::size_t divider_;
  std::array<double, demo_cast::size> free_{};
};

}  // namespace

emulated_time emulate(demo_story const& story, demo_cast const& cast) {
  emulated_time out;
  auto const divider = story.divider();
  if (divider >= cast.all.size()) return out;
  auto const to_divider = seconds(cast.delay(demo_cast::phone, divider));
  auto const to_film = seconds(cast.delay(divider, demo_cast::holder));
  auto const split = 3 * to_divider + 2 * to_film + cpu_of(story.split());
  std::vector<story_part const*> parts;
  for (auto const& [nonce, p] : story.parts()) {
    if (!p.placings.empty()) parts.push_back(&p);
  }
  std::sort(parts.begin(), parts.end(), [](auto const* a, auto const* b) {
    return a->placings.front().at_ms < b->placings.front().at_ms;
  });
  replay again{cast, divider};
  auto ready = split;
  out.alone_s = cpu_of(story.split()) + cpu_of(story.join());
  for (auto const* p : parts) {
    ready = std::max(ready, again.part(*p, split));
    if (!p->renderings.empty()) out.alone_s += cpu_of(p->renderings.front());
  }
  out.all_s = ready + cpu_of(story.join()) + to_divider;
  return out;
}

}  // namespace hydra::node
