// A trace for Perfetto: each Hydra a process, what it asked for and ran as slices.
//
// Bounded: whole jobs, those worth a look first and then others evenly over the run, until there
// are trace_slices_max slices; the trace says how many of how many jobs it shows.
#include "report_facts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

namespace hydra::sim {
namespace {

std::string json_of(std::string_view text) {
  nlohmann::json const j = std::string{text};
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class trace {
 public:
  explicit trace(report_facts const& f) : f_{f} {}

  void add(job_tree const& t) {
    std::vector<std::uint32_t> lanes;
    for (std::size_t i = 0; i < t.nodes.size(); ++i) {
      auto const& n = t.nodes[i];
      auto const end = n.end == never_ended ? f_.end() : n.end;
      lanes.push_back(lane(n.hydra, n.start, end));
      slice(t, n, lanes.back(), end);
      if (n.parent < 0) continue;
      auto const& from = t.nodes[static_cast<std::size_t>(n.parent)];
      arrow(from.hydra, lanes[static_cast<std::size_t>(n.parent)], n.start, 's');
      arrow(n.hydra, lanes.back(), n.start, 'f');
      ++arrows_;
    }
    ++jobs_;
  }
  [[nodiscard]] std::size_t slices() const noexcept { return slices_; }

  [[nodiscard]] std::string take() {
    for (auto const& [who, free] : free_) {
      put(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}})", who,
          json_of(fmt::format("Hydra {}, {}", who, f_.where().city_of(who))));
    }
    for (auto const& x : f_.plan().faults) {
      if (x.at.count() < f_.end()) mark(x.name, x.at.count());
      if (x.lasts.count() < f_.end() - x.at.count()) {
        mark(x.name + " ends", x.at.count() + x.lasts.count());
      }
    }
    for (auto const& a : f_.absences()) {
      if (!free_.contains(a.who) || a.from == 0) continue;
      put(R"({{"ph":"i","s":"p","name":"crash","pid":{},"tid":0,"ts":{}}})", a.who,
          a.from / 1000);
    }
    return fmt::format(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{},\"jobs_shown\":{},"
        "\"jobs\":{}}},\"traceEvents\":[{}\n]}}\n",
        json_of(f_.plan().name), jobs_, f_.seen().asked_.size(), events_);
  }

 private:
  template <class... A>
  void put(fmt::format_string<A...> words, A&&... a) {
    events_ += events_.empty() ? "\n" : ",\n";
    fmt::format_to(std::back_inserter(events_), words, std::forward<A>(a)...);
  }
  void mark(std::string const& name, std::int64_t at) {
    put(R"({{"ph":"i","s":"g","name":{},"pid":0,"tid":0,"ts":{}}})", json_of(name), at / 1000);
  }
  // Slices of one lane never overlap.
  std::uint32_t lane(std::uint32_t who, std::int64_t from, std::int64_t to) {
    auto& free = free_[who];
    for (std::uint32_t i = 0; i < free.size(); ++i) {
      auto& busy = free[i];
      auto const after = busy.lower_bound(from);
      bool const before = after == busy.begin() || std::prev(after)->second <= from;
      if (!before || (after != busy.end() && after->first < to)) continue;
      busy[from] = std::max(to, from + 1);
      return i;
    }
    free.push_back({{from, std::max(to, from + 1)}});
    return static_cast<std::uint32_t>(free.size() - 1);
  }
  void slice(job_tree const& t, tree_node const& n, std::uint32_t tid, std::int64_t end) {
    static constexpr std::array roles{"asks", "passes on", "runs", "repeats", "judges"};
    static constexpr std::array states{"running", "done",    "failed",
                                       "crashed", "refused", "fell silent"};
    static constexpr std::array checks{"not checked", "agreed", "found wrong"};
    auto const what = std::string{roles[n.part]} + " " + service_word(f_.plan(), n.service);
    put(R"({{"ph":"X","name":{},"pid":{},"tid":{},"ts":{},"dur":{},)"
        R"("args":{{"job":"{}/{}","state":"{}","result":"{}"}}}})",
        json_of(what), n.hydra, tid, n.start / 1000,
        std::max<std::int64_t>(1, (end - n.start) / 1000), t.owner, t.number, states[n.how],
        checks[n.verified]);
    ++slices_;
  }
  void arrow(std::uint32_t who, std::uint32_t tid, std::int64_t at, char kind) {
    put(R"({{"ph":"{}","name":"gives","cat":"job","id":{},"pid":{},"tid":{},"ts":{}{}}})", kind,
        arrows_, who, tid, at / 1000, kind == 'f' ? ",\"bp\":\"e\"" : "");
  }

  report_facts const& f_;
  std::string events_;
  std::map<std::uint32_t, std::vector<std::map<std::int64_t, std::int64_t>>> free_;
  std::size_t jobs_ = 0;
  std::size_t slices_ = 0;
  std::size_t arrows_ = 0;
};

}  // namespace

std::string trace_of(report_facts const& f) {
  constexpr std::size_t first_max = 40;
  trace out{f};
  auto const& all = f.seen().asked_;
  std::vector<bool> shown(all.size());
  auto const add = [&](std::size_t i) {
    if (shown[i] || out.slices() + report_facts::tree_nodes_max > trace_slices_max) return;
    shown[i] = true;
    out.add(f.tree_of(all[i]));
  };
  for (auto i : f.worth_a_look(first_max)) add(i);
  // Every 64th, then those between, so that the end of the run is not left out.
  for (std::size_t from = 0; from < 64; ++from) {
    for (std::size_t i = from; i < all.size(); i += 64) add(i);
  }
  return out.take();
}

}  // namespace hydra::sim
