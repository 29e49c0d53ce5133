#include "../catch.hpp"

#include <hydra/assembly/choices.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/code/trusted_bundles.hpp>
#include <hydra/core/derive.hpp>
#include <hydra/membership/hyparview.hpp>
#include <hydra/membership/swim.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/scheduling/mindful.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/testing/recorder.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>
#include <hydra/wire/archive.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/serialization/array.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <sstream>
#include <vector>

namespace {

using namespace hydra;

struct forgetful {
  std::uint8_t said = 0;
  std::uint32_t unsaid = 0;  // three bytes of padding lie before it
  template <class A>
  void serialize(A& a, unsigned) {
    a& said;
  }
};
struct holds_forgetful {
  bounded_vector<forgetful, 3> some{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& some;
  }
};
struct heir : scheduling::nearest {
  std::uint32_t added = 0;
};

template <class T>
void check_one() {
  INFO("a type of " << sizeof(T) << " bytes");
  CHECK(testing::forgotten<T>() == std::vector<std::size_t>{});
}
template <class... T>
void check_all(type_list<T...>) {
  (check_one<T>(), ...);
}
template <class In, class Out, class P>
std::unique_ptr<P> through_boost(P const& p) {
  std::stringstream bytes;
  {
    Out out{bytes};
    out << p;
  }
  auto again = std::make_unique<P>();
  In in{bytes};
  in >> *again;
  return again;
}
// Out and in again through every archive: the same bytes in our own.
template <class P>
void check_round_trips(P const& p) {
  namespace to = boost::archive;
  INFO("a type of " << sizeof(P) << " bytes");
  auto const bytes = to_bytes(p);
  auto const ours = from_bytes<P>(bytes);
  if (!ours.ok()) FAIL(ours.why());
  CHECK(to_bytes(ours.value()) == bytes);
  CHECK(to_bytes(*through_boost<to::text_iarchive, to::text_oarchive>(p)) == bytes);
  CHECK(to_bytes(*through_boost<to::binary_iarchive, to::binary_oarchive>(p)) == bytes);
}

template <class P>
void check_policy() {
  STATIC_REQUIRE(Restorable<P>);
  check_all(type_list<P>{});
  check_all(messages_of<P>{});
  check_all(facts_of<P>{});
  check_all(inputs_of<P>{});
  check_all(activities_of<P>{});
  check_all(records_of<P>{});
}

}  // namespace

TEST_CASE("what serialize() forgets is found, padding is not missed") {
  if (!testing::sees_padding) return;  // this compiler does not say where padding lies
  CHECK(testing::forgotten<forgetful>() == std::vector<std::size_t>{4, 5, 6, 7});
  CHECK_FALSE(testing::forgotten<holds_forgetful>().empty());
  CHECK_FALSE(testing::forgotten<heir>().empty());  // inherits a serialize() that knows it not
  CHECK(testing::forgotten<capacity>().empty());
}

TEST_CASE("every policy of the library describes all of its state") {
  check_policy<proximity::geographic>();
  check_policy<proximity::uniform>();
  check_policy<proximity::vivaldi<>>();
  check_policy<proximity::blend<>>();
  check_policy<trusts::rings>();
  check_policy<trusts::basic_rings<16>>();
  check_policy<trusts::beta_reputation>();
  check_policy<trusts::open>();
  check_policy<scheduling::power_of_d>();
  check_policy<scheduling::mindful>();
  check_policy<scheduling::nearest>();
  check_policy<scheduling::local_only>();
  check_policy<verify::repeat>();
  check_policy<verify::none>();
  check_policy<code::native_only>();
  check_policy<code::trusted_bundles>();
  check_policy<routing::full_mesh>();
  check_policy<membership::swim<16>>();
  check_policy<membership::hyparview<>>();
  check_policy<cluster<membership::swim<16>>>();
  check_policy<objects>();
  check_policy<job_protocol>();
  check_all(driver_facts{});
  check_all(type_list<hydra_settings, manifest, testimony, owned_job, held_lease>{});
}

