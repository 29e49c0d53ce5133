#include <hydra/sim/omniscient.hpp>

#include <hydra/core/wide.hpp>

#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <span>
#include <tuple>
#include <utility>

namespace hydra::sim {

std::string_view beyond_omniscient(scenario const& s) noexcept {
  if (!s.compositions.empty()) return "knows no divided jobs ([[composition]])";
  if (s.demands != demand_settings{}) return "knows no demands ([demands])";
  auto const& w = s.workload;
  return w.input_mb + w.output_mb != 0 ? "moves no bytes (workload.input_mb, output_mb)" : "";
}

namespace {

using ns_t = std::int64_t;
constexpr ns_t far_away = std::numeric_limits<ns_t>::max() / 4;  // sums of three do not overflow

struct stretch {  // [from, to)
  ns_t from = 0;
  ns_t to = 0;
};

struct request {
  ns_t asked = 0;
  ns_t work = 0;
  ns_t limit = 0;  // the last instant at which its result is of use
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::uint32_t kind = 0;
};

ns_t capped(instant t) noexcept { return std::min(ns(t), far_away); }

// ---- the trace: what planet::begin and planet::wake do to peers, without a world ---------------

class trace {
 public:
  explicit trace(planet const& where) : where_{&where}, end_{where.plan().duration.count()} {
    first_.push_back(0);
    for (who_ = 0; who_ < where.peers(); ++who_) {
      follow();
      first_.push_back(static_cast<std::uint32_t>(up_.size()));
    }
    std::sort(jobs_.begin(), jobs_.end(), [](request const& a, request const& b) {
      return std::tie(a.asked, a.owner, a.number) < std::tie(b.asked, b.owner, b.number);
    });
  }

  [[nodiscard]] planet const& where() const noexcept { return *where_; }
  [[nodiscard]] ns_t end() const noexcept { return end_; }
  [[nodiscard]] std::vector<request> const& jobs() const noexcept { return jobs_; }  // by arrival
  [[nodiscard]] std::span<stretch const> up(std::uint32_t who) const noexcept {
    return {up_.data() + first_[who], up_.data() + first_[who + 1]};
  }
  // The first stretch that is not over at `at`.
  [[nodiscard]] static std::size_t current(std::span<stretch const> all, ns_t at) noexcept {
    auto const it = std::partition_point(all.begin(), all.end(),
                                         [&](stretch const& s) { return s.to <= at; });
    return static_cast<std::size_t>(it - all.begin());
  }
  // When what arrives at `at` is in the hands of who may be away then.
  [[nodiscard]] ns_t received(std::uint32_t who, ns_t at) const noexcept {
    auto const all = up(who);
    auto const i = current(all, at);
    return i == all.size() ? far_away : std::max(at, all[i].from);
  }
  [[nodiscard]] ns_t time_up(std::uint32_t who) const noexcept {
    ns_t sum = 0;
    for (auto const& s : up(who)) sum += std::min(s.to, end_) - std::min(s.from, end_);
    return sum;
  }

  // ---- what planet asks of a peer's surroundings
  [[nodiscard]] instant now() const noexcept { return at_ns(now_); }
  [[nodiscard]] bool up() const noexcept { return is_up_; }
  void wake_at(instant at, std::uint32_t code) {
    pending_.push_back({ns(at), sequence_++, code});
    std::push_heap(pending_.begin(), pending_.end(), later);
  }
  void start_down() { is_up_ = false; }
  void crash() {
    is_up_ = false;
    if (since_ < now_) up_.push_back({since_, now_});
  }
  void restart() {
    is_up_ = true;
    since_ = now_;
  }
  void tell(submit const& s) {
    auto const& j = s.what;
    auto const limit = std::min(now_ + j.patience.count(), end_ - 1);
    jobs_.push_back({now_, j.work.count(), limit, who_, static_cast<std::uint32_t>(j.id.nonce),
                     j.what.index()});
  }
  struct nobody {
    void asked(std::uint32_t, std::uint32_t, instant) const noexcept {}
    void went_down(std::uint32_t, instant) const noexcept {}
    void came_up(std::uint32_t, instant) const noexcept {}
  };
  [[nodiscard]] nobody observer() const noexcept { return {}; }

