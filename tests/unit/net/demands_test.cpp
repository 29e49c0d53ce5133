// What a node says of itself, what its users demand of others, and that neither is lost.
#include "../../catch.hpp"
#include "../../folder.hpp"

#include <node/config.hpp>
#include <node/demands.hpp>
#include <node/state.hpp>

#include <hydra/core/geo.hpp>

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace hydra;
using namespace hydra::node;
using nlohmann::json;
using std::string;

namespace {

demands all_of_them() {
  demands d;
  d.memory_mb = 4'000'000'000U;
  d.price_max = 10;
  d.minor_min = 2;
  d.minor_max = 7;
  d.within_km = 500;
  d.near = {-39, 9, 64};
  d.regions = 0x06;
  return d;
}

string wrong(json const& said) {
  auto const made = demands_of(said);
  return made ? "" : made.why();
}

// What older versions of this program wrote.
constexpr char const* layout_1 = R"(
create table meta(name text primary key, value text not null) without rowid;
create table jobs(nonce integer primary key, service text not null,
  state text not null, input text not null, input_bytes integer not null,
  output_bytes_max integer not null, output text not null, output_bytes integer not null,
  by text not null, detail text not null, submitted_ms integer not null,
  ended_ms integer not null, work_ms integer not null, patience_ms integer not null);
insert into jobs values(7, 'text.sort/1', 'submitted', 'aa', 3, 100, '', 0, '', '', 5, 0, 60, 90);
pragma user_version = 1;
)";
constexpr char const* layout_2 = R"(
create table meta(name text primary key, value text not null) without rowid;
create table jobs(nonce integer primary key, service text not null,
  state text not null, input text not null, input_bytes integer not null,
  output_bytes_max integer not null, output text not null, output_bytes integer not null,
  by text not null, detail text not null, submitted_ms integer not null,
  ended_ms integer not null, work_ms integer not null, patience_ms integer not null,
  holder text not null default '', how text not null default '',
  how_bytes integer not null default 0);
insert into jobs values(7, 'text.sort/1', 'submitted', 'aa', 3, 100, '', 0, '', '', 5, 0, 60, 90,
  'somebody', 'bb', 4);
pragma user_version = 2;
)";

void write_database(string const& path, char const* text) {
  sqlite3* made = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &made) == SQLITE_OK);
  CHECK(sqlite3_exec(made, text, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(made);
}

}  // namespace

TEST_CASE("a node says of itself what hydra.toml says, and nothing where it says nothing") {
  folder const here;
  auto const first = here.file("first");
  REQUIRE(make_config(first));
  auto const fresh = load_config(first);
  REQUIRE(fresh);
  CHECK_FALSE(fresh.value().under);
  auto const good = load_config(here.file("a", "[conditions]\nmemory_mb = 4096\nprice = 3\n"
                                               "region = \"europe\"\n"));
  REQUIRE(good);
  auto const& u = good.value().under;
  CHECK(u == conditions{.memory_mb = 4096, .price = 3, .minor = 0, .region = 0x04});
}

TEST_CASE("a mistake in what a node says of itself is told with its place and what is allowed") {
  struct mistake {
    string line;
    string told;
  };
  auto const m = GENERATE(values<mistake>(
      {{"memory_mb = -1", ":2:13: -1 is not allowed; allowed: a whole number from 0 to 4294967295"},
       {"memory_mb = 4294967296", "from 0 to 4294967295"},
       {"memory_mb = \"4 GB\"", ":2:13: \"4 GB\" is not allowed; allowed: a whole number"},
       {"price = 0.5", ":2:9: 0.5 is not allowed; allowed: a whole number"},
       {"region = \"eurpe\"",
        ":2:10: \"eurpe\" is not allowed; did you mean \"europe\"? allowed: africa, asia, europe, "
        "north_america, oceania, south_america"},
       {"region = 3", ":2:10: 3 is not allowed; allowed: africa"},
       {"memry_mb = 3",
        ":2:1: [conditions] has no key \"memry_mb\"; did you mean \"memory_mb\"?"}}));
  folder const here;
  auto const bad = load_config(here.file("a", "[conditions]\n" + m.line + "\n"));
  REQUIRE_FALSE(bad);
  INFO(bad.why());
  CHECK(bad.why().find(m.told) != string::npos);
}

