// The worlds of the study: who lives where, knows whom, performs what, comes, goes, and lies.
#pragma once

#include "contenders.hpp"
#include "ring.hpp"

#include <hydra/sim/latency.hpp>
#include <hydra/sim/positions.hpp>
#include <hydra/sim/quantile.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace hydra::papers::discovery {

inline constexpr std::uint32_t ranks = 100;  // services, by popularity
inline constexpr std::size_t offers_max = 16;

enum class churn_law : std::uint8_t { none, skype, overnet };

struct world_plan {
  std::uint64_t seed = 1;
  std::uint32_t heads = 1000;
  std::uint32_t liars_percent = 0;
  std::uint32_t loss_per_mille = 10;
  churn_law churn = churn_law::none;
  std::size_t policy = 0;  // of `names`
  ring_graph ring{};
};

// Who performs what. Service r, counted from 1, has heads / r^a holders, a such that the last one
// has a single holder among 10^(2a) heads: from universal to one in as many as there are.
struct offers_plan {
  std::vector<std::vector<std::uint32_t>> truly;    // by head: services it performs
  std::vector<std::vector<std::uint32_t>> claimed;  // and says that it performs
  std::vector<std::uint32_t> holders;               // by service: who performs it
};
[[nodiscard]] offers_plan make_offers(world_plan const& p);

// What is asked for: service r with a weight of 1 / r.
[[nodiscard]] inline std::uint32_t popular(owned_stream& chance) {
  constexpr std::uint64_t unit = 1'000'000;
  std::uint64_t sum = 0;
  for (std::uint32_t r = 1; r <= ranks; ++r) sum += unit / r;
  auto at = chance.below(sum);
  std::uint32_t r = 1;
  while (at >= unit / r) at -= unit / r++;
  return r;
}

[[nodiscard]] inline bool lies(world_plan const& p, std::uint32_t who) noexcept {
  return mix64(p.seed ^ mix64(who ^ 0x11a5ULL)) % 100 < p.liars_percent;
}

struct introduced {
  peer who{};
  hydra::key key{};
  netgroup group{};
};

class study_setting : public sim::plain_setting {
 public:
  explicit study_setting(world_plan const& p);

  [[nodiscard]] study_node make(sim::permutation const&, std::uint32_t who) const;
  static constexpr bool counts_bytes = true;
  [[nodiscard]] duration window() const { return shared_->delays->minimum(); }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    if (t.from == t.to) return {.delay = 1us};
    auto const bits = mix64(seed() ^ mix64(std::uint64_t{t.from} << 32U | t.to) ^ t.sequence);
    return {.delay = shared_->delays->delay(peer{t.from}, peer{t.to}, t.at, t.sequence),
            .dropped = bits % 1000 < shared_->plan.loss_per_mille};
  }

  template <class Around>
  void begin(Around& around, std::uint32_t who) const {
    auto const now = at_the_start(who);
    bool const up = now.count % 2 == 0;
    if (!up) around.start_down();
    if (up) around.wake_at(origin + 1s, publish_code);
    if (churns(who)) around.wake_at(origin + now.left, now.count + 1);
  }
  template <class Around>
  void wake(Around& around, std::uint32_t who, std::uint32_t code) const {
    if (code == publish_code) return publish(around, who);
    if (code % 2 == 1) {
      around.crash();
    } else {
      around.restart();
      around.wake_at(around.now() + 1s, publish_code);
    }
    around.wake_at(around.now() + session(who, code), code + 1);
  }

  [[nodiscard]] offers_plan const& offers() const noexcept { return shared_->offers; }
  [[nodiscard]] world_plan const& plan() const noexcept { return shared_->plan; }
  [[nodiscard]] bool performs(std::uint32_t who, std::uint32_t what) const {
    auto const& mine = shared_->offers.truly[who];
    return std::find(mine.begin(), mine.end(), what) != mine.end();
  }

 private:
  static constexpr std::uint32_t publish_code = 0x7fffffffU;
  struct shared_state {
    world_plan plan;
    offers_plan offers;
    conspiracy lies;
    std::vector<introduced> everybody;  // by key
    std::shared_ptr<sim::planet_latency const> delays;
    sim::quantile_law uptime;
    sim::quantile_law downtime;
  };

  [[nodiscard]] bool churns(std::uint32_t who) const noexcept {
    return shared_->plan.churn != churn_law::none && !lies(shared_->plan, who);
  }
  // Which session it is in when the world begins, after 60 days of coming and going: even ones are
  // up. Sessions that are under way are long ones, so a world that began with new ones would churn
  // several times too fast.
  struct residual {
    std::uint32_t count = 0;
    duration left{};
  };
  [[nodiscard]] residual at_the_start(std::uint32_t who) const;
  [[nodiscard]] bool starts_up(std::uint32_t who) const { return at_the_start(who).count % 2 == 0; }
  [[nodiscard]] duration session(std::uint32_t who, std::uint32_t n) const;
  template <class Around>
  void publish(Around& around, std::uint32_t who) const {
    if (!around.up()) return;
    for (auto what : shared_->offers.claimed[who]) {
      provider_record r;
      r.what = service{what};
      around.tell(announce{r});
    }
  }

  std::shared_ptr<shared_state const> shared_;
};

// What was found, in the order of time; whoever reads it takes it away.
struct study_observer {
  struct entry {
    instant at{};
    std::uint32_t who = 0;
    found what{};
  };
  std::vector<entry> finds{};
  std::uint64_t misled = 0;
  void fact(instant at, std::uint32_t who, found const& f) { finds.push_back({at, who, f}); }
  void fact(instant, std::uint32_t, hydra::misled const&) { ++misled; }
  template <class F>
  void fact(instant, std::uint32_t, F const&) {}
  void merge(study_observer const& o) {
    finds.insert(finds.end(), o.finds.begin(), o.finds.end());
    misled += o.misled;
  }
};

using study_world = sim::world<study_node, study_setting, study_observer>;

}  // namespace hydra::papers::discovery
