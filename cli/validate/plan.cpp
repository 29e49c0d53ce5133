#include "plan.hpp"
#include "sets.hpp"

#include <node/toml_file.hpp>

#include <hydra/core/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace hydra::validation {
namespace {

using net::toml_item;
using net::toml_kind;
using net::toml_problems;
using net::toml_taker;

constexpr std::size_t file_bytes_max = 1U << 20U;

template <class T, class NameOf>
std::vector<std::string> names(std::vector<T> const& all, NameOf&& name_of) {
  std::vector<std::string> out;
  for (auto const& each : all) out.push_back(name_of(each));
  return out;
}

// Reads one file into a plan.
class reader {
 public:
  reader(plan& to, toml_problems& problems) : p_{to}, problems_{problems} {}

  void read(toml_item const& root) {
    toml_taker top{root, problems_, "the plan"};
    top.text("about", p_.about, 400, true);
    whole(top, "seed", p_.seed, 1, 1'000'000'000);
    whole(top, "hydras", p_.hydras, 2, hydras_max);
    top.time("lasts", p_.lasts, 1s, lasts_max);
    duration stagger = 20ms;
    top.time("stagger", stagger, duration{}, 1s);
    top.time("upkeep", p_.upkeep, 500ms, 60s);
    top.bytes("line", p_.line, 100'000, 1'000'000'000);
    p_.stagger_us = static_cast<std::uint32_t>(stagger / 1us);
    each(top, "link", [&](toml_item const& i) { link(i); });
    each(top, "group", [&](toml_item const& i) { group(i); });
    if (!problems_.lines.empty()) return;
    settle_groups(root);
    each(top, "between", [&](toml_item const& i) { between(i); });
    each(top, "service", [&](toml_item const& i) { service(i); });
    each(top, "work", [&](toml_item const& i) { work(i); });
    each(top, "crash", [&](toml_item const& i) { crash(i); });
    top.finish();
    finish(root);
  }

 private:
  template <class T>
  void whole(toml_taker& from, std::string_view key, T& to, std::int64_t least,
             std::int64_t most) {
    auto value = static_cast<std::int64_t>(to);
    from.whole(key, value, least, most);
    to = static_cast<T>(value);
  }
  template <class F>
  void each(toml_taker& top, std::string_view key, F&& visit) {
    auto const* all = top.tables(key);
    if (all == nullptr) return;
    for (auto const& item : all->children) visit(item);
  }
  // A list of numbers of heads.
  std::vector<std::uint32_t> heads(toml_taker& from, std::string_view key) {
    std::vector<std::uint32_t> out;
    auto const* item = from.any(key, true);
    if (item == nullptr) return out;
    if (item->kind != toml_kind::array) {
      from.wrong(*item, "is no list; allowed: numbers of heads, like [0, 3]");
      return out;
    }
    for (auto const& one : item->children) {
      std::uint32_t n = 0;
      auto const* end = one.text.data() + one.text.size();
      bool const good = one.kind == toml_kind::integer &&
                        std::from_chars(one.text.data(), end, n).ptr == end && n < p_.hydras;
      if (good) out.push_back(n);
      else from.wrong(one, fmt::format("{} is no head; allowed: 0 to {}", one.text,
                                       p_.hydras - 1));
    }
    return out;
  }
  std::size_t named(toml_taker& from, std::string_view key, std::vector<std::string> const& all) {
    std::size_t at = 0;
    from.word(key, at, all, true);
    return at;
  }
  [[nodiscard]] std::vector<std::string> link_names() const {
    return names(p_.classes, [](link_class const& c) { return c.name; });
  }
  [[nodiscard]] std::vector<std::string> service_names() const {
    return names(p_.services, [](planned_service const& s) { return s.name; });
  }

  void link(toml_item const& i) {
    toml_taker t{i, problems_, "a link"};
    link_class c;
    t.text("name", c.name, 32, true);
    t.time("latency", c.link.latency, latency_min, 2s);
    t.time("jitter", c.link.jitter, duration{}, 1s);
    std::int64_t loss = 0;
    t.whole("loss_per_mille", loss, 0, 500);
    c.link.loss = {static_cast<std::uint32_t>(loss), 1000};
    t.finish();
    if (c.link.latency < latency_min) t.wrong(i, "a link lacks its latency");
    if (p_.classes.size() >= classes_max) t.wrong(i, "more than 8 links");
    p_.classes.push_back(c);
  }
  void group(toml_item const& i) {
    toml_taker t{i, problems_, "a group"};
    std::string name;
    t.text("name", name, 32, true);
    auto const within = named(t, "within", link_names());
    auto const number = static_cast<std::uint32_t>(groups_.size());
    p_.group_of.resize(p_.hydras, none);
    for (auto h : heads(t, "heads")) {
      if (p_.group_of[h] != none) t.wrong(i, fmt::format("head {} is in two groups", h));
      p_.group_of[h] = number;
    }
    t.finish();
    groups_.push_back(name);
    within_.push_back(static_cast<std::uint32_t>(within));
  }
  void settle_groups(toml_item const& root) {
    auto const n = groups_.size();
    p_.class_of.assign(n, std::vector<std::uint32_t>(n, none));
    for (std::size_t g = 0; g < n; ++g) p_.class_of[g][g] = within_[g];
    p_.group_of.resize(p_.hydras, none);
    auto const at = std::find(p_.group_of.begin(), p_.group_of.end(), none);
    if (at == p_.group_of.end()) return;
    problems_.add(root.at, fmt::format("head {} is in no group", at - p_.group_of.begin()));
    p_.group_of.assign(p_.hydras, 0);
  }
  void between(toml_item const& i) {
    toml_taker t{i, problems_, "a link between groups"};
    auto const a = named(t, "one", groups_);
    auto const b = named(t, "other", groups_);
    auto const c = static_cast<std::uint32_t>(named(t, "link", link_names()));
    t.finish();
    if (groups_.empty()) return;
    p_.class_of[a][b] = p_.class_of[b][a] = c;
  }
  void service(toml_item const& i) {
    toml_taker t{i, problems_, "a service"};
    planned_service s;
    t.text("name", s.name, 64, true);
    s.by = heads(t, "by");
    t.finish();
    p_.services.push_back(s);
  }
  void work(toml_item const& i) {
    toml_taker t{i, problems_, "work"};
    auto const what = static_cast<std::uint32_t>(named(t, "service", service_names()));
    auto const from = heads(t, "from");
    duration first{}, every{}, least = 100ms, most{};
    std::int64_t jobs = 0;
    std::uint64_t bytes = 0;
    t.time("first", first, 1s, lasts_max);
    t.time("every", every, 1ms, lasts_max);
    t.whole("jobs", jobs, 1, jobs_max);
    t.time("work", least, 1ms, 10s);
    most = least;
    t.time("work_most", most, least, 10s);
    t.bytes("bytes", bytes, 0, 16U << 20U);
    t.finish();
    std::uint32_t count = 0;
    hydra::stream chance{stream_base(p_.seed, purpose::workload, ++works_), count};
    for (std::int64_t n = 0; n < jobs && !from.empty(); ++n) {
      planned_job j;
      j.from = from[static_cast<std::size_t>(n) % from.size()];
      j.what = what;
      j.at = first + every * n;
      j.work = most > least ? chance.between(least, most) : least;
      j.bytes = bytes;
      p_.jobs.push_back(j);
    }
  }
  void crash(toml_item const& i) {
    toml_taker t{i, problems_, "a crash"};
    planned_crash c;
    whole(t, "who", c.who, 0, static_cast<std::int64_t>(p_.hydras) - 1);
    t.time("at", c.at, 1s, lasts_max);
    t.time("back", c.back, 1s, lasts_max);
    t.finish();
    if (c.back < c.at + 500ms) t.wrong(i, "`back` is less than 500 ms after `at`");
    p_.crashes.push_back(c);
  }
  void finish(toml_item const& root) {
    auto const wrong = [&](std::string const& words) { problems_.add(root.at, words); };
    if (!problems_.lines.empty()) return;
    for (std::size_t a = 0; a < groups_.size(); ++a) {
      for (std::size_t b = 0; b < groups_.size(); ++b) {
        if (p_.class_of[a][b] == none)
          wrong(fmt::format("no link between {} and {}", groups_[a], groups_[b]));
      }
    }
    if (p_.jobs.empty() || p_.jobs.size() > jobs_max)
      wrong(fmt::format("{} jobs; allowed: 1 to {}", p_.jobs.size(), jobs_max));
    std::stable_sort(p_.jobs.begin(), p_.jobs.end(),
                     [](auto const& a, auto const& b) { return a.at < b.at; });
    std::vector<std::uint64_t> taken(p_.hydras, 0);
    for (std::size_t n = 0; n < p_.jobs.size(); ++n) {
      auto& j = p_.jobs[n];
      j.number = n + 1;
      j.first = taken[j.from];
      taken[j.from] += j.bytes;
      if (taken[j.from] > object_bytes_max) {
        return wrong(fmt::format("head {} would need more than 256 MiB of objects", j.from));
      }
    }
    std::sort(p_.crashes.begin(), p_.crashes.end(),
              [](auto const& a, auto const& b) { return a.at < b.at; });
    if (p_.line == 0 && std::any_of(p_.jobs.begin(), p_.jobs.end(),
                                    [](planned_job const& j) { return j.bytes != 0; }))
      wrong("jobs have bytes, but there is no line for them, like line = \"4 MB\"");
    if (!p_.jobs.empty() && p_.jobs.back().at >= p_.lasts) wrong("a job begins after the end");
    for (auto const& c : p_.crashes) {
      if (c.back >= p_.lasts) wrong("a head comes back after the end");
    }
  }

  static constexpr std::uint32_t none = 0xffffffffU;
  plan& p_;
  toml_problems& problems_;
  std::vector<std::string> groups_;
  std::vector<std::uint32_t> within_;
  std::uint64_t works_ = 0;
};

error all_of(toml_problems const& p) { return error{p.text()}; }

result<double> number_of(std::string const& text, double least, double most) {
  double out = 0;
  auto const* end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, out);
  if (read.ec != std::errc{} || read.ptr != end || !(out >= least && out <= most)) {
    return error{fmt::format("\"{}\" is no number from {} to {}", text, least, most)};
  }
  return out;
}

}  // namespace

