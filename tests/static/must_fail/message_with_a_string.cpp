// expect: is_trivially_copyable
// Messages are bounded values: what is larger is an object named by its hash.
#include <hydra/core/message.hpp>

#include <string>

struct gossip {
  static constexpr hydra::message_id id{hydra::room::node, 1, 1};
  std::string rumour;
  template <class A>
  void serialize(A&, unsigned) {}
};
static_assert(hydra::Message<gossip>);
