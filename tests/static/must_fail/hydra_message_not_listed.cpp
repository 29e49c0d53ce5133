// expect: list this message under `messages`
// A driver carries only what a node says it may send.
#include <hydra/assembly/hydra.hpp>
#include <hydra/sim/world.hpp>

struct rumour {
  static constexpr hydra::message_id id{hydra::room::scheduling, 200, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct gossips {
  using policy_concept = hydra::scheduling_tag;
  void on_start(auto& env) { env.send(hydra::peer{1}, rumour{}); }
  hydra::choice place(auto&, hydra::job const&, std::span<hydra::candidate const>) { return {}; }
};
using node = hydra::Hydra<gossips>;
struct nowhere : hydra::sim::plain_setting {
  using plain_setting::plain_setting;
  node make(hydra::sim::permutation const&, std::uint32_t) const { return {}; }
  hydra::sim::delivery route(hydra::sim::transmission const&) const { return {}; }
};
hydra::sim::world<node, nowhere> wanted{nowhere{1, 2}};
