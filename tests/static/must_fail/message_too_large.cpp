// expect: message_bytes_max
// A message has a bound: larger things are objects.
#include <hydra/core/message.hpp>

struct film {
  static constexpr hydra::message_id id{hydra::room::node, 1, 1};
  std::array<std::uint64_t, 1000> frames{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& frames;
  }
};
static_assert(hydra::Message<film>);
