// One job from hand to hand, as text.
#include "report_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::sim {

namespace {

using std::string;

class tree_writer {
 public:
  tree_writer(report_facts const& f, job_tree const& t) : f_{f}, t_{t}, below_(t.nodes.size()) {
    for (std::size_t i = 1; i < t.nodes.size(); ++i) {
      below_[static_cast<std::size_t>(t.nodes[i].parent)].push_back(i);
    }
  }

  [[nodiscard]] string text() {
    auto const& root = t_.nodes.front();
    out_ = fmt::format("job {}/{}  {}\n{} asks at {}{}\n", t_.owner, t_.number,
                       service_of(root), place_of(root), clock(root.start), end_of(root));
    level(0, 1);
    return out_;
  }

 private:
  static constexpr std::size_t names_max = 4;
  static constexpr std::array<std::string_view, 6> ends{"under way", "done",    "given up",
                                                        "crashed",   "refused", "silent"};

  [[nodiscard]] static string clock(std::int64_t ns) {
    auto const s = ns / 1'000'000'000;
    return fmt::format("{}:{:02}", s / 60, s % 60);
  }
  [[nodiscard]] string service_of(tree_node const& n) const {
    return service_word(f_.plan(), n.service);
  }
  [[nodiscard]] string place_of(tree_node const& n) const {
    return fmt::format("{} #{}", f_.where().city_of(n.hydra), n.hydra);
  }
  [[nodiscard]] static string end_of(tree_node const& n) {
    auto const word = ends[n.how];
    return n.end < 0 ? fmt::format(", {}", word) : fmt::format(", {} at {}", word, clock(n.end));
  }
  [[nodiscard]] std::size_t size_of(std::size_t at) const {
    std::size_t n = 1;
    for (auto i : below_[at]) n += size_of(i);
    return n;
  }
  [[nodiscard]] string doing(tree_node const& n) const {
    return (n.part == tree_node::repeats ? "repeats " : "divides ") + service_of(n);
  }

  // Those that give nothing on share a line.
  void level(std::size_t at, std::size_t depth) {
    std::vector<std::size_t> leaves;
    for (auto i : below_[at]) {
      auto const& n = t_.nodes[i];
      if (below_[i].empty()) {
        leaves.push_back(i);
        continue;
      }
      out_ += fmt::format("{:{}}{} {}{}\n", "", 2 * depth, place_of(n), doing(n), end_of(n));
      if (n.part == tree_node::repeats) {
        out_ += fmt::format("{:{}}with {} below it, to be compared\n", "", 2 * depth + 2,
                            size_of(i) - 1);
      } else {
        level(i, depth + 1);
      }
    }
    while (!leaves.empty()) alike(leaves, depth);
  }
  // Takes away all that were asked for the same as the first.
  void alike(std::vector<std::size_t>& leaves, std::size_t depth) {
    auto const kind = t_.nodes[leaves.front()].service;
    std::vector<std::pair<std::uint32_t, std::size_t>> ran;  // by whom, how often
    std::array<std::size_t, ends.size()> how{};
    std::size_t again = 0;
    for (auto i : leaves) {
      auto const& n = t_.nodes[i];
      if (n.service != kind) continue;
      ++how[n.how];
      if (n.how != tree_node::done) continue;
      again += n.part == tree_node::runs ? 0U : 1U;
      auto const known = std::find_if(ran.begin(), ran.end(),
                                      [&](auto const& r) { return r.first == n.hydra; });
      if (known != ran.end()) ++known->second;
      else ran.emplace_back(n.hydra, 1);
    }
    auto line = fmt::format("{:{}}{}", "", 2 * depth, service_word(f_.plan(), kind));
    for (std::size_t i = 0; i < std::min(ran.size(), names_max); ++i) {
      line += fmt::format("{}{} #{}", i == 0 ? " by " : ", ", f_.where().city_of(ran[i].first),
                          ran[i].first);
      if (ran[i].second > 1) line += fmt::format(" x {}", ran[i].second);
    }
    if (ran.size() > names_max) line += fmt::format(" and {} more", ran.size() - names_max);
    char const* before = ": ";
    auto const count = [&](std::size_t n, std::string_view word) {
      if (n == 0) return;
      line += fmt::format("{}{} {}", before, n, word);
      before = ", ";
    };
    for (std::size_t i = 1; i < ends.size(); ++i) {
      count(how[i], ends[i]);
      if (i == tree_node::done) count(again, "of them to compare");
    }
    out_ += line + "\n";
    std::erase_if(leaves, [&](std::size_t i) { return t_.nodes[i].service == kind; });
  }

  report_facts const& f_;
  job_tree const& t_;
  std::vector<std::vector<std::size_t>> below_;
  string out_;
};

}  // namespace

std::string delegation_tree(recording const& from) {
  if (!from.where || from.where->plan().compositions.empty()) return "";
  report_facts const f{from};
  for (auto i : f.worth_a_look(1)) {
    auto const t = f.tree_of(f.seen().asked_[i], 20'000);
    if (t.nodes.size() > 1) return tree_writer{f, t}.text();
  }
  return "";
}

}  // namespace hydra::sim
