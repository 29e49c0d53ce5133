#include "run_any.hpp"

#include <hydra/sim/ready_made.hpp>

#include <fmt/format.h>
#include <range/v3/algorithm/find_if.hpp>
#include <range/v3/view/zip.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace hydra::sim {

namespace {

trust trust_of(ratio r) { return trust::of(r.part, r.whole); }

std::uint64_t status_of(char const* name) {
  auto* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return 0;
  std::array<char, 256> line{};
  unsigned long kib = 0;
  while (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
    if (std::strncmp(line.data(), name, std::strlen(name)) == 0) {
      std::sscanf(line.data() + std::strlen(name), ": %lu", &kib);
    }
  }
  std::fclose(file);
  return std::uint64_t{kib} * 1024;
}

std::string text_of(event_note const& e, std::vector<message_id> const& ids) {
  auto const type = static_cast<std::size_t>(e.what & 0x3fffU);
  switch (e.which()) {
    case kind::message: {
      auto const id = type < ids.size() ? ids[type] : message_id{};
      return fmt::format("message {} of room {} from peer {}", id.number,
                         static_cast<int>(id.where), e.from);
    }
    case kind::timer: return fmt::format("a timer of peer {}", e.to);
    case kind::fact: return fmt::format("fact {} of peer {}", type, e.to);
    case kind::fault: return fmt::format("a fault at peer {}", e.to);
  }
  return {};
}

// The call of `by` that made its effect number `sequence`, or null.
event_note const* maker_of(std::vector<event_note> const& all, std::uint32_t by,
                           std::uint32_t sequence, std::int64_t before) {
  for (auto const& e : all) {
    if (e.at > before) break;
    if (e.to == by && e.first_effect <= sequence && sequence <= e.last_effect) return &e;
  }
  return nullptr;
}

bool equal(event_note const& a, event_note const& b) {
  return !earlier(a, b) && !earlier(b, a) && a.what == b.what && a.digest == b.digest &&
         a.last_effect == b.last_effect;
}

}  // namespace

divergence first_difference_of(std::vector<event_note> const& one,
                               std::vector<event_note> const& two,
                               std::vector<message_id> const& ids) {
  divergence out;
  out.found = true;
  auto const both = ranges::views::zip(one, two);
  auto const odd_pair = ranges::find_if(
      both, [](auto const& pair) { return !equal(std::get<0>(pair), std::get<1>(pair)); });
  auto const i = static_cast<std::size_t>(ranges::distance(ranges::begin(both), odd_pair));
  auto const n = std::min(one.size(), two.size());
  if (i == one.size() && i == two.size()) {
    out.cause = "the difference does not show again when the interval is repeated";
    return out;
  }
  bool const first = i < one.size() && (i >= two.size() || !earlier(two[i], one[i]));
  auto const& run = first ? one : two;
  auto const& odd = run[i];
  out.peer = odd.to;
  out.at = at_ns(odd.at);
  bool const same_event = i < n && !earlier(one[i], two[i]) && !earlier(two[i], one[i]) &&
                          one[i].what == two[i].what;
  if (same_event && one[i].digest == two[i].digest) {
    auto const effects = [](event_note const& e) { return e.last_effect - e.first_effect + 1; };
    out.cause = fmt::format(
        "peer {} acts differently on {}: {} effects in one run, {} in the other", odd.to,
        text_of(odd, ids), effects(one[i]), effects(two[i]));
    return out;
  }
  auto const* maker = maker_of(run, odd.from, odd.sequence, odd.at);
  auto const what = same_event ? "says something else" : "comes in one run only";
  out.cause = fmt::format("{} {}", text_of(odd, ids), what);
  if (maker != nullptr) {
    out.peer = maker->to;
    out.at = at_ns(maker->at);
    out.cause += fmt::format("; it was made while peer {} handled {}", maker->to,
                             text_of(*maker, ids));
  } else if (odd.from != odd.to) {
    out.peer = odd.from;
  }
  return out;
}

routing_words routing_from(scenario const& s) {
  routing_words to;
  to.ring.rpc_timeout = s.routing.timeout;
  to.ring.record_lifetime = s.routing.expire;
  auto& k = to.keys;
  k.alpha = static_cast<std::uint8_t>(s.routing.alpha);
  k.rpc_timeout = s.routing.timeout;
  k.refresh = s.routing.refresh;
  k.republish = s.routing.republish;
  k.record_lifetime = s.routing.expire;
  return to;
}

trusts::rings_config trust_from(scenario const& s) {
  trusts::rings_config r;
  r.floor = std::max(r.floor, trust_of(s.trust.floor));
  if (!s.trust.strangers) r.prior[3] = trust{};
  return r;
}

verify::repeat verify_from(scenario const& s) {
  verify::repeat v;
  if (!s.verify.on) {
    v.rate = {ratio{0, 1}, ratio{0, 1}, ratio{0, 1}, ratio{0, 1}};
  } else {
    v.rate = {s.verify.own, s.verify.friends, s.verify.friends, s.verify.strangers};
  }
  return v;
}

