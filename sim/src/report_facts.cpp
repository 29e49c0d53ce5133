#include "report_facts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace hydra::sim {

std::string region_word(std::size_t region) {
  std::string word{world_regions[region]};
  bool begins = true;
  for (auto& c : word) {
    if (c == '_') c = ' ';
    if (begins && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    begins = c == ' ';
  }
  return word;
}

std::string service_word(scenario const& s, std::uint32_t kind) {
  std::string_view left = s.services.names;
  for (std::uint32_t i = 0; i < kind && !left.empty(); ++i) {
    auto const comma = left.find(',');
    left.remove_prefix(comma == std::string_view::npos ? left.size() : comma + 1);
  }
  auto word = left.substr(0, left.find(','));
  while (word.starts_with(' ')) word.remove_prefix(1);
  while (word.ends_with(' ')) word.remove_suffix(1);
  return word.empty() ? "service " + std::to_string(kind) : std::string{word};
}

degrees degrees_of(unit16 at) noexcept {
  constexpr double each = 180.0 / 3.14159265358979323846;
  double const x = at.x;
  double const y = at.y;
  return {std::atan2(y, x) * each, std::atan2(at.z, std::sqrt(x * x + y * y)) * each};
}

report_facts::report_facts(recording const& from) : from_{from} {
  auto const& rows = from_.rows;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    (rows[i].what == job_row::kind::placed ? placed_ : said_).push_back(i);
  }
  std::stable_sort(placed_.begin(), placed_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tie(rows[a].root_owner, rows[a].root_number) <
           std::tie(rows[b].root_owner, rows[b].root_number);
  });
  std::stable_sort(said_.begin(), said_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return owned(rows[a]) < owned(rows[b]);
  });
  for (auto const& f : plan().faults) {
    bool const whole = f.kind == fault_kind::partition &&
                       f.from.of == whereabouts::which::regions &&
                       f.to.of == whereabouts::which::elsewhere;
    if (!whole || f.at >= from_.end - instant{}) continue;
    auto const lasts = std::min<std::int64_t>(f.lasts.count(), end() - f.at.count());
    cuts_.push_back({f.from.regions, f.at.count(), f.at.count() + lasts});
  }
  gather_absences();
  classify();
  count_work();
}

// ---- Hydras -----------------------------------------------------------------------------------

void report_facts::classify() {
  hydras_.resize(where().peers());
  classes_ = {{"asker", "Asker", "asks, serves nobody"},
              {"head", "Server", "serves others"}};
  constexpr std::size_t groups_shown = 5;
  for (auto const& g : plan().groups) {
    if (classes_.size() == 2 + groups_shown) break;
    classes_.push_back({g.name, g.name, std::to_string(g.count) + " in " + g.city});
  }
  auto const liar = static_cast<std::uint8_t>(classes_.size());
  bool any = false;
  for (std::uint32_t i = 0; i < hydras_.size(); ++i) {
    auto const group = where().role_of(i).group;
    auto& kind = hydras_[i].kind;
    kind = where().provides(i) ? 1 : 0;
    if (group != 0 && group + 1U < liar) kind = static_cast<std::uint8_t>(group + 1U);
    if (!where().provides(i) || !where().may_lie(i)) continue;
    kind = liar;
    any = true;
  }
  if (any) classes_.push_back({"liar", "Liar", "serves, and gives wrong results now and then"});
}

void report_facts::gather_absences() {
  auto changes = seen().absences_;
  std::sort(changes.begin(), changes.end(), [](auto const& a, auto const& b) {
    return std::tie(a.who, a.at, a.up) < std::tie(b.who, b.at, b.up);
  });
  for (auto const& c : changes) {
    bool const open = !absences_.empty() && absences_.back().who == c.who &&
                      absences_.back().to == end();
    if (c.up && open) {
      absences_.back().to = c.at;
    } else if (!c.up) {
      absences_.push_back({c.who, c.at, end()});
    }
  }
}

