// Success of lookups among colluders, against P = sum_h p_h (1 - (1 - (1-f)^(h-1))^d).
#include "s_kademlia.hpp"

#include "../09_pastry/static_world.hpp"
#include "colluder.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hydra::papers {

namespace {

// Every parameter.
struct plan {
  std::uint64_t seed;
  std::uint32_t peers;
  std::size_t lookups;
  std::vector<std::uint8_t> paths;     // of k = 16
  std::vector<std::uint8_t> paths_k8;  // of k = 8
  std::uint8_t path_width;
  std::vector<double> adversaries;

  [[nodiscard]] std::size_t colluders(double share) const {
    return static_cast<std::size_t>(share * peers + 0.5);
  }
};

plan plan_of(scenario const& s) {
  plan p{.seed = s.seed(),
         .peers = s.integer<std::uint32_t>("peers", 2, 200'000),
         .lookups = s.integer<std::size_t>("lookups", 1, 10'000'000),
         .paths = s.integers<std::uint8_t>("paths", 1, 16),  // at most k
         .paths_k8 = s.integers<std::uint8_t>("paths_k8", 1, 8),
         .path_width = s.integer<std::uint8_t>("path_width", 0, 255),
         .adversaries = s.numbers("adversaries", 0, 0.99)};
  if (p.adversaries.empty()) s.refuse("adversaries", "[]", "one share at least");
  for (auto const share : p.adversaries) {
    if (p.colluders(share) < p.peers) continue;
    s.refuse("adversaries", share, "a share that leaves one of peers honest");
  }
  return p;
}

struct attack {
  std::uint64_t seed;
  std::uint32_t peers;
  std::uint8_t paths;
  std::uint8_t width;
  std::vector<bool> colludes;
};

template <std::size_t K>
class setting : public sim::plain_setting {
 public:
  explicit setting(attack a)
      : plain_setting{a.seed, a.peers},
        attack_{std::make_shared<attack const>(std::move(a))},
        all_{everybody_of(attack_->seed, attack_->peers)},
        friends_{std::make_shared<friends const>(*all_, attack_->colludes)} {}

  [[nodiscard]] suspect<K> make(sim::permutation const&, std::uint32_t who) const {
    routing::kademlia_settings s;
    s.disjoint_paths = attack_->paths;
    s.alpha = attack_->paths;  // one request under way on every path
    s.path_width = attack_->width;
    s.messages_max = 250;
    s.tick = 1h;               // no upkeep: tables stay as they are
    s.republish = 2h;
    s.record_lifetime = 3h;
    routing::kademlia<K> p{s};
    p.adopt_random(key_of(peer{who}), *all_, std::identity{}, attack_->seed);
    return suspect<K>{p, attack_->colludes[who] ? friends_.get() : nullptr};
  }
  [[nodiscard]] sim::delivery route(sim::transmission const&) const noexcept {
    return {.delay = 10ms};
  }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] netgroup netgroup_of(std::uint32_t) const noexcept { return {}; }
  using plain_setting::key_of;

 private:
  std::shared_ptr<attack const> attack_;
  std::shared_ptr<std::vector<routing::introduction> const> all_;
  std::shared_ptr<friends const> friends_;
};

struct result {
  double success = 0;
  double messages = 0;
  hop_counts hops{};
};

// Lookups of honest heads by honest heads.
template <std::size_t K>
result run_once(plan const& p, std::uint8_t paths, double share) {
  auto const n = p.peers;
  attack a{p.seed, n, paths, p.path_width, {}};
  a.colludes.assign(n, false);
  std::vector<std::uint32_t> all(n);
  for (std::uint32_t i = 0; i < n; ++i) all[i] = i;
  owned_stream chance{p.seed, purpose::adversary, 0};
  for (auto who : chance.draw().sample(p.colluders(share), std::span<std::uint32_t>{all})) {
    a.colludes[who] = true;
  }
  auto const colludes = a.colludes;
  sim::world<suspect<K>, setting<K>, hop_counts> w{setting<K>{std::move(a)}};
  std::size_t astray = 0;
  auto hops = look_up_pairs(w, p.seed, p.lookups, astray,
                            [&](std::uint32_t who) { return !colludes[who]; });
  double messages = 0;
  for (auto const& f : hops.all) messages += f.messages;
  if (!hops.all.empty()) messages /= static_cast<double>(hops.all.size());
  return {1.0 - static_cast<double>(astray) / static_cast<double>(p.lookups), messages,
          std::move(hops)};
}

// The paper's estimate, for the hop distribution that was measured: of h heads on a path the last
// is the target, which is honest; `every_hop`: as if that one might collude, too.
double estimate(hop_counts const& hops, std::size_t d, double f, bool every_hop = false) {
  double p = 0;
  for (std::size_t h = 0; h < hop_counts::hops_max; ++h) {
    double clean = 1;
    for (std::size_t i = every_hop ? 0 : 1; i < h; ++i) clean *= 1 - f;
    double lost = 1;
    for (std::size_t i = 0; i < d; ++i) lost *= 1 - clean;
    p += hops.share(h) * (1 - lost);
  }
  return p;
}

// Whether success rises in the number of paths and falls in the share of colluders.
struct order {
  bool rises = true;
  bool falls = true;
};

template <std::size_t K>
order measure(plan const& p, sheet& out, std::vector<std::uint8_t> const& paths,
              std::string const& of_k) {
  auto const& shares = p.adversaries;
  auto const calm = run_once<K>(p, 1, 0);
  out.measured("calm", "hops", "d=1" + of_k, calm.hops.mean());
  out.measured("calm", "success", "d=1" + of_k, calm.success);
  std::map<double, double> with_fewer;  // paths, by share
  order all;
  for (auto const d : paths) {
    auto const column = "d=" + name_of(d) + of_k;
    double before = 1;
    double sent = 0;
    for (auto const f : shares) {
      auto const r = run_once<K>(p, d, f);
      auto const expected = estimate(calm.hops, d, f);
      out.measured("success", name_of(f), column, r.success);
      out.measured("estimate", name_of(f), column, expected);
      out.measured("every hop", name_of(f), column, estimate(calm.hops, d, f, true));
      out.measured("difference", name_of(f), column, r.success - expected);
      all.falls = all.falls && r.success <= before;
      all.rises = all.rises && with_fewer[f] <= r.success;
      before = with_fewer[f] = r.success;
      sent = r.messages;
    }
    out.measured("messages", name_of(shares.back()), column, sent);
  }
  return all;
}

}  // namespace

void read_s_kademlia(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_s_kademlia(scenario const& in, sheet& out) {
  auto const p = plan_of(in);
  auto const found = measure<16>(p, out, p.paths, "");
  out.measured("ordering", "success", "rises in d", found.rises ? 1 : 0);
  out.measured("ordering", "success", "falls in f", found.falls ? 1 : 0);
  measure<8>(p, out, p.paths_k8, " k=8");
}

}  // namespace hydra::papers
