// Code says whether a service may run here for somebody, and fetches what is missing.
#pragma once

#include <hydra/core/node.hpp>

#include <concepts>
#include <cstdint>

namespace hydra {

// What a bundle says about itself, signed by its publisher.
struct manifest {
  static constexpr message_id id{room::code, 100, 1};
  envelope about{};
  service what{};
  object_id bundle{};
  std::uint32_t permissions = 0;  // bits of `permission`
  hydra::signature signature{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& what& bundle& permissions& signature;
  }
};

template <class P, class E>
concept CodePolicy = PolicyFor<P, code_tag> &&
                     requires(P& p, P const& c, E& env, manifest const& m, principal who) {
                       { c.may_run(env, m, who) } -> std::same_as<verdict>;
                       p.offered(env, m);
                     };

}  // namespace hydra
