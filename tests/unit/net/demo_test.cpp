// What the demo draws, and the files and checks that it stands on.
#include "../../catch.hpp"
#include "../../folder.hpp"

#include <node/config.hpp>
#include <node/demo_cast.hpp>
#include <node/links.hpp>
#include <node/receipts.hpp>

#include <hydra/proximity/geographic.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

using namespace hydra;
using namespace hydra::node;
using std::string;

namespace {

}  // namespace

TEST_CASE("the same seed gives the same cast, another one another") {
  std::set<string> homes;
  std::set<std::size_t> victims;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto const a = draw_cast(seed);
    auto const b = draw_cast(seed);
    REQUIRE(a.all.size() == demo_cast::size);
    CHECK(a.victims == b.victims);
    CHECK(a.lies_salt == b.lies_salt);
    CHECK(a.all[2].name != a.all[3].name);
    for (auto const v : a.victims) {
      CHECK(v != demo_cast::phone);
      CHECK(v != demo_cast::desktop);
      CHECK(v != demo_cast::holder);
      CHECK(v != demo_cast::stranger);
    }
    CHECK(a.lies_tenths < 10);  // not always
    CHECK(a.lies_tenths > 0);
    homes.insert(a.all[0].city);
    victims.insert(a.victims.front());
  }
  CHECK(homes.size() > 2);
  CHECK(victims.size() == 4);
}

TEST_CASE("distances are the same both ways, and the desktop is nearest to the phone") {
  auto const cast = draw_cast(3);
  for (std::size_t i = 0; i < demo_cast::size; ++i) {
    for (std::size_t j = 0; j < demo_cast::size; ++j) {
      if (i != j) CHECK(cast.delay(i, j) == cast.delay(j, i));
    }
  }
  for (std::size_t const other : {2U, 3U, 4U}) {
    CHECK(cast.delay(demo_cast::phone, demo_cast::desktop) <
          cast.delay(demo_cast::phone, other));
  }
}

TEST_CASE("a place becomes a cell; half a place is a mistake") {
  auto const berlin = cell_at(52.52, 13.40);
  auto const lisbon = cell_at(38.72, -9.14);
  auto const km = proximity::metres_between(berlin, lisbon) / 1000;
  CHECK(km > 2150);
  CHECK(km < 2500);
  folder const here;
  auto const good = load_config(here.file("a", "[place]\nlatitude = 52.5\nlongitude = 13\n"
                                               "[verify]\nfriends = 0.25\n"
                                               "[work]\nlease = \"8 s\"\n"));
  REQUIRE(good);
  CHECK(good.value().place.said());
  CHECK_FALSE(good.value().disclose_place);
  CHECK(good.value().check_friends == ratio{2500, 10'000});
  CHECK(good.value().lease == 8s);
  auto const half = load_config(here.file("b", "[place]\nlatitude = 52.5\n"));
  REQUIRE_FALSE(half);
  CHECK(half.why().find("both, or none") != string::npos);
  auto const far = load_config(here.file("c", "[verify]\nfriends = 1.5\n"));
  REQUIRE_FALSE(far);
  CHECK(far.why().find(":2:") != string::npos);
  CHECK(far.why().find("from 0 to 1") != string::npos);
}

TEST_CASE("links.toml says what arrives how late, and every mistake with its place") {
  folder const here;
  string const who(64, 'a');
  auto const text = "latency = \"20 ms\"\nloss = 0.01\n[[link]]\nfrom = \"" + who +
                    "\"\nlatency = \"90 ms\"\n";
  auto const good = load_links(here.file("a", text));
  REQUIRE(good);
  CHECK(good.value().all.latency == 20ms);
  REQUIRE(good.value().some.size() == 1);
  CHECK(good.value().some[0].link.latency == 90ms);
  CHECK(good.value().some[0].link.loss == good.value().all.loss);  // of all, where it says nothing
  auto const bad = load_links(here.file("b", "latency = 20\n[[link]]\nfrom = \"me\"\n"));
  REQUIRE_FALSE(bad);
  CHECK(bad.why().find(":1:") != string::npos);
  CHECK(bad.why().find("64 hex digits") != string::npos);
  CHECK_FALSE(imitated_links::of(here.file("c", "speed = 1\n")));
  auto const none = imitated_links::of(here.file("not-there"));
  REQUIRE(none);
  CHECK(none.value() == nullptr);
}

TEST_CASE("a receipt that went through JSON is checked against public keys alone") {
  auto const executor = net::identity::generate();
  auto const owner = net::identity::generate();
  open_receipt r;
  r.network = 7;
  r.executor = executor.id();
  r.owner = r.job_owner = owner.id();
  r.service = service_key("render.movie.part", 1);
  r.record.lease = r.service;
  r.record.of.nonce = 42;
  r.record.used.cpu = 3s;
  auto const told = receipt_of(json_of(r));
  REQUIRE(told);
  CHECK(json_of(told.value()) == json_of(r));
  std::array const known{executor.raw(), owner.raw()};
  CHECK_FALSE(check_receipt(told.value(), known).by_executor);  // nobody has signed yet
  auto broken = json_of(r);
  broken["lease"] = "12";
  CHECK_FALSE(receipt_of(broken));
  CHECK(part_number(r, r) == -1);
}
