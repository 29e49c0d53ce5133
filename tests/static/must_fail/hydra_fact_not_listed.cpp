// expect: list this fact under `facts` of the policy
// What a policy emits is part of its interface: the parent must know it.
#include <hydra/assembly/hydra.hpp>
#include <hydra/testing/recorder.hpp>

struct surprise {
  template <class A>
  void serialize(A&, unsigned) {}
};
struct blurts_out {
  using policy_concept = hydra::scheduling_tag;
  void on_start(auto& env) { env.emit(surprise{}); }
  hydra::choice place(auto&, hydra::job const&, std::span<hydra::candidate const>) { return {}; }
};
void start(hydra::Hydra<blurts_out>& node, hydra::testing::recorder& env) { env.start(node); }
