#include "../catch.hpp"
#include "../fuzz/scenario_fuzz.cpp"

#include <hydra/sim/run.hpp>
#include <hydra/sim/scenario.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace hydra;
using namespace hydra::sim;
using std::string;

loaded_scenario parse(string const& text, std::vector<override_setting> const& o = {}) {
  return parse_scenario(text, "s.toml", o);
}
string with(string const& text) { return "purpose = \"x\"\n" + text; }
string only_error(loaded_scenario const& l) {
  REQUIRE(l.errors.size() == 1);
  return l.errors[0].str();
}
bool says(string const& text, string const& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != string::npos;
}

}  // namespace

TEST_CASE("a purpose alone makes a scenario of defaults") {
  auto const l = parse(with(""));
  CHECK(l.ok());
  CHECK(l.warnings.empty());
  CHECK(l.value.hydras == 100);
  CHECK(l.value.duration == 10min);
}

TEST_CASE("without a purpose there is no scenario") {
  CHECK(says(only_error(parse("hydras = 5\n[services]\nproviders = 5\n")),
             "s.toml:1:1: purpose is missing"));
}

TEST_CASE("durations are exact integers of nanoseconds") {
  auto const read = [](char const* text) {
    string error;
    auto const d = parse_duration(text, error);
    return error.empty() ? d.count() : -1;
  };
  CHECK(read("40 s") == 40'000'000'000);
  CHECK(read("40s") == 40'000'000'000);
  CHECK(read("1.5 ms") == 1'500'000);
  CHECK(read("0.1 us") == 100);
  CHECK(read("1.000000001 s") == 1'000'000'001);
  CHECK(read("5 min") == 300'000'000'000);
  CHECK(read("2 d") == 172'800'000'000'000);
  CHECK(read("1_000 ns") == 1'000);
  CHECK(read("0.1 ns") == -1);
  CHECK(read("-1 s") == -1);
  CHECK(read("1e3 s") == -1);
  CHECK(read("40") == -1);
  CHECK(read("40 S") == -1);
  CHECK(read("1..5 s") == -1);
  CHECK(read("400000 d") == -1);
  CHECK(read("99999999999999999999 s") == -1);
  for (auto text : {"0 s", "1 ns", "1500 us", "90 s", "5 min", "36 h", "3 d"}) {
    string error;
    CHECK(duration_text(parse_duration(text, error)) == text);
  }
}

TEST_CASE("ratios are ratios of integers however they are written") {
  auto const read = [](string const& value) {
    auto const l = parse(with("[churn]\nshare = " + value + "\n"));
    return l.ok() ? l.value.churn.share : ratio{7, 7};
  };
  CHECK(read("\"1/100\"") == ratio{1, 100});
  CHECK(read("\"1 %\"") == ratio{1, 100});
  CHECK(read("0.01") == ratio{1, 100});
  CHECK(read("\"62.5 %\"") == ratio{5, 8});
  CHECK(read("1") == ratio{1, 1});
  CHECK(read("0.1") == ratio{1, 10});
  for (auto wrong : {"1.5", "\"3/2\"", "\"1/0\"", "\"101 %\"", "-1", "nan", "true", "\"half\"",
                     "[1]", "\"1/99999999999\""})
    CHECK(read(wrong) == ratio{7, 7});
}

TEST_CASE("an error names line, column, value, what is allowed and the nearest spelling") {
  CHECK(only_error(parse(with("[workload]\njbos = 3\n"))) ==
        "s.toml:3:1: unknown key \"jbos\" in [workload]; did you mean \"jobs\"? allowed: law, "
        "jobs, rate, service_time, service_law, service_time_most, local_share, start, "
        "stop_before_end, patience, input_bytes, input_mb, output_mb, holder, kinds, hops, spend, "
        "priorities, swf, swf_from, swf_for, swf_jobs, "
        "swf_pace, swf_work, swf_processors, swf_rows, swf_askers");
  CHECK(only_error(parse(with("  until = \"quite\"\n"))) ==
        "s.toml:2:11: until: \"quite\" is not allowed; did you mean \"quiet\"? allowed: end, "
        "quiet");
  CHECK(only_error(parse(with("hydras = 0\n"))) ==
        "s.toml:2:10: hydras: 0 is not allowed; allowed: a whole number from 1 to 10000000");
  CHECK(only_error(parse(with("duration = 40\n"))) ==
        "s.toml:2:12: duration: 40 has no unit; write a duration in quotes, like \"40 s\"; "
        "allowed: 1 ms to 3650 d");
  CHECK(says(only_error(parse(with("[wrkload]\njobs = 3\n"))),
             "s.toml:2:2: unknown section \"wrkload\"; did you mean \"workload\"?"));
  CHECK(says(only_error(parse(with("[world]\nproviders = 3\n"))),
             "did you mean \"services.providers\"?"));
  CHECK(says(only_error(parse(with("[[fault]]\nkind = \"partition\"\nfrom = \"europa\"\n"))),
             "s.toml:4:8: fault.1.from: \"europa\" is not a place; did you mean \"europe\"?"));
  CHECK(says(only_error(parse(with("[churn]\nshare = 1\nuptime = \"skype/uptime/weibul\"\n"))),
             "did you mean \"skype06/uptime/weibull\"?"));
  CHECK(says(only_error(parse("purpose = \n")), "s.toml:1:"));
}

TEST_CASE("all errors of a file are reported, in the order of the file") {
  auto const l = parse("hydrs = 1\npurpose = 3\n[workload]\njobs = \"many\"\nlaw = \"poison\"\n"
                       "[[fault]]\nkind = \"los\"\n[[fault]]\nchance = 2\n[foo]\n");
  std::vector<std::uint32_t> lines;
  for (auto const& e : l.errors) lines.push_back(e.line);
  CHECK(lines == std::vector<std::uint32_t>{1, 2, 4, 5, 7, 9, 10});
}

TEST_CASE("settings that contradict each other are errors where they stand") {
  CHECK(only_error(parse(with("hydras = 10\n[services]\nproviders = 11\n"))) ==
        "s.toml:4:13: 11 providers are more than 10 hydras");
  CHECK(says(only_error(parse(with("[world]\nfibre = \"50 %\"\n"))), "sum to 105 %"));
  CHECK(says(only_error(parse(with("[world]\nlatency = \"matrix\"\n"))), "s.toml:3:11:"));
  CHECK(says(only_error(parse(with("[workload]\nstop_before_end = \"10 min\"\n"))),
             "s.toml:3:19: no time is left for arrivals"));
  CHECK(says(only_error(parse(with("[workload]\njobs = 3\nrate = \"3 / s\"\n"))), "s.toml:4:8:"));
  CHECK(says(only_error(parse(with("[[fault]]\nkind = \"loss\"\n"))), "needs chance"));
  CHECK(only_error(parse(with("[workload]\noutput_mb = 1\n[compare]\nomniscient = true\n"))) ==
        "s.toml:5:14: the central scheduler moves no bytes "
        "(workload.input_mb, output_mb); leave it off here");
  CHECK(says(only_error(parse(with("[[composition]]\nwhole = 0\npart = 1\njoin = 2\nparts = 2\n"
                                   "[compare]\nomniscient = true\n"))),
             "knows no divided jobs"));
  CHECK(says(only_error(parse(with("[[fault]]\nkind = \"restart\"\nby = \"3 s\"\n"))),
             "s.toml:4:6: by means nothing for kind = \"restart\""));
  CHECK(says(only_error(parse(with("[[fault]]\nkind = \"restart\"\nfrom = \"peer 100\"\n"))),
             "allowed: 0 to 99"));
  CHECK(says(only_error(parse("purpose = \"x\"\nname = \"../etc\"\n")), "is not a name"));
}

TEST_CASE("groups: cities that are there, names of their own, holders that exist") {
  auto const group = [](std::string const& name, std::string const& city) {
    return "[[group]]\nname = \"" + name + "\"\ncity = \"" + city + "\"\ncount = 1\n";
  };
  CHECK(parse(with(group("a", "Berlin") + group("b", "Sydney"))).ok());
  CHECK(only_error(parse(with(group("a", "Berlin") + group("b", "Nowhereville")))) ==
        "s.toml:8:8: there is no city \"Nowhereville\" of 15,000 inhabitants or more");
  CHECK(says(only_error(parse(with(group("a", "Berlin") + group("a", "Paris")))),
             "s.toml:7:8: group \"a\" is there twice"));
  CHECK(says(only_error(parse(with("[workload]\ninput_mb = 3\n"))),
             "s.toml:3:12: input_mb needs workload.holder"));
  CHECK(says(only_error(parse(with("[workload]\ninput_mb = 3\nholder = \"b\"\n" +
                                   group("a", "Berlin")))),
             "no group \"b\"; allowed: \"a\""));
  CHECK(says(only_error(parse("purpose = \"one\\u001b[31m\"\n")), "control characters"));
}

TEST_CASE("what is allowed but odd is a warning") {
  auto const warns = [](string const& text) {
    auto const l = parse(with(text));
    REQUIRE(l.ok());
    REQUIRE(l.warnings.size() == 1);
    return l.warnings[0].str();
  };
  CHECK(says(warns("[workload]\njobs = 10_000\n"), "expected load is 7.02"));
  CHECK(says(warns("[[fault]]\nkind = \"partition\"\nat = \"11 min\"\n"), "s.toml:4:6:"));
  CHECK(says(warns("[[fault]]\nkind = \"partition\"\nat = \"9 min\"\nfor = \"5 min\"\n"),
             "lasts until 4 min after the end"));
  CHECK(says(warns("[expect]\njobs_at_least = 5_000\n"), "1000 are expected to arrive"));
  CHECK(says(warns("[services]\ncount = 500\n"), "served by nobody"));
  CHECK(says(warns("[verify]\non = false\n[compare]\nunverified = true\n"),
             "both runs are the same"));
}

TEST_CASE("set reaches every key by its dotted path and names itself in errors") {
  auto const text = with("[[fault]]\nname = \"cut\"\nkind = \"partition\"\n");
  auto const l = parse(text, {{"routing.alpha", "5", ""},
                              {"duration", "90 s", ""},
                              {"verify.on", "false", ""},
                              {"world.latency", "constant", ""},
                              {"compare.alone", "true", ""},
                              {"fault.cut.at", "5 s", ""},
                              {"fault.1.for", "7 s", ""},
                              {"seed", "42", "--seed 42"}});
  REQUIRE(l.ok());
  CHECK(l.value.routing.alpha == 5);
  CHECK(l.value.duration == 90s);
  CHECK_FALSE(l.value.verify.on);
  CHECK(l.value.world.latency == latency_from::constant);
  CHECK(l.value.compare.alone);
  CHECK_FALSE(l.value.compare.unverified);
  CHECK(l.value.faults[0].at == 5s);
  CHECK(l.value.faults[0].lasts == 7s);
  CHECK(l.value.seed == 42);

  auto const wrong = [&](string const& key, string const& value) {
    return only_error(parse(text, {{key, value, ""}}));
  };
  CHECK(says(wrong("routing.q", "3"), "--set routing.q=3: unknown key \"q\" in [routing]"));
  CHECK(says(wrong("world.hydras", "3"), "hydras stands before all sections (--set hydras=...)"));
  CHECK(says(wrong("routng.k", "3"), "did you mean \"routing\"?"));
  CHECK(says(wrong("routing.alpha", "many"), "allowed: a whole number from 1 to"));
  CHECK(says(wrong("fault.2.at", "3 s"), "no fault \"2\""));
  CHECK(says(wrong("fault", "3 s"), "or fault.N.key"));
  CHECK(says(wrong("hydrass", "3"), "did you mean \"hydras\"?"));
}

TEST_CASE("written settings parse to the same scenario; the hash sees all but the seed") {
  auto const l = parse(with("[workload]\nrate = \"3 / min\"\n"
                            "[[fault]]\nkind = \"lie\"\non = \"3 s\"\n"
                            "[[fault]]\nkind = \"partition\"\nfrom = \"asia, europe\"\n"));
  REQUIRE(l.ok());
  auto const again = parse(settings_text(l.value));
  REQUIRE(again.ok());
  CHECK(settings_text(again.value) == settings_text(l.value));

  auto other = l.value;
  other.seed = 99;
  CHECK(settings_hash(other) == settings_hash(l.value));
  other.faults[1].symmetric = true;
  CHECK(settings_hash(other) != settings_hash(l.value));
}

TEST_CASE("a key without end is refused before it is followed") {
  string key = "a";
  for (int i = 0; i < 40'000; ++i) key += ".a";
  CHECK(says(only_error(parse("purpose = \"x\"\n" + key + " = 1\n")), "s.toml:2:1:"));
  CHECK(says(only_error(parse("purpose = \"x\"\n[" + key + "]\n")), "s.toml:2:1:"));
}

TEST_CASE("a matrix of delays must be a regular file") {
  for (string const file : {"/dev/zero", "nowhere.csv", "."}) {
    auto const text = with("[world]\nlatency = \"matrix\"\nmatrix = \"" + file + "\"\n");
    CHECK(says(only_error(parse(text)), "s.toml:4:10:"));
  }
}

TEST_CASE("every committed scenario is without error or warning and says its purpose") {
  std::size_t seen = 0;
  for (auto const& each :
       std::filesystem::directory_iterator{string{HYDRA_SOURCE_DIR} + "/sim/scenarios"}) {
    if (each.path().extension() != ".toml") continue;
    auto const l = load_scenario(each.path().string());
    INFO(each.path().string());
    for (auto const& p : l.errors) FAIL_CHECK(p.str());
    CHECK(l.value.name == each.path().stem().string());
    if (l.value.name == "clogged") {  // clogged on purpose, and lint says so
      REQUIRE(l.warnings.size() == 1);
      CHECK(l.warnings[0].text.find("they cannot keep up") != string::npos);
    } else {
      for (auto const& p : l.warnings) FAIL_CHECK(p.str());
      CHECK(expected_load(l.value) < 0.95);
    }
    CHECK(expected_load(l.value) < 1.2);
    ++seen;
  }
  CHECK(seen >= 5);
}

TEST_CASE("planet asks for what the issue demands") {
  auto const l = load_scenario(string{HYDRA_SOURCE_DIR} + "/sim/scenarios/planet.toml");
  REQUIRE(l.ok());
  auto const& s = l.value;
  CHECK(s.hydras == 10'000);
  CHECK(s.duration == 1h);
  CHECK(expected_jobs(s) >= 60'000);
  CHECK(s.churn.share == ratio{1, 2});
  CHECK(s.workload.stop_before_end == 200s);
  CHECK(s.expect.events_at_least == 15'000'000);
  CHECK(expected_load(s) > 0.6);
  CHECK(expected_load(s) < 0.7);
}

TEST_CASE("a missed floor is said with both numbers") {
  auto const l = parse(with("[expect]\ncompleted = \"97 %\"\nevents_at_least = 100\n"));
  REQUIRE(l.ok());
  run_result r;
  r.jobs = {100, 96, 4, 0, 0};
  r.events = 100;
  auto const missed = missed_floors(l.value, r);
  REQUIRE(missed.size() == 1);
  CHECK(missed[0].what == "completed / submitted is 0.96, expected at least 0.97");
}

TEST_CASE("the nearest spelling swaps, drops and adds letters but does not guess wildly") {
  std::vector<std::string_view> const words{"jobs", "rate", "patience"};
  CHECK(nearest_spelling("jbos", words) == "jobs");
  CHECK(nearest_spelling("patince", words) == "patience");
  CHECK(nearest_spelling("rates", words) == "rate");
  CHECK(nearest_spelling("zzzz", words).empty());
  CHECK(nearest_spelling("", words).empty());
}

TEST_CASE("hostile scenario texts are refused, not fatal") {
  std::size_t seen = 0;
  for (auto const& each : std::filesystem::directory_iterator{string{HYDRA_SOURCE_DIR} +
                                                              "/tests/fuzz/corpus/scenario"}) {
    std::ifstream in{each.path(), std::ios::binary};
    string const text{std::istreambuf_iterator<char>{in}, {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(text.data()), text.size());
    ++seen;
  }
  CHECK(seen >= 20);
}

TEST_CASE("who calls out only is said for the population and for a group, and hashes stay") {
  auto const plain = parse(with(""));
  CHECK(settings_text(plain.value).find("calls_out_only") == string::npos);
  CHECK(settings_text(plain.value).find("nat_hold") == string::npos);

  auto const group = "[[group]]\nname = \"g\"\ncity = \"Berlin\"\n";
  auto const town = parse(with(group));
  REQUIRE(town.ok());
  CHECK(settings_text(town.value).find("calls_out_only") == string::npos);

  auto const l = parse(with("[world]\ncalls_out_only = \"90 %\"\nnat_hold = \"5 min\"\n" +
                            string{group} + "calls_out_only = true\n"));
  REQUIRE(l.ok());
  CHECK(l.warnings.empty());
  auto const share = l.value.world.calls_out_only;
  CHECK(share.part * 10 == share.whole * 9);
  CHECK(l.value.world.nat_hold == 5min);
  CHECK(l.value.groups[0].calls_out_only);
  auto const again = parse(settings_text(l.value));
  REQUIRE(again.ok());
  CHECK(again.value.groups[0].calls_out_only);
  CHECK(settings_hash(again.value) == settings_hash(l.value));
  CHECK(settings_hash(l.value) != settings_hash(town.value));
}

TEST_CASE("lint knows what a head behind a NAT cannot do") {
  auto const warning = [](string const& text) {
    auto const l = parse(with(text));
    CHECK(l.ok());
    REQUIRE(l.warnings.size() == 1);
    return l.warnings[0].str();
  };
  CHECK(says(warning("[world]\nnat_hold = \"5 min\"\n"), "s.toml:3:12: nat_hold is not read"));
  CHECK(says(warning("[world]\ncalls_out_only = \"1\"\nnat_hold = \"5 s\"\n"),
             "not above the period of progress"));
  string const group = "[[group]]\nname = \"g\"\ncity = \"Berlin\"\ncalls_out_only = true\n";
  CHECK(says(warning(group + "offers = \"1\"\n"), "what it offers is not published"));
  CHECK(says(warning("[workload]\ninput_mb = 5\nholder = \"g\"\n" + group),
             "nobody can fetch what it holds"));
  CHECK(says(only_error(parse(with("[world]\ncalls_out_only = \"110 %\"\n"))),
             "world.calls_out_only"));
}

TEST_CASE("lint knows what a routing policy does not read, and what it cannot begin with") {
  for (string const name : {"chord", "pastry", "capability", "indices", "small_world", "flood",
                            "walk", "full_mesh"}) {
    auto const l = parse(with("[routing]\nalpha = 2\n[policy]\nrouting = \"" + name + "\"\n"));
    CHECK(l.ok());
    auto const told = std::any_of(l.warnings.begin(), l.warnings.end(), [](auto const& w) {
      return says(w.str(), "s.toml:3:9: routing.alpha is not read");
    });
    CHECK(told);
  }
  for (string const name : {"kademlia", "ring_first", "ring_and_keys"}) {
    auto const l = parse(with("[routing]\nalpha = 2\n[policy]\nrouting = \"" + name + "\"\n"));
    CHECK(l.warnings.empty());
  }
  string const late = "[routing]\nrepublish = \"2 h\"\nexpire = \"1 h\"\n[policy]\nrouting = ";
  CHECK(says(only_error(parse(with(late + "\"chord\"\n"))), "less than expire"));
  CHECK(says(only_error(parse(with("[routing]\nrepublish = \"60 s\"\n"))), "61 s"));
  CHECK(says(only_error(parse(with("[routing]\nexpire = \"25 h\"\n"))), "24 h"));
  auto const ring = parse(with(late + "\"capability\"\n"));
  REQUIRE(ring.warnings.size() == 1);
  CHECK(says(ring.warnings[0].str(), "routing.republish is not read"));
  string const direct = "[routing]\ntables = \"direct\"\n[policy]\nrouting = ";
  CHECK(says(only_error(parse(with(direct + "\"capability\"\n"))), "nobody would know anybody"));
  CHECK(says(only_error(parse(with(direct + "\"indices\"\n"))), "indices has no tables"));
  CHECK(parse(with(direct + "\"chord\"\n")).ok());
  CHECK(parse(with(direct + "\"flood\"\n")).ok());
  auto const flood = parse(with("[routing]\ntimeout = \"1 s\"\n[policy]\nrouting = \"flood\"\n"));
  REQUIRE(flood.warnings.size() == 1);
  CHECK(says(flood.warnings[0].str(), "routing.timeout is not read"));
}

TEST_CASE("demands and conditions are read, written and hashed, and silence changes no hash") {
  auto const plain = parse(with(""));
  CHECK(settings_text(plain.value).find("demands") == string::npos);
  CHECK(settings_text(plain.value).find("conditions") == string::npos);
  auto const l = parse(with(
      "[conditions]\nmemory_mb_most = 4096\nprice_least = 2\nprice_most = 9\n"
      "[demands]\nshare = \"50 %\"\nmemory_mb = 1024\nprice_max = 5\nregions = \"europe, asia\"\n"
      "[[group]]\nname = \"g\"\ncity = \"Berlin\"\noffers = \"1\"\nmemory_mb = 512\n"));
  for (auto const& e : l.errors) FAIL_CHECK(e.str());
  REQUIRE(l.ok());
  CHECK(l.warnings.empty());
  CHECK(l.value.demands.price_max == 5);
  CHECK(l.value.demands.regions.regions == 0b110);
  CHECK(l.value.groups[0].memory_mb == 512);
  auto const again = parse(settings_text(l.value));
  REQUIRE(again.ok());
  CHECK(again.value.demands == l.value.demands);
  CHECK(again.value.conditions == l.value.conditions);
  CHECK(settings_hash(again.value) == settings_hash(l.value));
  CHECK(settings_hash(l.value) != settings_hash(plain.value));
}

TEST_CASE("lint knows which demands contradict each other, and which nobody meets") {
  auto const refused = [](string const& text) { return only_error(parse(with(text))); };
  auto const warned = [](string const& text) {
    auto const l = parse(with(text));
    REQUIRE(l.warnings.size() == 1);
    return l.warnings[0].str();
  };
  CHECK(says(refused("[conditions]\nprice_least = 3\n"), "price_most 0 is below price_least 3"));
  CHECK(says(refused("[demands]\nown_region = true\nregions = \"asia\"\n"), "allowed: one"));
  CHECK(says(refused("[demands]\nregions = \"providers\"\n"), "allowed: any, or with commas"));
  CHECK(says(refused("[demands]\nregions = \"erope\"\n"), "did you mean \"europe\"?"));
  CHECK(says(refused("[demands]\nminor_min = 3\nminor_max = 2\n"
                     "[conditions]\nminor_most = 9\n"),
             "minor_max 2 is below minor_min 3"));
  CHECK(says(refused("[demands]\nmemory_mb = -1\n"), "s.toml:3:13"));
  CHECK(says(refused("[demands]\nown_region = true\n[compare]\nomniscient = true\n"),
             "knows no demands"));
  CHECK(says(warned("[demands]\nmemory_mb = 8\n"), "nobody has more than 0"));
  CHECK(says(warned("[demands]\nshare = \"5 %\"\n"), "nothing is demanded"));
  CHECK(says(warned("[demands]\nshare = \"0\"\nown_region = true\n"), "no job demands anything"));
  CHECK(says(warned("[demands]\nprice_max = 1\n[conditions]\nprice_least = 2\nprice_most = 3\n"),
             "below what anybody asks"));
  CHECK(says(warned("[demands]\nwithin_km = 500\n[policy]\nproximity = \"uniform\"\n"),
             "nobody says"));
}