 private:
  struct waking {
    ns_t at = 0;
    std::uint32_t sequence = 0;
    std::uint32_t code = 0;
  };
  static bool later(waking const& a, waking const& b) noexcept {
    return std::tie(a.at, a.sequence) > std::tie(b.at, b.sequence);
  }
  void follow() {
    pending_.clear();
    now_ = since_ = 0;
    is_up_ = true;
    where_->begin(*this, who_);
    while (!pending_.empty()) {
      std::pop_heap(pending_.begin(), pending_.end(), later);
      auto const next = pending_.back();
      pending_.pop_back();
      if (next.at >= end_) break;
      now_ = next.at;
      where_->wake(*this, who_, next.code);
    }
    if (is_up_) up_.push_back({since_, far_away});
  }

  planet const* where_;
  ns_t end_;
  std::vector<request> jobs_;
  std::vector<stretch> up_;            // of all peers, one after the other
  std::vector<std::uint32_t> first_;   // where those of a peer begin
  std::vector<waking> pending_;        // a heap
  std::uint32_t who_ = 0;
  std::uint32_t sequence_ = 0;
  ns_t now_ = 0;
  ns_t since_ = 0;
  bool is_up_ = true;
};

// ---- the heads that serve ----------------------------------------------------------------------

struct fit {  // a task on a head
  ns_t start = far_away;
  ns_t finish = far_away;
};

struct server {
  std::uint32_t who = 0;
  ns_t speed = 1;
  std::uint16_t cores = 1;
  bool liar = false;
  std::vector<ns_t> changes;  // of its speed
  [[nodiscard]] bool steady() const noexcept { return changes.empty(); }
  [[nodiscard]] ns_t takes(ns_t work) const noexcept { return mul_div(work, 1000, speed); }
};

class servers {
 public:
  explicit servers(trace const& known) : known_{&known} {
    auto const& where = known.where();
    kinds_.resize(where.plan().services.count);
    own_.resize(where.peers(), none);
    for (std::uint32_t who = 0; who < where.peers(); ++who) {
      if (!where.provides(who)) continue;
      auto const& power = where.role_of(who).power;
      server s{who, std::max<ns_t>(1, power.speed), std::max<std::uint16_t>(1, power.cores),
               where.may_lie(who), {}};
      for (auto t : where.speed_changes(who)) s.changes.push_back(capped(t));
      for (auto k : where.role_of(who).offers) {
        kinds_[k.index()].push_back(static_cast<std::uint32_t>(all_.size()));
      }
      own_[who] = static_cast<std::uint32_t>(all_.size());
      all_.push_back(std::move(s));
    }
    // Those whose speed changes first, then the fastest: after them nobody can be better.
    for (auto& k : kinds_) {
      std::sort(k.begin(), k.end(), [&](std::uint32_t a, std::uint32_t b) {
        auto const key = [](server const& s) {
          return std::make_tuple(s.steady(), -s.speed, s.who);
        };
        return key(all_[a]) < key(all_[b]);
      });
    }
  }

  [[nodiscard]] trace const& known() const noexcept { return *known_; }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] server const& operator[](std::size_t i) const noexcept { return all_[i]; }
  // Visits the servers that may do this job before best.delivered, which may fall meanwhile: the
  // asker's own head, those whose speed changes, then the others until they are too slow.
  template <class Best, class Visit>
  void each_promising(request const& j, Best const& best, Visit&& visit) const {
    auto const nearest = j.asked + 2 * known_->where().window().count();
    auto const own = own_[j.owner];
    if (own != none && performs(j.owner, j.kind)) visit(own);
    for (auto i : kinds_[j.kind]) {
      auto const& s = all_[i];
      if (i == own) continue;
      if (s.steady() && nearest + s.takes(j.work) > best.delivered) return;
      visit(i);
    }
  }
  [[nodiscard]] std::span<stretch const> up(server const& s) const { return known_->up(s.who); }

