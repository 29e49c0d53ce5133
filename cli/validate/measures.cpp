#include "measures.hpp"

#include <hydra/assembly/jobs.hpp>
#include <hydra/data/messages.hpp>
#include <hydra/routing/messages.hpp>
#include <hydra/trust/rings.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace hydra::validation {
namespace {

struct type_row {
  std::uint32_t type;
  char const* name;
};
template <class M>
constexpr type_row row(char const* name) {
  return {M::id.packed(), name};
}
constexpr std::array types{
    row<routing::find_node>("find_node"),
    row<routing::nodes>("nodes"),
    row<routing::find_providers>("find_providers"),
    row<routing::providers>("providers"),
    row<routing::store>("store"),
    row<routing::stored>("stored"),
    row<routing::ping>("ping"),
    row<routing::pong>("pong"),
    row<routing::have_you>("have_you"),
    row<routing::i_have>("i_have"),
    row<routing::i_have_not>("i_have_not"),
    row<trusts::vouch>("vouch"),
    row<call_for_bid>("call_for_bid"),
    row<bid>("bid"),
    row<award>("award"),
    row<refused>("refused"),
    row<progress>("progress"),
    row<renew>("renew"),
    row<result_ready>("result_ready"),
    row<settle>("settle"),
    row<cancel>("cancel"),
    row<ask_chain>("ask_chain"),
    row<chain_page>("chain_page"),
    row<fetch>("fetch"),
    row<sending>("sending"),
};

// Questions and what answers them at once, so that the time between is the way there and back.
struct question {
  std::uint32_t asks;
  std::uint32_t answers;
};
constexpr std::array questions{
    question{routing::find_node::id.packed(), routing::nodes::id.packed()},
    question{routing::find_providers::id.packed(), routing::providers::id.packed()},
    question{routing::find_providers::id.packed(), routing::nodes::id.packed()},
    question{routing::ping::id.packed(), routing::pong::id.packed()},
    question{routing::have_you::id.packed(), routing::i_have_not::id.packed()},
    question{call_for_bid::id.packed(), bid::id.packed()},
};

bool of_a_job(std::uint32_t type) {
  return type >= call_for_bid::id.packed() && type <= chain_page::id.packed();
}

constexpr duration settling = 1500ms;  // what is sent later may still be under way at the end

using values = std::map<std::uint64_t, double>;
using way = std::tuple<std::uint16_t, std::uint16_t, std::uint64_t, std::uint32_t>;

class observer {
 public:
  explicit observer(plan const& p) : p_{p}, trips_(p.classes.size()) {
    for (auto const& t : types) sent_[t.type];
    for (auto const& j : p.jobs) {
      per_job_[j.number] = 0;
      replaced_[j.number] = 0;
    }
    for (std::uint64_t h = 0; h < p.hydras; ++h) all_sent_[h] = 0;
    // A question per pair is enough of a name: nonces do not come twice.
  }

  void see(note const& n) {
    switch (n.what) {
      case kind::sent: return sent(n);
      case kind::received: return received(n);
      case kind::accepted: accepted_[n.tag] = n.at; return;
      case kind::placed: replaced_[n.tag] += n.value != 0 ? 1 : 0; return;
      case kind::ended: return ended(n);
      case kind::ran: ran_[n.tag << 8U | n.head] = ms(n.value); return;
      default: return;
    }
  }
  [[nodiscard]] std::vector<series> take() {
    std::vector<series> out;
    auto const add = [&](std::string name, statistic by, values const& v) {
      out.push_back({std::move(name), by, {v.begin(), v.end()}});
    };
    add("hops", statistic::mean, hops_);
    add("messages per job", statistic::total, per_job_);
    add("time to find", statistic::median, find_);
    add("response", statistic::median, response_);
    add("run", statistic::median, ran_);
    add("transfer", statistic::median, transfer_);
    add("re-placements", statistic::total, replaced_);
    for (std::size_t i = 0; i < trips_.size(); ++i) {
      add("round trip " + p_.classes[i].name, statistic::median, trips_[i]);
    }
    values lost;
    for (auto const& [head, n] : counted_) lost[head] = n.second / std::max(1.0, n.first);
    add("lost", statistic::mean, lost);
    add("messages", statistic::total, all_sent_);
    for (auto const& t : types) add(std::string{"sent "} + t.name, statistic::total,
                                    sent_[t.type]);
    return out;
  }
  // Before take(): what was sent and never came.
  void finish() {
    for (auto const& [w, n] : under_way_) {
      counted_[std::get<0>(w)].second += static_cast<double>(std::max(0, n));
    }
  }

 private:
  [[nodiscard]] static double ms(std::int64_t ns) { return static_cast<double>(ns) / 1e6; }

  void sent(note const& n) {
    all_sent_[n.head] += 1;
    sent_[n.type][n.head] += 1;
    if (of_a_job(n.type)) per_job_[n.tag] += 1;
    if (n.type == call_for_bid::id.packed() && !find_.contains(n.tag)) {
      auto const at = accepted_.find(n.tag);
      if (at != accepted_.end()) find_[n.tag] = ms(n.at - at->second);
    }
    if (n.with == n.head || n.with == note_sink::nobody) return;
    for (auto const& q : questions) {
      if (q.asks == n.type) asked_[{n.head, n.with, n.tag, q.answers}] = n.at;
    }
    if (n.type == fetch::id.packed()) asked_[{n.head, n.with, n.tag, sending::id.packed()}] = n.at;
    if (n.at > (p_.lasts - settling).count()) return;
    counted_[n.head].first += 1;
    ++under_way_[{n.head, n.with, n.tag, n.type}];
  }
  void received(note const& n) {
    if (n.with == n.head) return;
    auto const way_here = under_way_.find({n.with, n.head, n.tag, n.type});
    if (way_here != under_way_.end()) --way_here->second;
    auto const asked = asked_.find({n.head, n.with, n.tag, n.type});
    if (asked == asked_.end()) return;
    auto const took = ms(n.at - asked->second);
    asked_.erase(asked);
    if (n.type == sending::id.packed()) transfer_[n.tag] = took;
    else trips_[p_.class_between(n.head, n.with)][mix64(n.tag) ^ n.with] = took;
  }
  void ended(note const& n) {
    response_[n.tag] = ms(n.value);
    hops_[n.tag] = n.other & 0xffU;
  }

  plan const& p_;
  values hops_, per_job_, find_, response_, ran_, transfer_, replaced_, all_sent_;
  std::vector<values> trips_;
  std::map<std::uint32_t, values> sent_;
  std::map<std::uint64_t, std::int64_t> accepted_;
  std::map<way, std::int64_t> asked_;
  std::map<way, int> under_way_;
  std::map<std::uint64_t, std::pair<double, double>> counted_;  // sent, lost; by head
};

}  // namespace

std::uint32_t type_named(std::string const& name) {
  for (auto const& t : types) {
    if (name == t.name) return t.type;
  }
  return 0;
}
std::string name_of_type(std::uint32_t type) {
  for (auto const& t : types) {
    if (type == t.type) return t.name;
  }
  return "?";
}
std::vector<std::string> type_names() {
  std::vector<std::string> out;
  for (auto const& t : types) out.emplace_back(t.name);
  return out;
}

std::vector<series> measure(plan const& p, std::vector<note> const& notes) {
  observer all{p};
  for (auto const& n : notes) all.see(n);
  all.finish();
  return all.take();
}

}  // namespace hydra::validation
