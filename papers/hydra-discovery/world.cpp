#include "world.hpp"

#include "../harness/paper.hpp"

#include <cmath>
#include <utility>

namespace hydra::papers::discovery {
namespace {

std::shared_ptr<sim::planet_latency const> planet_delays(world_plan const& p) {
  auto const map = sim::atlas::load();
  sim::positions const where{map, {.sites = p.heads, .heads_per_site = 1, .seed = p.seed,
                                   .settled = {}}};
  return std::make_shared<sim::planet_latency const>(where, p.seed);
}

}  // namespace

contender contender_named(std::size_t i) {
  switch (i) {
    case 0: return keys{};
    case 1: return keys{{.disjoint_paths = 4}};
    case 2: return chord{};
    case 3: return pastry{};
    case 4: return small_world{};
    case 5: return floods{};
    case 6: return walks{};
    case 7: return filters{};
    case 8: return indices{};
    case 9: return ring_then_keys{};
    case 10: return ring_and_keys{};
    case 11: return remembered{};
    case 12: return ring_and_pastry{};
    default: throw paper_error{"no contender has the number " + std::to_string(i)};
  }
}

offers_plan make_offers(world_plan const& p) {
  offers_plan out{std::vector<std::vector<std::uint32_t>>(p.heads),
                  std::vector<std::vector<std::uint32_t>>(p.heads), {0}};
  auto const a = std::log(static_cast<double>(p.heads)) / std::log(static_cast<double>(ranks));
  std::vector<std::uint32_t> all(p.heads);
  for (std::uint32_t i = 0; i < p.heads; ++i) all[i] = i;
  owned_stream chance{p.seed, purpose::service, 0};
  for (std::uint32_t r = 1; r <= ranks; ++r) {
    auto const share = std::pow(static_cast<double>(r), -a);
    auto const wanted = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(
                                                       std::lround(p.heads * share)));
    auto draw = chance.draw();
    std::uint32_t holders = 0;
    for (auto who : draw.sample(wanted, std::span{all})) {
      if (lies(p, who) || out.truly[who].size() == offers_max) continue;
      out.truly[who].push_back(r);
      ++holders;
    }
    out.holders.push_back(holders);
  }
  for (std::uint32_t i = 0; i < p.heads; ++i) {
    out.claimed[i] = out.truly[i];
    if (!lies(p, i)) continue;
    for (int k = 0; k < 2; ++k) {
      out.claimed[i].push_back(1 + static_cast<std::uint32_t>(chance.below(ranks)));
    }
  }
  return out;
}

study_setting::study_setting(world_plan const& p) : plain_setting{p.seed, p.heads} {
  auto made = std::make_shared<shared_state>();
  made->plan = p;
  made->offers = make_offers(p);
  for (std::uint32_t i = 0; i < p.heads; ++i) {
    if (lies(p, i)) made->lies.accomplices.push_back(i);
  }
  for (std::uint32_t r = 1; r <= ranks; ++r) {
    made->lies.boasts.push_back(routing::tag_of_service(key_of(service{r})));
  }
  made->delays = planet_delays(p);
  if (p.churn != churn_law::none) {
    auto const laws = sim::law_book::load();
    std::string const of = p.churn == churn_law::skype ? "skype06" : "overnet03";
    made->uptime = laws.law(of + "/uptime/weibull");
    made->downtime = laws.law(of + "/downtime/weibull");
  }
  shared_ = made;
  // Tables know those who are there at the start; who comes back has its table of then.
  for (std::uint32_t i = 0; i < p.heads; ++i) {
    if (starts_up(i)) made->everybody.push_back({peer{i}, key_of(peer{i}), netgroup_of(i)});
  }
  std::sort(made->everybody.begin(), made->everybody.end(),
            [](auto const& x, auto const& y) { return x.key < y.key; });
}

study_node study_setting::make(sim::permutation const&, std::uint32_t who) const {
  auto policy = contender_named(shared_->plan.policy);
  policy.visit([&](auto& p) { prepare(p, key_of(peer{who}), shared_->everybody); });
  bounded_vector<peer, 16> contacts;
  for (auto other : shared_->plan.ring[who]) contacts.try_push_back(peer{other});
  bool const liar = lies(shared_->plan, who) && !shared_->lies.accomplices.empty();
  return {alone<contender>{policy, contacts}, liar ? &shared_->lies : nullptr};
}

study_setting::residual study_setting::at_the_start(std::uint32_t who) const {
  residual r;
  if (!churns(who)) return r;
  auto const days = std::chrono::hours{24 * 60};
  duration at = -days;
  for (auto first = session(who, 0); at + first <= duration{}; first = session(who, r.count)) {
    at += first;
    ++r.count;
  }
  r.left = at + session(who, r.count);
  return r;
}

duration study_setting::session(std::uint32_t who, std::uint32_t n) const {
  auto const u = mix64(stream_base(seed(), purpose::churn, who) + n + 1);
  auto const drawn = n % 2 == 0 ? shared_->uptime.draw(u) : shared_->downtime.draw(u);
  return std::max<duration>(drawn, 1s);
}

}  // namespace hydra::papers::discovery