  [[nodiscard]] std::uint32_t number_of(std::uint32_t who) const noexcept { return own_[who]; }

  // Delays between two heads; oneself is no way off.
  [[nodiscard]] ns_t way(std::uint32_t from, std::uint32_t to) const {
    return from == to ? 0 : known_->where().one_way(from, to).count();
  }
  [[nodiscard]] ns_t least_way(request const& j, server const& s) const {
    return j.owner == s.who ? 0 : known_->where().window().count();
  }
  [[nodiscard]] ns_t honest_from(server const& s, request const& j, ns_t at) const {
    if (!s.liar || s.who == j.owner) return at;
    return capped(known_->where().honest_from(s.who, at_ns(at)));
  }
  [[nodiscard]] fit begun_at(server const& s, request const& j, ns_t at) const {
    auto const start = honest_from(s, j, at);
    if (start >= far_away) return {};
    if (s.steady()) return {start, start + s.takes(j.work)};
    auto const takes = known_->where().time_for(s.who, duration{j.work}, at_ns(start));
    return {start, start + std::max<ns_t>(1, takes.count())};
  }
  // Begun in [from, to], to be finished first.
  [[nodiscard]] fit begun_within(server const& s, request const& j, ns_t from, ns_t to) const {
    auto best = begun_at(s, j, from);
    for (auto t : s.changes) {
      if (t <= from || t >= to) continue;
      auto const other = begun_at(s, j, t);
      if (other.finish < best.finish) best = other;
    }
    return best;
  }

 private:
  static constexpr std::uint32_t none = 0xffffffffU;
  [[nodiscard]] bool performs(std::uint32_t who, std::uint32_t kind) const {
    auto const& offers = known_->where().role_of(who).offers;
    return std::find(offers.begin(), offers.end(), service{kind}) != offers.end();
  }

  trace const* known_;
  std::vector<server> all_;
  std::vector<std::uint32_t> own_;  // by peer: its index, or none
  std::vector<std::vector<std::uint32_t>> kinds_;  // indexes of servers
};

// Where a job is done; far_away: nowhere. Ties: what finishes first, then the lowest number.
struct place {
  ns_t delivered = far_away;
  fit when{};
  std::uint32_t server = 0;
  std::uint32_t core = 0;
  [[nodiscard]] auto key() const noexcept {
    return std::make_tuple(delivered, when.finish, server, core);
  }
};

using schedule = std::vector<place>;  // by job

// ---- MCT and SPT insertion: each job in turn into the slot where it completes first ------------

class insertion {
 public:
  explicit insertion(servers const& on) : on_{&on} {
    first_core_.reserve(on.size());
    std::uint32_t cores = 0;
    for (std::size_t i = 0; i < on.size(); ++i) {
      first_core_.push_back(cores);
      cores += on[i].cores;
    }
    taken_.resize(cores);
    out_.resize(on.known().jobs().size());
  }

  void insert(std::size_t number) {
    auto const& j = on_->known().jobs()[number];
    place best;
    best.delivered = j.limit + 1;
    on_->each_promising(j, best, [&](std::uint32_t i) { consider(j, i, best); });
    if (best.delivered <= j.limit) put(number, best);
  }

  // Exactly then, on any core that is idle; false: none is.
  bool put_as_was(std::size_t number, place p) {
    for (p.core = 0; p.core < (*on_)[p.server].cores; ++p.core) {
      auto const& on_core = taken_[first_core_[p.server] + p.core];
      auto const next = trace::current(on_core, p.when.start);
      if (next < on_core.size() && on_core[next].from < p.when.finish) continue;
      put(number, p);
      return true;
    }
    return false;
  }
  // To where it is delivered sooner, if there is such a slot; so nobody's turn comes later.
  void move_ahead(std::size_t number) {
    auto const before = out_[number];
    if (before.delivered < far_away) take_out(number);
    insert(number);
    if (before.key() <= out_[number].key() && before.delivered < far_away) {
      if (out_[number].delivered < far_away) take_out(number);
      put(number, before);
    }
  }
  [[nodiscard]] schedule take() { return std::move(out_); }