TEST_CASE("demands go through JSON and are told in words") {
  CHECK(json_of({}) == json::object());
  CHECK(words_of({}).empty());
  auto const d = all_of_them();
  auto const back = demands_of(json_of(d));
  REQUIRE(back);
  auto far = d;
  far.near = {};  // the node that is asked puts its own place there
  CHECK(back.value() == far);
  CHECK(words_of(d) == "memory of 4000000000 MB, price of at most 10, minor version 2 to 7, region "
                       "asia or europe, within 500 km");
  CHECK(words_of({.minor_min = 3}) == "minor version 3 or later");
  CHECK(words_of({.minor_max = 3}) == "minor version 3 or earlier");
  CHECK(words_of({.minor_min = 3, .minor_max = 3}) == "minor version 3");
  CHECK(words_of({.price_max = 0}) == "price of at most 0");
}

TEST_CASE("a demand that makes no sense is refused with its value and what is allowed") {
  CHECK(wrong({{"memory_mb", -1}}) ==
        "memory_mb: -1 is not allowed; allowed: a whole number from 0 to 4294967295");
  CHECK(wrong({{"memory_mb", 1e99}}).starts_with("memory_mb: 1e+99 is not allowed"));
  CHECK(wrong({{"price_max", "10"}}).starts_with("price_max: \"10\" is not allowed"));
  CHECK(wrong({{"minor_min", 65536}}).ends_with("from 0 to 65535"));
  CHECK(wrong({{"within_km", 20001}}).ends_with("from 0 to 20000"));
  CHECK(wrong({{"minor_min", 3}, {"minor_max", 2}}) ==
        "minor_min: 3 is above minor_max: 2; no version is both");
  CHECK(wrong({{"regions", {"asia", "europ"}}}) ==
        "regions: \"europ\" is no region; did you mean \"europe\"? allowed: africa, asia, europe, "
        "north_america, oceania, south_america");
  for (auto const& odd : {json{}, json::array(), json{7}}) {
    CHECK_FALSE(wrong({{"regions", odd}}).empty());
  }
  CHECK(wrong({{"memry_mb", 1}})
            .starts_with("\"memry_mb\" is no demand; did you mean \"memory_mb\"? allowed: "));
  CHECK_FALSE(wrong(json::array()).empty());
  CHECK_FALSE(wrong(json{}).empty());
}

TEST_CASE("names of regions make a mask, in whatever order") {
  auto const two = regions_of("europe,asia");
  REQUIRE(two);
  CHECK(two.value() == (region_bit("asia") | region_bit("europe")));
  CHECK(region_bit("atlantis") == 0);
  for (auto const* odd : {"", ",", "asia,", ",asia", "asia, europe", "Asia"}) {
    CHECK_FALSE(regions_of(odd));
  }
}

TEST_CASE("the demands of a job are there after the file was closed") {
  folder const here;
  auto const path = here.file("state.sqlite");
  job_row row;
  row.nonce = 3;
  row.service = "text.sort/1";
  row.of_provider = all_of_them();
  {
    auto const made = state::open(path);
    REQUIRE(made);
    REQUIRE(made.value()->put(row));
    auto plain = row;
    plain.nonce = 4;
    plain.of_provider = {};
    REQUIRE(made.value()->put(plain));
  }
  auto const again = state::open(path);
  REQUIRE(again);
  auto const found = again.value()->job(3);
  REQUIRE(found);
  CHECK(found->of_provider == all_of_them());
  CHECK_FALSE(again.value()->job(4).value_or(row).of_provider);
}

TEST_CASE("the file of an older version is opened; its jobs demand nothing") {
  folder const here;
  auto const second = GENERATE(false, true);
  auto const path = here.file("state.sqlite");
  write_database(path, second ? layout_2 : layout_1);
  for (int life = 0; life < 2; ++life) {
    auto const made = state::open(path);
    REQUIRE(made);
    auto old = made.value()->job(7);
    REQUIRE(old);
    CHECK(old->service == "text.sort/1");
    CHECK(old->patience_ms == 90);
    CHECK(old->how_bytes == (second ? 4 : 0));
    CHECK(old->holder == (second ? "somebody" : ""));
    CHECK_FALSE(old->of_provider);
    old->nonce = 8;
    old->of_provider = all_of_them();
    REQUIRE(made.value()->put(*old));
    CHECK(made.value()->job(8).value_or(job_row{}).of_provider == all_of_them());
  }
  write_database(path, "pragma user_version = 4");
  auto const later = state::open(path);
  REQUIRE_FALSE(later);
  CHECK(later.why().find("a later version") != string::npos);
}
