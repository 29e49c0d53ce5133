// Every routing policy on the real transport: the same types that the simulator runs find what a
// head far along a chain of acquaintances performs, over TLS; with membership policies whose view
// is the ring.
#include "../../catch.hpp"
#include "tls_peers.hpp"

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/one_of.hpp>
#include <hydra/assembly/over.hpp>
#include <hydra/membership/swim.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/routing/flood.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/ring_and_keys.hpp>
#include <hydra/routing/small_world.hpp>
#include <hydra/routing/walk.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

using namespace hydra;
using namespace hydra::routing;

namespace {

struct watcher {
  std::uint32_t found_in_time = 0;
  void asked(want const&) {}
  void answered(found const& f, duration took) {
    found_in_time += !f.among.empty() && took < 10s ? 1U : 0U;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& found_in_time;
  }
};
using indices = capability<routing_index<>>;
using over_a_view = over<membership::plumtree<>, capability<>>;
using over_swim = over<membership::swim<>, capability<>>;
using ring_then_keys = observe<cached<ring_first>, watcher>;
using any_of_them = one_of<kademlia<8>, chord<8>, pastry<>, small_world, flood<64>, walk<32>,
                           full_mesh, capability<>, indices, over_a_view, over_swim,
                           ring_then_keys, ring_and_keys>;
using head_of_it = alone<any_of_them>;

constexpr std::size_t heads = 6;

any_of_them policy_named(std::string const& name) {
  capability_settings const quick{.tick = 100ms, .renew = 500ms, .digest_life = 5s};
  // All heads of this test are in one netgroup.
  membership::hyparview<> const view{{.cycle = 300ms, .probe = 500ms, .group_max = 0}};
  if (name == "kademlia") return kademlia<8>{};
  if (name == "four paths") return kademlia<8>{{.disjoint_paths = 4}};
  if (name == "chord") return chord<8>{{.stabilise = 100ms}};
  if (name == "chord, recursive") {
    return chord<8>{{.stabilise = 100ms, .style = forwarding::recursive}};
  }
  if (name == "pastry") return pastry<>{};
  if (name == "pastry, iterative") return pastry<>{{.iterative = true}};
  if (name == "full mesh") return full_mesh{};
  if (name == "small world") return small_world{};
  if (name == "flood") return flood<64>{};
  if (name == "walk") return walk<32>{};
  if (name == "filters") return capability<>{quick};
  if (name == "indices") return indices{quick};
  if (name == "over plumtree") {
    return over_a_view{membership::plumtree<>{{}, view}, capability<>{quick}};
  }
  if (name == "over swim") return over_swim{membership::swim<>{}, capability<>{quick}};
  ring_first const both{capability<>{quick}, kademlia<8>{}};
  if (name == "ring, then keys, remembered") return ring_then_keys{cached<ring_first>{both}};
  return ring_and_keys{kademlia<8>{}, capability<>{quick}};
}

struct crowd {
  key const what = service_key("double", 1);
  std::array<std::unique_ptr<net::runtime<head_of_it>>, heads> machines;
  std::atomic<std::size_t> found_somebody = 0, found_nobody = 0;

  // Each knows the one before it; head 1 and the last know each other through the others only.
  explicit crowd(std::string const& name) {
    std::vector<wire::contact> known;
    for (std::size_t i = 0; i < heads; ++i) {
      auto& m = machines[i];
      m = std::make_unique<net::runtime<head_of_it>>(test::as(static_cast<std::uint8_t>(30 + i)));
      m->on_emit([this](auto const& fact) {
        if constexpr (requires { fact.among; fact.via; }) {
          ++(fact.among.empty() ? found_nobody : found_somebody);
        }
      });
      m->on_build([&, i](net::head<head_of_it>& h) {
        bounded_vector<peer, 16> contacts;
        if (i > 0) contacts.push_back(h.know(known[i - 1]));
        if (i > 2) contacts.push_back(h.know(known[0]));
        return head_of_it{policy_named(name), contacts};
      });
      REQUIRE(m->start().ok());
      known.push_back(m->contact());
    }
  }
  ~crowd() {
    for (auto const& m : machines) m->kill();
  }
  void publish(std::size_t i) {
    provider_record r;
    r.what = machines[i]->know_service(what);
    machines[i]->tell(announce{r});
  }
  void find(std::size_t i) {
    machines[i]->tell(look_for{{machines[i]->know_service(what), 1, {}, {}}});
  }
};

}  // namespace

TEST_CASE("every routing policy finds a service through others over TLS") {
  auto const name =
      GENERATE(as<std::string>{}, "kademlia", "four paths", "chord", "chord, recursive", "pastry",
               "pastry, iterative", "small world", "flood", "walk", "full mesh", "filters",
               "indices", "over plumtree", "over swim", "ring, then keys, remembered",
               "ring and keys");
  CAPTURE(name);
  crowd all{name};
  net::asio::io_context io;
  auto const pause = [&](int ms) {
    net::asio::steady_timer{io, std::chrono::milliseconds{ms}}.wait();
  };
  pause(700);
  all.publish(name == "full mesh" ? heads - 2 : heads - 3);  // which asks whom it knows itself
  // What is asked too early may find nobody: a user asks again.
  std::size_t asked = 0;
  for (int round = 0; round < 12 && all.found_somebody < 2; ++round) {
    pause(400);
    all.find(heads - 1);
    ++asked;
    test::eventually([&] { return all.found_somebody + all.found_nobody >= asked; });
  }
  CHECK(all.found_somebody >= 2);
  std::uint64_t bad = 0;
  for (auto const& m : all.machines) {
    auto const c = m->counters();
    bad += c.bad_handshakes + c.bad_hellos + c.bad_frames + c.bad_messages;
  }
  CHECK(bad == 0);
}
