#include "scenario_lint.hpp"

#include "scenario_fields.hpp"

#include <hydra/sim/data_path.hpp>
#include <hydra/sim/positions.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>

namespace hydra::sim {
namespace {

using detail::given_places;

double value_of(ratio r) { return static_cast<double>(r.part) / static_cast<double>(r.whole); }

bool less(ratio a, ratio b) {
  return std::uint64_t{a.part} * b.whole < std::uint64_t{b.part} * a.whole;
}

// Collects what is found, each at the place where the setting was given.
class linter {
 public:
  linter(scenario const& s, given_places const& given, std::vector<problem>& errors,
         std::vector<problem>& warnings)
      : s_{s}, given_{given}, errors_{errors}, warnings_{warnings} {}

  void run() {
    top();
    world();
    nat();
    services();
    workload();
    conditions();
    demands();
    churn();
    routing();
    policy();
    compare();
    expect();
    for (std::size_t i = 0; i < s_.compositions.size(); ++i)
      composed(s_.compositions[i], "composition." + std::to_string(i + 1));
    groups();
    for (std::size_t i = 0; i < s_.faults.size(); ++i)
      faults(s_.faults[i], "fault." + std::to_string(i + 1));
  }

 private:
  template <class... A>
  void error(std::string const& path, std::string_view how, A const&... what) {
    add(errors_, path, fmt::format(fmt::runtime(how), what...));
  }
  template <class... A>
  void warn(std::string const& path, std::string_view how, A const&... what) {
    add(warnings_, path, fmt::format(fmt::runtime(how), what...));
  }
  void add(std::vector<problem>& to, std::string const& path, std::string text) const {
    to.push_back(given_.of(path));
    to.back().text = std::move(text);
  }

  void top() {
    if (s_.purpose.empty())
      error("purpose", "purpose is missing; say in one sentence what the scenario shows");
    auto const control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::any_of(s_.purpose.begin(), s_.purpose.end(), control))
      error("purpose", "purpose {} has control characters; allowed: one line of text",
            detail::quote(s_.purpose));
    if (!detail::good_name(s_.name))
      error("name", "{} is not a name; allowed: lower case letters, digits, - and _, at most 64",
            detail::quote(s_.name));
  }

  void world() {
    auto const& w = s_.world;
    std::uint64_t sum = 0;  // percent
    for (auto r : {w.datacentre, w.fibre, w.cable, w.mobile}) {
      if (std::uint64_t{r.part} * 100 % r.whole != 0)
        return error("world", "a share of access is {}/{}; allowed: whole percents", r.part,
                     r.whole);
      sum += std::uint64_t{r.part} * 100 / r.whole;
    }
    if (sum != 100)
      error("world", "datacentre, fibre, cable and mobile sum to {} %; allowed: 100 %", sum);
    bool const matrix = w.latency == latency_from::matrix;
    if (matrix && w.matrix.empty())
      error("world.latency", "latency = \"matrix\" needs world.matrix, the name of a file");
    std::error_code none;
    if (matrix && !w.matrix.empty() && !std::filesystem::is_regular_file(w.matrix, none))
      error("world.matrix", "{} is not there, or not a regular file; the name is taken from the "
            "working directory", detail::quote(w.matrix));
    if (!matrix && !w.matrix.empty())
      error("world.matrix", "world.matrix is not read unless world.latency = \"matrix\"");
    if (w.latency_spread >= w.latency_value)
      error("world.latency_spread", "latency_spread {} is not allowed; allowed: less than "
            "latency_value {}", duration_text(w.latency_spread), duration_text(w.latency_value));
  }

  void nat() {
    auto const& w = s_.world;
    if (!detail::any_calls_out_only(s_)) {
      if (given_.has("world.nat_hold"))
        warn("world.nat_hold", "nat_hold is not read: nobody calls out only");
      return;
    }
    auto const progress = s_.scheduling.lease / 3;
    if (w.nat_hold <= progress)
      warn("world.nat_hold", "nat_hold {} is not above the period of progress, {:.3g} s: what a "
           "server says between may not reach who asked", duration_text(w.nat_hold),
           seconds(progress));
  }

