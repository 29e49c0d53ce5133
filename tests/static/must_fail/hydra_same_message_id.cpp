// expect: Hydra: two messages have the same id
// On the wire an id says which message follows.
#include <hydra/assembly/hydra.hpp>

struct rumour {
  static constexpr hydra::message_id id = hydra::bid::id;
  template <class A>
  void serialize(A&, unsigned) {}
};
struct gossips {
  using policy_concept = hydra::scheduling_tag;
  using messages = hydra::type_list<rumour>;
  void on_message(auto&, hydra::peer, rumour const&) {}
  hydra::choice place(auto&, hydra::job const&, std::span<hydra::candidate const>) { return {}; }
};
hydra::Hydra<gossips> wanted;
