#include "discovery.hpp"
#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hydra::papers {
namespace {

using namespace discovery;

struct world_name {
  std::string_view name;
  churn_law churn;
  std::uint32_t liars_percent;
  bool real_ring;
};
constexpr std::array<world_name, 7> worlds{{
    {"calm", churn_law::none, 0, false},
    {"skype", churn_law::skype, 0, false},
    {"overnet", churn_law::overnet, 0, false},
    {"skype 10 % liars", churn_law::skype, 10, false},
    {"skype 20 % liars", churn_law::skype, 20, false},
    {"skype 30 % liars", churn_law::skype, 30, false},
    {"skype real ring", churn_law::skype, 0, true},
}};

// How rare a service is: holders per head.
constexpr std::array<std::string_view, 4> rarities{"over 10 %", "over 1 %", "over 0.1 %", "rarer"};
std::size_t rarity_of(std::uint32_t holders, std::uint32_t heads) {
  auto const share = static_cast<double>(holders) / heads;
  return share >= 0.1 ? 0 : share >= 0.01 ? 1 : share >= 0.001 ? 2 : 3;
}

struct question {
  std::uint32_t who;
  std::uint32_t what;
  instant asked;
  bool answered = false;
  bool lost = false;  // the asker went down first
};

struct tally {
  double n = 0;
  double sum = 0;
  void add(double x) {
    n += 1;
    sum += x;
  }
  [[nodiscard]] double mean() const { return n > 0 ? sum / n : 0; }
};

struct traffic {
  double messages = 0;
  double bytes = 0;
};

// Of one policy in one world of one seed; nothing where there was nothing to take a mean of.
struct means {
  using mean = std::optional<double>;
  mean success, messages, time_ms, bytes, untrue;
};

traffic sent(study_world const& w) {
  auto const c = w.counts();
  return {static_cast<double>(c.sent), static_cast<double>(c.bytes)};
}
template <class... A>
double held(study_world& w, type_list<A...>) {
  return (0.0 + ... + static_cast<double>(w.bytes_of<A>()));
}

// Every parameter.
struct study_plan {
  struct part {
    std::uint32_t heads;
    std::vector<std::size_t> worlds;
    std::vector<std::size_t> policies;
  };
  std::uint64_t seed;
  std::array<part, 2> parts;
  std::uint32_t friends;
  std::uint32_t wary;
  std::uint32_t loss_per_mille;
  std::chrono::seconds warm_up;
  std::size_t finds;
  duration pause;
};

// With up to 8 friends per newcomer somebody always has room for one more (`most_friends`).
study_plan plan_of(scenario const& s) {
  constexpr std::uint32_t most_heads = 500'000;
  auto const part = [&](std::string const& of) {
    return study_plan::part{
        s.integer<std::uint32_t>(of + "heads", fewest_heads, most_heads),
        s.integers<std::size_t>(of + "worlds", 0, worlds.size() - 1),
        s.integers<std::size_t>(of + "policies", 0, names.size() - 1)};
  };
  return {.seed = s.seed(),
          .parts = {part(""), part("large_")},
          .friends = s.integer<std::uint32_t>("friends", 1, most_friends / 2),
          .wary = s.integer<std::uint32_t>("wary", 1, 1000),
          .loss_per_mille = s.integer<std::uint32_t>("loss_per_mille", 0, 1000),
          .warm_up = std::chrono::seconds{s.integer("warm_up_s", 0, 86'400)},
          .finds = s.integer<std::size_t>("finds", 1, 100'000),
          .pause = duration{static_cast<std::int64_t>(s.number("pause_s", 0.001, 600) * 1e9)}};
}

class trial {
 public:
  trial(study_plan const& s, world_plan const& p)
      : heads_{p.heads}, questions_{s.finds}, pause_{s.pause}, world_{study_setting{p}},
        chance_{p.seed, purpose::workload, 0} {
    world_.run_for(s.warm_up);
  }

  void run() {
    auto const before = sent(world_);
    auto const from = world_.now();
    auto quiet = world_;
    for (std::size_t i = 0; i < questions_; ++i) {
      ask();
      world_.run_for(pause_);
      read();
    }
    for (int i = 0; i < 15; ++i) {
      world_.run_for(1s);
      read();
    }
    // The same time once more, in which nobody asks: what is more in ours, the finds cost.
    quiet.run_until(world_.now());
    auto const asked = sent(world_);
    auto const idle = sent(quiet);
    if (asked_.empty()) return;
    auto const finds = static_cast<double>(asked_.size());
    cost_ = {(asked.messages - idle.messages) / finds, (asked.bytes - idle.bytes) / finds};
    upkeep_rate_ = (idle.bytes - before.bytes) / seconds(world_.now() - from) / heads_;
  }

  // `keys`: what Kademlia came to in the same world, where the same heads asked the same at the
  // same instants. Who goes before it is answered does not count, which may be another for each.
  void report(sheet& out, std::string const& world, std::string const& policy, double size,
              std::optional<means> const& keys) {
    auto const put = [&](char const* column, double value) {
      out.measured(world, policy, column, value);
    };
    // A mean of nothing is not said.
    auto const put_mean = [&](char const* column, tally const& t) {
      if (t.n > 0) put(column, t.mean());
    };
    put_mean("success", success_);
    put("finds", success_.n);
    put_mean("hops", hops_);
    put_mean("questions", asked_for_);
    if (!asked_.empty()) put("messages", cost_.messages);
    put_mean("time ms", time_ms_);
    if (!asked_.empty()) put("bytes", cost_.bytes);
    put_mean("stale", stale_);
    put_mean("false", false_);
    put_mean("honest", honest_);
    put_mean("honest way", honest_way_);
    put("upkeep B/s", upkeep_rate_);
    put("memory B", size + held(world_, activities_of<study_node>{}) / heads_);
    for (std::size_t i = 0; i < rarities.size(); ++i) {
      if (by_rarity_[i].n == 0) continue;
      out.measured("success by holders; " + world, policy, rarities[i], by_rarity_[i].mean());
    }
    if (!keys) return;
    auto const mine = in_short();
    auto const differ = [&](char const* column, means::mean const& a, means::mean const& b) {
      if (a && b) out.measured("beside kademlia; " + world, policy, column, *a - *b);
    };
    differ("success", mine.success, keys->success);
    differ("messages", mine.messages, keys->messages);
    differ("time ms", mine.time_ms, keys->time_ms);
    differ("bytes", mine.bytes, keys->bytes);
    differ("false", mine.untrue, keys->untrue);
  }
  [[nodiscard]] means in_short() const {
    auto const mean = [](tally const& t) {
      return t.n > 0 ? means::mean{t.mean()} : means::mean{};
    };
    return {mean(success_), cost_.messages, mean(time_ms_), cost_.bytes, mean(false_)};
  }

 private:
  // Somebody honest, up, who has not asked before, wants what it cannot do and somebody can.
  void ask() {
    auto const& offers = world_.setting().offers();
    for (int tries = 0; tries < 1000; ++tries) {
      auto const who = static_cast<std::uint32_t>(chance_.below(heads_));
      auto const what = popular(chance_);
      bool const fit = world_.up(peer{who}) && !lies(world_.setting().plan(), who) &&
                       !world_.setting().performs(who, what) && offers.holders[what] > 0;
      bool const before = std::any_of(asked_.begin(), asked_.end(),
                                      [&](question const& q) { return q.who == who; });
      if (!fit || before) continue;
      if (!anybody_up(what)) continue;
      asked_.push_back({who, what, world_.now()});
      want w;
      w.what = service{what};
      world_.tell(peer{who}, look_for{w});
      return;
    }
  }
  [[nodiscard]] bool anybody_up(std::uint32_t what) {
    for (std::uint32_t i = 0; i < heads_; ++i) {
      if (world_.setting().performs(i, what) && world_.up(peer{i})) return true;
    }
    return false;
  }
  void read() {
    world_.each_observer([&](study_observer& o) {
      for (auto const& e : o.finds) take(e);
      o.finds.clear();
    });
    for (auto& q : asked_) {
      bool const over = !q.answered && !q.lost && world_.now() - q.asked > 14s;
      if (q.answered || q.lost) continue;
      if (!world_.up(peer{q.who})) q.lost = true;
      if (over && !q.lost) {  // a policy that keeps its promise never comes here
        q.answered = true;
        judge(q, false);
      }
    }
  }
  void judge(question const& q, bool good) {
    success_.add(good ? 1 : 0);
    auto const holders = world_.setting().offers().holders[q.what];
    by_rarity_[rarity_of(holders, heads_)].add(good ? 1 : 0);
  }
  void take(study_observer::entry const& e) {
    auto const it = std::find_if(asked_.begin(), asked_.end(), [&](question const& q) {
      return q.who == e.who && !q.answered;
    });
    if (it == asked_.end()) return;
    it->answered = true;
    bool good = false;
    auto const& plan = world_.setting().plan();
    for (std::size_t i = 0; i < e.what.among.size(); ++i) {
      auto const who = e.what.among[i].who.index();
      bool const up = world_.up(peer{who});
      bool const truly = world_.setting().performs(who, it->what);
      good = good || (up && truly);
      stale_.add(up ? 0 : 1);
      false_.add(truly ? 0 : 1);
      honest_.add(lies(plan, who) ? 0 : 1);
      auto const way = e.what.via.of(i);
      if (way.empty()) continue;  // nobody referred to it
      bool const honest = std::none_of(way.begin(), way.end(),
                                       [&](peer p) { return lies(plan, p.index()); });
      honest_way_.add(honest ? 1 : 0);
    }
    judge(*it, good);
    asked_for_.add(e.what.messages);
    time_ms_.add(seconds(e.at - it->asked) * 1000);
    if (!e.what.among.empty()) hops_.add(e.what.hops);
  }

  std::uint32_t heads_;
  std::size_t questions_;
  duration pause_;
  study_world world_;
  owned_stream chance_;
  std::vector<question> asked_{};
  tally success_{}, hops_{}, asked_for_{}, time_ms_{}, stale_{}, false_{}, honest_{}, honest_way_{};
  std::array<tally, rarities.size()> by_rarity_{};
  traffic cost_{};  // of a find
  double upkeep_rate_ = 0;
};

double size_of(std::size_t policy) {
  return contender_named(policy).visit([](auto const& p) {
    return static_cast<double>(sizeof(p));
  });
}

void run_world(study_plan const& s, sheet& out, std::uint32_t heads, std::size_t which,
               std::vector<std::size_t> const& policies) {
  auto const& world = worlds.at(which);
  world_plan plan;
  plan.seed = s.seed;
  plan.heads = heads;
  plan.liars_percent = world.liars_percent;
  plan.loss_per_mille = s.loss_per_mille;
  plan.churn = world.churn;
  auto name = fmt::format("{}; {} heads", world.name, heads);
  if (world.real_ring) {
    auto real = bitcoin_otc();
    if (!real) return;  // discovery_lacks has said so
    plan.ring = std::move(*real);
    plan.heads = static_cast<std::uint32_t>(plan.ring.size());
    name = world.name;
  } else {
    social_plan ring{s.seed, plan.heads, s.friends, s.wary, {}};
    for (std::uint32_t i = 0; i < plan.heads; ++i) ring.liars.push_back(lies(plan, i));
    plan.ring = barabasi_albert(ring);
  }
  std::optional<means> keys;
  for (auto const policy : policies) {
    plan.policy = policy;
    trial t{s, plan};
    t.run();
    t.report(out, name, std::string{names.at(plan.policy)}, size_of(plan.policy), keys);
    if (plan.policy == 0) keys = t.in_short();
  }
}

// One for each policy: nothing of its row can be had.
void add_lacks_of(study_plan::part const& p, std::string const& why, std::vector<lack>& to) {
  for (auto const w : p.worlds) {
    if (!worlds.at(w).real_ring) continue;
    for (auto const policy : p.policies) {
      to.push_back({std::string{worlds.at(w).name}, std::string{names.at(policy)}, "success", why});
    }
  }
}

}  // namespace

std::vector<lack> discovery_lacks(scenario const& s) {
  std::vector<lack> out;
  auto const why = bitcoin_otc_lacking();
  auto const p = plan_of(s);
  for (auto const& part : p.parts) add_lacks_of(part, why, out);
  if (!why.empty()) return out;
  if (!out.empty()) static_cast<void>(bitcoin_otc());  // what is broken is said before a long run
  return {};
}

void read_discovery(scenario const& s) { static_cast<void>(plan_of(s)); }

void run_discovery(scenario const& s, sheet& out) {
  auto const p = plan_of(s);
  for (auto const& part : p.parts) {
    for (auto const which : part.worlds) run_world(p, out, part.heads, which, part.policies);
  }
}

}  // namespace hydra::papers