result<plan> read_plan(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{"cannot read " + path};
  std::ostringstream text;
  text << in.rdbuf();
  plan out;
  out.file = path;
  auto const slash = path.rfind('/');
  out.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  out.name = out.name.substr(0, out.name.rfind('.'));
  toml_problems problems{path, {}};
  auto const root = net::read_toml(text.str(), file_bytes_max, problems);
  if (!problems.lines.empty()) return all_of(problems);
  reader{out, problems}.read(root);
  if (!problems.lines.empty()) return all_of(problems);
  return out;
}

result<disturbance> read_disturbance(std::string const& text, plan const& of) {
  disturbance d;
  auto const equals = text.find('=');
  auto const what = text.substr(0, equals);
  auto const value = equals == std::string::npos ? "" : text.substr(equals + 1);
  auto const say = [&](std::string const& why) {
    return error{"--disturb " + text + ": " + why};
  };
  if (what == "loss" || what == "cpu") {
    auto const n = what == "loss" ? number_of(value, 0, 0.5) : number_of(value, 0.1, 10);
    if (!n) return say(n.why());
    (what == "loss" ? d.loss : d.cpu) = n.value();
  } else if (what == "drop" && !value.empty()) {
    d.drop = value;
  } else if (what == "links" && value.find(':') != std::string::npos) {
    d.link = value.substr(0, value.find(':'));
    auto const n = number_of(value.substr(value.find(':') + 1), 1, 10);
    if (!n) return say(n.why());
    d.link_factor = n.value();
    auto const known = names(of.classes, [](link_class const& c) { return c.name; });
    if (std::find(known.begin(), known.end(), d.link) == known.end()) {
      return say("no such link; allowed: " + net::joined(known));
    }
  } else {
    return say("allowed: links=CLASS:FACTOR, loss=SHARE, cpu=FACTOR, drop=MESSAGE");
  }
  return d;
}

