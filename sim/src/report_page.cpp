// The object that the page is given, and the page.
#include "report_facts.hpp"

#include <hydra/sim/data_path.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>

namespace hydra::sim {
namespace {

using std::string;
using std::string_view;

// What the page was tried with: CONTRACT.md.
constexpr std::size_t hydras_max = 20'000;
constexpr std::size_t down_max = 5'000;
constexpr std::size_t places_max = 160;
constexpr std::size_t flows_max = 12'000;
constexpr std::size_t strongest_max = 140;
constexpr std::size_t crossing_max = 20;
constexpr std::size_t jobs_max = 40;
constexpr std::size_t faults_shown_max = 32;
constexpr std::size_t hops_shown_max = 32;

// ---- JSON, as text ----------------------------------------------------------------------------

// Nothing of a scenario may end the block of the page that it stands in.
string harmless(string_view text) {
  string out;
  out.reserve(text.size());
  for (char c : text) out += c == '<' ? string{"\\u003c"} : string{c};
  return out;
}
string json_of(string_view text) {
  nlohmann::json const j = string{text};
  return harmless(j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}
string json_of(std::int64_t n) { return std::to_string(n); }

// "name":[...]
template <class F>
string column(string_view name, std::size_t n, F&& at) {
  string out = fmt::format("\"{}\":[", name);
  for (std::size_t i = 0; i < n; ++i) {
    if (i != 0) out += ',';
    out += json_of(at(i));
  }
  return out + ']';
}
string member(string_view name, string const& json) { return fmt::format("\"{}\":{}", name, json); }
string joined(std::vector<string> const& all, char open, char close) {
  string out{open};
  for (std::size_t i = 0; i < all.size(); ++i) out += (i == 0 ? "" : ",") + all[i];
  return out + close;
}
string object(std::vector<string> const& members) { return joined(members, '{', '}'); }
string list(std::vector<string> const& members) { return joined(members, '[', ']'); }

std::int64_t milli(double degrees) { return std::llround(degrees * 1000); }

// ---- Hydras -----------------------------------------------------------------------------------

// Which Hydras have a row, and where: all of a small world; of a large one those that the trees
// name and others evenly.
class shown {
 public:
  shown(std::uint32_t peers, std::vector<job_tree> const& trees) : row_(peers, -1) {
    std::vector<bool> in(peers, peers <= hydras_max);
    if (peers > hydras_max) {
      std::size_t n = 0;
      auto const add = [&](std::uint32_t who) {
        if (!in[who] && n < hydras_max) ++n, in[who] = true;
      };
      for (auto const& t : trees) {
        for (auto const& each : t.nodes) add(each.hydra);
      }
      auto const step = peers / (hydras_max - n) + 1;
      for (std::size_t i = 0; i < peers; i += step) add(static_cast<std::uint32_t>(i));
    }
    for (std::uint32_t i = 0; i < peers; ++i) {
      if (!in[i]) continue;
      row_[i] = static_cast<std::int32_t>(who_.size());
      who_.push_back(i);
    }
  }
  [[nodiscard]] std::vector<std::uint32_t> const& all() const noexcept { return who_; }
  [[nodiscard]] std::int64_t row(std::uint32_t who) const noexcept { return row_[who]; }

 private:
  std::vector<std::int32_t> row_;
  std::vector<std::uint32_t> who_;
};

string hydras_json(report_facts const& f, shown const& some, std::vector<string>& cities) {
  auto const& who = some.all();
  std::map<string, std::size_t, std::less<>> number;
  std::vector<std::int64_t> city;
  for (auto i : who) {
    auto const name = f.where().city_of(i);
    auto it = number.find(name);
    if (it == number.end()) {
      it = number.emplace(string{name}, cities.size()).first;
      cities.emplace_back(name);
    }
    city.push_back(static_cast<std::int64_t>(it->second));
  }
  auto const at = [&](std::size_t i) { return degrees_of(f.where().place_of(who[i]).at); };
  auto const of = [&](std::size_t i) -> hydra_facts const& { return f.hydras()[who[i]]; };
  auto const n = who.size();
  return object({column("lon", n, [&](auto i) { return milli(at(i).lon); }),
                 column("lat", n, [&](auto i) { return milli(at(i).lat); }),
                 column("class", n, [&](auto i) { return std::int64_t{of(i).kind}; }),
                 column("region", n, [&](auto i) { return std::int64_t{f.region_of(who[i])}; }),
                 column("city", n, [&](auto i) { return city[i]; }),
                 column("busy", n, [&](auto i) { return std::int64_t{of(i).busy}; }),
                 column("ran", n, [&](auto i) { return std::int64_t{of(i).ran}; }),
                 column("asked", n, [&](auto i) { return std::int64_t{of(i).asked}; })});
}

// Where there are too many, those that lasted longest.
string down_json(report_facts const& f, shown const& some) {
  std::vector<absence> all;
  for (auto const& a : f.absences()) {
    if (some.row(a.who) >= 0) all.push_back(a);
  }
  if (all.size() > down_max) {
    std::sort(all.begin(), all.end(), [](absence const& a, absence const& b) {
      return std::tuple{b.to - b.from, a.who, a.from} < std::tuple{a.to - a.from, b.who, b.from};
    });
    all.resize(down_max);
    std::sort(all.begin(), all.end(), [](absence const& a, absence const& b) {
      return std::tie(a.who, a.from) < std::tie(b.who, b.from);
    });
  }
  return object({column("hydra", all.size(), [&](auto i) { return some.row(all[i].who); }),
                 column("from_ms", all.size(), [&](auto i) { return ms_of(all[i].from); }),
                 column("to_ms", all.size(), [&](auto i) { return ms_of(all[i].to); })});
}

// ---- places and flows -------------------------------------------------------------------------

// Large cities, some way from each other, and which of them each Hydra belongs to.
struct place_map {
  std::vector<std::uint32_t> of;     // place of each Hydra
  std::vector<std::uint32_t> heart;  // a Hydra that lives in it
};

place_map places_of(planet const& where) {
  std::vector<std::pair<place const*, std::uint32_t>> cities;  // with one who lives there
  for (std::uint32_t i = 0; i < where.peers(); ++i) cities.push_back({&where.place_of(i), i});
  std::sort(cities.begin(), cities.end());
  cities.erase(std::unique(cities.begin(), cities.end(),
                           [](auto const& a, auto const& b) { return a.first == b.first; }),
               cities.end());
  auto largest = cities;
  std::stable_sort(largest.begin(), largest.end(), [](auto const& a, auto const& b) {
    return a.first->population > b.first->population;
  });
  std::vector<std::pair<place const*, std::uint32_t>> hearts;
  for (double apart = 150;; apart *= 1.2) {
    hearts.clear();
    for (auto const& c : largest) {
      bool const own = std::all_of(hearts.begin(), hearts.end(), [&](auto const& h) {
        return h.first->region != c.first->region ||
               great_circle_km(h.first->at, c.first->at) > apart;
      });
      if (own) hearts.push_back(c);
      if (hearts.size() > places_max) break;
    }
    if (hearts.size() <= places_max) break;
  }
  std::map<place const*, std::uint32_t> nearest;
  for (auto const& c : cities) {
    double least = 1e9;
    for (std::uint32_t h = 0; h < hearts.size(); ++h) {
      if (hearts[h].first->region != c.first->region) continue;
      auto const far = great_circle_km(hearts[h].first->at, c.first->at);
      if (far >= least) continue;
      least = far;
      nearest[c.first] = h;
    }
  }
  place_map out;
  for (std::uint32_t i = 0; i < where.peers(); ++i) out.of.push_back(nearest[&where.place_of(i)]);
  for (auto const& h : hearts) out.heart.push_back(h.second);
  return out;
}

string places_json(report_facts const& f, place_map const& map) {
  auto const& h = map.heart;
  auto const at = [&](std::size_t i) { return degrees_of(f.where().place_of(h[i]).at); };
  return object({column("name", h.size(), [&](auto i) { return f.where().city_of(h[i]); }),
                 column("lon", h.size(), [&](auto i) { return milli(at(i).lon); }),
                 column("lat", h.size(), [&](auto i) { return milli(at(i).lat); }),
                 column("region", h.size(),
                        [&](auto i) { return std::int64_t{f.region_of(h[i])}; })});
}

struct flow {
  std::uint32_t from = 0, to = 0;
  std::int64_t jobs = 0;
};

// The strongest, and some of those that go over the border of a region that is cut off.
std::vector<flow> kept_of(report_facts const& f, place_map const& map,
                          std::vector<std::uint64_t>& ends, std::size_t most) {
  std::sort(ends.begin(), ends.end());
  std::vector<flow> all;
  for (auto e : ends) {
    auto const from = static_cast<std::uint32_t>(e >> 32U);
    auto const to = static_cast<std::uint32_t>(e);
    if (all.empty() || all.back().from != from || all.back().to != to) all.push_back({from, to, 0});
    ++all.back().jobs;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](flow const& a, flow const& b) { return a.jobs > b.jobs; });
  auto const crosses = [&](flow const& x) {
    auto const from = f.region_of(map.heart[x.from]);
    auto const to = f.region_of(map.heart[x.to]);
    return std::any_of(f.cuts().begin(), f.cuts().end(), [&](cut const& c) {
      return report_facts::inside(c, from) != report_facts::inside(c, to);
    });
  };
  std::vector<flow> out;
  std::size_t over = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= most && (over == crossing_max || !crosses(all[i]) || ++over > crossing_max)) continue;
    out.push_back(all[i]);
  }
  return out;
}