  void services() {
    auto const& v = s_.services;
    if (v.providers > s_.hydras)
      error("services.providers", "{} providers are more than {} hydras", v.providers, s_.hydras);
    if (v.kinds_per_provider > v.count)
      error("services.kinds_per_provider", "{} kinds per provider are more than services.count {}",
            v.kinds_per_provider, v.count);
    if (less(v.speed_most, v.speed_least))
      error("services.speed_most", "speed_most is below speed_least");
    if (std::uint64_t{v.providers} * v.kinds_per_provider < v.count)
      warn("services.count", "{} kinds but only {} places to serve them: some are served by nobody",
           v.count, std::uint64_t{v.providers} * v.kinds_per_provider);
  }

  void workload() {
    auto const& w = s_.workload;
    if (given_.has("workload.jobs") && given_.has("workload.rate"))
      error("workload.rate", "workload.rate and workload.jobs are both given; allowed: one");
    trace();
    bool const held = std::any_of(s_.groups.begin(), s_.groups.end(),
                                  [&](group_settings const& g) { return g.name == w.holder; });
    if (w.holder.empty() && w.input_mb != 0)
      error("workload.input_mb", "input_mb needs workload.holder, the group that holds the input");
    else if (!held && !w.holder.empty())
      error("workload.holder", "no group {}{}", detail::quote(w.holder), group_names());
    if (expected_jobs(s_) > 100'000'000)
      error("workload.rate", "the rate makes {} jobs in the whole run; allowed: at most 100000000",
            expected_jobs(s_));
    if (arrival_span(s_) == duration{})
      error("workload.stop_before_end", "no time is left for arrivals: start {} + stop_before_end "
            "{} is not below duration {}", duration_text(w.start),
            duration_text(w.stop_before_end), duration_text(s_.duration));
    if (w.law == arrival_law::swf) return;
    if (w.service_time > w.service_time_most)
      error("workload.service_time_most", "service_time_most is below service_time");
    auto const load = expected_load(s_);
    if (load > 0.95)
      warn("workload", "the servers' expected load is {:.2f}: they cannot keep up", load);
    if (w.patience < w.service_time)
      warn("workload.patience", "patience {} is below the mean service time {}",
           duration_text(w.patience), duration_text(w.service_time));
  }

  // Parts are kinds of their own, and what is divided is no part of itself, however deep.
  void composed(composition_settings const& c, std::string const& path) {
    auto const kinds = s_.services.count;
    if (c.whole >= kinds || c.part >= kinds)
      error(path, "whole {} and part {} must be kinds; allowed: 0 to {}", c.whole, c.part,
            kinds - 1);
    auto part = c.part;
    for (std::size_t depth = 0; depth <= s_.compositions.size(); ++depth) {
      if (part == c.whole) return error(path, "kind {} would be a part of itself", c.whole);
      for (auto const& other : s_.compositions)
        if (&other != &c && other.whole == part) { part = other.part; break; }
    }
    for (auto const& other : s_.compositions)
      if (&other != &c && other.whole == c.whole)
        return error(path, "kind {} is divided in two ways; allowed: one", c.whole);
    if (c.join_share.part >= c.join_share.whole)
      error(path + ".join_share", "join_share leaves nothing for the parts");
    if (s_.workload.hops == 1)
      warn(path, "workload.hops is 1: nobody may pass parts on, so nothing is divided");
  }

