// Worlds of one routing policy, with tables built directly: what a find costs, for tests and
// benchmarks. A policy takes part by adopt(own key, everybody by key, named); one that has none
// is introduced to the first 65 heads (full_mesh knows no more).
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/routing/table.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace hydra::bench {

// Whether a policy is given friends, and needs its upkeep to learn what they can do.
template <class P>
inline constexpr bool walks_a_ring = false;

// The policy without the upkeep that its start begins: what is counted then belongs to finds.
template <class P>
class without_upkeep : public alone<P> {
 public:
  using alone<P>::alone;
  template <class Env>
  void on_start(Env&) {}
};

// Every message takes 10 to 200 ms, hashed from both ends, and may be lost.
template <class N>
class routing_setting : public sim::plain_setting {
  using policy_type = typename N::policy_type;

 public:
  routing_setting(std::uint64_t seed, std::uint32_t n, policy_type const& fresh = {},
                  std::uint32_t loss_percent = 0)
      : plain_setting{seed, n}, fresh_{fresh}, loss_percent_{loss_percent} {
    auto all = std::make_shared<std::vector<routing::introduction>>();
    all->reserve(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      all->push_back({peer{i}, key_of(peer{i}), netgroup_of(i)});
    }
    std::sort(all->begin(), all->end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    everybody_ = std::move(all);
  }
  [[nodiscard]] N make(sim::permutation const& view, std::uint32_t who) const {
    auto policy = fresh_;
    auto const named = [&](peer other) { return peer{view.seen(other.index())}; };
    if constexpr (requires { policy.adopt(key_of(peer{who}), *everybody_, named); }) {
      policy.adopt(key_of(peer{who}), *everybody_, named);
    }
    bounded_vector<peer, 16> friends;
    if constexpr (walks_a_ring<policy_type>) {
      for (std::uint32_t step : {1U, 7U, 61U, 523U}) {  // both ways, so that friends are mutual
        friends.push_back(named(peer{(who + step) % peers()}));
        friends.push_back(named(peer{(who + peers() - step % peers()) % peers()}));
      }
    }
    return N{policy, friends};
  }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(std::uint64_t{t.from} << 32U | t.to);
    auto const loss = mix64(bits ^ seed() ^ t.sequence) % 100;
    return {.delay = 10ms + duration{static_cast<std::int64_t>(bits % 190'000'000)},
            .dropped = loss < loss_percent_};
  }

 private:
  policy_type fresh_;
  std::uint32_t loss_percent_;
  std::shared_ptr<std::vector<routing::introduction> const> everybody_;
};

// What came of the finds and locates of a world.
struct routing_tally {
  std::uint64_t finds = 0;
  std::uint64_t with = 0;  // at least one candidate
  std::uint64_t locates = 0;
  std::uint64_t hops = 0;       // of both
  std::uint64_t questions = 0;  // of both, as who asked counts them
  template <class F>
  void fact(instant, std::uint32_t, F const&) noexcept {}
  void fact(instant, std::uint32_t, found const& f) noexcept {
    ++finds;
    with += f.among.empty() ? 0U : 1U;
    hops += f.hops;
    questions += f.messages;
  }
  void fact(instant, std::uint32_t, located const& f) noexcept {
    ++locates;
    hops += f.hops;
    questions += f.messages;
  }
  void merge(routing_tally const& o) noexcept {
    finds += o.finds;
    with += o.with;
    locates += o.locates;
    hops += o.hops;
    questions += o.questions;
  }
};

// A world of one policy that is asked things in batches.
template <class N>
class routing_world {
 public:
  using world_type = sim::world<N, routing_setting<N>, routing_tally>;
  static constexpr std::size_t batch = 64;

  routing_world(std::uint64_t seed, std::uint32_t n,
                typename N::policy_type const& fresh = {}, std::uint32_t loss_percent = 0,
                sim::world_options how = {})
      : world_{std::make_unique<world_type>(
            routing_setting<N>{seed, n, fresh, loss_percent}, how)},
        chance_{seed, purpose::workload, 1} {
    auto const named = [](peer who) { return who; };
    std::vector<routing::introduction> const nobody;
    constexpr bool built =
        requires(typename N::policy_type p) { p.adopt(key{}, nobody, named); };
    if constexpr (!built && !walks_a_ring<typename N::policy_type>) {
      introduce_all(std::min(n, 65U));
    }
  }

  [[nodiscard]] world_type& world() noexcept { return *world_; }
  [[nodiscard]] peer anybody() { return up(chance_.below(world_->peers())); }
  // Only the first so many ask from now on.
  void askers(std::uint32_t n) { askers_ = std::min(n, world_->peers()); }
  // `each` providers of every service 0..services-1, drawn anew.
  void announce_all(std::uint32_t services, std::size_t each) {
    services_ = services;
    for (std::uint32_t s = 0; s < services; ++s) {
      for (std::size_t i = 0; i < each; ++i) {
        announce a;
        a.record.what = service{s};
        world_->tell(anybody(), a);
      }
    }
    world_->run_for(15s);
  }
  // So many finds at once by heads drawn, for services drawn, until all have come to an end.
  void finds(std::size_t count = batch) {
    for (std::size_t i = 0; i < count; ++i) {
      want const w{service{static_cast<std::uint32_t>(chance_.below(services_))}, 1, {}};
      world_->tell(up(chance_.below(askers_)), look_for{w});
    }
    world_->run_for(13s);
  }
  void locates(std::size_t count = batch) {
    for (std::size_t i = 0; i < count; ++i) {
      digest256 words{};
      for (auto& x : words) x = chance_.bits();
      world_->tell(anybody(), look_up{key{words}});
    }
    world_->run_for(13s);
  }

 private:
  void introduce_all(std::uint32_t n) {
    for (std::uint32_t to = 0; to < n; ++to) {
      for (std::uint32_t i = 0; i < n;) {
        introduce some;
        while (i < n && some.known.try_push_back(peer{i})) ++i;
        world_->tell(peer{to}, some);
      }
    }
  }
  [[nodiscard]] peer up(std::uint64_t from) const {
    for (std::uint64_t i = 0; i < world_->peers(); ++i) {
      peer const p{static_cast<std::uint32_t>((from + i) % world_->peers())};
      if (world_->up(p)) return p;
    }
    return {};
  }
  std::unique_ptr<world_type> world_;
  owned_stream chance_;
  std::uint32_t services_ = 1;
  std::uint32_t askers_ = world_->peers();
};

}  // namespace hydra::bench