string flows_json(report_facts const& f, place_map const& map) {
  constexpr std::int64_t steps_max = 90;
  auto const bucket = round_step(duration{f.end()}, steps_max).count();
  auto const n = static_cast<std::size_t>((f.end() + bucket - 1) / bucket);
  std::vector<std::vector<std::uint64_t>> ends(n);
  for (auto const& r : f.all().rows) {
    if (r.what != job_row::kind::placed) continue;
    auto const b = std::min(n - 1, static_cast<std::size_t>(r.at / bucket));
    ends[b].push_back(std::uint64_t{map.of[r.by]} << 32U | map.of[r.who]);
  }
  auto const most = std::min(strongest_max, flows_max / std::max<std::size_t>(1, n) - crossing_max);
  std::vector<std::pair<std::int64_t, flow>> rows;
  for (std::size_t b = 0; b < n; ++b) {
    for (auto const& x : kept_of(f, map, ends[b], most)) {
      rows.push_back({static_cast<std::int64_t>(b), x});
    }
  }
  auto const m = rows.size();
  return object(
      {member("bucket_ms", json_of(ms_of(bucket))),
       column("bucket", m, [&](auto i) { return rows[i].first; }),
       column("from", m, [&](auto i) { return std::int64_t{rows[i].second.from}; }),
       column("to", m, [&](auto i) { return std::int64_t{rows[i].second.to}; }),
       column("jobs", m, [&](auto i) { return rows[i].second.jobs; }),
       column("all_jobs", n, [&](auto i) { return static_cast<std::int64_t>(ends[i].size()); })});
}

