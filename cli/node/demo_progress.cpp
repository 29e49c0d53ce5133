#include "demo_progress.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace hydra::node {
namespace {

// In the order in which they were given.
std::vector<std::pair<std::string, story_part const*>> in_order(demo_story const& story) {
  std::vector<std::pair<std::string, story_part const*>> out;
  for (auto const& [nonce, p] : story.parts()) {
    if (!p.placings.empty()) out.emplace_back(nonce, &p);
  }
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
    return a.second->placings.front().at_ms < b.second->placings.front().at_ms ||
           (a.second->placings.front().at_ms == b.second->placings.front().at_ms &&
            a.first < b.first);
  });
  return out;
}

}  // namespace

std::string renderers_of(story_part const& p, demo_cast const& cast) {
  std::string out;
  for (auto const& r : p.renderings) {
    if (r.who >= cast.all.size()) continue;
    auto const forged = std::any_of(p.verdicts.begin(), p.verdicts.end(), [&](auto const& v) {
      return v.who == r.who && v.forged;
    });
    auto const* mark = r.died ? " (died)" : forged ? " (LIED)" : r.ended_ms == 0 ? " …" : "";
    out += (out.empty() ? "" : ", ") + cast.all[r.who].name + mark;
  }
  return out;
}
std::string state_of(story_part const& p, std::size_t divider) {
  if (p.done_ms == 0) return p.renderings.empty() ? "given" : "rendering";
  if (p.is_checked()) return "verified: two made the same";
  bool const own = std::any_of(p.renderings.begin(), p.renderings.end(), [&](auto const& r) {
    return r.who == divider && r.output == p.output;
  });
  return own ? "made by who divides" : "believed: of a friend";
}

demo_progress::demo_progress(demo_cast const& cast, bool silent)
    : cast_{cast}, silent_{silent}, terminal_{::isatty(1) == 1} {}

std::string demo_progress::seconds_so_far() const {
  auto const since = std::chrono::steady_clock::now() - began_;
  return fmt::format("{:5.1f} s", std::chrono::duration<double>(since).count());
}
void demo_progress::erase() {
  if (drawn_ != 0) fmt::print("\x1b[{}A\x1b[J", drawn_);
  drawn_ = 0;
}
void demo_progress::say(std::string const& text) {
  if (silent_) return;
  erase();
  fmt::print("{}  {}\n", seconds_so_far(), text);
  std::fflush(stdout);
}
void demo_progress::show(demo_story const& story) {
  if (silent_) return;
  terminal_ ? draw(story) : tell(story);
  std::fflush(stdout);
}

void demo_progress::draw(demo_story const& story) {
  auto const rows = in_order(story);
  std::string text = "         SEGMENT  STATE                         RENDERED BY\n";
  for (auto const& [nonce, p] : rows) {
    auto const number = p->index < 0 ? std::string{"·"} : std::to_string(p->index);
    text += fmt::format("         {:>7}  {:<28}  {}\n", number, state_of(*p, story.divider()),
                        renderers_of(*p, cast_));
  }
  if (rows.empty() || (drawn_ != 0 && text == shown_)) return;
  erase();
  fmt::print("{}", text);
  drawn_ = rows.size() + 1;
  shown_ = text;
}
void demo_progress::tell(demo_story const& story) {
  for (auto const& [nonce, p] : in_order(story)) {
    if (p->done_ms == 0 || !told_.insert(nonce).second) continue;
    say(fmt::format("segment {:2}  {:<28}  {}", p->index, state_of(*p, story.divider()),
                    renderers_of(*p, cast_)));
  }
}

}  // namespace hydra::node
