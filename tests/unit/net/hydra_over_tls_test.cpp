// Ready-made Hydras with identities: they find each other through one they know, over TLS, and do
// jobs whose records are signed with Ed25519.
#include "../../catch.hpp"
#include "tls_peers.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/trust/open.hpp>
#include <hydra/verify/none.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <optional>

using namespace hydra;

namespace {

using over_tls = Hydra<trusts::open, verify::none>;

constexpr std::size_t heads = 6;  // all know the first; only the last performs the service
constexpr std::uint64_t jobs = 10;

struct crowd {
  key const what = service_key("double", 1);
  std::array<std::unique_ptr<net::runtime<over_tls>>, heads> machines;
  std::atomic<std::size_t> completed = 0, failed = 0;

  crowd() {
    wire::contact first;
    for (std::size_t i = 0; i < heads; ++i) {
      auto& m = machines[i];
      m = std::make_unique<net::runtime<over_tls>>(
          test::as(static_cast<std::uint8_t>(10 + i)));
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
        return over_tls{s, routing::ring_and_keys{routing::kademlia<8>{k}, ring}};
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
  std::size_t receipts = 0;
  all.machines[heads - 1]->inspect([&](net::head<over_tls>& h) {
    h.recall_all<receipt>([&](std::uint64_t, receipt const& r) {
      receipts += r.by_owner != signature{} && r.by_executor != signature{} ? 1 : 0;
    });
  });
  CHECK(receipts == jobs);
  for (auto const& m : all.machines) m->kill();
}