void report_facts::count_work() {
  for (auto& h : hydras_) h.up = end();
  for (auto const& a : absences_) hydras_[a.who].up -= a.to - a.from;
  for (auto const& a : seen().asked_) ++hydras_[a.owner].asked;
  for (auto const& r : from_.rows) {
    bool const whole = r.what == job_row::kind::ran && r.how == 0;
    if (whole) ++hydras_[r.by].ran;
  }
  for (std::uint32_t i = 0; i < hydras_.size(); ++i) {
    if (!where().provides(i)) continue;
    auto const cores = std::max<std::int64_t>(1, where().role_of(i).power.cores);
    auto const busy = i < seen().busy_.size() ? seen().busy_[i] : 0;
    auto const share = hydras_[i].up <= 0 ? 0 : mul_div(busy, 1000, hydras_[i].up) / cores;
    hydras_[i].busy = static_cast<std::int32_t>(std::clamp<std::int64_t>(share, 0, 1000));
  }
}

bool report_facts::is_down(std::uint32_t who, std::int64_t at) const noexcept {
  auto it = std::lower_bound(absences_.begin(), absences_.end(), who,
                             [](absence const& a, std::uint32_t w) { return a.who < w; });
  for (; it != absences_.end() && it->who == who; ++it) {
    if (it->from <= at && at < it->to) return true;
  }
  return false;
}

std::int64_t report_facts::crash_between(std::uint32_t who, std::int64_t from,
                                         std::int64_t to) const noexcept {
  auto it = std::lower_bound(absences_.begin(), absences_.end(), who,
                             [](absence const& a, std::uint32_t w) { return a.who < w; });
  for (; it != absences_.end() && it->who == who; ++it) {
    if (it->from > from && it->from < to) return it->from;
  }
  return to;
}

// ---- jobs -------------------------------------------------------------------------------------

report_facts::name report_facts::owned(job_row const& r) noexcept {
  return {r.what == job_row::kind::ran ? r.who : r.by, r.nonce};
}
std::uint32_t report_facts::executor(job_row const& r) noexcept {
  return r.what == job_row::kind::ran ? r.by : r.who;
}

ended const* report_facts::ending_of(asking const& job) const noexcept {
  auto const& all = seen().ended_;
  auto const before = [](ended const& e, asking const& a) {
    return std::tie(e.owner, e.number) < std::tie(a.owner, a.number);
  };
  auto const it = std::lower_bound(all.begin(), all.end(), job, before);
  bool const found = it != all.end() && it->owner == job.owner && it->number == job.number;
  return found ? &*it : nullptr;
}

report_facts::span_of_rows report_facts::placements_of(asking const& job) const {
  auto const& rows = from_.rows;
  auto const before = [&](std::uint32_t i, asking const& a) {
    return std::tie(rows[i].root_owner, rows[i].root_number) < std::tie(a.owner, a.number);
  };
  auto const after = [&](asking const& a, std::uint32_t i) {
    return std::tie(a.owner, a.number) < std::tie(rows[i].root_owner, rows[i].root_number);
  };
  auto const first = std::lower_bound(placed_.begin(), placed_.end(), job, before);
  auto const last = std::upper_bound(first, placed_.end(), job, after);
  return {static_cast<std::size_t>(first - placed_.begin()),
          static_cast<std::size_t>(last - placed_.begin())};
}

report_facts::span_of_rows report_facts::words_about(name const& which) const {
  auto const& rows = from_.rows;
  auto const first = std::lower_bound(
      said_.begin(), said_.end(), which,
      [&](std::uint32_t i, name const& n) { return owned(rows[i]) < n; });
  auto const last =
      std::upper_bound(first, said_.end(), which,
                       [&](name const& n, std::uint32_t i) { return n < owned(rows[i]); });
  return {static_cast<std::size_t>(first - said_.begin()),
          static_cast<std::size_t>(last - said_.begin())};
}

report_facts::outcome_of_lease report_facts::look_up(job_row const& placed) const {
  outcome_of_lease o;
  auto const [first, last] = words_about({placed.by, placed.nonce});
  for (auto i = first; i < last; ++i) {
    auto const& r = from_.rows[said_[i]];
    if (executor(r) != placed.who || r.at < placed.at) continue;
    if (r.what == job_row::kind::judged) {
      o.judged = r.how == static_cast<std::uint8_t>(outcome::done) ? 1 : 2;
    }
    if (r.what != job_row::kind::ran || o.at != never_ended) continue;
    o.at = r.at;
    o.ran = r.how == static_cast<std::uint8_t>(outcome::done);
    o.cancelled = !o.ran;
  }
  return o;
}

