#include "../catch.hpp"

#include <hydra/assembly/choices.hpp>
#include <hydra/assembly/hydra.hpp>
#include <hydra/code/trusted_bundles.hpp>
#include <hydra/core/derive.hpp>
#include <hydra/proximity/uniform.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/testing/described.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
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
  check_policy<trusts::rings>();
  check_policy<trusts::basic_rings<16>>();
  check_policy<trusts::beta_reputation>();
  check_policy<trusts::open>();
  check_policy<scheduling::power_of_d>();
  check_policy<scheduling::nearest>();
  check_policy<scheduling::local_only>();
  check_policy<verify::repeat>();
  check_policy<verify::none>();
  check_policy<code::native_only>();
  check_policy<code::trusted_bundles>();
  check_policy<routing::full_mesh>();
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

  using flat = Hydra<routing::full_mesh, trusts::rings, scheduling::nearest>;
  STATIC_REQUIRE(Described<flat>);
  STATIC_REQUIRE(Described<Hydra<>>);
  STATIC_REQUIRE(Described<Hydra<any_scheduler>>);
  check_one<flat>();
}