link_settings link_between(plan const& p, disturbance const& d, std::uint32_t from,
                           std::uint32_t to) {
  auto const& c = p.classes[p.class_between(from, to)];
  auto out = c.link;
  auto const slower = [&](duration x) {
    return duration{
        static_cast<std::int64_t>(static_cast<double>(x.count()) * d.link_factor + 0.5)};
  };
  if (c.name == d.link) {
    out.latency = slower(out.latency);
    out.jitter = slower(out.jitter);
  }
  if (d.loss > 0.0) {
    auto const mine = static_cast<double>(out.loss.part) / static_cast<double>(out.loss.whole);
    out.loss = {static_cast<std::uint32_t>((mine + d.loss) * 1'000'000.0), 1'000'000};
  }
  return out;
}

std::vector<std::uint32_t> contacts_of(plan const& p, std::uint32_t who, bool speaks_at_once) {
  constexpr std::uint32_t most = 16;
  auto const among = speaks_at_once ? who : p.hydras;  // of these, but oneself
  std::set<std::uint32_t> chosen;
  if (p.hydras <= most + 1) {
    for (std::uint32_t i = 0; i < among; ++i) chosen.insert(i);
    chosen.erase(who);
    return {chosen.begin(), chosen.end()};
  }
  std::uint32_t count = 0;
  hydra::stream chance{stream_base(p.seed, purpose::placement, who), count};
  while (chosen.size() < (speaks_at_once ? std::min<std::uint32_t>(8, who) : most)) {
    auto const i = static_cast<std::uint32_t>(chance.below(among));
    if (i != who) chosen.insert(i);
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<std::uint32_t> friends_of(plan const& p, std::uint32_t who) {
  std::set<std::uint32_t> out;
  for (std::uint32_t step : {1U, 2U}) {
    out.insert((who + step) % p.hydras);
    out.insert((who + p.hydras - step) % p.hydras);
  }
  out.erase(who);
  return {out.begin(), out.end()};
}

}  // namespace hydra::validation
