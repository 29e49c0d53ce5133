#include <hydra/sim/history.hpp>

#include <hydra/sim/atomic_file.hpp>

#include <hydra/sim/conservation.hpp>
#include <hydra/sim/omniscient.hpp>
#include <hydra/sim/planet.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <tuple>

namespace hydra::sim {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T> const& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
auto name_of(T const& x) {
  return std::make_tuple(x.owner, x.number);
}
template <class T>
void by_name(std::vector<T>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](T const& a, T const& b) { return name_of(a) < name_of(b); });
}

void judge_results(planet const& where, history const& all, run_result& out,
                   std::vector<double>& response, std::vector<double>& hops) {
  std::uint64_t remote = 0;
  for (auto const& e : all.ended_) {
    out.jobs.replaced += e.how.replaced;
    if (e.how.how != hydra::ending::completed) {
      ++out.jobs.failed;
      continue;
    }
    ++out.jobs.completed;
    response.push_back(seconds(e.how.response));
    bool const elsewhere = e.how.by.index() != e.owner;
    if (elsewhere) {
      ++remote;
      hops.push_back(e.how.hops);
    }
    auto const expected = where.expected_output(where.job_of(e.owner, e.number - 1));
    if (e.how.output != expected) ++out.wrong_accepted;
  }
  if (out.jobs.completed != 0) {
    out.remote_share =
        static_cast<double>(remote) / static_cast<double>(out.jobs.completed);
  }
}

// Nanoseconds that each peer was up.
std::vector<std::int64_t> time_up(planet const& where, history& all, instant end) {
  std::vector<std::int64_t> up(where.peers(), ns(end));
  auto order = all.absences_;
  std::sort(order.begin(), order.end(), [](auto const& a, auto const& b) {
    return std::tie(a.who, a.at) < std::tie(b.who, b.at);
  });
  for (auto const& c : order) {
    auto const rest = ns(end) - c.at;
    up[c.who] += c.up ? rest : -rest;
  }
  return up;
}

void utilisation(planet const& where, history& all, instant end, run_result& out) {
  auto const up = time_up(where, all, end);
  std::vector<double> shares;
  double busy_all = 0;
  all.busy_.resize(where.peers());
  for (std::uint32_t i = 0; i < where.peers(); ++i) {
    if (!where.provides(i)) continue;
    auto const cores = std::max<double>(1, where.role_of(i).power.cores);
    busy_all += static_cast<double>(all.busy_[i]) / 1e9;
    if (up[i] > 0) {
      shares.push_back(static_cast<double>(all.busy_[i]) / (cores * static_cast<double>(up[i])));
    }
  }
  out.utilisation = spread_of(shares);
  out.extra.push_back({"busy_core_s", busy_all});
}

// Who was hurt: honest Hydras that were banned or called forgers.
void hurt(planet const& where, history& all, run_result& out) {
  std::sort(all.bans_.begin(), all.bans_.end());
  all.bans_.erase(std::unique(all.bans_.begin(), all.bans_.end()), all.bans_.end());
  std::uint64_t honest = 0;
  std::uint64_t liars = 0;
  for (auto who : all.bans_) ++(where.may_lie(who) ? liars : honest);
  std::uint64_t forged = 0;
  std::uint64_t accused = 0;
  auto hurt = all.bans_;
  for (auto const& o : all.opinions_) {
    if (o.what != outcome::forged) continue;
    ++(where.may_lie(o.about) ? forged : accused);
    hurt.push_back(o.about);
  }
  std::sort(hurt.begin(), hurt.end());
  hurt.erase(std::unique(hurt.begin(), hurt.end()), hurt.end());
  out.honest_hurt = static_cast<std::uint64_t>(std::count_if(
      hurt.begin(), hurt.end(), [&](std::uint32_t who) { return !where.may_lie(who); }));
  out.extra.push_back({"forgeries_proved", static_cast<double>(forged)});
  out.extra.push_back({"liars_banned", static_cast<double>(liars)});
  out.extra.push_back({"honest_accused", static_cast<double>(accused)});
  out.extra.push_back({"honest_banned", static_cast<double>(honest)});
}

}  // namespace

spread spread_of(std::vector<double>& all) {
  if (all.empty()) return {};
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (auto x : all) sum += x;
  auto const at = [&](double q) {
    auto const i = static_cast<std::size_t>(q * static_cast<double>(all.size() - 1) + 0.5);
    return all[i];
  };
  return {sum / static_cast<double>(all.size()), at(0.5), at(0.9), at(0.99)};
}

void history::merge(history const& other) {
  append(asked_, other.asked_);
  append(accepted_, other.accepted_);
  append(ended_, other.ended_);
  append(did_, other.did_);
  append(opinions_, other.opinions_);
  append(bans_, other.bans_);
  append(absences_, other.absences_);
  if (busy_.size() < other.busy_.size()) busy_.resize(other.busy_.size());
  for (std::size_t i = 0; i < other.busy_.size(); ++i) busy_[i] += other.busy_[i];
  if (through_.size() < other.through_.size()) through_.resize(other.through_.size());
  for (std::size_t i = 0; i < other.through_.size(); ++i) through_[i] += other.through_[i];
  bytes_moved_ += other.bytes_moved_;
  tasks_run_ += other.tasks_run_;
  crashes_ += other.crashes_;
  abandoned_ += other.abandoned_;
}