// ---- numbers over time and distributions ------------------------------------------------------

string series_json(report_facts const& f) {
  auto const t = timeline_of(f);
  auto const of = [](char const* name, std::vector<std::int64_t> const& all) {
    return column(name, all.size(), [&](auto i) { return all[i]; });
  };
  std::vector<string> all{
      member("bucket_ms", json_of(ms_of(t.bucket))), of("submitted", t.submitted),
      of("completed", t.completed), of("failed", t.failed), of("replaced", t.replaced),
      of("messages", t.messages), of("crashed", t.crashed), of("restarted", t.restarted),
      of("in_flight", t.in_flight), of("up", t.up)};
  bool const moves = f.plan().workload.input_mb + f.plan().workload.output_mb != 0;
  if (moves) all.push_back(of("kb", t.kb));
  return object(all);
}

string response_json(report_facts const& f) {
  std::int64_t longest = 1;
  for (auto const& e : f.seen().ended_) longest = std::max(longest, ms_of(e.how.response.count()));
  std::vector<std::int64_t> edges{0};
  for (double at = 250; edges.back() <= longest; at *= 1.19) edges.push_back(std::llround(at));
  std::vector<std::int64_t> counts(edges.size() - 1);
  for (auto const& e : f.seen().ended_) {
    if (e.how.how != hydra::ending::completed) continue;
    auto const it = std::upper_bound(edges.begin(), edges.end(), ms_of(e.how.response.count()));
    ++counts[static_cast<std::size_t>(it - edges.begin()) - 1];
  }
  return object({column("edges_ms", edges.size(), [&](auto i) { return edges[i]; }),
                 column("counts", counts.size(), [&](auto i) { return counts[i]; })});
}

