// vcpkg.json and conanfile.py against what CMake looks for: a package that is added in one place
// only is found here, without a network.
#include "../catch.hpp"
#include "command.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

using nlohmann::json;
using std::string;
namespace fs = std::filesystem;

string const root = HYDRA_SOURCE_DIR;

string text_of(fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::set<string> all_of(string const& text, std::regex const& what) {
  std::set<string> out;
  for (std::sregex_iterator each{text.begin(), text.end(), what}, end; each != end; ++each)
    out.insert((*each)[1]);
  return out;
}

// What a package of CMake's is called elsewhere.
struct elsewhere {
  string vcpkg, conan;
};
std::map<string, elsewhere> const& known() {
  static std::map<string, elsewhere> const all{
      {"Boost", {"boost-asio", "boost"}},
      {"Boost serialization", {"boost-serialization", "boost"}},
      {"CLI11", {"cli11", "cli11"}},
      {"Catch2", {"catch2", "catch2"}},
      {"Eigen3", {"eigen3", "eigen"}},
      {"OpenSSL", {"openssl", "openssl"}},
      {"SQLite3", {"sqlite3", "sqlite3"}},
      {"ZLIB", {"zlib", "zlib"}},
      {"benchmark", {"benchmark", "benchmark"}},
      {"fmt", {"fmt", "fmt"}},
      {"nlohmann_json", {"nlohmann-json", "nlohmann_json"}},
      {"range-v3", {"range-v3", "range-v3"}},
      {"tomlplusplus", {"tomlplusplus", "tomlplusplus"}},
  };
  return all;
}

// Names of the packages that the build looks for; a component of Boost is one of its own.
std::set<string> wanted() {
  static std::regex const found{R"(find_package\((\S+)[^)]*\))"};
  static std::regex const parts{R"(find_package\(Boost[^)]*COMPONENTS ([a-z_ ]+))"};
  static std::regex const word{R"(([a-z_]+))"};
  std::set<string> out;
  for (auto const* folder : {".", "sim", "cli", "cli/node", "tests", "bench"}) {
    auto const text = text_of(fs::path{root} / folder / "CMakeLists.txt");
    out.merge(all_of(text, found));
    for (auto const& list : all_of(text, parts))
      for (auto const& each : all_of(list, word)) out.insert("Boost " + each);
  }
  out.erase("Threads");  // comes with the compiler
  return out;
}

}  // namespace

TEST_CASE("vcpkg.json has only keys of its format and names every package of the build") {
  auto const manifest = json::parse(text_of(root + "/vcpkg.json"));
  std::set<string> const keys{"name",         "version-semver",   "description",      "license",
                              "supports",     "builtin-baseline", "default-features", "features",
                              "dependencies", "homepage",         "overrides"};
  for (auto const& [key, value] : manifest.items()) CHECK(keys.contains(key));
  static std::regex const identifier{"[a-z0-9]+(-[a-z0-9]+)*"};
  auto const baseline = manifest.at("builtin-baseline").get<string>();
  CHECK(std::regex_match(baseline, std::regex{"[0-9a-f]{40}"}));
  std::set<string> named;
  for (auto const& [name, feature] : manifest.at("features").items()) {
    INFO(name);
    CHECK(std::regex_match(name, identifier));
    CHECK(feature.at("description").is_string());
    CHECK(feature.size() == 2);
    for (auto const& each : feature.at("dependencies")) {
      auto const what = each.is_string() ? each.get<string>() : each.at("name").get<string>();
      CHECK(std::regex_match(what, identifier));
      if (what != "hydra") named.insert(what);
      if (!each.is_object()) continue;
      for (auto const& [key, value] : each.items())
        CHECK((key == "name" || key == "version>=" || key == "features"));
    }
  }
  for (auto const& each : manifest.at("default-features"))
    CHECK(manifest.at("features").contains(each.get<string>()));
  std::set<string> expected;
  for (auto const& name : wanted()) {
    INFO(name << ": say in this test what vcpkg calls it");
    REQUIRE(known().contains(name));
    expected.insert(known().at(name).vcpkg);
  }
  CHECK(named == expected);
}

TEST_CASE("conanfile.py names every package of the build, in one version each, and compiles") {
  auto const recipe = text_of(root + "/conanfile.py");
  std::set<string> expected;
  for (auto const& name : wanted()) {
    REQUIRE(known().contains(name));
    expected.insert(known().at(name).conan);
  }
  CHECK(all_of(recipe, std::regex{R"re(requires\("([^/"]+)/[0-9][0-9.]*"\))re"}) == expected);
  if (command::missing("python3")) return;
  auto const said = command::run_line(
      "python3 -c 'import py_compile, sys, tempfile\n"
      "with tempfile.NamedTemporaryFile() as f:\n"
      "  py_compile.compile(sys.argv[1], cfile=f.name, doraise=True)' '" +
      root + "/conanfile.py' 2>&1");
  INFO(said.out);
  CHECK(said.code == 0);
}

TEST_CASE("every file that says Hydra's version says the same") {
  auto const cmake = all_of(text_of(root + "/CMakeLists.txt"),
                            std::regex{R"(project\(hydra VERSION ([0-9.]+))"});
  REQUIRE(cmake.size() == 1);
  CHECK(json::parse(text_of(root + "/vcpkg.json")).at("version-semver") == *cmake.begin());
  CHECK(all_of(text_of(root + "/conanfile.py"), std::regex{R"re(version = "([^"]+)")re"}) == cmake);
  CHECK(all_of(text_of(root + "/CITATION.cff"), std::regex{R"(\nversion: (\S+))"}) == cmake);
}
