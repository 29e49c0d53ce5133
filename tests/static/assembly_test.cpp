// The assembly, by its types: order, defaults, sizes, and ids that stay.
#include <hydra/assembly/hydra.hpp>
#include <hydra/assembly/one_of.hpp>
#include <hydra/code/trusted_bundles.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/scheduling/local_only.hpp>
#include <hydra/scheduling/nearest.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <algorithm>
#include <array>
#include <concepts>

namespace {

using namespace hydra;

// ---- order is free and missing slots are defaulted

using plain = Hydra<>;
using one_way = Hydra<routing::full_mesh, trusts::open, scheduling::nearest>;
using other_way = Hydra<scheduling::nearest, routing::full_mesh, trusts::open>;

static_assert(Node<plain>);
static_assert(Node<one_way>);
static_assert(Node<other_way>);
static_assert(std::same_as<plain::routing_type, routing::ring_and_keys>);
static_assert(std::same_as<plain::proximity_type, proximity::geographic>);
static_assert(std::same_as<plain::trust_type, trusts::rings>);
static_assert(std::same_as<plain::scheduling_type, scheduling::power_of_d>);
static_assert(std::same_as<plain::verify_type, verify::repeat>);
static_assert(std::same_as<plain::code_type, code::native_only>);
static_assert(std::same_as<one_way::routing_type, routing::full_mesh>);
static_assert(std::same_as<one_way::verify_type, verify::repeat>);
static_assert(std::same_as<one_way::routing_type, other_way::routing_type>);
static_assert(std::same_as<one_way::scheduling_type, other_way::scheduling_type>);
static_assert(std::same_as<one_way::messages, other_way::messages>);  // the lists, too
static_assert(std::same_as<one_way::facts, other_way::facts>);
static_assert(sizeof(one_way) == sizeof(other_way));
static_assert(std::constructible_from<one_way, hydra_settings, trusts::open, routing::full_mesh>);

// ---- a Hydra is its parts

template <class H>
constexpr std::size_t parts =
    sizeof(hydra_settings) + sizeof(job_protocol) + sizeof(typename H::routing_type) +
    sizeof(typename H::proximity_type) + sizeof(typename H::trust_type) +
    sizeof(typename H::scheduling_type) + sizeof(typename H::verify_type) +
    sizeof(typename H::code_type) + sizeof(objects);
static_assert(sizeof(plain) <= parts<plain> + 8);
static_assert(sizeof(one_way) <= parts<one_way> + 8);

// ---- ids do not depend on the composition, and each belongs to a room

template <class... M>
constexpr auto ids_of(type_list<M...>) {
  return std::array{M::id.packed()...};
}
template <class A, class B>
constexpr bool shares_job_ids() {
  constexpr auto in = [](auto const& all, std::uint32_t id) {
    return std::count(all.begin(), all.end(), id) == 1;
  };
  for (auto id : ids_of(job_protocol::messages{})) {
    if (!in(ids_of(typename A::messages{}), id)) return false;
    if (!in(ids_of(typename B::messages{}), id)) return false;
  }
  return true;
}
static_assert(shares_job_ids<plain, one_way>());
static_assert(bid::id.where == room::protocol);
static_assert(routing::find_node::id.where == room::routing);
static_assert(routing::have_you::id == message_id{room::routing, 20, 1});  // as published

// ---- a choice at run time is a policy of its slot, hardly larger than its largest alternative

template <class... P>
constexpr bool no_larger = sizeof(one_of<P...>) <= std::max({sizeof(P)...}) + 8;
template <class P>
using seen_by = archetype_view<P>;

using routes = one_of<routing::kademlia<8>, routing::full_mesh>;
static_assert(RoutingPolicy<routes, seen_by<routes>>);
static_assert(no_larger<routing::kademlia<8>, routing::full_mesh>);
using distances = one_of<proximity::geographic, proximity::uniform>;
static_assert(ProximityPolicy<distances, seen_by<distances>>);
static_assert(no_larger<proximity::geographic, proximity::uniform>);
using learnt = one_of<proximity::blend<>, proximity::geographic>;
static_assert(LearnsPlaces<learnt, seen_by<learnt>>);
static_assert(!LearnsPlaces<distances, seen_by<distances>>);
static_assert(no_larger<proximity::blend<>, proximity::geographic>);
using opinions = one_of<trusts::rings, trusts::open, trusts::beta_reputation>;
static_assert(TrustPolicy<opinions, seen_by<opinions>>);
static_assert(no_larger<trusts::rings, trusts::open, trusts::beta_reputation>);
using schedulers =
    one_of<scheduling::power_of_d, scheduling::nearest, scheduling::local_only>;
static_assert(SchedulingPolicy<schedulers, seen_by<schedulers>>);
static_assert(ChoosesWork<schedulers, seen_by<schedulers>>);
static_assert(ChoosesBidders<schedulers, seen_by<schedulers>>);
static_assert(no_larger<scheduling::power_of_d, scheduling::nearest, scheduling::local_only>);
using verifiers = one_of<verify::repeat, verify::none>;
static_assert(VerifyPolicy<verifiers, seen_by<verifiers>>);
static_assert(no_larger<verify::repeat, verify::none>);
using loaders = one_of<code::native_only, code::trusted_bundles>;
static_assert(CodePolicy<loaders, seen_by<loaders>>);
static_assert(no_larger<code::native_only, code::trusted_bundles>);

static_assert(Node<Hydra<loaders, verifiers, schedulers, opinions, distances, routes>>);
static_assert(std::constructible_from<schedulers, scheduling::local_only>);
static_assert(!std::constructible_from<schedulers, trusts::open>);

// Messages of the alternatives, each once.
static_assert(routes::messages::size ==
              routing::kademlia<8>::messages::size + routing::full_mesh::messages::size);
static_assert(std::same_as<one_of<routing::kademlia<8>, routing::kademlia<16>>::messages,
                           routing::kademlia<8>::messages>);
static_assert(routes::facts::size == 2);  // found, and located of those that locate keys

}  // namespace