 private:
  void put(std::size_t number, place const& p) {
    auto& on_core = taken_[first_core_[p.server] + p.core];
    auto const at = on_core.begin() +
                    static_cast<std::ptrdiff_t>(trace::current(on_core, p.when.start));
    on_core.insert(at, {p.when.start, p.when.finish});
    out_[number] = p;
  }
  void take_out(std::size_t number) {
    auto const& p = out_[number];
    auto& on_core = taken_[first_core_[p.server] + p.core];
    on_core.erase(on_core.begin() +
                  static_cast<std::ptrdiff_t>(trace::current(on_core, p.when.start)));
    out_[number] = {};
  }

  void consider(request const& j, std::uint32_t i, place& best) const {
    auto const& s = (*on_)[i];
    auto const least = on_->least_way(j, s);
    ns_t there = -1;
    ns_t back = 0;
    for (std::uint32_t core = 0; core < s.cores; ++core) {
      auto const give_up = best.delivered - least;
      auto const& taken = taken_[first_core_[i] + core];
      if (first_slot(j, s, taken, j.asked + least, give_up).finish > give_up) continue;
      if (there < 0) {
        there = on_->way(j.owner, s.who);
        back = on_->way(s.who, j.owner);
      }
      place mine;
      mine.server = i;
      mine.core = core;
      mine.when = first_slot(j, s, taken, j.asked + there, best.delivered - back);
      if (mine.when.finish >= far_away) continue;
      mine.delivered = on_->known().received(j.owner, mine.when.finish + back);
      if (mine.delivered <= j.limit && mine.key() < best.key()) best = mine;
      if (taken.empty()) break;  // the cores after it are idle, too
    }
  }

  // The first idle slot of a core that is up for long enough; none when it would finish later than
  // `give_up`.
  [[nodiscard]] fit first_slot(request const& j, server const& s,
                               std::vector<stretch> const& taken, ns_t ready,
                               ns_t give_up) const {
    auto const shortest = s.steady() ? s.takes(j.work) : 0;
    auto const ups = on_->up(s);
    auto up = trace::current(ups, ready);
    auto busy = trace::current(taken, ready);
    for (auto at = ready; up < ups.size() && at + shortest <= give_up;) {
      if (ups[up].to <= at) {
        ++up;
      } else if (busy < taken.size() && taken[busy].to <= at) {
        ++busy;
      } else if (at < ups[up].from) {
        at = ups[up].from;
      } else if (busy < taken.size() && taken[busy].from <= at) {
        at = taken[busy].to;
      } else {
        // What ends when the head goes down is lost with it.
        auto until = ups[up].to - 1;
        if (busy < taken.size()) until = std::min(until, taken[busy].from);
        auto const mine = on_->begun_within(s, j, at, until);
        if (mine.finish <= until) return mine;
        at = until + 1;
      }
    }
    return {};
  }

  servers const* on_;
  std::vector<std::uint32_t> first_core_;    // of a server
  std::vector<std::vector<stretch>> taken_;  // by core, in the order of time
  schedule out_;
};

schedule by_insertion(servers const& on, bool shortest_first) {
  auto const& jobs = on.known().jobs();
  std::vector<std::uint32_t> order(jobs.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  if (shortest_first) {
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::tie(jobs[a].work, a) < std::tie(jobs[b].work, b);
    });
  }
  insertion made{on};
  for (auto i : order) made.insert(i);
  return made.take();
}

// ---- the Hydras' own schedule ------------------------------------------------------------------