scheduling::power_of_d scheduling_from(scenario const& s) {
  scheduling::power_of_d p;
  p.d = static_cast<std::uint8_t>(s.scheduling.power_of);
  p.bound.waiting_max = static_cast<std::uint16_t>(s.scheduling.queue_max);
  return p;
}

// What the policies of routing have in common, as a scenario says it.
template <class Settings>
Settings timed(scenario const& s) {
  Settings to;
  if constexpr (requires { to.rpc_timeout; }) to.rpc_timeout = s.routing.timeout;
  if constexpr (requires { to.answer_timeout; }) to.answer_timeout = s.routing.timeout;
  if constexpr (requires { to.republish; }) to.republish = s.routing.republish;
  to.record_lifetime = s.routing.expire;
  return to;
}

any_routing routing_named_in(scenario const& s) {
  auto const words = routing_from(s);
  auto const keys = [&] { return routing::kademlia<8>{words.keys}; };  // only where it is chosen
  routing::capability<> const ring{words.ring};
  switch (s.policy.routing) {
    case routing_name::full_mesh:
      return routing::full_mesh{timed<routing::full_mesh_settings>(s)};
    case routing_name::chord: return routing::chord<8>{timed<routing::chord_settings>(s)};
    case routing_name::pastry: return routing::pastry<>{timed<routing::pastry_settings>(s)};
    case routing_name::capability: return ring;
    case routing_name::indices: return routing::capability<routing::routing_index<>>{words.ring};
    case routing_name::small_world:
      return routing::small_world{timed<routing::small_world_settings>(s)};
    case routing_name::flood: return routing::flood<64>{timed<routing::flood_settings>(s)};
    case routing_name::walk: return routing::walk<32>{timed<routing::walk_settings>(s)};
    case routing_name::ring_first: return routing::ring_first{ring, keys()};
    case routing_name::kademlia: return keys();
    case routing_name::ring_and_keys: break;
  }
  return routing::ring_and_keys{keys(), ring};
}

any_proximity proximity_named_in(scenario const& s, proximity::geographic_settings const& here) {
  proximity::vivaldi_settings springs;
  springs.eager = 16;  // a minute's worth of probes: a planet is not a laboratory
  switch (s.policy.proximity) {
    case proximity_name::uniform: return proximity::uniform{};
    case proximity_name::vivaldi: return proximity::vivaldi<>{springs};
    case proximity_name::blend:
      return proximity::blend<>{proximity::geographic{here}, proximity::vivaldi<>{springs}};
    case proximity_name::geographic: break;
  }
  return proximity::geographic{here};
}

any_trust trust_named_in(scenario const& s) {
  switch (s.policy.trust) {
    case trust_name::beta_reputation: {
      trusts::beta_config b;
      b.floor = std::max(b.floor, trust_of(s.trust.floor));
      return trusts::beta_reputation{b};
    }
    case trust_name::open: return trusts::open{};
    case trust_name::rings: break;
  }
  return trusts::rings{trust_from(s)};
}

any_verify verify_named_in(scenario const& s) {
  if (s.policy.verify == verify_name::none) return verify::none{};
  return verify_from(s);
}

any_scheduler scheduler_named_in(scenario const& s) {
  auto const waiting = static_cast<std::uint16_t>(s.scheduling.queue_max);
  switch (s.policy.scheduling) {
    case scheduling_name::nearest: {
      scheduling::nearest p;
      p.bound.waiting_max = waiting;
      return p;
    }
    case scheduling_name::local_only: {
      scheduling::local_only p;
      p.bound.waiting_max = waiting;
      return p;
    }
    case scheduling_name::power_of_d: break;
  }
  return scheduling_from(s);
}

protocol_times times_from(scenario const& s) {
  protocol_times t;
  t.lease = s.scheduling.lease;
  t.progress = s.scheduling.lease / 3;
  t.bid = s.scheduling.bid_timeout;
  t.rounds_max = static_cast<std::uint8_t>(s.scheduling.attempts_max);
  return t;
}

std::uint64_t resident_bytes() { return status_of("VmRSS"); }
std::uint64_t resident_peak_bytes() { return status_of("VmHWM"); }

namespace {

// The ready-made Hydra has the default of every slot but the scheduler's.
bool is_ready_made(policy_settings const& p) {
  policy_settings const usual;
  return p.routing == usual.routing && p.proximity == usual.proximity && p.trust == usual.trust &&
         p.verify == usual.verify;
}

}  // namespace

run_result run(scenario const& what, run_options const& how) {
  return is_ready_made(what.policy) ? runner<ready_made_hydra>::run(what, how)
                                    : detail::run_any(what, how);
}

divergence check_determinism(scenario const& what, run_options const& how) {
  return is_ready_made(what.policy) ? runner<ready_made_hydra>::check_determinism(what, how)
                                    : detail::check_any(what, how);
}

// What ready_made.hpp promises to be here.
template class runner<ready_made_hydra>;
template world<ready_made_hydra, populated<ready_made_hydra>, history>::world(
    populated<ready_made_hydra>, world_options);
template void ready_made_world::run_until(instant);
template void ready_made_world::crash(peer);
template void ready_made_world::restart(peer);
template void ready_made_world::tell(peer, submit const&);

}  // namespace hydra::sim
