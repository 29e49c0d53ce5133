// Hydras with identities: they find each other through one they know, over TLS, do jobs whose
// records are signed with Ed25519, and learn how far it is to whom they met.
#include "../../catch.hpp"
#include "tls_peers.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/net/emulated_link.hpp>
#include <hydra/proximity/blend.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <optional>

using namespace hydra;

namespace {

using measuring = proximity::blend<>;
using over_tls = Hydra<trusts::open, verify::none, measuring>;

constexpr std::size_t heads = 6;  // all know the first; only the last performs the service
constexpr std::uint64_t jobs = 10;

// What reaches head i takes so long: a round trip is the sum of both ends' at least.
constexpr duration last_mile(std::size_t i) { return 4ms + static_cast<int>(i) * 2ms; }

struct crowd {
  key const what = service_key("double", 1);
  std::array<std::unique_ptr<net::emulated_link>, heads> links;  // or none
  std::array<std::unique_ptr<net::runtime<over_tls>>, heads> machines;
  std::atomic<std::size_t> completed = 0, failed = 0;

  explicit crowd(bool apart = false) {
    wire::contact first;
    for (std::size_t i = 0; i < heads; ++i) {
      auto& m = machines[i];
      auto settings = test::as(static_cast<std::uint8_t>(10 + i));
      if (apart) links[i] = std::make_unique<net::emulated_link>(
          link_settings{.latency = last_mile(i)}, 1);
      settings.between = links[i].get();
      m = std::make_unique<net::runtime<over_tls>>(settings);
      m->on_emit([this](auto const& fact) {
        if constexpr (requires { fact.how == ending::completed; }) {
          ++(fact.how == ending::completed ? completed : failed);
        }
      });
      m->on_build([this, i, first](net::head<over_tls>& h) {
        hydra_settings s;
        if (i + 1 == heads) s.offers.push_back(h.know<service>(what));
        if (i != 0) s.contacts.push_back(h.know(first));
        s.power.cores = 2;
        routing::kademlia_settings k;
        k.tick = 200ms;
        k.republish = 500ms;
        routing::capability<> const ring{};
        auto const x = static_cast<std::int8_t>(30 + i);
        measuring const far{proximity::geographic{{.own = {x, 9, 51}, .disclose = true}},
                            proximity::vivaldi<>{{.eager_period = 200ms, .period = 200ms}}};
        return over_tls{s, routing::ring_and_keys{routing::kademlia<8>{k}, ring}, far};
      });
      m->offer(what, [](task const& t) {
        auto out = t.input;
        out.words[0] *= 2;
        return std::optional{out};
      });
      REQUIRE(m->start().ok());
      if (i == 0) first = m->contact();
    }
  }
  void submit_from(std::size_t i, std::uint64_t number) {
    auto& m = *machines[i];
    job j;
    j.id = {m.know_hydra(test::who(static_cast<std::uint8_t>(10 + i)).id()), number};
    j.what = m.know_service(what);
    j.work = 2ms;
    j.patience = 10s;
    j.input.size = 8;
    j.input.words[0] = number;
    m.tell(submit{j});
  }
  [[nodiscard]] measuring proximity_of(std::size_t i) {
    return machines[i]->inspect([](net::head<over_tls>& h) { return h.node().proximity(); });
  }
};

}  // namespace

TEST_CASE("Hydras with identities find a service through others and do jobs") {
  crowd all;
  net::asio::io_context io;
  net::asio::steady_timer{io, std::chrono::milliseconds{1500}}.wait();
  for (std::uint64_t n = 0; n < jobs; ++n) all.submit_from(1 + n % 4, n);
  test::eventually([&] { return all.completed + all.failed == jobs; });
  CHECK(all.completed == jobs);
  CHECK(all.failed == 0);
  std::uint64_t bad = 0;
  for (auto const& m : all.machines) {
    auto const c = m->counters();
    bad += c.bad_handshakes + c.bad_hellos + c.bad_frames + c.bad_messages;
  }
  CHECK(bad == 0);
  // The worker hears the owner's word of the last job after the owner's user does.
  auto const receipts = [&] {
    std::size_t both = 0;
    all.machines[heads - 1]->inspect([&](net::head<over_tls>& h) {
      h.recall_all<receipt>([&](std::uint64_t, receipt const& r) {
        both += r.by_owner != signature{} && r.by_executor != signature{} ? 1 : 0;
      });
    });
    return both;
  };
  test::eventually([&] { return receipts() == jobs; });
  CHECK(receipts() == jobs);
  for (auto const& m : all.machines) m->kill();
}

TEST_CASE("Hydras that did jobs over TLS know how far it is to whom they met") {
  crowd all{true};
  net::asio::io_context io;
  net::asio::steady_timer{io, std::chrono::milliseconds{1500}}.wait();
  std::uint64_t asked = 0;
  auto const each_submits = [&] {
    for (std::size_t i = 1; i <= 4; ++i) all.submit_from(i, asked++);
    return test::eventually([&] { return all.completed + all.failed == asked; });
  };
  CHECK(each_submits());
  CHECK(test::eventually([&] {  // it probes for the coordinates of whom it measured
    for (std::size_t i = 1; i <= 4; ++i) {
      if (all.proximity_of(i).second().where().error > proximity::error_one / 2) return false;
    }
    return true;
  }));
  CHECK(each_submits());
  CHECK(all.completed == asked);
  auto const worker = all.machines[heads - 1]->contact();
  proximity::vivaldi<> const fresh{};
  for (std::size_t i = 1; i <= 4; ++i) {
    CAPTURE(i);
    auto const far = all.proximity_of(i);
    auto const who = all.machines[i]->know(worker);
    auto const least = last_mile(i) + last_mile(heads - 1);
    CHECK(far.measured(who));
    CHECK(far.estimate(who, {}) >= least - 10us);  // of whole microseconds, smoothed
    CHECK(far.estimate(who, {}) < proximity::round_trip_max);
    CHECK(far.second().where().axes != fresh.where().axes);
    CHECK(far.second().predict(who, {}) > duration{});
    CHECK(far.errors()[0] != measuring::one / 2);  // each part was judged by what came
    CHECK(far.errors()[1] != measuring::one / 2);
  }
  // Who never asked for anything knows those who asked it where they are.
  auto const its = all.proximity_of(heads - 1);
  CHECK(its.second().neighbours() > 0);
  CHECK(its.second().where().axes != fresh.where().axes);
  CHECK(its.errors()[1] == measuring::one / 2);
  for (auto const& m : all.machines) m->kill();
}