// Where each job was run whose right result its asker had in time.
class imitation {
 public:
  imitation(servers const& on, history const& ours) : on_{&on}, ran_{ours.did_} {
    std::sort(ran_.begin(), ran_.end(), [](did const& a, did const& b) {
      return std::tie(a.owner, a.number, a.at, a.by) < std::tie(b.owner, b.number, b.at, b.by);
    });
    auto const& jobs = on.known().jobs();
    std::vector<std::size_t> by_name(jobs.size());
    for (std::size_t i = 0; i < by_name.size(); ++i) by_name[i] = i;
    std::sort(by_name.begin(), by_name.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(jobs[a].owner, jobs[a].number) < std::tie(jobs[b].owner, jobs[b].number);
    });
    was_.resize(jobs.size());
    auto e = ours.ended_.begin();
    for (auto i : by_name) {
      auto const name = std::make_tuple(jobs[i].owner, jobs[i].number);
      while (e != ours.ended_.end() && std::make_tuple(e->owner, e->number) < name) ++e;
      if (e == ours.ended_.end()) break;
      if (std::make_tuple(e->owner, e->number) == name) recall(i, *e);
    }
  }

  [[nodiscard]] schedule moved_ahead() const {
    std::vector<std::size_t> order(was_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(was_[a].when.start, a) < std::tie(was_[b].when.start, b);
    });
    insertion made{*on_};
    for (auto i : order) {
      if (was_[i].delivered < far_away) static_cast<void>(made.put_as_was(i, was_[i]));
    }
    for (auto i : order) made.move_ahead(i);
    return made.take();
  }

 private:
  // The last run of it there whose result can have been the one that was accepted.
  void recall(std::size_t i, ended const& e) {
    auto const& j = on_->known().jobs()[i];
    if (e.how.how != hydra::ending::completed || e.at > j.limit) return;
    auto const s = on_->number_of(e.how.by.index());
    auto const name = std::make_tuple(e.owner, e.number);
    auto t = std::partition_point(ran_.begin(), ran_.end(), [&](did const& d) {
      return std::make_tuple(d.owner, d.number) < name;
    });
    for (; t != ran_.end() && std::make_tuple(t->owner, t->number) == name; ++t) {
      if (t->by != e.how.by.index()) continue;
      place p;
      p.server = s;
      p.when = on_->begun_at((*on_)[s], j, t->at - t->busy);
      p.delivered = on_->known().received(j.owner, t->at + on_->way(t->by, j.owner));
      bool const there = t->at - t->busy >= j.asked + on_->way(j.owner, t->by);
      if (there && p.when.finish == t->at && p.delivered <= e.at) was_[i] = p;
    }
  }

  servers const* on_;
  std::vector<did> ran_;     // by name, then in the order of time
  std::vector<place> was_;   // by job
};

// ---- min-min: whenever a core is idle, the waiting job that it completes first -----------------

class dispatch {
 public:
  explicit dispatch(servers const& on) : on_{&on} {
    waiting_.resize(on.known().where().plan().services.count);
    out_.resize(on.known().jobs().size());
    for (std::uint32_t i = 0; i < on.size(); ++i) {
      idle_.push_back(on[i].cores);
      look_.push_back(far_away);
      for (auto const& s : on.up(on[i])) {
        if (s.from > 0) moments_.push({s.from, i, false});
      }
    }
  }

  [[nodiscard]] schedule run() {
    auto const& jobs = on_->known().jobs();
    for (std::uint32_t next = 0; next < jobs.size() || !moments_.empty();) {
      if (next < jobs.size() && (moments_.empty() || jobs[next].asked < moments_.top().at)) {
        arrive(next++);
        continue;
      }
      auto const m = moments_.top();
      moments_.pop();
      if (m.at >= on_->known().end()) continue;
      if (m.frees) ++idle_[m.server];
      if (look_[m.server] == m.at) look_[m.server] = far_away;
      serve(m.server, m.at);
    }
    return std::move(out_);
  }

 private:
  struct moment {
    ns_t at = 0;
    std::uint32_t server = 0;
    bool frees = false;  // a core
    friend bool operator>(moment const& a, moment const& b) noexcept {
      return std::tie(a.at, a.server, a.frees) > std::tie(b.at, b.server, b.frees);
    }
  };
  // The shortest first; of equals the newest, for it has most of its patience left to save.
  using queue = std::set<std::pair<ns_t, std::uint32_t>>;  // work, the complement of its number

