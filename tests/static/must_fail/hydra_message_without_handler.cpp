// expect: the node lists this message but has no on_message(env, from, m) for it
// Every room says it in the same words.
#include <hydra/assembly/hydra.hpp>
#include <hydra/testing/recorder.hpp>

struct rumour {
  static constexpr hydra::message_id id{hydra::room::scheduling, 200, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct deaf {
  using policy_concept = hydra::scheduling_tag;
  using messages = hydra::type_list<rumour>;
  hydra::choice place(auto&, hydra::job const&, std::span<hydra::candidate const>) { return {}; }
};
void deliver(hydra::Hydra<deaf>& node, hydra::testing::recorder& env) {
  node.on_message(env, hydra::peer{1}, rumour{});
}