  void groups() {
    std::uint64_t members = 0;
    for (std::size_t i = 0; i < s_.groups.size(); ++i) {
      auto const& g = s_.groups[i];
      auto const path = "group." + std::to_string(i + 1);
      members += g.count;
      if (!detail::good_name(g.name)) error(path + ".name", "a group needs a name");
      for (std::size_t k = 0; k < i; ++k)
        if (s_.groups[k].name == g.name)
          error(path + ".name", "group {} is there twice", detail::quote(g.name));
      city(g, path + ".city");
      offered(g, path + ".offers");
      bool const known = g.friends.empty() ||
          std::any_of(s_.groups.begin(), s_.groups.end(),
                      [&](group_settings const& o) { return o.name == g.friends; });
      if (!known)
        error(path + ".friends", "no group {}{}", detail::quote(g.friends), group_names());
      alone_behind(g, path + ".calls_out_only");
    }
    if (members > s_.hydras)
      error(fmt::format("group.{}.count", s_.groups.size()),
            "the groups have {} members, more than {} hydras", members, s_.hydras);
  }
  [[nodiscard]] std::string group_names() const {
    std::vector<std::string> all;
    for (auto const& g : s_.groups) all.push_back(detail::quote(g.name));
    return all.empty() ? "" : fmt::format("; allowed: {}", fmt::join(all, ", "));
  }
  // Without the file of places nothing is said here: the run says that it is missing.
  void city(group_settings const& g, std::string const& path) {
    if (g.city.empty()) return error(path, "a group needs a city");
    if (!places_) {
      try {
        places_ = atlas::load();
      } catch (data_error const&) {
        return;
      }
    }
    if (places_->find(g.city, g.country)) return;
    error(path, "there is no city {}{} of 15,000 inhabitants or more", detail::quote(g.city),
          g.country.empty() ? "" : " in " + detail::quote(g.country));
  }
  // Whom nobody can call serves nobody, neither work nor bytes.
  void alone_behind(group_settings const& g, std::string const& path) {
    if (!g.calls_out_only) return;
    if (!g.offers.empty())
      warn(path, "group {} calls out only: what it offers is not published", g.name);
    if (s_.workload.input_mb != 0 && s_.workload.holder == g.name)
      warn(path, "group {} calls out only: nobody can fetch what it holds", g.name);
  }
  void offered(group_settings const& g, std::string const& path) {
    std::uint64_t n = 0;
    bool inside = false;
    for (char const c : g.offers + ",") {
      bool const digit = c >= '0' && c <= '9';
      if (!digit && c != ',' && c != ' ')
        return error(path, "{} is no list of kinds; allowed: numbers, \"0, 3\"",
                     detail::quote(g.offers));
      auto const value = static_cast<std::uint64_t>(c - '0');
      if (digit) n = std::min<std::uint64_t>(n * 10 + value, 1U << 20);
      if (!digit && inside && n >= s_.services.count)
        return error(path, "kind {} is not there; allowed: 0 to {}", n, s_.services.count - 1);
      if (!digit) n = 0;
      inside = digit;
    }
  }

  // Whether the arrivals come from a trace, and what else was said as if they did, or did not.
  void trace() {
    auto const& w = s_.workload;
    bool const swf = w.law == arrival_law::swf;
    for (auto key : detail::workload_unused(w)) {
      auto const path = "workload." + std::string{key};
      bool const meant = key == "priorities" || key == "kinds" || key == "hops" ||
                         key == "spend" || key == "input_mb" || key == "output_mb" ||
                         key == "holder" || (key == "jobs" && !swf);
      if (meant || !given_.has(path)) continue;
      if (swf)
        warn(path, "{} means nothing for law = \"swf\": the trace says it", key);
      else
        error(path, "{} means nothing unless law = \"swf\"", key);
    }
    if (!swf) return;
    if (w.swf.empty())
      error("workload.law", "law = \"swf\" needs workload.swf, the name of a trace");
    else if (find_trace(w.swf).empty())
      error("workload.swf", "{} is not there, or not a regular file; the name is taken from the "
            "working directory, then from the folder that HYDRA_TRACES names",
            detail::quote(w.swf));
  }

  void conditions() {
    auto const& c = s_.conditions;
    auto const ordered = [&](std::uint32_t least, std::uint32_t most, char const* name) {
      if (most < least)
        error(fmt::format("conditions.{}_most", name), "{0}_most {1} is below {0}_least {2}", name,
              most, least);
    };
    ordered(c.memory_mb_least, c.memory_mb_most, "memory_mb");
    ordered(c.price_least, c.price_most, "price");
    ordered(c.minor_least, c.minor_most, "minor");
  }