  void arrive(std::uint32_t number) {
    auto const& j = on_->known().jobs()[number];
    place best;
    best.delivered = j.limit + 1;
    on_->each_promising(j, best, [&](std::uint32_t i) {
      if (idle_[i] == 0) return;
      auto const mine = if_begun(j, i, j.asked);
      if (mine.key() < best.key()) best = mine;
    });
    if (best.delivered <= j.limit) return begin(number, best);
    waiting_[j.kind].insert({j.work, ~number});
  }

  // As many waiting jobs as it has idle cores.
  void serve(std::uint32_t i, ns_t now) {
    while (idle_[i] > 0) {
      place best;
      std::uint32_t which = 0;
      for (auto k : on_->known().where().role_of((*on_)[i].who).offers) {
        first_that_fits(waiting_[k.index()], i, now, best, which);
      }
      if (best.delivered >= far_away) return;
      auto const& j = on_->known().jobs()[which];
      waiting_[j.kind].erase({j.work, ~which});
      begin(which, best);
    }
  }

  // The shortest of a kind that it can do in time. Bounded: a queue of jobs that do not fit before
  // it goes down must not be walked again and again.
  void first_that_fits(queue& all, std::uint32_t i, ns_t now, place& best, std::uint32_t& which) {
    constexpr int looked_at_max = 32;
    int looked_at = 0;
    for (auto it = all.begin(); it != all.end() && looked_at < looked_at_max;) {
      auto const& j = on_->known().jobs()[~it->second];
      if (j.limit <= now) {
        it = all.erase(it);
        continue;
      }
      ++looked_at;
      auto const mine = if_begun(j, i, now);
      if (mine.delivered <= j.limit) {
        if (mine.key() < best.key()) {
          best = mine;
          which = ~it->second;
        }
        return;
      }
      ++it;
    }
  }

  // On an idle core of it now, or when its input is there; never when the head is not fit for it.
  [[nodiscard]] place if_begun(request const& j, std::uint32_t i, ns_t now) {
    auto const& s = (*on_)[i];
    auto const ups = on_->up(s);
    auto const up = trace::current(ups, now);
    if (up == ups.size() || ups[up].from > now) return {};
    auto const ready = std::max(now, j.asked + on_->way(j.owner, s.who));
    auto const honest = on_->honest_from(s, j, ready);
    if (honest != ready) {
      look_again(i, honest);
      return {};
    }
    place mine;
    mine.when = on_->begun_at(s, j, ready);
    mine.server = i;
    if (mine.when.finish >= ups[up].to) return {};
    mine.delivered = on_->known().received(j.owner, mine.when.finish + on_->way(s.who, j.owner));
    if (mine.delivered > j.limit) return {};
    return mine;
  }

  void look_again(std::uint32_t i, ns_t at) {
    if (at >= look_[i]) return;
    look_[i] = at;
    moments_.push({at, i, false});
  }

  void begin(std::uint32_t number, place const& p) {
    --idle_[p.server];
    out_[number] = p;
    moments_.push({p.when.finish, p.server, true});
  }

  servers const* on_;
  std::vector<std::uint32_t> idle_;  // cores, by server
  std::vector<ns_t> look_;           // when an idle server is looked at again
  std::vector<queue> waiting_;       // by kind
  std::priority_queue<moment, std::vector<moment>, std::greater<>> moments_;
  schedule out_;
};

// ---- results -----------------------------------------------------------------------------------

class average {
 public:
  void add(ns_t d) {
    sum_ += static_cast<uint128>(std::max<ns_t>(0, d));
    ++n_;
  }
  [[nodiscard]] duration mean() const {
    return n_ == 0 ? duration{} : duration{static_cast<ns_t>(sum_ / n_)};
  }

 private:
  uint128 sum_ = 0;
  std::uint64_t n_ = 0;
};

schedule scheduled(servers const& on, central_rule rule) {
  switch (rule) {
    case central_rule::mct: return by_insertion(on, false);
    case central_rule::spt_insertion: return by_insertion(on, true);
    case central_rule::min_min: break;
  }
  return dispatch{on}.run();
}

