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
    question{fetch::id.packed(), sending::id.packed()},
};

bool of_a_job(std::uint32_t type) {
  return type >= call_for_bid::id.packed() && type <= chain_page::id.packed();
}

constexpr duration settling = 1500ms;  // what is sent later may still be under way at the end

constexpr double often = 8;          // messages of a type, to say what share of it is lost

using values = std::map<std::uint64_t, double>;
using way = std::tuple<std::uint16_t, std::uint16_t, std::uint64_t, std::uint32_t>;

class observer {
 public:
  explicit observer(plan const& p) : p_{p}, trips_(p.classes.size()) {
    for (auto const& t : types) {
      for (std::uint64_t h = 0; h < p.hydras; ++h) sent_[t.type][h] = 0;
    }
    for (auto const& j : p.jobs) {
      per_job_[j.number] = 0;
      replaced_[j.number] = 0;
    }
    for (std::uint64_t h = 0; h < p.hydras; ++h) all_sent_[h] = 0;
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
  void see(trip const& t) {
    auto const took = ms(t.took);
    if (t.asked == fetch::id.packed()) transfer_[t.tag] = took;
    else trips_[p_.class_between(t.from, t.to)][mix64(t.tag) ^ t.to] = took;
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
    values of_types;
    for (auto const& [type, n] : counted_types_) {
      if (n.first >= often) of_types[type] = n.second / n.first;
    }
    add("lost of a type", statistic::worst, of_types);
    add("messages", statistic::total, all_sent_);
    for (auto const& t : types) {
      auto const& by_head = sent_[t.type];
      bool const any = std::any_of(by_head.begin(), by_head.end(),
                                   [](auto const& each) { return each.second > 0; });
      add(std::string{"sent "} + t.name, statistic::total, any ? by_head : values{});
    }
    return out;
  }
  // Before take(): what was sent and never came.
  void finish() {
    for (auto const& [w, n] : under_way_) {
      auto const lost = static_cast<double>(std::max(0, n));
      counted_[std::get<0>(w)].second += lost;
      counted_types_[std::get<3>(w)].second += lost;
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
    if (n.at > (p_.lasts - settling).count()) return;
    counted_[n.head].first += 1;
    counted_types_[n.type].first += 1;
    ++under_way_[{n.head, n.with, n.tag, n.type}];
  }
  void received(note const& n) {
    if (n.with == n.head) return;
    auto const way_here = under_way_.find({n.with, n.head, n.tag, n.type});
    if (way_here != under_way_.end()) --way_here->second;
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
  std::map<way, int> under_way_;
  std::map<std::uint64_t, std::pair<double, double>> counted_;  // sent, lost; by head
  std::map<std::uint64_t, std::pair<double, double>> counted_types_;
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

std::vector<trip> trips_of(std::vector<note> const& notes) {
  std::map<way, std::pair<std::int64_t, std::uint32_t>> asked;  // by what is to come
  std::set<std::pair<std::uint16_t, std::uint16_t>> met;
  std::vector<trip> out;
  for (auto const& n : notes) {
    if (n.with == n.head || n.with == note_sink::nobody) continue;
    if (n.what == kind::sent) {
      for (auto const& q : questions) {
        if (q.asks == n.type) asked[{n.head, n.with, n.tag, q.answers}] = {n.at, n.type};
      }
    } else if (n.what == kind::received) {
      auto const it = asked.find({n.head, n.with, n.tag, n.type});
      if (it == asked.end()) continue;
      bool const first = met.insert({n.head, n.with}).second;
      out.push_back({it->second.second, n.type, n.head, n.with, n.tag, n.at - it->second.first,
                     first});
      asked.erase(it);
    }
  }
  return out;
}

std::vector<series> measure(plan const& p, std::vector<note> const& notes) {
  observer all{p};
  for (auto const& n : notes) all.see(n);
  for (auto const& t : trips_of(notes)) all.see(t);
  all.finish();
  return all.take();
}

}  // namespace hydra::validation
