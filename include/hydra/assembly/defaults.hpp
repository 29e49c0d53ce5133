// What a Hydra uses for a slot that its author left out, and does for a policy that says less
// than it may.
#pragma once

#include <hydra/assembly/jobs.hpp>
#include <hydra/code/native_only.hpp>
#include <hydra/proximity/geographic.hpp>
#include <hydra/routing/ring_and_keys.hpp>
#include <hydra/scheduling/power_of_d.hpp>
#include <hydra/trust/rings.hpp>
#include <hydra/verify/repeat.hpp>

#include <cstdint>
#include <span>

namespace hydra {

// One good policy per room; specialise nothing, pass your own to Hydra<...> instead.
template <class Tag>
struct default_policy;
template <>
struct default_policy<routing_tag> {
  using type = routing::ring_and_keys;  // papers/hydra-discovery says why
};
template <>
struct default_policy<proximity_tag> {
  using type = proximity::geographic;
};
template <>
struct default_policy<trust_tag> {
  using type = trusts::rings;
};
template <>
struct default_policy<scheduling_tag> {
  using type = scheduling::power_of_d;
};
template <>
struct default_policy<verify_tag> {
  using type = verify::repeat;
};
template <>
struct default_policy<code_tag> {
  using type = code::native_only;
};

// The few that are nearest, for a scheduler that does not say whom to ask.
[[nodiscard]] inline shortlist nearest_first(std::span<candidate const> among) {
  shortlist list;
  for (std::uint8_t i = 0; i < among.size(); ++i) {
    auto* at = list.begin();
    while (at != list.end() && among[*at].delay <= among[i].delay) ++at;
    list.insert_bounded(at, i);
    if (list.size() > shortlist_default) list.pop_back();
  }
  return list;
}

template <class P, class Env>
[[nodiscard]] shortlist ask_bidders(P& policy, Env& env, job const& j,
                                    std::span<candidate const> among) {
  if constexpr (ChoosesBidders<P, Env>) {
    return policy.ask(env, j, among);
  } else {
    return nearest_first(among);
  }
}

// Without a word of the scheduler every offer is accepted that leaves half of the places free.
template <class P, class Env>
[[nodiscard]] decision accept_work(P& policy, Env& env, offer const& o, load const& l) {
  if constexpr (ChoosesWork<P, Env>) {
    return policy.accepts(env, o, l);
  } else {
    auto const work = mul_div(o.task.work.count(), 1000, l.power.speed);
    return {l.waiting < held_lease::per_peer_max / 2, l.backlog, l.backlog + duration{work}};
  }
}

}  // namespace hydra