omniscient_result result_of(servers const& on, schedule const& made, std::string_view rule) {
  auto const& known = on.known();
  omniscient_result out;
  out.rule = rule;
  std::vector<double> response;
  std::vector<ns_t> busy(on.size());
  average all;
  for (std::size_t i = 0; i < known.jobs().size(); ++i) {
    auto const& j = known.jobs()[i];
    bool const done = made[i].delivered <= j.limit;
    // Who is away when patience is over learns it when back.
    auto const patience = known.where().plan().workload.patience.count();
    bool const in_hand = !done && known.received(j.owner, j.asked + patience) >= known.end();
    ++out.jobs.submitted;
    ++(done ? out.jobs.completed : in_hand ? out.jobs.running : out.jobs.failed);
    all.add((done ? made[i].delivered : j.limit) - j.asked);
    if (!done) continue;
    response.push_back(seconds(duration{made[i].delivered - j.asked}));
    busy[made[i].server] += made[i].when.finish - made[i].when.start;
  }
  out.response_s = spread_of(response);
  out.terms = {out.jobs.completed, all.mean()};
  std::vector<double> shares;
  for (std::size_t i = 0; i < on.size(); ++i) {
    auto const up = static_cast<double>(known.time_up(on[i].who));
    if (up > 0) shares.push_back(static_cast<double>(busy[i]) / (up * on[i].cores));
  }
  out.utilisation = spread_of(shares);
  return out;
}

omniscient_result result_by(servers const& on, central_rule rule) {
  return result_of(on, scheduled(on, rule), central_rule_names[static_cast<std::size_t>(rule)]);
}

}  // namespace

omniscient_result central(planet const& where, central_rule rule) {
  trace const known{where};
  return result_by(servers{known}, rule);
}

std::vector<central_task> central_plan(planet const& where, central_rule rule) {
  trace const known{where};
  servers const on{known};
  auto const made = scheduled(on, rule);
  std::vector<central_task> all;
  for (std::size_t i = 0; i < made.size(); ++i) {
    auto const& j = known.jobs()[i];
    if (made[i].delivered > j.limit) continue;
    all.push_back({j.owner, j.number, on[made[i].server].who, at_ns(made[i].when.start),
                   at_ns(made[i].when.finish), at_ns(made[i].delivered)});
  }
  return all;
}

omniscient_result central(planet const& where, history const& ours) {
  trace const known{where};
  servers const on{known};
  auto const bound = equal_terms_of(where, ours);
  auto const rank = [&](omniscient_result const& r) {
    auto const missing = bound.done - std::min(bound.done, r.terms.done);
    return std::make_tuple(missing, r.terms.mean);
  };
  std::vector<central_rule> others{central_rule::min_min};
  if (known.jobs().size() <= insertion_jobs_max) others.push_back(central_rule::spt_insertion);
  auto best = result_by(on, central_rule::mct);
  for (auto rule : others) {
    auto other = result_by(on, rule);
    if (rank(other) < rank(best)) best = std::move(other);
  }
  if (best.terms.done >= bound.done && best.terms.mean <= bound.mean) return best;
  return result_of(on, imitation{on, ours}.moved_ahead(), moved_ahead);
}

equal_terms equal_terms_of(planet const& where, history const& all) {
  auto const end = where.plan().duration.count();
  auto const patience = where.plan().workload.patience.count();
  equal_terms out;
  average mean;
  auto e = all.ended_.begin();
  for (auto const& a : all.asked_) {
    auto const name = std::make_tuple(a.owner, a.number);
    while (e != all.ended_.end() && std::make_tuple(e->owner, e->number) < name) ++e;
    bool done = e != all.ended_.end() && std::make_tuple(e->owner, e->number) == name &&
                e->how.how == hydra::ending::completed;
    auto const limit = std::min(a.at + patience, end - 1);
    if (done) {
      auto const j = where.job_of(a.owner, a.number - 1);
      task const t{j.id, 0, j.what, j.work, j.input};
      done = e->at <= limit && e->how.output == where.honest_output(t);
    }
    out.done += done ? 1U : 0U;
    mean.add((done ? e->at : limit) - a.at);
  }
  out.mean = mean.mean();
  return out;
}

}  // namespace hydra::sim