void history::put_in_order() {
  auto const by = [](auto& all, auto&& content) {
    std::stable_sort(all.begin(), all.end(),
                     [&](auto const& a, auto const& b) { return content(a) < content(b); });
  };
  auto const named = [](auto const& x) { return std::make_tuple(x.owner, x.number, x.at); };
  by(asked_, named);
  by(accepted_, named);
  by(ended_, named);
  by(did_, [](did const& d) { return std::make_tuple(d.owner, d.number, d.by); });
  by(opinions_, [](opinion const& o) { return std::make_tuple(o.about, o.what); });
  by(bans_, [](std::uint32_t who) { return who; });
  by(absences_, [](change const& c) { return std::make_tuple(c.at, c.who); });
  while (!busy_.empty() && busy_.back() == 0) busy_.pop_back();
}

void history::write_trace(std::string const& path) const {
  struct line {
    std::int64_t at;
    std::uint32_t who;
    std::string text;
  };
  std::vector<line> lines;
  for (auto const& a : asked_) {
    lines.push_back({a.at, a.owner,
                     fmt::format(R"("what":"asked","job":"{}/{}")", a.owner, a.number)});
  }
  for (auto const& e : ended_) {
    lines.push_back(
        {e.at, e.owner,
         fmt::format(R"("what":"ended","job":"{}/{}","how":{},"by":{},"response_s":{:.6f},)"
                     R"("hops":{},"placements":{},"replaced":{})",
                     e.owner, e.number, static_cast<int>(e.how.how),
                     static_cast<std::int32_t>(e.how.by.index()), seconds(e.how.response),
                     e.how.hops, e.how.placements, e.how.replaced)});
  }
  for (auto const& c : absences_) {
    lines.push_back({c.at, c.who, fmt::format(R"("what":"{}")", c.up ? "restart" : "crash")});
  }
  std::sort(lines.begin(), lines.end(), [](line const& a, line const& b) {
    return std::tie(a.at, a.who, a.text) < std::tie(b.at, b.who, b.text);
  });
  atomic_file file{path, atomic_file::odd::write_through};
  std::string text;
  for (auto const& l : lines) {
    fmt::format_to(std::back_inserter(text), "{{\"at_s\":{:.9f},\"peer\":{},{}}}\n",
                   static_cast<double>(l.at) / 1e9, l.who, l.text);
    if (text.size() < 65536) continue;
    file.write(text);
    text.clear();
  }
  if (!file.write(text) || !file.keep()) {
    throw std::runtime_error(fmt::format("{}: the trace cannot be written", file.wrong()));
  }
}

namespace {

// What a trace gave, and how soon each level of priority was served, where there are several.
void tell_workload(planet const& where, history const& all, run_result& out) {
  if (auto const* r = where.recorded()) {
    out.extra.push_back({"trace_rows_read", static_cast<double>(r->counts().read)});
    out.extra.push_back({"trace_rows_outside", static_cast<double>(r->counts().outside)});
    out.extra.push_back({"trace_rows_unfit", static_cast<double>(r->counts().unfit)});
    out.extra.push_back({"trace_jobs", static_cast<double>(r->counts().jobs)});
  }
  auto const levels = where.plan().workload.priorities;
  if (levels == 1) return;
  std::vector<std::vector<double>> response(levels);
  for (auto const& e : all.ended_) {
    if (e.how.how != hydra::ending::completed) continue;
    response[where.job_of(e.owner, e.number - 1).priority].push_back(seconds(e.how.response));
  }
  for (std::size_t level = 0; level < levels; ++level) {
    out.extra.push_back({fmt::format("priority_{}_response_mean_s", level),
                         spread_of(response[level]).mean});
  }
}

}  // namespace

void summarise(planet const& where, history& all, conservation& jobs, instant end,
               run_result& out) {
  by_name(all.asked_);
  by_name(all.ended_);
  out.jobs.submitted = all.asked_.size();
  std::vector<double> response;
  std::vector<double> hops;
  judge_results(where, all, out, response, hops);
  jobs.finish(out);
  if (out.jobs.submitted != out.jobs.completed + out.jobs.failed + out.jobs.running) {
    out.failures.push_back(
        {fmt::format("{} jobs were submitted, but {} completed + {} failed + {} running",
                     out.jobs.submitted, out.jobs.completed, out.jobs.failed, out.jobs.running)});
  }
  out.response_s = spread_of(response);
  out.terms = equal_terms_of(where, all);
  out.hops = spread_of(hops);
  utilisation(where, all, end, out);
  double wanted = 0;
  for (auto const& e : all.ended_) {
    if (e.how.how == hydra::ending::completed) {
      wanted += seconds(where.job_of(e.owner, e.number - 1).work);
    }
  }
  out.extra.push_back({"wanted_core_s", wanted});
  double busy = 0;
  for (auto ns : all.busy_) busy += static_cast<double>(ns) / 1e9;
  out.extra_work = wanted > 0 ? busy / wanted : 0;
  out.extra.push_back({"tasks_run", static_cast<double>(all.tasks_run_)});
  out.extra.push_back({"tasks_abandoned", static_cast<double>(all.abandoned_)});
  out.extra.push_back({"crashes", static_cast<double>(all.crashes_)});
  hurt(where, all, out);
  tell_workload(where, all, out);
}

}  // namespace hydra::sim
