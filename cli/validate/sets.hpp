// The two sets of policies that are compared, and how a head of a plan is made of one.
#pragma once

#include "plan.hpp"
#include "witness.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <cstdint>
#include <vector>

namespace hydra::validation {

// a: what a Hydra uses unless told otherwise. b: another policy in every slot that has one.
using hydra_a = Hydra<>;
using hydra_b = Hydra<routing::full_mesh, proximity::uniform, trusts::open, scheduling::nearest,
                      verify::none>;

// The same waits in both worlds, short enough for a run of seconds.
[[nodiscard]] inline protocol_times times_of_plan() {
  protocol_times t;
  t.acknowledge = 1500ms;
  t.progress = 1s;
  t.lease = 3500ms;
  t.resend = 1500ms;
  t.rest = 600ms;
  return t;
}
// Whom a head knows when it starts: those that started before it, or eight of them that the seed
// chooses, so that the first message to a head never finds it absent; where nobody speaks before
// the first job, all, or sixteen.
[[nodiscard]] std::vector<std::uint32_t> contacts_of(plan const& p, std::uint32_t who,
                                                     bool speaks_at_once);
// Its friends, each of whom lists it too: the two before and the two behind it.
[[nodiscard]] std::vector<std::uint32_t> friends_of(plan const& p, std::uint32_t who);

template <class H, class Peer, class Principal, class Service>
[[nodiscard]] H make_head(plan const& p, std::uint32_t who, Peer&& peer_of,
                          Principal&& principal_of, Service&& service_of,
                          object_ref const& object) {
  hydra_settings s;
  for (std::uint32_t i = 0; i < p.services.size(); ++i) {
    for (auto by : p.services[i].by) {
      if (by == who && !s.offers.full()) s.offers.push_back(service_of(i));
    }
  }
  s.power.cores = 1;
  for (auto c : contacts_of(p, who, std::is_same_v<H, hydra_a>)) s.contacts.push_back(peer_of(c));
  s.times = times_of_plan();
  objects const shelf{std::uint64_t{1} << 30U, object};
  if constexpr (std::is_same_v<H, hydra_a>) {
    routing::kademlia_settings k;
    k.rpc_timeout = 1s;
    k.tick = p.upkeep;
    k.refresh = 5 * p.upkeep;
    k.questionable_after = 4 * p.upkeep;
    k.republish = 3 * p.upkeep;
    trusts::rings_config rings;
    rings.gossip = 2 * p.upkeep;
    trusts::rings group{rings};
    for (auto f : friends_of(p, who)) group.befriend(principal_of(f), peer_of(f));
    routing::capability_settings c;
    c.rpc_timeout = 1s;
    c.tick = p.upkeep;
    c.renew = 4 * p.upkeep;
    c.digest_life = 10 * p.upkeep;
    routing::ring_and_keys const routes{routing::kademlia<8>{k}, routing::capability<>{c}};
    return H{s, routes, group, shelf};
  } else {
    routing::full_mesh_settings m;
    m.answer_timeout = 1s;
    return H{s, routing::full_mesh{m}, shelf};
  }
}

}  // namespace hydra::validation
