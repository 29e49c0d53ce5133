#include "demo_story.hpp"

#include <algorithm>

namespace hydra::node {
namespace {

using nlohmann::json;

std::string word(json const& e, char const* name) { return e.value(name, std::string{}); }
std::int64_t when(json const& e) { return e.value("at_ms", std::int64_t{0}); }

}  // namespace

bool story_part::is_checked() const {
  std::vector<std::size_t> agree;
  for (auto const& r : renderings) {
    if (r.output.empty() || r.output != output) continue;
    if (std::find(agree.begin(), agree.end(), r.who) == agree.end()) agree.push_back(r.who);
  }
  return agree.size() >= 2;
}

std::size_t demo_story::listen() {
  std::size_t news = 0;
  for (std::size_t i = 0; i < since_.size(); ++i) {
    if (!stage_.runs(i)) continue;
    auto const said = stage_.ask(i, {{"verb", "events"}, {"since", since_[i]}});
    if (!said) continue;
    since_[i] = said.value().value("next", since_[i]);
    for (auto const& e : said.value()["events"]) {
      take(i, e);
      ++news;
    }
  }
  return news;
}

void demo_story::take(std::size_t from, json const& e) {
  auto const what = word(e, "event");
  if (what == "placed") return take_placed(from, e);
  if (what == "began") return take_task(from, e, true);
  if (what == "ended") return take_task(from, e, false);
  if (what == "job_done" && from == demo_cast::phone) {
    ended_ms_ = when(e);
    ending_ = word(e, "how");
  }
  if (from != divider_) return;
  if (what == "judged" && parts_.contains(word(e, "nonce"))) {
    parts_[word(e, "nonce")].verdicts.push_back(
        {stage_.who_is(word(e, "who")), word(e, "what") == "forged"});
  }
  if (what == "part_done" && parts_.contains(word(e, "nonce"))) {
    auto& p = parts_[word(e, "nonce")];
    p.index = e.value("index", p.index);
    p.output = word(e, "output");
    p.done_ms = when(e);
  }
}

void demo_story::take_placed(std::size_t from, json const& e) {
  auto const who = stage_.who_is(word(e, "who"));
  if (from == demo_cast::phone) {
    if (submitted_ms_ == 0) submitted_ms_ = when(e);
    if (divider_ != demo_cast::size && !e.value("replaces", false)) return;
    job_ = word(e, "nonce");
    if (divider_ != who) {  // given to another one: what the former gave on is void
      parts_.clear();
      split_ = join_ = {};
    }
    divider_ = who;
    return;
  }
  if (from != divider_ || word(e, "root_nonce") != job_) return;
  parts_[word(e, "nonce")].placings.push_back({who, when(e), e.value("replaces", false)});
}

void demo_story::take_task(std::size_t from, json const& e, bool begins) {
  auto const service = word(e, "service");
  if (service.find(".part/") == std::string::npos) {
    auto& step = service.find(".split/") != std::string::npos ? split_ : join_;
    if (begins) step.began_ms = when(e);
    else step = {step.began_ms, when(e), e.value("cpu_ms", std::int64_t{0})};
    return;
  }
  auto& all = parts_[word(e, "nonce")].renderings;
  if (begins) {
    all.push_back({from, when(e), 0, -1, {}, false});
    return;
  }
  auto const it = std::find_if(all.rbegin(), all.rend(), [&](rendering const& r) {
    return r.who == from && r.ended_ms == 0 && !r.died;
  });
  if (it == all.rend()) return;
  it->ended_ms = when(e);
  it->cpu_ms = e.value("cpu_ms", std::int64_t{-1});
  it->output = word(e, "output");
}

std::size_t demo_story::begun() const {
  std::size_t n = 0;
  for (auto const& [nonce, p] : parts_) n += p.renderings.size();
  return n;
}
bool demo_story::renders(std::size_t who) const {
  for (auto const& [nonce, p] : parts_) {
    for (auto const& r : p.renderings) {
      if (r.who == who && r.ended_ms == 0 && !r.died) return true;
    }
  }
  return false;
}
bool demo_story::has_rendered(std::size_t who) const {
  for (auto const& [nonce, p] : parts_) {
    for (auto const& r : p.renderings) {
      if (r.who == who && !r.output.empty()) return true;
    }
  }
  return false;
}
void demo_story::died(std::size_t who) {
  for (auto& [nonce, p] : parts_) {
    for (auto& r : p.renderings) r.died = r.died || (r.who == who && r.ended_ms == 0);
  }
}

}  // namespace hydra::node
