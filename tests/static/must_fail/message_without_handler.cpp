// expect: the node lists this message but has no on_message(env, from, m) for it
#include <hydra/core/archetype.hpp>
#include <hydra/core/node.hpp>

struct hello {
  static constexpr hydra::message_id id{hydra::room::node, 1, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct deaf {
  using messages = hydra::type_list<hello>;
};
void deliver(deaf& node, hydra::archetype_environment& env) {
  hydra::tell_message(node, env, hydra::peer{1}, hello{});
}