// As the summary counts them: of completed jobs that somebody else ran.
string hops_json(report_facts const& f) {
  std::vector<std::int64_t> counts;
  for (auto const& e : f.seen().ended_) {
    bool const counted = e.how.how == hydra::ending::completed && e.how.by.index() != e.owner;
    if (!counted) continue;
    auto const hops = std::min<std::size_t>(e.how.hops, hops_shown_max - 1);
    if (counts.size() <= hops) counts.resize(hops + 1);
    ++counts[hops];
  }
  std::vector<string> all;
  for (auto c : counts) all.push_back(json_of(c));
  return list(all);
}

string trust_json(report_facts const& f) {
  auto const& all = f.all().trust;
  bool const liars = f.classes().back().id == "liar";
  auto const group = [&](trust_sample::spread_of_scores trust_sample::* who) {
    auto const of = [&](char const* name, std::uint16_t trust_sample::spread_of_scores::* q) {
      return column(name, all.size(), [&](auto i) { return std::int64_t{all[i].*who.*q}; });
    };
    using s = trust_sample::spread_of_scores;
    return object({of("p10", &s::p10), of("p50", &s::p50), of("p90", &s::p90)});
  };
  std::vector<string> out{column("at_ms", all.size(), [&](auto i) { return ms_of(all[i].at); }),
                          member("honest", group(&trust_sample::honest))};
  if (liars) out.push_back(member("liars", group(&trust_sample::liars)));
  return object(out);
}

// ---- faults -----------------------------------------------------------------------------------

string percent_of(ratio r) {
  return fmt::format("{:.3g} %", 100.0 * r.part / std::max(1U, r.whole));
}
string words_of(whereabouts const& w) {
  switch (w.of) {
    case whereabouts::which::any: return "all";
    case whereabouts::which::elsewhere: return "all others";
    case whereabouts::which::providers: return "the servers";
    case whereabouts::which::peers:
      return w.first == w.last ? fmt::format("Hydra {}", w.first)
                               : fmt::format("Hydras {} to {}", w.first, w.last);
    case whereabouts::which::regions: break;
  }
  string out;
  for (std::size_t r = 0; r < world_regions.size(); ++r) {
    if (w.has_region(r)) out += (out.empty() ? "" : ", ") + region_word(r);
  }
  return out;
}

string note_of(fault_settings const& x) {
  auto const share = percent_of(x.chance);
  bool const everywhere =
      x.from.of == whereabouts::which::any && x.to.of == whereabouts::which::any;
  auto const way =
      everywhere    ? string{"everywhere"}
      : x.symmetric ? fmt::format("between {} and {}", words_of(x.from), words_of(x.to))
                    : fmt::format("from {} to {}", words_of(x.from), words_of(x.to));
  auto const who = x.from.of == whereabouts::which::any ? string{"the Hydras"} : words_of(x.from);
  switch (x.kind) {
    case fault_kind::loss: return fmt::format("{} of the messages are lost {}", share, way);
    case fault_kind::duplicate:
      return fmt::format("{} of the messages arrive twice {}", share, way);
    case fault_kind::delay:
      return fmt::format("{} of the messages are {} late {}", share, duration_text(x.by), way);
    case fault_kind::partition: return fmt::format("no message passes {}", way);
    case fault_kind::crash:
      return fmt::format("{} of {} crash, {}", share, who,
                         x.away > duration{} ? "back after " + duration_text(x.away)
                                             : string{"for good"});
    case fault_kind::restart: return fmt::format("{} of {} come back", share, who);
    case fault_kind::slow: return fmt::format("{} of {} are slow", share, who);
    case fault_kind::skew:
      return fmt::format("clocks of {} of {} are {} {}", share, who, duration_text(x.by),
                         x.behind ? "behind" : "ahead");
    case fault_kind::lie:
      return fmt::format("{} of {} give wrong results{}", share, who,
                         x.on > duration{} ? fmt::format(", for {}, then not for {}",
                                                         duration_text(x.on), duration_text(x.off))
                                           : string{});
  }
  return {};
}

