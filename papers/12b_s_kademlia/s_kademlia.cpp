// Success of lookups among colluders, against P = sum_h p_h (1 - (1 - (1-f)^(h-1))^d).
#include "s_kademlia.hpp"

#include "../09_pastry/static_world.hpp"
#include "colluder.hpp"

#include <array>
#include <map>
#include <string>

namespace hydra::papers {

namespace {

constexpr std::size_t k = 16;
using policy = routing::kademlia<k>;
using node = suspect<k>;

struct attack {
  std::uint64_t seed;
  std::uint32_t peers;
  std::uint8_t paths;
  std::uint8_t width;
  std::vector<bool> colludes;
};

class setting : public sim::plain_setting {
 public:
  explicit setting(attack a)
      : plain_setting{a.seed, a.peers},
        attack_{std::make_shared<attack const>(std::move(a))},
        all_{everybody_of(attack_->seed, attack_->peers)},
        friends_{std::make_shared<friends const>(*all_, attack_->colludes)} {}

  [[nodiscard]] node make(sim::permutation const&, std::uint32_t who) const {
    routing::kademlia_settings s;
    s.disjoint_paths = attack_->paths;
    s.alpha = attack_->paths;  // one request under way on every path
    s.path_width = attack_->width;
    s.messages_max = 250;
    s.tick = 1h;               // no upkeep: tables stay as they are
    s.republish = 2h;
    s.record_lifetime = 3h;
    policy p{s};
    p.adopt_random(key_of(peer{who}), *all_, std::identity{}, attack_->seed);
    return node{p, attack_->colludes[who] ? friends_.get() : nullptr};
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
result run_once(scenario const& in, std::uint8_t paths, double share) {
  auto const n = static_cast<std::uint32_t>(in.integer("peers"));
  auto const lookups = static_cast<std::size_t>(in.integer("lookups"));
  attack a{in.seed(), n, paths, static_cast<std::uint8_t>(in.integer("path_width")), {}};
  a.colludes.assign(n, false);
  std::vector<std::uint32_t> all(n);
  for (std::uint32_t i = 0; i < n; ++i) all[i] = i;
  owned_stream chance{in.seed(), purpose::adversary, 0};
  auto const colluders = static_cast<std::size_t>(share * n + 0.5);
  for (auto who : chance.draw().sample(colluders, std::span<std::uint32_t>{all})) {
    a.colludes[who] = true;
  }
  auto const colludes = a.colludes;
  sim::world<node, setting, hop_counts> w{setting{std::move(a)}};
  std::size_t astray = 0;
  auto hops = look_up_pairs(w, in.seed(), lookups, astray,
                            [&](std::uint32_t who) { return !colludes[who]; });
  double messages = 0;
  for (auto const& f : hops.all) messages += f.messages;
  if (!hops.all.empty()) messages /= static_cast<double>(hops.all.size());
  return {1.0 - static_cast<double>(astray) / static_cast<double>(lookups), messages,
          std::move(hops)};
}

// The paper's estimate, for the hop distribution that was measured: of h heads on a path the last
// is the target, which is honest.
double estimate(hop_counts const& hops, std::size_t d, double f) {
  double p = 0;
  for (std::size_t h = 0; h < hop_counts::hops_max; ++h) {
    double clean = 1;
    for (std::size_t i = 1; i < h; ++i) clean *= 1 - f;
    double lost = 1;
    for (std::size_t i = 0; i < d; ++i) lost *= 1 - clean;
    p += hops.share(h) * (1 - lost);
  }
  return p;
}

}  // namespace

void run_s_kademlia(scenario const& in, sheet& out) {
  auto const shares = in.numbers("adversaries");
  auto const paths = in.numbers("paths");
  auto const calm = run_once(in, 1, 0);
  out.measured("calm", "hops", "d=1", calm.hops.mean());
  out.measured("calm", "success", "d=1", calm.success);
  std::map<double, std::vector<double>> of_share;
  bool falls = true;
  bool rises = true;
  for (auto const d : paths) {
    auto const column = "d=" + name_of(d);
    double before = 1;
    double sent = 0;
    for (auto const f : shares) {
      auto const r = run_once(in, static_cast<std::uint8_t>(d), f);
      auto const expected = estimate(calm.hops, static_cast<std::size_t>(d), f);
      out.measured("success", name_of(f), column, r.success);
      out.measured("estimate", name_of(f), column, expected);
      out.measured("difference", name_of(f), column, r.success - expected);
      auto& at = of_share[f];
      falls = falls && r.success <= before;
      rises = rises && (at.empty() || at.back() <= r.success);
      before = r.success;
      at.push_back(r.success);
      sent = r.messages;
    }
    out.measured("messages", name_of(shares.back()), column, sent);
  }
  out.measured("ordering", "success", "rises in d", rises ? 1 : 0);
  out.measured("ordering", "success", "falls in f", falls ? 1 : 0);
}

}  // namespace hydra::papers
