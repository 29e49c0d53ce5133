// expect: list this fact under `facts` of the policy
// What a policy emits is part of its interface.
#include <hydra/core/policy.hpp>

struct surprise {
  template <class A>
  void serialize(A&, unsigned) {}
};
void push(hydra::fact_queue<hydra::type_list<hydra::kept>>& queue) {
  queue.push(hydra::room::trust, surprise{});
}