void report_facts::conclude(tree_node& n, job_row const& placed, outcome_of_lease const& o,
                            std::int64_t replaced_at, std::int64_t until) const {
  if (o.ran || o.judged != 0) {
    n.how = tree_node::done;
    n.end = o.at != never_ended ? o.at : until;
    if (o.judged == 2) n.verified = 2;
    return;
  }
  bool const replaced = replaced_at != never_ended;
  auto const limit = replaced ? replaced_at : until;
  auto const crash =
      crash_between(placed.who, placed.at, limit == never_ended ? end() : limit);
  if (crash != (limit == never_ended ? end() : limit)) {
    n.how = tree_node::crashed;
    n.end = crash;
  } else if (replaced) {
    // Who refuses says so within a round trip; the others are waited for.
    constexpr std::int64_t answer = 3'000'000'000;
    n.how = replaced_at - placed.at < answer && !o.cancelled ? tree_node::refused
                                                             : tree_node::silent;
    n.end = o.cancelled ? std::min(o.at, replaced_at) : replaced_at;
  } else if (until != never_ended) {
    n.how = tree_node::failed;  // not needed any more
    // It may have been given while the word of the end was on its way.
    n.end = std::max(placed.at, o.at != never_ended ? std::min(o.at, until) : until);
  }
}

void report_facts::add_placements(job_tree& t, std::vector<job_row const*> const& given,
                                  std::int32_t parent, std::uint32_t service,
                                  std::int64_t until) const {
  std::vector<outcome_of_lease> came;
  std::size_t results = 0;
  for (auto const* p : given) {
    came.push_back(look_up(*p));
    results += came.back().ran && came.back().judged != 2 ? 1U : 0U;
  }
  std::vector<std::int64_t> replaced_at(given.size(), never_ended);
  std::vector<std::int32_t> instead_of(given.size(), -1);
  for (std::size_t i = 0; i < given.size(); ++i) {
    for (std::size_t k = 0; given[i]->replaces && k < i; ++k) {
      if (came[k].ran || came[k].judged != 0 || replaced_at[k] != never_ended) continue;
      replaced_at[k] = given[i]->at;
      instead_of[i] = static_cast<std::int32_t>(k);
      break;
    }
  }
  constexpr std::array ranks{tree_node::runs, tree_node::repeats, tree_node::judges};
  auto const first = static_cast<std::int32_t>(t.nodes.size());
  std::size_t rank = 0;
  for (std::size_t i = 0; i < given.size() && t.nodes.size() < t.most; ++i) {
    tree_node n;
    n.parent = parent;
    n.hydra = given[i]->who;
    n.service = service;
    n.start = given[i]->at;
    n.link = given[i]->link;
    if (instead_of[i] >= 0) {
      n.replaces = first + instead_of[i];
      n.part = t.nodes[static_cast<std::size_t>(n.replaces)].part;
    } else {
      n.part = ranks[std::min<std::size_t>(rank++, 2)];
    }
    conclude(n, *given[i], came[i], replaced_at[i], until);
    if (n.how == tree_node::done && n.verified == 0 && results > 1) n.verified = 1;
    t.nodes.push_back(n);
  }
}

job_tree report_facts::tree_of(asking const& job, std::size_t most) const {
  job_tree t{job.owner, job.number, most, {}};
  auto const* over = ending_of(job);
  tree_node root;
  root.hydra = job.owner;
  root.part = tree_node::asks;
  root.service = where().job_of(job.owner, job.number - 1).what.index();
  root.start = job.at;
  if (over != nullptr) {
    root.end = over->at;
    root.how = over->how.how == hydra::ending::completed ? tree_node::done : tree_node::failed;
  }
  t.nodes.push_back(root);
  auto const [first, last] = placements_of(job);
  std::vector<job_row const*> all;
  for (auto i = first; i < last; ++i) all.push_back(&from_.rows[placed_[i]]);
  auto const by_part = [](job_row const* r) {
    return std::tie(r->parent, r->by, r->nonce, r->at, r->number);
  };
  std::sort(all.begin(), all.end(), [&](auto const* a, auto const* b) {
    return by_part(a) < by_part(b);
  });
  for (std::size_t at = 0; at < t.nodes.size() && t.nodes.size() < t.most; ++at) {
    add_children(t, static_cast<std::int32_t>(at), all);
  }
  return t;
}

