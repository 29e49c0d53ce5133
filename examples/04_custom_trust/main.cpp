// Trust of one's own: credit grows slowly with work that was done and is gone with one lie.
// run: hello --no-timings --no-out
//
// Ring 1 is "known well": verification repeats one result in ten of these, and all of ring 3.
#include <hydra/sim/main.hpp>

#include <cstdint>

class slow_credit {
  struct account {
    hydra::principal who{};
    std::int32_t percent = 50;
  };
  hydra::bounded_vector<account, 64> known{};  // bounded: whoever comes later stays a stranger

  std::int32_t credit(hydra::principal who) const {
    for (auto const& a : known)
      if (a.who == who) return a.percent;
    return 50;
  }
  void set(hydra::principal who, std::int32_t percent) {
    for (auto& a : known)
      if (a.who == who) return void(a.percent = percent);
    known.try_push_back({who, percent});
  }

 public:
  using policy_concept = hydra::trust_tag;

  void observe(auto& env, hydra::receipt const& r) {
    auto const who = r.about.signer;  // whose work it was; our own teaches us nothing
    auto const now = credit(who);
    if (who == env.about(env.self()).principal || now == 0) return;
    set(who, r.result == hydra::outcome::done ? now + (100 - now) / 8 : now * 3 / 4);
  }
  void vouched(auto&, hydra::principal, hydra::principal, hydra::trust) {}  // hearsay
  void proof(auto&, hydra::principal who) { set(who, 0); }

  hydra::trust score(hydra::principal who) const { return hydra::trust::percent(credit(who)); }
  hydra::verdict admits(auto&, hydra::principal who, hydra::right) const {
    auto const percent = credit(who);
    return {percent >= 20, score(who), static_cast<std::uint8_t>(percent > 60 ? 1 : 3)};
  }
};
static_assert(hydra::TrustPolicy<slow_credit, hydra::archetype_view<slow_credit>>);

using my_hydra = hydra::Hydra<slow_credit>;

int main(int argc, char** argv) { return hydra::sim::main<my_hydra>(argc, argv); }