string faults_json(report_facts const& f) {
  static constexpr std::array<string_view, 9> kinds{"loss",    "duplicate", "delay",
                                                    "cut",     "crash",     "restart",
                                                    "slow",    "skew",      "lie"};
  std::vector<string> all;
  for (auto const& x : f.plan().faults) {
    if (all.size() == faults_shown_max || x.at.count() >= f.end()) continue;
    bool const regional = x.from.of == whereabouts::which::regions;
    bool const border = x.kind == fault_kind::partition && regional &&
                        x.to.of == whereabouts::which::elsewhere;
    auto const kind = border ? string_view{"partition"} : kinds[static_cast<std::size_t>(x.kind)];
    auto const end = x.at.count() + std::min(x.lasts.count(), f.end() - x.at.count());
    std::vector<string> one{member("kind", json_of(kind)),
                            member("name", json_of(x.name.empty() ? kind : string_view{x.name})),
                            member("start_ms", json_of(ms_of(x.at.count()))),
                            member("end_ms", json_of(ms_of(end))),
                            member("note", json_of(note_of(x)))};
    std::vector<string> regions;
    for (std::size_t r = 0; r < world_regions.size() && regional; ++r) {
      if (x.from.has_region(r)) regions.push_back(std::to_string(r));
    }
    if (regional) one.push_back(member("regions", list(regions)));
    all.push_back(object(one));
  }
  return list(all);
}

// ---- jobs -------------------------------------------------------------------------------------

string tree_json(scenario const& s, shown const& some, job_tree const& t) {
  std::vector<std::uint32_t> kinds;
  for (auto const& n : t.nodes) {
    if (std::find(kinds.begin(), kinds.end(), n.service) == kinds.end()) {
      kinds.push_back(n.service);
    }
  }
  auto const name = [&](std::uint32_t kind) { return service_word(s, kind); };
  auto const n = t.nodes.size();
  auto const of = [&](char const* what, auto&& get) {
    return column(what, n, [&](std::size_t i) -> std::int64_t { return get(t.nodes[i]); });
  };
  auto const kind_of = [&](tree_node const& x) {
    return std::find(kinds.begin(), kinds.end(), x.service) - kinds.begin();
  };
  return object(
      {member("id", json_of(fmt::format("{}/{}", t.owner, t.number))),
       member("service", json_of(name(t.nodes[0].service))),
       column("services", kinds.size(), [&](auto i) { return name(kinds[i]); }),
       of("parent", [](tree_node const& x) { return x.parent; }),
       of("hydra", [&](tree_node const& x) { return some.row(x.hydra); }),
       of("role", [](tree_node const& x) { return x.part; }), of("service_of", kind_of),
       of("start_ms", [](tree_node const& x) { return ms_of(x.start); }),
       of("end_ms", [](tree_node const& x) { return x.end < 0 ? -1 : ms_of(x.end); }),
       of("state", [](tree_node const& x) { return x.how; }),
       of("verified", [](tree_node const& x) { return x.verified; }),
       of("replaces", [](tree_node const& x) { return x.replaces; })});
}

// ---- settings ---------------------------------------------------------------------------------

// What the scenario says besides the defaults, but for what the page shows elsewhere.
string settings_json(scenario const& s) {
  auto const lines = [](string const& text) {
    std::vector<std::pair<string, string>> out;
    string section;
    for (std::size_t at = 0; at < text.size();) {
      auto const end = std::min(text.find('\n', at), text.size());
      auto const line = text.substr(at, end - at);
      at = end + 1;
      if (line.starts_with('[')) section = line.substr(line.rfind('[') + 1);
      if (line.starts_with('[')) section = section.substr(0, section.find(']')) + ".";
      auto const equals = line.find(" = ");
      if (line.starts_with('[') || equals == string::npos) continue;
      auto value = line.substr(equals + 3);
      if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
      out.push_back({section + line.substr(0, equals), value});
    }
    return out;
  };
  scenario const plain;
  auto const defaults = lines(settings_text(plain));
  std::vector<string> out;
  for (auto const& one : lines(settings_text(s))) {
    auto const& key = one.first;
    bool const elsewhere = key == "name" || key == "purpose" || key == "seed" ||
                           key.starts_with("fault.") || key.starts_with("expect.");
    if (elsewhere || std::find(defaults.begin(), defaults.end(), one) != defaults.end()) continue;
    out.push_back(list({json_of(key), json_of(one.second)}));
  }
  return list(out);
}

