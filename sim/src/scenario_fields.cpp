#include "scenario_fields.hpp"

#include <hydra/core/values.hpp>
#include <hydra/sim/positions.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

namespace hydra::sim::detail {
namespace {

using words = std::vector<std::string_view>;

constexpr std::int64_t most_ns = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t day_ns = 86'400'000'000'000;
constexpr std::int64_t year_ns = 365 * day_ns;
constexpr std::int64_t memory_mb_most = std::int64_t{1} << 30U;
constexpr std::int64_t price_most = 1'000'000'000;
constexpr std::int64_t minor_most = 65'534;

template <class E>
field one_of(std::string_view key, E& at, words const& names) {
  static_assert(std::is_same_v<std::underlying_type_t<E>, std::uint8_t>);
  return {key, choice{reinterpret_cast<std::uint8_t*>(&at), &names}};
}

field span_of(std::string_view key, duration& at, std::int64_t least = 0,
              std::int64_t most = year_ns) {
  return {key, &at, least, most};
}

field part_of(std::string_view key, ratio& at) { return {key, &at, 0, 1}; }

// The 36 published fits of a quantity: set/quantity/law.
words laws_of(std::string_view quantity) {
  static std::vector<std::string> const all = [] {
    std::vector<std::string> made;
    for (std::string what : {"uptime", "downtime"})
      for (std::string set : {"g5k06", "lanl05", "ldns04", "microsoft99", "nd07cpu", "overnet03",
                              "pl05", "skype06", "websites02"})
        for (std::string law : {"exponential", "weibull", "lognormal", "gamma"})
          made.push_back(set + "/" + what + "/" + law);
    return made;
  }();
  words out;
  for (auto const& law : all)
    if (law.find("/" + std::string{quantity} + "/") != std::string::npos) out.push_back(law);
  return out;
}

constexpr std::string_view ups_shown =
    "SET/uptime/LAW; SET: g5k06, lanl05, ldns04, microsoft99, nd07cpu, overnet03, pl05, skype06, "
    "websites02; LAW: exponential, weibull, lognormal, gamma";
constexpr std::string_view downs_shown =
    "SET/downtime/LAW; SET: g5k06, lanl05, ldns04, microsoft99, nd07cpu, overnet03, pl05, "
    "skype06, websites02; LAW: exponential, weibull, lognormal, gamma";

words const endings{"end", "quiet"};
words const positions{"cities"};
words const latencies{"planet", "constant", "uniform", "matrix"};
words const popularities{"uniform", "zipf"};
words const accesses{"drawn", "datacentre", "fibre", "cable", "mobile"};
words const arrivals{"poisson", "even", "swf"};
words const processor_uses{"work", "jobs", "ignored"};
words const row_choices{"ran", "completed", "all"};
words const asker_choices{"user", "job"};
words const time_laws{"constant", "uniform", "exponential"};
words const begins{"up", "stationary"};
words const fault_kinds{"loss", "duplicate", "delay", "partition", "crash",
                        "restart", "slow", "skew", "lie"};
words const tables{"joined", "direct"};
words const routings{"ring_and_keys", "ring_first", "kademlia", "chord",
                     "pastry",        "capability", "indices",  "small_world",
                     "flood",         "walk",       "full_mesh"};
words const proximities{"geographic", "uniform", "vivaldi", "blend"};
words const trusts{"rings", "beta_reputation", "open"};
words const schedulings{"power_of_d", "nearest", "local_only"};
words const verifications{"repeat", "none"};

section top(scenario& s) {
  return {"",
          {{"name", &s.name, 1, 64},
           {"purpose", &s.purpose, 1, 400},
           {"hydras", &s.hydras, 1, static_cast<std::int64_t>(hydras_max)},
           span_of("duration", s.duration, 1'000'000, 10 * year_ns),
           {"seed", &s.seed, 0, most_ns},
           one_of("until", s.until, endings),
           {"network", &s.network, 0, std::numeric_limits<std::uint32_t>::max()}}};
}

section world(world_settings& s) {
  return {"world",
          {one_of("positions", s.positions, positions),
           one_of("latency", s.latency, latencies),
           span_of("latency_value", s.latency_value, 1'000, 3'600'000'000'000),
           span_of("latency_spread", s.latency_spread, 0, 3'600'000'000'000),
           {"matrix", &s.matrix, 0, 1'000},
           {"tells_unreachable", &s.tells_unreachable},
           part_of("datacentre", s.datacentre),
           part_of("fibre", s.fibre),
           part_of("cable", s.cable),
           part_of("mobile", s.mobile),
           part_of("calls_out_only", s.calls_out_only),
           span_of("nat_hold", s.nat_hold, 1'000'000, day_ns)}};
}

section services(service_settings& s) {
  return {"services",
          {{"count", &s.count, 1, 100'000},
           {"names", &s.names, 0, 1'000},
           one_of("popularity", s.popularity, popularities),
           {"zipf_exponent", &s.zipf_exponent, 0, 4},
           {"providers", &s.providers, 1, static_cast<std::int64_t>(hydras_max)},
           {"kinds_per_provider", &s.kinds_per_provider, 1, 8},
           {"cores", &s.cores, 1, 1'024},
           {"speed_least", &s.speed_least, 1, 60},
           {"speed_most", &s.speed_most, 1, 60}}};
}

section workload(workload_settings& s) {
  return {"workload",
          {one_of("law", s.law, arrivals),
           {"jobs", &s.jobs, 0, 1'000'000'000},
           {"rate", &s.rate},
           span_of("service_time", s.service_time, 1'000),
           one_of("service_law", s.service_law, time_laws),
           span_of("service_time_most", s.service_time_most, 1'000),
           part_of("local_share", s.local_share),
           span_of("start", s.start),
           span_of("stop_before_end", s.stop_before_end),
           span_of("patience", s.patience, 1'000'000),
           {"input_bytes", &s.input_bytes, 0, 128},
           {"input_mb", &s.input_mb, 0, 1'000'000},
           {"output_mb", &s.output_mb, 0, 1'000'000},
           {"holder", &s.holder, 0, 64},
           {"kinds", &s.kinds, 0, 100'000},
           {"hops", &s.hops, 1, 16},
           {"spend", &s.spend, 1, 65'535},
           {"priorities", &s.priorities, 1, priority_levels},
           {"swf", &s.swf, 0, 1'000},
           span_of("swf_from", s.swf_from, 0, 100 * year_ns),
           span_of("swf_for", s.swf_for, 1, most_ns),
           {"swf_jobs", &s.swf_jobs, 1, 10'000'000},
           {"swf_pace", &s.swf_pace, 1, 1'000'000},
           {"swf_work", &s.swf_work, 1, 1'000},
           one_of("swf_processors", s.swf_processors, processor_uses),
           one_of("swf_rows", s.swf_rows, row_choices),
           one_of("swf_askers", s.swf_askers, asker_choices)}};
}

section conditions(condition_settings& s) {
  return {"conditions",
          {{"memory_mb_least", &s.memory_mb_least, 0, memory_mb_most},
           {"memory_mb_most", &s.memory_mb_most, 0, memory_mb_most},
           {"price_least", &s.price_least, 0, price_most},
           {"price_most", &s.price_most, 0, price_most},
           {"minor_least", &s.minor_least, 0, minor_most},
           {"minor_most", &s.minor_most, 0, minor_most}}};
}

section demanded(demand_settings& s) {
  return {"demands",
          {part_of("share", s.share),
           {"memory_mb", &s.memory_mb, 0, memory_mb_most},
           {"price_max", &s.price_max, 0, price_most},
           {"minor_min", &s.minor_min, 0, minor_most},
           {"minor_max", &s.minor_max, 0, minor_most},
           {"regions", &s.regions},
           {"own_region", &s.own_region},
           {"within_km", &s.within_km, 0, 20'100}}};
}

section churn(churn_settings& s) {
  static words const ups = laws_of("uptime");
  static words const downs = laws_of("downtime");
  return {"churn",
          {part_of("share", s.share),
           {"uptime", &s.uptime, 1, 64, &ups, ups_shown},
           {"downtime", &s.downtime, 1, 64, &downs, downs_shown},
           one_of("begin", s.begin, begins),
           {"pace", &s.pace, 1, 100'000},
           {"providers", &s.providers},
           span_of("session_least", s.session_least, 1'000'000),
           span_of("absence_most", s.absence_most, 1'000'000)}};
}

section routing(routing_settings& s) {
  return {"routing",
          {one_of("tables", s.tables, tables),
           {"alpha", &s.alpha, 1, 8},
           span_of("timeout", s.timeout, 1'000'000, day_ns),
           span_of("refresh", s.refresh, 1'000'000),
           // Above a policy's tick.
           span_of("republish", s.republish, 61 * 1'000'000'000LL, day_ns),
           span_of("expire", s.expire, 1'000'000, day_ns)}};
}

section expect(expectations& s) {
  return {"expect",
          {part_of("completed", s.completed),
           {"jobs_at_least", &s.jobs_at_least, 0, most_ns},
           {"events_at_least", &s.events_at_least, 0, most_ns},
           {"failed_at_most", &s.failed_at_most, 0, most_ns},
           {"replaced_at_least", &s.replaced_at_least, 0, most_ns},
           {"wrong_accepted_at_most", &s.wrong_accepted_at_most, 0, most_ns},
           part_of("remote_share_at_least", s.remote_share_at_least),
           part_of("utilisation_at_least", s.utilisation_at_least),
           part_of("utilisation_at_most", s.utilisation_at_most),
           span_of("response_mean_at_most", s.response_mean_at_most, 0, most_ns),
           span_of("response_p99_at_most", s.response_p99_at_most, 0, most_ns)}};
}

}  // namespace

field const* section::find(std::string_view key) const {
  auto const at = std::find_if(fields.begin(), fields.end(), [&](auto& f) { return f.key == key; });
  return at == fields.end() ? nullptr : &*at;
}

std::vector<std::string_view> section::keys() const {
  words out;
  for (auto const& f : fields) out.push_back(f.key);
  return out;
}

std::vector<section> describe(scenario& s) {
  return {top(s),
          world(s.world),
          services(s.services),
          workload(s.workload),
          conditions(s.conditions),
          demanded(s.demands),
          churn(s.churn),
          {"trust",
           {{"friends", &s.trust.friends, 0, 16},
            {"strangers", &s.trust.strangers},
            part_of("floor", s.trust.floor)}},
          {"verify",
           {{"on", &s.verify.on},
            part_of("strangers", s.verify.strangers),
            part_of("friends", s.verify.friends),
            part_of("own", s.verify.own)}},
          {"scheduling",
           {{"power_of", &s.scheduling.power_of, 1, 7},
            {"queue_max", &s.scheduling.queue_max, 0, 65'535},
            span_of("lease", s.scheduling.lease, 1'000'000, day_ns),
            span_of("bid_timeout", s.scheduling.bid_timeout, 1'000'000, day_ns),
            {"attempts_max", &s.scheduling.attempts_max, 1, 250}}},
          routing(s.routing),
          {"policy",
           {one_of("routing", s.policy.routing, routings),
            one_of("proximity", s.policy.proximity, proximities),
            one_of("trust", s.policy.trust, trusts),
            one_of("scheduling", s.policy.scheduling, schedulings),
            one_of("verify", s.policy.verify, verifications)}},
          {"compare",
           {{"alone", &s.compare.alone},
            {"unverified", &s.compare.unverified},
            {"omniscient", &s.compare.omniscient}}},
          expect(s.expect)};
}

section describe(fault_settings& f) {
  return {"fault",
          {{"name", &f.name, 1, 64},
           one_of("kind", f.kind, fault_kinds),
           {"from", &f.from},
           {"to", &f.to},
           span_of("at", f.at, 0, 10 * year_ns),
           span_of("for", f.lasts, 1, most_ns),
           part_of("chance", f.chance),
           span_of("by", f.by, 0, day_ns),
           {"behind", &f.behind},
           {"symmetric", &f.symmetric},
           {"factor", &f.factor, 1, 1'000'000},
           span_of("away", f.away),
           span_of("on", f.on),
           span_of("off", f.off)}};
}

section describe(composition_settings& c) {
  return {"composition",
          {{"whole", &c.whole, 0, 99'999},
           {"part", &c.part, 0, 99'999},
           {"join", &c.join, 0, 99'999},
           {"parts", &c.parts, 1, 64},
           part_of("join_share", c.join_share)}};
}

section describe(group_settings& g) {
  return {"group",
          {{"name", &g.name, 1, 64},
           {"city", &g.city, 1, 64},
           {"country", &g.country, 0, 2},
           {"count", &g.count, 1, 1'000'000},
           {"offers", &g.offers, 0, 64},
           {"asks", &g.asks},
           {"cores", &g.cores, 1, 1'024},
           {"speed", &g.speed, 0, 60},
           one_of("access", g.access, accesses),
           {"calls_out_only", &g.calls_out_only},
           {"friends", &g.friends, 0, 64},
           {"memory_mb", &g.memory_mb, 0, memory_mb_most},
           {"price", &g.price, 0, price_most},
           {"minor", &g.minor, 0, minor_most}}};
}

namespace {

// Calls visit(the list of that name); the answer of the one it was called for.
template <class S, class F>
auto with_list(S& s, std::string_view name, F&& visit) {
  if (name == "composition") return visit(s.compositions);
  if (name == "group") return visit(s.groups);
  return visit(s.faults);
}

}  // namespace

std::size_t list_size(scenario const& s, std::string_view name) {
  return with_list(s, name, [](auto const& list) { return list.size(); });
}
std::size_t list_max(std::string_view name) {
  return name == "composition" ? compositions_max : name == "group" ? groups_max : faults_max;
}
void list_resize(scenario& s, std::string_view name, std::size_t n) {
  with_list(s, name, [&](auto& list) { list.resize(n); });
}
section list_item(scenario& s, std::string_view name, std::size_t number) {
  return with_list(s, name, [&](auto& list) { return describe(list[number - 1]); });
}
std::string list_item_name(scenario const& s, std::string_view name, std::size_t number) {
  return with_list(s, name, [&](auto const& list) {
    if constexpr (requires { list[0].name; }) {
      return list[number - 1].name;
    } else {
      return std::string{};
    }
  });
}
void list_item_line(scenario& s, std::string_view name, std::size_t number, std::uint32_t line) {
  with_list(s, name, [&](auto& list) { list[number - 1].line = line; });
}

std::vector<std::string_view> workload_unused(workload_settings const& w) {
  // What older scenarios do not know is written only where it says something: their hashes stay.
  words out;
  if (w.rate.count != 0 && w.law != arrival_law::swf) out.push_back("jobs");
  workload_settings const plain;
  if (w.priorities == plain.priorities) out.push_back("priorities");
  if (w.input_mb == plain.input_mb) out.push_back("input_mb");
  if (w.output_mb == plain.output_mb) out.push_back("output_mb");
  if (w.holder.empty()) out.push_back("holder");
  if (w.kinds == plain.kinds) out.push_back("kinds");
  if (w.hops == plain.hops) out.push_back("hops");
  if (w.spend == plain.spend) out.push_back("spend");
  words const drawn{"jobs", "rate", "service_time", "service_law"};
  words const recorded{"swf",      "swf_from", "swf_for",        "swf_jobs",   "swf_pace",
                       "swf_work", "swf_rows", "swf_processors", "swf_askers"};
  auto const& more = w.law == arrival_law::swf ? drawn : recorded;
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::vector<std::string_view> world_unused(scenario const& s) {
  words out;
  if (s.world.calls_out_only.part == 0) out.push_back("calls_out_only");
  if (!any_calls_out_only(s)) out.push_back("nat_hold");
  return out;
}

std::vector<std::string_view> group_unused(group_settings const& g) {
  words out;
  if (!g.calls_out_only) out.push_back("calls_out_only");
  if (g.memory_mb == 0) out.push_back("memory_mb");
  if (g.price == 0) out.push_back("price");
  if (g.minor == 0) out.push_back("minor");
  return out;
}

bool section_unused(scenario const& s, std::string_view name) {
  if (name == "conditions") return s.conditions == condition_settings{};
  return name == "demands" && s.demands == demand_settings{};
}

bool any_calls_out_only(scenario const& s) {
  return s.world.calls_out_only.part != 0 ||
         std::any_of(s.groups.begin(), s.groups.end(),
                     [](group_settings const& g) { return g.calls_out_only; });
}

std::vector<std::string_view> fault_uses(fault_kind kind) {
  static std::array<words, 9> const special{{{"to", "symmetric", "chance"},
                                             {"to", "symmetric", "chance"},
                                             {"to", "symmetric", "chance", "by"},
                                             {"to", "symmetric"},
                                             {"chance", "away"},
                                             {"chance"},
                                             {"chance", "factor"},
                                             {"chance", "by", "behind"},
                                             {"chance", "on", "off"}}};
  words out{"name", "kind", "from", "at", "for"};
  auto const& more = special[static_cast<std::size_t>(kind)];
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::string_view fault_needs(fault_kind kind) {
  switch (kind) {
    case fault_kind::loss:
    case fault_kind::duplicate: return "chance";
    case fault_kind::delay:
    case fault_kind::skew: return "by";
    case fault_kind::slow: return "factor";
    default: return "";
  }
}

std::string_view name_of(fault_kind kind) { return fault_kinds[static_cast<std::size_t>(kind)]; }
std::string_view name_of(routing_name n) { return routings[static_cast<std::size_t>(n)]; }

bool good_name(std::string_view name) {
  auto const good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), good);
}

}  // namespace hydra::sim::detail