  // What nobody can meet is a mistake more often than a wish.
  void demands() {
    auto const& d = s_.demands;
    demand_settings plain;
    plain.share = d.share;
    if (d == plain && given_.has("demands.share"))
      warn("demands.share", "demands.share is not read: nothing is demanded");
    if (d.share.part == 0 && d != plain)
      warn("demands.share", "demands.share is 0: no job demands anything");
    bool const places = d.regions.of == whereabouts::which::any ||
                        d.regions.of == whereabouts::which::regions;
    if (!places)
      error("demands.regions", "a job's demands name regions; allowed: any, or with commas: {}",
            fmt::join(world_regions, ", "));
    if (d.own_region && given_.has("demands.regions"))
      error("demands.own_region", "own_region and regions are both given; allowed: one");
    if (d.minor_max < d.minor_min)
      error("demands.minor_max", "minor_max {} is below minor_min {}", d.minor_max, d.minor_min);
    bool const placed = s_.policy.proximity == proximity_name::geographic ||
                        s_.policy.proximity == proximity_name::blend;
    if (d.within_km != 0 && !placed)
      warn("demands.within_km", "within_km is met by nobody: with this policy.proximity nobody "
           "says where it is");
    auto const& c = s_.conditions;
    met_by_some("memory_mb", d.memory_mb, c.memory_mb_most,
                [](auto const& g) { return g.memory_mb; });
    met_by_some("minor_min", d.minor_min, c.minor_most, [](auto const& g) { return g.minor; });
    bool const cheap = d.price_max >= c.price_least ||
                       std::any_of(s_.groups.begin(), s_.groups.end(), [&](auto const& g) {
                         return !g.offers.empty() && g.price <= d.price_max;
                       });
    if (!cheap)
      warn("demands.price_max", "price_max {} is below what anybody asks, {} at least",
           d.price_max, c.price_least);
  }
  template <class Of>
  void met_by_some(char const* key, std::uint32_t wanted, std::uint32_t most, Of of) {
    for (auto const& g : s_.groups)
      if (!g.offers.empty()) most = std::max<std::uint32_t>(most, of(g));
    if (wanted > most)
      warn(fmt::format("demands.{}", key), "{} {} is demanded, and nobody has more than {}", key,
           wanted, most);
  }

  void churn() {
    auto const& c = s_.churn;
    bool const said = given_.has("churn");
    if (said && c.share.part == 0)
      warn("churn", "churn.share is 0: nobody comes or goes");
  }

  void routing() {
    auto const& r = s_.routing;
    if (republishes() && r.republish >= r.expire)
      error("routing.republish", "republish {} is not allowed; allowed: less than expire {}",
            duration_text(r.republish), duration_text(r.expire));
  }

  [[nodiscard]] bool routes_by(std::initializer_list<routing_name> any) const {
    return std::find(any.begin(), any.end(), s_.policy.routing) != any.end();
  }
  // Records lie with others, by key: alone, or beside a ring.
  [[nodiscard]] bool republishes() const {
    using enum routing_name;
    return !routes_by({capability, indices, flood, walk, full_mesh});
  }

  // What is given, and not read by the policy that was chosen.
  void policy() {
    auto const& p = s_.policy;
    if (p.trust == trust_name::open && given_.has("trust.floor"))
      warn("trust.floor", "trust.floor is not read: policy.trust = \"open\" admits everybody");
    if (p.trust != trust_name::rings && given_.has("trust.strangers"))
      warn("trust.strangers", "trust.strangers is read by policy.trust = \"rings\" only");
    if (p.verify == verify_name::none && given_.has("verify.on") && s_.verify.on)
      warn("verify.on", "verify.on is not read: policy.verify = \"none\" checks nothing");
    if (p.routing == routing_name::full_mesh && s_.hydras > 65)
      warn("policy.routing", "full_mesh asks at most 64 heads that it knows; there are {}",
           s_.hydras);
    using enum routing_name;
    if (routes_by({capability, indices, full_mesh}) && s_.routing.tables == tables_from::direct)
      error("routing.tables", "{} has no tables that could be made directly: nobody would know "
            "anybody; allowed: \"joined\"", detail::name_of(p.routing));
    if (!routes_by({kademlia, ring_first, ring_and_keys}))
      for (auto const* key : {"alpha", "refresh"})
        if (given_.has("routing." + std::string{key}))
          warn("routing." + std::string{key}, "routing.{} is not read: it is of kademlia, alone or "
               "beside a ring", key);
    if (!republishes() && given_.has("routing.republish"))
      warn("routing.republish", "routing.republish is not read: it is of tables by key");
    if (routes_by({flood, walk}) && given_.has("routing.timeout"))
      warn("routing.timeout", "routing.timeout is not read: {} waits for rings and walkers",
           detail::name_of(p.routing));
  }

  void compare() {
    if (s_.compare.unverified && s_.policy.verify == verify_name::none)
      warn("compare.unverified", "policy.verify is \"none\" already: both runs are the same");
    if (s_.compare.unverified && !s_.verify.on)
      warn("compare.unverified", "verify.on is false already: both runs are the same");
    if (!s_.compare.omniscient) return;
    if (auto const why = beyond_omniscient(s_); !why.empty())
      error("compare.omniscient", "the central scheduler {}; leave it off here", why);
  }