TEST_CASE("Kademlia and a whole Hydra describe all of their state") {
  // Free places of the table are not written down: here it is full.
  auto k = std::make_unique<routing::kademlia<8>>();
  std::vector<routing::introduction> everybody;
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    everybody.push_back({peer{i}, derived_key(1, peer{i}), {}});
  }
  std::sort(everybody.begin(), everybody.end(),
            [](auto const& a, auto const& b) { return a.key < b.key; });
  auto t = routing::direct_table<8>(everybody[7].key, everybody);
  for (auto const& e : everybody) {
    t.learn({e.who, e.key.prefix(), 0, 0, 0}, routing::evidence::answered, origin);
  }
  CHECK(t.size() > 0);
  k->adopt(t);
  auto const missed = testing::forgotten(*k);
  auto const free = (routing::table<8>::capacity - t.size()) * sizeof(routing::contact);
  CHECK(missed.size() == (testing::sees_padding ? free : 0));
  check_all(messages_of<routing::kademlia<8>>{});
  check_all(facts_of<routing::kademlia<8>>{});
  check_all(activities_of<routing::kademlia<8>>{});
  check_all(records_of<routing::kademlia<8>>{});
  check_all(activities_of<routing::ring_and_keys>{});

  using flat = Hydra<routing::full_mesh, trusts::rings, scheduling::nearest>;
  STATIC_REQUIRE(Described<flat>);
  STATIC_REQUIRE(Described<Hydra<>>);
  STATIC_REQUIRE(Described<Hydra<any_scheduler>>);
  check_one<flat>();
}

TEST_CASE("policies that have lived go through every archive") {
  testing::recorder env{{.seed = 7, .self = peer{0}}};
  routing::kademlia<8> k{{.alpha = 2}};
  trusts::rings r{{.half_life = 3h}, {principal{4}, principal{5}}};
  proximity::geographic g{{.own = {1, 2, 3}, .disclose = true}};
  auto to_k = env.view<routing::kademlia<8>>();
  auto to_r = env.view<trusts::rings>();
  auto to_g = env.view<proximity::geographic>();
  k.on_start(to_k);
  r.on_start(to_r);
  for (std::uint32_t i = 1; i < 60; ++i) {
    k.seen(to_k, peer{i});
    r.vouched(to_r, principal{4}, principal{i}, trust::percent(70));
    r.proof(to_r, principal{100 + i});
    g.observe(to_g, peer{i}, 1ms * static_cast<int>(i));
  }
  CHECK(k.contacts() > 10);
  CHECK(r.remembered() > 10);
  check_round_trips(k);
  check_round_trips(r);
  check_round_trips(g);
  check_round_trips(trusts::beta_reputation{{.half_life = 9h}});
  check_round_trips(code::trusted_bundles{{{principal{3}, 1}}});
  check_round_trips(verify::repeat{{ratio{1, 2}, ratio{1, 3}, ratio{1, 4}, ratio{1, 5}}});
  check_round_trips(any_scheduler{scheduling::local_only{}});
  hydra_settings s;
  s.offers.push_back(service{3});
  s.contacts.push_back(peer{9});
  s.times.lease = 77s;
  routing::ring_and_keys const both{k, routing::capability<>{}};
  check_round_trips(Hydra<any_scheduler>{s, both, r, g, any_scheduler{scheduling::nearest{}}});
}

TEST_CASE("a table that no table wrote is taken for an empty one") {
  routing::table<8> t{derived_key(1, peer{1})};
  t.learn({peer{2}, 7, 0, 0, 0}, routing::evidence::answered, origin);
  auto bytes = to_bytes(t);
  bytes[4] = std::byte{200};  // so many in the first bucket
  auto const read = from_bytes<routing::table<8>>(bytes);
  CHECK((!read.ok() || read.value().empty()));
}