// All that a node gave on: `all` is in order of parent, then of part.
void report_facts::add_children(job_tree& t, std::int32_t at,
                                std::vector<job_row const*> const& all) const {
  auto const mine = t.nodes[static_cast<std::size_t>(at)];
  auto service = mine.service;
  auto const whole = std::find_if(plan().compositions.begin(), plan().compositions.end(),
                                  [&](auto const& c) { return c.whole == mine.service; });
  if (at != 0 && whole != plan().compositions.end()) service = whole->part;
  auto it = std::lower_bound(all.begin(), all.end(), mine.link,
                             [](job_row const* r, std::uint64_t link) { return r->parent < link; });
  bool divided = false;
  while (it != all.end() && (*it)->parent == mine.link) {
    auto const next = std::find_if(it, all.end(), [&](job_row const* r) {
      return r->parent != mine.link || r->by != (*it)->by || r->nonce != (*it)->nonce;
    });
    auto until = mine.end;
    auto const [from, to] = words_about({(*it)->by, (*it)->nonce});
    for (auto i = from; i < to; ++i) {
      auto const& r = from_.rows[said_[i]];
      if (r.what == job_row::kind::part_ended) until = r.at;
    }
    add_placements(t, {it, next}, at, service, until);
    divided = true;
    it = next;
  }
  auto& part = t.nodes[static_cast<std::size_t>(at)].part;
  if (divided && part == tree_node::runs) part = tree_node::passes_on;
}

// ---- which jobs -------------------------------------------------------------------------------

std::vector<report_facts::merits> report_facts::weigh() const {
  auto const& rows = from_.rows;
  std::vector<std::pair<name, std::pair<std::uint32_t, std::uint32_t>>> root_of;
  for (auto i : placed_) {
    root_of.push_back({{rows[i].by, rows[i].nonce}, {rows[i].root_owner, rows[i].root_number}});
  }
  std::sort(root_of.begin(), root_of.end());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lied;
  for (auto i : said_) {
    auto const& r = rows[i];
    bool const forged = r.what == job_row::kind::judged &&
                        r.how == static_cast<std::uint8_t>(outcome::forged);
    if (!forged) continue;
    auto const it = std::lower_bound(root_of.begin(), root_of.end(), owned(r),
                                     [](auto const& a, name const& n) { return a.first < n; });
    if (it != root_of.end() && it->first == owned(r)) lied.push_back(it->second);
  }
  std::sort(lied.begin(), lied.end());
  std::vector<merits> all;
  for (std::size_t i = 0; i < seen().asked_.size(); ++i) {
    auto const& job = seen().asked_[i];
    auto const* over = ending_of(job);
    auto const until = over != nullptr ? over->at : end();
    merits m{.job = i};
    auto const [first, last] = placements_of(job);
    for (auto k = first; k < last; ++k) {
      auto const& r = rows[placed_[k]];
      m.depth = std::max<std::uint32_t>(m.depth, r.depth);
      m.replaced += r.replaces ? 1U : 0U;
      ++m.rows;
      for (auto const& c : cuts_) {
        bool const over_border = inside(c, region_of(r.by)) != inside(c, region_of(r.who));
        m.across = m.across || (over_border && r.at < c.to && until > c.from);
      }
    }
    auto const of = std::equal_range(lied.begin(), lied.end(),
                                     std::pair{job.owner, job.number});
    m.liars = static_cast<std::uint32_t>(of.second - of.first);
    all.push_back(m);
  }
  return all;
}