  void expect() {
    auto const jobs = expected_jobs(s_);
    // A Poisson number strays by its root: six of them never happen.
    if (s_.expect.jobs_at_least > jobs)
      warn("expect.jobs_at_least", "{} jobs are demanded but {} are expected to arrive",
           s_.expect.jobs_at_least, jobs);
    if (less(s_.expect.utilisation_at_most, s_.expect.utilisation_at_least))
      error("expect.utilisation_at_most", "utilisation_at_most is below utilisation_at_least");
  }

  void faults(fault_settings const& f, std::string const& path) {
    auto const kind = detail::name_of(f.kind);
    auto const uses = detail::fault_uses(f.kind);
    fault_settings any;
    for (auto key : detail::describe(any).keys())
      if (given_.has(path + "." + std::string{key}) &&
          std::find(uses.begin(), uses.end(), key) == uses.end())
        error(path + "." + std::string{key}, "{} means nothing for kind = \"{}\"; allowed: {}",
              key, kind, detail::joined_words(uses));
    auto const needs = std::string{detail::fault_needs(f.kind)};
    if (!needs.empty() && !given_.has(path + "." + needs))
      error(path, "a fault of kind \"{}\" needs {}", kind, needs);
    if (!given_.has(path + ".kind")) error(path, "a fault needs a kind");
    if (f.from.of == whereabouts::which::elsewhere)
      error(path + ".from", "\"elsewhere\" is not allowed here; it says where messages go: to");
    if (f.kind == fault_kind::lie && f.on == duration{} && f.off != duration{})
      error(path + ".off", "off needs on: how long they lie before they are right");
    for (auto const* at : {&f.from, &f.to})
      if (at->of == whereabouts::which::peers && at->last >= s_.hydras)
        error(path + (at == &f.from ? ".from" : ".to"), "peer {} is not allowed; allowed: 0 to {}",
              at->last, s_.hydras - 1);
    if (f.at >= s_.duration)
      warn(path + ".at", "the fault begins at {}, not before the end at {}", duration_text(f.at),
           duration_text(s_.duration));
    else if (given_.has(path + ".for") && f.lasts > s_.duration - f.at)
      warn(path + ".for", "the fault lasts until {} after the end", duration_text(
           f.lasts - (s_.duration - f.at)));
  }

  scenario const& s_;
  given_places const& given_;
  std::vector<problem>& errors_;
  std::vector<problem>& warnings_;
  std::optional<atlas> places_;
};

}  // namespace

duration arrival_span(scenario const& s) noexcept {
  auto const span = s.duration - s.workload.start - s.workload.stop_before_end;
  return std::max(span, duration{});
}

std::uint64_t expected_jobs(scenario const& s) noexcept {
  if (s.workload.law == arrival_law::swf) return s.workload.swf_jobs;
  auto const& r = s.workload.rate;
  if (r.count == 0) return s.workload.jobs;
  auto const jobs = static_cast<double>(r.count) * seconds(arrival_span(s)) / seconds(r.per);
  return static_cast<std::uint64_t>(std::min(jobs, 1e12));
}

double expected_load(scenario const& s) noexcept {
  if (s.workload.law == arrival_law::swf) return 0;
  auto const span = seconds(arrival_span(s));
  if (span <= 0) return 0;
  auto const repeats = s.verify.on ? value_of(s.verify.strangers) : 0.0;
  auto const work = static_cast<double>(expected_jobs(s)) * seconds(s.workload.service_time);
  auto const speed = (value_of(s.services.speed_least) + value_of(s.services.speed_most)) / 2;
  return work * (1 + repeats) / (span * speed * s.services.providers * s.services.cores);
}

namespace detail {

problem given_places::of(std::string const& path) const {
  if (auto const exact = at.find(path); exact != at.end()) return exact->second;
  auto const dot = path.rfind('.');
  if (dot != std::string::npos) return of(path.substr(0, dot));
  return {file, 1, 1, ""};
}

void lint(scenario const& s, given_places const& given, std::vector<problem>& errors,
          std::vector<problem>& warnings) {
  linter{s, given, errors, warnings}.run();
}

}  // namespace detail
}  // namespace hydra::sim
