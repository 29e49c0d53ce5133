// What a Hydra uses for a slot that its author left out.
#pragma once

#include <hydra/code/native_only.hpp>
#include <hydra/proximity/geographic.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/scheduling/power_of_d.hpp>
#include <hydra/trust/rings.hpp>
#include <hydra/verify/repeat.hpp>

namespace hydra {

// One good policy per room; specialise nothing, pass your own to Hydra<...> instead.
template <class Tag>
struct default_policy;
template <>
struct default_policy<routing_tag> {
  using type = routing::kademlia<8>;
};
template <>
struct default_policy<proximity_tag> {
  using type = proximity::geographic;
};
template <>
struct default_policy<trust_tag> {
  using type = trusts::rings;
};
template <>
struct default_policy<scheduling_tag> {
  using type = scheduling::power_of_d;
};
template <>
struct default_policy<verify_tag> {
  using type = verify::repeat;
};
template <>
struct default_policy<code_tag> {
  using type = code::native_only;
};

}  // namespace hydra
