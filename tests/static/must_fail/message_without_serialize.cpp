// expect: x.serialize(a, 0U)
// One serialize drives wire, digest and checkpoint: a message without it cannot travel.
#include <hydra/core/message.hpp>

struct silent {
  static constexpr hydra::message_id id{hydra::room::node, 1, 1};
  std::uint32_t what = 0;
};
static_assert(hydra::Message<silent>);