std::vector<std::size_t> report_facts::worth_a_look(std::size_t most) const {
  auto const all = weigh();
  std::vector<std::vector<std::size_t>> heaps;
  auto const best = [&](auto&& wanted, auto&& key) {
    std::vector<merits const*> some;
    for (auto const& m : all) {
      if (wanted(m)) some.push_back(&m);
    }
    auto const n = std::min(most, some.size());
    std::partial_sort(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n), some.end(),
                      [&](merits const* a, merits const* b) {
                        return key(*a) != key(*b) ? key(*a) > key(*b) : a->job < b->job;
                      });
    heaps.emplace_back();
    for (std::size_t i = 0; i < n; ++i) heaps.back().push_back(some[i]->job);
  };
  auto const ends = [&](merits const& m) { return ending_of(seen().asked_[m.job]); };
  auto const good = [&](merits const& m) {
    return ends(m) != nullptr && ends(m)->how.how == hydra::ending::completed;
  };
  best([&](merits const& m) { return good(m) && m.depth > 1; },
       [](merits const& m) { return std::tuple{m.depth, m.liars > 0, m.replaced, m.rows}; });
  best([](merits const& m) { return m.liars > 0; },
       [](merits const& m) { return std::tuple{m.liars, m.rows}; });
  best([](merits const& m) { return m.across; },
       [](merits const& m) { return std::tuple{m.replaced > 0, m.rows}; });
  best([](merits const& m) { return m.replaced > 0; },
       [](merits const& m) { return std::tuple{m.replaced, m.rows}; });
  best([&](merits const& m) { return ends(m) != nullptr && !good(m); },
       [](merits const& m) { return std::tuple{m.rows}; });
  std::vector<merits const*> typical;
  for (auto const& m : all) {
    if (good(m)) typical.push_back(&m);
  }
  std::sort(typical.begin(), typical.end(), [&](merits const* a, merits const* b) {
    auto const x = ends(*a)->how.response;
    auto const y = ends(*b)->how.response;
    return x != y ? x < y : a->job < b->job;
  });
  heaps.emplace_back();
  for (auto tenth : {5U, 3U, 7U, 1U, 9U, 4U, 6U, 2U, 8U}) {
    if (!typical.empty()) heaps.back().push_back(typical[(typical.size() - 1) * tenth / 10]->job);
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < most; ++i) {
    for (auto const& h : heaps) {
      bool const fits = i < h.size() && out.size() < most;
      if (fits && std::find(out.begin(), out.end(), h[i]) == out.end()) out.push_back(h[i]);
    }
  }
  return out;
}

// A job's last word says how often it was placed again; the placements themselves say when.
std::vector<std::int64_t> report_facts::replacements() const {
  std::vector<std::int64_t> out;
  for (auto const& job : seen().asked_) {
    auto const* over = ending_of(job);
    if (over == nullptr || over->how.replaced == 0) continue;
    auto const [first, last] = placements_of(job);
    std::size_t left = over->how.replaced;
    for (auto i = last; i > first && left > 0; --i) {
      auto const& r = from_.rows[placed_[i - 1]];
      if (r.depth != 1 || !r.replaces) continue;
      out.push_back(r.at);
      --left;
    }
    out.insert(out.end(), left, over->at);
  }
  return out;
}

// ---- over time --------------------------------------------------------------------------------

timeline timeline_of(report_facts const& f) {
  timeline t;
  t.bucket = f.all().bucket.count();
  auto const n = static_cast<std::size_t>(std::max<std::int64_t>(1, (f.end() + t.bucket - 1) /
                                                                        t.bucket));
  for (auto* column : {&t.submitted, &t.completed, &t.failed, &t.replaced, &t.in_flight, &t.up,
                       &t.messages, &t.kb, &t.crashed, &t.restarted}) {
    column->assign(n, 0);
  }
  auto const in = [&](std::int64_t at) {
    return std::min(n - 1, static_cast<std::size_t>(std::max<std::int64_t>(0, at) / t.bucket));
  };
  for (auto const& a : f.seen().asked_) {
    ++t.submitted[in(a.at)];
    ++t.in_flight[in(a.at)];
  }
  for (auto const& e : f.seen().ended_) {
    ++(e.how.how == hydra::ending::completed ? t.completed : t.failed)[in(e.at)];
    --t.in_flight[in(e.at)];
  }
  for (auto at : f.replacements()) ++t.replaced[in(at)];
  t.up[0] = f.where().peers();
  for (auto const& a : f.absences()) {
    --t.up[in(a.from)];
    if (a.from > 0) ++t.crashed[in(a.from)];
    if (a.to >= f.end()) continue;
    ++t.up[in(a.to)];
    ++t.restarted[in(a.to)];
  }
  for (std::size_t i = 1; i < n; ++i) {
    t.in_flight[i] += t.in_flight[i - 1];
    t.up[i] += t.up[i - 1];
  }
  for (std::size_t i = 0; i < f.all().messages.size(); ++i) {
    t.messages[std::min(i, n - 1)] += static_cast<std::int64_t>(f.all().messages[i]);
    t.kb[std::min(i, n - 1)] += static_cast<std::int64_t>(f.all().bytes[i] / 1000);
  }
  return t;
}

}  // namespace hydra::sim
