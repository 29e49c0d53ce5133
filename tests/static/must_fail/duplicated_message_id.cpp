// expect: ids_are_unique
// Two messages of one node with the same id could not be told apart on the wire.
#include <hydra/core/node.hpp>

template <int N>
struct word {
  static constexpr hydra::message_id id{hydra::room::node, 7, 1};
  template <class A>
  void serialize(A&, unsigned) {}
};
struct confused {
  using messages = hydra::type_list<word<0>, word<1>>;
  void on_message(auto&, hydra::peer, word<0> const&) {}
  void on_message(auto&, hydra::peer, word<1> const&) {}
};
static_assert(hydra::Node<confused>);