string words_json(std::vector<hydra_class> const& all) {
  std::vector<string> out;
  for (auto const& c : all) {
    out.push_back(object({member("id", json_of(c.id)), member("label", json_of(c.label)),
                          member("what", json_of(c.what))}));
  }
  return list(out);
}

string files_json(std::vector<report_file> const& all) {
  std::vector<string> out;
  for (auto const& file : all) {
    out.push_back(object({member("name", json_of(file.name)), member("what", json_of(file.what)),
                          member("bytes", std::to_string(file.text.size()))}));
  }
  return list(out);
}

template <class All>
string strings_json(All const& all) {
  std::vector<string> out;
  for (auto const& one : all) out.push_back(json_of(string_view{one}));
  return list(out);
}

// Beside the data where it is installed; in the source tree where it is built.
string template_path() {
  constexpr string_view name = "report_template.html";
  try {
    return data_path("../report/dist/" + string{name});
  } catch (data_error const&) {
    return data_path(name);
  }
}

}  // namespace

std::string report_data(recording const& from, run_result const& r, report_frame const& frame,
                        std::vector<report_file> const& beside) {
  report_facts const f{from};
  auto const& s = f.plan();
  std::vector<job_tree> trees;
  for (auto i : f.worth_a_look(jobs_max)) trees.push_back(f.tree_of(f.seen().asked_[i]));
  shown const some{f.where().peers(), trees};
  auto const map = places_of(f.where());
  std::vector<string> cities, regions, jobs;
  auto const hydras = hydras_json(f, some, cities);
  for (std::size_t i = 0; i < world_regions.size(); ++i) regions.push_back(region_word(i));
  for (auto const& t : trees) jobs.push_back(tree_json(s, some, t));
  std::vector<string> all{
      member("format", json_of(string_view{"hydra-report-1"})),
      member("title", json_of(string_view{s.name})),
      member("purpose", json_of(string_view{s.purpose})),
      member("duration_ms", json_of(ms_of(f.end()))),
      member("summary", harmless(result_json(r, frame.timings, 2))),
      member("regions", strings_json(regions)),
      member("classes", words_json(f.classes())),
      member("cities", strings_json(cities)),
      member("hydras", hydras),
      member("down", down_json(f, some)),
      member("places", places_json(f, map)),
      member("flows", flows_json(f, map)),
      member("series", series_json(f)),
      member("response", response_json(f)),
      member("hops", hops_json(f)),
      member("faults", faults_json(f)),
      member("jobs", list(jobs)),
      member("settings", settings_json(s)),
      member("versions", list({list({json_of(string_view{"program"}), json_of(frame.version)})})),
      member("files", files_json(beside))};
  if (!from.trust.empty()) all.insert(all.end() - 4, member("trust", trust_json(f)));
  string out = "{";
  for (std::size_t i = 0; i < all.size(); ++i) out += (i == 0 ? "\n" : ",\n") + all[i];
  return out + "\n}";
}

std::string report_page(std::string_view data) {
  constexpr string_view marker = "<!--HYDRA_DATA-->";
  auto const path = template_path();
  std::ifstream in{path, std::ios::binary};
  string page{std::istreambuf_iterator<char>{in}, {}};
  auto const at = page.find(marker);
  if (!in || at == string::npos) {
    throw data_error{path + ": is no template of a report: it has no line " + string{marker}};
  }
  string block = "<script type=\"application/json\" id=\"hydra-data\">";
  block += data;
  block += "</script>";
  return page.replace(at, marker.size(), block);
}

}  // namespace hydra::sim
